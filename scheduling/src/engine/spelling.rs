//! Another spelling of an address, or another address of the same person, is no change (RFC 6638 §2.4.1).

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property};

use super::{Directory, meeting::Meeting, significance::is_person};

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
        let Some(known) = before.get(part).or(before.series()) else {
            continue;
        };
        for line in entry.properties_mut().filter(|line| is_person(line)) {
            if let Some(old) = old_spelling(directory, known, line) {
                line.set_raw_value(&old)
                    .expect("the value comes from a valid line");
            }
        }
    }
    Some(object)
}

/// The addresses in an object, as they are written.
fn people(object: &CalendarObject) -> impl Iterator<Item = &str> {
    let lines = object.entries().flat_map(Component::properties);
    lines
        .filter(|line| is_person(line))
        .map(Property::raw_value)
}

/// How the same person was written, unless it was so already.
fn old_spelling(directory: &Directory, known: &Component, line: &Property) -> Option<String> {
    let lines = || known.properties_named(line.name()).map(Property::raw_value);
    if lines().any(|known| known == line.raw_value()) {
        return None;
    }
    let mut same = lines().filter(|known| directory.same_person(known, line.raw_value()));
    same.next().map(str::to_owned)
}
