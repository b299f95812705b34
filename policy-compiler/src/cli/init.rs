//! `policyc init`

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::output::{Failure, Outcome, Paint, Report};

/// The files of a new tree.
const FILES: [(&str, &str); 6] = [
    ("README.md", include_str!("../../templates/init/README.md")),
    ("enterprise.yaml", include_str!("../../templates/init/enterprise.yaml")),
    ("mesh.yaml", include_str!("../../templates/init/mesh.yaml")),
    ("payments.yaml", include_str!("../../templates/init/payments.yaml")),
    ("schema.yaml", include_str!("../../templates/init/schema.yaml")),
    ("tests.yaml", include_str!("../../templates/init/tests.yaml")),
];

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  policyc init my-policies\n  policyc init my-policies --force")]
pub(super) struct Arguments {
    /// The folder; it is created if it does not exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Also writes into a folder that is not empty. Files that exist are never changed.
    #[arg(long)]
    force: bool,
}

struct Written {
    folder: String,
    written: Vec<&'static str>,
    kept: Vec<&'static str>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let folder = &arguments.folder;
    fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder, &error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| Failure::io("read", folder, &error))?;
    if !arguments.force && entries.next().is_some() {
        let text = format!("`{}` is not empty; `--force` adds what is missing there", folder.display());
        return Err(Failure::Usage(text));
    }
    let mut report = Written { folder: folder.display().to_string(), written: Vec::new(), kept: Vec::new() };
    for (name, text) in FILES {
        let made = write_new(&folder.join(name), text)?;
        if made { &mut report.written } else { &mut report.kept }.push(name);
    }
    Ok(Box::new(report))
}

/// Creates a file. Returns `false`, and changes nothing, if it exists.
fn write_new(path: &Path, text: &str) -> Result<bool, Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Failure::io("write", path, &error)),
    }
}

impl Report for Written {
    fn text(&self, paint: Paint) -> String {
        let written = self.written.iter().map(|name| format!("  {}  {name}\n", paint.good("written")));
        let kept = self.kept.iter().map(|name| format!("  {}     {name}\n", paint.faint("kept")));
        let files: String = written.chain(kept).collect();
        format!("{}\n{files}next: policyc check {}\n", self.folder, self.folder)
    }

    fn json(&self) -> Value {
        json!({"folder": self.folder, "written": self.written, "kept": self.kept})
    }
}
