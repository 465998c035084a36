//! What an edit changes for the other people in an object.

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    delegation::{DELEGATED_FROM, DELEGATED_TO},
    entry::is_cancelled,
    meeting::{Meeting, Part},
    pattern,
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

/// Properties that say which instances there are, and which one a component is.
const INSTANCES: [&str; 5] = ["RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"];

/// What an organizer's edit of one component changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// An instance is new, at another time, or not cancelled any more: participation is asked anew (RFC 6638
    /// §3.2.8).
    pub asks_anew: bool,
    /// SEQUENCE must rise (RFC 5546 §2.1.4).
    pub revision: bool,
    /// Something that attendees see, participation aside. Instances that are taken out by EXDATE are not: they
    /// are cancelled.
    pub visible: bool,
}

impl Changes {
    /// A component that was not there.
    const NEW: Changes = Changes {
        asks_anew: true,
        revision: true,
        visible: true,
    };
}

/// What changed in one part of an object.
pub(super) fn changes(before: &Meeting<'_>, after: &Meeting<'_>, part: Part) -> Changes {
    let Some(new) = after.get(part) else {
        return Changes::default();
    };
    match (part, before.get(part)) {
        (Part::Series, Some(_)) => changes_of_series(before, after, new),
        // all later instances become what it says, or are not any more
        (Part::Instance(_), Some(old)) if is_of_later_ones(old) != is_of_later_ones(new) => {
            Changes::NEW
        }
        (Part::Instance(_), Some(old)) => between(before.object, old, after.object, new),
        (Part::Instance(key), None) if before.yields(key) => match before.series_at(key) {
            Some(old) => between(before.object, &old, after.object, new),
            None => Changes::NEW,
        },
        (_, None) => Changes::NEW,
    }
}

/// What a part of `after` was: an instance that had no component was as the series; of a series that is a single event
/// now, it is that instance.
pub(super) fn earlier_part(before: &Meeting<'_>, after: &Meeting<'_>, part: Part) -> Part {
    let single = after.series().filter(|series| !pattern::recurs(series));
    let key = match (part, single) {
        (Part::Series, Some(single)) => before.key_of_start(single),
        (part, _) => part.key(),
    };
    let own = key.map(Part::Instance).filter(|own| before.has(*own));
    own.unwrap_or(Part::Series)
}

fn changes_of_series(before: &Meeting<'_>, after: &Meeting<'_>, new: &Component) -> Changes {
    let Some(old) = before.series() else {
        return Changes::NEW;
    };
    if pattern::recurs(old) && !pattern::recurs(new) {
        return changes_of_the_only_one(before, after, new);
    }
    let own = between(before.object, old, after.object, new);
    let pattern = pattern::compare(before, after);
    let reinstated = after_all(before, after).next().is_some();
    Changes {
        asks_anew: own.asks_anew || pattern.adds || reinstated,
        revision: own.revision || pattern.differs || reinstated || takes_out(before, after),
        visible: own.visible || pattern.differs || reinstated,
    }
}

/// Whether a component says what all instances are from its own on (RFC 5545 §3.2.13).
pub(super) fn is_of_later_ones(entry: &Component) -> bool {
    let id = entry.property("RECURRENCE-ID");
    let range = id.and_then(|id| id.parameter("RANGE"));
    range.is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
}

/// A series becomes a single event: it is what the instance was that begins there.
fn changes_of_the_only_one(before: &Meeting<'_>, after: &Meeting<'_>, new: &Component) -> Changes {
    let key = before.key_of_start(new);
    let Some(was) = key.and_then(|key| before.component_at(key)) else {
        return Changes::NEW;
    };
    Changes {
        revision: true,
        visible: true,
        ..between(before.object, &was, after.object, new)
    }
}

/// Whether an instance says anything that attendees see but its series does not.
pub(super) fn differs_from_series(meeting: &Meeting<'_>, key: InstanceKey) -> bool {
    from_series(meeting, key).visible
}

/// Whether an instance is at another time than the series has it.
pub(super) fn is_moved(meeting: &Meeting<'_>, key: InstanceKey) -> bool {
    from_series(meeting, key).asks_anew
}

/// What an instance changes of what its series says.
fn from_series(meeting: &Meeting<'_>, key: InstanceKey) -> Changes {
    let (own, series) = (meeting.get(Part::Instance(key)), meeting.series_at(key));
    match (own, series) {
        (Some(own), Some(series)) => between(meeting.object, &series, meeting.object, own),
        _ => Changes::NEW,
    }
}

/// The instances that take place after all, as the series has them: they were taken out or cancelled.
pub(super) fn after_all(
    before: &Meeting<'_>,
    after: &Meeting<'_>,
) -> impl Iterator<Item = InstanceKey> {
    let cancelled = before.instances().filter(|(_, entry)| is_cancelled(entry));
    let out = before.excluded.iter().copied();
    let apart = out
        .chain(cancelled.map(|(key, _)| key))
        .filter(|key| !after.has(Part::Instance(*key)));
    after.yielded(apart).into_iter()
}

/// Whether EXDATE takes out what was there.
fn takes_out(before: &Meeting<'_>, after: &Meeting<'_>) -> bool {
    let new = || after.excluded.difference(&before.excluded).copied();
    new().any(|key| before.has(Part::Instance(key))) || !before.yielded(new()).is_empty()
}

/// What is between two states of one component.
fn between(
    before: &CalendarObject,
    old: &Component,
    after: &CalendarObject,
    new: &Component,
) -> Changes {
    let time = place(before, old) != place(after, new);
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

/// The lines that attendees see, without their participation and whom they send, in one form and order.
fn visible_lines(entry: &Component) -> Vec<String> {
    let mut lines: Vec<String> = entry
        .properties()
        .filter(|property| {
            let name = property.name();
            !is_private(name) && !TIME.contains(&name) && !INSTANCES.contains(&name)
        })
        .map(|property| {
            canonical(property, |name| {
                is_participation(property, name) || matches!(name, DELEGATED_TO | DELEGATED_FROM)
            })
        })
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
    const BROUGHT: [&str; 4] = ["CN", "SENT-BY", DELEGATED_TO, DELEGATED_FROM];
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
