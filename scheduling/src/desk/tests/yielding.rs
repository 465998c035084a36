//! A backend that lets other tasks run before each of its calls, so that rounds of several changes
//! interleave in every order that the runtime can find.

use std::sync::Arc;

use storage::{
    Revision,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Page, ReadError,
        ScanPage,
    },
    blob_files::BlobFiles,
};

pub(super) struct Yielding(pub Arc<dyn Backend>);

impl Backend for Yielding {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get_many(keys).await
        })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.scan(range, page).await
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.commit(commit).await
        })
    }

    fn blobs(&self) -> &dyn BlobFiles {
        self.0.blobs()
    }

    fn revision(&self) -> Revision {
        self.0.revision()
    }

    fn watch(&self) -> tokio::sync::watch::Receiver<Revision> {
        self.0.watch()
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        self.0.close()
    }
}
