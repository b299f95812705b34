//! `policyc schema`: compares versions of schemas.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use policy_compiler::check::{
    compatibility::{
        self, Advice, Matrix, SchemaChange, Tree, Verdict, check_json, check_text, matrix_json, matrix_text,
    },
    model::SchemaVersion,
};
use serde_json::Value;

use super::{
    output::{Exit, Failure, Outcome, Paint, Report},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks, field by field, whether the schemas of a tree are compatible with those of an older one, and which
    /// version is right.
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Shows which versions of each schema in the trees are compatible.
    #[command(after_help = MATRIX_HELP)]
    Matrix(MatrixArguments),
}

const CHECK_HELP: &str = "\
Exit codes: 0 compatible as asked, 1 the sources or a version number are wrong, 2 the command cannot be carried out,
3 a change is not compatible as asked.

Example:
  policyc schema check policies --against old";

const MATRIX_HELP: &str = "\
Exit codes: 0 all versions understand each other, 1 the sources are wrong, 2 the command cannot be carried out,
3 two versions do not understand each other.

Example:
  policyc schema matrix old policies";

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The folder with the policy documents in use.
    #[arg(long, value_name = "OLD")]
    against: PathBuf,
    /// How much a change may break. Without it, sidecars with the old and with the new version must be compatible with
    /// each other, because both exist during a rollout.
    #[arg(long, value_enum, value_name = "DIRECTION")]
    allow: Option<Allowed>,
}

/// The allowed change.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Allowed {
    /// New sidecars must understand old ones: if receivers are updated first.
    Backward,
    /// Old sidecars must understand new ones: if senders are updated first.
    Forward,
    /// Anything: only the version number is checked.
    Incompatible,
}

#[derive(Debug, clap::Args)]
pub(super) struct MatrixArguments {
    /// Folders with policy documents, for example one for each release.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
}

/// The comparison as text and as JSON.
struct Compared {
    text: String,
    json: Value,
    exit: Exit,
}

impl Report for Compared {
    fn text(&self, _: Paint) -> String {
        self.text.clone()
    }

    fn json(&self) -> Value {
        self.json.clone()
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}

pub(super) fn run(command: &Command, session: &Session) -> Outcome {
    Ok(Box::new(match command {
        Command::Check(arguments) => {
            let old = schemas(&arguments.against, session)?;
            let new = schemas(&arguments.folder, session)?;
            let changes = compatibility::check(&old, &new);
            let exit = judge(&changes, arguments.allow);
            Compared { text: check_text(&changes), json: check_json(&changes), exit }
        }
        Command::Matrix(arguments) => {
            let tree = |folder: &PathBuf| {
                let name = folder.display().to_string();
                schemas(folder, session).map(|schemas| Tree { name, schemas })
            };
            let trees = arguments.folders.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
            let matrices = compatibility::matrices(&trees);
            let exit = if matrices.iter().all(Matrix::is_compatible) { Exit::Well } else { Exit::Different };
            Compared { text: matrix_text(&matrices), json: matrix_json(&matrices), exit }
        }
    }))
}

/// Returns the exit code. An incompatible change weighs more than a wrong number. If the change is allowed, the number
/// is still reported.
fn judge(changes: &[SchemaChange], allowed: Option<Allowed>) -> Exit {
    let fits = |change: &SchemaChange| match allowed {
        _ if change.comparison.verdict() == Verdict::Full => true,
        None => false,
        Some(Allowed::Backward) => change.comparison.verdict() == Verdict::Backward,
        Some(Allowed::Forward) => change.comparison.verdict() == Verdict::Forward,
        Some(Allowed::Incompatible) => true,
    };
    if !changes.iter().all(fits) {
        Exit::Different
    } else if changes.iter().any(|change| matches!(change.advice, Advice::Raise(_))) {
        Exit::Wrong
    } else {
        Exit::Well
    }
}

fn schemas(folder: &Path, session: &Session) -> Result<Vec<SchemaVersion>, Failure> {
    let sources = session.read(folder)?;
    compatibility::schemas(&sources).map_err(|diagnostics| {
        session.write_diagnostics(&diagnostics, &sources);
        Failure::Diagnostics
    })
}
