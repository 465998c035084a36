//! Objects: reading them, writing them with their indexes.

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;

use super::{
    Batch, Store, keys,
    record::{self, LogRecord, UidRecord},
};
use crate::{
    Revision, Stored, Uuid,
    backend::ReadError,
    model::{
        Attachment, AttachmentId, Collection, CollectionId, CollectionKind, Content,
        INLINE_CONTENT_OCTETS, MAXIMUM_NAME_OCTETS, Member, Object, TrashCause,
    },
};

impl Store {
    /// The object with this name; `None` where there is none, or a collection.
    pub async fn object(
        &self,
        id: CollectionId,
        name: &str,
    ) -> Result<Option<Stored<Object>>, ReadError> {
        let entry = self.backend().get(&keys::member(id, name)).await?;
        Ok(entry
            .map(|entry| record::decode_member(&entry))
            .transpose()?
            .and_then(object_of))
    }

    /// The objects with these names, of one moment, in the order asked for.
    pub async fn objects(
        &self,
        id: CollectionId,
        names: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<Option<Stored<Object>>>, ReadError> {
        let key = |name: &_| keys::member(id, AsRef::<str>::as_ref(name));
        let keys: Vec<_> = names.iter().map(key).collect();
        let entries = self.backend().get_many(&keys).await?;
        let object = |entry: Option<_>| {
            Ok(entry
                .map(|entry| record::decode_member(&entry))
                .transpose()?
                .and_then(object_of))
        };
        entries.into_iter().map(object).collect()
    }
}

/// The object, if the member is one.
pub(super) fn object_of(member: Stored<Member>) -> Option<Stored<Object>> {
    match member.value {
        Member::Object(value) => Some(Stored {
            value,
            revision: member.revision,
        }),
        Member::Collection(_) => None,
    }
}

impl Batch {
    /// Expects that no member of the collection has this name, unless this batch removed it already.
    pub fn expect_absent(&mut self, collection: CollectionId, name: &str) -> &mut Self {
        self.expect_member(collection, name, Revision(0));
        self
    }

    /// Expects a member (an object or a binding) to be as it was read.
    pub fn expect_object(
        &mut self,
        collection: CollectionId,
        name: &str,
        revision: Revision,
    ) -> &mut Self {
        self.expect_row(keys::member(collection, name), revision);
        self
    }

    /// Writes an object. `before` is what was read (expected unchanged), `None` expects that no
    /// member has this name. The collection, too, is expected to be as it was read, so that nothing
    /// is ever written into a collection that was deleted meanwhile. In a calendar, another object
    /// with the same UID makes the commit conflict (RFC 4791 §4.1).
    pub fn put_object(
        &mut self,
        collection: &Stored<Collection>,
        name: &str,
        before: Option<&Stored<Object>>,
        after: &Object,
    ) -> &mut Self {
        self.check_name(name);
        self.expect_header(collection.id, collection);
        self.expect_member(
            collection.id,
            name,
            before.map_or(Revision(0), |before| before.revision),
        );
        self.reindex(collection, name, before.map(|it| &it.value), Some(after));
        if let Content::Inline(octets) = &after.content
            && octets.len() > INLINE_CONTENT_OCTETS
        {
            self.fault = Some("octets of content within a row");
        }
        match before {
            Some(before) => {
                // What another object replaces has no other trace, so that it is always kept.
                let is_passing = before.created == after.created;
                let gone = without_counting(before, collection.home, after.attachments());
                self.supersede(collection, name, &gone, TrashCause::Changed, is_passing);
            }
            // What is made here was made now: it is known from the object itself since when it is here.
            None if after.created != after.modified => self.mark(collection, name),
            None => {}
        }
        self.put_member(collection.id, name, record::encode_object(after));
        self.append(
            keys::changes(collection.id),
            record::encode(&LogRecord::Put(name.to_owned())),
        );
        self
    }

    /// Notes of an object, which is still as it was read, where it may have been taken over from (see
    /// [`Object::set_origin`]). It stays the object that it is, so that no earlier state of it is kept.
    pub fn note_origin(
        &mut self,
        collection: &Stored<Collection>,
        name: &str,
        before: &Stored<Object>,
        origin: Uuid,
    ) -> &mut Self {
        let mut after = before.value.clone();
        after.set_origin(origin);
        self.expect_header(collection.id, collection);
        self.expect_member(collection.id, name, before.revision);
        self.reindex(collection, name, Some(before), Some(&after));
        self.put_member(collection.id, name, record::encode_object(&after));
        // Views of the collection follow its log.
        self.append(
            keys::changes(collection.id),
            record::encode(&LogRecord::Put(name.to_owned())),
        );
        self
    }

    /// Removes an object that is still as it was read.
    pub fn remove_object(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &Stored<Object>,
    ) -> &mut Self {
        self.remove_object_for(collection, name, before, TrashCause::Deleted)
    }

    /// The same, with the reason that the trash tells.
    pub fn remove_object_for(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &Stored<Object>,
        cause: TrashCause,
    ) -> &mut Self {
        match cause {
            TrashCause::Moved => {
                let gone = without_counting(before, collection.home, before.attachments());
                self.supersede(collection, name, &gone, cause, false);
            }
            _ => self.supersede(collection, name, before, cause, false),
        }
        self.append(
            keys::changes(collection.id),
            record::encode(&LogRecord::Removed(name.to_owned())),
        );
        self.purge_object(collection, name, before)
    }

    /// Removes an object of a collection whose change log nobody will read again.
    pub(super) fn purge_object(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &Stored<Object>,
    ) -> &mut Self {
        self.expect_member(collection.id, name, before.revision);
        self.reindex(collection, name, Some(before), None);
        self.delete_member(collection.id, name);
        self
    }

    /// Brings the UID index, the references to blobs and the home's usage from `before` to `after`.
    fn reindex(
        &mut self,
        collection: &Collection,
        name: &str,
        before: Option<&Object>,
        after: Option<&Object>,
    ) {
        if let Some((key, record)) = before.and_then(|object| uid_row(collection, name, object)) {
            self.release_uid(key, record);
        }
        if let Some((key, record)) = after.and_then(|object| uid_row(collection, name, object)) {
            self.occupy_uid(key, record);
        }
        let (old, new) = (before.and_then(blob_of), after.and_then(blob_of));
        if old != new {
            if let Some(hash) = old {
                self.delete(keys::blob_reference_of_object(&hash, collection.id, name));
            }
            if let Some(hash) = new {
                self.put(
                    keys::blob_reference_of_object(&hash, collection.id, name),
                    Bytes::new(),
                );
                self.blobs.insert(hash);
            }
        }
        self.reindex_attachments(
            collection,
            name,
            before.map_or(&[], Object::attachments),
            after.map_or(&[], Object::attachments),
        );
        let weight = |object: Option<&Object>| {
            object.map_or(0, |object| object.octets_in(collection.home) as i64)
        };
        self.add_usage(collection.home, weight(after) - weight(before));
    }

    /// Brings what says who refers to attachments, and the references to their blobs, from `before` to
    /// `after`.
    fn reindex_attachments(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &[Attachment],
        after: &[Attachment],
    ) {
        if before.is_empty() && after.is_empty() {
            return;
        }
        let held = |id: AttachmentId| keys::attachment(id, collection.home, collection.id, name);
        let (old, new) = (ids(before), ids(after));
        old.difference(&new).for_each(|id| self.delete(held(*id)));
        new.difference(&old)
            .for_each(|id| self.put(held(*id), Bytes::new()));
        let reference =
            |hash: &[u8; 32]| keys::blob_reference_of_attachment(hash, collection.id, name);
        let (old, new) = (hashes(before), hashes(after));
        for hash in old.difference(&new) {
            self.delete(reference(hash));
        }
        for hash in new.difference(&old) {
            self.put(reference(hash), Bytes::new());
            self.blobs.insert(*hash);
        }
    }

    pub(super) fn check_name(&mut self, name: &str) {
        if name.is_empty() || name.len() > MAXIMUM_NAME_OCTETS || name.contains(['/', '\0']) {
            self.fault = Some("form or length of a member's name");
        }
    }
}

/// The row of the UID index that belongs to an object. Only calendars are indexed: a scheduling inbox
/// holds many messages with one UID (RFC 6638 §2.2).
pub(super) fn uid_row(
    collection: &Collection,
    name: &str,
    object: &Object,
) -> Option<(crate::backend::Key, UidRecord)> {
    let facts = object.calendar.as_ref()?;
    (collection.kind == CollectionKind::Calendar).then(|| {
        let key = keys::uid(collection.home, &facts.uid, collection.id);
        (
            key,
            UidRecord {
                name: name.to_owned(),
                scheduling: facts.scheduling,
            },
        )
    })
}

fn ids(attachments: &[Attachment]) -> BTreeSet<AttachmentId> {
    attachments.iter().map(|it| it.id).collect()
}

/// The blobs that attachments are in.
pub(super) fn hashes(attachments: &[Attachment]) -> BTreeSet<[u8; 32]> {
    attachments.iter().map(|it| it.hash).collect()
}

/// Stands in the trash for the home of an attachment which what came after refers to still, so that the
/// trash does not count it.
const COUNTED_ELSEWHERE: CollectionId = CollectionId(0);

/// An object on its way into the trash, whose attachments count there only as far as they are not
/// `kept` by what stays.
fn without_counting<'a>(
    before: &'a Stored<Object>,
    home: CollectionId,
    kept: &[Attachment],
) -> Cow<'a, Stored<Object>> {
    if before.attachments().is_empty() {
        return Cow::Borrowed(before);
    }
    let mut gone = before.clone();
    let own = gone.value.calendar.iter_mut();
    for attachment in own.flat_map(|facts| &mut facts.attachments) {
        if attachment.home == home && kept.iter().any(|it| it.id == attachment.id) {
            attachment.home = COUNTED_ELSEWHERE;
        }
    }
    Cow::Owned(gone)
}

/// An object on its way out of the trash of a home: its attachments as they were.
pub(super) fn with_homes(mut object: Object, home: CollectionId) -> Object {
    let own = object.calendar.iter_mut();
    for attachment in own.flat_map(|facts| &mut facts.attachments) {
        if attachment.home == COUNTED_ELSEWHERE {
            attachment.home = home;
        }
    }
    object
}

/// The blob that an object's content is in.
pub(super) fn blob_of(object: &Object) -> Option<[u8; 32]> {
    match &object.content {
        Content::Blob { hash, .. } => Some(*hash),
        Content::Inline(_) => None,
    }
}
