//! Showing the other attendees what one of them answered (RFC 6638 §4.2).

use calendar::CalendarObject;
use storage::{Timestamp, model::Principal};

use super::{Delivery, Directory};

/// The deliveries that bring the copies of all local attendees up to date with the organizer's object,
/// except that of `replied` (its address), who knows. By nothing else are they told: no inbox item, no
/// Schedule-Tag, no mail.
#[allow(unused_variables, clippy::unimplemented)]
pub fn refresh(
    organizer_object: &CalendarObject,
    owner: &Principal,
    directory: &Directory,
    replied: Option<&str>,
    now: Timestamp,
) -> Vec<Delivery> {
    unimplemented!()
}
