//! Another spelling of an address, or another address of the same person, is no change (RFC 6638 §2.4.1).

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property};

use super::Change;
use crate::engine::{meeting::Meeting, significance::is_person};

/// An organizer's object with everybody written as before; `None` where they are.
pub(super) fn with_old_spelling(
    change: &Change<'_>,
    before: &Meeting<'_>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let people = |object: &'_ CalendarObject| -> BTreeSet<String> {
        let lines = object.entries().flat_map(Component::properties);
        let people = lines.filter(|line| is_person(line));
        people.map(|line| line.raw_value().to_owned()).collect()
    };
    if people(after).is_subset(&people(before.object)) {
        return None;
    }
    let mut object = after.clone();
    for (entry, part) in object.entries_mut().zip(Meeting::of(after).order()) {
        let Some(known) = before.get(part).or(before.series()) else {
            continue;
        };
        for line in entry.properties_mut().filter(|line| is_person(line)) {
            if let Some(old) = old_spelling(change, known, line) {
                line.set_raw_value(&old)
                    .expect("the value comes from a valid line");
            }
        }
    }
    Some(object)
}

/// How the same person was written, unless it was so already.
fn old_spelling(change: &Change<'_>, known: &Component, line: &Property) -> Option<String> {
    let lines = || known.properties_named(line.name()).map(Property::raw_value);
    if lines().any(|known| known == line.raw_value()) {
        return None;
    }
    let mut same = lines().filter(|known| change.directory.same_person(known, line.raw_value()));
    same.next().map(str::to_owned)
}
