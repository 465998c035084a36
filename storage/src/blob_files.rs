//! Where the octets of blobs stand: beside the rows, and never in them.
//!
//! A blob is written once, as a stream, and never changed. Whoever writes one has a [`BlobDraft`], of which
//! nothing is kept until it is finished; then its octets are on stable storage under a [`BlobName`], and a
//! small commit can refer to it. The name says which octets they are (their hash) and which writing of them
//! it was, so that whoever removes one writing never removes another.
//!
//! What is finished and never referred to, because the process was killed in between, is left over; whoever
//! sweeps asks [`BlobFiles::list`] for what there is.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use crate::{
    Timestamp,
    backend::{BoxFuture, CommitError, ReadError},
};

/// One writing of a blob. Names are ordered by the hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName {
    /// The BLAKE3 hash of the octets.
    pub hash: [u8; 32],
    /// What tells it from other writings of the same octets: drawn at random.
    pub writing: u128,
}

/// Between the two parts of a name.
const BETWEEN: char = '-';

impl fmt::Display for BlobName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = blake3::Hash::from_bytes(self.hash).to_hex();
        write!(formatter, "{hash}{BETWEEN}{:032x}", self.writing)
    }
}

impl fmt::Debug for BlobName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl BlobName {
    /// From what [`fmt::Display`] makes of it; `None` where it is something else.
    pub fn parse(text: &str) -> Option<BlobName> {
        let (hash, writing) = text.split_once(BETWEEN)?;
        let name = BlobName {
            hash: *blake3::Hash::from_hex(hash).ok()?.as_bytes(),
            writing: u128::from_str_radix(writing, 16).ok()?,
        };
        // One name has one form.
        (name.to_string() == text).then_some(name)
    }
}

/// A blob that is there, as far as can be seen without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedBlob {
    /// Which.
    pub name: BlobName,
    /// How many octets it has; `None` where what is there has a length that no blob has.
    pub length: Option<u64>,
    /// When it was finished, by the clock of the backend.
    pub written: Timestamp,
    /// Whether somebody finished it and has not let go of it yet: he may be about to refer to it.
    pub is_awaited: bool,
}

/// The octets of blobs. What every backend owes, and `testing::conformance` proves:
///
/// 1. `finish` answers `Ok` only when all octets are on stable storage under their name; until then, and
///    where it fails, nothing of the blob is there, or what is there is left over as a whole.
/// 2. What was damaged at rest is an error, whatever part of it is read, and never a wrong answer.
/// 3. Memory is bounded by a few pieces of what is written or read, whatever the size of the blob.
/// 4. A draft that is dropped leaves nothing behind.
pub trait BlobFiles: Send + Sync {
    /// Begins another blob; `writing` is drawn at random.
    fn begin(&self, writing: u128) -> BoxFuture<'_, Result<Box<dyn BlobDraft>, CommitError>>;
    /// Reads `count` octets from `start` on, all of which lie within the `length` octets of the blob.
    ///
    /// Fails with [`ReadError::Corrupt`] where it is not there, has another length, or is damaged there.
    fn read(
        &self,
        name: BlobName,
        length: u64,
        start: u64,
        count: usize,
    ) -> BoxFuture<'_, Result<Bytes, ReadError>>;
    /// How many octets a blob has; `None` where it is not there, or has a length that no blob has.
    fn length(&self, name: BlobName) -> BoxFuture<'_, Result<Option<u64>, ReadError>>;
    /// All writings of some octets.
    fn find(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>>;
    /// Blobs in the order of their names, those behind `after`: a part of bounded size. None where there
    /// are no more.
    fn list(&self, after: Option<BlobName>) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>>;
    /// Removes a blob to which nothing refers any more. Says whether it is gone: what a backup may be about
    /// to copy, or what is still to be archived, is left over instead.
    fn remove(&self, name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>>;
    /// Whether there is a sound copy outside of the store, from which a blob can be had again.
    fn has_copy(&self, _name: BlobName) -> BoxFuture<'_, Result<bool, ReadError>> {
        Box::pin(async { Ok(false) })
    }
    /// Puts such a copy in the place of a blob that is lost or damaged. Says whether it did: not where the
    /// copy is damaged, too.
    fn recover(&self, _name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>> {
        Box::pin(async { Ok(false) })
    }
}

/// A blob on its way.
pub trait BlobDraft: Send + Sync {
    /// Adds octets. After an error there is nothing more to be done but to drop the draft.
    fn write(&mut self, octets: Bytes) -> BoxFuture<'_, Result<(), CommitError>>;
    /// Makes the blob durable under its name. `hash` is that of all octets.
    fn finish(
        self: Box<Self>,
        hash: [u8; 32],
    ) -> BoxFuture<'static, Result<FinishedBlob, CommitError>>;
}

/// A blob that is there. While this lives, no sweeper takes it, although nothing refers to it yet.
#[derive(Debug)]
pub struct FinishedBlob {
    /// Its name.
    pub name: BlobName,
    awaited: AwaitedBlobs,
}

impl Drop for FinishedBlob {
    fn drop(&mut self) {
        self.awaited.names(|names| names.remove(&self.name));
    }
}

/// The blobs that somebody finished and has not let go of yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct AwaitedBlobs(Arc<Mutex<HashSet<BlobName>>>);

impl AwaitedBlobs {
    fn names<T>(&self, look: impl FnOnce(&mut HashSet<BlobName>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Before a blob can be listed under its name.
    pub(crate) fn await_(&self, name: BlobName) -> FinishedBlob {
        self.names(|names| names.insert(name));
        FinishedBlob {
            name,
            awaited: self.clone(),
        }
    }

    /// Whether a blob that was seen before is awaited. Whoever lets go of one has referred to it before.
    pub(crate) fn has(&self, name: &BlobName) -> bool {
        self.names(|names| names.contains(name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_as_text() {
        let name = BlobName {
            hash: [0xab; 32],
            writing: 7,
        };
        let text = name.to_string();
        assert_eq!(text.len(), 64 + 1 + 32);
        assert_eq!(BlobName::parse(&text), Some(name));
        for other in [
            "",
            "-",
            &text[1..],
            &text[..text.len() - 1],
            &text.to_uppercase(),
            &text.replace('-', "_"),
            &text.replacen("-0", "-+", 1),
        ] {
            assert_eq!(BlobName::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_finished_is_awaited_until_it_is_let_go() {
        let awaited = AwaitedBlobs::default();
        let name = BlobName {
            hash: [1; 32],
            writing: 7,
        };
        let finished = awaited.await_(name);
        assert!(awaited.has(&name));
        drop(finished);
        assert!(!awaited.has(&name));
    }
}
