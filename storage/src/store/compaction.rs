//! Shortens the logs of changes: those of the collections (RFC 6578) and the directory's.
//!
//! Two things may go. What is older than anybody is expected to be away, or beyond a number of entries,
//! goes from the beginning of its log: the oldest entry that is left *is* the log's horizon, and whoever
//! knows only what was before it is refused (RFC 6578 §3.2 `valid-sync-token`). (The newest of the old
//! entries stays, since a client that knows it may have been up to date for all that time.) And an entry that a later
//! one of the same name supersedes goes from anywhere: whoever would be told it is told the later one.
//! The newest entry of a log always stays, so that a token of now is one to begin with.
//!
//! Entries bear no time. Once in a while it is noted which commit was the newest at that moment; what a
//! note of long ago covers is old. What time it is, is asked of the retention clock (see
//! [`super::retention`]), which does not believe that years pass at once.

use std::{collections::HashMap, ops::Bound};

use bytes::Bytes;

use super::{
    Store, keys,
    record::{self, LogRecord},
};
use crate::{
    Revision, Timestamp,
    backend::{CommitError, Entry, Key, KeyRange, LOG_POSITION_OCTETS, Operation, Page, ReadError},
};

/// Between two notes of a moment.
const MOMENT_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// Entries looked at, or at most removed, in one step: no commit of it holds up others for long.
const STEP_ROWS: usize = 250;
/// Between two notes of how far a compaction is.
const STEPS_PER_MARK: usize = 64;
/// Old notes removed at once.
const MOMENTS_AT_ONCE: usize = 100;

/// How much of the logs is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRetention {
    /// What is older may go, in milliseconds.
    pub milliseconds: i64,
    /// The most entries of one log; at least 1.
    pub entries: usize,
}

impl Default for LogRetention {
    /// Half a year, and enough for a calendar that was imported as a whole.
    fn default() -> LogRetention {
        LogRetention {
            milliseconds: 180 * 24 * 60 * 60 * 1000,
            entries: 100_000,
        }
    }
}

/// One walk through all logs. What it has done stands; broken off, the next one goes on near where it was.
#[derive(Debug)]
pub struct LogCompaction {
    walk: Walk,
    /// What is still to be walked through; the collections' logs come last.
    ranges: Vec<KeyRange>,
    /// Logs that have so many entries too many, which are removed before the walk goes on.
    excess: Vec<(Key, usize)>,
    steps: usize,
    removed: usize,
}

/// Where the walk is, and what it goes by.
#[derive(Debug)]
struct Walk {
    /// Entries up to this commit are old.
    horizon: Revision,
    maximum_entries: usize,
    /// What the keys of the log begin with that the last page ended in, and how many of its entries
    /// were seen that stay.
    log: Option<(Key, usize)>,
}

/// What becomes of a page of entries.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    operations: Vec<Operation>,
    removed: usize,
    /// Logs that have so many entries too many.
    excess: Vec<(Key, usize)>,
}

impl Store {
    /// Notes which commit is the newest now, unless that was noted within a day. Returns whether it was
    /// noted.
    pub async fn note_moment(&self) -> Result<bool, CommitError> {
        // In this order, so that no commit is noted before its time.
        let newest = self.revision();
        let now = self.environment().clock.now();
        if let Some((time, _)) = self.moment_before(now).await?
            && now.0.saturating_sub(time.0) < MOMENT_MILLISECONDS
        {
            return Ok(false);
        }
        let note = Operation::Put(keys::moment(now), record::encode(&newest.0));
        self.commit_rows(Vec::new(), vec![note]).await?;
        Ok(true)
    }

    /// Whether a compaction of the logs was broken off.
    pub async fn is_compaction_unfinished(&self) -> Result<bool, ReadError> {
        Ok(self.backend().get(&keys::compaction()).await?.is_some())
    }

    /// Begins to compact all logs, or goes on where that was broken off; see [`LogCompaction::step`].
    pub async fn compact_logs(
        &self,
        retention: LogRetention,
    ) -> Result<LogCompaction, CommitError> {
        let now = self
            .retention_clock()
            .await?
            .now_for(retention.milliseconds);
        let old = Timestamp(now.0.saturating_sub(retention.milliseconds));
        let horizon = match self.moment_before(old).await? {
            Some((time, revision)) => {
                self.forget_moments_before(time).await?;
                revision
            }
            None => Revision(0),
        };
        let log = |space| KeyRange::prefix(keys::whole(space));
        let mut ranges = vec![
            log(keys::Keyspace::Change),
            log(keys::Keyspace::DirectoryLog),
        ];
        if let Some(mark) = self.backend().get(&keys::compaction()).await? {
            let reached: Vec<u8> = record::decode(&mark.value, "compaction")?;
            go_on_at(&mut ranges, &reached.into());
        }
        Ok(LogCompaction {
            walk: Walk {
                horizon,
                maximum_entries: retention.entries.max(1),
                log: None,
            },
            ranges,
            excess: Vec::new(),
            steps: 0,
            removed: 0,
        })
    }

    /// The newest note of this time or an earlier one.
    pub(super) async fn moment_before(
        &self,
        time: Timestamp,
    ) -> Result<Option<(Timestamp, Revision)>, ReadError> {
        let newest = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: true,
        };
        let page = self
            .backend()
            .scan(keys::moments_until(time), newest)
            .await?;
        let Some((key, entry)) = page.rows.first() else {
            return Ok(None);
        };
        let time =
            keys::moment_time(key).ok_or_else(|| record::corrupt("moment", "its key is odd"))?;
        Ok(Some((
            time,
            Revision(record::decode(&entry.value, "moment")?),
        )))
    }

    /// A note is not needed any more where a later one is old.
    async fn forget_moments_before(&self, time: Timestamp) -> Result<(), CommitError> {
        let page = Page {
            rows: MOMENTS_AT_ONCE,
            octets: usize::MAX,
            reverse: false,
        };
        let before = Timestamp(time.0.saturating_sub(1));
        let page = self
            .backend()
            .scan(keys::moments_until(before), page)
            .await?;
        let delete = |(key, _): (Key, Entry)| Operation::Delete(key);
        let operations: Vec<_> = page.rows.into_iter().map(delete).collect();
        if !operations.is_empty() {
            self.commit_rows(Vec::new(), operations).await?;
        }
        Ok(())
    }

    /// Removes all entries of a log but its last.
    pub(super) async fn remove_all_but_last(&self, log: &Key) -> Result<(), CommitError> {
        while self.remove_first(log, STEP_ROWS).await? > 0 {}
        Ok(())
    }

    /// Removes the first entries of a log, at most so many and at most [`STEP_ROWS`], but never its last.
    /// How many they were.
    async fn remove_first(&self, log: &Key, excess: usize) -> Result<usize, CommitError> {
        let page = Page {
            rows: excess.min(STEP_ROWS),
            octets: usize::MAX,
            reverse: false,
        };
        let mut page = self
            .backend()
            .scan(KeyRange::prefix(log.clone()), page)
            .await?;
        if !page.more {
            page.rows.pop();
        }
        let Some((last, _)) = page.rows.last() else {
            return Ok(0);
        };
        self.commit_rows(Vec::new(), vec![delete_until(log, last)])
            .await?;
        Ok(page.rows.len())
    }
}

/// How far a compaction is: a key.
impl record::Row for Vec<u8> {}

impl LogCompaction {
    /// How many entries were removed so far.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// Goes on by one page, in at most two small commits. Returns whether there is more to do.
    pub async fn step(&mut self, store: &Store) -> Result<bool, CommitError> {
        if let Some((log, excess)) = self.excess.pop() {
            let removed = store.remove_first(&log, excess).await?;
            self.removed += removed;
            if removed > 0 && excess > removed {
                self.excess.push((log, excess - removed));
            }
        } else {
            self.walk(store).await?;
        }
        let more = !self.ranges.is_empty() || !self.excess.is_empty();
        if !more || self.steps.is_multiple_of(STEPS_PER_MARK) {
            self.mark(store, more).await?;
        }
        self.steps += 1;
        Ok(more)
    }

    /// Looks at one page.
    async fn walk(&mut self, store: &Store) -> Result<(), CommitError> {
        let Some(range) = self.ranges.pop() else {
            return Ok(());
        };
        let page = Page {
            rows: STEP_ROWS,
            octets: usize::MAX,
            reverse: false,
        };
        let page = store.backend().scan(range.clone(), page).await?;
        if let Some((last, _)) = page.rows.last().filter(|_| page.more) {
            self.ranges.push(range.beyond(last, false));
        }
        let plan = self.walk.plan(&page.rows, page.more);
        if !plan.operations.is_empty() {
            store.commit_rows(Vec::new(), plan.operations).await?;
        }
        self.removed += plan.removed;
        self.excess = plan.excess;
        Ok(())
    }

    /// Notes how far it is: at the beginning of the log that it is in, since what it counts of that is
    /// not noted. At the end nothing is left to be gone on with.
    async fn mark(&self, store: &Store, more: bool) -> Result<(), CommitError> {
        let mark = keys::compaction();
        let current = self.excess.first().or(self.walk.log.as_ref());
        let operation = match (more, current, self.ranges.last()) {
            (true, Some((log, _)), _) => Operation::Put(mark, record::encode(&log.to_vec())),
            (true, None, Some(rest)) => match &rest.start {
                Bound::Included(key) | Bound::Excluded(key) => {
                    Operation::Put(mark, record::encode(&key.to_vec()))
                }
                Bound::Unbounded => return Ok(()),
            },
            _ => Operation::Delete(mark),
        };
        store.commit_rows(Vec::new(), vec![operation]).await?;
        Ok(())
    }
}

/// Leaves out of the ranges, the last of which comes first, what lies before a key.
fn go_on_at(ranges: &mut Vec<KeyRange>, reached: &Key) {
    while let Some(mut range) = ranges.pop() {
        if range.contains(reached) {
            range.start = Bound::Included(reached.clone());
            ranges.push(range);
            return;
        }
    }
}

impl Walk {
    /// What becomes of a page; `more` follow it.
    fn plan(&mut self, rows: &[(Key, Entry)], more: bool) -> Plan {
        let mut plan = Plan::default();
        for part in rows.chunk_by(|(one, _), (other, _)| log_of(one) == log_of(other)) {
            let log = log_of(&part[0].0);
            let known = self.log.take();
            let kept_before = match known {
                Some((known, kept)) if known == log => kept,
                other => {
                    self.finish(other, &mut plan);
                    0
                }
            };
            let kept = self.plan_part(&log, part, kept_before, &mut plan);
            self.log = Some((log, kept));
        }
        if !more {
            let last = self.log.take();
            self.finish(last, &mut plan);
        }
        plan
    }

    /// Plans for what of one log stands in a page; gives how many entries of the log stay so far.
    fn plan_part(
        &self,
        log: &Key,
        part: &[(Key, Entry)],
        kept_before: usize,
        plan: &mut Plan,
    ) -> usize {
        let is_old = |(key, _): &&(Key, Entry)| {
            keys::log_position(key).is_some_and(|(revision, _)| revision <= self.horizon)
        };
        // The last of the old ones stays: whoever knows it knows all that may go.
        let old = part.iter().take_while(is_old).count().saturating_sub(1);
        let (old, rest) = part.split_at(old);
        let mut kept = kept_before;
        if let Some((last, _)) = old.last() {
            plan.operations.push(delete_until(log, last));
            plan.removed += kept_before + old.len();
            kept = 0;
        }
        let superseded = superseded(rest);
        for (number, (key, _)) in rest.iter().enumerate() {
            // The horizon stays where it is.
            let is_horizon = kept == 0 && number == 0;
            if superseded[number] && !is_horizon {
                plan.operations.push(Operation::Delete(key.clone()));
                plan.removed += 1;
            } else {
                kept += 1;
            }
        }
        kept
    }

    fn finish(&self, log: Option<(Key, usize)>, plan: &mut Plan) {
        if let Some((log, kept)) = log
            && kept > self.maximum_entries
        {
            plan.excess.push((log, kept - self.maximum_entries));
        }
    }
}

/// What the key of a log's entry begins with.
fn log_of(key: &Key) -> Key {
    key.slice(..key.len().saturating_sub(LOG_POSITION_OCTETS))
}

fn delete_until(log: &Key, last: &Key) -> Operation {
    Operation::DeleteRange(KeyRange {
        start: Bound::Included(log.clone()),
        end: Bound::Included(last.clone()),
    })
}

/// Of each entry, whether a later one of the same page and log says something newer of the same.
fn superseded(rows: &[(Key, Entry)]) -> Vec<bool> {
    let mut newest: HashMap<Subject, usize> = HashMap::new();
    let mut superseded = vec![false; rows.len()];
    for (number, (key, entry)) in rows.iter().enumerate() {
        if let Some(subject) = Subject::of(key, entry)
            && let Some(earlier) = newest.insert(subject, number)
        {
            superseded[earlier] = true;
        }
    }
    superseded
}

/// What an entry speaks of.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    Member(String),
    /// The row of the directory's log: a principal's identity.
    Principal(Bytes),
}

impl Subject {
    /// `None` for a log's beginning, and for what cannot be read.
    fn of(key: &Key, entry: &Entry) -> Option<Subject> {
        if key.first() == Some(&(keys::Keyspace::DirectoryLog as u8)) {
            return Some(Subject::Principal(entry.value.clone()));
        }
        match record::decode(&entry.value, "change").ok()? {
            LogRecord::Created => None,
            LogRecord::Put(name) | LogRecord::Removed(name) => Some(Subject::Member(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{backend::log_key, model::CollectionId};

    const LOG: CollectionId = CollectionId(7);
    const OTHER: CollectionId = CollectionId(8);

    fn row(id: CollectionId, revision: u64, name: Option<&str>) -> (Key, Entry) {
        let value = name.map_or(LogRecord::Created, |name| LogRecord::Put(name.to_owned()));
        let entry = Entry {
            value: record::encode(&value),
            revision: Revision(revision),
        };
        (log_key(&keys::changes(id), Revision(revision), 0), entry)
    }

    fn until(id: CollectionId, revision: u64) -> Operation {
        let last = log_key(&keys::changes(id), Revision(revision), 0);
        delete_until(&keys::changes(id), &last)
    }

    fn one(id: CollectionId, revision: u64) -> Operation {
        Operation::Delete(log_key(&keys::changes(id), Revision(revision), 0))
    }

    fn walk(horizon: u64, maximum_entries: usize) -> Walk {
        Walk {
            horizon: Revision(horizon),
            maximum_entries,
            log: None,
        }
    }

    #[test]
    fn what_goes_from_one_page() {
        let created = row(LOG, 1, None);
        let a = |revision| row(LOG, revision, Some("a"));
        let b = |revision| row(LOG, revision, Some("b"));
        let cases = [
            (
                "nothing is old",
                0,
                vec![created.clone(), a(2), b(3)],
                vec![],
                0,
            ),
            (
                "the beginning is old",
                2,
                vec![created.clone(), a(2), b(3)],
                vec![until(LOG, 1)],
                1,
            ),
            (
                "all is old: the last stays",
                9,
                vec![created.clone(), a(2), b(3)],
                vec![until(LOG, 2)],
                2,
            ),
            (
                "one entry is never too old",
                9,
                vec![created.clone()],
                vec![],
                0,
            ),
            (
                "superseded",
                0,
                vec![created.clone(), a(2), b(3), a(4)],
                vec![one(LOG, 2)],
                1,
            ),
            ("the horizon stays", 0, vec![a(2), b(3), a(4)], vec![], 0),
            (
                "the new horizon stays",
                3,
                vec![b(2), a(3), a(4), a(5)],
                vec![until(LOG, 2), one(LOG, 4)],
                2,
            ),
            (
                "each log by itself",
                2,
                vec![
                    created,
                    a(2),
                    a(3),
                    row(OTHER, 1, None),
                    row(OTHER, 2, Some("a")),
                    row(OTHER, 4, Some("b")),
                ],
                vec![until(LOG, 1), until(OTHER, 1)],
                2,
            ),
        ];
        for (case, horizon, rows, operations, removed) in cases {
            let plan = walk(horizon, 100).plan(&rows, false);
            assert_eq!(plan.operations, operations, "{case}");
            assert_eq!((plan.removed, plan.excess), (removed, Vec::new()), "{case}");
        }
    }

    #[test]
    fn a_log_over_several_pages_is_one_log() {
        let mut walk = walk(4, 2);
        let first = walk.plan(&[row(LOG, 1, None), row(LOG, 2, Some("a"))], true);
        assert_eq!((first.operations, first.removed), (vec![until(LOG, 1)], 1));
        // What was left of the first page goes with the second's beginning.
        let second = walk.plan(&[row(LOG, 3, Some("b")), row(LOG, 4, Some("c"))], true);
        assert_eq!(
            (second.operations, second.removed),
            (vec![until(LOG, 3)], 2)
        );
        let third = walk.plan(
            &[
                row(LOG, 5, Some("d")),
                row(LOG, 6, Some("e")),
                row(OTHER, 7, None),
            ],
            false,
        );
        assert_eq!(third.operations, []);
        assert_eq!(third.excess, [(keys::changes(LOG), 1)]);
    }
}
