//! Checks that the validator of the tests can reject values.

use serde_json::json;

use crate::support::schema::{Dialect, problems};

/// One wrong value for each keyword.
#[test]
fn every_keyword_refuses_what_does_not_fit() {
    let cases = [
        (json!({"type": "string"}), json!(1), "is not of type \"string\""),
        (json!({"type": ["integer", "null"]}), json!(1.5), "is not of type [\"integer\",\"null\"]"),
        (json!({"enum": ["a"]}), json!("b"), "\"b\" is none of [\"a\"]"),
        (json!({"const": 1}), json!(2), "2 is not 1"),
        (json!({"pattern": "^a+$"}), json!("ab"), "\"ab\" does not match \"^a+$\""),
        (json!({"format": "int32"}), json!(1_i64 << 40), "1099511627776 has not the format \"int32\""),
        (json!({"minimum": 1}), json!(0), "0 is less than 1"),
        (json!({"maximum": 1}), json!(2), "2 is more than 1"),
        (json!({"minLength": 1}), json!(""), "is too short"),
        (json!({"maxLength": 1}), json!("ab"), "is too long"),
        (json!({"minItems": 1}), json!([]), "has too few elements"),
        (json!({"maxItems": 0}), json!([1]), "has too many elements"),
        (json!({"minProperties": 1}), json!({}), "has too few keys"),
        (json!({"maxProperties": 0}), json!({"a": 1}), "has too many keys"),
        (json!({"uniqueItems": true}), json!([1, 1]), "has an element twice"),
        (json!({"required": ["a"]}), json!({}), "\"a\" is missing"),
        (json!({"not": {"type": "string"}}), json!("a"), "fits what it must not"),
        (json!({"anyOf": [{"type": "string"}]}), json!(1), "fits none of the alternatives"),
        (json!({"oneOf": [true, true]}), json!(1), "fits 2 of the alternatives, not one"),
        (json!({"allOf": [{"type": "string"}]}), json!(1), "is not of type \"string\""),
        (json!({"if": true, "then": false}), json!(1), "nothing is allowed here"),
        (json!({"if": false, "else": false}), json!(1), "nothing is allowed here"),
        (json!({"$ref": "#/definitions/a", "definitions": {"a": false}}), json!(1), "nothing is allowed here"),
        (json!({"additionalProperties": false}), json!({"a": 1}), "the key `a` is not known"),
    ];
    for (schema, value, reason) in cases {
        assert_eq!(problems(&schema, &value, Dialect::Draft07), [format!("$: {reason}")], "{schema}");
    }
    let below = json!({"properties": {"a": {"items": {"type": "string"}}}, "propertyNames": {"maxLength": 1}});
    let expected = ["$.bc (the key): is too long", "$.a[1]: is not of type \"string\""];
    assert_eq!(problems(&below, &json!({"a": ["x", 1], "bc": 1}), Dialect::Draft07), expected);
}

#[test]
fn what_a_resource_definition_does_not_list_is_a_mistake() {
    let schema = json!({"properties": {"spec": {"properties": {
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "none": {"type": "string", "nullable": true},
    }, "oneOf": [{"required": ["open"]}]}}});
    let value = json!({"kind": "A", "spec": {"open": {"any": 1}, "none": null, "other": 1}});
    assert_eq!(problems(&schema, &value, Dialect::Kubernetes), ["$.spec: the key `other` is not known"]);
}
