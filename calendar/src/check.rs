//! What RFC 4791 §4.1 and §5.3.2.1 demand of an object that is to be stored in a calendar, as values.
//!
//! The tree is well formed already ([`crate::object`]). Refused here is what would make the object
//! mean two things, or nothing: see [`ObjectFault`]. Knowingly let through, because real clients send
//! it and storing it harms nobody: no PRODID, no DTSTAMP, a TZID without its VTIMEZONE (RFC 7809),
//! DTEND beside DURATION (DTEND counts), an end before the start, repeated properties that place and
//! identify nothing, unknown properties, components within components.
//!
//! Whether a calendar takes this type of component, and how many attendees it takes, is for those to
//! say who know the calendar: [`ObjectFacts`] holds what they need. So is whether it may have [`many_zones`], who
//! know what was stored there before.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::{
    object::{CalendarObject, Component, Landmarks, Property},
    recurrence::{self, Scale},
    value::date_of,
    zone::{MAXIMUM_ZONES, names_in},
};

/// What is to be known of an object whose form is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectFacts {
    /// The UID that all components share, unescaped.
    pub uid: String,
    /// The one type of component beside VTIMEZONE, upper case.
    pub component_name: String,
    /// There is a component without RECURRENCE-ID.
    pub has_master: bool,
    /// Components with RECURRENCE-ID.
    pub overrides: usize,
    /// More than one instance is possible: RRULE, RDATE or RECURRENCE-ID somewhere.
    pub recurring: bool,
    /// Some component has ORGANIZER.
    pub has_organizer: bool,
    /// ATTENDEEs of that component which has the most (RFC 4791 §5.2.9).
    pub most_attendees: usize,
}

impl ObjectFacts {
    /// What the first component says of all.
    fn begin(first: &Component, uid: Cow<'_, str>) -> ObjectFacts {
        ObjectFacts {
            uid: uid.into_owned(),
            component_name: first.name().to_owned(),
            has_master: false,
            overrides: 0,
            recurring: false,
            has_organizer: false,
            most_attendees: 0,
        }
    }

    /// Whether scheduling may concern it: it has an organizer, or attendees (RFC 6638 §3.1 wants both;
    /// attendees alone are for the caller to judge).
    pub fn mentions_people(&self) -> bool {
        self.has_organizer || self.most_attendees > 0
    }
}

/// Which precondition of RFC 4791 §5.3.2.1 a fault violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectPrecondition {
    /// `CALDAV:valid-calendar-data`
    ValidCalendarData,
    /// `CALDAV:valid-calendar-object-resource`
    ValidCalendarObjectResource,
    /// `CALDAV:supported-rscale` (RFC 7529 §10)
    SupportedRscale,
}

/// Why an object cannot be stored in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectFault {
    /// RFC 5545 §3.7.4.
    #[error("the VCALENDAR has no VERSION")]
    NoVersion,
    /// Version 1.0 is another format, with other escapes and encodings.
    #[error("the version is {0:?} and not 2.0")]
    OtherVersion(String),
    /// A property that RFC 5545 wants and without which the component has no place in a calendar.
    #[error("line {line}: {component} has no {property}")]
    Missing {
        /// Where the component begins.
        line: usize,
        /// Its name.
        component: String,
        /// What it lacks.
        property: &'static str,
    },
    /// A property that identifies or places the component stands there twice.
    #[error("line {line}: {property} stands here a second time")]
    Repeated {
        /// The second one.
        line: usize,
        /// Its name.
        property: String,
    },
    /// A date that places or names the component and cannot be read as one.
    #[error("line {line}: {property} is no date: {value:?}")]
    Unreadable {
        /// Where it stands.
        line: usize,
        /// Its name.
        property: String,
        /// Its value.
        value: String,
    },
    /// A rule in a calendar system that nobody here can reckon in (RFC 7529 §10).
    #[error("line {line}: recurrence in the calendar system {value:?} is not possible")]
    CalendarSystem {
        /// Where the rule stands.
        line: usize,
        /// Its RSCALE.
        value: String,
    },
    /// SKIP without RSCALE (RFC 7529 §4.1).
    #[error("line {line}: SKIP is only for rules with RSCALE")]
    SkipWithoutScale {
        /// Where the rule stands.
        line: usize,
    },
    /// METHOD is for messages (RFC 4791 §4.1).
    #[error("line {line}: an object in a calendar has no METHOD")]
    Method {
        /// Where it stands.
        line: usize,
    },
    /// More time zones than anybody needs in one object ([`many_zones`]).
    #[error("the components name more than {MAXIMUM_ZONES} time zones")]
    TooManyZones,
    /// There is nothing but time zones.
    #[error("there is no component other than VTIMEZONE")]
    NoComponent,
    /// Two types of components (RFC 4791 §4.1).
    #[error("line {line}: {found} beside {first}; an object has one type of component")]
    SeveralTypes {
        /// Where the second type begins.
        line: usize,
        /// The first type.
        first: String,
        /// The second type.
        found: String,
    },
    /// A component without UID, or with an empty one.
    #[error("line {line}: {component} has no UID")]
    NoUid {
        /// Where the component begins.
        line: usize,
        /// Its name.
        component: String,
    },
    /// Two UIDs (RFC 4791 §4.1).
    #[error("line {line}: the component has another UID than the first one")]
    SeveralUids {
        /// Where that component begins.
        line: usize,
    },
    /// Two components without RECURRENCE-ID.
    #[error("line {line}: a second component without RECURRENCE-ID")]
    SecondMaster {
        /// Where it begins.
        line: usize,
    },
    /// Two components for the same instance.
    #[error("line {line}: a second component with RECURRENCE-ID {recurrence_id}")]
    SecondOverride {
        /// Where it begins.
        line: usize,
        /// The value.
        recurrence_id: String,
    },
}

impl ObjectFault {
    /// The precondition it violates.
    pub fn precondition(&self) -> ObjectPrecondition {
        match self {
            ObjectFault::NoVersion
            | ObjectFault::OtherVersion(_)
            | ObjectFault::Missing { .. }
            | ObjectFault::Unreadable { .. }
            | ObjectFault::SkipWithoutScale { .. }
            | ObjectFault::Repeated { .. } => ObjectPrecondition::ValidCalendarData,
            ObjectFault::CalendarSystem { .. } => ObjectPrecondition::SupportedRscale,
            _ => ObjectPrecondition::ValidCalendarObjectResource,
        }
    }
}

/// Characters of a value that an error shows.
const SHOWN_CHARACTERS: usize = 80;

/// Looks whether an object may be stored in a calendar, and what is to be known of it.
///
/// # Errors
/// The first fault, VCALENDAR's before its components', in the order of the lines.
pub fn check(object: &CalendarObject) -> Result<ObjectFacts, ObjectFault> {
    check_calendar(object.calendar())?;
    let mut facts: Option<ObjectFacts> = None;
    let mut instances = HashSet::new();
    for entry in object.entries() {
        let found = Landmarks::of(entry);
        let facts = match &mut facts {
            Some(facts) => {
                check_same_object(facts, entry, &found)?;
                facts
            }
            None => facts.insert(ObjectFacts::begin(entry, uid(entry, &found)?)),
        };
        check_landmarks(entry, &found)?;
        if found.has_rule {
            check_rules(entry)?;
        }
        match instance_name(&found) {
            Some(name) => check_override(entry, name, &mut instances)?,
            None if facts.has_master => {
                return Err(ObjectFault::SecondMaster {
                    line: entry.line_number(),
                });
            }
            None => facts.has_master = true,
        }
        facts.overrides = instances.len();
        facts.recurring |= found.is_recurring();
        facts.has_organizer |= found.organizer.is_some();
        facts.most_attendees = facts.most_attendees.max(found.attendees);
    }
    facts.ok_or(ObjectFault::NoComponent)
}

/// How many different time zones the components of an object name, where these are more than [`MAXIMUM_ZONES`]: what
/// comes in is refused then ([`ObjectFault::TooManyZones`]), unless it stands in the place of what had as many.
#[must_use]
pub fn many_zones(object: &CalendarObject) -> Option<usize> {
    // each stands on a line of its own
    if object.entries().map(lines_of).sum::<usize>() <= MAXIMUM_ZONES {
        return None;
    }
    let zones: BTreeSet<String> = object.entries().flat_map(names_in).collect();
    Some(zones.len()).filter(|zones| *zones > MAXIMUM_ZONES)
}

/// The properties of a component and of those within it.
fn lines_of(component: &Component) -> usize {
    let within = component.components().map(lines_of).sum::<usize>();
    component.properties().count() + within
}

fn check_calendar(calendar: &Component) -> Result<(), ObjectFault> {
    let version = calendar
        .raw_value("VERSION")
        .ok_or(ObjectFault::NoVersion)?;
    // a range "1.0;2.0" (RFC 5545 §3.7.4) names the highest version that is needed last
    if version.rsplit(';').next().map(str::trim) != Some("2.0") {
        return Err(ObjectFault::OtherVersion(version.to_owned()));
    }
    match calendar.property("METHOD") {
        Some(method) => Err(ObjectFault::Method {
            line: method.line_number(),
        }),
        None => Ok(()),
    }
}

fn uid<'o>(entry: &Component, found: &Landmarks<'o>) -> Result<Cow<'o, str>, ObjectFault> {
    match found.uid.map(Property::text) {
        Some(uid) if !uid.trim().is_empty() => Ok(uid),
        _ => Err(ObjectFault::NoUid {
            line: entry.line_number(),
            component: entry.name().to_owned(),
        }),
    }
}

fn check_same_object(
    facts: &ObjectFacts,
    entry: &Component,
    found: &Landmarks<'_>,
) -> Result<(), ObjectFault> {
    if entry.name() != facts.component_name {
        return Err(ObjectFault::SeveralTypes {
            line: entry.line_number(),
            first: facts.component_name.clone(),
            found: entry.name().to_owned(),
        });
    }
    if uid(entry, found)? != facts.uid {
        return Err(ObjectFault::SeveralUids {
            line: entry.line_number(),
        });
    }
    Ok(())
}

/// What identifies or places a component stands once at most, and can be read where nobody would know
/// otherwise when, or which instance, the component is. (An end that cannot be read is let through: the
/// component then ends as if it had none.)
fn check_landmarks(entry: &Component, found: &Landmarks<'_>) -> Result<(), ObjectFault> {
    // VEVENT without METHOD needs DTSTART (RFC 5545 §3.6.1); a VTODO may stand in no time at all
    if entry.is("VEVENT") && found.start.is_none() {
        return Err(ObjectFault::Missing {
            line: entry.line_number(),
            component: entry.name().to_owned(),
            property: "DTSTART",
        });
    }
    if let Some(repeated) = found.repeated {
        return Err(ObjectFault::Repeated {
            line: repeated.line_number(),
            property: repeated.name().to_owned(),
        });
    }
    for date in [found.start, found.recurrence_id].into_iter().flatten() {
        if date_of(date).is_none() {
            return Err(ObjectFault::Unreadable {
                line: date.line_number(),
                property: date.name().to_owned(),
                value: date.raw_value().chars().take(SHOWN_CHARACTERS).collect(),
            });
        }
    }
    Ok(())
}

/// A rule that would silently mean something else (RFC 7529 §4.1, §10). (One that cannot be read at all is let
/// through: the component then does not recur.)
fn check_rules(entry: &Component) -> Result<(), ObjectFault> {
    for rule in entry.properties_named("RRULE") {
        let line = rule.line_number();
        match recurrence::scale_of(rule.raw_value()) {
            Scale::Supported => {}
            Scale::Unsupported(value) => {
                let value = value.chars().take(SHOWN_CHARACTERS).collect();
                return Err(ObjectFault::CalendarSystem { line, value });
            }
            Scale::SkipAlone => return Err(ObjectFault::SkipWithoutScale { line }),
        }
    }
    Ok(())
}

/// An instance is named by the text of its RECURRENCE-ID: its zone, its value and its RANGE. (Two
/// texts for one instant are let through: which instant a text means depends on zones.)
fn instance_name<'o>(found: &Landmarks<'o>) -> Option<InstanceName<'o>> {
    found.recurrence_id.map(|property| InstanceName {
        zone: property.parameter("TZID").unwrap_or_default(),
        value: property.raw_value().trim(),
        this_and_future: property.parameter("RANGE").is_some(),
    })
}

fn check_override<'o>(
    entry: &Component,
    name: InstanceName<'o>,
    instances: &mut HashSet<InstanceName<'o>>,
) -> Result<(), ObjectFault> {
    let value = name.value;
    match instances.insert(name) {
        true => Ok(()),
        false => Err(ObjectFault::SecondOverride {
            line: entry.line_number(),
            recurrence_id: value.to_owned(),
        }),
    }
}

#[derive(PartialEq, Eq, Hash)]
struct InstanceName<'a> {
    zone: Cow<'a, str>,
    value: &'a str,
    this_and_future: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::object::Limits;

    fn check(lines: &str) -> Result<ObjectFacts, ObjectFault> {
        let stream: String = lines
            .split_whitespace()
            .map(|line| format!("{line}\r\n"))
            .collect();
        super::check(&CalendarObject::parse(stream.as_bytes(), &Limits::default()).unwrap())
    }

    fn calendar(lines: &str) -> Result<ObjectFacts, ObjectFault> {
        check(&format!(
            "BEGIN:VCALENDAR VERSION:2.0 {lines} END:VCALENDAR"
        ))
    }

    const EVENT: &str = "BEGIN:VEVENT UID:1 DTSTART:20260101T090000Z END:VEVENT";

    #[test]
    fn facts() {
        let plain = ObjectFacts {
            uid: "1".into(),
            component_name: "VEVENT".into(),
            has_master: true,
            overrides: 0,
            recurring: false,
            has_organizer: false,
            most_attendees: 0,
        };
        assert_eq!(calendar(EVENT), Ok(plain.clone()));
        let zone = "BEGIN:VTIMEZONE TZID:X END:VTIMEZONE";
        assert_eq!(
            calendar(&format!("{zone} {EVENT} {zone}")),
            Ok(plain.clone())
        );
        let meeting = "BEGIN:VEVENT UID:1 DTSTART:20260101T090000Z ORGANIZER:mailto:a ATTENDEE:mailto:b ATTENDEE:mailto:c END:VEVENT";
        assert_eq!(
            calendar(meeting),
            Ok(ObjectFacts {
                has_organizer: true,
                most_attendees: 2,
                ..plain.clone()
            })
        );
        let series = "begin:vevent uid:1 dtstart:20260101 rrule:FREQ=DAILY end:vevent
            BEGIN:VEVENT UID:1 DTSTART:20260102 RECURRENCE-ID:20260102 END:VEVENT
            BEGIN:VEVENT UID:1 DTSTART:20260103 RECURRENCE-ID:20260103 END:VEVENT
            BEGIN:VEVENT UID:1 DTSTART:20260103 RECURRENCE-ID;RANGE=THISANDFUTURE:20260103 END:VEVENT";
        assert_eq!(
            calendar(series),
            Ok(ObjectFacts {
                overrides: 3,
                recurring: true,
                ..plain.clone()
            })
        );
        // RFC 4791 §4.1: only overrides, without a master
        let instance = "BEGIN:VEVENT UID:1 DTSTART:20260102 RECURRENCE-ID:20260102 END:VEVENT";
        assert_eq!(
            calendar(instance),
            Ok(ObjectFacts {
                has_master: false,
                overrides: 1,
                recurring: true,
                ..plain.clone()
            })
        );
        let task = "BEGIN:VTODO UID:1 END:VTODO";
        assert_eq!(
            calendar(task),
            Ok(ObjectFacts {
                component_name: "VTODO".into(),
                ..plain
            })
        );
    }

    /// Each is refused in these words, for this precondition.
    fn check_faults<const N: usize>(
        precondition: ObjectPrecondition,
        cases: [(Result<ObjectFacts, ObjectFault>, &str); N],
    ) {
        for (found, expected) in cases {
            let fault = found.expect_err(expected);
            assert_eq!(fault.to_string(), expected);
            assert_eq!(fault.precondition(), precondition, "{fault}");
        }
    }

    #[test]
    fn faults_of_the_data() {
        let bare = |lines: &str| check(&format!("BEGIN:VCALENDAR {lines} END:VCALENDAR"));
        let event = |lines: &str| calendar(&format!("BEGIN:VEVENT UID:1 {lines} END:VEVENT"));
        check_faults(
            ObjectPrecondition::ValidCalendarData,
            [
                (bare(EVENT), "the VCALENDAR has no VERSION"),
                (
                    bare(&format!("VERSION:1.0 {EVENT}")),
                    "the version is \"1.0\" and not 2.0",
                ),
                (
                    event("DTSTART:20260101 RRULE:FREQ=YEARLY;SKIP=FORWARD"),
                    "line 6: SKIP is only for rules with RSCALE",
                ),
                (event(""), "line 3: VEVENT has no DTSTART"),
                (
                    event("DTSTART:20260101 DTSTART:20260102"),
                    "line 6: DTSTART stands here a second time",
                ),
                (
                    event("DTSTART:20260101 uid:2"),
                    "line 6: UID stands here a second time",
                ),
                (
                    event("DTSTART:soon"),
                    "line 5: DTSTART is no date: \"soon\"",
                ),
                (
                    event("DTSTART:20260101 RECURRENCE-ID:"),
                    "line 6: RECURRENCE-ID is no date: \"\"",
                ),
            ],
        );
        check_faults(
            ObjectPrecondition::SupportedRscale,
            [(
                event("DTSTART:20260101 RRULE:RSCALE=CHINESE;FREQ=YEARLY"),
                "line 6: recurrence in the calendar system \"CHINESE\" is not possible",
            )],
        );
    }

    /// RFC 4791 §4.1
    #[test]
    fn faults_of_the_object() {
        let instance = EVENT.replace("UID:1", "UID:1 RECURRENCE-ID:20260101T090000Z");
        let beside = |one: &str, other: &str| calendar(&format!("{one} {other}"));
        let without_uid = "line 3: VEVENT has no UID";
        let nothing = "there is no component other than VTIMEZONE";
        check_faults(
            ObjectPrecondition::ValidCalendarObjectResource,
            [
                (
                    beside("METHOD:REQUEST", EVENT),
                    "line 3: an object in a calendar has no METHOD",
                ),
                (calendar(""), nothing),
                (calendar("BEGIN:VTIMEZONE TZID:X END:VTIMEZONE"), nothing),
                (
                    beside(EVENT, "BEGIN:VTODO UID:1 END:VTODO"),
                    "line 7: VTODO beside VEVENT; an object has one type of component",
                ),
                (
                    calendar("BEGIN:VEVENT DTSTART:20260101 END:VEVENT"),
                    without_uid,
                ),
                (
                    calendar("BEGIN:VEVENT UID: DTSTART:20260101 END:VEVENT"),
                    without_uid,
                ),
                (
                    beside(EVENT, &EVENT.replace("UID:1", "UID:2")),
                    "line 7: the component has another UID than the first one",
                ),
                (
                    beside(EVENT, EVENT),
                    "line 7: a second component without RECURRENCE-ID",
                ),
                (
                    beside(&instance, &instance),
                    "line 8: a second component with RECURRENCE-ID 20260101T090000Z",
                ),
            ],
        );
    }

    /// RFC 5545 §3.2.19 knows no bound: what is stored with more is right.
    #[test]
    fn zones_are_counted_where_they_are_many() {
        let object = |zones: usize, lines: usize| {
            let dates = (0..lines)
                .map(|line| format!("EXDATE;TZID=z{}:20260101T090000\r\n", line % zones))
                .collect::<String>();
            let text = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101\r\n{dates}\
                 END:VEVENT\r\nEND:VCALENDAR\r\n"
            );
            let object = CalendarObject::parse(text.as_bytes(), &Limits::default()).unwrap();
            assert!(super::check(&object).is_ok());
            many_zones(&object)
        };
        assert_eq!(object(MAXIMUM_ZONES, 3 * MAXIMUM_ZONES), None);
        let one_more = MAXIMUM_ZONES + 1;
        assert_eq!(object(one_more, one_more), Some(one_more));
        assert_eq!(
            ObjectFault::TooManyZones.precondition(),
            ObjectPrecondition::ValidCalendarObjectResource
        );
    }

    #[test]
    fn tolerated() {
        for lines in [
            "BEGIN:VEVENT UID:1 DTSTART:20260101 DTEND:20260102 DURATION:P1D END:VEVENT",
            "BEGIN:VEVENT UID:1 DTSTART:20260102 DTEND:20260101 END:VEVENT",
            "BEGIN:VEVENT UID:1 DTSTART:20260102 DTEND:later END:VEVENT",
            "BEGIN:VEVENT UID:1 DTSTART;TZID=Nowhere:20260102T090000 END:VEVENT",
            "BEGIN:VEVENT UID:1 DTSTART:20260102 SUMMARY:a SUMMARY:b END:VEVENT",
            "X-WR-CALNAME:x BEGIN:VEVENT UID:1 DTSTART:20260102 BEGIN:X-Y END:X-Y END:VEVENT",
        ] {
            assert!(calendar(lines).is_ok(), "{lines}");
        }
    }
}
