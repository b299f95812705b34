//! An artifact as text: all tables, and the programs with their operands resolved.

mod json;

use context_mesh_core::index::ProgramIndex;
use std::fmt::{self, Write as _};

use context_mesh_core::artifact::tables::{
    AmbiguousPath, CarrierVersion, Classification, Consistency, DictionaryTable, Effect, EntryTable, FieldTable, Layer,
    MeshTable, Number, OnError, Reply, RuleTable, ServiceTable, Tables,
};
use context_mesh_core::artifact::{Decoded, FORMAT_VERSION, LoadError, Stamp, load};

use crate::check::lock::date_text;
use crate::expression::codegen::listing;
pub use json::json;

/// Describes an artifact that loads.
///
/// # Errors
/// [`LoadError`] if a filter would reject the artifact.
pub fn text(artifact: &[u8]) -> Result<String, LoadError> {
    // Loading it as a filter does proves that the decoded tables are sound. Those still have the code.
    let Stamp { digest, revision } = load(artifact)?.stamp().clone();
    let tables = Decoded::decode(artifact)?.tables;
    // Writing to a string cannot fail.
    let mut out = format!("artifact {digest}\n");
    if let Some(revision) = revision {
        let _ = writeln!(out, "revision {revision}");
    }
    let _ = writeln!(out, "format {FORMAT_VERSION}, {} bytes", artifact.len());
    let _ = sections(&mut out, &tables);
    Ok(out)
}

fn sections(out: &mut String, tables: &Tables) -> fmt::Result {
    mesh(out, &tables.mesh)?;
    writeln!(out, "\ndomains")?;
    for domain in &tables.domains {
        let region = if domain.region.is_empty() { "-" } else { &domain.region };
        let (frameworks, namespaces) = (list(&domain.frameworks), list(&domain.namespaces));
        writeln!(out, "  {}  region {region}  frameworks {frameworks}  namespaces {namespaces}", domain.name)?;
    }
    writeln!(out, "\nservices")?;
    for service in &tables.services {
        services(out, tables, service)?;
    }
    writeln!(out, "  (any other)")?;
    entry(out, tables, &tables.unlisted)?;
    names(out, tables)?;
    writeln!(out, "\nfields")?;
    for field in &tables.fields {
        writeln!(out, "  {}", FieldLine { field, tables })?;
    }
    writeln!(out, "\nrules")?;
    for (index, rule) in tables.rules.iter().enumerate() {
        rule_lines(out, tables, index, rule)?;
    }
    programs(out, tables)?;
    writeln!(out, "\nregexes")?;
    for (index, regex) in tables.regexes.iter().enumerate() {
        writeln!(out, "  {index}  {} bytes", regex.len())?;
    }
    writeln!(out, "\nwords")?;
    for word in &tables.words {
        writeln!(out, "  {:4}  {:?}  released {}", word.number, word.text, date_text(word))?;
    }
    tables.dictionaries.iter().try_for_each(|table| dictionary(out, table))
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

fn mesh(out: &mut String, mesh: &MeshTable) -> fmt::Result {
    let carriers = [
        ("headers", mesh.present_headers),
        ("baggage", mesh.present_baggage),
        ("x-mesh-context", mesh.present_mesh_header),
    ];
    let shown: Vec<String> = carriers.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect();
    writeln!(out, "\nmesh {}", mesh.name)?;
    if !mesh.slice.is_empty() {
        writeln!(out, "  slice of         {}", mesh.slice)?;
    }
    writeln!(out, "  identity         spiffe://{}{}", mesh.trust_domain, mesh.identity_path)?;
    if !mesh.trust_domain_aliases.is_empty() {
        writeln!(out, "  trust aliases    {}", list(&mesh.trust_domain_aliases))?;
    }
    writeln!(out, "  trusted peers    {}", if mesh.require_peer { "with a certificate of the mesh" } else { "any" })?;
    let without_filter =
        mesh.peers_without_filter.as_deref().map_or_else(|| "those that attach no context".to_owned(), list);
    writeln!(out, "  without filter   {without_filter}")?;
    writeln!(out, "  cluster domain   {}", mesh.cluster_domain)?;
    writeln!(out, "  gateways         {}", list(&mesh.gateways))?;
    writeln!(out, "  caller mismatch  {:?}", mesh.caller_mismatch)?;
    writeln!(out, "  on invalid       {:?}", mesh.on_invalid)?;
    writeln!(out, "  shown as         {}", list(&shown))?;
    writeln!(out, "  oldest context   {}", if mesh.max_age_ms == 0 { "any".into() } else { millis(mesh.max_age_ms) })?;
    let version = match mesh.carrier_version {
        CarrierVersion::Dated => "1 until the first number may be written, then 2",
        CarrierVersion::One => "1",
        CarrierVersion::Two => "2",
    };
    writeln!(out, "  version written  {version}")?;
    writeln!(out, "  rollout window   {}", millis(mesh.rollout_window_ms))?;
    let sampled = if mesh.gateway_sampled { "sampled" } else { "not sampled" };
    writeln!(out, "  gateway traces   {:?}, its own {sampled}", mesh.gateway_traces)?;
    writeln!(out, "  header values    {} bytes at most for conditions", mesh.header_value_bytes)?;
    let (slots, bytes) = (mesh.memory_slots, mesh.memory_bytes);
    let (grace, ttl) = (millis(mesh.memory_grace_ms), millis(mesh.memory_ttl_ms));
    writeln!(out, "  memory           {slots} records of {bytes} bytes, grace {grace}, ttl {ttl}")?;
    writeln!(out, "  ambiguous recall {:?}", mesh.ambiguous_recall)?;
    writeln!(out, "  lost recall      {:?}", mesh.lost_recall)
}

fn millis(ms: u64) -> String {
    if ms.is_multiple_of(1000) { format!("{} s", ms / 1000) } else { format!("{ms} ms") }
}

fn services(out: &mut String, tables: &Tables, service: &ServiceTable) -> fmt::Result {
    let domain = tables.domains.get(usize::from(service.domain)).map_or("?", |domain| &domain.name);
    let own = if service.has_identities { "  its name is not an identity" } else { "" };
    writeln!(out, "  {}  domain {domain}{own}", service.name)?;
    entry(out, tables, &service.entry)
}

/// Lists other names of services, if there are any.
fn names(out: &mut String, tables: &Tables) -> fmt::Result {
    let names = &tables.names;
    for (kind, list) in [("identity", &names.identities), ("host", &names.hosts), ("workload", &names.workloads)] {
        for (name, service) in list {
            let service = service.get(&tables.services).map_or("?", |service| &service.name);
            writeln!(out, "  {kind:8}  {name}  of {service}")?;
        }
    }
    Ok(())
}

fn entry(out: &mut String, tables: &Tables, entry: &EntryTable) -> fmt::Result {
    match entry.ambiguous_path {
        AmbiguousPath::Pass => {}
        AmbiguousPath::Deny => writeln!(out, "    refuses a path with more than one reading")?,
        AmbiguousPath::DecideOnBoth => writeln!(out, "    decides on all readings of a path that has more than one")?,
    }
    for (direction, rules) in [("inbound", &entry.inbound), ("outbound", &entry.outbound)] {
        for rule in rules {
            writeln!(out, "    {direction:8}  {rule}  {}", rule.get(&tables.rules).map_or("?", |rule| &rule.name))?;
        }
    }
    Ok(())
}

struct FieldLine<'a> {
    field: &'a FieldTable,
    tables: &'a Tables,
}

impl fmt::Display for FieldLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field;
        let owner = field.owner.map_or(Some("enterprise"), |index| {
            self.tables.domains.get(usize::from(index)).map(|domain| domain.name.as_str())
        });
        let (name, merge) = (&field.name, field.merge);
        write!(f, "{name}  {}  owner {}  merge {merge:?}", field.value, owner.unwrap_or("?"))?;
        options(field).iter().try_for_each(|option| write!(f, "  {option}"))
    }
}

/// Returns the options of a field that differ from their defaults.
fn options(field: &FieldTable) -> Vec<String> {
    let number = |number: Number| match number {
        Number::Int(number) => number.to_string(),
        Number::Double(number) => number.to_string(),
    };
    let class = Classification::ALL.iter().find(|(_, class)| *class == field.classification);
    let class = class.filter(|_| field.classification != Classification::default());
    let consistency = match field.consistency {
        Consistency::Strong => Some("strong"),
        Consistency::Session => None,
        Consistency::Eventual => Some("eventual"),
    };
    let shown = |on: bool, text: String| on.then_some(text);
    let options = [
        shown(field.required, "required".to_owned()),
        shown(field.immutable, "immutable".to_owned()),
        consistency.map(|word| format!("consistency {word}")),
        class.map(|(word, _)| format!("classification {word}")),
        shown(!field.residency.is_empty(), format!("residency {}", list(&field.residency))),
        shown(!field.origin.is_empty(), format!("origin {}", list(&field.origin))),
        shown(field.ttl_ms > 0, format!("ttl {}", millis(field.ttl_ms))),
        field.header.as_ref().map(|header| format!("header {header}")),
        field.pattern.map(|pattern| format!("pattern regex {pattern}")),
        field.minimum.map(|minimum| format!("at least {}", number(minimum))),
        field.maximum.map(|maximum| format!("at most {}", number(maximum))),
        shown(field.max_items > 0, format!("at most {} items", field.max_items)),
        shown(field.max_bytes > 0, format!("at most {} bytes", field.max_bytes)),
        shown(!field.allowed.is_empty(), format!("one of {}", field.allowed.join(", "))),
    ];
    options.into_iter().flatten().collect()
}

fn rule_lines(out: &mut String, tables: &Tables, index: usize, rule: &RuleTable) -> fmt::Result {
    let layer = match rule.layer {
        Layer::Enterprise => "enterprise",
        Layer::Domain => "domain",
    };
    let shadow = if rule.shadow { "  shadow" } else { "" };
    let on_error = match rule.on_error {
        OnError::Deny => "deny",
        OnError::Ignore => "ignore",
    };
    writeln!(out, "  {index}  {}  ({})", rule.name, rule.place)?;
    writeln!(out, "      layer {layer}  on error {on_error}{shadow}")?;
    match &rule.effect {
        Effect::Deny(reply) => writeln!(out, "      deny {}", reply_text(reply)),
        Effect::Allow => writeln!(out, "      allow"),
        Effect::Mask { fields, method } => writeln!(out, "      mask {} with {method:?}", list(fields)),
        Effect::Audit => writeln!(out, "      audit"),
        Effect::Redact { fields } => writeln!(out, "      redact {}", list(fields)),
        Effect::Require { fields, reply } => {
            writeln!(out, "      require {}, else {}", list(fields), reply_text(reply))
        }
        Effect::Set { fields } => fields.iter().try_for_each(|(name, program)| {
            writeln!(out, "      set {name}")?;
            code(out, tables, *program)
        }),
    }?;
    match rule.condition {
        None => writeln!(out, "      always"),
        Some(program) => {
            writeln!(out, "      when")?;
            code(out, tables, program)
        }
    }
}

fn reply_text(reply: &Reply) -> String {
    format!("{} (gRPC {}) {:?}", reply.status, reply.grpc_status, reply.message)
}

/// Lists the variables. The programs of rules are listed with their rules.
fn programs(out: &mut String, tables: &Tables) -> fmt::Result {
    writeln!(out, "\nvariables")?;
    for (index, program) in tables.program.variables.iter().enumerate() {
        writeln!(out, "  {index}")?;
        code(out, tables, *program)?;
    }
    Ok(())
}

fn code(out: &mut String, tables: &Tables, program: ProgramIndex) -> fmt::Result {
    listing(&tables.program, program).lines().try_for_each(|line| writeln!(out, "        {line}"))
}

fn dictionary(out: &mut String, table: &DictionaryTable) -> fmt::Result {
    writeln!(out, "\ndictionary {:08x} of version 1, for reading", table.id)?;
    table.words.iter().enumerate().try_for_each(|(number, word)| writeln!(out, "  {number:4}  {word:?}"))
}
