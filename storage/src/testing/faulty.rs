//! A backend that fails when a test wants it to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{
    Revision,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Page, ReadError,
        ScanPage,
    },
};

/// Stands before another backend and lets chosen calls fail without reaching it, so that a test can
/// let an operation fail at each of its steps in turn.
pub struct Faulty {
    inner: Arc<dyn Backend>,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    commits: Calls<CommitError>,
    reads: Calls<ReadError>,
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
        Faulty {
            inner,
            plan: Mutex::default(),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Lets every read fail from now on, until [`Faulty::heal`].
    pub fn fail_all_reads(&self, error: ReadError) {
        self.plan().reads.plan(1, u64::MAX, error);
    }

    /// Forgets every planned fault.
    pub fn heal(&self) {
        let mut plan = self.plan();
        plan.commits.faults.clear();
        plan.reads.faults.clear();
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
