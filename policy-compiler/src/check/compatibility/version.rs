//! Checks that the version of a schema was raised as semver requires.

use semver::{Prerelease, Version};

use super::change::Comparison;

/// How far a version must be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing changed.
    None,
    /// Something changed that nothing depends on.
    Patch,
    /// Something was added or allowed; existing uses still work.
    Minor,
    /// An existing use no longer works.
    Major,
}

impl Level {
    /// Returns the level of these changes. A change that is not backward compatible is major; one that adds or allows
    /// something is minor.
    pub fn of(comparison: &Comparison) -> Self {
        if comparison.changes.is_empty() {
            Self::None
        } else if comparison.backward().next().is_some() {
            Self::Major
        } else if comparison.forward().next().is_some() || comparison.changes.iter().any(|change| change.addition) {
            Self::Minor
        } else {
            Self::Patch
        }
    }
}

/// Advice about a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// It fits the changes.
    Fits,
    /// Neither version has a number, so there is no advice.
    Unversioned,
    /// It must be at least this one.
    Raise(Version),
}

/// Checks a new version. A pre-release of the required version is accepted.
pub fn advise(old: Option<&Version>, new: Option<&Version>, level: Level) -> Advice {
    let Some(old) = old else { return if new.is_some() { Advice::Fits } else { Advice::Unversioned } };
    let needed = raised(old, level);
    let Some(new) = new else { return Advice::Raise(needed) };
    let fits = new.cmp_precedence(old).is_ge()
        && (level == Level::None || (new.cmp_precedence(old).is_gt() && triple(new) >= triple(&needed)));
    if fits { Advice::Fits } else { Advice::Raise(needed) }
}

fn triple(version: &Version) -> (u64, u64, u64) {
    (version.major, version.minor, version.patch)
}

/// Returns the next version of this level. Below 1.0.0 each level counts one less, as is the custom. A pre-release
/// promises nothing, so only its release must follow.
fn raised(old: &Version, level: Level) -> Version {
    let Version { major, minor, patch, .. } = *old;
    if level == Level::None {
        return old.clone();
    }
    if old.pre != Prerelease::EMPTY {
        return Version::new(major, minor, patch);
    }
    match (level, major, minor) {
        (Level::Major, 1.., _) => Version::new(major.saturating_add(1), 0, 0),
        (Level::Minor, 1.., _) | (Level::Major, 0, 1..) => Version::new(major, minor.saturating_add(1), 0),
        _ => Version::new(major, minor, patch.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_raised_as_far_as_its_changes_ask() {
        let fits = None;
        for (old, new, level, raise) in [
            ("1.2.3", "1.2.3", Level::None, fits),
            ("1.2.3", "1.3.0", Level::None, fits),
            ("1.2.3", "1.2.2", Level::None, Some("1.2.3")),
            ("1.2.3", "1.2.3", Level::Patch, Some("1.2.4")),
            ("1.2.3", "1.2.4", Level::Patch, fits),
            ("1.2.3", "1.2.4", Level::Minor, Some("1.3.0")),
            ("1.2.3", "1.3.0", Level::Minor, fits),
            ("1.2.3", "1.3.0", Level::Major, Some("2.0.0")),
            ("1.2.3", "2.0.0-rc.1", Level::Major, fits),
            ("1.2.3", "3.0.0", Level::Major, fits),
            ("2.0.0-rc.1", "2.0.0-rc.1", Level::Major, Some("2.0.0")),
            ("2.0.0-rc.1", "2.0.0-rc.2", Level::Major, fits),
            ("0.3.1", "0.3.2", Level::Major, Some("0.4.0")),
            ("0.3.1", "0.3.2", Level::Minor, fits),
            ("0.0.1", "0.0.2", Level::Major, fits),
            ("1.2.3", "1.2.3+build", Level::Minor, Some("1.3.0")),
        ] {
            let [old, new] = [old, new].map(|text| Version::parse(text).unwrap());
            let expected = raise.map_or(Advice::Fits, |text| Advice::Raise(Version::parse(text).unwrap()));
            assert_eq!(advise(Some(&old), Some(&new), level), expected, "{old} -> {new} {level:?}");
        }
        let old = Version::new(1, 0, 0);
        assert_eq!(advise(None, None, Level::Major), Advice::Unversioned);
        assert_eq!(advise(None, Some(&old), Level::Major), Advice::Fits);
        assert_eq!(advise(Some(&old), None, Level::Minor), Advice::Raise(Version::new(1, 1, 0)));
    }
}
