//! The span of all instances of an object: what an index needs to pass over objects.

use jiff::Timestamp;

use super::{Entry, Kind, RecurrenceSet, bounds_of_period, later};
use crate::object::CalendarObject;
use crate::recurrence::Budget;
use crate::value::periods_of;
use crate::zone::Zone;

/// Local time and UTC are never further apart than this: floating times are widened by it.
const WIDENING: i64 = 86_400;

/// A span that contains every instance of an object, for whoever reads floating times wherever. It may be too
/// wide, never too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverallSpan {
    /// Where it begins; `None` is "since ever" (a task without dates).
    pub start: Option<Timestamp>,
    /// Where it ends; `None` is "never".
    pub end: Option<Timestamp>,
    /// Whether floating times or DATEs took part, so that the span had to be widened.
    pub is_floating: bool,
}

impl OverallSpan {
    const ALWAYS: OverallSpan = OverallSpan {
        start: None,
        end: None,
        is_floating: false,
    };

    fn with(self, other: OverallSpan) -> OverallSpan {
        OverallSpan {
            start: self.start.zip(other.start).map(|(one, two)| one.min(two)),
            end: self.end.zip(other.end).map(|(one, two)| one.max(two)),
            is_floating: self.is_floating || other.is_floating,
        }
    }
}

/// The span of an object's instances; `None` if it stands nowhere in time (a journal without DTSTART), so that
/// no time range of RFC 4791 §9.9 can match its components. Alarms may lie outside.
///
/// Cheap: nothing is expanded but what COUNT needs counted, and that within the budget; a series that is too
/// much to count is taken for endless.
#[must_use]
pub fn overall_span(object: &CalendarObject, budget: &mut Budget) -> Option<OverallSpan> {
    let set = RecurrenceSet::of(object, &Zone::utc());
    (0..set.entries().len())
        .filter_map(|index| span_of_entry(&set, index, budget))
        .reduce(OverallSpan::with)
}

fn span_of_entry(
    set: &RecurrenceSet<'_>,
    index: usize,
    budget: &mut Budget,
) -> Option<OverallSpan> {
    let entry = &set.entries()[index];
    match (entry.kind, &entry.place) {
        // RFC 4791 §9.9: COMPLETED and CREATED, or always.
        (Kind::Task, None) => Some(OverallSpan::ALWAYS),
        (Kind::FreeBusy, place) if place.is_none() || !entry.has_end => span_of_periods(set, entry),
        (_, None) => None,
        (_, Some(place)) => {
            let is_floating = place.clock.is_floating();
            let (start, end) = set.span_of(index, budget)?;
            let widening = if is_floating { WIDENING } else { 0 };
            Some(OverallSpan {
                start: Some(later(start, -widening)),
                end: end.map(|end| later(end, widening)),
                is_floating,
            })
        }
    }
}

impl RecurrenceSet<'_> {
    /// From where the first instance begins that a component describes, or its series has, to where the last one ends
    /// (`None`: never); nothing for what stands nowhere in time.
    pub(crate) fn span_of(
        &self,
        index: usize,
        budget: &mut Budget,
    ) -> Option<(Timestamp, Option<Timestamp>)> {
        let entry = &self.entries[index];
        let place = entry.place.as_ref()?;
        match !entry.is_override() && entry.recurs() {
            true => Some(self.series(index)?.span(budget)),
            false => Some((place.start_instant, Some(place.end()))),
        }
    }
}

fn span_of_periods(set: &RecurrenceSet<'_>, entry: &Entry<'_>) -> Option<OverallSpan> {
    entry
        .component
        .properties_named("FREEBUSY")
        .flat_map(periods_of)
        .map(|period| bounds_of_period(&period, set.zones(), set.floating()))
        .map(|(start, end)| OverallSpan {
            start: Some(start),
            end: Some(end),
            is_floating: false,
        })
        .reduce(OverallSpan::with)
}
