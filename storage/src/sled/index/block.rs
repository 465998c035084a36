//! A block: rows with neighbouring keys as one value. Pure.
//!
//! Each row is how many octets its key has in common with the one before it, the length of the rest of
//! its key and that rest, the revision, one more than the length of its value (0 where the row is removed:
//! only in chunks) and the value. Numbers but the first have seven bits to an octet, the lowest first. A
//! block is kept as a row is (see [`crate::sled::row`]), whose checksum covers all of it.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::{
    Revision,
    backend::{Key, ReadError},
    sled::{layer::Slot, octets::Reader},
};

/// A block grows to about so many octets. Smaller ones cost less to write for a single row, larger
/// ones less to keep; sixteen of them are a page of sled's, which must stay far below its limit for pages
/// that get a file of their own (128 KiB).
#[cfg(not(test))]
pub(super) const BLOCK_OCTETS: usize = 1536;
#[cfg(test)]
pub(super) const BLOCK_OCTETS: usize = 64;

/// What a row becomes; no value where it is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) key: &'a [u8],
    pub(super) revision: Revision,
    pub(super) value: Option<&'a [u8]>,
}

/// A row as it lies in a block.
pub(super) struct Row<'a> {
    pub(super) revision: Revision,
    pub(super) value: Option<&'a [u8]>,
}

/// Reads a block's rows in order.
pub(super) struct Rows<'a> {
    rest: Reader<'a>,
    key: Vec<u8>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(body: &'a [u8]) -> Rows<'a> {
        Rows {
            rest: Reader(body),
            key: Vec::new(),
        }
    }

    /// The key of the row that was read last.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The next row; its key is [`Rows::key`].
    pub(super) fn next(&mut self) -> Result<Option<Row<'a>>, ReadError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.read()
            .map(Some)
            .ok_or_else(|| ReadError::Corrupt("a block of the index is malformed".to_owned()))
    }

    fn read(&mut self) -> Option<Row<'a>> {
        let [shared] = self.rest.array()?;
        let length = self.rest.number()?;
        let rest = self.rest.octets(usize::try_from(length).ok()?)?;
        let revision = Revision(self.rest.number()?);
        let value = match self.rest.number()? {
            0 => None,
            more => Some(self.rest.octets(usize::try_from(more - 1).ok()?)?),
        };
        if usize::from(shared) > self.key.len() {
            return None;
        }
        self.key.truncate(usize::from(shared));
        self.key.extend_from_slice(rest);
        Some(Row { revision, value })
    }
}

/// What is said of a key.
pub(super) fn find(body: &[u8], key: &[u8]) -> Result<Option<Slot>, ReadError> {
    let mut rows = Rows::of(body);
    while let Some(row) = rows.next()? {
        match rows.key[..].cmp(key) {
            Ordering::Less => {}
            Ordering::Equal => {
                return Ok(Some(Slot {
                    revision: row.revision,
                    value: row.value.map(Bytes::copy_from_slice),
                }));
            }
            Ordering::Greater => break,
        }
    }
    Ok(None)
}

/// The key of the first row; `None` where there is none whose key is written as a whole.
pub(super) fn first_key(body: &[u8]) -> Option<&[u8]> {
    let mut rest = Reader(body);
    let [0] = rest.array()? else { return None };
    let length = rest.number()?;
    rest.octets(usize::try_from(length).ok()?)
}

/// All rows, in the order of keys; their values are parts of the body.
pub(super) fn rows(body: &Bytes) -> Result<Vec<(Key, Slot)>, ReadError> {
    rows_with(body, |value| body.slice_ref(value))
}

/// All rows, in the order of keys, that the body need not be kept for.
pub(super) fn copied_rows(body: &[u8]) -> Result<Vec<(Key, Slot)>, ReadError> {
    rows_with(body, Bytes::copy_from_slice)
}

fn rows_with(body: &[u8], value: impl Fn(&[u8]) -> Bytes) -> Result<Vec<(Key, Slot)>, ReadError> {
    let mut found = Vec::new();
    let mut rows = Rows::of(body);
    while let Some(row) = rows.next()? {
        let slot = Slot {
            revision: row.revision,
            value: row.value.map(&value),
        };
        found.push((Key::copy_from_slice(&rows.key), slot));
    }
    Ok(found)
}

/// Writes rows, which come in the order of keys.
#[derive(Default)]
pub(super) struct Writer {
    body: Vec<u8>,
    last: Vec<u8>,
}

impl Writer {
    /// What was written.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The same, when everything was.
    pub(super) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The key of the next row is written as a whole.
    pub(super) fn begin_anew(&mut self) {
        self.last.clear();
    }

    pub(super) fn row(&mut self, row: &Change<'_>) {
        let shared = self.last.iter().zip(row.key).take(usize::from(u8::MAX));
        let shared = shared.take_while(|(one, other)| one == other).count();
        let rest = &row.key[shared..];
        self.body.push(shared as u8);
        push_number(&mut self.body, rest.len() as u64);
        self.body.extend_from_slice(rest);
        push_number(&mut self.body, row.revision.0);
        push_number(
            &mut self.body,
            row.value.map_or(0, |value| value.len() as u64 + 1),
        );
        self.body.extend_from_slice(row.value.unwrap_or_default());
        self.last.clear();
        self.last.extend_from_slice(row.key);
    }
}

fn push_number(octets: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        octets.push(number as u8 | 0x80);
        number >>= 7;
    }
    octets.push(number as u8);
}

/// A block to be written: the key of its first row, and its body.
pub(super) type Piece = (Vec<u8>, Vec<u8>);

/// What a block becomes: nothing where no row is left, and several blocks where it grew too large.
/// The changes come in the order of keys.
pub(super) fn change(body: &[u8], changes: &[Change<'_>]) -> Result<Vec<Piece>, ReadError> {
    let (mut keys, mut read) = (Vec::new(), Vec::new());
    let mut rows = Rows::of(body);
    while let Some(row) = rows.next()? {
        keys.extend_from_slice(&rows.key);
        read.push((keys.len(), row));
    }
    let is_appended = changes
        .first()
        .is_some_and(|first| first.key > &rows.key[..]);
    let mut changes = changes.iter().cloned().peekable();
    let mut merged: Vec<Change<'_>> = Vec::with_capacity(read.len() + changes.len());
    let mut start = 0;
    for (end, row) in read {
        let key = &keys[start..end];
        start = end;
        merged.extend(std::iter::from_fn(|| {
            changes.next_if(|change| change.key < key)
        }));
        let changed = changes.next_if(|change| change.key == key);
        merged.push(changed.unwrap_or(Change {
            key,
            revision: row.revision,
            value: row.value,
        }));
    }
    merged.extend(changes);
    merged.retain(|row| row.value.is_some());
    Ok(cut(&merged, is_appended))
}

/// Rows as blocks: of equal length, or, where more rows are expected behind the last one only, full ones
/// with a rest.
fn cut(rows: &[Change<'_>], is_appended: bool) -> Vec<Piece> {
    let whole = pieces(rows, usize::MAX);
    let octets = whole.first().map_or(0, |(_, body)| body.len());
    if octets <= BLOCK_OCTETS {
        return whole;
    }
    match is_appended {
        true => pieces(rows, BLOCK_OCTETS),
        false => pieces(rows, octets.div_ceil(octets.div_ceil(BLOCK_OCTETS))),
    }
}

/// Rows as blocks, each of which ends as soon as it has so many octets.
fn pieces(rows: &[Change<'_>], octets: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut writer = Writer::default();
    let mut first: Option<&[u8]> = None;
    for row in rows {
        first.get_or_insert(row.key);
        writer.row(row);
        if writer.body.len() >= octets {
            let full = std::mem::take(&mut writer);
            pieces.extend(first.take().map(|first| (first.to_vec(), full.body)));
        }
    }
    pieces.extend(first.map(|first| (first.to_vec(), writer.body)));
    pieces
}

/// Rows, removed ones among them, as the bodies of chunks.
pub(super) fn chunks(rows: &[Change<'_>]) -> impl Iterator<Item = Vec<u8>> {
    pieces(rows, BLOCK_OCTETS).into_iter().map(|(_, body)| body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    type Model = BTreeMap<Vec<u8>, (Revision, Vec<u8>)>;

    fn rows_of(pieces: &[Piece]) -> Model {
        let mut model = Model::new();
        for (first, body) in pieces {
            let rows = rows(&Bytes::copy_from_slice(body)).unwrap();
            assert_eq!(rows[0].0, first[..], "a block is named by its first row");
            for (key, slot) in rows {
                assert_eq!(find(body, &key).unwrap(), Some(slot.clone()));
                let value = slot.value.unwrap();
                let last = model.last_key_value();
                assert!(last.is_none_or(|(last, _)| last[..] < key[..]));
                model.insert(key.to_vec(), (slot.revision, value.to_vec()));
            }
        }
        model
    }

    fn key() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![Just(0u8), Just(b'a'), Just(u8::MAX)], 1..5)
    }

    fn written(rows: &[Change<'_>]) -> Vec<u8> {
        let mut writer = Writer::default();
        rows.iter().for_each(|row| writer.row(row));
        writer.body
    }

    proptest! {
        /// Whatever changes come, a block holds what a map of the same changes holds.
        #[test]
        fn a_block_is_an_ordered_map(
            rounds in vec(vec((key(), proptest::option::of(vec(any::<u8>(), 0..40))), 1..20), 1..6)
        ) {
            let (mut model, mut body) = (Model::new(), Vec::new());
            for (number, round) in rounds.iter().enumerate() {
                let revision = Revision(1 << (7 * number));
                let round: BTreeMap<_, _> = round.iter().cloned().collect();
                let changes: Vec<_> = round
                    .iter()
                    .map(|(key, value)| Change { key, revision, value: value.as_deref() })
                    .collect();
                let pieces = change(&body, &changes).unwrap();
                for (key, value) in &round {
                    match value {
                        Some(value) => model.insert(key.clone(), (revision, value.clone())),
                        None => model.remove(key),
                    };
                }
                prop_assert_eq!(&rows_of(&pieces), &model);
                prop_assert!(pieces.iter().all(|(_, body)| body.len() <= 2 * BLOCK_OCTETS));
                // As if it had never been cut.
                let whole: Vec<_> = model
                    .iter()
                    .map(|(key, (revision, value))| Change { key, revision: *revision, value: Some(value) })
                    .collect();
                body = written(&whole);
                prop_assert_eq!(find(&body, b"none").unwrap(), None);
            }
        }

        /// Chunks give back every row, the removed ones too.
        #[test]
        fn chunks_hold_what_was_given(
            given in proptest::collection::btree_map(key(), proptest::option::of(vec(any::<u8>(), 0..40)), 0..40)
        ) {
            let revision = Revision(5);
            let given: Vec<_> = given
                .iter()
                .map(|(key, value)| Change { key, revision, value: value.as_deref() })
                .collect();
            let mut found = Vec::new();
            for chunk in chunks(&given) {
                found.extend(rows(&chunk.into()).unwrap());
            }
            prop_assert_eq!(found.len(), given.len());
            for ((key, slot), row) in found.iter().zip(&given) {
                prop_assert_eq!((&key[..], slot.value.as_deref()), (row.key, row.value));
            }
        }

        #[test]
        fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..60)) {
            let _ = find(&octets, b"key");
            let _ = change(&octets, &[]);
            let _ = rows(&octets.into());
        }
    }

    #[test]
    fn what_grows_at_its_end_is_cut_into_full_blocks() {
        let keys: Vec<_> = (0..100u8).map(|number| [7, number]).collect();
        let changes: Vec<_> = keys
            .iter()
            .map(|key| Change {
                key,
                revision: Revision(300),
                value: Some(b"value"),
            })
            .collect();
        let sizes = |body: &[u8], changes: &[Change<'_>]| -> Vec<usize> {
            let pieces = change(body, changes).unwrap();
            pieces.iter().map(|(_, body)| body.len()).collect()
        };
        let appended = sizes(&[], &changes);
        let (last, full) = appended.split_last().unwrap();
        assert!(
            full.iter().all(|size| *size >= BLOCK_OCTETS),
            "{appended:?}"
        );
        assert!(*last <= BLOCK_OCTETS + 20, "{appended:?}");
        // Between two others, more may come on either side.
        let outer = [&changes[..1], &changes[99..]].concat();
        let evenly = sizes(&written(&outer), &changes[1..99]);
        let (least, most) = (evenly.iter().min().unwrap(), evenly.iter().max().unwrap());
        assert!(most - least < 40, "{evenly:?}");
    }
}
