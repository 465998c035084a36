//! A layer of the overlay: what commits made of rows, newest first, so that each reader finds in it the
//! moment that he reads, while the committer adds later ones.

use std::{
    collections::{BTreeMap, btree_map::Entry as MapEntry},
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use bytes::Bytes;

use crate::{
    Revision,
    backend::{Committed, Entry, Key, KeyRange},
    resolve::Effects,
};

/// Memory of one slot beside its key's and value's octets, roughly.
const SLOT_OCTETS: usize = 120;
/// So many slots are taken out of a layer at once where a range is read, so that nobody holds it for long.
const CHUNK: usize = 64;

/// What a commit made of a row; no value where it was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) revision: Revision,
    pub(super) value: Option<Bytes>,
}

impl Slot {
    /// The row, if there is one.
    pub(super) fn into_entry(self) -> Option<Entry> {
        let revision = self.revision;
        self.value.map(|value| Entry { value, revision })
    }
}

/// A key, the commit that wrote its row, and the row; no value where it was removed.
pub(super) type Row<'r> = (&'r [u8], Revision, Option<&'r [u8]>);

/// A row's slots.
struct Slots {
    newest: Slot,
    /// Those before it, oldest first.
    older: Vec<Slot>,
}

impl Slots {
    /// What the row was at a moment; `None` where this layer does not say.
    fn at(&self, moment: Revision) -> Option<&Slot> {
        if self.newest.revision <= moment {
            return Some(&self.newest);
        }
        let before = self
            .older
            .partition_point(|slot| slot.revision <= moment)
            .checked_sub(1)?;
        self.older.get(before)
    }
}

/// Rows of several commits. Commits are added in their order, until the layer is full.
#[derive(Default)]
pub(super) struct Layer {
    rows: RwLock<Rows>,
}

#[derive(Default)]
struct Rows {
    slots: BTreeMap<Key, Slots>,
    octets: usize,
}

/// The commits of one group, as long as nobody else may see them.
#[derive(Default)]
pub(super) struct Pending {
    slots: BTreeMap<Key, Slot>,
    /// What was overwritten within the group: nobody will ever see it.
    octets: usize,
}

impl Pending {
    /// Adds a commit.
    pub(super) fn push(&mut self, effects: Effects, committed: Committed) {
        let slots = effects.into_iter().map(|(key, value)| {
            let slot = Slot {
                revision: committed.revision,
                value,
            };
            (key, slot)
        });
        if !self.slots.is_empty() {
            slots.for_each(|(key, slot)| self.put(key, slot));
            return;
        }
        // What comes in order makes a map sooner than row by row.
        self.slots = slots
            .inspect(|(key, slot)| self.octets += octets_of(key, slot))
            .collect();
    }

    /// Adds a row.
    pub(super) fn put(&mut self, key: Key, slot: Slot) {
        // A row written twice is counted twice: the bound is on the safe side.
        self.octets += octets_of(&key, &slot);
        self.slots.insert(key, slot);
    }

    /// Whether the group has changed nothing so far.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What the group made of a row.
    pub(super) fn get(&self, key: &Key) -> Option<&Slot> {
        self.slots.get(key)
    }

    /// What it made of the rows of a range that is not void.
    pub(super) fn range<'p>(
        &'p self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'p Key, &'p Slot)> + use<'p> {
        self.slots
            .range::<Key, _>((range.start.as_ref(), range.end.as_ref()))
    }
}

fn octets_of(key: &Key, slot: &Slot) -> usize {
    key.len() + slot.value.as_ref().map_or(0, Bytes::len) + SLOT_OCTETS
}

impl Layer {
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a group. Nobody sees it who reads an earlier moment.
    pub(super) fn add(&self, pending: Pending) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.octets += pending.octets;
        for (key, slot) in pending.slots {
            match rows.slots.entry(key) {
                MapEntry::Occupied(slots) => {
                    let slots = slots.into_mut();
                    let former = std::mem::replace(&mut slots.newest, slot);
                    slots.older.push(former);
                }
                MapEntry::Vacant(place) => {
                    place.insert(Slots {
                        newest: slot,
                        older: Vec::new(),
                    });
                }
            }
        }
    }

    /// What a row was at a moment; `None` where this layer does not say.
    pub(super) fn get(&self, key: &Key, moment: Revision) -> Option<Slot> {
        self.read().slots.get(key)?.at(moment).cloned()
    }

    /// Whether anything that lies in a range was written after a moment.
    pub(super) fn is_written_after(&self, range: &KeyRange, moment: Revision) -> bool {
        if range.is_void() {
            return false;
        }
        let bounds = (range.start.as_ref(), range.end.as_ref());
        self.read()
            .slots
            .range::<Key, _>(bounds)
            .any(|(_, slots)| slots.newest.revision > moment)
    }

    /// Whether a row was written after a moment.
    pub(super) fn is_row_written_after(&self, key: &Key, moment: Revision) -> bool {
        let newest = self
            .read()
            .slots
            .get(key)
            .map(|slots| slots.newest.revision);
        newest.is_some_and(|newest| newest > moment)
    }

    /// The rows of a range that is not void at a moment, in the order asked for, those that were removed
    /// among them.
    pub(super) fn range(
        &self,
        range: KeyRange,
        moment: Revision,
        reverse: bool,
    ) -> impl Iterator<Item = (Key, Slot)> {
        in_chunks(range, move |range| self.chunk(range, moment, reverse))
    }

    /// The same, holding the layer.
    pub(super) fn held_range(
        layer: Arc<Layer>,
        range: KeyRange,
        moment: Revision,
        reverse: bool,
    ) -> impl Iterator<Item = (Key, Slot)> + use<> {
        in_chunks(range, move |range| layer.chunk(range, moment, reverse))
    }

    /// The first rows of a range, and what is left of it.
    fn chunk(
        &self,
        range: &KeyRange,
        moment: Revision,
        reverse: bool,
    ) -> (Vec<(Key, Slot)>, Option<KeyRange>) {
        let rows = self.read();
        let mut slots = rows
            .slots
            .range::<Key, _>((range.start.as_ref(), range.end.as_ref()));
        let mut found = Vec::new();
        for _ in 0..CHUNK {
            let next = match reverse {
                true => slots.next_back(),
                false => slots.next(),
            };
            let Some((key, slots)) = next else {
                return (found, None);
            };
            if let Some(slot) = slots.at(moment) {
                found.push((key.clone(), slot.clone()));
            }
        }
        let next = match reverse {
            true => slots.next_back(),
            false => slots.next(),
        };
        let rest = next.map(|(key, _)| match reverse {
            true => KeyRange {
                start: range.start.clone(),
                end: Bound::Included(key.clone()),
            },
            false => KeyRange {
                start: Bound::Included(key.clone()),
                end: range.end.clone(),
            },
        });
        (found, rest)
    }

    /// Hands all rows as they are at last to `take`, in the order of keys.
    pub(super) fn with_newest<T>(
        &self,
        take: impl for<'r> FnOnce(&mut (dyn Iterator<Item = Row<'r>> + 'r)) -> T,
    ) -> T {
        let rows = self.read();
        let mut newest = rows.slots.iter().map(|(key, slots)| {
            let Slot { revision, value } = &slots.newest;
            (&key[..], *revision, value.as_deref())
        });
        take(&mut newest)
    }

    /// Whether nothing was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.read().slots.is_empty()
    }

    /// Memory it takes, roughly.
    pub(super) fn octets(&self) -> usize {
        self.read().octets
    }
}

/// All rows of a range, of which `chunk` gives the first ones and what is left.
fn in_chunks(
    mut range: KeyRange,
    chunk: impl Fn(&KeyRange) -> (Vec<(Key, Slot)>, Option<KeyRange>),
) -> impl Iterator<Item = (Key, Slot)> {
    let mut rows = Vec::new().into_iter();
    let mut is_last = false;
    std::iter::from_fn(move || {
        loop {
            if let Some(row) = rows.next() {
                return Some(row);
            }
            if is_last {
                return None;
            }
            let (found, next) = chunk(&range);
            match next {
                Some(next) => range = next,
                None => is_last = true,
            }
            rows = found.into_iter();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn key(number: usize) -> Key {
        Bytes::from(format!("{number:04}"))
    }

    fn add(layer: &Layer, revision: u64, rows: &[(usize, Option<&'static str>)]) {
        let mut pending = Pending::default();
        let effects = rows.iter().map(|(number, value)| {
            (
                key(*number),
                value.map(|it| Bytes::from_static(it.as_bytes())),
            )
        });
        let committed = Committed {
            revision: Revision(revision),
            time: Timestamp(0),
        };
        pending.push(effects.collect(), committed);
        layer.add(pending);
    }

    fn value(layer: &Layer, number: usize, moment: u64) -> Option<Option<Bytes>> {
        layer
            .get(&key(number), Revision(moment))
            .map(|slot| slot.value)
    }

    #[test]
    fn every_moment_stays_as_it_was() {
        let layer = Layer::default();
        add(&layer, 2, &[(1, Some("a"))]);
        add(&layer, 4, &[(1, Some("b")), (2, Some("x"))]);
        add(&layer, 5, &[(1, None)]);
        let seen: Vec<_> = (1..=6).map(|moment| value(&layer, 1, moment)).collect();
        let is = |text: &'static str| Some(Some(Bytes::from_static(text.as_bytes())));
        assert_eq!(
            seen,
            [None, is("a"), is("a"), is("b"), Some(None), Some(None)]
        );
        assert_eq!(value(&layer, 2, 3), None);
        assert!(layer.is_row_written_after(&key(1), Revision(4)));
        assert!(!layer.is_row_written_after(&key(2), Revision(4)));
        assert!(!layer.is_row_written_after(&key(3), Revision(0)));
        let range = KeyRange::prefix(key(2));
        assert!(layer.is_written_after(&range, Revision(3)));
        assert!(!layer.is_written_after(&range, Revision(4)));
    }

    /// However long a range is, and whatever is added while it is read.
    #[test]
    fn ranges_are_read_in_chunks() {
        let layer = Layer::default();
        for rows in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            for reverse in [false, true] {
                let layer = Layer::default();
                for number in 0..rows {
                    add(&layer, 1, &[(2 * number, Some("old"))]);
                }
                let mut read = layer.range(KeyRange::all(), Revision(1), reverse);
                let mut found: Vec<Key> = read.by_ref().take(1).map(|(key, _)| key).collect();
                for number in 0..rows {
                    add(
                        &layer,
                        2,
                        &[(2 * number, None), (2 * number + 1, Some("new"))],
                    );
                }
                for (key, slot) in read {
                    assert_eq!(slot.revision, Revision(1));
                    found.push(key);
                }
                let mut expected: Vec<Key> = (0..rows).map(|number| key(2 * number)).collect();
                if reverse {
                    expected.reverse();
                }
                assert_eq!(found, expected, "{rows} rows, reverse: {reverse}");
            }
        }
        assert!(layer.is_empty());
    }
}
