//! A backend that fails when a test wants it to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    Revision,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Page, ReadError,
        ScanPage,
    },
    blob_files::{BlobDraft, BlobFiles, BlobName, FinishedBlob, ListedBlob},
};

/// Stands before another backend and lets chosen calls fail without reaching it, so that a test can
/// let an operation fail at each of its steps in turn.
pub struct Faulty {
    inner: Arc<dyn Backend>,
    plan: Arc<Mutex<Plan>>,
    blobs: FaultyBlobs,
}

fn planned(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Plan {
    commits: Calls<CommitError>,
    reads: Calls<ReadError>,
    blob_writes: Calls<CommitError>,
    blob_reads: Calls<ReadError>,
}

/// The calls of one kind so far, and the faults that await later ones.
struct Calls<E> {
    made: u64,
    faults: Vec<Fault<E>>,
}

struct Fault<E> {
    first: u64,
    last: u64,
    error: E,
}

impl<E> Default for Calls<E> {
    fn default() -> Self {
        Calls {
            made: 0,
            faults: Vec::new(),
        }
    }
}

impl<E: Clone> Calls<E> {
    fn plan(&mut self, nth: u64, times: u64, error: E) {
        let first = self.made + nth;
        self.faults.push(Fault {
            first,
            last: first.saturating_add(times - 1),
            error,
        });
    }

    fn next(&mut self) -> Result<(), E> {
        self.made += 1;
        match self
            .faults
            .iter()
            .find(|fault| (fault.first..=fault.last).contains(&self.made))
        {
            Some(fault) => Err(fault.error.clone()),
            None => Ok(()),
        }
    }
}

impl Faulty {
    /// A backend that does what `inner` does, as long as no fault is planned.
    pub fn new(inner: Arc<dyn Backend>) -> Faulty {
        let plan: Arc<Mutex<Plan>> = Arc::default();
        let blobs = FaultyBlobs {
            inner: Arc::clone(&inner),
            plan: Arc::clone(&plan),
        };
        Faulty { inner, plan, blobs }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        planned(&self.plan)
    }

    /// Lets the `nth` commit from now (1 is the next one) fail, once.
    pub fn fail_commit(&self, nth: u64, error: CommitError) {
        self.plan().commits.plan(nth, 1, error);
    }

    /// Lets the `nth` commit from now (1 is the next one) and every later one fail, as after a kill,
    /// until [`Faulty::heal`].
    pub fn fail_commits_from(&self, nth: u64, error: CommitError) {
        self.plan().commits.plan(nth, u64::MAX, error);
    }

    /// Lets every commit fail from now on, until [`Faulty::heal`].
    pub fn fail_all_commits(&self, error: CommitError) {
        self.plan().commits.plan(1, u64::MAX, error);
    }

    /// Lets the `nth` read from now (1 is the next one; `get`, `get_many` and `scan` count) fail, once.
    pub fn fail_read(&self, nth: u64, error: ReadError) {
        self.plan().reads.plan(nth, 1, error);
    }

    /// Lets the `nth` call from now on that writes octets of blobs (`begin`, `write`, `finish`, `remove`) fail,
    /// once.
    pub fn fail_blob_write(&self, nth: u64, error: CommitError) {
        self.plan().blob_writes.plan(nth, 1, error);
    }

    /// Lets the `nth` and every later one fail, until [`Faulty::heal`].
    pub fn fail_blob_writes_from(&self, nth: u64, error: CommitError) {
        self.plan().blob_writes.plan(nth, u64::MAX, error);
    }

    /// Lets the `nth` call from now on that reads or lists blobs fail, once.
    pub fn fail_blob_read(&self, nth: u64, error: ReadError) {
        self.plan().blob_reads.plan(nth, 1, error);
    }

    /// Lets every read fail from now on, until [`Faulty::heal`].
    pub fn fail_all_reads(&self, error: ReadError) {
        self.plan().reads.plan(1, u64::MAX, error);
    }

    /// Forgets every planned fault.
    pub fn heal(&self) {
        let mut plan = self.plan();
        plan.commits.faults.clear();
        plan.reads.faults.clear();
        plan.blob_writes.faults.clear();
        plan.blob_reads.faults.clear();
    }

    /// How many calls wrote octets of blobs so far, failed ones included.
    pub fn blob_writes(&self) -> u64 {
        self.plan().blob_writes.made
    }

    /// How many calls read or listed blobs so far, failed ones included.
    pub fn blob_reads(&self) -> u64 {
        self.plan().blob_reads.made
    }

    /// How many commits were asked for so far, failed ones included.
    pub fn commits(&self) -> u64 {
        self.plan().commits.made
    }

    /// How many reads were asked for so far, failed ones included.
    pub fn reads(&self) -> u64 {
        self.plan().reads.made
    }
}

/// [`Backend::last_change`] knows nothing here, as on a remote backend: every operation has to read, and
/// can fail.
impl Backend for Faulty {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            self.plan().reads.next()?;
            self.inner.get_many(keys).await
        })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            self.plan().reads.next()?;
            self.inner.scan(range, page).await
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            self.plan().commits.next()?;
            self.inner.commit(commit).await
        })
    }

    fn blobs(&self) -> &dyn BlobFiles {
        &self.blobs
    }

    fn revision(&self) -> Revision {
        self.inner.revision()
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.inner.watch()
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        self.inner.close()
    }
}

/// The same for blobs.
struct FaultyBlobs {
    inner: Arc<dyn Backend>,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyBlobs {
    fn writes(&self) -> Result<(), CommitError> {
        planned(&self.plan).blob_writes.next()
    }

    fn reads(&self) -> Result<(), ReadError> {
        planned(&self.plan).blob_reads.next()
    }
}

impl BlobFiles for FaultyBlobs {
    fn begin(&self, writing: u128) -> BoxFuture<'_, Result<Box<dyn BlobDraft>, CommitError>> {
        Box::pin(async move {
            self.writes()?;
            let inner = self.inner.blobs().begin(writing).await?;
            let plan = Arc::clone(&self.plan);
            Ok(Box::new(FaultyDraft { inner, plan }) as Box<dyn BlobDraft>)
        })
    }

    fn read(
        &self,
        name: BlobName,
        length: u64,
        start: u64,
        count: usize,
    ) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.blobs().read(name, length, start, count).await
        })
    }

    fn length(&self, name: BlobName) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.blobs().length(name).await
        })
    }

    fn find(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.blobs().find(hash).await
        })
    }

    fn list(&self, after: Option<BlobName>) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.blobs().list(after).await
        })
    }

    fn remove(&self, name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>> {
        Box::pin(async move {
            self.writes()?;
            self.inner.blobs().remove(name).await
        })
    }
}

struct FaultyDraft {
    inner: Box<dyn BlobDraft>,
    plan: Arc<Mutex<Plan>>,
}

impl BlobDraft for FaultyDraft {
    fn write(&mut self, octets: Bytes) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            planned(&self.plan).blob_writes.next()?;
            self.inner.write(octets).await
        })
    }

    fn finish(
        self: Box<Self>,
        hash: [u8; 32],
    ) -> BoxFuture<'static, Result<FinishedBlob, CommitError>> {
        Box::pin(async move {
            planned(&self.plan).blob_writes.next()?;
            self.inner.finish(hash).await
        })
    }
}
