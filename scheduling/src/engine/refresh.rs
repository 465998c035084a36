//! Showing the other attendees what one of them answered (RFC 6638 §4.2).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use calendar::{CalendarObject, Component};
use storage::{
    Timestamp,
    model::{Principal, PrincipalId},
};

use super::{
    Delivery, Directory, Status,
    directory::Person,
    entry::{Agent, NEEDS_ACTION, agent, attendees, can_be_scheduled, participation},
    meeting::{Meeting, Part},
    message::{Message, part_name, request},
    showing::{Told, comes_to_series, shown},
};

/// The deliveries that bring the copies of all local attendees up to date with the organizer's object,
/// except that of `replied` (an address), who knows. By nothing else are they told: no inbox item, no
/// Schedule-Tag, no mail.
pub fn refresh(
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    replied: Option<&str>,
    now: Timestamp,
) -> Vec<Delivery> {
    let replied = replied.and_then(|replied| directory.local(replied));
    let is_meant = |id| replied.is_none_or(|replied| replied.id != id);
    shown_to(organizer_object, owner, directory, is_meant, now)
}

/// The delivery that brings the copy of `replied` (an address) up to date with what they answered by another way than
/// that copy: by mail. `before` is the organizer's object as it was. `None` where they are not here.
pub fn tell_answer(
    before: Option<&CalendarObject>,
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    replied: &str,
    now: Timestamp,
) -> Option<Delivery> {
    let replied = directory.local(replied)?;
    let is_meant = |id| id == replied.id;
    let mut deliveries = shown_to(organizer_object, owner, directory, is_meant, now);
    let mut delivery = deliveries.pop()?;
    delivery.message.tells_answer = true;
    if let Some(before) = before {
        delivery.message.asks_again = taken_back(before, organizer_object, directory, replied.id);
    }
    Some(delivery)
}

/// The parts in which somebody had answered and has not any more, by [`part_name`].
fn taken_back(
    before: &CalendarObject,
    after: &CalendarObject,
    directory: &Directory,
    attendee: PrincipalId,
) -> BTreeSet<String> {
    let (before, after) = (Meeting::of(before), Meeting::of(after));
    let waits = |entry: &Component| {
        let own = attendees(entry).find(|line| directory.is(line.raw_value(), attendee));
        own.map(|line| participation(line) == NEEDS_ACTION)
    };
    let taken_back = after.parts().filter(|(part, entry)| {
        waits(entry) == Some(true) && before.describing(*part).and_then(waits) == Some(false)
    });
    taken_back
        .map(|(_, entry)| part_name(entry).to_owned())
        .collect()
}

/// All that a local attendee is told of the organizer's object, where they come to the series: see [`Message::whole`].
pub fn whole(
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    attendee: PrincipalId,
    now: Timestamp,
) -> Option<Arc<CalendarObject>> {
    let meeting = Meeting::of(organizer_object);
    if !comes_to_series(&meeting, &Person::Local(attendee), directory) {
        return None;
    }
    let is_meant = |id| id == attendee;
    let mut shown = shown_to(organizer_object, owner, directory, is_meant, now);
    shown
        .pop()
        .map(|delivery| Arc::new(delivery.message.object))
}

/// What shows the organizer's object to those local attendees whom `is_meant` holds for.
fn shown_to(
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    is_meant: impl Fn(PrincipalId) -> bool,
    now: Timestamp,
) -> Vec<Delivery> {
    let meeting = Meeting::of(organizer_object);
    if !can_be_scheduled(organizer_object) || meeting.is_called_off() {
        return Vec::new();
    }
    let organizer = organizer_of(&meeting);
    let told = Told::of(&meeting, &Person::Local(owner.id), directory);
    let mut messages: BTreeMap<&BTreeSet<Part>, Message> = BTreeMap::new();
    let mut seen = BTreeSet::from([owner.id]);
    let lines = meeting.parts().flat_map(|(_, entry)| attendees(entry));
    let mut deliveries = Vec::new();
    for line in lines.filter(|line| agent(line) == Agent::Server) {
        let address = line.raw_value().trim();
        let Some(local) = directory.local(address) else {
            continue;
        };
        if local.home.is_none() || !is_meant(local.id) || !seen.insert(local.id) {
            continue;
        }
        // who could not be told is told all of it later, answers and all (RFC 6638 §3.2.9)
        let status = line.parameter("SCHEDULE-STATUS");
        if status.is_some_and(|status| Status::NOT_ALLOWED.is_in(&status)) {
            continue;
        }
        let Some(parts) = told.parts(&Person::Local(local.id)) else {
            continue;
        };
        let message = messages.entry(parts).or_insert_with(|| Message {
            is_refresh: true,
            ..request(organizer, organizer_object, shown(&meeting, parts), now)
        });
        if message.entries().next().is_some() {
            deliveries.push(Delivery {
                recipient: local.clone(),
                address: address.to_owned(),
                message: message.clone(),
            });
        }
    }
    deliveries
}

/// ORGANIZER as it is written.
pub(super) fn organizer_of<'a>(meeting: &Meeting<'a>) -> &'a str {
    let mut entries = meeting.parts().map(|(_, entry)| entry);
    let organizer = entries.find_map(|entry| entry.raw_value("ORGANIZER"));
    organizer.unwrap_or_default().trim()
}
