//! An answer reaches the organizer (RFC 6638 §4.2, RFC 5546 §3.2.3).

use calendar::{CalendarObject, Component, Property};

use super::{CopyChange, Declined, Incoming, Receipt, request::single_copy};
use crate::engine::{
    Origin, Status,
    entry::{attendees, is_cancelled, participation},
    sequence::Revision,
};

/// Applies a REPLY: participation and status of the one who sent it, and nothing else.
pub(super) fn receive(incoming: &Incoming<'_>, message: &Component) -> Result<Receipt, Declined> {
    let copy = incoming.copy.ok_or(Declined::silently(
        Status::NO_WAY,
        "the organizer has no such event",
    ))?;
    let stored = single_copy(copy)?;
    let (invited, answer) = find_people(incoming, stored, message)?;
    if is_cancelled(stored) {
        return Err(Declined::silently(
            Status::DELIVERED,
            "the meeting is cancelled",
        ));
    }
    if incoming.message.origin != Origin::Here && is_obsolete(invited, message) {
        return Err(Declined::silently(
            Status::DELIVERED,
            "a newer or the same answer was applied already",
        ));
    }
    Ok(Receipt {
        copy: apply(incoming, copy, message, answer),
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: false,
        refresh_others: participation(invited) != participation(answer),
        decisions: Vec::new(),
    })
}

/// The sender's ATTENDEE in the organizer's copy and in the message: of several there, the one that
/// matches the sender.
fn find_people<'a>(
    incoming: &Incoming<'_>,
    stored: &'a Component,
    message: &'a Component,
) -> Result<(&'a Property, &'a Property), Declined> {
    let for_the_user = |reason| Declined::for_the_user(Status::NOT_ALLOWED, reason);
    let directory = incoming.directory;
    let is_organizer = |address| directory.is(address, incoming.recipient.id);
    if !stored.raw_value("ORGANIZER").is_some_and(is_organizer) {
        return Err(for_the_user(
            "the recipient is not the organizer of this event",
        ));
    }
    let sender = &incoming.message.sender;
    let is_sender = |line: &&Property| directory.same_person(line.raw_value(), sender);
    let answer = attendees(message)
        .find(is_sender)
        .ok_or(for_the_user("the sender answers for somebody else"))?;
    let invited = attendees(stored)
        .find(is_sender)
        .ok_or(for_the_user("the sender is not invited"))?;
    Ok((invited, answer))
}

/// RFC 5546 §2.1.5: for each attendee, the order of answers; and an answer to what was before the last
/// reset comes too late.
fn is_obsolete(invited: &Property, message: &Component) -> bool {
    Revision::noted(invited).is_some_and(|known| Revision::of(message) <= known)
}

fn apply(
    incoming: &Incoming<'_>,
    copy: &CalendarObject,
    message: &Component,
    answer: &Property,
) -> CopyChange {
    let status = Status::of_reply(
        message
            .properties_named("REQUEST-STATUS")
            .map(Property::raw_value),
    );
    let mut object = copy.clone();
    for line in object
        .entries_mut()
        .flat_map(Component::properties_mut)
        .filter(|line| line.is("ATTENDEE"))
    {
        if !incoming
            .directory
            .same_person(line.raw_value(), answer.raw_value())
        {
            continue;
        }
        take_over(line, answer);
        set(line, "SCHEDULE-STATUS", status.as_str());
        if incoming.message.origin != Origin::Here {
            Revision::of(message).note(line);
        }
    }
    if object == *copy {
        CopyChange::Unchanged
    } else {
        CopyChange::Replace(object)
    }
}

/// PARTSTAT and delegation as answered; a name if none is known; no RSVP, the answer is here.
fn take_over(line: &mut Property, answer: &Property) {
    set(line, "PARTSTAT", &participation(answer));
    for parameter in ["DELEGATED-TO", "DELEGATED-FROM"] {
        let values = answer.parameter_values(parameter);
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        if !values.is_empty() {
            line.set_parameter_values(parameter, &values)
                .expect("the values come from a valid line");
        }
    }
    match answer.parameter("SENT-BY") {
        Some(address) => set(line, "SENT-BY", &address),
        None => {
            line.remove_parameter("SENT-BY");
        }
    }
    if let (None, Some(name)) = (line.parameter("CN"), answer.parameter("CN")) {
        set(line, "CN", &name);
    }
    line.remove_parameter("RSVP");
}

fn set(line: &mut Property, parameter: &str, value: &str) {
    line.set_parameter(parameter, value)
        .expect("the value comes from a valid line");
}
