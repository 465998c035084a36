//! What was decided about each meeting: a log for each UID of a home, written in the change's own commit,
//! read by the home's owner, and kept for a time.
//!
//! The audit ([`super::audit`]) is another thing: it is one log for each owner, of whatever was done, for
//! the administrator, and says nothing of what an event says. This one names the people in a meeting.

use std::ops::Bound;

use super::{Batch, SCAN_OCTETS, Store, keys, record};
use crate::{
    Timestamp,
    backend::{CommitError, Entry, Key, KeyRange, Operation, Page, ReadError},
    model::{CollectionId, SchedulingLogEntry, SchedulingLogPosition},
};

/// The most octets of what one entry says: sixteen blocks of the index with such rows are still a small page.
pub const MAXIMUM_SCHEDULING_LOG_OCTETS: usize = 4 * 1024;
/// The most entries that are kept of one meeting in one home.
pub const MAXIMUM_SCHEDULING_LOG_ENTRIES: usize = 500;
/// Entries looked at in one step, so many that the log of one meeting has more than it may where it fills a step.
const ROWS_AT_ONCE: usize = 2 * MAXIMUM_SCHEDULING_LOG_ENTRIES;
/// Entries that the purge of a home removes in one commit.
const PURGED_AT_ONCE: usize = 2_000;

impl Batch {
    /// Notes in the log of a meeting what this change is for the owner of a home.
    pub fn log_scheduling(
        &mut self,
        home: CollectionId,
        uid: &str,
        entry: &SchedulingLogEntry,
    ) -> &mut Self {
        if entry.content.len() > MAXIMUM_SCHEDULING_LOG_OCTETS {
            self.fault = Some("octets of an entry of a scheduling log");
        }
        self.append(keys::scheduling_log(home, uid), record::encode(entry));
        self
    }
}

impl Batch {
    /// What this change notes in the logs of a home.
    pub fn logged_scheduling(
        &self,
        home: CollectionId,
    ) -> Result<Vec<SchedulingLogEntry>, ReadError> {
        let logs = keys::scheduling_logs_of(home);
        let entries = self
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Append { prefix, value } if prefix.starts_with(&logs) => Some(value),
                _ => None,
            });
        entries
            .map(|value| record::decode(value, "scheduling log"))
            .collect()
    }
}

impl Store {
    /// The newest entries of a meeting's log in a home, at most so many, the oldest of them first; `None` for one
    /// that cannot be read, as nothing follows from it ([`Store::check`] removes it).
    pub async fn scheduling_log(
        &self,
        home: CollectionId,
        uid: &str,
        rows: usize,
    ) -> Result<Vec<Option<SchedulingLogEntry>>, ReadError> {
        let page = Page {
            rows,
            octets: SCAN_OCTETS,
            reverse: true,
        };
        let range = KeyRange::prefix(keys::scheduling_log(home, uid));
        let found = self.backend().scan(range, page).await?;
        let newest_last = found.rows.iter().rev();
        let entries = newest_last.map(|(_, row)| record::decode(&row.value, "scheduling log").ok());
        Ok(entries.collect())
    }

    /// One step over all scheduling logs, behind a position or from the beginning on: removes what is older
    /// than so many milliseconds, and the oldest of a meeting's entries beyond `most` (which is at most
    /// [`MAXIMUM_SCHEDULING_LOG_ENTRIES`]), in one bounded commit. Returns where to go on; `None` at the end.
    ///
    /// What is old is decided by the retention clock (see [`super::RetentionClock`]).
    pub async fn expire_scheduling_logs(
        &self,
        after: Option<SchedulingLogPosition>,
        keep_milliseconds: i64,
        most: usize,
    ) -> Result<Option<SchedulingLogPosition>, CommitError> {
        let clock = self.retention_clock().await?;
        let now = clock.now_for(keep_milliseconds);
        let until = Timestamp(now.0.saturating_sub(keep_milliseconds));
        let mut range = KeyRange::prefix(keys::whole(keys::Keyspace::SchedulingLog));
        if let Some(SchedulingLogPosition(key)) = &after
            && range.contains(key)
        {
            range.start = Bound::Excluded(key.clone().into());
        }
        let page = Page {
            rows: ROWS_AT_ONCE,
            octets: usize::MAX,
            reverse: false,
        };
        let found = self.backend().scan(range, page).await?;
        let meetings = whole_meetings(&found.rows, found.more);
        let most = most.min(MAXIMUM_SCHEDULING_LOG_ENTRIES);
        let over: Vec<Operation> = meetings
            .iter()
            .flat_map(|rows| over(rows, until, most))
            .map(Operation::Delete)
            .collect();
        let is_filled_by_one = meetings.len() == 1 && !over.is_empty();
        let next = match meetings.last().and_then(|rows| rows.last()) {
            // It lost what was too much, and is looked at again with what is behind it.
            _ if found.more && is_filled_by_one => {
                Some(after.unwrap_or(SchedulingLogPosition(Vec::new())))
            }
            Some((key, _)) if found.more => Some(SchedulingLogPosition(key.to_vec())),
            _ => None,
        };
        if !over.is_empty() {
            self.commit_rows(Vec::new(), over).await?;
        }
        Ok(next)
    }

    /// Removes some entries of a home that is gone; how many.
    pub(super) async fn purge_scheduling_logs(
        &self,
        home: CollectionId,
    ) -> Result<usize, CommitError> {
        let page = Page {
            rows: PURGED_AT_ONCE,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        let range = KeyRange::prefix(keys::scheduling_logs_of(home));
        let found = self.backend().scan(range, page).await?;
        let keys = found.rows.into_iter().map(|(key, _)| key);
        let removals: Vec<Operation> = keys.map(Operation::Delete).collect();
        let removed = removals.len();
        if removed > 0 {
            self.commit_rows(Vec::new(), removals).await?;
        }
        Ok(removed)
    }
}

/// The rows of each meeting. The last one may go on behind what was read; then it is left to the next step, unless
/// there is no other one.
fn whole_meetings(rows: &[(Key, Entry)], goes_on: bool) -> Vec<&[(Key, Entry)]> {
    let meetings = rows.chunk_by(|(one, _), (other, _)| {
        keys::scheduling_log_of(one) == keys::scheduling_log_of(other)
    });
    let mut meetings: Vec<&[(Key, Entry)]> = meetings.collect();
    if goes_on && meetings.len() > 1 {
        meetings.pop();
    }
    meetings
}

/// What is too old or too much of one meeting. Of a row that cannot be read the age is unknown.
fn over(rows: &[(Key, Entry)], until: Timestamp, most: usize) -> impl Iterator<Item = Key> {
    let is_old = move |row: &Entry| {
        let entry = record::decode::<SchedulingLogEntry>(&row.value, "scheduling log");
        entry.is_ok_and(|entry| entry.time < until)
    };
    let excess = rows.len().saturating_sub(most);
    let over = rows
        .iter()
        .enumerate()
        .filter(move |(place, (_, row))| *place < excess || is_old(row));
    over.map(|(_, (key, _))| key.clone())
}
