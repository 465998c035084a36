//! Another spelling of an address, or another address of the same person, is no change (RFC 6638 §2.4.1).

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, Property};

use super::{Directory, directory::Person, meeting::Meeting, significance::is_person};

/// An object with everybody written as before; `None` where they are.
pub(super) fn with_old_spelling(
    directory: &Directory,
    before: &Meeting<'_>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let known: BTreeSet<&str> = people(before.object).collect();
    if people(after).all(|address| known.contains(address)) {
        return None;
    }
    let mut object = after.clone();
    for (entry, part) in object.entries_mut().zip(Meeting::of(after).order()) {
        let Some(known) = before.describing(part) else {
            continue;
        };
        let spellings = spellings(directory, known);
        for line in entry.properties_mut().filter(|line| is_person(line)) {
            let person = directory.person(line.raw_value());
            let written = spellings.get(&(line.is("ORGANIZER"), person));
            // one of them, unless it is written so already
            let old = written.filter(|written| !written.contains(&line.raw_value()));
            if let Some(old) = old.and_then(|written| written.first()) {
                line.set_raw_value(old)
                    .expect("the value comes from a valid line");
            }
        }
    }
    Some(object)
}

/// How the organizer of a component, and each of its attendees, is written there.
fn spellings<'e>(
    directory: &Directory,
    entry: &'e Component,
) -> BTreeMap<(bool, Person), Vec<&'e str>> {
    let mut spellings: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for line in entry.properties().filter(|line| is_person(line)) {
        let person = directory.person(line.raw_value());
        let written = spellings.entry((line.is("ORGANIZER"), person)).or_default();
        written.push(line.raw_value());
    }
    spellings
}

/// The addresses in an object, as they are written.
fn people(object: &CalendarObject) -> impl Iterator<Item = &str> {
    let lines = object.entries().flat_map(Component::properties);
    lines
        .filter(|line| is_person(line))
        .map(Property::raw_value)
}
