//! The expressions that are measured: at least one of every kind in policies.

/// The place where an expression spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The two interpreters.
    Interpreter,
    /// A library of this name, which both interpreters call.
    Shared(&'static str),
}

/// An expression that is measured.
#[derive(Debug, Clone, Copy)]
pub struct Expression {
    /// The kind that it represents.
    pub kind: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The place where it spends its time.
    pub time: Time,
}

const fn of(kind: &'static str, text: &'static str) -> Expression {
    Expression { kind, text, time: Time::Interpreter }
}

/// All expressions.
pub const ALL: &[Expression] = &[
    of("equality", "context.tenant_id == 'tenant_acme'"),
    of("inequality", "context.loyalty_tier != 'silver'"),
    of("int order", "context.attempt < 5"),
    of("double order", "context.risk_score >= 0.25"),
    of("timestamp order", "request.time < timestamp('2031-01-01T00:00:00Z')"),
    of("prefix", "request.path.startsWith('/svc7/')"),
    of("suffix", "request.host.endsWith('.shop.example')"),
    of("contains", "request.useragent.contains('Mobile')"),
    Expression {
        kind: "regex",
        text: "request.url_path.matches('^/svc[0-9]+/cart/[0-9]+$')",
        time: Time::Shared("regex-automata"),
    },
    of("in a literal list", "request.method in ['GET', 'HEAD', 'OPTIONS']"),
    of("in a context list", "'fast_search' in context.feature_flags"),
    of("&& chain", "context.tenant_id == 'tenant_acme' && request.method == 'GET' && peer.domain == 'shop'"),
    of("|| chain", "context.tenant_id == 'a' || request.method == 'POST' || peer.domain == 'shop'"),
    of("conditional", "context.loyalty_tier == 'gold' ? 100 : 10"),
    of("has", "has(context.user_id)"),
    of("has, deeper", "has(context.limits.burst)"),
    of("header", "request.headers['x-canary'] == 'blue'"),
    of("header, if there", "'x-canary' in request.headers && request.headers['x-canary'] == 'blue'"),
    of("map index", "context.limits['rate'] > 50"),
    of("macro all", "context.feature_flags.all(f, f.size() > 3)"),
    of("macro exists", "context.feature_flags.exists(f, f.startsWith('beta_'))"),
    of("macro exists_one", "context.feature_flags.exists_one(f, f == 'beta_cart')"),
    of("macro filter", "context.feature_flags.filter(f, f.contains('cart'))"),
    of("macro map", "context.feature_flags.map(f, f + '!')"),
    of("string +", "context.tenant_id + '/' + context.user_id"),
    of("format", "'%s tried %d times'.format([context.tenant_id, context.attempt])"),
    of("join", "context.feature_flags.join(',')"),
    of("replace", "request.url_path.replace('/', '.')"),
    of("split", "request.url_path.split('/')"),
    of("substring", "request.url_path.substring(1, 5)"),
    of("lower case", "context.loyalty_tier.lowerAscii()"),
    of("int arithmetic", "(context.attempt * 2 + 1) % 5"),
    of("double arithmetic", "context.risk_score * 100.0 - 1.5"),
    of("size", "request.path.size() <= 64"),
    of("int()", "int(request.headers['x-attempt']) + 1"),
    of("string()", "string(context.attempt)"),
    of("timestamp getter", "request.time.getHours('Europe/Berlin')"),
    of("duration arithmetic", "request.time + duration('90m') > timestamp('2026-01-01T00:00:00Z')"),
    of(
        "a whole rule",
        "peer.domain == 'shop' && (request.method in ['GET', 'HEAD'] || context.loyalty_tier == 'gold') && request.path.startsWith('/svc7/')",
    ),
];
