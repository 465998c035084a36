//! How rows are written as octets.
//!
//! Each row begins with the version of its form. Most are then one postcard value; those of members and of
//! the trash have an object's octets as they are behind a short header.

mod blob;
mod former;
mod member;
mod trash;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Revision, Stored, Timestamp,
    backend::{Entry, ReadError},
    model::{AuditEntry, Content, Credential, GroupMeeting, Lock, PrincipalId, SchedulingLogEntry},
};

pub(crate) use blob::{BlobPlace, BlobRecord};
pub(crate) use member::{decode_member, encode_binding, encode_object};
pub(crate) use trash::{Standing, TrashHeader, TrashedRecord, decode_trash, encode_trash};

/// The version of the form of every row that has had only one.
const VERSION: u8 = 1;

/// A value that a row holds: the version of its form, then the value in postcard.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// The version in which it is written.
    const VERSION: u8 = VERSION;

    /// From the octets behind the version; `None` where the version is unknown.
    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Self>> {
        (version == Self::VERSION).then(|| postcard::from_bytes(body))
    }
}

impl Row for AuditEntry {}
impl Row for Credential {}
impl Row for SchedulingLogEntry {}
impl Row for Vec<Lock> {}
impl Row for PrincipalId {}
impl Row for Revision {}
impl Row for u64 {}
impl Row for [u8; 32] {}
impl Row for UidRecord {}
impl Row for GroupMeeting {}
impl Row for LogRecord {}
impl Row for MetaRecord {}
impl Row for WorkRecord {}

/// The row of a value.
pub(crate) fn encode<T: Row>(value: &T) -> Bytes {
    append(vec![T::VERSION], value).into()
}

/// From the octets of [`encode`]; `what` names the row in the error.
pub(crate) fn decode<T: Row>(octets: &[u8], what: &str) -> Result<T, ReadError> {
    let (version, body) = split(octets, what)?;
    match T::read(version, body) {
        Some(value) => value.map_err(|error| corrupt(what, &error.to_string())),
        None => Err(unknown(version, what)),
    }
}

/// A row as a value with its revision.
pub(crate) fn stored<T: Row>(entry: &Entry, what: &str) -> Result<Stored<T>, ReadError> {
    Ok(Stored {
        value: decode(&entry.value, what)?,
        revision: entry.revision,
    })
}

/// The value of a counter row.
pub(crate) fn counter(octets: &[u8]) -> Result<i64, ReadError> {
    let octets = octets
        .try_into()
        .map_err(|_| corrupt("counter", "its length is wrong"))?;
    Ok(i64::from_be_bytes(octets))
}

pub(crate) fn corrupt(what: &str, why: &str) -> ReadError {
    ReadError::Corrupt(format!("a row of kind {what} cannot be read: {why}"))
}

fn append<T: Serialize>(octets: Vec<u8>, value: &T) -> Vec<u8> {
    postcard::to_extend(value, octets).expect("stored values have no form that postcard refuses")
}

/// The version of a row's form, and what stands behind it.
fn split<'a>(octets: &'a [u8], what: &str) -> Result<(u8, &'a [u8]), ReadError> {
    match octets.split_first() {
        Some((version, body)) => Ok((*version, body)),
        None => Err(corrupt(what, "it is empty")),
    }
}

/// The body of a row whose form has had only one version.
fn body<'a>(octets: &'a [u8], what: &str) -> Result<&'a [u8], ReadError> {
    match split(octets, what)? {
        (VERSION, body) => Ok(body),
        (version, _) => Err(unknown(version, what)),
    }
}

fn unknown(version: u8, what: &str) -> ReadError {
    corrupt(what, &format!("its form has version {version}"))
}

/// The row that names the object of a UID in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UidRecord {
    pub name: String,
    pub scheduling: bool,
}

/// An entry of a collection's change log.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogRecord {
    /// The collection was made: always the first entry.
    Created,
    /// The member was made or changed.
    Put(String),
    /// The member is gone.
    Removed(String),
}

/// The row of the store itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MetaRecord {
    pub format: u32,
    pub epoch: u64,
}

/// A row of work; a large payload stands in a blob.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkRecord {
    pub attempts: u32,
    pub created: Timestamp,
    pub last_error: Option<String>,
    pub payload: Content,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{member::tests::read, *};
    use crate::model::{Collection, Principal};

    #[test]
    fn a_counter_has_one_length() {
        assert_eq!(counter(&[255; 8]), Ok(-1));
        assert!(counter(&[0; 7]).is_err());
    }

    proptest::proptest! {
        /// Whatever octets a row has, reading it ends with a value or an error.
        #[test]
        fn no_row_is_too_odd_to_be_refused(mut row: Vec<u8>, version: bool) {
            if let (Some(first), true) = (row.first_mut(), version) {
                *first = VERSION;
            }
            let _ = read(row.clone().into());
            let _ = decode::<Principal>(&row, "principal");
            let _ = decode::<Collection>(&row, "collection");
        }
    }
}
