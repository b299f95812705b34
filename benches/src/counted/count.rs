//! Makes a module count its own instructions, in a global that it exports.
//!
//! The instructions between two branches run together or not at all, so their number is added at the end of each such
//! block. A copy or fill of memory counts as one instruction, whatever its size.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction, Module, ValType,
};
use wasmparser::{FunctionBody, Operator, Parser};

/// The name under which the global is exported.
pub(super) const EXPORT: &str = "instructions";

/// Returns the module with the counter.
pub(super) fn with_counter(code: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = Module::new();
    Counting { counter: 0 }.parse_core_module(&mut module, Parser::new(0), code)?;
    Ok(module.finish())
}

struct Counting {
    /// The index of the global, after the module's own.
    counter: u32,
}

impl Reencode for Counting {
    type Error = Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        self.counter = section.count();
        utils::parse_global_section(self, globals, section)?;
        let counter = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(counter, &ConstExpr::i64_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(EXPORT, ExportKind::Global, self.counter);
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        let mut count = 0;
        while !reader.eof() {
            let operator = reader.read()?;
            count += 1;
            if branches(&operator) {
                function.instruction(&Instruction::GlobalGet(self.counter));
                function.instruction(&Instruction::I64Const(count));
                function.instruction(&Instruction::I64Add);
                function.instruction(&Instruction::GlobalSet(self.counter));
                count = 0;
            }
            let instruction = self.instruction(operator)?;
            function.instruction(&instruction);
        }
        code.function(&function);
        Ok(())
    }
}

/// Returns whether another instruction than the next one may follow, or another than the last one may have come before.
fn branches(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
    )
}
