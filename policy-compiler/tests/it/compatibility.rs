//! Compatibility of schema versions: the table of `docs/schemas.md`, line by line.

use policy_compiler::{
    check::{
        compatibility::{self, Advice, Comparison, Level, Tree, Verdict, matrix_text},
        model::SchemaVersion,
    },
    compile,
    report::source::Sources,
};

const MESH: &str = "
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  domains:
    shop: {services: [a], region: eu}
    bank: {services: [b], region: us}
";

/// Returns a schema `fields` of `shop` with these fields, each a line of YAML.
fn schema(version: &str, fields: &[&str]) -> String {
    let lines: String = fields.iter().map(|field| format!("    {field}\n")).collect();
    let version = if version.is_empty() { String::new() } else { format!(", version: {version}") };
    let spec = if fields.is_empty() { "spec: {fields: {}}\n".to_owned() } else { format!("spec:\n  fields:\n{lines}") };
    format!(
        "---\napiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: fields, domain: shop{version}}}\n{spec}"
    )
}

fn read(documents: &[String]) -> Vec<SchemaVersion> {
    let mut sources = Sources::new("t");
    sources.add("mesh.yaml", MESH);
    sources.add("schemas.yaml", documents.concat());
    compatibility::schemas(&sources).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.to_text(&sources)))
}

/// Returns the comparison of the field `f`. An empty text means no field.
fn change(old: &str, new: &str) -> Comparison {
    let tree = |field: &str| match field {
        "" => read(&[schema("", &[])]),
        options => read(&[schema("", &[&format!("f: {{{options}}}")])]),
    };
    compatibility::check(&tree(old), &tree(new)).remove(0).comparison
}

#[test]
fn every_change_has_its_direction_and_its_level() {
    use Level::{Major, Minor, Patch};
    use Verdict::{Backward, Forward, Full, Incompatible};
    // Old field, new field, the verdict, and the level of the new version. Reversed, a line with one direction has the
    // other one.
    let cases = [
        // Fields.
        ("", "type: string", Full, Minor),
        ("", "type: string, required: true", Forward, Major),
        ("", "type: string, classification: pii", Backward, Minor),
        ("", "type: string, residency: [eu]", Backward, Minor),
        ("type: string", "", Forward, Major),
        ("type: string, required: true", "", Incompatible, Major),
        // Presence.
        ("type: int", "type: int, required: true", Forward, Major),
        ("type: int, required: true", "type: int", Backward, Minor),
        // Types.
        ("type: int", "type: double", Backward, Minor),
        ("type: double", "type: int", Forward, Major),
        ("type: list<int>", "type: list<double>", Backward, Minor),
        ("type: list<int>", "type: json", Backward, Minor),
        ("type: int", "type: string", Incompatible, Major),
        ("type: string", "type: list<string>", Incompatible, Major),
        // Values.
        ("type: string, enum: [a]", "type: string, enum: [a, b]", Backward, Minor),
        ("type: string, enum: [a, b]", "type: string, enum: [b]", Forward, Major),
        ("type: string, enum: [a]", "type: string, enum: [b]", Incompatible, Major),
        ("type: string", "type: string, enum: [a]", Forward, Major),
        ("type: int, enum: [1]", "type: double, enum: [1.0, 2]", Backward, Minor),
        ("type: string, pattern: '[a-z]+'", "type: string, pattern: '[a-f]+'", Forward, Major),
        ("type: string, pattern: '[a-f]+'", "type: string, pattern: '[a-z]+'", Backward, Minor),
        ("type: string, pattern: '[a-f]+'", "type: string, pattern: '[c-z]+'", Incompatible, Major),
        ("type: string, pattern: 'a|b'", "type: string, pattern: '[ab]'", Full, Patch),
        ("type: string", "type: string, pattern: '[a-z]+'", Forward, Major),
        ("type: int, minimum: 1", "type: int, minimum: 2", Forward, Major),
        ("type: int, maximum: 1", "type: int, maximum: 2", Backward, Minor),
        ("type: int", "type: int, maximum: 2", Forward, Major),
        ("type: int, minimum: 1, maximum: 5", "type: int, minimum: 2, maximum: 6", Incompatible, Major),
        ("type: string, maxBytes: 10", "type: string, maxBytes: 20", Backward, Minor),
        ("type: string", "type: string, maxBytes: 20", Forward, Major),
        ("type: list<int>, maxItems: 3", "type: list<int>", Backward, Minor),
        ("type: list<int>, maxItems: 3", "type: list<int>, maxItems: 2", Forward, Major),
        ("type: string, ttl: 60s", "type: string, ttl: 30s", Forward, Major),
        ("type: string, ttl: 60s", "type: string", Backward, Minor),
        // Behaviour.
        ("type: string", "type: string, immutable: true", Forward, Major),
        ("type: string, immutable: true", "type: string", Backward, Minor),
        ("type: string", "type: string, consistency: strong", Forward, Major),
        ("type: string, consistency: strong", "type: string, consistency: eventual", Backward, Minor),
        ("type: string, consistency: eventual", "type: string", Full, Patch),
        ("type: list<int>", "type: list<int>, merge: union", Forward, Major),
        ("type: list<int>, merge: union", "type: list<int>, merge: keep", Forward, Major),
        ("type: string", "type: string, header: x-f", Full, Minor),
        ("type: string, header: x-f", "type: string, header: x-g", Forward, Major),
        ("type: string, header: x-f", "type: string", Forward, Major),
        ("type: string", "type: string, baggage: false", Forward, Major),
        ("type: string, baggage: false", "type: string", Full, Minor),
        ("type: string", "type: string, baggage: f.id", Forward, Major),
        // Privacy.
        ("type: string, classification: pii", "type: string", Forward, Major),
        ("type: string", "type: string, classification: pii", Backward, Minor),
        ("type: string, classification: pii", "type: string, classification: phi", Incompatible, Major),
        ("type: string, classification: public", "type: string, classification: confidential", Backward, Minor),
        ("type: string, residency: [eu]", "type: string, residency: [eu, us]", Forward, Major),
        ("type: string, residency: [eu]", "type: string", Forward, Major),
        ("type: string, residency: [eu, us]", "type: string, residency: [us]", Backward, Minor),
        ("type: string, residency: [eu]", "type: string, residency: [us]", Incompatible, Major),
        // Descriptions.
        ("type: string", "type: string, description: more", Full, Level::None),
    ];
    for (old, new, verdict, level) in cases {
        let comparison = change(old, new);
        assert_eq!(comparison.verdict(), verdict, "{old} -> {new}: {comparison:#?}");
        assert_eq!(Level::of(&comparison), level, "{old} -> {new}");
        assert_eq!(comparison.changes.is_empty(), level == Level::None, "{old} -> {new}");
    }
}

#[test]
fn a_reason_says_what_is_sent_and_why_it_is_not_good() {
    for (old, new, backward) in [
        ("type: string", "type: int", "string is sent where int is expected"),
        (
            "type: string, pattern: '[a-z]+'",
            "type: string, pattern: '[a-f]+'",
            "\"g\" is sent and does not match `[a-f]+`",
        ),
        ("type: string, enum: [a, b]", "type: string, enum: [b]", "\"a\" is sent and not allowed"),
        ("type: double, minimum: 1", "type: double, minimum: 2.5", "numbers below 2.5 are sent and not allowed"),
        (
            "type: string, residency: [eu]",
            "type: string",
            "it is bound to eu where it is sent, and goes on to anywhere",
        ),
        (
            "type: string, classification: pii",
            "type: string",
            "it is pii where it is sent and internal where it arrives",
        ),
    ] {
        let comparison = change(old, new);
        let reasons: Vec<&str> = comparison.backward().map(|(_, reason)| reason.text.as_str()).collect();
        assert_eq!(reasons, [backward], "{old} -> {new}");
    }
}

#[test]
fn a_field_may_move_to_another_schema() {
    let other = |domain: &str, fields: &[&str]| {
        schema("1.0.0", fields).replace("name: fields, domain: shop", &format!("name: other, domain: {domain}"))
    };
    let old = read(&[schema("1.0.0", &["a: {type: string}", "b: {type: string}"])]);
    let new = read(&[schema("1.0.0", &["b: {type: string}"]), other("shop", &["a: {type: string}"])]);
    let changes = compatibility::check(&old, &new);
    assert!(changes.iter().all(|change| change.comparison.changes.is_empty()), "{changes:#?}");
    let new = read(&[schema("1.0.0", &["b: {type: string}"]), other("bank", &["a: {type: string}"])]);
    let changes = compatibility::check(&old, &new);
    let shop = changes.iter().find(|change| change.domain == "shop").unwrap();
    assert_eq!(shop.comparison.changes[0].text, "owner shop -> bank");
    assert_eq!(shop.advice, Advice::Raise("2.0.0".parse().unwrap()));
    assert!(changes.iter().filter(|change| change.domain == "bank").all(|change| change.comparison.changes.is_empty()));
}

#[test]
fn the_newest_release_counts_and_a_pre_release_only_without_one() {
    let versions = |versions: &[&str]| {
        let documents: Vec<String> = versions.iter().map(|version| schema(version, &["f: {type: string}"])).collect();
        let schemas = read(&documents);
        let active =
            schemas.into_iter().filter(|schema| schema.active).map(|schema| schema.version.unwrap().to_string());
        active.collect::<Vec<_>>()
    };
    assert_eq!(versions(&["1.9.0", "1.10.0", "1.2.0"]), ["1.10.0"]);
    assert_eq!(versions(&["1.0.0", "2.0.0-rc.1"]), ["1.0.0"]);
    assert_eq!(versions(&["2.0.0-rc.2", "2.0.0-rc.10"]), ["2.0.0-rc.10"]);
}

#[test]
fn versions_that_do_not_understand_each_other_are_warned_about() {
    let warnings = |documents: &[String]| {
        let mut sources = Sources::new("policies");
        sources.add("mesh.yaml", MESH);
        sources.add("schemas.yaml", documents.concat());
        compile(&sources).unwrap().warnings.to_text(&sources)
    };
    let one = schema("1.0.0", &["f: {type: string}"]);
    assert_eq!(warnings(&[one.clone(), schema("1.1.0", &["f: {type: string}", "g: {type: int}"])]), "");
    let found = warnings(&[one, schema("2.0.0", &["f: {type: int}"])]);
    assert!(
        found.starts_with("warning[CM0322]: the versions 1.0.0 and 2.0.0 of `fields` do not understand each other\n"),
        "{found}"
    );
    assert!(found.contains("help: `policyc schema matrix` says why (2 reasons); remove 1.0.0 when"), "{found}");
}

#[test]
fn the_matrix_has_all_versions_of_all_trees_once() {
    let tree = |name: &str, documents: &[String]| Tree { name: name.to_owned(), schemas: read(documents) };
    let first = schema("1.0.0", &["tier: {type: string, enum: [gold]}"]);
    let second = schema("1.1.0", &["tier: {type: string, enum: [gold, silver]}", "n: {type: int}"]);
    let third = schema("2.0.0", &["tier: {type: string, enum: [gold, silver]}", "n: {type: int, required: true}"]);
    let trees = [
        tree("old", &[schema("", &["tier: {type: json}"])]),
        tree("now", &[first, second.clone()]),
        tree("next", &[second, third]),
    ];
    let matrices = compatibility::matrices(&trees);
    let expected = "\
shop/fields
  sends \\ receives  old   1.0.0  1.1.0  2.0.0
  old               ok    1      1      2
  1.0.0             ok    ok     ok     1
  1.1.0             ok    1      ok     1
  2.0.0             ok    1      ok     ok
  old sends to 1.0.0:
    tier (value): json is sent where string is expected
  old sends to 1.1.0:
    tier (value): json is sent where string is expected
  old sends to 2.0.0:
    n (value): it is required, and what is sent does not have it
    tier (value): json is sent where string is expected
  1.0.0 sends to 2.0.0:
    n (value): it is required, and what is sent does not have it
  1.1.0 sends to 1.0.0:
    tier (value): \"silver\" is sent and not allowed
  1.1.0 sends to 2.0.0:
    n (value): it is required, and what is sent may not have it
  2.0.0 sends to 1.0.0:
    tier (value): \"silver\" is sent and not allowed
";
    assert_eq!(matrix_text(&matrices), expected);
    let json = compatibility::matrix_json(&matrices);
    assert_eq!(json["schemas"][0]["pairs"].as_array().unwrap().len(), 16);
    assert_eq!(json["schemas"][0]["pairs"][1]["reasons"][0]["aspect"], "value");
}
