//! The store of a server that may die.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use storage::{
    Revision,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Page, ReadError,
        ScanPage,
    },
    blob_files::BlobFiles,
};
use tokio::sync::watch;

/// Lets others in before each call. After a deadly commit nobody hears of it, and no other one happens.
pub struct Mortal {
    inner: Arc<dyn Backend>,
    dies: AtomicBool,
    is_dead: AtomicBool,
}

impl Mortal {
    /// Over another one; it lives.
    pub fn new(inner: Arc<dyn Backend>) -> Mortal {
        Mortal {
            inner,
            dies: AtomicBool::new(false),
            is_dead: AtomicBool::new(false),
        }
    }

    /// The next commit that happens is the last one.
    pub fn die_after_commit(&self) {
        self.dies.store(true, Relaxed);
    }

    /// Whether that was so.
    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Relaxed)
    }

    /// From now on it lives.
    pub fn live(&self) {
        self.dies.store(false, Relaxed);
        self.is_dead.store(false, Relaxed);
    }

    fn check(&self) -> Result<(), CommitError> {
        match self.is_dead() {
            true => Err(CommitError::Unavailable("the server has died".to_owned())),
            false => Ok(()),
        }
    }
}

impl Backend for Mortal {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.inner.get_many(keys).await
        })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.inner.scan(range, page).await
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.check()?;
            let committed = self.inner.commit(commit).await?;
            if self.dies.load(Relaxed) {
                self.is_dead.store(true, Relaxed);
            }
            self.check()?;
            Ok(committed)
        })
    }

    fn blobs(&self) -> &dyn BlobFiles {
        self.inner.blobs()
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
