//! The application in `e2e/opentelemetry`, which is instrumented by OpenTelemetry's own libraries.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Context as _, Error, Result};
use crate::mesh::Program;

/// Returns the application with its libraries, which are installed if they are missing.
///
/// # Errors
/// Python or pip is missing, or the libraries cannot be installed.
pub fn application() -> Result<Program> {
    let install = folder().join("install.sh");
    let output = Command::new(&install).output().context(format_args!("cannot run `{}`", install.display()))?;
    if !output.status.success() {
        return Err(Error::new(String::from_utf8_lossy(&output.stderr).trim()));
    }
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Program {
        path: folder().join("application.py"),
        variables: vec![("PYTHONPATH".to_owned(), libraries), ("OTEL_PYTHON_LOG_LEVEL".to_owned(), "error".to_owned())],
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("opentelemetry")
}
