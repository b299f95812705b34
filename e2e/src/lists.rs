//! Fields whose values cause the most work, for tests and measurements of the budget of a request.

/// The document that declares them for the domain `all`, with lists of the largest size that a tree may allow.
pub const SCHEMA: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: lists, domain: all}
spec:
  fields:
    modes: {type: list<string>, maxItems: 10000, enum: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, '']}
    words: {type: list<string>, maxItems: 10000, pattern: "([a-z]{0,8}-?){0,4}"}
    hashed: {type: list<string>, maxItems: 10000}
    named: {type: list<string>, maxItems: 10000}
    starred: {type: list<string>, maxItems: 10000}
    looped: {type: list<string>, maxItems: 10000}
"#;

/// Returns a JSON array that contains this item `count` times.
pub fn list(count: usize, item: &str) -> String {
    format!("[{}]", vec![item; count].join(","))
}
