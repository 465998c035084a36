//! An attendee sends somebody else (RFC 5546 §3.2.2.3 and §4.2.5; RFC 5545 §3.2.4 and §3.2.5).
//!
//! Who delegates says so with PARTSTAT=DELEGATED and DELEGATED-TO; who is sent has an ATTENDEE of their own with
//! DELEGATED-FROM, and may send somebody else in turn. The same is written in the delegator's copy and, when the
//! answer arrives there, in the organizer's.

use calendar::{Component, Property};

use super::{Directory, entry::participation};

const DELEGATED: &str = "DELEGATED";
const DELEGATED_TO: &str = "DELEGATED-TO";
const DELEGATED_FROM: &str = "DELEGATED-FROM";

/// Whom an attendee sends.
pub(super) fn delegates(attendee: &Property) -> Vec<String> {
    if participation(attendee) != DELEGATED {
        return Vec::new();
    }
    let values = attendee.parameter_values(DELEGATED_TO).into_iter();
    values.map(|value| value.trim().to_owned()).collect()
}

/// Writes into a component whom `delegator`, an attendee in it, sends: each gets an ATTENDEE, as in `said` if it
/// is there, and who was sent before and is not any more has none. Who cannot be sent is passed over: the delegator
/// and the organizer.
pub(super) fn write(
    entry: &mut Component,
    delegator: &Property,
    said: &Component,
    directory: &Directory,
) {
    let organizer = entry.raw_value("ORGANIZER").unwrap_or_default().to_owned();
    let from = delegator.raw_value().trim();
    let sent: Vec<String> = delegates(delegator)
        .into_iter()
        .filter(|it| !directory.same_person(it, from) && !directory.same_person(it, &organizer))
        .collect();
    let is_sent = |line: &Property| {
        let mut sent = sent.iter();
        sent.any(|address| directory.same_person(address, line.raw_value()))
    };
    let withdrawn: Vec<Property> = entry
        .properties_named("ATTENDEE")
        .filter(|line| comes_from(line, from, directory) && !is_sent(line))
        .cloned()
        .collect();
    for line in &withdrawn {
        withdraw(entry, line, from, directory);
    }
    for address in &sent {
        send(entry, address, delegator, said, directory);
    }
}

fn comes_from(line: &Property, from: &str, directory: &Directory) -> bool {
    let values = line.parameter_values(DELEGATED_FROM);
    values
        .iter()
        .any(|value| directory.same_person(value, from))
}

/// Takes somebody out whom `from` sent; who was sent by others, too, stays for them.
fn withdraw(entry: &mut Component, sent: &Property, from: &str, directory: &Directory) {
    let values = sent.parameter_values(DELEGATED_FROM);
    let others: Vec<&str> = values
        .iter()
        .map(AsRef::as_ref)
        .filter(|value| !directory.same_person(value, from))
        .collect();
    if others.is_empty() {
        entry.retain_properties(|line| line != sent);
        return;
    }
    for line in entry.properties_mut().filter(|line| *line == sent) {
        line.set_parameter_values(DELEGATED_FROM, &others)
            .expect("the values come from a valid line");
    }
}

fn send(
    entry: &mut Component,
    address: &str,
    delegator: &Property,
    said: &Component,
    directory: &Directory,
) {
    let from = delegator.raw_value().trim();
    let is_it =
        |line: &Property| line.is("ATTENDEE") && directory.same_person(line.raw_value(), address);
    if let Some(line) = entry.properties_mut().find(|line| is_it(line)) {
        let known = line.parameter_values(DELEGATED_FROM);
        let mut all: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        if !all.iter().any(|value| directory.same_person(value, from)) {
            all.push(from);
            let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            // an address that no line can carry was read from one
            let _ = line.set_parameter_values(DELEGATED_FROM, &all);
        }
        return;
    }
    let Ok(mut line) = Property::new("ATTENDEE", address) else {
        return;
    };
    let told = said.properties_named("ATTENDEE").find(|line| is_it(line));
    let kept = [
        ("CN", told.and_then(|told| told.parameter("CN"))),
        ("CUTYPE", told.and_then(|told| told.parameter("CUTYPE"))),
        ("ROLE", delegator.parameter("ROLE")),
    ];
    for (name, value) in kept {
        if let Some(value) = value {
            line.set_parameter(name, &value)
                .expect("the value comes from a valid line");
        }
    }
    for (name, value) in [("RSVP", "TRUE"), (DELEGATED_FROM, from)] {
        if line.set_parameter(name, value).is_err() {
            return;
        }
    }
    entry.push_property(line);
}
