//! Scheduling messages (RFC 5546 §3.2 and §3.4).

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use calendar::{CalendarObject, Component, Limits, Property};
use icalendar::Component as _;
use serde::{Deserialize, Serialize};
use storage::Timestamp;

use super::{
    away::{AWAY, away},
    entry::{NEEDS_ACTION, attendees, participation, sequence, uid},
    meeting::Meeting,
    notes::remove_notes,
    own::own_progress,
    sequence::set_sequence,
    significance::is_private_extension,
};

/// The iTIP methods that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// An invitation or its update.
    Request,
    /// An attendee's answer.
    Reply,
    /// The meeting, or this person's part in it, is off.
    Cancel,
    /// Instances more (RFC 5546 §3.2.4). Understood when it comes, never sent: a REQUEST says it, too.
    Add,
    /// An attendee asks for the newest version (RFC 5546 §3.2.6).
    Refresh,
    /// An attendee proposes something else (RFC 5546 §3.2.7). Never sent.
    Counter,
    /// The organizer does not take up what an attendee proposed (RFC 5546 §3.2.8).
    DeclineCounter,
    /// For whoever wants it; it invites nobody (RFC 5546 §3.2.1). Never sent.
    Publish,
}

impl Method {
    /// All of them.
    const ALL: [Method; 8] = [
        Method::Request,
        Method::Reply,
        Method::Cancel,
        Method::Add,
        Method::Refresh,
        Method::Counter,
        Method::DeclineCounter,
        Method::Publish,
    ];

    /// The value of METHOD.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Request => "REQUEST",
            Method::Reply => "REPLY",
            Method::Cancel => "CANCEL",
            Method::Add => "ADD",
            Method::Refresh => "REFRESH",
            Method::Counter => "COUNTER",
            Method::DeclineCounter => "DECLINECOUNTER",
            Method::Publish => "PUBLISH",
        }
    }

    /// The method with this value, in whatever case (RFC 5545 §1.3.2 and §3.7.2).
    pub fn parse(value: &str) -> Option<Method> {
        let value = value.trim();
        let mut all = Method::ALL.into_iter();
        all.find(|method| method.as_str().eq_ignore_ascii_case(value))
    }

    /// Whether the organizer sends it; else an attendee does (RFC 5546 §1.4).
    pub fn is_from_organizer(self) -> bool {
        match self {
            Method::Request
            | Method::Cancel
            | Method::Add
            | Method::DeclineCounter
            | Method::Publish => true,
            Method::Reply | Method::Refresh | Method::Counter => false,
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Where a message comes from, which says how far its order can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From a commit of this server: commits have an order, and clocks decide nothing.
    Here,
    /// From a commit of this server, delivered after it, and still in the order in which all was decided: what its
    /// recipient said meanwhile it does not know.
    Queue,
    /// By mail: late, twice, or out of order; SEQUENCE and DTSTAMP decide (RFC 5546 §2.1.5).
    Mail,
}

/// One message to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its method.
    pub method: Method,
    /// Where it comes from.
    pub origin: Origin,
    /// The sender's calendar user address as in the object.
    pub sender: String,
    /// The UID.
    pub uid: String,
    /// It shows only what others answered: no inbox item, no new Schedule-Tag.
    pub is_refresh: bool,
    /// It tells the recipient what they answered by another way than their copy.
    pub tells_answer: bool,
    /// It is sent again, although nothing else changed (RFC 6638 §3.2.7): its recipient hears of it all the same.
    pub is_sent_again: bool,
    /// The parts for which the organizer asks this person again (RFC 6638 §3.2.8), or in which the person has taken an answer
    /// back, by [`part_name`], where it says NEEDS-ACTION of them there.
    pub asks_again: BTreeSet<String>,
    /// It waited in the inbox for another message ([`super::held_answer`]).
    pub has_waited: bool,
    /// The iCalendar stream with its METHOD: what the inbox keeps.
    pub object: CalendarObject,
    /// All that the recipient is told of the meeting, where that is more than the message says: whoever has no copy any
    /// more gets it whole.
    pub whole: Option<Arc<CalendarObject>>,
}

impl Message {
    pub(super) fn new(method: Method, sender: &str, object: CalendarObject) -> Message {
        Message {
            method,
            origin: Origin::Here,
            sender: sender.to_owned(),
            uid: uid(&object),
            is_refresh: false,
            tells_answer: false,
            is_sent_again: false,
            asks_again: BTreeSet::new(),
            has_waited: false,
            object,
            whole: None,
        }
    }

    /// Whether it asks when its recipient is busy (RFC 5546 §3.3.2).
    pub fn asks_for_busy_time(&self) -> bool {
        self.method == Method::Request && self.entries().all(|entry| entry.is("VFREEBUSY"))
    }

    /// Its components.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Component> {
        self.object.entries()
    }
}

/// How a message tells its components apart: by RECURRENCE-ID as it is written, which the series has not.
pub fn part_name(entry: &Component) -> &str {
    entry.raw_value("RECURRENCE-ID").unwrap_or_default()
}

/// Whose product the messages are (RFC 5545 §3.7.3).
pub const PRODUCT: &str = "-//Convoke//Convoke//EN";

/// A moment as a UTC date-time (RFC 5545 §3.3.5).
pub(crate) fn utc(now: Timestamp) -> String {
    let now = jiff::Timestamp::from_second(now.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// An invitation to these components of an object (RFC 5546 §3.2.2): without alarms and what else is the
/// organizer's own.
pub(super) fn request(
    organizer: &str,
    source: &CalendarObject,
    entries: Vec<Component>,
    now: Timestamp,
) -> Message {
    let entries = entries.into_iter().map(|entry| invitation(entry, now));
    let object = frame(Method::Request, entries.collect(), source);
    Message::new(Method::Request, organizer, object)
}

fn invitation(entry: Component, now: Timestamp) -> Component {
    let mut entry = shared_view(entry);
    set_stamp(&mut entry, now);
    for attendee in entry
        .properties_mut()
        .filter(|property| property.is("ATTENDEE"))
    {
        // without it clients show no buttons; one who wants no answer says RSVP=FALSE
        if participation(attendee) == NEEDS_ACTION && attendee.parameter("RSVP").is_none() {
            attendee
                .set_parameter("RSVP", "TRUE")
                .expect("a plain word is a valid value");
        }
    }
    entry
}

/// What is called off for one attendee.
pub(super) struct CalledOff<'a> {
    /// The component, as it was.
    pub entry: &'a Component,
    /// The attendee in it.
    pub attendee: &'a Property,
    /// SEQUENCE of the cancellation.
    pub sequence: u32,
    /// It takes place for nobody any more, which STATUS says.
    pub whole: bool,
}

/// A cancellation for one attendee (RFC 5546 §3.2.5).
pub(super) fn cancel(
    organizer: &str,
    source: &CalendarObject,
    called_off: &[CalledOff<'_>],
    now: Timestamp,
) -> Message {
    let entries = called_off.iter().map(|it| cancellation(it, now));
    let object = frame(Method::Cancel, entries.collect(), source);
    Message::new(Method::Cancel, organizer, object)
}

fn cancellation(called_off: &CalledOff<'_>, now: Timestamp) -> Component {
    let original = called_off.entry;
    let mut entry = skeleton(original, now, called_off.sequence, called_off.whole);
    say_sequence(&mut entry);
    copy(&mut entry, original, &NAMING);
    let people = original.property("ORGANIZER").into_iter();
    people
        .chain([called_off.attendee])
        .map(shared_person)
        .for_each(|person| entry.push_property(person));
    entry
}

/// SEQUENCE must be there also where it is zero (RFC 5546 §3.2.5, §3.2.8, §3.4.5 and §3.4.8).
fn say_sequence(entry: &mut Component) {
    if entry.property("SEQUENCE").is_none() {
        let zero = Property::new("SEQUENCE", "0").expect("a digit is a valid value");
        entry.push_property(zero);
    }
}

/// What is not taken up of a proposal.
pub(super) struct DeclinedProposal<'a> {
    /// The component, as the organizer has it.
    pub entry: &'a Component,
    /// What was proposed for it.
    pub proposed: &'a Component,
}

/// What tells an attendee that a proposal is not taken up (RFC 5546 §3.2.8 and §3.4.8). `None` where the comment is no text.
pub(super) fn decline_counter<'a>(
    organizer: &str,
    source: &CalendarObject,
    declined: impl Iterator<Item = DeclinedProposal<'a>>,
    comment: Option<&str>,
    now: Timestamp,
) -> Option<Message> {
    let comment = comment.map(|text| Property::with_text("COMMENT", text));
    let comment = comment.transpose().ok()?;
    let entries = declined.map(|it| {
        let mut entry = skeleton(it.entry, now, sequence(it.proposed), false);
        say_sequence(&mut entry);
        copy(&mut entry, it.entry, &NAMING);
        copy(&mut entry, it.entry, &["PRIORITY"]);
        let people = it.entry.property("ORGANIZER").into_iter();
        for person in people.chain(attendees(it.entry)).map(shared_person) {
            entry.push_property(person);
        }
        if let Some(comment) = &comment {
            entry.push_property(comment.clone());
        }
        entry
    });
    let object = frame(Method::DeclineCounter, entries.collect(), source);
    Some(Message::new(Method::DeclineCounter, organizer, object))
}

/// What an attendee answers about one component.
pub(super) struct Answer<'a> {
    /// The component, as the attendee has it.
    pub entry: &'a Component,
    /// The attendee in it.
    pub attendee: &'a Property,
    /// What the attendee says beside.
    pub comments: Vec<&'a Property>,
}

/// An answer (RFC 5546 §3.2.3), about at least one component.
pub(super) fn reply(source: &CalendarObject, answers: &[Answer<'_>], now: Timestamp) -> Message {
    let entries = answers.iter().map(|answer| answered(source, answer, now));
    let object = frame(Method::Reply, entries.collect(), source);
    let sender = answers.first().map(|answer| answer.attendee.raw_value());
    Message::new(Method::Reply, sender.unwrap_or_default().trim(), object)
}

/// Of ATTENDEE it has the one who answers, also where they send somebody: so the table of RFC 5546 §3.2.3 has it, by which
/// programs check what they get, and the example of §4.2.5. (The text of §4.2.5 wants an ATTENDEE for the delegate, too; what
/// an organizer knows of a delegate whom nobody describes, DELEGATED-TO and the delegate's own answer say.)
fn answered(source: &CalendarObject, answer: &Answer<'_>, now: Timestamp) -> Component {
    let original = answer.entry;
    let mut entry = skeleton(original, now, sequence(original), false);
    copy(&mut entry, original, &NAMING);
    if original.property(AWAY).is_some() {
        // EXDATE is the organizer's (RFC 5546 §3.2.3), and what the attendee took out is not in it
        let copy = Meeting::of(source);
        away(&copy)
            .into_iter()
            .for_each(|key| copy.readmit(&mut entry, key));
    }
    for line in own_progress(original) {
        entry.push_property(line.clone());
    }
    let mut attendee = shared_person(answer.attendee);
    attendee.remove_parameter("RSVP");
    if attendee.parameter("PARTSTAT").is_none() {
        // what was answered before is taken back, in so many words
        attendee
            .set_parameter("PARTSTAT", NEEDS_ACTION)
            .expect("a plain word is a valid value");
    }
    let organizer = original.property("ORGANIZER").map(shared_person);
    organizer
        .into_iter()
        .chain([attendee])
        .for_each(|person| entry.push_property(person));
    for comment in &answer.comments {
        entry.push_property((*comment).clone());
    }
    entry.push_property(
        Property::new("REQUEST-STATUS", "2.0;Success").expect("a plain value is valid"),
    );
    entry
}

/// What asks an organizer for the newest version of a meeting (RFC 5546 §3.2.6): `about` is what came of it, and
/// `attendee` who asks.
pub(super) fn refresh_request(
    about: &CalendarObject,
    attendee: &Property,
    now: Timestamp,
) -> Option<Message> {
    let original = about.entries().next()?;
    let mut entry = skeleton(original, now, 0, false);
    copy(&mut entry, original, &["UID"]);
    let mut attendee = shared_person(attendee);
    for parameter in ["RSVP", "PARTSTAT"] {
        attendee.remove_parameter(parameter);
    }
    let sender = attendee.raw_value().trim().to_owned();
    // of a task it must not be there (RFC 5546 §3.4.6)
    let organizer = original
        .property("ORGANIZER")
        .filter(|_| !original.is("VTODO"));
    let organizer = organizer.map(shared_person);
    for person in organizer.into_iter().chain([attendee]) {
        entry.push_property(person);
    }
    let object = frame(Method::Refresh, vec![entry], about);
    Some(Message::new(Method::Refresh, &sender, object))
}

/// What tells people, and programs that know the object, which component a message is about.
const NAMING: [&str; 11] = [
    "UID",
    "RECURRENCE-ID",
    "SUMMARY",
    "LOCATION",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
];

/// A component as others may see it.
fn shared_view(mut entry: Component) -> Component {
    entry.retain_components(|component| !component.is("VALARM"));
    entry.retain_properties(|property| {
        !is_private_extension(property.name()) && !property.is("REQUEST-STATUS")
    });
    for person in entry
        .properties_mut()
        .filter(|property| matches!(property.name(), "ATTENDEE" | "ORGANIZER"))
    {
        *person = shared_person(person);
    }
    entry
}

/// ORGANIZER or ATTENDEE without what is between the client and its server (RFC 6638 §7.1 to §7.3).
pub(super) fn shared_person(person: &Property) -> Property {
    let mut person = person.clone();
    for parameter in ["SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND"] {
        person.remove_parameter(parameter);
    }
    person
}

/// DTSTAMP is the moment of the message (RFC 6638 §3.2.5).
fn set_stamp(entry: &mut Component, now: Timestamp) {
    entry.set_property(Property::new("DTSTAMP", &utc(now)).expect("a date is a valid value"));
}

/// A component with only what the server knows by itself. (What users wrote is copied line by line
/// and never goes through the builder, whose time grows with the square of a line's length.)
fn skeleton(original: &Component, now: Timestamp, sequence: u32, cancelled: bool) -> Component {
    let stamp = utc(now);
    let text = if original.is("VTODO") {
        let mut todo = icalendar::Todo::new();
        todo.add_property("DTSTAMP", &stamp).uid("-");
        if cancelled {
            todo.add_property("STATUS", "CANCELLED");
        }
        todo.try_into_string()
    } else {
        let mut event = icalendar::Event::new();
        event.add_property("DTSTAMP", &stamp).uid("-");
        if cancelled {
            event.add_property("STATUS", "CANCELLED");
        }
        event.try_into_string()
    };
    let text = text.expect("writing to a String cannot fail");
    let mut entry = Component::parse(text.as_bytes(), &Limits::default())
        .expect("the builder writes valid components");
    entry.remove_properties("UID");
    set_sequence(&mut entry, sequence);
    entry
}

fn copy(entry: &mut Component, original: &Component, names: &[&str]) {
    for property in original
        .properties()
        .filter(|property| names.contains(&property.name()))
    {
        entry.push_property(property.clone());
    }
}

/// The stream around components, without the server's notes: METHOD, and those time zones of `source` that they refer to.
fn frame(method: Method, entries: Vec<Component>, source: &CalendarObject) -> CalendarObject {
    let mut frame = icalendar::Calendar::empty();
    frame.append_property(("VERSION", "2.0"));
    frame.append_property(("PRODID", PRODUCT));
    frame.append_property(("METHOD", method.as_str()));
    let text = frame.to_string();
    let mut object = CalendarObject::parse(text.as_bytes(), &Limits::default())
        .expect("the builder writes a valid calendar");
    let zones = named_zones(entries.iter());
    let calendar = object.calendar_mut();
    for zone in source.components().filter(|it| is_among(it, &zones)) {
        calendar.push_component(zone.clone());
    }
    for mut entry in entries {
        remove_notes(&mut entry);
        calendar.push_component(entry);
    }
    object
}

/// The time zones that components name.
pub(super) fn named_zones<'e>(entries: impl Iterator<Item = &'e Component>) -> BTreeSet<String> {
    let lines = entries.flat_map(Component::properties);
    let names = lines.filter_map(|line| line.parameter("TZID"));
    names.map(Cow::into_owned).collect()
}

/// Whether a component is one of these time zones.
pub(super) fn is_among(component: &Component, zones: &BTreeSet<String>) -> bool {
    let name = component.text("TZID");
    component.is("VTIMEZONE") && name.is_some_and(|name| zones.contains(name.as_ref()))
}
