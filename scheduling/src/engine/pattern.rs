//! Whether two series are of the same instances: moments are compared, not rules and zones.

use std::collections::BTreeSet;

use calendar::{
    Budget, CalendarObject, Component, Property, RecurrenceSet, TimeRange, TooMuchWork, Zone,
    Zones, occurrence::overall_span, value::date_in,
};
use jiff::{SignedDuration, Timestamp};

use super::{meeting::Meeting, significance::canonical};

/// What says which instances a series has; EXDATE is judged apart.
const PATTERN: [&str; 4] = ["DTSTART", "DUE", "RRULE", "RDATE"];
/// How far from the later of two starts, and from when they were written, series are compared instance by instance: a
/// rule may skip years, but hardly four.
const HORIZON_SECONDS: i64 = 4 * 366 * 86_400;
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
    let (Ok(one), Ok(two)) = (Yield::of(before, old, after), Yield::of(after, new, before)) else {
        return DIFFERENT;
    };
    let same_rules = rules(old) == rules(new);
    PatternChanges {
        adds: !same_rules && ends_later(one.end, two.end) || !two.spans.is_subset(&one.spans),
        differs: !same_rules && one.end != two.end || one.spans != two.spans,
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

fn zones(object: &CalendarObject) -> Vec<&Component> {
    let zones = object.components();
    zones
        .filter(|component| component.is("VTIMEZONE"))
        .collect()
}

/// The instances of a series.
struct Yield {
    /// Up to the horizon.
    spans: BTreeSet<(Timestamp, Timestamp)>,
    /// Where the last one ends, a day or two later in a zone whose clocks change; `None` is never. It tells rules apart
    /// that differ beyond the horizon only.
    end: Option<Timestamp>,
}

impl Yield {
    /// `other` is what it will be compared with.
    fn of(
        meeting: &Meeting<'_>,
        series: &Component,
        other: &Meeting<'_>,
    ) -> Result<Yield, TooMuchWork> {
        let mut alone = series.clone();
        alone.remove_properties("EXDATE");
        let latest = |of: fn(&Meeting<'_>) -> Option<Timestamp>| {
            [meeting, other].into_iter().filter_map(of).max()
        };
        let start = latest(|it| start_of(it.object)).unwrap_or_default();
        let first = window(None, start);
        let written = latest(written_at).filter(|written| *written > start);
        let later = written.map(|written| window(Some(written), written));
        let set = RecurrenceSet::of_components(meeting.object, [&alone], &Zone::utc());
        let mut spans = BTreeSet::new();
        for window in [Some(first), later].into_iter().flatten() {
            let instances = set.occurrences(&window, &mut Budget::new(WORK))?;
            spans.extend(instances.iter().map(|it| (it.start, it.end)));
        }
        Ok(Yield {
            spans,
            end: overall_span(&with_only(meeting.object, &alone), &mut Budget::new(WORK))
                .and_then(|span| span.end),
        })
    }
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
fn with_only(object: &CalendarObject, entry: &Component) -> CalendarObject {
    let calendar = object.calendar();
    let mut calendar = calendar.filtered(|_| true, |component| component.is("VTIMEZONE"));
    calendar.push_component(entry.clone());
    CalendarObject::from_calendar(calendar)
}
