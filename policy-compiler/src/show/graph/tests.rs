//! A small tree in every format, hostile names, and many services.
//!
//! The expected output is in `src/show/graph/expected`; `UPDATE_EXPECT=1` updates it.

#[path = "../../../tests/it/support/golden.rs"]
mod golden;

use std::{collections::BTreeMap, path::Path};

use super::{
    Call, Domain, Graph, Passage, Selection, Service, document, dot, html,
    matrix::Matrix,
    mermaid,
    picture::{End, Picture},
    svg, text,
};
use crate::{
    compile::check_watched,
    report::{progress, source::Sources, style::Paint},
};

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: small}
spec:
  trustDomain: small.example
  identity: /ns/default/sa/{service}
  domains:
    shop:     {services: [front, cart, gate], region: us}
    payments: {services: [ledger], region: eu, frameworks: [gdpr]}
  gateways: [gate]
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, version: 1.0.0}
spec:
  fields:
    beta: {type: bool}
    home: {type: string, residency: [us]}
    name: {type: string, classification: pii, baggage: true}
    tier: {type: string, enum: [gold, silver]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guard, domain: payments}
spec:
  workloads: [ledger]
  rules:
    - {name: not-the-gate, when: \"peer.service == 'gate'\", deny: {}}
    - {name: front-reads, when: \"peer.service == 'front' && request.method != 'GET'\", deny: {}}
    - {name: names, when: \"peer.service == 'cart'\", redact: [name]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: out, domain: shop}
spec:
  workloads: [front]
  direction: outbound
  rules:
    - {name: ids, when: \"destination.domain == 'payments'\", mask: {fields: [name], with: hash}}
    - {name: tiers, when: \"destination.region == 'eu' && context.beta\", onError: ignore, redact: [tier]}
    - {name: no-carts, when: \"destination.service == 'cart'\", deny: {}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: everywhere}
spec:
  workloads: [\"*\"]
  rules:
    - {name: tier-required, require: {fields: [tier]}}
";

fn graph(selection: Selection) -> Graph {
    let mut sources = Sources::new("small");
    sources.add("all.yaml", MESH);
    let checked =
        check_watched(&sources, &mut progress::nobody).unwrap_or_else(|found| panic!("{}", found.to_text(&sources)));
    Graph::new(&checked, selection).unwrap()
}

fn of_field(name: &str) -> Selection {
    Selection { field: Some(name.to_owned()), ..Selection::default() }
}

#[test]
fn a_small_tree_in_every_form() {
    let (whole, field) = (graph(Selection::default()), graph(of_field("name")));
    let forms = [
        ("small.txt", text(&whole, Paint::Plain)),
        ("small.json", format!("{:#}\n", document(&whole))),
        ("small.mmd", mermaid(&whole)),
        ("small.dot", dot(&whole)),
        ("small.svg", svg(&whole)),
        ("small.html", html(&whole)),
        ("name.txt", text(&field, Paint::Plain)),
        ("name.mmd", mermaid(&field)),
        ("name.dot", dot(&field)),
        ("name.svg", svg(&field)),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/show/graph/expected");
    for (name, found) in forms {
        golden::check(&folder.join(name), &found);
    }
}

/// Returns a graph with hostile names. No check accepts them today, and no picture must depend on that.
fn hostile() -> Graph {
    const NAME: &str = "</text></svg><script>alert(1)</script>\"'&\\\n]]>#quot;";
    let mut graph = graph(Selection::default());
    graph.mesh = NAME.to_owned();
    graph.everywhere = vec![NAME.to_owned()];
    for domain in &mut graph.domains {
        (domain.name, domain.region, domain.frameworks) = (NAME.to_owned(), NAME.to_owned(), vec![NAME.to_owned()]);
    }
    graph.services.iter_mut().for_each(|service| service.name = NAME.to_owned());
    for field in &mut graph.fields {
        (field.name, field.owner, field.residency) = (NAME.to_owned(), NAME.to_owned(), vec![NAME.to_owned()]);
    }
    for call in &mut graph.calls {
        if call.may_pass() {
            call.passage = Passage::OnCondition(vec![format!("{NAME} own")]);
        }
        call.limits.iter_mut().for_each(|limit| limit.rules = vec![NAME.to_owned()]);
    }
    graph
}

#[test]
fn names_never_become_markup() {
    let graph = hostile();
    let (svg, html) = (svg(&graph), html(&graph));
    assert!(!svg.contains("<script"), "{svg}");
    assert_eq!(svg.matches("</svg>").count(), 1);
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert_eq!(html.matches("</svg>").count(), 1);
    assert!(!html.contains("\"'&\\"));
    // Every label of Mermaid and every string of DOT is closed.
    for line in mermaid(&graph).lines().filter(|line| !line.starts_with("%%")) {
        let line = line.replace("<br/>", "").replace("<-.->", "");
        assert!(line.matches('"').count() % 2 == 0 && !line.contains('<'), "{line}");
    }
    for line in dot(&graph).lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert!(quotes % 2 == 0, "{line}");
    }
}

/// Like [`hostile`], with so many arrows that a matrix replaces them.
fn hostile_matrix() -> Graph {
    let (names, mut graph) = (hostile(), large(14, 1));
    for (service, domain) in graph.services.iter_mut().zip(&mut graph.domains) {
        service.name.clone_from(&names.mesh);
        domain.name.clone_from(&names.mesh);
    }
    graph.calls.iter_mut().for_each(|call| call.passage = Passage::OnCondition(vec![names.mesh.clone()]));
    graph
}

#[test]
fn names_in_a_matrix_never_become_markup() {
    let graph = hostile_matrix();
    let (svg, html) = (svg(&graph), html(&graph));
    assert!(svg.contains("Rows call columns.") && !svg.contains("<script"), "{svg}");
    assert_eq!((html.matches("<script").count(), html.matches("</svg>").count()), (1, 1), "{html}");
}

#[test]
fn the_page_says_rules_without_a_pointer_and_loads_nothing() {
    let page = html(&graph(Selection::default()));
    assert!(page.contains("<select id=\"service\""), "{page}");
    assert!(
        page.contains("<b>on a condition</b><small>by enterprise/everywhere/tier-required, payments/guard/front-reads"),
        "{page}"
    );
    assert!(page.contains("<b>redacted</b><small>by payments/guard/names</small>"), "{page}");
    for loads in ["src=", "href=", "url(", "fetch", "import"] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn the_tags_of_a_picture_fit_together() {
    let one_field = svg(&graph(of_field("name")));
    for picture in [svg(&graph(Selection::default())), one_field, svg(&hostile()), svg(&hostile_matrix())] {
        let mut open = Vec::new();
        for tag in picture.split('<').skip(1) {
            let (inside, _) = tag.split_once('>').unwrap();
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{tag}");
            } else if !inside.ends_with('/') {
                open.push(inside.split_whitespace().next().unwrap());
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn calls_that_are_alike_in_both_directions_are_one_arrow() {
    let graph = large(1, 3);
    let found = mermaid(&graph);
    let arrows: Vec<&str> = found.lines().filter(|line| line.contains("--")).map(str::trim).collect();
    assert_eq!(arrows, ["s0 --> s1", "s0 --> s2", "s1 <--> s2"]);
}

/// Returns a mesh of this many domains with this many services each, in which all calls are allowed.
fn large(domains: usize, services: usize) -> Graph {
    let total = domains * services;
    let domain = |number: usize| Domain {
        name: format!("d{number:03}"),
        region: String::new(),
        frameworks: Vec::new(),
        services: (number * services..(number + 1) * services).collect(),
    };
    let service =
        |number: usize| Service { name: format!("s{number:04}"), domain: number / services, gateway: number == 0 };
    let pairs = (0..total).flat_map(|from| (0..total).map(move |to| (from, to))).filter(|(from, to)| from != to);
    Graph {
        about: Vec::new(),
        mesh: "large".to_owned(),
        domains: (0..domains).map(domain).collect(),
        services: (0..total).map(service).collect(),
        fields: Vec::new(),
        calls: pairs.map(|(from, to)| Call { from, to, passage: Passage::Always, limits: Vec::new() }).collect(),
        everywhere: Vec::new(),
        selection: Selection::default(),
    }
}

#[test]
fn a_large_mesh_is_drawn_by_domain() {
    let mut graph = large(12, 25);
    let found = mermaid(&graph);
    assert!(found.contains("Narrow it with --service NAME or --domain NAME."), "{found}");
    assert!(found.contains("d3[\"d003<br/>all may call each other<br/>25 services\"]"), "{found}");
    assert!(found.lines().count() < 200, "{found}");
    graph.selection.domain = Some("d003".to_owned());
    graph.calls.retain(|call| call.from / 25 == 3 || call.to / 25 == 3);
    let found = mermaid(&graph);
    assert!(found.contains("\"s0075\"") && !found.contains("\"s0050\""), "{found}");
    assert!(svg(&graph).contains("s0099"));
}

/// Whether a service is at an end of an arrow. Gateways of a domain are not called.
fn is_at(graph: &Graph, end: End, service: usize, called: bool) -> bool {
    let known = &graph.services[service];
    match end {
        End::Service(one) => one == service,
        End::Domain(domain) => known.domain == domain && !(called && known.gateway),
    }
}

/// Checks that every arrow, and the words in a domain, agree with the calls.
fn hold_picture(graph: &Graph) {
    let picture = Picture::new(graph, false);
    let inside = picture.boxes.iter().filter_map(|domain| domain.inside.as_ref());
    let mut drawn = 0;
    for arrow in picture.arrows.iter().chain(inside) {
        let ways = [(arrow.from, arrow.to), (arrow.to, arrow.from)];
        let ways = &ways[..if arrow.both { 2 } else { 1 }];
        let meant = |call: &&Call| {
            ways.iter().any(|(from, to)| is_at(graph, *from, call.from, false) && is_at(graph, *to, call.to, true))
        };
        let all: Vec<&Call> = graph.calls.iter().filter(meant).collect();
        let passing: Vec<&&Call> = all.iter().filter(|call| call.may_pass()).collect();
        let conditional = passing.iter().filter(|call| !graph.own_rules(call).is_empty()).count();
        let said = (arrow.pairs, arrow.calls, arrow.conditional);
        assert_eq!(said, (all.len(), passing.len(), conditional), "{:?} -> {:?}", arrow.from, arrow.to);
        drawn += arrow.calls;
    }
    let all = graph.calls.iter().filter(|call| call.may_pass() && !graph.services[call.to].gateway);
    assert_eq!(drawn, all.count());
    let services = graph.services.len();
    let matrix = Matrix::new(graph, &(0..services).collect(), false);
    let row = |service: usize| matrix.groups.iter().position(|group| group.services.contains(&service)).unwrap();
    let rows: Vec<usize> = (0..services).map(row).collect();
    let mut expected: BTreeMap<(usize, usize), (usize, usize, usize)> = BTreeMap::new();
    for call in &graph.calls {
        let counts = expected.entry((rows[call.from], rows[call.to])).or_default();
        counts.0 += 1;
        counts.1 += usize::from(call.may_pass());
        counts.2 += usize::from(call.may_pass() && !graph.own_rules(call).is_empty());
    }
    for (from, row) in matrix.cells.iter().enumerate() {
        for (to, cell) in row.iter().enumerate() {
            let found = cell.as_ref().map(|cell| (cell.pairs, cell.calls, cell.conditional));
            assert_eq!(found.as_ref(), expected.get(&(from, to)));
            let (pairs, calls, conditional) = found.unwrap_or_default();
            let uniform = [0, pairs].contains(&calls) && [0, calls].contains(&conditional);
            assert!(uniform || matrix.by_domain, "a row stands for services that are not alike");
        }
    }
}

#[test]
fn pictures_say_what_the_calls_say() {
    hold_picture(&graph(Selection::default()));
    for (domains, services) in [(1, 3), (1, 12), (1, 61), (4, 25), (20, 4)] {
        // The percentage of calls that are denied, and of those that pass on a condition.
        for (denied, conditional) in [(0, 0), (3, 0), (50, 0), (0, 30), (40, 30)] {
            let mut graph = large(domains, services);
            for call in &mut graph.calls {
                // Spread over services, domains and callers.
                let number = (call.to / services * 31 + call.to % 3 * 17 + call.from % 2 * denied) % 100;
                if number < denied {
                    call.passage = Passage::Never(vec!["a/b/denied".to_owned()]);
                } else if number < denied + conditional {
                    call.passage = Passage::OnCondition(vec![format!("a/b/rule-{}", call.to % 3)]);
                }
            }
            hold_picture(&graph);
        }
    }
}

/// 61 services of a domain of which one is closed, 100 in a domain, and a dozen open to all in domains of their own.
#[test]
fn a_matrix_stands_for_too_many_arrows() {
    let mut closed = large(1, 61);
    closed.calls.iter_mut().filter(|call| call.to == 7).for_each(|call| {
        call.passage = Passage::Never(vec!["a/b/closed".to_owned()]);
    });
    let found = [mermaid(&closed), dot(&closed), svg(&closed), html(&closed)];
    for form in &found {
        assert!(!form.contains("all may call each other"), "{form}");
    }
    // The gateway is not called: of the other 60 services, one is closed.
    assert!(found[0].contains("3540 of 3600 calls between them may pass"), "{}", found[0]);
    assert!(found[2].contains("s0007") && found[2].contains("59 of d000: s0001 ... s0060"), "{}", found[2]);
    assert!(text(&closed, Paint::Plain).lines().count() < 30);
    for graph in [large(12, 1), large(1, 100), large(4, 25)] {
        assert!(svg(&graph).len() < 60_000);
        assert!(text(&graph, Paint::Plain).lines().count() < 60, "{}", text(&graph, Paint::Plain));
    }
    assert!(svg(&large(12, 1)).contains("Rows call columns."));
    assert!(!svg(&large(1, 12)).contains("Rows call columns."));
}

#[test]
fn boxes_and_cards_do_not_overlap() {
    for graph in [graph(Selection::default()), large(1, 1), large(5, 3), large(12, 25), large(20, 3), large(0, 1)] {
        let picture = super::picture::Picture::new(&graph, false);
        let layout = super::layout::Layout::new(&graph, &picture);
        for (number, one) in layout.boxes.iter().enumerate() {
            assert!(
                one.x >= 0.0
                    && one.y >= 0.0
                    && one.x + one.width <= layout.width
                    && one.y + one.height <= layout.height
            );
            for other in layout.boxes.iter().skip(number + 1) {
                let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
                let above = one.y + one.height <= other.y || other.y + other.height <= one.y;
                assert!(beside || above, "{}", graph.mesh);
            }
            for pair in one.cards.windows(2) {
                assert!(pair[0].0 + super::layout::CARD < pair[1].0);
            }
        }
    }
}
