//! The trait over ordered bytes that a backend implements, and its obligations.

use std::{future::Future, ops::Bound, pin::Pin};

use bytes::Bytes;

use crate::{RetentionClock, Revision, Timestamp, blob_files::BlobFiles};

/// A boxed future, so that backends are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A key: the first octet is the keyspace, the rest orders rows within it (big-endian numbers).
/// Keys have 1 to [`MAXIMUM_KEY_OCTETS`] octets and are ordered octet by octet.
pub type Key = Bytes;

/// A half-open or closed range of keys. One whose start lies behind its end holds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub start: Bound<Key>,
    /// Where it ends.
    pub end: Bound<Key>,
}

impl KeyRange {
    /// Every key that begins with `prefix` (the key that equals it included).
    pub fn prefix(prefix: impl Into<Key>) -> KeyRange {
        let prefix = prefix.into();
        let end = match successor_of_prefix(&prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Unbounded,
        };
        KeyRange {
            start: Bound::Included(prefix),
            end,
        }
    }

    /// Every key there is.
    pub fn all() -> KeyRange {
        KeyRange {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
        }
    }

    /// Whether `key` lies within.
    pub fn contains(&self, key: &[u8]) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => key >= &start[..],
            Bound::Excluded(start) => key > &start[..],
            Bound::Unbounded => true,
        };
        let before_end = match &self.end {
            Bound::Included(end) => key <= &end[..],
            Bound::Excluded(end) => key < &end[..],
            Bound::Unbounded => true,
        };
        after_start && before_end
    }

    /// Whether whoever goes through the range in a direction has it behind him at `key`, which is not within.
    pub(crate) fn is_passed_at(&self, key: &[u8], reverse: bool) -> bool {
        match (reverse, &self.start, &self.end) {
            (false, _, Bound::Included(end)) => key > &end[..],
            (false, _, Bound::Excluded(end)) => key >= &end[..],
            (true, Bound::Included(start), _) => key < &start[..],
            (true, Bound::Excluded(start), _) => key <= &start[..],
            (false, _, Bound::Unbounded) | (true, Bound::Unbounded, _) => false,
        }
    }

    /// Whether no key can lie within, whatever is stored. The standard library's ordered maps panic
    /// on such ranges, so every backend asks first.
    pub fn is_void(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }

    /// The part of this range beyond `last`, in the direction of a scan: the next page.
    pub fn beyond(mut self, last: &Key, reverse: bool) -> KeyRange {
        if reverse {
            self.end = Bound::Excluded(last.clone());
        } else {
            self.start = Bound::Excluded(last.clone());
        }
        self
    }
}

/// The smallest key that is greater than every key with this prefix; `None` where there is none.
fn successor_of_prefix(prefix: &[u8]) -> Option<Key> {
    let kept = prefix.iter().rposition(|octet| *octet != u8::MAX)?;
    let mut after = prefix[..=kept].to_vec();
    after[kept] += 1;
    Some(after.into())
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
    /// Octets of values at the most (one row is always returned, if there is one and `rows` is not 0).
    pub octets: usize,
    /// From the end of the range backwards.
    pub reverse: bool,
}

/// One page of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPage {
    /// The rows, in the order asked for.
    pub rows: Vec<(Key, Entry)>,
    /// Whether the range has more rows beyond the last one returned (see [`KeyRange::beyond`]).
    pub more: bool,
}

/// What must hold at the moment of the commit, before any of its operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No row has this key.
    Absent(Key),
    /// The row exists and was written by this commit.
    Revision(Key, Revision),
    /// No row lies in this range.
    RangeEmpty(KeyRange),
}

/// One effect of a commit. Effects apply in order: each sees what the earlier ones of its commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a row. Values have at most [`MAXIMUM_VALUE_OCTETS`].
    Put(Key, Bytes),
    /// Removes a row, if it is there.
    Delete(Key),
    /// Removes every row of a range (bounded: at most [`MAXIMUM_RANGE_ROWS`]).
    DeleteRange(KeyRange),
    /// Adds to a counter row (an i64, big-endian, absent counts as 0) without conflict. A sum below
    /// 0 becomes 0. The commit fails with [`CommitError::Limit`] where a positive amount would lift
    /// the sum above `maximum`; a negative one is always welcome, also above it.
    Add {
        /// The counter's row.
        key: Key,
        /// What is added.
        amount: i64,
        /// The largest sum allowed.
        maximum: Option<i64>,
    },
    /// Appends to a log: the row's key is `prefix`, then the commit's revision (8 octets, big-endian),
    /// then the number of the operation within the commit (2 octets, big-endian, from 0).
    Append {
        /// What the log's keys begin with.
        prefix: Key,
        /// The row's octets.
        value: Bytes,
    },
}

/// The key of the row that [`Operation::Append`] writes.
pub fn log_key(prefix: &[u8], revision: Revision, operation: u16) -> Key {
    let mut key = Vec::with_capacity(prefix.len() + LOG_POSITION_OCTETS);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&revision.0.to_be_bytes());
    key.extend_from_slice(&operation.to_be_bytes());
    key.into()
}

/// What [`Operation::Append`] adds to its prefix.
pub const LOG_POSITION_OCTETS: usize = 10;
/// The longest key.
pub const MAXIMUM_KEY_OCTETS: usize = 2 * 1024;
/// The largest value of a row; larger content is a blob (see `Store::write_blob`).
pub const MAXIMUM_VALUE_OCTETS: usize = 32 * 1024;
/// The most rows one [`Operation::DeleteRange`] may remove.
pub const MAXIMUM_RANGE_ROWS: usize = 10_000;
/// What [`CommitError::Limit`] says where an [`Operation::Add`] would exceed its maximum.
pub const COUNTER_MAXIMUM: &str = "the maximum of a counter";
/// The most octets of keys and values one commit may carry.
pub const MAXIMUM_COMMIT_OCTETS: usize = 1024 * 1024;
/// The most operations one commit may carry.
pub const MAXIMUM_OPERATIONS: usize = u16::MAX as usize + 1;

/// That expectations were seen to hold. A backend which knows that their rows have not changed since
/// need not look at them once more; every other one ignores this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The first so many of a commit's expectations.
    pub expectations: usize,
    /// Each of them was read by a call that began when this revision was readable, or later.
    pub since: Revision,
}

/// A change, atomic and conditional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Makes a repetition after a lost answer harmless where the backend is remote.
    pub id: u128,
    /// What must hold.
    pub expect: Vec<Expect>,
    /// How many of the expectations, from the first on, are known to have held at a moment.
    pub observed: Option<Observed>,
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
    /// The expectation with this index (the first of those that fail) does not hold: load again and
    /// decide again.
    #[error("expectation {0} does not hold")]
    Conflict(usize),
    /// The backend wants the same commit once more.
    #[error("the commit must be tried again")]
    Retry,
    /// The store cannot be written now (I/O error, shutting down).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// There is no room on the disk. What is stored can be read as before, and the next commit after
    /// room was made succeeds.
    #[error("the disk of the server is full")]
    Full,
    /// A row's checksum or form is wrong.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A counter's maximum, or a bound of the commit itself, would be exceeded.
    #[error("limit exceeded: {0}")]
    Limit(&'static str),
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> CommitError {
        match error {
            ReadError::Unavailable(reason) => CommitError::Unavailable(reason),
            ReadError::Corrupt(reason) => CommitError::Corrupt(reason),
        }
    }
}

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// This kind of store cannot be backed up in this way.
    #[error(
        "this kind of store has no backups of its own: it is in memory, or backed up with its database"
    )]
    NotPossible,
    /// Whoever asked for it wanted it no longer, or the store is closing.
    #[error("the backup was broken off")]
    Stopped,
    /// Reading the store, or writing the backup, failed.
    #[error("the backup failed: {0}")]
    Failed(String),
}

/// Something that a backend found wrong with what it keeps for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In words.
    pub what: String,
    /// Where.
    pub place: FaultPlace,
}

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// What serves reads, and follows from the rest.
    Index,
    /// A copy of everything, which is replaced by the next one.
    Snapshot,
    /// The record of the commits.
    Journal,
}

/// An ordered map of bytes with atomic compare-and-commit.
///
/// What every backend owes, and what `testing::conformance` proves of each:
///
/// 1. `commit` answers `Ok` only when the change is on stable storage; one that answers an error
///    has changed nothing.
/// 2. What is not on stable storage is never visible to any read, nor to the expectations of
///    another commit.
/// 3. Commits are totally ordered by revision, and revisions grow; commit times never decrease.
///    A commit without operations takes its place in that order too.
/// 4. All rows that one call reads are of one moment. A call that begins after a commit was
///    answered sees that commit.
/// 5. The bounds of a commit (`MAXIMUM_...`) are checked first, then its expectations in order, then
///    its operations in order; the first that fails is the answer.
/// 6. A row that was damaged at rest is an error, never a wrong answer.
/// 7. Dropping a future ends the waiting, not the commit: it happens as a whole or not at all.
pub trait Backend: Send + Sync + 'static {
    /// Reads rows of one moment, in the order asked for.
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>>;
    /// Reads one row.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, ReadError>> {
        Box::pin(async move {
            Ok(self
                .get_many(std::slice::from_ref(key))
                .await?
                .pop()
                .flatten())
        })
    }
    /// Reads one page of a range, of one moment.
    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>>;
    /// The first key of a range, whether its row can be read or not: how a check steps over what is
    /// damaged.
    fn first_key<'a>(&'a self, range: KeyRange) -> BoxFuture<'a, Result<Option<Key>, ReadError>> {
        Box::pin(async move {
            let page = Page {
                rows: 1,
                octets: usize::MAX,
                reverse: false,
            };
            let page = self.scan(range, page).await?;
            Ok(page.rows.into_iter().next().map(|(key, _)| key))
        })
    }
    /// Makes a change durable, or refuses it as a whole.
    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>>;
    /// The octets of blobs, which rows refer to.
    fn blobs(&self) -> &dyn BlobFiles;
    /// Whether [`CommitError::Retry`] is ever an answer, so that who commits must keep a copy.
    fn asks_for_repetition(&self) -> bool {
        true
    }
    /// The number of the newest readable commit; 0 in an empty store.
    fn revision(&self) -> Revision;
    /// The newest commit that may have written rows of a keyspace (the first octet of their keys), as
    /// far as that is known without reading; `None` where it is not. Every commit counts that a read
    /// which has ended could see, so that what was read at revision R, or later, is still true where
    /// the answer is R or less.
    fn last_change(&self, _keyspace: u8) -> Option<Revision> {
        None
    }
    /// A hint that something was committed. The logs are the truth.
    fn watch(&self) -> tokio::sync::watch::Receiver<Revision>;
    /// Writes everything, as of one moment, while reads and commits go on; gives the newest commit that
    /// the backup contains. Asks between steps whether to go on. Blocks.
    ///
    /// A backup is what [`crate::sled::load`] makes a folder of: rows, the commits that happened while
    /// they were read, in the order of one journal, and blobs. A backend that keeps no journal cannot tell those, and
    /// what holds nothing beyond its process (memory) has nothing that a backup could save; one that lives
    /// in a database is backed up with that. So the default is to refuse, in words.
    ///
    /// # Errors
    /// See [`BackupError`]; what was written then is no backup.
    fn backup(
        &self,
        _out: &mut dyn std::io::Write,
        _go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Committed, BackupError> {
        Err(BackupError::NotPossible)
    }

    /// Looks whether everything that the backend keeps for itself is whole and agrees with what is read;
    /// gives each thing that is not. May go on while others read and commit; ends soon where the future is
    /// dropped.
    ///
    /// # Errors
    /// It cannot be looked at.
    fn verify<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Fault>, ReadError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// Builds anew what serves reads, from the record of the commits. Nothing can be read meanwhile.
    ///
    /// # Errors
    /// It cannot be built now; the backend goes on trying.
    fn rebuild<'a>(&'a self) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async { Ok(()) })
    }
    /// Drops what the backend keeps for itself and does not need any more. May go on while others read
    /// and commit.
    ///
    /// # Errors
    /// It cannot be done; nothing is lost by that.
    fn compact<'a>(&'a self) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async { Ok(()) })
    }
    /// Removes what the backend keeps outside of the store for a time only (the archive of the journal),
    /// where that time is over by this clock. May go on while others read and commit.
    ///
    /// # Errors
    /// It cannot be done; it is tried again at the next call.
    fn expire<'a>(&'a self, _clock: RetentionClock) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async { Ok(()) })
    }
    /// Ends all work; later commits are refused. Returns when everything acknowledged is on disk
    /// and background threads have ended.
    fn close<'a>(&'a self) -> BoxFuture<'a, ()>;
}
