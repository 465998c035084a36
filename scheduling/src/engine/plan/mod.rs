//! What a change of a calendar object means for everybody in it.

use std::sync::Arc;

use calendar::CalendarObject;
use storage::{Timestamp, model::Principal};

use super::{Decision, Directory, Fault, Message, Role, Status};
use crate::mail::OutgoingMessage;

/// A change of one calendar object resource, with all that the rules may know.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What is stored, if anything.
    pub before: Option<&'a CalendarObject>,
    /// What is asked for; `None` removes.
    pub after: Option<&'a CalendarObject>,
    /// The owner of the calendar.
    pub owner: &'a Principal,
    /// The calendar user address of the person who acts for the owner, where it is somebody else (and
    /// not an administrator): SENT-BY.
    pub sent_by: Option<&'a str>,
    /// Who is behind the [`super::addresses`] of `before` and `after`.
    pub directory: &'a Directory,
    /// The copy of the principal that [`super::organizer_to_load`] named, by UID; `None` where there is none.
    pub organizer_copy: Option<&'a CalendarObject>,
    /// The moment.
    pub now: Timestamp,
    /// RFC 6638 §8.1: `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
    /// If-Schedule-Tag-Match was given and held: what others answered meanwhile is kept (RFC 6638 §3.2.10.1).
    pub schedule_tag_matched: bool,
    /// Mail can be sent.
    pub mail_possible: bool,
}

/// A message to somebody on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose copy (by the message's UID, in any of that principal's calendars) and inbox it is for. It
    /// has a home and a default calendar.
    pub recipient: Arc<Principal>,
    /// The recipient's address as it stands in the sender's object.
    pub address: String,
    /// The message.
    pub message: Message,
}

/// What a change comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be stored, before [`super::settle`]; `None` removes. Compare its octets with those
    /// that were sent to know whether an ETag may be answered.
    pub object: Option<CalendarObject>,
    /// The owner's part in it (in what was there, for a removal).
    pub role: Role,
    /// Messages to people here; each goes through [`super::receive`].
    pub deliveries: Vec<Delivery>,
    /// Messages to people elsewhere, for the mail queue.
    pub mails: Vec<OutgoingMessage>,
    /// Statuses that are known already, by the address as in the object: mails on their way, people
    /// that cannot be reached.
    pub statuses: Vec<(String, Status)>,
    /// Why.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// Whether `object` is a scheduling object resource (RFC 6638 §3.1), and so has a Schedule-Tag.
    /// Each change that is planned here comes by HTTP and gives it a new one (RFC 6638 §3.2.10).
    pub fn is_scheduling_object(&self) -> bool {
        self.object.is_some() && self.role != Role::None
    }
}

/// Decides what a change comes to.
///
/// # Errors
/// A precondition of RFC 6638 §3.2.4 does not hold.
#[allow(unused_variables, clippy::unimplemented)]
pub fn plan(change: &Change<'_>) -> Result<Plan, Fault> {
    unimplemented!()
}
