//! Names of headers that some readers confuse with others.
//!
//! CGI turns `x-tenant-id` into `HTTP_X_TENANT_ID`, and also `x_tenant_id` and `x.tenant.id`: WSGI, Rack, PHP and
//! FastCGI read one variable, while Envoy knows three headers. The application would not see the value that a rule
//! decided on. So a header whose name folds to the name of a guarded one is removed.
//!
//! Some headers are never allowed if a rule reads the method or the path or a field is declared: those from which
//! frameworks take the method or the path, and those in which older tracers carry the members of `baggage`, one by one.

use core::cmp::Ordering;

use crate::carrier::{baggage, mesh_header};
use crate::sort;
use crate::tables::{Attribute, RequestPart, Tables};
use crate::trace::{Ids, REQUEST_ID};

/// Headers in which proxies tell applications the caller and the protocol. They are not carriers, but are trusted in
/// the same way.
const OF_PROXIES: [&str; 5] =
    ["x-forwarded-client-cert", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Frameworks take the method from these, instead of the request line.
const METHODS: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

/// Frameworks take the path from these.
const PATHS: [&str; 3] = ["x-http-path-override", "x-original-url", "x-rewrite-url"];

/// Prefixes of field names in the headers of Jaeger, OpenTracing and Sleuth.
const BAGGAGE_PREFIXES: [&str; 3] = ["uberctx-", "ot-baggage-", "baggage-"];

/// The headers that no other header may be confused with: carriers, ids, and headers that rules read.
#[derive(Debug, Default)]
pub struct Guarded {
    /// Sorted by their folded names. Carriers come first among equal ones.
    entries: Vec<Entry>,
    /// Whether all guarded names except the banned ones are plain. Then a plain name is not an alias of any of them.
    plain: bool,
    /// The headers that frameworks would read instead of the parts of the request line that rules read.
    overrides: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    folded: Vec<u8>,
    rank: Rank,
    name: String,
}

/// The reason why a header is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It describes the context, the trace or the peer.
    Carrier,
    /// A rule reads it.
    Read,
    /// It is always removed.
    Banned,
}

impl Guarded {
    /// Returns the headers that an artifact guards.
    pub fn new(tables: &Tables) -> Self {
        let mut carriers: Vec<&str> = tables.fields.iter().filter_map(|field| field.header.as_deref()).collect();
        for name in
            [mesh_header::NAME, baggage::NAME, REQUEST_ID].into_iter().chain(baggage::OTHER_NAMES).chain(OF_PROXIES)
        {
            carriers.push(name);
        }
        Ids::headers_of_traces().for_each(|name| carriers.push(name));
        let read = tables.program.attributes.iter().filter_map(|attribute| match attribute {
            Attribute::Header(name) | Attribute::HeaderValues(name) | Attribute::HeaderLines(name) => {
                Some(name.as_str())
            }
            Attribute::Cookies => Some("cookie"),
            Attribute::Request(RequestPart::UserAgent) => Some("user-agent"),
            _ => None,
        });
        let carriers = carriers.into_iter().map(|name| (name, Rank::Carrier));
        let names = carriers.chain(read.map(|name| (name, Rank::Read))).filter(|(name, _)| !name.starts_with(':'));
        let entry = |(name, rank): (&str, Rank)| Entry { folded: folded(name), rank, name: name.to_owned() };
        let mut entries: Vec<Entry> = names.map(entry).collect();
        let plain = entries.iter().all(|entry| is_plain(entry.name.as_bytes()));
        let overrides = overrides(tables);
        entries.extend(overrides.iter().map(|name| entry((name, Rank::Banned))));
        for prefix in BAGGAGE_PREFIXES {
            entries.extend(tables.fields.iter().map(|field| entry((&format!("{prefix}{}", field.name), Rank::Banned))));
        }
        sort::sort(&mut entries);
        Self { entries, plain, overrides }
    }

    /// Returns whether the header can be an alias. Nearly none can.
    pub(crate) fn is_suspect(&self, name: &[u8]) -> bool {
        !self.plain
            || !is_plain(name)
            || BAGGAGE_PREFIXES.iter().any(|prefix| name.starts_with(prefix.as_bytes()))
            || self.overrides.iter().any(|known| known.as_bytes() == name)
    }

    /// Returns the guarded header that the header `name` (lower case) is confused with, if it is another one.
    pub(crate) fn alias_of(&self, name: &[u8]) -> Option<&str> {
        if !self.is_suspect(name) {
            return None;
        }
        let same = self.same(name);
        let first = same.first()?;
        let may_go_on = |entry: &Entry| entry.rank == first.rank && entry.rank != Rank::Banned;
        let itself = same.iter().any(|entry| entry.name.as_bytes() == name && may_go_on(entry));
        (!itself).then_some(first.name.as_str())
    }

    /// Returns the guarded header that the header `name` (lower case) is, or is confused with.
    pub fn find(&self, name: &[u8]) -> Option<&str> {
        let same = self.same(name);
        let itself = same.iter().find(|entry| entry.name.as_bytes() == name);
        itself.or(same.first()).map(|entry| entry.name.as_str())
    }

    /// Returns all guarded headers whose names fold to the same text.
    fn same(&self, name: &[u8]) -> &[Entry] {
        let order = |entry: &Entry| entry.folded.iter().copied().cmp(name.iter().copied().map(fold));
        let start = self.entries.partition_point(|entry| order(entry) == Ordering::Less);
        let end = self.entries.partition_point(|entry| order(entry) != Ordering::Greater);
        self.entries.get(start..end).unwrap_or_default()
    }
}

/// Returns the headers that override the parts of the request line that the rules of an artifact read.
fn overrides(tables: &Tables) -> Vec<&'static str> {
    use RequestPart::{Method, Path, Query, UrlPath};
    let read = |parts: &[RequestPart], header: &str| {
        tables.program.attributes.iter().any(|attribute| match attribute {
            Attribute::Request(part) => parts.contains(part),
            Attribute::Header(name) | Attribute::HeaderValues(name) | Attribute::HeaderLines(name) => name == header,
            _ => false,
        })
    };
    let mut found = Vec::new();
    if read(&[Method], ":method") {
        found.extend(METHODS);
    }
    let reads_query = tables.program.attributes.contains(&Attribute::QueryParameters);
    if reads_query || read(&[Path, UrlPath, Query], ":path") {
        found.extend(PATHS);
    }
    found
}

/// Returns the name as CGI and its successors write it, except for the case.
pub fn folded(name: &str) -> Vec<u8> {
    name.bytes().map(fold).collect()
}

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' }
}

/// Returns whether a name only consists of characters that CGI keeps distinct: letters, digits and `-`.
fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tables;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn guarded(read: &[&str]) -> Guarded {
        let mut tables = tables();
        tables.program.attributes.extend(read.iter().map(|name| Attribute::Header((*name).to_owned())));
        Guarded::new(&tables)
    }

    #[test]
    fn names_that_fold_to_a_guarded_one_are_aliases() {
        let guarded = guarded(&["x-plan", "x_old", "x_tenant"]);
        for (name, of) in [
            ("x_tenant", Some("x-tenant")),
            ("x.tenant", Some("x-tenant")),
            ("x~tenant", Some("x-tenant")),
            ("x_mesh-context", Some("x-mesh-context")),
            ("x_b3_traceid", Some("x-b3-traceid")),
            ("x_request_id", Some("x-request-id")),
            ("uber_trace_id", Some("uber-trace-id")),
            ("x_forwarded_client_cert", Some("x-forwarded-client-cert")),
            ("x_plan", Some("x-plan")),
            ("x-old", Some("x_old")),
            ("x_old", None),
            ("x-tenant", None),
            ("x-plan", None),
            ("baggage", None),
            ("x_tenant_", None),
            ("x__tenant", None),
            ("x_other", None),
            (":path", None),
            ("_path", None),
            ("", None),
        ] {
            assert_eq!(guarded.alias_of(name.as_bytes()), of, "{name}");
        }
    }

    #[test]
    fn two_names_that_rules_read_stay_apart() {
        let guarded = guarded(&["x-plan", "x_plan"]);
        for name in ["x-plan", "x_plan"] {
            assert_eq!(guarded.alias_of(name.as_bytes()), None, "{name}");
        }
        assert_eq!(guarded.alias_of(b"x.plan"), Some("x-plan"));
    }

    #[test]
    fn what_overrides_the_request_line_is_banned_where_rules_read_it() {
        for (attribute, banned, free) in [
            (Attribute::Request(RequestPart::Method), Some("x-http-method-override"), Some("x-original-url")),
            (Attribute::Header(":method".into()), Some("x-method-override"), Some("x-rewrite-url")),
            (Attribute::Request(RequestPart::UrlPath), Some("x-original-url"), Some("x-http-method-override")),
            (Attribute::Request(RequestPart::Host), None, Some("x-original-url")),
        ] {
            let mut tables = tables();
            tables.program.attributes.push(attribute);
            let guarded = Guarded::new(&tables);
            if let Some(name) = banned {
                assert_eq!(guarded.alias_of(name.as_bytes()), Some(name));
                assert_eq!(guarded.alias_of(name.replace('-', "_").as_bytes()), Some(name));
                assert_eq!(guarded.find(name.as_bytes()), Some(name));
            }
            if let Some(name) = free {
                assert_eq!(guarded.alias_of(name.as_bytes()), None, "{name}");
            }
        }
        // A rule that reads the header itself is aware of it.
        let mut tables = tables();
        let read = Attribute::Header("x-http-method".into());
        tables.program.attributes.extend([Attribute::Request(RequestPart::Method), read]);
        assert_eq!(Guarded::new(&tables).alias_of(b"x-http-method"), None);
    }

    #[test]
    fn the_baggage_of_older_tracers_holds_no_fields() {
        let guarded = guarded(&[]);
        for (name, banned) in [
            ("uberctx-tenant", true),
            ("ot-baggage-user", true),
            ("baggage-flags", true),
            ("baggage_tenant", true),
            ("uberctx-color", false),
            ("baggage-", false),
        ] {
            assert_eq!(guarded.alias_of(name.as_bytes()).is_some(), banned, "{name}");
        }
    }

    #[test]
    fn a_plain_name_is_suspect_only_beside_names_that_are_not() {
        assert!(!guarded(&[]).is_suspect(b"x-tenant"));
        assert!(guarded(&[]).is_suspect(b"x_tenant"));
        assert!(guarded(&["x_old"]).is_suspect(b"x-old"));
    }

    #[test]
    fn guarded_names_and_their_aliases_are_found() {
        let guarded = guarded(&["x-plan"]);
        for (name, found) in [
            ("x-tenant", Some("x-tenant")),
            ("x_tenant", Some("x-tenant")),
            ("tracestate", Some("tracestate")),
            ("x-plan", Some("x-plan")),
            ("grpc-status", None),
            ("x-checksum", None),
        ] {
            assert_eq!(guarded.find(name.as_bytes()), found, "{name}");
        }
    }
}
