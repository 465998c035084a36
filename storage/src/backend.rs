//! The trait over ordered bytes that a backend implements, and its obligations.

use std::{future::Future, ops::Bound, pin::Pin};

use bytes::Bytes;

use crate::{Revision, Timestamp};

/// A boxed future, so that backends are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A key: the first octet is the keyspace, the rest orders rows within it (big-endian numbers).
pub type Key = Bytes;

/// A half-open or closed range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub start: Bound<Key>,
    /// Where it ends.
    pub end: Bound<Key>,
}

/// A row as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The row's octets.
    pub value: Bytes,
    /// The commit that wrote it.
    pub revision: Revision,
}

/// How much one [`Backend::scan`] may return.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Rows at the most.
    pub rows: usize,
    /// Octets of values at the most (one row is always returned).
    pub octets: usize,
    /// From the end of the range backwards.
    pub reverse: bool,
}

/// One page of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPage {
    /// The rows, in the order asked for.
    pub rows: Vec<(Key, Entry)>,
    /// Whether the range has more rows beyond the last one returned.
    pub more: bool,
}

/// What must hold at the moment of the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No row has this key.
    Absent(Key),
    /// The row exists and was written by this commit.
    Revision(Key, Revision),
    /// No row lies in this range.
    RangeEmpty(KeyRange),
}

/// One effect of a commit. Effects apply in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a row. Values have at most [`MAXIMUM_VALUE_OCTETS`].
    Put(Key, Bytes),
    /// Removes a row, if it is there.
    Delete(Key),
    /// Removes every row of a range (bounded: at most [`MAXIMUM_RANGE_ROWS`]).
    DeleteRange(KeyRange),
    /// Adds to a counter row (an i64, big-endian, absent counts as 0) without conflict. The commit
    /// fails with [`CommitError::Limit`] where the sum would exceed `maximum`; it never goes below 0.
    Add {
        /// The counter's row.
        key: Key,
        /// What is added.
        amount: i64,
        /// The largest sum allowed.
        maximum: Option<i64>,
    },
    /// Appends to a log: the row's key is `prefix`, then the commit's revision (8 octets, big-endian),
    /// then the number of the operation within the commit (2 octets).
    Append {
        /// What the log's keys begin with.
        prefix: Key,
        /// The row's octets.
        value: Bytes,
    },
}

/// The largest value of a row; larger content is a blob (see `Store::write_blob`).
pub const MAXIMUM_VALUE_OCTETS: usize = 32 * 1024;
/// The most rows one [`Operation::DeleteRange`] may remove.
pub const MAXIMUM_RANGE_ROWS: usize = 10_000;
/// The most octets of keys and values one commit may carry.
pub const MAXIMUM_COMMIT_OCTETS: usize = 1024 * 1024;

/// A change, atomic and conditional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Makes a repetition after a lost answer harmless where the backend is remote.
    pub id: u128,
    /// What must hold.
    pub expect: Vec<Expect>,
    /// What then changes.
    pub operations: Vec<Operation>,
}

/// The answer to a commit that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its number.
    pub revision: Revision,
    /// Its time, which never goes backwards from one commit to the next.
    pub time: Timestamp,
}

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store cannot be reached now; try later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row's checksum or form is wrong.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
}

/// Why a commit did not happen. In every case nothing of it did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The expectation with this index does not hold: load again and decide again.
    #[error("expectation {0} does not hold")]
    Conflict(usize),
    /// The backend wants the same commit once more.
    #[error("the commit must be tried again")]
    Retry,
    /// The store cannot be written now (disk full, I/O error, shutting down).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row's checksum or form is wrong.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A counter's maximum, or a bound of the commit itself, would be exceeded.
    #[error("limit exceeded: {0}")]
    Limit(&'static str),
}

/// An ordered map of bytes with atomic compare-and-commit.
///
/// Obligations: `commit` answers `Ok` only when the change is on stable storage; what is not synced
/// is never visible to any read; reads of one call see one moment; commits are totally ordered by
/// revision; commit times never decrease.
pub trait Backend: Send + Sync + 'static {
    /// Reads rows of one moment, in the order asked for.
    fn get_many<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>>;
    /// Reads one page of a range, of one moment.
    fn scan<'a>(&'a self, range: KeyRange, page: Page) -> BoxFuture<'a, Result<ScanPage, ReadError>>;
    /// Makes a change durable, or refuses it as a whole.
    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>>;
    /// The number of the newest readable commit.
    fn revision(&self) -> Revision;
    /// A hint that something was committed. The logs are the truth.
    fn watch(&self) -> tokio::sync::watch::Receiver<Revision>;
    /// Ends all work; later commits are refused. Returns when everything acknowledged is on disk
    /// and background threads have ended.
    fn close<'a>(&'a self) -> BoxFuture<'a, ()>;
}
