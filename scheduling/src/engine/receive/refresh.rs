//! An attendee asks the organizer for the newest version (RFC 5546 §3.2.6), or an organizer asks for what was answered.

use calendar::CalendarObject;

use super::{
    Declined, FollowUp, Incoming, Receipt,
    reply::{check_organizes, line_of},
};
use crate::engine::{
    Status,
    entry::{Agent, agent, agent_of_organizer},
    meeting::Meeting,
    refresh::organizer_of,
};

/// Takes a REFRESH: who is in the meeting is told all of it again, and who was in one that is gone, that it is off (RFC 5546
/// §3.4.6). "Only Attendees of an event or to-do are authorized to receive replies" (RFC 5546 §6.1.6).
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    if incoming
        .copy
        .is_some_and(|copy| is_from_organizer(incoming, copy))
    {
        return Ok(followed_by(FollowUp::AnswerAgain));
    }
    let follow_up = match (incoming.copy, incoming.removed) {
        (None, Some(sequence)) => FollowUp::TellRemoved { sequence },
        _ => {
            check_invited(incoming, check_organizes(incoming)?)?;
            FollowUp::TellSender
        }
    };
    let mut asked = incoming.message.entries();
    if !asked.any(|entry| line_of(incoming, entry).is_some()) {
        let reason = "the sender asks for somebody else";
        return Err(Declined::silently(Status::NOT_ALLOWED, reason));
    }
    Ok(followed_by(follow_up))
}

/// Whether the organizer's server tells the sender of this object.
fn check_invited(incoming: &Incoming<'_>, copy: &CalendarObject) -> Result<(), Declined> {
    let silently = |status, reason| Declined::silently(status, reason);
    let seats = copy.entries().filter_map(|entry| line_of(incoming, entry));
    let mut agents = seats.map(agent).peekable();
    if agents.peek().is_none() {
        let reason = "the sender is not invited";
        return Err(silently(Status::NOT_ALLOWED, reason));
    }
    if agents.all(|agent| agent != Agent::Server) {
        let reason = "SCHEDULE-AGENT leaves this person to others (RFC 6638 §7.1)";
        return Err(silently(Status::DELIVERED, reason));
    }
    Ok(())
}

/// The organizer of a to-do may ask an attendee how far it is (RFC 5546 §3.4.6).
fn is_from_organizer(incoming: &Incoming<'_>, copy: &CalendarObject) -> bool {
    let Incoming {
        message, directory, ..
    } = incoming;
    let organizer = organizer_of(&Meeting::of(copy));
    copy.entries().all(|entry| entry.is("VTODO"))
        && !directory.is(organizer, incoming.recipient.id)
        && directory.same_person(organizer, &message.sender)
        && agent_of_organizer(copy) == Agent::Server
}

fn followed_by(follow_up: FollowUp) -> Receipt {
    Receipt {
        follow_up,
        ..Receipt::unchanged()
    }
}
