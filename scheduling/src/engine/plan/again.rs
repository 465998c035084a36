//! Somebody is told of a meeting again: because they ask (RFC 5546 §3.2.6), or because they could not be told before. And
//! an organizer elsewhere is asked, or told again what was answered.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property};
use storage::model::PrincipalId;

use super::{
    Change, Plan,
    answer::{comments, declining},
    attendee::{organizer_line, own},
    outbox::{Outbox, kind_of_message, kind_of_reply},
    plain,
};
use crate::engine::{
    Message, Method, Role, Status,
    answer::UNTOLD,
    away::away,
    directory::Person,
    entry::{NEEDS_ACTION, attendees, participation, sequence},
    meeting::{Meeting, Part},
    message::{Answer, CalledOff, cancel, part_name, refresh_request, reply, request},
    refresh::organizer_of,
    showing::{Told, shown},
};

/// Tells an attendee, by the address `asking`, all that they are told of the owner's object, `after` of the change; or,
/// where nothing of it takes place for them, that it is off. The object stays as it is.
pub fn tell_again(change: &Change<'_>, asking: &str) -> Plan {
    tell_all(
        change,
        asking,
        "asked for the newest version (RFC 5546 §3.2.6)",
    )
}

/// The same for an attendee who answered an older version.
pub fn tell_newest(change: &Change<'_>, answering: &str) -> Plan {
    tell_all(
        change,
        answering,
        "answered an older version (RFC 5546 §2.1.4)",
    )
}

fn tell_all(change: &Change<'_>, attendee: &str, reason: &str) -> Plan {
    let Some(object) = change.after else {
        return plain(None);
    };
    let meeting = Meeting::of(object);
    let person = change.directory.person(attendee);
    let seats = seats(change, &meeting, &person);
    let Some((_, to)) = seats.first() else {
        return plain(Some(object));
    };
    let message = match all_told(change, &meeting, &seats) {
        Some(message) => message,
        None => called_off(change, &meeting, &seats),
    };
    tell(change, object, to, message, reason)
}

/// Tells who asks, by a message to the owner's address `asked_at`, for what the owner has removed that it is off (RFC 5546
/// §3.4.6). Of what they say, nothing goes back to them but what names it.
pub fn tell_removed(change: &Change<'_>, asked_at: &str, asking: &Message, sequence: u32) -> Plan {
    let mut outbox = Outbox::default();
    let mut entries = asking.entries();
    let named = entries.find_map(|entry| entry.raw_value("ORGANIZER"));
    let organizer = named.filter(|it| change.directory.is(it, change.owner.id));
    let organizer = organizer.unwrap_or(asked_at);
    let people = (
        Property::new("ORGANIZER", organizer),
        Property::new("ATTENDEE", &asking.sender),
    );
    if let (Some(about), (Ok(line), Ok(attendee))) = (asking.entries().next(), people) {
        let mut entry = about.clone();
        entry.retain_properties(|line| line.is("UID"));
        entry.push_property(line);
        let removed = CalledOff {
            entry: &entry,
            attendee: &attendee,
            sequence,
            whole: true,
        };
        let message = cancel(organizer, &asking.object, &[removed], change.now);
        let kind = kind_of_message(message.method, false);
        let reason = "asked for what was removed (RFC 5546 §3.4.6)";
        outbox.send(change, &attendee, message, kind, reason);
    }
    outbox.into_plan(None, Role::Organizer)
}

/// Tells an attendee whose account is enabled again all of the owner's object, `after` of the change, where the status in
/// it says that they could not be told (RFC 6638 §3.2.9), whether for that account or because something stood against it
/// there. Nothing where they know, or where nothing of it takes place for them: what is off, they heard.
pub fn tell_after_all(change: &Change<'_>, attendee: PrincipalId) -> Plan {
    let Some(object) = change.after else {
        return plain(None);
    };
    let meeting = Meeting::of(object);
    let seats = seats(change, &meeting, &Person::Local(attendee));
    let is_refused = |line: &Property| {
        let status = line.parameter("SCHEDULE-STATUS");
        status.is_some_and(|status| Status::NOT_ALLOWED.is_in(&status))
    };
    let refused = seats.iter().find(|(_, line)| is_refused(line));
    let message = refused.and_then(|_| all_told(change, &meeting, &seats));
    let Some(((_, to), message)) = refused.zip(message) else {
        return plain(Some(object));
    };
    let open = seats
        .iter()
        .filter(|(part, line)| meeting.is_live(*part) && participation(line) == NEEDS_ACTION);
    let asks_again: BTreeSet<String> = open
        .filter_map(|(part, _)| meeting.get(*part))
        .map(|entry| part_name(entry).to_owned())
        .collect();
    let message = Message {
        is_sent_again: !asks_again.is_empty(),
        asks_again,
        ..message
    };
    let reason = "this had not arrived (RFC 6638 §3.2.9), and the account is enabled again";
    tell(change, object, to, message, reason)
}

/// Somebody in the parts that they are told of.
pub(super) fn seats<'o>(
    change: &Change<'_>,
    meeting: &Meeting<'o>,
    person: &Person,
) -> Vec<(Part, &'o Property)> {
    let told = Told::of(meeting, &Person::Local(change.owner.id), change.directory);
    let is_it = |line: &&Property| change.directory.person(line.raw_value()) == *person;
    let line_in = |part| attendees(meeting.get(part)?).find(is_it);
    let parts = told.parts(person).into_iter().flatten();
    parts
        .filter_map(|part| Some((*part, line_in(*part)?)))
        .collect()
}

/// All that takes place for somebody in these seats, if anything does.
fn all_told(
    change: &Change<'_>,
    meeting: &Meeting<'_>,
    seats: &[(Part, &Property)],
) -> Option<Message> {
    let parts = seats.iter().map(|(part, _)| *part).collect();
    let entries = shown(meeting, &parts);
    let organizer = organizer_of(meeting);
    (!entries.is_empty()).then(|| request(organizer, meeting.object, entries, change.now))
}

fn tell(
    change: &Change<'_>,
    object: &CalendarObject,
    to: &Property,
    message: Message,
    reason: &str,
) -> Plan {
    let mut outbox = Outbox::default();
    let kind = kind_of_message(message.method, false);
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

/// Asks the organizer of what the owner got, `before` of the change, for all of it: as who the owner is in it, or, where it
/// names nobody, in the copy, `after` of the change. Nothing where the owner is in neither.
pub fn ask_organizer(change: &Change<'_>) -> Plan {
    let silent = plain(None);
    let Some(object) = change.before else {
        return silent;
    };
    let is_own = |line: &&Property| change.directory.is(line.raw_value(), change.owner.id);
    let known = [Some(object), change.after].into_iter().flatten();
    let mut lines = known.flat_map(CalendarObject::entries).flat_map(attendees);
    let own = lines.find(is_own);
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

/// Gives all answers again that stand in the owner's copy, `after` of the change, to an organizer who asks for them (RFC 5546
/// §3.2.2.7, §3.4.6). Nothing where none was ever told, as the status on ORGANIZER says, or the owner did not want to tell one
/// since (RFC 6638 §8.1).
pub fn answer_again(change: &Change<'_>) -> Plan {
    let silent = plain(None);
    let Some(copy) = change.after else {
        return silent;
    };
    let meeting = Meeting::of(copy);
    let away = away(&meeting).into_iter();
    let away = away.filter_map(|key| meeting.apart_at(key));
    let away: Vec<Component> = away.map(|entry| declining(change, entry)).collect();
    let live = meeting.parts().filter(|(part, _)| meeting.is_live(*part));
    let entries = live.map(|(_, entry)| entry).chain(&away);
    let answers = entries.filter_map(|entry| {
        let attendee = own(change, entry).filter(|own| participation(own) != NEEDS_ACTION)?;
        Some(Answer {
            entry,
            attendee,
            comments: comments(entry),
        })
    });
    let answers: Vec<Answer<'_>> = answers.collect();
    let is_told = |line: &&Property| {
        line.parameter("SCHEDULE-STATUS").is_some() && line.parameter(UNTOLD).is_none()
    };
    let organizer = organizer_line(copy).filter(is_told);
    let (Some(organizer), Some(first)) = (organizer, answers.first()) else {
        return silent;
    };
    let mut outbox = Outbox::default();
    let kind = kind_of_reply(first.attendee);
    let message = reply(copy, &answers, change.now);
    let reason = "asked again for what was answered (RFC 5546 §3.2.2.7)";
    outbox.send(change, organizer, message, kind, reason);
    outbox.into_plan(None, Role::Attendee)
}
