//! What a given viewer sees of an object. Classification, per-user data, rights and free-busy masking
//! are decided here and nowhere else. Pure.
//!
//! Who sees all: the owner of the calendar, administrators, delegates who see private things, and everybody
//! who takes part in the event. For all others the object is as its CLASS (RFC 5545 §3.8.1.3) or
//! X-CALENDARSERVER-ACCESS (calendarserver private-events §4.2) says, the stricter of the two: PRIVATE is not
//! there at all, CONFIDENTIAL is when it is and nothing else, RESTRICTED is when, what and where. Nobody can
//! write what they do not see as a whole. Busy times count all of it: they tell no more than that.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property};
use storage::model::{Principal, PrincipalId};

use crate::{
    Classification,
    calendar_view::Row,
    engine,
    projection::{ACCESS_PROPERTY, ObjectProjection},
};

/// Somebody who looks at what is somebody's.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// Sees all in any case.
    is_trusted: bool,
    principal: &'a Principal,
}

/// How much of an object a viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All of it, as it is stored.
    Whole,
    /// What the classification leaves.
    Reduced(Classification),
    /// Nothing: for this viewer it is not there.
    Hidden,
}

impl<'a> Viewer<'a> {
    /// Somebody who sees all in any case.
    pub fn trusted(principal: &'a Principal) -> Viewer<'a> {
        Viewer {
            is_trusted: true,
            principal,
        }
    }

    /// Somebody else.
    pub fn other(principal: &'a Principal) -> Viewer<'a> {
        Viewer {
            is_trusted: false,
            principal,
        }
    }

    /// Whether this is the name of their account.
    pub fn is_named(self, name: &str) -> bool {
        self.principal.name == name
    }

    /// Whether all of an object is seen in any case.
    pub fn is_trusted(self) -> bool {
        self.is_trusted
    }

    /// Whether all of an object of this class is seen, whoever takes part in it.
    pub fn sees_all_of(self, classification: Classification) -> bool {
        self.is_trusted || classification == Classification::Public
    }

    /// Whether all of a row's object is seen, so that it may be told of without reading it.
    pub fn sees_row(self, row: &Row) -> bool {
        let class = row.projection.as_ref();
        class.is_none_or(|projection| self.sees_all_of(projection.classification()))
    }

    /// How much of an object is seen. `is_own_url` says whether an address is their principal URL.
    pub fn sight(self, object: &CalendarObject, is_own_url: impl Fn(&str) -> bool) -> Sight {
        let classification = Classification::of(object);
        if self.sees_all_of(classification) || self.takes_part(object, is_own_url) {
            return Sight::Whole;
        }
        match classification {
            Classification::Private => Sight::Hidden,
            other => Sight::Reduced(other),
        }
    }

    fn takes_part(self, object: &CalendarObject, is_own_url: impl Fn(&str) -> bool) -> bool {
        if self.principal.id == PrincipalId::NOBODY {
            return false;
        }
        let addresses = self.principal.addresses.iter();
        let addresses: Vec<String> = addresses.map(|it| engine::normalise(it)).collect();
        let people = object.entries().flat_map(Component::properties);
        let mut people = people.filter(|line| matches!(line.name(), "ORGANIZER" | "ATTENDEE"));
        people.any(|line| {
            addresses.contains(&engine::normalise(line.raw_value())) || is_own_url(line.raw_value())
        })
    }
}

/// The properties that are left of each component (calendarserver private-events §4.2.2.4).
const WHEN: [(&str, &[&str]); 4] = [
    (
        "VEVENT",
        &[
            "UID",
            "RECURRENCE-ID",
            "SEQUENCE",
            "DTSTAMP",
            "STATUS",
            "TRANSP",
            "DTSTART",
            "DTEND",
            "DURATION",
            "RRULE",
            "RDATE",
            "EXDATE",
        ],
    ),
    (
        "VTODO",
        &[
            "UID",
            "RECURRENCE-ID",
            "SEQUENCE",
            "DTSTAMP",
            "STATUS",
            "DTSTART",
            "COMPLETED",
            "DUE",
            "DURATION",
            "RRULE",
            "RDATE",
            "EXDATE",
        ],
    ),
    (
        "VJOURNAL",
        &[
            "UID",
            "RECURRENCE-ID",
            "SEQUENCE",
            "DTSTAMP",
            "STATUS",
            "DTSTART",
            "RRULE",
            "RDATE",
            "EXDATE",
        ],
    ),
    (
        "VFREEBUSY",
        &["UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "FREEBUSY"],
    ),
];
/// What RESTRICTED leaves beside that (§4.2.2.5).
const WHAT_AND_WHERE: [(&str, &[&str]); 3] = [
    ("VEVENT", &["SUMMARY", "LOCATION"]),
    ("VTODO", &["SUMMARY", "LOCATION"]),
    ("VJOURNAL", &["SUMMARY"]),
];
/// The same of the object as a whole.
const OF_OBJECT: [&str; 4] = ["PRODID", "VERSION", "CALSCALE", ACCESS_PROPERTY];
/// The parameters that say how a value is to be read.
const PARAMETERS: [&str; 4] = ["TZID", "VALUE", "RANGE", "FBTYPE"];

/// What the classification leaves of an object that is seen in part.
pub fn reduced(object: &CalendarObject, classification: Classification) -> CalendarObject {
    let mut object = object.clone();
    let with_details = classification == Classification::Restricted;
    let calendar = object.calendar_mut();
    calendar.retain_properties(|property| OF_OBJECT.contains(&property.name()));
    calendar.retain_components(|component| {
        component.is("VTIMEZONE") || WHEN.iter().any(|(name, _)| component.is(name))
    });
    let mut zones = BTreeSet::new();
    for entry in calendar.components_mut().filter(|it| !it.is("VTIMEZONE")) {
        let kept = names_of(&WHEN, entry);
        let details = names_of(&WHAT_AND_WHERE, entry);
        entry.retain_components(|_| false);
        entry.retain_properties(|property| {
            kept.contains(&property.name()) || with_details && details.contains(&property.name())
        });
        for property in entry.properties_mut() {
            retain_parameters(property);
            zones.extend(property.parameter("TZID").map(|zone| zone.into_owned()));
        }
    }
    calendar.retain_components(|component| {
        !component.is("VTIMEZONE")
            || component
                .text("TZID")
                .is_some_and(|name| zones.contains(name.as_ref()))
    });
    object
}

fn names_of(
    table: &[(&str, &'static [&'static str])],
    entry: &Component,
) -> &'static [&'static str] {
    let row = table.iter().find(|(name, _)| entry.is(name));
    row.map_or(&[], |(_, names)| names)
}

fn retain_parameters(property: &mut Property) {
    let names: Vec<String> = property
        .parameters()
        .map(|parameter| parameter.name().to_ascii_uppercase())
        .filter(|name| !PARAMETERS.contains(&name.as_str()))
        .collect();
    for name in names {
        property.remove_parameter(&name);
    }
}

/// What is known of an object from its row, where it was made by the rules of now.
pub(crate) fn known_class(projection: &[u8]) -> Option<Classification> {
    ObjectProjection::decode(projection).map(|projection| projection.classification())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use calendar::Limits;
    use storage::model::PrincipalKind;

    use super::*;

    fn object(access: &str, class: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-CALNAME:hidden\r\n{access}\
             BEGIN:VTIMEZONE\r\nTZID:Used\r\nEND:VTIMEZONE\r\n\
             BEGIN:VTIMEZONE\r\nTZID:hidden\r\nEND:VTIMEZONE\r\n\
             BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART;X-A=hidden;TZID=Used:20260201T090000\r\nDURATION:PT1H\r\n{class}\
             SUMMARY;ALTREP=\"http://hidden/\":what\r\nLOCATION:where\r\nDESCRIPTION:hidden\r\n\
             ORGANIZER:mailto:alice@example.com\r\nATTENDEE:MAILTO:Bob@example.com\r\n\
             X-HIDDEN:hidden\r\nBEGIN:VALARM\r\nACTION:hidden\r\nEND:VALARM\r\nEND:VEVENT\r\n\
             BEGIN:X-HIDDEN\r\nX-HIDDEN:hidden\r\nEND:X-HIDDEN\r\nEND:VCALENDAR\r\n"
        );
        CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn somebody(name: &str) -> Principal {
        let mut principal = Principal::new(PrincipalKind::User, name);
        principal.id = PrincipalId(7);
        principal.addresses = vec![format!("mailto:{name}@example.com")];
        principal
    }

    #[test]
    fn who_sees_how_much() {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(somebody);
        let outsider = Viewer::other(&carol);
        #[rustfmt::skip]
        let cases = [
            ("", "", Sight::Whole),
            ("", "CLASS:public\r\n", Sight::Whole),
            ("", "CLASS:PRIVATE\r\n", Sight::Hidden),
            ("", "CLASS:X-ODD\r\n", Sight::Hidden),
            ("", "CLASS:Confidential\r\n", Sight::Reduced(Classification::Confidential)),
            ("X-CALENDARSERVER-ACCESS:PUBLIC\r\n", "", Sight::Whole),
            ("X-CALENDARSERVER-ACCESS:PRIVATE\r\n", "", Sight::Hidden),
            ("X-CALENDARSERVER-ACCESS:RESTRICTED\r\n", "", Sight::Reduced(Classification::Restricted)),
            ("X-CALENDARSERVER-ACCESS:RESTRICTED\r\n", "CLASS:PRIVATE\r\n", Sight::Hidden),
            ("X-CALENDARSERVER-ACCESS:CONFIDENTIAL\r\n", "CLASS:PUBLIC\r\n", Sight::Reduced(Classification::Confidential)),
        ];
        for (access, class, expected) in cases {
            let object = object(access, class);
            let sight = |viewer: Viewer<'_>| viewer.sight(&object, |_| false);
            assert_eq!(sight(outsider), expected, "{access} {class}");
            for participant in [&alice, &bob] {
                assert_eq!(sight(Viewer::other(participant)), Sight::Whole);
            }
            assert_eq!(sight(Viewer::trusted(&carol)), Sight::Whole);
            assert_eq!(
                outsider.sight(&object, |url| url.contains("Bob")),
                Sight::Whole
            );
        }
    }

    #[test]
    fn what_is_left() {
        let whole = object("", "CLASS:CONFIDENTIAL\r\n");
        for (class, details) in [
            (Classification::Confidential, ""),
            (
                Classification::Restricted,
                "SUMMARY:what\r\nLOCATION:where\r\n",
            ),
        ] {
            let left = reduced(&whole, class).to_octets();
            let expected = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:Used\r\n\
                 END:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
                 DTSTART;TZID=Used:20260201T090000\r\nDURATION:PT1H\r\n{details}END:VEVENT\r\n\
                 END:VCALENDAR\r\n"
            );
            assert_eq!(std::str::from_utf8(&left).unwrap(), expected);
        }
    }
}
