//! What components lack, always supplied in the same way.

use std::collections::BTreeSet;

use super::Repair;
use crate::{
    object::{Component, Property},
    value::{DateOrDateTime, Form, date_of},
};

/// DTSTAMP of a component that does not say when it was written.
const BEGINNING: &str = "19700101T000000Z";

/// Its UID, if it has one.
pub(super) fn uid(component: &Component) -> Option<String> {
    let uid = component.text("UID")?;
    (!uid.trim().is_empty()).then(|| uid.into_owned())
}

/// A UID that follows from the content: a UUID of version 8 (RFC 9562 §5.8) over a hash of all lines but
/// DTSTAMP, which some programs write anew each time.
pub(super) fn made_uid(component: &Component) -> String {
    let mut hash = blake3::Hasher::new();
    let mut open = vec![component];
    while let Some(component) = open.pop() {
        hash.update(component.name().as_bytes());
        for property in component.properties().filter(|line| !line.is("DTSTAMP")) {
            hash.update(b"\n");
            hash.update(property.content().as_bytes());
        }
        hash.update(b"\n\n");
        open.extend(component.components());
    }
    let mut octets = [0; 16];
    hash.finalize_xof().fill(&mut octets);
    octets[6] = octets[6] & 0x0F | 0x80;
    octets[8] = octets[8] & 0x3F | 0x80;
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups.map(|group| &digits[group]).join("-")
}

/// Supplies UID and DTSTAMP.
pub(super) fn mend(component: &mut Component, wanted: &str, repairs: &mut BTreeSet<Repair>) {
    if uid(component).is_none() {
        component.set_property(property("UID", wanted));
        repairs.insert(Repair::Uid);
    }
    if component.property("DTSTAMP").is_none() {
        let written = ["LAST-MODIFIED", "CREATED"]
            .iter()
            .find_map(|name| component.property(name).filter(|line| is_in_utc(line)))
            .map_or(BEGINNING, Property::raw_value)
            .to_owned();
        component.push_property(property("DTSTAMP", &written));
        repairs.insert(Repair::TimeStamp);
    }
}

fn is_in_utc(property: &Property) -> bool {
    matches!(
        date_of(property),
        Some(DateOrDateTime::DateTime(value)) if value.form == Form::Utc
    )
}

/// A property with a value that needs no escapes.
pub(super) fn property(name: &str, value: &str) -> Property {
    Property::new(name, value).expect("the value comes from a line, or is made here")
}
