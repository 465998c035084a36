//! What clients leave out of people's lines because they do not know it: Android and Outlook know what somebody is
//! called, asked as and answered, and nothing else. To leave it out is not to change it.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, Property};

use super::Change;
use crate::engine::{
    delegation::{DELEGATED, DELEGATED_FROM, DELEGATED_TO},
    directory::Person,
    entry::{Agent, adopt, agent, participation},
    meeting::Meeting,
    significance::is_person,
};

/// The parameters that are put back. (Who signs for the organizer is another matter: who sends something.)
const KEPT: [&str; 8] = [
    "CN",
    "DIR",
    "EMAIL",
    "LANGUAGE",
    "MEMBER",
    "SENT-BY",
    DELEGATED_FROM,
    DELEGATED_TO,
];

/// An organizer's object with what the client left out; `None` where that is nothing.
pub(super) fn with_dropped(
    change: &Change<'_>,
    before: &Meeting<'_>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    // looked for only where something differs: most clients send these lines back as they are
    let sent: BTreeSet<&str> = people(after).map(Property::content).collect();
    let is_known = |line: &Property| KEPT.iter().any(|name| line.parameter(name).is_some());
    if people(before.object).all(|line| !is_known(line) || sent.contains(line.content())) {
        return None;
    }
    let mut object = after.clone();
    for (entry, part) in object.entries_mut().zip(Meeting::of(after).order()) {
        if let Some(known) = before.describing(part) {
            put_back(change, known, entry);
        }
    }
    (object != *after).then_some(object)
}

fn people(object: &CalendarObject) -> impl Iterator<Item = &Property> {
    let lines = object.entries().flat_map(Component::properties);
    lines.filter(|line| is_person(line))
}

fn put_back(change: &Change<'_>, known: &Component, entry: &mut Component) {
    let person = |line: &Property| change.directory.person(line.raw_value());
    let lines = known.properties().filter(|line| is_person(line));
    let part = |line: &Property| (line.is("ORGANIZER"), person(line));
    let known: BTreeMap<(bool, Person), &Property> = lines.map(|line| (part(line), line)).collect();
    let lines = entry.properties().filter(|line| line.is("ATTENDEE"));
    let invited: BTreeSet<Person> = lines.map(person).collect();
    let lines = entry.properties_mut().filter(|line| is_person(line));
    for line in lines.filter(|line| agent(line) == Agent::Server) {
        let Some(twin) = known.get(&part(line)) else {
            continue;
        };
        // a group, and who sends somebody, says why they are in it as long as it is in it, too
        let stands = |name| {
            let values = twin.parameter_values(name);
            let mut people = values.iter().map(|value| change.directory.person(value));
            people.any(|it| invited.contains(&it))
        };
        for name in KEPT
            .into_iter()
            .filter(|name| twin.parameter(name).is_some())
        {
            let is_kept = match name {
                _ if line.parameter(name).is_some() => false,
                "SENT-BY" => line.is("ATTENDEE"),
                "MEMBER" | DELEGATED_FROM => stands(name),
                DELEGATED_TO => participation(line) == DELEGATED,
                _ => true,
            };
            if is_kept {
                adopt(line, Some(twin), name);
            }
        }
    }
}
