//! An artifact as JSON: all tables, with names in place of indices.

use context_mesh_core::artifact::{
    Decoded, FORMAT_VERSION, LoadError, load,
    tables::{
        AmbiguousPath, AmbiguousRecall, CarrierVersion, Classification, Consistency, EntryTable, FieldTable,
        GatewayTraces, LostRecall, MaskMethod, Merge, MeshTable, Number, OnInvalid, OnMismatch, Reply, RuleTable,
        ServiceTable, Tables,
    },
};
use context_mesh_core::index::{ProgramIndex, RuleIndex, ServiceIndex};
use serde_json::{Value, json};

use super::{Effect, Layer, OnError};
use crate::{check::lock::date_text, expression::codegen::listing};

/// Describes an artifact that loads, as one document.
///
/// # Errors
/// [`LoadError`] if a filter would reject the artifact.
pub fn json(artifact: &[u8]) -> Result<Value, LoadError> {
    let digest = load(artifact)?.digest();
    let tables = Decoded::decode(artifact)?.tables;
    let domains = tables.domains.iter();
    let dictionaries = tables.dictionaries.iter();
    Ok(json!({
        "digest": digest.to_string(),
        "format": FORMAT_VERSION,
        "bytes": artifact.len(),
        "mesh": mesh(&tables.mesh),
        "domains": domains
            .map(|domain| json!({"name": domain.name, "region": said(&domain.region), "frameworks": domain.frameworks, "namespaces": domain.namespaces}))
            .collect::<Value>(),
        "services": tables.services.iter().map(|known| service(&tables, known)).collect::<Value>(),
        "anyOther": entry(&tables, &tables.unlisted),
        "fields": tables.fields.iter().map(|known| field(&tables, known)).collect::<Value>(),
        "rules": tables.rules.iter().map(|known| rule(&tables, known)).collect::<Value>(),
        "variables": tables.program.variables.iter().map(|program| code(&tables, *program)).collect::<Value>(),
        "regexes": tables.regexes.iter().map(|regex| json!({"bytes": regex.len()})).collect::<Value>(),
        "zones": tables.program.zones.iter().map(|zone| zone.name.as_str()).collect::<Value>(),
        "words": tables.words.iter()
            .map(|word| json!({"number": word.number, "word": word.text, "released": date_text(word)}))
            .collect::<Value>(),
        "dictionaries": dictionaries
            .map(|table| json!({"id": format!("{:08x}", table.id), "words": table.words}))
            .collect::<Value>(),
    }))
}

/// Returns a text, or null if it is empty.
fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns a number, or null for 0, which means none.
fn limit(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number > 0)
}

fn mesh(mesh: &MeshTable) -> Value {
    let carriers =
        [("headers", mesh.present_headers), ("baggage", mesh.present_baggage), ("mesh", mesh.present_mesh_header)];
    json!({
        "name": mesh.name,
        "slice": said(&mesh.slice),
        "trustDomain": mesh.trust_domain,
        "trustDomainAliases": mesh.trust_domain_aliases,
        "identity": mesh.identity_path,
        "peers": if mesh.require_peer { "mtls" } else { "any" },
        "peersWithoutFilter": mesh.peers_without_filter,
        "clusterDomain": mesh.cluster_domain,
        "gateways": mesh.gateways,
        "callerMismatch": match mesh.caller_mismatch {
            OnMismatch::Replace => "replace",
            OnMismatch::Deny => "deny",
        },
        "onInvalid": match mesh.on_invalid {
            OnInvalid::Ignore => "ignore",
            OnInvalid::Deny => "deny",
        },
        "present": carriers.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect::<Value>(),
        "version": match mesh.carrier_version {
            CarrierVersion::Dated => Value::Null,
            CarrierVersion::One => json!(1),
            CarrierVersion::Two => json!(2),
        },
        "rolloutWindowMs": mesh.rollout_window_ms,
        "maxAgeMs": limit(mesh.max_age_ms),
        "gateway": {
            "traces": match mesh.gateway_traces {
                GatewayTraces::Keep => "keep",
                GatewayTraces::New => "new",
                GatewayTraces::Start => "start",
            },
            "sampled": mesh.gateway_sampled,
        },
        "headerValueBytes": mesh.header_value_bytes,
        "memory": {
            "slots": mesh.memory_slots,
            "bytes": mesh.memory_bytes,
            "ttlMs": mesh.memory_ttl_ms,
            "graceMs": mesh.memory_grace_ms,
        },
        "ambiguousRecall": match mesh.ambiguous_recall {
            AmbiguousRecall::Agree => "agree",
            AmbiguousRecall::None => "none",
            AmbiguousRecall::Deny => "deny",
        },
        "lostRecall": if mesh.lost_recall == LostRecall::Deny { "deny" } else { "ignore" },
    })
}

fn domain(tables: &Tables, index: u16) -> Option<&str> {
    tables.domains.get(usize::from(index)).map(|domain| domain.name.as_str())
}

fn service(tables: &Tables, service: &ServiceTable) -> Value {
    let entry = entry(tables, &service.entry);
    let of = |names: &[(String, ServiceIndex)]| -> Value {
        let own = names.iter().filter(|(_, of)| of.get(&tables.services).is_some_and(|of| std::ptr::eq(of, service)));
        own.map(|(name, _)| name.as_str()).collect()
    };
    json!({
        "name": service.name,
        "domain": domain(tables, service.domain),
        "identities": of(&tables.names.identities),
        "hosts": of(&tables.names.hosts),
        "workloads": of(&tables.names.workloads),
        "ambiguousPath": entry["ambiguousPath"],
        "inbound": entry["inbound"],
        "outbound": entry["outbound"],
    })
}

fn entry(tables: &Tables, entry: &EntryTable) -> Value {
    let names = |rules: &[RuleIndex]| -> Value {
        rules.iter().filter_map(|rule| rule.get(&tables.rules)).map(|rule| rule.name.as_str()).collect()
    };
    let ambiguous = match entry.ambiguous_path {
        AmbiguousPath::Pass => "pass",
        AmbiguousPath::Deny => "deny",
        AmbiguousPath::DecideOnBoth => "decideOnBoth",
    };
    json!({"ambiguousPath": ambiguous, "inbound": names(&entry.inbound), "outbound": names(&entry.outbound)})
}

fn field(tables: &Tables, field: &FieldTable) -> Value {
    let classification = Classification::ALL.iter().find(|(_, class)| *class == field.classification);
    json!({
        "name": field.name,
        "type": field.value.to_string(),
        "owner": field.owner.map_or(Some("enterprise"), |index| domain(tables, index)),
        "required": field.required,
        "immutable": field.immutable,
        "merge": match field.merge {
            Merge::Replace => "replace",
            Merge::Keep => "keep",
            Merge::Union => "union",
        },
        "header": field.header,
        "baggage": field.baggage_key(),
        "regex": field.pattern.map(|pattern| pattern.0),
        "enum": field.allowed.iter().map(|text| serde_json::from_str(text).unwrap_or(Value::Null)).collect::<Value>(),
        "maxBytes": limit(u64::from(field.max_bytes)),
        "maxItems": limit(u64::from(field.max_items)),
        "minimum": field.minimum.map(number),
        "maximum": field.maximum.map(number),
        "classification": classification.map(|(name, _)| *name),
        "residency": field.residency,
        "origin": field.origin,
        "ttlMs": limit(field.ttl_ms),
        "consistency": match field.consistency {
            Consistency::Strong => "strong",
            Consistency::Session => "session",
            Consistency::Eventual => "eventual",
        },
    })
}

fn number(number: Number) -> Value {
    match number {
        Number::Int(value) => value.into(),
        Number::Double(value) => value.into(),
    }
}

fn rule(tables: &Tables, rule: &RuleTable) -> Value {
    json!({
        "name": rule.name,
        "place": rule.place,
        "layer": match rule.layer {
            Layer::Enterprise => "enterprise",
            Layer::Domain => "domain",
        },
        "onError": match rule.on_error {
            OnError::Deny => "deny",
            OnError::Ignore => "ignore",
        },
        "shadow": rule.shadow,
        "effect": effect(tables, &rule.effect),
        "when": rule.condition.map(|program| code(tables, program)),
    })
}

fn effect(tables: &Tables, effect: &Effect) -> Value {
    match effect {
        Effect::Deny(answer) => json!({"deny": reply(answer)}),
        Effect::Allow => json!({"allow": {}}),
        Effect::Audit => json!({"audit": {}}),
        Effect::Redact { fields } => json!({"redact": fields}),
        Effect::Mask { fields, method } => {
            let method = match method {
                MaskMethod::KeepLast(count) => json!({"keepLast": count}),
                MaskMethod::Hash => json!("hash"),
                MaskMethod::Pseudonym => json!("pseudonym"),
            };
            json!({"mask": {"fields": fields, "with": method}})
        }
        Effect::Require { fields, reply: answer } => json!({"require": {"fields": fields, "else": reply(answer)}}),
        Effect::Set { fields } => {
            let values = fields.iter().map(|(name, program)| (name.clone(), code(tables, *program)));
            json!({"set": values.collect::<serde_json::Map<_, _>>()})
        }
    }
}

fn reply(reply: &Reply) -> Value {
    json!({"status": reply.status, "grpcStatus": reply.grpc_status, "message": reply.message})
}

/// Returns the instructions of a program, one text each.
fn code(tables: &Tables, program: ProgramIndex) -> Value {
    listing(&tables.program, program).lines().map(str::trim_start).collect()
}
