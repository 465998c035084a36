//! Time zones by reference (RFC 7809): objects with the definitions of the zones that they name, or without
//! those that everybody can look up.

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;

use super::{MAXIMUM_ZONES, data, folded, generate, names, names_in};
use crate::object::{CalendarObject, Component, Limits};

/// Whether a reader wants to be sent definitions of time zones (RFC 7809 §7.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeZones {
    /// Nothing was said: what was stored.
    #[default]
    AsStored,
    /// `T`: every one that is referred to.
    Included,
    /// `F`: none that the database has.
    LeftOut,
}

impl TimeZones {
    /// An object as its reader wants it; the same octets where there is nothing to change, or where they are
    /// no calendar object.
    #[must_use]
    pub fn apply(self, octets: Bytes) -> Bytes {
        if self == TimeZones::AsStored {
            return octets;
        }
        let Ok(mut object) = CalendarObject::parse_shared(octets.clone(), &Limits::default())
        else {
            return octets;
        };
        let is_changed = match self {
            TimeZones::Included => include(&mut object),
            _ => leave_out(&mut object),
        };
        if is_changed {
            object.to_octets()
        } else {
            octets
        }
    }
}

/// Whether everybody can look a zone up by this name: it is one of the database in use.
#[must_use]
pub fn is_known(time_zone_id: &str) -> bool {
    data::in_use().get(time_zone_id.trim()).is_some()
}

/// Adds the definitions of the zones that an object refers to and does not define, if their names are known: those
/// of the database, and those of Windows; [`MAXIMUM_ZONES`] at the most. Returns whether there are any.
pub fn include(object: &mut CalendarObject) -> bool {
    let zones = object.calendar().components_named("VTIMEZONE");
    let names = zones.filter_map(|zone| zone.text("TZID"));
    let defined: HashSet<String> = names.map(|name| folded(&name)).collect();
    let named = object.entries().flat_map(names_in);
    let wanted: BTreeSet<String> = named.map(|id| id.trim().to_owned()).collect();
    let missing: Vec<Component> = wanted
        .iter()
        .filter(|id| !defined.contains(&folded(id)))
        .take(MAXIMUM_ZONES)
        .filter_map(|id| {
            let zone = names::certain(id)?;
            generate::vtimezone_of(id, &zone, generate::Truncation::default())
        })
        .collect();
    let is_changed = !missing.is_empty();
    for zone in missing {
        object.calendar_mut().push_component(zone);
    }
    is_changed
}

/// Removes the definitions of those zones that the database has. Returns whether there were any.
pub fn leave_out(object: &mut CalendarObject) -> bool {
    let is_needed = |component: &Component| {
        let id = component.text("TZID");
        !component.is("VTIMEZONE") || !id.is_some_and(|id| is_known(&id))
    };
    object.calendar_mut().retain_components(is_needed) > 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn zone(id: &str) -> String {
        format!(
            "BEGIN:VTIMEZONE\r\nTZID:{id}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n\
             TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        )
    }

    fn stream(zones: &str, entries: &str) -> Bytes {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zones}{entries}END:VCALENDAR\r\n").into()
    }

    fn zones_of(octets: &Bytes) -> Vec<String> {
        let object = CalendarObject::parse(octets, &Limits::default()).unwrap();
        let zones = object.calendar().components_named("VTIMEZONE");
        zones
            .map(|zone| zone.text("TZID").unwrap().into_owned())
            .collect()
    }

    const ENTRY: &str = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/Berlin:20260101T090000\r\n\
        DTEND;TZID=Custom:20260101T100000\r\nEXDATE;TZID=US/Eastern:20260102T030000\r\n\
        RDATE;TZID=Tokyo Standard Time:20260103T170000\r\nBEGIN:VALARM\r\n\
        TRIGGER;VALUE=DATE-TIME;TZID=Nowhere/Land:20260101T080000\r\nEND:VALARM\r\nEND:VEVENT\r\n";

    /// RFC 7809 §3.1.3
    #[test]
    fn definitions_come_and_go_as_the_reader_wants() {
        let stored = stream(
            &format!("{}{}", zone("Europe/Berlin"), zone("Custom")),
            ENTRY,
        );
        assert_eq!(TimeZones::AsStored.apply(stored.clone()), stored);
        let without = TimeZones::LeftOut.apply(stored.clone());
        assert_eq!(without, stream(&zone("Custom"), ENTRY));
        let with = TimeZones::Included.apply(stored);
        // those that the client sent stay as they are; nobody knows Nowhere/Land
        let added = ["Tokyo Standard Time", "US/Eastern"];
        assert_eq!(
            zones_of(&with),
            [&["Europe/Berlin", "Custom"][..], &added].concat()
        );
        let with = TimeZones::Included.apply(without);
        assert_eq!(
            zones_of(&with),
            [
                "Custom",
                "Europe/Berlin",
                "Tokyo Standard Time",
                "US/Eastern"
            ]
        );
        let text = String::from_utf8_lossy(&with);
        assert!(text.contains("TZID:Tokyo Standard Time\r\nTZID-ALIAS-OF:Asia/Tokyo\r\n"));
    }

    /// As many as an object may name are sent, and no more: each is much longer than what names it.
    #[test]
    fn definitions_are_bounded() {
        let entry = |zones: usize| {
            let dates = (0..zones)
                .map(|number| format!("EXDATE;TZID=/x{number}/Europe/Berlin:20260101T090000\r\n"));
            format!(
                "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T090000Z\r\n{}END:VEVENT\r\n",
                dates.collect::<String>()
            )
        };
        for (zones, expected) in [(100, 100), (15_000, MAXIMUM_ZONES)] {
            let with = TimeZones::Included.apply(stream("", &entry(zones)));
            assert_eq!(zones_of(&with).len(), expected);
        }
    }

    #[test]
    fn what_needs_no_change_stays_octet_for_octet() {
        let plain = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T090000Z\r\nX-LONG:a\r\n  b\r\nEND:VEVENT\r\n";
        for octets in [
            stream("", plain),
            stream(&zone("Custom"), plain),
            "no".into(),
        ] {
            for wanted in [TimeZones::Included, TimeZones::LeftOut] {
                assert_eq!(wanted.apply(octets.clone()), octets, "{wanted:?}");
            }
        }
    }
}
