//! What a message from outside claims to be, before anybody's copy is looked at (RFC 5546 §3.2 and §3.4; RFC 6047
//! §3).
//!
//! Whoever handed it in knows who sent it, and says so by an address; what the message says of its sender is worth
//! no more than that. What is between a client and its server (RFC 6638 §7), what the server notes for itself, and
//! alarms and the client's extensions, which are everybody's own, do not come in.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, Property, RecurrenceSet, Zone, value::date_in};

use super::{
    Addressee, Directory, Message, Method, Origin, Status, attendee_comment,
    entry::{attendees, uid},
    message::{is_among, named_zones, shared_person},
    notes::remove_notes,
    significance::is_private_extension,
};
use crate::projection::ACCESS_PROPERTY;

/// The most components of one message: a series with more exceptions is nobody's.
const MAXIMUM_COMPONENTS: usize = 2_000;
/// The most events and the like that one message publishes: each comes to its recipients by itself.
const MAXIMUM_PUBLISHED: usize = 100;
/// The most octets by which they are more than the message: each has the time zones that it names.
const MAXIMUM_OCTETS_MORE: usize = 1024 * 1024;
/// The most octets of a UID, which names logs and copies.
const MAXIMUM_UID_OCTETS: usize = 1024;

/// Why a message has no effect on anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unacceptable {
    /// For REQUEST-STATUS (RFC 5546 §3.6).
    pub status: Status,
    /// For people.
    pub reason: String,
}

impl Unacceptable {
    /// With a status and a reason.
    pub fn new(status: Status, reason: impl Into<String>) -> Unacceptable {
        Unacceptable {
            status,
            reason: reason.into(),
        }
    }
}

/// An iTIP message from outside, as its recipients' rules take it ([`super::receive`]). `sender` is the address that
/// is proven; the message's [`Message::sender`] is in whose name it speaks: the organizer or the attendee with that
/// address, or for whom the proven sender signs (SENT-BY) and, where that is somebody here, may; else the proven sender, whom the rules find to be neither.
///
/// # Errors
/// It is no message that anybody here could take.
pub fn from_outside(
    object: &CalendarObject,
    sender: &str,
    directory: &Directory,
) -> Result<Message, Unacceptable> {
    let method = method(object)?;
    let mut object = object.clone();
    leave_out_unknown(&mut object, method);
    if method.is_from_organizer() {
        complete(&mut object);
    }
    check_form(&object, method, directory)?;
    clean(&mut object, method);
    let name = in_whose_name(&object, method, sender, directory);
    Ok(Message {
        origin: Origin::Mail,
        ..Message::new(method, &name, object)
    })
}

/// What is published of several events or the like (RFC 5546 §3.2.1, §3.4.1 and §3.5.1), each by itself; `None` where it is one, or more
/// than anybody publishes in one message.
pub fn published_apart(object: &CalendarObject) -> Option<Vec<CalendarObject>> {
    let uid_of = |entry: &Component| match entry.name() {
        // busy time may have several (RFC 5546 §3.3.1)
        "VFREEBUSY" => Some(String::new()),
        name => {
            is_defined(Method::Publish, name)?;
            Some(entry.text("UID").unwrap_or_default().into_owned())
        }
    };
    let uids: BTreeSet<String> = object.entries().filter_map(uid_of).collect();
    let is_one = method(object) != Ok(Method::Publish) || uids.len() < 2;
    if is_one || uids.len() > MAXIMUM_PUBLISHED {
        return None;
    }
    let mut octets_left = object.to_octets().len() + MAXIMUM_OCTETS_MORE;
    let apart = uids.iter().map(|uid| {
        let is_meant = |it: &Component| uid_of(it).as_ref() == Some(uid);
        let zones = named_zones(object.entries().filter(|it| is_meant(it)));
        let mut object = object.clone();
        let calendar = object.calendar_mut();
        calendar.retain_components(|it| is_among(it, &zones) || is_meant(it));
        octets_left = octets_left.checked_sub(object.to_octets().len())?;
        Some(object)
    });
    apart.collect()
}

fn method(object: &CalendarObject) -> Result<Method, Unacceptable> {
    let mut methods = object.calendar().properties_named("METHOD");
    let (Some(value), None) = (methods.next(), methods.next()) else {
        let reason = "it has no METHOD, or several";
        return Err(Unacceptable::new(Status::MISSING, reason));
    };
    Method::parse(value.raw_value())
        .ok_or_else(|| Unacceptable::new(Status::UNSUPPORTED, "its METHOD is not known here"))
}

/// Components that nobody knows (IANA-COMPONENT and X-COMPONENT in the tables of RFC 5546 §3) may stand beside those that
/// the message is about.
fn leave_out_unknown(object: &mut CalendarObject, method: Method) {
    let is_known = |component: &Component| is_defined(method, component.name()).is_some();
    if object.entries().any(is_known) {
        let calendar = object.calendar_mut();
        calendar.retain_components(|it| it.is("VTIMEZONE") || is_known(it));
    }
}

/// Exchange leaves instances of former versions in a series, which name nobody: they go. One that names attendees but
/// no organizer is of the organizer of the others.
fn complete(object: &mut CalendarObject) {
    let organizer = object.entries().find_map(|it| it.property("ORGANIZER"));
    let Some(organizer) = organizer.cloned() else {
        return;
    };
    object.calendar_mut().retain_components(|component| {
        let names_somebody =
            component.property("ORGANIZER").is_some() || attendees(component).next().is_some();
        names_somebody || component.property("RECURRENCE-ID").is_none()
    });
    for entry in object.entries_mut() {
        if entry.property("ORGANIZER").is_none() {
            entry.push_property(organizer.clone());
        }
    }
}

/// Whether there is such a message (RFC 5546 §3.2 to §3.5); `None` about what nobody sends messages.
fn is_defined(method: Method, component: &str) -> Option<bool> {
    match component {
        "VEVENT" | "VTODO" => Some(true),
        "VJOURNAL" => Some(matches!(
            method,
            Method::Publish | Method::Add | Method::Cancel
        )),
        "VFREEBUSY" => Some(matches!(
            method,
            Method::Publish | Method::Request | Method::Reply
        )),
        _ => None,
    }
}

fn check_kind(object: &CalendarObject, method: Method) -> Result<(), Unacceptable> {
    let defined: Option<Vec<bool>> = object
        .entries()
        .map(|entry| is_defined(method, entry.name()))
        .collect();
    match defined {
        Some(defined) if !defined.is_empty() => match defined.iter().all(|it| *it) {
            true => Ok(()),
            false => {
                let reason = "there is no such METHOD of this component";
                Err(Unacceptable::new(Status::UNSUPPORTED, reason))
            }
        },
        _ => {
            let reason = "it is about nothing that messages are about";
            Err(Unacceptable::new(Status::UNSUPPORTED_COMPONENT, reason))
        }
    }
}

/// One event, to-do or journal entry, by one organizer, each component for one part of it; or busy time, whose
/// components are each for a time of its own (RFC 5546 §3.3.1).
fn check_form(
    object: &CalendarObject,
    method: Method,
    directory: &Directory,
) -> Result<(), Unacceptable> {
    let fault = |status, reason: &str| Err(Unacceptable::new(status, reason));
    let entries = || object.entries();
    check_kind(object, method)?;
    if entries().count() > MAXIMUM_COMPONENTS {
        return fault(Status::TOO_LARGE, "it has too many components");
    }
    let uid = uid(object);
    if uid.is_empty() || uid.len() > MAXIMUM_UID_OCTETS {
        return fault(Status::MISSING, "it has no UID, or one that is too long");
    }
    let kind = entries().next().map(Component::name);
    let is_busy_time = kind == Some("VFREEBUSY");
    let is_one = |entry: &Component| {
        Some(entry.name()) == kind
            && entry
                .text("UID")
                .is_some_and(|it| it == uid || is_busy_time)
    };
    if !entries().all(is_one) {
        let reason = "its components are not about one event";
        return fault(Status::INVALID_VALUE, reason);
    }
    let organizers: Vec<&str> = entries()
        .filter_map(|entry| entry.raw_value("ORGANIZER"))
        .collect();
    let is_another = |other: &&str| !directory.same_person(organizers[0], other);
    if organizers.iter().any(is_another) {
        let reason = "its components have different organizers";
        return fault(Status::INVALID_VALUE, reason);
    }
    // Some answers of Exchange name none.
    if method.is_from_organizer() && organizers.len() != entries().count() {
        return fault(Status::MISSING, "it has no ORGANIZER");
    }
    // who proposes another event need not be named (RFC 5546 §3.2.7)
    let needs_attendee =
        !method.is_from_organizer() && (method != Method::Counter || kind != Some("VEVENT"));
    if needs_attendee && entries().any(|entry| attendees(entry).next().is_none()) {
        return fault(Status::MISSING, "it has no ATTENDEE");
    }
    match is_busy_time {
        true => Ok(()),
        false => check_parts(object, method),
    }
}

/// Each component is about a part of its own, whose name can be read: one that cannot would be taken for the series.
fn check_parts(object: &CalendarObject, method: Method) -> Result<(), Unacceptable> {
    let set = RecurrenceSet::of(object, &Zone::utc());
    let mut parts = BTreeSet::new();
    for entry in object.entries() {
        let named = date_in(entry, "RECURRENCE-ID");
        if named.is_none() && entry.property("RECURRENCE-ID").is_some() {
            let reason = "its RECURRENCE-ID cannot be read";
            return Err(Unacceptable::new(Status::INVALID_VALUE, reason));
        }
        // what ADD adds has its beginning for a name (RFC 5546 §3.2.4); a to-do may only be due (§3.4.4)
        let begins = date_in(entry, "DTSTART").or_else(|| date_in(entry, "DUE"));
        let begins = begins.filter(|_| method == Method::Add);
        if method == Method::Add && begins.is_none() {
            let reason = "what it adds does not begin at any time";
            return Err(Unacceptable::new(Status::MISSING, reason));
        }
        // one instance has several names: in UTC, and in its zone
        let part = named.or(begins).map(|date| set.key_of(&date));
        if !parts.insert(part) {
            let reason = "two of its components are about the same instance";
            return Err(Unacceptable::new(Status::INVALID_VALUE, reason));
        }
    }
    Ok(())
}

/// Takes out what is nobody's to say from outside, and writes METHOD as RFC 5546 does.
fn clean(object: &mut CalendarObject, method: Method) {
    let calendar = object.calendar_mut();
    calendar
        .set_raw_value("METHOD", method.as_str())
        .expect("a word is a valid value");
    calendar.remove_properties(ACCESS_PROPERTY);
    remove_notes(calendar);
    for entry in object.entries_mut() {
        entry.retain_components(|component| !component.is("VALARM"));
        entry.retain_properties(|line| {
            let is_for_organizer = method == Method::Reply && attendee_comment::is_private(line);
            is_for_organizer || !is_private_extension(line.name())
        });
        let people = entry.properties_mut();
        for line in people.filter(|line| matches!(line.name(), "ORGANIZER" | "ATTENDEE")) {
            *line = shared_person(line);
        }
        // it is the organizer's (RFC 5546 §3.2.3 knows it, and clients send what they have)
        if method == Method::Reply && entry.is("VEVENT") {
            entry.remove_properties("STATUS");
        }
    }
}

fn in_whose_name(
    object: &CalendarObject,
    method: Method,
    sender: &str,
    directory: &Directory,
) -> String {
    let name = match method.is_from_organizer() {
        true => "ORGANIZER",
        false => "ATTENDEE",
    };
    let lines = || {
        let lines = object.entries().flat_map(Component::properties);
        lines.filter(move |line| line.is(name))
    };
    let is_own = |line: &&Property| directory.same_person(line.raw_value(), sender);
    // Who may sign for people here is known here; for people elsewhere it is their own mail system's to know.
    let may_sign = |principal: &str| {
        *directory.get(principal) == Addressee::Remote || directory.may_speak_for(principal, sender)
    };
    let is_signed = |line: &&Property| {
        let deputy = line.parameter("SENT-BY");
        deputy.is_some_and(|deputy| directory.same_person(&deputy, sender))
            && may_sign(line.raw_value())
    };
    let line = lines().find(is_own).or_else(|| lines().find(is_signed));
    line.map_or(sender, Property::raw_value).trim().to_owned()
}
