//! Timestamps and durations.

use super::{calendar, zone};
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::{Timestamp, Value};

const SECOND: i64 = 1_000_000_000;

fn in_range<'a>(point: Timestamp) -> Outcome<'a> {
    if point.is_valid() { Ok(Value::Timestamp(point)) } else { Err(EvalErrorKind::Overflow) }
}

/// Returns the point in time this number of nanoseconds later.
pub(in crate::vm) fn later<'a>(point: Timestamp, nanos: i64) -> Outcome<'a> {
    let step = Timestamp::from_nanos(nanos);
    let nanos = point.nanos.saturating_add(step.nanos);
    let (carry, nanos) = match nanos.checked_sub(1_000_000_000) {
        Some(nanos) => (1, nanos),
        None => (0, nanos),
    };
    let seconds = point.seconds.saturating_add(step.seconds).saturating_add(carry);
    in_range(Timestamp { seconds, nanos })
}

/// Returns the nanoseconds from `b` to `a`, if they fit.
pub(in crate::vm) fn between(a: Timestamp, b: Timestamp) -> Option<i64> {
    let seconds = a.seconds.checked_sub(b.seconds)?;
    let nanos = i64::from(a.nanos).checked_sub(i64::from(b.nanos))?;
    // For a negative duration the sum may fit although the seconds alone do not.
    match seconds.checked_mul(SECOND) {
        Some(whole) => whole.checked_add(nanos),
        None => seconds.checked_add(1)?.checked_mul(SECOND)?.checked_add(nanos.checked_sub(SECOND)?),
    }
}

/// `timestamp()`
pub(in crate::vm) fn timestamp<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Timestamp(point)] => Ok(Value::Timestamp(*point)),
        [Value::Int(seconds)] => in_range(Timestamp { seconds: *seconds, nanos: 0 }),
        [Value::String(text)] => parse_timestamp(text).ok_or(EvalErrorKind::InvalidArgument).and_then(in_range),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Parses RFC 3339 text, for example `2009-02-13T23:31:30.5+01:00`. Digits after the ninth of a fraction are cut off.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let mut scanner = Scanner(text);
    let year = scanner.number(4)?;
    let month = scanner.then("-")?.number(2)?;
    let day = scanner.then("-")?.number(2)?;
    let hour = scanner.then("T")?.number(2)?;
    let minute = scanner.then(":")?.number(2)?;
    let second = scanner.then(":")?.number(2)?;
    let nanos = if scanner.then(".").is_some() { scanner.fraction()? } else { 0 };
    let offset = scanner.offset()?;
    let valid = hour <= 23 && minute <= 59 && second <= 59 && scanner.0.is_empty();
    let days = calendar::days(year, month, day).filter(|_| valid)?;
    let time = hour.wrapping_mul(3600).wrapping_add(minute.wrapping_mul(60)).wrapping_add(second);
    let seconds = days.wrapping_mul(86_400).wrapping_add(time).wrapping_sub(offset);
    Some(Timestamp { seconds, nanos })
}

/// The rest of a text.
struct Scanner<'t>(&'t str);

impl Scanner<'_> {
    fn then(&mut self, text: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(text)?;
        Some(self)
    }

    /// Reads a number of exactly this number of digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
    }

    /// Reads the digits after a point, as nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let end = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
        self.0 = rest;
        let digits = digits.bytes().chain(core::iter::repeat(b'0')).take(9);
        Some(digits.fold(0, |nanos: u32, digit| nanos.wrapping_mul(10).wrapping_add(u32::from(digit & 15))))
    }

    /// Reads `Z` or an offset such as `+05:30`, in seconds.
    fn offset(&mut self) -> Option<i64> {
        if self.then("Z").is_some() {
            return Some(0);
        }
        let sign = if self.then("-").is_some() {
            -1
        } else {
            self.then("+")?;
            1
        };
        let hours = self.number(2).filter(|hours| *hours <= 24)?;
        let minutes = self.then(":")?.number(2).filter(|minutes| *minutes <= 60)?;
        Some(hours.wrapping_mul(3600).wrapping_add(minutes.wrapping_mul(60)).wrapping_mul(sign))
    }
}

/// Returns a timestamp as RFC 3339 text in UTC, without zeros at the end of its fraction.
pub(in crate::vm) fn timestamp_text(point: Timestamp) -> String {
    let civil = calendar::Civil::new(point.seconds);
    let (hour, minute, second) = calendar::clock(point.seconds);
    let fraction = fraction_text(point.nanos);
    format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z", civil.year, civil.month, civil.day)
}

/// Returns a point and the digits of the nanoseconds up to the last one that is not zero.
fn fraction_text(nanos: u32) -> String {
    let digits = format!(".{nanos:09}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns a duration in seconds as text, for example `-1.5s`.
pub(in crate::vm) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let seconds = nanos.wrapping_div(1_000_000_000);
    let fraction = fraction_text(u32::try_from(nanos.wrapping_rem(1_000_000_000)).unwrap_or(0));
    format!("{sign}{seconds}{fraction}s")
}

/// `duration()`
pub(in crate::vm) fn duration<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Duration(nanos)] | [Value::Int(nanos)] => Ok(Value::Duration(*nanos)),
        [Value::String(text)] => parse_duration(text).map(Value::Duration).ok_or(EvalErrorKind::InvalidArgument),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

/// Parses numbers with units, for example `1h30m`, `-1.5s` or `10ms`, like Go's `time.ParseDuration`.
fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut nanos = 0_u64;
    loop {
        let (part, behind) = duration_part(rest)?;
        nanos = nanos.checked_add(part)?;
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    if negative { 0_i64.checked_sub_unsigned(nanos) } else { i64::try_from(nanos).ok() }
}

/// Returns the first number with its unit, in nanoseconds, and the text after it.
fn duration_part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = text.split_at_checked(text.bytes().take_while(u8::is_ascii_digit).count())?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part = fraction_of(unit, fraction);
    Some((whole.checked_mul(unit)?.checked_add(part)?, rest))
}

/// Returns a decimal fraction of a unit, in nanoseconds, computed with doubles as in Go.
#[expect(clippy::as_conversions, reason = "less than a unit, which a double holds exactly")]
fn fraction_of(unit: u64, digits: &str) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    // Eighteen digits fit; those after them are less than a nanosecond.
    for digit in digits.bytes().take(18) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit & 15));
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// Returns the local time, in seconds as if it were in UTC: in UTC, or in the time zone of the second argument.
fn shown<'a>(env: &Env<'a>, arguments: &[Value<'a>]) -> Result<i64, EvalErrorKind> {
    let (point, offset) = match arguments {
        [Value::Timestamp(point)] => (point, 0),
        [Value::Timestamp(point), Value::String(zone)] => {
            (point, zone::offset(env.zones, zone, point.seconds).ok_or(EvalErrorKind::InvalidArgument)?)
        }
        _ => return Err(EvalErrorKind::NoSuchOverload),
    };
    Ok(point.seconds.wrapping_add(i64::from(offset)))
}

#[inline(never)]
fn civil<'a>(env: &Env<'a>, arguments: &[Value<'a>]) -> Result<calendar::Civil, EvalErrorKind> {
    Ok(calendar::Civil::new(shown(env, arguments)?))
}

/// Returns hour, minute and second. They need no date.
#[inline(never)]
fn clock<'a>(env: &Env<'a>, arguments: &[Value<'a>]) -> Result<(i64, i64, i64), EvalErrorKind> {
    Ok(calendar::clock(shown(env, arguments)?))
}

/// `getFullYear()`
pub(in crate::vm) fn year<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.year))
}

/// `getMonth()`, from 0.
pub(in crate::vm) fn month<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.month.wrapping_sub(1)))
}

/// `getDayOfYear()`, from 0.
pub(in crate::vm) fn day_of_year<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.day_of_year()))
}

/// `getDayOfMonth()`, from 0.
pub(in crate::vm) fn day_of_month<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.day.wrapping_sub(1)))
}

/// `getDate()`, from 1.
pub(in crate::vm) fn date<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.day))
}

/// `getDayOfWeek()`, from 0 for Sunday.
pub(in crate::vm) fn day_of_week<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    Ok(Value::Int(civil(env, arguments)?.day_of_week()))
}

/// `getHours()`
pub(in crate::vm) fn hours<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos.wrapping_div(3600 * SECOND))),
        _ => Ok(Value::Int(clock(env, arguments)?.0)),
    }
}

/// `getMinutes()`
pub(in crate::vm) fn minutes<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos.wrapping_div(60 * SECOND))),
        _ => Ok(Value::Int(clock(env, arguments)?.1)),
    }
}

/// `getSeconds()`
pub(in crate::vm) fn seconds<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos.wrapping_div(SECOND))),
        _ => Ok(Value::Int(clock(env, arguments)?.2)),
    }
}

/// `getMilliseconds()`: the milliseconds within the second.
pub(in crate::vm) fn milliseconds<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos.wrapping_rem(SECOND).wrapping_div(1_000_000))),
        [Value::Timestamp(point), ..] => {
            shown(env, arguments)?;
            Ok(Value::Int(i64::from(point.nanos.wrapping_div(1_000_000))))
        }
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::{call, zone_named};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn point(text: &str) -> Option<(i64, u32)> {
        parse_timestamp(text).map(|point| (point.seconds, point.nanos))
    }

    #[test]
    fn timestamps_are_read_strictly() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some((0, 0))),
            ("2009-02-13T23:31:30Z", Some((1_234_567_890, 0))),
            ("2009-02-13T23:31:30.5+01:00", Some((1_234_564_290, 500_000_000))),
            ("2009-02-13T23:31:30.1234567899-00:30", Some((1_234_569_690, 123_456_789))),
            ("1969-12-31T23:59:59.999Z", Some((-1, 999_000_000))),
            ("2000-02-29T00:00:00Z", Some((951_782_400, 0))),
            ("1900-02-29T00:00:00Z", None),
            ("2009-13-01T00:00:00Z", None),
            ("2009-00-01T00:00:00Z", None),
            ("2009-02-30T00:00:00Z", None),
            ("2009-02-13T24:00:00Z", None),
            ("2009-02-13T23:60:00Z", None),
            ("2009-02-13T23:59:60Z", None),
            ("2009-02-13 23:31:30Z", None),
            ("2009-02-13T23:31:30", None),
            ("2009-02-13T23:31:30.Z", None),
            ("2009-02-13T23:31:30z", None),
            ("2009-2-13T23:31:30Z", None),
            ("2009-02-13T23:31:30Zx", None),
            ("2009-02-13T23:31:30+1:00", None),
            ("", None),
            ("ä009-02-13T23:31:30Z", None),
            ("+009-02-13T23:31:30Z", None),
        ];
        for (text, expected) in cases {
            assert_eq!(point(text), expected, "{text}");
        }
    }

    #[test]
    fn the_years_1_to_9999_exist() {
        for (text, exists) in [
            ("0001-01-01T00:00:00Z", true),
            ("9999-12-31T23:59:59.999999999Z", true),
            ("0001-01-01T00:00:00+00:01", false),
            ("9999-12-31T23:59:59-00:01", false),
            ("0000-12-31T23:59:59Z", false),
        ] {
            assert_eq!(call("timestamp", &[Value::String(text)]).starts_with("Timestamp"), exists, "{text}");
        }
        assert_eq!(call("timestamp", &[Value::Int(253_402_300_800)]), "overflow");
        let last = Timestamp { seconds: 253_402_300_799, nanos: 999_999_999 };
        assert_eq!(later(last, 1).unwrap_err(), EvalErrorKind::Overflow);
        assert!(later(last, i64::MIN).is_ok());
    }

    #[test]
    fn timestamps_print_as_they_are_read() {
        for text in ["1970-01-01T00:00:00Z", "2009-02-13T23:31:30.5Z", "0001-01-01T00:00:00.000000001Z"] {
            assert_eq!(timestamp_text(parse_timestamp(text).unwrap()), text);
        }
    }

    #[test]
    fn durations_are_read_as_go_does() {
        let cases = [
            ("0", Some(0)),
            ("1s", Some(SECOND)),
            ("+1.5s", Some(SECOND + SECOND / 2)),
            ("-1h30m", Some(-5400 * SECOND)),
            ("1h1m1s1ms1us1ns", Some(3661 * SECOND + 1_001_001)),
            ("1µs", Some(1000)),
            ("1μs", Some(1000)),
            (".5ms", Some(500_000)),
            ("5.s", Some(5 * SECOND)),
            ("1.0000000009s", Some(SECOND)),
            ("0.123456789h", Some(444_444_440_400)),
            ("0.3333333333333333333h", Some(1_200 * SECOND - 1)),
            ("9223372036.854775807s", Some(i64::MAX)),
            ("-9223372036.854775808s", Some(i64::MIN)),
            ("9223372036.854775808s", None),
            ("100000000000h", None),
            ("", None),
            ("-", None),
            (".s", None),
            ("1", None),
            ("1d", None),
            ("1s 1s", None),
            ("s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_print_as_seconds() {
        let cases = [(0, "0s"), (SECOND, "1s"), (-1_500_000_000, "-1.5s"), (1, "0.000000001s"), (-1, "-0.000000001s")];
        for (nanos, expected) in cases {
            assert_eq!(duration_text(nanos), expected);
        }
        assert_eq!(duration_text(i64::MIN), "-9223372036.854775808s");
    }

    #[test]
    fn the_time_between_two_points_fits_or_not() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        assert_eq!(between(at(2, 0), at(0, 1)), Some(1_999_999_999));
        assert_eq!(between(at(-9_223_372_037, 145_224_192), at(0, 0)), Some(i64::MIN));
        assert_eq!(between(at(-9_223_372_037, 145_224_191), at(0, 0)), None);
        assert_eq!(between(at(253_402_300_799, 0), at(-62_135_596_800, 0)), None);
    }

    #[test]
    fn parts_of_timestamps() {
        // 2009-02-13T23:31:30.5Z, a Friday.
        let point = Value::Timestamp(Timestamp { seconds: 1_234_567_890, nanos: 500_000_000 });
        let cases = [
            ("getFullYear", "2009", "2009"),
            ("getMonth", "1", "1"),
            ("getDayOfYear", "43", "44"),
            ("getDayOfMonth", "12", "13"),
            ("getDate", "13", "14"),
            ("getDayOfWeek", "5", "6"),
            ("getHours", "23", "0"),
            ("getMinutes", "31", "31"),
            ("getSeconds", "30", "30"),
            ("getMilliseconds", "500", "500"),
        ];
        for (name, utc, berlin) in cases {
            assert_eq!(call(name, &[point]), format!("Int({utc})"), "{name}");
            let zoned = zone_named("Europe/Berlin", 3600, || call(name, &[point, Value::String("Europe/Berlin")]));
            assert_eq!(zoned, format!("Int({berlin})"), "{name}");
            assert_eq!(call(name, &[point, Value::String("Mars/Base")]), "invalid-argument", "{name}");
            assert_eq!(call(name, &[Value::Int(1)]), "no-such-overload", "{name}");
        }
    }

    #[test]
    fn parts_of_durations() {
        let long = Value::Duration(-(3 * 3600 + 4 * 60 + 5) * SECOND - 678_000_000);
        let cases = [("getHours", "-3"), ("getMinutes", "-184"), ("getSeconds", "-11045"), ("getMilliseconds", "-678")];
        for (name, expected) in cases {
            assert_eq!(call(name, &[long]), format!("Int({expected})"), "{name}");
        }
        assert_eq!(call("getDate", &[long]), "no-such-overload");
    }

    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    use proptest::strategy::Strategy as _;

    // Compares with another library, which must read, write and split the same points in time.
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn points_in_time_are_those_of_jiff(
            seconds in -62_135_596_800_i64..=253_402_207_200,
            nanos in proptest::prelude::prop_oneof![
                proptest::prelude::Just(0_i32), 0..1_000_000_000, (0..1000).prop_map(|millis| millis * 1_000_000)
            ],
            offset in -18 * 60..=18 * 60,
        ) {
            let theirs = jiff::Timestamp::new(seconds, 0).unwrap();
            let theirs = theirs.checked_add(jiff::SignedDuration::from_nanos(nanos.into())).unwrap();
            let ours = Timestamp { seconds, nanos: u32::try_from(nanos).unwrap() };
            // Each reads the text of the other, in any offset.
            assert_eq!(timestamp_text(ours).parse::<jiff::Timestamp>().unwrap(), theirs);
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_seconds(offset * 60).unwrap());
            let zoned = theirs.to_zoned(zone);
            let text = zoned.strftime("%Y-%m-%dT%H:%M:%S.%f%:z").to_string();
            let expected = point(&text);
            if (0..=9999).contains(&zoned.year()) {
                assert_eq!(expected, Some((seconds, ours.nanos)), "{text}");
            }
            let utc = theirs.to_zoned(jiff::tz::TimeZone::UTC);
            for (name, value) in [
                ("getFullYear", i64::from(utc.year())),
                ("getMonth", i64::from(utc.month()) - 1),
                ("getDayOfYear", i64::from(utc.day_of_year()) - 1),
                ("getDate", i64::from(utc.day())),
                ("getDayOfWeek", i64::from(utc.weekday().to_sunday_zero_offset())),
                ("getHours", i64::from(utc.hour())),
                ("getMinutes", i64::from(utc.minute())),
                ("getSeconds", i64::from(utc.second())),
            ] {
                assert_eq!(call(name, &[Value::Timestamp(ours)]), format!("Int({value})"), "{name} of {theirs}");
            }
        }
    }
}
