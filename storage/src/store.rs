//! The domain's operations over any backend, one file for each kind of row.
//!
//! Reads answer from rows of one moment where the documentation says so. Changes are gathered in a
//! [`Batch`] and made durable by [`Store::commit`].

mod accounts;
mod attachments;
mod audit;
mod batch;
mod blob_reader;
mod blob_rows;
mod blobs;
mod building;
mod cache;
mod changes;
mod check;
mod collections;
mod compaction;
mod directory;
mod epoch;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod groups;
pub(crate) mod keys;
mod locks;
mod messages;
mod objects;
mod principals;
mod purge;
mod received;
mod record;
mod resolution;
mod retention;
mod scheduling_log;
#[cfg(test)]
mod tests;
mod trash;
mod tree;
mod uids;
mod uploads;
mod work;

use std::sync::{
    Arc, RwLock,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use crate::{
    Environment, Revision,
    backend::{
        Backend, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange, Observed, Operation,
        Page, ReadError,
    },
    model::{CollectionId, PrincipalId, TrashPolicy, WorkId},
    resolve,
};
use record::MetaRecord;
pub(crate) use record::Standing;

pub use accounts::{AccountError, PrincipalNameFault, check_account_form};
pub use attachments::AttachmentHolder;
pub use audit::MAXIMUM_AUDIT_ENTRIES;
pub use batch::Batch;
pub use blob_reader::BlobReader;
pub use blobs::MAXIMUM_BLOB_OCTETS;
pub use building::{BUILDING_MILLISECONDS, Building};
pub use changes::Changes;
pub use check::{CheckEvent, Damage};
pub use compaction::{LogCompaction, LogRetention};
pub use directory::{Memberships, normalise_address};
pub use groups::dormant_membership;
pub use messages::{MESSAGES_MAXIMUM, milliseconds_to_next_hour};
pub use received::{KeptOfMessages, ReceivedPosition};
pub use resolution::{Found, Resolution};
pub use retention::RetentionClock;
pub use scheduling_log::{MAXIMUM_SCHEDULING_LOG_ENTRIES, MAXIMUM_SCHEDULING_LOG_OCTETS};
pub use tree::{Listed, ObjectPlace, WalkPosition};
pub use uids::{UidPlace, UidPlaces};
pub use uploads::Upload;
pub use work::UnreadWork;

/// The version of the keys and records that this code writes; it reads all before. Format 1 did not know
/// entries that deny, entries on objects, managed attachments, and what a delegate may do; 2 was never
/// written (it is the number of the folder's form, which counts by itself). Format 3 did not know blobs
/// whose pieces stand under another key than their hash, and format 4 none outside of the rows, and no
/// scheduling logs.
const FORMAT: u32 = 5;
/// Rows read at once where a range is read to its end.
const SCAN_ROWS: usize = 100;
/// Octets read at once where a range is read to its end.
const SCAN_OCTETS: usize = 4 * 1024 * 1024;
/// How often a commit is repeated because the backend asks for it.
const COMMIT_ATTEMPTS: usize = 10;

/// Everything Convoke keeps. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// What is kept; `None` keeps nothing.
    trash: Option<TrashPolicy>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    environment: Environment,
    epoch: u64,
    directory: RwLock<directory::KnownDirectory>,
    tree: cache::TreeCache,
    commit_ids: CommitIds,
    /// How many rows of work were named.
    work_ids: AtomicU32,
}

/// Names for commits that no other store, and no other life of this one, gives: they begin at random.
struct CommitIds {
    first: u128,
    given: AtomicU64,
}

impl CommitIds {
    fn next(&self) -> u128 {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        self.first.wrapping_add(u128::from(number))
    }
}

/// Why a store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A later version of Convoke wrote it.
    #[error(
        "the store has format {found}; this version of Convoke understands formats up to {known}"
    )]
    NewerFormat {
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Store {
    /// Opens the domain over a backend: writes the format's version and a fresh epoch into an empty
    /// one, refuses a newer format.
    pub async fn open(
        backend: Arc<dyn Backend>,
        environment: Environment,
    ) -> Result<Store, OpenError> {
        let meta = match read_meta(&*backend).await? {
            Some(meta) => meta,
            None => found(&*backend, &environment).await?,
        };
        if meta.format > FORMAT {
            return Err(OpenError::NewerFormat {
                found: meta.format,
                known: FORMAT,
            });
        }
        if meta.format < FORMAT {
            raise_format(&*backend, &environment, &meta).await?;
        }
        let commit_ids = CommitIds {
            first: environment.random_u128(),
            given: AtomicU64::new(0),
        };
        let shared = Shared {
            backend,
            environment,
            epoch: meta.epoch,
            directory: RwLock::default(),
            tree: cache::TreeCache::default(),
            commit_ids,
            work_ids: AtomicU32::new(0),
        };
        Ok(Store {
            shared: Arc::new(shared),
            trash: None,
        })
    }

    /// The same store, which keeps in the trash what is changed and deleted through it. Without this
    /// nothing is kept, and what is in the trash counts as old.
    pub fn keeping(mut self, policy: Option<TrashPolicy>) -> Store {
        self.trash = policy;
        self
    }

    /// What is kept; `None` is nothing.
    pub fn trash_policy(&self) -> Option<&TrashPolicy> {
        self.trash.as_ref()
    }

    /// Clock and randomness.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// The backend below.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.shared.backend
    }

    /// The newest commit that a read which begins now is certain to see.
    pub fn revision(&self) -> Revision {
        self.backend().revision()
    }

    /// Whether it is certain, without reading, that no row of a keyspace changed since `through` was
    /// readable.
    fn is_unchanged_since(&self, space: keys::Keyspace, through: Revision) -> bool {
        let last = self.backend().last_change(space as u8);
        last.is_some_and(|last| last <= through)
    }

    /// What sync tokens are tied to; another one after a restore.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    /// An identity for a new principal.
    pub fn new_principal_id(&self) -> PrincipalId {
        PrincipalId(self.environment().random_u64().max(1))
    }

    /// An identity for a new collection.
    pub fn new_collection_id(&self) -> CollectionId {
        CollectionId(self.environment().random_u64().max(1))
    }

    /// An identity for a new row of work. Of those that are due at the same moment, the one that is made later comes
    /// later: one that is decided upon what another one's commit left, and one of several for the same commit.
    pub fn new_work_id(&self, due: crate::Timestamp) -> WorkId {
        let revision = u128::from(self.revision().0);
        let number = self.shared.work_ids.fetch_add(1, Ordering::Relaxed);
        let random = self.environment().random_u64() as u32;
        WorkId {
            due,
            id: revision << 64 | u128::from(number) << 32 | u128::from(random),
        }
    }

    /// A change to be filled and committed.
    pub fn batch(&self) -> Batch {
        Batch::default()
    }

    /// Makes a batch durable as a whole, or nothing of it. Large payloads of work are written ahead.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] where something expected does not hold: load again and decide again.
    /// [`CommitError::Limit`] where the batch exceeds a bound.
    pub async fn commit(&self, mut batch: Batch) -> Result<Committed, CommitError> {
        self.write_large_work(&mut batch).await?;
        self.fill_trash(&mut batch).await?;
        batch.settle();
        if let Some(fault) = batch.fault {
            return Err(CommitError::Limit(fault));
        }
        self.expect_blobs(&mut batch).await?;
        let messages = batch.messages;
        let committed = self
            .commit_observed(batch.expect, batch.observed, batch.operations)
            .await;
        match committed {
            Ok(committed) => Ok(committed),
            Err(error) => Err(self.which_limit(error, messages).await),
        }
    }

    /// Whether [`Store::commit`] would have room for a batch, as far as that is known beforehand. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`CommitError::Limit`] where the batch exceeds a bound.
    pub async fn rehearse(&self, mut batch: Batch) -> Result<(), CommitError> {
        batch.settle();
        if let Some(fault) = batch.fault {
            return Err(CommitError::Limit(fault));
        }
        for operation in &batch.operations {
            if let Operation::Add {
                key,
                amount,
                maximum,
            } = operation
            {
                let row = self.backend().get(key).await?;
                let added = resolve::add(row.as_ref().map(|row| &*row.value), *amount, *maximum);
                if let Err(error) = added {
                    return Err(self.which_limit(error, batch.messages).await);
                }
            }
        }
        Ok(())
    }

    /// Commits rows, repeating as often as the backend asks for it within reason.
    async fn commit_rows(
        &self,
        expect: Vec<Expect>,
        operations: Vec<Operation>,
    ) -> Result<Committed, CommitError> {
        self.commit_observed(expect, None, operations).await
    }

    async fn commit_observed(
        &self,
        expect: Vec<Expect>,
        observed: Option<Observed>,
        operations: Vec<Operation>,
    ) -> Result<Committed, CommitError> {
        let commit = Commit {
            id: self.shared.commit_ids.next(),
            expect,
            observed,
            operations,
        };
        let attempts = match self.backend().asks_for_repetition() {
            true => COMMIT_ATTEMPTS,
            false => 1,
        };
        for _ in 1..attempts {
            match self.backend().commit(commit.clone()).await {
                Err(CommitError::Retry) => {}
                answer => return answer,
            }
        }
        self.backend().commit(commit).await
    }

    /// Reads a range to its end. Only for ranges that are short by their nature.
    async fn scan_all(&self, mut range: KeyRange) -> Result<Vec<(Key, Entry)>, ReadError> {
        let mut rows = Vec::new();
        loop {
            let page = self.backend().scan(range.clone(), SCAN_PAGE).await?;
            rows.extend(page.rows);
            match rows.last() {
                Some((key, _)) if page.more => range = range.beyond(key, false),
                _ => return Ok(rows),
            }
        }
    }
}

const SCAN_PAGE: Page = Page {
    rows: SCAN_ROWS,
    octets: SCAN_OCTETS,
    reverse: false,
};

async fn read_meta(backend: &dyn Backend) -> Result<Option<MetaRecord>, ReadError> {
    let entry = backend.get(&keys::meta()).await?;
    entry
        .map(|entry| record::decode(&entry.value, "meta"))
        .transpose()
}

/// Notes that from now on there may be rows which earlier versions do not know. Nothing else is changed:
/// rows of older forms are read, and written anew when they change.
async fn raise_format(
    backend: &dyn Backend,
    environment: &Environment,
    before: &MetaRecord,
) -> Result<(), OpenError> {
    let meta = MetaRecord {
        format: FORMAT,
        epoch: before.epoch,
    };
    let commit = Commit {
        id: environment.random_u128(),
        operations: vec![Operation::Put(keys::meta(), record::encode(&meta))],
        ..Commit::default()
    };
    match backend.commit(commit).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Begins the first epoch of an empty store; whoever comes first decides it.
async fn found(backend: &dyn Backend, environment: &Environment) -> Result<MetaRecord, OpenError> {
    let meta = MetaRecord {
        format: FORMAT,
        epoch: environment.random_u64(),
    };
    let commit = Commit {
        id: environment.random_u128(),
        expect: vec![Expect::Absent(keys::meta())],
        operations: vec![Operation::Put(keys::meta(), record::encode(&meta))],
        ..Commit::default()
    };
    match backend.commit(commit).await {
        Ok(_) => Ok(meta),
        Err(CommitError::Conflict(_) | CommitError::Retry) => {
            read_meta(backend).await?.ok_or_else(|| {
                OpenError::Read(ReadError::Unavailable(
                    "the store is being set up".to_owned(),
                ))
            })
        }
        Err(error) => Err(error.into()),
    }
}
