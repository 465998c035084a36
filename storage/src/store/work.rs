//! Rows of background work: written in the commit that causes them, taken in the order of their due
//! times, leased by being rescheduled, removed when done.

mod unread;

use std::ops::Bound;

use bytes::Bytes;

use super::{
    Batch, SCAN_OCTETS, Store,
    batch::LargeWork,
    keys,
    record::{self, WorkRecord},
};
pub use unread::UnreadWork;

use crate::{
    Stored, Timestamp,
    backend::{CommitError, Entry, Key, KeyRange, Page, ReadError},
    model::{Content, INLINE_CONTENT_OCTETS, Work, WorkId},
};

/// No row that [`Store::work_to_do`] is asked about is put off by more.
const LONGEST_DELAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

impl Store {
    /// The queue's rows that are due at `until` or before, the oldest first, at most `rows`.
    ///
    /// A worker takes one by rescheduling it behind the end of its lease; of several workers one
    /// wins. Should it die, the row becomes due again by itself.
    pub async fn due_work(
        &self,
        queue: &str,
        until: Timestamp,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, ReadError> {
        self.read_work(queue, keys::due_work(queue, until), rows)
            .await
    }

    /// The same of a queue whose rows are never put off by more than a day, for a worker that asks again
    /// and again: where nothing is due, rows that are put off by more are given. They were put off
    /// before the clock was put back, and would wait for as long as it had gone wrong.
    ///
    /// A row that cannot be read, because it or the blob with its payload is damaged, is put off instead, longer each
    /// time, so that those behind it are done. It is tried until somebody has mended it.
    pub async fn work_to_do(
        &self,
        queue: &str,
        now: Timestamp,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, CommitError> {
        let due = keys::due_work(queue, now);
        let due = self.readable_work(queue, due, now, rows).await?;
        if !due.is_empty() {
            return Ok(due);
        }
        let latest = Timestamp(now.0.saturating_add(LONGEST_DELAY_MILLISECONDS));
        let mut range = KeyRange::prefix(keys::queue(queue));
        range.start = match keys::due_work(queue, latest).end {
            Bound::Excluded(end) => Bound::Included(end),
            Bound::Included(end) => Bound::Excluded(end),
            Bound::Unbounded => return Ok(Vec::new()),
        };
        self.readable_work(queue, range, now, rows).await
    }

    /// The first rows in a range that can be read. All before them that cannot are put off, out of the range.
    async fn readable_work(
        &self,
        queue: &str,
        range: KeyRange,
        now: Timestamp,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, CommitError> {
        loop {
            let page = self.unread_work(queue, range.clone(), rows).await?;
            let mut work = Vec::with_capacity(page.len());
            let mut were_put_off = false;
            for row in page {
                let key = row.key();
                let read = self.complete_work(queue, &key, row.entry.clone());
                match read.await {
                    Ok(stored) => work.extend(stored.map(|stored| (row.id, stored))),
                    Err(ReadError::Corrupt(reason)) => {
                        self.put_off_unreadable(&row, &reason, now).await?;
                        were_put_off = true;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if !work.is_empty() || !were_put_off {
                return Ok(work);
            }
        }
    }

    /// A page of the queue's rows in the order of their due times, due or not, behind `after`.
    pub async fn list_work(
        &self,
        queue: &str,
        after: Option<&WorkId>,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, ReadError> {
        self.read_work(queue, behind(queue, after), rows).await
    }

    /// The same, whether or not anybody can read them.
    pub async fn list_unread_work(
        &self,
        queue: &str,
        after: Option<&WorkId>,
        rows: usize,
    ) -> Result<Vec<UnreadWork>, ReadError> {
        self.unread_work(queue, behind(queue, after), rows).await
    }

    /// When the queue's next row is due; `None` where the queue is empty.
    pub async fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, ReadError> {
        let page = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: false,
        };
        let page = self
            .backend()
            .scan(KeyRange::prefix(keys::queue(queue)), page)
            .await?;
        page.rows
            .first()
            .map(|(key, _)| Ok(id_of(queue, key)?.due))
            .transpose()
    }

    /// One row of a queue.
    pub async fn work(&self, queue: &str, id: &WorkId) -> Result<Option<Stored<Work>>, ReadError> {
        let key = keys::work(queue, id);
        match self.backend().get(&key).await? {
            Some(entry) => self.complete_work(queue, &key, entry).await,
            None => Ok(None),
        }
    }

    /// The same, whether or not anybody can read it.
    pub async fn unread_work_at(
        &self,
        queue: &str,
        id: &WorkId,
    ) -> Result<Option<UnreadWork>, ReadError> {
        let entry = self.backend().get(&keys::work(queue, id)).await?;
        Ok(entry.map(|entry| UnreadWork {
            queue: queue.to_owned(),
            id: id.clone(),
            entry,
        }))
    }

    async fn read_work(
        &self,
        queue: &str,
        range: KeyRange,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, ReadError> {
        let page = self.scan_work(range, rows).await?;
        let mut work = Vec::with_capacity(page.len());
        for (key, entry) in page {
            let id = id_of(queue, &key)?;
            if let Some(stored) = self.complete_work(queue, &key, entry).await? {
                work.push((id, stored));
            }
        }
        Ok(work)
    }

    async fn scan_work(
        &self,
        range: KeyRange,
        rows: usize,
    ) -> Result<Vec<(Key, Entry)>, ReadError> {
        let page = Page {
            rows,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        Ok(self.backend().scan(range, page).await?.rows)
    }

    /// A row with its payload. `None` where it was finished since it was read.
    async fn complete_work(
        &self,
        queue: &str,
        key: &Key,
        entry: Entry,
    ) -> Result<Option<Stored<Work>>, ReadError> {
        let record: WorkRecord = record::decode(&entry.value, "work")?;
        let payload = match self.content(&record.payload).await {
            Ok(payload) => payload,
            Err(ReadError::Corrupt(_)) if self.backend().get(key).await?.is_none() => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let work = Work {
            queue: queue.to_owned(),
            attempts: record.attempts,
            created: record.created,
            last_error: record.last_error,
            payload,
        };
        Ok(Some(Stored {
            value: work,
            revision: entry.revision,
        }))
    }

    /// Writes the payloads that are too large for a row ahead of the batch's commit.
    pub(super) async fn write_large_work(&self, batch: &mut Batch) -> Result<(), CommitError> {
        for mut work in std::mem::take(&mut batch.large_work) {
            work.record.payload = self.write_blob(work.payload).await?;
            if let Content::Blob { hash, .. } = &work.record.payload {
                batch.put(keys::blob_reference_of_work(hash, &work.id), Bytes::new());
                batch.blobs.insert(*hash);
            }
            batch.put(
                keys::work(&work.queue, &work.id),
                record::encode(&work.record),
            );
        }
        Ok(())
    }
}

/// A queue's rows behind one of them.
fn behind(queue: &str, after: Option<&WorkId>) -> KeyRange {
    let range = KeyRange::prefix(keys::queue(queue));
    match after {
        Some(id) => range.beyond(&keys::work(queue, id), false),
        None => range,
    }
}

fn id_of(queue: &str, key: &Key) -> Result<WorkId, ReadError> {
    keys::work_id(queue, key).ok_or_else(|| record::corrupt("work", "its key is odd"))
}

/// The blob that holds this payload, if it is too large for a row.
fn blob_of(payload: &Bytes) -> Option<[u8; 32]> {
    (payload.len() > INLINE_CONTENT_OCTETS).then(|| *blake3::hash(payload).as_bytes())
}

impl Batch {
    /// Adds a row of work to the queue that it names. A worker is told by the store's watch.
    pub fn enqueue(&mut self, id: &WorkId, work: &Work) -> &mut Self {
        self.expect_no_work(&work.queue, id);
        self.put_work(id, work);
        self
    }

    /// Moves a row, unchanged since it was read, to another due time, with new contents: a lease, or
    /// the next attempt. Its new identity is `WorkId { due, id: id.id }`.
    pub fn reschedule(
        &mut self,
        id: &WorkId,
        before: &Stored<Work>,
        due: Timestamp,
        after: &Work,
    ) -> &mut Self {
        self.finish_work(id, before);
        self.put_work(&WorkId { due, id: id.id }, after);
        self
    }

    /// Removes a row that is done and unchanged since it was read.
    pub fn finish_work(&mut self, id: &WorkId, before: &Stored<Work>) -> &mut Self {
        let key = keys::work(&before.queue, id);
        self.expect_row(key.clone(), before.revision);
        self.delete(key);
        if let Some(hash) = blob_of(&before.payload) {
            self.delete(keys::blob_reference_of_work(&hash, id));
        }
        self
    }

    /// Expects a row to be as it was read.
    pub fn expect_work(&mut self, id: &WorkId, before: &Stored<Work>) -> &mut Self {
        self.expect_row(keys::work(&before.queue, id), before.revision);
        self
    }

    /// Expects a queue to have no such row.
    pub fn expect_no_work(&mut self, queue: &str, id: &WorkId) -> &mut Self {
        self.expect_row(keys::work(queue, id), crate::Revision(0));
        self
    }

    fn put_work(&mut self, id: &WorkId, work: &Work) {
        if work.queue.is_empty() || work.queue.len() > usize::from(u8::MAX) {
            self.fault = Some("form or length of a queue's name");
        }
        let record = WorkRecord {
            attempts: work.attempts,
            created: work.created,
            last_error: work.last_error.clone(),
            payload: Content::Inline(Bytes::new()),
        };
        if work.payload.len() > INLINE_CONTENT_OCTETS {
            let payload = work.payload.clone();
            self.large_work.push(LargeWork {
                queue: work.queue.clone(),
                id: id.clone(),
                record,
                payload,
            });
        } else {
            let record = WorkRecord {
                payload: Content::Inline(work.payload.clone()),
                ..record
            };
            self.put(keys::work(&work.queue, id), record::encode(&record));
        }
    }
}
