//! The last stage: turns the model and the programs into tables, and the tables into bytes.

use context_mesh_core::index::{RuleIndex, ServiceIndex};
use std::collections::{BTreeSet, HashSet};

use context_mesh_core::{
    artifact::tables::CarrierVersion,
    artifact::{
        encode, load,
        tables::{
            self, AmbiguousPath, Attribute, Constant, DictionaryTable, EntryTable, FieldTable, Layer, NamesTable,
            RuleTable, ScalarConstant, ServiceTable, Tables,
        },
    },
    carrier::dictionary::dictionary_id,
};

use super::slice;
use crate::{
    check::{
        lock::Lock,
        model::{Effect, Model, Policy, Rule, Service, Workloads},
        programs::{Programs, RulePrograms},
    },
    read::document::{Direction, OnError},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::Sources,
    },
};

pub use crate::expression::codegen::PackError;

/// Longest string of a policy that goes into the dictionary, in bytes. Longer strings are rarely values of fields.
const MAX_WORD_BYTES: usize = 64;

/// Most words in a dictionary. Every sidecar holds all of them.
const MAX_WORDS: usize = 4096;

/// Returns the tables of a model. The model and the programs must be free of errors.
pub(crate) fn tables(model: &Model, programs: Programs, sources: &Sources, lock: &Lock) -> Tables {
    let fields = model.fields.iter().zip(&programs.patterns);
    let fields: Vec<FieldTable> =
        fields.map(|(field, pattern)| FieldTable { pattern: *pattern, ..field.table.clone() }).collect();
    let ordered = ordered(model, &programs.rules);
    let rules = ordered.iter().map(|entry| rule_table(entry, &fields, sources)).collect();
    let dictionaries = match model.mesh.carrier_version {
        // Version 2 writes no dictionaries.
        CarrierVersion::Two => Vec::new(),
        CarrierVersion::Dated | CarrierVersion::One => {
            let words = first_words(model, &programs.table.constants);
            vec![DictionaryTable { id: dictionary_id(&words), words }]
        }
    };
    let mut tables = Tables {
        mesh: model.mesh.clone(),
        dictionaries,
        words: lock.table(),
        services: services(model, &ordered),
        domains: model.directory.domains.clone(),
        unlisted: entry(&ordered, |policy| policy.unlisted),
        rules,
        program: programs.table,
        fields,
        regexes: programs.regexes,
        names: names(&model.directory.services),
    };
    ambiguous_paths(&mut tables, model.directory.deny_ambiguous_path);
    tables
}

/// Sets what each workload does with a path that has several readings. Without a word of the mesh, those with a rule that
/// reads the path of inbound requests deny it. Where the mesh lets it go on, these decide on all readings.
fn ambiguous_paths(tables: &mut Tables, said: Option<bool>) {
    let reads_path =
        |rule: &RuleTable| slice::attributes_of(rule, tables).into_iter().flatten().any(Attribute::is_path);
    let readers: Vec<bool> = tables.rules.iter().map(reads_path).collect();
    let entries = tables.services.iter_mut().map(|service| &mut service.entry).chain([&mut tables.unlisted]);
    for entry in entries {
        let reads = || entry.inbound.iter().any(|rule| rule.get(&readers) == Some(&true));
        entry.ambiguous_path = match (said, reads()) {
            (Some(true), _) | (None, true) => AmbiguousPath::Deny,
            (Some(false), true) => AmbiguousPath::DecideOnBoth,
            (Some(false) | None, false) => AmbiguousPath::Pass,
        };
    }
}

/// Returns the encoded tables and their digest. The bytes are loaded once, as a filter would, so that the artifact is
/// known to load. Returns `None`, with a diagnostic, when a limit of the format is exceeded.
pub(crate) fn bytes(tables: &Tables, diagnostics: &mut Diagnostics) -> Option<(Vec<u8>, String)> {
    let built = load_bytes(tables);
    built.map_err(|error| diagnostics.push(Diagnostic::error(code::ARTIFACT_LIMIT, None, error.to_string()))).ok()
}

/// Like [`bytes`], but returns the reason when it fails.
pub(crate) fn load_bytes(tables: &Tables) -> Result<(Vec<u8>, String), PackError> {
    let bytes = encode(tables)?;
    let digest = load(&bytes)?.digest().to_string();
    Ok((bytes, digest))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A rule with its policy and its programs.
struct Ordered<'a> {
    policy: &'a Policy,
    rule: &'a Rule,
    programs: &'a RulePrograms,
}

/// Returns all rules in the order in which decisions report them: the enterprise's denies first, then by layer, then by
/// name. The place of a document or a rule in the tree therefore never changes a result, not even the message of a
/// denial.
fn ordered<'a>(model: &'a Model, programs: &'a [Vec<RulePrograms>]) -> Vec<Ordered<'a>> {
    let mut all: Vec<Ordered<'a>> = Vec::new();
    for (policy, programs) in model.policies.iter().zip(programs) {
        all.extend(policy.rules.iter().zip(programs).map(|(rule, programs)| Ordered { policy, rule, programs }));
    }
    all.sort_by_cached_key(|entry| {
        let deny = matches!(entry.rule.effect, Effect::Deny(_));
        (entry.policy.layer, entry.policy.layer == Layer::Enterprise && !deny, entry.rule.name.as_str())
    });
    all
}

fn rule_table(entry: &Ordered<'_>, fields: &[FieldTable], sources: &Sources) -> RuleTable {
    let rule = entry.rule;
    let name = |index: &usize| fields.get(*index).map(|field| field.name.clone()).unwrap_or_default();
    RuleTable {
        name: rule.name.clone(),
        layer: entry.policy.layer,
        condition: entry.programs.when,
        on_error: match rule.on_error {
            OnError::Deny => tables::OnError::Deny,
            OnError::Ignore => tables::OnError::Ignore,
        },
        shadow: rule.shadow,
        effect: match &rule.effect {
            Effect::Deny(reply) => tables::Effect::Deny(reply.clone()),
            Effect::Allow => tables::Effect::Allow,
            Effect::Redact(fields) => tables::Effect::Redact { fields: fields.iter().map(name).collect() },
            Effect::Mask(fields, method) => {
                tables::Effect::Mask { fields: fields.iter().map(name).collect(), method: *method }
            }
            Effect::Audit => tables::Effect::Audit,
            Effect::Require(fields, reply) => {
                tables::Effect::Require { fields: fields.iter().map(name).collect(), reply: reply.clone() }
            }
            Effect::Set(assignments) => {
                let names = assignments.iter().map(|(field, _)| name(field));
                tables::Effect::Set { fields: names.zip(entry.programs.values.iter().copied()).collect() }
            }
        },
        place: sources.place(rule.span),
    }
}

fn services(model: &Model, rules: &[Ordered<'_>]) -> Vec<ServiceTable> {
    let mut entries: Vec<EntryTable> = vec![EntryTable::default(); model.directory.services.len()];
    for (index, ordered) in rules.iter().enumerate() {
        let add = |entry: &mut EntryTable| list(entry, ordered.policy.direction).push(RuleIndex(number(index)));
        match &ordered.policy.workloads {
            Workloads::All => entries.iter_mut().for_each(add),
            Workloads::These(services) => {
                services.iter().for_each(|service| entries.get_mut(*service).map_or((), add));
            }
        }
    }
    let services = model.directory.services.iter().zip(entries);
    services
        .map(|(service, entry)| ServiceTable {
            name: service.name.clone(),
            domain: service.domain,
            has_identities: service.identities.is_some(),
            regions: service.regions.clone(),
            entry,
        })
        .collect()
}

/// Returns the names by which services are called. The model holds each name once.
fn names(services: &[Service]) -> NamesTable {
    let list = |of: fn(&Service) -> &[String]| {
        let each = services.iter().zip((0..).map(ServiceIndex));
        let mut all: Vec<(String, ServiceIndex)> =
            each.flat_map(|(service, index)| of(service).iter().map(move |name| (name.clone(), index))).collect();
        all.sort();
        all
    };
    NamesTable {
        identities: list(|service| service.identities.as_deref().unwrap_or_default()),
        hosts: list(|service| &service.hosts),
        workloads: list(|service| &service.workloads),
    }
}

fn entry(rules: &[Ordered<'_>], applies: impl Fn(&Policy) -> bool) -> EntryTable {
    let mut entry = EntryTable::default();
    for (index, ordered) in rules.iter().enumerate().filter(|(_, ordered)| applies(ordered.policy)) {
        list(&mut entry, ordered.policy.direction).push(RuleIndex(number(index)));
    }
    entry
}

fn list(entry: &mut EntryTable, direction: Direction) -> &mut Vec<RuleIndex> {
    match direction {
        Direction::Inbound => &mut entry.inbound,
        Direction::Outbound => &mut entry.outbound,
    }
}

/// Returns the words that the first filters numbered for a tree, in their order. A proxy with such a filter still
/// writes these numbers. The order must never change, or what those proxies send during an upgrade is lost.
fn first_words(model: &Model, constants: &[Constant]) -> Vec<String> {
    let enums = model.fields.iter().flat_map(|field| &field.table.allowed);
    let strings = enums.filter_map(|text| serde_json::from_str::<String>(text).ok());
    let kinds: [BTreeSet<String>; 5] = [
        model.fields.iter().map(|field| field.table.name.clone()).collect(),
        model.directory.services.iter().map(|service| service.name.clone()).collect(),
        strings.collect(),
        constants.iter().flat_map(strings_of).collect(),
        model.directory.domains.iter().map(|domain| domain.name.clone()).collect(),
    ];
    let mut seen = HashSet::new();
    let words = kinds.into_iter().flatten().filter(|word| !word.is_empty() && word.len() <= MAX_WORD_BYTES);
    words.filter(|word| seen.insert(word.clone())).take(MAX_WORDS).collect()
}

fn strings_of(constant: &Constant) -> Vec<String> {
    let string = |scalar: &ScalarConstant| match scalar {
        ScalarConstant::String(text) => Some(text.clone()),
        _ => None,
    };
    match constant {
        Constant::Scalar(scalar) => string(scalar).into_iter().collect(),
        Constant::List(scalars) => scalars.iter().filter_map(string).collect(),
        Constant::StringSet(words) => words.clone(),
        Constant::Networks(_) => Vec::new(),
        Constant::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).filter_map(string).collect(),
    }
}
