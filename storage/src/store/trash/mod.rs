//! The trash: what objects were before they were changed or removed, and deleted collections as they
//! were, until their time is over.
//!
//! A change notes what it replaces in its batch, and the commit writes one row for it, under the home,
//! the kind (versions and deletions are kept for different times) and the collection, in the order of the
//! commits. A deleted collection stays where it is, hanging on itself, and only waits longer for its
//! purge: that costs nothing, and bringing it back is one commit.
//!
//! A new object writes nothing here. A version that was replaced soon after it was written is not kept,
//! which is known without reading: many versions in a row leave the one before them and the last. An
//! object that comes from elsewhere (its creation is older than it is here) leaves a mark, so that it is
//! known since when it is here.
//!
//! All rows are in keyspaces of their own: an earlier version of this program leaves them alone.

mod check;
mod collections;
mod expiry;
mod read;

pub(super) use collections::leaving_with;

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    Batch, Store,
    batch::Superseded,
    keys::{self, TrashKind},
    objects::{blob_of, hashes},
    record::{self, Standing, TrashHeader, TrashedRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Entry, Key, MAXIMUM_VALUE_OCTETS, Operation, ReadError},
    model::{Collection, CollectionId, CollectionKind, Content, Object, TrashCause, TrashPolicy},
};

impl Batch {
    /// Notes an object that this batch replaces or removes. A passing one need not be kept if it stood only
    /// for a short time.
    pub(super) fn supersede(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &Stored<Object>,
        cause: TrashCause,
        is_passing: bool,
    ) {
        if is_kept(collection.kind) {
            self.superseded.push(Superseded {
                home: collection.home,
                collection: collection.id,
                name: name.to_owned(),
                before: Some(before.clone()),
                cause,
                is_passing: is_passing && !self.keeps_every_version,
            });
        }
    }

    /// Notes that an object which is older comes here.
    pub(super) fn mark(&mut self, collection: &Collection, name: &str) {
        if is_kept(collection.kind) {
            self.superseded.push(Superseded {
                home: collection.home,
                collection: collection.id,
                name: name.to_owned(),
                before: None,
                cause: TrashCause::Arrived,
                is_passing: false,
            });
        }
    }
}

/// Messages in an inbox come and go and are nobody's work.
fn is_kept(kind: CollectionKind) -> bool {
    match kind {
        CollectionKind::Home | CollectionKind::Calendar | CollectionKind::Plain => true,
        CollectionKind::Inbox | CollectionKind::Outbox => false,
    }
}

impl TrashPolicy {
    /// Whether a version is worth a row.
    fn keeps(&self, superseded: &Superseded, now: Timestamp) -> bool {
        match &superseded.before {
            Some(before) if superseded.is_passing => {
                let stood = now.0.saturating_sub(before.modified.0);
                // A negative time is that of a clock that was put back, and says nothing.
                stood < 0 || stood >= self.version_apart_milliseconds
            }
            _ => true,
        }
    }

    /// How long rows of a kind are kept.
    fn milliseconds(&self, kind: TrashKind) -> i64 {
        match kind {
            TrashKind::Versions => self.versions_milliseconds,
            TrashKind::Deletions => self.deleted_milliseconds,
        }
    }
}

/// Under which kind a row stands.
fn kind_of(cause: TrashCause) -> TrashKind {
    match cause {
        TrashCause::Changed | TrashCause::Arrived | TrashCause::Returned { .. } => {
            TrashKind::Versions
        }
        TrashCause::Deleted | TrashCause::DeletedWithCollection | TrashCause::Moved => {
            TrashKind::Deletions
        }
    }
}

/// What a row of a home's trash weighs: its octets, those of its blob, and those of the attachments that
/// only the trash holds on to.
fn weight(entry: &Entry, home: CollectionId, object: Option<&Object>) -> u64 {
    let apart = match object.map(|object| &object.content) {
        Some(Content::Blob { length, .. }) => *length,
        _ => 0,
    };
    let attachments = object.map_or(&[][..], Object::attachments).iter();
    let attached: u64 = attachments
        .filter(|attachment| attachment.home == home)
        .map(|attachment| attachment.length)
        .sum();
    entry.value.len() as u64 + apart + attached
}

/// The blobs of a row: of the content, and of the attachments.
fn blobs(object: Option<&Object>) -> BTreeSet<[u8; 32]> {
    let mut blobs = object.map_or_else(BTreeSet::new, |it| hashes(it.attachments()));
    blobs.extend(object.and_then(blob_of));
    blobs
}

/// The references of a row's blobs.
fn references(
    id: CollectionId,
    header: &TrashHeader,
    object: Option<&Object>,
) -> impl Iterator<Item = Key> {
    blobs(object)
        .into_iter()
        .map(move |hash| keys::blob_reference_of_trash(&hash, id, header.written, &header.name))
}

impl Store {
    /// Turns what the batch replaces and removes into rows of the trash, or lets it go.
    pub(super) async fn fill_trash(&self, batch: &mut Batch) -> Result<(), CommitError> {
        if batch.superseded.is_empty() && batch.removed_collections.is_empty() {
            return Ok(());
        }
        let superseded = std::mem::take(&mut batch.superseded);
        let collections = std::mem::take(&mut batch.removed_collections);
        let Some(policy) = self.trash.filter(|_| !batch.is_unseen) else {
            for gone in collections {
                batch.put(keys::detached(gone.home, gone.id), Bytes::new());
            }
            return Ok(());
        };
        let now = self.environment().clock.now();
        for version in superseded {
            if policy.keeps(&version, now) {
                self.keep(batch, version, now).await?;
            }
        }
        for gone in collections {
            let record = TrashedRecord {
                deleted: now,
                by: batch.author(),
                parent: gone.parent.unwrap_or(gone.home),
                standing: Standing::InHome,
            };
            batch.put(keys::trashed(gone.home, gone.id), record::encode(&record));
        }
        Ok(())
    }

    async fn keep(
        &self,
        batch: &mut Batch,
        version: Superseded,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let header = TrashHeader {
            name: version.name,
            superseded: now,
            written: version
                .before
                .as_ref()
                .map_or(Revision(0), |it| it.revision),
            by: batch.author(),
            cause: version.cause,
        };
        let mut object = version.before.map(|before| before.value);
        let mut row = record::encode_trash(&header, object.as_ref());
        // Together with what the trash adds, the largest rows are larger than a row may be.
        if row.len() > MAXIMUM_VALUE_OCTETS
            && let Some(object) = &mut object
            && let Content::Inline(octets) = &object.content
        {
            object.content = self.write_ahead(octets.clone()).await?;
            row = record::encode_trash(&header, Some(object));
        }
        for key in references(version.collection, &header, object.as_ref()) {
            batch.put(key, Bytes::new());
        }
        batch.blobs.extend(blobs(object.as_ref()));
        let entry = Entry {
            value: row,
            revision: Revision(0),
        };
        let weight = weight(&entry, version.home, object.as_ref());
        batch.add_trash_usage(version.home, weight as i64);
        let prefix = keys::trash(version.home, kind_of(version.cause), version.collection);
        batch.append(prefix, entry.value);
        Ok(())
    }

    /// The octets in a home's trash, as far as they are added up.
    pub async fn trash_octets(&self, home: CollectionId) -> Result<u64, ReadError> {
        let entry = self.backend().get(&keys::trash_usage(home)).await?;
        let sum = entry
            .map(|entry| record::counter(&entry.value))
            .transpose()?
            .unwrap_or(0);
        Ok(sum.max(0) as u64)
    }
}

impl Batch {
    pub(super) fn add_trash_usage(&mut self, home: CollectionId, amount: i64) {
        if amount != 0 {
            self.operations.push(Operation::Add {
                key: keys::trash_usage(home),
                amount,
                maximum: None,
            });
        }
    }
}
