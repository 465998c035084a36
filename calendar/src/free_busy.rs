//! Busy time: what an object contributes to the free-busy of its owner (RFC 4791 §7.10, RFC 5545 §3.6.4).

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::object::{CalendarObject, Component};
use crate::occurrence::{Kind, RecurrenceSet, bounds_of_period};
use crate::recurrence::{Budget, TooMuchWork};
use crate::time_range::TimeRange;
use crate::value::periods_of;
use crate::zone::Zone;

/// FBTYPE of time that is not free (RFC 5545 §3.2.9). Other values are BUSY, as the RFC wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BusyType {
    /// BUSY
    Busy,
    /// BUSY-UNAVAILABLE
    Unavailable,
    /// BUSY-TENTATIVE
    Tentative,
    /// The owner has not answered yet. RFC 4791 §7.10 leaves open what that is; where it is shown at all, it is
    /// BUSY-TENTATIVE ([`BusyType::shown`]).
    Unanswered,
}

impl BusyType {
    /// The value of FBTYPE.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            BusyType::Busy => "BUSY",
            BusyType::Unavailable => "BUSY-UNAVAILABLE",
            BusyType::Tentative | BusyType::Unanswered => "BUSY-TENTATIVE",
        }
    }

    /// As what it is shown to others: what was not answered is tentative.
    #[must_use]
    pub fn shown(self) -> BusyType {
        match self {
            BusyType::Unanswered => BusyType::Tentative,
            other => other,
        }
    }
}

/// A span of time that is not free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusyPeriod {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends; later than the start.
    pub end: Timestamp,
    /// How it is not free.
    pub busy_type: BusyType,
}

/// The steps in which the last instance of a rule that is too much is looked for; else it has none.
const WORK_OF_A_SPAN: u32 = 5_000;

/// Whose calendar an object is in.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// Whether a calendar user address is theirs.
    pub has_address: &'a dyn Fn(&str) -> bool,
    /// They are a room or a resource, which is taken by whatever it accepted: TRANSP is about the time of people.
    pub is_bookable: bool,
}

/// The busy periods of an object in a window, cut to it, neither merged nor in order (that is [`merge`]'s, over
/// all objects of a calendar).
///
/// An owner who is ATTENDEE is busy as their PARTSTAT says: not if they declined or delegated, tentatively if they are
/// tentative, and in a way of its own if they have not answered. The organizer's own events, and those without
/// attendees, go by STATUS and TRANSP alone. VFREEBUSY contributes its FREEBUSY periods. Other components are free.
///
/// What recurs so often that the budget does not cover the window counts as busy from its first instance to its last:
/// one object stands in the way of no answer about the others.
#[must_use]
pub fn busy_periods(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    owner: &Owner<'_>,
    budget: &mut Budget,
) -> Vec<BusyPeriod> {
    let set = RecurrenceSet::of(object, floating);
    let busy_types: Vec<Option<BusyType>> = set
        .entries()
        .iter()
        .map(|entry| match entry.kind {
            Kind::Event => busy_type(entry.component, owner),
            _ => None,
        })
        .collect();
    let mut periods = published_periods(&set, window);
    if busy_types.iter().all(Option::is_none) {
        return periods;
    }
    let published = periods.len();
    let visited = set.visit(window, budget, &mut |instance| {
        let busy_type = busy_types[instance.entry];
        periods.extend(
            busy_type.and_then(|busy_type| within(window, instance.start, instance.end, busy_type)),
        );
        ControlFlow::Continue(())
    });
    if let Err(TooMuchWork) = visited {
        periods.truncate(published);
        let spans = busy_types
            .iter()
            .enumerate()
            .filter_map(|(index, busy_type)| {
                let (start, end) = set.span_of(index, &mut Budget::new(WORK_OF_A_SPAN))?;
                within(window, start, end.unwrap_or(Timestamp::MAX), (*busy_type)?)
            });
        periods.extend(spans);
    }
    periods
}

/// How an event occupies its time (RFC 4791 §7.10): by TRANSP and STATUS, and by the owner's PARTSTAT; `None`
/// is FREE.
#[must_use]
pub fn busy_type(event: &Component, owner: &Owner<'_>) -> Option<BusyType> {
    let is = |name: &str, value: &str| {
        let raw_value = event.raw_value(name);
        raw_value.is_some_and(|raw_value| raw_value.trim().eq_ignore_ascii_case(value))
    };
    if is("STATUS", "CANCELLED") {
        return None;
    }
    let by_status = if is("STATUS", "TENTATIVE") {
        BusyType::Tentative
    } else {
        BusyType::Busy
    };
    let is_transparent = is("TRANSP", "TRANSPARENT");
    let organizer = event.raw_value("ORGANIZER");
    let is_organizer = organizer.is_some_and(|organizer| (owner.has_address)(organizer.trim()));
    let own_attendance = event
        .properties_named("ATTENDEE")
        .find(|attendee| (owner.has_address)(attendee.raw_value().trim()));
    let Some(attendance) = own_attendance else {
        return (!is_transparent).then_some(by_status);
    };
    let participation = attendance.parameter("PARTSTAT").unwrap_or_default();
    let participation = participation.to_ascii_uppercase();
    match participation.as_str() {
        _ if is_transparent && (is_organizer || !owner.is_bookable) => None,
        "DECLINED" => None,
        // The organizer among the attendees need not answer themselves.
        _ if is_organizer => Some(by_status),
        "DELEGATED" => None,
        "ACCEPTED" => Some(by_status),
        // also the default (RFC 5545 §3.2.12)
        "" | "NEEDS-ACTION" => Some(BusyType::Unanswered),
        // TENTATIVE, and what is not known.
        _ => Some(BusyType::Tentative),
    }
}

/// The FREEBUSY properties of VFREEBUSY components.
fn published_periods(set: &RecurrenceSet<'_>, window: &TimeRange) -> Vec<BusyPeriod> {
    let mut periods = Vec::new();
    for entry in set
        .entries()
        .iter()
        .filter(|entry| entry.kind == Kind::FreeBusy)
    {
        for property in entry.component.properties_named("FREEBUSY") {
            let busy_type = property.parameter("FBTYPE").unwrap_or_default();
            let busy_type = match busy_type.to_ascii_uppercase().as_str() {
                "FREE" => continue,
                "BUSY-UNAVAILABLE" => BusyType::Unavailable,
                "BUSY-TENTATIVE" => BusyType::Tentative,
                _ => BusyType::Busy,
            };
            periods.extend(periods_of(property).filter_map(|period| {
                let (start, end) = bounds_of_period(&period, set.zones(), set.floating());
                within(window, start, end, busy_type)
            }));
        }
    }
    periods
}

/// The part of a span that is in the window, if any; what has no length makes nobody busy.
fn within(
    window: &TimeRange,
    start: Timestamp,
    end: Timestamp,
    busy_type: BusyType,
) -> Option<BusyPeriod> {
    let start = window.start.map_or(start, |first| first.max(start));
    let end = window.end.map_or(end, |last| last.min(end));
    (start < end).then_some(BusyPeriod {
        start,
        end,
        busy_type,
    })
}

/// Puts periods in order, and makes one of those of the same type that overlap or follow each other (RFC 4791
/// §7.10). Periods of different types may overlap.
#[must_use]
pub fn merge(mut periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
    periods.sort_unstable_by_key(|period| (period.busy_type, period.start));
    let mut merged: Vec<BusyPeriod> = Vec::with_capacity(periods.len());
    for period in periods {
        match merged.last_mut() {
            Some(last) if last.busy_type == period.busy_type && period.start <= last.end => {
                last.end = last.end.max(period.end);
            }
            _ => merged.push(period),
        }
    }
    merged.sort_unstable();
    merged
}
