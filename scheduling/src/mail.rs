//! Outgoing scheduling mail as a value (RFC 6047). `server` renders it as MIME and sends it; the
//! value is the payload of a row of work in the queue [`QUEUE`], written in the change's own commit.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::{Uuid, model::CollectionId};

/// The name of the queue of outgoing mail.
pub const QUEUE: &str = "mail";

/// The name of the queue where mail is kept that no worker takes: what was waiting when a backup was made
/// and may have left since. An administrator releases or drops it.
pub const HELD_QUEUE: &str = "mail-held";

/// The name of the queue of mails to many that are not made yet.
pub const MAILING_QUEUE: &str = "mailing";

/// The name of the queue of mails to many that are held once they are made.
pub const HELD_MAILING_QUEUE: &str = "mailing-held";

/// What waits in the one queue when a backup is restored is held in the other.
pub const HELD_AFTER_RESTORE: [(&str, &str); 2] =
    [(QUEUE, HELD_QUEUE), (MAILING_QUEUE, HELD_MAILING_QUEUE)];

/// Somebody in a mail's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The address without `mailto:`.
    pub address: String,
    /// The name for people, if known.
    pub name: Option<String>,
}

/// Who speaks in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The sender.
    Own,
    /// Somebody writes for the sender. Who has no mail address has an empty one here.
    OnBehalf(Party),
    /// The sender tells what the sender sent in the recipient's name. There is nothing for machines in it.
    Notice,
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
    /// An attendee asks for the newest version.
    Question,
    /// Somebody tells when they are busy, because they were asked.
    BusyTime,
    /// The organizer does not take up what an attendee proposed.
    ProposalDeclined,
}

impl MessageKind {
    /// Whether it answers what its recipient sent.
    pub fn is_answer(self) -> bool {
        match self {
            MessageKind::Accepted
            | MessageKind::Declined
            | MessageKind::Tentative
            | MessageKind::Answered
            | MessageKind::BusyTime
            | MessageKind::ProposalDeclined => true,
            MessageKind::Invitation
            | MessageKind::Update
            | MessageKind::Cancellation
            | MessageKind::Question => false,
        }
    }
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
    /// DESCRIPTION; where there is none, COMMENT.
    pub description: Option<String>,
    /// The organizer, readable.
    pub organizer: String,
    /// The attendees, readable.
    pub attendees: Vec<String>,
}

/// One mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MessageRecord", into = "MessageRecord")]
pub struct OutgoingMessage {
    /// What it is about.
    pub kind: MessageKind,
    /// Who speaks.
    pub voice: Voice,
    /// The iTIP method, upper case (the `method` parameter of the text/calendar part).
    pub method: String,
    /// From.
    pub from: Party,
    /// To.
    pub to: Party,
    /// For people; those who get the same share it.
    pub details: Arc<Details>,
    /// The iCalendar stream for machines; those who get the same share it.
    pub calendar: Bytes,
    /// BCP 47 tag of the text parts.
    pub language: Option<String>,
    /// The sender's home, and the UID whose SCHEDULE-STATUS tells how the delivery went.
    pub home: CollectionId,
    /// The UID.
    pub uid: String,
    /// The calendar user address of the recipient as it stands in the object.
    pub recipient: String,
}

/// How it is stored.
#[derive(Serialize, Deserialize)]
struct MessageRecord {
    kind: KindRecord,
    method: String,
    from: Party,
    to: Party,
    details: Details,
    calendar: Bytes,
    language: Option<String>,
    home: CollectionId,
    uid: String,
    recipient: String,
}

/// Kind and voice in one: those rows that were written before there were delegates have only the first
/// seven, which are those of [`MessageKind`] then. What came later stands at the end.
#[derive(Serialize, Deserialize)]
enum KindRecord {
    Invitation,
    Update,
    Cancellation,
    Accepted,
    Declined,
    Tentative,
    Answered,
    OnBehalf(MessageKind, Party),
    Notice(MessageKind),
    Question,
    BusyTime,
    ProposalDeclined,
}

impl From<MessageKind> for KindRecord {
    fn from(kind: MessageKind) -> KindRecord {
        match kind {
            MessageKind::Invitation => KindRecord::Invitation,
            MessageKind::Update => KindRecord::Update,
            MessageKind::Cancellation => KindRecord::Cancellation,
            MessageKind::Accepted => KindRecord::Accepted,
            MessageKind::Declined => KindRecord::Declined,
            MessageKind::Tentative => KindRecord::Tentative,
            MessageKind::Answered => KindRecord::Answered,
            MessageKind::Question => KindRecord::Question,
            MessageKind::BusyTime => KindRecord::BusyTime,
            MessageKind::ProposalDeclined => KindRecord::ProposalDeclined,
        }
    }
}

impl From<KindRecord> for (MessageKind, Voice) {
    fn from(record: KindRecord) -> (MessageKind, Voice) {
        let kind = match record {
            KindRecord::Invitation => MessageKind::Invitation,
            KindRecord::Update => MessageKind::Update,
            KindRecord::Cancellation => MessageKind::Cancellation,
            KindRecord::Accepted => MessageKind::Accepted,
            KindRecord::Declined => MessageKind::Declined,
            KindRecord::Tentative => MessageKind::Tentative,
            KindRecord::Answered => MessageKind::Answered,
            KindRecord::Question => MessageKind::Question,
            KindRecord::BusyTime => MessageKind::BusyTime,
            KindRecord::ProposalDeclined => MessageKind::ProposalDeclined,
            KindRecord::OnBehalf(kind, party) => return (kind, Voice::OnBehalf(party)),
            KindRecord::Notice(kind) => return (kind, Voice::Notice),
        };
        (kind, Voice::Own)
    }
}

impl From<OutgoingMessage> for MessageRecord {
    fn from(message: OutgoingMessage) -> MessageRecord {
        MessageRecord {
            kind: match message.voice {
                Voice::Own => message.kind.into(),
                Voice::OnBehalf(party) => KindRecord::OnBehalf(message.kind, party),
                Voice::Notice => KindRecord::Notice(message.kind),
            },
            method: message.method,
            from: message.from,
            to: message.to,
            details: Arc::unwrap_or_clone(message.details),
            calendar: message.calendar,
            language: message.language,
            home: message.home,
            uid: message.uid,
            recipient: message.recipient,
        }
    }
}

impl From<MessageRecord> for OutgoingMessage {
    fn from(record: MessageRecord) -> OutgoingMessage {
        let (kind, voice) = record.kind.into();
        OutgoingMessage {
            kind,
            voice,
            method: record.method,
            from: record.from,
            to: record.to,
            details: Arc::new(record.details),
            calendar: record.calendar,
            language: record.language,
            home: record.home,
            uid: record.uid,
            recipient: record.recipient,
        }
    }
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
    /// What the mail of a row of work is called, also in its Message-ID: nobody elsewhere knows the home, without which
    /// it tells nothing of the row's number, that is, of how much was committed here.
    pub fn name(&self, id: u128) -> Uuid {
        let (id, home) = (id.to_be_bytes(), self.home.0.to_be_bytes());
        Uuid::derived("Convoke 2026-11 name of a mail", &[&id, &home])
    }

    /// The payload of a row of work.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a plain value always encodes")
    }

    /// From the payload of a row of work; `None` where the octets are not ours.
    pub fn decode(octets: &[u8]) -> Option<OutgoingMessage> {
        postcard::from_bytes(octets).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of a mail's row before there were delegates.
    #[derive(Serialize)]
    struct OldMessage {
        kind: MessageKind,
        method: String,
        from: Party,
        to: Party,
        details: Details,
        calendar: Vec<u8>,
        language: Option<String>,
        home: CollectionId,
        uid: String,
        recipient: String,
    }

    fn party(name: &str) -> Party {
        Party {
            address: format!("{name}@example.org"),
            name: Some(name.to_owned()),
        }
    }

    fn message(kind: MessageKind, voice: Voice) -> OutgoingMessage {
        OutgoingMessage {
            kind,
            voice,
            method: "REQUEST".to_owned(),
            from: party("alice"),
            to: party("dave"),
            details: Arc::default(),
            calendar: Bytes::from_static(b"x"),
            language: None,
            home: CollectionId(7),
            uid: "uid".to_owned(),
            recipient: "mailto:dave@example.org".to_owned(),
        }
    }

    #[test]
    fn rows_from_before_there_were_delegates_are_read() {
        for kind in [
            MessageKind::Invitation,
            MessageKind::Update,
            MessageKind::Cancellation,
            MessageKind::Accepted,
            MessageKind::Declined,
            MessageKind::Tentative,
            MessageKind::Answered,
        ] {
            let new = message(kind, Voice::Own);
            let again = new.clone();
            let old = OldMessage {
                kind,
                method: again.method,
                from: again.from,
                to: again.to,
                details: again.details.as_ref().clone(),
                calendar: again.calendar.to_vec(),
                language: again.language,
                home: again.home,
                uid: again.uid,
                recipient: again.recipient,
            };
            let old = postcard::to_stdvec(&old).expect("a plain value");
            assert_eq!(new.encode(), old);
            assert_eq!(OutgoingMessage::decode(&old), Some(new));
        }
    }

    #[test]
    fn every_voice_comes_back() {
        for voice in [Voice::Own, Voice::OnBehalf(party("bob")), Voice::Notice] {
            for kind in [MessageKind::Declined, MessageKind::Question] {
                let message = message(kind, voice.clone());
                assert_eq!(OutgoingMessage::decode(&message.encode()), Some(message));
            }
        }
    }

    /// A mail is called the same in every attempt, and other mails are called otherwise.
    #[test]
    fn names_of_mails() {
        let one = message(MessageKind::Invitation, Voice::Own);
        let other = OutgoingMessage {
            home: CollectionId(2),
            ..one.clone()
        };
        assert_eq!(one.name(0x1234), one.clone().name(0x1234));
        for another in [one.name(0x1235), other.name(0x1234)] {
            assert_ne!(another, one.name(0x1234));
        }
    }
}
