//! An object that came here without being scheduled: by an import, a migration, or the copy of a calendar.
//! Nobody was told of it from here, and it stays so until its owner changes what concerns the others. It is a scheduling
//! object then like one that is created (RFC 6638 §3.2.1.1): all of it is told to all who are invited.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, InstanceKey};

use super::{Change, attendee::own, edit::all_changes};
use crate::engine::{
    Role,
    directory::Person,
    entry::{Agent, DECLINED, agent, attendees, is_cancelled, participation},
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
    let before = Meeting::of(before);
    let after = Meeting::about(after, &before);
    match role {
        Role::Organizer => {
            is_moved(&before, &after) || differs(&before, &after, |it| invited(change, it))
        }
        Role::Attendee => {
            let answer = |entry: &Component| own(change, entry).map(participation);
            differs(&before, &after, answer) || declines(change, &before, &after)
        }
        Role::None => false,
    }
}

/// RFC 6638 §7.2.
fn is_forced(object: &CalendarObject) -> bool {
    let lines = object.entries().flat_map(Component::properties);
    let mut people = lines.filter(|line| matches!(line.name(), "ORGANIZER" | "ATTENDEE"));
    people.any(|line| line.parameter("SCHEDULE-FORCE-SEND").is_some())
}

fn is_moved(before: &Meeting<'_>, after: &Meeting<'_>) -> bool {
    let changes = all_changes(Some(before), after);
    let is_gone = |(key, _): (InstanceKey, &Component)| {
        !after.has(Part::Instance(key)) && own_changes(before, key).visible
    };
    changes
        .values()
        .any(|changes| changes.asks_anew || changes.revision)
        || before.instances().any(is_gone)
}

/// Whether something else is said in any part; an instance without a component says what is behind it.
fn differs<T: Default + PartialEq>(
    before: &Meeting<'_>,
    after: &Meeting<'_>,
    said: impl Fn(&Component) -> T,
) -> bool {
    let said =
        |meeting: &Meeting<'_>, part| meeting.describing(part).map(&said).unwrap_or_default();
    let mut parts = before.parts().chain(after.parts());
    parts.any(|(part, _)| said(before, part) != said(after, part))
}

/// Whom the server would tell.
fn invited(change: &Change<'_>, entry: &Component) -> BTreeSet<Person> {
    attendees(entry)
        .filter(|line| agent(line) == Agent::Server)
        .map(|line| change.directory.person(line.raw_value()))
        .collect()
}

/// Whether the owner takes out an instance that was not declined before (RFC 6638 §3.2.2.3).
fn declines(change: &Change<'_>, before: &Meeting<'_>, after: &Meeting<'_>) -> bool {
    let comes = |entry: &Component| {
        let answer = own(change, entry).map(participation);
        !is_cancelled(entry) && answer.is_some_and(|answer| answer != DECLINED)
    };
    let mut taken_out = after.excluded.difference(&before.excluded);
    taken_out.any(|key| before.component_at(*key).as_ref().is_some_and(comes))
}
