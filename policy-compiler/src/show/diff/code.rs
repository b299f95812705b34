//! Programs in a form that can be compared across artifacts: variables are inlined, indices of pools are resolved.

use context_mesh_core::index::{self, ProgramIndex};
use context_mesh_core::{
    artifact::tables::Tables,
    limits::MAX_VARIABLE_DEPTH,
    vm::op::{Op, Operand},
};

use crate::expression::codegen::instruction;

/// Most instructions that are shown. Nested variables can make a program long.
const MAX_LINES: usize = 10_000;

/// Formats the instructions of a program, one a line, with variables inlined.
pub(super) fn text(tables: &Tables, program: ProgramIndex) -> String {
    let lines: Vec<String> = flat(tables, program, 0).into_iter().map(|line| line.text).collect();
    lines.join("\n")
}

struct Line {
    text: String,
}

/// Returns the lines, with the targets of jumps renumbered.
fn flat(tables: &Tables, program: ProgramIndex, depth: usize) -> Vec<Line> {
    let code = tables.program.code_of(program).unwrap_or_default();
    let mut blocks: Vec<Vec<Line>> = Vec::with_capacity(code.len());
    for word in code {
        let variable =
            Op::decode(*word).filter(|op| op.operand_kind() == Operand::Variable && depth <= MAX_VARIABLE_DEPTH);
        let inner = variable.and_then(|op| index::get(&tables.program.variables, op.operand()));
        let block = inner.map(|program| flat(tables, *program, depth + 1));
        blocks.push(block.unwrap_or_else(|| vec![Line { text: line(tables, *word) }]));
    }
    let lengths: Vec<usize> = blocks.iter().map(Vec::len).collect();
    let start = |index: usize| lengths.iter().take(index).sum::<usize>();
    let mut lines = Vec::new();
    for (index, (mut block, word)) in blocks.into_iter().zip(code).enumerate() {
        if let (Some(op), [line]) = (Op::decode(*word), block.as_mut_slice())
            && matches!(op.operand_kind(), Operand::Target | Operand::LoopTarget)
        {
            let target = usize::try_from(op.operand()).unwrap_or(usize::MAX);
            // As a distance, so that the same part of a longer program reads the same.
            let distance = start(target).abs_diff(start(index));
            line.text = format!("{} {distance}", op.mnemonic());
        }
        lines.append(&mut block);
        if lines.len() > MAX_LINES {
            break;
        }
    }
    lines
}

fn line(tables: &Tables, word: u32) -> String {
    match Op::decode(word) {
        Some(op) if op.operand_kind() == Operand::Regex => {
            let regex = index::get(&tables.regexes, op.operand());
            format!("{} {}", op.mnemonic(), fingerprint(regex.map_or(&[], Vec::as_slice)))
        }
        _ => instruction(&tables.program, word),
    }
}

/// Returns a short name for bytes that are not readable. Two different inputs collide once in 2^64. This is for readers
/// and does not protect against an adversary.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("regex:{hash:016x}")
}
