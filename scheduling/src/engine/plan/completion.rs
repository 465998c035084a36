//! What an organizer's client leaves out, and its object must have all the same.

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::Change;
use crate::engine::{
    entry::{attendees, participation},
    meeting::{Meeting, Part},
    significance::{changes, differs_from_series},
};

/// The object with what was left out; `None` where nothing was.
///
/// - Some clients name the organizer only in some of the components (RFC 6638 §3.2.4.2).
/// - An attendee who answers for one instance gets a component for it. A client that has not seen it yet, and
///   changes something else, does not take the answer back.
pub(super) fn complete(
    change: &Change<'_>,
    before: Option<&Meeting<'_>>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let answers = before.map_or_else(Vec::new, |before| answers(change, before, after));
    let organizer = after
        .entries()
        .find_map(|entry| entry.property("ORGANIZER"));
    let lacks_organizer = |entry: &Component| entry.property("ORGANIZER").is_none();
    let incomplete = after.entries().any(lacks_organizer);
    if answers.is_empty() && !(incomplete && organizer.is_some()) {
        return None;
    }
    let mut object = after.clone();
    for answer in answers {
        object.calendar_mut().push_component(answer);
    }
    if let Some(organizer) = organizer {
        let incomplete = object.entries_mut().filter(|entry| lacks_organizer(entry));
        incomplete.for_each(|entry| entry.push_property(organizer.clone()));
    }
    Some(object)
}

/// The components of instances that are there only because somebody answered for them, as the series is now.
fn answers(change: &Change<'_>, before: &Meeting<'_>, after: &CalendarObject) -> Vec<Component> {
    if before.instances().next().is_none() {
        return Vec::new();
    }
    let after = Meeting::of(after);
    let missing = before.instances();
    let missing: Vec<_> = missing
        .filter(|(key, _)| !after.has(Part::Instance(*key)))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    if changes(before, &after, Part::Series).asks_anew {
        return Vec::new();
    }
    let kept = missing.into_iter().filter_map(|(key, old)| {
        if !after.yields(key) || !is_answer(change, before, key, old) {
            return None;
        }
        let mut entry = after.series_at(key)?;
        for line in entry.properties_mut().filter(|line| line.is("ATTENDEE")) {
            if let Some(answer) = twin(change, old, line) {
                *line = answer.clone();
            }
        }
        Some(entry)
    });
    kept.collect()
}

/// Whether an instance differs from its series in answers, and in nothing else.
fn is_answer(change: &Change<'_>, before: &Meeting<'_>, key: InstanceKey, own: &Component) -> bool {
    let Some(series) = before.series_at(key) else {
        return false;
    };
    let answered = attendees(own).any(|line| {
        let twin = twin(change, &series, line);
        twin.is_some_and(|twin| participation(twin) != participation(line))
    });
    answered && !differs_from_series(before, key)
}

/// The line of the same person in another component.
fn twin<'a>(change: &Change<'_>, entry: &'a Component, line: &Property) -> Option<&'a Property> {
    let same = |other: &&Property| {
        change
            .directory
            .same_person(other.raw_value(), line.raw_value())
    };
    attendees(entry).find(same)
}
