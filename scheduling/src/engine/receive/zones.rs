//! The time zones of a component that comes from one object into another (RFC 5545 §3.6.5).
//!
//! A TZID that is no known name says nothing by itself, and some programs give whatever zone the same: what a VTIMEZONE says
//! tells.

use std::{borrow::Cow, collections::BTreeSet};

use calendar::{CalendarObject, Component, Property, zone::is_known_name};

use crate::engine::sameness::is_same_definition;

/// Gives an object the time zones that a component of another one names. One that is something else there than under this
/// name here gets a name of its own.
pub(super) fn bring_zones(
    object: &mut CalendarObject,
    entry: &mut Component,
    from: &CalendarObject,
) {
    let names = entry.properties().filter_map(|line| line.parameter("TZID"));
    let names: BTreeSet<String> = names.map(Cow::into_owned).collect();
    for name in names {
        let Some(zone) = zones(from).find(|zone| has_name(zone, &name)) else {
            continue;
        };
        let found = zones(object).find(|it| is_same_zone(it, zone));
        let here = match found.and_then(|it| it.text("TZID")) {
            Some(here) => here.into_owned(),
            None => add(object, zone, &name),
        };
        if here != name {
            rename(entry, &name, &here);
        }
    }
}

fn zones(object: &CalendarObject) -> impl Iterator<Item = &Component> {
    object
        .components()
        .filter(|component| component.is("VTIMEZONE"))
}

fn has_name(zone: &Component, name: &str) -> bool {
    zone.text("TZID")
        .is_some_and(|it| it.eq_ignore_ascii_case(name))
}

fn is_same_zone(one: &Component, other: &Component) -> bool {
    let name = other.text("TZID").unwrap_or_default();
    match is_known_name(&name) {
        true => has_name(one, &name),
        false => is_same_definition(one, other),
    }
}

/// Adds a time zone, under its name or, where that is taken, a like one; which name that is.
fn add(object: &mut CalendarObject, zone: &Component, name: &str) -> String {
    let others = (2..).map(|number| format!("{name} {number}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    let is_free = |name: &String| !zones(object).any(|it| has_name(it, name));
    let free = names.find(is_free).expect("there is no end of names");
    let mut zone = zone.clone();
    if free != name {
        zone.set_raw_value("TZID", &free)
            .expect("the value comes from a valid line");
    }
    object.calendar_mut().push_component(zone);
    free
}

fn rename(entry: &mut Component, from: &str, to: &str) {
    let is_it = |line: &&mut Property| line.parameter("TZID").as_deref() == Some(from);
    for line in entry.properties_mut().filter(is_it) {
        line.set_parameter("TZID", to)
            .expect("the value comes from a valid line");
    }
}
