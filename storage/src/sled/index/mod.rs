//! The index: sled, which serves reads. It holds nothing that the journal and the snapshots do not
//! hold too, so whatever is wrong with it, it can be built again.
//!
//! sled 0.34 alone does not survive power loss: its `flush` does not sync on Linux, and a torn tail
//! can keep it from opening. Hence the file is synced here, and never trusted. Nor can a synced state be
//! gone back to: sled writes again into the segments of its file that it needs no longer, so what comes
//! after a checkpoint is not apart from what came before it, and a lost page may have been part of either.
//! A row's checksum tells a damaged row, but none tells that a row is missing. So after a power failure the
//! index is built again, while after the end of the process alone, when the system keeps what was written, it
//! is not.
//!
//! Most rows of the store are rows of sled's; small ones are packed together, see [`placement`].

mod block;
mod blocks;
mod filter;
mod gathered;
mod pack;
mod placement;
mod small_rows;
#[cfg(test)]
mod tests;

use std::{
    io,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ::sled::{Db, IVec, Mode};

pub(super) use self::filter::Filter;
use self::{
    block::Change,
    blocks::{Batches, Blocks},
    filter::Known,
    gathered::Gathered,
    placement::{Placement, Tag, untagged},
    small_rows::SmallRows,
};
use crate::{
    Revision, Timestamp,
    backend::{Committed, Entry, Key, KeyRange, ReadError},
    sled::{disk::Disk, layer::Slot, octets::Reader, row},
};

/// The key of the note which says what the index contains, and which chunks of gathered rows are to be
/// believed. (The first form of an index had it under the empty key; such an index is built again.)
const NOTE: &[u8] = &[Tag::Own as u8];
/// Rows that wait to be put into blocks take so much memory, and as much again while they are put
/// there. (About 50,000 rows of the UID index: with fewer, blocks would be written more often for the same.)
#[cfg(not(test))]
const GATHERED_OCTETS: usize = 3 * 1024 * 1024;
#[cfg(test)]
const GATHERED_OCTETS: usize = 100;
/// How long to wait for a former holder of sled's own lock. It can only be a thread of sled's that is
/// still ending, since the store's lock is ours.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// sled, open.
pub(super) struct Index {
    database: Db,
    blocks: Blocks,
    gathered: Gathered,
    /// The keys of gathered rows.
    known: Known,
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
                    return Index::of(database, path).map_err(|error| error.to_string());
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

    fn of(database: Db, path: &Path) -> Result<Index, ReadError> {
        let first_chunk = read_note(&database)?.map_or(0, |note| note.first_chunk);
        Ok(Index {
            blocks: Blocks::of(&database),
            gathered: Gathered::open(&database, first_chunk, GATHERED_OCTETS)?,
            known: Known::default(),
            small_rows: SmallRows::default(),
            database,
            path: path.to_owned(),
            damaged: AtomicBool::new(false),
            #[cfg(test)]
            failing: AtomicBool::new(false),
        })
    }

    /// Up to which commit the index contains everything; `None` where it says nothing.
    pub(super) fn contains(&self) -> Result<Option<Committed>, ReadError> {
        Ok(read_note(&self.database)?.map(|note| note.contains))
    }

    /// Whether a row failed its checksum since the index was opened.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// What its files hold is not known any more.
    pub(super) fn distrust(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        if let Some(kept) = self.small_rows.get(key) {
            return Ok(kept);
        }
        let row = match Placement::of(key) {
            Placement::Alone => self.lone_row(key),
            Placement::Packed => self.blocks.get(key),
            Placement::Gathered => self.gathered_row(key),
        };
        let row = row.inspect_err(|error| self.look_at(error))?;
        self.small_rows.keep(key, row.as_ref());
        Ok(row)
    }

    fn lone_row(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        let octets = self.database.get(Tag::Row.key(key)).map_err(unavailable)?;
        octets.map(|octets| row::read(key, &octets)).transpose()
    }

    fn gathered_row(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        if self.known.excludes(key) {
            return Ok(None);
        }
        match self.gathered.get(key)? {
            Some(row) => Ok(row),
            None => self.blocks.get(key),
        }
    }

    fn look_at(&self, error: &ReadError) {
        if matches!(error, ReadError::Corrupt(_)) {
            self.distrust();
        }
    }

    /// Reads a row that was found in a range.
    pub(super) fn read_row(&self, row: &LoneRow) -> Result<Entry, ReadError> {
        row::read(row.key(), &row.octets).inspect_err(|error| self.look_at(error))
    }

    /// The rows of a range that is not void, in the order asked for, from several sources, of which the
    /// first that has a key counts.
    pub(super) fn range(&self, range: &KeyRange, reverse: bool) -> Vec<Rows> {
        let mut sources: Vec<Rows> = Vec::new();
        if Placement::Gathered.is_in(range) && self.known.excludes_range(range) {
            return sources;
        }
        if Placement::Gathered.is_in(range) {
            for rows in self.gathered.rows(range, reverse) {
                sources.push(packed(rows));
            }
        }
        if Placement::Gathered.is_in(range) || Placement::Packed.is_in(range) {
            sources.push(packed(self.blocks.rows(range.clone(), reverse)));
        }
        if Placement::Alone.is_in(range) {
            sources.push(Box::new(self.lone_rows(range, reverse)));
        }
        sources
    }

    fn lone_rows(
        &self,
        range: &KeyRange,
        reverse: bool,
    ) -> impl Iterator<Item = Result<Row, ReadError>> + use<> {
        let tagged = |bound: &Bound<Key>| bound.as_ref().map(|key| Tag::Row.key(key));
        let start = match tagged(&range.start) {
            Bound::Unbounded => Bound::Included(Tag::Row.key(&[])),
            bound => bound,
        };
        let end = match tagged(&range.end) {
            Bound::Unbounded => Bound::Excluded(Tag::Block.key(&[])),
            bound => bound,
        };
        let mut rows = self.database.range((start, end));
        std::iter::from_fn(move || {
            if reverse {
                rows.next_back()
            } else {
                rows.next()
            }
        })
        .map(|row| {
            let (key, octets) = row.map_err(unavailable)?;
            Ok(Row::Lone(LoneRow { key, octets }))
        })
    }

    /// A filter that wants to be filled with the keys of all gathered rows, and their keyspaces.
    pub(super) fn unfilled_filter(
        &self,
    ) -> Option<(Arc<Filter>, impl Iterator<Item = u8> + use<>)> {
        Some((self.known.begin()?, Placement::gathered()))
    }

    /// The filter was filled, or could not be.
    pub(super) fn filter_ended(&self, filter: &Arc<Filter>, is_filled: bool) {
        self.known.end(filter, is_filled);
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
        without_panic(|| {
            let applied = self.apply_in_batches(rows, through, true);
            applied.map_err(|error| self.failed(error))
        })
    }

    /// The same for many rows of an empty index that come in the order of keys: none waits for others.
    pub(super) fn load<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], Revision, Option<&'a [u8]>)>,
        through: Committed,
    ) -> io::Result<()> {
        without_panic(|| {
            let applied = self.apply_in_batches(rows, through, false);
            applied.map_err(|error| self.failed(error))
        })
    }

    fn failed(&self, error: ReadError) -> io::Error {
        self.look_at(&error);
        io::Error::other(error.to_string())
    }

    fn apply_in_batches<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], Revision, Option<&'a [u8]>)>,
        through: Committed,
        gathers: bool,
    ) -> Result<(), ReadError> {
        let mut batches = Batches::of(&self.database);
        let (mut packed, mut gathered) = (Vec::new(), Vec::new());
        for (key, revision, value) in rows {
            self.small_rows.forget(key);
            let change = Change {
                key,
                revision,
                value,
            };
            let placement = Placement::of(key);
            if placement == Placement::Gathered {
                self.known.add(key);
            }
            match placement {
                Placement::Gathered if gathers => gathered.push(change),
                Placement::Gathered | Placement::Packed => packed.push(change),
                Placement::Alone => {
                    match value {
                        Some(value) => {
                            batches.insert(Tag::Row.key(key), row::write(key, revision, value))
                        }
                        None => batches.remove(Tag::Row.key(key)),
                    }
                    batches.end_part()?;
                }
            }
        }
        let mut packed = packed.into_iter().peekable();
        self.blocks.change(&mut packed, &mut batches)?;
        let note = Note {
            contains: through,
            first_chunk: self.gathered.write(&gathered, &mut batches)?,
        };
        batches.insert(NOTE.to_vec(), note.to_row());
        batches.end()?;
        self.gathered.show(&gathered);
        self.gathered
            .settle(gathered.len(), &self.blocks, &mut batches)
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
        let flush = || self.database.flush().map(|_| ());
        without_panic(|| Ok(self.gathered.flush(flush)?))
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

/// A row of a range.
pub(super) enum Row {
    /// As sled has it.
    Lone(LoneRow),
    /// Out of a block, or waiting for one; perhaps removed.
    Packed(Key, Slot),
}

/// Rows of one source.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, ReadError>>>;

fn packed(rows: impl Iterator<Item = Result<(Key, Slot), ReadError>> + 'static) -> Rows {
    Box::new(rows.map(|row| row.map(|(key, slot)| Row::Packed(key, slot))))
}

/// A row that has one of sled's for itself, unread.
pub(super) struct LoneRow {
    key: IVec,
    octets: IVec,
}

impl LoneRow {
    pub(super) fn key(&self) -> &[u8] {
        untagged(&self.key)
    }

    pub(super) fn value_octets(&self) -> usize {
        self.octets.len().saturating_sub(row::HEADER_OCTETS)
    }
}

/// What the index says of itself.
struct Note {
    contains: Committed,
    first_chunk: u64,
}

impl Note {
    fn to_row(&self) -> Vec<u8> {
        let mut octets = self.contains.time.0.to_be_bytes().to_vec();
        octets.extend_from_slice(&self.first_chunk.to_be_bytes());
        row::write(NOTE, self.contains.revision, &octets)
    }
}

fn read_note(database: &Db) -> Result<Option<Note>, ReadError> {
    let Some(octets) = database.get(NOTE).map_err(unavailable)? else {
        return Ok(None);
    };
    let Entry { value, revision } = row::read(NOTE, &octets)?;
    let mut reader = Reader(&value);
    let note = reader.i64().zip(reader.u64());
    let (time, first_chunk) =
        note.ok_or_else(|| ReadError::Corrupt("the index's note".to_owned()))?;
    let time = Timestamp(time);
    Ok(Some(Note {
        contains: Committed { revision, time },
        first_chunk,
    }))
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
