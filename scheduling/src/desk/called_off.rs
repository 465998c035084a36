//! What was called off by messages from outside is kept beside the calendar: they may have overtaken what they call
//! off, and the copy may be gone when it comes.

use storage::{Batch, KeptOfMessages, Timestamp, Uuid};

use super::{Desk, recipients::Recipients, refuse::read_failed};
use crate::{
    Refusal,
    engine::{self, Cancellations, Delivery, Directory, Receipt},
};

/// What is known of a meeting of which a message speaks.
pub(super) struct CalledOff {
    kept: KeptOfMessages,
    known: Option<Cancellations>,
}

impl Desk {
    /// Reads what was called off before of the meeting of a message, for its recipient, who is loaded. `None` where
    /// that does not matter to the message.
    pub(super) async fn recall_called_off(
        &self,
        recipients: &mut Recipients,
        delivery: &Delivery,
    ) -> Result<Option<CalledOff>, Refusal> {
        const CONTEXT: &str = "Convoke 2026-11 called off from outside";
        let (recipient, message) = (delivery.recipient.id, &delivery.message);
        if !Cancellations::concern(message) {
            return Ok(None);
        }
        // the sender is the organizer: what somebody else called off is another meeting
        let organizer = engine::normalise(&message.sender);
        let about = Uuid::derived(CONTEXT, &[message.uid.as_bytes(), organizer.as_bytes()]);
        let kept = self.store.kept_of_messages(recipient, about).await;
        let kept = kept.map_err(read_failed)?;
        let known = Cancellations::parse(&kept.octets);
        recipients.recall(recipient, known.clone());
        Ok(Some(CalledOff { kept, known }))
    }
}

impl CalledOff {
    /// Keeps what a message has called off, and has the batch depend upon what was known.
    pub fn keep(
        &self,
        batch: &mut Batch,
        delivery: &Delivery,
        directory: &Directory,
        receipt: &Receipt,
        now: Timestamp,
    ) {
        let message = (&delivery.message, &*delivery.recipient);
        match Cancellations::after(self.known.as_ref(), message, directory, receipt) {
            Some(after) => batch.keep_of_messages(&self.kept, &after.to_octets(), now),
            None => batch.expect_kept(&self.kept),
        };
    }
}
