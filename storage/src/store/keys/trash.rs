//! Rows about what was deleted: the trash, and what waits for its purge.

use super::{Builder, Keyspace, number, whole};
use crate::{
    backend::{Key, LOG_POSITION_OCTETS},
    model::CollectionId,
};

/// The two kinds of rows in the trash, which are kept for different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum TrashKind {
    /// Replaced by a later version.
    Versions = 0,
    /// Removed.
    Deletions = 1,
}

impl TrashKind {
    /// Both.
    pub const ALL: [TrashKind; 2] = [TrashKind::Versions, TrashKind::Deletions];
}

/// What the keys of all that is in a home's trash begin with, deleted collections excepted.
pub(crate) fn trash_of_home(home: CollectionId) -> Key {
    Builder::new(Keyspace::Trash, 8).number(home.0).key()
}

/// What the keys of one collection's rows of one kind begin with; they are in the order of commits.
pub(crate) fn trash(home: CollectionId, kind: TrashKind, id: CollectionId) -> Key {
    Builder::new(Keyspace::Trash, 17 + LOG_POSITION_OCTETS)
        .number(home.0)
        .octet(kind as u8)
        .number(id.0)
        .key()
}

/// The home, the kind and the collection in the key of a row of the trash.
pub(crate) fn trash_place(key: &[u8]) -> Option<(CollectionId, TrashKind, CollectionId)> {
    let (home, rest) = key.get(1..)?.split_at_checked(8)?;
    let (kind, rest) = rest.split_first()?;
    let kind = TrashKind::ALL.into_iter().find(|it| *it as u8 == *kind)?;
    let id = rest.get(..8).and_then(number)?;
    Some((CollectionId(number(home)?), kind, CollectionId(id)))
}

/// What the keys of all collections in the trash begin with.
pub(crate) fn all_trashed() -> Key {
    whole(Keyspace::TrashedCollection)
}

/// What the keys of a home's collections in the trash begin with.
pub(crate) fn trashed_of(home: CollectionId) -> Key {
    Builder::new(Keyspace::TrashedCollection, 8)
        .number(home.0)
        .key()
}

pub(crate) fn trashed(home: CollectionId, id: CollectionId) -> Key {
    Builder::new(Keyspace::TrashedCollection, 16)
        .number(home.0)
        .number(id.0)
        .key()
}

pub(crate) fn trash_usages() -> Key {
    whole(Keyspace::TrashUsage)
}

pub(crate) fn trash_usage(home: CollectionId) -> Key {
    Builder::new(Keyspace::TrashUsage, 8).number(home.0).key()
}

/// What the keys of all collections that wait for their purge begin with.
pub(crate) fn all_detached() -> Key {
    whole(Keyspace::Detached)
}

/// What the keys of a home's collections that wait for their purge begin with.
pub(crate) fn detached_of(home: CollectionId) -> Key {
    Builder::new(Keyspace::Detached, 8).number(home.0).key()
}

pub(crate) fn detached(home: CollectionId, id: CollectionId) -> Key {
    Builder::new(Keyspace::Detached, 16)
        .number(home.0)
        .number(id.0)
        .key()
}

/// The home and the collection in the key of a detached collection, or of one in the trash.
pub(crate) fn detached_ids(key: &[u8]) -> Option<(CollectionId, CollectionId)> {
    let (home, id) = key.get(1..)?.split_at_checked(8)?;
    Some((CollectionId(number(home)?), CollectionId(number(id)?)))
}
