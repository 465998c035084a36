//! Somebody is told of a meeting again because they ask (RFC 5546 §3.2.6), and an organizer elsewhere is asked.

use calendar::Property;

use super::{
    Change, Plan,
    outbox::{Outbox, kind_of_message},
    plain,
};
use crate::engine::{
    Message, Method, Role,
    directory::Person,
    entry::{attendees, sequence},
    meeting::{Meeting, Part},
    message::{CalledOff, cancel, refresh_request, request},
    refresh::organizer_of,
    showing::{Told, shown},
};

/// Tells an attendee, by the address `asking`, all that they are told of the owner's object, `after` of the change; or,
/// where nothing of it takes place for them, that it is off. The object stays as it is.
pub fn tell_again(change: &Change<'_>, asking: &str) -> Plan {
    let Some(object) = change.after else {
        return plain(None);
    };
    let meeting = Meeting::of(object);
    let told = Told::of(&meeting, &Person::Local(change.owner.id), change.directory);
    let person = change.directory.person(asking);
    let is_it = |line: &&Property| change.directory.person(line.raw_value()) == person;
    let line_in = |part| attendees(meeting.get(part)?).find(is_it);
    let parts = told.parts(&person).into_iter().flatten();
    let seats: Vec<(Part, &Property)> = parts
        .filter_map(|part| Some((*part, line_in(*part)?)))
        .collect();
    let (Some(parts), Some((_, to))) = (told.parts(&person), seats.first()) else {
        return plain(Some(object));
    };
    let entries = shown(&meeting, parts);
    let message = match entries.is_empty() {
        false => request(organizer_of(&meeting), object, entries, change.now),
        true => called_off(change, &meeting, &seats),
    };
    let mut outbox = Outbox::default();
    let kind = kind_of_message(message.method, false);
    let reason = "asked for the newest version (RFC 5546 §3.2.6)";
    outbox.send(change, to, message, kind, reason);
    // nothing is written: how the answer fares is no news of the invitation
    outbox.statuses.clear();
    outbox.into_plan(Some(object.clone()), Role::Organizer)
}

/// The series alone where the attendee had it; else each instance of theirs.
fn called_off(change: &Change<'_>, meeting: &Meeting<'_>, seats: &[(Part, &Property)]) -> Message {
    let has_series = seats.iter().any(|(part, _)| *part == Part::Series);
    let seats = seats
        .iter()
        .filter(|(part, _)| !has_series || *part == Part::Series);
    let parts: Vec<CalledOff<'_>> = seats
        .filter_map(|(part, attendee)| {
            let entry = meeting.get(*part)?;
            Some(CalledOff {
                entry,
                attendee,
                sequence: sequence(entry),
                whole: true,
            })
        })
        .collect();
    cancel(organizer_of(meeting), meeting.object, &parts, change.now)
}

/// Asks the organizer of what the owner got, `before` of the change, for all of it; nothing where the owner is not
/// in it.
pub fn ask_organizer(change: &Change<'_>) -> Plan {
    let silent = plain(None);
    let Some(object) = change.before else {
        return silent;
    };
    let is_own = |line: &&Property| change.directory.is(line.raw_value(), change.owner.id);
    let own = object.entries().flat_map(attendees).find(is_own);
    let mut entries = object.entries();
    let organizer = entries.find_map(|entry| entry.property("ORGANIZER"));
    let message = own.and_then(|own| refresh_request(object, own, change.now));
    let (Some(organizer), Some(message)) = (organizer, message) else {
        return silent;
    };
    let mut outbox = Outbox::default();
    let kind = kind_of_message(Method::Refresh, false);
    let reason = "what came before is missing here (RFC 5546 §3.2.4)";
    outbox.send(change, organizer, message, kind, reason);
    outbox.into_plan(None, Role::Attendee)
}
