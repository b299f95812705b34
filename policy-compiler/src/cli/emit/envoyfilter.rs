//! `policyc emit envoyfilter`

use policy_compiler::pack::emit::{EnvoyFilter, Role, Routing, envoy_filter, to_yaml};

use super::{
    Common, Emitted, RoleName, Routes, Stamped,
    all::{self, File, Service},
    check_labels, check_role, label, labels, namespace,
};
use crate::cli::{
    output::{Failure, Outcome},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc emit envoyfilter policies --namespace shop --service payment-service
  policyc emit envoyfilter policies --namespace istio-system --format json
  policyc emit envoyfilter policies --namespace shop --all -o manifests")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The service of the workloads. Without it, each proxy names its own.
    #[arg(long, conflicts_with = "all")]
    service: Option<String>,
    /// `gateway` or `egress` for a gateway; a sidecar gets both directions.
    #[arg(long, value_enum, conflicts_with = "all")]
    role: Option<RoleName>,
    #[command(flatten)]
    routes: Routes,
    /// The same as `--routing upstream`.
    #[arg(long, conflicts_with = "routing")]
    upstream: bool,
    /// Namespace of the resource.
    #[arg(long, default_value = "default", value_parser = namespace)]
    namespace: String,
    /// A label of the workloads; may be given several times. Default: `app=SERVICE`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, conflicts_with = "all")]
    workload: Vec<(String, String)>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let gateway = match arguments.role {
        None => None,
        Some(role @ (RoleName::Gateway | RoleName::Egress)) => Some(role.into()),
        Some(RoleName::Inbound | RoleName::Outbound | RoleName::Upstream) => {
            let text = "an EnvoyFilter of a sidecar has both directions; leave `--role` out";
            return Err(Failure::Usage(text.to_owned()));
        }
    };
    let common = &arguments.common;
    let compiled = session.compile(&common.tree.folder)?;
    let routing = if arguments.upstream { Routing::Upstream } else { arguments.routes.routing() };
    let resource = |service: Option<&str>, gateway: Option<Role>, labels: &[(String, String)], artifact: &[u8]| {
        envoy_filter(&EnvoyFilter {
            artifact,
            service,
            gateway,
            routing,
            namespace: &arguments.namespace,
            labels,
            wasm_path: &common.wasm,
        })
    };
    if let Some(folder) = common.all.folder() {
        check_labels(&compiled)?;
        let revision = common.revision.of(&common.tree.folder, session);
        let files = |service: &Service<'_>| {
            let (labels, gateway) = (labels(&[], Some(service.name))?, service.is_gateway.then_some(Role::Gateway));
            let text = to_yaml(&resource(Some(service.name), gateway, &labels, &service.slice.artifact));
            let roles = service.roles(routing == Routing::Upstream);
            Ok(vec![File { path: format!("{}.yaml", service.name), roles, text }])
        };
        return all::write(folder, &compiled, revision.as_ref(), session, files);
    }
    let service = arguments.service.as_deref();
    if let Some(service) = service {
        check_role(&compiled, service, arguments.role)?;
    }
    let labels = labels(&arguments.workload, service)?;
    let revision = common.revision.of(&common.tree.folder, session);
    let artifact = Stamped::of(&compiled, service, revision.as_ref())?.artifact;
    Ok(Box::new(Emitted::yaml(resource(service, gateway, &labels, &artifact))))
}
