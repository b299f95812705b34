//! `policyc emit envoy`

use clap::ValueEnum;
use policy_compiler::pack::emit::{PluginConfig, Role, Routing, discovery_response, http_filter};
use serde_json::Value;

use super::{
    Common, Emitted, RoleName, Routes, Stamped,
    all::{self, File, Service},
    check_role,
};
use crate::cli::{
    output::{Failure, Outcome},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc emit envoy policies --service payment-service --role inbound
  policyc emit envoy policies --service payment-service --role outbound --routing upstream --as ecds
  policyc emit envoy policies --as ecds --all -o files")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The service of the proxy.
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    service: Option<String>,
    /// The role of the filter.
    #[arg(long, value_enum, required_unless_present = "all", conflicts_with = "all")]
    role: Option<RoleName>,
    #[command(flatten)]
    routes: Routes,
    /// What is printed.
    #[arg(long = "as", value_enum, default_value = "filter", value_name = "FORM")]
    form: EnvoyForm,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EnvoyForm {
    /// The entry of `http_filters`, as YAML.
    Filter,
    /// The file for extension config discovery (ECDS), as JSON.
    Ecds,
    /// The plugin configuration alone, as JSON.
    Config,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let common = &arguments.common;
    let compiled = session.compile(&common.tree.folder)?;
    if let (Some(service), Some(role)) = (&arguments.service, arguments.role) {
        check_role(&compiled, service, Some(role))?;
        let revision = common.revision.of(&common.tree.folder, session);
        let slice = Stamped::slice(&compiled, service, revision.as_ref())?;
        return Ok(Box::new(filter(arguments, service, role.into(), &slice)));
    }
    let folder = common.all.folder().ok_or_else(|| Failure::Usage("name a service, or use `--all`".to_owned()))?;
    let revision = common.revision.of(&common.tree.folder, session);
    let ending = if matches!(arguments.form, EnvoyForm::Filter) { "yaml" } else { "json" };
    let files = |service: &Service<'_>| {
        let upstream = arguments.routes.routing() == Routing::Upstream;
        let file = |role: Role| {
            let text = filter(arguments, service.name, role, &service.slice).text;
            File { path: format!("{}/{}.{ending}", service.name, role.as_str()), roles: vec![role], text }
        };
        Ok(service.roles(upstream).into_iter().map(file).collect())
    };
    all::write(folder, &compiled, revision.as_ref(), session, files)
}

/// Returns the filter of a service in a role, as `--as` says.
fn filter(arguments: &Arguments, service: &str, role: Role, slice: &Stamped) -> Emitted {
    let (wasm, routing) = (&arguments.common.wasm, arguments.routes.routing());
    let (artifact, service) = (slice.artifact.clone(), Some(service.to_owned()));
    let config = PluginConfig { artifact, service, role: Some(role), routing }.to_json();
    match arguments.form {
        EnvoyForm::Filter => Emitted::yaml(Value::from(vec![http_filter(wasm, &config)])),
        EnvoyForm::Ecds => Emitted::json(discovery_response(wasm, &config, &slice.version())),
        // The filter reads exactly this text, so it is printed unchanged.
        EnvoyForm::Config => Emitted { value: serde_json::from_str(&config).unwrap_or_default(), text: config + "\n" },
    }
}
