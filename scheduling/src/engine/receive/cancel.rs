//! A cancellation reaches an attendee (RFC 6638 §4.1, RFC 5546 §3.2.5).

use calendar::{CalendarObject, Component, Property};
use storage::model::PrincipalKind;

use super::{
    CopyChange, Declined, Incoming, Receipt,
    request::{check_organizer, note_revision, single_copy},
};
use crate::engine::{
    Origin, Status,
    entry::{is_cancelled, sequence},
    message::utc,
    sequence::{Revision, set_sequence},
};

/// Applies a CANCEL: the copy stays and says so; that of a room or resource goes.
pub(super) fn receive(incoming: &Incoming<'_>, entry: &Component) -> Result<Receipt, Declined> {
    let silently = |reason| Declined::silently(Status::DELIVERED, reason);
    let copy = incoming
        .copy
        .ok_or(silently("there is no copy to cancel"))?;
    check_organizer(incoming, copy, entry)?;
    let stored = single_copy(copy)?;
    // equal is enough for a cancellation: some organizers do not raise SEQUENCE for it
    if incoming.message.origin != Origin::Here && sequence(entry) < known_sequence(stored) {
        return Err(silently("a newer message was applied already"));
    }
    if is_cancelled(stored) {
        return Err(silently("the copy is cancelled already"));
    }
    let is_thing = matches!(
        incoming.recipient.kind,
        PrincipalKind::Location | PrincipalKind::Resource
    );
    Ok(Receipt {
        copy: if is_thing {
            CopyChange::Remove
        } else {
            CopyChange::Replace(cancelled(incoming, copy, entry))
        },
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: true,
        refresh_others: false,
        decisions: Vec::new(),
    })
}

fn cancelled(incoming: &Incoming<'_>, copy: &CalendarObject, entry: &Component) -> CalendarObject {
    let mut object = copy.clone();
    for target in object.entries_mut() {
        for (name, value) in [("STATUS", "CANCELLED"), ("DTSTAMP", &utc(incoming.now))] {
            target.set_property(Property::new(name, value).expect("the value is plain"));
        }
        set_sequence(target, sequence(entry).max(sequence(target)));
        let organizer = target.properties_mut().find(|line| line.is("ORGANIZER"));
        if let Some(line) = organizer {
            sign_as(line, entry.property("ORGANIZER"));
        }
    }
    note_revision(incoming, entry, &mut object);
    object
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

fn known_sequence(stored: &Component) -> u32 {
    stored
        .property("ORGANIZER")
        .and_then(Revision::noted)
        .map_or_else(|| sequence(stored), |revision| revision.sequence())
}
