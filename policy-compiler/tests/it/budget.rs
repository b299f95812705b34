//! The worst-case cost of rules and decisions, and the progress of a compilation.

use std::collections::BTreeMap;

use policy_compiler::{
    Compiled, compile, compile_watched,
    pack::budget,
    read::document::Direction,
    report::{
        progress::{Progress, Stage},
        source::Sources,
    },
};

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s, t, u]}}}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: c}
spec: {fields: {id: {type: string, maxBytes: 64}, copy: {type: string}}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: all}
spec:
  workloads: ["*"]
  variables: [{name: long, expression: "context.id.split('-').size() > 3"}]
  rules:
    - {name: condition, when: variables.long, deny: {}}
    - {name: value, set: {copy: "variables.long ? context.id : ''"}}
    - {name: nothing, audit: true}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: own, domain: d}
spec:
  workloads: [u]
  direction: outbound
  rules: [{name: only, when: context.id == 'x', redact: [id]}]
"#;

fn sources() -> Sources {
    let mut sources = Sources::new("t");
    sources.add("a.yaml", TREE);
    sources
}

fn compiled() -> Compiled {
    let sources = sources();
    compile(&sources).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.to_text(&sources)))
}

#[test]
fn a_rule_costs_its_condition_its_values_and_their_variables() {
    let compiled = compiled();
    let costs = budget::rules(&compiled.tables, &compiled.costs);
    assert!(costs.is_sorted_by(|a, b| a.fuel >= b.fuel));
    let fuel: BTreeMap<&str, u64> =
        costs.iter().map(|cost| (compiled.tables.rules[cost.rule].name.as_str(), cost.fuel)).collect();
    assert_eq!(fuel["enterprise/all/nothing"], 0);
    // Both read the variable; the value does more with it.
    assert!(fuel["enterprise/all/value"] > fuel["enterprise/all/condition"]);
    assert!(fuel["enterprise/all/condition"] > fuel["d/own/only"]);
}

#[test]
fn a_decision_costs_its_rules_with_each_variable_once() {
    let compiled = compiled();
    let decisions = budget::decisions(&context_mesh_core::artifact::load(&compiled.artifact).unwrap(), &compiled.costs);
    let [inbound, outbound] = &decisions[..] else { panic!("{decisions:?}") };
    assert_eq!(
        (inbound.services.join(" ").as_str(), inbound.direction, inbound.rules),
        ("s t u", Direction::Inbound, 3)
    );
    assert_eq!((outbound.services.join(" ").as_str(), outbound.direction), ("u", Direction::Outbound));
    let rules = budget::rules(&compiled.tables, &compiled.costs);
    let alone: u64 = rules.iter().map(|rule| rule.fuel).sum::<u64>() - outbound.fuel;
    let most = rules.iter().map(|rule| rule.fuel).max().unwrap();
    assert!(inbound.fuel < alone && inbound.fuel > most, "{most} {} {alone}", inbound.fuel);
}

#[test]
fn the_stages_of_a_compilation_are_told_in_their_order() {
    let mut told: Vec<Progress> = Vec::new();
    compile_watched(&sources(), &mut |now| told.push(now)).unwrap();
    let counts: Vec<(Stage, usize, usize)> = told.iter().map(|now| (now.stage, now.done, now.total)).collect();
    let expected = [
        (Stage::Reading, 0, 1),
        (Stage::Checking, 0, 0),
        (Stage::Compiling, 0, 4),
        (Stage::Compiling, 1, 4),
        (Stage::Compiling, 2, 4),
        (Stage::Compiling, 3, 4),
        (Stage::Sharing, 0, 0),
        (Stage::Packing, 0, 0),
    ];
    assert_eq!(counts, expected);
}
