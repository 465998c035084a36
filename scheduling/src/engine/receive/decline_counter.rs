//! The organizer does not take up what an attendee proposed (RFC 5546 §3.2.8).

use super::{
    Declined, Incoming, Receipt,
    request::{check_organizer, check_recipient},
};
use crate::engine::Status;

/// Takes a DECLINECOUNTER: the attendee is told, and nothing else happens.
pub(super) fn receive(incoming: &Incoming<'_>) -> Result<Receipt, Declined> {
    let copy = incoming.copy.ok_or(Declined::silently(
        Status::DELIVERED,
        "there is no event about which anything was proposed",
    ))?;
    check_organizer(incoming, copy)?;
    check_recipient(incoming)?;
    Ok(Receipt {
        inbox_item: true,
        ..Receipt::unchanged()
    })
}
