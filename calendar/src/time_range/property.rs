//! Properties in a time range (RFC 4791 §9.9).

use super::{TimeRange, any_instance};
use crate::occurrence::{Kind, RecurrenceSet};
use crate::recurrence::{Budget, TooMuchWork};
use crate::value::dates_of;

/// Whether a property of the component, given as an index into [`crate::CalendarObject::entries`], is in the range:
/// start <= date-time AND end > date-time.
///
/// DTSTART, DTEND and DUE are those of every instance, and the last two may be the effective ones (DTSTART +
/// DURATION). Any other property is in the range if one of its dates is.
///
/// # Errors
/// If the budget is spent before that is known.
pub fn property_overlaps(
    set: &RecurrenceSet<'_>,
    entry: usize,
    property_name: &str,
    range: &TimeRange,
    budget: &mut Budget,
) -> Result<bool, TooMuchWork> {
    let Some(described) = set.entries().get(entry) else {
        return Ok(false);
    };
    let is = |name: &str| property_name.eq_ignore_ascii_case(name);
    let has_effective_end = described.has_end || (described.has_start && described.has_duration);
    let is_task = described.kind == Kind::Task;
    if is("DTSTART") {
        return if described.has_start {
            any_instance(set, entry, range, budget, &mut |instance| {
                range.contains(instance.start)
            })
        } else {
            Ok(false)
        };
    }
    if (is("DTEND") && !is_task) || (is("DUE") && is_task) {
        return if has_effective_end {
            any_instance(set, entry, range, budget, &mut |instance| {
                range.contains(instance.end)
            })
        } else {
            Ok(false)
        };
    }
    let mut dates = described
        .component
        .properties_named(property_name)
        .flat_map(dates_of)
        .map(|value| set.zones().instant_of(&value, set.floating()));
    Ok(dates.any(|at| range.contains(at)))
}
