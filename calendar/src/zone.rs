//! Time zones: what a TZID means, and wall-clock times as instants (RFC 5545 §3.2.19, §3.6.5).
//!
//! A TZID is resolved in this order, so that the database's present knowledge beats the copy that a client
//! once sent, and a zone that only the object knows is still right:
//!
//! 1. the name of a zone of the IANA database, in any case; also behind a prefix, as in
//!    `/freeassociation.sourceforge.net/Europe/Berlin`;
//! 2. the name of a Windows zone (`W. Europe Standard Time`), or a name for UTC;
//! 3. the object's VTIMEZONE of that name: the IANA name in its X-LIC-LOCATION or TZID-ALIAS-OF, else its
//!    own STANDARD and DAYLIGHT, interpreted;
//! 4. a guess from what the name shows (`(UTC+01:00) Amsterdam, Berlin`, `GMT+0100`);
//! 5. none: the time is taken as floating.
//!
//! What a TZID means is looked for in all these places, which is work that no budget of instances counts: each name is
//! looked up once for an object, and each VTIMEZONE interpreted once, so that an object costs what its octets do. What
//! is taken in names [`MAXIMUM_ZONES`] at the most.
//!
//! A time that does not exist is as far behind the gap as it is in it; one that exists twice is the first
//! (RFC 5545 §3.3.5).

pub mod data;
pub mod generate;
mod leap_seconds;
mod names;
pub mod reference;
mod vtimezone;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

pub use vtimezone::ObservedZone;

use crate::object::{CalendarObject, Component};
use crate::recurrence::gregorian::{civil_of_seconds, civil_seconds};
use crate::value::{DateOrDateTime, DateTime, Form};

/// The different zones that an object may name that is taken in ([`crate::many_zones`]).
pub const MAXIMUM_ZONES: usize = 100;

/// A resolved time zone; copies are cheap.
#[derive(Debug, Clone)]
pub enum Zone {
    /// A zone of the database, or a fixed offset.
    Known(TimeZone),
    /// A zone that only a VTIMEZONE describes.
    Observed(Arc<ObservedZone>),
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Zone {
        Zone::Known(TimeZone::UTC)
    }

    /// The zone that a name alone means, without any object to ask.
    #[must_use]
    pub fn named(name: &str) -> Option<Zone> {
        names::certain(name)
            .or_else(|| names::guessed(name))
            .map(Zone::Known)
    }

    /// The zone that an identifier means which stands alone and must not be guessed (RFC 7809 §3.1.5, §3.1.6): one
    /// of the database, or of Windows.
    #[must_use]
    pub fn by_reference(time_zone_id: &str) -> Option<Zone> {
        names::certain(time_zone_id).map(Zone::Known)
    }

    /// The zone that a VTIMEZONE describes: by its name if that is known, else by its observances.
    #[must_use]
    pub fn of_vtimezone(vtimezone: &Component) -> Option<Zone> {
        let name = vtimezone.text("TZID");
        name.and_then(|name| names::certain(&name))
            .map(Zone::Known)
            .or_else(|| described(vtimezone))
    }

    /// The zone of an object that holds one VTIMEZONE, like the CALDAV:calendar-timezone property (RFC 4791
    /// §5.2.2).
    #[must_use]
    pub fn of_calendar_timezone(object: &CalendarObject) -> Option<Zone> {
        object
            .calendar()
            .components_named("VTIMEZONE")
            .find_map(Zone::of_vtimezone)
    }

    /// The instant at which the clocks of this zone show a civil time.
    #[must_use]
    pub fn instant(&self, civil: civil::DateTime) -> Timestamp {
        match self {
            Zone::Known(zone) => zone
                .to_ambiguous_timestamp(civil)
                .compatible()
                .unwrap_or_else(|_| nearest_instant(civil_seconds(civil))),
            Zone::Observed(zone) => nearest_instant(zone.instant_of(civil_seconds(civil))),
        }
    }

    /// The instant at which the clocks of this zone show a civil time, given in seconds.
    pub(crate) fn instant_of_seconds(&self, civil: i64) -> Timestamp {
        match self {
            Zone::Known(zone) if *zone == TimeZone::UTC => nearest_instant(civil),
            _ => self.instant(civil_of_seconds(civil)),
        }
    }

    /// What the clocks of this zone show at an instant.
    #[must_use]
    pub fn civil(&self, instant: Timestamp) -> civil::DateTime {
        match self {
            Zone::Known(zone) => zone.to_datetime(instant),
            Zone::Observed(zone) => {
                let second = instant.as_second();
                civil_of_seconds(second + zone.offset_at(second))
            }
        }
    }
}

impl From<TimeZone> for Zone {
    fn from(zone: TimeZone) -> Zone {
        Zone::Known(zone)
    }
}

/// Whether a TZID means a zone by its name alone, whatever a VTIMEZONE says.
#[must_use]
pub fn is_known_name(time_zone_id: &str) -> bool {
    names::certain(time_zone_id).is_some()
}

/// The instant of a number of seconds since 1970 in UTC, or the nearest that can be held.
pub(crate) fn nearest_instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The zones of one object, each resolved once.
#[derive(Debug)]
pub struct Zones<'o> {
    object: &'o CalendarObject,
    /// By TZID, as it is written.
    resolved: RefCell<BTreeMap<Box<str>, Option<Zone>>>,
    /// What the object's VTIMEZONEs describe, once that is asked for.
    described: OnceCell<BTreeMap<String, Option<Zone>>>,
}

impl<'o> Zones<'o> {
    /// The zones of an object. Nothing is resolved before it is asked for.
    #[must_use]
    pub fn of(object: &'o CalendarObject) -> Zones<'o> {
        Zones {
            object,
            resolved: RefCell::default(),
            described: OnceCell::new(),
        }
    }

    /// The zone that a TZID of this object means; `None` if nobody knows.
    #[must_use]
    pub fn resolve(&self, time_zone_id: &str) -> Option<Zone> {
        let mut resolved = self.resolved.borrow_mut();
        if let Some(zone) = resolved.get(time_zone_id) {
            return zone.clone();
        }
        let zone = self.find(time_zone_id);
        resolved.insert(time_zone_id.into(), zone.clone());
        zone
    }

    fn find(&self, time_zone_id: &str) -> Option<Zone> {
        names::certain(time_zone_id)
            .map(Zone::Known)
            .or_else(|| self.described(time_zone_id))
            .or_else(|| names::guessed(time_zone_id).map(Zone::Known))
    }

    /// The zone that the first VTIMEZONE of this name describes.
    fn described(&self, time_zone_id: &str) -> Option<Zone> {
        let described = self.described.get_or_init(|| {
            let mut described = BTreeMap::new();
            for zone in self.object.calendar().components_named("VTIMEZONE") {
                if let Some(id) = zone.text("TZID") {
                    let first = described.entry(folded(&id));
                    first.or_insert_with(|| self::described(zone));
                }
            }
            described
        });
        described.get(&folded(time_zone_id))?.clone()
    }

    /// The zone that a value's wall clock refers to; `floating` is where floating times are read, and those
    /// of an unknown zone.
    #[must_use]
    pub fn of_form(&self, form: &Form, floating: &Zone) -> Zone {
        self.known(form).unwrap_or_else(|| floating.clone())
    }

    /// The zone that a form says, if it says one that is known.
    pub(crate) fn known(&self, form: &Form) -> Option<Zone> {
        match form {
            Form::Utc => Some(Zone::utc()),
            Form::Floating => None,
            Form::Zoned(id) => self.resolve(id),
        }
    }

    /// The instant of a DATE-TIME.
    #[must_use]
    pub fn instant(&self, value: &DateTime, floating: &Zone) -> Timestamp {
        if value.form == Form::Utc {
            return nearest_instant(civil_seconds(value.civil));
        }
        self.of_form(&value.form, floating).instant(value.civil)
    }

    /// The instant of either type; a DATE is the midnight it begins with, in the floating zone.
    #[must_use]
    pub fn instant_of(&self, value: &DateOrDateTime, floating: &Zone) -> Timestamp {
        match value {
            DateOrDateTime::Date(_) => floating.instant(value.civil()),
            DateOrDateTime::DateTime(value) => self.instant(value, floating),
        }
    }
}

/// The TZIDs that a component and those within it name, each once, as they are written. (Components are nested a few levels at most,
/// which their parser sees to.)
pub(crate) fn names_in(component: &Component) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![component];
    while let Some(component) = open.pop() {
        let ids = component
            .properties()
            .filter_map(|property| property.parameter("TZID"));
        names.extend(ids.map(Cow::into_owned));
        open.extend(component.components());
    }
    names
}

/// A TZID as it is compared with others.
fn folded(time_zone_id: &str) -> String {
    time_zone_id.trim().to_ascii_lowercase()
}

/// The zone of a VTIMEZONE whose TZID says nothing.
fn described(vtimezone: &Component) -> Option<Zone> {
    ["X-LIC-LOCATION", "TZID-ALIAS-OF"]
        .iter()
        .filter_map(|property| vtimezone.text(property))
        .find_map(|name| names::iana(name.trim()))
        .map(Zone::Known)
        .or_else(|| ObservedZone::of(vtimezone).map(|zone| Zone::Observed(Arc::new(zone))))
}

#[cfg(test)]
mod tests;
