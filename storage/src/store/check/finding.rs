//! What is wrong, and what would mend it.

use std::fmt;

use bytes::Bytes;

use super::super::record;
use crate::{
    Revision,
    backend::{Entry, Expect, Key, Operation, ReadError},
    blob_files::BlobName,
    model::CollectionId,
};

/// Something that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The kind of row.
    pub row: &'static str,
    /// Which, and what is wrong.
    pub detail: String,
    /// Whether it follows from the rest of the store what must stand there. What does not is left as it
    /// is: nothing that a person wrote is thrown away.
    pub can_be_mended: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.row, self.detail)
    }
}

/// What a check tells while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckEvent {
    /// So many rows of one kind were read.
    Reading {
        /// The kind.
        what: &'static str,
        /// How many.
        rows: u64,
    },
    /// Something is wrong.
    Found(Damage),
    /// Something cannot be read, or not be compared because what it is about cannot be read: the backend's
    /// fault, not the row's.
    Unreadable(String),
    /// It was mended thus.
    Mended(String),
}

/// A damage with its remedy.
#[derive(Debug, PartialEq)]
pub(in crate::store) struct Finding {
    pub row: &'static str,
    pub detail: String,
    pub mending: Option<Mending>,
}

/// What mends a damage, decided upon rows of one moment.
#[derive(Debug, PartialEq)]
pub(in crate::store) struct Mending {
    /// What it does, in words.
    pub what: String,
    pub remedy: Remedy,
}

#[derive(Debug, PartialEq)]
pub(in crate::store) enum Remedy {
    /// Changes rows, if those that it was decided upon are still the same.
    Rows {
        expect: Vec<Expect>,
        operations: Vec<Operation>,
    },
    /// Begins a log anew with this entry, and removes all before it.
    NewLog {
        log: Key,
        entry: Bytes,
        operations: Vec<Operation>,
    },
    /// Removes a log whose collection is gone.
    NoLog { log: Key },
    /// Fetches the octets of a blob from where there is a copy of them.
    Octets(BlobName),
    /// Removes a file that nothing refers to.
    NoFile(BlobName),
}

impl Finding {
    pub fn new(row: &'static str, detail: String) -> Finding {
        Finding {
            row,
            detail,
            mending: None,
        }
    }

    /// A row whose octets say nothing.
    pub fn unreadable(row: &'static str, key: &Key, error: &ReadError) -> Finding {
        Finding::new(row, format!("{}: {error}", shown(key)))
    }

    pub fn mended_by(
        self,
        what: impl Into<String>,
        expect: Vec<Expect>,
        operations: Vec<Operation>,
    ) -> Finding {
        self.mended_with(what, Remedy::Rows { expect, operations })
    }

    /// Mended by something else than a change of rows.
    pub fn mended_with(mut self, what: impl Into<String>, remedy: Remedy) -> Finding {
        self.mending = Some(Mending {
            what: what.into(),
            remedy,
        });
        self
    }

    /// Mended by the removal of the row that it is about, which says only what other rows say.
    pub fn mended_by_removing(self, key: &Key, entry: &Entry, mut expect: Vec<Expect>) -> Finding {
        expect.push(Expect::Revision(key.clone(), entry.revision));
        self.mended_by(
            "it was removed",
            expect,
            vec![Operation::Delete(key.clone())],
        )
    }

    pub fn damage(&self) -> Damage {
        Damage {
            row: self.row,
            detail: self.detail.clone(),
            can_be_mended: self.mending.is_some(),
        }
    }
}

/// A row that another one leads to, of the same moment.
pub(in crate::store) enum Related<T> {
    Missing,
    Unreadable,
    Is(T, Revision),
}

impl<T> Related<T> {
    pub fn of(
        entry: Option<&Entry>,
        read: impl FnOnce(&Entry) -> Result<T, ReadError>,
    ) -> Related<T> {
        match entry.map(|entry| (read(entry), entry.revision)) {
            None => Related::Missing,
            Some((Err(_), _)) => Related::Unreadable,
            Some((Ok(value), revision)) => Related::Is(value, revision),
        }
    }

    /// From a row that is one value.
    pub fn value(entry: Option<&Entry>) -> Related<T>
    where
        T: record::Row,
    {
        Related::of(entry, |entry| record::decode(&entry.value, "row"))
    }
}

/// That a row is still as it was read.
pub(in crate::store) fn as_read(key: &Key, entry: Option<&Entry>) -> Expect {
    match entry {
        Some(entry) => Expect::Revision(key.clone(), entry.revision),
        None => Expect::Absent(key.clone()),
    }
}

/// A collection's identity as people see it in reports.
pub(in crate::store) fn id(id: CollectionId) -> String {
    format!("collection {:016x}", id.0)
}

/// A key, as far as it can be read.
pub(in crate::store) fn shown(key: &[u8]) -> String {
    format!("the row {}", key.escape_ascii())
}
