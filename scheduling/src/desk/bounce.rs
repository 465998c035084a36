//! Mails that come back (RFC 3464), though the next server had taken them.
//!
//! A mail that left is known by its name for as long as it may come back, with what it was about: what comes back names
//! it, speaks of this very mail, and is about nobody else's meeting.

use serde::{Deserialize, Serialize};
use storage::{
    Batch, Uuid,
    model::{CollectionId, WorkId},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    mail_status::Fate,
    refuse::{crowded, read_failed},
};
use crate::{
    Refusal,
    engine::Status,
    log::{About, LogLine, Verdict, Way},
    mail::{DeliveryOutcome, OutgoingMessage},
};

/// A mail came back.
#[derive(Clone, Debug)]
pub struct Bounce {
    /// The name of the mail that came back, from its Message-ID: [`OutgoingMessage::name`].
    pub mail: Uuid,
    /// It will never reach its recipient: 5.2; else it was given up: 5.1.
    pub is_permanent: bool,
    /// What the other server said.
    pub detail: Option<String>,
}

/// What is known of a mail that left.
#[derive(Serialize, Deserialize)]
struct Left {
    home: CollectionId,
    uid: String,
    method: String,
    recipient: String,
    /// DTSTAMP of what was sent, if it has one.
    stamp: Option<String>,
    /// Whether everybody who sees the calendar could see all of what was sent.
    is_public: bool,
    has_come_back: bool,
}

impl Left {
    fn fate(&self, bounce: &Bounce) -> Fate {
        let outcome = match bounce.is_permanent {
            true => DeliveryOutcome::Rejected,
            false => DeliveryOutcome::GivenUp,
        };
        let status = Status::from(outcome);
        let mut reason = "it came back".to_owned();
        if let Some(detail) = &bounce.detail {
            reason = format!("{reason}: {detail}");
        }
        let about = About::default();
        let line = about.line(Verdict::Fared, &self.method, &self.recipient, &reason);
        Fate {
            recipient: self.recipient.clone(),
            line: LogLine {
                way: Some(Way::Mail),
                status: Some(status.as_str().to_owned()),
                ..line
            },
            status,
            stamp: self.stamp.clone(),
            is_public: self.is_public,
        }
    }

    fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a plain value always encodes")
    }
}

impl Desk {
    /// Notes that a mail came back, for the sender's object and log. Where something later went to its recipient, or they
    /// answered meanwhile, the object stays as it is; of a mail that came back before, nothing is noted.
    ///
    /// `false` where no such mail is known: none left here, it was too long ago, or that it left is not written down yet
    /// and the bounce must be handed in again.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn record_bounce(&self, bounce: &Bounce) -> Result<bool, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let kept = self.store.kept_of_mail(bounce.mail).await;
            let kept = kept.map_err(read_failed)?;
            let Ok(left) = postcard::from_bytes::<Left>(&kept.octets) else {
                return Ok(false);
            };
            // The log of a home that is gone went with it.
            let home = self.store.collection(left.home).await;
            if left.has_come_back || home.map_err(read_failed)?.is_none() {
                return Ok(true);
            }
            let mut batch = self.store.batch();
            let meeting = (left.home, &*left.uid);
            self.note_fate(&mut batch, meeting, left.fate(bounce))
                .await?;
            let left = Left {
                has_come_back: true,
                ..left
            };
            batch.keep_of_messages(&kept, &left.encode(), self.now());
            if self.commit(batch).await?.is_some() {
                return Ok(true);
            }
        }
        Err(crowded())
    }

    /// Keeps what a mail was about that the next server took.
    pub(super) fn keep_of_mail(
        &self,
        batch: &mut Batch,
        id: &WorkId,
        message: &OutgoingMessage,
        fate: &Fate,
    ) {
        let left = Left {
            home: message.home,
            uid: message.uid.clone(),
            method: message.method.clone(),
            recipient: message.recipient.clone(),
            stamp: fate.stamp.clone(),
            is_public: fate.is_public,
            has_come_back: false,
        };
        batch.keep_of_mail(message.name(id.id), &left.encode(), self.now());
    }
}
