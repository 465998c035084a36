//! Writing down how the messages fared (RFC 6638 §3.2.9 and §7.3).

use calendar::CalendarObject;

use super::{Plan, Status};

/// The object to store: that of the plan, with SCHEDULE-STATUS as known when it was planned and as
/// `outcomes` say, by the [`super::Delivery::address`] of each delivery. `None` for a removal.
#[allow(unused_variables, clippy::unimplemented)]
pub fn settle(plan: &Plan, outcomes: &[(String, Status)]) -> Option<CalendarObject> {
    unimplemented!()
}

/// The object with what became of a message to `recipient` later, when its mail was sent or came
/// back; `None` where that is no news: nobody has that address there, or a reply came meanwhile.
#[allow(unused_variables, clippy::unimplemented)]
pub fn record_status(
    object: &CalendarObject,
    recipient: &str,
    status: &Status,
) -> Option<CalendarObject> {
    unimplemented!()
}
