//! Collections that are built where nobody sees them, and appear as a whole: detaching in reverse.
//!
//! A collection that is being built hangs on itself, as a detached one does, and has a row among those
//! that wait for their purge. The row says until when it is to be left alone; every commit of the builder
//! expects the row as the builder wrote it last and puts the end off. Whoever builds and does not go on
//! (killed, cut off, failed) has thereby left the rest to the purge, and a builder who comes back too late
//! can write no more. An earlier version of this program takes such a row for one that waits for its
//! purge, which is right: whoever built it is gone.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    Batch, keys,
    record::{self, LogRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{Entry, ReadError},
    model::{Collection, CollectionId},
};

/// How long a collection that is being built is left alone after each commit of its builder.
pub const BUILDING_MILLISECONDS: i64 = 10 * 60 * 1000;

/// The row of a collection that is being built.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BuildingRecord {
    /// Until when it is left to its builder.
    pub until: Timestamp,
}

impl record::Row for BuildingRecord {}

/// A collection that somebody builds, as its builder knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Building {
    /// Where it will belong.
    pub home: CollectionId,
    /// The collection.
    pub id: CollectionId,
    /// The commit in which it was begun or put off last.
    pub revision: Revision,
}

/// What a row among the detached collections stands for.
pub(super) enum Waiting {
    /// For the purge.
    Purge,
    /// For its builder, at this moment.
    Builder,
    /// For a builder who did not come back in time.
    Nobody,
}

impl Waiting {
    /// Reads the row. A moment further away than any builder writes is one of a clock that was wrong.
    pub fn of(entry: &Entry, now: Timestamp) -> Result<Waiting, ReadError> {
        if entry.value.is_empty() {
            return Ok(Waiting::Purge);
        }
        let record: BuildingRecord = record::decode(&entry.value, "detached")?;
        let left = record.until.0.saturating_sub(now.0);
        Ok(match (0..=BUILDING_MILLISECONDS).contains(&left) {
            true => Waiting::Builder,
            false => Waiting::Nobody,
        })
    }
}

impl Batch {
    /// Begins a collection where nobody sees it. `collection` is as it will be once it appears, with the
    /// parent that it will have; it is given to [`Batch::put_object`] and as a parent to
    /// [`Batch::create_collection`] in this form. Its [`Building`] has the revision of this commit.
    pub fn begin_building(&mut self, collection: &Collection, now: Timestamp) -> &mut Self {
        self.is_unseen = true;
        self.expect_new_header(collection.id);
        let unseen = Collection {
            parent: Some(collection.id),
            ..collection.clone()
        };
        self.put(keys::collection(collection.id), record::encode(&unseen));
        self.append(
            keys::changes(collection.id),
            record::encode(&LogRecord::Created),
        );
        self.put(
            keys::detached(collection.home, collection.id),
            until_after(now),
        );
        self
    }

    /// Makes the commit one of the builder's, all of which is unseen: it conflicts where the purge has taken over, and puts the
    /// purge off. The [`Building`] has the revision of this commit then.
    pub fn go_on_building(&mut self, building: &Building, now: Timestamp) -> &mut Self {
        self.is_unseen = true;
        let key = keys::detached(building.home, building.id);
        self.expect_row(key.clone(), building.revision);
        self.put(key, until_after(now));
        self
    }

    /// Lets the collection appear: `before` is it as it was begun, `after` as it shall be, in `parent`,
    /// which is as it was read and has no member of that name.
    pub fn finish_building(
        &mut self,
        building: &Building,
        before: &Stored<Collection>,
        parent: &Stored<Collection>,
        after: &Collection,
    ) -> &mut Self {
        let identity = |it: &Collection| (it.id, it.home, it.kind);
        let id = (building.id, building.home, before.kind);
        if identity(before) != id || identity(after) != id {
            self.fault = Some("another collection appears than was built");
        }
        let key = keys::detached(building.home, building.id);
        self.expect_row(key.clone(), building.revision);
        self.delete(key);
        self.expect_header(before.id, before);
        self.put(keys::collection(after.id), record::encode(after));
        self.bind(parent, after);
        self
    }

    /// Leaves what was built to the purge.
    pub fn abandon_building(&mut self, building: &Building) -> &mut Self {
        let key = keys::detached(building.home, building.id);
        self.expect_row(key.clone(), building.revision);
        self.put(key, Bytes::new());
        self
    }
}

fn until_after(now: Timestamp) -> Bytes {
    let until = Timestamp(now.0.saturating_add(BUILDING_MILLISECONDS));
    record::encode(&BuildingRecord { until })
}
