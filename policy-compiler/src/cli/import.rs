//! `policyc import`

mod report;
mod target;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use policy_compiler::{
    compile,
    import::{
        self,
        convert::{Converted, File, convert},
        select, shadow,
    },
    report::source::Sources,
};

use super::{
    emit::namespace,
    files::Manifests,
    output::{self, Failure},
    session::Session,
};
use report::{Imported, Outcome, Row};
use target::Target;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Turns Istio's AuthorizationPolicies into a source tree that decides the same, never looser.
    #[command(name = "authorizationpolicy", after_help = HELP)]
    AuthorizationPolicy(Arguments),
}

const HELP: &str = "\
Exit codes: 0 the tree is written, 1 the sources are wrong, 2 the command cannot be carried out,
3 nothing is written: a policy is refused, or stricter or unused, which is not accepted.

Examples:
  policyc import authorizationpolicy authorization.yaml --workloads workloads.yaml -o my-policies
  policyc import authorizationpolicy authorization workloads.yaml --accept stricter -o my-policies
  policyc import authorizationpolicy authorization --mesh-config mesh-config.yaml -o my-policies
  policyc import authorizationpolicy - workloads.yaml --shadow -o my-policies < authorization.yaml";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files with AuthorizationPolicies and what they need: manifests, folders of them, or what `kubectl get -o yaml`
    /// prints; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The workloads that the policies select: Deployments and the like, and Services, as FILE. Without them, each
    /// selector stands for a workload.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    workloads: Vec<PathBuf>,
    /// The settings of the mesh: a MeshConfig, the ConfigMap `istio`, or an IstioOperator [default: Istio's].
    #[arg(long, value_name = "FILE")]
    mesh_config: Option<PathBuf>,
    /// The namespace of resources that name none, as for `kubectl apply`.
    #[arg(short, long, value_name = "NAMESPACE", default_value = import::DEFAULT_NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// Also writes a tree that is `stricter` than the policies, or leaves out those that are `unused`, because they hold
    /// for none of the workloads.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    accept: Vec<Accepted>,
    /// Writes every rule with `enforcement: shadow`, to run the tree beside the policies; without its tests.
    #[arg(long)]
    shadow: bool,
    /// The folder of the tree; it is created if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Also writes into a folder that is not empty. Files that exist are never changed.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Accepted {
    // Without doc comments, so that the help stays short.
    Stricter,
    Unused,
}

pub(super) fn run(command: &Command, session: &Session) -> output::Outcome {
    match command {
        Command::AuthorizationPolicy(arguments) => authorization_policy(arguments, session),
    }
}

fn authorization_policy(arguments: &Arguments, session: &Session) -> output::Outcome {
    let target = Target::new(&arguments.output, arguments.force)?;
    let sources = sources(arguments)?;
    let (mut resources, mut diagnostics) = import::read_into(&sources, &arguments.namespace);
    if !diagnostics.has_errors() {
        diagnostics.extend(import::findings(&resources, &select::groups(&resources)));
    }
    session.write_diagnostics(&diagnostics, &sources);
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics);
    }
    let mut rows = Vec::new();
    if arguments.accept.contains(&Accepted::Unused) {
        rows.extend(import::take_unused(&mut resources).iter().map(|policy| Row::new(policy, 0, None, &sources)));
    }
    let groups = select::groups(&resources);
    let Converted { mut files, verdicts } = convert(&resources, &groups);
    rows.extend(Row::all(&resources, &groups, verdicts, &sources));
    let written = if rows.iter().all(|row| is_accepted(row, arguments)) {
        if arguments.shadow {
            shadow::shadow(&mut files);
        }
        check(&files, arguments.shadow, session)?;
        Some(target.write(&files)?)
    } else {
        None
    };
    Ok(Box::new(Imported {
        folder: arguments.output.display().to_string(),
        mesh: resources.mesh,
        workloads: resources.workloads.len(),
        warnings: diagnostics.len(),
        shadow: arguments.shadow,
        rows,
        written,
    }))
}

/// Whether a policy does not keep the tree from being written.
fn is_accepted(row: &Row, arguments: &Arguments) -> bool {
    match row.outcome {
        Outcome::Exact => true,
        Outcome::Stricter => arguments.accept.contains(&Accepted::Stricter),
        Outcome::Unused => arguments.accept.contains(&Accepted::Unused),
        Outcome::Refused => false,
    }
}

/// Reads the files, each once.
fn sources(arguments: &Arguments) -> Result<Sources, Failure> {
    let mut manifests = Manifests::default();
    for path in arguments.files.iter().chain(&arguments.workloads) {
        manifests.add(path)?;
    }
    if let Some(path) = &arguments.mesh_config {
        manifests.add(path)?;
        if !has_mesh_config(path)? {
            return Err(Failure::Usage(format!(
                "`{}` has no settings of a mesh: give a MeshConfig, the ConfigMap `istio`, or an IstioOperator",
                path.display()
            )));
        }
    }
    Ok(manifests.sources)
}

fn has_mesh_config(path: &Path) -> Result<bool, Failure> {
    let mut alone = Manifests::default();
    alone.add(path)?;
    Ok(alone.sources.iter().any(|(id, file)| import::has_mesh_config(id, file)))
}

/// Checks the tree before it is written. It has no errors, whatever the policies are.
fn check(files: &[File], in_shadow: bool, session: &Session) -> Result<(), Failure> {
    let bug = |what: &str| Failure::Artifact(format!("BUG: {what}; nothing is written"));
    let mut sources = Sources::new("");
    for file in files {
        sources.add(file.path.as_str(), file.text.as_str());
    }
    let compiled = compile(&sources).map_err(|diagnostics| {
        session.write_diagnostics(&diagnostics, &sources);
        bug("the imported tree does not compile")
    })?;
    let enforced = compiled.tables.rules.iter().find(|rule| in_shadow && !rule.shadow);
    enforced.map_or(Ok(()), |rule| Err(bug(&format!("the rule `{}` is not in shadow", rule.name))))
}
