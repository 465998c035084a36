//! Outgoing scheduling mail as a value (RFC 6047). `server` renders it as MIME and sends it; the
//! value is the payload of a row of work in the queue [`QUEUE`], written in the change's own commit.

use serde::{Deserialize, Serialize};
use storage::model::CollectionId;

/// The name of the queue of outgoing mail.
pub const QUEUE: &str = "mail";

/// The name of the queue where mail is kept that no worker takes: what was waiting when a backup was made
/// and may have left since. An administrator releases or drops it.
pub const HELD_QUEUE: &str = "mail-held";

/// Somebody in a mail's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The address without `mailto:`.
    pub address: String,
    /// The name for people, if known.
    pub name: Option<String>,
}

/// What the mail is about, which decides its subject and first sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageKind {
    /// A first invitation.
    Invitation,
    /// A changed invitation.
    Update,
    /// The meeting, or this person's part in it, is cancelled.
    Cancellation,
    /// An attendee accepts.
    Accepted,
    /// An attendee declines.
    Declined,
    /// An attendee accepts tentatively.
    Tentative,
    /// An attendee answers in another way.
    Answered,
}

/// The meeting in words for the text and HTML parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// SUMMARY.
    pub summary: String,
    /// When, readable, with the zone's name.
    pub when: String,
    /// LOCATION.
    pub location: Option<String>,
    /// DESCRIPTION.
    pub description: Option<String>,
    /// The organizer, readable.
    pub organizer: String,
    /// The attendees, readable.
    pub attendees: Vec<String>,
}

/// One mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// What it is about.
    pub kind: MessageKind,
    /// The iTIP method, upper case (the `method` parameter of the text/calendar part).
    pub method: String,
    /// From.
    pub from: Party,
    /// To.
    pub to: Party,
    /// For people.
    pub details: Details,
    /// The iCalendar stream for machines.
    pub calendar: Vec<u8>,
    /// BCP 47 tag of the text parts.
    pub language: Option<String>,
    /// The sender's home, and the UID whose SCHEDULE-STATUS tells how the delivery went.
    pub home: CollectionId,
    /// The UID.
    pub uid: String,
    /// The calendar user address of the recipient as it stands in the object.
    pub recipient: String,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Handed to the next mail server: 1.1.
    Accepted,
    /// Refused for good: 5.2.
    Rejected,
    /// Temporary errors until the retries ran out: 5.1.
    GivenUp,
    /// There is no way to send mail: 5.3.
    NotPossible,
}

impl OutgoingMessage {
    /// The payload of a row of work.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a plain value always encodes")
    }

    /// From the payload of a row of work; `None` where the octets are not ours.
    pub fn decode(octets: &[u8]) -> Option<OutgoingMessage> {
        postcard::from_bytes(octets).ok()
    }
}
