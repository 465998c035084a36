//! An answer reaches the organizer (RFC 6638 §4.2, RFC 5546 §3.2.3).

use calendar::{CalendarObject, Component, Property};

use super::{CopyChange, Incoming, Receipt};
use crate::engine::{
    Origin, Status,
    entry::{attendees, is_cancelled, participation, single},
    sequence::Revision,
};

/// Applies a REPLY: participation and status of the one who sent it, and nothing else.
pub(super) fn receive(incoming: &Incoming<'_>) -> Receipt {
    let Some(copy) = incoming.copy else {
        return Receipt::nothing(incoming, Status::NO_WAY, "the organizer has no such event");
    };
    let Some(stored) = single(copy) else {
        return Receipt::nothing(
            incoming,
            Status::NOT_ALLOWED,
            "the organizer's event is recurring, which is not scheduled",
        );
    };
    let Some(message) = incoming.message.entry() else {
        return Receipt::nothing(
            incoming,
            Status::NOT_ALLOWED,
            "the message has no component",
        );
    };
    if !stored
        .raw_value("ORGANIZER")
        .is_some_and(|organizer| incoming.directory.is(organizer, incoming.recipient.id))
    {
        return Receipt::for_the_user(
            incoming,
            Status::NOT_ALLOWED,
            "the recipient is not the organizer of this event",
        );
    }
    // of several, the one that matches the sender
    let sender = &incoming.message.sender;
    let Some(answer) =
        attendees(message).find(|line| incoming.directory.same_person(line.raw_value(), sender))
    else {
        return Receipt::for_the_user(
            incoming,
            Status::NOT_ALLOWED,
            "the sender answers for somebody else",
        );
    };
    let Some(invited) =
        attendees(stored).find(|line| incoming.directory.same_person(line.raw_value(), sender))
    else {
        return Receipt::for_the_user(incoming, Status::NOT_ALLOWED, "the sender is not invited");
    };
    if is_cancelled(stored) {
        return Receipt::nothing(incoming, Status::DELIVERED, "the meeting is cancelled");
    }
    if incoming.message.origin == Origin::Mail && is_obsolete(invited, message) {
        return Receipt::nothing(
            incoming,
            Status::DELIVERED,
            "a newer or the same answer was applied already",
        );
    }
    let changed = participation(invited) != participation(answer);
    Receipt {
        copy: apply(incoming, copy, message, answer),
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: false,
        refresh_others: changed,
        decisions: Vec::new(),
    }
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
        if incoming.message.origin == Origin::Mail {
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
