//! `policyc check`

use std::{collections::BTreeSet, path::PathBuf};

use context_mesh_core::{artifact, artifact::tables::RuleTable, index::RuleIndex, limits::MAX_FUEL};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use policy_compiler::{
    Compiled,
    check::{lock::words, silence::Silenced},
    pack::budget::{self, DecisionCost, RuleCost},
    read::document::{Direction, parse_date},
    report::source::Sources,
    routes,
};
use serde_json::{Value, json};

use super::{
    Tree, files,
    lock::missing,
    output::{Exit, Failure, Outcome, Paint, Report, plural},
    session::{CompiledTree, Session},
    sizes,
};

/// Fewest rules of a decision for which it matters that some of them run for every request.
const MANY_RULES: usize = 32;

/// Most costs that are shown by default.
const SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc check policies
  policyc check policies --costs --format json
  policyc check policies --deny-warnings --locked
  policyc check policies --show-silenced
  policyc check policies --today 2026-12-31
  policyc check policies --format sarif > policies.sarif
  policyc check policies --format github
  policyc check policies --envoy envoy.yaml --istio manifests")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// Shows the costs of all rules and decisions, not only of the ten most expensive.
    #[arg(long)]
    costs: bool,
    /// Ends with 1 when words of the tree have no number in its lock file: for pipelines.
    #[arg(long)]
    locked: bool,
    /// Ends with 1 when there are warnings.
    #[arg(long)]
    deny_warnings: bool,
    /// The day for which `expires` of rules is checked, for example 2026-12-31 [default: today, in UTC].
    #[arg(long, value_name = "DATE", value_parser = day)]
    today: Option<Date>,
    /// Lists the warnings that rules silence, each with its reason.
    #[arg(long)]
    show_silenced: bool,
    /// Configuration of Envoy whose routes are checked: bootstraps, xDS resources, responses to `/config_dump`, or
    /// folders of them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    envoy: Vec<PathBuf>,
    /// Resources of Istio and of the Gateway API whose routes are checked, or folders of them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    istio: Vec<PathBuf>,
}

struct Checked {
    folder: String,
    sources: Sources,
    compiled: Compiled,
    show_silenced: bool,
    rules: Vec<RuleCost>,
    decisions: Vec<DecisionCost>,
    sizes: sizes::Report,
    /// Most costs that are shown.
    shown: usize,
    deny_warnings: bool,
    /// The findings about proxies, if any are given.
    proxies: Option<routes::Report>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let today = arguments.today.unwrap_or_else(|| Timestamp::now().to_zoned(TimeZone::UTC).date());
    let CompiledTree { sources, compiled, model, lock } = session.compile_tree_on(&arguments.tree.folder, today)?;
    if arguments.locked
        && let Some(message) = missing(&arguments.tree.folder.display().to_string(), &lock, &words(&model))
    {
        return Err(Failure::Artifact(message));
    }
    let proxies = proxies(arguments, &compiled, session)?;
    let program = artifact::load(&compiled.artifact).map_err(Failure::artifact)?;
    Ok(Box::new(Checked {
        folder: arguments.tree.folder.display().to_string(),
        rules: budget::rules(&compiled.tables, &compiled.costs),
        decisions: budget::decisions(&program, &compiled.costs),
        sizes: sizes::Report::new(&compiled)?,
        sources,
        compiled,
        show_silenced: arguments.show_silenced,
        shown: if arguments.costs { usize::MAX } else { SHOWN },
        deny_warnings: arguments.deny_warnings,
        proxies,
    }))
}

fn day(text: &str) -> Result<Date, String> {
    parse_date(text).ok_or_else(|| "write a day as `2026-12-31`".to_owned())
}

/// Reads the configuration of proxies and compares it with the mesh. The diagnostics are written.
fn proxies(arguments: &Arguments, compiled: &Compiled, session: &Session) -> Result<Option<routes::Report>, Failure> {
    if arguments.envoy.is_empty() && arguments.istio.is_empty() {
        return Ok(None);
    }
    // Their paths are shown as given, not relative to the tree.
    let (mut sources, mut inputs) = (Sources::new(""), Vec::new());
    for path in &arguments.envoy {
        files::read_proxies(path, routes::Format::Envoy, &mut sources, &mut inputs)?;
    }
    for path in &arguments.istio {
        files::read_proxies(path, routes::Format::Istio, &mut sources, &mut inputs)?;
    }
    let report = routes::check(&sources, &inputs, compiled);
    session.write_diagnostics(&report.diagnostics, &sources);
    if report.diagnostics.has_errors() { Err(Failure::Diagnostics) } else { Ok(Some(report)) }
}

impl Report for Checked {
    fn text(&self, paint: Paint) -> String {
        let mut out = self.summary(paint);
        if self.show_silenced {
            out.push_str(&self.silenced(paint));
        }
        if let Some(proxies) = &self.proxies {
            out.push_str(&read_of(proxies));
        }
        if !self.rules.is_empty() {
            out.push_str(&self.rule_costs(paint));
            out.push_str(&self.decision_costs(paint));
            out.push_str(&self.unindexed(paint));
        }
        out.push('\n');
        out.push_str(&self.sizes.text(paint));
        out
    }

    fn json(&self) -> Value {
        let tables = &self.compiled.tables;
        let rules = self.rules.iter().take(self.shown).filter_map(|cost| {
            let rule = tables.rules.get(cost.rule)?;
            Some(json!({"rule": rule.name, "place": rule.place, "fuel": cost.fuel}))
        });
        let decisions = self.decisions.iter().take(self.shown).map(|cost| {
            let direction = direction(cost.direction);
            let unindexed: Value =
                cost.unindexed.iter().filter_map(|rule| Some(rule.get(&tables.rules)?.name.as_str())).collect();
            let (services, rules) = (&cost.services, cost.rules);
            json!({
                "services": services, "direction": direction, "rules": rules, "fuel": cost.fuel, "unindexed": unindexed,
            })
        });
        let mut document = json!({
            "folder": self.folder,
            "services": tables.services.len(),
            "domains": tables.domains.len(),
            "fields": tables.fields.len(),
            "rules": tables.rules.len(),
            "warnings": self.warnings(),
            "silenced": self.compiled.silenced.iter().map(|one| self.silenced_json(one)).collect::<Value>(),
            "costs": {
                "budget": MAX_FUEL,
                "rules": rules.collect::<Value>(),
                "decisions": decisions.collect::<Value>(),
            },
            "sizes": self.sizes.json(),
        });
        if let Some(proxies) = &self.proxies {
            document["proxies"] = json!({
                "files": proxies.files,
                "connectionManagers": proxies.managers,
                "routes": proxies.routes,
                "warnings": proxies.diagnostics.len(),
            });
        }
        document
    }

    fn exit(&self) -> Exit {
        let denied = self.deny_warnings && self.warnings() > 0;
        if denied { Exit::Wrong } else { Exit::Well }
    }
}

impl Checked {
    /// Returns the number of warnings, of the tree and of proxies.
    fn warnings(&self) -> usize {
        self.compiled.warnings.len() + self.proxies.as_ref().map_or(0, |proxies| proxies.diagnostics.len())
    }

    /// Lists the warnings that rules silence, one a line.
    fn silenced(&self, paint: Paint) -> String {
        let line = |one: &Silenced| {
            let place = one.diagnostic.span.map(|span| self.sources.place(span)).unwrap_or_default();
            let code = paint.strong(one.diagnostic.code);
            format!("silenced {code}  {}  {}: {}\n", paint.faint(place), one.diagnostic.message, one.reason)
        };
        self.compiled.silenced.iter().map(line).collect()
    }

    fn silenced_json(&self, one: &Silenced) -> Value {
        let Silenced { diagnostic, reason, .. } = one;
        let place = diagnostic.span.map(|span| self.sources.place(span));
        json!({"code": diagnostic.code, "message": diagnostic.message, "place": place, "reason": reason})
    }

    fn summary(&self, paint: Paint) -> String {
        let (tables, warnings) = (&self.compiled.tables, self.warnings());
        let verdict = match warnings {
            0 => paint.good("no errors"),
            n if self.deny_warnings => paint.bad(format!("{}, which `--deny-warnings` refuses", plural(n, "warning"))),
            n => format!("{}, {}", paint.good("no errors"), paint.warn(plural(n, "warning"))),
        };
        let silenced = match self.compiled.silenced.len() {
            0 => String::new(),
            n => format!(", {}", paint.faint(format!("{n} silenced"))),
        };
        format!(
            "{}: {} in {}, {}, {}, {verdict}{silenced}\n",
            self.folder,
            plural(tables.services.len(), "service"),
            plural(tables.domains.len(), "domain"),
            plural(tables.fields.len(), "field"),
            plural(tables.rules.len(), "rule"),
        )
    }

    fn rule_costs(&self, paint: Paint) -> String {
        let title = "cost of a rule at worst, in units of fuel";
        let mut out = format!("\n{}\n", paint.strong(title));
        let rules = self.rules.iter().take(self.shown);
        let rules: Vec<_> =
            rules.filter_map(|cost| Some((cost.fuel, self.compiled.tables.rules.get(cost.rule)?))).collect();
        let width = rules.iter().map(|(_, rule)| rule.name.chars().count()).max().unwrap_or(0);
        for (cost, rule) in rules {
            out.push_str(&format!("  {}  {:width$}  {}\n", fuel(cost, paint), rule.name, paint.faint(&rule.place)));
        }
        out + &self.more(self.rules.len(), "rule", paint)
    }

    fn decision_costs(&self, paint: Paint) -> String {
        let title = format!("cost of a decision at worst, which has {MAX_FUEL} units of fuel");
        let mut out = format!("\n{}\n", paint.strong(title));
        for cost in self.decisions.iter().take(self.shown) {
            let (rules, direction) = (plural(cost.rules, "rule"), direction(cost.direction));
            let services = services(&cost.services);
            out.push_str(&format!("  {}  {services} {direction}, {rules}\n", fuel(cost.fuel, paint)));
        }
        out + &self.more(self.decisions.len(), "decision", paint)
    }

    /// Names the rules that run for every request, of decisions with so many rules that this matters.
    fn unindexed(&self, paint: Paint) -> String {
        let tables = &self.compiled.tables.rules;
        let many = self.decisions.iter().filter(|cost| cost.rules >= MANY_RULES);
        let rules: BTreeSet<RuleIndex> = many.flat_map(|cost| &cost.unindexed).copied().collect();
        let rules: Vec<&RuleTable> = rules.iter().filter_map(|rule| rule.get(tables)).collect();
        if rules.is_empty() {
            return String::new();
        }
        let title = "rules that run for every request: nothing in their conditions can be looked up";
        let mut out = format!("\n{}\n", paint.strong(title));
        let width = rules.iter().map(|rule| rule.name.chars().count()).max().unwrap_or(0);
        for rule in rules.iter().take(self.shown) {
            out.push_str(&format!("  {:width$}  {}\n", rule.name, paint.faint(&rule.place)));
        }
        out + &self.more(rules.len(), "rule", paint)
    }

    fn more(&self, all: usize, word: &str, paint: Paint) -> String {
        match all.saturating_sub(self.shown) {
            0 => String::new(),
            more => paint
                .faint(format!("  and {more} more {word}{}; `--costs` shows all\n", if more == 1 { "" } else { "s" })),
        }
    }
}

/// Summarises the configuration of proxies that was read.
fn read_of(proxies: &routes::Report) -> String {
    format!(
        "proxies: {} in {}, {} read\n",
        plural(proxies.routes, "route"),
        plural(proxies.managers, "connection manager"),
        plural(proxies.files, "file"),
    )
}

/// Formats the fuel, and its share of a decision's fuel.
fn fuel(fuel: u64, paint: Paint) -> String {
    let tenths = fuel.saturating_mul(1000) / MAX_FUEL;
    let text = format!("{fuel:>9} {:>5}.{}%", tenths / 10, tenths % 10);
    match fuel {
        fuel if fuel > MAX_FUEL => paint.bad(text),
        fuel if fuel > MAX_FUEL / 2 => paint.warn(text),
        _ => text,
    }
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

/// Formats the first names of a list that may be long.
fn services(names: &[String]) -> String {
    const NAMED: usize = 3;
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
