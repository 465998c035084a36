//! Rows that wait for others which belong into the same blocks. They are in memory, and, as chunks in the
//! order of their arrival, in sled. In memory the latest of them are in a map, from which they are taken
//! over, some thousands together, into a pack, where they take a fourth of that.
//!
//! One generation of them grows. When it is large it settles: step by step it is taken over into the
//! blocks while the next one grows, so that no commit ever waits for all of it. A chunk of a generation
//! that has settled is not believed any more once a note says so that was flushed after the blocks were,
//! and it is removed once that note has been flushed in its turn: whatever part of what sled wrote last is
//! lost with the process, no chunk is read that is older than a block.

use std::{
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use bytes::Bytes;

use super::{
    block::{self, Change},
    blocks::{Batches, Blocks},
    pack::Pack,
    placement::{Tag, untagged},
    unavailable,
};
use crate::{
    Revision,
    backend::{Entry, Key, KeyRange, ReadError},
    sled::{
        layer::{Layer, Pending, Slot},
        octets::Reader,
        row,
    },
};

/// Behind the tag of the index's own rows, before the number of a chunk.
const CHUNK: u8 = b'g';
/// For each row that comes, so many settle, so that a generation has settled when the next is half full.
const PACE: usize = 2;
/// The least that a step takes on.
const STEP_ROWS: usize = 64;
/// The latest rows are packed when they take so much memory.
#[cfg(not(test))]
const LATEST_OCTETS: usize = 1024 * 1024;
#[cfg(test)]
const LATEST_OCTETS: usize = 300;
/// Every moment there is: readers of the index hold back what they must not see.
const NOW: Revision = Revision(u64::MAX);

/// Both generations, newest rows first.
#[derive(Clone, Default)]
struct Generations {
    /// Of the growing generation, what came last.
    latest: Arc<Layer>,
    growing: Arc<Pack>,
    settling: Option<Arc<Pack>>,
}

impl Generations {
    fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        [&self.growing].into_iter().chain(&self.settling)
    }
}

/// Rows of one source.
pub(super) type Waiting = Box<dyn Iterator<Item = Result<(Key, Slot), ReadError>>>;

/// The rows that wait.
pub(super) struct Gathered {
    generations: RwLock<Generations>,
    progress: Mutex<Progress>,
    /// A generation whose pack has so many octets settles.
    octets: usize,
}

/// Where the mover is. Numbers are those of chunks: what is said of one holds for all before it.
#[derive(Default)]
struct Progress {
    /// The next one to be written.
    next: u64,
    /// The first that belongs to the growing generation.
    growing: u64,
    /// Everything before it is in the blocks.
    settled: u64,
    /// The same, as of the last flush.
    settled_for_certain: u64,
    /// What the newest note says.
    noted: u64,
    /// The same, as of the last flush.
    noted_for_certain: u64,
    /// Everything before it was removed.
    removed: u64,
    /// The last key of the settling generation that was taken over.
    at: Option<Key>,
}

impl Gathered {
    /// What sled's tree says; the chunks from `noted` on are believed.
    pub(super) fn open(
        database: &::sled::Db,
        noted: u64,
        octets: usize,
    ) -> Result<Gathered, ReadError> {
        let mut progress = Progress {
            next: noted,
            growing: noted,
            settled: noted,
            settled_for_certain: noted,
            noted,
            noted_for_certain: noted,
            removed: noted,
            at: None,
        };
        let mut rows = Vec::new();
        for chunk in database.scan_prefix([Tag::Own as u8, CHUNK]) {
            let (key, octets) = chunk.map_err(unavailable)?;
            let number = chunk_number(&key)
                .ok_or_else(|| ReadError::Corrupt("a chunk of the index".to_owned()))?;
            if number < noted {
                progress.removed = progress.removed.min(number);
                continue;
            }
            progress.next = number + 1;
            let body = row::read(untagged(&key), &octets)?.value;
            rows.append(&mut block::rows(&body)?);
        }
        // Of those with one key, the one that came last stays last.
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        let generations = Generations {
            growing: Arc::new(Pack::of(&rows)),
            ..Generations::default()
        };
        Ok(Gathered {
            generations: RwLock::new(generations),
            progress: Mutex::new(progress),
            octets,
        })
    }

    fn generations(&self) -> Generations {
        self.generations
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change_generations(&self, change: impl FnOnce(&mut Generations)) {
        let mut generations = self
            .generations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut generations);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits for a key; `None` where the blocks are to be asked.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Option<Entry>>, ReadError> {
        let generations = self.generations();
        if let Some(slot) = generations.latest.get(key, NOW) {
            return Ok(Some(slot.into_entry()));
        }
        for pack in generations.packs() {
            if let Some(slot) = pack.get(key)? {
                return Ok(Some(slot.into_entry()));
            }
        }
        Ok(None)
    }

    /// What waits in a range that is not void, removed rows too, from several sources, of which the first
    /// that has a key counts. To be asked before the blocks are.
    pub(super) fn rows(&self, range: &KeyRange, reverse: bool) -> Vec<Waiting> {
        let generations = self.generations();
        let mut sources: Vec<Waiting> = Vec::new();
        if !generations.latest.is_empty() {
            let latest = Arc::clone(&generations.latest);
            let rows = Layer::held_range(latest, range.clone(), NOW, reverse);
            sources.push(Box::new(rows.map(Ok)));
        }
        for pack in generations.packs() {
            let rows = Pack::range(Arc::clone(pack), range.clone(), reverse);
            sources.push(Box::new(rows));
        }
        sources
    }

    /// Writes the next chunk, of rows in the order of keys, and removes those that nobody needs any more.
    /// Gives the first chunk that is to be believed, for the note.
    pub(super) fn write(
        &self,
        rows: &[Change<'_>],
        batches: &mut Batches<'_>,
    ) -> Result<u64, ReadError> {
        let mut progress = self.progress();
        for rows in block::chunks(rows) {
            let key = chunk_key(progress.next);
            let octets = row::write(untagged(&key), Revision(0), &rows);
            batches.insert(key, octets);
            batches.end_part()?;
            progress.next += 1;
        }
        for number in progress.removed..progress.noted_for_certain {
            batches.remove(chunk_key(number));
        }
        progress.removed = progress.noted_for_certain;
        progress.noted = progress.settled_for_certain;
        Ok(progress.noted)
    }

    /// Shows rows that were written.
    pub(super) fn show(&self, rows: &[Change<'_>]) {
        let mut pending = Pending::default();
        for row in rows {
            let value = row.value.map(Bytes::copy_from_slice);
            let revision = row.revision;
            pending.put(Key::copy_from_slice(row.key), Slot { revision, value });
        }
        self.generations().latest.add(pending);
    }

    /// Goes on with what settles, as far as it must when so many rows came, and packs those that came where
    /// they are many.
    pub(super) fn settle(
        &self,
        came: usize,
        blocks: &Blocks,
        batches: &mut Batches<'_>,
    ) -> Result<(), ReadError> {
        let generations = self.generations();
        if generations.latest.octets() >= LATEST_OCTETS {
            self.pack()?;
        }
        let is_full = self.generations().growing.octets() >= self.octets;
        if generations.settling.is_some() {
            let step = match is_full {
                true => usize::MAX,
                false => STEP_ROWS.max(PACE * came),
            };
            self.step(step, blocks, batches)?;
        }
        if is_full {
            // All of it settles: the chunks are told apart by their numbers alone.
            self.pack()?;
            let mut progress = self.progress();
            progress.growing = progress.next;
            self.change_generations(|generations| {
                generations.settling = Some(std::mem::take(&mut generations.growing));
            });
        }
        Ok(())
    }

    /// Puts the latest rows to the others of the growing generation.
    fn pack(&self) -> Result<(), ReadError> {
        let Generations {
            latest, growing, ..
        } = self.generations();
        let packed = Arc::new(latest.with_newest(|rows| growing.with(rows))?);
        self.change_generations(|generations| {
            generations.latest = Arc::default();
            generations.growing = packed;
        });
        Ok(())
    }

    /// Takes so many rows over into the blocks.
    fn step(
        &self,
        rows: usize,
        blocks: &Blocks,
        batches: &mut Batches<'_>,
    ) -> Result<(), ReadError> {
        let Some(settling) = self.generations().settling else {
            return Ok(());
        };
        let mut progress = self.progress();
        let start = progress.at.take().map_or(Bound::Unbounded, Bound::Excluded);
        let rest = KeyRange {
            start,
            end: Bound::Unbounded,
        };
        let mut waiting = Pack::range(settling, rest, false);
        let step: Vec<_> = waiting.by_ref().take(rows).collect::<Result<_, _>>()?;
        let mut changes = step
            .iter()
            .map(|(key, slot)| Change {
                key,
                revision: slot.revision,
                value: slot.value.as_deref(),
            })
            .peekable();
        blocks.change(&mut changes, batches)?;
        batches.end()?;
        if waiting.next().is_some() {
            progress.at = step.last().map(|(key, _)| key.clone());
        } else {
            progress.settled = progress.growing;
            self.change_generations(|generations| generations.settling = None);
        }
        Ok(())
    }

    /// Runs a flush of sled's.
    pub(super) fn flush(
        &self,
        flush: impl FnOnce() -> Result<(), ::sled::Error>,
    ) -> Result<(), ::sled::Error> {
        let (settled, noted) = {
            let progress = self.progress();
            (progress.settled, progress.noted)
        };
        flush()?;
        let mut progress = self.progress();
        progress.settled_for_certain = settled;
        progress.noted_for_certain = noted;
        Ok(())
    }
}

fn chunk_key(number: u64) -> Vec<u8> {
    let mut key = vec![CHUNK];
    key.extend_from_slice(&number.to_be_bytes());
    Tag::Own.key(&key)
}

fn chunk_number(key: &[u8]) -> Option<u64> {
    let mut reader = Reader(untagged(key));
    reader.array::<1>()?;
    let number = reader.u64()?;
    reader.is_empty().then_some(number)
}
