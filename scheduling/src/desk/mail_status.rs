//! How a mail fared is written into the sender's object (RFC 6638 §3.2.9).

use storage::{
    Revision, Stored,
    model::{Work, WorkId},
};

use super::{Desk, MAXIMUM_ROUNDS, refuse::crowded};
use crate::{
    Refusal, engine,
    mail::{DeliveryOutcome, OutgoingMessage, Voice},
};

impl Desk {
    /// Ends a mail's row of work and writes its outcome into the object, in one commit. The object's
    /// ETag changes, its Schedule-Tag does not (RFC 6638 §3.2.10). A row that somebody else has ended or
    /// taken meanwhile is left alone.
    pub async fn record_delivery(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        outcome: DeliveryOutcome,
    ) -> Result<(), Refusal> {
        let message = OutgoingMessage::decode(&work.payload);
        let mut seen: Option<Option<Revision>> = None;
        for _ in 0..MAXIMUM_ROUNDS {
            let mut batch = self.store.batch();
            batch.finish_work(id, work);
            let revision = match &message {
                // Nobody's object tells how a notice fared.
                Some(message) if message.voice != Voice::Notice => {
                    self.write_status(&mut batch, message, outcome).await?
                }
                _ => None,
            };
            if seen == Some(revision) {
                // The object is as it was in the last round: it is the row that changed.
                return Ok(());
            }
            seen = Some(revision);
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Puts the object with its new status into the batch; the revision of the object that was read.
    async fn write_status(
        &self,
        batch: &mut storage::Batch,
        message: &OutgoingMessage,
        outcome: DeliveryOutcome,
    ) -> Result<Option<Revision>, Refusal> {
        let copies = self.copies(message.home, &message.uid).await?;
        let status = (message.recipient.clone(), engine::Status::from(outcome));
        self.write_statuses(batch, &copies, &[status]).await?;
        Ok(copies.meeting.map(|copy| copy.stored.revision))
    }
}
