//! The organizer removes the object, or makes it nobody's meeting (RFC 6638 §3.2.1.3).

use calendar::{CalendarObject, Component};

use super::{
    Change, Plan, RECURRING,
    invitee::{Earlier, earlier},
    outbox::{Outbox, kind_of_message},
    sign_organizer,
};
use crate::engine::{
    Method, Role,
    entry::{Agent, is_cancelled, sequence, single},
    message::cancel,
};

/// Tells all whom the server told of the meeting. `after` is the plain object that is left, if any.
pub(super) fn remove(
    change: &Change<'_>,
    before: &CalendarObject,
    after: Option<&CalendarObject>,
) -> Plan {
    let mut outbox = Outbox::default();
    match single(before) {
        None => outbox.stay_silent(RECURRING),
        Some(entry) if is_cancelled(entry) => {
            outbox.stay_silent("the meeting was cancelled already");
        }
        Some(entry) => {
            for attendee in earlier(change, entry).values() {
                tell(change, before, entry, attendee, &mut outbox);
            }
        }
    }
    let role = match after {
        Some(_) => Role::None,
        None => Role::Organizer,
    };
    // a plain object has no attendees that could carry a status
    outbox.statuses.clear();
    outbox.into_plan(after.cloned(), role)
}

fn tell(
    change: &Change<'_>,
    before: &CalendarObject,
    entry: &Component,
    attendee: &Earlier<'_>,
    outbox: &mut Outbox,
) {
    if attendee.agent != Agent::Server {
        return outbox.leave_to_others(attendee.line.raw_value());
    }
    let organizer = entry.raw_value("ORGANIZER").unwrap_or_default().trim();
    let sequence = sequence(entry).saturating_add(1);
    let message = cancel(organizer, before, attendee.line, sequence, true, change.now);
    if let Some(message) = message {
        let kind = kind_of_message(Method::Cancel, false);
        outbox.send(
            change,
            attendee.line,
            sign_organizer(change, message),
            kind,
            "the meeting is removed",
        );
    }
}
