//! `policyc eval`

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use policy_compiler::{
    check::model::World,
    report::style::Paint,
    run::{
        eval::{Evaluator, json, text},
        recorded::{Recorded, input},
    },
};
use serde_json::{Value, json};

use super::{
    output::{Failure, Outcome, Report},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc eval policies --request request.json --explain
  policyc eval policies --access-log access.log --format json
  policyc eval policies --access-log - < access.log

A request is JSON with the keys of a policy test:
  {\"workload\": \"ledger\", \"principal\": \"payment-service\", \"context\": {\"tenant_id\": \"tenant_acme\"}}")]
pub(super) struct Arguments {
    /// The folder with the policy documents.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A file with a request as JSON, or with one a line; `-` is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "access_log", conflicts_with = "access_log")]
    request: Option<PathBuf>,
    /// An access log as the sidecars of this project write it, one JSON object a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// Shows every rule that was run, and every part of its condition with its value.
    #[arg(long)]
    explain: bool,
}

/// The evaluations as text and as JSON.
struct Evaluated {
    plain: String,
    coloured: String,
    json: Vec<Value>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let tree = session.compile_tree(&arguments.folder)?;
    let Some(path) = arguments.request.as_ref().or(arguments.access_log.as_ref()) else {
        return Err(Failure::Usage("nothing says which request: use --request or --access-log".to_owned()));
    };
    let world = World::new(&tree.compiled.tables, &tree.compiled.gateways);
    let requests = requests(path, &world, session)?;
    let mut evaluator = Evaluator::new(&tree.compiled, &tree.model).map_err(Failure::artifact)?;
    let mut result = Evaluated { plain: String::new(), coloured: String::new(), json: Vec::new() };
    for recorded in &requests {
        let evaluation = evaluator
            .evaluate_recorded(recorded)
            .map_err(|error| Failure::Artifact(format!("`{}`: {error}", recorded.name)))?;
        let tables = &tree.compiled.tables;
        let render = |paint| text::render(recorded, &evaluation, tables, arguments.explain, paint);
        if !result.plain.is_empty() {
            result.plain.push('\n');
            result.coloured.push('\n');
        }
        result.plain.push_str(&render(Paint::Plain));
        result.coloured.push_str(&render(Paint::Coloured));
        result.json.push(json::value(recorded, &evaluation, tables, arguments.explain));
    }
    Ok(Box::new(result))
}

impl Report for Evaluated {
    fn text(&self, paint: Paint) -> String {
        match paint {
            Paint::Plain => self.plain.clone(),
            Paint::Coloured => self.coloured.clone(),
        }
    }

    fn json(&self) -> Value {
        json!({"requests": self.json})
    }
}

/// Reads the requests of a file. Problems are written.
pub(super) fn requests(path: &Path, world: &World<'_>, session: &Session) -> Result<Vec<Recorded>, Failure> {
    let text = read(path)?;
    input::requests(&path.display().to_string(), &text, world).map_err(|problems| {
        session.write_diagnostics(&problems.diagnostics, &problems.sources);
        Failure::Diagnostics
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        return read.map(|_| text).map_err(|error| Failure::io("read", path, &error));
    }
    fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))
}
