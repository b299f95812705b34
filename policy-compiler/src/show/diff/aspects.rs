//! The properties of a rule, a field, a service, a domain and the mesh, as texts that can be compared.

use context_mesh_core::index::{self, RuleIndex, ServiceIndex};
use std::collections::HashMap;

use context_mesh_core::artifact::tables::{
    AmbiguousPath, AmbiguousRecall, CarrierVersion, Classification, Consistency, DomainTable, Effect, EntryTable,
    FieldTable, GatewayTraces, Layer, LostRecall, Merge, MeshTable, Number, OnError, OnInvalid, OnMismatch, RuleTable,
    ServiceTable, Tables, WordTable,
};

use super::{Expressions, Version, code};
use crate::{
    check::{
        lock::date_text,
        model::{self, Model, Policy},
    },
    read::document::Expression,
};

/// The names of properties with their values.
pub(super) type Aspects = Vec<(String, String)>;

/// Returns the expressions of all rules, in the order of the artifact.
pub(super) fn expressions(tables: &Tables, model: &Model) -> Vec<Expressions> {
    let mut by_name: HashMap<&str, Expressions> = HashMap::new();
    for policy in &model.policies {
        for rule in &policy.rules {
            let condition = rule.when.as_ref().map(|when| with_variables(when, policy));
            let values = match &rule.effect {
                model::Effect::Set(assignments) => assignments
                    .iter()
                    .filter_map(|(field, value)| {
                        Some((model.fields.get(*field)?.table.name.clone(), with_variables(value, policy)))
                    })
                    .collect(),
                _ => Vec::new(),
            };
            by_name.insert(&rule.name, Expressions { condition, values });
        }
    }
    tables.rules.iter().map(|rule| by_name.remove(rule.name.as_str()).unwrap_or_default()).collect()
}

/// Returns the text of an expression on one line, with the variables that it uses, because changing them changes it
/// too.
fn with_variables(expression: &Expression, policy: &Policy) -> String {
    let one_line = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
    let mut texts = vec![one_line(&expression.text)];
    for variable in policy.variables.iter().rev() {
        let name = format!("variables.{}", variable.name);
        let after = |text: &str, at: usize| text.get(at + name.len()..).and_then(|rest| rest.chars().next());
        let is_used = texts.iter().any(|text| {
            let mut uses = text.match_indices(&name);
            uses.any(|(at, _)| after(text, at).is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_'))
        });
        if is_used {
            texts.push(format!("{}: {}", variable.name, one_line(&variable.expression.text)));
        }
    }
    let expression = texts.remove(0);
    if texts.is_empty() { expression } else { format!("{expression}, where {}", texts.join(", ")) }
}

/// Returns the properties of a rule. `source` specifies whether its expressions are compared as text.
pub(super) fn rule(version: &Version, index: usize, rule: &RuleTable, source: bool) -> Aspects {
    let tables = &version.tables;
    let expressions = version.expressions.as_ref().filter(|_| source).and_then(|all| all.get(index));
    let condition = match (expressions, rule.condition) {
        (Some(expressions), _) => expressions.condition.clone().unwrap_or_else(|| "always".to_owned()),
        (None, Some(program)) => code::text(tables, program),
        (None, None) => "always".to_owned(),
    };
    let mut aspects = vec![
        aspect("condition", condition),
        aspect("effect", effect(&rule.effect)),
        aspect("layer", if rule.layer == Layer::Enterprise { "enterprise" } else { "domain" }),
        aspect("on error", if rule.on_error == OnError::Deny { "deny" } else { "ignore" }),
        aspect("enforcement", if rule.shadow { "shadow" } else { "enforce" }),
        aspect("workloads", workloads(tables, index)),
    ];
    if let Effect::Set { fields } = &rule.effect {
        for (place, (field, program)) in fields.iter().enumerate() {
            let said = expressions.and_then(|expressions| expressions.values.get(place));
            let value = said.map_or_else(|| code::text(tables, *program), |(_, text)| text.clone());
            aspects.push(aspect(&format!("value of {field}"), value));
        }
    }
    aspects
}

fn aspect(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Deny(reply) => format!("deny with {} (gRPC {}): {}", reply.status, reply.grpc_status, reply.message),
        Effect::Allow => "allow".to_owned(),
        Effect::Audit => "audit".to_owned(),
        Effect::Redact { fields } => format!("redact {}", fields.join(", ")),
        Effect::Mask { fields, method } => format!("mask {} with {method:?}", fields.join(", ")),
        Effect::Require { fields, reply } => format!(
            "require {}, else {} (gRPC {}): {}",
            fields.join(", "),
            reply.status,
            reply.grpc_status,
            reply.message
        ),
        Effect::Set { fields } => {
            format!("set {}", fields.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns the workloads and direction to which a rule applies.
fn workloads(tables: &Tables, index: usize) -> String {
    let rule = index::position(index).map(RuleIndex);
    // The lists are in ascending order.
    let holds = |list: &[RuleIndex]| rule.is_some_and(|rule| list.binary_search(&rule).is_ok());
    let mut parts = Vec::new();
    let mut add = |direction: &str, of: fn(&EntryTable) -> &Vec<RuleIndex>| {
        let services = tables.services.iter().filter(|service| holds(of(&service.entry)));
        let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
        if holds(of(&tables.unlisted)) {
            parts.push(format!("all {direction}"));
        } else if !names.is_empty() {
            parts.push(format!("{} {direction}", names.join(", ")));
        }
    };
    add("inbound", |entry| &entry.inbound);
    add("outbound", |entry| &entry.outbound);
    if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
}

pub(super) fn field(tables: &Tables, field: &FieldTable) -> Aspects {
    let yes = |value: bool| if value { "yes" } else { "no" };
    let limit = |value: u64| if value == 0 { "none".to_owned() } else { value.to_string() };
    let list = |values: &[String]| if values.is_empty() { "any".to_owned() } else { values.join(", ") };
    let number = |value: Option<Number>| match value {
        None => "none".to_owned(),
        Some(Number::Int(value)) => value.to_string(),
        Some(Number::Double(value)) => value.to_string(),
    };
    let regex = field.pattern.and_then(|pattern| pattern.get(&tables.regexes));
    let owner = field.owner.and_then(|index| tables.domains.get(usize::from(index)));
    let class = Classification::ALL.iter().find(|(_, class)| *class == field.classification);
    vec![
        aspect("type", field.value.to_string()),
        aspect("required", yes(field.required)),
        aspect("immutable", yes(field.immutable)),
        aspect(
            "merge",
            match field.merge {
                Merge::Replace => "replace",
                Merge::Keep => "keep",
                Merge::Union => "union",
            },
        ),
        aspect("pattern", regex.map_or_else(|| "none".to_owned(), |regex| code::fingerprint(regex))),
        aspect("enum", list(&field.allowed)),
        aspect("most bytes", limit(field.max_bytes.into())),
        aspect("baggage", field.baggage_key().unwrap_or("none")),
        aspect("header", field.header.clone().unwrap_or_else(|| "none".to_owned())),
        aspect("owner", owner.map_or("enterprise", |domain| &domain.name)),
        aspect("classification", class.map_or("", |(name, _)| name)),
        aspect("residency", list(&field.residency)),
        aspect("origin", list(&field.origin)),
        aspect("ttl (ms)", limit(field.ttl_ms)),
        aspect(
            "consistency",
            match field.consistency {
                Consistency::Strong => "strong",
                Consistency::Session => "session",
                Consistency::Eventual => "eventual",
            },
        ),
        aspect("minimum", number(field.minimum)),
        aspect("maximum", number(field.maximum)),
        aspect("most items", limit(field.max_items.into())),
        aspect("seen by routes", yes(field.routed)),
    ]
}

pub(super) fn service(tables: &Tables, service: &ServiceTable) -> Aspects {
    let domain = tables.domains.get(usize::from(service.domain)).map_or("", |domain| &domain.name);
    let names = |names: &[(String, ServiceIndex)]| {
        let own = |of: &ServiceIndex| of.get(&tables.services).is_some_and(|of| std::ptr::eq(of, service));
        names.iter().filter(|(_, of)| own(of)).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let identities = names(&tables.names.identities);
    vec![
        aspect("domain", domain),
        aspect("identities", if service.has_identities { identities } else { service.name.clone() }),
        aspect("hosts", names(&tables.names.hosts)),
        aspect("workloads", names(&tables.names.workloads)),
        aspect("regions", service.regions.join(", ")),
        aspect(
            "path with more than one reading",
            match service.entry.ambiguous_path {
                AmbiguousPath::Pass => "goes on",
                AmbiguousPath::Deny => "refused",
                AmbiguousPath::DecideOnBoth => "decided on all readings",
            },
        ),
    ]
}

pub(super) fn domain(domain: &DomainTable) -> Aspects {
    vec![
        aspect("region", domain.region.clone()),
        aspect("frameworks", domain.frameworks.join(", ")),
        aspect("namespaces", domain.namespaces.join(", ")),
    ]
}

pub(super) fn mesh(mesh: &MeshTable) -> Aspects {
    let presented =
        [(mesh.present_headers, "headers"), (mesh.present_baggage, "baggage"), (mesh.present_mesh_header, "mesh")];
    let presented: Vec<&str> = presented.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    vec![
        aspect("name", mesh.name.clone()),
        aspect("trustDomain", mesh.trust_domain.clone()),
        aspect("trustDomainAliases", mesh.trust_domain_aliases.join(", ")),
        aspect("identity", mesh.identity_path.clone()),
        aspect(
            "trust.peersWithoutFilter",
            mesh.peers_without_filter
                .as_ref()
                .map_or_else(|| "those that attach no context".to_owned(), |all| all.join(", ")),
        ),
        aspect("clusterDomain", mesh.cluster_domain.clone()),
        aspect("gateways", mesh.gateways.join(", ")),
        aspect("trust.peers", if mesh.require_peer { "mtls" } else { "any" }),
        aspect(
            "trust.callerMismatch",
            match mesh.caller_mismatch {
                OnMismatch::Replace => "replace",
                OnMismatch::Deny => "deny",
            },
        ),
        aspect(
            "onInvalid",
            match mesh.on_invalid {
                OnInvalid::Ignore => "ignore",
                OnInvalid::Deny => "deny",
            },
        ),
        aspect("carriers.present", presented.join(", ")),
        aspect("carriers.version", carrier_version(mesh.carrier_version)),
        aspect("rollout.window (ms)", mesh.rollout_window_ms.to_string()),
        aspect("maxAge (ms)", mesh.max_age_ms.to_string()),
        aspect(
            "gateway.traces",
            match mesh.gateway_traces {
                GatewayTraces::Keep => "keep",
                GatewayTraces::New => "new",
                GatewayTraces::Start => "start",
            },
        ),
        aspect("gateway.sampled", mesh.gateway_sampled.to_string()),
        aspect("headerValueBytes", mesh.header_value_bytes.to_string()),
        aspect("memory.slots", mesh.memory_slots.to_string()),
        aspect("memory.bytes", mesh.memory_bytes.to_string()),
        aspect("memory.ttl (ms)", mesh.memory_ttl_ms.to_string()),
        aspect("memory.grace (ms)", mesh.memory_grace_ms.to_string()),
        aspect(
            "ambiguousRecall",
            match mesh.ambiguous_recall {
                AmbiguousRecall::Agree => "agree",
                AmbiguousRecall::None => "none",
                AmbiguousRecall::Deny => "deny",
            },
        ),
        aspect("lostRecall", if mesh.lost_recall == LostRecall::Deny { "deny" } else { "ignore" }),
        aspect("built for", if mesh.slice.is_empty() { "all services".to_owned() } else { mesh.slice.clone() }),
    ]
}

const fn carrier_version(version: CarrierVersion) -> &'static str {
    match version {
        CarrierVersion::Dated => "by the dates of the lock file",
        CarrierVersion::One => "1",
        CarrierVersion::Two => "2",
    }
}

pub(super) fn word(word: &WordTable) -> Aspects {
    vec![aspect("number", word.number.to_string()), aspect("released", date_text(word))]
}
