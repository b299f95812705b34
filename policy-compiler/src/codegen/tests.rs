//! Cases: expressions and their bytecode.

use context_mesh_core::artifact::tables::{FieldType, Scalar};

use super::*;
use crate::cel::{Environment, Expected, Type, check, code};
use crate::ir::{Ir, lower};

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

/// The listing in one line, without the numbers.
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
        ("1 in [1, 2]", "const 1; const [1, 2]; in"),
        ("'f' in context.flags", "const 'f'; attr context.flags; in"),
        (
            "context.beta && peer.domain == 'shop' && true",
            "attr context.beta; jump-if-false -> 5; attr peer.domain; const 'shop'; eq; and",
        ),
        (
            "context.beta || has(context.claims) || request.path.startsWith('/a')",
            "attr context.beta; jump-if-true -> 8; has-attr context.claims; or; jump-if-true -> 8; attr request.path; const '/a'; starts-with; or",
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
        let expected = expected.replace("-> 5; attr peer", "-> 6; attr peer").replace("-> 8", "-> 9");
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
    assert_eq!((first, other, again), (0, 1, 0));
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
    assert_eq!(builder.variable(&ir(&environment, "!context.beta")).unwrap(), 0);
    assert_eq!(builder.finish().0.variables.len(), 16);
}

#[test]
fn what_the_machine_cannot_hold_is_a_problem() {
    let mut builder = Builder::new();
    let environment = environment();
    let wide = format!("[{}context.beta]", "context.beta, ".repeat(64));
    assert_eq!(builder.condition(&ir(&environment, &wide)).unwrap_err().code, code::PROGRAM_LIMIT);
    let large = builder.condition(&ir(&environment, "context.tenant_id.matches('a[ab]{20}x')")).unwrap_err();
    assert_eq!((large.code, large.start, large.end), (code::PATTERN_TOO_LARGE, 26, 38));
    assert_eq!(builder.regex("a(", true).unwrap_err().code, code::BAD_PATTERN);
}
