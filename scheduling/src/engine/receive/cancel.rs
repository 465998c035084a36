//! A cancellation reaches an attendee (RFC 6638 §4.1, RFC 5546 §3.2.5).

use std::collections::BTreeMap;

use calendar::{CalendarObject, Component, Property};

use super::{
    CopyChange, Declined, Incoming, Receipt,
    order::{is_overtaken, note_revision},
    request::{check_organizer, own_line},
};
use crate::engine::{
    Action, Origin, Status,
    away::forget_those_back,
    entry::{attendees, is_cancelled, sequence},
    later_ones::{is_of_later_ones, later_ones, name_it_alone, name_later_ones},
    meeting::{Meeting, Part, is_instance},
    message::utc,
    sequence::set_sequence,
};

/// Applies a CANCEL: what it calls off stays in the copy and says so. The copy of a room or resource goes when
/// nothing of it takes place any more.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    check_meant(incoming)?;
    let copy = incoming
        .copy
        .ok_or(silently("there is no copy to cancel"))?;
    check_organizer(incoming, copy)?;
    let stored = Meeting::of(copy);
    let message = Meeting::about(&incoming.message.object, &stored);
    let object = cancelled(incoming, &stored, &called_off(incoming, &stored, &message)?);
    let is_thing = incoming.recipient.kind.is_bookable();
    Ok(Receipt {
        copy: match is_thing && Meeting::of(&object).is_called_off() {
            true => CopyChange::Remove,
            false => CopyChange::Replace(object),
        },
        inbox_item: true,
        schedule_tag_changes: true,
        ..Receipt::unchanged()
    })
}

/// What calls off the part of others only was handed on to the recipient: that is for them to look at. So is what is off
/// altogether, as its STATUS says (RFC 5546 §3.2.5), but names others: it may well be meant for them.
fn check_meant(incoming: &Incoming<'_>) -> Result<(), Declined> {
    let entries = || incoming.message.entries();
    if entries().any(|entry| is_meant(incoming, entry)) {
        return Ok(());
    }
    let (status, reason) = match entries().any(|it| is_cancelled(it) && !is_instance(it)) {
        true => (
            Status::DELIVERED,
            "it says that all of the meeting is off, and names others only",
        ),
        false => (Status::NOT_ALLOWED, "the cancellation names others only"),
    };
    let actions = &[Action::TakeOver, Action::Dismiss];
    Err(Declined::for_the_user(status, reason, actions))
}

/// Whether a component calls off the recipient's part. From outside, who is taken out is named (RFC 5546 §3.2.5), by the
/// name by which they were invited: by a group's, or by a list's, where the copy does not name the recipient.
fn is_meant(incoming: &Incoming<'_>, entry: &Component) -> bool {
    let names_recipient = |entry: &Component| own_line(incoming, entry).is_some();
    incoming.message.origin != Origin::Mail
        || attendees(entry).next().is_none()
        || names_recipient(entry)
        || incoming.copy.is_some_and(|copy| {
            !copy.entries().any(names_recipient) || names_their_group(incoming, copy, entry)
        })
}

/// Whether a component names a group as one of which the copy has the recipient (MEMBER).
fn names_their_group(incoming: &Incoming<'_>, copy: &CalendarObject, entry: &Component) -> bool {
    let own = copy.entries().filter_map(|entry| own_line(incoming, entry));
    let groups: Vec<_> = own.flat_map(|own| own.parameter_values("MEMBER")).collect();
    let is_group = |line: &Property| {
        let same = |group| incoming.directory.same_person(line.raw_value(), group);
        groups.iter().any(|group| same(group))
    };
    attendees(entry).any(is_group)
}

/// What is said of a part of the copy: the component of the message, and what that is about.
type Said<'m> = (Part, &'m Component);

/// The parts of the copy that a component of the message calls off, of those that are there.
fn named(incoming: &Incoming<'_>, stored: &Meeting<'_>, (said, entry): Said<'_>) -> Vec<Part> {
    let Part::Instance(first) = said else {
        // the whole: the series, and all instances that have a component
        return stored.parts().map(|(part, _)| part).collect();
    };
    // RFC 5546 §3.2.5: an instance, or that and all later ones. A commit names those of them that have a component.
    let is_of_later = is_of_later_ones(entry);
    let is_of_all = incoming.message.origin == Origin::Mail && is_of_later;
    let later = stored.instances().map(|(key, _)| key);
    let later = later.filter(|key| is_of_all && *key > first);
    // of later ones it is said in the component of the first, also where that one was taken out
    let is_out = is_of_later && stored.excluded.contains(&first);
    let is_there = stored.has(said) || is_out || stored.yields(first);
    let own = is_there.then_some(first);
    own.into_iter().chain(later).map(Part::Instance).collect()
}

/// The parts of the copy that the message calls off, each with what it says; an instance that had no component
/// gets one.
fn called_off<'m>(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    message: &Meeting<'m>,
) -> Result<BTreeMap<Part, Said<'m>>, Declined> {
    let mut found = BTreeMap::new();
    let mut reason = "the copy has no such instance";
    let mut is_behind = false;
    for (said, entry) in message.parts().filter(|(_, it)| is_meant(incoming, it)) {
        let origin = incoming.message.origin;
        is_behind |= stored.is_unknown(said) && !is_overtaken(origin, stored, (said, entry), said);
        for part in named(incoming, stored, (said, entry)) {
            let known = stored.describing(part);
            if origin != Origin::Here && is_overtaken(origin, stored, (said, entry), part) {
                reason = "a newer message was applied already";
            } else if known.is_some_and(is_cancelled) && !says_more(stored, (said, entry), part) {
                reason = "the copy is cancelled already";
            } else {
                found.insert(part, (said, entry));
            }
        }
    }
    match found.is_empty() {
        // RFC 5546 §4.7.2: the organizer's series has instances that the copy's has not
        true if is_behind => Err(Declined::asking(reason)),
        true => Err(Declined::silently(Status::DELIVERED, reason)),
        false => Ok(found),
    }
}

/// Whether a component calls off an instance and all later ones, of which that one is off already, and not the later ones.
fn says_more(stored: &Meeting<'_>, (said, entry): Said<'_>, part: Part) -> bool {
    let later = part.key().map(|key| stored.part_from(key));
    said == part && is_of_later_ones(entry) && later.is_some_and(|later| stored.is_live(later))
}

fn cancelled(
    incoming: &Incoming<'_>,
    stored: &Meeting<'_>,
    called_off: &BTreeMap<Part, Said<'_>>,
) -> CalendarObject {
    let mut object = stored.object.clone();
    let mut parts = stored.order();
    for part in called_off.keys().filter(|part| !stored.has(**part)) {
        let Some(key) = part.key() else { continue };
        if let Some(entry) = stored.component_at(key).or_else(|| stored.apart_at(key)) {
            object.calendar_mut().push_component(entry);
            parts.push(*part);
        }
        if let Some(series) = object.entries_mut().find(|entry| !is_instance(entry)) {
            stored.readmit(series, key);
        }
    }
    let mut going_on = Vec::new();
    for (target, part) in object.entries_mut().zip(parts) {
        if let Some((said, entry)) = called_off.get(&part) {
            going_on.extend(still_on(stored, called_off, (part, entry)));
            call_off(incoming, target, entry, *said == part);
        }
    }
    for entry in going_on {
        object.calendar_mut().push_component(entry);
    }
    forget_those_back(&mut object);
    object
}

/// Where one instance alone is called off that says what all later ones are: the next of these says it from then on
/// (RFC 5545 §3.2.13, RFC 5546 §3.2.5).
fn still_on(
    stored: &Meeting<'_>,
    called_off: &BTreeMap<Part, Said<'_>>,
    (part, message): Said<'_>,
) -> Option<Component> {
    if !is_instance(message) || is_of_later_ones(message) {
        return None;
    }
    let is_off = |key| called_off.contains_key(&Part::Instance(key));
    later_ones(stored, part.key()?, is_off).map(|(_, entry)| entry)
}

/// `is_its_own` is whether the message is about the component itself, and not about more than that.
fn call_off(
    incoming: &Incoming<'_>,
    target: &mut Component,
    message: &Component,
    is_its_own: bool,
) {
    let now = utc(incoming.now);
    let stamp = message.raw_value("DTSTAMP").unwrap_or(&now);
    for (name, value) in [("STATUS", "CANCELLED"), ("DTSTAMP", stamp)] {
        target.set_property(Property::new(name, value).expect("the value is plain"));
    }
    // that of more says nothing of an instance
    if is_its_own {
        set_sequence(target, sequence(message).max(sequence(target)));
        if is_of_later_ones(message) {
            name_later_ones(target);
        } else {
            name_it_alone(target);
        }
    }
    let organizer = target.properties_mut().find(|line| line.is("ORGANIZER"));
    if let Some(line) = organizer {
        sign_as(line, message.property("ORGANIZER"));
    }
    note_revision(incoming, message, target, is_its_own);
}

/// Who sent the cancellation for the organizer is shown.
fn sign_as(line: &mut Property, message: Option<&Property>) {
    match message.and_then(|message| message.parameter("SENT-BY")) {
        Some(address) => {
            line.set_parameter("SENT-BY", &address)
                .expect("the value comes from a valid line");
        }
        None => {
            line.remove_parameter("SENT-BY");
        }
    }
}
