//! The days of one period: the "Expand" entries of the table in RFC 5545 §3.3.10, for the frequencies
//! of a day and more, with the notes on BYDAY and with SKIP (RFC 7529 §4.1).

use super::gregorian::{
    date_of_day, day_number, days_in_month, days_in_year, first_week_of_year, weekday_of_day,
};
use super::limit::{
    month_day_passes, month_passes, week_number_passes, weekday_passes, year_day_passes,
};
use super::rule::{RecurrenceRule, Skip};

/// What a rule takes from DTSTART where its own parts say nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed {
    pub(super) month: u8,
    pub(super) day_of_month: u8,
    pub(super) weekday: u8,
}

impl Seed {
    pub(super) fn of_day(day: i32) -> Seed {
        let (_, month, day_of_month) = date_of_day(day);
        Seed {
            month,
            day_of_month,
            weekday: weekday_of_day(day),
        }
    }
}

/// The days of a year, in order. With BYWEEKNO it is the week-numbering year.
pub(super) fn days_of_year(rule: &RecurrenceRule, seed: Seed, year: i32, days: &mut Vec<i32>) {
    if !rule.by_week_number.is_empty() {
        days_of_weeks(rule, seed, year, days);
    } else if !rule.by_year_day.is_empty() {
        days_of_year_days(rule, year, days);
    } else if !rule.by_month_day.is_empty() {
        for month in months(rule.by_month) {
            days_of_month_days(rule, year, month, &rule.by_month_day, days);
        }
    } else if rule.by_day.is_empty() {
        let wanted = if rule.by_month == 0 {
            1 << seed.month
        } else {
            rule.by_month
        };
        for month in months(wanted) {
            days_of_month_days(rule, year, month, &[seed.day_of_month as i8], days);
        }
    } else if rule.by_month == 0 {
        let first = day_number(year, 1, 1);
        days_of_weekdays(rule, first, first + days_in_year(year) - 1, days);
    } else {
        for month in months(rule.by_month) {
            days_of_month_weekdays(rule, year, month, days);
        }
    }
    put_in_order(days);
}

/// The days of a month, in order.
pub(super) fn days_of_month(
    rule: &RecurrenceRule,
    seed: Seed,
    year: i32,
    month: u8,
    days: &mut Vec<i32>,
) {
    if !month_passes(rule, month) {
        return;
    }
    let limited_beyond_the_table = !rule.by_year_day.is_empty() || !rule.by_week_number.is_empty();
    if !rule.by_month_day.is_empty() {
        days_of_month_days(rule, year, month, &rule.by_month_day, days);
    } else if !rule.by_day.is_empty() {
        days_of_month_weekdays(rule, year, month, days);
    } else if limited_beyond_the_table {
        let first = day_number(year, month, 1);
        days.extend(first..first + i32::from(days_in_month(year, month)));
    } else {
        days_of_month_days(rule, year, month, &[seed.day_of_month as i8], days);
    }
    if limited_beyond_the_table {
        days.retain(|&day| {
            let (year, _, _) = date_of_day(day);
            year_day_passes(rule, year, day) && week_number_passes(rule, day)
        });
    }
    put_in_order(days);
}

/// The days of the week that begins with the given day, in order.
pub(super) fn days_of_week(rule: &RecurrenceRule, seed: Seed, first: i32, days: &mut Vec<i32>) {
    for day in first..first + 7 {
        let weekday = weekday_of_day(day);
        let wanted = if rule.by_day.is_empty() {
            weekday == seed.weekday
        } else {
            rule.by_day.iter().any(|wanted| wanted.weekday == weekday)
        };
        if wanted && passes_all_but_weekday(rule, day) {
            days.push(day);
        }
    }
}

fn passes_all_but_weekday(rule: &RecurrenceRule, day: i32) -> bool {
    let plain = rule.by_month == 0
        && rule.by_month_day.is_empty()
        && rule.by_year_day.is_empty()
        && rule.by_week_number.is_empty();
    if plain {
        return true;
    }
    let (year, month, day_of_month) = date_of_day(day);
    month_passes(rule, month)
        && month_day_passes(rule, year, month, day_of_month)
        && year_day_passes(rule, year, day)
        && week_number_passes(rule, day)
}

/// BYWEEKNO, limited by all the others.
fn days_of_weeks(rule: &RecurrenceRule, seed: Seed, year: i32, days: &mut Vec<i32>) {
    let names_days =
        !rule.by_day.is_empty() || !rule.by_month_day.is_empty() || !rule.by_year_day.is_empty();
    let first = first_week_of_year(year, rule.week_start);
    let weeks = (first_week_of_year(year + 1, rule.week_start) - first) / 7;
    for &number in &rule.by_week_number {
        // Week 53 of a year of 52 weeks is moved as a missing day would be (RFC 7529 §4.1).
        let Some(index) = existing(i32::from(number), weeks, rule.skip) else {
            continue;
        };
        let week = first + index * 7;
        days.extend((week..week + 7).filter(|&day| {
            let (year, month, day_of_month) = date_of_day(day);
            (names_days || weekday_of_day(day) == seed.weekday)
                && month_passes(rule, month)
                && year_day_passes(rule, year, day)
                && month_day_passes(rule, year, month, day_of_month)
                && weekday_passes(rule, year, month, day)
        }));
    }
}

/// BYYEARDAY, limited by BYMONTH, BYMONTHDAY and BYDAY.
fn days_of_year_days(rule: &RecurrenceRule, year: i32, days: &mut Vec<i32>) {
    let first = day_number(year, 1, 1);
    let count = days_in_year(year);
    for &number in &rule.by_year_day {
        let Some(index) = existing(i32::from(number), count, rule.skip) else {
            continue;
        };
        let day = first + index;
        let (year, month, day_of_month) = date_of_day(day);
        if month_passes(rule, month)
            && month_day_passes(rule, year, month, day_of_month)
            && weekday_passes(rule, year, month, day)
        {
            days.push(day);
        }
    }
}

/// BYMONTHDAY in one month, limited by BYDAY.
fn days_of_month_days(
    rule: &RecurrenceRule,
    year: i32,
    month: u8,
    numbers: &[i8],
    days: &mut Vec<i32>,
) {
    let first = day_number(year, month, 1);
    let count = i32::from(days_in_month(year, month));
    for &number in numbers {
        let Some(index) = existing(i32::from(number), count, rule.skip) else {
            continue;
        };
        let day = first + index;
        if rule.by_day.is_empty() {
            days.push(day);
        } else {
            let (year, month, _) = date_of_day(day);
            if weekday_passes(rule, year, month, day) {
                days.push(day);
            }
        }
    }
}

/// The index of the day (or week) with this number, from the end if negative, out of `count`; one that
/// does not exist is left out, or moved to the day before or behind (RFC 7529 §4.1).
fn existing(number: i32, count: i32, skip: Skip) -> Option<i32> {
    let index = if number > 0 {
        number - 1
    } else {
        count + number
    };
    match (index, skip) {
        (index, _) if (0..count).contains(&index) => Some(index),
        (_, Skip::Omit) => None,
        (index, Skip::Backward) => Some(if index < 0 { -1 } else { count - 1 }),
        (index, Skip::Forward) => Some(if index < 0 { 0 } else { count }),
    }
}

/// BYDAY in one month.
fn days_of_month_weekdays(rule: &RecurrenceRule, year: i32, month: u8, days: &mut Vec<i32>) {
    let first = day_number(year, month, 1);
    let last = first + i32::from(days_in_month(year, month)) - 1;
    days_of_weekdays(rule, first, last, days);
}

/// BYDAY between two days, its numbers counted there.
fn days_of_weekdays(rule: &RecurrenceRule, first: i32, last: i32, days: &mut Vec<i32>) {
    for wanted in &rule.by_day {
        let from_first = i32::from((wanted.weekday + 7 - weekday_of_day(first)) % 7);
        let to_last = i32::from((weekday_of_day(last) + 7 - wanted.weekday) % 7);
        match wanted.ordinal.map(i32::from) {
            None => days.extend((first + from_first..=last).step_by(7)),
            Some(ordinal) if ordinal > 0 => {
                let day = first + from_first + (ordinal - 1) * 7;
                days.extend((day <= last).then_some(day));
            }
            Some(ordinal) => {
                let day = last - to_last + (ordinal + 1) * 7;
                days.extend((day >= first).then_some(day));
            }
        }
    }
}

/// The months of a mask; an empty one means all.
fn months(mask: u16) -> impl Iterator<Item = u8> {
    (1..=12).filter(move |month| mask == 0 || mask & 1 << month != 0)
}

fn put_in_order(days: &mut Vec<i32>) {
    if !days.is_sorted_by(|a, b| a < b) {
        days.sort_unstable();
        days.dedup();
    }
}
