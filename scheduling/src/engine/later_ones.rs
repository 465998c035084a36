//! Components that say what an instance and all later ones are (RANGE, RFC 5545 §3.2.13), and what becomes of the later
//! ones where something is said of that instance alone.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, InstanceKey};

use super::{
    ending::next_alone,
    meeting::{Meeting, Part},
};

/// The value of RANGE.
const THIS_AND_FUTURE: &str = "THISANDFUTURE";

/// Whether a component says what all instances are from its own on.
pub(super) fn is_of_later_ones(entry: &Component) -> bool {
    let id = entry.property("RECURRENCE-ID");
    let range = id.and_then(|id| id.parameter("RANGE"));
    range.is_some_and(|range| range.eq_ignore_ascii_case(THIS_AND_FUTURE))
}

/// Makes a component say what all instances are from its own on.
pub(super) fn name_later_ones(entry: &mut Component) {
    if let Some(id) = entry.property_mut("RECURRENCE-ID") {
        id.set_parameter("RANGE", THIS_AND_FUTURE)
            .expect("a plain word is a valid value");
    }
}

/// Makes a component say what its own instance is, and nothing of later ones.
pub(super) fn name_it_alone(entry: &mut Component) {
    if let Some(id) = entry.property_mut("RECURRENCE-ID") {
        id.remove_parameter("RANGE");
    }
}

/// Where the component of an instance says what all later ones are, and does no longer: the next of these, and the component
/// that says it from there on. What `is_apart` has, or gets, a component of its own, or is none of them. `None` where there is
/// no later one, or none before long.
pub(super) fn later_ones(
    meeting: &Meeting<'_>,
    key: InstanceKey,
    is_apart: impl Fn(InstanceKey) -> bool,
) -> Option<(InstanceKey, Component)> {
    let part = Part::Instance(key);
    meeting.get(part).filter(|own| is_of_later_ones(own))?;
    let next = next_alone(meeting, key, is_apart)?;
    let mut entry = meeting.component_at(next)?;
    name_later_ones(&mut entry);
    (meeting.part_behind(next) == part).then_some((next, entry))
}

/// The object in which the components of these instances say nothing of later ones, which are what they were; `None` where
/// it is so already.
pub(super) fn with_alone(
    meeting: &Meeting<'_>,
    keys: &BTreeSet<InstanceKey>,
) -> Option<CalendarObject> {
    let says_more = |meeting: &Meeting<'_>, key| {
        let own = meeting.get(Part::Instance(key));
        own.is_some_and(is_of_later_ones)
    };
    let first = keys.iter().find(|key| says_more(meeting, **key))?;
    let mut object = alone(meeting, *first);
    // what one says no more, the next one of them may come to say
    loop {
        let current = Meeting::of(&object);
        let Some(key) = keys.iter().find(|key| says_more(&current, **key)) else {
            return Some(object);
        };
        object = alone(&current, *key);
    }
}

fn alone(meeting: &Meeting<'_>, key: InstanceKey) -> CalendarObject {
    let mut object = meeting.object.clone();
    let parts = object.entries_mut().zip(meeting.order());
    parts
        .filter(|(_, part)| *part == Part::Instance(key))
        .for_each(|(entry, _)| name_it_alone(entry));
    if let Some((_, entry)) = later_ones(meeting, key, |_| false) {
        object.calendar_mut().push_component(entry);
    }
    object
}

/// The instance that says what all are that come after another one, which itself says nothing of them: together they are
/// about it and all later ones.
pub(super) fn goes_on_at(meeting: &Meeting<'_>, key: InstanceKey) -> Option<InstanceKey> {
    let own = meeting.get(Part::Instance(key));
    if own.is_some_and(is_of_later_ones) {
        return None;
    }
    let mut later = meeting.instances().filter(|(other, _)| *other > key);
    let (next, _) = later.find(|(_, entry)| is_of_later_ones(entry))?;
    let alone = next_alone(meeting, key, |_| false);
    alone.is_none_or(|alone| alone > next).then_some(next)
}
