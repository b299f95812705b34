//! `policyc explain`

use policy_compiler::report::{
    diagnostic::code,
    explanation::{self, Explanation, Part, Place},
};
use serde_json::{Value, json};

use super::output::{Failure, Outcome, Paint, Report};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc explain CM0405
  policyc explain
  policyc explain CM0601 --format json

Why a request is decided as it is, says `policyc eval --explain`.")]
pub(super) struct Arguments {
    /// The code of a diagnostic. Without it, all codes are listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let Some(code) = &arguments.code else { return Ok(Box::new(List)) };
    Ok(Box::new(explanation::find(&code.to_ascii_uppercase()).map_err(Failure::usage)?))
}

/// All codes.
struct List;

impl Report for List {
    fn text(&self, paint: Paint) -> String {
        code::TABLE.iter().map(|(id, summary)| format!("{}  {summary}\n", paint.strong(id))).collect()
    }

    fn json(&self) -> Value {
        code::TABLE.iter().map(|(id, summary)| json!({"code": id, "summary": summary})).collect()
    }
}

impl Report for Explanation {
    fn text(&self, paint: Paint) -> String {
        let mut out = format!("{}: {}\n\n{}\n", paint.strong(self.code), self.summary, self.meaning);
        for (title, parts) in [("For example", &self.wrong), ("Repaired", &self.right)] {
            for part in parts {
                let text: String = part.text.lines().map(|line| format!("  {line}\n")).collect();
                out.push_str(&format!("\n{}, {}:\n\n{text}", paint.strong(title), part.whereabouts()));
            }
        }
        if self.wrong.iter().any(Part::is_abbreviated) {
            out.push_str(&format!("\n{}\n", paint.faint(explanation::ABBREVIATIONS)));
        }
        out
    }

    fn json(&self) -> Value {
        let files = |parts: &[Part]| -> Value { parts.iter().map(file).collect() };
        json!({
            "code": self.code,
            "summary": self.summary,
            "meaning": self.meaning,
            "example": files(&self.wrong),
            "repaired": files(&self.right),
        })
    }
}

fn file(part: &Part) -> Value {
    let place = match part.place {
        Place::Tree => "init",
        Place::Alone => "alone",
        Place::Envoy => "envoy",
        Place::Istio => "istio",
        Place::Import => "import",
        Place::Emit => "emit",
    };
    json!({"place": place, "name": part.name, "text": part.text})
}
