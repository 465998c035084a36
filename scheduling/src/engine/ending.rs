//! A series without an instance and all later ones: it ends before, or goes on behind a gap (RFC 5545 §3.8.5.1 and
//! §3.8.5.3).

use calendar::{
    Budget, Component, InstanceKey, Property, RecurrenceSet, TimeRange, TooMuchWork, Zone,
    value::{DateOrDateTime, DateTime, Form, RecurrenceDate, date_in, recurrence_dates_of},
};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{
    meeting::{Meeting, Part},
    pattern::HORIZON_SECONDS,
    showing::exclude,
};

/// Takes an instance and all later ones out of the series of a meeting.
pub(super) fn end_before(series: &mut Component, meeting: &Meeting<'_>, key: InstanceKey) {
    let Some(last) = name_of(meeting, key).and_then(|first| before(meeting, &first)) else {
        return;
    };
    let mut alone = series.clone();
    for rule in series.properties_mut().filter(|line| line.is("RRULE")) {
        alone.retain_properties(|line| !matches!(line.name(), "RRULE" | "RDATE" | "EXDATE"));
        alone.push_property(rule.clone());
        let is_endless = ends(rule.raw_value()).next().is_none();
        let goes_on = || later(meeting, &alone, key, None).map_or(true, |it| !it.is_empty());
        if is_endless || goes_on() {
            rule.set_raw_value(&ending(rule.raw_value(), &last))
                .expect("the value comes from a valid line");
        }
    }
    retain_dates(series, meeting, |date| date < key);
}

/// Takes all instances between two out of the series of a meeting, but for those with a component.
///
/// # Errors
/// It is too much work to find them.
pub(super) fn leave_out(
    series: &mut Component,
    meeting: &Meeting<'_>,
    (first, next): (InstanceKey, InstanceKey),
) -> Result<(), TooMuchWork> {
    let gap = later(meeting, series, first, start_of(meeting, next))?;
    let gap = gap.into_iter().filter(|key| *key < next);
    for instance in gap.filter_map(|key| meeting.apart_at(key)) {
        exclude(series, &instance);
    }
    Ok(())
}

/// The first instance of a series after another one that has no component of its own and is not `passed_over`, if there is
/// any before long.
pub(super) fn next_alone(
    meeting: &Meeting<'_>,
    key: InstanceKey,
    passed_over: impl Fn(InstanceKey) -> bool,
) -> Option<InstanceKey> {
    let horizon = SignedDuration::from_secs(HORIZON_SECONDS);
    let end = start_of(meeting, key)?.saturating_add(horizon).ok();
    let later = later(meeting, meeting.series()?, key, end).ok()?;
    let mut later = later.into_iter();
    later.find(|next| *next > key && !meeting.has(Part::Instance(*next)) && !passed_over(*next))
}

/// When the series has an instance begin.
fn start_of(meeting: &Meeting<'_>, key: InstanceKey) -> Option<Timestamp> {
    Some(meeting.instant_of(&name_of(meeting, key)?))
}

/// The instances that a series has from one on, and to a moment.
fn later(
    meeting: &Meeting<'_>,
    series: &Component,
    first: InstanceKey,
    end: Option<Timestamp>,
) -> Result<Vec<InstanceKey>, TooMuchWork> {
    let set = RecurrenceSet::of_components(meeting.object, [series], &Zone::utc());
    let window = TimeRange {
        start: start_of(meeting, first),
        end,
    };
    let found = set.occurrences(&window, &mut Budget::default())?;
    let names = found.into_iter().filter_map(|it| it.recurrence_id);
    let keys = names.map(|name| set.key_of(&name));
    Ok(keys.filter(|key| *key >= first).collect())
}

/// RECURRENCE-ID of an instance, in the form of the series if that yields it.
fn name_of(meeting: &Meeting<'_>, key: InstanceKey) -> Option<DateOrDateTime> {
    let own = meeting.apart_at(key).or_else(|| meeting.component_at(key));
    date_in(&own?, "RECURRENCE-ID")
}

/// The last moment before another one, in the form that UNTIL has.
fn before(meeting: &Meeting<'_>, first: &DateOrDateTime) -> Option<DateOrDateTime> {
    let time = match first {
        DateOrDateTime::Date(date) => return Some(DateOrDateTime::Date(date.yesterday().ok()?)),
        DateOrDateTime::DateTime(time) => time,
    };
    let last = match time.form {
        Form::Floating => DateTime::floating(time.civil.checked_sub(1.second()).ok()?),
        Form::Utc | Form::Zoned(_) => {
            let instant = meeting.instant_of(first);
            let instant = instant.checked_sub(SignedDuration::from_secs(1)).ok()?;
            DateTime::utc(Zone::utc().civil(instant))
        }
    };
    Some(DateOrDateTime::DateTime(last))
}

/// What ends a rule.
fn ends(rule: &str) -> impl Iterator<Item = &str> {
    rule.split(';').filter(|part| is_end(part))
}

fn is_end(part: &str) -> bool {
    let (name, _) = part.split_once('=').unwrap_or((part, ""));
    ["COUNT", "UNTIL"]
        .iter()
        .any(|end| name.trim().eq_ignore_ascii_case(end))
}

/// A rule that ends at a moment.
fn ending(rule: &str, last: &DateOrDateTime) -> String {
    let rest = rule.split(';').filter(|part| !is_end(part));
    let rest: Vec<&str> = rest.collect();
    format!("{};UNTIL={last}", rest.join(";"))
}

/// Leaves those of the RDATEs for which `is_kept` holds.
fn retain_dates(
    series: &mut Component,
    meeting: &Meeting<'_>,
    is_kept: impl Fn(InstanceKey) -> bool,
) {
    let is_kept = |line: &Property, text: &str| {
        let mut one = line.clone();
        one.set_raw_value(text).is_ok()
            && recurrence_dates_of(&one).all(|date| match date {
                RecurrenceDate::Start(start) => is_kept(meeting.key_of(&start)),
                RecurrenceDate::Period(period) => {
                    is_kept(meeting.key_of(&DateOrDateTime::DateTime(period.start)))
                }
            })
    };
    let dates: Vec<Property> = series.properties_named("RDATE").cloned().collect();
    let left = dates.iter().filter_map(|line| {
        let texts = line.raw_value().split(',');
        let left: Vec<&str> = texts.filter(|text| is_kept(line, text)).collect();
        let mut line = line.clone();
        line.set_raw_value(&left.join(",")).ok()?;
        (!left.is_empty()).then_some(line)
    });
    let left: Vec<Property> = left.collect();
    if left != dates {
        series.remove_properties("RDATE");
        left.into_iter().for_each(|line| series.push_property(line));
    }
}
