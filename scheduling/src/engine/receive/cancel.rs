//! A cancellation reaches an attendee (RFC 6638 §4.1, RFC 5546 §3.2.5).

use calendar::Property;
use storage::model::PrincipalKind;

use super::{
    CopyChange, Incoming, Receipt,
    request::{note_revision, refuse_organizer},
};
use crate::engine::{
    Origin, Status,
    entry::{is_cancelled, sequence, single},
    message::utc,
    sequence::{Revision, set_sequence},
};

/// Applies a CANCEL: the copy stays and says so; that of a room or resource goes.
pub(super) fn receive(incoming: &Incoming<'_>) -> Receipt {
    let Some(copy) = incoming.copy else {
        return Receipt::nothing(incoming, Status::DELIVERED, "there is no copy to cancel");
    };
    if let Some(refusal) = refuse_organizer(incoming, copy) {
        return refusal;
    }
    let (Some(stored), Some(entry)) = (single(copy), incoming.message.entry()) else {
        return Receipt::nothing(
            incoming,
            Status::NOT_ALLOWED,
            "the copy here is recurring, which is not scheduled",
        );
    };
    // equal is enough for a cancellation: some organizers do not raise SEQUENCE for it
    if incoming.message.origin == Origin::Mail && sequence(entry) < known_sequence(stored) {
        return Receipt::nothing(
            incoming,
            Status::DELIVERED,
            "a newer message was applied already",
        );
    }
    if is_cancelled(stored) {
        return Receipt::nothing(incoming, Status::DELIVERED, "the copy is cancelled already");
    }
    let mut object = copy.clone();
    for target in object.entries_mut() {
        target.set_property(
            Property::new("STATUS", "CANCELLED").expect("a plain word is a valid value"),
        );
        target.set_property(
            Property::new("DTSTAMP", &utc(incoming.now)).expect("a date is a valid value"),
        );
        set_sequence(target, sequence(entry).max(sequence(target)));
    }
    note_revision(incoming, entry, &mut object);
    let is_thing = matches!(
        incoming.recipient.kind,
        PrincipalKind::Location | PrincipalKind::Resource
    );
    Receipt {
        copy: if is_thing {
            CopyChange::Remove
        } else {
            CopyChange::Replace(object)
        },
        inbox_item: true,
        status: Status::DELIVERED,
        schedule_tag_changes: true,
        refresh_others: false,
        decisions: Vec::new(),
    }
}

fn known_sequence(stored: &calendar::Component) -> u32 {
    stored
        .property("ORGANIZER")
        .and_then(Revision::noted)
        .map_or_else(|| sequence(stored), |revision| revision.sequence())
}
