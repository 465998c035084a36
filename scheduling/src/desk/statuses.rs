//! How messages fared is written into the sender's object (RFC 6638 §3.2.9). Its Schedule-Tag stays (§3.2.10).

use calendar::CalendarObject;
use storage::Batch;

use super::{Desk, content::entity_tag, copy::Copies};
use crate::{
    Refusal,
    engine::{self, Status},
};

impl Desk {
    /// Writes statuses into the sender's object, if it is still there.
    pub(crate) async fn write_statuses(
        &self,
        batch: &mut Batch,
        own: &Copies,
        statuses: &[(String, Status)],
    ) -> Result<(), Refusal> {
        let Some(copy) = &own.meeting else {
            return Ok(());
        };
        let mut object = copy.object.clone();
        for (address, status) in statuses {
            if let Some(after) = engine::record_status(&object, address, status) {
                object = after;
            }
        }
        self.write_with_statuses(batch, own, &object).await
    }

    /// Writes the sender's object, in which nothing but what attendees heard and said is other than it was, if it is still
    /// there.
    pub(crate) async fn write_with_statuses(
        &self,
        batch: &mut Batch,
        own: &Copies,
        object: &CalendarObject,
    ) -> Result<(), Refusal> {
        let Some(copy) = &own.meeting else {
            return Ok(());
        };
        let octets = object.to_octets();
        if entity_tag(&octets) == copy.stored.etag {
            return Ok(());
        }
        own.expect(batch);
        let mut after = copy.stored.value.clone();
        let body = self.body(octets).await?;
        (after.content, after.etag, after.modified) = (body.content, body.etag, self.now());
        after.supersede(&copy.stored.etag);
        batch.put_object(&copy.calendar, &copy.name, Some(&copy.stored), &after);
        Ok(())
    }
}
