//! An object that came here without being scheduled: by an import, a migration, or the copy of a calendar.
//! Nobody was told of it from here, and it stays so until its owner changes what concerns the others. It is a scheduling
//! object then like one that is created (RFC 6638 §3.2.1.1): all of it is told to all who are invited.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, InstanceKey};

use super::{Change, edit::all_changes};
use crate::engine::{
    Role,
    directory::Person,
    entry::{Agent, agent, attendees, participation},
    meeting::{Meeting, Part},
    significance::own_changes,
};

/// Whether an edit concerns the others: of the organizer, the time, a cancellation and who is invited; of
/// an attendee, the answer; of both, what the client demands to be sent. Another summary, place or alarm
/// does not wake up a meeting of years ago, nor does an edit that makes the owner somebody else in it.
pub(super) fn wakes_up(
    change: &Change<'_>,
    (before, role): (&CalendarObject, Role),
    (after, role_after): (&CalendarObject, Role),
) -> bool {
    if role != role_after {
        return false;
    }
    if is_forced(after) {
        return true;
    }
    match role {
        Role::Organizer => {
            is_moved(before, after) || invited(change, before) != invited(change, after)
        }
        Role::Attendee => answers(change, before) != answers(change, after),
        Role::None => false,
    }
}

/// RFC 6638 §7.2.
fn is_forced(object: &CalendarObject) -> bool {
    let lines = object.entries().flat_map(Component::properties);
    let mut people = lines.filter(|line| matches!(line.name(), "ORGANIZER" | "ATTENDEE"));
    people.any(|line| line.parameter("SCHEDULE-FORCE-SEND").is_some())
}

fn is_moved(before: &CalendarObject, after: &CalendarObject) -> bool {
    let (before, after) = (Meeting::of(before), Meeting::of(after));
    let changes = all_changes(Some(&before), &after);
    let is_gone = |(key, _): (InstanceKey, &Component)| {
        !after.has(Part::Instance(key)) && own_changes(&before, key).visible
    };
    changes
        .values()
        .any(|changes| changes.asks_anew || changes.revision)
        || before.instances().any(is_gone)
}

/// Whom the server would tell.
fn invited(change: &Change<'_>, object: &CalendarObject) -> BTreeSet<Person> {
    object
        .entries()
        .flat_map(attendees)
        .filter(|line| agent(line) == Agent::Server)
        .map(|line| change.directory.person(line.raw_value()))
        .collect()
}

/// The owner's answer to each instance.
fn answers(change: &Change<'_>, object: &CalendarObject) -> BTreeSet<(String, String)> {
    let instance = |entry: &Component| {
        entry
            .raw_value("RECURRENCE-ID")
            .unwrap_or_default()
            .to_owned()
    };
    object
        .entries()
        .flat_map(|entry| attendees(entry).map(move |line| (instance(entry), line)))
        .filter(|(_, line)| change.directory.is(line.raw_value(), change.owner.id))
        .map(|(instance, line)| (instance, participation(line)))
        .collect()
}
