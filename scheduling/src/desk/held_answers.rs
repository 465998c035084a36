//! Answers that came before that of the attendee who sends who gives them (RFC 5546 §5.2.2): they wait in the organizer's
//! inbox, and are taken once it is known who sends these people. What the organizer has removed there is decided.

use std::sync::Arc;

use calendar::CalendarObject;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Stored, Timestamp,
    model::{Object, Principal, PrincipalId, Work},
};

use super::{Desk, queue::Row, refuse::read_failed};
use crate::{
    Refusal,
    engine::{self, CopyChange, Decision, Delivery, Directory},
};

/// The queue of meetings into which answers brought somebody.
pub const HELD_ANSWER_QUEUE: &str = "held-answers";

/// The payload of a row in [`HELD_ANSWER_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeldAnswers {
    organizer: PrincipalId,
    uid: String,
}

impl Desk {
    /// Leaves what those have answered whom this commit brings into a meeting to [`Desk::take_held_answers`].
    pub(crate) fn enqueue_held_answers(
        &self,
        batch: &mut Batch,
        organizer: PrincipalId,
        uid: &str,
        now: Timestamp,
    ) {
        let held = HeldAnswers {
            organizer,
            uid: uid.to_owned(),
        };
        let work = Work::of(HELD_ANSWER_QUEUE, &held, now);
        batch.enqueue(&self.store.new_work_id(now), &work);
    }

    /// Takes an answer that waits in an inbox until it is known who sends who gives it; says whether there was a meeting to
    /// look at, and hence perhaps another answer. To be called by a worker whenever [`HELD_ANSWER_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn take_held_answers(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.take_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(HELD_ANSWER_QUEUE, step).await
    }

    async fn take_step(&self, row: &Row) -> Result<Batch, Refusal> {
        if let Some(mut batch) = self.take_next(row.task()?).await? {
            batch.expect_work(&row.id, &row.work);
            return Ok(batch);
        }
        let mut batch = self.store.batch();
        batch.finish_work(&row.id, &row.work);
        Ok(batch)
    }

    /// What takes the first of the answers to a meeting that can be taken now; `None` where there is none.
    async fn take_next(&self, held: HeldAnswers) -> Result<Option<Batch>, Refusal> {
        let organizer = self.store.principal(held.organizer).await;
        let Some(organizer) = organizer.map_err(read_failed)? else {
            return Ok(None);
        };
        let (Some(home), Some(inbox)) = (organizer.home, self.inbox_of(&organizer).await?) else {
            return Ok(None);
        };
        let copies = self.copies(home, &held.uid).await?;
        let Some(copy) = &copies.meeting else {
            return Ok(None);
        };
        let is_of_meeting = |message: &Stored<Object>| {
            let facts = message.calendar.as_ref();
            facts.is_some_and(|facts| facts.uid == held.uid)
        };
        let inbox = inbox.collection();
        let mut messages = self.messages(inbox, is_of_meeting, usize::MAX).await?;
        messages.sort_by_key(|(_, message)| message.created);
        for message in messages {
            let waiting = self.parsed(&message.1).await?;
            let taken = self.take_held(&organizer, &copy.object, &waiting).await?;
            if let Some(mut batch) = taken {
                self.remove_messages(&mut batch, inbox, &[message]).await?;
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// What lets a message have its effect that waits in the inbox of the organizer, who has the meeting so. `None` where it
    /// is no such answer, or is the organizer's to decide about all the same.
    async fn take_held(
        &self,
        organizer: &Arc<Principal>,
        meeting: &CalendarObject,
        waiting: &CalendarObject,
    ) -> Result<Option<Batch>, Refusal> {
        let Some(message) = engine::held_answer(waiting) else {
            return Ok(None);
        };
        let mut directory = Directory::new();
        let mut people = engine::addresses(Some(meeting), Some(waiting));
        people.push(message.sender.clone());
        self.look_up(&mut directory, &people).await?;
        self.look_up_deputies(&mut directory, waiting).await?;
        if !engine::is_sent(meeting, &message.sender, &directory) {
            return Ok(None);
        }
        let delivery = Delivery {
            recipient: Arc::clone(organizer),
            address: organizer.addresses.first().cloned().unwrap_or_default(),
            message,
        };
        let mut batch = self.store.batch();
        let now = self.now();
        let let_in = self.let_in(&mut batch, &delivery, &mut directory, now);
        let is_taken = let_in.await?.is_ok_and(|receipt| {
            let waits = receipt.decisions.iter().any(Decision::is_for_the_user);
            !waits || receipt.copy != CopyChange::Unchanged
        });
        Ok(is_taken.then_some(batch))
    }
}
