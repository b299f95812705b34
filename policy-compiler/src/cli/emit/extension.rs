//! `policyc emit wasmplugin` and `policyc emit trafficextension`

use std::path::PathBuf;

use clap::ValueEnum;
use policy_compiler::pack::emit::{
    Extension, Module, OnFailure, Phase, Pull, Role, Routing, Target, TargetRef, kubernetes, to_yaml,
};
use serde_json::Value;

use super::{
    Emitted, RoleName, Stamped,
    all::{self, AllOption, File, Service},
    check_labels, check_role, label, labels, namespace,
};
use crate::cli::{
    output::{Failure, Outcome},
    revision::RevisionOption,
    session::Session,
};

pub(super) const EXAMPLE_WASMPLUGIN: &str = "Examples:
  policyc emit wasmplugin policies --service ledger --wasm-url oci://registry.example/mesh:1.0
  policyc emit wasmplugin policies --wasm-url oci://registry.example/mesh:1.0 --all -o manifests";

pub(super) const EXAMPLE_TRAFFICEXTENSION: &str = "Example:
  policyc emit trafficextension policies --service ledger --wasm-url oci://registry.example/mesh:1";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where the proxy fetches the filter from: oci://IMAGE, https://..., http://... or file:///PATH.
    #[arg(long, value_name = "URL", value_parser = url)]
    wasm_url: String,
    /// SHA-256 of the filter, or of the image, in hex. Istio does not check it for file:///PATH.
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// When the filter is fetched again. Default: Istio's own, which is always for `latest` and if-not-present
    /// otherwise.
    #[arg(long, value_enum, value_name = "WHEN")]
    image_pull_policy: Option<PullName>,
    /// Secret with the credentials of the registry, in the namespace of the resource.
    #[arg(long, value_name = "NAME", value_parser = secret)]
    image_pull_secret: Option<String>,
    /// The service of the workloads. Without it, each proxy names its own.
    #[arg(long, conflicts_with = "all")]
    service: Option<String>,
    /// The role of the filter. Default: inbound and outbound, by each listener's direction; with `--gateway`, gateway.
    #[arg(long, value_enum, conflicts_with = "all")]
    role: Option<RoleName>,
    /// Whether the proxy's routes for outbound calls match headers that the filter changes: `fixed` means that none
    /// does. Without it, a call that carries protected fields is denied if the filter would change such a header.
    #[arg(long, value_name = "WHAT", value_parser = ["fixed"])]
    routing: Option<String>,
    /// Namespace of the resource.
    #[arg(long, default_value = "default", value_parser = namespace)]
    namespace: String,
    /// A label of the workloads; may be given several times. Default: `app=SERVICE`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, conflicts_with_all = ["gateway", "target_ref", "all"])]
    workload: Vec<(String, String)>,
    /// A Gateway (gateway.networking.k8s.io) whose proxies load the filter, in place of labels.
    #[arg(long, value_name = "NAME", value_parser = gateway, conflicts_with_all = ["target_ref", "all"])]
    gateway: Option<TargetRef>,
    /// A resource whose proxies load the filter: Gateway/NAME, GatewayClass/NAME, Service/NAME or ServiceEntry/NAME; up
    /// to 16 times. Needs `--role`. The last two are for waypoints, where the filter cannot see who calls.
    #[arg(long, value_name = "KIND/NAME", value_parser = TargetRef::parse, requires = "role", conflicts_with = "all")]
    target_ref: Vec<TargetRef>,
    /// The position of the filter among Istio's own.
    #[arg(long, value_enum, default_value = "authz")]
    phase: PhaseName,
    /// Filters of one phase run from the highest priority to the lowest. Default: 0.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// What happens to requests after the filter has failed.
    #[arg(long, value_enum, default_value = "reload", value_name = "WHAT")]
    on_failure: FailureName,
    #[command(flatten)]
    revision: RevisionOption,
    #[command(flatten)]
    all: AllOption,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PullName {
    /// When the proxy does not have it.
    IfNotPresent,
    /// Whenever the resource changes.
    Always,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PhaseName {
    /// Before Istio's authentication: the claims of a JWT are not verified yet.
    Authn,
    /// After Istio's authentication, before its authorization.
    Authz,
    /// After Istio's authorization, before its statistics.
    Stats,
    /// Before the router.
    Last,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailureName {
    /// 503 until a new filter is ready, about a second later.
    Reload,
    /// 503 until the proxy restarts; for an Istio that does not know FAIL_RELOAD.
    Close,
}

/// Most resources that Istio accepts in one extension.
const MAX_TARGETS: usize = 16;

fn url(text: &str) -> Result<String, String> {
    let rest = |scheme: &str| text.strip_prefix(scheme).filter(|rest| !rest.is_empty());
    let remote = ["oci://", "https://", "http://"].iter().any(|scheme| rest(scheme).is_some());
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if plain && (remote || rest("file:///").is_some()) {
        return Ok(text.to_owned());
    }
    Err("write oci://IMAGE, https://..., http://... or file:///PATH".to_owned())
}

fn sha256(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let fine = lower.len() == 64 && lower.bytes().all(|b| b.is_ascii_hexdigit());
    fine.then_some(lower).ok_or_else(|| "write 64 hex digits".to_owned())
}

fn secret(text: &str) -> Result<String, String> {
    let fine = kubernetes::is_dns_subdomain(text);
    fine.then(|| text.to_owned()).ok_or_else(|| "this is not the name of a Secret".to_owned())
}

fn gateway(text: &str) -> Result<TargetRef, String> {
    let fine = kubernetes::is_dns_subdomain(text);
    fine.then(|| TargetRef::gateway(text)).ok_or_else(|| "this is not the name of a Gateway".to_owned())
}

/// Emits the resources that `write` creates from the arguments.
pub(super) fn run(arguments: &Arguments, write: fn(&Extension<'_>) -> Value, session: &Session) -> Outcome {
    let mut targets = arguments.target_ref.clone();
    targets.extend(arguments.gateway.clone());
    let role = arguments.role.or_else(|| arguments.gateway.as_ref().map(|_| RoleName::Gateway));
    check(arguments, role, &targets)?;
    let compiled = session.compile(&arguments.folder)?;
    if let Some(folder) = arguments.all.folder() {
        check_labels(&compiled)?;
        let revision = arguments.revision.of(&arguments.folder, session);
        let files = |service: &Service<'_>| {
            let (labels, role) = (labels(&[], Some(service.name))?, service.is_gateway.then_some(Role::Gateway));
            let target = Target::Labels(&labels);
            let text =
                to_yaml(&write(&extension(arguments, Some(service.name), role, target, &service.slice.artifact)));
            Ok(vec![File { path: format!("{}.yaml", service.name), roles: service.roles(false), text }])
        };
        return all::write(folder, &compiled, revision.as_ref(), session, files);
    }
    let service = arguments.service.as_deref();
    if let Some(service) = service {
        check_role(&compiled, service, role)?;
    }
    let labels = if targets.is_empty() { labels(&arguments.workload, service)? } else { Vec::new() };
    let target = if targets.is_empty() { Target::Labels(&labels) } else { Target::Resources(&targets) };
    let revision = arguments.revision.of(&arguments.folder, session);
    let artifact = Stamped::of(&compiled, service, revision.as_ref())?.artifact;
    Ok(Box::new(Emitted::yaml(write(&extension(arguments, service, role.map(Role::from), target, &artifact)))))
}

/// Returns the parameters of a resource for a service, or for all.
fn extension<'a>(
    arguments: &'a Arguments,
    service: Option<&'a str>,
    role: Option<Role>,
    target: Target<'a>,
    artifact: &'a [u8],
) -> Extension<'a> {
    Extension {
        artifact,
        service,
        role,
        routing: if arguments.routing.is_some() { Routing::Fixed } else { Routing::Unknown },
        namespace: &arguments.namespace,
        target,
        module: Module {
            url: &arguments.wasm_url,
            sha256: arguments.sha256.as_deref(),
            pull: arguments.image_pull_policy.map(|pull| match pull {
                PullName::IfNotPresent => Pull::IfNotPresent,
                PullName::Always => Pull::Always,
            }),
            pull_secret: arguments.image_pull_secret.as_deref(),
            on_failure: match arguments.on_failure {
                FailureName::Reload => OnFailure::Reload,
                FailureName::Close => OnFailure::Close,
            },
        },
        phase: match arguments.phase {
            PhaseName::Authn => Phase::Authn,
            PhaseName::Authz => Phase::Authz,
            PhaseName::Stats => Phase::Stats,
            PhaseName::Last => Phase::Last,
        },
        priority: arguments.priority,
    }
}

/// Checks that the arguments fit together.
fn check(arguments: &Arguments, role: Option<RoleName>, targets: &[TargetRef]) -> Result<(), Failure> {
    let wrong = |text: &str| Err(Failure::Usage(text.to_owned()));
    if matches!(role, Some(RoleName::Inbound | RoleName::Outbound)) && targets.is_empty() {
        return wrong("one resource has both directions of a sidecar; leave `--role` out");
    }
    if arguments.wasm_url.starts_with("http://") && arguments.sha256.is_none() {
        return wrong(
            "anybody on the way can replace what comes over http://; add `--sha256`, or use https:// or oci://",
        );
    }
    if targets.len() > MAX_TARGETS {
        return wrong("Istio accepts at most 16 target resources; write a second resource for the others");
    }
    Ok(())
}
