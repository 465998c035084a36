//! What an edit changes for the other people in an object.

use calendar::{CalendarObject, Component, Property};

use super::{
    entry::{is_cancelled, single},
    when::{TIME, place},
};

/// Properties that mean nothing to others: bookkeeping, and each person's own progress.
const PRIVATE: [&str; 7] = [
    "CREATED",
    "DTSTAMP",
    "LAST-MODIFIED",
    "SEQUENCE",
    "PERCENT-COMPLETE",
    "COMPLETED",
    "REQUEST-STATUS",
];

/// X- properties that are part of the invitation; all others are the client's own business.
const SHARED_EXTENSIONS: [&str; 3] = [
    "X-ALT-DESC",
    "X-APPLE-STRUCTURED-LOCATION",
    "X-GOOGLE-CONFERENCE",
];

/// Whether a property is private to the one who stores it.
pub(super) fn is_private(name: &str) -> bool {
    PRIVATE.contains(&name) || is_private_extension(name)
}

/// Whether a property is an extension that others do not get.
pub(super) fn is_private_extension(name: &str) -> bool {
    name.starts_with("X-") && !SHARED_EXTENSIONS.contains(&name)
}

/// What an organizer's edit of a single event changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Another time, or not cancelled any more: participation is asked anew (RFC 6638 §3.2.8).
    pub asks_anew: bool,
    /// SEQUENCE must rise (RFC 5546 §2.1.4).
    pub revision: bool,
    /// Something that attendees see, participation aside.
    pub visible: bool,
}

/// Compares two states of a single event.
pub(super) fn changes(before: &CalendarObject, after: &CalendarObject) -> Changes {
    let (Some(old), Some(new)) = (single(before), single(after)) else {
        return Changes {
            asks_anew: true,
            revision: true,
            visible: true,
        };
    };
    let time = rescheduled(before, after);
    let reinstated = is_cancelled(old) && !is_cancelled(new);
    let status = upper(old.raw_value("STATUS")) != upper(new.raw_value("STATUS"));
    Changes {
        asks_anew: time || reinstated,
        revision: time || status,
        visible: time
            || status
            || visible_lines(old) != visible_lines(new)
            || inner(old) != inner(new),
    }
}

fn upper(value: Option<&str>) -> Option<String> {
    value.map(|value| value.trim().to_ascii_uppercase())
}

/// Whether a single event stands at another time: moments are compared, not texts.
pub(super) fn rescheduled(before: &CalendarObject, after: &CalendarObject) -> bool {
    let (Some(old), Some(new)) = (single(before), single(after)) else {
        return true;
    };
    place(before, old) != place(after, new)
}

/// The lines that attendees see, without their participation, in one form and order.
fn visible_lines(entry: &Component) -> Vec<String> {
    let mut lines: Vec<String> = entry
        .properties()
        .filter(|property| !is_private(property.name()) && !TIME.contains(&property.name()))
        .map(|property| canonical(property, |name| is_participation(property, name)))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Components within, alarms aside: alarms are each person's own.
fn inner(entry: &Component) -> Vec<&Component> {
    entry
        .components()
        .filter(|component| !component.is("VALARM"))
        .collect()
}

/// Parameters of a person that tell about messages and answers, not about the meeting.
pub(super) fn is_participation(property: &Property, parameter: &str) -> bool {
    const TOLD: [&str; 5] = [
        "PARTSTAT",
        "RSVP",
        "SCHEDULE-STATUS",
        "SCHEDULE-AGENT",
        "SCHEDULE-FORCE-SEND",
    ];
    matches!(property.name(), "ATTENDEE" | "ORGANIZER")
        && (TOLD.contains(&parameter) || parameter.starts_with("X-"))
}

/// Parameters of a person that an answer may bring.
pub(super) fn is_answer(property: &Property, parameter: &str) -> bool {
    const BROUGHT: [&str; 4] = ["CN", "SENT-BY", "DELEGATED-TO", "DELEGATED-FROM"];
    is_participation(property, parameter)
        || (property.is("ATTENDEE") && BROUGHT.contains(&parameter))
}

/// A line in one form: name, parameters in order and decoded, value as it stands.
pub(super) fn canonical(property: &Property, without: impl Fn(&str) -> bool) -> String {
    let mut parameters: Vec<(String, String)> = property
        .parameters()
        .map(|parameter| {
            (
                parameter.name().to_ascii_uppercase(),
                parameter.value().into_owned(),
            )
        })
        .filter(|(name, value)| !without(name) && !is_default(property.name(), name, value))
        .collect();
    parameters.sort();
    let mut line = property.name().to_owned();
    for (name, value) in parameters {
        line.extend([";", &name, "=", &value]);
    }
    line.extend([":", property.raw_value()]);
    line
}

/// Parameters that say what would hold without them (RFC 5545 §3.2.3, §3.2.16, §3.8.2.4).
fn is_default(property: &str, parameter: &str, value: &str) -> bool {
    matches!(
        (property, parameter, value),
        ("ATTENDEE", "CUTYPE", "INDIVIDUAL")
            | ("ATTENDEE", "ROLE", "REQ-PARTICIPANT")
            | ("DTSTART" | "DTEND" | "DUE", "VALUE", "DATE-TIME")
    )
}
