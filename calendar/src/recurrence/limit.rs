//! Whether a day passes the BYxxx parts that name days: the "Limit" entries of the table in RFC 5545
//! §3.3.10.

use super::gregorian::{
    date_of_day, day_number, days_in_month, days_in_year, first_week_of_year, week_year_of_day,
    weekday_of_day,
};
use super::rule::{Frequency, RecurrenceRule};

/// Whether any part of the rule names days.
pub(super) fn limits_days(rule: &RecurrenceRule) -> bool {
    rule.by_month != 0
        || !rule.by_week_number.is_empty()
        || !rule.by_year_day.is_empty()
        || !rule.by_month_day.is_empty()
        || !rule.by_day.is_empty()
}

/// Whether the day passes every one of them.
pub(super) fn day_passes(rule: &RecurrenceRule, day: i32) -> bool {
    let (year, month, day_of_month) = date_of_day(day);
    month_passes(rule, month)
        && week_number_passes(rule, day)
        && year_day_passes(rule, year, day)
        && month_day_passes(rule, year, month, day_of_month)
        && weekday_passes(rule, year, month, day)
}

/// BYMONTH.
pub(super) fn month_passes(rule: &RecurrenceRule, month: u8) -> bool {
    rule.by_month == 0 || rule.by_month & 1 << month != 0
}

/// BYWEEKNO.
pub(super) fn week_number_passes(rule: &RecurrenceRule, day: i32) -> bool {
    if rule.by_week_number.is_empty() {
        return true;
    }
    let year = week_year_of_day(day, rule.week_start);
    let first = first_week_of_year(year, rule.week_start);
    let weeks = (first_week_of_year(year + 1, rule.week_start) - first) / 7;
    let number = (day - first) / 7 + 1;
    rule.by_week_number
        .iter()
        .any(|&wanted| matches_from_either_end(i32::from(wanted), number, weeks))
}

/// BYYEARDAY.
pub(super) fn year_day_passes(rule: &RecurrenceRule, year: i32, day: i32) -> bool {
    if rule.by_year_day.is_empty() {
        return true;
    }
    let number = day - day_number(year, 1, 1) + 1;
    rule.by_year_day
        .iter()
        .any(|&wanted| matches_from_either_end(i32::from(wanted), number, days_in_year(year)))
}

/// BYMONTHDAY.
pub(super) fn month_day_passes(
    rule: &RecurrenceRule,
    year: i32,
    month: u8,
    day_of_month: u8,
) -> bool {
    if rule.by_month_day.is_empty() {
        return true;
    }
    let days = i32::from(days_in_month(year, month));
    rule.by_month_day
        .iter()
        .any(|&wanted| matches_from_either_end(i32::from(wanted), i32::from(day_of_month), days))
}

/// BYDAY, its numbers counted in the month or in the year.
pub(super) fn weekday_passes(rule: &RecurrenceRule, year: i32, month: u8, day: i32) -> bool {
    if rule.by_day.is_empty() {
        return true;
    }
    let weekday = weekday_of_day(day);
    rule.by_day.iter().any(|wanted| {
        if wanted.weekday != weekday {
            return false;
        }
        let Some(ordinal) = wanted.ordinal else {
            return true;
        };
        let Some((first, last)) = numbered_span(rule, year, month) else {
            return true;
        };
        if ordinal > 0 {
            (day - first) / 7 + 1 == i32::from(ordinal)
        } else {
            (last - day) / 7 + 1 == -i32::from(ordinal)
        }
    })
}

/// The first and last day of the span in which BYDAY's numbers count: the month, or the year in a
/// YEARLY rule without BYMONTH; `None` where numbers have no meaning (RFC 5545 §3.3.10).
fn numbered_span(rule: &RecurrenceRule, year: i32, month: u8) -> Option<(i32, i32)> {
    match rule.frequency {
        Frequency::Yearly if !rule.by_week_number.is_empty() => None,
        Frequency::Yearly if rule.by_month == 0 => {
            Some((day_number(year, 1, 1), day_number(year, 12, 31)))
        }
        Frequency::Yearly | Frequency::Monthly => {
            let first = day_number(year, month, 1);
            Some((first, first + i32::from(days_in_month(year, month)) - 1))
        }
        _ => None,
    }
}

/// Whether `wanted` (from the end if negative) is the one with this number out of `count`.
fn matches_from_either_end(wanted: i32, number: i32, count: i32) -> bool {
    wanted == number || wanted == number - count - 1
}
