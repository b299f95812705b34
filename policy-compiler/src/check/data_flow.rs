//! Data flow of `set`: the fields that a value is derived from, and whether its target is protected as they are.
//!
//! Guardrails refer to kinds of data (`redact: {classification: [pii]}`) and to residency. A `set` that copies a field
//! into one of another kind would bypass them under another name.
//!
//! What only decides about a value is not part of it: `context.user_id == 'x' ? 'a' : 'b'` is derived from nothing, and
//! so is every comparison and test. Everything else counts, including a hash or a size, because it reveals something of
//! its source.

use std::collections::BTreeSet;

use context_mesh_core::artifact::tables::{Attribute, Classification, FieldTable};

use crate::expression::ir::{LoopResult, Node};

/// Returns the fields that the value of an expression is derived from, sorted by name. `variables` holds the same for
/// each variable, by its number.
pub(crate) fn fields_of(node: &Node, variables: &[BTreeSet<String>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(node, variables, &mut found);
    found
}

fn collect(node: &Node, variables: &[BTreeSet<String>], found: &mut BTreeSet<String>) {
    match node {
        Node::Attribute(Attribute::Field(name, _)) | Node::OptionalAttribute(Attribute::Field(name, _)) => {
            found.insert(name.clone());
        }
        Node::Variable(number) => {
            found.extend(number.get(variables).into_iter().flatten().cloned());
        }
        Node::Has(_)
        | Node::All(_)
        | Node::Any(_)
        | Node::Not(_)
        | Node::Compare(..)
        | Node::In(_)
        | Node::Text(..)
        | Node::Matches(..)
        | Node::HasMember(..) => {}
        Node::If(parts) => {
            let [_, then, otherwise] = &**parts;
            collect(then, variables, found);
            collect(otherwise, variables, found);
        }
        Node::Loop(of) if !makes_values(&of.result) => {}
        other => other.children().into_iter().for_each(|child| collect(child, variables, found)),
    }
}

const fn makes_values<E>(result: &LoopResult<E>) -> bool {
    matches!(result, LoopResult::List(_) | LoopResult::Map(_) | LoopResult::Entries(_))
}

/// Returns the protection that a value of `source` would lose as a value of `target`, or `None` if `target` is
/// protected as well as `source`.
pub(crate) fn lost_protection(source: &FieldTable, target: &FieldTable) -> Option<String> {
    use Classification::{Confidential, Financial, Internal, Phi, Pii, Public};
    let kept = match source.classification {
        Public | Internal => true,
        Confidential => !matches!(target.classification, Public | Internal),
        Pii | Phi | Financial => target.classification == source.classification,
    };
    if !kept {
        let (source_class, target_class) = (source.classification.name(), target.classification.name());
        return Some(format!("it is classified as `{source_class}`, and `{}` as `{target_class}`", target.name));
    }
    let bound = |region: &String| source.residency.contains(region);
    let stays = source.residency.is_empty() || (!target.residency.is_empty() && target.residency.iter().all(bound));
    (!stays).then(|| {
        format!("it may be sent to {} only, and `{}` is not bound to that", source.residency.join(", "), target.name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use context_mesh_core::artifact::tables::{FieldType, Scalar};

    use crate::expression::cel::{Environment, Expected, check};
    use crate::expression::codegen::lower;

    #[test]
    fn what_is_part_of_a_value() {
        let names = ["user", "tier", "flags", "claims"];
        let types = [
            FieldType::One(Scalar::String),
            FieldType::One(Scalar::String),
            FieldType::List(Scalar::String),
            FieldType::One(Scalar::Any),
        ];
        let environment = Environment::new(names.map(str::to_owned).into_iter().zip(types));
        for (text, expected) in [
            ("context.user", "user"),
            ("context.user + context.tier", "tier user"),
            ("context.user == 'a' ? 'x' : 'y'", ""),
            ("context.user == 'a' ? context.tier : 'y'", "tier"),
            ("has(context.user) ? context.user : 'nobody'", "user"),
            ("context.user.upperAscii().substring(1)", "user"),
            ("hash(context.user)", "user"),
            ("context.?user.orValue('nobody')", "user"),
            ("context.flags.map(f, f + context.user)", "flags user"),
            ("context.flags.exists(f, f == context.user)", ""),
            ("context.user in context.flags", ""),
            ("context.claims.sub", "claims"),
            ("[context.user, 'b'].join('-')", "user"),
            ("cel.bind(u, context.user, u + u)", "user"),
            ("request.path", ""),
        ] {
            let typed =
                check(&environment, text, Expected::Any).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            let found: Vec<String> = fields_of(&lower(&typed).root, &[]).into_iter().collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_field_must_be_protected_as_what_it_is_made_of() {
        use Classification::{Confidential, Financial, Internal, Phi, Pii, Public};
        for (source, target, kept) in [
            (Public, Public, true),
            (Internal, Public, true),
            (Confidential, Internal, false),
            (Confidential, Confidential, true),
            (Confidential, Pii, true),
            (Pii, Internal, false),
            (Pii, Confidential, false),
            (Pii, Phi, false),
            (Pii, Pii, true),
            (Financial, Financial, true),
        ] {
            let of = |classification| FieldTable { classification, ..FieldTable::default() };
            assert_eq!(lost_protection(&of(source), &of(target)).is_none(), kept, "{source:?} {target:?}");
        }
        for (source, target, kept) in [
            (vec![], vec![], true),
            (vec!["eu"], vec![], false),
            (vec!["eu"], vec!["eu"], true),
            (vec!["eu", "us"], vec!["us"], true),
            (vec!["eu"], vec!["eu", "us"], false),
        ] {
            let of = |regions: &[&str]| FieldTable {
                residency: regions.iter().map(|region| (*region).to_owned()).collect(),
                ..FieldTable::default()
            };
            assert_eq!(lost_protection(&of(&source), &of(&target)).is_none(), kept, "{source:?} {target:?}");
        }
    }
}
