//! Attributes under the names that Istio and others give them, with the name that conditions use.

use super::environment::Environment;
use super::names::is_identifier;

/// Group and name of an attribute that does not exist, and what to write instead.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("connection", "principal", "peer.principal"),
    ("connection", "sni", "connection.requested_server_name"),
    ("destination", "host", "request.hostname"),
    ("destination", "workload", "destination.service"),
    ("peer", "account", "peer.serviceAccount"),
    ("peer", "id", "peer.principal"),
    ("peer", "name", "peer.service"),
    ("peer", "service_account", "peer.serviceAccount"),
    ("peer", "workload", "peer.service"),
    ("request", "authority", "request.hostname"),
    ("request", "client_ip", "source.ip"),
    ("request", "ip", "source.ip"),
    ("request", "principal", "peer.principal"),
    ("request", "remote_ip", "source.ip"),
    ("request", "uri", "request.url_path"),
    ("request", "url", "request.url_path"),
    ("request", "user_agent", "request.useragent"),
    ("source", "app", "peer.service"),
    ("source", "domain", "peer.domain"),
    ("source", "namespace", "peer.namespace"),
    ("source", "principal", "peer.principal"),
    ("source", "region", "peer.region"),
    ("source", "service", "peer.service"),
    ("source", "service_account", "peer.serviceAccount"),
    ("source", "serviceAccount", "peer.serviceAccount"),
    ("source", "workload", "peer.service"),
];

/// Returns the name of the attribute that is meant, if it is known.
pub(super) fn meant(group: &str, name: &str) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|(of, foreign, _)| *of == group && *foreign == name).map(|(.., meant)| *meant)
}

/// Names that others give to the verified token.
pub(super) const TOKENS: &[&str] = &["auth", "id_token", "jwt", "jwt_payload", "token"];

/// Registered claims that are not strings, with their types.
const CLAIM_TYPES: &[(&str, &str)] = &[
    ("aud", "list<string>"),
    ("auth_time", "int"),
    ("email_verified", "bool"),
    ("entitlements", "list<string>"),
    ("exp", "int"),
    ("groups", "list<string>"),
    ("iat", "int"),
    ("nbf", "int"),
    ("phone_number_verified", "bool"),
    ("roles", "list<string>"),
];

/// Returns advice for `request.auth` and what follows it. `path` holds the names after `auth`; a name is `None` if it is
/// not constant.
pub(super) fn auth(path: &[Option<&str>], environment: &Environment) -> String {
    match path {
        [Some("principal")] => format!(
            "{}; Istio's `request.auth.principal` is `claims.iss + '/' + claims.sub`",
            declare(&["iss", "sub"], environment)
        ),
        [Some("audiences")] => claim("aud", environment),
        [Some("presenter")] => claim("azp", environment),
        [Some("claims"), Some(name)] => claim(name, environment),
        [Some("claims"), Some(_), Some(_), ..] => {
            let keys: Vec<&str> = path.iter().skip(1).filter_map(|key| *key).collect();
            nested(&keys, environment)
        }
        _ => format!(
            "claims of a verified token are `claims.NAME`, for example `claims.sub`; {}",
            declare(&["sub"], environment)
        ),
    }
}

/// Returns advice for a claim.
fn claim(name: &str, environment: &Environment) -> String {
    if !is_identifier(name) {
        let types = format!("NAME: {{type: string, path: ['{name}']}}");
        return format!(
            "{} with a NAME of letters, digits and `_`, and write `claims.NAME`",
            add("istio", &types, environment)
        );
    }
    let read = format!("write `claims.{name}`");
    if environment.claim(name).is_some() { read } else { format!("{}, and {read}", declare(&[name], environment)) }
}

/// Returns advice for a claim inside of others.
fn nested(keys: &[&str], environment: &Environment) -> String {
    let name = keys.last().copied().filter(|name| is_identifier(name)).unwrap_or("NAME");
    if environment.claim(name).is_some() {
        return format!("write `claims.{name}`");
    }
    let path: Vec<String> = keys.iter().map(|key| format!("'{key}'")).collect();
    let types = format!("{name}: {{type: {}, path: [{}]}}", type_of(name), path.join(", "));
    format!("{}, and write `claims.{name}`", add("istio", &types, environment))
}

/// Returns how claims are declared. Those that the mesh declares already are left out.
fn declare(names: &[&str], environment: &Environment) -> String {
    let missing = names.iter().filter(|name| environment.claim(name).is_none());
    let missing: Vec<String> = missing.map(|name| format!("{name}: {}", type_of(name))).collect();
    if missing.is_empty() {
        return "the Mesh declares them".to_owned();
    }
    add("istio", &missing.join(", "), environment)
}

/// Returns how claims with these types are added to the Mesh. `source` is proposed where it has no claims yet.
fn add(source: &str, types: &str, environment: &Environment) -> String {
    match environment.claim_names().next() {
        Some(_) => format!("add `{types}` to the `types` of `claims` in the Mesh"),
        None => format!("declare it in the Mesh: `claims: {{source: {source}, types: {{{types}}}}}`"),
    }
}

/// Returns how a claim is declared that `claims.NAME` reads.
pub(super) fn undeclared(name: &str, environment: &Environment) -> String {
    add("envoy", &format!("{name}: {}", type_of(name)), environment)
}

fn type_of(claim: &str) -> &'static str {
    CLAIM_TYPES.iter().find(|(name, _)| *name == claim).map_or("string", |(_, ty)| *ty)
}

#[cfg(test)]
mod tests {
    use super::super::attributes;
    use super::*;

    #[test]
    fn what_is_meant_exists_and_what_is_foreign_does_not() {
        for (group, name, meant) in ATTRIBUTES {
            assert!(attributes::find(group, name).is_none(), "{group}.{name} exists");
            let (group, name) = meant.split_once('.').unwrap();
            assert!(attributes::find(group, name).is_some(), "{meant} does not exist");
        }
    }
}
