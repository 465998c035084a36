//! What an attendee may change, put upon what the organizer sent (RFC 6638 §3.2.2.1).
//!
//! Nothing that the client sent is refused for being too much: what is the attendee's own is taken,
//! the rest stays as the organizer had it. Where the client changed nothing but its own, its octets are
//! stored as they came.

use std::{borrow::Cow, collections::BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property};
use storage::model::PrincipalId;

use crate::{
    engine::{
        Directory,
        answer::UNTOLD,
        away::{away, write_away},
        delegation::{self, DELEGATED, DELEGATED_FROM, DELEGATED_TO},
        entry::{
            Agent, DECLINED, NEEDS_ACTION, adopt, agent, attendees, is_cancelled, participation,
            sequence,
        },
        later_ones::later_ones,
        meeting::{Meeting, Part, is_instance, remove_instances},
        own::{note_choices, restore_sent},
        sameness::{has_same_lines, has_same_zones},
        sequence::{NOTE, note_as_of_more},
        showing::exclude,
        significance::{canonical, from_series, is_participation, is_private_extension, status},
        when::place,
    },
    projection::ACCESS_PROPERTY,
};

/// Properties of a component that belong to each attendee.
const OWN: [&str; 11] = [
    "TRANSP",
    "PRIORITY",
    "PERCENT-COMPLETE",
    "COMPLETED",
    "CREATED",
    "DTSTAMP",
    "LAST-MODIFIED",
    "CLASS",
    "CATEGORIES",
    "COMMENT",
    "REQUEST-STATUS",
];

/// Properties of the VCALENDAR that belong to the client.
const OWN_OF_CALENDAR: [&str; 3] = ["PRODID", "CALSCALE", ACCESS_PROPERTY];

/// Parameters on the own ATTENDEE that belong to the attendee.
const OWN_PARAMETERS: [&str; 3] = ["PARTSTAT", "RSVP", DELEGATED_TO];

/// What became of an attendee's edit.
pub(super) struct Merged {
    pub object: CalendarObject,
    /// The client changed what is the organizer's, or had not seen the newest of it.
    pub restored: bool,
    /// An answer was not taken: it is to an earlier version, which is at another time.
    pub outdated: bool,
    /// The instances that the client took out.
    pub declined: BTreeSet<InstanceKey>,
}

/// Merges a client's version into the stored one, part by part.
///
/// An instance that the client takes out with EXDATE is declined; it stays where there is no series of which it could be
/// taken out. Of one that says what all later ones are, these stay what they are. A part that the client leaves out otherwise
/// is put back; one that it adds is taken if the series yields that instance.
pub(super) fn merge(
    before: &CalendarObject,
    after: &CalendarObject,
    owner: PrincipalId,
    directory: &Directory,
) -> Merged {
    let is_owner = |line: &Property| line.is("ATTENDEE") && directory.is(line.raw_value(), owner);
    let stored = Meeting::of(before);
    let asked = Meeting::about(after, &stored);
    let taken_out: BTreeSet<InstanceKey> = asked
        .excluded
        .difference(&stored.excluded)
        .filter(|key| !asked.has(Part::Instance(**key)))
        .filter(|key| stored.component_at(**key).is_some())
        .copied()
        .collect();
    let (declined, declined_in_place) = match stored.series() {
        Some(_) => (taken_out, BTreeSet::new()),
        None => (BTreeSet::new(), taken_out),
    };
    let is_same = is_same_meeting(&stored, &asked, &declined, &is_owner);
    let (mut object, outdated) = match is_same {
        true => {
            let mut object = after.clone();
            restore_parameters(&mut object, &asked, &stored);
            write_answer_on_all(&mut object, Some(&stored), &is_owner);
            (object, false)
        }
        false => merged(&stored, &asked, &declined, &is_owner),
    };
    let is_apart = |key| declined.contains(&key) || asked.has(Part::Instance(key));
    let going_on = declined.iter();
    let going_on = going_on.filter_map(|key| later_ones(&stored, *key, is_apart));
    for (_, entry) in going_on {
        object.calendar_mut().push_component(entry);
    }
    decline(&mut object, &declined_in_place, &is_owner);
    answer_by_status(&mut object, &stored, &is_owner);
    answer_what_follows(&mut object, &stored, &is_owner);
    write_delegates(&mut object, Some(&stored), &asked, &is_owner, directory);
    write_choices(&mut object, &stored);
    let away = away(&stored).union(&declined).copied().collect();
    write_away(&mut object, &away, |key| {
        stored.component_at(key).or_else(|| stored.apart_at(key))
    });
    Merged {
        object,
        restored: !is_same,
        outdated,
        declined,
    }
}

/// Notes where the attendee has something else than the organizer sent.
fn write_choices(object: &mut CalendarObject, stored: &Meeting<'_>) {
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let derived = || stored.component_at(part.key()?).map(Cow::Owned);
        let before = stored.get(part).map(Cow::Borrowed).or_else(derived);
        if let Some(before) = before {
            note_choices(entry, &before);
        }
    }
}

/// Whom the attendee sends stands in the copy, too. Where they say nothing new, it is as the organizer has it: who sent
/// somebody and is asked anew may still send them. (Of what came another way, nothing is stored.)
pub(super) fn write_delegates(
    object: &mut CalendarObject,
    stored: Option<&Meeting<'_>>,
    asked: &Meeting<'_>,
    is_owner: &impl Fn(&Property) -> bool,
    directory: &Directory,
) {
    let delegates = |entry: &Component| {
        attendees(entry).any(|line| {
            line.parameter(DELEGATED_FROM).is_some()
                || is_owner(line) && !delegation::delegates(line).is_empty()
        })
    };
    if !object.entries().any(delegates) {
        return;
    }
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let known = stored.and_then(|stored| stored.describing(part));
        let known = known.and_then(|entry| attendees(entry).find(|line| is_owner(line)));
        let says = |line: &Property| (participation(line), delegation::delegates(line));
        let own = attendees(entry).find(|line| is_owner(line)).cloned();
        if let Some(mut own) = own.filter(|own| known.map(says) != Some(says(own))) {
            adopt(&mut own, known, "RSVP");
            let said = asked.get(part).cloned().unwrap_or_else(|| entry.clone());
            delegation::write(entry, &own, &said, directory);
        }
    }
}

/// The stored object with what is the attendee's own in the asked one; and whether an answer in it came too late.
fn merged(
    stored: &Meeting<'_>,
    asked: &Meeting<'_>,
    declined: &BTreeSet<InstanceKey>,
    is_owner: &impl Fn(&Property) -> bool,
) -> (CalendarObject, bool) {
    let mut object = stored.object.clone();
    let mut outdated = false;
    take_over_calendar(object.calendar_mut(), asked.object.calendar());
    for (entry, part) in object.entries_mut().zip(stored.order()) {
        if let Some(own) = counterpart(stored, asked, part) {
            take_over(entry, own);
            match is_outdated(stored, asked, part) {
                true => outdated |= answers_otherwise(entry, own, is_owner),
                false => take_over_answer(entry, own, stored.get(part), is_owner),
            }
        }
    }
    take_out(&mut object, stored, declined);
    for (key, own) in asked.instances() {
        if stored.has(Part::Instance(key)) || declined.contains(&key) {
            continue;
        }
        if let Some(mut entry) = stored.component_at(key) {
            let known = entry.clone();
            take_over(&mut entry, own);
            take_over_answer(&mut entry, own, Some(&known), is_owner);
            object.calendar_mut().push_component(entry);
        }
    }
    (object, outdated)
}

/// Whether the client has an earlier version of a part, at another time: who accepted that has not accepted this. It
/// is as with a REPLY to an earlier SEQUENCE (RFC 5546 §2.1.5), and happens to clients that write without a condition.
fn is_outdated(stored: &Meeting<'_>, asked: &Meeting<'_>, part: Part) -> bool {
    let (Some(newer), Some(older)) = (stored.get(part), asked.get(part)) else {
        return false;
    };
    sequence(older) < sequence(newer) && place(asked.object, older) != place(stored.object, newer)
}

/// Whether the client says something else of the attendee's coming.
fn answers_otherwise(
    entry: &Component,
    asked: &Component,
    is_owner: &impl Fn(&Property) -> bool,
) -> bool {
    let known = attendees(entry).find(|line| is_owner(line));
    let answer = answer_in(asked, Some(entry), is_owner);
    answer.is_some_and(|it| known.map(participation) != Some(participation(it)))
}

/// The attendee's line in which a client answers. Who is invited by several addresses has several lines, and a client
/// knows one of them as its own: it is the one that says something else than `known` does.
fn answer_in<'a>(
    asked: &'a Component,
    known: Option<&Component>,
    is_owner: &impl Fn(&Property) -> bool,
) -> Option<&'a Property> {
    let said = |line: &Property| {
        let mut lines = known.into_iter().flat_map(attendees);
        let twin = lines.find(|it| it.raw_value() == line.raw_value());
        twin.map_or((NEEDS_ACTION.to_owned(), Vec::new()), |it| {
            (participation(it), delegation::delegates(it))
        })
    };
    let is_news =
        |line: &&Property| said(line) != (participation(line), delegation::delegates(line));
    let own = || attendees(asked).filter(|line| is_owner(line));
    own().find(is_news).or_else(|| own().next())
}

/// Writes the attendee's answer on all lines of theirs, by whichever of their addresses it was given; `known` is what
/// was said before.
pub(super) fn write_answer_on_all(
    object: &mut CalendarObject,
    known: Option<&Meeting<'_>>,
    is_owner: &impl Fn(&Property) -> bool,
) {
    let several = |entry: &Component| attendees(entry).filter(|line| is_owner(line)).count() > 1;
    if !object.entries().any(several) {
        return;
    }
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let known = known.and_then(|known| known.describing(part));
        let asked = entry.clone();
        take_over_answer(entry, &asked, known, is_owner);
    }
}

/// Writes on instances that the attendee declines them.
fn decline(
    object: &mut CalendarObject,
    declined: &BTreeSet<InstanceKey>,
    is_owner: &impl Fn(&Property) -> bool,
) {
    if declined.is_empty() {
        return;
    }
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        if part.key().is_some_and(|key| declined.contains(&key)) {
            for line in entry.properties_mut().filter(|line| is_owner(line)) {
                line.set_parameter("PARTSTAT", DECLINED)
                    .expect("a plain word is a valid value");
            }
        }
    }
}

/// Most clients tick a task by its STATUS alone: where they say nothing else of the attendee's part in it, that is the
/// answer (RFC 5545 §3.2.12, RFC 5546 §3.4.3).
fn answer_by_status(
    object: &mut CalendarObject,
    stored: &Meeting<'_>,
    is_owner: &impl Fn(&Property) -> bool,
) {
    let own = |entry: &Component| {
        attendees(entry)
            .find(|line| is_owner(line))
            .map(participation)
    };
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let Some(before) = stored.describing(part).filter(|_| entry.is("VTODO")) else {
            continue;
        };
        let (Some(known), Some(said)) = (own(before), own(entry)) else {
            continue;
        };
        let status =
            status(entry).filter(|it| known == said && status(before).as_ref() != Some(it));
        let answer = status.and_then(|status| answer_of_status(&known, &status));
        for line in entry.properties_mut().filter(|line| is_owner(line)) {
            if let Some(answer) = answer {
                line.set_parameter("PARTSTAT", answer)
                    .expect("a plain word is a valid value");
            }
        }
    }
}

/// What an attendee who answered `known` says of a task by a new STATUS, if that is anything else. Who sends somebody else
/// sends them still.
fn answer_of_status(known: &str, status: &str) -> Option<&'static str> {
    const DONE: [&str; 2] = ["IN-PROCESS", "COMPLETED"];
    let answer = match (known, status) {
        (DELEGATED, _) => None,
        (known, NEEDS_ACTION) => DONE.contains(&known).then_some("ACCEPTED"),
        _ => DONE.into_iter().find(|it| *it == status),
    };
    answer.filter(|answer| *answer != known)
}

/// An answer to the series is one to those instances, too, that have a component only for what others answered, and for
/// which the attendee says the same as before and as of the series: the client may not know of them, or may not ask. What
/// else the attendee says of them, or how far a task has come, makes none of them another one.
fn answer_what_follows(
    object: &mut CalendarObject,
    stored: &Meeting<'_>,
    is_owner: &impl Fn(&Property) -> bool,
) {
    let own = |entry: &Component| attendees(entry).find(|line| is_owner(line)).cloned();
    let series = object.entries().find(|entry| !is_instance(entry));
    let (Some(before), Some(now)) = (stored.series().and_then(own), series.and_then(own)) else {
        return;
    };
    if participation(&now) == participation(&before) || stored.instances().next().is_none() {
        return;
    }
    let says_as_before =
        |entry: &Component| own(entry).map(|it| participation(&it)) == Some(participation(&before));
    let mut sent = stored.object.clone();
    sent.entries_mut().for_each(restore_sent);
    let sent = Meeting::of(&sent);
    let parts = Meeting::of(object).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        let follows = part.key().is_some_and(|key| {
            stored.get(part).is_some_and(says_as_before)
                && says_as_before(entry)
                && !from_series(&sent, key).visible
        });
        for line in entry
            .properties_mut()
            .filter(|line| follows && is_owner(line))
        {
            take_over_parameters(line, &now);
        }
    }
}

/// Takes instances out of the attendee's copy.
fn take_out(object: &mut CalendarObject, stored: &Meeting<'_>, declined: &BTreeSet<InstanceKey>) {
    if declined.is_empty() {
        return;
    }
    if let Some(series) = object.entries_mut().find(|entry| !is_instance(entry)) {
        let entries = declined.iter().filter_map(|key| stored.component_at(*key));
        entries.for_each(|entry| exclude(series, &entry));
    }
    remove_instances(object, declined);
}

/// What the client says of a stored part. Some clients make up a series for somebody who is invited to single
/// instances: it is that instance which begins where it does.
fn counterpart<'o>(stored: &Meeting<'_>, asked: &Meeting<'o>, part: Part) -> Option<&'o Component> {
    if let Some(same) = asked.get(part) {
        return Some(same);
    }
    let made_up = asked.series().filter(|_| stored.series().is_none())?;
    let start = |object, entry| place(object, entry).start().cloned();
    let own = start(stored.object, stored.get(part)?);
    let is_only = stored.instances().nth(1).is_none();
    (is_only || own == start(asked.object, made_up)).then_some(made_up)
}

/// Whether the two differ only in what is the attendee's own.
fn is_same_meeting(
    stored: &Meeting<'_>,
    asked: &Meeting<'_>,
    declined: &BTreeSet<InstanceKey>,
    is_owner: &impl Fn(&Property) -> bool,
) -> bool {
    let is_left_out = |part: Part| {
        let key = part.key();
        key.is_some_and(|key| declined.contains(&key))
    };
    let kept = stored.parts().all(|(part, entry)| {
        is_left_out(part)
            || asked
                .get(part)
                .is_some_and(|asked| is_same_part(entry, asked, is_owner))
    });
    let added = || {
        asked.instances().all(|(key, own)| {
            let part = Part::Instance(key);
            stored.has(part)
                || stored
                    .component_at(key)
                    .is_some_and(|entry| is_same_part(&entry, own, is_owner))
        })
    };
    kept && asked.object.entries().count() == asked.parts().count()
        && (asked.series().is_none() || stored.series().is_some())
        && asked.excluded.is_superset(&stored.excluded)
        && added()
        && has_same_zones(stored.object, asked.object)
}

fn is_same_part(
    stored: &Component,
    asked: &Component,
    is_owner: &impl Fn(&Property) -> bool,
) -> bool {
    let is_inner = |component: &&Component| !component.is("VALARM");
    let (inner, asked_inner) = (stored.components(), asked.components());
    stored.name() == asked.name()
        && has_same_lines(shared_lines(stored), shared_lines(asked), |line| {
            shared_form(line, is_owner)
        })
        && inner.filter(is_inner).eq(asked_inner.filter(is_inner))
}

fn is_own(entry: &Component, name: &str) -> bool {
    let own_progress = entry.is("VTODO") && name == "STATUS" && !is_cancelled(entry);
    OWN.contains(&name) || is_private_extension(name) || own_progress
}

/// The organizer's lines.
fn shared_lines(entry: &Component) -> impl Iterator<Item = &Property> {
    let lines = entry.properties();
    lines.filter(|line| !is_own(entry, line.name()) && !line.is("EXDATE"))
}

/// What the organizer's line says. Of other attendees, their participation too: who has not seen the newest answers gets
/// them back.
fn shared_form(line: &Property, is_owner: &impl Fn(&Property) -> bool) -> String {
    const BETWEEN: [&str; 4] = [
        "SCHEDULE-STATUS",
        "SCHEDULE-FORCE-SEND",
        "SCHEDULE-AGENT",
        NOTE,
    ];
    let is_own_line = is_owner(line);
    canonical(line, |name| {
        BETWEEN.contains(&name)
            || (line.is("ATTENDEE") && name == "RSVP")
            || (is_own_line && (OWN_PARAMETERS.contains(&name) || is_participation(line, name)))
    })
}

/// Puts back what the server keeps in parameters of people.
fn restore_parameters(object: &mut CalendarObject, asked: &Meeting<'_>, stored: &Meeting<'_>) {
    let parts = asked.order();
    let is_person = |line: &&Property| matches!(line.name(), "ATTENDEE" | "ORGANIZER");
    let known: Vec<Vec<&Property>> = parts
        .iter()
        .map(|part| {
            let entry = stored.describing(*part);
            let lines = entry.into_iter().flat_map(Component::properties);
            lines.filter(is_person).collect()
        })
        .collect();
    // looked for only where something differs: most clients send these lines back as they are
    let differs = object.entries().zip(&known).any(|(entry, known)| {
        let mut people = entry.properties().filter(is_person);
        people.any(|line| !known.contains(&line))
    });
    if !differs {
        return;
    }
    for ((entry, known), part) in object.entries_mut().zip(&known).zip(parts) {
        for line in entry.properties_mut().filter(|line| is_person(&&**line)) {
            if !known.contains(&&*line) {
                restore_parameters_of(line, known);
            }
            if !stored.has(part) {
                note_as_of_more(line);
            }
        }
    }
}

fn restore_parameters_of(line: &mut Property, known: &[&Property]) {
    let mut known = known.iter();
    let twin =
        known.find(|person| person.name() == line.name() && person.raw_value() == line.raw_value());
    let kept = match twin {
        // that on ORGANIZER is the attendee's to say
        _ if line.is("ORGANIZER") => &["SCHEDULE-STATUS", NOTE, UNTOLD][..],
        Some(twin) if is_told_by_client(twin) => &[NOTE, "SCHEDULE-AGENT"],
        _ => &["SCHEDULE-STATUS", NOTE, "SCHEDULE-AGENT"],
    };
    for parameter in kept {
        match twin.and_then(|twin| twin.parameter(parameter)) {
            Some(value) => {
                line.set_parameter(parameter, &value)
                    .expect("the value comes from a valid line");
            }
            None => {
                line.remove_parameter(parameter);
            }
        }
    }
}

/// Whether it is the client that tells an attendee, and so says how that went (RFC 6638 §3.2.2.1, item 10).
fn is_told_by_client(line: &Property) -> bool {
    line.is("ATTENDEE") && agent(line) == Agent::Client
}

/// Takes the client's own lines in the VCALENDAR.
fn take_over_calendar(calendar: &mut Component, asked: &Component) {
    for name in OWN_OF_CALENDAR {
        replace_properties(calendar, asked, |property| property.is(name));
    }
}

/// Takes the attendee's own lines and alarms.
fn take_over(entry: &mut Component, asked: &Component) {
    let original = entry.clone();
    // that a task is off is the organizer's to say
    let is_taken = |name: &str| !(name == "STATUS" && is_cancelled(asked));
    replace_properties(entry, asked, |property| {
        is_own(&original, property.name()) && is_taken(property.name())
    });
    for line in entry
        .properties_mut()
        .filter(|line| is_told_by_client(line))
    {
        let twin = attendees(asked).find(|it| it.raw_value() == line.raw_value());
        if twin.is_some() {
            adopt(line, twin, "SCHEDULE-STATUS");
        }
    }
    entry.retain_components(|component| !component.is("VALARM"));
    asked
        .components()
        .filter(|component| component.is("VALARM"))
        .for_each(|alarm| entry.push_component(alarm.clone()));
}

/// Takes the parameters of the attendee's own line; `known` is what was said before.
fn take_over_answer(
    entry: &mut Component,
    asked: &Component,
    known: Option<&Component>,
    is_owner: &impl Fn(&Property) -> bool,
) {
    let Some(answer) = answer_in(asked, known, is_owner) else {
        return;
    };
    for line in entry.properties_mut().filter(|line| is_owner(line)) {
        take_over_parameters(line, answer);
    }
}

fn take_over_parameters(line: &mut Property, answer: &Property) {
    let is_new = participation(line) != participation(answer);
    for parameter in OWN_PARAMETERS {
        // what a client leaves out beside the same answer stays, but for the wish for one
        if answer.parameter(parameter).is_some() || is_new || parameter == "RSVP" {
            adopt(line, Some(answer), parameter);
        }
    }
}

/// Replaces the properties that `which` holds for, by those of `asked`; equal ones stay as printed.
fn replace_properties(
    component: &mut Component,
    asked: &Component,
    which: impl Fn(&Property) -> bool,
) {
    let wanted: Vec<&Property> = asked
        .properties()
        .filter(|property| which(property))
        .collect();
    component.retain_properties(|property| !which(property) || wanted.contains(&property));
    for property in wanted {
        if !component.properties().any(|kept| kept == property) {
            component.push_property(property.clone());
        }
    }
}
