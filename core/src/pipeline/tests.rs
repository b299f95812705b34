//! Sends requests through a mesh of plain data, and checks the plan at each hop.

#[path = "precedence_tests.rs"]
mod precedence;

use std::collections::BTreeMap;

use super::*;
use crate::artifact::{Revision, encode, load, with_revision};
use crate::carrier::mesh_header;
use crate::context::Context;
use crate::decide::Decision;
use crate::headers::Headers;
use crate::index::{ProgramIndex, RuleIndex};
use crate::memory::Memory;
use crate::tables::{
    AmbiguousRecall, Attribute, DestinationPart, Effect, FieldTable, FieldType, GatewayTraces, Layer, LostRecall,
    MaskMethod, OnError, OnInvalid, OnMismatch, PeerPart, Reply, RuleTable, Scalar, Tables,
};
use crate::testing::*;
use crate::vm::Snapshot;
use crate::vm::op::Op;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: u64 = 1_800_000_000_000;
const TRACE: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const PEER_B: &str = "spiffe://acme.corp/ns/default/sa/b";

/// A service of the mesh with its proxy, driven by the tests.
struct Hop {
    workload: Workload,
    host: FakeHost,
    requests: Memory,
    routing: Routing,
}

impl Hop {
    /// Returns the service `name`. Its requests come from the peer with this SPIFFE ID.
    fn new(tables: &Tables, name: &str, peer: &str) -> Self {
        let mut host = if peer.is_empty() { FakeHost::default() } else { FakeHost::with_peer(peer) };
        // Its calls go to `b` by default.
        host.attributes.insert("xds.cluster_name".to_owned(), b"b".to_vec());
        Self {
            workload: Workload::new(verified(tables), name),
            host,
            requests: Memory::new(name),
            routing: Routing::Fixed,
        }
    }

    fn run(&self, role: Role, headers: &[(&str, &str)]) -> Plan<'_> {
        self.run_at(role, headers, NOW)
    }

    fn run_at(&self, role: Role, headers: &[(&str, &str)], now_ms: u64) -> Plan<'_> {
        let entries = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let headers = Headers::new(entries);
        let host = Host {
            attributes: &self.host,
            memory: &self.host,
            requests: &self.requests,
            randomness: &self.host,
            routing: self.routing,
            now_ms,
            observer: None,
        };
        match role {
            Role::Inbound => inbound(&self.workload, &headers, host),
            Role::Outbound => outbound(&self.workload, &headers, host),
            Role::Gateway => gateway(&self.workload, &headers, host),
            Role::Egress => egress(&self.workload, &headers),
            Role::Upstream => upstream(&self.workload, &headers, host),
        }
    }

    /// Returns an `x-mesh-context` with these fields, issued now.
    fn mesh_context(&self, fields: &[(&str, &str)]) -> String {
        mesh_header::encode(&context(fields), self.workload.program().words().writer(NOW), NOW).unwrap()
    }

    /// Returns the fields of the `x-mesh-context` that a plan attaches.
    fn attached(&self, plan: &Plan<'_>) -> BTreeMap<String, String> {
        let edits = edits(plan);
        let value = edits[mesh_header::NAME].clone().expect("x-mesh-context is set");
        let header = mesh_header::decode(value.as_bytes(), self.workload.program().words()).unwrap();
        header.context.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Returns the header edits by name; `None` is a removal.
fn edits(plan: &Plan<'_>) -> BTreeMap<String, Option<String>> {
    let edit = |edit: &HeaderEdit<'_>| match edit {
        HeaderEdit::Set(name, value) => ((*name).to_owned(), Some(String::from_utf8(value.clone()).unwrap())),
        HeaderEdit::Remove(name) => (name.clone().into_owned(), None),
    };
    plan.edits.iter().map(edit).collect()
}

fn map(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns whether the application is shown this value; for `baggage`, without the ticket.
fn shows(plan: &Plan<'_>, header: &str, value: &str) -> bool {
    let shown = edits(plan).get(header).cloned().flatten();
    shown.is_some_and(|shown| {
        shown == value || (shown.starts_with("cmesh.ticket=") && shown.ends_with(&format!(",{value}")))
    })
}

/// Returns the problems of a plan in the format of the access log.
fn problems(plan: &Plan<'_>) -> Vec<String> {
    plan.report.problems.iter().map(|problem| format!("{}: {}", problem.subject, problem.error)).collect()
}

#[test]
fn inbound_shows_the_context_and_remembers_it_for_the_calls_of_the_service() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let value = hop.mesh_context(&[("caller", "\"b\""), ("tenant", "\"t1\""), ("custom", r#"{"n":1.0}"#)]);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
    assert_eq!(plan.refusal, None);
    assert_eq!(plan.counters, []);
    assert_eq!(edits(&plan)["x-mesh-context"], None, "the application sees headers, not the mesh's own");
    assert!(shows(&plan, "x-tenant", "t1"));
    assert!(shows(&plan, "baggage", "tenant=t1"));

    let plan = hop.run(Role::Outbound, &[TRACE]);
    let expected = map(&[("caller", "\"a\""), ("tenant", "\"t1\""), ("custom", r#"{"n":1.0}"#)]);
    assert_eq!(hop.attached(&plan), expected, "the caller is the service itself, the rest came from memory");
    assert_eq!(plan.report.recalled, ["tenant", "custom"]);
}

#[test]
fn a_call_is_recognised_by_either_id_that_the_application_may_forward() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let request_id = ("x-request-id", "r-1");
    let value = hop.mesh_context(&[("tenant", "\"t1\"")]);
    hop.run(Role::Inbound, &[TRACE, request_id, ("x-mesh-context", &value)]);
    let b3 = ("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1");
    for forwarded in [TRACE, b3, request_id] {
        let plan = hop.run(Role::Outbound, &[forwarded]);
        assert_eq!(plan.report.recalled, ["tenant"], "{forwarded:?}");
    }
    let plan = hop.run(Role::Outbound, &[("x-request-id", "r-2")]);
    assert_eq!(plan.counters, [Counter::RecallMiss, Counter::ContextMissing]);
    let plan = hop.run(Role::Outbound, &[]);
    assert_eq!(plan.counters, [Counter::TraceIdMissing, Counter::ContextMissing]);
}

#[test]
fn what_is_remembered_expires() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let value = hop.mesh_context(&[("tenant", "\"t1\"")]);
    let arrival = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
    let plan = hop.run_at(Role::Outbound, &[TRACE], NOW + 3_600_000);
    assert_eq!(plan.report.recalled, ["tenant"], "its stream is open");
    hop.requests.end(arrival.remembered.unwrap(), NOW, 5000);
    let plan = hop.run_at(Role::Outbound, &[TRACE], NOW + 5000);
    assert!(plan.counters.contains(&Counter::RecallMiss));
}

#[test]
fn what_the_mesh_says_of_ambiguous_ids_and_of_lost_contexts_holds() {
    let two = |setting: AmbiguousRecall| {
        let mut tables = tables();
        tables.mesh.ambiguous_recall = setting;
        let hop = Hop::new(&tables, "a", PEER_B);
        for (tenant, user) in [("t1", "u"), ("t2", "u")] {
            let fields = [("tenant", format!("\"{tenant}\"")), ("user", format!("\"{user}\""))];
            let value = hop.mesh_context(&fields.each_ref().map(|(name, value)| (*name, value.as_str())));
            hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
        }
        let plan = hop.run(Role::Outbound, &[TRACE]);
        assert_eq!(problems(&plan), ["traceparent: ambiguous"]);
        assert_eq!(plan.counters[0], Counter::RecallAmbiguous);
        plan.refusal.as_ref().map_or_else(
            || Ok(hop.attached(&plan).into_keys().collect::<Vec<_>>()),
            |refusal| Err((refusal.cause.as_str().to_owned(), refusal.reply.status, refusal.reply.grpc_status)),
        )
    };
    assert_eq!(two(AmbiguousRecall::Agree), Ok(vec!["caller".to_owned(), "user".to_owned()]));
    assert_eq!(two(AmbiguousRecall::None), Ok(vec!["caller".to_owned()]));
    assert_eq!(two(AmbiguousRecall::Deny), Err(("mesh ambiguousRecall".to_owned(), 409, 10)));
    for (setting, refused) in [(LostRecall::Ignore, None), (LostRecall::Deny, Some(("mesh lostRecall", 503)))] {
        let mut tables = tables();
        (tables.mesh.lost_recall, tables.mesh.memory_slots) = (setting, 1);
        let hop = Hop::new(&tables, "a", PEER_B);
        let arrive = |n: u32| {
            let value = hop.mesh_context(&[("tenant", &format!("\"t{n}\""))]);
            let plan = hop.run(Role::Inbound, &[("x-mesh-context", &value)]);
            (ticket_of(&plan, "baggage"), problems(&plan))
        };
        let arrivals: Vec<_> = (0..200).map(arrive).collect();
        let ((name, value), lost) = arrivals.last().unwrap();
        assert_eq!(lost, &["trace id: missing", "memory: full"]);
        let plan = hop.run(Role::Outbound, &[(name, value)]);
        assert_eq!(problems(&plan), ["memory: lost"]);
        assert_eq!(plan.counters[0], Counter::RecallLost);
        assert_eq!(plan.refusal.as_ref().map(|refusal| (refusal.cause.as_str(), refusal.reply.status)), refused);
    }
}

#[test]
fn a_request_without_a_context_replaces_nothing_and_makes_its_id_ambiguous() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let value = hop.mesh_context(&[("tenant", "\"t1\"")]);
    hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
    let empty = hop.run(Role::Inbound, &[TRACE]);
    let plan = hop.run(Role::Outbound, &[TRACE]);
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\"")]));
    assert_eq!(problems(&plan), ["traceparent: ambiguous"]);
    hop.requests.end(empty.remembered.unwrap(), NOW, 0);
    let plan = hop.run(Role::Outbound, &[TRACE]);
    assert_eq!(plan.report.recalled, ["tenant"]);
}

#[test]
fn an_immutable_field_that_the_application_changed_is_put_back() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let value = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\""), ("flags", r#"["x"]"#)]);
    hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
    let plan =
        hop.run(Role::Outbound, &[TRACE, ("x-tenant", "evil"), ("x-user", "u2"), ("baggage", "flags=[\"y\"],k=v")]);
    let expected = map(&[("caller", "\"a\""), ("tenant", "\"t1\""), ("user", "\"u2\""), ("flags", r#"["x","y"]"#)]);
    assert_eq!(hop.attached(&plan), expected);
    assert_eq!(plan.report.restored, ["tenant"]);
    assert_eq!(plan.counters, [Counter::FieldRestored]);
    assert_eq!(edits(&plan)["x-tenant"], None);
    assert_eq!(edits(&plan)["baggage"], Some("k=v".into()), "foreign baggage stays");
}

#[test]
fn a_broken_value_of_the_application_does_not_replace_what_is_remembered() {
    let mut tables = tables();
    tables.fields[2].max_bytes = 8;
    let hop = Hop::new(&tables, "a", PEER_B);
    let value = hop.mesh_context(&[("user", "\"u1\"")]);
    hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
    let plan = hop.run(Role::Outbound, &[TRACE, ("x-user", "much too long")]);
    assert_eq!(hop.attached(&plan)["user"], "\"u1\"");
    assert_eq!(problems(&plan), ["user: too-large"]);
}

#[test]
fn the_caller_is_the_peer_whatever_the_context_claims() {
    let mut tables = tables();
    let cases = [("{\"caller\":\"b\"}", None), ("{\"caller\":\"z\"}", Some(Counter::CallerMismatch)), ("{}", None)];
    for (claim, counted) in cases {
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", claim), ("x-user", "u")]);
        assert_eq!(plan.counters, Vec::from_iter(counted), "{claim}");
        assert_eq!(plan.report.peer, "b");
        assert!(plan.report.fields.contains("caller"));
    }
    tables.mesh.caller_mismatch = OnMismatch::Deny;
    let hop = Hop::new(&tables, "a", PEER_B);
    let refusal = hop.run(Role::Inbound, &[("x-mesh-context", "{\"caller\":\"z\"}")]).refusal.unwrap();
    assert_eq!((refusal.reply.status, refusal.cause.as_str()), (403, "mesh callerMismatch"));
}

#[test]
fn carriers_of_a_peer_without_an_identity_of_the_mesh_are_dropped_unread() {
    let sent = [TRACE, ("x-mesh-context", "{\"tenant\":\"t1\"}"), ("x-user", "u"), ("baggage", "tenant=t2,k=v")];
    for peer in ["", "spiffe://other.org/ns/default/sa/b", "spiffe://acme.corp/b"] {
        let hop = Hop::new(&tables(), "a", peer);
        let plan = hop.run(Role::Inbound, &sent);
        assert_eq!(plan.report.dropped, ["x-mesh-context", "baggage", "x-user"], "{peer}");
        assert_eq!(plan.counters, [Counter::CarrierUntrusted, Counter::ContextMissing]);
        assert!(shows(&plan, "baggage", "k=v"), "nothing of it reaches the application");
        assert_eq!((&edits(&plan)["x-mesh-context"], &edits(&plan)["x-user"]), (&None, &None));
    }
    let mut open = tables();
    open.mesh.require_peer = false;
    let hop = Hop::new(&open, "a", "");
    let plan = hop.run(Role::Inbound, &sent);
    assert!(shows(&plan, "x-tenant", "t1"), "a mesh without mTLS may believe anyone");
}

#[test]
fn carriers_have_an_order_and_disagreements_are_counted() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let sent = [TRACE, ("x-mesh-context", "{\"tenant\":\"t1\"}"), ("baggage", "tenant=t2,flags=[]"), ("x-user", "u")];
    let plan = hop.run(Role::Inbound, &sent);
    assert!(shows(&plan, "x-tenant", "t1"));
    assert_eq!(plan.report.received, [("x-mesh-context", 1), ("baggage", 2), ("headers", 1)]);
    assert_eq!(plan.counters, [Counter::CarrierDisagreement]);
    assert_eq!(problems(&plan), ["tenant: disagreement"]);
}

#[test]
fn a_broken_carrier_is_ignored_and_reported_or_refused_as_the_mesh_says() {
    let truncated = "AQAAAA";
    let old = {
        let hop = Hop::new(&tables(), "a", PEER_B);
        hop.mesh_context(&[("tenant", "\"t1\"")])
    };
    let mut tables = tables();
    tables.mesh.max_age_ms = 1000;
    let cases: [(&[(&str, &str)], u64, &str); 5] = [
        (&[("x-mesh-context", truncated)], NOW, "x-mesh-context: truncated"),
        (&[("x-mesh-context", "!!")], NOW, "x-mesh-context: not-base64"),
        (&[("x-mesh-context", "{}"), ("x-mesh-context", "{}")], NOW, "x-mesh-context: repeated"),
        (&[("x-tenant", "a"), ("x-tenant", "b")], NOW, "tenant: repeated"),
        (&[("x-mesh-context", &old)], NOW + 1001, "x-mesh-context: expired"),
    ];
    for (headers, now, problem) in cases {
        tables.mesh.on_invalid = OnInvalid::Ignore;
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run_at(Role::Inbound, headers, now);
        assert_eq!(plan.refusal, None);
        assert_eq!(problems(&plan)[0], problem);
        assert_eq!(plan.counters[0], Counter::CarrierInvalid);
        for (header, _) in headers {
            assert_eq!(edits(&plan)[*header], None, "the application does not see it");
        }
        tables.mesh.on_invalid = OnInvalid::Deny;
        let hop = Hop::new(&tables, "a", PEER_B);
        let refusal = hop.run_at(Role::Inbound, headers, now).refusal.unwrap();
        assert_eq!((refusal.reply.status, refusal.cause.as_str()), (400, "mesh onInvalid"));
    }
}

#[test]
fn a_request_without_a_context_goes_on_even_where_invalid_ones_are_refused() {
    let mut tables = tables();
    tables.mesh.on_invalid = OnInvalid::Deny;
    tables.fields[1].required = true;
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE]);
    assert_eq!(plan.refusal, None);
    assert_eq!(plan.counters, [Counter::ContextMissing]);
    let refusal = hop.run(Role::Inbound, &[TRACE, ("x-user", "u")]).refusal;
    assert!(refusal.is_some(), "a context without its required field is invalid");
}

/// Returns the condition `peer.service == "b"`.
fn peer_is_b(tables: &mut Tables) -> ProgramIndex {
    let peer = add_attribute(tables, Attribute::Peer(PeerPart::Service));
    let b = add_string(tables, "b");
    add_program(tables, &[Op::Attr(peer), Op::Const(b), Op::Eq(0)])
}

/// Returns a condition that fails with the CEL error `no-value`.
fn failing(tables: &mut Tables) -> ProgramIndex {
    let absent = add_attribute(tables, Attribute::Field("absent".into(), FieldType::One(Scalar::Bool)));
    add_program(tables, &[Op::Attr(absent)])
}

fn reply(message: &str) -> Reply {
    Reply { status: 403, grpc_status: 7, message: message.into() }
}

#[test]
fn the_enterprise_denies_first_then_the_domain_then_the_allow_rules() {
    let mut tables = tables();
    let is_b = peer_is_b(&mut tables);
    let domain = |name: &str, effect| crate::tables::RuleTable { layer: Layer::Domain, ..rule(name, effect) };
    let mut by_domain = domain("shop/p/deny", Effect::Deny(reply("domain")));
    by_domain.condition = Some(is_b);
    let mut by_enterprise = rule("enterprise/p/deny", Effect::Deny(reply("enterprise")));
    by_enterprise.condition = Some(is_b);
    let refusals = |rules: &[&crate::tables::RuleTable], peer: &str| {
        let mut tables = tables.clone();
        rules.iter().for_each(|rule| add_inbound(&mut tables, "a", (*rule).clone()));
        let hop = Hop::new(&tables, "a", peer);
        let plan = hop.run(Role::Inbound, &[TRACE]);
        plan.refusal.map(|refusal| refusal.cause.as_str().to_owned())
    };
    let z = "spiffe://acme.corp/ns/default/sa/z";
    assert_eq!(refusals(&[&by_domain, &by_enterprise], PEER_B).as_deref(), Some("enterprise/p/deny"));
    assert_eq!(refusals(&[&by_domain], PEER_B).as_deref(), Some("shop/p/deny"));
    assert_eq!(refusals(&[&by_domain, &by_enterprise], z), None);
    let mut allow = domain("shop/p/allow", Effect::Allow);
    allow.condition = Some(is_b);
    assert_eq!(refusals(&[&allow], PEER_B), None);
    assert_eq!(refusals(&[&allow], z).as_deref(), Some("domain allow rules"));
    assert_eq!(refusals(&[&allow, &by_enterprise], PEER_B).as_deref(), Some("enterprise/p/deny"));
    let enterprise_allow = crate::tables::RuleTable { layer: Layer::Enterprise, ..allow.clone() };
    let everyone = domain("shop/p/everyone", Effect::Allow);
    assert_eq!(refusals(&[&enterprise_allow, &everyone], z).as_deref(), Some("enterprise allow rules"));
}

#[test]
fn a_cel_error_makes_a_deny_rule_fire_and_an_allow_rule_not_match() {
    let mut tables = tables();
    let failing = failing(&mut tables);
    let fields = vec!["user".to_owned()];
    let cases = [
        (Effect::Deny(reply("no")), OnError::Deny, Some("r")),
        (Effect::Deny(reply("no")), OnError::Ignore, None),
        (Effect::Allow, OnError::Deny, Some("enterprise allow rules")),
        (Effect::Allow, OnError::Ignore, Some("enterprise allow rules")),
        (Effect::Require { fields: vec!["gone".into()], reply: reply("no") }, OnError::Deny, Some("r")),
        (Effect::Require { fields: vec!["gone".into()], reply: reply("no") }, OnError::Ignore, None),
        (Effect::Redact { fields: fields.clone() }, OnError::Deny, None),
        (Effect::Redact { fields }, OnError::Ignore, None),
    ];
    for (effect, on_error, refused_by) in cases {
        let mut tables = tables.clone();
        let redacts = matches!(effect, Effect::Redact { .. }) && on_error == OnError::Deny;
        let rule = crate::tables::RuleTable { condition: Some(failing), on_error, ..rule("r", effect) };
        add_inbound(&mut tables, "a", rule.clone());
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", "u")]);
        assert_eq!(plan.refusal.as_ref().map(|refusal| refusal.cause.as_str()), refused_by, "{rule:?}");
        assert!(plan.counters.contains(&Counter::PolicyError));
        assert_eq!(!plan.report.redacted.is_empty(), redacts, "{rule:?}");
    }
}

#[test]
fn a_shadow_rule_is_reported_and_changes_nothing() {
    let mut tables = tables();
    let deny = crate::tables::RuleTable { shadow: true, ..rule("r", Effect::Deny(reply("no"))) };
    add_inbound(&mut tables, "a", deny);
    let allow = crate::tables::RuleTable { shadow: true, ..rule("s", Effect::Allow) };
    add_inbound(&mut tables, "a", allow);
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", "u")]);
    assert_eq!(plan.refusal, None);
    assert_eq!(plan.report.shadow, ["r", "s"]);
    assert_eq!(plan.counters, [Counter::ShadowMatched; 2]);
}

/// The report must show, before allow rules are enforced, which requests would be refused.
#[test]
fn allow_rules_in_shadow_report_who_would_be_refused() {
    let refused = "enterprise allow rules";
    // Two allow rules, each enforced or in shadow mode, for the peer `b` or for nobody.
    let rules = [("peer", true), ("nobody", true), ("peer", false), ("nobody", false)];
    let cases: [(&[usize], &[&str], Option<&str>); 7] = [
        (&[0], &["peer"], None),
        (&[1], &[refused], None),
        (&[1, 0], &["peer"], None),
        (&[1, 1], &[refused], None),
        // Enforced allow rules decide already: one more could only allow more requests.
        (&[1, 2], &[], None),
        (&[0, 3], &["peer"], Some(refused)),
        (&[1, 3], &[], Some(refused)),
    ];
    for (chosen, shadow, refusal) in cases {
        let mut tables = tables();
        let peer = peer_is_b(&mut tables);
        let nobody = failing(&mut tables);
        for index in chosen {
            let (name, shadow) = rules[*index];
            let condition = Some(if name == "peer" { peer } else { nobody });
            add_inbound(&mut tables, "a", RuleTable { condition, shadow, ..rule(name, Effect::Allow) });
        }
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run(Role::Inbound, &[TRACE]);
        assert_eq!(plan.report.shadow, shadow, "{chosen:?}");
        assert_eq!(plan.refusal.as_ref().map(|refusal| refusal.cause.as_str()), refusal, "{chosen:?}");
        let counted = plan.counters.contains(&Counter::ShadowRefused);
        assert_eq!(counted, shadow.contains(&refused), "{chosen:?}");
    }
}

#[test]
fn a_redacted_field_is_neither_shown_nor_sent_and_nothing_puts_it_back() {
    let mut tables = tables();
    let new = add_string(&mut tables, "new");
    let value = add_program(&mut tables, &[Op::Const(new)]);
    add_inbound(&mut tables, "a", rule("redact", Effect::Redact { fields: vec!["user".into()] }));
    add_inbound(
        &mut tables,
        "a",
        rule("set", Effect::Set { fields: vec![("user".into(), value), ("tenant".into(), value)] }),
    );
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", "u1"), ("baggage", "user=u1")]);
    assert_eq!(plan.report.redacted, ["user"]);
    assert_eq!(edits(&plan)["x-user"], None);
    assert!(shows(&plan, "baggage", "tenant=new"));
    // The application knows the user from elsewhere and forwards it. It is removed again.
    let plan = hop.run(Role::Outbound, &[TRACE, ("x-user", "u1")]);
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\""), ("tenant", "\"new\"")]));
    assert_eq!(plan.report.withheld, ["user"]);
    assert_eq!(plan.counters, [Counter::FieldWithheld]);
}

#[test]
fn a_value_that_a_rule_sets_must_fit_the_schema() {
    let mut tables = tables();
    tables.fields[1].allowed = vec!["\"t1\"".into()];
    let other = add_string(&mut tables, "t2");
    let value = add_program(&mut tables, &[Op::Const(other)]);
    add_inbound(&mut tables, "a", rule("set", Effect::Set { fields: vec![("tenant".into(), value)] }));
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-tenant", "t1")]);
    assert_eq!(plan.report.set, Vec::<&str>::new());
    assert_eq!(problems(&plan), ["tenant: not-allowed"]);
    assert!(plan.report.fields.contains("tenant"), "the old value stays");
}

#[test]
fn a_gateway_believes_no_client_and_mints_what_its_rules_say() {
    let mut tables = tables();
    let minted = add_string(&mut tables, "t9");
    let value = add_program(&mut tables, &[Op::Const(minted)]);
    add_inbound(
        &mut tables,
        "a",
        rule("need", Effect::Require { fields: vec!["tenant".into()], reply: reply("no tenant") }),
    );
    add_inbound(&mut tables, "a", rule("mint", Effect::Set { fields: vec![("tenant".into(), value)] }));
    let hop = Hop::new(&tables, "a", "");
    let sent = [("x-mesh-context", "{\"user\":\"evil\"}"), ("x-tenant", "evil"), ("baggage", "user=evil,k=v"), TRACE];
    let plan = hop.run(Role::Gateway, &sent);
    assert_eq!(plan.refusal, None, "a require rule sees what was minted");
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\""), ("tenant", "\"t9\"")]));
    assert_eq!(plan.report.dropped, ["x-mesh-context", "baggage", "x-tenant"]);
    assert_eq!(plan.counters, [Counter::ClientCarrierDropped]);
    assert_eq!(edits(&plan)["x-tenant"], None);
    assert_eq!(edits(&plan)["baggage"], Some("k=v".into()));
    assert!(!edits(&plan).contains_key("traceparent"), "the client's trace goes on");
}

#[test]
fn what_becomes_of_a_clients_trace_at_a_gateway_the_mesh_says() {
    let (of, b3) = (TRACE.1, ("b3", "0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1"));
    let new = |flags: &str| Some(format!("00-07070707070707070707070707070707-0707070707070707-{flags}"));
    let twice = format!("{of},{of}");
    let cases: Vec<(GatewayTraces, bool, Vec<(&str, &str)>, Vec<(&str, Option<String>)>)> = vec![
        (
            GatewayTraces::Keep,
            true,
            vec![],
            vec![("x-request-id", Some("07070707-0707-4707-8707-070707070707".into()))],
        ),
        (GatewayTraces::Keep, true, vec![("x-request-id", "r")], vec![]),
        (GatewayTraces::Keep, true, vec![TRACE, ("tracestate", "a=b")], vec![]),
        (GatewayTraces::Keep, true, vec![b3], vec![]),
        (
            GatewayTraces::Keep,
            true,
            vec![TRACE, b3, ("uber-trace-id", "1:1:0:1")],
            vec![("b3", None), ("uber-trace-id", None)],
        ),
        (
            GatewayTraces::Keep,
            true,
            vec![("traceparent", "x"), ("tracestate", "a=b"), b3],
            vec![("traceparent", None), ("tracestate", None)],
        ),
        (GatewayTraces::Keep, true, vec![("traceparent", &twice)], vec![("traceparent", Some(of.into()))]),
        (GatewayTraces::New, true, vec![], vec![("traceparent", new("01"))]),
        (
            GatewayTraces::New,
            false,
            vec![TRACE, b3, ("tracestate", "a=b")],
            vec![("traceparent", new("01")), ("b3", None), ("tracestate", None)],
        ),
        (
            GatewayTraces::New,
            true,
            vec![("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")],
            vec![("traceparent", new("00"))],
        ),
        (
            GatewayTraces::New,
            false,
            vec![("traceparent", "x"), ("x-request-id", "r")],
            vec![("traceparent", new("00"))],
        ),
        (GatewayTraces::Start, false, vec![("x-request-id", "r")], vec![("traceparent", new("00"))]),
        (
            GatewayTraces::Start,
            true,
            vec![("x-b3-sampled", "0")],
            vec![("traceparent", new("01")), ("x-b3-sampled", None)],
        ),
        (GatewayTraces::Start, true, vec![TRACE], vec![]),
    ];
    for (traces, sampled, sent, expected) in cases {
        let mut tables = tables();
        (tables.mesh.gateway_traces, tables.mesh.gateway_sampled) = (traces, sampled);
        let hop = Hop::new(&tables, "a", "");
        let plan = hop.run(Role::Gateway, &sent);
        let mut made = edits(&plan);
        made.remove("x-mesh-context");
        let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(made, expected, "{traces:?} {sent:?}");
    }
}

#[test]
fn tickets_of_clients_end_at_the_gateway_and_those_of_applications_at_egress() {
    let hop = Hop::new(&tables(), "a", "");
    let sent = [TRACE, ("tracestate", "a=b,cmesh=1.2"), ("tracestate", "cmesh=3"), ("baggage", "cmesh%2Eticket=1,k=v")];
    for role in [Role::Gateway, Role::Egress, Role::Outbound] {
        let made = edits(&hop.run(role, &sent));
        assert_eq!(made["tracestate"].as_deref(), Some("a=b"), "{role:?}");
        assert_eq!(made["baggage"].as_deref(), Some("k=v"), "{role:?}");
    }
}

#[test]
fn ids_that_contradict_themselves_reach_no_application() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("traceparent", "x"), ("tracestate", "a=b"), ("b3", "X")]);
    let made = edits(&plan);
    for name in ["traceparent", "tracestate", "b3"] {
        assert_eq!(made[name], None, "{name}");
    }
    assert!(plan.counters.contains(&Counter::TraceIdContradiction));
    assert!(plan.counters.contains(&Counter::TraceIdInvalid));
    assert_eq!(problems(&plan)[..2], ["traceparent: contradiction", "b3: broken"]);
}

#[test]
fn on_the_way_out_of_the_mesh_every_carrier_goes() {
    let hop = Hop::new(&tables(), "a", "");
    let plan = hop.run(Role::Egress, &[TRACE, ("x-mesh-context", "{}"), ("x-user", "u"), ("baggage", "k=v,user=u")]);
    let expected = [("baggage", Some("k=v")), ("x-mesh-context", None), ("x-user", None)];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
    assert_eq!(edits(&plan), BTreeMap::from(expected));
}

#[test]
fn the_report_names_the_artifact_the_rule_and_the_fields_but_no_value() {
    let mut tables = tables();
    add_inbound(&mut tables, "a", rule("enterprise/p/deny", Effect::Deny(reply("no"))));
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", "secret")]);
    let digest = hop.workload.digest();
    let expected = format!(
        "artifact={digest} service=a role=inbound decision=deny rule=enterprise/p/deny status=403 peer=b \
         received=headers:1 rules=enterprise/p/deny"
    );
    assert_eq!(plan.report.to_text(), expected);
    assert_eq!(plan.edits, []);
}

#[test]
fn the_digest_of_a_workload_is_that_of_its_artifact() {
    let mut other = tables();
    add_inbound(&mut other, "a", rule("enterprise/p/deny", Effect::Deny(reply("no"))));
    let programs = [verified(&tables()), verified(&other)];
    let digests = programs.each_ref().map(|program| program.digest().to_string());
    assert_ne!(digests[0], digests[1]);
    assert_eq!(programs.map(|program| Workload::new(program, "a").digest().to_owned()), digests);
}

#[test]
fn the_report_has_the_revision_that_the_build_named() {
    let revision = Revision::parse("3f2a-dirty").unwrap();
    let artifact = with_revision(&encode(&tables()).unwrap(), Some(&revision)).unwrap();
    let workload = Workload::new(load(&artifact).unwrap(), "a");
    let hop = Hop { workload, ..Hop::new(&tables(), "a", PEER_B) };
    let report = hop.run(Role::Egress, &[TRACE]).report.to_text();
    let digest = hop.workload.digest();
    let expected = format!("artifact={digest} revision=3f2a-dirty service=a ");
    assert!(report.starts_with(&expected), "{report}");
}

#[test]
fn an_unlisted_service_gets_the_rules_for_all_workloads() {
    let mut tables = tables();
    tables.rules.push(rule("enterprise/p/deny", Effect::Deny(reply("no"))));
    tables.unlisted.inbound = vec![RuleIndex(0)];
    let hop = Hop::new(&tables, "elsewhere", PEER_B);
    assert!(!hop.workload.is_listed());
    assert!(hop.run(Role::Inbound, &[TRACE]).refusal.is_some());
}

/// Returns the time at which the context was made according to an attached `x-mesh-context`.
fn issued_at(hop: &Hop, plan: &Plan<'_>) -> Option<u64> {
    let value = edits(plan)[mesh_header::NAME].clone().expect("x-mesh-context is set");
    mesh_header::decode(value.as_bytes(), hop.workload.program().words()).unwrap().issued_at_ms
}

#[test]
fn a_context_keeps_the_time_at_which_it_was_made() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let plan = hop.run_at(Role::Gateway, &[TRACE], NOW);
    assert_eq!(issued_at(&hop, &plan), Some(NOW), "a gateway makes the context");
    let value = hop.mesh_context(&[("tenant", "\"t1\"")]);
    // The time at which a context was made as received, and as attached later: a fast clock does not make a context
    // newer.
    for (received, made) in [(NOW + 400, NOW), (NOW - 50, NOW - 50)] {
        hop.run_at(Role::Inbound, &[TRACE, ("x-mesh-context", &value)], received);
        let plan = hop.run_at(Role::Outbound, &[TRACE], NOW + 900);
        assert_eq!(issued_at(&hop, &plan), Some(made), "the memory keeps it");
    }
    // The application forwards a context itself. The older time counts.
    let hop = Hop::new(&tables(), "a", PEER_B);
    hop.run_at(Role::Inbound, &[TRACE, ("x-user", "u")], NOW + 500);
    for (forwarded, made) in [(value.as_str(), NOW), ("{\"tenant\":\"t1\"}", NOW + 500)] {
        let plan = hop.run_at(Role::Outbound, &[TRACE, ("x-mesh-context", forwarded)], NOW + 900);
        assert_eq!(issued_at(&hop, &plan), Some(made));
    }
    let plan = hop.run_at(Role::Outbound, &[("x-request-id", "new")], NOW + 900);
    assert_eq!(issued_at(&hop, &plan), Some(NOW + 900), "nothing is known: the context is made here");
}

#[test]
fn a_field_is_gone_when_its_time_is_over() {
    let mut tables = tables();
    tables.fields[2].ttl_ms = 1000;
    let hop = Hop::new(&tables, "a", PEER_B);
    let value = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
    let sent = [TRACE, ("x-mesh-context", value.as_str())];
    let plan = hop.run_at(Role::Inbound, &sent, NOW + 1000);
    assert!(shows(&plan, "x-user", "u1"), "on the last millisecond it is still good");
    assert_eq!(plan.counters, []);
    // It was valid when it was remembered, but the call is made too late. A field that the application adds is not
    // newer.
    let plan = hop.run_at(Role::Outbound, &[TRACE, ("x-user", "u2")], NOW + 1001);
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\""), ("tenant", "\"t1\"")]));
    assert_eq!(problems(&plan), ["user: expired"]);
    assert_eq!(plan.counters, [Counter::FieldExpired]);

    let plan = hop.run_at(Role::Inbound, &sent, NOW + 1001);
    assert!(!edits(&plan).contains_key("x-user"));
    assert_eq!(problems(&plan), ["user: expired"]);
    tables.mesh.on_invalid = OnInvalid::Deny;
    let hop = Hop::new(&tables, "a", PEER_B);
    assert_eq!(hop.run_at(Role::Inbound, &sent, NOW + 1001).refusal, None, "to be late is no mistake of the sender");
    tables.fields[2].required = true;
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run_at(Role::Inbound, &sent, NOW + 1001);
    assert_eq!(problems(&plan), ["user: expired", "user: missing"]);
    assert!(plan.refusal.is_some());
}

#[test]
fn what_a_disagreement_means_the_fields_consistency_says() {
    use crate::tables::Consistency;
    let three = [
        TRACE,
        ("x-mesh-context", "{\"user\":\"u1\"}"),
        ("baggage", "user=u2"),
        // The third one agrees with the first and must not decide the result.
        ("x-user", "u1"),
    ];
    for (consistency, shown, counted, said, refused) in [
        (Consistency::Eventual, true, vec![], vec![], false),
        (Consistency::Session, true, vec![Counter::CarrierDisagreement], vec!["user: disagreement"], false),
        (
            Consistency::Strong,
            false,
            vec![Counter::CarrierDisagreement, Counter::FieldInvalid],
            vec!["user: disagreement"],
            true,
        ),
    ] {
        let mut tables = tables();
        tables.fields[2].consistency = consistency;
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run(Role::Inbound, &three);
        assert_eq!(plan.report.fields.contains("user"), shown, "{consistency:?}");
        let counters: Vec<_> = plan.counters.iter().filter(|c| **c != Counter::ContextMissing).copied().collect();
        assert_eq!(counters, counted, "{consistency:?}");
        assert_eq!(problems(&plan), said, "{consistency:?}");
        tables.mesh.on_invalid = OnInvalid::Deny;
        let hop = Hop::new(&tables, "a", PEER_B);
        let plan = hop.run(Role::Inbound, &three);
        assert_eq!(
            plan.refusal.map(|refusal| refusal.cause.as_str()),
            refused.then_some("mesh onInvalid"),
            "{consistency:?}"
        );
    }
}

#[test]
fn with_strong_consistency_an_application_changes_no_value() {
    use crate::tables::Consistency;
    let mut tables = tables();
    tables.fields[1].consistency = Consistency::Strong;
    tables.fields[2].consistency = Consistency::Strong;
    let sent = [TRACE, ("x-mesh-context", "{\"tenant\":\"t1\",\"user\":\"u1\"}")];
    let changed_user = [TRACE, ("x-user", "u2")];
    let changed_tenant = [TRACE, ("x-tenant", "t2")];
    let hop = Hop::new(&tables, "a", PEER_B);
    hop.run(Role::Inbound, &sent);
    let plan = hop.run(Role::Outbound, &changed_user);
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\""), ("tenant", "\"t1\"")]));
    assert_eq!(problems(&plan), ["user: disagreement"]);
    assert_eq!(plan.counters, [Counter::CarrierDisagreement, Counter::FieldInvalid]);
    // An immutable field is restored, and the difference is reported.
    let plan = hop.run(Role::Outbound, &changed_tenant);
    assert_eq!(hop.attached(&plan), map(&[("caller", "\"a\""), ("tenant", "\"t1\""), ("user", "\"u1\"")]));
    assert_eq!(problems(&plan), ["tenant: disagreement"]);
    assert_eq!(plan.counters, [Counter::FieldRestored, Counter::CarrierDisagreement]);

    tables.mesh.on_invalid = OnInvalid::Deny;
    let hop = Hop::new(&tables, "a", PEER_B);
    hop.run(Role::Inbound, &sent);
    assert_eq!(hop.run(Role::Outbound, &changed_user).refusal.unwrap().cause.as_str(), "mesh onInvalid");
    assert_eq!(hop.run(Role::Outbound, &changed_tenant).refusal, None);
}

/// Writes down what it observes as text.
#[derive(Default)]
struct Notes(std::cell::RefCell<Vec<String>>);

impl Observer for Notes {
    fn decided(&self, snapshot: Snapshot<'_>, rules: &[RuleIndex], decision: &Decision<'_>) {
        let fields: Vec<&str> = snapshot.context.iter().map(|(name, _)| name).collect();
        let rules: Vec<u32> = rules.iter().map(|rule| rule.0).collect();
        self.0.borrow_mut().push(format!("{fields:?} {rules:?} {:?}", decision.applied));
    }

    fn went_on(&self, context: &Context) {
        let fields: Vec<&str> = context.iter().map(|(name, _)| name).collect();
        self.0.borrow_mut().push(format!("on {fields:?}"));
    }
}

#[test]
fn an_observer_sees_what_the_rules_saw_and_what_goes_on() {
    let mut tables = tables();
    let made = add_string(&mut tables, "t9");
    let value = add_program(&mut tables, &[Op::Const(made)]);
    add_inbound(&mut tables, "a", rule("redact", Effect::Redact { fields: vec!["user".into()] }));
    add_inbound(&mut tables, "a", rule("mint", Effect::Set { fields: vec![("tenant".into(), value)] }));
    let hop = Hop::new(&tables, "a", PEER_B);
    let entries = [TRACE, ("x-user", "u")].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let headers = Headers::new(entries.to_vec());
    let notes = Notes::default();
    let host = Host {
        attributes: &hop.host,
        memory: &hop.host,
        requests: &hop.requests,
        randomness: &hop.host,
        routing: hop.routing,
        now_ms: NOW,
        observer: Some(&notes),
    };
    inbound(&hop.workload, &headers, host);
    gateway(&hop.workload, &headers, host);
    outbound(&hop.workload, &headers, host);
    let expected = [
        r#"["user", "caller"] [0, 1] ["redact", "mint"]"#,
        r#"on ["caller", "tenant"]"#,
        r#"[] [1] ["mint"]"#,
        r#"["tenant"] [0] ["redact"]"#,
        r#"on ["tenant", "caller"]"#,
        r#"["tenant", "caller"] [] []"#,
        r#"on ["tenant", "caller"]"#,
    ];
    assert_eq!(*notes.0.borrow(), expected);
}

/// Returns text that cannot be compressed.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 33) as u8 % 26)
    };
    std::iter::repeat_with(letter).take(bytes).collect()
}

#[test]
fn what_does_not_fit_gives_way_by_what_depends_on_it() {
    let mut tables = tables();
    tables.fields[2].required = true;
    let quoted = |bytes| format!("\"{}\"", noise(bytes));
    // The sizes of the tenant (immutable), the user (required), flags (declared) and a blob (undeclared), and the
    // fields that remain.
    type Case = ([usize; 4], Option<&'static [&'static str]>, &'static [&'static str]);
    let cases: [Case; 5] = [
        ([4000, 4000, 4000, 4000], Some(&["blob", "caller", "flags", "tenant", "user"]), &[]),
        ([5000, 5000, 4000, 4000], Some(&["caller", "flags", "tenant", "user"]), &["blob"]),
        ([7000, 7000, 4000, 100], Some(&["caller", "tenant", "user"]), &["blob", "flags"]),
        ([9000, 9000, 10, 10], None, &[]),
        ([10, 15_000, 10, 15_000], Some(&["caller", "flags", "tenant", "user"]), &["blob"]),
    ];
    for ([tenant, user, flags, blob], left, dropped) in cases {
        let hop = Hop::new(&tables, "a", PEER_B);
        // Remembered: the tenant and the blob. The application adds the user and the flags.
        let remembered = hop.mesh_context(&[("blob", &quoted(blob)), ("tenant", &quoted(tenant)), ("user", "\"u\"")]);
        assert_eq!(hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &remembered)]).refusal, None);
        let list = format!("[{}]", quoted(flags));
        let sent = hop.mesh_context(&[("user", &quoted(user)), ("flags", &list)]);
        let plan = hop.run(Role::Outbound, &[TRACE, ("x-mesh-context", &sent)]);
        let case = (tenant, user, flags, blob);
        let Some(left) = left else {
            let refusal = plan.refusal.clone().unwrap();
            assert_eq!(
                (refusal.reply.status, refusal.reply.grpc_status, refusal.cause.as_str()),
                (431, 8, "mesh context size")
            );
            assert_eq!(edits(&plan), BTreeMap::new(), "{case:?}");
            continue;
        };
        assert_eq!(plan.refusal, None, "{case:?}");
        assert_eq!(hop.attached(&plan).keys().map(String::as_str).collect::<Vec<_>>(), left, "{case:?}");
        let expected: Vec<String> = dropped.iter().map(|name| format!("{name}: does-not-fit")).collect();
        assert_eq!(problems(&plan), expected, "{case:?}");
        assert_eq!(plan.counters, vec![Counter::FieldDropped; dropped.len()], "{case:?}");
    }
}

#[test]
fn a_field_with_a_number_of_a_newer_artifact_goes_through_a_hop() {
    let old = tables();
    let mut new = tables();
    new.fields.push(FieldTable { name: "zone".into(), ..field("zone", FieldType::One(Scalar::String)) });
    new.words.push(word(5, "zone", 0));
    new.words.push(word(6, "gold", 0));
    let sender = Hop::new(&new, "b", "");
    let fields = [("tenant", "\"t1\""), ("user", "\"gold\""), ("zone", "\"gold\""), ("flags", "[\"gold\",\"x\"]")];
    let sent = sender.mesh_context(&fields);
    let hop = Hop::new(&old, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &sent)]);
    assert_eq!(plan.refusal, None);
    assert_eq!(problems(&plan), ["user: word-unknown", "#5: word-unknown", "flags: word-unknown"]);
    assert_eq!(plan.counters, [Counter::WordUnknown; 3]);
    let forwarded = |headers: &[(&str, &str)]| {
        let plan = hop.run(Role::Outbound, &[&[TRACE], headers].concat());
        sender.attached(&plan)
    };
    let all = map(&[&fields[..], &[("caller", "\"a\"")]].concat());
    assert_eq!(forwarded(&[]), all);
    // A value from the application counts as a readable one would: `user` is replaced; `flags` cannot be joined.
    let mut replaced = all;
    replaced.insert("user".into(), "\"u2\"".into());
    assert_eq!(forwarded(&[("x-user", "u2"), ("baggage", "flags=%5B%22y%22%5D")]), replaced);
}

#[test]
fn a_field_that_cannot_be_read_is_redacted_and_masked_all_the_same() {
    let mut new = tables();
    new.words.push(word(5, "gold", 0));
    let sent = Hop::new(&new, "b", "").mesh_context(&[("tenant", "\"gold\""), ("user", "\"gold\""), ("flags", "[]")]);
    let mut old = tables();
    add_inbound(&mut old, "a", rule("r", Effect::Redact { fields: vec!["user".into()] }));
    let method = crate::tables::MaskMethod::Hash;
    add_inbound(&mut old, "a", rule("m", Effect::Mask { fields: vec!["tenant".into()], method }));
    let hop = Hop::new(&old, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &sent)]);
    assert_eq!(plan.report.redacted, ["user", "tenant"]);
    let plan = hop.run(Role::Outbound, &[TRACE]);
    let reader = Hop::new(&new, "b", "");
    assert_eq!(reader.attached(&plan), map(&[("caller", "\"a\""), ("flags", "[]")]));
}

#[test]
fn what_runs_out_refuses_whatever_on_error_says_unless_it_only_watches() {
    use crate::limits::MAX_FUEL;
    use crate::tables::{Constant, RuleTable, ScalarConstant};
    for (effect, shadow, refused) in [
        (Effect::Redact { fields: vec!["user".into()] }, false, true),
        (Effect::Allow, false, true),
        (Effect::Audit, false, false),
        (Effect::Redact { fields: vec!["user".into()] }, true, false),
    ] {
        for on_error in [OnError::Ignore, OnError::Deny] {
            let mut tables = tables();
            let yes = add_constant(&mut tables, Constant::Scalar(ScalarConstant::Bool(true)));
            let endless = [Op::Const(yes), Op::PopJumpIfFalse(3), Op::Loop(0), Op::Const(yes)];
            let condition = Some(add_program(&mut tables, &endless));
            let rule = RuleTable { condition, on_error, shadow, ..rule("burn", effect.clone()) };
            add_inbound(&mut tables, "b", rule);
            let hop = Hop::new(&tables, "b", "spiffe://acme.corp/ns/default/sa/a");
            let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", "u")]);
            let case = format!("{effect:?} {shadow} {on_error:?}");
            assert_eq!(plan.counters.contains(&Counter::BudgetExceeded), refused, "{case}");
            assert_eq!(plan.counters.contains(&Counter::WatchingSkipped), !refused, "{case}");
            let refusal = plan.refusal.as_ref().map(|refusal| (refusal.cause.as_str(), refusal.reply.status));
            assert_eq!(refusal, refused.then_some(("mesh budget", 431)), "{case}");
            assert!(refused || plan.fuel.used() < MAX_FUEL / 10, "{case}: {}", plan.fuel.used());
        }
    }
}

fn hop_with_tickets() -> Hop {
    Hop::new(&tables(), "a", PEER_B)
}

/// Returns the member with the ticket, which comes first, as forwarded by an application that forwards nothing else of
/// this carrier.
fn ticket_of(plan: &Plan<'_>, carrier: &'static str) -> (&'static str, String) {
    let value = edits(plan)[carrier].clone().unwrap();
    (carrier, value.split(',').next().unwrap().to_owned())
}

fn tenant_of(hop: &Hop, plan: &Plan<'_>) -> Option<String> {
    hop.attached(plan).remove("tenant")
}

#[test]
fn requests_of_one_trace_are_told_apart_by_their_tickets() {
    let hop = hop_with_tickets();
    let arrive = |tenant: &str| {
        let context = hop.mesh_context(&[("tenant", &format!("\"{tenant}\""))]);
        let plan =
            hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &context), ("tracestate", "k=v"), ("baggage", "k=v")]);
        ["tracestate", "baggage"].map(|carrier| ticket_of(&plan, carrier))
    };
    let tenants = ["t1", "t2", "t3"];
    let requests = tenants.map(arrive);
    for (tenant, carriers) in tenants.iter().zip(&requests) {
        for (name, value) in carriers {
            assert!(value.starts_with(if *name == "baggage" { "cmesh.ticket=" } else { "cmesh=" }), "{value}");
            let plan = hop.run(Role::Outbound, &[TRACE, (name, value)]);
            assert_eq!(tenant_of(&hop, &plan), Some(format!("\"{tenant}\"")), "{name}");
            assert_eq!(plan.report.recalled_by, "ticket");
            let left = edits(&plan)[*name].clone().unwrap_or_default();
            assert!(!left.contains("cmesh"), "tickets leave in {name}: {left}");
        }
    }
    let [first, second, _] = &requests;
    let both = [TRACE, (first[0].0, &first[0].1), (second[1].0, &second[1].1)];
    let plan = hop.run(Role::Outbound, &both);
    assert_eq!((tenant_of(&hop, &plan), problems(&plan)), (None, vec!["ticket: conflict".to_owned()]));
    assert_eq!(plan.counters[0], Counter::TicketConflict);
}

#[test]
fn a_dead_ticket_recalls_nothing_and_falls_back_to_nothing() {
    let hop = hop_with_tickets();
    let context = hop.mesh_context(&[("tenant", "\"t1\"")]);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &context)]);
    let (name, value) = ticket_of(&plan, "baggage");
    hop.requests.end(plan.remembered.unwrap(), NOW, 5000);
    let later = NOW + 5000;
    let context = hop.mesh_context(&[("tenant", "\"t2\"")]);
    hop.run_at(Role::Inbound, &[TRACE, ("x-mesh-context", &context)], later);
    let plan = hop.run_at(Role::Outbound, &[TRACE, (name, &value)], later);
    assert_eq!((tenant_of(&hop, &plan), plan.report.recalled_by), (None, ""));
    assert_eq!(problems(&plan), ["ticket: dead"]);
}

#[test]
fn tickets_of_other_proxies_recall_nothing_and_rubbish_is_no_ticket() {
    let hop = hop_with_tickets();
    let context = hop.mesh_context(&[("tenant", "\"t1\"")]);
    hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &context)]);
    let plan = hop.run(Role::Outbound, &[TRACE, ("tracestate", "cmesh=99999999.9f8e7d6c5b4a3f2e1d0c9b8a")]);
    assert_eq!((tenant_of(&hop, &plan), problems(&plan)), (None, vec!["ticket: dead".to_owned()]));
    for foreign in ["cmesh=rubbish", "cmesh="] {
        let plan = hop.run(Role::Outbound, &[TRACE, ("tracestate", foreign)]);
        assert_eq!(tenant_of(&hop, &plan).as_deref(), Some("\"t1\""), "{foreign}");
        assert_eq!(plan.report.recalled_by, "traceparent");
    }
}

#[test]
fn without_a_traceparent_the_baggage_alone_carries_the_ticket() {
    let hop = hop_with_tickets();
    let context = hop.mesh_context(&[("tenant", "\"t1\"")]);
    for parent in [None, Some(("traceparent", "broken"))] {
        let sent: Vec<_> =
            parent.into_iter().chain([("x-mesh-context", context.as_str()), ("tracestate", "cmesh=1")]).collect();
        let plan = hop.run(Role::Inbound, &sent);
        assert_eq!(edits(&plan)["tracestate"], None);
        let (name, value) = ticket_of(&plan, "baggage");
        let plan = hop.run(Role::Outbound, &[TRACE, (name, &value)]);
        assert_eq!(tenant_of(&hop, &plan).as_deref(), Some("\"t1\""));
    }
}

#[test]
fn on_a_miss_the_next_id_is_tried() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let context = hop.mesh_context(&[("tenant", "\"t1\"")]);
    let b3 = ("b3", "0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1");
    hop.run(Role::Inbound, &[TRACE, b3, ("x-request-id", "r"), ("x-mesh-context", &context)]);
    let own = ("traceparent", "00-11111111111111111111111111111111-00f067aa0ba902b7-01");
    for (sent, by) in [(vec![own, ("x-request-id", "r")], "x-request-id"), (vec![own, b3], "b3"), (vec![b3], "b3")] {
        let plan = hop.run(Role::Outbound, &sent);
        assert_eq!(tenant_of(&hop, &plan).as_deref(), Some("\"t1\""), "{sent:?}");
        assert_eq!(plan.report.recalled_by, by);
    }
}

#[test]
fn headers_that_are_read_as_carriers_are_taken_out_in_every_role() {
    let mut tables = tables();
    add_attribute(&mut tables, Attribute::Header("x-plan".into()));
    for role in [Role::Inbound, Role::Outbound, Role::Gateway, Role::Egress] {
        let hop = Hop::new(&tables, "a", PEER_B);
        let sent =
            [TRACE, ("x_tenant", "1"), ("x_tenant", "2"), ("x.b3.traceid", "3"), ("x_plan", "4"), ("x_other", "5")];
        let plan = hop.run(role, &sent);
        let edits = edits(&plan);
        for name in ["x_tenant", "x.b3.traceid", "x_plan"] {
            assert_eq!(edits.get(name), Some(&None), "{role:?} {name}");
        }
        assert!(!edits.contains_key("x_other") && !edits.contains_key("traceparent"), "{role:?}: {edits:?}");
        let aliases = plan.counters.iter().filter(|counter| **counter == Counter::HeaderAlias).count();
        assert_eq!(aliases, 3, "{role:?}");
        for problem in ["x-tenant: alias", "x-b3-traceid: alias", "x-plan: alias"] {
            assert!(problems(&plan).iter().any(|known| known == problem), "{role:?}: {:?}", problems(&plan));
        }
    }
}

#[test]
fn aliases_in_baggage_are_taken_out_and_counted_in_every_role() {
    for role in [Role::Inbound, Role::Outbound, Role::Gateway, Role::Egress] {
        let hop = Hop::new(&tables(), "a", PEER_B);
        let plan = hop.run(role, &[TRACE, ("baggage", "%74enant=evil,k=v")]);
        assert!(shows(&plan, "baggage", "k=v"), "{role:?}");
        assert!(plan.counters.contains(&Counter::HeaderAlias), "{role:?}");
        assert!(problems(&plan).contains(&"baggage: alias".to_owned()), "{role:?}");
    }
}

#[test]
fn white_space_around_a_value_makes_it_invalid_before_anything_is_decided() {
    let hop = Hop::new(&tables(), "a", PEER_B);
    let context = hop.mesh_context(&[("user", "\"admin \"")]);
    for sent in [("x-mesh-context", context.as_str()), ("baggage", "user=admin%20"), ("x-user", "admin ")] {
        let plan = hop.run(Role::Inbound, &[TRACE, sent]);
        assert_eq!(problems(&plan), ["user: unpresentable"], "{sent:?}");
        assert!(plan.counters.contains(&Counter::FieldInvalid), "{sent:?}");
        assert!(plan.report.fields.iter().all(|field| field != "user"), "{sent:?}");
        assert!(edits(&plan).get("x-user").is_none_or(Option::is_none), "{sent:?}");
    }
}

#[test]
fn trailers_hold_no_carriers() {
    let mut tables = tables();
    add_attribute(&mut tables, Attribute::Header("x-plan".into()));
    let workload = Workload::new(verified(&tables), "a");
    let sent: [(&[u8], &[u8]); 9] = [
        (b"x-tenant", b"1"),
        (b"x-tenant", b"2"),
        (b"x_user", b"3"),
        (b"baggage", b"k=v"),
        (b"x-mesh-context", b"{}"),
        (b"traceparent", b"4"),
        (b"x-plan", b"5"),
        (b"grpc-status", b"0"),
        (b"x-checksum", b"6"),
    ];
    let plan = trailers(&workload, Role::Inbound, &Headers::new(sent.to_vec()));
    let gone: Vec<_> = edits(&plan).into_keys().collect();
    assert_eq!(gone, ["baggage", "traceparent", "x-mesh-context", "x-plan", "x-tenant", "x_user"]);
    assert_eq!(plan.counters, [Counter::TrailerDropped; 6]);
    assert_eq!(problems(&plan)[..2], ["x-tenant: trailer", "x-user: trailer"]);
}

#[test]
fn older_kinds_of_baggage_hold_none_of_our_fields() {
    for role in [Role::Inbound, Role::Outbound, Role::Gateway, Role::Egress] {
        let hop = Hop::new(&tables(), "a", PEER_B);
        let sent = [
            TRACE,
            ("correlation-context", "tenant=evil, k=v"),
            ("jaeger-baggage", "k=v, l=w"),
            ("uberctx-user", "evil"),
            ("uberctx-color", "blue"),
        ];
        let plan = hop.run(role, &sent);
        let edits = edits(&plan);
        assert_eq!(edits["correlation-context"], Some("k=v".into()), "{role:?}");
        assert_eq!(edits["uberctx-user"], None, "{role:?}");
        assert!(!edits.contains_key("jaeger-baggage") && !edits.contains_key("uberctx-color"), "{role:?}: {edits:?}");
        assert_eq!(plan.counters.iter().filter(|counter| **counter == Counter::HeaderAlias).count(), 2, "{role:?}");
    }
}

#[test]
fn from_a_peer_with_a_filter_only_what_its_proxy_attached_counts() {
    let z = "spiffe://acme.corp/ns/default/sa/z";
    let stranger = "spiffe://acme.corp/ns/default/sa/stranger";
    let attached = ("x-mesh-context", "{\"tenant\":\"t1\"}");
    let past = [("x-user", "u"), ("baggage", "tenant=evil,k=v")];
    // The peer, what it sends, the fields that count, and the carriers that do not.
    let cases: [(&str, Vec<(&str, &str)>, &[&str], &[&str]); 6] = [
        (z, vec![attached], &["tenant", "caller"], &[]),
        (z, vec![attached, past[0], past[1]], &["tenant", "caller"], &["baggage", "x-user"]),
        (z, past.to_vec(), &["caller"], &["baggage", "x-user"]),
        (z, vec![("x-mesh-context", "broken"), past[0]], &["caller"], &["x-user"]),
        (PEER_B, past.to_vec(), &["tenant", "user", "caller"], &[]),
        (stranger, vec![attached, past[0]], &[], &["x-mesh-context", "x-user"]),
    ];
    for (peer, sent, counts, dropped) in cases {
        let hop = Hop::new(&tables(), "a", peer);
        let plan = hop.run(Role::Inbound, &[vec![TRACE], sent.clone()].concat());
        assert!(plan.report.fields.iter().eq(counts.iter().copied()), "{peer} {sent:?}: {:?}", plan.report.fields);
        assert!(plan.report.dropped.iter().eq(dropped.iter().copied()), "{peer} {sent:?}: {:?}", plan.report.dropped);
        assert_eq!(plan.counters.contains(&Counter::CarrierUntrusted), !dropped.is_empty(), "{peer} {sent:?}");
    }
    // If the mesh does not list the services without a filter, a peer that attaches no context counts as one.
    let mut open = tables();
    open.mesh.peers_without_filter = None;
    let hop = Hop::new(&open, "a", z);
    for (sent, user) in [(vec![past[0]], true), (vec![attached, past[0]], false)] {
        let plan = hop.run(Role::Inbound, &[vec![TRACE], sent].concat());
        assert_eq!(plan.report.fields.contains("user"), user);
    }
}

#[test]
fn without_a_record_a_protected_field_counts_only_from_its_origin() {
    let mut tables = tables();
    let own = ("traceparent", "00-11111111111111111111111111111111-00f067aa0ba902b7-01");
    let said = [own, ("x-tenant", "t9"), ("x-user", "u9")];
    for (origin, tenant) in [(vec![], None), (vec!["b"], None), (vec!["a"], Some("\"t9\""))] {
        tables.fields[1].origin = origin.iter().map(|service: &&str| (*service).to_owned()).collect();
        let hop = Hop::new(&tables, "a", PEER_B);
        let arrived = hop.mesh_context(&[("tenant", "\"t1\"")]);
        hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &arrived)]);
        let plan = hop.run(Role::Outbound, &said);
        let attached = hop.attached(&plan);
        assert_eq!((attached.get("tenant").map(String::as_str), attached["user"].as_str()), (tenant, "\"u9\""));
        assert_eq!(plan.counters.contains(&Counter::FieldUnbelieved), tenant.is_none());
        assert_eq!(problems(&plan).contains(&"tenant: unbelieved".to_owned()), tenant.is_none());
        // With an exact match of the request of its trace, the remembered value counts.
        let plan = hop.run(Role::Outbound, &[TRACE, said[1], said[2]]);
        assert_eq!(hop.attached(&plan)["tenant"], "\"t1\"");
        // With one of two requests of a trace, only the fields that both have count.
        let other = hop.mesh_context(&[("tenant", "\"t2\"")]);
        hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &other)]);
        let plan = hop.run(Role::Outbound, &[TRACE, said[1]]);
        assert_eq!(hop.attached(&plan).get("tenant").map(String::as_str), tenant);
    }
}

#[test]
fn nothing_leaves_with_a_call_to_no_service_of_the_mesh() {
    // The cluster that the call is routed to, and whether the context is sent.
    for (cluster, goes) in [
        ("b", true),
        ("outbound|80||b.shop.svc.cluster.local", true),
        ("api.partner.example", false),
        ("outbound|443||b.x.svc.evil.example", false),
        ("PassthroughCluster", false),
    ] {
        let mut hop = Hop::new(&tables(), "a", PEER_B);
        hop.host.attributes.insert("xds.cluster_name".to_owned(), cluster.as_bytes().to_vec());
        let value = hop.mesh_context(&[("tenant", "\"t1\"")]);
        let arrived = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
        let (name, ticket) = ticket_of(&arrived, "baggage");
        let sent = [TRACE, ("tracestate", "cmesh=1,k=v"), (name, &format!("{ticket},tenant=t1,k=v")), ("x-user", "u")];
        let plan = hop.run(Role::Outbound, &sent);
        assert_eq!(plan.refusal, None);
        if goes {
            assert_eq!(hop.attached(&plan)["tenant"], "\"t1\"", "{cluster}");
            continue;
        }
        let edits = edits(&plan);
        assert_eq!(edits.get("x-mesh-context"), None, "{cluster}");
        assert_eq!((&edits["x-user"], edits["baggage"].as_deref()), (&None, Some("k=v")), "{cluster}");
        assert_eq!(edits["tracestate"].as_deref(), Some("k=v"), "{cluster}");
        assert_eq!(plan.counters, [Counter::LeftMesh], "{cluster}");
        assert_eq!(plan.report.stayed, ["tenant", "user"], "{cluster}");
        assert!(plan.report.fields.is_empty());
    }
}

#[test]
fn behind_the_router_only_what_has_changed_is_changed() {
    let mut tables = tables();
    tables.fields[2].residency = vec!["us".to_owned()];
    let mut hop = Hop::new(&tables, "a", PEER_B);
    hop.host.attributes.insert("xds.listener_direction".to_owned(), 2_i64.to_le_bytes().to_vec());
    let attached = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
    let sent = [TRACE, ("x-mesh-context", attached.as_str()), ("tracestate", "k=v"), ("baggage", "k=v")];
    // The cluster that is really called, the fields that are sent there, and the number of edits.
    for (cluster, fields, count) in [("b", &["tenant", "user"][..], 0), ("z", &["tenant"], 1), ("elsewhere", &[], 1)] {
        hop.host.attributes.insert("xds.cluster_name".to_owned(), cluster.as_bytes().to_vec());
        let plan = hop.run(Role::Upstream, &sent);
        assert_eq!((plan.refusal.as_ref(), plan.edits.len()), (None, count), "{cluster}: {:?}", plan.edits);
        assert_eq!(plan.counters.contains(&Counter::LeftMesh), fields.is_empty());
        let after = match edits(&plan).get("x-mesh-context") {
            None => Some(attached.clone()),
            Some(changed) => changed.clone(),
        };
        let Some(after) = after else {
            assert!(fields.is_empty(), "{cluster}");
            continue;
        };
        let header = mesh_header::decode(after.as_bytes(), hop.workload.program().words()).unwrap();
        assert!(header.context.iter().map(|(name, _)| name).eq(fields.iter().copied()), "{cluster}");
        let again = hop.run(Role::Upstream, &[sent[0], ("x-mesh-context", &after), sent[2], sent[3]]);
        assert_eq!(again.edits, [], "{cluster}: a second try");
    }
    hop.host.attributes.insert("xds.cluster_name".to_owned(), b"b".to_vec());
    let plan = hop.run(Role::Upstream, &[TRACE, ("tracestate", "cmesh=1,k=v"), ("x-mesh-context", &attached)]);
    assert_eq!(edits(&plan)["tracestate"].as_deref(), Some("k=v"), "a tracer brought a ticket back");
    // On the way to the application, the ticket is written again, next to a valid traceparent.
    hop.host.attributes.insert("xds.listener_direction".to_owned(), 1_i64.to_le_bytes().to_vec());
    let ticket = "9c41d2e7.9f8e7d6c5b4a3f2e1d0c9b8a";
    let baggage = format!("cmesh.ticket={ticket},tenant=t1");
    let shown = [("baggage", baggage.as_str()), ("tracestate", "cmesh=old,k=v"), ("x-tenant", "t1")];
    let plan = hop.run(Role::Upstream, &[&[TRACE], &shown[..]].concat());
    let expected = format!("cmesh={ticket},k=v");
    assert_eq!((plan.edits.len(), edits(&plan)["tracestate"].as_deref()), (1, Some(expected.as_str())));
    let again = hop.run(Role::Upstream, &[TRACE, shown[0], ("tracestate", &expected), shown[2]]);
    assert_eq!(again.edits, []);
    let plan = hop.run(Role::Upstream, &shown);
    assert_eq!(edits(&plan)["tracestate"].as_deref(), Some("k=v"), "no library reads it without a traceparent");
}

/// The proxy follows a redirect itself: the call comes back as it was sent.
#[test]
fn a_call_that_an_internal_redirect_brings_back_is_masked_once() {
    let mut tables = tables();
    let add = |tables: &mut Tables, effect: Effect, condition: Option<ProgramIndex>| {
        let index = RuleIndex(tables.rules.len() as u32);
        tables.rules.push(RuleTable { condition, ..rule("all/out/rule", effect) });
        tables.services[0].entry.outbound.push(index);
    };
    let to_z = {
        let destination = add_attribute(&mut tables, Attribute::Destination(DestinationPart::Service));
        let z = add_string(&mut tables, "z");
        Some(add_program(&mut tables, &[Op::Attr(destination), Op::Const(z), Op::Eq(0)]))
    };
    let mask = Effect::Mask { fields: vec!["user".into()], method: MaskMethod::Pseudonym };
    add(&mut tables, mask, None);
    add(&mut tables, Effect::Redact { fields: vec!["tenant".into()] }, to_z);
    let secret = crate::mask::PseudonymSecret::new(&[7; 32]).unwrap();
    let mut hop = Hop::new(&tables, "a", PEER_B);
    hop.workload = Workload::new(verified(&tables), "a").with_pseudonyms(secret);
    let arrived = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
    hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &arrived)]);
    let first = hop.run(Role::Outbound, &[TRACE]);
    let (sent, call) = (edits(&first)["x-mesh-context"].clone().unwrap(), first.call);
    let masked = hop.attached(&first);
    assert!(masked["user"] != "\"u1\"" && masked["tenant"] == "\"t1\"");
    drop(first);
    let again = hop.run(Role::Outbound, &[TRACE, ("x-mesh-context", &sent)]);
    assert_eq!(again.edits, [], "to the same service: as it is");
    drop(again);
    // For another service, its rules apply to the context that they would have seen at first.
    hop.host.attributes.insert("xds.cluster_name".to_owned(), b"z".to_vec());
    let at_once = hop.attached(&hop.run(Role::Outbound, &[TRACE]));
    let sent = sent.as_str();
    hop.host.attributes.insert("xds.listener_direction".to_owned(), 2_i64.to_le_bytes().to_vec());
    for role in [Role::Outbound, Role::Upstream] {
        let other = hop.attached(&hop.run(role, &[TRACE, ("x-mesh-context", sent)]));
        assert_eq!((other.get("tenant"), &other), (None, &at_once), "{role:?}");
        assert!(other["user"] != "\"u1\"" && other["user"] != masked["user"], "{other:?}");
    }
    // After the call has ended, its context is not trusted any more: anyone could have copied it.
    hop.host.attributes.insert("xds.cluster_name".to_owned(), b"b".to_vec());
    // The call passed twice.
    hop.requests.end_call(call.unwrap(), NOW);
    hop.requests.end_call(call.unwrap(), NOW);
    let late = hop.run_at(Role::Outbound, &[("x-mesh-context", sent)], NOW + 10_000);
    assert!(problems(&late).contains(&"tenant: unbelieved".to_owned()), "{:?}", problems(&late));
    drop(late);
    // A context that the application changed is not recognised. The remembered value is masked once.
    hop.host.attributes.insert("xds.cluster_name".to_owned(), b"b".to_vec());
    let made = hop.mesh_context(&[("caller", "\"a\""), ("tenant", "\"t1\""), ("user", "\"u2\"")]);
    let plan = hop.run(Role::Outbound, &[TRACE, ("x-mesh-context", &made)]);
    assert_ne!(hop.attached(&plan)["user"], "\"u2\"");
}

/// The decision must be the one for the service that is really called, whatever the filter before the router saw.
#[test]
fn behind_the_router_a_call_to_another_service_is_decided_on_again() {
    let mut tables = tables();
    let destination = add_attribute(&mut tables, Attribute::Destination(DestinationPart::Service));
    let z = add_string(&mut tables, "z");
    let to_z = add_program(&mut tables, &[Op::Attr(destination), Op::Const(z), Op::Eq(0)]);
    let reply = Reply { status: 451, grpc_status: 7, ..Reply::default() };
    tables.rules.push(RuleTable { condition: Some(to_z), ..rule("all/out/no-z", Effect::Deny(reply)) });
    tables.services[0].entry.outbound.push(RuleIndex(0));
    let outbound = 2_i64.to_le_bytes().to_vec();
    // The caller, the cluster of the first route and the real one, and the answer instead of the service's.
    for (service, first, real, status) in [
        ("a", "b", "b", None),
        ("a", "b", "z", Some(451)),
        ("a", "z", "b", Some(451)),
        ("edge", "b", "b", None),
        ("edge", "b", "z", Some(403)),
    ] {
        let mut tables = tables.clone();
        tables.mesh.gateways = vec!["edge".to_owned()];
        let mut hop = Hop::new(&tables, service, PEER_B);
        hop.routing = Routing::Upstream;
        hop.host.attributes.insert("xds.listener_direction".to_owned(), outbound.clone());
        hop.host.attributes.insert("xds.cluster_name".to_owned(), first.as_bytes().to_vec());
        let role = if service == "a" { Role::Outbound } else { Role::Gateway };
        let plan = hop.run(role, &[TRACE]);
        let sent = match &plan.refusal {
            None => edits(&plan)["x-mesh-context"].clone().unwrap(),
            Some(refusal) => {
                assert_eq!(Some(refusal.reply.status), status);
                continue;
            }
        };
        drop(plan);
        hop.host.attributes.insert("xds.cluster_name".to_owned(), real.as_bytes().to_vec());
        let plan = hop.run(Role::Upstream, &[TRACE, ("x-mesh-context", &sent)]);
        assert_eq!(plan.refusal.as_ref().map(|refusal| refusal.reply.status), status, "{service} {first} {real}");
        assert_eq!(plan.counters.contains(&Counter::RouteChanged), first != real);
    }
}

#[test]
fn routes_see_what_the_mesh_says_and_the_router_takes_it_away() {
    let mut tables = tables();
    tables.fields[1].routed = true;
    let header = tables.fields[1].header.clone().unwrap();
    let header = header.as_str();
    assert!(tables.fields[1].is_protected());
    // What is known about the routes, what the application sent, the value that the header is set to (`None` is no
    // edit), and the refusal.
    for (routing, sent, becomes, refused) in [
        (Routing::Fixed, None, None, false),
        (Routing::Fixed, Some("t1"), Some(None), false),
        (Routing::Upstream, None, Some(Some("t1")), false),
        (Routing::Upstream, Some("t1"), None, false),
        (Routing::Upstream, Some("t9"), Some(Some("t1")), false),
        (Routing::Unknown, None, None, false),
        (Routing::Unknown, Some("t1"), None, false),
        (Routing::Unknown, Some("t9"), None, true),
    ] {
        let mut hop = Hop::new(&tables, "a", PEER_B);
        hop.routing = routing;
        let arrived = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
        hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &arrived)]);
        let mut headers = vec![TRACE];
        headers.extend(sent.map(|sent| (header, sent)));
        let plan = hop.run(Role::Outbound, &headers);
        let case = format!("{routing:?} {sent:?}");
        assert_eq!(
            plan.refusal.as_ref().map(|refusal| refusal.cause.as_str()),
            refused.then_some("mesh route"),
            "{case}"
        );
        assert_eq!(plan.counters.contains(&Counter::RouteUncertain), refused, "{case}");
        let becomes = becomes.map(|value: Option<&str>| value.map(str::to_owned));
        assert_eq!(edits(&plan).get(header).cloned(), becomes, "{case}");
        if let (Routing::Upstream, Some(attached)) = (routing, edits(&plan).get("x-mesh-context").cloned().flatten()) {
            drop(plan);
            hop.host.attributes.insert("xds.listener_direction".to_owned(), 2_i64.to_le_bytes().to_vec());
            let plan = hop.run(Role::Upstream, &[TRACE, ("x-mesh-context", &attached), (header, "t1")]);
            assert_eq!(edits(&plan), [(header.to_owned(), None)].into(), "{case}");
        }
    }
}

/// A mirrored call, or a call of a sender that does not know the field's region yet, may bring a field to a place where
/// it must not be.
#[test]
fn a_field_that_arrives_in_another_region_goes_no_further() {
    let mut tables = tables();
    let region = |tables: &Tables, service: &str| {
        crate::destination::of_service(service, tables).map(|found| found.region.to_owned()).unwrap()
    };
    let (here, there) = (region(&tables, "a"), region(&tables, "z"));
    for (residency, arrives) in [(&here, true), (&there, false)] {
        tables.fields[2].residency = vec![residency.clone()];
        let hop = Hop::new(&tables, "a", PEER_B);
        let value = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
        let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
        assert_eq!(edits(&plan).contains_key("x-user"), arrives, "{residency}");
        assert_eq!(plan.report.kept_in_region.contains(&"user"), !arrives);
        drop(plan);
        let plan = hop.run(Role::Outbound, &[TRACE]);
        assert_eq!(hop.attached(&plan).contains_key("user"), arrives, "nor with the calls for it");
    }
}

#[test]
fn of_several_regions_all_count_unless_the_proxy_names_one() {
    let mut tables = tables();
    for service in &mut tables.services {
        service.regions = vec!["eu".to_owned(), "us".to_owned()];
    }
    // Where the field may go, the locality of the proxy, and whether the field arrives and goes on to another service.
    for (residency, locality, arrives, goes_on) in [
        (&["eu", "us"][..], "", true, true),
        (&["eu", "us"], "eu", true, true),
        (&["eu"], "eu", true, false),
        (&["eu"], "us", false, false),
        (&["eu"], "", false, false),
        (&["eu"], "asia", false, false),
    ] {
        tables.fields[2].residency = residency.iter().map(|region| (*region).to_owned()).collect();
        let mut hop = Hop::new(&tables, "a", PEER_B);
        hop.workload = Workload::new(verified(&tables), "a").in_region(locality);
        assert_eq!(hop.workload.unclear_regions().is_some(), !["eu", "us"].contains(&locality), "{locality}");
        let value = hop.mesh_context(&[("tenant", "\"t1\""), ("user", "\"u1\"")]);
        let plan = hop.run(Role::Inbound, &[TRACE, ("x-mesh-context", &value)]);
        assert_eq!(edits(&plan).contains_key("x-user"), arrives, "{residency:?} {locality}");
        drop(plan);
        let plan = hop.run(Role::Outbound, &[TRACE]);
        assert_eq!(hop.attached(&plan).contains_key("user"), goes_on, "{residency:?} {locality}");
    }
}

/// Filters before ours in a gateway, such as RBAC, decide on the route that the client's own header chose.
#[test]
fn a_client_cannot_choose_a_route_by_the_header_of_a_field() {
    let mut tables = tables();
    tables.mesh.gateways = vec!["edge".to_owned()];
    let made = add_string(&mut tables, "t1");
    let value = add_program(&mut tables, &[Op::Const(made)]);
    tables.services.push(crate::tables::ServiceTable { name: "edge".into(), ..tables.services[0].clone() });
    tables.services.sort_by(|a, b| a.name.cmp(&b.name));
    add_inbound(&mut tables, "edge", rule("mint", Effect::Set { fields: vec![("tenant".into(), value)] }));
    tables.fields[1].routed = true;
    // What is known about the routes, what the client sends, and whether the request is refused.
    for (routing, header, sent, refused) in [
        (Routing::Upstream, "x-tenant", "t1", false),
        (Routing::Upstream, "x-tenant", "t9", true),
        (Routing::Upstream, "x-user", "u9", false),
        (Routing::Unknown, "x-tenant", "t1", false),
        (Routing::Unknown, "x-user", "u9", true),
        (Routing::Unknown, "x-other", "o", false),
        (Routing::Unknown, "x-mesh-context", "{}", false),
        (Routing::Fixed, "x-tenant", "t9", false),
    ] {
        let mut hop = Hop::new(&tables, "edge", "");
        hop.routing = routing;
        let plan = hop.run(Role::Gateway, &[TRACE, (header, sent)]);
        let cause = plan.refusal.as_ref().map(|refusal| refusal.cause.as_str());
        assert_eq!(cause, refused.then_some("mesh route"), "{routing:?} {header}: {sent}");
    }
}
