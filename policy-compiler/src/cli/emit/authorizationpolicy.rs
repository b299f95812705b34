//! `policyc emit authorizationpolicy`

use clap::{ValueEnum, builder::PossibleValue};
use context_mesh_core::context::CALLER;
use policy_compiler::{
    check::model::Model,
    check_watched,
    pack::emit::{
        authorization::{Authorization, Difference, Target},
        kubernetes, to_yaml,
    },
    report::diagnostic::Diagnostics,
};
use serde_json::Value;

use super::{Stamped, label, labels, namespace};
use crate::cli::{
    Tree,
    output::{Failure, Outcome, Paint, Report},
    revision::RevisionOption,
    session::{CompiledTree, Session},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc emit authorizationpolicy bookinfo --namespace bookinfo --accept odd-paths
  policyc emit authorizationpolicy bookinfo --service reviews --accept odd-paths --label run

docs/emit-authorizationpolicy.md lists what can be said, and what differs.")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// A service of the mesh; may be given several times. Without it, all services.
    #[arg(long, value_name = "SERVICE")]
    service: Vec<String>,
    /// Namespace of the resources, where the domain of the service does not name exactly one.
    #[arg(long, value_parser = namespace)]
    namespace: Option<String>,
    /// Name of the label whose value is the name of the service.
    #[arg(long, value_name = "NAME", default_value = "app", value_parser = label_key)]
    label: String,
    /// A label of the workloads of one service; may be given several times. Default: `app=SERVICE`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label, conflicts_with = "label")]
    workload: Vec<(String, String)>,
    /// A difference between both decisions that is acceptable; may be given several times.
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    accept: Vec<Accepted>,
    #[command(flatten)]
    revision: RevisionOption,
}

/// A difference, as a value of `--accept`.
#[derive(Debug, Clone, Copy)]
struct Accepted(Difference);

const ACCEPTED: [Accepted; Difference::ALL.len()] = {
    let mut all = [Accepted(Difference::OddPaths); Difference::ALL.len()];
    let mut index = 0;
    while index < all.len() {
        all[index] = Accepted(Difference::ALL[index]);
        index += 1;
    }
    all
};

impl ValueEnum for Accepted {
    fn value_variants<'a>() -> &'a [Self] {
        &ACCEPTED
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.meaning()))
    }
}

fn label_key(text: &str) -> Result<String, String> {
    let fine = kubernetes::is_label_key(text);
    fine.then(|| text.to_owned()).ok_or_else(|| format!("`{text}` cannot be the name of a label"))
}

/// The resources of all services.
struct Resources(Vec<Value>);

impl Report for Resources {
    fn text(&self, _: Paint) -> String {
        self.0.iter().map(to_yaml).collect::<Vec<_>>().join("---\n")
    }

    fn json(&self) -> Value {
        self.0.clone().into()
    }
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let CompiledTree { sources, compiled, model, .. } = session.compile_tree(&arguments.tree.folder)?;
    arguments.service.iter().try_for_each(|service| compiled.find_service(service)).map_err(Failure::usage)?;
    if !arguments.workload.is_empty() && arguments.service.len() != 1 {
        let text = "`--workload` names the pods of one service; add `--service`, or use `--label`";
        return Err(Failure::Usage(text.to_owned()));
    }
    // The compiled tree has the bytecode of the conditions; the trees are needed here.
    let checked = check_watched(&sources, &mut |_| {}).map_err(|found| {
        session.write_diagnostics(&found, &sources);
        Failure::Diagnostics
    })?;
    let accepted = arguments.accept.iter().map(|accepted| accepted.0);
    let authorization = Authorization::new(&model, &checked.programs.conditions, &compiled.tables, accepted);
    let services = services(arguments, &model, &authorization, session);
    let revision = arguments.revision.of(&arguments.tree.folder, session);
    let (mut resources, mut problems, mut unlisted) = (Vec::new(), Diagnostics::new(), Vec::new());
    for service in &services {
        let artifact = Stamped::slice(&compiled, service, revision.as_ref())?.artifact;
        let labels = match arguments.workload.as_slice() {
            [] => vec![(arguments.label.clone(), labels(&[], Some(service))?.remove(0).1)],
            given => given.to_vec(),
        };
        let namespace = namespace_of(&model, service, arguments)?;
        match authorization.emit(service, Target { namespace: &namespace, labels: &labels, artifact: &artifact }) {
            Ok(emitted) => {
                resources.extend(emitted.resources);
                unlisted.extend(emitted.also_unlisted);
            }
            // A rule of several services is refused once.
            Err(found) => {
                let new: Vec<_> =
                    found.iter().filter(|one| !problems.iter().any(|known| known == *one)).cloned().collect();
                problems.extend(new);
            }
        }
    }
    if !problems.is_empty() {
        problems.sort();
        session.write_diagnostics(&problems, &sources);
        return Err(Failure::Diagnostics);
    }
    warn(&model, &resources, unlisted, session);
    Ok(Box::new(Resources(resources)))
}

/// Returns the services to emit: the given ones, or all that are no gateways.
fn services(arguments: &Arguments, model: &Model, authorization: &Authorization<'_>, session: &Session) -> Vec<String> {
    if !arguments.service.is_empty() {
        return arguments.service.clone();
    }
    let all = model.directory.services.iter().map(|service| service.name.clone());
    let (gateways, services): (Vec<String>, _) = all.partition(|name| model.directory.gateways.contains(name));
    for gateway in gateways.iter().filter(|gateway| authorization.has_rules(gateway)) {
        session.warn(&format!("`{gateway}` is a gateway, so nothing is emitted for it; it needs the filter"));
    }
    services
}

/// Says what the resources leave open.
fn warn(model: &Model, resources: &[Value], mut unlisted: Vec<String>, session: &Session) {
    if resources.is_empty() {
        session.warn("no rule decides about requests to these services, so there is nothing to emit");
    }
    unlisted.sort();
    unlisted.dedup();
    for policy in unlisted {
        session.warn(&format!(
            "`{policy}` also holds for workloads that the Mesh does not list, and no resource selects them"
        ));
    }
    if model.fields.iter().any(|field| field.table.name != CALLER) {
        session.warn(
            "an AuthorizationPolicy only decides: without the filter, no field of the context is carried, checked or protected",
        );
    }
}

/// Returns the namespace of the resources of a service: the only one of its domain, or the given one. A given one must not
/// contradict the domain of a service that is named.
fn namespace_of(model: &Model, service: &str, arguments: &Arguments) -> Result<String, Failure> {
    let named = arguments.service.iter().any(|known| known == service);
    let index = model.directory.service(service);
    let found = index.and_then(|index| model.directory.services.get(index));
    let domain = found.and_then(|service| model.directory.domains.get(usize::from(service.domain)));
    let (domain, listed) = domain.map_or(("", &[][..]), |domain| (&domain.name, &domain.namespaces));
    match (arguments.namespace.as_deref(), listed) {
        (None, [only]) => Ok(only.clone()),
        (Some(given), [only]) if given == only || !named => Ok(only.clone()),
        (Some(given), []) => Ok(given.to_owned()),
        (Some(given), listed) if listed.iter().any(|known| known == given) => Ok(given.to_owned()),
        (Some(given), listed) => Err(Failure::Usage(format!(
            "`{given}` is not a namespace of the domain `{domain}` of `{service}`, which has {}",
            listed.join(", ")
        ))),
        (None, []) => Err(Failure::Usage(format!(
            "the domain `{domain}` of `{service}` lists no namespace; say with `--namespace` where the service runs"
        ))),
        (None, several) => Err(Failure::Usage(format!(
            "the domain `{domain}` of `{service}` has the namespaces {}; say with `--service` and `--namespace` where the service runs",
            several.join(", ")
        ))),
    }
}
