//! The organizer removes the object, or makes it nobody's meeting (RFC 6638 §3.2.1.3).

use calendar::CalendarObject;

use super::{
    Change, Plan,
    outbox::{Outbox, kind_of_message},
    roster::{Attendee, Roster, Seat},
    sign_organizer,
};
use crate::engine::{
    Method, Role,
    entry::sequence,
    meeting::{Meeting, Part},
    message::{CalledOff, cancel},
    refresh::organizer_of,
};

/// Tells all whom the server told of the meeting. `after` is the plain object that is left, if any.
pub(super) fn remove(
    change: &Change<'_>,
    before: &CalendarObject,
    after: Option<&CalendarObject>,
) -> Plan {
    let mut outbox = Outbox::default();
    let meeting = Meeting::of(before);
    if meeting.is_called_off() {
        outbox.stay_silent("the meeting was cancelled already");
    } else {
        for attendee in Roster::stored(change, &meeting).iter() {
            tell(change, &meeting, attendee, &mut outbox);
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

fn tell(change: &Change<'_>, meeting: &Meeting<'_>, attendee: &Attendee<'_>, outbox: &mut Outbox) {
    let Some(to) = attendee.line() else { return };
    if attendee.called_off().next().is_none() {
        return outbox.leave_to_others(to.raw_value());
    }
    // who has the series hears of it alone: all its instances are called off with it
    let has_series =
        attendee.called_off().any(|part| part == Part::Series) && meeting.is_live(Part::Series);
    let parts = attendee
        .called_off()
        .filter(|part| meeting.is_live(*part) && (!has_series || *part == Part::Series));
    let told = |entry| {
        change
            .last_told
            .and_then(|told| told.of(entry))
            .unwrap_or(0)
    };
    let called_off: Vec<CalledOff<'_>> = parts
        .filter_map(|part| {
            let Seat { line, .. } = attendee.seats.get(&part)?;
            let entry = meeting.get(part)?;
            Some(CalledOff {
                entry,
                attendee: line,
                sequence: told(entry).max(sequence(entry)).saturating_add(1),
                whole: true,
            })
        })
        .collect();
    if called_off.is_empty() {
        return;
    }
    let message = cancel(
        organizer_of(meeting),
        meeting.object,
        &called_off,
        change.now,
    );
    let kind = kind_of_message(Method::Cancel, false);
    let message = sign_organizer(change, message);
    outbox.send(change, to, message, kind, "the meeting is removed");
}
