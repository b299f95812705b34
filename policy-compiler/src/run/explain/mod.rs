//! Explains conditions: every part of a condition, with its place in the text and its value.
//!
//! The parts are compiled as programs of a separate artifact, which is encoded, loaded and verified like any other. The
//! same machine runs them under the snapshot that the rules saw, so a part has the same value as in the filter. The
//! operands of `&&`, `||`, `!` and `?:` are parts; the body of a macro is not split.

mod build;
mod parts;
mod record;

use context_mesh_core::artifact::{VerifiedProgram, tables::Tables};

use crate::{check::model::Model, expression::codegen::load_programs, pack::artifact::PackError};

pub use parts::{Kind, Part, Read};
pub use record::{PartValue, ReadValue, Recorder, RuleRun, Seen};

/// The parts of all conditions of a tree.
#[derive(Debug)]
pub struct Explainer {
    program: VerifiedProgram,
    /// The parts of each rule, in the order of the artifact's rules.
    rules: Vec<RuleParts>,
}

/// The parts of one rule.
#[derive(Debug, Clone, Default)]
pub struct RuleParts {
    /// The parts of its condition; `None` for a rule without one.
    pub condition: Option<Part>,
    /// The fields that it sets, with their values.
    pub values: Vec<(String, Part)>,
}

impl Explainer {
    /// Compiles the parts of all rules of the tree from which these tables were compiled.
    ///
    /// # Errors
    /// The parts exceed a limit of the artifact's format, which can happen with many thousand rules.
    pub fn new(model: &Model, tables: &Tables) -> Result<Self, PackError> {
        let (builder, mut by_name) = build::all(model);
        let rules = tables.rules.iter().map(|rule| by_name.remove(rule.name.as_str()).unwrap_or_default()).collect();
        Ok(Self { program: load_programs(builder.finish_as_it_is())?, rules })
    }

    /// Returns the parts of each rule, in the order of the artifact's rules.
    pub fn rules(&self) -> &[RuleParts] {
        &self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compile::compile_with_model, report::source::Sources};

    /// Returns the parts of a condition that have no parts of their own.
    fn atoms(condition: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: m}}\n\
             spec: {{trustDomain: a.b, identity: '/ns/default/sa/{{service}}', domains: {{d: {{services: [s]}}}}}}\n---\n\
             apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: c}}\n\
             spec: {{fields: {{s: {{type: string}}, l: {{type: 'list<string>'}}, b: {{type: bool}}}}}}\n---\n\
             apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: p, domain: d}}\n\
             spec:\n  workloads: [s]\n  variables: [{{name: v, expression: context.b}}]\n\
             \x20 rules:\n    - name: r\n      deny: {{}}\n      when: |\n        {condition}\n"
        );
        let mut sources = Sources::new("t");
        sources.add("a.yaml", text);
        let (compiled, model) = compile_with_model(&sources).unwrap_or_else(|e| panic!("{}", e.to_text(&sources)));
        let explainer = Explainer::new(&model, &compiled.tables).unwrap();
        let condition = explainer.rules()[0].condition.as_ref().unwrap();
        condition
            .atoms()
            .iter()
            .map(|part| {
                let file = sources.file(part.span.file).unwrap();
                assert_eq!(&file.text()[part.span.range()], part.text, "the place of a part");
                part.text.clone()
            })
            .collect()
    }

    #[test]
    fn a_condition_is_taken_apart_down_to_what_is_not_made_of_parts() {
        let cases: [(&str, &[&str]); 10] = [
            ("context.b", &["context.b"]),
            ("!context.b", &["context.b"]),
            ("context.b && (context.s == 'é' || !variables.v)", &["context.b", "context.s == 'é'", "variables.v"]),
            ("context.b ? variables.v : context.s == 'x'", &["context.b", "variables.v", "context.s == 'x'"]),
            ("context.l.exists(x, x == 'a' && context.b)", &["context.l.exists(x, x == 'a' && context.b)"]),
            ("cel.bind(x, context.b, x && !x)", &["cel.bind(x, context.b, x && !x)"]),
            ("!(context.s in ['a', 'b'])", &["context.s in ['a', 'b']"]),
            ("has(context.s) && true", &["has(context.s)"]),
            ("[context.b && variables.v][0]", &["[context.b && variables.v][0]"]),
            ("1 == 1", &[]),
        ];
        for (condition, expected) in cases {
            assert_eq!(atoms(condition), expected, "{condition}");
        }
    }
}
