//! `policyc check`

use policy_compiler::Compiled;
use serde_json::{Value, json};

use super::{
    Tree,
    output::{Outcome, Paint, Report},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  policyc check policies\n  policyc check policies --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
}

struct Checked {
    folder: String,
    compiled: Compiled,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let compiled = session.compile(&arguments.tree.folder)?;
    Ok(Box::new(Checked { folder: arguments.tree.folder.display().to_string(), compiled }))
}

impl Report for Checked {
    fn text(&self, paint: Paint) -> String {
        let tables = &self.compiled.tables;
        format!(
            "{}: {} services in {} domains, {} fields, {} rules, {}\n",
            self.folder,
            tables.services.len(),
            tables.domains.len(),
            tables.fields.len(),
            tables.rules.len(),
            paint.good("no errors"),
        )
    }

    fn json(&self) -> Value {
        let tables = &self.compiled.tables;
        json!({
            "folder": self.folder,
            "services": tables.services.len(),
            "domains": tables.domains.len(),
            "fields": tables.fields.len(),
            "rules": tables.rules.len(),
            "warnings": self.compiled.warnings.len(),
        })
    }
}
