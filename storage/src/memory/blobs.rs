//! Blobs in memory.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};

use crate::{
    Clock, Timestamp,
    backend::{BoxFuture, CommitError, ReadError},
    blob_files::{AwaitedBlobs, BlobDraft, BlobFiles, BlobName, FinishedBlob, ListedBlob},
};

/// How many are listed at once.
const LISTED: usize = 100;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct MemoryBlobs {
    clock: Arc<dyn Clock>,
    blobs: Arc<Mutex<BTreeMap<BlobName, Blob>>>,
    awaited: AwaitedBlobs,
}

struct Blob {
    octets: Bytes,
    written: Timestamp,
}

impl MemoryBlobs {
    pub(super) fn new(clock: Arc<dyn Clock>) -> MemoryBlobs {
        MemoryBlobs {
            clock,
            blobs: Arc::default(),
            awaited: AwaitedBlobs::default(),
        }
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobName, Blob>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self, (name, blob): (&BlobName, &Blob)) -> ListedBlob {
        ListedBlob {
            name: *name,
            length: Some(blob.octets.len() as u64),
            written: blob.written,
            is_awaited: self.awaited.has(name),
        }
    }
}

impl BlobFiles for MemoryBlobs {
    fn begin(&self, writing: u128) -> BoxFuture<'_, Result<Box<dyn BlobDraft>, CommitError>> {
        let draft = Draft {
            blobs: self.clone(),
            writing,
            octets: BytesMut::new(),
        };
        Box::pin(async move { Ok(Box::new(draft) as Box<dyn BlobDraft>) })
    }

    fn read(
        &self,
        name: BlobName,
        length: u64,
        start: u64,
        count: usize,
    ) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        Box::pin(async move {
            let blobs = self.blobs();
            let octets = blobs.get(&name).map(|blob| &blob.octets);
            let octets = octets.filter(|octets| octets.len() as u64 == length);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let wanted = start..start.saturating_add(count);
            match octets {
                Some(octets) if wanted.end <= octets.len() => Ok(octets.slice(wanted)),
                _ => Err(ReadError::Corrupt(format!("the blob {name} is not there"))),
            }
        })
    }

    fn length(&self, name: BlobName) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move {
            let blobs = self.blobs();
            Ok(blobs.get(&name).map(|blob| blob.octets.len() as u64))
        })
    }

    fn find(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        let from = move |writing| BlobName { hash, writing };
        Box::pin(async move {
            let blobs = self.blobs();
            let found = blobs.range(from(0)..=from(u128::MAX));
            Ok(found.map(|found| self.listed(found)).collect())
        })
    }

    fn list(&self, after: Option<BlobName>) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        Box::pin(async move {
            let blobs = self.blobs();
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let found = blobs.range((start, Bound::Unbounded)).take(LISTED);
            Ok(found.map(|found| self.listed(found)).collect())
        })
    }

    fn remove(&self, name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>> {
        Box::pin(async move {
            self.blobs().remove(&name);
            Ok(true)
        })
    }
}

struct Draft {
    blobs: MemoryBlobs,
    writing: u128,
    octets: BytesMut,
}

impl BlobDraft for Draft {
    fn write(&mut self, octets: Bytes) -> BoxFuture<'_, Result<(), CommitError>> {
        self.octets.extend_from_slice(&octets);
        Box::pin(async { Ok(()) })
    }

    fn finish(
        self: Box<Self>,
        hash: [u8; 32],
    ) -> BoxFuture<'static, Result<FinishedBlob, CommitError>> {
        Box::pin(async move {
            let name = BlobName {
                hash,
                writing: self.writing,
            };
            let finished = self.blobs.awaited.await_(name);
            let blob = Blob {
                octets: self.octets.freeze(),
                written: self.blobs.clock.now(),
            };
            self.blobs.blobs().insert(name, blob);
            Ok(finished)
        })
    }
}
