//! The attendees of an organizer's object: as they were, and as they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{Component, Property};

use super::Change;
use crate::engine::{
    directory::Person,
    entry::{Agent, NEEDS_ACTION, agent, attendees, participation},
    significance::Changes,
};

/// One attendee as stored before.
pub(super) struct Earlier<'a> {
    pub line: &'a Property,
    pub agent: Agent,
    pub participation: String,
}

/// One attendee as asked for.
pub(super) struct Invitee {
    pub address: String,
    pub person: Person,
    pub agent: Agent,
    /// The server did not schedule with this person before.
    pub is_new: bool,
    /// Asked again without another change: by NEEDS-ACTION, or by SCHEDULE-FORCE-SEND.
    pub asked_again: bool,
    /// SCHEDULE-FORCE-SEND with a value that means nothing.
    pub force_unknown: bool,
    /// What the stored object must say.
    pub participation: Option<String>,
}

/// The attendees of the stored object by person, the organizer apart.
pub(super) fn earlier<'a>(
    change: &Change<'_>,
    entry: &'a Component,
) -> BTreeMap<Person, Earlier<'a>> {
    let mut people = BTreeMap::new();
    for line in
        attendees(entry).filter(|line| !change.directory.is(line.raw_value(), change.owner.id))
    {
        people
            .entry(change.directory.person(line.raw_value()))
            .or_insert_with(|| Earlier {
                line,
                agent: agent(line),
                participation: participation(line),
            });
    }
    people
}

/// The attendees of the new object, one entry for each person, the organizer apart: "the server MUST
/// NOT send a scheduling message to the Attendee that matches the Organizer" (RFC 6638 §3.2.1).
pub(super) fn invitees(
    change: &Change<'_>,
    entry: &Component,
    earlier: &BTreeMap<Person, Earlier<'_>>,
    changes: Changes,
) -> Vec<Invitee> {
    let mut seen = BTreeSet::new();
    attendees(entry)
        .filter(|line| !change.directory.is(line.raw_value(), change.owner.id))
        .map(|line| (line, change.directory.person(line.raw_value())))
        .filter(|(_, person)| seen.insert(person.clone()))
        .map(|(line, person)| invitee(change, line, earlier.get(&person), person, changes))
        .collect()
}

fn invitee(
    change: &Change<'_>,
    line: &Property,
    earlier: Option<&Earlier<'_>>,
    person: Person,
    changes: Changes,
) -> Invitee {
    let agent = agent(line);
    let told = earlier.filter(|earlier| earlier.agent == Agent::Server);
    let force = line.parameter("SCHEDULE-FORCE-SEND");
    let forced = force
        .as_ref()
        .is_some_and(|force| force.eq_ignore_ascii_case("REQUEST"));
    // only an explicit NEEDS-ACTION asks again, and only from a client that has seen the answer
    let asked = line.parameter("PARTSTAT").is_some()
        && participation(line) == NEEDS_ACTION
        && !change.schedule_tag_matched;
    let answered = earlier.is_some_and(|earlier| earlier.participation != NEEDS_ACTION);
    let asked_again = told.is_some() && (forced || (asked && answered));
    let participation = match earlier {
        _ if agent != Agent::Server => None,
        Some(earlier) if !(changes.asks_anew || asked && answered) => {
            Some(earlier.participation.clone())
        }
        _ => Some(NEEDS_ACTION.to_owned()),
    };
    Invitee {
        address: line.raw_value().trim().to_owned(),
        person,
        agent,
        is_new: told.is_none(),
        asked_again,
        force_unknown: force.is_some() && !forced,
        participation,
    }
}
