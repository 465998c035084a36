//! The blocks in sled's tree: each under the key of what was its first row when it was made, and holding
//! every row from there to the next block of its keyspace.

use std::{collections::VecDeque, iter::Peekable, ops::Bound};

use ::sled::{Batch, Db, IVec};

use super::{
    block::{self, Change},
    placement::{Tag, untagged},
    unavailable,
};
use crate::{
    Revision,
    backend::{Entry, Key, KeyRange, ReadError},
    sled::{layer::Slot, row},
};

/// Rows per batch of sled's: readers wait while one is applied.
const BATCH_ROWS: usize = 128;
/// So many changes of one block are made at once.
const CHANGES: usize = 256;

/// Changes of sled's tree, applied in parts.
pub(super) struct Batches<'a> {
    database: &'a Db,
    batch: Batch,
    size: usize,
}

impl<'a> Batches<'a> {
    pub(super) fn of(database: &'a Db) -> Batches<'a> {
        Batches {
            database,
            batch: Batch::default(),
            size: 0,
        }
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.batch.insert(key, value);
        self.size += 1;
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.batch.remove(key);
        self.size += 1;
    }

    /// Applies what was gathered, where that is much. What was changed since the last call happens at
    /// once.
    pub(super) fn end_part(&mut self) -> Result<(), ReadError> {
        if self.size < BATCH_ROWS {
            return Ok(());
        }
        self.end()
    }

    /// Applies what was gathered.
    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        self.size = 0;
        let batch = std::mem::take(&mut self.batch);
        self.database.apply_batch(batch).map_err(unavailable)
    }
}

/// The blocks.
pub(super) struct Blocks {
    database: Db,
}

/// A block as sled has it.
struct Found {
    /// With its tag.
    key: IVec,
    /// A row, whose value is the block's body.
    octets: IVec,
}

impl Found {
    fn body(&self) -> Result<bytes::Bytes, ReadError> {
        Ok(row::read(untagged(&self.key), &self.octets)?.value)
    }
}

impl Blocks {
    pub(super) fn of(database: &Db) -> Blocks {
        Blocks {
            database: database.clone(),
        }
    }

    /// The last block that begins at a key or before it, in its keyspace.
    fn holding(&self, key: &[u8]) -> Result<Option<Found>, ReadError> {
        let space = key.get(..1).unwrap_or_default();
        self.last(
            Bound::Included(Tag::Block.key(space)),
            Bound::Included(Tag::Block.key(key)),
        )
    }

    fn last(&self, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Result<Option<Found>, ReadError> {
        let found = self.database.range((start, end)).next_back();
        found.map(found_or_error).transpose()
    }

    fn first(
        &self,
        start: Bound<Vec<u8>>,
        end: Bound<Vec<u8>>,
    ) -> Result<Option<Found>, ReadError> {
        let found = self.database.range((start, end)).next();
        found.map(found_or_error).transpose()
    }

    /// The row of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Entry>, ReadError> {
        match self.holding(key)? {
            Some(found) => {
                let slot = block::find(&found.body()?, key)?;
                Ok(slot.and_then(Slot::into_entry))
            }
            None => Ok(None),
        }
    }

    /// The rows of a range that is not void, in the order asked for.
    pub(super) fn rows(
        &self,
        range: KeyRange,
        reverse: bool,
    ) -> impl Iterator<Item = Result<(Key, Slot), ReadError>> + use<> {
        let mut walk = Walk {
            blocks: Blocks::of(&self.database),
            range,
            reverse,
            at: None,
            rows: VecDeque::new(),
            is_over: false,
        };
        std::iter::from_fn(move || walk.next().transpose())
    }

    /// Takes changes, which come in the order of keys, over into their blocks.
    pub(super) fn change<'c>(
        &self,
        changes: &mut Peekable<impl Iterator<Item = Change<'c>>>,
        batches: &mut Batches<'_>,
    ) -> Result<(), ReadError> {
        while let Some(first) = changes.peek() {
            let space = first.key.first().copied();
            let found = self.holding(first.key)?;
            let begin = match &found {
                Some(found) => found.key.to_vec(),
                None => Tag::Block.key(first.key),
            };
            let next = self.following(&begin)?;
            let belongs = |change: &Change<'_>| {
                change.key.first().copied() == space
                    && next
                        .as_ref()
                        .is_none_or(|next| change.key < untagged(&next.key))
            };
            let taken: Vec<_> = std::iter::from_fn(|| changes.next_if(belongs))
                .take(CHANGES)
                .collect();
            write(&begin, found.as_ref(), &taken, batches)?;
            match taken.len() {
                // What comes next may belong into the last of the pieces just written.
                CHANGES => batches.end()?,
                _ => batches.end_part()?,
            }
        }
        Ok(())
    }

    /// The block behind one, in whichever keyspace.
    fn following(&self, key: &[u8]) -> Result<Option<Found>, ReadError> {
        self.first(
            Bound::Excluded(key.to_vec()),
            Bound::Excluded(vec![Tag::Block as u8 + 1]),
        )
    }
}

fn found_or_error(found: ::sled::Result<(IVec, IVec)>) -> Result<Found, ReadError> {
    let (key, octets) = found.map_err(unavailable)?;
    Ok(Found { key, octets })
}

/// Writes what became of a block: the first of the pieces stands where the block stood.
fn write(
    begin: &[u8],
    found: Option<&Found>,
    changes: &[Change<'_>],
    batches: &mut Batches<'_>,
) -> Result<(), ReadError> {
    let body = found.map(Found::body).transpose()?.unwrap_or_default();
    let newest = changes.iter().map(|change| change.revision).max();
    let pieces = block::change(&body, changes)?;
    if pieces.is_empty() && found.is_some() {
        batches.remove(begin.to_vec());
    }
    for (number, (first, body)) in pieces.into_iter().enumerate() {
        let key = match number {
            0 => begin.to_vec(),
            _ => Tag::Block.key(&first),
        };
        let octets = row::write(untagged(&key), newest.unwrap_or(Revision(0)), &body);
        batches.insert(key, octets);
    }
    Ok(())
}

/// A walk over the rows of a range, block by block, while blocks may be cut.
struct Walk {
    blocks: Blocks,
    /// What is left of the range.
    range: KeyRange,
    reverse: bool,
    /// sled's key of the block that was read last.
    at: Option<Vec<u8>>,
    /// Its rows that are still to come, in the order of keys.
    rows: VecDeque<(Key, Slot)>,
    is_over: bool,
}

impl Walk {
    fn next(&mut self) -> Result<Option<(Key, Slot)>, ReadError> {
        loop {
            let row = match self.reverse {
                true => self.rows.pop_back(),
                false => self.rows.pop_front(),
            };
            match row {
                // A block that was cut meanwhile shows again what was shown already: that is not in
                // the rest of the range any more.
                Some((key, slot)) if self.range.contains(&key) => {
                    self.range = self.range.clone().beyond(&key, self.reverse);
                    return Ok(Some((key, slot)));
                }
                // Behind the range nothing of it comes any more.
                Some((key, _)) if self.range.is_passed_at(&key, self.reverse) => {
                    self.rows.clear();
                    self.is_over = true;
                }
                Some(_) => {}
                None if self.is_over => return Ok(None),
                None => self.read_block()?,
            }
        }
    }

    fn read_block(&mut self) -> Result<(), ReadError> {
        let found = match (&self.at, self.reverse) {
            (None, false) => self.first_block()?,
            (Some(at), false) => self.blocks.first(Bound::Excluded(at.clone()), self.end())?,
            (None, true) => self
                .blocks
                .last(Bound::Included(Tag::Block.key(&[])), self.end())?,
            (Some(at), true) => self.blocks.last(
                Bound::Included(Tag::Block.key(&[])),
                Bound::Excluded(at.clone()),
            )?,
        };
        let Some(found) = found else {
            self.is_over = true;
            return Ok(());
        };
        self.rows = block::rows(&found.body()?)?.into();
        // Before the block in which the range begins, nothing of it lies.
        self.is_over = self.reverse && self.begins_in(untagged(&found.key));
        self.at = Some(found.key.to_vec());
        Ok(())
    }

    /// The block in which the first rows of the range lie, or the first behind its beginning.
    fn first_block(&self) -> Result<Option<Found>, ReadError> {
        let start = match &self.range.start {
            Bound::Included(key) | Bound::Excluded(key) => key.clone(),
            Bound::Unbounded => Key::new(),
        };
        match self.blocks.holding(&start)? {
            Some(found) if !start.is_empty() => Ok(Some(found)),
            _ => self
                .blocks
                .first(Bound::Included(Tag::Block.key(&start)), self.end()),
        }
    }

    /// No block that begins behind this has rows of the range.
    fn end(&self) -> Bound<Vec<u8>> {
        match &self.range.end {
            Bound::Included(key) => Bound::Included(Tag::Block.key(key)),
            Bound::Excluded(key) => Bound::Excluded(Tag::Block.key(key)),
            Bound::Unbounded => Bound::Excluded(vec![Tag::Block as u8 + 1]),
        }
    }

    fn begins_in(&self, first: &[u8]) -> bool {
        match &self.range.start {
            Bound::Included(start) | Bound::Excluded(start) => first <= &start[..],
            Bound::Unbounded => false,
        }
    }
}
