//! The Mesh document of a converted tree.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::services::{self, Services};
use super::yaml::{flow_scalar, list};
use crate::import::istio::{GATEWAY_LABEL, Resources, Workload};

/// Returns the text. Conditions read values of headers of up to `header_bytes`.
pub(super) fn text(resources: &Resources, names: &Services, header_bytes: u32) -> String {
    let mut out =
        String::from("# Namespaces are domains, and workloads are services.\napiVersion: contextmesh.io/v1\n");
    out.push_str("kind: Mesh\nmetadata: {name: mesh}\nspec:\n");
    let _ = writeln!(out, "  trustDomain: {}", flow_scalar(&resources.mesh.trust_domain));
    let aliases = resources.mesh.trust_domain_aliases.iter().map(String::as_str).filter(|alias| !alias.contains('*'));
    let aliases: Vec<&str> = aliases.collect();
    if !aliases.is_empty() {
        let _ = writeln!(out, "  trustDomainAliases: {}", list(aliases));
    }
    out.push_str("  domains:\n");
    let (mut accounts, mut hosts) = (BTreeSet::new(), BTreeSet::new());
    for (namespace, workloads) in services::domains(resources) {
        let _ = writeln!(out, "    {}:\n      namespaces: {}", services::domain(namespace), list([namespace]));
        out.push_str("      services:\n");
        for index in workloads {
            service(index, resources, names, &mut accounts, &mut hosts, &mut out);
        }
    }
    let gateways: Vec<&str> = resources
        .workloads
        .iter()
        .enumerate()
        .filter(|(_, workload)| is_gateway(workload))
        .map(|(index, _)| names.name(index))
        .collect();
    if !gateways.is_empty() {
        let _ = writeln!(out, "  gateways: {}", list(gateways));
    }
    out.push_str("  # As in Istio: a workload without an ALLOW policy is open.\n  default: allow\n");
    out.push_str("  # Istio has one reading of a path. Here a request passes only if each of its readings does.\n");
    let _ = writeln!(out, "  ambiguousPath: ignore\n  headerValueBytes: {header_bytes}");
    out
}

/// Whether the proxy of a workload is a gateway, by the labels that Istio and the Gateway API give these.
fn is_gateway(workload: &Workload) -> bool {
    let label = |key: &str| workload.labels.get(key);
    label(GATEWAY_LABEL).is_some() || label("istio").is_some_and(|value| value.ends_with("gateway"))
}

/// Adds a service. An identity or a host belongs to the first service that has it.
fn service<'r>(
    index: usize,
    resources: &'r Resources,
    names: &Services,
    accounts: &mut BTreeSet<(&'r str, &'r str)>,
    hosts: &mut BTreeSet<String>,
    out: &mut String,
) {
    let Some(workload) = resources.workloads.get(index) else { return };
    let name = names.name(index);
    let mut lines = String::new();
    let account = (workload.namespace.as_str(), workload.service_account.as_str());
    if accounts.insert(account) {
        if workload.service_account != name {
            let identity = format!("{}/{}", workload.namespace, workload.service_account);
            let _ = writeln!(lines, "          identities: {}", list([identity.as_str()]));
        }
    } else {
        let _ = writeln!(
            lines,
            "          # It has the service account `{}` of another service, which its calls seem to come from.",
            workload.service_account
        );
    }
    let own: Vec<String> = workload.services.iter().map(|host| format!("{host}.{}", workload.namespace)).collect();
    let own: Vec<&str> = own.iter().filter(|host| hosts.insert((*host).clone())).map(String::as_str).collect();
    if !own.is_empty() && own != [format!("{name}.{}", workload.namespace)] {
        let _ = writeln!(lines, "          hosts: {}", list(own));
    }
    if workload.name.value != name {
        let _ = writeln!(
            lines,
            "          # Several workloads are called `{}`: its plugin needs `service: {name}`.",
            workload.name.value
        );
    }
    let key = if lines.is_empty() { "" } else { "name: " };
    let _ = write!(out, "        - {key}{}\n{lines}", flow_scalar(name));
}
