//! The values of a property, with what its parameters say about them. What is no value is passed over:
//! refusing it is the business of who stores objects, not of who reads them.

use super::{DateOrDateTime, Duration, Period};
use crate::object::{Component, Property};

/// A value of RDATE (RFC 5545 §3.8.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecurrenceDate {
    /// A DATE or DATE-TIME.
    Start(DateOrDateTime),
    /// A PERIOD, which brings its own end.
    Period(Period),
}

/// The DATE or DATE-TIME of a property like DTSTART.
#[must_use]
pub fn date_of(property: &Property) -> Option<DateOrDateTime> {
    let time_zone_id = property.parameter("TZID");
    DateOrDateTime::parse(property.raw_value(), time_zone_id.as_deref()).ok()
}

/// The DATE or DATE-TIME of a component's first property of this name.
#[must_use]
pub fn date_in(component: &Component, name: &str) -> Option<DateOrDateTime> {
    component.property(name).and_then(date_of)
}

/// The DURATION of a component's first property of this name.
#[must_use]
pub fn duration_in(component: &Component, name: &str) -> Option<Duration> {
    component.raw_value(name)?.parse().ok()
}

/// The values of a list of dates, like EXDATE.
pub fn dates_of(property: &Property) -> impl Iterator<Item = DateOrDateTime> {
    let time_zone_id = property.parameter("TZID");
    let values = property.raw_value().split(',');
    values.filter_map(move |value| DateOrDateTime::parse(value, time_zone_id.as_deref()).ok())
}

/// The values of an RDATE.
pub fn recurrence_dates_of(property: &Property) -> impl Iterator<Item = RecurrenceDate> {
    let time_zone_id = property.parameter("TZID");
    property.raw_value().split(',').filter_map(move |value| {
        let time_zone_id = time_zone_id.as_deref();
        if value.contains('/') {
            Period::parse(value, time_zone_id)
                .ok()
                .map(RecurrenceDate::Period)
        } else {
            DateOrDateTime::parse(value, time_zone_id)
                .ok()
                .map(RecurrenceDate::Start)
        }
    })
}

/// The values of a list of periods, like FREEBUSY.
pub fn periods_of(property: &Property) -> impl Iterator<Item = Period> {
    let time_zone_id = property.parameter("TZID");
    let values = property.raw_value().split(',');
    values.filter_map(move |value| Period::parse(value, time_zone_id.as_deref()).ok())
}
