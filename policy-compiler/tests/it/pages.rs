//! Pages of `docs/` that list what the code has. Each list is generated from the code, or compared with it.
//!
//! The text between `<!-- generated: NAME -->` and `<!-- end -->` is generated. `UPDATE_EXPECT=1` updates it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use context_mesh_core::artifact::FORMAT_VERSION;
use context_mesh_core::cause::Cause;
use context_mesh_core::info::Reason;
use context_mesh_core::pipeline::Counter;
use context_mesh_core::vm::EvalErrorKind;
use context_mesh_core::vm::cost::CostClass;
use context_mesh_core::vm::function::Function;
use context_mesh_core::vm::op::{self, Op, Operand};
use policy_compiler::expression::cel::{self, Environment, Expected};
use policy_compiler::report::diagnostic::code;
use policy_compiler::report::explanation;

use crate::support::golden;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// Checks one generated part of a page, or writes it.
fn check(name: &str, part: &str, expected: &str) {
    // Two tests may write to one page.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = page(name);
    let begin = format!("<!-- generated: {part} -->\n");
    let start = text.find(&begin).unwrap_or_else(|| panic!("docs/{name} has no part `{part}`")) + begin.len();
    let end = start + text[start..].find("<!-- end -->").unwrap();
    golden::check(&root().join("docs").join(name), &[&text[..start], expected, &text[end..]].concat());
}

/// Returns the text of a doc comment, on one line and escaped for a table.
fn about(text: &str) -> String {
    text.trim().replace("||", "\\|\\|")
}

fn cost(class: CostClass) -> &'static str {
    match class {
        CostClass::Fixed => "fixed",
        CostClass::Linear => "linear",
        CostClass::Sorting => "sorting",
        CostClass::Quadratic => "quadratic",
    }
}

fn operand(kind: Operand) -> &'static str {
    match kind {
        Operand::Nothing => "",
        Operand::Constant => "constant",
        Operand::Name => "string constant",
        Operand::Attribute => "attribute",
        Operand::Variable => "variable",
        Operand::Regex => "regex",
        Operand::Count => "count",
        Operand::Target => "later instruction",
        Operand::LoopTarget => "earlier instruction",
        Operand::Function => "function",
        Operand::Local => "local",
        Operand::Error => "error",
    }
}

fn errors() -> String {
    let mut table = "| number | word | meaning |\n|---|---|---|\n".to_owned();
    for kind in EvalErrorKind::ALL {
        writeln!(table, "| {} | `{}` | {} |", kind.number(), kind.as_str(), about(kind.about())).unwrap();
    }
    table
}

#[test]
fn the_instruction_set_is_the_one_of_the_machine() {
    let mut table =
        "| code | name | operand | pops | pushes | cost | does |\n|---|---|---|---|---|---|---|\n".to_owned();
    for row in op::TABLE {
        let pops = match Op::decode(u32::from(row.code)) {
            Some(Op::List(_)) => "operand".to_owned(),
            Some(Op::Call(_)) => "arguments".to_owned(),
            _ => row.pops.to_string(),
        };
        let class = if row.operand == Operand::Function { "its own" } else { cost(row.cost) };
        let (code, name, operand, pushes) = (row.code, row.mnemonic, operand(row.operand), row.pushes);
        let does = about(row.about);
        writeln!(table, "| `{code:#04x}` | `{name}` | {operand} | {pops} | {pushes} | {class} | {does} |").unwrap();
    }
    check("bytecode.md", "instructions", &table);
}

#[test]
fn the_functions_are_those_of_the_machine() {
    let mut table = "| number | name in CEL | arguments | cost | does |\n|---|---|---|---|---|\n".to_owned();
    for function in Function::ALL {
        let (number, name, arity) = (function.number(), function.name(), function.arity());
        let (class, does) = (cost(function.cost()), about(function.about()));
        writeln!(table, "| {number} | `{name}` | {arity} | {class} | {does} |").unwrap();
    }
    check("bytecode.md", "functions", &table);
    check("bytecode.md", "errors", &errors());
    check("operations.md", "errors", &errors());
}

/// Returns the section about a code.
fn explained(code: &str) -> String {
    let explanation = explanation::find(code).unwrap();
    let mut out = format!("### {code}: {}\n\n{}\n", explanation.summary.trim_end_matches('.'), explanation.meaning);
    for (title, parts) in [("For example", &explanation.wrong), ("Repaired", &explanation.right)] {
        for part in parts {
            write!(out, "\n{title}, {}:\n\n```yaml\n{}```\n", part.whereabouts(), part.text).unwrap();
        }
    }
    out + "\n"
}

#[test]
fn the_index_of_diagnostics_is_complete() {
    let groups = [
        ("CM01", "reading"),
        ("CM02", "documents"),
        ("CM03", "meaning"),
        ("CM04", "expressions"),
        ("CM05", "artifact"),
        ("CM06", "analysis"),
        ("CM07", "proxies"),
        ("CM080", "import"),
        ("CM082", "istio"),
    ];
    let codes = || code::TABLE.iter();
    for (prefix, part) in groups {
        let of_group: Vec<&str> = codes().map(|(id, _)| *id).filter(|id| id.starts_with(prefix)).collect();
        check("diagnostics.md", part, &of_group.into_iter().map(explained).collect::<String>());
    }
    let grouped = codes().filter(|(id, _)| groups.iter().any(|(prefix, _)| id.starts_with(prefix)));
    assert_eq!(grouped.count(), codes().count(), "a code belongs to no group of the page");
}

/// Returns the part of a source file before its tests.
fn shipped(path: &str) -> String {
    let text = fs::read_to_string(root().join(path)).unwrap();
    text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// Returns the sources of the pipeline without tests, with their paths.
fn pipeline() -> Vec<(String, String)> {
    let folder = root().join("core/src/pipeline");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name != "tests.rs" && !name.ends_with("_tests.rs"));
    names.map(|name| (name.clone(), shipped(&format!("core/src/pipeline/{name}")))).collect()
}

/// Returns the string literals without escapes of a text, in order.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Returns each text between `opening` and the parenthesis that closes it.
fn calls<'t>(text: &'t str, opening: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(opening).map(move |(at, _)| {
        let rest = &text[at + opening.len()..];
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        &rest[..end.unwrap()]
    })
}

/// Returns the words that `as_str` of a type returns.
fn words_of(path: &str, of: &str) -> Vec<String> {
    let text = shipped(path);
    let from = &text[text.find(&format!("impl {of} {{")).unwrap()..];
    let from = &from[from.find("fn as_str").unwrap()..];
    let arms = &from[..from.find("\n    }\n").unwrap()];
    literals(arms).map(str::to_owned).collect()
}

/// Returns the names in backticks in the first column of the table below a heading.
fn first_column<'p>(page: &'p str, heading: &str) -> BTreeSet<&'p str> {
    let begin = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading `{heading}`"));
    let lines = page[begin..].lines().skip(2).take_while(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

fn assert_same(explained: &BTreeSet<&str>, known: &BTreeSet<&str>) {
    let missing: Vec<_> = known.difference(explained).collect();
    let invented: Vec<_> = explained.difference(known).collect();
    assert!(missing.is_empty() && invented.is_empty(), "missing: {missing:?}, not in the code: {invented:?}");
}

#[test]
fn the_page_for_operators_explains_every_key_of_the_report() {
    let source = shipped("core/src/pipeline/report.rs");
    let mut keys = BTreeSet::new();
    for opening in ["line.text(", "line.number(", "line.list(", "line.pairs(", "line.counts(", "line.problems("] {
        keys.extend(calls(&source, opening).filter_map(|call| call.strip_prefix('"')?.split('"').next()));
    }
    assert_same(&first_column(&page("operations.md"), "## The report of a request"), &keys);
}

#[test]
fn the_page_for_operators_explains_every_word_of_a_problem() {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for (path, of) in [
        ("core/src/carrier/mod.rs", "CarrierError"),
        ("core/src/schema.rs", "FieldProblem"),
        ("core/src/memory/mod.rs", "MemoryError"),
        ("core/src/trace/mod.rs", "Trouble"),
        ("core/src/pipeline/ambiguous_path.rs", "SecondReading"),
    ] {
        words.extend(words_of(path, of));
    }
    for (name, source) in pipeline() {
        for call in calls(&source, "Problem::new(")
            .chain(calls(&source, "plan.problem("))
            .chain(calls(&source, "self.problem("))
        {
            let word = call.rsplit(", ").next().unwrap().trim().trim_end_matches(',');
            match (name.as_str(), word) {
                // Words of the types above, and those of conditions, which are listed separately.
                (_, "error.as_str()" | "problem.as_str()" | "trouble.as_str()" | "reading.as_str()")
                | ("upstream.rs", "error") => {}
                // `(counter, subject, word)`
                ("recall.rs", "problem") => {
                    let found = calls(&source, "=> (Counter::");
                    words.extend(found.map(|call| literals(call).nth(1).unwrap().to_owned()));
                }
                // The definitions themselves.
                ("report.rs" | "report_text.rs", _) | ("plan.rs", "error") => {}
                _ => {
                    let literal = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
                    words.insert(literal.unwrap_or_else(|| panic!("{name}: which words is `{word}`?")).to_owned());
                }
            }
        }
    }
    let known = words.iter().map(String::as_str).collect();
    assert_same(&first_column(&page("operations.md"), "### Words of problems"), &known);
}

#[test]
fn the_page_of_attributes_has_all_of_them_with_their_types() {
    let source = shipped("policy-compiler/src/expression/cel/attributes.rs");
    let table = &source[source.find("pub(super) const TABLE").unwrap()..];
    let table = &table[..table.find("];").unwrap()];
    let page = page("attributes.md");
    let environment = Environment::new([]);
    let mut names = BTreeSet::new();
    for line in table.lines().filter(|line| line.trim_start().starts_with("(\"")) {
        let [group, name] = [0, 1].map(|at| literals(line).nth(at).unwrap());
        let attribute = format!("{group}.{name}");
        let ty =
            cel::check(&environment, &attribute, Expected::Any).map(|typed| typed.ty.to_string()).unwrap_or_default();
        let row = format!("| `{attribute}` | {ty}{}", if ty.is_empty() { "| " } else { " | " });
        assert!(page.contains(&row), "docs/attributes.md has no row that begins with `{row}`");
        names.insert(attribute);
    }
    let listed = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), names);
}

#[test]
fn the_page_for_operators_explains_every_setting_that_refuses() {
    let causes = Cause::OTHERS.into_iter().map(Cause::as_str).filter(|name| name.starts_with("mesh "));
    assert_same(&first_column(&page("operations.md"), "### Settings that refuse"), &causes.collect());
}

#[test]
fn the_page_for_operators_has_every_line_of_the_log() {
    let page = page("operations.md");
    let mut lines = 0;
    for entry in fs::read_dir(root().join("filter/src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let source = shipped(&format!("filter/src/{name}"));
        let reasons = calls(&source, "refuse_unready(").filter_map(|call| literals(call).next());
        let texts = literals(&source).filter(|text| text.starts_with("context_mesh: "));
        for text in reasons.chain(texts) {
            for fixed in text.split(['{', '}']).step_by(2).filter(|part| part.len() > 3) {
                assert!(page.contains(fixed), "docs/operations.md does not have `{fixed}` of filter/src/{name}");
            }
            lines += 1;
        }
        let logged = source.matches("abi::log(").count();
        let written = literals(&source).filter(|text| text.starts_with("context_mesh: ")).count();
        assert_eq!(logged, written, "filter/src/{name} logs a line that does not begin with `context_mesh: `");
    }
    assert!(lines >= 10, "the sources are not where this test looks for them");
}

#[test]
fn alerts_are_about_counters_that_exist() {
    let page = page("operations.md");
    let rest = page.split("(context_mesh_").skip(1);
    for name in rest.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap()) {
        let known = name == "artifact_info" || Counter::ALL.iter().any(|counter| counter.as_str() == name);
        assert!(known, "there is no counter `{name}`");
    }
}

#[test]
fn the_page_for_operators_explains_every_reason_of_a_refused_configuration() {
    let known = Reason::ALL.into_iter().map(Reason::as_str).collect();
    assert_same(&first_column(&page("operations.md"), "## Which version runs"), &known);
}

#[test]
fn the_page_of_compatibility_has_the_format_of_this_release() {
    let page = page("compatibility.md");
    let last = page.split("\n## Artifacts\n").nth(1).unwrap().lines().take_while(|line| !line.starts_with("## "));
    let last = last.filter(|line| line.starts_with("| ")).last().unwrap();
    assert!(last.ends_with(&format!("| {FORMAT_VERSION} | {FORMAT_VERSION} |")), "docs/compatibility.md: {last}");
}

/// Each scenario that the page about trust names exists.
#[test]
fn scenarios_that_are_named_as_proofs_exist() {
    let page = page("trust.md");
    let named: BTreeSet<(&str, &str)> =
        page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() >= 10, "{named:?}");
    for (file, test) in named {
        let path = root().join("e2e/tests/scenarios").join(file).with_extension("rs");
        let text = fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        assert!(text.contains(&format!("#[test]\nfn {test}()")), "there is no scenario `{file}::{test}`");
    }
}
