//! `policyc fmt`

use policy_compiler::read::document::formatted;
use serde_json::{Value, json};

use super::{
    Tree, files,
    output::{Exit, Outcome, Paint, Report, plural},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc fmt policies
  policyc fmt policies --check

Lines are moved and shifted, and comments stay with them. What a file says never changes: a file for which that is not
certain is left as it is, and named.")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// Changes nothing, and ends with 1 if a file would change: for pipelines.
    #[arg(long)]
    check: bool,
}

struct Formatted {
    check: bool,
    changed: Vec<String>,
    /// The files that were left as they are, each with the reason.
    left: Vec<(String, String)>,
    total: usize,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let folder = &arguments.tree.folder;
    let sources = session.read(folder)?;
    let mut done = Formatted { check: arguments.check, changed: Vec::new(), left: Vec::new(), total: sources.len() };
    for (id, file) in sources.iter() {
        match formatted(id, file) {
            Err(reason) => done.left.push((file.path().to_owned(), reason.to_string())),
            Ok(text) if text == file.text() => {}
            Ok(text) => {
                if !arguments.check {
                    // Through a link, the file that it leads to is written.
                    let path = folder.join(file.path());
                    files::replace(&path.canonicalize().unwrap_or(path), text.as_bytes())?;
                }
                done.changed.push(file.path().to_owned());
            }
        }
    }
    Ok(Box::new(done))
}

impl Report for Formatted {
    fn text(&self, paint: Paint) -> String {
        let verb = if self.check { "would change" } else { "changed" };
        let mut out: String = self.changed.iter().map(|file| format!("{verb} {file}\n")).collect();
        for (file, reason) in &self.left {
            out.push_str(&format!("{}\n", paint.faint(format!("left as it is: {file}: {reason}"))));
        }
        let files = plural(self.total, "file");
        out.push_str(&format!("{verb} {} of {files}\n", self.changed.len()));
        out
    }

    fn json(&self) -> Value {
        let left = self.left.iter().map(|(file, reason)| json!({"file": file, "reason": reason}));
        json!({"changed": self.changed, "left": left.collect::<Value>(), "files": self.total, "written": !self.check})
    }

    fn exit(&self) -> Exit {
        if self.check && !self.changed.is_empty() { Exit::Wrong } else { Exit::Well }
    }
}
