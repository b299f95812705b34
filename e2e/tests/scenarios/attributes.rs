//! Checks that the values that Envoy sends for each attribute are accepted in policy tests, in the same type and form.

use context_mesh_e2e::mesh::Mesh;
use policy_compiler::report::source::Sources;

use crate::support::*;

/// The expected form of a value.
enum Form {
    /// Exactly this.
    Is(&'static str),
    /// An IP address.
    Ip,
    /// An IP address with a port.
    Address,
    /// A number.
    Number,
    /// A point in time.
    Time,
    /// This number of hexadecimal digits.
    Hex(usize),
    /// A text that contains this.
    Has(&'static str),
    /// No value in this request.
    Absent,
}

/// All attributes, each with the CEL expression that converts it to text if it is not text.
const ATTRIBUTES: &[(&str, Form)] = &[
    ("request.path", Form::Is("/p/q?a=1&b=%20x&c=1&c=2")),
    ("request.url_path", Form::Is("/p/q")),
    ("request.query", Form::Is("a=1&b=%20x&c=1&c=2")),
    ("request.host", Form::Is("Back:80")),
    ("request.hostname", Form::Is("back")),
    ("request.method", Form::Is("GET")),
    ("request.scheme", Form::Is("https")),
    ("request.referer", Form::Is("https://r.example/")),
    ("request.useragent", Form::Is("agent/1")),
    ("request.id", Form::Has("-4")),
    ("request.headers['x-one']", Form::Is("1")),
    ("request.header_values['x-two'].join('+')", Form::Is("1+2")),
    ("request.query_params['a']", Form::Is("1")),
    ("'<' + request.query_params['b'] + '>'", Form::Is("< x>")),
    ("request.query_params['c']", Form::Absent),
    ("request.cookies['plan']", Form::Is("gold")),
    ("request.protocol", Form::Is("HTTP/1.1")),
    ("string(request.time)", Form::Time),
    ("source.address", Form::Address),
    ("source.ip", Form::Is("192.0.2.7")),
    ("source.direct_ip", Form::Is("127.0.0.1")),
    ("string(source.port)", Form::Number),
    ("destination.address", Form::Address),
    ("destination.ip", Form::Ip),
    ("string(destination.port)", Form::Number),
    ("destination.service", Form::Is("back")),
    ("destination.domain", Form::Is("all")),
    ("destination.region", Form::Absent),
    ("string(connection.id)", Form::Number),
    ("string(connection.mtls)", Form::Is("true")),
    // The client connects to an address, which is not a server name.
    ("connection.requested_server_name", Form::Absent),
    ("connection.tls_version", Form::Is("TLSv1.3")),
    ("connection.subject_local_certificate", Form::Has("back")),
    ("connection.subject_peer_certificate", Form::Has("client")),
    ("connection.dns_san_local_certificate", Form::Has("back")),
    ("connection.dns_san_peer_certificate", Form::Has("client")),
    ("connection.uri_san_local_certificate", Form::Is("spiffe://pair.example/ns/default/sa/back")),
    ("connection.uri_san_peer_certificate", Form::Is("spiffe://pair.example/ns/default/sa/client")),
    ("connection.sha256_peer_certificate_digest", Form::Hex(64)),
    ("peer.principal", Form::Is("spiffe://pair.example/ns/default/sa/client")),
    ("peer.service", Form::Is("client")),
    ("peer.domain", Form::Is("all")),
    ("peer.region", Form::Absent),
    ("peer.namespace", Form::Is("default")),
    ("peer.serviceAccount", Form::Is("client")),
    ("mesh.service", Form::Is("back")),
    ("mesh.domain", Form::Is("all")),
    ("mesh.region", Form::Absent),
    ("mesh.direction", Form::Is("inbound")),
];

/// Returns a tree in which `back` shows each attribute to its application as a header.
fn tree() -> String {
    let mut fields = String::new();
    let mut rules = String::new();
    for (at, (text, _)) in ATTRIBUTES.iter().enumerate() {
        fields += &format!("    a{at}: {{type: string, header: x-a{at}}}\n");
        rules += &format!("    - {{name: a{at}, set: {{a{at}: \"{text}\"}}}}\n");
    }
    format!(
        "{MESH}{fields}---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: attributes, domain: all}}\nspec:\n  workloads: [back]\n  rules:\n{rules}"
    )
}

fn found(mesh: &Mesh) -> Vec<Option<String>> {
    let request = get("/p/q?a=1&b=%20x&c=1&c=2")
        .header("host", "Back:80")
        .header("x-one", "1")
        .header("x-two", "1")
        .header("x-two", "2")
        .header("cookie", "plan=gold")
        .header("referer", "https://r.example/")
        .header("user-agent", "agent/1")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-for", "192.0.2.7");
    let response = mesh.send(&peer(mesh, "back"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let value = |at: usize| saw(&response, "back", &format!("x-a{at}")).as_str().map(str::to_owned);
    (0..ATTRIBUTES.len()).map(value).collect()
}

fn fits(form: &Form, value: Option<&str>) -> bool {
    let Some(value) = value else { return matches!(form, Form::Absent) };
    match form {
        Form::Is(text) => value == *text,
        Form::Ip => value.parse::<std::net::IpAddr>().is_ok(),
        Form::Address => value.parse::<std::net::SocketAddr>().is_ok(),
        Form::Number => value.parse::<u64>().is_ok(),
        Form::Time => value.starts_with("20") && value.contains('T') && value.ends_with('Z'),
        Form::Hex(digits) => value.len() == *digits && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Form::Has(text) => value.contains(text),
        Form::Absent => value.is_empty(),
    }
}

/// Returns the value as a test writes it for an attribute of the proxy, or `None` if it is derived from the rest of the
/// request.
fn as_fixture(text: &str) -> Option<&str> {
    let name = text.strip_prefix("string(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let own = name.starts_with("source.") || name.starts_with("connection.") || name == "request.protocol";
    let destination = ["destination.address", "destination.ip", "destination.port"].contains(&name);
    ((own || destination) && name != "connection.mtls" && name != "connection.uri_san_peer_certificate").then_some(name)
}

#[test]
fn every_attribute_has_the_form_that_tests_give_it() {
    let tree = tree();
    let mesh = pair_with(&tree, 1);
    let found = found(&mesh);
    let wrong: Vec<_> =
        ATTRIBUTES.iter().zip(&found).filter(|((_, form), value)| !fits(form, value.as_deref())).collect();
    let wrong: Vec<_> = wrong.into_iter().map(|((text, _), value)| (text, value)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut tests = String::new();
    let mut compared = 0;
    for (at, ((text, _), value)) in ATTRIBUTES.iter().zip(&found).enumerate() {
        let (Some(name), Some(value)) = (as_fixture(text), value) else { continue };
        let said = if text.starts_with("string(") { value.clone() } else { format!("\"{value}\"") };
        // One test for each, because an address and its parts are one attribute of the proxy.
        tests += &format!(
            "    - name: {name}\n      workload: back\n      role: inbound\n      request: {{attributes: {{{name}: {said}}}}}\n      expect: {{decision: allow, context: {{a{at}: \"{value}\"}}}}\n"
        );
        compared += 1;
    }
    assert_eq!(compared, 16, "what the proxy says and a test can say");
    let document = format!(
        "{tree}---\napiVersion: contextmesh.io/v1\nkind: PolicyTest\nmetadata: {{name: attributes, domain: all}}\nspec:\n  tests:\n{tests}"
    );
    let mut sources = Sources::new("policy");
    sources.add("policy.yaml", &*document);
    let (compiled, model) =
        policy_compiler::compile_with_model(&sources).unwrap_or_else(|found| panic!("{}", found.to_text(&sources)));
    let report = policy_compiler::run::testing::run(&compiled, &model, &[]).unwrap();
    let failed: Vec<_> = report.failed().map(|result| format!("{result:?}")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_no_trap(&mesh);
}
