//! The table of keyspaces and how the key of each row is put together.
//!
//! A key is the keyspace's octet, then big-endian numbers, then at most one name in UTF-8 at its end,
//! so that the order of keys is the order of identities and names.

use std::ops::Bound;

use bytes::Bytes;

use crate::{
    Revision, Timestamp, Uuid,
    backend::{Key, KeyRange, LOG_POSITION_OCTETS, log_key},
    model::{AttachmentId, CollectionId, PrincipalId, SyncToken, WorkId},
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

pub(crate) fn directory() -> Key {
    whole(Keyspace::Directory)
}

pub(crate) fn directory_log() -> Key {
    whole(Keyspace::DirectoryLog)
}

/// The entries of the directory's log behind those of the commit `revision`.
pub(crate) fn directory_log_after(revision: Revision) -> KeyRange {
    let prefix = directory_log();
    KeyRange {
        start: Bound::Excluded(log_key(&prefix, revision, u16::MAX)),
        end: KeyRange::prefix(prefix).end,
    }
}

pub(crate) fn principals() -> Key {
    whole(Keyspace::Principal)
}

pub(crate) fn principal(id: PrincipalId) -> Key {
    Builder::new(Keyspace::Principal, 8).number(id.0).key()
}

pub(crate) fn principal_name(name: &str) -> Key {
    Builder::new(Keyspace::PrincipalName, name.len())
        .octets(name.to_lowercase().as_bytes())
        .key()
}

/// `normalised` is the result of `directory::normalise_address`.
pub(crate) fn principal_address(normalised: &str) -> Key {
    Builder::new(Keyspace::PrincipalAddress, normalised.len())
        .octets(normalised.as_bytes())
        .key()
}

pub(crate) fn credential(id: PrincipalId) -> Key {
    Builder::new(Keyspace::Credential, 8).number(id.0).key()
}

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

fn uid_hash(uid: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(uid.as_bytes()).as_bytes()[..16]);
    short
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

/// The revision and the operation in the key of a log's entry.
pub(crate) fn log_position(key: &[u8]) -> Option<(Revision, u16)> {
    let position = key.get(key.len().checked_sub(LOG_POSITION_OCTETS)?..)?;
    let (revision, operation) = position.split_at(8);
    Some((
        Revision(number(revision)?),
        u16::from_be_bytes(operation.try_into().ok()?),
    ))
}

pub(crate) fn locks(home: CollectionId) -> Key {
    Builder::new(Keyspace::Locks, 8).number(home.0).key()
}

/// The hour, counted from 1970, of a counter of messages.
pub(crate) fn messages_of_hour(hour: i64) -> Key {
    Builder::new(Keyspace::Messages, 8)
        .octets(&ordered(Timestamp(hour)))
        .key()
}

pub(crate) fn messages(hour: i64, sender: PrincipalId) -> Key {
    Builder::new(Keyspace::Messages, 16)
        .octets(&ordered(Timestamp(hour)))
        .number(sender.0)
        .key()
}

/// A message from outside, by a name that follows from what it is.
pub(crate) fn received(recipient: PrincipalId, message: Uuid) -> Key {
    Builder::new(Keyspace::Received, 24)
        .number(recipient.0)
        .octets(&message.to_octets())
        .key()
}

pub(crate) fn usage(home: CollectionId) -> Key {
    Builder::new(Keyspace::Usage, 8).number(home.0).key()
}

/// What the keys of a queue's rows begin with. The length before the name keeps queues apart.
pub(crate) fn queue(queue: &str) -> Key {
    queue_builder(queue).key()
}

pub(crate) fn work(queue: &str, id: &WorkId) -> Key {
    queue_builder(queue)
        .octets(&ordered(id.due))
        .octets(&id.id.to_be_bytes())
        .key()
}

/// A queue's rows that are due at `until` or before.
pub(crate) fn due_work(queue: &str, until: Timestamp) -> KeyRange {
    let end = queue_builder(queue).octets(&ordered(until)).key();
    KeyRange {
        start: Bound::Included(self::queue(queue)),
        end: KeyRange::prefix(end).end,
    }
}

/// The identity at the end of a work row's key.
pub(crate) fn work_id(queue: &str, key: &[u8]) -> Option<WorkId> {
    let rest = key.get(2 + queue.len()..)?;
    let (due, id) = rest.split_at_checked(8)?;
    let due = Timestamp((number(due)? ^ SIGN) as i64);
    Some(WorkId {
        due,
        id: u128::from_be_bytes(id.try_into().ok()?),
    })
}

/// The identity at the end of a work row's key, whatever its queue.
pub(crate) fn any_work_id(key: &[u8]) -> Option<WorkId> {
    let length = usize::from(*key.get(1)?);
    work_id(std::str::from_utf8(key.get(2..2 + length)?).ok()?, key)
}

fn queue_builder(queue: &str) -> Builder {
    let length = u8::try_from(queue.len()).unwrap_or(u8::MAX);
    Builder::new(Keyspace::Work, 25 + queue.len())
        .octets(&[length])
        .octets(queue.as_bytes())
}

const SIGN: u64 = 1 << 63;

/// A moment so that the order of octets is the order of time, also before 1970.
fn ordered(time: Timestamp) -> [u8; 8] {
    (time.0 as u64 ^ SIGN).to_be_bytes()
}

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

pub(crate) fn clock() -> Key {
    whole(Keyspace::Clock)
}

/// How far the compaction of the logs is that is under way.
pub(crate) fn compaction() -> Key {
    Builder::new(Keyspace::Clock, 1).octet(1).key()
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

/// The note of the newest commit at a time.
pub(crate) fn moment(time: Timestamp) -> Key {
    Builder::new(Keyspace::Moment, 8)
        .octets(&ordered(time))
        .key()
}

/// The notes of this time and of earlier ones.
pub(crate) fn moments_until(time: Timestamp) -> KeyRange {
    KeyRange {
        start: Bound::Included(whole(Keyspace::Moment)),
        end: Bound::Included(moment(time)),
    }
}

/// The time in the key of a note.
pub(crate) fn moment_time(key: &[u8]) -> Option<Timestamp> {
    let time = number(key.get(1..)?)?;
    Some(Timestamp((time ^ SIGN) as i64))
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

/// What the keys of an owner's audit begin with; they are in the order of commits.
pub(crate) fn audit(owner: PrincipalId) -> Key {
    Builder::new(Keyspace::Audit, 8 + LOG_POSITION_OCTETS)
        .number(owner.0)
        .key()
}

/// Whose audit the key is of.
pub(crate) fn audit_owner(key: &[u8]) -> Option<PrincipalId> {
    let owner = key
        .get(1..9)
        .filter(|_| key.len() == 9 + LOG_POSITION_OCTETS);
    owner.and_then(number).map(PrincipalId)
}

/// What the keys of a meeting's scheduling log in a home begin with; they are in the order of commits.
pub(crate) fn scheduling_log(home: CollectionId, uid: &str) -> Key {
    Builder::new(Keyspace::SchedulingLog, 24 + LOG_POSITION_OCTETS)
        .number(home.0)
        .octets(&uid_hash(uid))
        .key()
}

/// What the keys of all scheduling logs of a home begin with.
pub(crate) fn scheduling_logs_of(home: CollectionId) -> Key {
    Builder::new(Keyspace::SchedulingLog, 8)
        .number(home.0)
        .key()
}

/// The log that a key is of: what all keys of it begin with.
pub(crate) fn scheduling_log_of(key: &[u8]) -> Option<&[u8]> {
    key.get(..UID_IN_HOME_OCTETS)
        .filter(|_| key.len() == UID_IN_HOME_OCTETS + LOG_POSITION_OCTETS)
}

/// What the keys of all meetings of a group begin with.
pub(crate) fn group_meetings(group: PrincipalId) -> Key {
    Builder::new(Keyspace::GroupMeeting, 8)
        .number(group.0)
        .key()
}

pub(crate) fn group_meeting(group: PrincipalId, home: CollectionId, uid: &str) -> Key {
    Builder::new(Keyspace::GroupMeeting, 32)
        .number(group.0)
        .number(home.0)
        .octets(&uid_hash(uid))
        .key()
}

/// The group in the key of one of its meetings.
pub(crate) fn group_of_meeting(key: &[u8]) -> Option<PrincipalId> {
    let group = key.get(1..9).filter(|_| key.len() == 33);
    group.and_then(number).map(PrincipalId)
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

/// The identity at the end of a key that is a keyspace and one number.
pub(crate) fn single_id(key: &[u8]) -> Option<u64> {
    number(key.get(1..)?)
}

fn number(octets: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(octets.try_into().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ID: CollectionId = CollectionId(0x0102_0304_0506_0708);

    #[test]
    fn keys_give_back_what_they_were_made_of() {
        let hash = [7; 32];
        assert_eq!(member_collection(&member(ID, "ü")), Some(ID));
        assert_eq!(member_name(&member(ID, "ü")), Some("ü"));
        assert_eq!(uid_collection(&uid(CollectionId(1), "uid", ID)), Some(ID));
        assert_eq!(
            detached_ids(&detached(CollectionId(1), ID)),
            Some((CollectionId(1), ID))
        );
        assert_eq!(detached_ids(&trashed(ID, ID)), Some((ID, ID)));
        for kind in TrashKind::ALL {
            let key = log_key(&trash(CollectionId(1), kind, ID), Revision(9), 3);
            assert_eq!(trash_place(&key), Some((CollectionId(1), kind, ID)));
            assert_eq!(log_position(&key), Some((Revision(9), 3)));
        }
        let reference = blob_reference_of_trash(&hash, ID, Revision(9), "name");
        assert!(is_blob_reference_of_trash(&reference));
        assert_eq!(object_of_blob_reference(&reference), None);
        assert_eq!(blob_hash(&blob(&hash)), Some(hash));
        assert_eq!(single_id(&collection(ID)), Some(ID.0));
        let log = scheduling_log(ID, "uid");
        assert_eq!(
            scheduling_log_of(&log_key(&log, Revision(9), 3)),
            Some(&log[..])
        );
        assert!(log.starts_with(&scheduling_logs_of(ID)));
        assert_eq!(moment_time(&moment(Timestamp(-5))), Some(Timestamp(-5)));
        let reference = blob_reference_of_object(&hash, ID, "name");
        assert!(!is_blob_reference_of_trash(&reference));
        assert_eq!(work_of_blob_reference(&reference), None);
        assert_eq!(
            object_of_blob_reference(&reference),
            Some((hash, ID, "name"))
        );
        assert_eq!(
            log_position(&log_key(&changes(ID), Revision(9), 3)),
            Some((Revision(9), 3))
        );
        for due in [i64::MIN, -1, 0, 1, i64::MAX] {
            let id = WorkId {
                due: Timestamp(due),
                id: u128::MAX - 1,
            };
            let key = work("mail", &id);
            assert_eq!(work_id("mail", &key), Some(id.clone()));
            assert_eq!(any_work_id(&key), Some(id.clone()));
            let reference = blob_reference_of_work(&hash, &id);
            assert_eq!(object_of_blob_reference(&reference), None);
            assert_eq!(work_of_blob_reference(&reference), Some((hash, id.id)));
        }
        let reference = blob_reference_of_attachment(&hash, ID, "name");
        assert_eq!(object_of_blob_reference(&reference), None);
        assert_eq!(work_of_blob_reference(&reference), None);
        assert!(!is_blob_reference_of_trash(&reference));
        assert_eq!(
            attachment_of_blob_reference(&reference),
            Some((hash, ID, "name"))
        );
        let (id, home) = (AttachmentId(u128::MAX - 1), CollectionId(1));
        let held = attachment(id, home, ID, "ü");
        assert_eq!(attachment_holder(&held), Some((id, home, ID, "ü")));
        assert!(held.starts_with(&attachment_holders_in(id, home)));
        assert!(held.starts_with(&attachment_holders(id)));
    }

    #[test]
    fn odd_keys_give_nothing() {
        for length in 0..4 {
            let key = vec![1; length];
            assert_eq!(member_collection(&key), None);
            assert_eq!(uid_collection(&key), None);
            assert_eq!(detached_ids(&key), None);
            assert_eq!(trash_place(&key), None);
            assert!(!is_blob_reference_of_trash(&key));
            assert_eq!(blob_hash(&key), None);
            assert_eq!(single_id(&key), None);
            assert_eq!(any_work_id(&key), None);
            assert_eq!(attachment_of_blob_reference(&key), None);
            assert_eq!(attachment_holder(&key), None);
            assert_eq!(log_position(&key), None);
            assert_eq!(scheduling_log_of(&key), None);
        }
        assert_eq!(member_name(&[9, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF]), None);
    }

    #[test]
    fn ranges_hold_what_they_name_and_nothing_else() {
        let at = |due| WorkId {
            due: Timestamp(due),
            id: u128::MAX,
        };
        let due = due_work("mail", Timestamp(5));
        let cases = [
            (work("mail", &at(i64::MIN)), true),
            (work("mail", &at(-1)), true),
            (work("mail", &at(5)), true),
            (work("mail", &at(6)), false),
            (work("mai", &at(0)), false),
            (work("maill", &at(0)), false),
        ];
        for (key, expected) in cases {
            assert_eq!(due.contains(&key), expected, "{key:?}");
        }

        let token = SyncToken {
            epoch: 0,
            revision: Revision(7),
            operation: 2,
        };
        let later = changes_after(ID, token);
        for (revision, operation, expected) in [
            (6, 9, false),
            (7, 2, false),
            (7, 3, true),
            (8, 0, true),
            (u64::MAX, u16::MAX, true),
        ] {
            let key = log_key(&changes(ID), Revision(revision), operation);
            assert_eq!(later.contains(&key), expected, "{revision} {operation}");
        }
        assert!(!later.contains(&log_key(&changes(CollectionId(ID.0 + 1)), Revision(0), 0)));
        let later = directory_log_after(Revision(7));
        assert!(!later.contains(&log_key(&directory_log(), Revision(7), u16::MAX)));
        assert!(later.contains(&log_key(&directory_log(), Revision(8), 0)));
    }

    #[test]
    fn names_in_any_case_have_one_key() {
        assert_eq!(principal_name("ÄLICE"), principal_name("älice"));
        assert_ne!(principal_name("alice"), principal_name("alicé"));
    }
}
