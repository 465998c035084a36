//! Whether components and properties overlap a time range, by the tables of RFC 4791 §9.9.
//!
//! Every question is answered over all instances, and ends at the first that overlaps. Beyond the tables:
//! a component other than those of the RFC is treated like VEVENT; a DUE beside a DURATION is the one that
//! counts.

mod alarm;
mod property;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use jiff::Timestamp;

pub use alarm::alarm_overlaps;
pub use property::property_overlaps;

use crate::object::{CalendarObject, Component};
use crate::occurrence::{Entry, Instance, Kind, RecurrenceSet, bounds_of_period};
use crate::recurrence::{Budget, TooMuchWork};
use crate::value::{date_in, periods_of};
use crate::zone::Zone;

/// A span of time, its start in it and its end not; without one of them it is open on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first instant of it; `None` is "since ever".
    pub start: Option<Timestamp>,
    /// The first instant behind it; `None` is "forever".
    pub end: Option<Timestamp>,
}

/// The comparisons of the tables, `start` and `end` being the range's.
impl TimeRange {
    /// A range with both its ends.
    #[must_use]
    pub fn between(start: Timestamp, end: Timestamp) -> TimeRange {
        TimeRange {
            start: Some(start),
            end: Some(end),
        }
    }

    /// Whether a span overlaps the range; one without length does if it is within (RFC 4791 §9.9, VEVENT).
    #[must_use]
    pub fn overlaps(&self, start: Timestamp, end: Timestamp) -> bool {
        if start == end {
            self.contains(start)
        } else {
            self.starts_before(end) && self.ends_after(start)
        }
    }

    /// Whether an instant is within: start <= at AND end > at.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.starts_not_after(at) && self.ends_after(at)
    }

    /// Whether a span has an instant with the range in common, or with its very end.
    pub(crate) fn touches(&self, start: Timestamp, end: Timestamp) -> bool {
        self.starts_not_after(end) && self.ends_not_before(start)
    }

    /// start < at
    fn starts_before(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start < at)
    }

    /// start <= at
    fn starts_not_after(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= at)
    }

    /// end > at
    fn ends_after(&self, at: Timestamp) -> bool {
        self.end.is_none_or(|end| end > at)
    }

    /// end >= at
    fn ends_not_before(&self, at: Timestamp) -> bool {
        self.end.is_none_or(|end| end >= at)
    }
}

/// Whether a component of this name in the object overlaps the range (RFC 4791 §9.9); `floating` is the zone in
/// which floating times and DATEs are read.
///
/// # Errors
/// If the budget is spent before that is known.
pub fn object_overlaps(
    object: &CalendarObject,
    component_name: &str,
    range: &TimeRange,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<bool, TooMuchWork> {
    let set = RecurrenceSet::of(object, floating);
    for (index, entry) in set.entries().iter().enumerate() {
        if entry.component.is(component_name) && component_overlaps(&set, index, range, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one component, given as an index into [`CalendarObject::entries`], overlaps the range: an instance
/// that it describes does (RFC 4791 §9.9).
///
/// # Errors
/// If the budget is spent before that is known.
pub fn component_overlaps(
    set: &RecurrenceSet<'_>,
    entry: usize,
    range: &TimeRange,
    budget: &mut Budget,
) -> Result<bool, TooMuchWork> {
    let Some(described) = set.entries().get(entry) else {
        return Ok(false);
    };
    if described.kind == Kind::Task && !described.has_start && !described.has_end {
        return Ok(dateless_task_overlaps(set, described.component, range));
    }
    if described.kind == Kind::FreeBusy && !(described.has_start && described.has_end) {
        return Ok(periods_overlap(set, described.component, range));
    }
    any_instance(set, entry, range, budget, &mut |instance| {
        instance_overlaps(described, instance, range)
    })
}

/// The instances of an object that overlap the range (RFC 4791 §9.9), in order of their start. What stands nowhere in
/// time has none.
///
/// # Errors
/// If the budget is spent before they are known.
pub fn overlapping_instances(
    set: &RecurrenceSet<'_>,
    range: &TimeRange,
    budget: &mut Budget,
) -> Result<Vec<Instance>, TooMuchWork> {
    let mut found = Vec::new();
    let _ = set.visit(range, budget, &mut |instance| {
        if instance_overlaps(&set.entries()[instance.entry], &instance, range) {
            found.push(instance);
        }
        ControlFlow::Continue(())
    })?;
    found.sort_by_key(|instance| (instance.start, instance.entry));
    Ok(found)
}

/// Whether an instance that touches the range, and that this component describes, passes a test.
fn any_instance(
    set: &RecurrenceSet<'_>,
    entry: usize,
    range: &TimeRange,
    budget: &mut Budget,
    test: &mut dyn FnMut(&Instance) -> bool,
) -> Result<bool, TooMuchWork> {
    let flow = set.visit_described_by(entry, range, budget, &mut |instance| {
        if test(&instance) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(flow.is_break())
}

fn instance_overlaps(entry: &Entry<'_>, instance: &Instance, range: &TimeRange) -> bool {
    let (start, end) = (instance.start, instance.end);
    match entry.kind {
        Kind::Task => task_overlaps(entry, start, end, range),
        // RFC 4791 §9.9, VFREEBUSY: (start <= DTEND) AND (end > DTSTART)
        Kind::FreeBusy => range.starts_not_after(end) && range.ends_after(start),
        // RFC 4791 §9.9, VEVENT: by DTEND; by DURATION, if there is any; as one instant. A DATE alone, like
        // VJOURNAL's, has the length of its day.
        _ if entry.has_end || start != end => range.starts_before(end) && range.ends_after(start),
        _ => range.contains(start),
    }
}

/// RFC 4791 §9.9, VTODO, the rows with DTSTART or DUE.
fn task_overlaps(entry: &Entry<'_>, start: Timestamp, due: Timestamp, range: &TimeRange) -> bool {
    match (entry.has_start, entry.has_end, entry.has_duration) {
        (true, true, _) => {
            (range.starts_before(due) || range.starts_not_after(start))
                && (range.ends_after(start) || range.ends_not_before(due))
        }
        (true, false, true) => {
            range.starts_not_after(due) && (range.ends_after(start) || range.ends_not_before(due))
        }
        (true, false, false) => range.contains(start),
        (false, ..) => range.starts_before(due) && range.ends_not_before(due),
    }
}

/// RFC 4791 §9.9, VTODO, the rows without DTSTART and DUE.
fn dateless_task_overlaps(set: &RecurrenceSet<'_>, task: &Component, range: &TimeRange) -> bool {
    let instant = |name| -> Option<Timestamp> {
        let value = date_in(task, name)?;
        Some(set.zones().instant_of(&value, set.floating()))
    };
    match (instant("COMPLETED"), instant("CREATED")) {
        (Some(completed), Some(created)) => {
            (range.starts_not_after(created) || range.starts_not_after(completed))
                && (range.ends_not_before(created) || range.ends_not_before(completed))
        }
        (Some(completed), None) => {
            range.starts_not_after(completed) && range.ends_not_before(completed)
        }
        (None, Some(created)) => range.ends_after(created),
        (None, None) => true,
    }
}

/// RFC 4791 §9.9, VFREEBUSY without DTSTART and DTEND: its FREEBUSY periods of whatever type.
fn periods_overlap(set: &RecurrenceSet<'_>, free_busy: &Component, range: &TimeRange) -> bool {
    free_busy
        .properties_named("FREEBUSY")
        .flat_map(periods_of)
        .map(|period| bounds_of_period(&period, set.zones(), set.floating()))
        .any(|(start, end)| range.starts_before(end) && range.ends_after(start))
}
