//! Checks the proxies' configuration against the mesh: routes, mirrors and filters of Envoy and Istio that do not fit.
//!
//! The filter extracts the context before the router and removes the headers of fields, and then the proxy chooses the
//! route again. A route that refers to such headers therefore seldom does what was meant, and a copy of a request is
//! never checked. The configuration is read into `found`, which is the same for Envoy and Istio, and `check` compares
//! it with the mesh.

mod check;
mod envoy;
mod found;
mod istio;
mod mesh;

use crate::{
    compile::Compiled,
    read::yaml,
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{FileId, SourceFile, Sources, Span},
    },
};

use found::Found;
use mesh::Mesh;

pub use mesh::Mapped;

/// The expected content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Configuration of Envoy: a bootstrap, resources of xDS, or the admin interface's response to `/config_dump`.
    Envoy,
    /// Kubernetes resources: those of Istio and of the Gateway API.
    Istio,
}

/// A file with the configuration of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// The file.
    pub file: FileId,
    /// Its expected content.
    pub format: Format,
    /// Whether it was found in a folder. It may have any other content then.
    pub found: bool,
}

/// What was read, and what does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of files that were read.
    pub files: usize,
    /// Number of their HTTP connection managers.
    pub managers: usize,
    /// Number of their routes.
    pub routes: usize,
    /// The findings, sorted by place.
    pub diagnostics: Diagnostics,
}

/// Compares the configuration of proxies with a mesh. `sources` has these files, and none of the tree.
pub fn check(sources: &Sources, inputs: &[Input], compiled: &Compiled) -> Report {
    let mut diagnostics = Diagnostics::new();
    let found: Vec<Found> =
        inputs.iter().filter_map(|input| Some(read(*input, sources.file(input.file)?, &mut diagnostics))).collect();
    check::check(&found, &Mesh::new(&compiled.tables, &compiled.gateways), &mut diagnostics);
    diagnostics.sort();
    Report {
        files: found.len(),
        managers: found.iter().map(|file| file.managers.len()).sum(),
        routes: found.iter().flat_map(|file| &file.tables).map(|table| table.routes).sum(),
        diagnostics,
    }
}

/// Reads one file. Reports what is not YAML, and a file with other content.
fn read(input: Input, file: &SourceFile, diagnostics: &mut Diagnostics) -> Found {
    let mut problems = Diagnostics::new();
    let documents = yaml::parse(input.file, file, &mut problems);
    let found = match input.format {
        Format::Envoy => envoy::read(&documents),
        Format::Istio => istio::read(&documents),
    };
    if problems.is_empty() && !found.recognised && !input.found {
        problems.push(nothing(input));
    }
    diagnostics.extend(problems.iter().map(|problem| explained(problem.clone())));
    found
}

fn nothing(input: Input) -> Diagnostic {
    let (message, help) = match input.format {
        Format::Envoy => (
            "the file holds no configuration of Envoy",
            "give a bootstrap, resources of xDS, or what the admin interface answers to `/config_dump`; \
             resources of Kubernetes are read with `--istio`",
        ),
        Format::Istio => (
            "the file holds no resource of Kubernetes",
            "give a file with `apiVersion` and `kind`; configuration of Envoy is read with `--envoy`",
        ),
    };
    Diagnostic::error(code::NO_PROXY_CONFIG, Span::new(input.file, 0, 0), message).help(help)
}

/// Adds a note to problems with YAML that the proxy itself accepts.
fn explained(problem: Diagnostic) -> Diagnostic {
    if problem.code != code::YAML_UNSUPPORTED {
        return problem;
    }
    problem.note("proxies read tags and more aliases; to be checked, the file must be written without them")
}
