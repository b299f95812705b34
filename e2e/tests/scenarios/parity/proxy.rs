//! One Envoy with a listener for each set of policies: RBAC in shadow mode and the filter behind it decide about the same
//! request, and the response shows both decisions.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use context_mesh_e2e::authorization::filters::filters;
use context_mesh_e2e::authorization::jwt;
use context_mesh_e2e::authorization::select::policies_of;
use context_mesh_e2e::certs::Authority;
use context_mesh_e2e::envoy::{Envoy, StartingEnvoy};
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::jwt::Signer;
use context_mesh_e2e::policy;
use context_mesh_e2e::ports::ReservedPort;
use context_mesh_e2e::topology::Role;
use policy_compiler::pack::emit::http_filter;
use serde_json::{Value, json};

use super::imported::Imported;
use super::sets::Set;

/// The addresses of every listener. The first is the usual one.
pub(crate) const ADDRESSES: [IpAddr; 3] =
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(127, 1, 2, 3)), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The name of the policy that refuses a second URI.
pub(crate) const SECOND_URI: &str = "second-uri";

/// The metadata of other filters that a request may ask for: the header, the name space and the key.
pub(crate) const METADATA: [(&str, &str, &str); 2] =
    [("x-set-tier", "envoy.filters.http.lua", "tier"), ("x-set-tags", "envoy.filters.http.lua", "tags")];

/// What RBAC writes into the metadata and what the filter reports, by the response header that shows it.
const SHOWN: [(&str, &str); 7] = [
    ("x-rbac-deny", "%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_deny_shadow_engine_result)%"),
    ("x-rbac-allow", "%DYNAMIC_METADATA(envoy.filters.http.rbac:enforced_allow_shadow_engine_result)%"),
    ("x-rbac-audit", "%DYNAMIC_METADATA(envoy.common:access_log_hint)%"),
    ("x-rbac-dry-deny", "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_deny_shadow_engine_result)%"),
    ("x-rbac-dry-allow", "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_allow_shadow_engine_result)%"),
    ("x-details", "%RESPONSE_CODE_DETAILS%"),
    ("x-ours", "%FILTER_STATE(wasm.context_mesh:PLAIN)%"),
];

/// The running Envoy.
pub(crate) struct Proxy {
    pub(crate) envoy: Envoy,
    pub(crate) authority: Authority,
    pub(crate) signer: Signer,
    /// The port of each set.
    pub(crate) ports: Vec<ReservedPort>,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts the Envoy for these sets. Their texts name the reserved ports.
    pub(crate) fn start(sets: &[(Set, Imported)], ports: Vec<ReservedPort>) -> Self {
        let authority = Authority::new("cluster.local").unwrap();
        let signer = Signer::new("https://login.shop.example").unwrap();
        let folder = tempfile::tempdir().unwrap();
        authority.write("cart", folder.path()).unwrap();
        let tls = tls(folder.path());
        let wasm = policy::filter().unwrap();
        let listeners: Vec<_> = sets
            .iter()
            .zip(&ports)
            .map(|((set, imported), port)| {
                let configuration = imported.tree.configuration(&imported.service, Role::Inbound);
                let ours = http_filter(&wasm.to_string_lossy(), &configuration);
                listener(port.port(), &tls, http_filters(set, &signer.jwks(), ours))
            })
            .collect();
        let bootstrap = json!({
            "node": {"id": "parity", "cluster": "parity"},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "static_resources": {"listeners": listeners},
        });
        let config = folder.path().join("envoy.json");
        fs::write(&config, bootstrap.to_string()).unwrap();
        let binary = envoy_binary::find().unwrap();
        let envoy = StartingEnvoy::spawn("parity", &binary, &config, folder.path(), 1).unwrap().ready().unwrap();
        Self { envoy, authority, signer, ports, _folder: folder }
    }
}

/// Mutual TLS as in a sidecar that also serves clients without a certificate. Any trust domain is accepted.
fn tls(folder: &std::path::Path) -> Value {
    let file = |name: &str| json!({"filename": folder.join(name)});
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": false,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{"certificate_chain": file("cert.pem"), "private_key": file("key.pem")}],
                "validation_context": {"trusted_ca": file("ca.pem")},
            },
        },
    })
}

fn listener(port: u16, tls: &Value, http_filters: Value) -> Value {
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "inbound",
            "codec_type": "AUTO",
            "normalize_path": true,
            "use_remote_address": false,
            "max_request_headers_kb": 60,
            "forward_client_cert_details": "APPEND_FORWARD",
            "set_current_client_cert_details": {"subject": true, "dns": true, "uri": true},
            "http_filters": http_filters,
            "route_config": {"virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{"match": {"prefix": ""}, "direct_response": {"status": 200}}],
            }]},
        },
    });
    let address = |ip: &IpAddr| json!({"socket_address": {"address": ip.to_string(), "port_value": port}});
    let more = ADDRESSES.iter().skip(1).map(|ip| json!({"address": address(ip)}));
    json!({
        "name": format!("inbound-{port}"),
        "traffic_direction": "INBOUND",
        "address": address(&ADDRESSES[0]),
        "additional_addresses": more.collect::<Vec<_>>(),
        "listener_filters": [{
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"},
        }],
        "filter_chains": [
            {"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": tls, "filters": [manager]},
            {"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": [manager]},
        ],
    })
}

fn http_filters(set: &Set, jwks: &str, ours: Value) -> Value {
    let append = |(header, value): &(&str, &str)| json!({"append": {"header": {"key": header, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}});
    let shows = json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"response_mutations": SHOWN.iter().map(append).collect::<Vec<_>>()},
        },
    });
    let metadata = METADATA.iter().map(|(header, namespace, key)| {
        json!({
            "header": header,
            "remove": true,
            "on_header_present": {
                "metadata_namespace": namespace, "key": key, "type": "PROTOBUF_VALUE", "encode": "BASE64",
            },
        })
    });
    let metadata = json!({
        "name": "envoy.filters.http.header_to_metadata",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
            "request_rules": metadata.collect::<Vec<_>>(),
        },
    });
    let state = |key: &str, value: &str| {
        let value = json!({"text_format_source": {"inline_string": value}});
        json!({"object_key": key, "factory_key": "envoy.string", "format_string": value})
    };
    let direct = json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [
                state("context_mesh.direct_address", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"),
                state("peer_uris", "%DOWNSTREAM_PEER_URI_SAN%"),
            ],
        },
    });
    // As in the shipped bootstraps: a certificate with a second URI is refused.
    let second_uri = json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "DENY", "policies": {SECOND_URI: {
                "permissions": [{"any": true}],
                "principals": [{"filter_state": {"key": "peer_uris", "string_match": {"contains": ","}}}],
            }}},
        },
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let policies = policies_of(&set.resources, set.workload());
    let rbac = filters(&policies, &set.resources.mesh);
    let mut all = vec![shows, metadata, jwt::filter(jwks)];
    all.extend(rbac.into_iter().flat_map(watching));
    all.extend([direct, second_uri, ours, router]);
    all.into()
}

/// Returns the filters that report what an RBAC filter would decide, and decide nothing.
fn watching(mut filter: Value) -> Vec<Value> {
    let config = &mut filter["typedConfig"];
    let rules = config.as_object_mut().unwrap().remove("rules");
    let has_shadow = config.get("shadowRules").is_some();
    let mut filters = Vec::new();
    if let Some(rules) = rules {
        let mut own = json!({"@type": config["@type"]});
        match rules["action"].as_str() {
            // It rejects nothing.
            Some("LOG") => own["rules"] = rules,
            action => {
                let prefix = if action == Some("DENY") { "enforced_deny_" } else { "enforced_allow_" };
                own["shadowRules"] = rules;
                own["shadowRulesStatPrefix"] = prefix.into();
            }
        }
        filters.push(json!({"name": "envoy.filters.http.rbac", "typedConfig": own}));
    }
    if has_shadow {
        filters.push(filter);
    }
    filters
}
