//! Rows about collections, and about what stands in them.

use std::ops::Bound;

use super::{Builder, Keyspace, number, single_id, uid_hash};
use crate::{
    backend::{Key, KeyRange, log_key},
    model::{AttachmentId, CollectionId, SyncToken},
};

pub(crate) fn collection(id: CollectionId) -> Key {
    Builder::new(Keyspace::Collection, 8).number(id.0).key()
}

/// What the keys of all members of a collection begin with.
pub(crate) fn members(id: CollectionId) -> Key {
    Builder::new(Keyspace::Member, 8).number(id.0).key()
}

pub(crate) fn member(id: CollectionId, name: &str) -> Key {
    Builder::new(Keyspace::Member, 8 + name.len())
        .number(id.0)
        .octets(name.as_bytes())
        .key()
}

/// The collection in a member's key.
pub(crate) fn member_collection(key: &[u8]) -> Option<CollectionId> {
    key.get(1..9).and_then(number).map(CollectionId)
}

/// The name at the end of a member's key.
pub(crate) fn member_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(9..)?).ok()
}

/// Keys that begin with keyspace, home and UID have them in so many octets.
pub(crate) const UID_IN_HOME_OCTETS: usize = 25;

/// What the keys of all uses of one UID in a home begin with.
pub(crate) fn uid_places(home: CollectionId, uid: &str) -> Key {
    Builder::new(Keyspace::Uid, 24)
        .number(home.0)
        .octets(&uid_hash(uid))
        .key()
}

pub(crate) fn uid(home: CollectionId, uid: &str, collection: CollectionId) -> Key {
    Builder::new(Keyspace::Uid, 32)
        .number(home.0)
        .octets(&uid_hash(uid))
        .number(collection.0)
        .key()
}

/// The collection at the end of the key of a UID's place.
pub(crate) fn uid_collection(key: &[u8]) -> Option<CollectionId> {
    key.get(UID_IN_HOME_OCTETS..)
        .and_then(number)
        .map(CollectionId)
}

/// What the keys of a collection's change log begin with.
pub(crate) fn changes(id: CollectionId) -> Key {
    Builder::new(Keyspace::Change, 8).number(id.0).key()
}

/// Whose change log it is where entries' keys begin with this; `None` where it is no such log.
pub(crate) fn changed_collection(prefix: &[u8]) -> Option<CollectionId> {
    let is_log = prefix.first() == Some(&(Keyspace::Change as u8));
    is_log.then(|| single_id(prefix))?.map(CollectionId)
}

/// The entry of a collection's change log that a token names.
pub(crate) fn change_at(id: CollectionId, token: SyncToken) -> Key {
    log_key(&changes(id), token.revision, token.operation)
}

/// The entries of a collection's change log behind a token's.
pub(crate) fn changes_after(id: CollectionId, token: SyncToken) -> KeyRange {
    let prefix = changes(id);
    KeyRange {
        start: Bound::Excluded(change_at(id, token)),
        end: KeyRange::prefix(prefix).end,
    }
}

pub(crate) fn locks(home: CollectionId) -> Key {
    Builder::new(Keyspace::Locks, 8).number(home.0).key()
}

pub(crate) fn usage(home: CollectionId) -> Key {
    Builder::new(Keyspace::Usage, 8).number(home.0).key()
}

/// What the keys of all objects that refer to an attachment begin with.
pub(crate) fn attachment_holders(id: AttachmentId) -> Key {
    Builder::new(Keyspace::Attachment, 16)
        .octets(&id.0.to_be_bytes())
        .key()
}

/// The same of those in one home.
pub(crate) fn attachment_holders_in(id: AttachmentId, home: CollectionId) -> Key {
    Builder::new(Keyspace::Attachment, 24)
        .octets(&id.0.to_be_bytes())
        .number(home.0)
        .key()
}

/// That an object refers to an attachment.
pub(crate) fn attachment(
    id: AttachmentId,
    home: CollectionId,
    collection: CollectionId,
    name: &str,
) -> Key {
    Builder::new(Keyspace::Attachment, 32 + name.len())
        .octets(&id.0.to_be_bytes())
        .number(home.0)
        .number(collection.0)
        .octets(name.as_bytes())
        .key()
}

/// The attachment, the home, the collection and the name in the key of an object that refers to one.
pub(crate) fn attachment_holder(
    key: &[u8],
) -> Option<(AttachmentId, CollectionId, CollectionId, &str)> {
    let (id, rest) = key.get(1..)?.split_at_checked(16)?;
    let (home, rest) = rest.split_at_checked(8)?;
    let (collection, name) = rest.split_at_checked(8)?;
    Some((
        AttachmentId(u128::from_be_bytes(id.try_into().ok()?)),
        CollectionId(number(home)?),
        CollectionId(number(collection)?),
        std::str::from_utf8(name).ok()?,
    ))
}
