//! A backend that notes how large the largest calls were.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use storage::{
    Revision,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Operation, Page,
        ReadError, ScanPage,
    },
};

pub(super) struct Measured {
    inner: Arc<dyn Backend>,
    /// The most octets of keys and values in one commit.
    pub commit_octets: AtomicUsize,
    /// The most operations in one commit.
    pub operations: AtomicUsize,
    /// The most octets of values that one call read.
    pub read_octets: AtomicUsize,
}

impl Measured {
    pub fn new(inner: Arc<dyn Backend>) -> Measured {
        Measured {
            inner,
            commit_octets: AtomicUsize::new(0),
            operations: AtomicUsize::new(0),
            read_octets: AtomicUsize::new(0),
        }
    }

    /// Forgets what was measured.
    pub fn reset(&self) {
        for measure in [&self.commit_octets, &self.operations, &self.read_octets] {
            measure.store(0, Ordering::Relaxed);
        }
    }
}

fn octets(operation: &Operation) -> usize {
    match operation {
        Operation::Put(key, value) | Operation::Append { prefix: key, value } => {
            key.len() + value.len()
        }
        Operation::Delete(key) | Operation::Add { key, .. } => key.len(),
        Operation::DeleteRange(_) => 0,
    }
}

impl Backend for Measured {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            let entries = self.inner.get_many(keys).await?;
            let read = entries.iter().flatten().map(|entry| entry.value.len());
            self.read_octets.fetch_max(read.sum(), Ordering::Relaxed);
            Ok(entries)
        })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            let page = self.inner.scan(range, page).await?;
            let read = page.rows.iter().map(|(_, entry)| entry.value.len());
            self.read_octets.fetch_max(read.sum(), Ordering::Relaxed);
            Ok(page)
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        let written = commit.operations.iter().map(octets).sum();
        self.commit_octets.fetch_max(written, Ordering::Relaxed);
        let operations = commit.operations.len();
        self.operations.fetch_max(operations, Ordering::Relaxed);
        self.inner.commit(commit)
    }

    fn blobs(&self) -> &dyn storage::blob_files::BlobFiles {
        self.inner.blobs()
    }

    fn revision(&self) -> Revision {
        self.inner.revision()
    }

    fn watch(&self) -> tokio::sync::watch::Receiver<Revision> {
        self.inner.watch()
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        self.inner.close()
    }
}
