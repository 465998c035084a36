//! What is kept of that which was changed and deleted.

use serde::{Deserialize, Serialize};

use super::{Collection, CollectionId, Object, PrincipalId};
use crate::{Revision, Timestamp};

/// Why something is in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrashCause {
    /// A later version replaced it.
    Changed,
    /// It was deleted.
    Deleted,
    /// It was deleted because its collection was about to be (meetings are, one by one).
    DeletedWithCollection,
    /// It was moved elsewhere.
    Moved,
    /// It came from elsewhere: a mark without an object, so that it is known when.
    Arrived,
    /// The collection came back out of the trash: a mark without an object, under the name that it had.
    Returned {
        /// When it had been deleted.
        deleted: Timestamp,
    },
}

/// Names what is in the trash: a former state of an object, or a deleted collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrashId {
    /// The collection.
    pub collection: CollectionId,
    /// The commit that put the object there, and the place within it; `None` is the collection itself.
    pub position: Option<(Revision, u16)>,
}

impl std::fmt::Display for TrashId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:x}", self.collection.0)?;
        match self.position {
            Some((revision, operation)) => write!(formatter, "-{}-{operation}", revision.0),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for TrashId {
    type Err = InvalidTrashId;

    fn from_str(text: &str) -> Result<TrashId, InvalidTrashId> {
        let mut parts = text.split('-');
        let collection = parts.next().ok_or(InvalidTrashId)?;
        let collection = u64::from_str_radix(collection, 16).map_err(|_| InvalidTrashId)?;
        let position = match parts.next() {
            None => None,
            Some(revision) => {
                let operation = parts.next().ok_or(InvalidTrashId)?;
                let revision = revision.parse().map_err(|_| InvalidTrashId)?;
                let operation = operation.parse().map_err(|_| InvalidTrashId)?;
                Some((Revision(revision), operation))
            }
        };
        let id = TrashId {
            collection: CollectionId(collection),
            position,
        };
        // Only the form that was given out: no signs, no leading zeros, nothing behind it.
        match id.to_string() == text {
            true => Ok(id),
            false => Err(InvalidTrashId),
        }
    }
}

/// A text that names nothing in a trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of something in the trash")]
pub struct InvalidTrashId;

/// A former state of an object, or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// Its name in the trash.
    pub id: TrashId,
    /// The object's name.
    pub name: String,
    /// When it ceased to be so.
    pub superseded: Timestamp,
    /// Who changed or removed it, if somebody did.
    pub by: Option<PrincipalId>,
    /// What became of it.
    pub cause: TrashCause,
    /// The commit that had written it.
    pub written: Revision,
    /// As it was, without its projection; `None` for a mark.
    pub object: Option<Object>,
}

/// A deleted collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedCollection {
    /// Its header, which hangs on itself.
    pub header: crate::Stored<Collection>,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// By whom, if that is known.
    pub by: Option<PrincipalId>,
    /// What it stood in.
    pub parent: CollectionId,
    /// Its octets, once they are added up.
    pub octets: Option<u64>,
    /// The commit that wrote its row.
    pub(crate) revision: Revision,
    pub(crate) standing: crate::store::Standing,
}

/// What is kept of that which is changed and deleted, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrashPolicy {
    /// What was deleted is kept so long.
    pub deleted_milliseconds: i64,
    /// Earlier versions are kept so long.
    pub versions_milliseconds: i64,
    /// A version that was replaced sooner than this after it was written is not kept: so many versions
    /// that follow each other closely leave the first and the last.
    pub version_apart_milliseconds: i64,
    /// What one home's trash may hold; the oldest goes first.
    pub home_octets: u64,
}
