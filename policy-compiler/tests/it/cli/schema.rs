//! `policyc schema`: exit codes, text and JSON.

use std::fs;

use super::{case, policyc, scratch, text};

/// Creates a folder with a mesh and a schema `fields` of this version, whose only field has these options.
fn schema_tree(name: &str, version: &str, options: &str) -> String {
    let folder = scratch(name);
    let mesh = "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: m}\nspec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s]}}}\n";
    fs::write(folder.join("mesh.yaml"), mesh).unwrap();
    let schema = format!(
        "apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: fields, domain: d, version: {version}}}\nspec: {{fields: {{tier: {{{options}}}}}}}\n"
    );
    fs::write(folder.join("schema.yaml"), schema).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn schema_check_says_whether_both_sides_of_a_rollout_understand_each_other() {
    let old = schema_tree("schema-old", "1.0.0", "type: string, enum: [gold]");
    let wider = schema_tree("schema-wider", "1.1.0", "type: string, enum: [gold, silver]");
    let unraised = schema_tree("schema-unraised", "1.0.0", "type: string, enum: [gold, silver]");
    let broken = schema_tree("schema-broken", "1.1.0", "type: int");
    let raised = schema_tree("schema-raised", "2.0.0", "type: int");
    let cases: [(&str, &[&str], i32); 9] = [
        (&old, &[], 0),
        (&wider, &[], 3),
        (&wider, &["--allow", "backward"], 0),
        (&wider, &["--allow", "forward"], 3),
        (&unraised, &["--allow", "backward"], 1),
        (&broken, &["--allow", "backward"], 3),
        (&broken, &["--allow", "incompatible"], 1),
        (&raised, &["--allow", "incompatible"], 0),
        ("/nonexistent", &[], 2),
    ];
    for (new, more, code) in cases {
        let output = policyc(&[&["schema", "check", new, "--against", &old], more].concat());
        assert_eq!(output.status.code(), Some(code), "{new} {more:?}: {}", text(&output.stderr));
    }
    let output = policyc(&["schema", "check", &unraised, "--against", &old]);
    let expected = "\
d/fields 1.0.0 -> 1.0.0: backward compatible only
  tier: enum \"gold\" -> \"gold\", \"silver\"
    new sends to old (value): \"silver\" is sent and not allowed
  version: these changes need 1.1.0 or above
";
    assert_eq!(text(&output.stdout), expected);
    let output = policyc(&["schema", "check", &unraised, "--against", &old, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let schema = &json["schemas"][0];
    assert_eq!((&schema["compatible"], &schema["neededVersion"]), (&"backward".into(), &"1.1.0".into()));
    assert_eq!(schema["changes"][0]["forward"]["aspect"], "value");
}

#[test]
fn schema_matrix_takes_any_number_of_trees() {
    let old = schema_tree("matrix-old", "1.0.0", "type: string");
    let new = schema_tree("matrix-new", "1.0.1", "type: string, description: better");
    let output = policyc(&["schema", "matrix", &old, &new]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "\
d/fields
  sends \\ receives  1.0.0  1.0.1
  1.0.0             ok     ok
  1.0.1             ok     ok
";
    assert_eq!(text(&output.stdout), expected);
    let other = schema_tree("matrix-other", "1.0.1", "type: bool");
    let output = policyc(&["schema", "matrix", &old, &new, &other, "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!(json["schemas"][0]["versions"][1], format!("1.0.1 ({new})"), "one version, two contents");
    let output = policyc(&["schema", "matrix", &case("foreign")]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
}
