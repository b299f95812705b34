//! Resources that are given twice: in two files, or in a file and in the output of `kubectl`.
//!
//! A cluster has only one of them, the one that was applied last. Two that say the same are one. Of two that differ
//! nobody here knows which holds, and both together could let more requests pass than either.

use std::collections::{BTreeMap, btree_map::Entry};

use super::{manifest::Manifest, policy::DRY_RUN};
use crate::{
    read::{document::Decoder, foreign::get, yaml::Node},
    report::{
        diagnostic::{Diagnostic, code},
        source::Span,
    },
};

/// The resources so far.
#[derive(Default)]
pub(super) struct Duplicates<'n> {
    /// By kind, namespace and name.
    seen: BTreeMap<(&'n str, String, String), Seen<'n>>,
}

struct Seen<'n> {
    name: Span,
    spec: Option<&'n Node>,
    dry_run: Option<String>,
}

impl Seen<'_> {
    fn says_the_same(&self, other: &Self) -> bool {
        let same = match (self.spec, other.spec) {
            // How a text is quoted says nothing.
            (Some(one), Some(other)) => one.says_the_same(other, |one, other| one.text == other.text),
            (one, other) => one.is_none() && other.is_none(),
        };
        same && self.dry_run == other.dry_run
    }
}

impl<'n> Duplicates<'n> {
    /// Whether this is the first resource of its kind with this name. Reports the second one.
    pub(super) fn is_new(&mut self, manifest: &Manifest<'n>, decoder: &mut Decoder<'_>) -> bool {
        let dry_run = manifest.annotation(DRY_RUN).map(|value| value.value);
        let seen = Seen { name: manifest.name.span, spec: get(manifest.node, "spec"), dry_run };
        let (name, namespace) = (&manifest.name.value, &manifest.namespace);
        match self.seen.entry((manifest.kind, namespace.clone(), name.clone())) {
            Entry::Vacant(free) => {
                free.insert(seen);
                true
            }
            Entry::Occupied(taken) => {
                let first = taken.get();
                let what = format!("the {} `{name}` in the namespace `{namespace}` is given twice", manifest.kind);
                let problem = if first.says_the_same(&seen) {
                    Diagnostic::warning(code::GIVEN_TWICE, seen.name, format!("{what}, with the same content"))
                        .help("leave one of them out")
                } else {
                    Diagnostic::error(code::GIVEN_TWICE, seen.name, format!("{what}, with different content"))
                        .help("give only the one that holds in the cluster")
                };
                decoder.report(problem.label(first.name, "the first one"));
                false
            }
        }
    }
}
