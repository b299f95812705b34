//! Requests from files: JSON with the keys of a policy test, and lines of an access log.

use serde_json::Value as Json;

use super::{access_log, earlier::Earlier, gaps::Gaps};
use crate::{
    check::model::{Request, World, requests::Resolver},
    read::{document, yaml},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Sources, Span},
    },
};

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its origin: the file, and the line if the file has several requests.
    pub name: String,
    /// The request.
    pub request: Request,
    /// What the source lacks, and what was assumed instead.
    pub notes: Vec<String>,
    /// The values that the source does not hold. `None` for a request with all of its values, which can be run as it is.
    ///
    /// This is the place for a recorder that keeps what a replay needs: lines with the keys of a request have no gaps,
    /// and a source that holds some values more than an access log has a constructor of [`Gaps`] of its own.
    pub gaps: Option<Gaps>,
    /// The decision when it was recorded.
    pub earlier: Option<Earlier>,
}

/// Requests that could not be read, with their source.
#[derive(Debug)]
pub struct Unreadable {
    /// The source.
    pub sources: Sources,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

/// Reads the requests of a file: one JSON or YAML document, or one JSON object a line. Each has the keys `workload`,
/// `role`, `principal`, `request`, `context`, `destination`, `remembered` and `now`, or is an entry of an access log.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn requests(path: &str, text: &str, world: &World<'_>) -> Result<Vec<Recorded>, Box<Unreadable>> {
    let lines: Vec<(usize, &str)> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let is_object = |line: &str| serde_json::from_str::<serde_json::Map<String, Json>>(line).is_ok();
    if lines.len() > 1 && lines.first().is_some_and(|(_, line)| is_object(line)) {
        return each_line(path, &lines, world);
    }
    if let Ok(Json::Object(object)) = serde_json::from_str(text)
        && access_log::is_entry(&object)
    {
        return each_line(path, &[(0, text)], world);
    }
    let mut problems = Unreadable { sources: Sources::new(""), diagnostics: Diagnostics::new() };
    let requests = documents(path, text, world, &mut problems);
    if problems.diagnostics.is_empty() { Ok(requests) } else { Err(Box::new(problems)) }
}

fn each_line(path: &str, lines: &[(usize, &str)], world: &World<'_>) -> Result<Vec<Recorded>, Box<Unreadable>> {
    let mut problems = Unreadable { sources: Sources::new(""), diagnostics: Diagnostics::new() };
    let mut requests = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        if problems.diagnostics.len() >= crate::report::diagnostic::MAX_SHOWN {
            break;
        }
        let name = if lines.len() == 1 { path.to_owned() } else { format!("{path}:{}", number + 1) };
        match entry(line) {
            Ok(Some(entry)) => match access_log::request(&name, &entry, world) {
                Ok(request) => requests.push(request),
                Err(message) => problems.add(path, *number, line, &message),
            },
            Ok(None) => {
                let mut own = Unreadable { sources: Sources::new(""), diagnostics: Diagnostics::new() };
                let found = documents(&name, line, world, &mut own);
                if own.diagnostics.is_empty() {
                    requests.extend(found);
                } else {
                    // Read again after as many empty lines, so that places have the right line numbers.
                    let padded = format!("{}{line}", "\n".repeat(*number));
                    documents(path, &padded, world, &mut problems);
                }
            }
            Err(message) => problems.add(path, *number, line, &message),
        }
    }
    if problems.diagnostics.is_empty() { Ok(requests) } else { Err(Box::new(problems)) }
}

/// Returns the access log entry of a line, or `None` for a line that is a request of its own.
fn entry(line: &str) -> Result<Option<serde_json::Map<String, Json>>, String> {
    match serde_json::from_str(line) {
        Ok(Json::Object(object)) => Ok(access_log::is_entry(&object).then_some(object)),
        Ok(_) => Err("the line is not a JSON object".to_owned()),
        Err(error) => Err(format!("the line is not JSON: {error}")),
    }
}

/// Returns the requests of YAML documents. JSON is a subset of YAML.
fn documents(path: &str, text: &str, world: &World<'_>, problems: &mut Unreadable) -> Vec<Recorded> {
    let id = problems.sources.add(path, text);
    let Some(file) = problems.sources.file(id) else { return Vec::new() };
    let nodes = yaml::parse(id, file, &mut problems.diagnostics);
    if nodes.is_empty() && problems.diagnostics.is_empty() {
        let problem = Diagnostic::error(code::NO_DOCUMENTS, Span::new(id, 0, 0), "the file holds no request");
        problems.diagnostics.push(problem.help("write one as JSON, for example `{\"workload\": \"...\"}`"));
    }
    let mut requests = Vec::new();
    for node in &nodes {
        let Some(given) = document::read_request(node, &problems.sources, &mut problems.diagnostics) else { continue };
        let diagnostics = &mut problems.diagnostics;
        let mut resolver = Resolver { world, fixtures: None, now_ms: None, diagnostics };
        if let Some(request) = resolver.request(&given, node.span) {
            let line = problems.sources.start(node.span).line;
            let name = if nodes.len() == 1 { path.to_owned() } else { format!("{path}:{line}") };
            requests.push(Recorded { name, request, notes: Vec::new(), gaps: None, earlier: None });
        }
    }
    requests
}

impl Unreadable {
    fn add(&mut self, path: &str, number: usize, line: &str, message: &str) {
        let text = format!("{}{line}", "\n".repeat(number));
        let end = text.len();
        let id = self.sources.add(path, text);
        let span = Span::new(id, number, end);
        self.diagnostics.push(Diagnostic::error(code::INVALID_VALUE, span, message));
    }
}
