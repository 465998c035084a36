//! Locks (RFC 4918 §6) and quota (RFC 4331): one row for each home.

use super::{Batch, Store, keys, record};
use crate::{
    Stored,
    backend::ReadError,
    model::{CollectionId, Lock},
};

impl Store {
    /// All locks in a home, those that ran out among them.
    pub async fn locks(&self, home: CollectionId) -> Result<Stored<Vec<Lock>>, ReadError> {
        match self.backend().get(&keys::locks(home)).await? {
            Some(entry) => record::stored(&entry, "locks"),
            None => Ok(Stored::new(Vec::new())),
        }
    }

    /// How many octets the objects of a home have together (RFC 4331 §4 `quota-used-bytes`).
    pub async fn used_octets(&self, home: CollectionId) -> Result<u64, ReadError> {
        match self.backend().get(&keys::usage(home)).await? {
            Some(entry) => Ok(record::counter(&entry.value)?.max(0) as u64),
            None => Ok(0),
        }
    }
}

impl Batch {
    /// Expects the home's locks to be as they were read.
    pub fn expect_locks(&mut self, home: CollectionId, locks: &Stored<Vec<Lock>>) -> &mut Self {
        self.expect_row(keys::locks(home), locks.revision);
        self
    }

    /// Writes the home's locks. More than fit in one row are refused by the commit with
    /// [`crate::backend::CommitError::Limit`].
    pub fn set_locks(
        &mut self,
        home: CollectionId,
        before: &Stored<Vec<Lock>>,
        after: &[Lock],
    ) -> &mut Self {
        self.expect_locks(home, before);
        if after.is_empty() {
            self.delete(keys::locks(home));
        } else {
            self.put(keys::locks(home), record::encode(&after.to_vec()));
        }
        self
    }
}
