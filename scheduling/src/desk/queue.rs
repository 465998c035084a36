//! Rows of background work, taken one after the other.
//!
//! A row that cannot be done now is put off, longer each time, so that the rows behind it are done: one damaged object
//! stops nobody else's deliveries. What is damaged is tried until somebody has mended it; what is refused for another
//! reason is given up in the end. Either is told to whoever runs the server.

use storage::{
    Batch, Stored, Timestamp,
    model::{Work, WorkId},
};

use serde::de::DeserializeOwned;

use super::{
    Desk, MAXIMUM_ROUNDS,
    refuse::{commit_failed, crowded},
};
use crate::Refusal;

/// What is refused so often, within some days, is given up.
pub(super) const MAXIMUM_ATTEMPTS: u32 = 20;

/// A row that is due.
pub(super) struct Row {
    pub id: WorkId,
    pub work: Stored<Work>,
}

impl Row {
    /// Whether it was put off already. Who cannot have their part of it then is passed over for the others.
    pub fn was_put_off(&self) -> bool {
        self.work.attempts > 0
    }

    /// Whether it is given up after this: what is refused so often, and not damaged.
    pub fn is_given_up_after(&self, refusal: &Refusal) -> bool {
        self.work.attempts + 1 >= MAXIMUM_ATTEMPTS
            && !is_about_all(refusal)
            && !matches!(refusal, Refusal::Damaged(_))
    }

    /// What it asks for. What cannot be read stays, and is told to whoever runs the server.
    ///
    /// Errors: `Damaged`.
    pub fn task<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.read(Work::task)
    }

    /// The same, read by something that knows more forms than one.
    pub fn read<T>(&self, read: impl Fn(&Work) -> Option<T>) -> Result<T, Refusal> {
        let unreadable =
            || Refusal::Damaged(format!("a row of {} cannot be read", self.work.queue));
        read(&self.work).ok_or_else(unreadable)
    }

    /// The row after a failure.
    pub fn after(&self, refusal: &Refusal) -> Work {
        Work {
            attempts: self.work.attempts.saturating_add(1),
            last_error: Some(refusal.to_string()),
            ..self.work.value.clone()
        }
    }
}

impl Desk {
    /// Makes one commit of what a queue asks for, which `step` makes of a row; says whether there was one to make, and
    /// hence perhaps another.
    ///
    /// Errors: what stands against every row (`Unavailable`, `Full`).
    pub(super) async fn work_through<Step: Future<Output = Result<bool, Refusal>>>(
        &self,
        queue: &str,
        step: impl Fn(Row) -> Step,
    ) -> Result<bool, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let Some(row) = self.next_row(queue).await? else {
                return Ok(false);
            };
            if step(row).await? {
                return Ok(true);
            }
        }
        Err(crowded())
    }

    /// The first row of a queue that is due.
    pub(super) async fn next_row(&self, queue: &str) -> Result<Option<Row>, Refusal> {
        let due = self.store.work_to_do(queue, self.now(), 1).await;
        let mut due = due.map_err(commit_failed)?.into_iter();
        Ok(due.next().map(|(id, work)| Row { id, work }))
    }

    /// Commits what a row came to, or puts it off; `false` where something that was decided upon has changed
    /// meanwhile.
    ///
    /// Errors: what stands against every row (`Unavailable`, `Full`).
    pub(super) async fn conclude(
        &self,
        row: &Row,
        step: Result<Batch, Refusal>,
    ) -> Result<bool, Refusal> {
        match self.commit_step(step).await {
            Err(refusal) if !is_about_all(&refusal) => self.put_off(row, &refusal).await,
            committed => committed,
        }
    }

    /// Commits what a row came to; `false` where something that was decided upon has changed meanwhile.
    pub(super) async fn commit_step(&self, step: Result<Batch, Refusal>) -> Result<bool, Refusal> {
        Ok(self.commit(step?).await?.is_some())
    }

    /// Has a row wait that something stands against, or gives it up; `false` where it is another's meanwhile.
    async fn put_off(&self, row: &Row, refusal: &Refusal) -> Result<bool, Refusal> {
        let (queue, attempts) = (&row.work.queue, row.work.attempts + 1);
        let mut batch = self.store.batch();
        if row.is_given_up_after(refusal) {
            tracing::error!(queue, attempts, %refusal, "background work is given up");
            batch.finish_work(&row.id, &row.work);
        } else {
            tracing::error!(queue, attempts, %refusal, "background work cannot be done now and is put off");
            let due = self.due_after(row.work.attempts);
            batch.reschedule(&row.id, &row.work, due, &row.after(refusal));
        }
        self.commit_step(Ok(batch)).await
    }

    /// When a row is due again that was tried so often before.
    pub(super) fn due_after(&self, attempts: u32) -> Timestamp {
        Work::due_after(attempts, self.now())
    }
}

/// Whether something stands against every row, and not against this one.
pub(super) fn is_about_all(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable(_) | Refusal::Full)
}
