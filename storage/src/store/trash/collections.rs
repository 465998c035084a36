//! Deleted collections: added up, brought back, let go.

use super::{
    super::{Batch, Store, keys, record, record::TrashHeader},
    Standing, TrashCause, TrashKind, TrashedRecord,
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Entry, Expect, Key, KeyRange, Operation, ReadError},
    model::{Collection, CollectionId, Member, TrashedCollection},
};

/// Members read at once where octets are added up.
const MEMBERS_AT_ONCE: usize = 500;

impl TrashedCollection {
    /// Whether somebody has begun to bring it back (see [`Batch::prepare_return`]).
    pub fn is_returning(&self) -> bool {
        self.standing == Standing::Returning
    }
}

impl Batch {
    /// Expects a deleted collection to be in the trash as it was read.
    pub fn expect_trashed(&mut self, trashed: &TrashedCollection) -> &mut Self {
        let header = &trashed.header;
        self.expect_row(keys::trashed(header.home, header.id), trashed.revision);
        self.expect_collection(header)
    }

    /// Lets the octets of a deleted collection count in its home again, before objects in it are changed
    /// on the way back.
    pub fn prepare_return(&mut self, trashed: &TrashedCollection) -> &mut Self {
        self.expect_trashed(trashed);
        let header = &trashed.header;
        self.count_in_home(header.home, trashed.standing);
        let record = TrashedRecord {
            deleted: trashed.deleted,
            by: trashed.by,
            parent: trashed.parent,
            standing: Standing::Returning,
        };
        self.put(
            keys::trashed(header.home, header.id),
            record::encode(&record),
        );
        self
    }

    /// Hangs a deleted collection on `parent` again, with all that is in it. That it was away is marked
    /// under its former name.
    pub fn return_collection(
        &mut self,
        trashed: &TrashedCollection,
        parent: &Stored<Collection>,
        name: &str,
        former_name: &str,
        now: Timestamp,
    ) -> &mut Self {
        self.expect_trashed(trashed);
        let (home, id) = (trashed.header.home, trashed.header.id);
        self.count_in_home(home, trashed.standing);
        self.delete(keys::trashed(home, id));
        let after = Collection {
            parent: Some(parent.id),
            name: name.to_owned(),
            ..trashed.header.value.clone()
        };
        self.put(keys::collection(id), record::encode(&after));
        self.bind(parent, &after);
        let mark = TrashHeader {
            name: former_name.to_owned(),
            superseded: now,
            written: Revision(0),
            by: self.author(),
            cause: TrashCause::Returned {
                deleted: trashed.deleted,
            },
        };
        let row = record::encode_trash(&mark, None);
        self.add_trash_usage(home, row.len() as i64);
        self.append(keys::trash(home, TrashKind::Versions, id), row);
        self
    }

    fn count_in_home(&mut self, home: CollectionId, standing: Standing) {
        if let Standing::Apart(octets) = standing {
            let octets = i64::try_from(octets).unwrap_or(i64::MAX);
            self.add_usage(home, octets);
            self.add_trash_usage(home, -octets);
        }
    }
}

impl Store {
    /// Adds up the octets of deleted collections for which that was not done yet, so that they count in
    /// the trash and no longer in their homes (RFC 4331 §4). Returns how many there were. May be
    /// interrupted anywhere and run anywhere.
    pub async fn weigh_trash(&self) -> Result<usize, CommitError> {
        let mut weighed = 0;
        for (key, entry) in self.scan_all(KeyRange::prefix(keys::all_trashed())).await? {
            let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
            if record.standing == Standing::InHome
                && let Some((home, id)) = keys::detached_ids(&key)
            {
                match self.weigh(home, id, &entry, record).await {
                    Ok(()) => weighed += 1,
                    // Something in it changes; the next time will do.
                    Err(CommitError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(weighed)
    }

    async fn weigh(
        &self,
        home: CollectionId,
        id: CollectionId,
        entry: &Entry,
        record: TrashedRecord,
    ) -> Result<(), CommitError> {
        let mut batch = self.batch();
        let key = keys::trashed(home, id);
        batch.expect_row(key.clone(), entry.revision);
        let octets = self.weigh_tree(&mut batch, home, id).await?;
        let record = TrashedRecord {
            standing: Standing::Apart(octets),
            ..record
        };
        batch.put(key, record::encode(&record));
        let octets = i64::try_from(octets).unwrap_or(i64::MAX);
        batch.add_usage(home, -octets);
        batch.add_trash_usage(home, octets);
        self.commit(batch).await.map(|_| ())
    }

    /// The octets of all objects in a collection and below it. The batch comes to depend upon none of
    /// them changing.
    async fn weigh_tree(
        &self,
        batch: &mut Batch,
        home: CollectionId,
        id: CollectionId,
    ) -> Result<u64, ReadError> {
        let mut sum = 0;
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let token = self.sync_token(id).await?;
            batch.expect_unchanged_since(id, token);
            let mut after: Option<String> = None;
            loop {
                let (members, more) = self.members(id, after.as_deref(), MEMBERS_AT_ONCE).await?;
                for listed in &members {
                    match &listed.member.value {
                        Member::Object(object) => sum += object.octets_in(home),
                        Member::Collection(below) => waiting.push(*below),
                    }
                }
                after = members.into_iter().last().map(|listed| listed.name);
                if !more {
                    break;
                }
            }
        }
        Ok(sum)
    }

    /// Hands a deleted collection over to the purge; nobody can bring it back any more.
    pub(in crate::store) async fn let_go(
        &self,
        key: &Key,
        entry: &Entry,
    ) -> Result<bool, CommitError> {
        let (home, id) = keys::detached_ids(key)
            .ok_or_else(|| record::corrupt("trashed collection", "its key is odd"))?;
        let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
        let mut operations = vec![Operation::Put(
            keys::detached(home, id),
            bytes::Bytes::new(),
        )];
        match record.standing {
            Standing::Leaving => return Ok(false),
            Standing::InHome | Standing::Returning => {
                operations.push(Operation::Delete(key.clone()));
            }
            Standing::Apart(octets) => {
                let record = TrashedRecord {
                    standing: Standing::Leaving,
                    ..record
                };
                operations.push(Operation::Put(key.clone(), record::encode(&record)));
                operations.push(Operation::Add {
                    key: keys::trash_usage(home),
                    amount: -i64::try_from(octets).unwrap_or(i64::MAX),
                    maximum: None,
                });
            }
        }
        let expect = vec![Expect::Revision(key.clone(), entry.revision)];
        match self.commit_rows(expect, operations).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the octets of a collection that the purge is at are counted nowhere any more.
    pub(in crate::store) async fn is_leaving(
        &self,
        home: CollectionId,
        id: CollectionId,
    ) -> Result<bool, ReadError> {
        let Some(entry) = self.backend().get(&keys::trashed(home, id)).await? else {
            return Ok(false);
        };
        let record: TrashedRecord = record::decode(&entry.value, "trashed collection")?;
        Ok(record.standing == Standing::Leaving)
    }
}

/// The row of a collection that leaves together with the one that it was in.
pub(in crate::store) fn leaving_with(parent: CollectionId) -> TrashedRecord {
    TrashedRecord {
        deleted: Timestamp(0),
        by: None,
        parent,
        standing: Standing::Leaving,
    }
}
