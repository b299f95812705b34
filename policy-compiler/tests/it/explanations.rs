//! Checks that every code is explained by an example that causes exactly that code, and by its repair, which causes
//! none.

use policy_compiler::{
    Compiled, check_watched, compile,
    import::{self, select},
    pack::emit::authorization::{Authorization, Target},
    report::{
        diagnostic::{Diagnostics, code},
        explanation::{self, Part, Place, TREE},
        source::{MAX_PROXY_FILE_BYTES, Sources},
    },
    routes::{self, Format, Input},
};

/// Returns the findings of an example.
fn found(parts: &[Part]) -> (Vec<&'static str>, String) {
    if parts.iter().any(|part| part.place == Place::Import) {
        return imported(parts);
    }
    let mut sources = Sources::new("policies");
    let alone = parts.iter().any(|part| matches!(part.place, Place::Alone | Place::Emit));
    for (name, text) in TREE {
        if !alone && !parts.iter().any(|part| part.name == name) {
            sources.add(name, text);
        }
    }
    sources.set_today(jiff::civil::date(2026, 6, 1));
    let mut inputs = Vec::new();
    for part in parts {
        match part.place {
            Place::Tree | Place::Alone if part.name.ends_with(".lock") => sources.set_lock(&part.name, part.bytes()),
            Place::Tree | Place::Alone | Place::Emit => {
                sources.add(&part.name, part.bytes());
            }
            Place::Envoy => inputs.push((part, Format::Envoy)),
            Place::Istio => inputs.push((part, Format::Istio)),
            Place::Import => {}
        }
    }
    let compiled = match compile(&sources) {
        Ok(compiled) => compiled,
        Err(diagnostics) => return codes(&diagnostics, &sources),
    };
    if parts.iter().any(|part| part.place == Place::Emit) {
        let mut all = compiled.warnings.clone();
        all.extend(refused(&sources, &compiled).iter().cloned());
        return codes(&all, &sources);
    }
    if inputs.is_empty() {
        return codes(&compiled.warnings, &sources);
    }
    let mut proxies = Sources::new("");
    let add = |(part, format): &(&Part, Format)| {
        let file = proxies.add_limited(&part.name, part.bytes(), MAX_PROXY_FILE_BYTES);
        Input { file, format: *format, found: false }
    };
    let inputs: Vec<Input> = inputs.iter().map(add).collect();
    let report = routes::check(&proxies, &inputs, &compiled);
    let (mut all, text) = codes(&compiled.warnings, &sources);
    let (more, more_text) = codes(&report.diagnostics, &proxies);
    all.extend(more);
    (all, text + &more_text)
}

/// Returns the findings of an example that is imported.
fn imported(parts: &[Part]) -> (Vec<&'static str>, String) {
    let mut sources = Sources::new("");
    for part in parts {
        sources.add(&part.name, part.bytes());
    }
    let (resources, mut found) = import::read(&sources);
    if !found.has_errors() {
        found.extend(import::findings(&resources, &select::groups(&resources)));
    }
    codes(&found, &sources)
}

/// Returns what no AuthorizationPolicy can say.
fn refused(sources: &Sources, compiled: &Compiled) -> Diagnostics {
    let checked = check_watched(sources, &mut |_| {}).unwrap();
    let conditions = &checked.programs.conditions;
    let authorization = Authorization::new(&checked.model, conditions, &compiled.tables, []);
    let target = Target { namespace: "default", labels: &[], artifact: &compiled.artifact };
    let mut all = Diagnostics::new();
    for service in &compiled.tables.services {
        all.extend(authorization.emit(&service.name, target).err().unwrap_or_default().iter().cloned());
    }
    all
}

fn codes(diagnostics: &Diagnostics, sources: &Sources) -> (Vec<&'static str>, String) {
    let mut codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let text = diagnostics.to_text(sources);
    (codes, text.chars().take(2000).collect())
}

#[test]
fn every_code_has_an_example_that_yields_exactly_it_and_a_repair() {
    let mut failures = Vec::new();
    for (id, _) in code::TABLE {
        let Ok(explanation) = explanation::find(id) else {
            failures.push(format!("{id} is not explained"));
            continue;
        };
        assert!(!explanation.meaning.is_empty(), "{id} has no meaning");
        assert!(!explanation.wrong.is_empty() && !explanation.right.is_empty(), "{id} has no example");
        let (codes, text) = found(&explanation.wrong);
        if codes != [*id] {
            failures.push(format!("{id}: the example yields {codes:?}\n{text}"));
        }
        let (codes, text) = found(&explanation.right);
        if !codes.is_empty() {
            failures.push(format!("{id}: the repair yields {codes:?}\n{text}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn there_is_no_explanation_of_another_code() {
    for code in ["", "CM", "CM04", "CM9999", "cm0405"] {
        assert!(explanation::find(code).is_err(), "{code}");
    }
}
