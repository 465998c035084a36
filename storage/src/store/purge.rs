//! Removes, in small repeatable steps, the rows of collections that were detached.
//!
//! Nothing can be written into a detached collection, because every write expects the header that
//! its writer saw. So a step only ever races with a removal of the same object, and each object's
//! removal is expected to be the first.

use std::ops::Bound;

use super::{Batch, Store, building::Waiting, keys, record, trash::leaving_with};
use crate::{
    Stored,
    backend::{CommitError, Entry, Expect, Key, KeyRange, Operation, Page, ReadError},
    model::{Collection, CollectionId, CollectionKind, Member},
};

/// Members removed in one commit.
const MEMBERS_AT_ONCE: usize = 200;
/// Entries of a change log removed in one commit.
const LOG_ENTRIES_AT_ONCE: usize = 2_000;

/// What a step of the purge came to.
enum Step {
    /// So many rows are gone, more are there.
    Removed(usize),
    /// The collection is gone.
    Finished,
    /// Something else has to be gone first, or was faster.
    Waits,
}

impl Store {
    /// Removes about `budget` rows of detached collections, in small commits, and corrects the usage
    /// of their homes. Returns whether there is more to do now. May be interrupted anywhere and run
    /// anywhere, also several times at once. What somebody builds is left alone for as long as that goes
    /// on (see [`super::BUILDING_MILLISECONDS`]).
    pub async fn purge_detached(&self, budget: usize) -> Result<bool, CommitError> {
        let mut left = budget.max(1);
        let mut range = KeyRange::prefix(keys::all_detached());
        while let Some(key) = self.next_detached(&range).await? {
            let (home, id) = keys::detached_ids(&key)
                .ok_or_else(|| record::corrupt("detached", "its key is odd"))?;
            loop {
                let removed = match self.purge_step(home, id).await? {
                    Step::Removed(rows) => rows,
                    Step::Finished | Step::Waits => break,
                };
                left = left.saturating_sub(removed);
                if left == 0 {
                    return Ok(true);
                }
            }
            left = left.saturating_sub(1);
            if left == 0 {
                break;
            }
            range = range.beyond(&key, false);
        }
        Ok(self
            .next_detached(&KeyRange::prefix(keys::all_detached()))
            .await?
            .is_some())
    }

    /// The first collection in the range that waits for its purge. What its builder has given up begins
    /// to wait here.
    async fn next_detached(&self, range: &KeyRange) -> Result<Option<Key>, CommitError> {
        let page = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: false,
        };
        let mut range = range.clone();
        loop {
            let page = self.backend().scan(range.clone(), page).await?;
            let Some((key, entry)) = page.rows.into_iter().next() else {
                return Ok(None);
            };
            let now = self.environment().clock.now();
            let waits = match Waiting::of(&entry, now)? {
                Waiting::Purge => true,
                Waiting::Nobody => self.take_over(&key, &entry).await?,
                // Nothing can appear in a home that is gone.
                Waiting::Builder if self.is_home_detached(&key).await? => {
                    self.take_over(&key, &entry).await?
                }
                Waiting::Builder => false,
            };
            if waits {
                return Ok(Some(key));
            }
            range = range.beyond(&key, false);
        }
    }

    /// Whether the home of a waiting collection waits, too.
    async fn is_home_detached(&self, key: &Key) -> Result<bool, ReadError> {
        let (home, _) =
            keys::detached_ids(key).ok_or_else(|| record::corrupt("detached", "its key is odd"))?;
        let row = self.backend().get(&keys::detached(home, home)).await?;
        Ok(row.is_some())
    }

    /// Takes what was being built from its builder, unless the builder is back.
    async fn take_over(&self, key: &Key, entry: &Entry) -> Result<bool, CommitError> {
        let expect = vec![Expect::Revision(key.clone(), entry.revision)];
        let taken = Operation::Put(key.clone(), bytes::Bytes::new());
        match self.commit_rows(expect, vec![taken]).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn purge_step(&self, home: CollectionId, id: CollectionId) -> Result<Step, CommitError> {
        let Some(header) = self.collection(id).await? else {
            return Ok(Step::Finished);
        };
        let (members, _) = self.members(id, None, MEMBERS_AT_ONCE).await?;
        if members.is_empty()
            && let Some(step) = self.purge_trash_step(&header).await?
        {
            return Ok(step);
        }
        let step = if !members.is_empty() {
            let rows = members.len();
            let batch = self.purge_members(&header, members).await?;
            (self.commit(batch).await, Step::Removed(rows))
        } else if let Some(last) = self.full_page_of_log(id).await? {
            (
                self.commit_rows(Vec::new(), vec![delete_log_until(id, last)])
                    .await,
                Step::Removed(LOG_ENTRIES_AT_ONCE),
            )
        } else {
            let (expect, operations) = last_step(home, &header);
            (self.commit_rows(expect, operations).await, Step::Finished)
        };
        match step {
            (Ok(_), step) => Ok(step),
            (Err(CommitError::Conflict(_)), _) => Ok(Step::Waits),
            (Err(error), _) => Err(error),
        }
    }

    /// What the trash holds of the collection goes with it; with a home, what was deleted in it, and what was
    /// decided about its meetings. `None` where nothing is left of that.
    async fn purge_trash_step(&self, header: &Collection) -> Result<Option<Step>, CommitError> {
        match self.purge_trash(header.home, header.id).await? {
            None => return Ok(Some(Step::Waits)),
            Some(0) => {}
            Some(rows) => return Ok(Some(Step::Removed(rows))),
        }
        if header.kind != CollectionKind::Home {
            return Ok(None);
        }
        Ok(match self.let_one_go(header.home).await? {
            None => Some(Step::Waits),
            Some(true) => Some(Step::Removed(1)),
            Some(false) => match self.purge_scheduling_logs(header.home).await? {
                0 => self.purge_dormant_step(header.home).await?,
                rows => Some(Step::Removed(rows)),
            },
        })
    }

    /// What waited for the owner of a home to be enabled goes with it. `None` where nothing is left of that.
    async fn purge_dormant_step(&self, home: CollectionId) -> Result<Option<Step>, CommitError> {
        let rows = self.dormant_memberships(home, MEMBERS_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut batch = self.batch();
        for row in &rows {
            batch.remove_work(row);
        }
        match self.commit(batch).await {
            Ok(_) => Ok(Some(Step::Removed(rows.len()))),
            Err(CommitError::Conflict(_)) => Ok(Some(Step::Waits)),
            Err(error) => Err(error),
        }
    }

    /// Removes objects, and detaches collections to be purged by themselves.
    async fn purge_members(
        &self,
        header: &Stored<Collection>,
        members: Vec<super::Listed>,
    ) -> Result<Batch, ReadError> {
        let mut batch = self.batch();
        batch.expect_collection(header);
        let is_leaving = self.is_leaving(header.home, header.id).await?;
        if is_leaving {
            batch.leave_uncounted();
        }
        for listed in members {
            match listed.member.value {
                Member::Object(value) => {
                    let before = Stored {
                        value,
                        revision: listed.member.revision,
                    };
                    batch.purge_object(header, &listed.name, &before);
                }
                Member::Collection(child) => {
                    batch.delete_member(header.id, &listed.name);
                    if let Some(child) = self.collection(child).await? {
                        batch.expect_collection(&child).detach(&child);
                        if is_leaving {
                            let record = leaving_with(header.id);
                            batch.put(keys::trashed(child.home, child.id), record::encode(&record));
                        }
                    }
                }
            }
        }
        Ok(batch)
    }

    /// The last of as many log entries as may be removed at once, where there are more.
    async fn full_page_of_log(&self, id: CollectionId) -> Result<Option<Key>, ReadError> {
        let page = Page {
            rows: LOG_ENTRIES_AT_ONCE,
            octets: usize::MAX,
            reverse: false,
        };
        let mut page = self
            .backend()
            .scan(KeyRange::prefix(keys::changes(id)), page)
            .await?;
        Ok(page.rows.pop().filter(|_| page.more).map(|(key, _)| key))
    }
}

fn delete_log_until(id: CollectionId, last: Key) -> Operation {
    let range = KeyRange::prefix(keys::changes(id));
    Operation::DeleteRange(KeyRange {
        start: range.start,
        end: Bound::Included(last),
    })
}

/// Removes what is left of a collection without members. A home goes after everything that was in it.
fn last_step(home: CollectionId, header: &Stored<Collection>) -> (Vec<Expect>, Vec<Operation>) {
    let task = keys::detached(home, header.id);
    let mut expect = vec![
        Expect::Revision(keys::collection(header.id), header.revision),
        Expect::RangeEmpty(KeyRange::prefix(keys::members(header.id))),
    ];
    let mut operations = vec![
        Operation::Delete(keys::collection(header.id)),
        Operation::DeleteRange(KeyRange::prefix(keys::changes(header.id))),
        Operation::Delete(task.clone()),
        Operation::Delete(keys::trashed(home, header.id)),
    ];
    if header.kind == CollectionKind::Home {
        let others = KeyRange::prefix(keys::detached_of(home));
        expect.push(Expect::RangeEmpty(others.clone().beyond(&task, true)));
        expect.push(Expect::RangeEmpty(others.beyond(&task, false)));
        operations.push(Operation::Delete(keys::locks(home)));
        expect.push(Expect::RangeEmpty(KeyRange::prefix(keys::trashed_of(home))));
        operations.push(Operation::Delete(keys::usage(home)));
        operations.push(Operation::Delete(keys::trash_usage(home)));
    }
    (expect, operations)
}
