//! Change logs (RFC 6578).

use std::collections::HashMap;

use super::{
    Batch, Store, keys,
    record::{self, LogRecord},
};
use crate::{
    Revision,
    backend::{Expect, Key, KeyRange, Operation, Page, ReadError},
    model::{Change, CollectionId, SyncToken},
};

/// A page of a change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The newest state of each member that changed, each name once, in the order of the changes.
    pub changes: Vec<Change>,
    /// The token after these changes.
    pub token: SyncToken,
    /// More is to come after `token`.
    pub truncated: bool,
}

/// Rows of a log read at once.
const PAGE_ROWS: usize = 1_000;

impl Store {
    /// The token of the collection's newest change; of one row's cost. A listing takes the token
    /// first and the members after it, so that what changes in between shows up in the next sync.
    /// A collection that is not there has a token that no collection accepts.
    pub async fn sync_token(&self, id: CollectionId) -> Result<SyncToken, ReadError> {
        Ok(self
            .end_of_log(id, true)
            .await?
            .unwrap_or_else(|| self.token(Revision(0), 0)))
    }

    /// What changed after `since`, at most `rows` names. `None` where the token is of another epoch,
    /// of the future, or older than the log, which begins with the collection or where it was
    /// compacted to (RFC 6578 §3.2 `valid-sync-token`).
    pub async fn changes(
        &self,
        id: CollectionId,
        since: SyncToken,
        rows: usize,
    ) -> Result<Option<Changes>, ReadError> {
        let Some(newest) = self.end_of_log(id, true).await? else {
            return Ok(None);
        };
        if since.epoch != self.epoch() || since.position() > newest.position() {
            return Ok(None);
        }
        let changes = self.read_log(id, since, rows).await?;
        // Looked at last: a log is shortened from its beginning only, so that one which still begins
        // at the token, or before it, had everything behind it all the while.
        let oldest = self.end_of_log(id, false).await?;
        let complete = oldest.is_some_and(|oldest| oldest.position() <= since.position());
        Ok(complete.then_some(changes))
    }

    /// The entry of the log that a token names; `None` where there is none, or a later one of the same name
    /// has taken its place.
    pub async fn change_at(
        &self,
        id: CollectionId,
        token: SyncToken,
    ) -> Result<Option<Change>, ReadError> {
        if token.epoch != self.epoch() {
            return Ok(None);
        }
        let entry = self.backend().get(&keys::change_at(id, token)).await?;
        let Some(entry) = entry else {
            return Ok(None);
        };
        Ok(change(record::decode(&entry.value, "change")?))
    }

    /// What the log says behind a token.
    async fn read_log(
        &self,
        id: CollectionId,
        since: SyncToken,
        rows: usize,
    ) -> Result<Changes, ReadError> {
        let mut reader = LogReader::new(since, rows.max(1));
        let mut range = keys::changes_after(id, since);
        loop {
            let page = Page {
                rows: PAGE_ROWS,
                octets: usize::MAX,
                reverse: false,
            };
            let page = self.backend().scan(range.clone(), page).await?;
            for (key, entry) in &page.rows {
                if !reader.take(self.token_at(key)?, record::decode(&entry.value, "change")?) {
                    return Ok(reader.finish(true));
                }
            }
            match page.rows.last() {
                Some((key, _)) if page.more => range = range.beyond(key, false),
                _ => return Ok(reader.finish(false)),
            }
        }
    }

    /// The position of the newest or oldest entry of a collection's log.
    async fn end_of_log(
        &self,
        id: CollectionId,
        newest: bool,
    ) -> Result<Option<SyncToken>, ReadError> {
        let page = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: newest,
        };
        let page = self
            .backend()
            .scan(KeyRange::prefix(keys::changes(id)), page)
            .await?;
        page.rows
            .first()
            .map(|(key, _)| self.token_at(key))
            .transpose()
    }

    fn token_at(&self, key: &Key) -> Result<SyncToken, ReadError> {
        let (revision, operation) = keys::log_position(key)
            .ok_or_else(|| record::corrupt("change", "its key is too short"))?;
        Ok(self.token(revision, operation))
    }

    fn token(&self, revision: Revision, operation: u16) -> SyncToken {
        SyncToken {
            epoch: self.epoch(),
            revision,
            operation,
        }
    }
}

/// What an entry says of a member; nothing, where it is the beginning of the collection.
fn change(entry: LogRecord) -> Option<Change> {
    let (name, removed) = match entry {
        LogRecord::Created => return None,
        LogRecord::Put(name) => (name, false),
        LogRecord::Removed(name) => (name, true),
    };
    Some(Change { name, removed })
}

/// Folds log entries into the newest state of each name.
struct LogReader {
    limit: usize,
    token: SyncToken,
    /// Each name with its newest state and the number of the entry that said so.
    newest: HashMap<String, (usize, bool)>,
    entries: usize,
}

impl LogReader {
    fn new(since: SyncToken, limit: usize) -> LogReader {
        LogReader {
            limit,
            token: since,
            newest: HashMap::new(),
            entries: 0,
        }
    }

    /// Takes one entry; `false` where there is no room for its name.
    fn take(&mut self, position: SyncToken, entry: LogRecord) -> bool {
        let Some(Change { name, removed }) = change(entry) else {
            return true;
        };
        if self.newest.len() == self.limit && !self.newest.contains_key(&name) {
            return false;
        }
        self.token = position;
        self.entries += 1;
        self.newest.insert(name, (self.entries, removed));
        true
    }

    fn finish(self, truncated: bool) -> Changes {
        let mut newest: Vec<_> = self.newest.into_iter().collect();
        newest.sort_unstable_by_key(|(_, (entry, _))| *entry);
        let change = |(name, (_, removed))| Change { name, removed };
        Changes {
            changes: newest.into_iter().map(change).collect(),
            token: self.token,
            truncated,
        }
    }
}

impl Batch {
    /// The collection of each change of a member that this makes, once for each change.
    pub fn changed_collections(&self) -> impl Iterator<Item = CollectionId> {
        self.operations.iter().filter_map(|operation| {
            let Operation::Append { prefix, .. } = operation else {
                return None;
            };
            keys::changed_collection(prefix)
        })
    }

    /// Expects that nothing in the collection changed since (its change log has no later entry).
    pub fn expect_unchanged_since(
        &mut self,
        collection: CollectionId,
        token: SyncToken,
    ) -> &mut Self {
        self.expect
            .push(Expect::RangeEmpty(keys::changes_after(collection, token)));
        self
    }
}
