//! Rows of work as they stand: put off, moved and removed without a look at what they ask for, so that one that cannot
//! be read, or whose payload is gone, stands in the way of no other.

use bytes::Bytes;

use super::super::{
    Batch, Store, keys,
    record::{self, WorkRecord},
};
use crate::{
    Revision, Timestamp,
    backend::{CommitError, Entry, Key, KeyRange, ReadError},
    model::{Content, Work, WorkId},
};

/// A row of a queue, whatever it says.
#[derive(Clone, Debug)]
pub struct UnreadWork {
    pub(super) queue: String,
    /// Its name.
    pub id: WorkId,
    pub(super) entry: Entry,
}

impl UnreadWork {
    pub(super) fn key(&self) -> Key {
        keys::work(&self.queue, &self.id)
    }

    /// What it says, if anything can be read of it.
    fn record(&self) -> Option<WorkRecord> {
        record::decode(&self.entry.value, "work").ok()
    }

    /// The blob that it has its payload in, as far as is known.
    fn blob(&self) -> Option<[u8; 32]> {
        match self.record()?.payload {
            Content::Blob { hash, .. } => Some(hash),
            Content::Inline(_) => None,
        }
    }
}

impl Batch {
    /// Moves a row, unchanged since it was seen, to another queue, under a name that is free there.
    pub fn move_work(&mut self, row: &UnreadWork, queue: &str, to: &WorkId) -> &mut Self {
        self.move_work_as(row, (queue, to), row.entry.value.clone())
    }

    fn move_work_as(
        &mut self,
        row: &UnreadWork,
        (queue, to): (&str, &WorkId),
        value: Bytes,
    ) -> &mut Self {
        self.remove_work(row);
        let key = keys::work(queue, to);
        self.expect_row(key.clone(), Revision(0));
        self.put(key, value);
        if let Some(hash) = row.blob() {
            self.put(keys::blob_reference_of_work(&hash, to), Bytes::new());
        }
        self
    }

    /// Removes a row that is unchanged since it was seen.
    pub fn remove_work(&mut self, row: &UnreadWork) -> &mut Self {
        self.expect_row(row.key(), row.entry.revision);
        self.delete(row.key());
        if let Some(hash) = row.blob() {
            self.delete(keys::blob_reference_of_work(&hash, &row.id));
        }
        self
    }
}

impl Store {
    /// The first rows in a range of a queue, at most `rows`.
    pub(crate) async fn unread_work(
        &self,
        queue: &str,
        range: KeyRange,
        rows: usize,
    ) -> Result<Vec<UnreadWork>, ReadError> {
        let page = self.scan_work(range, rows).await?.into_iter();
        let page = page.map(|(key, entry)| {
            Ok(UnreadWork {
                queue: queue.to_owned(),
                id: super::id_of(queue, &key)?,
                entry,
            })
        });
        page.collect()
    }

    /// Moves a row to a later time as it is. Whoever was faster with it is let be.
    pub(super) async fn put_off_unreadable(
        &self,
        row: &UnreadWork,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let record = row.record();
        let attempts = record.as_ref().map_or(u32::MAX, |record| record.attempts);
        tracing::error!(
            queue = row.queue,
            attempts,
            reason,
            "background work cannot be read and is put off"
        );
        let due = Work::due_after(attempts, now);
        let later = self.free_place(row, due).await?;
        let value = record.map_or(row.entry.value.clone(), |record| {
            record::encode(&WorkRecord {
                attempts: attempts.saturating_add(1),
                last_error: Some(reason.to_owned()),
                ..record
            })
        });
        let mut batch = self.batch();
        batch.move_work_as(row, (&row.queue, &later), value);
        match self.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What a row is called at another time: as it was, where nothing stands there. (What is gathered under one name has
    /// that at every time.)
    async fn free_place(&self, row: &UnreadWork, due: Timestamp) -> Result<WorkId, ReadError> {
        let same = WorkId { due, id: row.id.id };
        let there = self.backend().get(&keys::work(&row.queue, &same)).await?;
        Ok(there.map_or(same, |_| self.new_work_id(due)))
    }
}
