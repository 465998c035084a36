//! The times of one component.

use jiff::Timestamp;

use super::clock::Clock;
use crate::object::{Component, Landmarks};
use crate::recurrence::gregorian::{SECONDS_OF_DAY, civil_seconds};
use crate::value::{DateOrDateTime, Duration, date_of};
use crate::zone::{Zone, Zones};

/// What a component is, as far as its times depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Task,
    Journal,
    FreeBusy,
    Other,
}

/// Where an entry stands in time.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) clock: Clock,
    /// DTSTART in seconds of civil time; DUE for a task that has nothing else.
    pub(super) start: i64,
    pub(super) start_instant: Timestamp,
    /// From the start to the end.
    pub(super) length: Duration,
}

/// One component of an object, with its times read.
#[derive(Debug)]
pub(crate) struct Entry<'o> {
    pub(crate) component: &'o Component,
    pub(crate) kind: Kind,
    pub(crate) has_start: bool,
    /// DTEND or DUE.
    pub(crate) has_end: bool,
    pub(crate) has_duration: bool,
    /// RRULE or RDATE.
    has_rule: bool,
    pub(crate) recurrence_id: Option<DateOrDateTime>,
    /// RANGE=THISANDFUTURE.
    pub(super) is_this_and_future: bool,
    pub(super) place: Option<Place>,
}

impl Place {
    /// Where the component itself ends.
    pub(super) fn end(&self) -> Timestamp {
        self.clock.end(self.start, self.start_instant, self.length)
    }
}

impl<'o> Entry<'o> {
    pub(super) fn of(component: &'o Component, zones: &Zones<'_>, floating: &Zone) -> Entry<'o> {
        let kind = kind_of(component);
        let found = Landmarks::of(component);
        let end = match kind {
            Kind::Task => found.due,
            _ => found.end,
        };
        let start = found.start.and_then(date_of);
        let end = end.and_then(date_of);
        let duration = found.duration.filter(|_| kind != Kind::FreeBusy);
        let duration = duration.and_then(|property| property.raw_value().parse().ok());
        let recurrence_id = found.recurrence_id;
        Entry {
            component,
            kind,
            has_start: start.is_some(),
            has_end: end.is_some(),
            has_duration: duration.is_some(),
            has_rule: found.has_rule,
            is_this_and_future: recurrence_id
                .and_then(|property| property.parameter("RANGE"))
                .is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE")),
            recurrence_id: recurrence_id.and_then(date_of),
            place: place_of(kind, start, end, duration, zones, floating),
        }
    }

    /// Whether it is an instance of a series, and not the series.
    pub(super) fn is_override(&self) -> bool {
        self.recurrence_id.is_some()
    }

    pub(super) fn recurs(&self) -> bool {
        self.has_rule
    }
}

fn kind_of(component: &Component) -> Kind {
    match component.name() {
        "VEVENT" => Kind::Event,
        "VTODO" => Kind::Task,
        "VJOURNAL" => Kind::Journal,
        "VFREEBUSY" => Kind::FreeBusy,
        _ => Kind::Other,
    }
}

fn place_of(
    kind: Kind,
    start: Option<DateOrDateTime>,
    end: Option<DateOrDateTime>,
    duration: Option<Duration>,
    zones: &Zones<'_>,
    floating: &Zone,
) -> Option<Place> {
    // A task may have nothing but its DUE.
    let due_only = kind == Kind::Task && start.is_none();
    let (start, end, duration) = if due_only {
        (end?, None, None)
    } else {
        (start?, end, duration)
    };
    let clock = Clock::of(&start, zones, floating);
    let civil = civil_seconds(start.civil());
    let start_instant = clock.instant(civil);
    // A length between two times is exact, that of two DATEs is in days (RFC 5545 §3.8.5.3).
    let length = match (&end, duration) {
        (Some(end), _) if start.is_date() && end.is_date() => days_to(&start, end, kind),
        (Some(end), _) => {
            let end = zones.instant_of(end, floating);
            Duration::seconds(end.as_second() - start_instant.as_second())
        }
        (None, Some(duration)) => duration,
        // RFC 5545 §3.6.1; a task without an end has no length (RFC 4791 §9.9).
        (None, None) if clock.is_date && kind != Kind::Task => Duration::days(1),
        (None, None) => Duration::ZERO,
    };
    Some(Place {
        clock,
        start: civil,
        start_instant,
        length: at_least_nothing(length),
    })
}

/// From a DATE to a DATE; an event of days that ends where it begins, or before, lasts the day.
fn days_to(start: &DateOrDateTime, end: &DateOrDateTime, kind: Kind) -> Duration {
    let seconds = civil_seconds(end.civil()) - civil_seconds(start.civil());
    let least = i64::from(kind != Kind::Task);
    Duration::days((seconds / SECONDS_OF_DAY).max(least))
}

fn at_least_nothing(length: Duration) -> Duration {
    if length.nominal_seconds() < 0 {
        Duration::ZERO
    } else {
        length
    }
}
