//! Expressions with their types, and expressions with their problems.

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
    Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty))).with_variable(
        "from_shop",
        Type::Bool,
        context_mesh_core::index::VariableIndex(0),
    )
}

#[test]
fn expressions_have_their_types() {
    let cases = [
        ("1", "int"),
        ("-1u", ""),
        ("-1", "int"),
        ("1.5", "double"),
        ("b'a'", "bytes"),
        ("null", "null"),
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("[]", "list(dyn)"),
        ("[] + [1]", "list(int)"),
        ("[[], [1]]", "list(list(int))"),
        ("{}", "map(dyn, dyn)"),
        ("{'a': 1, 'b': 2}", "map(string, int)"),
        ("{'a': 1, 2: 'b'}", "map(dyn, dyn)"),
        ("[?optional.of(1), 2]", "list(int)"),
        ("{?'a': optional.of(1)}", "map(string, int)"),
        ("[null, duration('1s')]", "list(duration)"),
        ("int", "type"),
        ("type(1) == int", "bool"),
        ("google.protobuf.Timestamp", "type"),
        ("1 + 2", "int"),
        ("1 + 2u", ""),
        ("'a' + 'b'", "string"),
        ("request.time + duration('1h')", "timestamp"),
        ("request.time - request.time", "duration"),
        ("request.time.getHours('Europe/Berlin')", "int"),
        ("context.claims + 1", "int"),
        ("context.claims + context.claims", "dyn"),
        ("-context.score", "double"),
        ("[1, 2].map(x, string(x))", "list(string)"),
        ("[1, 2].map(x, x > 1, x * 2)", "list(int)"),
        ("[].map(x, x + 1)", "list(int)"),
        ("context.limits.map(k, k)", "list(string)"),
        ("context.limits.filter(k, context.limits[k] > 1)", "list(string)"),
        ("context.limits.exists(k, v, k == 'a' && v > 1)", "bool"),
        ("context.feature_flags.all(i, f, i < 3 && f != '')", "bool"),
        ("context.feature_flags.exists_one(f, f == 'a')", "bool"),
        ("context.feature_flags.transformMap(i, f, f.size())", "map(int, int)"),
        ("context.feature_flags.transformMapEntry(i, f, {f: i})", "map(string, int)"),
        ("context.limits.transformList(k, v, v)", "list(int)"),
        ("context.claims.exists(c, c.a == 1)", "bool"),
        ("context.claims.map(c, c)", "list(dyn)"),
        ("context.feature_flags.sortBy(f, f.size())", "list(string)"),
        ("cel.bind(x, context.tenant_id, x + x)", "string"),
        ("context.?user_id", "optional(string)"),
        ("context.?user_id.orValue('none')", "string"),
        ("context.claims.?a.b", "optional(dyn)"),
        ("context.limits[?'a']", "optional(int)"),
        ("context.limits.?a.optMap(x, x + 1)", "optional(int)"),
        ("context.limits.?a.optFlatMap(x, optional.of('a'))", "optional(string)"),
        ("optional.none()", "optional(dyn)"),
        ("optional.none().orValue(1)", "int"),
        ("request.headers[?'x-a'].orValue('')", "string"),
        ("request.headers.?accept", "optional(string)"),
        ("context.feature_flags.first()", "optional(string)"),
        ("has(context.claims.?a.b)", "bool"),
        ("math.greatest(1, 2)", "int"),
        ("math.greatest(1, 2.0)", "dyn"),
        ("math.least([1.0, 2.0])", "double"),
        ("'%s'.format([1])", "string"),
        ("'a,b'.split(',').join('-')", "string"),
        ("base64.encode(b'a')", "string"),
        ("ip('10.0.0.1').family()", "int"),
        ("cidr('10.0.0.0/8').containsIP(ip(source.address))", "bool"),
        ("cidr('10.0.0.0/8').ip()", "net.IP"),
        ("hash(context.tenant_id) % 100 < 10", "bool"),
        ("[[1], [2]].flatten()", "list(int)"),
        ("lists.range(3).reverse().slice(0, 1)", "list(int)"),
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
        ("metadata.strings['a']['b']['c']", "string"),
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
        ("size(context.feature_flags) + 0", "int"),
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

/// Formats each problem as `start..end code message [help]`.
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
        ("context.caller == checkout", "18..26 04 `checkout` is not declared [quote strings: `'checkout'`]"),
        ("variables.x", "10..11 05 the policy has no variable `x` before this place [the only one is `from_shop`]"),
        ("context.attempt == '3'", "0..22 06 no `==` for `int` and `string` [numbers have no quotes: `3`]"),
        (
            "context.tenant_id > 3",
            "0..21 06 no `>` for `string` and `int` [write `int(context.tenant_id)` to compare numbers]",
        ),
        (
            "2.5 < context.tenant_id",
            "0..23 06 no `<` for `double` and `string` [write `double(context.tenant_id)` to compare numbers]",
        ),
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
            "0..21 06 no `in` for `string` and `string` [`context.caller.contains('a')` looks for a part of the text, also inside of a longer word; `(',' + context.caller + ',').contains(',a,')` for one of its parts between commas]",
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
        (
            "request.url_path.matchesTemplate('/a/*')",
            "33..39 11 `/a/*` is not the template of a path: `{`, `}` and `*` are only allowed in `{name}`, `{*}` and `{**}` [write `/orders/{id}/returns`: `{name}` or `{*}` for one part, `{**}` at the end for the rest]",
        ),
        (
            "request.url_path.matchesTemplate(context.caller)",
            "33..47 10 the template of `matchesTemplate` must be a string literal [templates are compiled ahead; use `startsWith` with a value of the request]",
        ),
        ("context.caller.matches('a(')", "23..27 11 the pattern is not a regular expression: unclosed group"),
        ("context.attempt + 'a' == ''", "0..21 06 no `+` for `int` and `string` [write `string(context.attempt)`]"),
        ("context.attempt + 1.0 > 2.0", "0..21 06 no `+` for `int` and `double` [write `1`]"),
        (
            "context.caller + 1 == ''",
            "0..18 06 no `+` for `string` and `int` [write `int(context.caller)` to calculate with numbers; to join texts, write `'1'`]",
        ),
        ("context.caller.exists(f, f == 'x')", "0..14 06 `exists` goes over a list or a map, and this is `string`"),
        (
            "context.feature_flags.exists('f', f == 'x')",
            "29..32 06 `exists` declares a name here, for example `x` [it is `list.exists(x, condition)`]",
        ),
        (
            "context.feature_flags.exists(f, size(f))",
            "32..39 07 the condition of `exists` must be `bool`, and this is `int`",
        ),
        (
            "context.feature_flags.exists(f == 'x')",
            "22..28 04 `exists` is not called like this [it is `list.exists(x, condition)`]",
        ),
        ("context.feature_flags.any(f, f == 'x')", "22..25 04 there is no function `any` [did you mean `exists`?]"),
        ("context.feature_flags.exists(flag, flga == 'x')", "35..39 04 `flga` is not declared [did you mean `flag`?]"),
        ("context.feature_flags.all(x, x, true)", "29..30 06 `x` is declared twice"),
        ("math.greatst(1, 2) == 2", "0..12 04 there is no function `math.greatst` [did you mean `math.greatest`?]"),
        ("math.greatest('a', 2) == 2", "14..17 06 `math.greatest` compares numbers, and this is `string`"),
        (
            "int(true) == 1",
            "0..3 06 no `int` for `bool` [it is `int(int)` or `int(double)` or `int(duration)` or `int(string)` or `int(timestamp)` or `int(uint)`]",
        ),
        (
            "context.?user_id == 'a'",
            "0..23 06 no `==` for `optional(string)` and `string` [write `context.?user_id.orValue(...)` to say what it is when it is missing]",
        ),
        (
            "context.?user_id",
            "0..16 07 a condition must be `bool`, and this is `optional(string)` [write `context.?user_id.hasValue()` to test whether it is there]",
        ),
        (
            "[?context.caller] == []",
            "2..16 06 `?` takes an optional, and this is `string` [remove the `?`, or write `optional.of(...)`]",
        ),
        ("{1.5: 2} == {}", "1..4 06 the key of a map cannot be `double` [keys are `string`, `int`, `uint` or `bool`]"),
        (
            "request.time.getHours('Europe/Berlim') == 1",
            "22..37 14 there is no time zone `Europe/Berlim` [did you mean `Europe/Berlin`?]",
        ),
        (
            "request.time.getHours(context.caller) == 1",
            "22..36 10 the time zone of `getHours` must be a string literal [the rules of time zones are compiled ahead; choose between literals with `? :`]",
        ),
        (
            "request.time > '2024-01-01T00:00:00Z'",
            "0..37 06 no `>` for `timestamp` and `string` [write `timestamp('2024-01-01T00:00:00Z')`]",
        ),
        (
            "request.time - timestamp('2024-01-01') > duration('5 minutes')",
            "25..37 16 `'2024-01-01'` is not a valid timestamp [write it like `'2024-01-31T08:30:00Z'`]\n50..61 16 `'5 minutes'` is not a valid duration [write it like `'1h30m'` or `'90s'`]",
        ),
        (
            "source.ip.inNetworks(['10.0.0.0/8', '10.0.0.1'])",
            "36..46 16 `10.0.0.1` is not a network [write `10.0.0.1/32` for one address]",
        ),
        (
            "source.ip.inNetworks([context.caller])",
            "21..37 10 the networks of `inNetworks` must be a list of string literals [write `source.ip.inNetworks(['10.0.0.0/8', '2001:db8::/32'])`; a network of the request is `cidr(...).containsIP(...)`]",
        ),
        (
            "cidr('10.0.0.0/33').containsIP(source.address)",
            "5..18 16 `'10.0.0.0/33'` is not a valid range of IP addresses [write it like `'10.0.0.0/8'`]",
        ),
        (
            "context.caller.toLowerCase() == 'a'",
            "15..26 04 there is no function `toLowerCase` [did you mean `lowerAscii`?]",
        ),
        ("now() > request.time", "0..3 04 there is no function `now` [did you mean `request.time`?]"),
        ("acme.Message{id: 1} == 1", "0..19 03 `acme.Message{...}` is a protobuf message, which policies do not have"),
        (
            "cel.bind(1, 2, 3) == 3",
            "9..10 06 `bind` declares a name here, for example `x` [it is `cel.bind(name, value, expression)`]",
        ),
        ("context.limits.sortBy(k, k) == []", "0..14 06 `sortBy` sorts a list, and this is `map(string, int)`"),
        ("context.feature_flags.sortBy(f, [f]) == []", "32..35 06 `list(string)` has no order to sort by"),
        ("'a'.optMap(x, x) == 'a'", "0..3 06 `optMap` takes an optional, and this is `string`"),
        (
            "context.caller.substring('a') == ''",
            "15..24 06 no `substring` on `string` with `string` [it is `string.substring(int)` or `string.substring(int, int)`]",
        ),
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
