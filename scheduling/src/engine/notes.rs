//! What the server notes for itself in the objects of its people: properties and parameters whose names begin alike.
//!
//! A note is about the object that it stands in. It leaves with no message, and none comes in: neither with a message nor
//! with what a client stores as new, where it would be of another object, or forged.

use calendar::{Component, Property};

/// How their names begin.
const PREFIX: &str = "X-CONVOKE-";

/// Takes all notes out of a component, and out of those within. (The depth of components is bounded where they are read.)
pub(super) fn remove_notes(component: &mut Component) {
    component.retain_properties(|line| !is_note(line.name()));
    for line in component.properties_mut() {
        for name in names_of_notes(line) {
            line.remove_parameter(&name);
        }
    }
    component.components_mut().for_each(remove_notes);
}

fn names_of_notes(line: &Property) -> Vec<String> {
    let names = line.parameters().map(|parameter| parameter.name());
    let notes = names.filter(|name| is_note(name));
    notes.map(str::to_owned).collect()
}

fn is_note(name: &str) -> bool {
    let start = name.get(..PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
