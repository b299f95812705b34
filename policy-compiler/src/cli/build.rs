//! `policyc build`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    Tree, files,
    output::{Failure, Outcome, Paint, Report, plural},
    revision::{self, RevisionOption},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc build policies -o policy.cmx
  policyc build policies --service payment-service -o payment-service.cmx
  policyc build old --lock policies/context-mesh.lock -o policy.cmx
  policyc build policies --revision 1.4.0 -o policy.cmx")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// The file for the artifact.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Builds only what this service needs. Without it, one artifact serves all of them.
    #[arg(long)]
    service: Option<String>,
    /// Uses this lock file instead of the folder's own: to rebuild an older tree, the current one.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    #[command(flatten)]
    revision: RevisionOption,
    /// Writes nothing and ends with 1 when there are warnings.
    #[arg(long)]
    deny_warnings: bool,
}

struct Built {
    file: String,
    service: Option<String>,
    bytes: usize,
    digest: String,
    revision: Option<String>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let compiled = match &arguments.lock {
        None => session.compile(&arguments.tree.folder)?,
        Some(lock) => session.compile_with_lock(&arguments.tree.folder, lock)?,
    };
    let warnings = compiled.warnings.len();
    if arguments.deny_warnings && warnings > 0 {
        let text = format!("nothing was written: `--deny-warnings` refuses {}", plural(warnings, "warning"));
        return Err(Failure::Artifact(text));
    }
    let (artifact, digest) = match &arguments.service {
        None => (compiled.artifact, compiled.digest),
        Some(service) => {
            compiled.find_service(service).map_err(Failure::usage)?;
            let slice = compiled.slice(service).map_err(Failure::artifact)?;
            (slice.artifact, slice.digest)
        }
    };
    let revision = arguments.revision.of(&arguments.tree.folder, session);
    let artifact = revision::stamped(&artifact, revision.as_ref())?;
    files::replace(&arguments.output, &artifact)?;
    let file = arguments.output.display().to_string();
    let (service, revision) = (arguments.service.clone(), revision.map(|revision| revision.to_string()));
    Ok(Box::new(Built { file, service, bytes: artifact.len(), digest, revision }))
}

impl Report for Built {
    fn text(&self, _: Paint) -> String {
        let slice = self.service.as_ref().map(|service| format!(", a slice for {service}")).unwrap_or_default();
        let revision =
            self.revision.as_deref().map_or_else(|| "no revision".to_owned(), |name| format!("revision {name}"));
        format!("{}: {} bytes{slice}, {revision}, digest {}\n", self.file, self.bytes, self.digest)
    }

    fn json(&self) -> Value {
        json!({"file": self.file, "service": self.service, "bytes": self.bytes, "digest": self.digest, "revision": self.revision})
    }
}
