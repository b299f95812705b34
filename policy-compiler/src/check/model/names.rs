//! Names by which services are called: identities, hosts, workloads. Each name belongs to one service.

use std::collections::HashMap;

use context_mesh_core::{artifact::tables::MeshTable, limits::MAX_SPIFFE_ID_BYTES};

use crate::{
    read::document::{Mesh, ServiceEntry},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// A kind of names.
type Kind = (&'static str, for<'s> fn(&'s ServiceEntry) -> &'s [Spanned<String>]);

const KINDS: [Kind; 3] = [
    ("identity", |service| service.identities.as_deref().unwrap_or_default()),
    ("host", |service| &service.hosts),
    ("workload", |service| &service.workloads),
];

/// Reports names that two services share, and invalid names.
pub(super) fn check(mesh: &Mesh, table: &MeshTable, diagnostics: &mut Diagnostics) {
    let services = || mesh.domains.iter().flat_map(|domain| &domain.services);
    for (kind, of) in KINDS {
        let mut seen: HashMap<&str, (&str, Span)> = HashMap::new();
        for service in services() {
            for name in of(service) {
                let owner = service.name.value.as_str();
                if let Some((first, span)) = seen.insert(&name.value, (owner, name.span)) {
                    let message = match first == owner {
                        true => format!("the service `{owner}` lists the {kind} `{}` twice", name.value),
                        false => format!("the {kind} `{}` is of the services `{first}` and `{owner}`", name.value),
                    };
                    let problem = Diagnostic::error(code::DUPLICATE_NAME, name.span, message);
                    diagnostics.push(problem.label(span, "the first one").help("a name leads to one service"));
                }
            }
        }
    }
    for service in services() {
        if service.identities.as_ref().is_some_and(Vec::is_empty) {
            let message =
                format!("the service `{}` has no identity, so it cannot call others as itself", service.name.value);
            let problem = Diagnostic::error(code::INVALID_VALUE, service.name.span, message);
            diagnostics.push(problem.help("leave `identities` out: its name is its identity then"));
        }
        service.identities.iter().flatten().for_each(|name| identity(name, table, diagnostics));
        service.hosts.iter().for_each(|name| host(name, diagnostics));
    }
}

/// Checks an identity: `account`, `namespace/account` (if the identity path has a namespace), or a SPIFFE ID of the
/// trust domain.
fn identity(name: &Spanned<String>, table: &MeshTable, diagnostics: &mut Diagnostics) {
    let segment = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !text.is_empty() && text.chars().all(allowed) && !matches!(text, "." | "..")
    };
    let namespaces = table.identity_path.split('/').any(|segment| matches!(segment, "{namespace}" | "ns"));
    let fine = match (name.value.strip_prefix("spiffe://"), name.value.split_once('/')) {
        (Some(id), _) => {
            let path = id.split_once('/').filter(|(domain, _)| {
                *domain == table.trust_domain || table.trust_domain_aliases.iter().any(|alias| alias == domain)
            });
            name.value.len() <= MAX_SPIFFE_ID_BYTES && path.is_some_and(|(_, path)| path.split('/').all(segment))
        }
        (None, Some((namespace, account))) => namespaces && segment(namespace) && segment(account),
        (None, None) => segment(&name.value),
    };
    if !fine {
        let message = format!("`{}` is not an identity of this mesh", name.value);
        let help = "write the service account, `NAMESPACE/ACCOUNT`, or a SPIFFE ID of the trust domain";
        diagnostics.push(Diagnostic::error(code::INVALID_VALUE, name.span, message).help(help));
    }
}

/// Checks a host: a DNS name or the name of a cluster, as a proxy writes it, without a port.
fn host(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    let fine = !name.value.is_empty() && name.value.len() <= 253 && name.value.chars().all(allowed);
    if fine && !name.value.starts_with('.') && !name.value.ends_with('.') {
        return;
    }
    let message = format!("`{}` is not the name of a host", name.value);
    let help =
        "write it in lower case, without a port and a final dot: `reviews`, `reviews.NAMESPACE`, or a whole DNS name";
    diagnostics.push(Diagnostic::error(code::INVALID_VALUE, name.span, message).help(help));
}
