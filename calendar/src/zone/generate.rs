//! A VTIMEZONE from the database (RFC 5545 §3.6.5, RFC 7808 §3.9): what a client needs that has no data of its
//! own, or asks for it.
//!
//! Changes that come on a regular day of consecutive years become one observance with an RRULE; what is left
//! over becomes observances with RDATEs. A rule that is still followed in 2099, or 28 years after the start
//! where that is later, goes on: the database has single changes up to 2087, and weekdays and leap years come in
//! all combinations in so many years.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::data;
use crate::object::{Component, EditError, Property};
use crate::recurrence::gregorian::{
    SECONDS_OF_DAY, civil_of_seconds, date_of_day, day_number, days_in_month, weekday_of_day,
};
use crate::value::UtcOffset;

/// Changes are looked at up to this year or a later one; a rule that is still followed in the last of these years is
/// followed forever.
const LAST_YEAR: i16 = 2099;
/// So many years, at the least, tell a rule.
const YEARS_OF_RULES: i16 = 28;
/// March 1, from the end of the year: from here on days have the same number in every year.
const MARCH: i32 = -306;
/// Fewer changes than these in a row are no rule.
const LEAST_OF_A_RULE: usize = 3;
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The part of a zone's history that is wanted; each end is open if it is not given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Truncation {
    /// The first instant that is wanted.
    pub start: Option<Timestamp>,
    /// The first instant that is not wanted any more.
    pub end: Option<Timestamp>,
}

/// A change of a zone's clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, in seconds since 1970.
    pub at: i64,
    /// The offset before, in seconds ahead of UTC.
    pub before: i32,
    /// What is observed from then on.
    pub after: Observance,
}

/// What the clocks of a zone follow for a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observance {
    /// Seconds ahead of UTC.
    pub offset: i32,
    /// Whether it is daylight saving time.
    pub is_daylight: bool,
    /// What it is called: `CEST`.
    pub abbreviation: String,
}

/// What a zone observes at an instant.
#[must_use]
pub fn observance_at(zone: &TimeZone, instant: Timestamp) -> Observance {
    let info = zone.to_offset_info(instant);
    Observance {
        offset: info.offset().seconds(),
        is_daylight: info.dst().is_dst(),
        abbreviation: info.abbreviation().to_owned(),
    }
}

/// The changes of a zone after one instant and before another, in order; as many as are asked for.
pub fn changes(
    zone: &TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = Change> {
    let mut observed = observance_at(zone, after);
    zone.following(after)
        .take_while(move |transition| transition.timestamp() < until)
        .filter_map(move |transition| {
            let after = Observance {
                offset: transition.offset().seconds(),
                is_daylight: transition.dst().is_dst(),
                abbreviation: transition.abbreviation().to_owned(),
            };
            let before = std::mem::replace(&mut observed, after.clone());
            (before != after).then_some(Change {
                at: transition.timestamp().as_second(),
                before: before.offset,
                after,
            })
        })
}

/// The VTIMEZONE of the zone with this name in the data in use, under this name; `None` if there is none.
///
/// It is self-contained: from its first observance on, or for ever, up to the end that is asked for, which
/// then stands in TZUNTIL.
#[must_use]
pub fn vtimezone(name: &str, wanted: Truncation) -> Option<Component> {
    vtimezone_of(name, &data::in_use().get(name)?, wanted)
}

/// The same of a zone that an object calls by this name; `None` where no property can hold the name.
pub(super) fn vtimezone_of(name: &str, zone: &TimeZone, wanted: Truncation) -> Option<Component> {
    let modified = data::in_use().release().modified;
    build(name, zone, modified, wanted).ok()
}

/// # Errors
/// A name or abbreviation that no property can hold.
fn build(
    name: &str,
    zone: &TimeZone,
    modified: Timestamp,
    wanted: Truncation,
) -> Result<Component, EditError> {
    let mut vtimezone = Component::new("VTIMEZONE")?;
    vtimezone.push_property(Property::with_text("TZID", name)?);
    let own_name = zone.iana_name().unwrap_or(name);
    let canonical = data::canonical_name(own_name).unwrap_or(own_name);
    if canonical != name {
        vtimezone.push_property(Property::with_text("TZID-ALIAS-OF", canonical)?);
    }
    vtimezone.push_property(Property::new("LAST-MODIFIED", &utc(modified.as_second()))?);
    if let Some(end) = wanted.end {
        vtimezone.push_property(Property::new("TZUNTIL", &utc(end.as_second()))?);
    }
    let mut observances = rows(zone, wanted);
    observances.sort_by_key(|row| (row.first.at, row.first.after.is_daylight));
    for row in &observances {
        vtimezone.push_component(row.component()?);
    }
    Ok(vtimezone)
}

/// One STANDARD or DAYLIGHT.
struct Row {
    first: Change,
    rest: Rest,
}

/// When the same change comes again.
enum Rest {
    /// At these instants.
    Dates(Vec<i64>),
    /// By a rule, up to an instant if it ends.
    Rule { days: String, until: Option<i64> },
}

fn rows(zone: &TimeZone, wanted: Truncation) -> Vec<Row> {
    let start = wanted.start.unwrap_or(Timestamp::MIN);
    let start_year = TimeZone::UTC.to_datetime(start).year();
    let last_year = LAST_YEAR.max(start_year.saturating_add(YEARS_OF_RULES));
    let far = civil::Date::new(last_year, 12, 31)
        .and_then(|last_day| TimeZone::UTC.to_timestamp(last_day.tomorrow()?.at(0, 0, 0, 0)))
        .unwrap_or(Timestamp::MAX);
    let last_year = last_year.min(civil::Date::MAX.year());
    let end = wanted.end.map_or(far, |end| end.min(far));
    let goes_on = wanted.end.is_none_or(|end| end > far);
    let mut rows = Vec::new();
    let mut by_kind: BTreeMap<Kind, Vec<Change>> = BTreeMap::new();
    for change in changes(zone, start, end) {
        by_kind.entry(Kind::of(&change)).or_default().push(change);
    }
    if wanted.start.is_some() || by_kind.is_empty() {
        rows.push(first_row(zone, wanted.start));
    }
    let mut single: BTreeMap<(i32, Observance), Vec<Change>> = BTreeMap::new();
    for changes in by_kind.into_values() {
        let mut changes = changes.as_slice();
        while let Some(first) = changes.first() {
            let (length, days) = longest_rule(changes);
            let (followed, others) = changes.split_at(length);
            changes = others;
            let last = &followed[length - 1];
            let is_endless = goes_on && local_date(last).0 == i32::from(last_year);
            if length >= LEAST_OF_A_RULE {
                let until = (!is_endless).then_some(last.at);
                rows.push(Row {
                    first: first.clone(),
                    rest: Rest::Rule { days, until },
                });
            } else {
                let key = (first.before, first.after.clone());
                single.entry(key).or_default().extend_from_slice(followed);
            }
        }
    }
    rows.extend(single.into_values().map(|mut changes| {
        changes.sort_by_key(|change| change.at);
        Row {
            rest: Rest::Dates(changes[1..].iter().map(|change| change.at).collect()),
            first: changes.swap_remove(0),
        }
    }));
    rows
}

/// What is observed when the wanted part begins (RFC 7808 §5.3.4), or always.
fn first_row(zone: &TimeZone, start: Option<Timestamp>) -> Row {
    let after = observance_at(zone, start.unwrap_or(Timestamp::UNIX_EPOCH));
    let at = match start {
        Some(start) => start.as_second(),
        // 1970-01-01T00:00:00, as good as any other
        None => -i64::from(after.offset),
    };
    Row {
        first: Change {
            at,
            before: after.offset,
            after,
        },
        rest: Rest::Dates(Vec::new()),
    }
}

/// Changes that one rule may describe: the same step at the same time of day.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    before: i32,
    after: Observance,
    second_of_day: i64,
}

impl Kind {
    fn of(change: &Change) -> Kind {
        Kind {
            before: change.before,
            after: change.after.clone(),
            second_of_day: local_second(change).rem_euclid(SECONDS_OF_DAY),
        }
    }
}

/// What the clocks show when they are changed, in civil seconds.
fn local_second(change: &Change) -> i64 {
    change.at + i64::from(change.before)
}

fn local_date(change: &Change) -> (i32, u8, u8) {
    date_of_day(local_day(change))
}

fn local_day(change: &Change) -> i32 {
    i32::try_from(local_second(change).div_euclid(SECONDS_OF_DAY)).unwrap_or_default()
}

/// The days of consecutive years that a rule may mean, narrowed by each of them.
#[derive(Clone, Copy)]
struct Days {
    /// `None` where they differ.
    month: Option<u8>,
    /// 0 is Monday; `None` where they differ.
    weekday: Option<u8>,
    /// Which of that weekday in the month; `None` where they differ.
    ordinal: Option<u8>,
    /// Whether it is always the last of that weekday.
    is_last: bool,
    /// The first and last day, counted in the month.
    in_month: (i32, i32),
    /// The same from the end of the year: -1 is December 31.
    in_year: (i32, i32),
}

impl Days {
    fn of(change: &Change) -> Days {
        let day = local_day(change);
        let (year, month, day_of_month) = date_of_day(day);
        let from_end = day - day_number(year + 1, 1, 1);
        Days {
            month: Some(month),
            weekday: Some(weekday_of_day(day)),
            ordinal: Some((day_of_month - 1) / 7 + 1),
            is_last: day_of_month + 7 > days_in_month(year, month),
            in_month: (day_of_month.into(), day_of_month.into()),
            in_year: (from_end, from_end),
        }
    }

    fn with(self, other: Days) -> Days {
        let span = |one: (i32, i32), other: (i32, i32)| (one.0.min(other.0), one.1.max(other.1));
        Days {
            month: self.month.filter(|_| self.month == other.month),
            weekday: self.weekday.filter(|_| self.weekday == other.weekday),
            ordinal: self.ordinal.filter(|_| self.ordinal == other.ordinal),
            is_last: self.is_last && other.is_last,
            in_month: span(self.in_month, other.in_month),
            in_year: span(self.in_year, other.in_year),
        }
    }

    /// The day as a rule names it most simply: `2SU`, `-1SU`, or always the same day of the month.
    fn simple(&self) -> Option<String> {
        let month = self.month?;
        let (first, last) = self.in_month;
        let weekday = self.weekday.map(|weekday| WEEKDAYS[usize::from(weekday)]);
        match (weekday, self.ordinal) {
            (Some(weekday), _) if self.is_last => {
                Some(format!("BYMONTH={month};BYDAY=-1{weekday}"))
            }
            (Some(weekday), Some(ordinal)) => {
                Some(format!("BYMONTH={month};BYDAY={ordinal}{weekday}"))
            }
            _ if first == last => Some(format!("BYMONTH={month};BYMONTHDAY={first}")),
            _ => None,
        }
    }

    /// The day as the weekday within seven days: of a month, or of the year where they are of two months.
    fn within_a_week(&self) -> Option<String> {
        let weekday = WEEKDAYS[usize::from(self.weekday?)];
        let seven_days = |(first, last): (i32, i32), least: i32| -> Option<String> {
            let from = (last - 6).max(least);
            let days: Vec<String> = (from..from + 7).map(|day| day.to_string()).collect();
            (first >= from).then(|| days.join(","))
        };
        match self.month {
            Some(month) => seven_days(self.in_month, 1)
                .map(|days| format!("BYMONTH={month};BYDAY={weekday};BYMONTHDAY={days}")),
            None => seven_days(self.in_year, MARCH)
                .map(|days| format!("BYYEARDAY={days};BYDAY={weekday}")),
        }
    }
}

/// How many of the changes, from the first on, one rule describes, and that rule.
fn longest_rule(changes: &[Change]) -> (usize, String) {
    let simple = rule_by(changes, Days::simple);
    let within_a_week = rule_by(changes, Days::within_a_week);
    // The simple rule is the law's words where both are as good.
    let is_better = within_a_week.0 > simple.0
        && (simple.0 < LEAST_OF_A_RULE || within_a_week.0 == changes.len());
    if is_better { within_a_week } else { simple }
}

fn rule_by(changes: &[Change], name: fn(&Days) -> Option<String>) -> (usize, String) {
    let mut days = Days::of(&changes[0]);
    let mut rule = name(&days).unwrap_or_default();
    let mut length = 1;
    for pair in changes.windows(2) {
        let is_next_year = local_date(&pair[1]).0 == local_date(&pair[0]).0 + 1;
        let narrowed = days.with(Days::of(&pair[1]));
        let Some(name) = name(&narrowed).filter(|_| is_next_year) else {
            break;
        };
        (days, rule) = (narrowed, name);
        length += 1;
    }
    (length, rule)
}

impl Row {
    fn component(&self) -> Result<Component, EditError> {
        let Change { before, after, .. } = &self.first;
        let kind = if after.is_daylight {
            "DAYLIGHT"
        } else {
            "STANDARD"
        };
        let start = local(self.first.at + i64::from(*before));
        let mut component = Component::new(kind)?;
        component.push_property(Property::with_text("TZNAME", &after.abbreviation)?);
        component.push_property(Property::new("DTSTART", &start)?);
        component.push_property(Property::new("TZOFFSETFROM", &offset(*before))?);
        component.push_property(Property::new("TZOFFSETTO", &offset(after.offset))?);
        match &self.rest {
            Rest::Dates(dates) if dates.is_empty() => {}
            Rest::Dates(dates) => {
                let dates: Vec<String> = dates
                    .iter()
                    .map(|at| local(at + i64::from(*before)))
                    .collect();
                component.push_property(Property::new("RDATE", &dates.join(","))?);
            }
            Rest::Rule { days, until } => {
                // UNTIL is in UTC here (RFC 5545 §3.3.10).
                let until = until.map(|at| format!(";UNTIL={}", utc(at)));
                let rule = format!("FREQ=YEARLY;{days}{}", until.unwrap_or_default());
                component.push_property(Property::new("RRULE", &rule)?);
            }
        }
        Ok(component)
    }
}

fn offset(seconds: i32) -> String {
    UtcOffset::from_seconds(seconds).to_string()
}

fn local(second: i64) -> String {
    civil_of_seconds(second)
        .strftime("%Y%m%dT%H%M%S")
        .to_string()
}

fn utc(second: i64) -> String {
    format!("{}Z", local(second))
}

#[cfg(test)]
mod tests;
