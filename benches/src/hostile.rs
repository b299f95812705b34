//! Requests that cause as much work as they can, for the limits of the filter's budget.

use context_mesh_e2e::lists::{SCHEMA, list};

use crate::counted::ordinary::{context, trace};

/// Returns a tree with lists of the largest size that a tree may allow, and rules that process every element.
pub fn tree() -> String {
    [TREE, SCHEMA].concat()
}

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: budget}
spec:
  trustDomain: pair.example
  identity: /ns/*/sa/{service}
  domains:
    all: {services: [front, back, client]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    caller: {type: string}
    joined: {type: list<string>, maxItems: 10000, merge: union}
    numbers: {type: list<int>, maxItems: 10000, minimum: -5, maximum: 5}
    text: {type: string, header: x-text}
    anything: {type: json}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: in, domain: all}
spec:
  workloads: [front]
  rules:
    - {name: hash, mask: {fields: [hashed], with: hash}}
    - {name: pseudonym, mask: {fields: [named], with: pseudonym}}
    - {name: star, mask: {fields: [starred], keepLast: 0}}
    - {name: loop-1, when: "context.looped.exists(x, x == 'no1')", deny: {}, onError: ignore}
    - {name: loop-2, when: "context.looped.exists(x, x + x == x + x + x)", deny: {}, onError: ignore}
    - {name: text, when: "context.text.matches('(a|b|ab)*c')", deny: {}, onError: ignore}
    - {name: size, when: "context.text.lowerAscii().upperAscii().replace('A', 'bb').size() == 7", deny: {}, onError: ignore}
    - {name: watching, when: "context.looped.exists(x, x == 'no')", audit: {}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: out, domain: all}
spec:
  workloads: [front]
  direction: outbound
  rules:
    - {name: hash, mask: {fields: [hashed], with: hash}}
    - {name: loop, when: "context.looped.exists(x, x == 'no1')", deny: {}, onError: ignore}
"#;

/// Returns each case: its description and its headers.
pub fn cases() -> Vec<(String, Vec<(String, String)>)> {
    let lists = ["modes", "words", "hashed", "named", "starred", "looped", "joined", "anything"];
    let mut cases: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut case = |name: &str, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        cases.push((name.to_owned(), headers.collect()));
    };
    for field in lists {
        for (count, item) in
            [(5000, "\"\""), (2500, "\"a\""), (256, "\"aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa\""), (60, "\"x\"")]
        {
            case(
                &format!("{field}: {count} of {item}"),
                &[("x-mesh-context", &context(&[(field, &list(count, item))]))],
            );
        }
    }
    case("numbers", &[("x-mesh-context", &context(&[("numbers", &list(4000, "1e0"))]))]);
    let all: Vec<(&str, String)> = lists.iter().map(|field| (*field, list(400, "\"\""))).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    case("all lists", &[("x-mesh-context", &context(&all))]);
    let text = format!("\"{}\"", "ab".repeat(7500));
    case("a long text", &[("x-mesh-context", &context(&[("text", &text)]))]);
    let names: Vec<(String, String)> =
        (0..120).map(|n| (format!("field_{n}_{}", "x".repeat(80)), n.to_string())).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    case("120 undeclared fields", &[("x-mesh-context", &context(&names))]);
    let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    case("deep JSON", &[("x-mesh-context", &context(&[("anything", &list(120, &deep))]))]);
    case("a header of rubbish", &[("x-mesh-context", &"A".repeat(24_000))]);
    case("plain JSON of escapes", &[("x-mesh-context", &format!("{{\"text\":\"{}\"}}", "\\u0061".repeat(2500)))]);
    let member = |n: usize| format!("k{n}={}", "%41".repeat(40));
    let members: Vec<String> = (0..64).map(member).collect();
    case("64 members of baggage", &[("baggage", &members.join(","))]);
    let many: Vec<String> = (0..4000).map(|n| format!("k{n}=v")).collect();
    case("4,000 members of baggage", &[("baggage", &many.join(","))]);
    case("baggage of commas", &[("baggage", &",".repeat(50_000))]);
    let lines: Vec<(&str, &str)> = vec![("baggage", "looped=[],a=%20%20"); 500];
    case("500 lines of baggage", &lines);
    let states: Vec<String> = (0..2000).map(|n| format!("k{n}=v")).collect();
    case("2,000 members of tracestate", &[("traceparent", &trace(1)), ("tracestate", &states.join(","))]);
    let tickets: Vec<String> = (0..1500).map(|n| format!("cmesh=00000000.{n:024x}")).collect();
    case("1,500 tickets", &[("traceparent", &trace(1)), ("tracestate", &tickets.join(","))]);
    let many: Vec<String> = (0..1000).map(|n| format!("x-h{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "v")).collect();
    case("1,000 headers", &many);
    let aliases: Vec<(&str, &str)> = vec![("x_text", "v"); 1000];
    case("1,000 aliases", &aliases);
    let repeated: Vec<(&str, &str)> = vec![("x-text", "v"); 1000];
    case("1,000 lines of a mapped header", &repeated);
    let ids: Vec<(&str, &str)> = vec![("b3", "0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1"); 1000];
    case("1,000 lines of b3", &ids);
    cases
}
