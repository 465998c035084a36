//! Availability (RFC 7953): when somebody can be had at all, whatever stands in their calendars.
//!
//! A VAVAILABILITY makes its whole time busy but for what its AVAILABLE components leave free. Several are
//! laid over each other by PRIORITY (RFC 7953 §4): where a higher one covers, a lower one means nothing.
//! Among equals the strongest BUSYTYPE counts, and what one of them leaves free is free.
//!
//! Decided where the RFC is silent: a floating time is read in the zone that the caller gives; an AVAILABLE
//! without an end has no length; a BUSYTYPE that is not known is BUSY, as with FBTYPE.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::{
    free_busy::{BusyPeriod, BusyType},
    object::{CalendarObject, Component, Landmarks},
    occurrence::RecurrenceSet,
    recurrence::{Budget, TooMuchWork},
    time_range::TimeRange,
    value::date_of,
    zone::{Zone, Zones},
};

const AVAILABILITY: &str = "VAVAILABILITY";
const AVAILABLE: &str = "AVAILABLE";

/// Why an object is not an availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvailabilityFault {
    /// RFC 7953 §7.2.4.
    #[error("there must be exactly one VAVAILABILITY, and nothing beside it but VTIMEZONEs")]
    OtherComponents,
    /// RFC 5545 §3.7.4.
    #[error("the version must be 2.0")]
    Version,
    /// RFC 7953 §3.1: both kinds of components need one.
    #[error("a VAVAILABILITY or AVAILABLE has no UID")]
    NoUid,
    /// RFC 7953 §3.1.
    #[error("an AVAILABLE has no DTSTART")]
    NoStart,
    /// A property that identifies or places a component stands there twice.
    #[error("a property stands twice where it may stand once")]
    Repeated,
    /// RFC 7953 §3.1: DATE-TIMEs only.
    #[error("DTSTART and DTEND must be a date with time")]
    NoDateTime,
    /// RFC 7953 §3.1.
    #[error("there is a DURATION without DTSTART, or beside DTEND")]
    Duration,
}

/// Whether an object is the availability of one person, as `CALDAV:calendar-availability` holds it (RFC 7953
/// §3.1 and §7.2.4).
///
/// # Errors
/// The first fault.
pub fn check(object: &CalendarObject) -> Result<(), AvailabilityFault> {
    if object.calendar().raw_value("VERSION").map(str::trim) != Some("2.0") {
        return Err(AvailabilityFault::Version);
    }
    let mut entries = object.entries();
    let (Some(availability), None) = (entries.next(), entries.next()) else {
        return Err(AvailabilityFault::OtherComponents);
    };
    if !availability.is(AVAILABILITY) {
        return Err(AvailabilityFault::OtherComponents);
    }
    check_component(availability)?;
    for available in availability.components_named(AVAILABLE) {
        check_component(available)?;
        if available.property("DTSTART").is_none() {
            return Err(AvailabilityFault::NoStart);
        }
    }
    Ok(())
}

fn check_component(component: &Component) -> Result<(), AvailabilityFault> {
    let found = Landmarks::of(component);
    if found.repeated.is_some() {
        return Err(AvailabilityFault::Repeated);
    }
    if found.uid.is_none_or(|uid| uid.text().trim().is_empty()) {
        return Err(AvailabilityFault::NoUid);
    }
    let mut dates = [found.start, found.end].into_iter().flatten();
    if !dates.all(|date| date_of(date).is_some_and(|date| !date.is_date())) {
        return Err(AvailabilityFault::NoDateTime);
    }
    match found.duration {
        Some(_) if found.start.is_none() || found.end.is_some() => Err(AvailabilityFault::Duration),
        _ => Ok(()),
    }
}

/// The periods of a window in which somebody cannot be had, by all the VAVAILABILITYs of an object: in order,
/// cut to the window, none overlapping another.
///
/// # Errors
/// If the budget is spent before the window is covered.
pub fn unavailable_periods(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<Vec<BusyPeriod>, TooMuchWork> {
    let mut layers: Vec<(u8, Vec<&Component>)> = Vec::new();
    for availability in object.entries().filter(|entry| entry.is(AVAILABILITY)) {
        let rank = rank(availability);
        match layers.iter_mut().find(|(of_layer, _)| *of_layer == rank) {
            Some((_, layer)) => layer.push(availability),
            None => layers.push((rank, vec![availability])),
        }
    }
    layers.sort_unstable_by_key(|(rank, _)| *rank);
    let mut periods = Vec::new();
    for (_, layer) in layers {
        let layer = Layer::of(object, &layer, window, floating, budget)?;
        let below = without(periods, &layer.covered);
        periods = below;
        periods.extend(without(layer.busy, &layer.free));
        periods.sort_unstable();
    }
    Ok(joined(periods))
}

/// RFC 7953 §4: from the lowest (no PRIORITY, or 0) to the highest (1).
fn rank(availability: &Component) -> u8 {
    let priority = availability.raw_value("PRIORITY");
    match priority.and_then(|priority| priority.trim().parse().ok()) {
        Some(priority @ 1..=9) => 10 - priority,
        _ => 0,
    }
}

/// A span with its start and its end.
type Span = (Timestamp, Timestamp);

/// What the VAVAILABILITYs of one priority say; each list in order and without overlaps.
struct Layer {
    /// Where they say anything.
    covered: Vec<Span>,
    /// The same with its types.
    busy: Vec<BusyPeriod>,
    /// What is free of it.
    free: Vec<Span>,
}

impl Layer {
    fn of(
        object: &CalendarObject,
        availabilities: &[&Component],
        window: &TimeRange,
        floating: &Zone,
        budget: &mut Budget,
    ) -> Result<Layer, TooMuchWork> {
        let zones = Zones::of(object);
        let mut covered: Vec<(BusyType, Span)> = Vec::new();
        let mut free = Vec::new();
        for availability in availabilities {
            let own = own_range(object, availability, &zones, floating, budget)?;
            let Some(within) = intersection(window, &own) else {
                continue;
            };
            covered.push((busy_type(availability), bounds(&within)));
            add_free(&mut free, object, availability, &within, floating, budget)?;
        }
        covered.sort_unstable_by_key(|(busy_type, _)| strength(*busy_type));
        let mut busy: Vec<BusyPeriod> = Vec::new();
        for (busy_type, (start, end)) in &covered {
            let stronger = united(
                busy.iter()
                    .map(|period| (period.start, period.end))
                    .collect(),
            );
            let whole = BusyPeriod {
                start: *start,
                end: *end,
                busy_type: *busy_type,
            };
            busy.extend(without(vec![whole], &stronger));
            busy.sort_unstable();
        }
        Ok(Layer {
            covered: united(covered.into_iter().map(|(_, span)| span).collect()),
            busy,
            free: united(free),
        })
    }
}

/// The time that a VAVAILABILITY speaks about (RFC 7953 §3.1).
fn own_range(
    object: &CalendarObject,
    availability: &Component,
    zones: &Zones<'_>,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<TimeRange, TooMuchWork> {
    let found = Landmarks::of(availability);
    let instant = |property| date_of(property).map(|date| zones.instant_of(&date, floating));
    let start = found.start.and_then(instant);
    let end = match (found.end.and_then(instant), found.duration) {
        (Some(end), _) => Some(end),
        (None, Some(_)) if start.is_some() => {
            // A DURATION has nominal days, which the component's own instance knows.
            let itself = RecurrenceSet::of_components(object, [availability], floating);
            let instances = itself.occurrences(&TimeRange::default(), budget)?;
            instances.first().map(|instance| instance.end)
        }
        _ => None,
    };
    Ok(TimeRange { start, end })
}

/// Adds the instances of the AVAILABLEs within a VAVAILABILITY, cut to the time that is looked at. Those of one
/// UID are one series with its overrides.
fn add_free(
    free: &mut Vec<Span>,
    object: &CalendarObject,
    availability: &Component,
    within: &TimeRange,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<(), TooMuchWork> {
    let mut series: Vec<(String, Vec<&Component>)> = Vec::new();
    for available in availability.components_named(AVAILABLE) {
        let uid = available.text("UID").unwrap_or_default().into_owned();
        match series.iter_mut().find(|(of_series, _)| *of_series == uid) {
            Some((_, components)) => components.push(available),
            None => series.push((uid, vec![available])),
        }
    }
    let (first, last) = bounds(within);
    for (_, components) in series {
        let set = RecurrenceSet::of_components(object, components, floating);
        for instance in set.occurrences(within, budget)? {
            let (start, end) = (instance.start.max(first), instance.end.min(last));
            if start < end {
                free.push((start, end));
            }
        }
    }
    Ok(())
}

/// RFC 7953 §3.2.
fn busy_type(availability: &Component) -> BusyType {
    let value = availability.raw_value("BUSYTYPE").map(str::trim);
    match value.map(str::to_ascii_uppercase).as_deref() {
        None | Some("BUSY-UNAVAILABLE") => BusyType::Unavailable,
        Some("BUSY-TENTATIVE") => BusyType::Tentative,
        Some(_) => BusyType::Busy,
    }
}

/// The strongest first (RFC 7953 §4).
fn strength(busy_type: BusyType) -> u8 {
    match busy_type {
        BusyType::Busy => 0,
        BusyType::Unavailable => 1,
        BusyType::Tentative => 2,
        BusyType::Unanswered => 3,
    }
}

fn bounds(range: &TimeRange) -> Span {
    (
        range.start.unwrap_or(Timestamp::MIN),
        range.end.unwrap_or(Timestamp::MAX),
    )
}

/// What two ranges have in common; `None` where that has no length.
fn intersection(one: &TimeRange, other: &TimeRange) -> Option<TimeRange> {
    let ((first, last), (start, end)) = (bounds(one), bounds(other));
    let (start, end) = (first.max(start), last.min(end));
    (start < end).then(|| TimeRange::between(start, end))
}

/// Spans in order, those that overlap or follow each other made one.
fn united(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut united: Vec<Span> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match united.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => united.push((start, end)),
        }
    }
    united
}

/// What of the periods is outside of the spans; both are in order and without overlaps.
fn without(periods: Vec<BusyPeriod>, spans: &[Span]) -> Vec<BusyPeriod> {
    let mut rest = Vec::with_capacity(periods.len());
    let mut first = 0;
    for mut period in periods {
        while spans.get(first).is_some_and(|span| span.1 <= period.start) {
            first += 1;
        }
        for (start, end) in spans[first..].iter().take_while(|span| span.0 < period.end) {
            if period.start < *start {
                rest.push(BusyPeriod {
                    end: *start,
                    ..period
                });
            }
            period.start = period.start.max(*end);
        }
        if period.start < period.end {
            rest.push(period);
        }
    }
    rest
}

/// Neighbours of one type made one.
fn joined(periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
    let mut joined: Vec<BusyPeriod> = Vec::with_capacity(periods.len());
    for period in periods {
        match joined.last_mut() {
            Some(last) if last.busy_type == period.busy_type && last.end == period.start => {
                last.end = period.end;
            }
            _ => joined.push(period),
        }
    }
    joined
}
