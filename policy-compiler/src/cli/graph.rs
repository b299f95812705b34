//! `policyc graph`

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use policy_compiler::show::graph::{self, Graph, Selection};
use serde_json::Value;

use super::{
    Tree, files,
    output::{Failure, Outcome, Paint, Report, plural},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc graph policies
  policyc graph policies -o mesh.html
  policyc graph policies --as mermaid --domain payments
  policyc graph policies --as svg --field user_id -o user_id.svg")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// The output format [default: by the extension of the file, or text].
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// The file for the output; standard output otherwise.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only the calls from and to this service.
    #[arg(long)]
    service: Option<String>,
    /// Only the calls from and to the services of this domain.
    #[arg(long)]
    domain: Option<String>,
    /// Only this field; pictures show its fate.
    #[arg(long)]
    field: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A list.
    Text,
    /// A Mermaid flowchart, for Markdown.
    Mermaid,
    /// Graphviz's DOT language.
    Dot,
    /// An SVG picture.
    Svg,
    /// An HTML page with the picture, and a table with the fate of each field.
    Html,
}

impl Form {
    /// Returns the form for the extension of a file.
    fn of_file(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "svg" => Self::Svg,
            "html" | "htm" => Self::Html,
            "dot" | "gv" => Self::Dot,
            "mmd" | "mermaid" => Self::Mermaid,
            _ => return None,
        })
    }

    fn render(self, graph: &Graph, paint: Paint) -> String {
        match self {
            Self::Text => graph::text(graph, paint),
            Self::Mermaid => graph::mermaid(graph),
            Self::Dot => graph::dot(graph),
            Self::Svg => graph::svg(graph),
            Self::Html => graph::html(graph),
        }
    }
}

struct Shown {
    graph: Graph,
    form: Form,
    /// The file that was written.
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let checked = session.check(&arguments.tree.folder)?;
    let Arguments { service, domain, field, .. } = arguments;
    let selection = Selection { service: service.clone(), domain: domain.clone(), field: field.clone() };
    let graph = Graph::new(&checked, selection).map_err(Failure::usage)?;
    let file = arguments.output.clone();
    let form = arguments.form.or_else(|| Form::of_file(file.as_deref()?)).unwrap_or(Form::Text);
    if let Some(path) = &file {
        files::replace(path, form.render(&graph, Paint::Plain).as_bytes())?;
    }
    Ok(Box::new(Shown { graph, form, file }))
}

impl Report for Shown {
    fn text(&self, paint: Paint) -> String {
        let Some(file) = &self.file else { return self.form.render(&self.graph, paint) };
        let passing = self.graph.calls.iter().filter(|call| call.may_pass()).count();
        format!(
            "{}: {} in {}, {} of {} may pass\n",
            file.display(),
            plural(self.graph.services.len(), "service"),
            plural(self.graph.domains.len(), "domain"),
            passing,
            plural(self.graph.calls.len(), "call"),
        )
    }

    fn json(&self) -> Value {
        graph::document(&self.graph)
    }
}
