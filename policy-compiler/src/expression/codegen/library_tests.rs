//! Cases of the language and its library, through the whole pipeline. Each case is true, or the named error. Each runs
//! twice: with and without constant folding.

use super::run_tests::{run, run_unfolded};

fn all_true(cases: &[&str]) {
    for text in cases {
        assert_eq!(run(text), "true", "{text}");
        assert_eq!(run_unfolded(text), "true", "unfolded: {text}");
    }
}

fn give(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(run(text), *expected, "{text}");
        assert_eq!(run_unfolded(text), *expected, "unfolded: {text}");
    }
}

#[test]
fn arithmetic() {
    all_true(&[
        "context.attempt + 1 == 4 && context.attempt * 2 == 6 && 7 / 2 == 3 && -7 % 3 == -1",
        "1u + 2u == 3u && 1.5 * 2.0 == 3.0 && -context.attempt == -3",
        "context.tenant_id + '/x' == 'tenant_a/x'",
        "context.flags + ['z'] == ['new', 'dark1', 'z']",
        "b'a' + b'b' == b'ab'",
        "dyn(1) == 1.0 && dyn(1u) == 1 && 1 < 1.5 && 2u > 1",
        "timestamp('2024-02-29T12:00:00Z') + duration('24h') == timestamp('2024-03-01T12:00:00Z')",
        "timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-29T00:00:00Z') == duration('24h')",
    ]);
    give(&[
        ("9223372036854775807 + 1", "overflow"),
        ("-(-9223372036854775808)", "overflow"),
        ("0u - 1u", "overflow"),
        ("1 / 0", "division-by-zero"),
        ("1 % 0", "division-by-zero"),
        ("context.claims.sub + 1", "no-such-overload"),
        ("1 / 0 == 1 || context.beta", "true"),
        ("1 / 0 == 1 && !context.beta", "false"),
    ]);
}

#[test]
fn conversions() {
    all_true(&[
        "int('42') == 42 && int(3.9) == 3 && int(7u) == 7 && int(timestamp('1970-01-01T00:00:05Z')) == 5",
        "uint('42') == 42u && double('1.5') == 1.5 && double(2) == 2.0",
        "string(1) == '1' && string(1u) == '1' && string(true) == 'true' && string(b'abc') == 'abc'",
        "string(1.5) == '1.5' && string(duration('90s')) == '90s'",
        "string(timestamp('2024-01-02T03:04:05.5Z')) == '2024-01-02T03:04:05.5Z'",
        "bytes('é') == b'\\xc3\\xa9' && bool('true') && !bool('f')",
        "type(1) == int && type('a') == string && type([]) == list && type({}) == map && type(null) == null_type",
        "type(timestamp(0)) == google.protobuf.Timestamp && type(optional.none()) == optional_type && type(int) == type",
        "type(context.claims) == map && type(context.flags) == list && type(request.headers) == map",
        "duration('1h30m') == duration('5400s') && timestamp(5) == timestamp('1970-01-01T00:00:05Z')",
    ]);
    give(&[
        ("int(dyn('x'))", "invalid-argument"),
        ("int(1e30)", "overflow"),
        ("uint(-1)", "overflow"),
        ("string(b'\\xff')", "invalid-argument"),
        ("timestamp(dyn('yesterday'))", "invalid-argument"),
        ("duration(dyn('1x'))", "invalid-argument"),
    ]);
}

#[test]
fn macros() {
    all_true(&[
        "context.flags.exists(f, f.startsWith('da')) && context.flags.all(f, size(f) > 2)",
        "context.flags.exists_one(f, f == 'new') && !context.flags.existsOne(f, size(f) > 2)",
        "context.flags.map(f, f + '!') == ['new!', 'dark1!']",
        "context.flags.map(f, f != 'new', f + '!') == ['dark1!']",
        "context.flags.filter(f, f != 'new') == ['dark1']",
        "context.limits.map(k, k) == ['rps'] && context.limits.all(k, v, k == 'rps' && v == 10)",
        "context.flags.all(i, f, i < 2 && f != '') && context.flags.exists(i, f, i == 1 && f == 'dark1')",
        "context.flags.existsOne(i, f, i == 0)",
        "context.flags.transformList(i, f, f + string(i)) == ['new0', 'dark11']",
        "context.flags.transformList(i, f, i > 0, f) == ['dark1']",
        "context.limits.transformMap(k, v, v * 2) == {'rps': 20}",
        "context.limits.transformMap(k, v, v > 100, v) == {}",
        "context.flags.transformMap(i, f, f) == {0: 'new', 1: 'dark1'}",
        "context.flags.transformMapEntry(i, f, {f: i}) == {'new': 0, 'dark1': 1}",
        "[1, 2, 3].map(x, [x, x].map(y, x * y)) == [[1, 1], [4, 4], [9, 9]]",
        "[1, 2].exists(x, [2, 3].exists(y, x == y))",
        "[3, 1, 2].sortBy(x, -x) == [3, 2, 1] && context.flags.sortBy(f, size(f)) == ['new', 'dark1']",
        "cel.bind(a, context.tenant_id, cel.bind(b, a + a, b == 'tenant_atenant_a'))",
        "[1, 2].exists(x, x == 2 && [x].all(x, x == 2))",
        "cel.block([1, cel.index(0) + 1, cel.index(1) * 2], cel.index(2) == 4)",
        "[].all(x, 1 / 0 == x) && ![].exists(x, 1 / 0 == x)",
        "has({'a': 1}.a) && !has({'a': 1}.b) && {'a': {'b': 1}}.a.b == 1",
        "lists.range(20).map(x, x * x).filter(x, x > 300) == [324, 361]",
    ]);
    give(&[
        ("[1, 0].exists(x, 1 / x == 1)", "true"),
        ("[0, 1].exists(x, 1 / x == 1)", "true"),
        ("[0, 2].exists(x, 1 / x == 1)", "division-by-zero"),
        ("[0, 2].all(x, 1 / x == 1)", "false"),
        ("[1, 0].exists_one(x, 1 / x == 1)", "division-by-zero"),
        ("[1, 0].map(x, 1 / x)", "division-by-zero"),
        ("[1, 0].filter(x, 1 / x > 0)", "division-by-zero"),
        ("context.user_id.map(x, x)", ""),
        ("context.claims.age.map(x, x)", "no-such-overload"),
        ("[1, 2].transformMapEntry(i, x, {'a': x})", "duplicate-key"),
        ("{'a': 1, 'a': 2}", "duplicate-key"),
        ("[1, 2].transformMap(i, x, 1 / 0 > 1, x)", "division-by-zero"),
    ]);
}

#[test]
fn optionals() {
    all_true(&[
        "!context.?user_id.hasValue() && context.?tenant_id.hasValue()",
        "context.?user_id.orValue('none') == 'none' && context.?tenant_id.orValue('none') == 'tenant_a'",
        "context.?user_id.or(context.?tenant_id).value() == 'tenant_a'",
        "context.claims.?sub.orValue('') == 'u1' && context.claims.?a.b.c.orValue(5) == 5",
        "context.flags[?1].orValue('') == 'dark1' && !context.flags[?7].hasValue()",
        "request.headers[?'x-b'].orValue('none') == 'none' && request.headers.?method.orValue('-') == '-'",
        "optional.of(2).optMap(x, x * 2).value() == 4 && !optional.none().optMap(x, x * 2).hasValue()",
        "optional.of(2).optFlatMap(x, optional.none()) == optional.none()",
        "optional.ofNonZeroValue('') == optional.none() && optional.ofNonZeroValue(1) == optional.of(1)",
        "[?optional.none(), ?optional.of(1), 2] == [1, 2]",
        "{?'a': optional.none(), ?'b': optional.of(1)} == {'b': 1}",
        "{?'a': context.?user_id, 'b': 'x'} == {'b': 'x'}",
        "[optional.none(), optional.of(1)].unwrapOpt() == [1]",
        "context.flags.first().value() == 'new' && [].last() == optional.none()",
        "has({'a': {'b': 1}}.?a.b) && !has({'a': {}}.?a.b) && !has({}.?a.b)",
        "optional.of({'a': [1]}).a[0] == optional.of(1)",
    ]);
    give(&[
        ("optional.none().value()", "empty-optional"),
        ("context.?user_id.value()", "empty-optional"),
        ("optional.of(1 / 0).orValue(2)", "division-by-zero"),
    ]);
}

#[test]
fn strings() {
    all_true(&[
        "'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == ''",
        "'hello mellow'.indexOf('ello', 2) == 7 && 'hello mellow'.lastIndexOf('ello') == 7 && 'a'.indexOf('') == 0",
        "['x', 'y'].join('-') == 'x-y' && ['x', 'y'].join() == 'xy' && [].join(',') == ''",
        "'TacoÆCat'.lowerAscii() == 'tacoÆcat' && 'taco'.upperAscii() == 'TACO'",
        "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
        "'a b c'.split(' ') == ['a', 'b', 'c'] && 'a b c'.split(' ', 2) == ['a', 'b c'] && 'ab'.split('') == ['a', 'b']",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && '  \\ttrim\\n '.trim() == 'trim'",
        "'añb'.reverse() == 'bña' && strings.quote('a\"b') == '\"a\\\\\"b\"'",
        "'%d-%s-%x-%.2f'.format([1, 'a', 255, 1.005]) == '1-a-ff-1.00'",
        "'%s %s'.format([[1, 'a'], {'k': true}]) == '[1, a] {k: true}'",
        "context.tenant_id.split('_')[1] == 'a'",
        "hash('a') == hash('a') && hash('a') >= 0 && hash('a') != hash('b')",
    ]);
    give(&[("'a'.charAt(5)", "index-out-of-range"), ("'abc'.substring(2, 1)", "index-out-of-range")]);
}

#[test]
fn numbers_and_lists() {
    all_true(&[
        "math.greatest(1, 5, 3) == 5 && math.least(-1.5, 2) == -1.5 && math.greatest([1u, 2u]) == 2u && math.least(7) == 7",
        "math.ceil(1.2) == 2.0 && math.floor(-1.2) == -2.0 && math.round(-1.5) == -2.0 && math.trunc(-1.9) == -1.0",
        "math.abs(-3) == 3 && math.sign(-2.5) == -1.0 && math.sqrt(16) == 4.0 && math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0)",
        "math.bitAnd(6, 3) == 2 && math.bitOr(6u, 3u) == 7u && math.bitXor(6, 3) == 5 && math.bitNot(1) == -2",
        "math.bitShiftLeft(1, 4) == 16 && math.bitShiftRight(-1, 60) == 15",
        "[1, 2, 2, 1].distinct() == [1, 2] && [[1], [2, [3]]].flatten() == [1, 2, [3]] && [[1, [2, [3]]]].flatten(2) == [1, 2, [3]]",
        "[3, 1, 2].sort() == [1, 2, 3] && [1, 2, 3].slice(1, 3) == [2, 3] && [1, 2].reverse() == [2, 1]",
        "lists.range(3) == [0, 1, 2]",
        "base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8') == b'hello'",
        "'a' in {'a': 1} && 2 in [1, 2.0] && !('x' in context.claims)",
    ]);
    give(&[("math.abs(-9223372036854775808)", "overflow"), ("[1, 2].slice(1, 5)", "index-out-of-range")]);
}

#[test]
fn times() {
    all_true(&[
        "timestamp('2009-02-13T23:31:30Z').getFullYear() == 2009 && timestamp('2009-02-13T23:31:30Z').getMonth() == 1",
        "timestamp('2009-02-13T23:31:30Z').getDate() == 13 && timestamp('2009-02-13T23:31:30Z').getDayOfMonth() == 12",
        "timestamp('2009-02-13T23:31:30Z').getDayOfWeek() == 5 && timestamp('2009-02-13T23:31:30Z').getDayOfYear() == 43",
        "timestamp('2009-02-13T23:31:30Z').getHours('Australia/Sydney') == 10",
        "timestamp('2009-02-13T23:31:30Z').getDate('Australia/Sydney') == 14",
        "timestamp('2024-07-01T12:00:00Z').getHours('Europe/Berlin') == 14",
        "timestamp('2024-12-01T12:00:00Z').getHours('Europe/Berlin') == 13",
        "timestamp('2150-07-01T12:00:00Z').getHours('Europe/Berlin') == 14",
        "timestamp('2024-07-01T12:00:00Z').getHours('-02:30') == 9 && timestamp('2024-07-01T12:00:00Z').getMinutes('02:30') == 30",
        "timestamp('2024-07-01T12:00:00.123Z').getMilliseconds() == 123",
        "duration('3730s').getHours() == 1 && duration('3730s').getMinutes() == 62 && duration('3730s').getSeconds() == 3730",
        "duration('1.5s').getMilliseconds() == 500",
    ]);
    give(&[
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "overflow"),
        ("timestamp(253402300800)", "overflow"),
    ]);
}

#[test]
fn networks() {
    all_true(&[
        "'/orders/1/returns'.matchesTemplate('/orders/{id}/returns') && !'/orders/1/2/returns'.matchesTemplate('/orders/{id}/returns')",
        "'/static/'.matchesTemplate('/static/{**}') && '/static/a/b'.matchesTemplate('/static/{**}') && !'/statics'.matchesTemplate('/static/{**}')",
        "!'/orders//returns'.matchesTemplate('/orders/{id}/returns') && !'/x/orders'.matchesTemplate('/orders') && !'/a.b'.matchesTemplate('/a-b')",
        "isIP('10.0.0.1') && !isIP('10.0.0.256') && ip('::1').family() == 6 && ip('127.0.0.1').isLoopback()",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
        "'10.1.2.3'.inNetworks(['192.168.0.0/16', '10.0.0.0/8']) && !ip('11.0.0.1').inNetworks(['10.0.0.0/8']) && !'::1'.inNetworks(['0.0.0.0/0'])",
        "['10.0.0.0/8', '::/0'].exists(n, cidr(n).containsIP('::2')) && !['10.0.0.0/8'].exists(n, cidr(n).containsIP('::2'))",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "cidr('10.1.2.3/8').prefixLength() == 8 && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
        "string(ip('2001:db8:0::1')) == '2001:db8::1' && ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')",
        "ip('::ffff:c0a8:1') == ip('192.168.0.1') && cidr('192.168.0.0/16').containsIP('::ffff:c0a8:1')",
        "type(ip('1.1.1.1')) == net.IP && type(cidr('1.0.0.0/8')) == net.CIDR",
        "ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast() && ip('8.8.8.8').isGlobalUnicast()",
    ]);
    give(&[
        ("dyn('x').inNetworks(['10.0.0.0/8'])", "invalid-argument"),
        ("dyn(1).inNetworks(['10.0.0.0/8'])", "no-such-overload"),
    ]);
    give(&[("ip(dyn('x'))", "invalid-argument"), ("cidr(dyn('10.0.0.0/33'))", "invalid-argument")]);
}
