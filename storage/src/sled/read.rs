//! Reading one version: its layers over its index.

use std::{cmp::Ordering, iter::Peekable, sync::Arc};

use crate::{
    Revision,
    backend::{Entry, Expect, Key, KeyRange, Page, ReadError, ScanPage},
    resolve::State,
    sled::{
        index::{Index, LoneRow, Row},
        layer::{Layer, Pending, Slot},
        overlay::Version,
    },
};

/// A version, and the commits upon it that are being decided.
pub(super) struct View<'a> {
    version: &'a Version,
    pending: Option<&'a Pending>,
}

impl<'a> View<'a> {
    /// What everybody sees.
    pub(super) fn of(version: &'a Version) -> View<'a> {
        View {
            version,
            pending: None,
        }
    }

    /// What the committer decides upon.
    pub(super) fn with(version: &'a Version, pending: &'a Pending) -> View<'a> {
        View {
            version,
            pending: Some(pending),
        }
    }

    fn index(&self) -> Result<&'a Arc<Index>, ReadError> {
        let closed = || {
            ReadError::Unavailable(
                "the store is closed, or its index is being opened again".to_owned(),
            )
        };
        self.version.index.as_ref().ok_or_else(closed)
    }

    /// What the layers say of a row.
    fn slot(&self, key: &Key) -> Option<Slot> {
        if let Some(slot) = self.pending.and_then(|pending| pending.get(key)) {
            return Some(slot.clone());
        }
        let moment = self.version.last.revision;
        self.version
            .layers()
            .find_map(|layer| layer.get(key, moment))
    }

    /// The row of a key.
    pub(super) fn row(&self, key: &Key) -> Result<Option<Entry>, ReadError> {
        let index = self.index()?;
        match self.slot(key) {
            Some(slot) => Ok(slot.into_entry()),
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
    ) -> Result<impl Iterator<Item = Result<Found, ReadError>>, ReadError> {
        let mut sources: Vec<Source<'a>> = Vec::new();
        if !range.is_void() {
            sources.extend(
                self.pending
                    .map(|pending| pending_rows(pending, range, reverse)),
            );
            let moment = self.version.last.revision;
            for layer in self.version.layers().filter(|layer| !layer.is_empty()) {
                let rows = layer.range(range.clone(), moment, reverse);
                sources.push(boxed(rows.map(|(key, slot)| Ok(Found::Slot(key, slot)))));
            }
            for rows in self.index()?.range(range, reverse) {
                sources.push(boxed(rows.map(|row| row.map(Found::of))));
            }
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
        let is_written_after = |layer: &Layer| match expect {
            Expect::Absent(key) | Expect::Revision(key, _) => {
                layer.is_row_written_after(key, revision)
            }
            Expect::RangeEmpty(range) => layer.is_written_after(range, revision),
        };
        let is_pending = |pending: &Pending| match expect {
            Expect::Absent(key) | Expect::Revision(key, _) => pending.get(key).is_some(),
            Expect::RangeEmpty(range) => !range.is_void() && pending.range(range).next().is_some(),
        };
        // Nothing at all was, where nobody came in between.
        let is_newest = revision >= self.version.last.revision;
        if is_newest && self.pending.is_none_or(Pending::is_empty) {
            return true;
        }
        revision >= self.version.moved
            && !self.pending.is_some_and(is_pending)
            && !self.version.layers().any(is_written_after)
    }
}

/// A row of one of the sources.
enum Found {
    Slot(Key, Slot),
    Row(LoneRow),
}

type Source<'a> = Peekable<Box<dyn Iterator<Item = Result<Found, ReadError>> + 'a>>;

fn boxed<'a>(rows: impl Iterator<Item = Result<Found, ReadError>> + 'a) -> Source<'a> {
    let rows: Box<dyn Iterator<Item = Result<Found, ReadError>> + 'a> = Box::new(rows);
    rows.peekable()
}

impl Found {
    fn of(row: Row) -> Found {
        match row {
            Row::Packed(key, slot) => Found::Slot(key, slot),
            Row::Lone(row) => Found::Row(row),
        }
    }

    fn key(&self) -> &[u8] {
        match self {
            Found::Slot(key, _) => key,
            Found::Row(row) => row.key(),
        }
    }

    fn into_key(self) -> Key {
        match self {
            Found::Slot(key, _) => key,
            Found::Row(row) => Key::copy_from_slice(row.key()),
        }
    }

    fn value_octets(&self) -> usize {
        match self {
            Found::Slot(_, slot) => slot.value.as_ref().map_or(0, |value| value.len()),
            Found::Row(row) => row.value_octets(),
        }
    }

    fn into_row(self, index: &Index) -> Result<(Key, Entry), ReadError> {
        match self {
            Found::Slot(key, slot) => {
                let value = slot.value.unwrap_or_default();
                let revision = slot.revision;
                Ok((key, Entry { value, revision }))
            }
            Found::Row(row) => {
                let entry = index.read_row(&row)?;
                Ok((Key::copy_from_slice(row.key()), entry))
            }
        }
    }
}

fn pending_rows<'a>(pending: &'a Pending, range: &KeyRange, reverse: bool) -> Source<'a> {
    let rows = pending.range(range);
    let found = |(key, slot): (&Key, &Slot)| Ok(Found::Slot(key.clone(), slot.clone()));
    match reverse {
        true => boxed(rows.rev().map(found)),
        false => boxed(rows.map(found)),
    }
}

/// Merges sorted sources; of several rows with one key the one of the first source counts.
struct Merged<'a> {
    sources: Vec<Source<'a>>,
    reverse: bool,
}

impl Iterator for Merged<'_> {
    type Item = Result<Found, ReadError>;

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
