//! An attendee sends somebody else (RFC 5546 §3.2.2.3 and §4.2.5; RFC 5545 §3.2.4 and §3.2.5).
//!
//! Who delegates says so with PARTSTAT=DELEGATED and DELEGATED-TO; who is sent has an ATTENDEE of their own, and may send
//! somebody else in turn. The same is written in the delegator's copy and, when the answer arrives there, in the
//! organizer's.
//!
//! Somebody is in a component by the word of one of two:
//!
//! - The organizer invites them, by name or with a group. Nobody else takes them out, whoever sends them or does not any
//!   more; so DELEGATED-FROM, which would say otherwise, is not written on their ATTENDEE.
//! - Others send them: DELEGATED-FROM says who. Whom nobody sends any more who is in it otherwise is not in it either,
//!   in chains and in circles.
//!
//! A group that is sent stands for everybody who is in it then.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{Component, Property};

use super::{
    Directory,
    directory::Person,
    entry::{Agent, DECLINED, NEEDS_ACTION, adopt, agent, attendees, participation, sequence},
    sequence::Revision,
};

pub(super) const DELEGATED: &str = "DELEGATED";
pub(super) const DELEGATED_TO: &str = "DELEGATED-TO";
pub(super) const DELEGATED_FROM: &str = "DELEGATED-FROM";

/// Whom an attendee sends, as it is written.
pub(super) fn delegates(attendee: &Property) -> Vec<String> {
    if participation(attendee) != DELEGATED {
        return Vec::new();
    }
    let values = attendee.parameter_values(DELEGATED_TO).into_iter();
    values.map(|value| value.trim().to_owned()).collect()
}

/// The people whom an attendee sends, each with an address: of a group, those in it.
pub(super) fn people_sent(attendee: &Property, directory: &Directory) -> BTreeMap<Person, String> {
    let mut people = BTreeMap::new();
    for address in delegates(attendee) {
        let members = directory.addresses_in(&address);
        for address in members.unwrap_or_else(|| vec![address]) {
            people.entry(directory.person(&address)).or_insert(address);
        }
    }
    people
}

/// Whether somebody is in a component only because others send them.
pub(super) fn is_only_sent(attendee: &Property) -> bool {
    attendee.parameter(DELEGATED_FROM).is_some() && attendee.parameter("MEMBER").is_none()
}

/// Whether somebody who is invited with a group, as `line` has it, is in a component already. Where others sent them, the
/// organizer invites them from now on.
pub(super) fn invite_too(entry: &mut Component, line: &Property, directory: &Directory) -> bool {
    let mut lines = entry.properties_mut().filter(|it| it.is("ATTENDEE"));
    let known = lines.find(|it| directory.same_person(it.raw_value(), line.raw_value()));
    let Some(known) = known else {
        return false;
    };
    if is_only_sent(known) {
        adopt(known, Some(line), "MEMBER");
    }
    true
}

/// Writes into a component whom `delegator`, an attendee in it, with the RSVP that the organizer gave them, sends: each who
/// is not in it gets an ATTENDEE, with what `said` tells of them, and who was sent before and is not any more has none. Who
/// cannot be sent is passed over: the delegator and the organizer.
pub(super) fn write(
    entry: &mut Component,
    delegator: &Property,
    said: &Component,
    directory: &Directory,
) {
    let from = directory.person(delegator.raw_value());
    let organizer = entry.raw_value("ORGANIZER");
    let organizer = organizer.map(|address| directory.person(address));
    let asked = sequence(entry).min(sequence(said));
    let mut sent = people_sent(delegator, directory);
    sent.retain(|person, _| *person != from && Some(person) != organizer.as_ref());
    withdraw(entry, directory, |sender, person| {
        *sender == from && !sent.contains_key(person)
    });
    for (person, address) in &sent {
        let is_it = |line: &&mut Property| {
            line.is("ATTENDEE") && directory.person(line.raw_value()) == *person
        };
        if let Some(line) = entry.properties_mut().find(is_it) {
            if is_only_sent(line) {
                add_sender(line, delegator, directory);
            }
            continue;
        }
        if let Some(line) = line_of_sent((person, address), (delegator, said), asked, directory) {
            entry.push_property(line);
        }
    }
}

/// Makes a line wait for an answer.
pub(super) fn ask(line: &mut Property) {
    if participation(line) == NEEDS_ACTION {
        return;
    }
    line.remove_parameter(DELEGATED_TO);
    for (name, value) in [("PARTSTAT", NEEDS_ACTION), ("RSVP", "TRUE")] {
        line.set_parameter(name, value)
            .expect("a plain word is a valid value");
    }
}

/// Asks those again who sent `delegate` (an address), who declines, and nobody else who comes (RFC 5546 §4.2.7); whether
/// there are any.
pub(super) fn ask_again(entry: &mut Component, delegate: &str, directory: &Directory) -> bool {
    let declines = |person: &Person| {
        let mut lines = attendees(entry);
        let line = lines.find(|line| directory.person(line.raw_value()) == *person);
        line.is_some_and(|line| is_only_sent(line) && participation(line) == DECLINED)
    };
    let delegate = directory.person(delegate);
    if !declines(&delegate) {
        return false;
    }
    let is_left_alone = |line: &Property| {
        let people = people_sent(line, directory);
        people.contains_key(&delegate) && people.keys().all(declines)
    };
    let left = attendees(entry).filter(|line| is_left_alone(line));
    let left: BTreeSet<String> = left.map(|line| line.raw_value().to_owned()).collect();
    let lines = entry.properties_mut().filter(|line| line.is("ATTENDEE"));
    lines
        .filter(|line| left.contains(line.raw_value()))
        .for_each(ask);
    !left.is_empty()
}

fn people_in(line: &Property, parameter: &str, directory: &Directory) -> BTreeSet<Person> {
    let values = line.parameter_values(parameter);
    let people = values.iter().map(|address| directory.person(address));
    people.collect()
}

/// Takes what `is_lost` holds for, of who sends and who is sent, out of a component, and with it those who are only sent,
/// by nobody any more who stays.
pub(super) fn withdraw(
    entry: &mut Component,
    directory: &Directory,
    is_lost: impl Fn(&Person, &Person) -> bool,
) {
    if !attendees(entry).any(|line| line.parameter(DELEGATED_FROM).is_some()) {
        return;
    }
    let gone = sent_by_nobody(entry, directory, &is_lost);
    let person = |line: &Property| directory.person(line.raw_value());
    entry.retain_properties(|line| {
        !(line.is("ATTENDEE") && is_only_sent(line) && gone.contains(&person(line)))
    });
    let is_sent =
        |line: &&mut Property| line.is("ATTENDEE") && line.parameter(DELEGATED_FROM).is_some();
    for line in entry.properties_mut().filter(is_sent) {
        let values = line.parameter_values(DELEGATED_FROM);
        let is_left = |address: &str| {
            let sender = directory.person(address);
            !gone.contains(&sender) && !is_lost(&sender, &person(line))
        };
        let left = values.iter().filter(|address| is_left(address));
        let left: Vec<String> = left.map(|address| address.to_string()).collect();
        if left.len() < values.len() {
            set_senders(line, &left);
        }
    }
}

/// Those who are only sent, by nobody who stays once what `is_lost` holds for is lost.
fn sent_by_nobody(
    entry: &Component,
    directory: &Directory,
    is_lost: impl Fn(&Person, &Person) -> bool,
) -> BTreeSet<Person> {
    let mut senders: BTreeMap<Person, BTreeSet<Person>> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for line in attendees(entry).filter(|line| is_only_sent(line)) {
        let person = directory.person(line.raw_value());
        let mut left = people_in(line, DELEGATED_FROM, directory);
        let all = left.len();
        left.retain(|sender| !is_lost(sender, &person));
        if left.len() < all {
            gone.insert(person.clone());
        }
        senders.entry(person).or_default().extend(left);
    }
    // all who hang upon them
    loop {
        let depends = |by: &BTreeSet<Person>| by.iter().any(|sender| gone.contains(sender));
        let more = senders
            .iter()
            .filter(|(person, by)| !gone.contains(*person) && depends(by));
        let more: Vec<Person> = more.map(|(person, _)| person.clone()).collect();
        if more.is_empty() {
            break;
        }
        gone.extend(more);
    }
    // but those whom somebody else sends
    loop {
        let is_held = |person: &&Person| senders[*person].iter().any(|it| !gone.contains(it));
        let held: Vec<Person> = gone.iter().filter(is_held).cloned().collect();
        if held.is_empty() {
            return gone;
        }
        gone.retain(|person| !held.contains(person));
    }
}

fn set_senders(line: &mut Property, senders: &[String]) {
    if senders.is_empty() {
        line.remove_parameter(DELEGATED_FROM);
        return;
    }
    let senders: Vec<&str> = senders.iter().map(String::as_str).collect();
    // an address that no line can carry was read from one
    let _ = line.set_parameter_values(DELEGATED_FROM, &senders);
}

fn add_sender(line: &mut Property, delegator: &Property, directory: &Directory) {
    let from = delegator.raw_value().trim();
    let known = line.parameter_values(DELEGATED_FROM);
    if known.iter().any(|value| directory.same_person(value, from)) {
        return;
    }
    let all = known.iter().map(|value| value.to_string());
    let all: Vec<String> = all.chain([from.to_owned()]).collect();
    set_senders(line, &all);
}

/// The ATTENDEE of somebody who is sent, and asked for an answer to this SEQUENCE; `None` for an address that no line can
/// hold.
fn line_of_sent(
    (person, address): (&Person, &str),
    (delegator, said): (&Property, &Component),
    asked: u32,
    directory: &Directory,
) -> Option<Property> {
    let mut line = Property::new("ATTENDEE", address).ok()?;
    let told = attendees(said).find(|line| directory.person(line.raw_value()) == *person);
    let told = |name| told.and_then(|told| told.parameter(name));
    // RFC 5546 §3.2.2.3, §3.4.2.3: who is sent takes the delegator's place, and is asked for an answer as the delegator was;
    // where the organizer said nothing of that, as the delegator says
    let kept = [
        ("CN", told("CN")),
        ("CUTYPE", told("CUTYPE")),
        ("ROLE", delegator.parameter("ROLE").or(told("ROLE"))),
        ("RSVP", delegator.parameter("RSVP").or(told("RSVP"))),
    ];
    for (name, value) in kept {
        if let Some(value) = value {
            line.set_parameter(name, &value)
                .expect("the value comes from a valid line");
        }
    }
    if line.parameter("RSVP").is_none() {
        line.set_parameter("RSVP", "TRUE").ok()?;
    }
    line.set_parameter(DELEGATED_FROM, delegator.raw_value().trim())
        .ok()?;
    // RFC 5546 §5.2.2: an answer to an older version than the delegator's is out of date
    Revision::before_all(asked).note(&mut line, false);
    Some(line)
}

/// Writes into a component of an organizer's edit whom people sent before it, as `known` says, and the client did not
/// know of: who is sent is in it, and who is not sent any more is not. Whom they send is theirs to say, as their answer
/// is; what the client has seen, the organizer may change.
pub(super) fn follow(entry: &mut Component, known: &Component, directory: &Directory) {
    let line_of = |entry: &Component, person: &Person| {
        let mut lines = attendees(entry);
        let line = lines.find(|line| directory.person(line.raw_value()) == *person);
        line.cloned()
    };
    let sends = |delegator: &Property, person: &Person| {
        people_sent(delegator, directory).contains_key(person)
    };
    withdraw(entry, directory, |sender, person| {
        let is_known = line_of(known, person).is_some();
        let sender = line_of(known, sender).filter(is_told);
        !is_known && sender.is_some_and(|sender| !sends(&sender, person))
    });
    let mut back: BTreeSet<Person> = BTreeSet::new();
    loop {
        let missing = attendees(known).find(|line| {
            let person = directory.person(line.raw_value());
            let is_sent_by = |sender: &Person| {
                let said = line_of(known, sender).filter(is_told);
                let seen = line_of(entry, sender);
                said.is_some_and(|said| sends(&said, &person))
                    && seen.is_some_and(|seen| back.contains(sender) || !sends(&seen, &person))
            };
            is_only_sent(line)
                && is_told(line)
                && line_of(entry, &person).is_none()
                && people_in(line, DELEGATED_FROM, directory)
                    .iter()
                    .any(is_sent_by)
        });
        let Some(missing) = missing.cloned() else {
            return;
        };
        back.insert(directory.person(missing.raw_value()));
        entry.push_property(missing);
    }
}

/// Whether the server tells an attendee, so that it knows whom they send.
fn is_told(attendee: &Property) -> bool {
    agent(attendee) == Agent::Server
}
