//! The Gregorian calendar, extended to all years: from days since 1970 to dates and back.
//!
//! Years begin in March here, so that the leap day is the last one of its year and the months before it have the same
//! lengths in every year.

use core::num::Wrapping;

const DAYS_OF_400_YEARS: i64 = 146_097;
/// Number of days from the first of March of the year 0 to 1970.
const DAYS_TO_1970: i64 = 719_468;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    days: i64,
}

impl Civil {
    /// Returns the date and time this number of seconds after 1970. The seconds must be within some ten thousand years
    /// of it.
    pub(super) fn new(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_OF_A_DAY);
        let (year, month, day) = date(days);
        Self { year, month, day, days }
    }

    /// Returns the day of the week, from 0 for Sunday.
    pub(super) fn day_of_week(&self) -> i64 {
        // The first day of 1970 was a Thursday.
        self.days.wrapping_add(4).rem_euclid(7)
    }

    /// Returns the day of the year, from 0.
    pub(super) fn day_of_year(&self) -> i64 {
        self.days.wrapping_sub(days(self.year, 1, 1).unwrap_or(self.days))
    }
}

/// Returns hour, minute and second of the time of day this number of seconds after 1970.
pub(super) fn clock(seconds: i64) -> (i64, i64, i64) {
    let of_day = seconds.rem_euclid(SECONDS_OF_A_DAY);
    (of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Returns the days from 1970 to a date, or `None` if the date does not exist.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let days = days_unchecked(year, month, day);
    (date(days) == (year, month, day)).then_some(days)
}

fn days_unchecked(year: i64, month: i64, day: i64) -> i64 {
    let from_march = Wrapping(month.wrapping_add(9).rem_euclid(12));
    let year = Wrapping(year) - Wrapping(i64::from(month <= 2));
    let era = Wrapping(year.0.div_euclid(400));
    let of_era = year - era * Wrapping(400);
    let of_year = over(Wrapping(153) * from_march + Wrapping(2), 5) + Wrapping(day) - Wrapping(1);
    let days = of_era * Wrapping(365) + over(of_era, 4) - over(of_era, 100) + of_year;
    (era * Wrapping(DAYS_OF_400_YEARS) + days - Wrapping(DAYS_TO_1970)).0
}

/// Returns the integer part of a quotient.
fn over(value: Wrapping<i64>, divisor: i64) -> Wrapping<i64> {
    Wrapping(value.0.checked_div(divisor).unwrap_or(0))
}

/// Returns year, month and day of the date this number of days after 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = Wrapping(days) + Wrapping(DAYS_TO_1970);
    let era = Wrapping(days.0.div_euclid(DAYS_OF_400_YEARS));
    let of_era = days - era * Wrapping(DAYS_OF_400_YEARS);
    let leap_days = over(of_era, 1460) - over(of_era, 36_524) + over(of_era, 146_096);
    let year_of_era = over(of_era - leap_days, 365);
    let before = Wrapping(365) * year_of_era + over(year_of_era, 4) - over(year_of_era, 100);
    let of_year = of_era - before;
    let from_march = over(Wrapping(5) * of_year + Wrapping(2), 153);
    let day = of_year - over(Wrapping(153) * from_march + Wrapping(2), 5) + Wrapping(1);
    let month = if from_march.0 < 10 { from_march + Wrapping(3) } else { from_march - Wrapping(9) };
    let year = year_of_era + era * Wrapping(400) + Wrapping(i64::from(month.0 <= 2));
    (year.0, month.0, day.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_day_of_two_thousand_years_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1, 1, 1);
        for number in days(1, 1, 1).unwrap()..days(2400, 1, 1).unwrap() {
            assert_eq!(date(number), (year, month, day));
            assert_eq!(days(year, month, day), Some(number));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (day, month) = if day < length { (day + 1, month) } else { (1, month + 1) };
            (month, year) = if month <= 12 { (month, year) } else { (1, year + 1) };
        }
    }

    #[test]
    fn dates_that_do_not_exist_have_no_number() {
        for (year, month, day) in
            [(2023, 2, 29), (2024, 2, 30), (2024, 0, 1), (2024, 13, 1), (2024, 4, 31), (2024, 1, 0)]
        {
            assert_eq!(days(year, month, day), None);
        }
    }

    #[test]
    fn clocks_run_forward_before_1970_too() {
        let before = Civil::new(-1);
        assert_eq!((before.year, before.month, before.day, clock(-1)), (1969, 12, 31, (23, 59, 59)));
        assert_eq!((before.day_of_week(), before.day_of_year()), (3, 364));
    }
}
