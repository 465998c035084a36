//! How a message from elsewhere names instances (RFC 5545 §3.8.4.4).

use std::collections::BTreeSet;

use calendar::{
    Budget, Component, Property, RecurrenceSet, Zone,
    value::{DateOrDateTime, Form, date_in},
};

use super::Incoming;
use crate::engine::{Message, Origin, entry::adopt, meeting::is_instance};

/// The message with the instances of whole days, or of floating times, named as their series has them, where it names
/// them in UTC: a day is the one that begins about then, a floating time the one that it is where the recipient is. `None`
/// where there are no such names.
pub(super) fn with_local_names(incoming: &Incoming<'_>) -> Option<Message> {
    let Incoming {
        message, recipient, ..
    } = incoming;
    if message.origin != Origin::Mail || utc_names(message).next().is_none() {
        return None;
    }
    let has_series = message.entries().any(|entry| !is_instance(entry));
    let named_in = match has_series {
        true => &message.object,
        false => incoming.copy?,
    };
    let zone = recipient.time_zone.as_deref().and_then(Zone::named);
    let zone = zone.unwrap_or_else(Zone::utc);
    let set = RecurrenceSet::of(named_in, &zone);
    let local = |name: &DateOrDateTime| {
        let key = set.key_of(name);
        let found = set.find_apart(&BTreeSet::from([key]), &mut Budget::default());
        let instance = set.override_for(found.get(&key)?).ok()?;
        let name = instance.property("RECURRENCE-ID")?.clone();
        is_local(&date_in(&instance, "RECURRENCE-ID")?).then_some(name)
    };
    let names: Vec<Option<Property>> = message
        .entries()
        .map(|entry| local(&utc_name(entry)?))
        .collect();
    let mut message = (*message).clone();
    for (entry, name) in message.object.entries_mut().zip(names) {
        if let Some((line, name)) = entry.property_mut("RECURRENCE-ID").zip(name) {
            line.set_raw_value(name.raw_value())
                .expect("the value comes from a valid line");
            adopt(line, Some(&name), "VALUE");
        }
    }
    Some(message)
}

fn utc_names(message: &Message) -> impl Iterator<Item = DateOrDateTime> {
    message.entries().filter_map(utc_name)
}

fn utc_name(entry: &Component) -> Option<DateOrDateTime> {
    let name = date_in(entry, "RECURRENCE-ID")?;
    matches!(&name, DateOrDateTime::DateTime(it) if it.form == Form::Utc).then_some(name)
}

fn is_local(name: &DateOrDateTime) -> bool {
    match name {
        DateOrDateTime::Date(_) => true,
        DateOrDateTime::DateTime(it) => it.form == Form::Floating,
    }
}
