//! Checks whether a request travelled as expected.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::sample::{Expect, Hop, Refused, Sample};
use super::trip::{Seen, Trip};

/// The pattern for any value.
const ANY: &str = "*";

/// A difference between the expected and the actual value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The place that was checked.
    pub place: String,
    /// The expected value.
    pub expected: String,
    /// The actual value.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}, found {}", self.place, self.expected, self.found)
    }
}

/// Returns all differences from the sample's expectations.
pub(super) fn differences(sample: &Sample, trip: &Trip) -> Vec<Difference> {
    let Expect { status, refused, applications, reports } = &sample.expect;
    let mut found = Differences(Vec::new());
    found.compare("client: status", status, &trip.status);
    found.refusal(refused.as_ref(), trip);
    for (service, hop) in applications {
        match trip.seen(service) {
            Some(seen) => found.application(hop, seen),
            None => found.add(&format!("{service} application"), "a request", "none"),
        }
    }
    for (name, parts) in reports {
        match trip.filters().find(|filter| filter.name() == *name) {
            Some(filter) => {
                for (part, expected) in parts {
                    found.part(&format!("{name}: {part}"), expected, &filter.report[part]);
                }
            }
            None => found.add(name, "a request", "none"),
        }
    }
    found.0
}

struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, place: &str, expected: impl fmt::Display, found: impl fmt::Display) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.0.push(Difference { place: place.to_owned(), expected, found });
    }

    fn compare<T: PartialEq + fmt::Display>(&mut self, place: &str, expected: &T, found: &T) {
        if expected != found {
            self.add(place, format_args!("`{expected}`"), format_args!("`{found}`"));
        }
    }

    fn refusal(&mut self, expected: Option<&Refused>, trip: &Trip) {
        let refusing = trip.filters().filter(|filter| filter.refused());
        for filter in refusing.filter(|filter| expected.is_none_or(|refused| refused.by != filter.name())) {
            self.add(&filter.name(), "no refusal", format_args!("a refusal by {}", filter.report["rule"]));
        }
        let Some(Refused { by, rule, status, grpc_status, message }) = expected else { return };
        let Some(filter) = trip.filters().find(|filter| filter.name() == *by && filter.refused()) else {
            return self.add(by, "a refusal", "none");
        };
        self.part(&format!("{by}: rule"), &Value::from(rule.as_str()), &filter.report["rule"]);
        self.part(&format!("{by}: status"), &Value::from(*status), &filter.report["status"]);
        let Some(answer) = trip.refusal(by) else {
            return self.add(&format!("{by}: answer"), format_args!("`{message}`"), "a service's answer");
        };
        self.compare(&format!("{by}: message"), message, &answer.message);
        // A gRPC caller receives HTTP 200, and the refusal as a gRPC status.
        let http = grpc_status.map_or(*status, |_| 200);
        self.compare(&format!("{by}: answer's status"), &http, &answer.status);
        let text = |status: Option<u8>| status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.compare(&format!("{by}: answer's gRPC status"), &text(*grpc_status), &text(answer.grpc_status));
    }

    fn application(&mut self, hop: &Hop, seen: &Seen) {
        let place = format!("{} application", seen.service);
        for (header, value) in &hop.sees {
            self.value(&format!("{place}: {header}"), value, seen.headers.get(header).map(String::as_str));
        }
        for (member, value) in &hop.baggage {
            self.value(&format!("{place}: baggage member {member}"), value, seen.baggage(member));
        }
        for header in &hop.lacks {
            if let Some(found) = seen.headers.get(header) {
                self.add(&format!("{place}: {header}"), "no such header", format_args!("`{found}`"));
            }
        }
    }

    fn value(&mut self, place: &str, expected: &str, found: Option<&str>) {
        match found {
            Some(_) if expected == ANY => {}
            Some(found) => self.compare(place, &expected, &found),
            None => self.add(place, format_args!("`{expected}`"), "nothing"),
        }
    }

    /// Compares a part of a report. Lists are compared as sets, and an empty list equals a missing part.
    fn part(&mut self, place: &str, expected: &Value, found: &Value) {
        let same = match (expected, found) {
            (Value::Array(expected), Value::Array(found)) => set(expected) == set(found),
            (Value::Array(expected), Value::Null) => expected.is_empty(),
            (expected, found) => expected == found,
        };
        if !same {
            self.add(place, expected, if found.is_null() { "nothing".to_owned() } else { found.to_string() });
        }
    }
}

fn set(values: &[Value]) -> BTreeSet<String> {
    values.iter().map(Value::to_string).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trip::tests::refused;
    use super::*;

    fn found(expect: Value) -> Vec<String> {
        let sample = json!({"name": "n", "about": "a", "path": "/", "expect": expect});
        let sample: Sample = serde_json::from_value(sample).unwrap();
        differences(&sample, &refused()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_as_expected_gives_no_difference() {
        let expect = json!({
            "status": 200,
            "refused":
                {"by": "payment-service inbound", "rule": "payments/guard/no", "status": 403, "message": "no"},
            "applications": {"checkout-service":
                {"sees": {"x-tenant-id": "*"}, "baggage": {"caller": "shop-gateway"}, "lacks": ["x-user-id"]}},
            "reports": {"shop-gateway gateway": {"set": ["user_id", "tenant_id"], "dropped": []}},
        });
        assert_eq!(found(expect), Vec::<String>::new());
    }

    #[test]
    fn each_difference_says_expected_and_found() {
        let refusal = |rule: &str, message: &str| json!({"by": "payment-service inbound", "rule": rule, "status": 403, "message": message});
        let refused = refusal("payments/guard/no", "no");
        let cases = [
            (
                json!({"status": 200}),
                "payment-service inbound: expected no refusal, found a refusal by \"payments/guard/no\"",
            ),
            (json!({"status": 403, "refused": refused}), "client: status: expected `403`, found `200`"),
            (
                json!({"status": 200, "refused": refusal("payments/guard/x", "no")}),
                "payment-service inbound: rule: expected \"payments/guard/x\", found \"payments/guard/no\"",
            ),
            (
                json!({"status": 200, "refused": refusal("payments/guard/no", "never")}),
                "payment-service inbound: message: expected `never`, found `no`",
            ),
            (
                json!({"status": 200, "refused": refused, "applications": {"ledger": {}}}),
                "ledger application: expected a request, found none",
            ),
            (
                json!({"status": 200, "refused": refused, "applications": {"checkout-service": {"baggage": {"caller": "ledger"}}}}),
                "checkout-service application: baggage member caller: expected `ledger`, found `shop-gateway`",
            ),
            (
                json!({"status": 200, "refused": refused, "applications": {"checkout-service": {"sees": {"x-user-id": "u"}}}}),
                "checkout-service application: x-user-id: expected `u`, found nothing",
            ),
            (
                json!({"status": 200, "refused": refused, "applications": {"checkout-service": {"lacks": ["x-tenant-id"]}}}),
                "checkout-service application: x-tenant-id: expected no such header, found `tenant_a`",
            ),
            (
                json!({"status": 200, "refused": refused, "reports": {"shop-gateway gateway": {"set": ["user_id"]}}}),
                "shop-gateway gateway: set: expected [\"user_id\"], found [\"tenant_id\",\"user_id\"]",
            ),
        ];
        for (expect, difference) in cases {
            assert_eq!(found(expect), [difference]);
        }
    }
}
