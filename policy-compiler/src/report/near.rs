//! Similar names: suggestions for a name that does not exist.

use std::fmt;

/// An unknown name, with advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName(String);

impl UnknownName {
    /// Creates the error. `missing` is the beginning of the message, for example "the mesh has no service".
    pub(crate) fn new<'c>(missing: &str, name: &str, known: impl IntoIterator<Item = &'c str>) -> Self {
        let advice = suggestion(name, known).map(|advice| format!("; {advice}"));
        Self(format!("{missing} `{name}`{}", advice.unwrap_or_default()))
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownName {}

/// Returns the candidate most similar to `name`, if one is similar enough to suggest.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let length = name.chars().count();
    // A third of the letters may differ, but never all of them.
    let limit = length.div_ceil(3).min(length.saturating_sub(1));
    let lower = name.to_lowercase();
    let others: Vec<&str> = candidates.into_iter().filter(|candidate| *candidate != name).collect();
    let near = others
        .iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate);
    near.or_else(|| begun(&lower, &others))
}

/// Returns the only candidate of which `name` is the first words, as `tenant` is of `tenant_id`.
fn begun<'c>(name: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let rest = |candidate: &str| candidate.to_lowercase().strip_prefix(name).map(str::to_owned);
    let is_begun = |candidate: &&&str| rest(candidate).is_some_and(|rest| rest.starts_with(['_', '-', '.']));
    let mut found = candidates.iter().filter(is_begun);
    let first = found.next().filter(|_| name.len() > 2);
    first.filter(|_| found.next().is_none()).copied()
}

/// Returns a sentence that suggests the nearest candidate, or lists a few of them. Returns `None` if there are no
/// candidates.
pub(crate) fn suggestion<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    const LISTED: usize = 8;
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    if let Some(near) = nearest(name, all.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let names: Vec<String> = all.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => None,
        1 => Some(format!("the only one is {}", names.join(""))),
        n if n > LISTED => Some(format!("some of the known ones are {}", names.join(", "))),
        _ => Some(format!("known are {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["tenant_id", "user_id", "region"];
        let cases = [
            ("tenent_id", Some("tenant_id")),
            ("userid", Some("user_id")),
            ("Region", Some("region")),
            ("tenant", Some("tenant_id")),
            ("User", Some("user_id")),
            ("us", None),
            ("ten", None),
            ("zzz", None),
            ("state", None),
            ("r", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }

    #[test]
    fn without_a_near_name_a_few_are_listed() {
        assert_eq!(suggestion("zzz", ["b", "a"]).unwrap(), "known are `a`, `b`");
        assert_eq!(suggestion("zzz", []), None);
    }
}
