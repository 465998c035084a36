//! What an edit changes for the other people in an object.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Component, InstanceKey, Property};

use super::{
    entry::{NEEDS_ACTION, is_cancelled},
    later_ones::{goes_on_at, is_of_later_ones},
    meeting::{Meeting, Part},
    pattern,
    sameness::has_same_lines,
    when::{TIME, place},
};

/// Properties that mean nothing to others: bookkeeping.
const PRIVATE: [&str; 5] = [
    "CREATED",
    "DTSTAMP",
    "LAST-MODIFIED",
    "SEQUENCE",
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

    fn and(self, other: Changes) -> Changes {
        Changes {
            asks_anew: self.asks_anew || other.asks_anew,
            revision: self.revision || other.revision,
            visible: self.visible || other.visible,
        }
    }
}

/// What changed in one part of an object.
pub(super) fn changes(before: &Meeting<'_>, after: &Meeting<'_>, part: Part) -> Changes {
    let Some(new) = after.get(part) else {
        return Changes::default();
    };
    match (part, before.get(part)) {
        (Part::Series, Some(_)) => changes_of_series(before, after, new),
        // all later instances become what it says
        (Part::Instance(_), Some(old)) if is_of_later_ones(new) && !is_of_later_ones(old) => {
            Changes::NEW
        }
        (Part::Instance(_), Some(old)) => between(before.object, old, after.object, new),
        (Part::Instance(key), None) if before.yields(key) => match before.component_at(key) {
            Some(old) => between(before.object, &old, after.object, new),
            None => Changes::NEW,
        },
        (_, None) => Changes::NEW,
    }
}

/// What a part of `after` was: an instance that had no component was as what is behind it; of a series that is a single
/// event now, it is that instance.
pub(super) fn earlier_part(before: &Meeting<'_>, after: &Meeting<'_>, part: Part) -> Part {
    let single = after.series().filter(|series| !pattern::recurs(series));
    let key = match (part, single) {
        (Part::Series, Some(single)) => before.key_of_start(single),
        (part, _) => part.key(),
    };
    key.map_or(Part::Series, |key| before.part_of(Part::Instance(key)))
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
    let falls_back = fall_back(before, after);
    Changes {
        asks_anew: own.asks_anew || pattern.adds || reinstated || falls_back.asks_anew,
        revision: own.revision
            || pattern.differs
            || reinstated
            || falls_back.revision
            || takes_out(before, after),
        visible: own.visible || pattern.differs || reinstated || falls_back.visible,
    }
}

/// What changes by instances not being any more, with all later ones, what a component said; where another one says it from
/// the next on, that is compared.
fn fall_back(before: &Meeting<'_>, after: &Meeting<'_>) -> Changes {
    let said_so = before.instances().filter(|(key, old)| {
        let new = after.get(Part::Instance(*key));
        let goes_on = || new.is_some() && goes_on_at(after, *key).is_some();
        is_of_later_ones(old) && !new.is_some_and(is_of_later_ones) && !goes_on()
    });
    let changes = said_so.filter_map(|(key, old)| {
        let now = after.apart_at(key)?;
        Some(between(before.object, old, after.object, &now))
    });
    changes.fold(Changes::default(), Changes::and)
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

/// Whether participation is asked anew for a part since it was as an answer has it: the component that names it, and all
/// of the message. EXDATE aside, by which attendees take out what they do not come to.
pub(super) fn asks_anew_since(
    (answer, said): (&Meeting<'_>, &Component),
    now: &Meeting<'_>,
    part: Part,
) -> bool {
    let is_new = |current: &Component| between(answer.object, said, now.object, current).asks_anew;
    match part {
        Part::Series => now.series().is_some_and(is_new) || pattern::compare(answer, now).adds,
        Part::Instance(key) => now
            .component_at(key)
            .is_some_and(|current| is_new(&current)),
    }
}

/// What the component of an instance changes of what it is apart from that.
pub(super) fn own_changes(meeting: &Meeting<'_>, key: InstanceKey) -> Changes {
    let (own, apart) = (meeting.get(Part::Instance(key)), meeting.apart_at(key));
    match (own, apart) {
        (Some(own), Some(apart)) => between(meeting.object, &apart, meeting.object, own),
        _ => Changes::NEW,
    }
}

/// What an instance, or what is behind it, changes of what the series says.
pub(super) fn from_series(meeting: &Meeting<'_>, key: InstanceKey) -> Changes {
    let mut found = own_changes(meeting, key);
    let mut behind = meeting.part_behind(key);
    // there is nothing more to find than that
    while let Part::Instance(key) = behind
        && !(found.visible && found.asks_anew)
    {
        found = found.and(own_changes(meeting, key));
        behind = meeting.part_behind(key);
    }
    found
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
    let status = status(old) != status(new);
    Changes {
        asks_anew: time || reinstated,
        revision: time || status,
        visible: time || status || !shows_the_same(old, new) || inner(old) != inner(new),
    }
}

/// STATUS in upper case, or what holds without it.
pub(super) fn status(entry: &Component) -> Option<String> {
    let said = entry.raw_value("STATUS").or(implied("STATUS"));
    said.map(|status| status.trim().to_ascii_uppercase())
}

/// Whether attendees see the same lines, when it is aside. What stands twice says no more than once.
fn shows_the_same(one: &Component, other: &Component) -> bool {
    let is_shown =
        |line: &Property| !TIME.contains(&line.name()) && !INSTANCES.contains(&line.name());
    let forms = |entry| -> BTreeSet<String> { told(entry, is_shown).map(told_form).collect() };
    tells_the_same(one, other, is_shown) || forms(one) == forms(other)
}

/// Whether two components tell the same of the meeting in those lines that `which` holds for.
pub(super) fn tells_the_same(
    one: &Component,
    other: &Component,
    which: impl Fn(&Property) -> bool,
) -> bool {
    has_same_lines(told(one, &which), told(other, &which), told_form)
}

/// The lines of a component that tell something of the meeting, of those that `which` holds for.
fn told(entry: &Component, which: impl Fn(&Property) -> bool) -> impl Iterator<Item = &Property> {
    let is_told =
        move |line: &&Property| !is_private(line.name()) && !is_implied(line) && which(line);
    entry.properties().filter(is_told)
}

/// What a line tells of the meeting.
fn told_form(line: &Property) -> String {
    canonical(line, |parameter| is_beside(line, parameter))
}

/// Components within, alarms aside: alarms are each person's own.
fn inner(entry: &Component) -> Vec<&Component> {
    entry
        .components()
        .filter(|component| !component.is("VALARM"))
        .collect()
}

/// Whether a property names somebody who takes part.
pub(super) fn is_person(property: &Property) -> bool {
    property.is("ATTENDEE") || property.is("ORGANIZER")
}

/// What holds where a property is not there (RFC 5545 §3.8.1.3, §3.8.1.9 and §3.8.2.7). Of whose STATUS nothing is said, is
/// a task that waits to be done (§3.8.1.11).
pub(super) fn implied(name: &str) -> Option<&'static str> {
    match name {
        "CLASS" => Some("PUBLIC"),
        "PRIORITY" => Some("0"),
        "STATUS" => Some(NEEDS_ACTION),
        "TRANSP" => Some("OPAQUE"),
        _ => None,
    }
}

/// Whether a line says what would hold without it.
fn is_implied(property: &Property) -> bool {
    let value = property.raw_value().trim();
    implied(property.name()).is_some_and(|implied| implied.eq_ignore_ascii_case(value))
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
    is_person(property) && (TOLD.contains(&parameter) || parameter.starts_with("X-"))
}

/// Parameters that say nothing of the meeting. Of people, only what they are and are asked as does: all else on their
/// lines is written by answers and by the server, and left out by clients that do not know it.
fn is_beside(property: &Property, parameter: &str) -> bool {
    is_person(property) && !matches!(parameter, "CUTYPE" | "ROLE")
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
