//! How one request travelled: the reports of the filters, the observations of the applications, and the answer to the
//! client.

use std::collections::BTreeMap;

use policy_compiler::run::recorded::filter_report;
use serde_json::Value;

use super::{Sample, send};
use crate::client::Response;
use crate::error::{Error, Result};
use crate::mesh::Mesh;
use crate::topology::Role;

/// One request from its client to the last service that it reached, and back.
#[derive(Debug, Clone, PartialEq)]
pub struct Trip {
    /// The HTTP status that the client received.
    pub status: u16,
    /// The answer to the client instead of a service's: see [`Seen::answer`].
    pub answer: Option<Answer>,
    /// The steps, in the order of the path.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A filter.
    Filter(Filtered),
    /// An application.
    Application(Seen),
}

/// The actions of a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// The filter's service.
    pub service: String,
    /// The filter's role.
    pub role: Role,
    /// The service that was called, for calls of an application.
    pub destination: Option<String>,
    /// The report: `context_mesh` in the access log.
    pub report: Value,
}

/// The observations of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The service.
    pub service: String,
    /// The headers that it reports.
    pub headers: BTreeMap<String, String>,
    /// The answer to its call, if it was not a service's answer but a text or a gRPC status.
    pub answer: Option<Answer>,
}

/// An answer that did not come from an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status.
    pub grpc_status: Option<u8>,
    /// The text.
    pub message: String,
}

impl Filtered {
    /// Returns `<service> <role>`, the name in the expectations.
    pub fn name(&self) -> String {
        format!("{} {}", self.service, self.role)
    }

    /// Returns whether it refused the request.
    pub fn refused(&self) -> bool {
        self.report["decision"] == "deny"
    }

    /// Returns a list of the report; empty if it is missing.
    pub fn list(&self, part: &str) -> Vec<&str> {
        self.report[part].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The rule that redacted or masked a field.
    pub fn by(&self, field: &str) -> Option<&str> {
        self.report["by"][field].as_str()
    }
}

impl Seen {
    /// Returns the value of a member of `baggage`, as it is written in the header.
    pub fn baggage(&self, member: &str) -> Option<&str> {
        let members = self.headers.get("baggage")?.split(',');
        members.filter_map(|text| text.split_once('=')).find(|(key, _)| key.trim() == member).map(|(_, value)| value)
    }
}

impl Trip {
    /// Returns the steps that are filters.
    pub fn filters(&self) -> impl Iterator<Item = &Filtered> {
        self.steps.iter().filter_map(|step| match step {
            Step::Filter(filtered) => Some(filtered),
            Step::Application(_) => None,
        })
    }

    /// Returns what the application of `service` saw.
    pub fn seen(&self, service: &str) -> Option<&Seen> {
        self.steps.iter().find_map(|step| match step {
            Step::Application(seen) if seen.service == service => Some(seen),
            _ => None,
        })
    }

    /// Returns the answer to the caller of the filter that refused the request: the previous application, or the
    /// client.
    pub fn refusal(&self, filter: &str) -> Option<&Answer> {
        let place = self.steps.iter().position(|step| matches!(step, Step::Filter(known) if known.name() == filter))?;
        let caller = self.steps.iter().take(place).rev().find_map(|step| match step {
            Step::Application(seen) => Some(seen),
            Step::Filter(_) => None,
        });
        caller.map_or(self.answer.as_ref(), |seen| seen.answer.as_ref())
    }
}

/// Sends the request and waits until every Envoy on its path has logged it.
///
/// # Errors
/// No answer, or an access log that does not contain the request.
pub(super) fn travel(mesh: &Mesh, sample: &Sample, trace: &str) -> Result<Trip> {
    let response = send(mesh, sample, trace)?;
    let mut steps = Vec::new();
    let mut traveller = Traveller { mesh, trace, steps: &mut steps };
    if let Some(gateway) = &mesh.topology().gateway {
        let line = traveller.logged(&gateway.name, Role::Gateway, None)?;
        traveller.filter(&gateway.name, Role::Gateway, None, &line)?;
        if line["details"] == "via_upstream" {
            traveller.service(&gateway.upstream, response.json().ok().as_ref())?;
        }
    }
    Ok(Trip { status: response.status, answer: answer_of_response(&response), steps })
}

struct Traveller<'t> {
    mesh: &'t Mesh,
    trace: &'t str,
    steps: &'t mut Vec<Step>,
}

impl Traveller<'_> {
    /// Adds the steps of a service that was called: its filter, and if that let the request through, the application
    /// and its calls.
    fn service(&mut self, service: &str, answer: Option<&Value>) -> Result<()> {
        let line = self.logged(service, Role::Inbound, None)?;
        self.filter(service, Role::Inbound, None, &line)?;
        let Some(answer) = answer.filter(|answer| answer["service"] == service) else { return Ok(()) };
        self.steps.push(Step::Application(seen(service, answer)));
        let topology = self.mesh.topology();
        let calls = topology.services.iter().find(|known| known.name == service).map(|known| known.calls.clone());
        for destination in calls.unwrap_or_default() {
            let line = self.logged(service, Role::Outbound, Some(&destination))?;
            self.filter(service, Role::Outbound, Some(&destination), &line)?;
            if line["details"] == "via_upstream" {
                self.service(&destination, downstream(answer, &destination))?;
            }
        }
        Ok(())
    }

    fn filter(&mut self, service: &str, role: Role, destination: Option<&str>, line: &Value) -> Result<()> {
        let report = match line["context_mesh"].as_str() {
            Some(text) => filter_report::read(text).map(Value::Object).ok_or_else(|| {
                Error::new(format!("the report of the {role} filter of `{service}` has no known form: {text}"))
            })?,
            None => Value::Null,
        };
        let (service, destination) = (service.to_owned(), destination.map(str::to_owned));
        self.steps.push(Step::Filter(Filtered { service, role, destination, report }));
        Ok(())
    }

    /// Returns the line of the access log for this request.
    fn logged(&self, service: &str, role: Role, destination: Option<&str>) -> Result<Value> {
        let ours = |line: &&Value| {
            line["listener"] == role.as_str()
                && line["traceparent"] == self.trace
                && destination.is_none_or(|destination| line["authority"] == destination)
        };
        let lines = self.mesh.access_log_when(service, |lines| lines.iter().any(|line| ours(&line)))?;
        Ok(lines.iter().find(ours).cloned().unwrap_or_default())
    }
}

fn seen(service: &str, answer: &Value) -> Seen {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let headers = answer["saw"].as_object().into_iter().flatten();
    Seen {
        service: service.to_owned(),
        headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
        answer: answer_of_call(answer),
    }
}

/// Returns the answer of the service `destination`, or of its filter, from the answer of the service that called it.
fn downstream<'v>(answer: &'v Value, destination: &str) -> Option<&'v Value> {
    match &answer["downstream"] {
        Value::Array(answers) => answers.iter().find(|answer| answer["service"] == destination),
        other => Some(other),
    }
}

/// Returns the answer to an application's only call, if no application answered.
fn answer_of_call(answer: &Value) -> Option<Answer> {
    let status = u16::try_from(answer["downstream_status"].as_u64()?).ok()?;
    match &answer["downstream"] {
        Value::String(message) => Some(Answer { status, grpc_status: None, message: message.clone() }),
        Value::Object(members) if members.contains_key("grpc_status") => {
            let member = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
            Some(Answer {
                status,
                grpc_status: member("grpc_status").parse().ok(),
                message: member("message").to_owned(),
            })
        }
        _ => None,
    }
}

fn answer_of_response(response: &Response) -> Option<Answer> {
    let status = response.status;
    if let Some(grpc) = response.grpc_status() {
        let message = response.header("grpc-message").unwrap_or_default();
        return Some(Answer { status, grpc_status: grpc.parse().ok(), message });
    }
    response.json().is_err().then(|| Answer { status, grpc_status: None, message: response.text() })
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// Returns a request that the gateway lets through and `payment-service` refuses.
    pub(in crate::demo) fn refused() -> Trip {
        let filter = |service: &str, role, report| {
            Step::Filter(Filtered { service: service.to_owned(), role, destination: None, report })
        };
        let answer = json!({
            "service": "checkout-service",
            "saw": {"x-tenant-id": "tenant_a", "baggage": "tenant_id=tenant_a,caller=shop-gateway"},
            "downstream_status": 403,
            "downstream": "no",
        });
        Trip {
            status: 200,
            answer: None,
            steps: vec![
                filter("shop-gateway", Role::Gateway, json!({"decision": "continue", "set": ["tenant_id", "user_id"]})),
                Step::Application(seen("checkout-service", &answer)),
                filter(
                    "payment-service",
                    Role::Inbound,
                    json!({"decision": "deny", "rule": "payments/guard/no", "status": 403}),
                ),
            ],
        }
    }

    #[test]
    fn the_refusal_is_what_the_application_before_the_filter_got() {
        let expected = Answer { status: 403, grpc_status: None, message: "no".to_owned() };
        assert_eq!(refused().refusal("payment-service inbound"), Some(&expected));
        assert_eq!(refused().refusal("shop-gateway gateway"), None);
    }

    #[test]
    fn a_grpc_status_is_an_answer() {
        let answer = json!({"downstream_status": 200, "downstream": {"grpc_status": "7", "message": "no"}});
        let expected = Answer { status: 200, grpc_status: Some(7), message: "no".to_owned() };
        assert_eq!(answer_of_call(&answer), Some(expected));
        assert_eq!(answer_of_call(&json!({"downstream_status": 200, "downstream": {"service": "a"}})), None);
    }

    #[test]
    fn the_caller_is_read_in_the_baggage() {
        let trip = refused();
        assert_eq!(trip.seen("checkout-service").unwrap().baggage("caller"), Some("shop-gateway"));
        assert_eq!(trip.seen("checkout-service").unwrap().baggage("user_id"), None);
    }
}
