//! What an organizer's client leaves out, and its object must have all the same; and what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarObject, Component, InstanceKey, Property, Zone};
use storage::model::{Principal, PrincipalKind};

use super::{Change, dropped::with_dropped};
use crate::engine::{
    Status,
    answer::take_over,
    delegation::{self, DELEGATED_FROM, delegates, invite_too},
    entry::{Agent, agent, attendees, participation},
    later_ones::{goes_on_at, is_of_later_ones, with_alone},
    meeting::{Meeting, Part, remove_instances},
    membership::is_over,
    significance::{Changes, changes, is_private, own_changes},
    when::place,
};

/// The object with what was left out, and without what was left behind; `None` where nothing was.
///
/// - A group among the attendees stands for those in it, who get an ATTENDEE each (RFC 5545 §3.2.11). That happens
///   once, when the group is invited ([`is_expanded`]): whom the organizer takes out again stays out.
///   ([`follow_members`] brings in who comes into the group later.)
///
/// [`follow_members`]: crate::engine::follow_members
/// - Some clients leave out what they do not know of people ([`with_dropped`]).
/// - Some clients name the organizer only in some of the components (RFC 6638 §3.2.4.2).
/// - Whom attendees send is theirs to say. A client that has not seen it yet neither takes them out nor brings them back.
/// - An attendee who answers for one instance gets a component for it. A client that has not seen it yet, and
///   changes something else, does not take the answer back.
/// - Where that instance said what all later ones are, the next one says it since ([`with_later_ones_apart`]).
/// - An instance that was moved, and is to be as the others again, is at another time for those who come to it alone:
///   they are asked anew (RFC 6638 §3.2.8), for which it needs a component.
/// - A component that was there only for such an answer is the server's work. A client that changes the series (or what an
///   instance and all later ones are, RFC 5545 §3.2.13), and sends it back as it was, would leave the instance behind: it
///   becomes what the others are, with the answers to that very time, and goes where the series has no such instance.
///
/// An instance that the organizer made otherwise stays as it is when the series changes: what of it was to follow, only
/// the client can know.
pub(super) fn complete(
    change: &Change<'_>,
    before: Option<&Meeting<'_>>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let apart = before.and_then(|before| with_later_ones_apart(before, after));
    let after = apart.as_ref().unwrap_or(after);
    let kept = before.and_then(|before| with_dropped(change, before, after));
    let kept = kept.or_else(|| apart.clone());
    let after = kept.as_ref().unwrap_or(after);
    let followed = before.and_then(|before| with_those_sent(change, before, after));
    let followed = followed.or_else(|| kept.clone());
    let after = followed.as_ref().unwrap_or(after);
    let answers = before.map_or_else(Vec::new, |before| answers(change, before, after));
    let left = before.map_or_else(BTreeMap::new, |before| left_behind(change, before, after));
    let has_groups = new_groups(change, before, after).next().is_some();
    if answers.is_empty() && left.is_empty() && !has_groups {
        return with_organizer(after).or(followed);
    }
    let mut object = after.clone();
    take_along(&mut object, left);
    for answer in answers {
        object.calendar_mut().push_component(answer);
    }
    if has_groups {
        expand_groups(change, before, &mut object);
    }
    with_organizer(&object).or(Some(object))
}

/// The object with its ORGANIZER in each component (RFC 6638 §3.2.4.2); `None` where it is so already.
pub(super) fn with_organizer(object: &CalendarObject) -> Option<CalendarObject> {
    let lacks_it = |entry: &Component| entry.property("ORGANIZER").is_none();
    let mut organizers = object.entries().filter_map(|it| it.property("ORGANIZER"));
    let organizer = organizers
        .next()
        .filter(|_| object.entries().any(lacks_it))?;
    let mut completed = object.clone();
    let incomplete = completed.entries_mut().filter(|entry| lacks_it(entry));
    incomplete.for_each(|entry| entry.push_property(organizer.clone()));
    Some(completed)
}

/// The object in which the later ones have a component apart, as before, where a client says all of them in one as it was
/// before somebody answered for that instance alone; `None` where none does.
fn with_later_ones_apart(before: &Meeting<'_>, after: &CalendarObject) -> Option<CalendarObject> {
    let known = || before.instances().map(|(key, _)| key);
    known().next()?;
    let asked = Meeting::of(after);
    let mut apart = BTreeSet::new();
    for (key, _) in asked.instances().filter(|(_, it)| is_of_later_ones(it)) {
        let next = goes_on_at(before, key).filter(|next| !asked.has(Part::Instance(*next)));
        apart.extend(known().filter(|it| *it >= key && next.is_some_and(|next| *it < next)));
    }
    with_alone(&asked, &apart)
}

/// The object with those whom people sent as they said; `None` where they are in it so already.
fn with_those_sent(
    change: &Change<'_>,
    before: &Meeting<'_>,
    after: &CalendarObject,
) -> Option<CalendarObject> {
    let is_sent = |line: &Property| line.parameter(DELEGATED_FROM).is_some();
    let mut entries = before.object.entries().chain(after.entries());
    if !entries.any(|entry| attendees(entry).any(is_sent)) {
        return None;
    }
    let mut object = after.clone();
    for (entry, part) in object.entries_mut().zip(Meeting::of(after).order()) {
        if let Some(known) = before.describing(part) {
            delegation::follow(entry, known, change.directory);
        }
    }
    (object != *after).then_some(object)
}

/// Whether a group was invited in the stored object, so that those in it were, too: RFC 6638 §3.2.9 has 2.7 for that. What
/// stood there before it was a group here, or while the server left it to others (§7.1) or the object unscheduled, was not.
pub(super) fn is_expanded(change: &Change<'_>, stored: &Property) -> bool {
    let status = stored.parameter("SCHEDULE-STATUS");
    !change.is_dormant
        && agent(stored) == Agent::Server
        && status.is_some_and(|status| Status::FORWARDED.is_in(&status))
}

/// The groups that the server invites to a part to which they were not invited, each with the part.
fn new_groups<'a>(
    change: &'a Change<'_>,
    before: Option<&'a Meeting<'_>>,
    after: &'a CalendarObject,
) -> impl Iterator<Item = (Part, &'a Property)> {
    let parts = Meeting::of(after).order().into_iter();
    let lines = parts
        .zip(after.entries())
        .flat_map(|(part, entry)| attendees(entry).map(move |line| (part, line)));
    lines.filter(move |(part, line)| {
        let known = before.and_then(|before| before.describing(*part));
        let known = known.and_then(|known| twin(change, known, line));
        agent(line) == Agent::Server
            && change.directory.members(line.raw_value()).is_some()
            && !known.is_some_and(|known| is_expanded(change, known))
    })
}

fn expand_groups(change: &Change<'_>, before: Option<&Meeting<'_>>, object: &mut CalendarObject) {
    let asked = object.clone();
    let groups: Vec<(Part, &Property)> = new_groups(change, before, &asked).collect();
    let parts = Meeting::of(&asked).order();
    for (entry, part) in object.entries_mut().zip(parts) {
        for (_, group) in groups.iter().filter(|(of, _)| *of == part) {
            expand(change, entry, group);
        }
    }
}

/// Gives everybody in a group an ATTENDEE who has none yet.
fn expand(change: &Change<'_>, entry: &mut Component, group: &Property) {
    let members = change.directory.members(group.raw_value());
    for line in entry.properties_mut().filter(|line| *line == group) {
        line.set_parameter("CUTYPE", "GROUP")
            .expect("a plain word is a valid value");
    }
    for member in members.unwrap_or_default() {
        if member.id == change.owner.id {
            continue;
        }
        let line = member
            .addresses
            .first()
            .and_then(|address| member_line(address, member, group));
        let Some(line) = line else { continue };
        if !invite_too(entry, &line, change.directory) {
            entry.push_property(line);
        }
    }
}

/// The ATTENDEE of somebody who is invited with a group; `None` for a name or address that no line can hold.
pub(in crate::engine) fn member_line(
    address: &str,
    member: &Principal,
    group: &Property,
) -> Option<Property> {
    let kind = match member.kind {
        PrincipalKind::Location => Some("ROOM"),
        PrincipalKind::Resource => Some("RESOURCE"),
        PrincipalKind::User | PrincipalKind::Group => None,
    };
    let role = group.parameter("ROLE");
    let parameters = [
        ("CN", Some(member.display_name.as_str())),
        ("CUTYPE", kind),
        ("ROLE", role.as_deref()),
        ("MEMBER", Some(group.raw_value().trim())),
        ("RSVP", Some("TRUE")),
    ];
    let mut line = Property::new("ATTENDEE", address).ok()?;
    for (name, value) in parameters {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            line.set_parameter(name, value).ok()?;
        }
    }
    Some(line)
}

/// The components of instances that are there only because somebody answered for them, as the others are now.
fn answers(change: &Change<'_>, before: &Meeting<'_>, after: &CalendarObject) -> Vec<Component> {
    if before.instances().next().is_none() {
        return Vec::new();
    }
    let after = Meeting::of(after);
    let missing = before.instances();
    let missing: Vec<_> = missing
        .filter(|(key, _)| !after.has(Part::Instance(*key)))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    if changes(before, &after, Part::Series).asks_anew {
        return Vec::new();
    }
    let kept = missing.into_iter().filter_map(|(key, old)| {
        let behind = after.part_behind(key);
        if behind != Part::Series && changes(before, &after, behind).asks_anew {
            return None;
        }
        let mut entry = after.component_at(key).filter(|_| after.yields(key))?;
        if !own_changes(before, key).asks_anew && !is_answered(change, before, key, &entry) {
            return None;
        }
        answer_as(change, old, &mut entry);
        Some(entry)
    });
    kept.collect()
}

/// Writes into an instance, as the organizer has it now, what people said of it: their answers, and whom they sent.
/// Everything else on an ATTENDEE is the organizer's to say, SCHEDULE-AGENT too (RFC 6638 §7.1).
fn answer_as(change: &Change<'_>, old: &Component, entry: &mut Component) {
    delegation::follow(entry, old, change.directory);
    for line in entry.properties_mut().filter(|line| line.is("ATTENDEE")) {
        let answer = twin(change, old, line).filter(|answer| !says_the_same(answer, line));
        if let Some(answer) = answer {
            take_over(line, answer);
        }
    }
}

fn says_the_same(one: &Property, other: &Property) -> bool {
    participation(one) == participation(other) && delegates(one) == delegates(other)
}

/// The instances that stand for an answer alone, as before, while the series became another one: what they are now;
/// `None` where the series has no such instance, or at another time.
fn left_behind(
    change: &Change<'_>,
    before: &Meeting<'_>,
    after: &CalendarObject,
) -> BTreeMap<InstanceKey, Option<Component>> {
    if before.instances().next().is_none() {
        return BTreeMap::new();
    }
    let after = Meeting::of(after);
    let changes = |part| (part, changes(before, &after, part));
    let behind: BTreeMap<Part, Changes> = after.parts_behind().map(changes).collect();
    if behind.values().all(|it| !it.asks_anew && !it.visible) {
        return BTreeMap::new();
    }
    let left = before.instances().filter_map(|(key, _)| {
        let sent = after.get(Part::Instance(key))?;
        let asks_anew = behind[&after.part_behind(key)].asks_anew;
        let is_left = is_left_behind(before, &after, key)
            && (asks_anew && !after.yields(key) || is_for_answers(change, before, &after, key));
        is_left.then(|| (key, as_series(change, &after, key, sent)))
    });
    left.collect()
}

fn is_left_behind(before: &Meeting<'_>, after: &Meeting<'_>, key: InstanceKey) -> bool {
    // it says nothing of all later ones
    let is_alone = |meeting: &Meeting<'_>| meeting.part_from(key) == meeting.part_behind(key);
    !changes(before, after, Part::Instance(key)).visible
        && is_alone(before)
        && is_alone(after)
        && before.yields(key)
        && !own_changes(before, key).visible
        && (!after.yields(key) || own_changes(after, key).visible)
}

/// Whether an instance has a component for what was answered to it, and not for whom the organizer leaves in it alone.
fn is_for_answers(
    change: &Change<'_>,
    before: &Meeting<'_>,
    after: &Meeting<'_>,
    key: InstanceKey,
) -> bool {
    let own = before.get(Part::Instance(key));
    let Some((own, series)) = own.zip(after.get(after.part_behind(key))) else {
        return false;
    };
    is_answered(change, before, key, own)
        || attendees(own).all(|line| twin(change, series, line).is_some())
}

/// An instance as the others are now, with the answers and all that is the organizer's own as they were `sent`.
fn as_series(
    change: &Change<'_>,
    after: &Meeting<'_>,
    key: InstanceKey,
    sent: &Component,
) -> Option<Component> {
    let takes_place = after.is_live(after.part_behind(key)) && after.yields(key);
    let mut entry = after.apart_at(key).filter(|_| takes_place)?;
    if place(after.object, &entry) != place(after.object, sent) {
        return None;
    }
    match is_over(after.object, sent, change.now, &zone_of(change.owner)) {
        true => keep_people(sent, &mut entry),
        false => answer_as(change, sent, &mut entry),
    }
    entry.retain_properties(|line| !is_private(line.name()));
    entry.retain_components(|it| !it.is("VALARM"));
    for line in sent.properties().filter(|line| is_private(line.name())) {
        entry.push_property(line.clone());
    }
    for alarm in sent.components().filter(|it| it.is("VALARM")) {
        entry.push_component(alarm.clone());
    }
    Some(entry)
}

/// What is over says who was there.
fn keep_people(sent: &Component, entry: &mut Component) {
    entry.remove_properties("ATTENDEE");
    for line in attendees(sent) {
        entry.push_property(line.clone());
    }
}

/// Where floating times of somebody are read.
fn zone_of(owner: &Principal) -> Zone {
    let zone = owner.time_zone.as_deref().and_then(Zone::named);
    zone.unwrap_or_else(Zone::utc)
}

/// Puts into the place of these instances what they are now.
fn take_along(object: &mut CalendarObject, mut left: BTreeMap<InstanceKey, Option<Component>>) {
    let parts = Meeting::of(object).order();
    let gone: BTreeSet<InstanceKey> = left
        .iter()
        .filter_map(|(key, now)| now.is_none().then_some(*key))
        .collect();
    for (entry, part) in object.entries_mut().zip(parts) {
        let now = part.key().and_then(|key| left.remove(&key)).flatten();
        if let Some(now) = now {
            *entry = now;
        }
    }
    remove_instances(object, &gone);
}

/// Whether somebody who comes to an instance, as it is now, answered for it otherwise than for its series.
fn is_answered(
    change: &Change<'_>,
    before: &Meeting<'_>,
    key: InstanceKey,
    now: &Component,
) -> bool {
    let own = before.get(Part::Instance(key));
    let Some((own, series)) = own.zip(before.apart_at(key)) else {
        return false;
    };
    attendees(own).any(|line| {
        let twin_in_series = twin(change, &series, line);
        twin_in_series.is_some_and(|it| participation(it) != participation(line))
            && twin(change, now, line).is_some()
    })
}

/// The line of the same person in another component.
fn twin<'a>(change: &Change<'_>, entry: &'a Component, line: &Property) -> Option<&'a Property> {
    let same = |other: &&Property| {
        change
            .directory
            .same_person(other.raw_value(), line.raw_value())
    };
    attendees(entry).find(same)
}
