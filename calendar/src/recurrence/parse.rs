//! Reading an RRULE value (RFC 5545 §3.3.10, RFC 7529 §4).
//!
//! Tolerant where clients are sloppy and the meaning is plain: any order and case, spaces around
//! parts, empty parts, unknown parts (`X-` and others), INTERVAL=0 (means 1), a number before the
//! weekday where none is allowed (dropped by the expansion), UNTIL of either type, SKIP without
//! RSCALE, COUNT beside UNTIL. A rule that says something impossible (month 13, no FREQ) is an error.

use std::str::FromStr;

use thiserror::Error;

use super::rule::{Frequency, NumberedWeekday, RecurrenceRule, Skip};
use crate::value::DateOrDateTime;

/// More values than this in one list say nothing new (the longest useful list has 366 days twice).
const MAXIMUM_LIST_LENGTH: usize = 1_000;

/// Why a text is no recurrence rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// There is no FREQ, which is required.
    #[error("the recurrence rule has no FREQ")]
    NoFrequency,
    /// A part without `=`.
    #[error("{0:?} is no part of a recurrence rule")]
    NotAPart(String),
    /// A part whose value it cannot have.
    #[error("{name} cannot be {value:?}")]
    BadValue {
        /// The part, in upper case.
        name: &'static str,
        /// What was there.
        value: String,
    },
    /// A calendar system that is not supported (RFC 7529 §6).
    #[error("the calendar system {0:?} of RSCALE is not supported")]
    UnsupportedCalendarSystem(String),
}

impl FromStr for RecurrenceRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<RecurrenceRule, RuleError> {
        let mut rule = RecurrenceRule::every(Frequency::Daily);
        let mut has_frequency = false;
        for part in text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| RuleError::NotAPart(part.to_owned()))?;
            let name = name.trim();
            has_frequency |= name.eq_ignore_ascii_case("FREQ");
            read_part(&mut rule, name, value.trim())?;
        }
        if has_frequency {
            Ok(rule)
        } else {
            Err(RuleError::NoFrequency)
        }
    }
}

fn read_part(rule: &mut RecurrenceRule, name: &str, value: &str) -> Result<(), RuleError> {
    let upper_case = name.to_ascii_uppercase();
    match upper_case.as_str() {
        "FREQ" => rule.frequency = frequency(value)?,
        "INTERVAL" => rule.interval = interval(value)?,
        "COUNT" => rule.count = Some(count(value)?),
        "UNTIL" => rule.until = Some(until(value)?),
        // A second of 60 is the 59th for who has no leap seconds (RFC 5545 §3.3.12).
        "BYSECOND" => rule.by_second = mask("BYSECOND", value, 0, 60, |n| n.min(59))?,
        "BYMINUTE" => rule.by_minute = mask("BYMINUTE", value, 0, 59, |n| n)?,
        "BYHOUR" => rule.by_hour = mask("BYHOUR", value, 0, 23, |n| n)? as u32,
        "BYMONTH" => rule.by_month = mask("BYMONTH", value, 1, 12, |n| n)? as u16,
        "BYDAY" => rule.by_day = list("BYDAY", value, numbered_weekday)?,
        "BYMONTHDAY" => {
            rule.by_month_day = list("BYMONTHDAY", value, |v| signed(v, 31).map(|n| n as i8))?;
        }
        "BYYEARDAY" => rule.by_year_day = list("BYYEARDAY", value, |v| signed(v, 366))?,
        "BYWEEKNO" => {
            rule.by_week_number = list("BYWEEKNO", value, |v| signed(v, 53).map(|n| n as i8))?;
        }
        "BYSETPOS" => rule.by_set_position = list("BYSETPOS", value, |v| signed(v, 366))?,
        "WKST" => rule.week_start = weekday(value).ok_or_else(|| bad("WKST", value))?,
        "SKIP" => rule.skip = skip(value)?,
        "RSCALE" if is_supported_scale(value) => {}
        "RSCALE" => return Err(RuleError::UnsupportedCalendarSystem(value.to_owned())),
        _ => {}
    }
    Ok(())
}

/// The calendar systems that rules can be reckoned in, as RSCALE names them (RFC 7529 §4).
pub const SUPPORTED_SCALES: [&str; 1] = ["GREGORIAN"];

/// What a rule says about calendar systems (RFC 7529 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale<'r> {
    /// Nothing, or one that is supported.
    Supported,
    /// One that is not.
    Unsupported(&'r str),
    /// SKIP, which means something only with RSCALE, without it.
    SkipAlone,
}

/// What the text of a rule says about calendar systems, however wrong the rest of it is.
#[must_use]
pub fn scale_of(rule: &str) -> Scale<'_> {
    let value_of = |wanted: &str| {
        rule.split(';')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    match value_of("RSCALE") {
        Some(scale) if is_supported_scale(scale) => Scale::Supported,
        Some(scale) => Scale::Unsupported(scale),
        None if value_of("SKIP").is_some() => Scale::SkipAlone,
        None => Scale::Supported,
    }
}

/// CLDR calls it `gregorian` and, for short, `gregory`; case makes no difference.
fn is_supported_scale(value: &str) -> bool {
    let supported = |name: &str| value.eq_ignore_ascii_case(name);
    SUPPORTED_SCALES.iter().any(|name| supported(name)) || supported("GREGORY")
}

fn bad(name: &'static str, value: &str) -> RuleError {
    RuleError::BadValue {
        name,
        value: value.to_owned(),
    }
}

fn frequency(value: &str) -> Result<Frequency, RuleError> {
    match value.to_ascii_uppercase().as_str() {
        "SECONDLY" => Ok(Frequency::Secondly),
        "MINUTELY" => Ok(Frequency::Minutely),
        "HOURLY" => Ok(Frequency::Hourly),
        "DAILY" => Ok(Frequency::Daily),
        "WEEKLY" => Ok(Frequency::Weekly),
        "MONTHLY" => Ok(Frequency::Monthly),
        "YEARLY" => Ok(Frequency::Yearly),
        _ => Err(bad("FREQ", value)),
    }
}

fn interval(value: &str) -> Result<u32, RuleError> {
    let number = count(value).map_err(|_| bad("INTERVAL", value))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX).max(1))
}

/// A number too large to hold is as good as the largest: nothing reaches it.
fn count(value: &str) -> Result<u64, RuleError> {
    let digits = value.strip_prefix('+').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad("COUNT", value));
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

fn until(value: &str) -> Result<DateOrDateTime, RuleError> {
    DateOrDateTime::parse(value, None).map_err(|_| bad("UNTIL", value))
}

fn skip(value: &str) -> Result<Skip, RuleError> {
    match value.to_ascii_uppercase().as_str() {
        "OMIT" => Ok(Skip::Omit),
        "BACKWARD" => Ok(Skip::Backward),
        "FORWARD" => Ok(Skip::Forward),
        _ => Err(bad("SKIP", value)),
    }
}

/// The values of a comma-separated list; an empty list is as good as none.
fn list<T: PartialEq>(
    name: &'static str,
    value: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, RuleError> {
    let mut values = Vec::new();
    for item in value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let item = read(item).ok_or_else(|| bad(name, value))?;
        if values.len() == MAXIMUM_LIST_LENGTH {
            return Err(bad(name, value));
        }
        if !values.contains(&item) {
            values.push(item);
        }
    }
    Ok(values)
}

fn mask(
    name: &'static str,
    value: &str,
    least: u32,
    most: u32,
    meaning: impl Fn(u32) -> u32,
) -> Result<u64, RuleError> {
    let numbers = list(name, value, |item| {
        let number: u32 = item.parse().ok()?;
        (least..=most).contains(&number).then_some(meaning(number))
    })?;
    Ok(numbers.iter().fold(0, |mask, number| mask | 1 << number))
}

fn signed(text: &str, most: i16) -> Option<i16> {
    let number: i16 = text.parse().ok()?;
    (number != 0 && number.unsigned_abs() <= most.unsigned_abs()).then_some(number)
}

fn weekday(text: &str) -> Option<u8> {
    const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let position = NAMES
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text))?;
    u8::try_from(position).ok()
}

fn numbered_weekday(text: &str) -> Option<NumberedWeekday> {
    let split = text.len().checked_sub(2)?;
    let (ordinal, name) = text.split_at_checked(split)?;
    let ordinal = match ordinal.trim() {
        "" => None,
        number => Some(signed(number, 53)? as i8),
    };
    Some(NumberedWeekday {
        ordinal,
        weekday: weekday(name)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_part_is_read() {
        let rule: RecurrenceRule = "freq=yearly; INTERVAL=2;COUNT=7;BYSECOND=0,60;BYMINUTE=5;\
             BYHOUR=23;BYDAY=MO,-1su,+2TU;BYMONTHDAY=-31;BYYEARDAY=+366;BYWEEKNO=-53;BYMONTH=12;\
             BYSETPOS=-366;WKST=SU;RSCALE=gregorian;SKIP=FORWARD;X-WHATEVER=1;"
            .parse()
            .unwrap();
        assert_eq!(rule.frequency, Frequency::Yearly);
        assert_eq!((rule.interval, rule.count), (2, Some(7)));
        assert_eq!(rule.by_second, 1 | 1 << 59);
        assert_eq!((rule.by_minute, rule.by_hour), (1 << 5, 1 << 23));
        let days: Vec<_> = rule.by_day.iter().map(|d| (d.ordinal, d.weekday)).collect();
        assert_eq!(days, [(None, 0), (Some(-1), 6), (Some(2), 1)]);
        assert_eq!(
            (&rule.by_month_day[..], &rule.by_year_day[..]),
            (&[-31][..], &[366][..])
        );
        assert_eq!(
            (&rule.by_week_number[..], rule.by_month),
            (&[-53][..], 1 << 12)
        );
        assert_eq!(
            (&rule.by_set_position[..], rule.week_start),
            (&[-366][..], 6)
        );
        assert_eq!(rule.skip, Skip::Forward);
    }

    #[test]
    fn sloppy_rules_are_understood() {
        for (text, interval, count) in [
            ("FREQ=DAILY;INTERVAL=0", 1, None),
            ("COUNT=0;FREQ=DAILY", 1, Some(0)),
            (
                "FREQ=DAILY;COUNT=99999999999999999999999",
                1,
                Some(u64::MAX),
            ),
            ("FREQ=DAILY;INTERVAL=99999999999", u32::MAX, None),
            ("FREQ=DAILY;BYDAY=", 1, None),
        ] {
            let rule: RecurrenceRule = text.parse().unwrap();
            assert_eq!((rule.interval, rule.count), (interval, count), "{text}");
        }
    }

    #[test]
    fn impossible_rules_are_refused() {
        for text in [
            "",
            "COUNT=3",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=DAILY;BYMONTH=0",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=DAILY;BYMONTHDAY=32",
            "FREQ=DAILY;BYMONTHDAY=0",
            "FREQ=DAILY;BYSETPOS=0",
            "FREQ=DAILY;BYDAY=XX",
            "FREQ=DAILY;BYDAY=54MO",
            // The rrule crate panics on this one.
            "FREQ=WEEKLY;BYDAY=aéO",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;UNTIL=soon",
            "FREQ=DAILY;WKST=1",
            "FREQ=DAILY;SKIP=SIDEWAYS",
            "DAILY",
        ] {
            assert!(text.parse::<RecurrenceRule>().is_err(), "{text}");
        }
        for (rule, scale) in [
            ("FREQ=DAILY", Scale::Supported),
            (
                "RSCALE=gregorian;FREQ=YEARLY;SKIP=forward",
                Scale::Supported,
            ),
            ("FREQ=YEARLY;skip=OMIT;rscale=Gregory", Scale::Supported),
            ("FREQ=YEARLY;SKIP=FORWARD", Scale::SkipAlone),
            (" rscale = HEBREW ;nonsense", Scale::Unsupported("HEBREW")),
            ("RSCALE=", Scale::Unsupported("")),
        ] {
            assert_eq!(scale_of(rule), scale, "{rule}");
        }
        assert_eq!(
            "FREQ=YEARLY;RSCALE=CHINESE".parse::<RecurrenceRule>(),
            Err(RuleError::UnsupportedCalendarSystem("CHINESE".to_owned()))
        );
    }
}
