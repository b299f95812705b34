//! Checks that the graph of each pair of services agrees with the decisions of the machine.
//!
//! Meshes are generated from numbers, so that a failure can be reproduced. For each pair, requests that differ in what
//! rules ask for are run through the simulator: out of the caller's proxy, and into the called service's.

use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::pipeline::Role;
use policy_compiler::{
    check::model::Request,
    check_watched, compile,
    report::{source::Sources, style::Paint},
    run::simulate::Simulator,
    show::graph::{Graph, Selection, document, text},
};

/// The statement about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Always,
    OnCondition,
    Never,
}

type Pairs = BTreeMap<(String, String), Said>;

/// Small pseudo-random numbers (a linear congruential generator with Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// Domains with their services, gateways, and the text of the tree.
struct Mesh {
    domains: Vec<Vec<String>>,
    gateway: bool,
    text: String,
}

impl Mesh {
    fn new(sizes: &[usize], gateway: bool, default: &str) -> Self {
        let names = |domain: usize, size: usize| (0..size).map(move |at| format!("s{domain}-{at}")).collect();
        let domains: Vec<Vec<String>> = sizes.iter().enumerate().map(|(at, size)| names(at, *size)).collect();
        let mut text = format!(
            "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: acme}}\nspec:\n  trustDomain: acme.corp\n  identity: /ns/default/sa/{{service}}\n  default: {default}\n  domains:\n"
        );
        for (at, services) in domains.iter().enumerate() {
            text.push_str(&format!("    d{at}: {{services: [{}], region: r{}}}\n", services.join(", "), at % 2));
        }
        if gateway {
            text.push_str("  gateways: [s0-0]\n");
        }
        text.push_str("---\napiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {name: fields, version: 1.0.0}\nspec:\n  fields:\n    tier: {type: string, enum: [gold, silver]}\n");
        Self { domains, gateway, text }
    }

    fn services(&self) -> Vec<String> {
        self.domains.concat()
    }

    fn add(&mut self, name: usize, domain: Option<usize>, workloads: &str, direction: &str, rule: &str) {
        let domain = domain.map(|at| format!(", domain: d{at}")).unwrap_or_default();
        self.text.push_str(&format!("---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: p{name}{domain}}}\nspec:\n  workloads: [{workloads}]\n  direction: {direction}\n  rules: [{{name: r, {rule}}}]\n"));
    }

    fn generate(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        for _ in 0..4 {
            numbers.below(2);
        }
        let sizes: Vec<usize> = (0..=numbers.below(4)).map(|_| 1 + numbers.below(4)).collect();
        let default = ["allow", "allow", "deny"][numbers.below(3)];
        let mut mesh = Self::new(&sizes, numbers.below(3) == 0, default);
        for name in 0..numbers.below(9) {
            let domain = numbers.below(mesh.domains.len());
            let services = mesh.domains[domain].clone();
            let workload = services[numbers.below(services.len())].clone();
            let all = mesh.services();
            let other = all[numbers.below(all.len())].clone();
            let other_domain = numbers.below(mesh.domains.len());
            let inbound = numbers.below(3) > 0;
            let who = if inbound { "peer" } else { "destination" };
            let condition = match numbers.below(6) {
                0 => format!("{who}.service == '{other}'"),
                1 => format!("{who}.domain == 'd{other_domain}'"),
                2 => format!("{who}.domain != 'd{other_domain}'"),
                3 => "request.method == 'GET'".to_owned(),
                4 => format!("{who}.service == '{other}' && request.method == 'POST'"),
                _ => format!("{who}.domain == 'd{other_domain}' || (has(context.tier) && context.tier == 'gold')"),
            };
            let effect = match numbers.below(5) {
                0 | 1 => format!("when: \"{condition}\", deny: {{}}"),
                2 | 3 => format!("when: \"{condition}\", allow: {{}}"),
                _ => format!("when: \"{condition}\", require: {{fields: [tier]}}"),
            };
            let (domain, workload) = match numbers.below(6) {
                0 => (None, "'*'".to_owned()),
                1 => (Some(domain), services.join(", ")),
                _ => (Some(domain), workload),
            };
            mesh.add(name, domain, &workload, if inbound { "inbound" } else { "outbound" }, &effect);
        }
        mesh
    }

    fn sources(&self) -> Sources {
        let mut sources = Sources::new("acme");
        sources.add("all.yaml", self.text.clone());
        sources
    }

    fn graph(&self) -> Graph {
        let sources = self.sources();
        let checked = check_watched(&sources, &mut |_| {}).unwrap_or_else(|e| panic!("{}", e.to_text(&sources)));
        Graph::new(&checked, Selection::default()).unwrap()
    }

    /// Returns for each pair whether each of several requests passes.
    fn decided(&self) -> BTreeMap<(String, String), Vec<bool>> {
        let sources = self.sources();
        let compiled = compile(&sources).unwrap_or_else(|e| panic!("{}", e.to_text(&sources)));
        let services = self.services();
        let mut passed: BTreeMap<(bool, String, String), Vec<bool>> = BTreeMap::new();
        let mut simulator = Simulator::new(&compiled.artifact).unwrap();
        for own in &services {
            for other in services.iter().filter(|other| *other != own) {
                for outbound in [true, false] {
                    let requests = requests(own, other, outbound, self.gateway && own == "s0-0");
                    let outcomes =
                        requests.iter().map(|request| simulator.run(request, None).unwrap().refusal.is_none());
                    passed.insert((outbound, own.clone(), other.clone()), outcomes.collect());
                }
            }
        }
        let mut pairs = BTreeMap::new();
        for ((_, own, other), out) in passed.iter().filter(|((outbound, ..), _)| *outbound) {
            let into = &passed[&(false, other.clone(), own.clone())];
            let both = out.iter().zip(into).map(|(out, into)| *out && *into).collect();
            pairs.insert((own.clone(), other.clone()), both);
        }
        pairs
    }
}

/// Returns simple requests on one side of a call, with each method and each tier.
fn requests(own: &str, other: &str, outbound: bool, gateway: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    for method in ["GET", "POST"] {
        for tier in [None, Some("gold"), Some("silver")] {
            let role = match (gateway, outbound) {
                (true, _) => Role::Gateway,
                (false, true) => Role::Outbound,
                (false, false) => Role::Inbound,
            };
            let mut request = Request::new(own, role);
            if outbound {
                request.destination = Some(other.to_owned());
            } else {
                request.principal = Some(format!("spiffe://acme.corp/ns/default/sa/{other}"));
            }
            request.headers.retain(|(name, _)| name != ":method");
            request.headers.push((":method".to_owned(), method.to_owned()));
            request.headers.push((":path".to_owned(), "/".to_owned()));
            if let Some(tier) = tier {
                request.context.insert_string("tier", tier).unwrap();
            }
            requests.push(request);
        }
    }
    requests
}

/// Returns the statements of the graph's calls.
fn of_calls(graph: &Graph) -> Pairs {
    let name = |at: usize| graph.services[at].name.clone();
    let document = document(graph);
    let calls = document["calls"].as_array().unwrap().iter();
    let said: Vec<Said> = calls.map(|call| of_word(call["passes"].as_str().unwrap())).collect();
    graph.calls.iter().zip(said).map(|(call, said)| ((name(call.from), name(call.to)), said)).collect()
}

fn of_word(word: &str) -> Said {
    match word {
        "always" => Said::Always,
        "onCondition" => Said::OnCondition,
        "never" => Said::Never,
        other => panic!("{other}"),
    }
}

fn put(pairs: &mut Pairs, from: &BTreeSet<String>, to: &BTreeSet<String>, said: Said) {
    for one in from {
        for other in to.iter().filter(|other| *other != one) {
            let before = pairs.insert((one.clone(), other.clone()), said);
            assert_eq!(before, None, "{one} -> {other} is said twice");
        }
    }
}

/// Returns the statements of the JSON form.
fn of_document(graph: &Graph) -> Pairs {
    let document = document(graph);
    let mut pairs = Pairs::new();
    for statement in document["statements"].as_array().unwrap() {
        let set = |key: &str| {
            let names = statement[key].as_array().unwrap().iter();
            names.map(|name| name.as_str().unwrap().to_owned()).collect::<BTreeSet<String>>()
        };
        put(&mut pairs, &set("from"), &set("to"), of_word(statement["passes"].as_str().unwrap()));
    }
    pairs
}

/// Returns the statements of the text, read as a person reads it.
fn of_text(graph: &Graph) -> Pairs {
    let printed = text(graph, Paint::Plain);
    let calls = printed.split("\ncalls: ").nth(1).unwrap().split("\nfields: ").next().unwrap();
    let depends = printed.contains("every call that is not denied depends on");
    let gateways: BTreeSet<&str> =
        graph.services.iter().filter(|service| service.gateway).map(|service| service.name.as_str()).collect();
    let mut pairs = Pairs::new();
    let (mut said, mut line) = (None, String::new());
    for part in calls.lines().skip(1) {
        match part.trim_start() {
            head if head.starts_with("may call, depending on") => said = Some(Said::OnCondition),
            head if head.starts_with("may not call, by") => said = Some(Said::Never),
            "may call" => said = Some(Said::Always),
            words => {
                let Some(said) = said else { continue };
                line.push_str(&format!(" {words}"));
                if line.contains("-> ") && !words.ends_with(',') {
                    let (from, to) = line.split_once("-> ").unwrap();
                    let [from, to] = [from, to].map(|words| named(graph, words));
                    put(&mut pairs, &from, &to, said);
                    line.clear();
                }
            }
        }
    }
    for ((_, to), said) in &mut pairs {
        if depends && *said == Said::Always && !gateways.contains(to.as_str()) {
            *said = Said::OnCondition;
        }
    }
    pairs
}

/// Returns the services that words name: `all 5 services but a and b`, `all 7 of shop`, `a, b`.
fn named(graph: &Graph, words: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for term in words.split(',').map(str::trim) {
        let Some(rest) = term.strip_prefix("all ") else {
            assert!(graph.services.iter().any(|service| service.name == term), "{term}");
            assert!(found.insert(term.to_owned()), "{term} is named twice");
            continue;
        };
        let (all, but) = rest.split_once(" but ").unwrap_or((rest, ""));
        let but: BTreeSet<&str> = but.split(" and ").filter(|name| !name.is_empty()).collect();
        let (count, of) = all.split_once(' ').unwrap();
        let services: Vec<&str> = graph
            .services
            .iter()
            .filter(|service| of == "services" || of == format!("of {}", graph.domains[service.domain].name))
            .map(|service| service.name.as_str())
            .collect();
        assert_eq!(services.len(), count.parse::<usize>().unwrap(), "{term}");
        assert!(but.iter().all(|name| services.contains(name)), "{term}");
        found.extend(services.into_iter().filter(|name| !but.contains(name)).map(str::to_owned));
    }
    found
}

/// Checks that all forms agree about all pairs. Returns their statements.
fn said_by_all(mesh: &Mesh) -> Pairs {
    let graph = mesh.graph();
    let said = of_calls(&graph);
    let count = mesh.services().len();
    assert_eq!(said.len(), count * (count - 1));
    assert_eq!(of_document(&graph), said, "{}", mesh.text);
    assert_eq!(of_text(&graph), said, "{}\n{}", text(&graph, Paint::Plain), mesh.text);
    said
}

/// Compares the statements with the decisions, and counts: always, on a condition, never, and conditions that decided
/// both ways.
fn hold(mesh: &Mesh, counts: &mut [usize; 4]) {
    let said = said_by_all(mesh);
    for ((from, to), passed) in mesh.decided() {
        let said = said[&(from.clone(), to.clone())];
        let (some, all) = (passed.contains(&true), !passed.contains(&false));
        let fits = match said {
            Said::Always => all,
            Said::Never => !some,
            Said::OnCondition => true,
        };
        assert!(fits, "{from} -> {to}: {said:?}, and the machine passes {passed:?}\n{}", mesh.text);
        counts[said as usize] += 1;
        counts[3] += usize::from(said == Said::OnCondition && some && !all);
    }
}

#[test]
fn every_pair_is_decided_as_it_is_said() {
    let (mut counts, mut skipped) = ([0; 4], 0);
    for seed in 0..300 {
        let mesh = Mesh::generate(seed);
        // Unsatisfiable allow rules are an error of the tree.
        if compile(&mesh.sources()).is_err() {
            skipped += 1;
            continue;
        }
        hold(&mesh, &mut counts);
    }
    let [always, conditional, never, both] = counts;
    let pairs = always + conditional + never;
    println!(
        "{pairs} pairs: {always} always, {conditional} on a condition ({both} both ways), {never} never; {skipped} trees skipped"
    );
    assert!(skipped < 40, "{skipped} trees are no trees");
    for (what, count) in [("always", always), ("on a condition", conditional), ("never", never)] {
        assert!(count * 10 > pairs, "{what}: {count} of {pairs}");
    }
    assert!(both * 2 > conditional, "{both} of {conditional} conditions decide both ways");
}

/// One closed service among 61 of a domain, and one rule for 100 services: the pictures once claimed that all may call
/// each other.
#[test]
fn one_closed_service_among_many_is_said() {
    for (sizes, lines) in [(&[61][..], 30), (&[25, 25, 25, 25][..], 40)] {
        let mut mesh = Mesh::new(sizes, false, "allow");
        mesh.add(0, Some(0), "s0-7", "inbound", "deny: {}");
        let total: usize = sizes.iter().sum();
        let mut counts = [0; 4];
        hold(&mesh, &mut counts);
        assert_eq!(counts, [(total - 1) * (total - 1), 0, total - 1, 0]);
        let printed = text(&mesh.graph(), Paint::Plain);
        assert!(printed.lines().count() < lines, "{printed}");
        assert!(printed.contains(&format!("all {total} services but s0-7")), "{printed}");
    }
}
