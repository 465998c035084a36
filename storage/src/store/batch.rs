//! A change of the domain as a value: what must hold, and what then changes.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    keys,
    messages::Messages,
    record::{self, UidRecord},
};
use crate::{
    Revision, Stored,
    backend::{Expect, Key, MAXIMUM_VALUE_OCTETS, Observed, Operation},
    model::{Collection, CollectionId, Content, Object, PrincipalId, TrashCause, WorkId},
};

/// Among how many expectations, from the first on, it is looked whether a new one is there already.
const FEW: usize = 8;

/// Key and header of a row in the trash, about.
const ROW_OCTETS: usize = 256;

/// One change of the store: expectations and effects on the domain's level. Each method writes the
/// rows, indexes, change-log entries and counters that belong together, and expects that what it was
/// given as `before` is still what is stored. [`super::Store::commit`] makes all of it durable or
/// nothing.
///
/// A collection that is created in the same batch is given to the other methods with
/// [`Stored::new`].
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) expect: Vec<Expect>,
    pub(super) observed: Option<Observed>,
    pub(super) operations: Vec<Operation>,
    /// Collections whose header is expected already, or that this batch creates.
    headers: BTreeSet<CollectionId>,
    /// What each touched row of the UID index was and becomes.
    uids: BTreeMap<Key, UidChange>,
    /// Members that this batch removed; their names are free for it again.
    emptied: BTreeSet<Key>,
    /// Octets more (or fewer) per home.
    usage: BTreeMap<CollectionId, i64>,
    usage_maximum: BTreeMap<CollectionId, u64>,
    /// Blobs that this batch refers to anew; they must exist when it is committed.
    pub(super) blobs: BTreeSet<[u8; 32]>,
    /// Rows of work whose payload is too large for a row.
    pub(super) large_work: Vec<LargeWork>,
    /// Messages that are counted.
    pub(super) messages: Option<Messages>,
    /// Who makes the change.
    author: Option<PrincipalId>,
    /// What goes to the trash, if there is one.
    pub(super) superseded: Vec<Superseded>,
    /// Collections that go to the trash, or to the purge.
    pub(super) removed_collections: Vec<Collection>,
    /// Every version goes to the trash, however short it stood.
    pub(super) keeps_every_version: bool,
    /// What it removes is counted nowhere any more.
    is_uncounted: bool,
    /// It changes what nobody has seen yet, of which the trash keeps nothing.
    pub(super) is_unseen: bool,
    /// Why this batch can never be committed.
    pub(super) fault: Option<&'static str>,
}

/// A row of work whose payload [`super::Store::commit`] writes as a blob first.
#[derive(Debug)]
pub(super) struct LargeWork {
    pub queue: String,
    pub id: WorkId,
    pub record: record::WorkRecord,
    pub payload: Bytes,
}

/// What an object was before this change, or a mark.
#[derive(Debug)]
pub(super) struct Superseded {
    pub home: CollectionId,
    pub collection: CollectionId,
    pub name: String,
    pub before: Option<Stored<Object>>,
    pub cause: TrashCause,
    /// It may be left out where it stood only for a short time.
    pub is_passing: bool,
}

#[derive(Debug, Default)]
struct UidChange {
    before: Option<UidRecord>,
    after: Option<UidRecord>,
}

impl Superseded {
    /// About what it weighs in a commit.
    fn octets(&self) -> usize {
        let inline = |object: &Stored<Object>| match &object.content {
            Content::Inline(octets) => octets.len(),
            Content::Blob { .. } => 0,
        };
        ROW_OCTETS + self.name.len() + self.before.as_ref().map_or(0, inline)
    }
}

impl Batch {
    /// Whether nothing was put into it.
    pub fn is_empty(&self) -> bool {
        self.expect.is_empty()
            && self.operations.is_empty()
            && self.uids.is_empty()
            && self.usage.is_empty()
            && self.messages.is_none()
            && self.large_work.is_empty()
            && self.removed_collections.is_empty()
    }

    /// What a commit of this batch weighs in octets of values, to keep it within
    /// [`crate::backend::MAXIMUM_COMMIT_OCTETS`].
    pub fn octets(&self) -> usize {
        let weight = |operation: &Operation| match operation {
            Operation::Put(key, value) | Operation::Append { prefix: key, value } => {
                key.len() + value.len()
            }
            Operation::Delete(key) | Operation::Add { key, .. } => key.len(),
            Operation::DeleteRange(_) => 0,
        };
        let kept = self.superseded.iter().map(Superseded::octets);
        self.operations.iter().map(weight).sum::<usize>() + kept.sum::<usize>()
    }

    /// Names who makes the change, for whoever looks into the trash later.
    pub fn made_by(&mut self, author: PrincipalId) -> &mut Self {
        self.author = Some(author);
        self
    }

    /// Lets every version that is replaced go to the trash, however short it stood.
    pub fn keep_every_version(&mut self) -> &mut Self {
        self.keeps_every_version = true;
        self
    }

    pub(super) fn author(&self) -> Option<PrincipalId> {
        self.author
    }

    /// Says that the octets which it removes are counted in no home any more.
    pub(super) fn leave_uncounted(&mut self) -> &mut Self {
        self.is_uncounted = true;
        self
    }

    /// Says that everything which is expected so far was read when `since` (see
    /// [`super::Store::revision`]) was readable already, or later. It is checked all the same, but mostly
    /// at a lower price. What is expected hereafter is not meant.
    pub fn observed_since(&mut self, since: Revision) -> &mut Self {
        self.observed = Some(Observed {
            expectations: self.expect.len(),
            since,
        });
        self
    }

    pub(super) fn put(&mut self, key: Key, value: Bytes) {
        if value.len() > MAXIMUM_VALUE_OCTETS {
            self.fault = Some("octets of one row");
        }
        self.operations.push(Operation::Put(key, value));
    }

    pub(super) fn delete(&mut self, key: Key) {
        self.operations.push(Operation::Delete(key));
    }

    pub(super) fn append(&mut self, prefix: Key, value: Bytes) {
        self.operations.push(Operation::Append { prefix, value });
    }

    /// Expects a row to be as it was read; revision 0 stands for its absence.
    pub(super) fn expect_row(&mut self, key: Key, revision: Revision) {
        let expect = match revision {
            Revision(0) => Expect::Absent(key),
            revision => Expect::Revision(key, revision),
        };
        // Most rows are expected by whoever decided upon them and by whoever writes them.
        if !self.expect.iter().take(FEW).any(|known| *known == expect) {
            self.expect.push(expect);
        }
    }

    /// Expects a member to be as it was read; revision 0 stands for its absence, which is certain
    /// where this batch removed it.
    pub(super) fn expect_member(
        &mut self,
        collection: CollectionId,
        name: &str,
        revision: Revision,
    ) {
        let key = keys::member(collection, name);
        if revision != Revision(0) || !self.emptied.contains(&key) {
            self.expect_row(key, revision);
        }
    }

    pub(super) fn put_member(&mut self, collection: CollectionId, name: &str, row: Bytes) {
        let key = keys::member(collection, name);
        self.emptied.remove(&key);
        self.put(key, row);
    }

    pub(super) fn delete_member(&mut self, collection: CollectionId, name: &str) {
        let key = keys::member(collection, name);
        self.emptied.insert(key.clone());
        self.delete(key);
    }

    /// Expects a collection's header to be as it was read, once for each collection.
    pub(super) fn expect_header<T>(&mut self, id: CollectionId, header: &Stored<T>) {
        if self.headers.insert(id) {
            self.expect_row(keys::collection(id), header.revision);
        }
    }

    /// Notes that this batch creates the collection, whose header is hence not there yet.
    pub(super) fn expect_new_header(&mut self, id: CollectionId) {
        if !self.headers.insert(id) {
            self.fault = Some("a collection is created after its first use");
        }
        self.expect.push(Expect::Absent(keys::collection(id)));
    }

    pub(super) fn release_uid(&mut self, key: Key, record: UidRecord) {
        let change = self.uids.entry(key).or_default();
        if change.before.replace(record).is_some() {
            self.fault = Some("two objects give up one UID in one calendar");
        }
    }

    pub(super) fn occupy_uid(&mut self, key: Key, record: UidRecord) {
        let change = self.uids.entry(key).or_default();
        if change.after.replace(record).is_some() {
            self.fault = Some("two objects with one UID in one calendar");
        }
    }

    pub(super) fn add_usage(&mut self, home: CollectionId, octets: i64) {
        if self.is_uncounted {
            return;
        }
        *self.usage.entry(home).or_default() += octets;
    }

    /// Refuses the commit with [`crate::backend::CommitError::Limit`] where it would let the home
    /// grow beyond `octets` (RFC 4331 §6). What makes a home smaller is always possible.
    pub fn bound_usage(&mut self, home: CollectionId, octets: u64) -> &mut Self {
        self.usage_maximum.insert(home, octets);
        self
    }

    /// Turns what was gathered per index row and per counter into expectations and operations.
    pub(super) fn settle(&mut self) {
        for (key, change) in std::mem::take(&mut self.uids) {
            match (change.before, change.after) {
                (before, Some(after)) if before.as_ref() != Some(&after) => {
                    if before.is_none() {
                        self.expect.push(Expect::Absent(key.clone()));
                    }
                    self.put(key, record::encode(&after));
                }
                (Some(_), None) => self.delete(key),
                _ => {}
            }
        }
        if let Some(messages) = self.messages {
            self.operations.push(messages.operation());
        }
        for (home, amount) in std::mem::take(&mut self.usage) {
            if amount != 0 {
                let maximum = self.usage_maximum.get(&home);
                let maximum = maximum.map(|octets| i64::try_from(*octets).unwrap_or(i64::MAX));
                self.operations.push(Operation::Add {
                    key: keys::usage(home),
                    amount,
                    maximum,
                });
            }
        }
    }
}
