//! Headers that a field may not use.

/// Why a field cannot be shown in this header; `None` if it can. `header` is in lower case.
pub(super) fn reserved(header: &str) -> Option<&'static str> {
    const PREFIXES: [(&str, &str); 4] = [
        (":", "pseudo headers are HTTP's own"),
        ("x-envoy-", "Envoy reads and writes `x-envoy-` headers"),
        ("x-b3-", "it carries the trace, which is never part of the context"),
        ("grpc-", "gRPC reads and writes `grpc-` headers"),
    ];
    const TRACING: [&str; 5] = ["traceparent", "tracestate", "b3", "x-request-id", "x-client-trace-id"];
    const MESH: [&str; 2] = ["x-mesh-context", "baggage"];
    const HTTP: [&str; 21] = [
        "accept",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-forwarded-client-cert",
        "x-forwarded-for",
    ];
    if let Some((_, why)) = PREFIXES.iter().find(|(prefix, _)| header.starts_with(prefix)) {
        return Some(why);
    }
    match header {
        _ if TRACING.contains(&header) => Some("it carries the trace, which is never part of the context"),
        _ if MESH.contains(&header) => Some("it is a carrier of the whole context"),
        _ if HTTP.contains(&header) => Some("it has a meaning for HTTP or for proxies"),
        _ => None,
    }
}

/// Whether the text can be the name of a header that shows a field: letters, digits, `-`, `_` and `.`.
pub(super) fn is_name(header: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !header.is_empty() && header.len() <= 256 && header.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_another_meaning_are_reserved() {
        for header in [":path", "traceparent", "b3", "x-b3-traceid", "host", "x-mesh-context", "x-envoy-peer-metadata"]
        {
            assert!(reserved(header).is_some(), "{header}");
        }
        for header in ["x-tenant-id", "x-user-id", "tenant"] {
            assert_eq!(reserved(header), None, "{header}");
        }
    }
}
