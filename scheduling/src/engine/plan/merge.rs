//! What an attendee may change, put upon what the organizer sent (RFC 6638 §3.2.2.1).
//!
//! Nothing that the client sent is refused for being too much: what is the attendee's own is taken,
//! the rest stays as the organizer had it. Where the client changed nothing but its own, its octets are
//! stored as they came.

use calendar::{CalendarObject, Component, Property};
use storage::model::PrincipalId;

use crate::{
    engine::{
        Directory,
        entry::{attendees, is_cancelled, participation},
        sequence::NOTE,
        significance::{canonical, is_participation, is_private_extension},
    },
    projection::ACCESS_PROPERTY,
};

/// Properties of a component that belong to each attendee.
const OWN: [&str; 10] = [
    "TRANSP",
    "PERCENT-COMPLETE",
    "COMPLETED",
    "CREATED",
    "DTSTAMP",
    "LAST-MODIFIED",
    "CLASS",
    "CATEGORIES",
    "COMMENT",
    "REQUEST-STATUS",
];

/// Properties of the VCALENDAR that belong to the client.
const OWN_OF_CALENDAR: [&str; 3] = ["PRODID", "CALSCALE", ACCESS_PROPERTY];

/// Parameters on the own ATTENDEE that belong to the attendee.
const OWN_PARAMETERS: [&str; 3] = ["PARTSTAT", "RSVP", "DELEGATED-TO"];

/// What became of an attendee's edit.
pub(super) struct Merged {
    pub object: CalendarObject,
    /// The client changed what is the organizer's, or had not seen the newest of it.
    pub restored: bool,
}

/// Merges a client's version of a single event into the stored one. `before` has one component; of
/// `after`, the component without RECURRENCE-ID counts.
pub(super) fn merge(
    before: &CalendarObject,
    after: &CalendarObject,
    owner: PrincipalId,
    directory: &Directory,
) -> Merged {
    let asked = after
        .entries()
        .find(|entry| entry.property("RECURRENCE-ID").is_none())
        .or_else(|| after.entries().next());
    let (Some(stored), Some(asked)) = (before.entries().next(), asked) else {
        return Merged {
            object: before.clone(),
            restored: true,
        };
    };
    let is_owner = |line: &Property| line.is("ATTENDEE") && directory.is(line.raw_value(), owner);
    if is_same_meeting(before, stored, after, asked, &is_owner) {
        let mut object = after.clone();
        restore_parameters(&mut object, stored);
        return Merged {
            object,
            restored: false,
        };
    }
    let mut object = before.clone();
    take_over_calendar(object.calendar_mut(), after.calendar());
    for entry in object.entries_mut() {
        take_over(entry, asked, &is_owner);
    }
    Merged {
        object,
        restored: true,
    }
}

/// Whether the two differ only in what is the attendee's own.
fn is_same_meeting(
    before: &CalendarObject,
    stored: &Component,
    after: &CalendarObject,
    asked: &Component,
    is_owner: &impl Fn(&Property) -> bool,
) -> bool {
    let zones = |object: &CalendarObject| {
        object
            .components()
            .filter(|component| component.is("VTIMEZONE"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let inner = |entry: &Component| {
        entry
            .components()
            .filter(|component| !component.is("VALARM"))
            .cloned()
            .collect::<Vec<_>>()
    };
    after.entries().nth(1).is_none()
        && stored.name() == asked.name()
        && shared_lines(stored, is_owner) == shared_lines(asked, is_owner)
        && inner(stored) == inner(asked)
        && zones(before) == zones(after)
}

fn is_own(entry: &Component, name: &str) -> bool {
    let own_progress = entry.is("VTODO") && name == "STATUS" && !is_cancelled(entry);
    OWN.contains(&name) || is_private_extension(name) || own_progress
}

/// The organizer's lines in one form and order. Of other attendees, their participation too: who has
/// not seen the newest answers gets them back.
fn shared_lines(entry: &Component, is_owner: &impl Fn(&Property) -> bool) -> Vec<String> {
    const BETWEEN: [&str; 4] = [
        "SCHEDULE-STATUS",
        "SCHEDULE-FORCE-SEND",
        "SCHEDULE-AGENT",
        NOTE,
    ];
    let mut lines: Vec<String> = entry
        .properties()
        .filter(|property| !is_own(entry, property.name()))
        .map(|property| {
            let is_own_line = is_owner(property);
            canonical(property, |name| {
                BETWEEN.contains(&name)
                    || (property.is("ATTENDEE") && name == "RSVP")
                    || (is_own_line
                        && (OWN_PARAMETERS.contains(&name) || is_participation(property, name)))
            })
        })
        .collect();
    lines.sort();
    lines
}

/// Puts back what the server keeps in parameters of people.
fn restore_parameters(object: &mut CalendarObject, stored: &Component) {
    const KEPT: [&str; 3] = ["SCHEDULE-STATUS", NOTE, "SCHEDULE-AGENT"];
    let people: Vec<&Property> = stored
        .properties()
        .filter(|line| matches!(line.name(), "ATTENDEE" | "ORGANIZER"))
        .collect();
    // looked for only where something differs: most clients send these lines back as they are
    for entry in object.entries_mut() {
        for line in entry
            .properties_mut()
            .filter(|line| matches!(line.name(), "ATTENDEE" | "ORGANIZER"))
        {
            if people.contains(&&*line) {
                continue;
            }
            let twin = people.iter().find(|person| {
                person.name() == line.name() && person.raw_value() == line.raw_value()
            });
            // that on ORGANIZER is the attendee's to say
            let kept = if line.is("ORGANIZER") {
                &KEPT[..2]
            } else {
                &KEPT[..]
            };
            for parameter in kept {
                match twin.and_then(|twin| twin.parameter(parameter)) {
                    Some(value) => {
                        line.set_parameter(parameter, &value)
                            .expect("the value comes from a valid line");
                    }
                    None => {
                        line.remove_parameter(parameter);
                    }
                }
            }
        }
    }
}

/// Takes the client's own lines in the VCALENDAR.
fn take_over_calendar(calendar: &mut Component, asked: &Component) {
    for name in OWN_OF_CALENDAR {
        replace_properties(calendar, asked, |property| property.is(name));
    }
}

/// Takes the attendee's own lines, alarms and parameters.
fn take_over(entry: &mut Component, asked: &Component, is_owner: &impl Fn(&Property) -> bool) {
    let original = entry.clone();
    replace_properties(entry, asked, |property| is_own(&original, property.name()));
    entry.retain_components(|component| !component.is("VALARM"));
    asked
        .components()
        .filter(|component| component.is("VALARM"))
        .for_each(|alarm| entry.push_component(alarm.clone()));
    let Some(answer) = attendees(asked).find(|line| is_owner(line)) else {
        return;
    };
    for line in entry.properties_mut().filter(|line| is_owner(line)) {
        take_over_answer(line, answer);
    }
}

fn take_over_answer(line: &mut Property, answer: &Property) {
    for parameter in OWN_PARAMETERS {
        match answer.parameter(parameter) {
            Some(value) if line.parameter(parameter).as_ref() != Some(&value) => {
                line.set_parameter(parameter, &value)
                    .expect("the value comes from a valid line");
            }
            Some(_) => {}
            None if participation(line) != participation(answer) || parameter == "RSVP" => {
                line.remove_parameter(parameter);
            }
            None => {}
        }
    }
}

/// Replaces the properties that `which` holds for, by those of `asked`; equal ones stay as printed.
fn replace_properties(
    component: &mut Component,
    asked: &Component,
    which: impl Fn(&Property) -> bool,
) {
    let wanted: Vec<&Property> = asked
        .properties()
        .filter(|property| which(property))
        .collect();
    component.retain_properties(|property| !which(property) || wanted.contains(&property));
    for property in wanted {
        if !component.properties().any(|kept| kept == property) {
            component.push_property(property.clone());
        }
    }
}
