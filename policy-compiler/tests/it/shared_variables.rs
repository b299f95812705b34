//! Variables that the documents of a domain share.

use context_mesh_core::pipeline::Role;
use policy_compiler::{
    Compiled,
    check::model::{Request, World},
    report::source::Sources,
    run::{eval::Evaluator, recorded::input, simulate::Simulator},
};

use crate::support;

const MESH: &str = "\
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  domains:
    shop: {services: [checkout, cart], namespaces: [shop]}
    payments: {services: [ledger], namespaces: [payments]}
";

const WORDS: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: words, domain: shop}
spec:
  sharedVariables:
    - {name: method, expression: request.method}
    - {name: writes, expression: \"variables.method in ['POST', 'PUT']\"}
";

const MORE: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: more, domain: shop}
spec:
  workloads: [checkout]
  sharedVariables:
    - {name: admin, expression: request.url_path.startsWith('/admin')}
  rules:
    - {name: own, when: variables.admin && variables.writes, deny: {message: own}}
";

const GUARD: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guard, domain: shop}
spec:
  workloads: [cart]
  variables:
    - {name: both, expression: variables.writes && variables.admin}
  rules:
    - {name: both, when: variables.both, deny: {message: both}}
";

/// The same names mean something else in another domain.
const OTHER: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: words, domain: payments}
spec:
  workloads: [ledger]
  sharedVariables: [{name: writes, expression: request.method == 'DELETE'}]
  rules: [{name: deletes, when: variables.writes, deny: {message: deletes}}]
";

fn compiled(files: &[&str]) -> (Compiled, policy_compiler::check::model::Model) {
    let mut sources = Sources::new("t");
    for (number, text) in files.iter().enumerate() {
        sources.add(format!("{number}.yaml"), *text);
    }
    support::compiled(&sources)
}

/// Returns the message of the refusal.
fn refusal(compiled: &Compiled, workload: &str, method: &str, path: &str) -> Option<String> {
    let mut request = Request::new(workload, Role::Inbound);
    let headers = [(":method", method), (":path", path), (":authority", workload), (":scheme", "http")];
    request.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut simulator = Simulator::new(&compiled.artifact).unwrap();
    simulator.run(&request, None).unwrap().refusal.map(|refusal| refusal.message)
}

#[test]
fn all_policies_of_the_domain_see_them_in_any_order_of_the_files() {
    let orders =
        [[MESH, WORDS, MORE, GUARD, OTHER], [OTHER, GUARD, MORE, WORDS, MESH], [GUARD, WORDS, MESH, OTHER, MORE]];
    let rows = [
        ("cart", "POST", "/admin", Some("both")),
        ("cart", "GET", "/admin", None),
        ("cart", "POST", "/", None),
        ("cart", "DELETE", "/admin", None),
        ("checkout", "PUT", "/admin/x", Some("own")),
        ("checkout", "GET", "/admin", None),
        ("ledger", "DELETE", "/", Some("deletes")),
        ("ledger", "POST", "/", None),
    ];
    for files in orders {
        let (compiled, _) = compiled(&files);
        for (workload, method, path, expected) in rows {
            assert_eq!(refusal(&compiled, workload, method, path).as_deref(), expected, "{workload} {method} {path}");
        }
        // Slices have what they need.
        let slice = compiled.slice("cart").unwrap();
        assert!(Simulator::new(&slice.artifact).is_ok());
    }
}

#[test]
fn an_explanation_goes_into_them() {
    let (compiled, model) = compiled(&[MESH, WORDS, MORE, GUARD]);
    let world = World::new(&compiled.tables, &compiled.gateways);
    let text = r#"{"workload": "cart", "request": {"method": "POST", "path": "/admin"}}"#;
    let requests = input::requests("r.json", text, &world).unwrap();
    let mut evaluator = Evaluator::new(&compiled, &model).unwrap();
    let evaluation = evaluator.evaluate(&requests[0].request).unwrap();
    let shown = format!("{:?}", evaluation.runs);
    for part in ["variables.both", "variables.writes", "variables.admin", "request.url_path"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
