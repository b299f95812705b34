//! Time zones. Their rules go into the artifact, because the filter has no time zone database.

use std::sync::LazyLock;

use context_mesh_core::artifact::tables::ZoneTable;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::report::near;

/// Transitions are stored until the beginning of this year, in seconds since 1970. Later times use the last offset.
const UNTIL: i64 = 7_258_118_400;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether a time zone is `UTC`, an offset such as `+05:30`, or one of the IANA database.
pub(super) fn is_known(name: &str) -> bool {
    !needs_table(name) || named(name).is_some()
}

/// Whether the virtual machine needs a table for the time zone.
pub(crate) fn needs_table(name: &str) -> bool {
    name != "UTC" && !is_offset(name)
}

/// Whether the text is `05:30`, with or without a sign.
fn is_offset(name: &str) -> bool {
    let digits = name.strip_prefix(['+', '-']).unwrap_or(name);
    match digits.as_bytes() {
        [hours @ .., b':', minute_tens @ b'0'..=b'5', minute] => {
            let all = hours.iter().chain([minute_tens, minute]);
            (1..=2).contains(&hours.len()) && all.into_iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Returns the time zone of exactly that name. The database itself ignores case.
fn named(name: &str) -> Option<TimeZone> {
    DATABASE.get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// Returns the most similar known name.
pub(super) fn near(name: &str) -> Option<String> {
    let names: Vec<String> = DATABASE.available().map(|name| name.as_str().to_owned()).collect();
    let same = names.iter().find(|known| known.eq_ignore_ascii_case(name)).cloned();
    same.or_else(|| near::nearest(name, names.iter().map(String::as_str)).map(str::to_owned))
}

/// Returns the offsets of a time zone of the IANA database, or `None` if it is not in there.
pub(crate) fn table(name: &str) -> Option<ZoneTable> {
    let zone = named(name)?;
    let mut offset = zone.to_offset(Timestamp::MIN).seconds();
    let initial = offset;
    let mut transitions = Vec::new();
    for transition in zone.following(Timestamp::MIN) {
        let at = transition.timestamp().as_second();
        if at >= UNTIL {
            break;
        }
        let next = transition.offset().seconds();
        // Some transitions change only the abbreviation.
        if next != offset {
            transitions.push((at, next));
            offset = next;
        }
    }
    Some(ZoneTable { name: name.to_owned(), initial, transitions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use context_mesh_core::limits::MAX_ZONE_TRANSITIONS;

    #[test]
    fn names_and_offsets_are_known() {
        for name in ["UTC", "Europe/Berlin", "America/St_Johns", "+05:30", "-02:00", "02:00", "+1:00"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["", "Europe/Berlim", "europe/berlin", "+5", "+05:3", "+05:60", "CEST!"] {
            assert!(!is_known(name), "{name}");
        }
        assert_eq!(near("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(near("Europe/Berlim").as_deref(), Some("Europe/Berlin"));
    }

    #[test]
    fn a_table_has_the_changes_of_the_clock() {
        let berlin = table("Europe/Berlin").unwrap();
        // 2024-03-31T01:00:00Z
        let summer = berlin.transitions.iter().find(|(at, _)| *at == 1_711_846_800);
        assert_eq!(summer, Some(&(1_711_846_800, 7200)));
        assert!(berlin.transitions.is_sorted() && berlin.transitions.last().unwrap().0 < UNTIL);
    }

    #[test]
    fn every_zone_fits_the_limit() {
        for name in DATABASE.available() {
            let table = table(name.as_str()).unwrap();
            assert!(table.transitions.len() <= MAX_ZONE_TRANSITIONS, "{name}: {}", table.transitions.len());
        }
    }
}
