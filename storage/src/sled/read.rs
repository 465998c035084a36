//! Reading one version: its layers over its index.

use std::{cmp::Ordering, iter::Peekable, sync::Arc};

use ::sled::IVec;

use crate::{
    Revision,
    backend::{Entry, Expect, Key, KeyRange, Page, ReadError, ScanPage},
    resolve::State,
    sled::{
        index::Index,
        overlay::{Layer, Slot, Version},
    },
};

/// A version, with a growing layer of one's own before it where commits are being decided.
pub(super) struct View<'a> {
    pub(super) active: &'a Layer,
    pub(super) version: &'a Version,
}

impl<'a> View<'a> {
    /// What everybody sees.
    pub(super) fn of(version: &'a Version) -> View<'a> {
        View {
            active: &version.active,
            version,
        }
    }

    fn index(&self) -> Result<&'a Arc<Index>, ReadError> {
        let closed = || ReadError::Unavailable("the store is closed".to_owned());
        self.version.index.as_ref().ok_or_else(closed)
    }

    fn layers(&self) -> impl Iterator<Item = &'a Layer> {
        std::iter::once(self.active).chain(self.version.frozen.iter().map(Arc::as_ref))
    }

    /// The row of a key.
    pub(super) fn row(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        let index = self.index()?;
        match self.layers().find_map(|layer| layer.slots.get(key)) {
            Some(slot) => Ok(slot.value.clone().map(|value| Entry {
                value,
                revision: slot.revision,
            })),
            None => index.get(key),
        }
    }

    /// Fills a page.
    pub(super) fn page(&self, range: &KeyRange, page: Page) -> Result<ScanPage, ReadError> {
        let index = self.index()?;
        let mut filled = ScanPage {
            rows: Vec::new(),
            more: false,
        };
        let mut octets = 0;
        for found in self.found(range, page.reverse)? {
            let found = found?;
            octets += found.value_octets();
            let fits = filled.rows.is_empty() || octets <= page.octets;
            if filled.rows.len() == page.rows || !fits {
                filled.more = true;
                break;
            }
            filled.rows.push(found.into_row(index)?);
        }
        Ok(filled)
    }

    /// The rows of a range in order, those that were removed left out.
    fn found(
        &self,
        range: &KeyRange,
        reverse: bool,
    ) -> Result<impl Iterator<Item = Result<Found<'a>, ReadError>>, ReadError> {
        let mut sources: Vec<Source<'a>> = Vec::new();
        if !range.is_void() {
            for layer in self.layers().filter(|layer| !layer.slots.is_empty()) {
                sources.push(slots(layer, range, reverse).peekable());
            }
            let rows = self
                .index()?
                .range(range, reverse)
                .map(|row| row.map(|(key, row)| Found::Row(key, row)));
            let rows: Box<dyn Iterator<Item = Result<Found<'a>, ReadError>> + 'a> = Box::new(rows);
            sources.push(rows.peekable());
        }
        Ok(Merged { sources, reverse }
            .filter(|found| !matches!(found, Ok(Found::Slot(_, Slot { value: None, .. })))))
    }
}

impl State for View<'_> {
    fn get(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        self.row(key)
    }

    fn keys(&self, range: &KeyRange, rows: usize) -> Result<Vec<Key>, ReadError> {
        self.found(range, false)?
            .take(rows)
            .map(|found| Ok(found?.into_key()))
            .collect()
    }

    /// What was written since the revision is still in the layers, unless some of it was moved already.
    fn is_unchanged_since(&self, expect: &Expect, revision: Revision) -> bool {
        let is_old = |slot: &Slot| slot.revision <= revision;
        let mut layers = self
            .layers()
            .take_while(|layer| layer.last.revision > revision);
        revision >= self.version.moved
            && layers.all(|layer| match expect {
                Expect::Absent(key) | Expect::Revision(key, _) => {
                    layer.slots.get(key).is_none_or(is_old)
                }
                Expect::RangeEmpty(range) => {
                    range.is_void()
                        || layer
                            .slots
                            .range::<Key, _>((range.start.clone(), range.end.clone()))
                            .all(|(_, slot)| is_old(slot))
                }
            })
    }
}

/// A row of one of the sources.
enum Found<'a> {
    Slot(&'a Key, &'a Slot),
    Row(IVec, IVec),
}

type Source<'a> = Peekable<Box<dyn Iterator<Item = Result<Found<'a>, ReadError>> + 'a>>;

/// What sled keeps before a value.
const ROW_HEADER_OCTETS: usize = super::row::HEADER_OCTETS;

impl Found<'_> {
    fn key(&self) -> &[u8] {
        match self {
            Found::Slot(key, _) => key,
            Found::Row(key, _) => key,
        }
    }

    fn into_key(self) -> Key {
        match self {
            Found::Slot(key, _) => key.clone(),
            Found::Row(key, _) => Key::copy_from_slice(&key),
        }
    }

    fn value_octets(&self) -> usize {
        match self {
            Found::Slot(_, slot) => slot.value.as_ref().map_or(0, |value| value.len()),
            Found::Row(_, row) => row.len().saturating_sub(ROW_HEADER_OCTETS),
        }
    }

    fn into_row(self, index: &Index) -> Result<(Key, Entry), ReadError> {
        match self {
            Found::Slot(key, slot) => {
                let value = slot.value.clone().unwrap_or_default();
                Ok((
                    key.clone(),
                    Entry {
                        value,
                        revision: slot.revision,
                    },
                ))
            }
            Found::Row(key, row) => Ok((Key::copy_from_slice(&key), index.read_row(&key, &row)?)),
        }
    }
}

fn slots<'a>(
    layer: &'a Layer,
    range: &KeyRange,
    reverse: bool,
) -> Box<dyn Iterator<Item = Result<Found<'a>, ReadError>> + 'a> {
    let bounds = (range.start.clone(), range.end.clone());
    let slots = layer.slots.range::<Key, _>(bounds);
    let found = |(key, slot)| Ok(Found::Slot(key, slot));
    if reverse {
        Box::new(slots.rev().map(found))
    } else {
        Box::new(slots.map(found))
    }
}

/// Merges sorted sources; of several rows with one key the one of the first source counts.
struct Merged<'a> {
    sources: Vec<Source<'a>>,
    reverse: bool,
}

impl<'a> Iterator for Merged<'a> {
    type Item = Result<Found<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.nearest()?;
        let found = self.sources[next].next()?;
        if let Ok(found) = &found {
            for source in &mut self.sources[next + 1..] {
                source.next_if(|other| matches!(other, Ok(other) if other.key() == found.key()));
            }
        }
        Some(found)
    }
}

impl Merged<'_> {
    /// The first source whose next row comes first (or is an error).
    fn nearest(&mut self) -> Option<usize> {
        let mut nearest: Option<usize> = None;
        for index in 0..self.sources.len() {
            let (before, rest) = self.sources.split_at_mut(index);
            let Some(head) = rest[0].peek() else { continue };
            let Ok(head) = head else { return Some(index) };
            let best = nearest.and_then(|best| before[best].peek());
            let Some(Ok(best)) = best else {
                nearest = Some(index);
                continue;
            };
            let comes_first = if self.reverse {
                Ordering::Greater
            } else {
                Ordering::Less
            };
            if head.key().cmp(best.key()) == comes_first {
                nearest = Some(index);
            }
        }
        nearest
    }
}
