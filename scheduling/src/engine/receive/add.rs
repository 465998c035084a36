//! Instances more reach an attendee (RFC 5546 §3.2.4).

use calendar::{CalendarObject, Component, Property};

use super::{
    Declined, Incoming, Receipt,
    merge::Merge,
    order::{is_late, known_revision, note_revision},
    request::{check_organizer, check_recipient, updated},
};
use crate::engine::{
    Action, Directory, Message, Method, Status,
    delegation::ask,
    entry::{attendees, sequence},
    meeting::{Meeting, Part, is_instance},
    sequence::{Revision, set_sequence},
    showing::exclude_as,
};

/// The most lines with which one message gives people to the instances that it adds.
const MAXIMUM_LINES: usize = 50_000;

/// Applies an ADD: "the Attendee treats each component in the ADD message as if it were referenced via an RDATE in
/// the main component". Who does not have what it adds to asks for all of it.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let mut entries = incoming.message.entries();
    if entries.any(names_people) {
        check_recipient(incoming)?;
    }
    let copy = incoming.copy.ok_or(Declined::asking(
        "there is no event to which it could be added",
    ))?;
    check_organizer(incoming, copy)?;
    let stored = Meeting::of(copy);
    let mut object = named(&incoming.message.object, &stored);
    add_people(&mut object, &stored, incoming.directory)?;
    let named = Message {
        method: Method::Request,
        object,
        ..incoming.message.clone()
    };
    let message = Incoming {
        message: &named,
        ..*incoming
    };
    check_recipient(&message)?;
    let about = Meeting::about(&named.object, &stored);
    check_order(incoming, &stored, &about)?;
    let merged = Merge {
        incoming: &message,
        stored: &stored,
        message: &about,
        news: about.parts().map(|(part, _)| part).collect(),
    }
    .object();
    Ok(updated(with_dates(&message, &stored, &about, merged)))
}

fn names_people(entry: &Component) -> bool {
    attendees(entry).next().is_some()
}

/// A component without ATTENDEE (RFC 5546 §3.2.4) is for those of the series, who are asked.
fn add_people(
    message: &mut CalendarObject,
    stored: &Meeting<'_>,
    directory: &Directory,
) -> Result<(), Declined> {
    let Some(series) = stored.series() else {
        return Ok(());
    };
    let nameless = message.entries().filter(|entry| !names_people(entry));
    if nameless.count().saturating_mul(attendees(series).count()) > MAXIMUM_LINES {
        let reason = "it adds more instances of so many people than a copy can hold";
        let actions = &[Action::Dismiss];
        return Err(Declined::for_the_user(Status::TOO_LARGE, reason, actions));
    }
    let organizer = series.raw_value("ORGANIZER").unwrap_or_default();
    for entry in message.entries_mut().filter(|entry| !names_people(entry)) {
        for mut line in attendees(series).cloned() {
            if !directory.same_person(line.raw_value(), organizer) {
                ask(&mut line);
            }
            entry.push_property(line);
        }
    }
    Ok(())
}

/// The message with RECURRENCE-ID in each component: an instance that is added has its beginning for a name. (One
/// that brings a name all the same is the instance with that name.)
fn named(message: &CalendarObject, stored: &Meeting<'_>) -> CalendarObject {
    let mut object = message.clone();
    let is_date = stored.series().is_some_and(is_whole_day);
    for entry in object.entries_mut().filter(|entry| !is_instance(entry)) {
        let Some(start) = beginning(entry).cloned() else {
            continue;
        };
        let mut id = Property::new("RECURRENCE-ID", start.raw_value())
            .expect("the value comes from a valid line");
        for name in ["VALUE", "TZID"] {
            if let Some(value) = start
                .parameter(name)
                .filter(|_| !(is_date && name == "TZID"))
            {
                id.set_parameter(name, &value)
                    .expect("the value comes from a valid line");
            }
        }
        entry.push_property(id);
    }
    object
}

/// DTSTART; of a to-do that has none, DUE.
fn beginning(entry: &Component) -> Option<&Property> {
    entry.property("DTSTART").or_else(|| entry.property("DUE"))
}

fn is_whole_day(series: &Component) -> bool {
    let value = beginning(series).and_then(|start| start.parameter("VALUE"));
    value.is_some_and(|value| value.eq_ignore_ascii_case("DATE"))
}

/// "The SEQUENCE property value MUST be incremented each time the Organizer uses the ADD method" (RFC 5546 §2.1.4):
/// one that is raised by more than one says that a message is missing, or still on its way.
fn check_order(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'_>,
) -> Result<(), Declined> {
    let origin = incoming.message.origin;
    // what the series was told with, it has
    let told = stored.series().map(known_revision);
    let is_known = |(part, entry): (Part, &Component)| {
        is_late(origin, stored, part, entry) || told.as_ref() == Some(&Revision::of(entry))
    };
    if message.parts().all(is_known) {
        let reason = "a newer or the same message was applied already";
        return Err(Declined::silently(Status::DELIVERED, reason));
    }
    let newest = stored.parts().map(|(_, entry)| known_revision(entry));
    let newest = newest.map(|it| it.sequence()).max().unwrap_or_default();
    let mut entries = message.parts().map(|(_, entry)| sequence(entry));
    match entries.any(|sequence| sequence > newest.saturating_add(1)) {
        true => Err(Declined::asking("a message before it is missing")),
        false => Ok(()),
    }
}

/// The copy with an RDATE for each instance that its series did not yield, as the organizer's series has it.
fn with_dates(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'_>,
    mut copy: CalendarObject,
) -> CalendarObject {
    let Some(series) = copy.entries_mut().find(|entry| !is_instance(entry)) else {
        return copy;
    };
    for (key, entry) in message.instances() {
        if !stored.yields(key) && !stored.excluded.contains(&key) {
            exclude_as("RDATE", series, entry);
        }
        set_sequence(series, sequence(entry).max(sequence(series)));
        note_revision(incoming, entry, series, false);
    }
    copy
}
