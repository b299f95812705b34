//! `policyc emit`

mod all;
mod authorizationpolicy;
mod envoy;
mod envoyfilter;
mod extension;

use all::AllOption;
use clap::ValueEnum;
use context_mesh_core::artifact::{Revision, Stamp, stamp};
use policy_compiler::{
    Compiled,
    pack::emit::{DEFAULT_WASM_PATH, Role, Routing, kubernetes, to_yaml, traffic_extension, wasm_plugin},
};
use serde_json::Value;

use super::{
    Tree,
    output::{Failure, Outcome, Paint, Report},
    revision::{self, RevisionOption},
    session::Session,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The filter's entry for `http_filters` of an Envoy configuration.
    Envoy(envoy::Arguments),
    /// An Istio EnvoyFilter resource.
    Envoyfilter(envoyfilter::Arguments),
    /// An Istio WasmPlugin resource.
    #[command(after_help = extension::EXAMPLE_WASMPLUGIN)]
    Wasmplugin(Box<extension::Arguments>),
    /// An Istio TrafficExtension resource, for Istio 1.30 and newer.
    #[command(after_help = extension::EXAMPLE_TRAFFICEXTENSION)]
    Trafficextension(Box<extension::Arguments>),
    /// Istio AuthorizationPolicy resources that decide as the tree does, for workloads without the filter.
    Authorizationpolicy(authorizationpolicy::Arguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    tree: Tree,
    /// Where the proxy finds the filter.
    #[arg(long, visible_alias = "wasm-path", value_name = "PATH", default_value = DEFAULT_WASM_PATH)]
    wasm: String,
    #[command(flatten)]
    revision: RevisionOption,
    #[command(flatten)]
    all: AllOption,
}

#[derive(Debug, clap::Args)]
pub(super) struct Routes {
    /// Whether the proxy's routes for outbound calls match headers that the filter changes. Without it, a call that
    /// carries protected fields is denied if the filter would change a header that a route may match.
    #[arg(long, value_enum, value_name = "WHAT")]
    routing: Option<RoutingName>,
}

impl Routes {
    fn routing(&self) -> Routing {
        match self.routing {
            None => Routing::Unknown,
            Some(RoutingName::Fixed) => Routing::Fixed,
            Some(RoutingName::Upstream) => Routing::Upstream,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoutingName {
    /// No route matches a header that the filter changes; `policyc check` finds such routes.
    Fixed,
    /// The filter also runs after the router (role `upstream`): for routes that match headers, and for Envoy's
    /// OpenTelemetry and Datadog tracers.
    Upstream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// Before the service, for requests that arrive.
    Inbound,
    /// After the service, for the calls that it makes.
    Outbound,
    /// At the edge, for requests of clients.
    Gateway,
    /// At the exit of the mesh.
    Egress,
    /// After the router of a sidecar or a gateway: in its `upstream_http_filters`, before
    /// `envoy.filters.http.upstream_codec`.
    Upstream,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Inbound => Self::Inbound,
            RoleName::Outbound => Self::Outbound,
            RoleName::Gateway => Self::Gateway,
            RoleName::Egress => Self::Egress,
            RoleName::Upstream => Self::Upstream,
        }
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if !kubernetes::is_label_key(name) {
        return Err(format!("`{name}` cannot be the name of a label"));
    }
    if !kubernetes::is_label_value(value) {
        return Err(format!(
            "`{value}` cannot be the value of a label: use at most 63 letters, digits, `-`, `_` and `.`"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads the name of a namespace.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let fine = kubernetes::is_dns_label(text);
    fine.then(|| text.to_owned()).ok_or_else(|| "use at most 63 lower-case letters, digits and `-`".to_owned())
}

/// Returns the labels of the workloads: the given ones, or else `app=SERVICE`.
fn labels(given: &[(String, String)], service: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
    match service {
        Some(service) if given.is_empty() => {
            if !kubernetes::is_label_value(service) {
                let text = format!(
                    "`{service}` cannot be the value of a label; say with `--workload NAME=VALUE` which pods are meant"
                );
                return Err(Failure::Usage(text));
            }
            Ok(vec![("app".to_owned(), service.to_owned())])
        }
        _ => Ok(given.to_vec()),
    }
}

/// A configuration, with the text in the form that its reader expects.
struct Emitted {
    value: Value,
    text: String,
}

impl Emitted {
    fn yaml(value: Value) -> Self {
        Self { text: to_yaml(&value), value }
    }

    fn json(value: Value) -> Self {
        Self { text: format!("{value:#}\n"), value }
    }
}

impl Report for Emitted {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        self.value.clone()
    }
}

/// An artifact with its revision.
struct Stamped {
    artifact: Vec<u8>,
    digest: String,
}

impl Stamped {
    fn new(artifact: &[u8], digest: &str, revision: Option<&Revision>) -> Result<Self, Failure> {
        Ok(Self { artifact: revision::stamped(artifact, revision)?, digest: digest.to_owned() })
    }

    /// Returns the slice of a service, or else the whole.
    fn of(compiled: &Compiled, service: Option<&str>, revision: Option<&Revision>) -> Result<Self, Failure> {
        match service {
            Some(service) => Self::slice(compiled, service, revision),
            None => Self::new(&compiled.artifact, &compiled.digest, revision),
        }
    }

    /// Returns the slice of a service.
    fn slice(compiled: &Compiled, service: &str, revision: Option<&Revision>) -> Result<Self, Failure> {
        compiled.find_service(service).map_err(Failure::usage)?;
        let slice = compiled.slice(service).map_err(Failure::artifact)?;
        Self::new(&slice.artifact, &slice.digest, revision)
    }

    /// Returns what changes with the artifact and with its revision.
    fn version(&self) -> String {
        match stamp(&self.artifact) {
            Ok(Stamp { digest, revision: Some(revision) }) => format!("{revision}@{digest}"),
            _ => self.digest.clone(),
        }
    }
}

pub(super) fn run(command: &Command, session: &Session) -> Outcome {
    match command {
        Command::Envoy(arguments) => envoy::run(arguments, session),
        Command::Envoyfilter(arguments) => envoyfilter::run(arguments, session),
        Command::Wasmplugin(arguments) => extension::run(arguments, wasm_plugin, session),
        Command::Trafficextension(arguments) => extension::run(arguments, traffic_extension, session),
        Command::Authorizationpolicy(arguments) => authorizationpolicy::run(arguments, session),
    }
}

/// Checks that all services can be the value of the label that selects their workloads.
fn check_labels(compiled: &Compiled) -> Result<(), Failure> {
    compiled.tables.services.iter().try_for_each(|service| labels(&[], Some(&service.name)).map(|_| ()))
}

/// Checks that the mesh has the service. A gateway must be one in the mesh, too: with the role of a gateway, a filter
/// drops every context that arrives, and without it, it trusts them.
fn check_role(compiled: &Compiled, service: &str, role: Option<RoleName>) -> Result<(), Failure> {
    compiled.find_service(service).map_err(Failure::usage)?;
    if role == Some(RoleName::Gateway) && !compiled.gateways.iter().any(|gateway| gateway == service) {
        let text = format!("`{service}` is not a gateway; list it under `gateways` of the Mesh document");
        return Err(Failure::Usage(text));
    }
    Ok(())
}
