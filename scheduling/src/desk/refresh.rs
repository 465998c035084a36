//! What one attendee answered is shown to the others of a large meeting behind the answer (RFC 6638 §4.2).
//!
//! The reply's commit holds the replier's copy, the organizer's, the inbox item, and one row of work, which names
//! the meeting: a second reply finds it, so that many replies are shown together. [`Desk::refresh_outstanding`]
//! brings the copies up to date with the organizer's as it is then, some in each commit, which holds how far it
//! came, too; it may be interrupted anywhere. Nobody hears of it: no inbox item, no Schedule-Tag.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use storage::{
    Batch, Timestamp,
    model::{CollectionId, Principal, PrincipalId, Work, WorkId},
};

use super::{
    Desk,
    copy::{Copies, Copy},
    outstanding,
    queue::Row,
    recipients::Recipients,
    refuse::read_failed,
};
use crate::{
    Refusal,
    engine::{self, Directory},
};

/// The queue of meetings into which somebody replied.
pub const REFRESH_QUEUE: &str = "refresh";
/// Replies within such a time find each other's row; rows of different times are taken in their order, so that
/// no meeting waits for one into which somebody replies again and again.
const WINDOW_MILLISECONDS: i64 = 10_000;

/// The payload of a row in [`REFRESH_QUEUE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refresh {
    organizer: PrincipalId,
    home: CollectionId,
    uid: String,
    /// Whose copies are done: all up to this one.
    shown: Option<PrincipalId>,
}

impl Refresh {
    fn work(&self, created: Timestamp) -> Work {
        Work::of(REFRESH_QUEUE, self, created)
    }

    /// The row of the meeting at this time.
    fn id(&self, now: Timestamp) -> WorkId {
        let (begin, _) = now.window(WINDOW_MILLISECONDS);
        let context = "Convoke 2026-11 refresh of a meeting";
        let home = self.home.0.to_be_bytes();
        WorkId::derived(begin, context, &[&home, self.uid.as_bytes()])
    }
}

impl Desk {
    /// Leaves the copies of a meeting's attendees to [`Desk::refresh_outstanding`].
    pub(crate) async fn enqueue_refresh(
        &self,
        batch: &mut Batch,
        organizer: &Principal,
        uid: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(home) = organizer.home else {
            return Ok(());
        };
        let refresh = Refresh {
            organizer: organizer.id,
            home,
            uid: uid.to_owned(),
            shown: None,
        };
        let id = refresh.id(now);
        let waiting = self.store.work(REFRESH_QUEUE, &id).await;
        match waiting.map_err(read_failed)? {
            None => batch.enqueue(&id, &refresh.work(now)),
            Some(row) if row.task().as_ref() == Some(&refresh) => batch.expect_work(&id, &row),
            // It is under way: from the beginning on, then.
            Some(row) => batch.reschedule(&id, &row, id.due, &refresh.work(row.created)),
        };
        Ok(())
    }

    /// Makes one commit of refreshes that wait; says whether there was one to make, and hence perhaps another. To
    /// be called by a worker whenever [`REFRESH_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn refresh_outstanding(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.refresh_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(REFRESH_QUEUE, step).await
    }

    async fn refresh_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let refresh: Refresh = row.task()?;
        let mut batch = self.store.batch();
        let organizer = self.store.principal(refresh.organizer).await;
        let organizer = organizer.map_err(read_failed)?;
        let own = self.copies(refresh.home, &refresh.uid).await?;
        let shown = match (&organizer, &own.meeting) {
            (Some(organizer), Some(copy)) if copy.is_scheduling_object() => {
                own.expect(&mut batch);
                self.refresh_next(&mut batch, organizer, (&own, copy), refresh.shown)
                    .await?
            }
            _ => None,
        };
        match shown {
            None => batch.finish_work(&row.id, &row.work),
            Some(_) => {
                let after = Refresh { shown, ..refresh }.work(row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &after)
            }
        };
        Ok(batch)
    }

    /// Puts the next copies into the batch; the last of their owners, where there are others behind.
    async fn refresh_next(
        &self,
        batch: &mut Batch,
        organizer: &Arc<Principal>,
        (own, copy): (&Copies, &Copy),
        shown: Option<PrincipalId>,
    ) -> Result<Option<PrincipalId>, Refusal> {
        let now = self.now();
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&copy.object), None))
            .await?;
        let mut deliveries = engine::refresh(&copy.object, organizer, &directory, None, now);
        deliveries.retain(|delivery| Some(delivery.recipient.id) > shown);
        deliveries.sort_by_key(|delivery| delivery.recipient.id);
        let count = outstanding::fitting(
            self.settings.commit_bounds,
            deliveries.iter().map(outstanding::weight),
        );
        let (next, later) = deliveries.split_at(count);
        let mut recipients = Recipients::default();
        // behind what waits for somebody it is shown to them, too
        let uid = own.uid();
        let (at_once, _) = self.part(&mut recipients, (organizer, uid), next).await?;
        for delivery in &at_once {
            recipients.receive(delivery, &directory, now);
        }
        self.write_recipients(batch, &recipients, copy.stored.attachments(), now)
            .await?;
        let last = next.last().map(|delivery| delivery.recipient.id);
        Ok(last.filter(|_| !later.is_empty()))
    }
}
