//! Expressions and their values, through the artifact, its verification and the virtual machine.

use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::headers::Headers;
use context_mesh_core::testing::{Request, context, shown};
use context_mesh_core::vm::{Machine, MeshView, Peer};

use super::{Builder, load_programs, lower, lower_unfolded};
use crate::expression::cel::{Environment, Expected, TypedExpr, check};
use crate::expression::ir::Ir;

/// Returns the value of an attribute of the proxy.
fn attribute(path: &[&str]) -> Option<Vec<u8>> {
    match path {
        ["source", "port"] => Some(4711_i64.to_le_bytes().to_vec()),
        ["connection", "mtls"] => Some(vec![1]),
        ["metadata", "filter_metadata", "lb", "zone"] => Some(b"a".to_vec()),
        _ => None,
    }
}

fn environment() -> Environment {
    let fields = [
        ("tenant_id", FieldType::One(Scalar::String)),
        ("user_id", FieldType::One(Scalar::String)),
        ("flags", FieldType::List(Scalar::String)),
        ("attempt", FieldType::One(Scalar::Int)),
        ("beta", FieldType::One(Scalar::Bool)),
        ("claims", FieldType::One(Scalar::Any)),
        ("limits", FieldType::Map(Scalar::Int)),
    ];
    let environment = Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty)));
    environment.with_variable(
        "from_shop",
        crate::expression::cel::Type::Bool,
        context_mesh_core::index::VariableIndex(0),
    )
}

/// Returns the value as JSON, or the name of the error, or nothing for an expression with problems.
pub(super) fn run(text: &str) -> String {
    run_with(text, lower)
}

/// Like [`run`], without constant folding.
pub(super) fn run_unfolded(text: &str) -> String {
    run_with(text, lower_unfolded)
}

fn run_with(text: &str, lower: fn(&TypedExpr) -> Ir) -> String {
    if check(&environment(), text, Expected::Any).is_err() {
        return String::new();
    }
    let compile = |text: &str| {
        let checked = check(&environment(), text, Expected::Any);
        lower(&checked.unwrap_or_else(|problems| panic!("{text}: {problems:?}")))
    };
    let limits = ["flags", "claims"].map(|name| (name.to_owned(), 256));
    let mut builder = Builder::new().with_field_limits(limits);
    builder.variable(&compile("peer.domain == 'shop'")).unwrap();
    let program = builder.condition(&compile(text)).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
    let cost = builder.cost(program).unwrap();
    let verified = load_programs(builder.finish()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let fields = [
        ("tenant_id", r#""tenant_a""#),
        ("flags", r#"["new", "dark\u0031"]"#),
        ("attempt", "3"),
        ("beta", "true"),
        ("claims", r#"{"sub": "u1", "age": 42, "tags": ["x"], "big": 18446744073709551615, "none": null}"#),
        ("limits", r#"{"rps": 10}"#),
    ];
    let entries: [(&[u8], &[u8]); 9] = [
        (b":path", b"/v1/pay?x=1&admin=%74rue&Role=a&role=b"),
        (b"cookie", b"plan=gold; quoted=\"a\""),
        (b"cookie", b"Beta=1"),
        (b"x-odd", b"\xff"),
        (b":method", b"POST"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"x-padded", b" \tp d "),
        (b":authority", b"shop.test"),
    ];
    let request = Request {
        headers: Headers::new(entries.to_vec()),
        context: context(&fields),
        peer: Peer { service: "checkout".to_owned(), domain: "shop".to_owned(), ..Peer::default() },
        mesh: MeshView { service: "payment", domain: "payments", region: "eu", direction: "inbound" },
        ..Request::default()
    };
    // The machine's arena, whose type is private to it.
    let arena = Default::default();
    let mut machine = Machine::new(verified.code(), request.snapshot(&attribute), &arena);
    let value = machine.run(program);
    assert!(machine.used_fuel() <= cost, "{text}: used {}, estimated {cost}", machine.used_fuel());
    shown(value)
}

#[test]
fn expressions_give_what_cel_says() {
    let cases = [
        ("request.header_lines['x-a'] == '\\n1\\n2\\n'", "true"),
        ("request.header_lines['x-b']", "\"\""),
        ("request.header_lines['x-odd'] == ''", "not-text"),
        ("request.header_lines['x-padded'] == '\\n \\tp d \\n'", "true"),
        ("has(request.header_lines.x) || !('x-odd' in request.header_lines)", "false"),
        ("request.header_values['x-a'].exists(v, v == '2')", "true"),
        ("request.header_values['x-a'].join(',') == '1,2'", "true"),
        ("request.header_values['x-b']", "[]"),
        ("request.header_values['x-odd'].size() > 0", "not-text"),
        ("request.header_values['x-padded'] == ['p d']", "true"),
        ("has(request.header_values.x) || 'x-odd' in request.header_values", "true"),
        ("request.query_params['admin'] == 'true' && request.query_params.x == '1'", "true"),
        ("request.query_params['role'] == 'a'", "repeated"),
        ("'ROLE' in request.query_params && has(request.query_params.role)", "true"),
        ("'other' in request.query_params", "false"),
        ("request.query_params['other']", "no-such-key"),
        ("request.query_params.?other.orValue('-')", "\"-\""),
        ("request.query_params['ADMIN']", "ambiguous"),
        ("request.query_params.exists(k, k == 'admin')", "true"),
        ("request.query_params.all(k, v, v != 'x')", "repeated"),
        ("size(request.query_params)", "4"),
        ("request.query_params == {}", "false"),
        ("request.cookies['plan'] == 'gold'", "true"),
        ("request.cookies['quoted'] == 'a'", "ambiguous"),
        ("request.cookies['beta']", "ambiguous"),
        ("'beta' in request.cookies", "true"),
        ("request.cookies.map(k, k)", r#"["Beta","plan","quoted"]"#),
        ("context.tenant_id == 'tenant_a'", "true"),
        ("'tenant_a' != context.tenant_id", "false"),
        ("context.tenant_id in ['x', 'tenant_a']", "true"),
        ("context.tenant_id.matches('^tenant_[a-z]$')", "true"),
        ("context.tenant_id.matches('nant')", "true"),
        ("context.tenant_id.matches('nant$')", "false"),
        ("'new' in context.flags && !('old' in context.flags)", "true"),
        ("context.flags[1] == 'dark1'", "true"),
        ("context.flags[2]", "index-out-of-range"),
        ("size(context.flags) == 2", "true"),
        ("context.attempt > 2.5", "true"),
        ("0.0 / 0.0 < 1.0", "invalid-argument"),
        ("{}.x == 1", "no-such-key"),
        ("'a' in {} || size({}) > 0 || [].transformMap(i, x, x) != {}", "false"),
        ("true && (true && context.claims)", "no-such-overload"),
        ("[(context.claims || false) || false]", "no-such-overload"),
        ("true && (true && context.claims.age == 42)", "true"),
        ("context.attempt >= 0.0 / 0.0 || context.beta", "true"),
        ("context.attempt == 3 ? 'three' : 'other'", "\"three\""),
        ("has(context.user_id)", "false"),
        ("has(context.tenant_id)", "true"),
        ("context.user_id == 'x'", "no-value"),
        ("context.user_id == 'x' && context.attempt == 4", "false"),
        ("context.user_id == 'x' && context.attempt == 3", "no-value"),
        ("context.user_id == 'x' || context.beta", "true"),
        ("context.user_id == 'x' || context.beta || context.user_id == 'y'", "true"),
        ("context.user_id == 'x' || !context.beta", "no-value"),
        ("context.user_id == 'x' ? 1 : 2", "no-value"),
        ("context.claims.sub == 'u1' && context.claims.age >= 18", "true"),
        ("context.claims['tags'][0]", "\"x\""),
        ("context.claims.nope", "no-such-key"),
        ("has(context.claims.nope) || has(context.claims.sub)", "true"),
        ("context.claims.none == null", "true"),
        ("context.claims.age == 'x'", "false"),
        ("context.claims.age && true", "no-such-overload"),
        ("context.claims.age ? 1 : 2", "no-such-overload"),
        ("!context.claims.sub", "no-such-overload"),
        ("context.limits.rps < 11 && 'rps' in context.limits", "true"),
        ("request.path.startsWith('/v1/') && request.url_path.endsWith('/pay') && request.query.contains('x')", "true"),
        ("request.headers['x-a']", "repeated"),
        ("request.headers.exists(n, v, n == 'x-a' && v == '1')", "repeated"),
        ("request.headers[?'x-a'].orValue('')", "repeated"),
        ("request.headers['x-padded']", "\"p d\""),
        ("request.headers['host'] == request.host && 'host' in request.headers", "true"),
        ("request.headers['x-b']", "no-such-key"),
        ("'x-a' in request.headers && !('x-b' in request.headers)", "true"),
        ("request.headers[context.tenant_id]", "no-such-key"),
        ("variables.from_shop && peer.service == 'checkout' && mesh.direction == 'inbound'", "true"),
        ("source.port == 4711 && connection.mtls", "true"),
        ("metadata.filter_metadata['lb']['zone']", "\"a\""),
        ("metadata.strings['lb']['zone']", "\"\""),
        ("filter_state['x'] == ''", "no-value"),
        ("[context.attempt, 4]", "[3,4]"),
        ("[context.attempt] == [3]", "true"),
        ("3 in [context.attempt]", "true"),
        ("context.tenant_id in []", "false"),
        ("false ? context.user_id : 'b'", "\"b\""),
        ("size('añb')", "3"),
        ("(context.beta ? context.attempt : 1) < (context.beta ? 4 : 0)", "true"),
    ];
    for (text, expected) in cases {
        assert_eq!(run(text), expected, "{text}");
    }
}
