//! Expressions and their bytecode.

use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::index::{ProgramIndex, VariableIndex};

use super::lower;
use super::*;
use crate::expression::cel::{Environment, Expected, Type, check};
use crate::expression::ir::Ir;
use crate::report::diagnostic::code;

fn environment() -> Environment {
    let fields = [
        ("tenant_id", FieldType::One(Scalar::String)),
        ("flags", FieldType::List(Scalar::String)),
        ("claims", FieldType::One(Scalar::Any)),
        ("beta", FieldType::One(Scalar::Bool)),
    ];
    Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty)))
}

fn ir(environment: &Environment, text: &str) -> Ir {
    lower(&check(environment, text, Expected::Any).unwrap_or_else(|problems| panic!("{text}: {problems:?}")))
}

/// Returns the listing in one line, without the numbers.
fn compile(text: &str) -> String {
    let mut builder = Builder::new();
    let program = builder.condition(&ir(&environment(), text)).unwrap();
    let (table, _) = builder.finish();
    let lines = listing(&table, program);
    lines.lines().map(|line| line.get(6..).unwrap_or("")).collect::<Vec<_>>().join("; ")
}

#[test]
fn expressions_become_bytecode() {
    let cases = [
        ("context.tenant_id == 'a'", "attr context.tenant_id; const 'a'; eq"),
        ("has(context.tenant_id)", "has-attr context.tenant_id"),
        ("'x' in request.headers", "has-attr request.headers['x']"),
        ("context.tenant_id in ['b', 'a']", "attr context.tenant_id; const {'a', 'b'}; in"),
        ("1 in [1, 2]", "const true"),
        ("context.claims in [1, 2]", "attr context.claims; const [1, 2]; in"),
        ("context.claims == {'a': 1}", "attr context.claims; const {'a': 1}; eq"),
        ("context.claims == 'a' + 'b'", "attr context.claims; const 'ab'; eq"),
        ("context.flags.exists(f, f == 'x')", "const 'x'; attr context.flags; in"),
        (
            "context.flags.exists(f, f.size() > 2)",
            "attr context.flags; jump-if-not-iterable -> 13; iter-begin local 0; const false; iter-next local 0; pop-jump-if-false -> 13; load local 1; size; const 2; gt; or; jump-if-true -> 13; loop -> 4",
        ),
        (
            "context.flags.map(f, f + 'x')",
            "attr context.flags; jump-if-not-iterable -> 12; iter-begin local 0; list-begin local 3; iter-next local 0; pop-jump-if-false -> 11; load local 1; const 'x'; add; list-push local 3; loop -> 4; build-end local 3",
        ),
        (
            "context.?tenant_id.orValue('x')",
            "opt-attr context.tenant_id; jump-if-present -> 5; pop; const 'x'; jump -> 6; call value",
        ),
        (
            "cel.bind(t, context.tenant_id + 'x', t + t) == ''",
            "attr context.tenant_id; const 'x'; add; store local 0; load local 0; load local 0; add; const ''; eq",
        ),
        ("context.tenant_id.split('/').size()", "attr context.tenant_id; const '/'; call split; size"),
        ("'f' in context.flags", "const 'f'; attr context.flags; in"),
        (
            "context.beta && peer.domain == 'shop' && true",
            "attr context.beta; jump-if-false -> 6; attr peer.domain; const 'shop'; eq; and",
        ),
        (
            "context.beta || has(context.claims) || request.path.startsWith('/a')",
            "attr context.beta; jump-if-true -> 9; has-attr context.claims; or; jump-if-true -> 9; attr request.path; const '/a'; starts-with; or",
        ),
        (
            "context.beta ? context.tenant_id : 'none'",
            "attr context.beta; jump-if-error -> 6; pop-jump-if-false -> 5; attr context.tenant_id; jump -> 6; const 'none'",
        ),
        ("context.claims.roles[0] != 'x'", "attr context.claims; member 'roles'; const 0; index; const 'x'; ne"),
        ("has(context.claims.sub)", "attr context.claims; has-member 'sub'"),
        ("context.tenant_id.matches('^t_')", "attr context.tenant_id; matches regex 0"),
        ("size(context.flags) > 2", "attr context.flags; size; const 2; gt"),
        ("[context.tenant_id, 'a'][0]", "attr context.tenant_id; const 'a'; list 2; const 0; index"),
        ("!context.beta", "attr context.beta; not"),
        ("source.port == 80", "attr source.port; const 80; eq"),
    ];
    for (text, expected) in cases {
        assert_eq!(compile(text), expected, "{text}");
    }
}

#[test]
fn pools_hold_everything_once() {
    let mut builder = Builder::new();
    let environment = environment();
    let first = builder.condition(&ir(&environment, "context.tenant_id == 'a'")).unwrap();
    let other = builder.condition(&ir(&environment, "context.tenant_id != 'a'")).unwrap();
    let again = builder.condition(&ir(&environment, "'a' == context.tenant_id")).unwrap();
    assert_eq!([first, other, again].map(|variable| variable.0), [0, 1, 0]);
    let regex = builder.regex("a+", true).unwrap();
    builder.condition(&ir(&environment, "context.tenant_id.matches('a+')")).unwrap();
    assert_eq!(builder.regex("a+", true).unwrap(), regex);
    let (table, regexes) = builder.finish();
    assert_eq!((table.constants.len(), table.attributes.len(), regexes.len(), table.programs.len()), (1, 1, 2, 3));
}

#[test]
fn variables_have_numbers_and_their_chains_end() {
    let mut builder = Builder::new();
    let mut environment = environment();
    let mut last = String::from("context.beta");
    let mut problem = None;
    for index in 0..20 {
        match builder.variable(&ir(&environment, &format!("!{last}"))) {
            Ok(number) => environment = environment.with_variable(format!("v{index}"), Type::Bool, number),
            Err(found) => {
                problem = Some(found);
                break;
            }
        }
        last = format!("variables.v{index}");
    }
    assert_eq!(problem.unwrap().code, code::PROGRAM_LIMIT);
    assert_eq!(builder.variable(&ir(&environment, "!context.beta")).unwrap(), VariableIndex(0));
    assert_eq!(builder.finish().0.variables.len(), 16);
}

#[test]
fn what_several_rules_compute_becomes_a_variable() {
    let mut builder = Builder::new();
    let environment = environment();
    let texts = [
        "context.tenant_id.lowerAscii() == 'a' && context.beta",
        "context.tenant_id.lowerAscii() == 'b'",
        "context.claims.roles.exists(r, r.startsWith('x')) || context.beta",
        "context.beta && context.claims.roles.exists(role, role.startsWith('x'))",
        "context.tenant_id == 'a'",
        "context.tenant_id == 'b'",
    ];
    let programs = texts.map(|text| builder.condition(&ir(&environment, text)).unwrap());
    let (table, _) = builder.finish();
    let code = |program: ProgramIndex| {
        let lines = listing(&table, program);
        lines.lines().map(|line| line.get(6..).unwrap_or("")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(code(programs[0]), "var variable 0; const 'a'; eq; jump-if-false -> 6; attr context.beta; and");
    assert_eq!(code(programs[1]), "var variable 0; const 'b'; eq");
    assert_eq!(code(programs[3]), "attr context.beta; jump-if-false -> 4; var variable 1; and");
    assert_eq!(code(programs[5]), "attr context.tenant_id; const 'b'; eq");
    assert_eq!(
        table.variables.iter().map(|program| code(*program)).collect::<Vec<_>>()[0],
        "attr context.tenant_id; call lowerAscii"
    );
    assert_eq!(table.variables.len(), 2, "what is only inside of another one is not shared by itself");
}

#[test]
fn what_the_machine_cannot_hold_is_a_problem() {
    let mut builder = Builder::new();
    let environment = environment();
    let nested = |depth: usize| format!("{}context.flags{}", "[1].map(x, ".repeat(depth), ")".repeat(depth));
    assert!(builder.condition(&ir(&environment, &nested(7))).is_ok());
    assert_eq!(builder.condition(&ir(&environment, &nested(9))).unwrap_err().code, code::PROGRAM_LIMIT);
    let costly = "context.flags.exists(f, context.flags.exists(g, context.flags.exists(h, f + g + h == 'ab')))";
    let problem = builder.condition(&ir(&environment, costly)).unwrap_err();
    assert_eq!((problem.code, problem.start, problem.end), (code::TOO_COSTLY, 0, costly.len()));
    assert!(problem.message.ends_with("units of fuel; a whole request has 100000"));
    assert_eq!(
        problem.help.as_deref(),
        Some("say how long `flags` can be (`maxBytes` in the schema), or do not loop inside of a loop")
    );
    let large = builder.condition(&ir(&environment, "context.tenant_id.matches('a[ab]{20}x')")).unwrap_err();
    assert_eq!((large.code, large.start, large.end), (code::PATTERN_TOO_LARGE, 26, 38));
    assert_eq!(builder.regex("a(", true).unwrap_err().code, code::BAD_PATTERN);
}
