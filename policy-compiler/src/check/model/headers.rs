//! Headers that a field may not use, because other software reads and writes them.

/// Returns why a field cannot be shown in this header, or `None` if it can. `header` is in lower case.
pub(super) fn reserved(header: &str) -> Option<&'static str> {
    let by_prefix = PREFIXES.iter().find(|(prefix, _)| header.starts_with(prefix)).map(|(_, why)| *why);
    let by_name = || NAMES.iter().find(|(_, names)| names.contains(&header)).map(|(why, _)| *why);
    // A binary header of gRPC.
    let by_end = || header.ends_with("-bin").then_some("gRPC reads headers that end in `-bin` as base64");
    by_prefix.or_else(by_name).or_else(by_end)
}

const TRACE: &str = "it carries the trace, which is never part of the context";
const MESH: &str = "it is a carrier of the whole context";
const HTTP: &str = "it has a meaning for HTTP or for proxies";
const PROXY: &str = "proxies use it to tell applications who the client is and what it asked for";
const OVERRIDE: &str = "frameworks take the path or the method from it";
const CREDENTIAL: &str = "it carries a credential";
const BROWSER: &str = "browsers read and write it";
const CLOUD: &str = "load balancers and networks of a provider read and write it";

/// Reserved prefixes.
const PREFIXES: &[(&str, &str)] = &[
    (":", "pseudo headers are HTTP's own"),
    ("x-envoy-", "Envoy reads and writes `x-envoy-` headers"),
    ("x-istio-", "Istio reads and writes `x-istio-` headers"),
    ("grpc-", "gRPC reads and writes `grpc-` headers"),
    ("x-grpc-", "gRPC reads and writes `x-grpc-` headers"),
    ("x-b3-", TRACE),
    ("uberctx-", TRACE),
    ("x-datadog-", TRACE),
    ("x-instana-", TRACE),
    ("ot-", TRACE),
    ("x-ot-", TRACE),
    ("elastic-apm-", TRACE),
    ("sentry-", TRACE),
    ("x-forwarded-", PROXY),
    ("x-original-", OVERRIDE),
    ("x-rewrite-", OVERRIDE),
    ("x-accel-", "nginx reads `x-accel-` headers"),
    ("x-sendfile", "servers read `x-sendfile` headers"),
    ("proxy-", HTTP),
    ("accept-", HTTP),
    ("content-", HTTP),
    ("if-", HTTP),
    ("want-", HTTP),
    ("x-content-", HTTP),
    ("cache-", HTTP),
    ("cdn-", HTTP),
    ("surrogate-", HTTP),
    ("sec-", BROWSER),
    ("access-control-", BROWSER),
    ("cross-origin-", BROWSER),
    ("client-cert", CREDENTIAL),
    ("x-client-cert", CREDENTIAL),
    ("x-ssl-", CREDENTIAL),
    ("ssl-", CREDENTIAL),
    ("x-amz-", CLOUD),
    ("x-amzn-", CLOUD),
    ("x-goog-", CLOUD),
    ("x-google-", CLOUD),
    ("x-azure-", CLOUD),
    ("x-ms-", CLOUD),
    ("x-appengine-", CLOUD),
    ("x-akamai-", CLOUD),
    ("akamai-", CLOUD),
    ("cf-", CLOUD),
    ("fastly-", CLOUD),
    ("fly-", CLOUD),
    ("x-vercel-", CLOUD),
];

/// Reserved names.
const NAMES: &[(&str, &[&str])] = &[
    (
        TRACE,
        &[
            "traceparent",
            "tracestate",
            "b3",
            "x-request-id",
            "x-client-trace-id",
            "x-cloud-trace-context",
            "uber-trace-id",
            "jaeger-debug-id",
            "jaeger-baggage",
            "newrelic",
            "x-trace-id",
            "x-span-id",
        ],
    ),
    (MESH, &["x-mesh-context", "baggage"]),
    (
        HTTP,
        &[
            "a-im",
            "accept",
            "age",
            "allow",
            "alt-svc",
            "alt-used",
            "authentication-control",
            "authentication-info",
            "capsule-protocol",
            "close",
            "connection",
            "date",
            "dav",
            "delta-base",
            "depth",
            "destination",
            "digest",
            "early-data",
            "etag",
            "expect",
            "expires",
            "from",
            "host",
            "http2-settings",
            "im",
            "idempotency-key",
            "if",
            "incremental",
            "keep-alive",
            "last-modified",
            "link",
            "location",
            "lock-token",
            "max-forwards",
            "mime-version",
            "overwrite",
            "pragma",
            "prefer",
            "preference-applied",
            "priority",
            "range",
            "repr-digest",
            "retry-after",
            "server",
            "server-timing",
            "soapaction",
            "te",
            "timeout",
            "trailer",
            "trailers",
            "transfer-encoding",
            "translate",
            "upgrade",
            "user-agent",
            "vary",
            "via",
            "warning",
            "www-authenticate",
            "x-user-agent",
        ],
    ),
    (
        PROXY,
        &[
            "client-ip",
            "forwarded",
            "proxy",
            "remote-addr",
            "true-client-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-forwarded",
            "x-forwarded-client-cert",
            "x-host",
            "x-proxyuser-ip",
            "x-real-ip",
            "x-remote-addr",
            "x-remote-ip",
            "x-scheme",
            "front-end-https",
        ],
    ),
    (OVERRIDE, &["x-http-method", "x-http-method-override", "x-method-override", "x-http-path-override"]),
    (
        CREDENTIAL,
        &[
            "authorization",
            "cookie",
            "cookie2",
            "dpop",
            "dpop-nonce",
            "remote-user",
            "set-cookie",
            "set-cookie2",
            "signature",
            "signature-input",
            "x-api-key",
            "x-auth-token",
            "x-authorization",
            "x-csrf-token",
            "x-csrftoken",
            "x-remote-user",
            "x-webauth-user",
            "x-xsrf-token",
        ],
    ),
    (
        BROWSER,
        &[
            "clear-site-data",
            "dnt",
            "downlink",
            "dpr",
            "device-memory",
            "ect",
            "last-event-id",
            "nel",
            "origin",
            "origin-agent-cluster",
            "permissions-policy",
            "ping-from",
            "ping-to",
            "referer",
            "referrer-policy",
            "refresh",
            "report-to",
            "reporting-endpoints",
            "rtt",
            "save-data",
            "service-worker",
            "service-worker-allowed",
            "sourcemap",
            "strict-transport-security",
            "timing-allow-origin",
            "upgrade-insecure-requests",
            "viewport-width",
            "width",
            "x-frame-options",
            "x-powered-by",
            "x-requested-with",
            "x-robots-tag",
            "x-ua-compatible",
            "x-xss-protection",
        ],
    ),
];

/// Whether the text is a valid name of a header that shows a field: letters, digits and `-`. CGI maps all other
/// characters to `-`, so a name with one of them would collide with another.
pub(super) fn is_name(header: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let edges = header.starts_with('-') || header.ends_with('-');
    !header.is_empty() && !edges && header.len() <= 256 && header.chars().all(allowed)
}

/// Returns a name to use instead of one that is reserved or invalid, or `None` if nothing usable is left of it.
pub(super) fn proposal(header: &str) -> Option<String> {
    let plain: String =
        header.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let own: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let own = own.join("-");
    let proposal = if reserved(&own).is_none() && own.starts_with("x-") {
        own
    } else {
        let own = own.strip_prefix("x-").unwrap_or(&own);
        format!("x-ctx-{}", own.strip_suffix("-bin").unwrap_or(own))
    };
    (is_name(&proposal) && proposal != header).then_some(proposal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_another_meaning_are_reserved() {
        for header in [
            ":path",
            "traceparent",
            "b3",
            "x-b3-traceid",
            "host",
            "x-mesh-context",
            "x-envoy-peer-metadata",
            "x-forwarded-proto",
            "x-forwarded-anything",
            "forwarded",
            "set-cookie",
            "cookie",
            "range",
            "if-match",
            "origin",
            "sec-fetch-site",
            "access-control-allow-origin",
            "proxy-authorization",
            "proxy",
            "content-disposition",
            "x-real-ip",
            "true-client-ip",
            "cf-connecting-ip",
            "x-original-url",
            "x-http-method-override",
            "grpc-timeout",
            "tenant-bin",
            "te",
            "authorization",
            "x-datadog-trace-id",
        ] {
            assert!(reserved(header).is_some(), "{header}");
        }
        for header in ["x-tenant-id", "x-user-id", "tenant", "x-ctx-host", "x-role", "x-caller", "x-plan", "x-iban"] {
            assert_eq!(reserved(header), None, "{header}");
        }
    }

    #[test]
    fn the_lists_are_of_lower_case_and_say_each_name_once() {
        let names: Vec<&str> = NAMES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (at, name) in names.iter().enumerate() {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert!(!names[..at].contains(name), "{name} is listed twice");
        }
    }

    #[test]
    fn names_are_those_that_cgi_keeps_apart() {
        for (header, is) in [
            ("x-tenant-id", true),
            ("Tenant1", true),
            ("x_tenant_id", false),
            ("x.tenant", false),
            ("x tenant", false),
            ("-x", false),
            ("x-", false),
            ("", false),
        ] {
            assert_eq!(is_name(header), is, "{header}");
        }
    }

    #[test]
    fn another_name_is_proposed() {
        for (header, proposed) in [
            ("x_tenant_id", Some("x-tenant-id")),
            ("x-forwarded-proto", Some("x-ctx-forwarded-proto")),
            ("x_real_ip", Some("x-ctx-real-ip")),
            ("host", Some("x-ctx-host")),
            (":path", Some("x-ctx-path")),
            ("tenant-bin", Some("x-ctx-tenant")),
            ("user id", Some("x-ctx-user-id")),
            ("äö", None),
            ("", None),
        ] {
            assert_eq!(proposal(header).as_deref(), proposed, "{header}");
        }
    }
}
