//! The time zones of a component that comes from one object into another one (RFC 5545 §3.6.5).
//!
//! A TZID that is no known name says nothing by itself, and some programs give whatever zone the same: what a VTIMEZONE says
//! tells.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use calendar::{CalendarObject, Component, Property, zone::is_known_name};

use crate::engine::sameness::definition;

/// The time zones that components bring from one object into another one.
pub(super) struct BroughtZones<'o> {
    /// Those there, by name without regard to case.
    from: BTreeMap<String, &'o Component>,
    /// What each is called here, by its name there; `None` where none there has that name.
    names: BTreeMap<String, Option<String>>,
    /// The name of each that is here, by what it is.
    here: BTreeMap<String, String>,
    /// The names that are taken here, without regard to case.
    taken: BTreeSet<String>,
    added: Vec<Component>,
}

impl<'o> BroughtZones<'o> {
    pub fn new(from: &'o CalendarObject, to: &CalendarObject) -> BroughtZones<'o> {
        let mut here = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for zone in zones(to) {
            let name = name_of(zone);
            taken.insert(name.to_lowercase());
            here.entry(identity(zone)).or_insert(name);
        }
        let mut by_name = BTreeMap::new();
        for zone in zones(from) {
            by_name.entry(name_of(zone).to_lowercase()).or_insert(zone);
        }
        BroughtZones {
            from: by_name,
            names: BTreeMap::new(),
            here,
            taken,
            added: Vec::new(),
        }
    }

    /// Brings those that a component names. One that is something else there than under this name here gets a name of its
    /// own.
    pub fn bring(&mut self, entry: &mut Component) {
        let names = entry.properties().filter_map(|line| line.parameter("TZID"));
        let names: BTreeSet<String> = names.map(Cow::into_owned).collect();
        for name in names {
            if !self.names.contains_key(&name) {
                let here = self.name_here(&name);
                self.names.insert(name.clone(), here);
            }
            if let Some(here) = self.names[&name].as_ref().filter(|here| **here != name) {
                rename(entry, &name, here);
            }
        }
    }

    /// Adds to the object those that it did not have.
    pub fn add_to(self, object: &mut CalendarObject) {
        for zone in self.added {
            object.calendar_mut().push_component(zone);
        }
    }

    fn name_here(&mut self, name: &str) -> Option<String> {
        let zone = *self.from.get(&name.to_lowercase())?;
        let identity = identity(zone);
        if let Some(known) = self.here.get(&identity) {
            return Some(known.clone());
        }
        let free = self.free_name(name);
        let mut zone = zone.clone();
        if free != name {
            zone.set_raw_value("TZID", &free)
                .expect("the value comes from a valid line");
        }
        self.added.push(zone);
        self.here.insert(identity, free.clone());
        Some(free)
    }

    /// This name, or a like one where it is taken; it is taken then.
    fn free_name(&mut self, name: &str) -> String {
        let others = (2..).map(|number| format!("{name} {number}"));
        let mut names = std::iter::once(name.to_owned()).chain(others);
        let is_free = |name: &String| self.taken.insert(name.to_lowercase());
        names.find(is_free).expect("there is no end of names")
    }
}

fn zones(object: &CalendarObject) -> impl Iterator<Item = &Component> {
    object
        .components()
        .filter(|component| component.is("VTIMEZONE"))
}

fn name_of(zone: &Component) -> String {
    zone.text("TZID").unwrap_or_default().into_owned()
}

/// What tells one time zone from another one: a name that is known, else what it says.
fn identity(zone: &Component) -> String {
    let name = name_of(zone);
    match is_known_name(&name) {
        true => name.to_lowercase(),
        false => definition(zone),
    }
}

fn rename(entry: &mut Component, from: &str, to: &str) {
    let is_it = |line: &&mut Property| line.parameter("TZID").as_deref() == Some(from);
    for line in entry.properties_mut().filter(is_it) {
        line.set_parameter("TZID", to)
            .expect("the value comes from a valid line");
    }
}
