//! An attendee proposes something else to the organizer (RFC 5546 §3.2.7).

use super::{
    Declined, Incoming, Receipt,
    reply::{check_organizes, for_somebody_else, line_of, not_invited},
};
use crate::engine::{Action, Status, entry::sequence, meeting::Meeting};

/// Takes a COUNTER: it is never applied, and always for the organizer to decide about, unless the meeting has
/// become another one since.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let copy = check_organizes(incoming)?;
    let stored = Meeting::of(copy);
    let message = Meeting::about(&incoming.message.object, &stored);
    let mut is_late = true;
    for (part, entry) in message.parts() {
        let known = stored.describing(part);
        // of an event, ATTENDEE may be others who are proposed (RFC 5546 §3.2.7): whose proposal it is, is proven
        if !entry.is("VEVENT") && line_of(incoming, entry).is_none() {
            let reason = "the sender proposes it for somebody else";
            return Err(for_somebody_else(reason));
        }
        if known.is_none_or(|known| line_of(incoming, known).is_none()) {
            return Err(not_invited());
        }
        let is_live = stored.is_live(stored.part_of(part));
        is_late &= !is_live || known.is_some_and(|known| sequence(entry) < sequence(known));
    }
    if is_late {
        let reason = "it is about what the meeting was before";
        return Err(Declined::silently(Status::DELIVERED, reason));
    }
    Err(Declined::for_the_user(
        Status::DELIVERED,
        "an attendee proposes something else, which only the organizer can take up or decline",
        &[Action::TakeOver, Action::Decline, Action::Dismiss],
    ))
}
