//! Rows in the order of keys as one piece of memory, about as dense as in blocks: a third or a fourth of what
//! a map takes for them. Pure.
//!
//! It is written once; what comes later makes another one together with it.

use std::{collections::VecDeque, ops::Bound, sync::Arc};

use super::block::{self, Change, Rows, Writer};
use crate::{
    backend::{Key, KeyRange, ReadError},
    sled::layer::{self, Slot},
};

/// After so many octets a key is written as a whole, so that a search can begin there.
const PART_OCTETS: usize = 512;

/// The rows, removed ones among them.
#[derive(Default)]
pub(super) struct Pack {
    /// As in a block (see [`block`]).
    octets: Box<[u8]>,
    /// Where those rows begin whose keys are written as a whole.
    parts: Box<[usize]>,
}

impl Pack {
    /// A pack of rows that come in the order of keys; of several with one key the last counts.
    pub(super) fn of(rows: &[(Key, Slot)]) -> Pack {
        let mut writing = Writing::default();
        let newest = rows.chunk_by(|(one, _), (other, _)| one == other);
        for (key, slot) in newest.filter_map(<[_]>::last) {
            writing.push(&change((key, slot.revision, slot.value.as_deref())));
        }
        writing.end()
    }

    /// A pack of these rows, which come in the order of keys, and of those of this one that they do not
    /// replace.
    pub(super) fn with<'r>(
        &self,
        newer: &mut (dyn Iterator<Item = layer::Row<'r>> + 'r),
    ) -> Result<Pack, ReadError> {
        let mut writing = Writing::default();
        let mut newer = newer.map(change).peekable();
        let mut older = Rows::of(&self.octets);
        while let Some(row) = older.next()? {
            let key = older.key();
            while let Some(before) = newer.next_if(|row| row.key < key) {
                writing.push(&before);
            }
            let (revision, value) = (row.revision, row.value);
            let older = Change {
                key,
                revision,
                value,
            };
            writing.push(&newer.next_if(|row| row.key == key).unwrap_or(older));
        }
        newer.for_each(|row| writing.push(&row));
        Ok(writing.end())
    }

    /// Memory it takes.
    pub(super) fn octets(&self) -> usize {
        self.octets.len() + size_of_val(&*self.parts)
    }

    /// What it says of a row.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Slot>, ReadError> {
        match self.part_of(key) {
            Some(part) => block::find(self.since_part(part), key),
            None => Ok(None),
        }
    }

    /// Its rows in a range that is not void, in the order asked for.
    pub(super) fn range(
        pack: Arc<Pack>,
        range: KeyRange,
        reverse: bool,
    ) -> impl Iterator<Item = Result<(Key, Slot), ReadError>> + use<> {
        let part = match (reverse, &range.start, &range.end) {
            (false, Bound::Included(key) | Bound::Excluded(key), _) => {
                Some(pack.part_of(key).unwrap_or(0))
            }
            (false, Bound::Unbounded, _) => Some(0),
            (true, _, Bound::Included(key) | Bound::Excluded(key)) => pack.part_of(key),
            (true, _, Bound::Unbounded) => pack.parts.len().checked_sub(1),
        };
        let mut walk = Walk {
            part: part.filter(|part| *part < pack.parts.len()),
            pack,
            range,
            reverse,
            rows: VecDeque::new(),
        };
        std::iter::from_fn(move || walk.next().transpose())
    }

    /// The last part that begins with a key or before it.
    fn part_of(&self, key: &[u8]) -> Option<usize> {
        let begins_before = |start: &usize| {
            let first = block::first_key(self.octets.get(*start..).unwrap_or_default());
            first.is_some_and(|first| first <= key)
        };
        self.parts.partition_point(begins_before).checked_sub(1)
    }

    fn since_part(&self, part: usize) -> &[u8] {
        let start = self.parts.get(part).copied();
        start
            .and_then(|start| self.octets.get(start..))
            .unwrap_or_default()
    }

    fn part(&self, part: usize) -> &[u8] {
        let from = self.since_part(part);
        &from[..from.len() - self.since_part(part + 1).len()]
    }
}

fn change((key, revision, value): layer::Row<'_>) -> Change<'_> {
    Change {
        key,
        revision,
        value,
    }
}

/// A pack that is being written.
#[derive(Default)]
struct Writing {
    writer: Writer,
    parts: Vec<usize>,
}

impl Writing {
    fn push(&mut self, row: &Change<'_>) {
        let written = self.writer.body().len();
        let last = self.parts.last();
        if last.is_none_or(|start| written - start >= PART_OCTETS) {
            self.parts.push(written);
            self.writer.begin_anew();
        }
        self.writer.row(row);
    }

    fn end(self) -> Pack {
        Pack {
            octets: self.writer.into_body().into_boxed_slice(),
            parts: self.parts.into_boxed_slice(),
        }
    }
}

/// A walk over the rows of a range.
struct Walk {
    pack: Arc<Pack>,
    range: KeyRange,
    reverse: bool,
    /// The next part to be read.
    part: Option<usize>,
    /// What is left of the one that was read last, in the order of keys.
    rows: VecDeque<(Key, Slot)>,
}

impl Walk {
    fn next(&mut self) -> Result<Option<(Key, Slot)>, ReadError> {
        loop {
            let row = match self.reverse {
                true => self.rows.pop_back(),
                false => self.rows.pop_front(),
            };
            match (row, self.part) {
                (Some((key, slot)), _) if self.range.contains(&key) => {
                    return Ok(Some((key, slot)));
                }
                // Behind the range nothing of it comes any more.
                (Some((key, _)), _) if self.range.is_passed_at(&key, self.reverse) => {
                    self.rows.clear();
                    self.part = None;
                }
                (Some(_), _) => {}
                (None, Some(part)) => {
                    self.rows = block::copied_rows(self.pack.part(part))?.into();
                    self.part = match self.reverse {
                        true => part.checked_sub(1),
                        false => Some(part + 1).filter(|next| *next < self.pack.parts.len()),
                    };
                }
                (None, None) => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::Revision;

    type Model = BTreeMap<Key, Slot>;

    fn a_key() -> impl Strategy<Value = Key> {
        vec(prop_oneof![Just(0u8), Just(b'a'), Just(u8::MAX)], 1..6).prop_map(Bytes::from)
    }

    fn a_round() -> impl Strategy<Value = BTreeMap<Key, Option<Bytes>>> {
        let value = proptest::option::of(vec(any::<u8>(), 0..100).prop_map(Bytes::from));
        proptest::collection::btree_map(a_key(), value, 0..30)
    }

    fn a_bound() -> impl Strategy<Value = Bound<Key>> {
        prop_oneof![
            Just(Bound::Unbounded),
            a_key().prop_map(Bound::Included),
            a_key().prop_map(Bound::Excluded),
        ]
    }

    proptest! {
        /// Whatever rows come after each other, removed ones among them, it is a map of the newest ones.
        #[test]
        fn it_is_an_ordered_map(
            rounds in vec(a_round(), 1..6),
            ranges in vec((a_bound(), a_bound()), 8),
            asked in vec(a_key(), 8),
        ) {
            let (mut model, mut pack) = (Model::new(), Pack::default());
            for (number, round) in rounds.into_iter().enumerate() {
                let revision = Revision(1 << (7 * number));
                let mut rows = round.iter().map(|(key, value)| (&key[..], revision, value.as_deref()));
                pack = pack.with(&mut rows).unwrap();
                model.extend(round.into_iter().map(|(key, value)| (key, Slot { revision, value })));
            }
            for key in asked.iter().chain(model.keys()) {
                prop_assert_eq!(pack.get(key).unwrap(), model.get(key).cloned());
            }
            let all: Vec<_> = model.into_iter().collect();
            let twice: Vec<_> = all.iter().flat_map(|(key, slot)| {
                let older = Slot { revision: Revision(0), value: None };
                [(key.clone(), older), (key.clone(), slot.clone())]
            }).collect();
            for pack in [Arc::new(pack), Arc::new(Pack::of(&twice))] {
                for (start, end) in &ranges {
                    let range = KeyRange { start: start.clone(), end: end.clone() };
                    if range.is_void() {
                        continue;
                    }
                    let mut expected = all.clone();
                    expected.retain(|(key, _)| range.contains(key));
                    for reverse in [false, true] {
                        let found = Pack::range(Arc::clone(&pack), range.clone(), reverse);
                        prop_assert_eq!(&found.map(Result::unwrap).collect::<Vec<_>>(), &expected);
                        expected.reverse();
                    }
                }
            }
        }
    }

    /// Rows as the UID index has them take little more than what is different of them.
    #[test]
    fn it_is_dense() {
        const ROWS: usize = 10_000;
        let value = Bytes::from_static(b"0123456789abcdef.ics");
        let rows: Vec<_> = (0..ROWS)
            .map(|number| {
                let key = format!("the same for all of a home {number:08}");
                let slot = Slot {
                    revision: Revision(number as u64),
                    value: Some(value.clone()),
                };
                (Key::from(key), slot)
            })
            .collect();
        let per_row = Pack::of(&rows).octets() / ROWS;
        assert!(per_row < value.len() + 12, "{per_row} octets for each");
    }
}
