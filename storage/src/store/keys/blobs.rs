//! Rows about blobs, and who refers to them.

use super::{Builder, Keyspace, number, whole};
use crate::{
    Revision,
    backend::Key,
    model::{CollectionId, WorkId},
};

pub(crate) fn blobs() -> Key {
    whole(Keyspace::Blob)
}

pub(crate) fn blob(hash: &[u8; 32]) -> Key {
    Builder::new(Keyspace::Blob, 32).octets(hash).key()
}

/// The hash at the end of a blob's key, the place at the end of that of [`blob_place`].
pub(crate) fn blob_hash(key: &[u8]) -> Option<[u8; 32]> {
    key.get(1..)?.try_into().ok()
}

pub(crate) fn blob_chunks(place: &[u8; 32]) -> Key {
    Builder::new(Keyspace::BlobChunk, 32).octets(place).key()
}

pub(crate) fn blob_chunk(place: &[u8; 32], number: u32) -> Key {
    Builder::new(Keyspace::BlobChunk, 36)
        .octets(place)
        .octets(&number.to_be_bytes())
        .key()
}

/// The number at the end of a piece's key.
pub(crate) fn blob_chunk_number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(33..)?.try_into().ok()?))
}

/// The row that says whose pieces stand at a place.
pub(crate) fn blob_place(place: &[u8; 32]) -> Key {
    Builder::new(Keyspace::BlobPlace, 32).octets(place).key()
}

/// What the keys of all references to a blob begin with.
pub(crate) fn blob_references(hash: &[u8; 32]) -> Key {
    Builder::new(Keyspace::BlobReference, 32).octets(hash).key()
}

/// The reference of an object.
pub(crate) fn blob_reference_of_object(hash: &[u8; 32], id: CollectionId, name: &str) -> Key {
    Builder::new(Keyspace::BlobReference, 41 + name.len())
        .octets(hash)
        .octets(&[0])
        .number(id.0)
        .octets(name.as_bytes())
        .key()
}

/// The hash, the collection and the name in the key of an object's reference; `None` for others.
pub(crate) fn object_of_blob_reference(key: &[u8]) -> Option<([u8; 32], CollectionId, &str)> {
    let (hash, rest) = key.get(1..)?.split_at_checked(32)?;
    let (id, name) = rest.strip_prefix(&[0])?.split_at_checked(8)?;
    Some((
        hash.try_into().ok()?,
        CollectionId(number(id)?),
        std::str::from_utf8(name).ok()?,
    ))
}

/// The reference of a row of work.
pub(crate) fn blob_reference_of_work(hash: &[u8; 32], id: &WorkId) -> Key {
    Builder::new(Keyspace::BlobReference, 49)
        .octets(hash)
        .octets(&[1])
        .octets(&id.id.to_be_bytes())
        .key()
}

/// The hash and the work's identity in the key of the reference of a row of work; `None` for others.
pub(crate) fn work_of_blob_reference(key: &[u8]) -> Option<([u8; 32], u128)> {
    let (hash, rest) = key.get(1..)?.split_at_checked(32)?;
    let id = rest.strip_prefix(&[1])?.try_into().ok()?;
    Some((hash.try_into().ok()?, u128::from_be_bytes(id)))
}

/// The reference of a version in the trash: that of a name which this commit had written.
pub(crate) fn blob_reference_of_trash(
    hash: &[u8; 32],
    id: CollectionId,
    written: Revision,
    name: &str,
) -> Key {
    Builder::new(Keyspace::BlobReference, 57)
        .octets(hash)
        .octet(2)
        .number(id.0)
        .number(written.0)
        .octets(&blake3::hash(name.as_bytes()).as_bytes()[..8])
        .key()
}

/// Whether this is the key of a reference from the trash.
pub(crate) fn is_blob_reference_of_trash(key: &[u8]) -> bool {
    key.get(33) == Some(&2)
}

/// The reference of an object's attachments with this content.
pub(crate) fn blob_reference_of_attachment(hash: &[u8; 32], id: CollectionId, name: &str) -> Key {
    Builder::new(Keyspace::BlobReference, 41 + name.len())
        .octets(hash)
        .octet(3)
        .number(id.0)
        .octets(name.as_bytes())
        .key()
}

/// The hash, the collection and the name in the key of a reference of attachments; `None` for others.
pub(crate) fn attachment_of_blob_reference(key: &[u8]) -> Option<([u8; 32], CollectionId, &str)> {
    let (hash, rest) = key.get(1..)?.split_at_checked(32)?;
    let (id, name) = rest.strip_prefix(&[3])?.split_at_checked(8)?;
    Some((
        hash.try_into().ok()?,
        CollectionId(number(id)?),
        std::str::from_utf8(name).ok()?,
    ))
}
