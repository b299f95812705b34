//! Policy tests: every test with its cases becomes requests with expectations.

use std::collections::HashMap;

use context_mesh_core::{artifact::tables::Layer, cause::Cause};

use super::requests::{Resolver, World, overlay};
use super::{ENTERPRISE, Request};
use crate::{
    read::document::{Expect, ListKind, Policy, PolicyTest, Test},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::{Span, Spanned},
    },
};

/// Returns the causes of denials other than rules.
pub fn other_causes() -> impl Iterator<Item = &'static str> {
    Cause::OTHERS.into_iter().map(Cause::as_str)
}

/// A request with its expectations.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// `document/test`, or `document/test/case`.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// The request.
    pub request: Request,
    /// The expectations.
    pub expect: Expect,
}

/// Returns the full names of all rules in the documents, including those with errors.
pub(super) fn rule_names(policies: &[Policy]) -> Vec<String> {
    let mut names = Vec::new();
    for policy in policies {
        let owner = policy.metadata.domain.as_ref().map_or(ENTERPRISE, |domain| domain.value.as_str());
        let own = policy.metadata.name.as_ref().map_or("", |name| name.value.as_str());
        let rules = policy.rules.iter().filter_map(|rule| rule.name.as_ref());
        names.extend(rules.map(|rule| format!("{owner}/{own}/{}", rule.value)));
    }
    names.sort_unstable();
    names
}

/// Adds the names of the rules of a policy that no document has.
pub(super) fn add_names(names: &mut Vec<String>, policy: &super::Policy) {
    names.extend(policy.rules.iter().map(|rule| rule.name.clone()));
    names.sort_unstable();
}

/// Checks the tests. `rules` are the names of all rules. Tests with errors are left out.
pub(super) fn check(
    documents: &[PolicyTest],
    rules: &[String],
    world: &World<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<TestCase> {
    let mut cases = Vec::new();
    for document in documents {
        let own_name = document.metadata.name.as_ref().map_or("", |name| name.value.as_str());
        let mut checker = Checker { rules, world, document, diagnostics, cases: &mut cases };
        checker.unique(&document.tests);
        for test in &document.tests {
            checker.test(own_name, test);
        }
    }
    cases
}

struct Checker<'c, 'w> {
    rules: &'c [String],
    world: &'c World<'w>,
    document: &'c PolicyTest,
    diagnostics: &'c mut Diagnostics,
    cases: &'c mut Vec<TestCase>,
}

impl Checker<'_, '_> {
    fn unique(&mut self, tests: &[Test]) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for name in tests.iter().filter_map(|test| test.name.as_ref()) {
            if let Some(first) = seen.insert(&name.value, name.span) {
                let message = format!("two tests have the name `{}`", name.value);
                let problem = Diagnostic::error(code::DUPLICATE_NAME, name.span, message);
                self.diagnostics.push(problem.label(first, "the first one").help("results are reported by this name"));
            }
        }
    }

    /// Checks a test. One with a table of cases is a test of its own only if it has expectations.
    fn test(&mut self, prefix: &str, test: &Test) {
        let name = format!("{prefix}/{}", test.name.as_ref().map_or("", |name| name.value.as_str()));
        self.unique(&test.cases);
        if let Some(expect) = &test.expect {
            self.expectations(expect);
        }
        if test.expect.is_some() || test.cases.is_empty() {
            self.case(name.clone(), test, test, test.expect.as_ref());
        }
        for case in &test.cases {
            if let Some(expect) = &case.expect {
                self.expectations(expect);
            }
            let own = case.name.as_ref().map_or("", |name| name.value.as_str());
            self.case(format!("{name}/{own}"), case, test, case.expect.as_ref().or(test.expect.as_ref()));
        }
    }

    fn case(&mut self, name: String, case: &Test, test: &Test, expect: Option<&Expect>) {
        let Some(expect) = expect else {
            let problem = Diagnostic::error(code::MISSING_KEY, case.span, "the test expects nothing");
            self.diagnostics.push(problem.help("add `expect`, for example `expect: {decision: allow}`"));
            return;
        };
        let given = overlay(&case.given, &test.given);
        let (fixtures, now_ms) = (Some(&self.document.fixtures), self.document.now_ms);
        let mut resolver = Resolver { world: self.world, fixtures, now_ms, diagnostics: self.diagnostics };
        if let Some(request) = resolver.request(&given, case.span) {
            self.cases.push(TestCase { name, span: case.span, request, expect: expect.clone() });
        }
    }

    fn expectations(&mut self, expect: &Expect) {
        if let Some(rule) = &expect.rule {
            self.rule(rule, &other_causes().collect::<Vec<_>>());
        }
        for (kind, names) in &expect.lists {
            names.value.iter().for_each(|name| self.listed(*kind, name));
        }
        let fields = expect.context.iter().map(|(name, _)| name).chain(&expect.absent);
        for field in fields {
            self.diagnostics.extend(self.world.unknown_field(field));
        }
    }

    fn listed(&mut self, kind: ListKind, name: &Spanned<String>) {
        if kind == ListKind::Shadow {
            // Shadow allow rules report the denial that they would cause.
            let allow_rules = [Layer::Enterprise, Layer::Domain].map(|layer| Cause::NotAllowed(layer).as_str());
            self.rule(name, &allow_rules);
        } else if kind.names_rules() {
            self.rule(name, &[]);
        } else {
            self.diagnostics.extend(self.world.unknown_field(name));
        }
    }

    fn rule(&mut self, name: &Spanned<String>, others: &[&str]) {
        if self.rules.binary_search(&name.value).is_ok() || others.contains(&name.value.as_str()) {
            return;
        }
        let problem =
            Diagnostic::error(code::UNKNOWN_RULE, name.span, format!("no policy has the rule `{}`", name.value));
        let known = self.rules.iter().map(String::as_str).chain(others.iter().copied());
        self.diagnostics.push(problem.maybe_help(near::suggestion(&name.value, known)));
    }
}
