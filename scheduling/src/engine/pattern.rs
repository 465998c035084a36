//! Whether two series are of the same instances: moments are compared, not rules and zones.

use std::collections::BTreeSet;

use calendar::{
    Budget, CalendarObject, Component, InstanceKey, Property, RecurrenceSet, TimeRange,
    TooMuchWork, Zone, Zones,
    occurrence::{occurrences, overall_span},
    value::{DateOrDateTime, RecurrenceDate, date_in, recurrence_dates_of},
};
use jiff::{SignedDuration, Timestamp};

use super::{meeting::Meeting, significance::canonical};

/// What says which instances a series has; EXDATE is judged apart.
const PATTERN: [&str; 4] = ["DTSTART", "DUE", "RRULE", "RDATE"];
/// How far from the later of two starts, and from when they were written, series are compared instance by instance: a
/// rule may skip years, but hardly four.
pub(super) const HORIZON_SECONDS: i64 = 4 * 366 * 86_400;
/// The steps that expanding one of them may take.
const WORK: u32 = 50_000;

/// How the instances of a series differ from those it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PatternChanges {
    /// There are instances that were not there, or were at another time.
    pub adds: bool,
    /// There are such, or some that were there are not.
    pub differs: bool,
}

/// Compares what two series yield, EXDATE aside. What takes too much work to compare differs.
pub(super) fn compare(before: &Meeting<'_>, after: &Meeting<'_>) -> PatternChanges {
    const DIFFERENT: PatternChanges = PatternChanges {
        adds: true,
        differs: true,
    };
    let (Some(old), Some(new)) = (before.series(), after.series()) else {
        return DIFFERENT;
    };
    match (recurs(old), recurs(new)) {
        (false, false) => return PatternChanges::default(),
        (false, true) => return DIFFERENT,
        (true, false) => {
            return PatternChanges {
                adds: false,
                differs: true,
            };
        }
        (true, true) => {}
    }
    if lines(old) == lines(new) && zones(before.object) == zones(after.object) {
        return PatternChanges::default();
    }
    let dates = differing_dates(before, after);
    let (one, two) = (
        Yield::of(before, old, after, &dates),
        Yield::of(after, new, before, &dates),
    );
    let (Ok(one), Ok(two)) = (one, two) else {
        return DIFFERENT;
    };
    if rules(old) == rules(new) || one.bound == two.bound {
        return PatternChanges {
            adds: !two.spans.is_subset(&one.spans),
            differs: one.spans != two.spans,
        };
    }
    let (Ok(old_end), Ok(new_end)) = (one.end(), two.end()) else {
        return DIFFERENT;
    };
    PatternChanges {
        adds: ends_later(old_end, new_end) || !two.spans.is_subset(&one.spans),
        differs: old_end != new_end || one.spans != two.spans,
    }
}

fn ends_later(before: Option<Timestamp>, after: Option<Timestamp>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => after > before,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Whether a component has more than one instance.
pub(super) fn recurs(entry: &Component) -> bool {
    entry
        .properties()
        .any(|line| matches!(line.name(), "RRULE" | "RDATE"))
}

fn lines(entry: &Component) -> BTreeSet<String> {
    let lines = entry.properties();
    let lines = lines.filter(|line| PATTERN.contains(&line.name()));
    lines.map(|line| canonical(line, |_| false)).collect()
}

fn rules(entry: &Component) -> BTreeSet<&str> {
    let lines = entry.properties();
    let lines = lines.filter(|line| matches!(line.name(), "RRULE" | "RDATE"));
    lines.map(Property::raw_value).collect()
}

/// The instances that RDATE gives to one of two series only, or with another end.
fn differing_dates(before: &Meeting<'_>, after: &Meeting<'_>) -> BTreeSet<InstanceKey> {
    let (old, new) = (dates(before), dates(after));
    let differing = old.symmetric_difference(&new);
    differing.map(|(key, _)| *key).collect()
}

/// The instances of RDATE, each with the period that it is, if it is one.
fn dates(meeting: &Meeting<'_>) -> BTreeSet<(InstanceKey, String)> {
    let series = meeting.series().into_iter();
    let lines = series.flat_map(|series| series.properties_named("RDATE"));
    let dates = lines.flat_map(recurrence_dates_of).map(|date| match date {
        RecurrenceDate::Start(start) => (meeting.key_of(&start), String::new()),
        RecurrenceDate::Period(period) => {
            let text = period.to_string();
            let start = DateOrDateTime::DateTime(period.start);
            (meeting.key_of(&start), text)
        }
    });
    dates.collect()
}

fn zones(object: &CalendarObject) -> Vec<&Component> {
    let zones = object.components();
    zones
        .filter(|component| component.is("VTIMEZONE"))
        .collect()
}

/// The instances of a series.
struct Yield {
    /// The object with the series alone, without EXDATE.
    alone: CalendarObject,
    /// Up to the horizon, and those of single dates that are looked at wherever they are.
    spans: BTreeSet<(Timestamp, Timestamp)>,
    /// What no instance ends behind, as the rule says it; `None` where it has no end.
    bound: Option<Timestamp>,
}

impl Yield {
    /// `other` is what it will be compared with, `dates` what is looked at beyond the horizon: a client that adds one
    /// to an old series may leave DTSTAMP.
    fn of(
        meeting: &Meeting<'_>,
        series: &Component,
        other: &Meeting<'_>,
        dates: &BTreeSet<InstanceKey>,
    ) -> Result<Yield, TooMuchWork> {
        let mut alone = series.clone();
        alone.remove_properties("EXDATE");
        let alone = with_only(meeting.object, &alone);
        let latest = |of: fn(&Meeting<'_>) -> Option<Timestamp>| {
            [meeting, other].into_iter().filter_map(of).max()
        };
        let start = latest(|it| start_of(it.object)).unwrap_or_default();
        let first = window(None, start);
        let written = latest(written_at).filter(|written| *written > start);
        let later = written.map(|written| window(Some(written), written));
        let mut spans = BTreeSet::new();
        for window in [Some(first), later].into_iter().flatten() {
            spans.extend(instances(&alone, &window)?);
        }
        let set = RecurrenceSet::of(&alone, &Zone::utc());
        let found = set.find_instances(dates, &mut Budget::new(WORK))?;
        spans.extend(found.values().map(|it| (it.start, it.end)));
        Ok(Yield {
            spans,
            bound: overall_span(&alone, &mut Budget::new(WORK)).and_then(|span| span.end),
            alone,
        })
    }

    /// Where the last instance ends, however its rule says so (a COUNT, or an UNTIL that may be any time behind it); `None`
    /// is never. It tells rules apart that differ beyond the horizon only.
    fn end(&self) -> Result<Option<Timestamp>, TooMuchWork> {
        let Some(bound) = self.bound else {
            return Ok(None);
        };
        let horizon = SignedDuration::from_secs(HORIZON_SECONDS);
        let last = TimeRange {
            start: bound.saturating_sub(horizon).ok(),
            end: None,
        };
        let ends = instances(&self.alone, &last)?.map(|(_, end)| end);
        Ok(ends.max().or(Some(bound)))
    }
}

/// The instances of an object in a window: where they begin and end.
fn instances(
    object: &CalendarObject,
    window: &TimeRange,
) -> Result<impl Iterator<Item = (Timestamp, Timestamp)>, TooMuchWork> {
    let found = occurrences(object, window, &Zone::utc(), &mut Budget::new(WORK))?;
    Ok(found.into_iter().map(|it| (it.start, it.end)))
}

/// From a time to the horizon behind another one.
fn window(start: Option<Timestamp>, from: Timestamp) -> TimeRange {
    let horizon = SignedDuration::from_secs(HORIZON_SECONDS);
    TimeRange {
        start,
        end: from.saturating_add(horizon).ok(),
    }
}

/// DTSTAMP of the series: what a client writes tells when now is.
fn written_at(meeting: &Meeting<'_>) -> Option<Timestamp> {
    let stamp = date_in(meeting.series()?, "DTSTAMP")?;
    Some(Zones::of(meeting.object).instant_of(&stamp, &Zone::utc()))
}

fn start_of(object: &CalendarObject) -> Option<Timestamp> {
    // nothing needs to be counted for the start
    overall_span(object, &mut Budget::new(WORK)).and_then(|span| span.start)
}

/// The object with this component alone, beside its time zones.
pub(super) fn with_only(object: &CalendarObject, entry: &Component) -> CalendarObject {
    let calendar = object.calendar();
    let mut calendar = calendar.filtered(|_| true, |component| component.is("VTIMEZONE"));
    calendar.push_component(entry.clone());
    CalendarObject::from_calendar(calendar)
}
