//! What of an object one person gets to see (RFC 6638 §3.2.6): only the parts that name them, and EXDATE
//! for instances of the series from which they are left out.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{Component, InstanceKey, Property};

use super::{
    Directory,
    directory::Person,
    ending::{end_before, leave_out},
    entry::{Agent, DECLINED, agent, attendees, participation},
    later_ones::is_of_later_ones,
    meeting::{Meeting, Part},
};

/// The parts in which the server tells each person, the object's owner apart.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<Person, BTreeSet<Part>>);

impl Told {
    /// Reads them; `owner` is the person whom nothing is told.
    pub fn of(meeting: &Meeting<'_>, owner: &Person, directory: &Directory) -> Told {
        let mut told: BTreeMap<Person, BTreeSet<Part>> = BTreeMap::new();
        for (part, entry) in meeting.parts() {
            for line in attendees(entry).filter(|line| agent(line) == Agent::Server) {
                let person = directory.person(line.raw_value());
                if person != *owner {
                    told.entry(person).or_default().insert(part);
                }
            }
        }
        Told(told)
    }

    /// The parts of a person.
    pub fn parts(&self, person: &Person) -> Option<&BTreeSet<Part>> {
        self.0.get(person)
    }
}

/// Whether somebody is invited to the series, which takes place, and has not declined it.
pub(super) fn comes_to_series(
    meeting: &Meeting<'_>,
    person: &Person,
    directory: &Directory,
) -> bool {
    let is_it = |line: &&Property| directory.person(line.raw_value()) == *person;
    let series = meeting.series().filter(|_| meeting.is_live(Part::Series));
    let line = series.and_then(|series| attendees(series).find(is_it));
    line.is_some_and(|line| participation(line) != DECLINED)
}

/// All of a meeting that somebody gets to see who is told of these parts, as the organizer has it. What is
/// cancelled is left out.
pub(super) fn shown(meeting: &Meeting<'_>, told: &BTreeSet<Part>) -> Vec<Component> {
    let parts = meeting.parts();
    parts
        .filter_map(|(part, _)| shown_part(meeting, told, part))
        .collect()
}

/// What somebody gets to see of one part.
pub(super) fn shown_part(
    meeting: &Meeting<'_>,
    told: &BTreeSet<Part>,
    part: Part,
) -> Option<Component> {
    let is_shown = |part: &Part| told.contains(part) && meeting.is_live(*part);
    let entry = meeting.get(part).filter(|_| is_shown(&part))?;
    Some(match part {
        Part::Series => series_without(meeting, entry, |key| is_shown(&Part::Instance(key))),
        Part::Instance(_) => entry.clone(),
    })
}

/// The series without the instances that are not shown: those that have a component, and all later ones where that is about
/// them (RFC 5545 §3.2.13), as far as no component that is shown says what these are.
fn series_without(
    meeting: &Meeting<'_>,
    series: &Component,
    is_shown: impl Fn(InstanceKey) -> bool,
) -> Component {
    let mut series = series.clone();
    for (key, entry) in meeting.instances() {
        if !is_shown(key) && !meeting.excluded.contains(&key) {
            exclude(&mut series, entry);
        }
    }
    let ranges = meeting.instances().filter(|(_, it)| is_of_later_ones(it));
    let mut hidden = None;
    for (key, _) in ranges {
        match (is_shown(key), hidden) {
            (false, None) => hidden = Some(key),
            (true, Some(first)) if leave_out(&mut series, meeting, (first, key)).is_ok() => {
                hidden = None;
            }
            _ => {}
        }
    }
    if let Some(first) = hidden {
        end_before(&mut series, meeting, first);
    }
    series
}

/// Takes an instance out of a series, by the name that its component has.
pub(super) fn exclude(series: &mut Component, instance: &Component) {
    exclude_as("EXDATE", series, instance);
}

/// Names an instance in a property of its series that has the form of EXDATE.
pub(super) fn exclude_as(property: &str, series: &mut Component, instance: &Component) {
    let Some(id) = instance.property("RECURRENCE-ID") else {
        return;
    };
    let mut line = Property::new(property, id.raw_value()).expect("the value comes from a line");
    for name in ["VALUE", "TZID"] {
        if let Some(value) = id.parameter(name) {
            line.set_parameter(name, &value)
                .expect("the value comes from a valid line");
        }
    }
    series.push_property(line);
}
