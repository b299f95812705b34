//! Builds the parts of all rules from the model. The model has been compiled, so the sources have no errors here. An
//! expression that fails the check nevertheless is left out.

use context_mesh_core::index::VariableIndex;
use std::collections::HashMap;

use super::{
    RuleParts,
    parts::{Part, Splitter},
};
use crate::{
    check::model::{Effect, Model, Policy, Rule},
    expression::{
        cel::{self, Environment, Expected, TypedExpr},
        codegen::Builder,
        codegen::lower,
    },
    read::document::Expression,
};

/// Returns the parts of all rules by the rules' names, and the programs of the parts.
pub(super) fn all(model: &Model) -> (Builder, HashMap<&str, RuleParts>) {
    let fields = model.fields.iter().map(|field| (field.table.name.clone(), field.table.value));
    let environment = Environment::new(fields)
        .with_claims(model.directory.claims.iter().cloned())
        .with_parameters(model.directory.parameters.iter().cloned());
    let mut builder =
        Builder::with_limits(model.fields.iter().map(|field| &field.table), model.mesh.header_value_bytes);
    let mut rules = HashMap::new();
    for policy in &model.policies {
        let mut scope =
            Scope { model, builder: &mut builder, environment: environment.clone(), variables: HashMap::new() };
        scope.declare(policy);
        rules.extend(policy.rules.iter().map(|rule| (rule.name.as_str(), scope.rule(rule))));
    }
    (builder, rules)
}

/// The names that the expressions of one policy can use.
struct Scope<'m, 'b> {
    model: &'m Model,
    builder: &'b mut Builder,
    environment: Environment,
    variables: HashMap<VariableIndex, Part>,
}

impl Scope<'_, '_> {
    fn declare(&mut self, policy: &Policy) {
        for variable in &policy.variables {
            let Ok(typed) = cel::check(&self.environment, &variable.expression.text, Expected::Any) else { continue };
            let Ok(index) = self.builder.variable(&lower(&typed)) else { continue };
            let part = self.split(&typed, &variable.expression);
            self.variables.insert(index, part);
            self.environment = self.environment.clone().with_variable(variable.name.clone(), typed.ty, index);
        }
    }

    fn rule(&mut self, rule: &Rule) -> RuleParts {
        let condition = rule.when.as_ref().and_then(|when| self.part(when, Expected::Bool));
        let Effect::Set(assignments) = &rule.effect else { return RuleParts { condition, values: Vec::new() } };
        let values = assignments.iter().filter_map(|(index, value)| {
            let field = &self.model.fields.get(*index)?.table;
            Some((field.name.clone(), self.part(value, Expected::Field(field.value))?))
        });
        let values = values.collect();
        RuleParts { condition, values }
    }

    fn part(&mut self, expression: &Expression, expected: Expected) -> Option<Part> {
        let typed = cel::check(&self.environment, &expression.text, expected).ok()?;
        Some(self.split(&typed, expression))
    }

    fn split(&mut self, typed: &TypedExpr, expression: &Expression) -> Part {
        Splitter { builder: self.builder, variables: &self.variables, expression }.part(typed)
    }
}
