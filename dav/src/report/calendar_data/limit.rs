//! Overrides and free-busy periods within a span (RFC 4791 §9.6.6, §9.6.7).

use calendar::{
    Budget, CalendarObject, Component, RecurrenceSet, TimeRange, TooMuchWork, Zone,
    time_range::component_overlaps,
    value::{DateOrDateTime, Period, PeriodEnd, date_in, duration_in, periods_of},
};
use jiff::{SignedDuration, Timestamp};

/// Leaves masters, and the overrides that have to do with the span: by when they are, or by when they
/// would have been.
pub(super) fn limit_instances(
    object: &mut CalendarObject,
    range: &TimeRange,
    floating: &Zone,
) -> Result<(), TooMuchWork> {
    let set = RecurrenceSet::of(object, floating);
    let length = object
        .entries()
        .find(|component| component.property("RECURRENCE-ID").is_none())
        .map_or(SignedDuration::ZERO, |master| length_of(master, &set));
    let mut budget = Budget::default();
    let mut kept = Vec::new();
    for (index, component) in object.entries().enumerate() {
        kept.push(match date_in(component, "RECURRENCE-ID") {
            None => true,
            Some(id) => {
                let was = set.zones().instant_of(&id, floating);
                let reaches_further =
                    reaches_further(component) && range.end.is_none_or(|end| was < end);
                reaches_further
                    || range.overlaps(was, later(was, length))
                    || component_overlaps(&set, index, range, &mut budget)?
            }
        });
    }
    let mut kept = kept.into_iter();
    object
        .calendar_mut()
        .retain_components(|component| component.is("VTIMEZONE") || kept.next().unwrap_or(true));
    Ok(())
}

fn reaches_further(component: &Component) -> bool {
    let range = component
        .property("RECURRENCE-ID")
        .and_then(|id| id.parameter("RANGE"));
    range.is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
}

/// How long the instances of a master are.
fn length_of(master: &Component, set: &RecurrenceSet<'_>) -> SignedDuration {
    let instant = |name| {
        Some(
            set.zones()
                .instant_of(&date_in(master, name)?, set.floating()),
        )
    };
    let end = instant("DTEND").or_else(|| instant("DUE"));
    match (instant("DTSTART"), end, duration_in(master, "DURATION")) {
        (Some(start), Some(end), _) => start.duration_until(end),
        (_, _, Some(duration)) => SignedDuration::from_secs(duration.nominal_seconds()),
        _ => match date_in(master, "DTSTART") {
            Some(DateOrDateTime::Date(_)) => SignedDuration::from_hours(24),
            _ => SignedDuration::ZERO,
        },
    }
}

fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_add(by).unwrap_or(instant)
}

/// Leaves the periods of FREEBUSY properties that overlap the span.
pub(super) fn limit_periods(object: &mut CalendarObject, range: &TimeRange, floating: &Zone) {
    let zones_of = object.clone();
    let set = RecurrenceSet::of(&zones_of, floating);
    for component in object
        .entries_mut()
        .filter(|component| component.is("VFREEBUSY"))
    {
        for property in component
            .properties_mut()
            .filter(|property| property.is("FREEBUSY"))
        {
            let periods: Vec<String> = periods_of(property)
                .filter(|period| overlaps(period, range, &set))
                .map(|period| period.to_string())
                .collect();
            // A printed period has nothing in it that a line could not hold.
            let _ = property.set_raw_value(&periods.join(","));
        }
        component.retain_properties(|property| {
            !property.is("FREEBUSY") || !property.raw_value().is_empty()
        });
    }
}

fn overlaps(period: &Period, range: &TimeRange, set: &RecurrenceSet<'_>) -> bool {
    let start = set.zones().instant(&period.start, set.floating());
    let end = match &period.end {
        PeriodEnd::End(end) => set.zones().instant(end, set.floating()),
        PeriodEnd::Duration(duration) => {
            later(start, SignedDuration::from_secs(duration.nominal_seconds()))
        }
    };
    range.overlaps(start, end)
}
