//! The index: sled, which serves reads. It holds nothing that the journal and the snapshots do not
//! hold too, so whatever is wrong with it, it can be built again.
//!
//! sled 0.34 alone does not survive power loss: its `flush` does not sync on Linux, and a torn tail
//! can keep it from opening. Hence the file is synced here, and never trusted.

use std::{
    io,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use ::sled::{Batch, Db, IVec, Mode};

use crate::{
    Revision, Timestamp,
    backend::{Committed, Entry, KeyRange, ReadError},
    sled::{disk::Disk, octets::Reader, row, small_rows::SmallRows},
};

/// The key of the note which says what the index contains. No row has the empty key.
const NOTE: &[u8] = b"";
/// Rows per batch of sled's: readers wait while one is applied.
const BATCH_ROWS: usize = 128;
/// How long to wait for a former holder of sled's own lock. It can only be a thread of sled's that is
/// still ending, since the store's lock is ours.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// sled, open.
pub(super) struct Index {
    database: Db,
    small_rows: SmallRows,
    path: PathBuf,
    /// A row failed its checksum.
    damaged: AtomicBool,
    /// A test wants it to fail, as sled does after its first I/O error.
    #[cfg(test)]
    failing: AtomicBool,
}

impl Index {
    /// Opens the index, or makes an empty one. Every failure, panics of sled's included, is only a
    /// text: the remedy is to build it again.
    pub(super) fn open(path: &Path, cache_octets: u64) -> Result<Index, String> {
        let patient_until = Instant::now() + LOCK_PATIENCE;
        loop {
            let config = ::sled::Config::new()
                .path(path)
                .cache_capacity(cache_octets)
                .flush_every_ms(None)
                .mode(Mode::HighThroughput)
                .use_compression(false);
            let opened = catch_unwind(AssertUnwindSafe(|| config.open()))
                .map_err(|_| "sled panicked".to_owned())?;
            match opened {
                Ok(database) => {
                    return Ok(Index {
                        database,
                        small_rows: SmallRows::default(),
                        path: path.to_owned(),
                        damaged: AtomicBool::new(false),
                        #[cfg(test)]
                        failing: AtomicBool::new(false),
                    });
                }
                Err(error) => {
                    let locked = error.to_string().contains("could not acquire lock");
                    if !locked || Instant::now() > patient_until {
                        return Err(error.to_string());
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Up to which commit the index contains everything; `None` where it says nothing.
    pub(super) fn contains(&self) -> Result<Option<Committed>, ReadError> {
        let Some(note) = self.database.get(NOTE).map_err(unavailable)? else {
            return Ok(None);
        };
        let value = row::read(NOTE, &note)?;
        let time = Reader(&value.value)
            .i64()
            .ok_or_else(|| ReadError::Corrupt("the index's note".to_owned()))?;
        Ok(Some(Committed {
            revision: value.revision,
            time: Timestamp(time),
        }))
    }

    /// Whether a row failed its checksum since the index was opened.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// What its files hold is not known any more.
    pub(super) fn distrust(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Entry>, ReadError> {
        if let Some(kept) = self.small_rows.get(key) {
            return Ok(kept);
        }
        let octets = self.database.get(key).map_err(unavailable)?;
        let row = octets
            .map(|octets| self.read_row(key, &octets))
            .transpose()?;
        self.small_rows.keep(key, row.as_ref());
        Ok(row)
    }

    /// Reads the octets of a row.
    pub(super) fn read_row(&self, key: &[u8], octets: &[u8]) -> Result<Entry, ReadError> {
        row::read(key, octets).inspect_err(|_| self.damaged.store(true, Ordering::Relaxed))
    }

    /// The rows of a range that is not void, each as sled has it, in the order asked for.
    pub(super) fn range(
        &self,
        range: &KeyRange,
        reverse: bool,
    ) -> impl Iterator<Item = Result<(IVec, IVec), ReadError>> + use<> {
        let start = match &range.start {
            Bound::Unbounded => Bound::Excluded(NOTE.to_vec()),
            Bound::Included(start) if start.is_empty() => Bound::Excluded(NOTE.to_vec()),
            bound => bound.as_ref().map(|key| key.to_vec()),
        };
        let mut rows = self
            .database
            .range((start, range.end.as_ref().map(|key| key.to_vec())));
        std::iter::from_fn(move || {
            if reverse {
                rows.next_back()
            } else {
                rows.next()
            }
        })
        .map(|row| row.map_err(unavailable))
    }

    /// Takes rows over, and with the last of them the note that everything up to `through` is there.
    /// Where this fails midway, taking over the same rows again makes it whole.
    pub(super) fn apply<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], Revision, Option<&'a [u8]>)>,
        through: Committed,
    ) -> io::Result<()> {
        #[cfg(test)]
        self.check_planned_failure()?;
        without_panic(|| self.apply_in_batches(rows, through))
    }

    fn apply_in_batches<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], Revision, Option<&'a [u8]>)>,
        through: Committed,
    ) -> io::Result<()> {
        let mut batch = Batch::default();
        let mut size = 0;
        for (key, revision, value) in rows {
            self.small_rows.forget(key);
            match value {
                Some(value) => batch.insert(key, row::write(key, revision, value)),
                None => batch.remove(key),
            }
            size += 1;
            if size == BATCH_ROWS {
                self.database.apply_batch(std::mem::take(&mut batch))?;
                size = 0;
            }
        }
        batch.insert(
            NOTE,
            row::write(NOTE, through.revision, &through.time.0.to_be_bytes()),
        );
        Ok(self.database.apply_batch(batch)?)
    }

    #[cfg(test)]
    pub(super) fn fail_from_now_on(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    #[cfg(test)]
    fn check_planned_failure(&self) -> io::Result<()> {
        match self.failing.load(Ordering::Relaxed) {
            true => Err(io::Error::other("a planned failure")),
            false => Ok(()),
        }
    }

    /// Hands everything applied so far to the operating system.
    pub(super) fn flush(&self) -> io::Result<()> {
        without_panic(|| Ok(self.database.flush().map(|_| ())?))
    }

    /// Returns when everything flushed so far is on stable storage. Once this has failed, what the
    /// files hold is not known: the system may have dropped what it could not write, and a repetition
    /// that succeeds says nothing about it.
    pub(super) fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.change(&self.path.join("db"))?.sync()?;
        disk.sync_folder(&self.path)
    }

    /// Makes an index that has been closed durable: everything that sled wrote at last. Where this
    /// fails it is as with [`Index::sync`].
    pub(super) fn sync_closed(disk: &dyn Disk, path: &Path) -> io::Result<()> {
        for path in disk.list(path)? {
            if path.is_file() {
                disk.change(&path)?.sync()?;
            }
        }
        disk.sync_folder(path)
    }
}

/// sled panics where it did not expect an error.
fn without_panic(work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(io::Error::other("sled panicked")))
}

fn unavailable(error: ::sled::Error) -> ReadError {
    match error {
        ::sled::Error::Corruption { .. } => ReadError::Corrupt(error.to_string()),
        _ => ReadError::Unavailable(error.to_string()),
    }
}
