//! Recall: the request that a call is made for, with applications that forward tickets, one id, or nothing.

use std::thread;
use std::time::Duration;

use context_mesh_e2e::client::{Endpoint, Request, Response};
use context_mesh_e2e::envoy::StartingEnvoy;
use context_mesh_e2e::envoy_binary;
use context_mesh_e2e::filter_config;
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{As, Mesh, PushOutcome};
use context_mesh_e2e::opentelemetry;
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::ports::ReservedPort;
use context_mesh_e2e::topology::Role;
use serde_json::{Value, json};

use crate::support::*;

/// The headers that `front` forwards: those of OpenTelemetry, one carrier alone, one id, or nothing at all.
const LIBRARY: &str = "forward.front=traceparent,tracestate,baggage";
const ONLY_TRACESTATE: &str = "forward.front=traceparent,tracestate";
const ONLY_BAGGAGE: &str = "forward.front=traceparent,baggage";
const ONLY_TRACEPARENT: &str = "forward.front=traceparent";
const NOTHING: &str = "forward.front=";

/// Number of requests of one trace, in total and at a time.
const REQUESTS: (usize, usize) = (300, 16);
const ALL_REQUESTS: (usize, usize) = (10_000, 64);

/// Returns a request of the usual trace for this tenant. The query controls what `front` does.
fn of_tenant(tenant: &str, query: &str) -> Request {
    get(&format!("/?{query}")).header("x-mesh-context", format!(r#"{{"tenant_id":"{tenant}","user_id":"same"}}"#))
}

/// Returns the mesh of two services, with additional settings of the mesh.
fn pair_that(settings: &str, workers: u32) -> Mesh {
    pair_with(&tree_that(settings), workers)
}

fn tree_that(settings: &str) -> String {
    MESH.replacen("  trustDomain: pair.example\n", &format!("  trustDomain: pair.example\n{settings}"), 1)
}

fn at_back(response: &Response) -> Value {
    saw(response, "back", "x-tenant-id")
}

/// Every request has a different tenant. `right` checks what `back` may see for it.
fn one_trace(
    mesh: &Mesh,
    (requests, connections): (usize, usize),
    query: &'static str,
    right: fn(&Value, &str) -> bool,
) {
    let load = Load { requests, connections, limit: Duration::from_secs(600) };
    let report = mesh
        .load(
            &peer(mesh, "front"),
            load,
            move |n| of_tenant(&format!("t{n}"), query),
            move |n, response| {
                let (tenant, found) = (format!("t{n}"), at_back(response));
                let fine = response.status == 200 && right(&found, &tenant);
                if fine { Ok(()) } else { Err(format!("{tenant} went on as {found} ({})", response.status)) }
            },
        )
        .unwrap();
    assert_eq!((report.answered(), report.failures), (requests, Vec::new()), "{query}");
}

fn many_requests_of_one_trace(count: (usize, usize)) {
    let mesh = pair_that("", 2);
    for query in [LIBRARY, ONLY_TRACESTATE, ONLY_BAGGAGE] {
        one_trace(&mesh, count, query, |found, tenant| found == tenant);
    }
    for query in [ONLY_TRACEPARENT, NOTHING] {
        one_trace(&mesh, count, query, |found, tenant| found.is_null() || found == tenant);
    }
    assert!(counter(&mesh, "front", "recall_ambiguous") > 0);
    assert_eq!(counter(&mesh, "front", "ticket_conflict") + counter(&mesh, "front", "recall_dead"), 0);
    assert_no_trap(&mesh);
}

#[test]
fn requests_of_one_trace_never_carry_anothers_context() {
    many_requests_of_one_trace(REQUESTS);
}

#[test]
#[ignore = "takes minutes: `make prove` runs it"]
fn prove_that_10000_requests_of_one_trace_never_carry_anothers_context() {
    many_requests_of_one_trace(ALL_REQUESTS);
}

/// The application is instrumented by OpenTelemetry's own libraries, as described in their documentation.
fn many_requests_through_opentelemetry(count: (usize, usize)) {
    let application = opentelemetry::application().unwrap();
    let mesh = pair_built(MESH, |mesh| mesh.concurrency(2).application("front", application));
    one_trace(&mesh, count, "", |found, tenant| found == tenant);
    // Without a trace in the request: the library starts one, and baggage carries the ticket.
    let load = Load { requests: count.0 / 10, connections: count.1, limit: Duration::from_secs(600) };
    let request = |n: usize| Request::get("/").header("x-mesh-context", format!(r#"{{"tenant_id":"t{n}"}}"#));
    let check = |n: usize, response: &Response| {
        let found = at_back(response);
        if found == format!("t{n}") { Ok(()) } else { Err(format!("t{n} went on as {found}")) }
    };
    let report = mesh.load(&peer(&mesh, "front"), load, request, check).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    assert_no_trap(&mesh);
}

#[test]
fn requests_of_one_trace_through_opentelemetry_carry_their_own_contexts() {
    many_requests_through_opentelemetry(REQUESTS);
}

#[test]
#[ignore = "takes a minute: `make prove` runs it"]
fn prove_that_10000_requests_of_one_trace_through_opentelemetry_carry_their_own_contexts() {
    many_requests_through_opentelemetry(ALL_REQUESTS);
}

/// A victim's request is open. An attacker with another tenant refers to the victim's trace in several ways.
#[test]
fn who_names_the_trace_of_another_gets_nothing_of_his() {
    const VICTIM: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "00f067aa0ba902b7";
    let victim = format!("00-{VICTIM}-{SPAN}-01");
    let b3 = format!("{VICTIM}-{SPAN}-1");
    let mesh = pair_that("", 2);
    // The headers that the attacker sends, and those that its application forwards.
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("traceparent", TRACE), ("b3", &b3)], "b3"),
        (&[("traceparent", TRACE), ("x-b3-traceid", VICTIM), ("x-b3-spanid", SPAN)], "x-b3-traceid,x-b3-spanid"),
        (&[("traceparent", &victim)], "traceparent"),
        (&[("traceparent", &victim), ("traceparent", TRACE)], "traceparent"),
        (&[("traceparent", TRACE), ("x-request-id", "victim")], "x-request-id"),
        (&[("traceparent", TRACE), ("uber-trace-id", "af7651916cd43dd8448eb211c80319c:1:0:1")], "uber-trace-id"),
    ];
    for (sent, forwarded) in cases {
        thread::scope(|scope| {
            let open = scope.spawn(|| {
                let request = Request::get(&format!("/?wait.front=600&{LIBRARY}"))
                    .header("traceparent", victim.as_str())
                    .header("x-request-id", "victim")
                    .header("x-mesh-context", r#"{"tenant_id":"victim","user_id":"v"}"#);
                mesh.send(&peer(&mesh, "front"), request).unwrap()
            });
            thread::sleep(Duration::from_millis(250));
            let request = Request::get(&format!("/?forward.front={forwarded}"))
                .header("x-mesh-context", r#"{"tenant_id":"attacker","user_id":"a"}"#);
            let request = sent.iter().fold(request, |request, (name, value)| request.header(name, *value));
            let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
            for (header, own) in [("x-tenant-id", "attacker"), ("x-user-id", "a")] {
                let found = saw(&response, "back", header);
                assert!(found.is_null() || found == own, "{sent:?}: {header} is {found}");
            }
            let response = open.join().unwrap();
            assert_eq!(at_back(&response), "victim", "{sent:?}: his own ticket is his own");
        });
    }
    assert_no_trap(&mesh);
}

/// Without tickets, while another request of its trace is open, a call carries what both agree on, or is refused.
#[test]
fn what_an_ambiguous_id_recalls_the_mesh_says() {
    for (setting, status, user) in [
        ("", 200, Value::from("same")),
        ("  ambiguousRecall: none\n", 200, Value::Null),
        ("  ambiguousRecall: deny\n", 409, Value::Null),
    ] {
        let mesh = pair_that(setting, 2);
        thread::scope(|scope| {
            let open = scope.spawn(|| mesh.send(&peer(&mesh, "front"), of_tenant("t1", "wait.front=700")).unwrap());
            thread::sleep(Duration::from_millis(250));
            let response = mesh.send(&peer(&mesh, "front"), of_tenant("t2", "")).unwrap();
            let answer = response.json().unwrap();
            assert_eq!(answer["downstream_status"], status, "{setting}");
            let seen = &answer["downstream"]["saw"];
            assert_eq!((&seen["x-tenant-id"], &seen["x-user-id"]), (&Value::Null, &user), "{setting}");
            open.join().unwrap();
        });
        assert!(counter(&mesh, "front", "recall_ambiguous") >= 1);
    }
}

/// A call after the end of its request carries the context within the grace period. After that it carries nothing,
/// whatever ids it has.
#[test]
fn a_request_is_forgotten_after_its_grace() {
    let mesh = pair_that("  memory: {grace: 2s}\n", 1);
    let response = mesh.send(&peer(&mesh, "front"), of_tenant("t1", LIBRARY)).unwrap();
    let call = || {
        let request = get("/").header("baggage", saw(&response, "front", "baggage").as_str().unwrap());
        let request = request.header("tracestate", saw(&response, "front", "tracestate").as_str().unwrap());
        saw(&mesh.send(&mesh.outbound("front", "back").unwrap(), request).unwrap(), "back", "x-user-id")
    };
    // The application sends the tenant itself, so only the user shows whether the context was recalled.
    assert_eq!(call(), "same");
    thread::sleep(Duration::from_secs(3));
    let with_its_own_words = get("/").header("tracestate", saw(&response, "front", "tracestate").as_str().unwrap());
    let answer = mesh.send(&mesh.outbound("front", "back").unwrap(), with_its_own_words).unwrap();
    assert_eq!((at_back(&answer), saw(&answer, "back", "x-user-id")), (Value::Null, Value::Null));
    assert_eq!(counter(&mesh, "front", "recall_dead"), 1);
    let by_id = mesh.send(&mesh.outbound("front", "back").unwrap(), get("/")).unwrap();
    assert_eq!((at_back(&by_id), counter(&mesh, "front", "recall_miss")), (Value::Null, 1));
}

/// A request stays open longer than all times of the memory, while the policies are replaced and the memory gets other
/// limits.
#[test]
fn an_open_request_is_recalled_across_times_and_configurations() {
    let mesh = pair_that("  memory: {ttl: 4s, grace: 0s}\n", 2);
    let next = Policy::from_text(&tree_that("  memory: {ttl: 4s, grace: 0s, slots: 256, bytes: 16777216}\n")).unwrap();
    thread::scope(|scope| {
        let kinds = [LIBRARY, ONLY_TRACESTATE, ONLY_BAGGAGE, ONLY_TRACEPARENT];
        let open: Vec<_> = (0..4)
            .map(|n| {
                let (mesh, query) = (&mesh, kinds[n]);
                let trace = u32::try_from(n).unwrap();
                let request = get_in(trace, &format!("/?wait.front=7000&{query}"))
                    .header("x-mesh-context", format!(r#"{{"tenant_id":"t{n}"}}"#));
                scope.spawn(move || mesh.send(&peer(mesh, "front"), request).unwrap())
            })
            .collect();
        thread::sleep(Duration::from_secs(2));
        for role in [Role::Inbound, Role::Outbound] {
            let outcome = mesh.push_filter_config("front", role, &next.configuration("front", role)).unwrap();
            assert_eq!(outcome, PushOutcome::Accepted, "{role}");
        }
        for (n, open) in open.into_iter().enumerate() {
            assert_eq!(at_back(&open.join().unwrap()), format!("t{n}"), "{}", kinds[n]);
        }
    });
    assert_no_trap(&mesh);
}

/// A newer filter is loaded while requests are open. Their records belong to another virtual machine, and are recalled
/// nevertheless.
#[test]
fn an_open_request_is_recalled_across_a_newer_filter() {
    let mesh = pair_that("", 2);
    let policy = Policy::from_text(MESH).unwrap();
    let newer = mesh.folder().join("newer.wasm");
    let mut code = std::fs::read(policy::filter().unwrap()).unwrap();
    // A custom section: other bytes, the same program.
    code.extend_from_slice(b"\x00\x06\x05newer");
    std::fs::write(&newer, code).unwrap();
    thread::scope(|scope| {
        let kinds = [LIBRARY, ONLY_TRACESTATE, ONLY_BAGGAGE, ONLY_TRACEPARENT];
        let mesh = &mesh;
        let open: Vec<_> = (0..4)
            .map(|n| {
                let request = get_in(u32::try_from(n).unwrap(), &format!("/?wait.front=6000&{}", kinds[n]))
                    .header("x-mesh-context", format!(r#"{{"tenant_id":"t{n}"}}"#));
                scope.spawn(move || mesh.send(&peer(mesh, "front"), request).unwrap())
            })
            .collect();
        thread::sleep(Duration::from_secs(1));
        for role in [Role::Inbound, Role::Outbound] {
            let configuration = policy.configuration("front", role);
            let document = filter_config::discovery_response(&newer, &configuration, "newer").to_string();
            assert_eq!(mesh.push_filter_document("front", role, &document).unwrap(), PushOutcome::Accepted, "{role}");
        }
        // Requests of the newer filter, of the same traces.
        for n in 0..4 {
            let request = get_in(n, &format!("/?{LIBRARY}")).header("x-mesh-context", r#"{"tenant_id":"later"}"#);
            assert_eq!(at_back(&mesh.send(&peer(mesh, "front"), request).unwrap()), "later");
        }
        for (n, open) in open.into_iter().enumerate() {
            let (found, own) = (at_back(&open.join().unwrap()), format!("t{n}"));
            // The ticket recalls the request's own context. The id recalls nothing as long as the later request of the
            // trace is remembered.
            let exact = kinds[n] != ONLY_TRACEPARENT;
            assert!(found == own || (!exact && found.is_null()), "{}: {found}", kinds[n]);
        }
    });
    assert_no_trap(&mesh);
}

/// A full memory evicts nothing: a request for which there is no room is told so.
#[test]
fn a_full_memory_loses_nobody_and_says_whom_it_cannot_take() {
    // One worker may take 96 of 128 slots.
    let mesh = pair_that("  memory: {slots: 128, grace: 60s}\n  lostRecall: deny\n", 1);
    let send = |n: u32| {
        let request = get_in(n, &format!("/?{LIBRARY}")).header("x-mesh-context", format!(r#"{{"tenant_id":"t{n}"}}"#));
        mesh.send(&peer(&mesh, "front"), request).unwrap()
    };
    let first = send(0);
    for n in 1..96 {
        assert_eq!(at_back(&send(n)), format!("t{n}"));
    }
    for n in 96..100 {
        let answer = send(n).json().unwrap();
        assert_eq!(answer["downstream_status"], 503, "{answer}");
    }
    assert_eq!((counter(&mesh, "front", "remember_failed"), counter(&mesh, "front", "recall_lost")), (4, 4));
    // The first request is still remembered.
    let request = get_in(0, "/").header("tracestate", saw(&first, "front", "tracestate").as_str().unwrap());
    assert_eq!(at_back(&mesh.send(&mesh.outbound("front", "back").unwrap(), request).unwrap()), "t0");
}

/// A service calls itself through its own sidecar: the call has two tickets, and the second request counts.
#[test]
fn a_service_that_calls_itself_speaks_for_its_last_request() {
    let mesh = pair_that("", 2);
    let (front, out) = (peer(&mesh, "front"), mesh.outbound("front", "back").unwrap());
    let first = mesh.send(&front, of_tenant("t1", NOTHING)).unwrap();
    let member = |response: &Response, carrier: &str| saw(response, "front", carrier).as_str().unwrap().to_owned();
    let again = of_tenant("t2", NOTHING).header("tracestate", member(&first, "tracestate"));
    let second = mesh.send(&front, again).unwrap();
    assert_ne!(member(&first, "tracestate"), member(&second, "tracestate"));
    let both = get("/")
        .header("tracestate", member(&second, "tracestate"))
        .header("baggage", member(&first, "baggage").split(',').next().unwrap());
    assert_eq!(at_back(&mesh.send(&out, both).unwrap()), "t2");
    let other = mesh.send(&front, of_tenant("t3", NOTHING)).unwrap();
    let unrelated = get("/")
        .header("tracestate", member(&second, "tracestate"))
        .header("baggage", member(&other, "baggage").split(',').next().unwrap());
    assert_eq!(at_back(&mesh.send(&out, unrelated).unwrap()), Value::Null);
    assert_eq!(counter(&mesh, "front", "ticket_conflict"), 1);
}

/// A new Envoy takes over the sockets of the old one, but not its memory. The tickets of the old one's requests recall
/// nothing, even though the new one knows their trace. The new one's own requests are recalled.
#[test]
fn after_a_hot_restart_old_tickets_recall_nobody_else() {
    let mesh = pair_that("", 1);
    let folder = mesh.folder().join("front-again");
    let (inbound, outbound) = (ReservedPort::reserve().unwrap(), ReservedPort::reserve().unwrap());
    let bootstrap = std::fs::read_to_string(mesh.folder().join("front/envoy.yaml")).unwrap();
    let port = |endpoint: Endpoint| format!("port_value: {}", endpoint.address.port());
    let changed = bootstrap
        .replace(&port(mesh.inbound("front", As::Nobody).unwrap()), &format!("port_value: {}", inbound.port()))
        .replace(&port(mesh.outbound("front", "-").unwrap()), &format!("port_value: {}", outbound.port()));
    let mut arrives = peer(&mesh, "front");
    arrives.address = inbound.address();
    let calls = Endpoint::plain(outbound.address(), "back");
    // Below 2^15, as Envoy requires. The port is unique on this machine.
    let base_id = u32::from(inbound.port()) / 2;
    let start = |epoch: u32| {
        let folder = folder.join(epoch.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("envoy.yaml");
        std::fs::write(&file, &changed).unwrap();
        let binary = envoy_binary::find().unwrap();
        let envoy = StartingEnvoy::spawn_epoch("front-again", &binary, &file, &folder, base_id, epoch).unwrap();
        envoy.ready().unwrap()
    };
    let ticket = |tenant: &str| {
        let seen = saw(&mesh.send(&arrives, of_tenant(tenant, NOTHING)).unwrap(), "front", "tracestate");
        seen.as_str().unwrap().split(',').next().unwrap().to_owned()
    };
    let recalled = |ticket: &str| {
        let call = get("/").header("tracestate", ticket);
        at_back(&mesh.send(&calls, call).unwrap())
    };
    let old = start(0);
    let of_old = ticket("t1");
    assert_eq!(recalled(&of_old), "t1", "within the grace");
    let new = start(1);
    // The old one may serve a few connections until it stops listening. Its memory is separate.
    let taken_over = (0..100).find_map(|_| {
        let of_new = ticket("t2");
        let seen = (recalled(&of_old), recalled(&of_new));
        assert!(
            [Value::Null, json!("t1")].contains(&seen.0) && [Value::Null, json!("t2")].contains(&seen.1),
            "{seen:?}"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
        (seen == (Value::Null, json!("t2"))).then_some(of_new)
    });
    let of_new = taken_over.expect("the new one recalls its own requests, and none of the old one's");
    let dead = new.stats().unwrap().get("wasmcustom.context_mesh.recall_dead");
    assert!(dead >= 1, "{dead}");
    // The new one's statistics continue those of the old one. The old one ends by itself.
    drop(old);
    assert_eq!(recalled(&of_new), "t2");
}

/// Tickets of another process recall nothing, even if their trace id is known here.
#[test]
fn tickets_of_another_process_never_recall_another_request() {
    let (old, new) = (pair_that("", 1), pair_that("", 1));
    let before = old.send(&peer(&old, "front"), of_tenant("t1", NOTHING)).unwrap();
    new.send(&peer(&new, "front"), of_tenant("t2", NOTHING)).unwrap();
    for carrier in ["tracestate", "baggage"] {
        let value = saw(&before, "front", carrier);
        let member = value.as_str().unwrap().split(',').next().unwrap();
        let request = get("/").header(carrier, member);
        let response = new.send(&new.outbound("front", "back").unwrap(), request).unwrap();
        assert_eq!(at_back(&response), Value::Null, "{carrier}");
    }
    assert_eq!(counter(&new, "front", "recall_dead"), 2);
}

/// An untrusted peer neither replaces what is remembered of its trace, nor is it served as another one.
#[test]
fn a_peer_that_is_not_believed_wipes_nothing() {
    let mesh = pair_that("", 2);
    thread::scope(|scope| {
        let open = scope.spawn(|| {
            let request = of_tenant("t1", &format!("wait.front=700&{LIBRARY}"));
            mesh.send(&peer(&mesh, "front"), request).unwrap()
        });
        thread::sleep(Duration::from_millis(250));
        let stranger = mesh.inbound("front", As::Id("spiffe://pair.example/somebody")).unwrap();
        let response = mesh.send(&stranger, of_tenant("t2", "")).unwrap();
        assert_eq!(at_back(&response), Value::Null);
        assert_eq!(at_back(&open.join().unwrap()), "t1");
    });
}
