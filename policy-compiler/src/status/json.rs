//! The status of proxies as JSON.

use serde_json::{Map, Value, json};

use super::{Proxy, Refusal, Running, Verdict, expected::Entry};

/// Describes the proxies, compared with what is expected, if anything is.
pub fn json(proxies: &[Proxy], expected: Option<&[Entry]>) -> Value {
    json!({
        "proxies": proxies.iter().map(|known| proxy(known, expected)).collect::<Value>(),
        "different": proxies.iter().filter(|known| known.is_different(expected)).count(),
        "unknown": proxies.iter().filter(|known| known.unknown.is_some()).count(),
    })
}

fn proxy(proxy: &Proxy, expected: Option<&[Entry]>) -> Value {
    let counters: Map<String, Value> =
        proxy.counters.iter().map(|(name, count)| (name.clone(), Value::from(*count))).collect();
    json!({
        "name": proxy.name,
        "source": proxy.source,
        "envoy": proxy.envoy,
        "different": expected.map(|_| proxy.is_different(expected)),
        "running": proxy.running.iter().map(|known| running(known, expected)).collect::<Value>(),
        "refused": proxy.refused.iter().map(refusal).collect::<Value>(),
        "counters": counters,
        "errors": proxy.errors,
        "unknown": proxy.unknown,
    })
}

fn running(running: &Running, expected: Option<&[Entry]>) -> Value {
    let verdict = running.verdict(expected);
    let word = match verdict {
        Verdict::Unasked => None,
        Verdict::Expected => Some("expected"),
        Verdict::OtherRevision(_) => Some("other-revision"),
        Verdict::Other(_) => Some("other"),
        Verdict::Unlisted => Some("unlisted"),
    };
    let wanted = match verdict {
        Verdict::Other(entry) | Verdict::OtherRevision(entry) => {
            json!({"revision": entry.revision, "digest": entry.digest})
        }
        Verdict::Unasked | Verdict::Expected | Verdict::Unlisted => Value::Null,
    };
    json!({
        "service": running.service,
        "role": running.role,
        "revision": running.revision,
        "digest": running.digest,
        "verdict": word,
        "wanted": wanted,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "reason": refusal.reason,
        "text": refusal.text,
        "revision": refusal.revision,
        "digest": refusal.digest,
        "count": refusal.count,
    })
}
