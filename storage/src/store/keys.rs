//! The table of keyspaces and how the key of each row is put together.
//!
//! A key is the keyspace's octet, then big-endian numbers, then at most one name in UTF-8 at its end,
//! so that the order of keys is the order of identities and names.

mod blobs;
mod collections;
mod history;
mod messages;
mod principals;
#[cfg(test)]
mod tests;
mod trash;
mod work;

use bytes::Bytes;

pub(crate) use self::{
    blobs::{
        attachment_of_blob_reference, blob, blob_chunk, blob_chunk_number, blob_chunks, blob_hash,
        blob_place, blob_reference_of_attachment, blob_reference_of_object,
        blob_reference_of_trash, blob_reference_of_work, blob_references, blobs,
        is_blob_reference_of_trash, object_of_blob_reference, work_of_blob_reference,
    },
    collections::{
        UID_IN_HOME_OCTETS, attachment, attachment_holder, attachment_holders,
        attachment_holders_in, change_at, changed_collection, changes, changes_after, collection,
        locks, member, member_collection, member_name, members, uid, uid_collection, uid_places,
        usage,
    },
    history::{audit, audit_owner, clock, compaction, moment, moment_time, moments_until},
    messages::{
        group_meeting, group_meetings, group_of_meeting, mail_that_left, messages,
        messages_of_hour, received, scheduling_log, scheduling_log_of, scheduling_logs_of,
    },
    principals::{
        credential, directory, directory_log, directory_log_after, principal, principal_address,
        principal_name, principals,
    },
    trash::{
        TrashKind, all_detached, all_trashed, detached, detached_ids, detached_of, trash,
        trash_of_home, trash_place, trash_usage, trash_usages, trashed, trashed_of,
    },
    work::{any_work_id, due_work, queue, work, work_due_at, work_id},
};
use crate::{
    Revision, Timestamp,
    backend::{Key, LOG_POSITION_OCTETS},
};

/// What a row is about; the number is the first octet of its key and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Keyspace {
    /// One row: the format's version and the store's epoch.
    Meta = 1,
    /// One row, written by every change of a principal: its revision is the directory's.
    Directory = 2,
    /// Appended by every change of a principal: whose.
    DirectoryLog = 3,
    /// (principal) → principal.
    Principal = 4,
    /// (name in lower case) → principal's id; makes names unique.
    PrincipalName = 5,
    /// (normalised address) → principal's id; makes addresses unique.
    PrincipalAddress = 6,
    /// (principal) → password hash.
    Credential = 7,
    /// (collection) → header.
    Collection = 8,
    /// (collection, name) → binding or object; one keyspace, so that a name is unique over both.
    Member = 9,
    /// (home, hash of the UID, calendar) → name and whether it is a scheduling object.
    Uid = 10,
    /// (collection) + revision → change; the first entry of each log is its collection's creation.
    Change = 11,
    /// (home) → all locks below it.
    Locks = 12,
    /// (home) → octets used.
    Usage = 13,
    /// (queue, due, id) → work.
    Work = 14,
    /// (hash) → length and state of a blob, and where its octets stand.
    Blob = 15,
    /// (place, number) → piece of a blob, until format 4. The place is its hash, or a key drawn at random.
    BlobChunk = 16,
    /// (hash, who refers to it) → nothing.
    BlobReference = 17,
    /// (home, collection) → nothing; a collection that is gone for everybody and waits for its purge.
    Detached = 18,
    /// (home, versions or deletions, collection) + revision → what an object was before a change.
    Trash = 19,
    /// (home, collection) → since when a deleted collection is in the trash.
    TrashedCollection = 20,
    /// (home) → octets in the trash.
    TrashUsage = 21,
    /// (place) → the hash of the blob whose pieces stand there, where that is not the place itself.
    BlobPlace = 22,
    /// (time) → the newest commit of that time: what makes an age of a log's position.
    Moment = 32,
    /// What the clock said, and how much of it is believed; and how far the compaction of the logs is
    /// that is under way.
    Clock = 33,
    /// (owner) + revision → what somebody did in the owner's home.
    Audit = 40,
    /// (home, hash of the UID) + revision → what was decided about a meeting, for the owner of the home.
    SchedulingLog = 41,
    /// (hour, principal) → how many messages somebody caused in it.
    Messages = 44,
    /// (principal, name of a message) → when a message from outside had its effect on the principal.
    Received = 45,
    /// (group, home, hash of the UID) → the meeting; an organizer's object that names the group.
    GroupMeeting = 46,
    /// (attachment, home, collection, name) → nothing; an object that refers to a managed attachment.
    Attachment = 36,
}

/// Puts a key together.
struct Builder(Vec<u8>);

impl Builder {
    fn new(space: Keyspace, capacity: usize) -> Builder {
        let mut octets = Vec::with_capacity(1 + capacity);
        octets.push(space as u8);
        Builder(octets)
    }

    fn number(mut self, number: u64) -> Builder {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn octet(mut self, octet: u8) -> Builder {
        self.0.push(octet);
        self
    }

    fn octets(mut self, octets: &[u8]) -> Builder {
        self.0.extend_from_slice(octets);
        self
    }

    fn key(self) -> Key {
        Bytes::from(self.0)
    }
}

/// What all keys of a keyspace begin with.
pub(crate) fn whole(space: Keyspace) -> Key {
    Builder::new(space, 0).key()
}

pub(crate) fn meta() -> Key {
    whole(Keyspace::Meta)
}

fn uid_hash(uid: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(uid.as_bytes()).as_bytes()[..16]);
    short
}

/// The revision and the operation in the key of a log's entry.
pub(crate) fn log_position(key: &[u8]) -> Option<(Revision, u16)> {
    let position = key.get(key.len().checked_sub(LOG_POSITION_OCTETS)?..)?;
    let (revision, operation) = position.split_at(8);
    Some((
        Revision(number(revision)?),
        u16::from_be_bytes(operation.try_into().ok()?),
    ))
}

const SIGN: u64 = 1 << 63;

/// A moment so that the order of octets is the order of time, also before 1970.
fn ordered(time: Timestamp) -> [u8; 8] {
    (time.0 as u64 ^ SIGN).to_be_bytes()
}

/// The identity at the end of a key that is a keyspace and one number.
pub(crate) fn single_id(key: &[u8]) -> Option<u64> {
    number(key.get(1..)?)
}

fn number(octets: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(octets.try_into().ok()?))
}
