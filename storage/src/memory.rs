//! A backend in memory: nothing survives it. Serves tests, and is the model that the other
//! backends are compared with.

mod blobs;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    Clock, Revision, Timestamp,
    backend::{
        Backend, BoxFuture, Commit, CommitError, Committed, Entry, Key, KeyRange, Page, ReadError,
        ScanPage,
    },
    blob_files::BlobFiles,
    last_changes::{Keyspaces, LastChanges},
    resolve::{Effects, State, resolve},
};
use blobs::MemoryBlobs;

/// An ordered map in memory. Its "stable storage" is the process itself.
pub struct Memory {
    clock: Arc<dyn Clock>,
    rows: Mutex<Rows>,
    blobs: MemoryBlobs,
    newest: watch::Sender<Revision>,
    last_changes: LastChanges,
}

#[derive(Default)]
struct Rows {
    map: BTreeMap<Key, Entry>,
    last: Option<Committed>,
    closed: bool,
}

impl Memory {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Memory {
        Memory {
            blobs: MemoryBlobs::new(Arc::clone(&clock)),
            clock,
            rows: Mutex::default(),
            newest: watch::Sender::new(Revision(0)),
            last_changes: LastChanges::new(Revision(0)),
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Every change of the rows is made in one infallible step, so a panic elsewhere cannot have
        // left half of one behind.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut rows = self.rows();
        if rows.closed {
            return Err(CommitError::Unavailable("the store is closed".to_owned()));
        }
        let last = rows.last.unwrap_or(Committed {
            revision: Revision(0),
            time: Timestamp(i64::MIN),
        });
        let committed = Committed {
            revision: Revision(last.revision.0 + 1),
            time: self.clock.now().max(last.time),
        };
        let effects = resolve(&*rows, commit, committed.revision)?;
        let mut spaces = Keyspaces::default();
        spaces.add(&effects);
        self.last_changes.raise(spaces, committed.revision);
        rows.apply(effects, committed);
        self.newest.send_replace(committed.revision);
        Ok(committed)
    }
}

impl Rows {
    fn apply(&mut self, effects: Effects, committed: Committed) {
        for (key, effect) in effects {
            match effect {
                Some(value) => self.map.insert(
                    key,
                    Entry {
                        value,
                        revision: committed.revision,
                    },
                ),
                None => self.map.remove(&key),
            };
        }
        self.last = Some(committed);
    }

    fn range(&self, range: &KeyRange) -> impl DoubleEndedIterator<Item = (&Key, &Entry)> {
        let bounds = (range.start.as_ref(), range.end.as_ref());
        (!range.is_void())
            .then(|| self.map.range::<Key, _>(bounds))
            .into_iter()
            .flatten()
    }
}

impl State for Rows {
    fn get(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        Ok(self.map.get(key).cloned())
    }

    fn keys(&self, range: &KeyRange, rows: usize) -> Result<Vec<Key>, ReadError> {
        Ok(self
            .range(range)
            .take(rows)
            .map(|(key, _)| key.clone())
            .collect())
    }
}

/// Fills a page from rows in the order asked for.
fn fill<'a>(rows: impl Iterator<Item = (&'a Key, &'a Entry)>, page: Page) -> ScanPage {
    let mut filled = ScanPage {
        rows: Vec::new(),
        more: false,
    };
    let mut octets = 0;
    for (key, entry) in rows {
        octets += entry.value.len();
        let fits = filled.rows.is_empty() || octets <= page.octets;
        if filled.rows.len() == page.rows || !fits {
            filled.more = true;
            break;
        }
        filled.rows.push((key.clone(), entry.clone()));
    }
    filled
}

impl Backend for Memory {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            let rows = self.rows();
            Ok(keys.iter().map(|key| rows.map.get(key).cloned()).collect())
        })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            let rows = self.rows();
            let found = rows.range(&range);
            Ok(if page.reverse {
                fill(found.rev(), page)
            } else {
                fill(found, page)
            })
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move { self.commit_now(commit) })
    }

    fn blobs(&self) -> &dyn BlobFiles {
        &self.blobs
    }

    fn asks_for_repetition(&self) -> bool {
        false
    }

    fn revision(&self) -> Revision {
        *self.newest.borrow()
    }

    fn last_change(&self, keyspace: u8) -> Option<Revision> {
        Some(self.last_changes.of(keyspace))
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.newest.subscribe()
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.rows().closed = true })
    }
}
