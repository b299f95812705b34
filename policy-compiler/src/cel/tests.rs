//! Cases: expressions and their types, expressions and what is wrong with them.

use context_mesh_core::artifact::tables::{FieldType, Scalar};

use super::*;

pub(crate) fn environment() -> Environment {
    let fields = [
        ("tenant_id", FieldType::One(Scalar::String)),
        ("user_id", FieldType::One(Scalar::String)),
        ("feature_flags", FieldType::List(Scalar::String)),
        ("attempt", FieldType::One(Scalar::Int)),
        ("score", FieldType::One(Scalar::Double)),
        ("beta", FieldType::One(Scalar::Bool)),
        ("claims", FieldType::One(Scalar::Any)),
        ("limits", FieldType::Map(Scalar::Int)),
    ];
    Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty))).with_variable("from_shop", Type::Bool, 0)
}

#[test]
fn expressions_have_their_types() {
    let cases = [
        ("1", "int"),
        ("-1u", ""),
        ("1.5", "double"),
        ("b'a'", "bytes"),
        ("null", "null"),
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("[]", "list(dyn)"),
        ("context.caller", "string"),
        ("context['tenant_id']", "string"),
        ("context.feature_flags", "list(string)"),
        ("context.feature_flags[0]", "string"),
        ("context.claims", "dyn"),
        ("context.claims.roles[0]['x']", "dyn"),
        ("context.limits", "map(string, int)"),
        ("context.limits.rps", "int"),
        ("context.limits['rps'] > 1", "bool"),
        ("request.headers", "map(string, string)"),
        ("request.headers['x-a']", "string"),
        ("request.headers[context.caller]", "string"),
        ("request.time", "timestamp"),
        ("source.port", "int"),
        ("connection.mtls", "bool"),
        ("metadata.filter_metadata['envoy.lb']['canary']", "string"),
        ("filter_state['a.b']", "string"),
        ("peer.principal", "string"),
        ("mesh.direction", "string"),
        ("variables.from_shop", "bool"),
        ("has(context.user_id)", "bool"),
        ("has(context.claims.a.b)", "bool"),
        ("has(request.referer)", "bool"),
        ("'x-a' in request.headers", "bool"),
        ("'x' in context.feature_flags", "bool"),
        ("'rps' in context.limits", "bool"),
        ("context.beta ? 1 : 2", "int"),
        ("context.beta ? context.claims : 2", "dyn"),
        ("size(context.feature_flags) + 0", ""),
        ("context.tenant_id.size()", "int"),
        ("context.score < 5", "bool"),
        ("context.claims == 1 || context.claims", "bool"),
        (".context.caller.matches('^a')", "bool"),
        ("matches(request.path, r'^/v\\d+')", "bool"),
        ("request.path.startsWith('/a') && !variables.from_shop", "bool"),
    ];
    for (text, ty) in cases {
        let found = check(&environment(), text, Expected::Any).map_or(String::new(), |typed| typed.ty.to_string());
        assert_eq!(found, ty, "{text}");
    }
}

/// Each problem as `start..end code message [help]`.
fn problems(text: &str, expected: Expected) -> String {
    let problems = check(&environment(), text, expected).map_or_else(|problems| problems, |_| Vec::new());
    let line = |p: &Problem| {
        let help = p.help.as_ref().map(|help| format!(" [{help}]")).unwrap_or_default();
        format!("{}..{} {} {}{help}", p.start, p.end, &p.code[4..], p.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn problems_say_where_what_and_what_instead() {
    let cases = [
        (
            "context.feature_flags == 'x'",
            "0..28 06 no `==` for `list(string)` and `string` [use `'x' in context.feature_flags` to test membership]",
        ),
        (
            "'x' != context.feature_flags",
            "0..28 06 no `!=` for `string` and `list(string)` [use `!('x' in context.feature_flags)` to test membership]",
        ),
        ("context.tenent_id == 'a'", "8..17 05 no schema declares the field `tenent_id` [did you mean `tenant_id`?]"),
        ("request.pth == 'a'", "8..11 05 `request` has no attribute `pth` [did you mean `path`?]"),
        ("tenant_id == 'a'", "0..9 04 `tenant_id` is not declared [did you mean `context.tenant_id`?]"),
        ("from_shop", "0..9 04 `from_shop` is not declared [did you mean `variables.from_shop`?]"),
        ("contxt.tenant_id == 'a'", "0..6 04 `contxt` is not declared [did you mean `context`?]"),
        ("context.caller == checkout", "18..26 04 `checkout` is not declared [text stands in quotes: `'checkout'`]"),
        ("variables.x", "10..11 05 the policy has no variable `x` before this place [the only one is `from_shop`]"),
        ("context.attempt == '3'", "0..22 06 no `==` for `int` and `string` [write `3`]"),
        ("context.tenant_id == 3", "0..22 06 no `==` for `string` and `int` [write `'3'`]"),
        ("context.score == 3", "0..18 06 no `==` for `double` and `int` [write `3.0`]"),
        ("context.beta == 'true'", "0..22 06 no `==` for `bool` and `string` [write `true`]"),
        (
            "context.user_id == null",
            "0..23 06 no `==` for `string` and `null` [use `!has(context.user_id)` to test whether it is there]",
        ),
        (
            "context.user_id && context.beta",
            "0..31 06 no `&&` for `string` and `bool` [`context.user_id` is `string`, not `bool`; compare it, or write `has(context.user_id)`]",
        ),
        (
            "context.feature_flags.contains('x')",
            "22..30 06 no `contains` on `list(string)` with `string` [write `'x' in context.feature_flags` to test membership]",
        ),
        (
            "'a' in context.caller",
            "0..21 06 no `in` for `string` and `string` [use `context.caller.contains('a')` to look for text, or a list: `'a' in [...]`]",
        ),
        (
            "context.tenant_id",
            "0..17 07 a condition must be `bool`, and this is `string` [compare it, or write `has(context.tenant_id)` to test whether it is there]",
        ),
        (
            "context == 1",
            "0..7 09 `context` is a group of attributes, not a value [name one of them, for example `context.attempt`]",
        ),
        (
            "'user_id' in context",
            "13..20 09 `context` is a group of attributes, not a map [write `has(context.user_id)`]",
        ),
        (
            "request.headers['X-Tenant'] == 'a'",
            "16..26 05 no header is named `X-Tenant`: header names are in lower case [write `'x-tenant'`]",
        ),
        ("response.code == 200", "0..13 08 `response.code` is not known when the request is decided"),
        ("request.size > 5", "0..12 08 `request.size` is not known when the request is decided"),
        (
            "has(request.headers['x'])",
            "4..24 06 `has` takes a field, for example `has(context.user_id)` [write `'x' in request.headers`]",
        ),
        ("filter_state[context.caller] == ''", "13..27 10 the key of `filter_state` must be a string literal"),
        (
            "metadata.filter_metadata['a'] == ''",
            "0..29 09 this is a group of metadata, not a value [write `metadata.filter_metadata['name space']['key']`]",
        ),
        (
            "context.caller.matches(context.user_id)",
            "23..38 10 the pattern of `matches` must be a string literal [patterns are compiled ahead; use `startsWith`, `endsWith` or `contains` with a value of the request]",
        ),
        ("context.caller.matches('a(')", "23..27 11 the pattern is not a regular expression: unclosed group"),
        ("context.attempt + 1 > 2", "16..17 03 `+` is not supported yet"),
        ("context.feature_flags.exists(f, f == 'x')", "22..28 03 `exists` is not supported yet"),
        ("context.caller.lowerAscii() == 'a'", "15..25 03 `lowerAscii` is not supported yet"),
        ("int(context.caller) == 1", "0..3 03 `int` is not supported yet"),
        ("math.greatest(1, 2) == 2", "5..13 03 `greatest` is not supported yet"),
        ("{'a': 1}.a == 1", "0..8 03 `{...}` is not supported yet"),
        ("context.claims.?a == 1", "14..15 03 `.?` is not supported yet"),
        ("context.caller.startswith('a')", "15..25 04 there is no function `startswith` [did you mean `startsWith`?]"),
        (
            "startsWith(context.caller, 'a')",
            "0..10 04 `startsWith` is not called like this [it is `string.startsWith(string)`]",
        ),
        ("context.caller.startsWith()", "15..25 06 no `startsWith` on `string` [it is `string.startsWith(string)`]"),
        ("context.caller.name == ''", "15..19 06 `string` has no field `name`"),
        (
            "context.limits[0] == 1",
            "0..17 06 no `[]` for `map(string, int)` and `int` [the keys of this map are `string`]",
        ),
        ("1 == 1.0", "0..8 06 no `==` for `int` and `double` [write `1`]"),
        ("'é' == context.atempt", "15..21 05 no schema declares the field `atempt` [did you mean `attempt`?]"),
        (
            "context.beta ? 1 : 'a'",
            "0..22 06 no `? :` for `bool` and `int` and `string` [both values must have one type]",
        ),
        (
            "!context.caller",
            "0..15 06 no `!` for `string` [`context.caller` is `string`, not `bool`; compare it, or write `has(context.caller)`]",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text, Expected::Bool), expected, "{text}");
    }
}

#[test]
fn all_problems_are_reported_at_once_and_each_once() {
    let text = "context.tenent_id == 1 && (foo == 2 || context.score == '3')";
    assert_eq!(problems(text, Expected::Bool).lines().count(), 3);
}

#[test]
fn a_field_takes_what_json_can_say() {
    let cases = [
        ("'a'", FieldType::One(Scalar::String), true),
        ("1", FieldType::One(Scalar::Double), true),
        ("1.0", FieldType::One(Scalar::Int), false),
        ("b'a'", FieldType::One(Scalar::Any), false),
        ("['a']", FieldType::One(Scalar::Any), true),
        ("['a']", FieldType::List(Scalar::String), true),
        ("[1]", FieldType::List(Scalar::String), false),
        ("context.claims", FieldType::List(Scalar::String), true),
        ("context.limits", FieldType::Map(Scalar::Int), true),
        ("request.headers", FieldType::Map(Scalar::String), false),
        ("request.time", FieldType::One(Scalar::Any), false),
    ];
    for (text, field, fits) in cases {
        assert_eq!(check(&environment(), text, Expected::Field(field)).is_ok(), fits, "{text}");
    }
}
