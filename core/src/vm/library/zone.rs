//! Time zones: those of the artifact, `UTC`, and fixed offsets such as `+05:30`.

use crate::tables::ZoneTable;

/// Returns the offset of a zone at a point in time (seconds since 1970), in seconds east of UTC, or `None` for an
/// unknown zone.
pub(super) fn offset(zones: &[ZoneTable], name: &str, seconds: i64) -> Option<i32> {
    if matches!(name, "UTC" | "Z" | "") {
        return Some(0);
    }
    if let Ok(place) = zones.binary_search_by(|zone| zone.name.as_str().cmp(name)) {
        return zones.get(place).map(|zone| zone.offset(seconds));
    }
    fixed(name)
}

impl ZoneTable {
    /// Returns the offset at a point in time (seconds since 1970), in seconds east of UTC.
    pub(crate) fn offset(&self, seconds: i64) -> i32 {
        let passed = self.transitions.partition_point(|(from, _)| *from <= seconds);
        let last = passed.checked_sub(1).and_then(|last| self.transitions.get(last));
        last.map_or(self.initial, |(_, offset)| *offset)
    }
}

/// Parses an offset such as `+05:30`, `-02:00`, `02:00`.
fn fixed(name: &str) -> Option<i32> {
    let (negative, rest) = match name.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, name.strip_prefix('+').unwrap_or(name)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, limit: i32| -> Option<i32> {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|number| *number < limit)
    };
    let minutes = number(hours, 24)?.wrapping_mul(60).wrapping_add(number(minutes, 60)?);
    let seconds = minutes.wrapping_mul(60);
    Some(if negative { seconds.wrapping_neg() } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn fixed_offsets_have_hours_and_minutes() {
        let cases = [
            ("UTC", Some(0)),
            ("+05:30", Some(19_800)),
            ("-02:00", Some(-7200)),
            ("02:00", Some(7200)),
            ("-0:45", Some(-2700)),
            ("+24:00", None),
            ("+05:60", None),
            ("+5", None),
            ("+:", None),
            ("+ 5:00", None),
            ("++5:00", None),
            ("Europe/Berlin", None),
        ];
        for (name, expected) in cases {
            assert_eq!(offset(&[], name, 0), expected, "{name}");
        }
    }

    #[test]
    fn a_transition_holds_from_its_second_on() {
        let zone = |name: &str| ZoneTable { name: name.into(), initial: 1, transitions: vec![(10, 2), (20, 3)] };
        let zones = [zone("A"), zone("B")];
        for (seconds, expected) in [(9, 1), (10, 2), (19, 2), (20, 3), (i64::MAX, 3), (i64::MIN, 1)] {
            assert_eq!(offset(&zones, "B", seconds), Some(expected), "{seconds}");
        }
    }
}
