//! An object that came here without being scheduled: by an import, a migration, or the copy of a calendar.
//! Nobody was told of it from here, and it stays so until its owner changes what concerns the others.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component};

use super::Change;
use crate::engine::{
    Role,
    directory::Person,
    entry::{Agent, agent, attendees, participation, single},
    significance::{canonical, changes},
};

/// What places an object in time, and calls it off.
const WHEN: [&str; 10] = [
    "RECURRENCE-ID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "DUE",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "STATUS",
];

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
    if single(before).is_some() && single(after).is_some() {
        let changes = changes(before, after);
        return changes.asks_anew || changes.revision;
    }
    when(before) != when(after)
}

/// The lines of each component that are about time, in one form and order.
fn when(object: &CalendarObject) -> BTreeSet<Vec<String>> {
    let lines = |entry: &Component| {
        let lines = entry
            .properties()
            .filter(|line| WHEN.contains(&line.name()));
        let mut lines: Vec<_> = lines.map(|line| canonical(line, |_| false)).collect();
        lines.sort();
        lines
    };
    object.entries().map(lines).collect()
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
