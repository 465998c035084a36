//! VALARM in a time range (RFC 4791 §9.9).

use jiff::{SignedDuration, Timestamp};

use super::{TimeRange, any_instance};
use crate::object::{Component, Property};
use crate::occurrence::{Instance, RecurrenceSet, later};
use crate::recurrence::{Budget, TooMuchWork};
use crate::value::{DateOrDateTime, Duration, date_of, duration_in};

/// Nominal days differ from exact ones by less than this.
const SLACK: i64 = 86_400;

/// When an alarm goes off (RFC 5545 §3.8.6.3).
enum Trigger {
    At(DateOrDateTime),
    FromStart(Duration),
    FromEnd(Duration),
}

/// How often it does so again (RFC 5545 §3.8.6.2): each time so many seconds later.
struct Repetition {
    times: i64,
    seconds: i64,
}

/// Whether an alarm goes off in the range, the first time or when it repeats, for any instance that the component
/// describes. The component is given as an index into [`crate::CalendarObject::entries`].
///
/// # Errors
/// If the budget is spent before that is known.
pub fn alarm_overlaps(
    set: &RecurrenceSet<'_>,
    entry: usize,
    alarm: &Component,
    range: &TimeRange,
    budget: &mut Budget,
) -> Result<bool, TooMuchWork> {
    let Some(trigger) = alarm.property("TRIGGER").and_then(trigger_of) else {
        return Ok(false);
    };
    let repetition = repetition_of(alarm);
    let offset = match trigger {
        Trigger::At(value) => {
            let at = set.zones().instant_of(&value, set.floating());
            return Ok(repetition.overlaps(at, range));
        }
        Trigger::FromStart(offset) | Trigger::FromEnd(offset) => offset,
    };
    let is_from_end = matches!(trigger, Trigger::FromEnd(_));
    let window = repetition.window_of_anchors(range, offset);
    any_instance(set, entry, &window, budget, &mut |instance: &Instance| {
        let anchor = if is_from_end {
            instance.end
        } else {
            instance.start
        };
        let at = set.moved(entry, anchor, offset);
        repetition.overlaps(at, range)
    })
}

fn trigger_of(property: &Property) -> Option<Trigger> {
    if let Ok(offset) = property.raw_value().parse() {
        let related = property.parameter("RELATED");
        let is_from_end = related.is_some_and(|related| related.eq_ignore_ascii_case("END"));
        return Some(if is_from_end {
            Trigger::FromEnd(offset)
        } else {
            Trigger::FromStart(offset)
        });
    }
    date_of(property).map(Trigger::At)
}

fn repetition_of(alarm: &Component) -> Repetition {
    let times = alarm
        .raw_value("REPEAT")
        .and_then(|times| times.trim().parse().ok());
    let seconds = duration_in(alarm, "DURATION").map(|duration| duration.nominal_seconds());
    match (times, seconds) {
        (Some(times), Some(seconds)) if times > 0i64 && seconds > 0 => {
            Repetition { times, seconds }
        }
        _ => Repetition {
            times: 0,
            seconds: 1,
        },
    }
}

impl Repetition {
    /// From the first time to the last.
    fn length(&self) -> i64 {
        self.times.saturating_mul(self.seconds)
    }

    /// Whether one of the times is in the range, when the first is given.
    fn overlaps(&self, first: Timestamp, range: &TimeRange) -> bool {
        let Some(start) = range.start.filter(|&start| start > first) else {
            return range.contains(first);
        };
        // The first time that is not before the range.
        let gap = start.as_second() - first.as_second();
        let number = gap.div_euclid(self.seconds) + i64::from(gap.rem_euclid(self.seconds) != 0);
        let seconds = number.saturating_mul(self.seconds);
        number <= self.times
            && first
                .checked_add(SignedDuration::from_secs(seconds))
                .is_ok_and(|at| range.contains(at))
    }

    /// Where the start or end of an instance must be for one of the times to be in the range.
    fn window_of_anchors(&self, range: &TimeRange, offset: Duration) -> TimeRange {
        let offset = offset.nominal_seconds();
        let back = offset.saturating_add(self.length()).saturating_add(SLACK);
        let forth = offset.saturating_neg().saturating_add(SLACK);
        TimeRange {
            start: range.start.map(|start| later(start, back.saturating_neg())),
            end: range.end.map(|end| later(end, forth)),
        }
    }
}
