//! `RequestAuthentication`: the issuers of tokens. Its other keys say how tokens are verified, which stays with Istio.

use super::{manifest::Manifest, policy};
use crate::{
    import::istio::{GATEWAY_LABEL, Labels, RequestAuthentication},
    read::{
        document::Decoder,
        foreign::{get, list, text},
    },
};

/// Reads a resource: once, or once for each gateway that it is attached to.
pub(super) fn read(manifest: &Manifest<'_>, decoder: &mut Decoder<'_>) -> Vec<RequestAuthentication> {
    let Some(spec) = get(manifest.node, "spec") else { return Vec::new() };
    let issuers: Vec<_> = list(spec, "jwt_rules").iter().filter_map(|rule| text(rule, "issuer")).collect();
    let one = |selector| RequestAuthentication {
        name: manifest.name.clone(),
        namespace: manifest.namespace.clone(),
        selector,
        issuers: issuers.clone(),
    };
    let targets: Vec<_> = list(spec, "target_refs").iter().chain(get(spec, "target_ref")).collect();
    if targets.is_empty() {
        let selector = get(spec, "selector").and_then(|node| policy::selector(node, decoder));
        return vec![one(selector)];
    }
    let targets = targets.into_iter().filter_map(|node| policy::target_ref(node, decoder));
    // At other targets waypoints verify the tokens.
    let gateways = targets.filter(|target| target.kind == "Gateway");
    gateways.map(|target| one(Some(Labels::from([(GATEWAY_LABEL.to_owned(), target.name.value)])))).collect()
}
