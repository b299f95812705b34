//! Variables of policies: their own, and those that the documents of one owner share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Context, Directory, Owner};
use crate::{
    expression::cel::is_identifier,
    read::document::{self, Expression},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// A named expression.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub expression: Expression,
}

/// The names of variables, and where they are declared.
pub(super) type Names = HashMap<String, Span>;

/// Most variables that the documents of one owner share.
const MAX_SHARED: usize = 256;

/// The variables that documents share, by their owner.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    owners: BTreeMap<Owner, OfOwner>,
}

#[derive(Debug, Clone, Default)]
struct OfOwner {
    names: Names,
    /// For each document, its variables.
    documents: Vec<Vec<Arc<Variable>>>,
}

impl Shared {
    /// Collects what the documents share. Names that clash are reported.
    pub(super) fn collect(
        policies: &[document::Policy],
        directory: &Directory,
        context: &Context<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut shared = Self::default();
        for policy in policies.iter().filter(|policy| !policy.shared.is_empty()) {
            // An unknown owner is reported where the policy itself is checked.
            let owner = directory.owner(&policy.metadata, context, &mut Diagnostics::new());
            let of_owner = shared.owners.entry(owner).or_default();
            let mut variables = Vec::with_capacity(policy.shared.len());
            for document::Variable { name, expression } in &policy.shared {
                check_name(name, diagnostics);
                match of_owner.names.get(&name.value) {
                    Some(first) => diagnostics.push(
                        Diagnostic::error(
                            code::DUPLICATE_NAME,
                            name.span,
                            format!("two shared variables have the name `{}`", name.value),
                        )
                        .label(*first, "the first one")
                        .help("all policies of the owner see both: give one of them another name"),
                    ),
                    None => _ = of_owner.names.insert(name.value.clone(), name.span),
                }
                if of_owner.names.len() > MAX_SHARED {
                    let message = format!("the documents of one owner share more than {MAX_SHARED} variables");
                    let problem = Diagnostic::error(code::ARTIFACT_LIMIT, name.span, message);
                    diagnostics.push(problem.help("declare them in the policies that use them"));
                    break;
                }
                variables.push(Arc::new(Variable { name: name.value.clone(), expression: expression.clone() }));
            }
            of_owner.documents.push(variables);
        }
        shared
    }

    /// Returns what each document of an owner shares, in the order of the documents.
    pub(crate) fn documents(&self, owner: Owner) -> &[Vec<Arc<Variable>>] {
        self.owners.get(&owner).map_or(&[], |of_owner| &of_owner.documents)
    }

    /// Returns the shared variables of an owner that texts mention, and those that these need, in their order.
    pub(super) fn mentioned(&self, owner: Owner, texts: Vec<&str>) -> Vec<Arc<Variable>> {
        let mut texts = texts;
        let mut found = Vec::new();
        // A variable can only use the ones before it.
        for variable in self.documents(owner).iter().flatten().rev() {
            if texts.iter().any(|text| text.contains(variable.name.as_str())) {
                texts.push(&variable.expression.text);
                found.push(variable.clone());
            }
        }
        found.reverse();
        found
    }

    /// Returns their names.
    pub(super) fn names(&self, owner: Owner) -> Option<&Names> {
        self.owners.get(&owner).map(|of_owner| &of_owner.names)
    }
}

/// Checks the variables of one policy. `shared` are the names that it sees already.
pub(super) fn own_variables(
    variables: Vec<document::Variable>,
    shared: Option<&Names>,
    diagnostics: &mut Diagnostics,
) -> Vec<Arc<Variable>> {
    let mut seen = Names::new();
    let mut checked = Vec::with_capacity(variables.len());
    for document::Variable { name, expression } in variables {
        check_name(&name, diagnostics);
        if let Some(first) = seen.insert(name.value.clone(), name.span) {
            let message = format!("the variable `{}` is declared twice", name.value);
            diagnostics.push(Diagnostic::error(code::DUPLICATE_NAME, name.span, message).label(first, "the first one"));
        } else if let Some(first) = shared.and_then(|shared| shared.get(&name.value)) {
            let message = format!("`{}` is the name of a shared variable already", name.value);
            let problem = Diagnostic::error(code::DUPLICATE_NAME, name.span, message);
            diagnostics
                .push(problem.label(*first, "the shared one").help("give it another name, or use the shared one"));
        }
        checked.push(Arc::new(Variable { name: name.value, expression }));
    }
    checked
}

fn check_name(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    if !is_identifier(&name.value) {
        let message = format!("`{}` is not the name of a variable", name.value);
        let problem = Diagnostic::error(code::INVALID_VALUE, name.span, message);
        diagnostics.push(problem.help("use letters, digits and `_`, not beginning with a digit"));
    }
}
