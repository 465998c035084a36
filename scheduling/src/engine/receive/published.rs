//! What asks nobody to come: what is published (RFC 5546 §3.2.1, §3.3.1, §3.4.1, §3.5.1), what becomes of a journal
//! entry afterwards (§3.5.2, §3.5.3), and when somebody is busy (§3.3.3).

use super::{Declined, Incoming};
use crate::engine::{Action, Method, Status, entry::attendees};

/// Takes such a message: whoever wants it takes it from the inbox into a calendar, and nobody else puts anything there.
/// A question for busy time is answered before it comes here.
pub(super) fn receive<T>(incoming: &Incoming<'_>) -> Result<T, Declined> {
    let Incoming {
        message, directory, ..
    } = incoming;
    let reason = match message.method {
        Method::Publish => "it is published: whoever wants it takes it into a calendar",
        Method::Reply => {
            let mut lines = message.entries().flat_map(attendees);
            if !lines.all(|line| directory.same_person(line.raw_value(), &message.sender)) {
                let reason = "the sender says when somebody else is busy";
                let dismiss = &[Action::Dismiss];
                return Err(Declined::for_the_user(Status::NOT_ALLOWED, reason, dismiss));
            }
            "it says when its sender is busy, and nobody asked that from here"
        }
        Method::Request => {
            let reason = "when somebody is busy is not for their calendar to say";
            return Err(Declined::silently(Status::UNSUPPORTED, reason));
        }
        _ => "it is about a journal entry, which only who took it into a calendar can change there",
    };
    let actions: &[Action] = match message.method {
        Method::Reply => &[Action::Dismiss],
        _ => &[Action::TakeOver, Action::Dismiss],
    };
    Err(Declined::for_the_user(Status::DELIVERED, reason, actions))
}
