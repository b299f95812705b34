//! Advice compiles, and says what was meant: each row has a mistake, what its advice says to write, and the expression
//! that results.

use context_mesh_core::artifact::tables::{FieldType, Scalar};

use super::tests::environment;
use super::*;

/// Mistake, the code in the advice, the repaired expression.
const ROWS: &[(&str, &str, &str)] = &[
    // Numbers in texts.
    ("request.headers['x-amount'] > 100", "int(request.headers['x-amount'])", "int(request.headers['x-amount']) > 100"),
    (
        "100 <= request.headers['x-amount']",
        "int(request.headers['x-amount'])",
        "100 <= int(request.headers['x-amount'])",
    ),
    ("request.headers['x-a'] >= 1.5", "double(request.headers['x-a'])", "double(request.headers['x-a']) >= 1.5"),
    ("request.headers['x-a'] < 5u", "uint(request.headers['x-a'])", "uint(request.headers['x-a']) < 5u"),
    (
        "request.headers['x-a'] > source.port",
        "int(request.headers['x-a'])",
        "int(request.headers['x-a']) > source.port",
    ),
    ("context.attempt > '3'", "3", "context.attempt > 3"),
    ("request.headers['x-a'] * 2 > 10", "int(request.headers['x-a'])", "int(request.headers['x-a']) * 2 > 10"),
    ("10 - request.headers['x-a'] > 0", "int(request.headers['x-a'])", "10 - int(request.headers['x-a']) > 0"),
    ("request.headers['x-a'] + 1 > 10", "int(request.headers['x-a'])", "int(request.headers['x-a']) + 1 > 10"),
    ("request.headers['x-a'] + 1 == 'v1'", "'1'", "request.headers['x-a'] + '1' == 'v1'"),
    ("'a' + 1 == 'a1'", "'1'", "'a' + '1' == 'a1'"),
    ("'a' + context.attempt == 'a1'", "string(context.attempt)", "'a' + string(context.attempt) == 'a1'"),
    (
        "context.tenant_id + context.attempt == 'a1'",
        "string(context.attempt)",
        "context.tenant_id + string(context.attempt) == 'a1'",
    ),
    ("context.score == 3", "3.0", "context.score == 3.0"),
    ("context.attempt == 3u", "3", "context.attempt == 3"),
    ("context.attempt + 1u > 3", "1", "context.attempt + 1 > 3"),
    (
        "context.score * context.attempt > 3.0",
        "double(context.attempt)",
        "context.score * double(context.attempt) > 3.0",
    ),
    ("context.attempt == '3'", "3", "context.attempt == 3"),
    ("context.beta == 'true'", "true", "context.beta == true"),
    ("request.headers['x-a'] == true", "'true'", "request.headers['x-a'] == 'true'"),
    ("request.headers['x-a'] == 5", "'5'", "request.headers['x-a'] == '5'"),
    // Times and addresses.
    (
        "request.time > '2026-01-01T00:00:00Z'",
        "timestamp('2026-01-01T00:00:00Z')",
        "request.time > timestamp('2026-01-01T00:00:00Z')",
    ),
    ("request.time + '5m' > request.time", "duration('5m')", "request.time + duration('5m') > request.time"),
    (
        "request.time - '2026-01-01T00:00:00Z' > duration('5m')",
        "timestamp('2026-01-01T00:00:00Z')",
        "request.time - timestamp('2026-01-01T00:00:00Z') > duration('5m')",
    ),
    ("request.time - '5m' > request.time", "duration('5m')", "request.time - duration('5m') > request.time"),
    ("ip(source.ip) == '10.0.0.1'", "ip('10.0.0.1')", "ip(source.ip) == ip('10.0.0.1')"),
    // Whether something is there.
    ("context.user_id == null", "!has(context.user_id)", "!has(context.user_id)"),
    ("context.user_id != null", "has(context.user_id)", "has(context.user_id)"),
    ("context['user_id'] != null", "has(context.user_id)", "has(context.user_id)"),
    ("request.headers['x-a'] == null", "!('x-a' in request.headers)", "!('x-a' in request.headers)"),
    ("request.headers['x-a'] != null", "('x-a' in request.headers)", "('x-a' in request.headers)"),
    ("filter_state['a.b'] != null", "filter_state[?'a.b'].hasValue()", "filter_state[?'a.b'].hasValue()"),
    ("request.referer != null", "has(request.referer)", "has(request.referer)"),
    ("!request.headers['x-a']", "('x-a' in request.headers)", "!('x-a' in request.headers)"),
    (
        "request.headers['x-a'] && context.beta",
        "('x-a' in request.headers)",
        "('x-a' in request.headers) && context.beta",
    ),
    ("request.headers['x-a']", "('x-a' in request.headers)", "('x-a' in request.headers)"),
    ("context['user_id']", "has(context.user_id)", "has(context.user_id)"),
    ("has(context['user_id'])", "has(context.user_id)", "has(context.user_id)"),
    ("has(request.headers['x-a'])", "'x-a' in request.headers", "'x-a' in request.headers"),
    ("has(context.limits['a'])", "'a' in context.limits", "'a' in context.limits"),
    ("has(filter_state['a.b'])", "filter_state[?'a.b'].hasValue()", "filter_state[?'a.b'].hasValue()"),
    (
        "has(metadata.filter_metadata['a.b']['c'])",
        "metadata.filter_metadata['a.b'][?'c'].hasValue()",
        "metadata.filter_metadata['a.b'][?'c'].hasValue()",
    ),
    ("has(metadata.filter_metadata['a.b'].c)", "", "has(metadata.filter_metadata['a.b'].c)"),
    ("'user_id' in context", "has(context.user_id)", "has(context.user_id)"),
    ("'referer' in request", "has(request.referer)", "has(request.referer)"),
    ("context.?user_id", "context.?user_id.hasValue()", "context.?user_id.hasValue()"),
    (
        "context.beta ? context.?user_id : context.?tenant_id",
        "(context.beta ? context.?user_id : context.?tenant_id).hasValue()",
        "(context.beta ? context.?user_id : context.?tenant_id).hasValue()",
    ),
    ("context.beta ? 'a' : 'b'", "(context.beta ? 'a' : 'b') == '...'", "(context.beta ? 'a' : 'b') == '...'"),
    ("context.feature_flags", "has(context.feature_flags)", "has(context.feature_flags)"),
    (
        "context.feature_flags + ['a']",
        "size(context.feature_flags + ['a']) > 0",
        "size(context.feature_flags + ['a']) > 0",
    ),
    ("size(context.feature_flags)", "size(context.feature_flags) > 0", "size(context.feature_flags) > 0"),
    // Membership.
    ("context.feature_flags == 'x'", "'x' in context.feature_flags", "'x' in context.feature_flags"),
    ("context.feature_flags != 'x'", "!('x' in context.feature_flags)", "!('x' in context.feature_flags)"),
    ("context.feature_flags in 'x'", "'x' in context.feature_flags", "'x' in context.feature_flags"),
    ("context.feature_flags.contains('x')", "'x' in context.feature_flags", "'x' in context.feature_flags"),
    ("context.tenant_id in 'acme'", "context.tenant_id in ['acme']", "context.tenant_id in ['acme']"),
    (
        "'admin' in request.headers['x-roles']",
        "(',' + request.headers['x-roles'] + ',').contains(',admin,')",
        "(',' + request.headers['x-roles'] + ',').contains(',admin,')",
    ),
    (
        "'admin' in request.headers['x-roles']",
        "request.headers['x-roles'].contains('admin')",
        "request.headers['x-roles'].contains('admin')",
    ),
    (
        "context.user_id in request.headers['x-a']",
        "(',' + request.headers['x-a'] + ',').contains(',' + context.user_id + ',')",
        "(',' + request.headers['x-a'] + ',').contains(',' + context.user_id + ',')",
    ),
    (
        "'admin' in metadata.filter_metadata['a']['roles']",
        "(',' + metadata.filter_metadata['a']['roles'] + ',').contains(',admin,')",
        "(',' + metadata.filter_metadata['a']['roles'] + ',').contains(',admin,')",
    ),
    ("context.tenant_id in 'a, b'", "context.tenant_id in ['a', 'b']", "context.tenant_id in ['a', 'b']"),
    (
        "request.headers['x-a'] in [1, 2]",
        "int(request.headers['x-a']) in [1, 2]",
        "int(request.headers['x-a']) in [1, 2]",
    ),
    (
        "source.ip in '10.0.0.0/8'",
        "cidr('10.0.0.0/8').containsIP(source.ip)",
        "cidr('10.0.0.0/8').containsIP(source.ip)",
    ),
    ("source.ip in 'fd00::/8'", "cidr('fd00::/8').containsIP(source.ip)", "cidr('fd00::/8').containsIP(source.ip)"),
    (
        "ip(source.ip) in cidr('10.0.0.0/8')",
        "cidr('10.0.0.0/8').containsIP(ip(source.ip))",
        "cidr('10.0.0.0/8').containsIP(ip(source.ip))",
    ),
    ("request.time.hour() > 8", "getHours", "request.time.getHours() > 8"),
    ("request.time.weekday() > 5", "getDayOfWeek", "request.time.getDayOfWeek() > 5"),
    // Names.
    ("jwt.sub == 'a'", "claims.sub", "claims.sub == 'a'"),
    ("request.headers['X-A'] == ''", "'x-a'", "request.headers['x-a'] == ''"),
    ("request.headers.x-a == ''", "request.headers['x-a']", "request.headers['x-a'] == ''"),
    ("tenant_id == 'a'", "context.tenant_id", "context.tenant_id == 'a'"),
    ("method == 'GET'", "request.method", "request.method == 'GET'"),
    ("headers['x-a'] == 'b'", "request.headers", "request.headers['x-a'] == 'b'"),
    ("source.principal == 'spiffe://a/b'", "peer.principal", "peer.principal == 'spiffe://a/b'"),
    ("source.namespace == 'a'", "peer.namespace", "peer.namespace == 'a'"),
    ("connection.sni == 'a'", "connection.requested_server_name", "connection.requested_server_name == 'a'"),
    ("request.auth.claims['sub'] == 'a'", "claims.sub", "claims.sub == 'a'"),
    ("request.auth.claims.groups == ['a']", "claims.groups", "claims.groups == ['a']"),
    ("'a' in request.auth.claims['groups']", "claims.groups", "'a' in claims.groups"),
    ("request.auth.claims['realm_access']['roles'] == ['a']", "claims.roles", "claims.roles == ['a']"),
    ("has(request.auth.claims.sub)", "claims.sub", "has(claims.sub)"),
    ("request.auth.principal == 'a/b'", "claims.iss + '/' + claims.sub", "claims.iss + '/' + claims.sub == 'a/b'"),
    ("'a' in request.auth.audiences", "claims.aud", "'a' in claims.aud"),
    // Syntax.
    ("not context.beta == true", "!(...)", "!(context.beta == true)"),
    ("context.feature_flags.isEmpty()", "size() == 0", "context.feature_flags.size() == 0"),
    ("context.tenant_id == acme", "'acme'", "context.tenant_id == 'acme'"),
];

/// The environment with the claims that the advice declares.
fn with_claims() -> Environment {
    let strings = ["sub", "iss"].map(|name| (name, FieldType::One(Scalar::String)));
    let lists = ["groups", "roles", "aud"].map(|name| (name, FieldType::List(Scalar::String)));
    let all = strings.into_iter().chain(lists);
    environment().with_claims(all.map(|(name, ty)| (name.to_owned(), (vec!["a".to_owned(), name.to_owned()], ty))))
}

#[test]
fn advice_compiles_and_means_what_was_meant() {
    let mut rows = 0;
    for (wrong, advice, repaired) in ROWS {
        let helps = match check(&environment(), wrong, Expected::Bool) {
            Ok(_) if advice.is_empty() => Vec::new(),
            Ok(_) => panic!("`{wrong}` is no mistake"),
            Err(problems) => problems.into_iter().filter_map(|problem| problem.help).collect(),
        };
        let said = advice.is_empty() || helps.iter().any(|help| help.contains(&format!("`{advice}`")));
        assert!(said, "{wrong}: {helps:#?} does not say `{advice}`");
        let fits = advice.contains("...") || repaired.contains(advice);
        assert!(fits, "`{repaired}` does not use `{advice}`");
        let found = check(&with_claims(), repaired, Expected::Bool);
        assert!(found.is_ok(), "{repaired}: {:?}", found.err());
        rows += 1;
    }
    assert_eq!(rows, ROWS.len());
}

#[test]
fn a_name_of_which_something_is_read_is_no_string() {
    for text in ["foo.bar == 'a'", "foo['bar'] == 'a'", "foo.bar.baz == 'a'"] {
        let problems = check(&environment(), text, Expected::Bool).err().unwrap_or_default();
        let help = problems.first().and_then(|problem| problem.help.as_deref()).unwrap_or_default();
        assert!(help.starts_with("attributes begin with"), "{text}: {help}");
    }
}

#[test]
fn operands_are_put_in_parentheses() {
    let rows = [
        ("a", "a"),
        ("a.b['c d'].e(1, 2)", "a.b['c d'].e(1, 2)"),
        ("'a + b'", "'a + b'"),
        ("'it\\'s' ", "'it\\'s' "),
        ("a + b", "(a + b)"),
        ("!a", "(!a)"),
        ("a ? b : c", "(a ? b : c)"),
        ("[a, b]", "[a, b]"),
    ];
    for (text, expected) in rows {
        assert_eq!(advice::operand(text), expected, "{text}");
    }
}
