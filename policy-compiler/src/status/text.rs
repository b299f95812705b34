//! The status of proxies as text.

use super::{Proxy, Refusal, Running, Verdict, expected::Entry};
use crate::report::style::Paint;

/// Number of hex digits of a digest that are shown.
const SHOWN: usize = 12;

/// Describes the proxies, compared with what is expected, if anything is.
pub fn text(proxies: &[Proxy], expected: Option<&[Entry]>, paint: Paint) -> String {
    let mut lines = Vec::new();
    for known in proxies {
        proxy(&mut lines, known, expected, paint);
    }
    lines.push(summary(proxies, expected, paint));
    lines.join("\n") + "\n"
}

fn proxy(lines: &mut Vec<String>, proxy: &Proxy, expected: Option<&[Entry]>, paint: Paint) {
    let mut about = Vec::new();
    if proxy.source != proxy.name {
        about.push(proxy.source.clone());
    }
    about.extend(proxy.envoy.as_ref().map(|version| format!("Envoy {version}")));
    let about = if about.is_empty() { String::new() } else { format!("  {}", paint.faint(about.join(", "))) };
    lines.push(format!("{}{about}", paint.strong(&proxy.name)));
    if let Some(reason) = &proxy.unknown {
        lines.push(format!("  {}  {reason}", paint.bad("unknown")));
    } else if proxy.running.is_empty() {
        let none =
            "  no artifact: the proxy has no filter, its statistics are left out, or it accepted no configuration";
        lines.push(if expected.is_some() { format!("  {}{none}", paint.bad("runs")) } else { format!("  runs{none}") });
    }
    lines.extend(proxy.running.iter().map(|known| running(known, expected, paint)));
    lines.extend(proxy.refused.iter().map(|known| refusal(known, paint)));
    lines.extend(proxy.errors.iter().map(|error| format!("  {}  a listener: {error}", paint.warn("refused"))));
    let counters = proxy.counters.iter();
    lines.extend(counters.map(|(name, count)| format!("  {}  {name}: {count}", paint.warn("counted"))));
}

fn running(running: &Running, expected: Option<&[Entry]>, paint: Paint) -> String {
    let what = artifact(running.revision.as_deref(), Some(&running.digest));
    let line = format!("  runs     {what}  {} of {}", running.role, running.service);
    let wanted = |entry: &Entry| artifact(entry.revision.as_deref(), Some(&entry.digest));
    match running.verdict(expected) {
        Verdict::Unasked => line,
        Verdict::Expected => format!("{line}  {}", paint.good("as expected")),
        Verdict::OtherRevision(entry) => {
            let name = entry.revision.as_deref().unwrap_or("-");
            format!("{line}  {}", paint.good(format!("as expected, which was built from revision {name}")))
        }
        Verdict::Other(entry) => format!("{line}  {}", paint.bad(format!("expected is {}", wanted(entry)))),
        Verdict::Unlisted => format!("{line}  {}", paint.bad("nothing is expected there")),
    }
}

fn refusal(refusal: &Refusal, paint: Paint) -> String {
    let what = artifact(refusal.revision.as_deref(), refusal.digest.as_deref());
    let count = match refusal.count {
        None | Some(1) => String::new(),
        Some(count) => format!(" ({count} times)"),
    };
    format!("  {}  {what}  {}{count}: {}", paint.warn("refused"), refusal.reason, refusal.text)
}

fn artifact(revision: Option<&str>, digest: Option<&str>) -> String {
    let digest: String = digest.unwrap_or("-").chars().take(SHOWN).collect();
    format!("revision {}  digest {digest}", revision.unwrap_or("-"))
}

fn summary(proxies: &[Proxy], expected: Option<&[Entry]>, paint: Paint) -> String {
    let count = |is: &dyn Fn(&&Proxy) -> bool| proxies.iter().filter(is).count();
    let unknown = count(&|known| known.unknown.is_some());
    let different = count(&|known| known.is_different(expected));
    let total = proxies.len();
    let all = format!("{total} {}", if total == 1 { "proxy" } else { "proxies" });
    let mut parts = vec![all];
    if expected.is_some() {
        let said = format!("{different} of them with something else than expected");
        parts.push(if different > 0 {
            paint.bad(said)
        } else {
            paint.good("none of them with something else than expected")
        });
    }
    if unknown > 0 {
        parts.push(paint.bad(format!("{unknown} of them unknown")));
    }
    parts.join(", ")
}
