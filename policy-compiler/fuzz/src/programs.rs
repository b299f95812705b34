//! Generates artifacts of plausible shape from bytes: programs that verify, and rules that refer to them.

use context_mesh_core::artifact::tables::{
    Effect, Layer, MaskMethod, OnError, OnInvalid, OnMismatch, Reply, RuleTable, Tables,
};
use context_mesh_core::index::{ProgramIndex, RuleIndex};
use context_mesh_core::testing::add_program;
use context_mesh_core::testing::programs::{Numbers, count, program};

use crate::tables;

/// Generates an artifact that verifies, whatever the numbers are.
pub fn artifact(numbers: &mut Numbers<'_>) -> Tables {
    let mut tables = tables::tables().clone();
    for _ in 0..=numbers.below(4) {
        let code = program(numbers, &tables);
        let index = add_program(&mut tables, &code);
        if numbers.below(2) == 1 {
            tables.program.variables.push(index);
        }
    }
    let programs = count(&tables.program.programs);
    for _ in 0..numbers.below(6) {
        let rule = rule(numbers, programs);
        add_rule(numbers, &mut tables, rule);
    }
    let mesh = &mut tables.mesh;
    if numbers.chance(4) {
        mesh.caller_mismatch = OnMismatch::Deny;
    }
    if numbers.chance(4) {
        mesh.on_invalid = OnInvalid::Deny;
    }
    mesh.require_peer = !numbers.chance(4);
    tables
}

fn rule(numbers: &mut Numbers<'_>, programs: u32) -> RuleTable {
    const FIELDS: &[&str] = &["tenant", "user", "n", "flags", "limits", "any", "b", "d"];
    let fields = |numbers: &mut Numbers<'_>| -> Vec<String> {
        (0..=numbers.below(3)).map(|_| numbers.one_of(FIELDS).to_owned()).collect()
    };
    let reply = Reply { status: 403, grpc_status: 7, message: "no".to_owned() };
    let effect = match numbers.below(9) {
        0 => Effect::Deny(reply),
        1 => Effect::Allow,
        2 => Effect::Require { fields: fields(numbers), reply },
        3 => Effect::Redact { fields: fields(numbers) },
        4 => Effect::Audit,
        5 => {
            let fields = (0..=numbers.below(2)).map(|_| numbers.one_of(&["tenant", "user", "flags"]).to_owned());
            let fields = fields.collect();
            let keep = MaskMethod::KeepLast(numbers.below(4) as u16);
            Effect::Mask { fields, method: numbers.one_of(&[keep, MaskMethod::Hash, MaskMethod::Pseudonym]) }
        }
        _ => Effect::Set {
            fields: fields(numbers).into_iter().map(|field| (field, ProgramIndex(numbers.below(programs)))).collect(),
        },
    };
    RuleTable {
        name: "shop/p/r".to_owned(),
        layer: if numbers.below(2) == 0 { Layer::Domain } else { Layer::Enterprise },
        condition: (numbers.below(3) > 0).then(|| ProgramIndex(numbers.below(programs))),
        on_error: if numbers.below(2) == 0 { OnError::Deny } else { OnError::Ignore },
        shadow: numbers.chance(5),
        effect,
        place: "p.yaml:1".to_owned(),
    }
}

/// Adds the rule, and applies it somewhere.
fn add_rule(numbers: &mut Numbers<'_>, tables: &mut Tables, rule: RuleTable) {
    let index = count(&tables.rules);
    tables.rules.push(rule);
    let place = numbers.below(16);
    for (service, bit) in tables.services.iter_mut().zip([1, 2, 4]) {
        if place & bit == 0 {
            service.entry.inbound.push(RuleIndex(index));
        }
        if place & 8 == 0 {
            service.entry.outbound.push(RuleIndex(index));
        }
    }
    if place & 6 == 0 {
        tables.unlisted.inbound.push(RuleIndex(index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use context_mesh_core::artifact::{encode, load};

    #[test]
    fn whatever_the_numbers_are_the_artifact_verifies() {
        for seed in 0_u32..300 {
            let byte =
                |i: u32| (seed.wrapping_add(1).wrapping_mul(i.wrapping_add(7)).wrapping_mul(2_654_435_761) >> 11) as u8;
            let bytes: Vec<u8> = (0..seed * 2).map(byte).collect();
            let tables = artifact(&mut Numbers::new(&bytes));
            let loaded = load(&encode(&tables).unwrap());
            assert!(loaded.is_ok(), "{seed}: {}", loaded.unwrap_err());
        }
    }
}
