//! `policyc emit`

mod extension;

use clap::ValueEnum;
use policy_compiler::{
    Compiled, Slice,
    pack::emit::{
        DEFAULT_WASM_PATH, EnvoyFilter, PluginConfig, Role, Routing, discovery_response, envoy_filter, http_filter,
        kubernetes, to_yaml, traffic_extension, wasm_plugin,
    },
};
use serde_json::Value;

use super::{
    Tree,
    output::{Failure, Outcome, Paint, Report},
    session::Session,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The filter's entry for `http_filters` of an Envoy configuration.
    Envoy(Envoy),
    /// An Istio EnvoyFilter resource.
    Envoyfilter(Istio),
    /// An Istio WasmPlugin resource.
    #[command(after_help = extension::EXAMPLE_WASMPLUGIN)]
    Wasmplugin(Box<extension::Arguments>),
    /// An Istio TrafficExtension resource, for Istio 1.30 and newer.
    #[command(after_help = extension::EXAMPLE_TRAFFICEXTENSION)]
    Trafficextension(Box<extension::Arguments>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    tree: Tree,
    /// Where the proxy finds the filter.
    #[arg(long, visible_alias = "wasm-path", value_name = "PATH", default_value = DEFAULT_WASM_PATH)]
    wasm: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc emit envoy policies --service payment-service --role inbound
  policyc emit envoy policies --service payment-service --role outbound --routing upstream --as ecds")]
pub(super) struct Envoy {
    #[command(flatten)]
    common: Common,
    /// The service of the proxy.
    #[arg(long)]
    service: String,
    /// The role of the filter.
    #[arg(long, value_enum)]
    role: RoleName,
    #[command(flatten)]
    routes: Routes,
    /// What is printed.
    #[arg(long = "as", value_enum, default_value = "filter", value_name = "FORM")]
    form: EnvoyForm,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc emit envoyfilter policies --namespace shop --service payment-service
  policyc emit envoyfilter policies --namespace istio-system --format json")]
pub(super) struct Istio {
    #[command(flatten)]
    common: Common,
    /// The service of the workloads. Without it, each proxy names its own.
    #[arg(long)]
    service: Option<String>,
    /// `gateway` or `egress` for a gateway; a sidecar gets both directions.
    #[arg(long, value_enum)]
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
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    workload: Vec<(String, String)>,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum EnvoyForm {
    /// The entry of `http_filters`, as YAML.
    Filter,
    /// The file for extension config discovery (ECDS), as JSON.
    Ecds,
    /// The plugin configuration alone, as JSON.
    Config,
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

fn namespace(text: &str) -> Result<String, String> {
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

pub(super) fn run(command: &Command, session: &Session) -> Outcome {
    Ok(Box::new(match command {
        Command::Envoy(arguments) => envoy(arguments, session)?,
        Command::Envoyfilter(arguments) => istio(arguments, session)?,
        Command::Wasmplugin(arguments) => Emitted::yaml(extension::resource(arguments, wasm_plugin, session)?),
        Command::Trafficextension(arguments) => {
            Emitted::yaml(extension::resource(arguments, traffic_extension, session)?)
        }
    }))
}

fn envoy(arguments: &Envoy, session: &Session) -> Result<Emitted, Failure> {
    let compiled = session.compile(&arguments.common.tree.folder)?;
    let slice = slice(&compiled, &arguments.service, Some(arguments.role))?;
    let (wasm, role) = (&arguments.common.wasm, arguments.role.into());
    let routing = arguments.routes.routing();
    let service = Some(arguments.service.clone());
    let config = PluginConfig { artifact: slice.artifact, service, role: Some(role), routing };
    let config = config.to_json();
    Ok(match arguments.form {
        EnvoyForm::Filter => Emitted::yaml(Value::from(vec![http_filter(wasm, &config)])),
        EnvoyForm::Ecds => Emitted::json(discovery_response(wasm, &config, &slice.digest)),
        // The filter reads exactly this text, so it is printed unchanged.
        EnvoyForm::Config => Emitted { value: serde_json::from_str(&config).unwrap_or_default(), text: config + "\n" },
    })
}

fn istio(arguments: &Istio, session: &Session) -> Result<Emitted, Failure> {
    let gateway = match arguments.role {
        None => None,
        Some(role @ (RoleName::Gateway | RoleName::Egress)) => Some(role.into()),
        Some(RoleName::Inbound | RoleName::Outbound | RoleName::Upstream) => {
            let text = "an EnvoyFilter of a sidecar has both directions; leave `--role` out";
            return Err(Failure::Usage(text.to_owned()));
        }
    };
    let compiled = session.compile(&arguments.common.tree.folder)?;
    let artifact = match &arguments.service {
        Some(service) => slice(&compiled, service, arguments.role)?.artifact,
        None => compiled.artifact,
    };
    let labels = labels(&arguments.workload, arguments.service.as_deref())?;
    let resource = envoy_filter(&EnvoyFilter {
        artifact: &artifact,
        service: arguments.service.as_deref(),
        gateway,
        routing: if arguments.upstream { Routing::Upstream } else { arguments.routes.routing() },
        namespace: &arguments.namespace,
        labels: &labels,
        wasm_path: &arguments.common.wasm,
    });
    Ok(Emitted::yaml(resource))
}

/// Returns the slice of a service. A gateway must be one in the mesh, too: with the role of a gateway, a filter drops
/// every context that arrives, and without it, it trusts them.
fn slice(compiled: &Compiled, service: &str, role: Option<RoleName>) -> Result<Slice, Failure> {
    compiled.find_service(service).map_err(Failure::usage)?;
    if role == Some(RoleName::Gateway) && !compiled.gateways.iter().any(|gateway| gateway == service) {
        let text = format!("`{service}` is not a gateway; list it under `gateways` of the Mesh document");
        return Err(Failure::Usage(text));
    }
    compiled.slice(service).map_err(Failure::artifact)
}
