//! An evaluator of AuthorizationPolicy resources, which shares nothing with the code that writes them.
//!
//! It follows what Istio makes of a resource for Envoy's RBAC: a list matches if one of its values does, all lists and
//! conditions of a rule must match, and `not` lists match what lacks the value. Each value of a repeated header is
//! compared, as in Envoy since 1.38.

use std::net::IpAddr;

use serde_json::Value;

/// A request, as a proxy sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) principal: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) direct_ip: String,
    pub(super) remote_ip: String,
    pub(super) port: u16,
    pub(super) sni: Option<String>,
    /// The claim `role`, and the claim `groups` inside of `realm`.
    pub(super) role: Option<String>,
    pub(super) groups: Option<Vec<String>>,
}

/// Whether the resources let a request pass. Those that are a dry run or an audit are left out.
pub(super) fn passes(resources: &[Value], request: &Request) -> bool {
    let enforced = |action: &str| -> Vec<&Value> {
        let fits = |resource: &&Value| {
            resource["spec"]["action"] == action
                && resource["metadata"]["annotations"].get("istio.io/dry-run").is_none()
        };
        resources.iter().filter(fits).collect()
    };
    let matches =
        |of: &[&Value]| of.iter().any(|resource| rules(resource).iter().any(|rule| rule_matches(rule, request)));
    let (deny, allow) = (enforced("DENY"), enforced("ALLOW"));
    !matches(&deny) && (allow.is_empty() || matches(&allow))
}

/// Whether an AUDIT resource matches.
pub(super) fn audits(resources: &[Value], request: &Request) -> bool {
    let audits = resources.iter().filter(|resource| resource["spec"]["action"] == "AUDIT");
    audits.into_iter().any(|resource| rules(resource).iter().any(|rule| rule_matches(rule, request)))
}

/// Whether a dry-run DENY matches.
pub(super) fn would_deny(resources: &[Value], request: &Request) -> bool {
    let dry = |resource: &&Value| {
        resource["spec"]["action"] == "DENY" && resource["metadata"]["annotations"]["istio.io/dry-run"] == "true"
    };
    resources.iter().filter(dry).any(|resource| rules(resource).iter().any(|rule| rule_matches(rule, request)))
}

fn rules(resource: &Value) -> &[Value] {
    resource["spec"]["rules"].as_array().map_or(&[], Vec::as_slice)
}

fn rule_matches(rule: &Value, request: &Request) -> bool {
    let one_of = |list: &str, inner: &str| match rule[list].as_array() {
        None => true,
        Some(items) => items.iter().any(|item| lists_match(&item[inner], request)),
    };
    let when = rule["when"].as_array().map_or(&[][..], Vec::as_slice);
    let condition = |of: &Value| {
        let key = of["key"].as_str().unwrap();
        let listed = of.get("values").is_none_or(|values| any(values, key, request));
        listed && of.get("notValues").is_none_or(|values| !any(values, key, request))
    };
    known_keys(rule, &["from", "to", "when"]);
    one_of("from", "source") && one_of("to", "operation") && when.iter().all(condition)
}

fn known_keys(of: &Value, known: &[&str]) {
    let unknown: Vec<&String> = of.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "Istio does not know {unknown:?}");
}

fn lists_match(lists: &Value, request: &Request) -> bool {
    const LISTS: [(&str, &str, &str); 7] = [
        ("principals", "notPrincipals", "source.principal"),
        ("ipBlocks", "notIpBlocks", "source.ip"),
        ("remoteIpBlocks", "notRemoteIpBlocks", "remote.ip"),
        ("hosts", "notHosts", "host"),
        ("ports", "notPorts", "destination.port"),
        ("methods", "notMethods", "method"),
        ("paths", "notPaths", "path"),
    ];
    let known: Vec<&str> = LISTS.iter().flat_map(|(list, not, _)| [*list, *not]).collect();
    known_keys(lists, &known);
    LISTS.iter().all(|(list, not, key)| {
        lists.get(*list).is_none_or(|values| any(values, key, request))
            && lists.get(*not).is_none_or(|values| !any(values, key, request))
    })
}

/// Whether one of the values matches what the key names.
fn any(values: &Value, key: &str, request: &Request) -> bool {
    let values: Vec<&str> = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
    assert!(!values.is_empty() && values.iter().all(|value| !value.is_empty()), "Istio rejects an empty value");
    let text = |found: Vec<String>| found.iter().any(|text| values.iter().any(|pattern| matches(pattern, text)));
    match key {
        "source.principal" => {
            let id = request.principal.as_ref().map(|id| id.strip_prefix("spiffe://").unwrap().to_owned());
            text(id.into_iter().collect())
        }
        "source.ip" => values.iter().any(|block| is_in(block, &request.direct_ip)),
        "remote.ip" => values.iter().any(|block| is_in(block, &request.remote_ip)),
        "destination.port" => values.iter().any(|port| port.parse::<u16>().unwrap() == request.port),
        "connection.sni" => text(request.sni.iter().cloned().collect()),
        "request.auth.claims[role]" => text(request.role.iter().cloned().collect()),
        "request.auth.claims[realm][groups]" => text(request.groups.clone().unwrap_or_default()),
        "method" => text(header(request, ":method")),
        "host" => {
            let hosts = header(request, ":authority").into_iter();
            text(hosts.map(|host| host.to_ascii_lowercase()).collect())
        }
        "path" => {
            let paths = header(request, ":path").into_iter();
            let mut paths = paths.map(|path| path.split(['?', '#']).next().unwrap().to_owned());
            paths.any(|path| values.iter().any(|pattern| path_matches(pattern, &path)))
        }
        key => {
            let name = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
            let name = name.unwrap_or_else(|| panic!("Istio does not know the key {key}"));
            let value = header(request, name);
            // `*` is the presence of the header, even of an empty one.
            if values.contains(&"*") { !value.is_empty() } else { text(value) }
        }
    }
}

/// Returns the values of a header.
fn header(request: &Request, name: &str) -> Vec<String> {
    request.headers.iter().filter(|(of, _)| of == name).map(|(_, value)| value.clone()).collect()
}

fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        !text.is_empty()
    } else if let Some(end) = pattern.strip_prefix('*') {
        text.ends_with(end)
    } else if let Some(beginning) = pattern.strip_suffix('*') {
        text.starts_with(beginning)
    } else {
        text == pattern
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains("{*}") && !pattern.contains("{**}") {
        return matches(pattern, path);
    }
    let is_listed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@".contains(c);
    let mut segments = path.split('/');
    let mut wanted = pattern.split('/');
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return true,
            (Some("{**}"), Some(rest)) => return rest.chars().chain(segments.flat_map(str::chars)).all(is_listed),
            (Some("{*}"), Some(segment)) if !segment.is_empty() && segment.chars().all(is_listed) => {}
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return false,
        }
    }
}

fn is_in(block: &str, address: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let (network, bits) = block.split_once('/').unwrap_or((block, if address.is_ipv4() { "32" } else { "128" }));
    let bits: u32 = bits.parse().unwrap();
    match (network.parse().unwrap(), address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}
