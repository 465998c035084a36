//! Small rows as they were last read from the index, so that what every request asks for (the state of
//! the directory, a password's row, the headers of collections) does not cost a walk through sled's
//! tree each time.
//!
//! This needs no versions: whoever reads a row from the index holds a version that no layer waits to
//! be moved under (see [`super::overlay`]), and the mover forgets the rows that it is about to
//! change while nobody can read them from the index.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use crate::backend::{Entry, Key};

/// Larger values are not kept.
const MAXIMUM_OCTETS: usize = 512;
/// When there are so many, all are forgotten.
const MAXIMUM_ROWS: usize = 2048;

/// The rows. Bounded to about 2 MiB.
#[derive(Default)]
pub(super) struct SmallRows {
    rows: RwLock<BTreeMap<Key, Entry>>,
}

impl SmallRows {
    /// A row that is kept.
    pub(super) fn get(&self, key: &[u8]) -> Option<Entry> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(key).cloned()
    }

    /// Keeps a row, if it is small.
    pub(super) fn keep(&self, key: &[u8], entry: &Entry) {
        if entry.value.len() > MAXIMUM_OCTETS {
            return;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MAXIMUM_ROWS {
            rows.clear();
        }
        rows.insert(Key::copy_from_slice(key), entry.clone());
    }

    /// Forgets a row that is about to change.
    pub(super) fn forget(&self, key: &[u8]) {
        let is_kept = {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            rows.contains_key(key)
        };
        if is_kept {
            let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
            rows.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Revision;

    fn entry(octets: usize) -> Entry {
        Entry {
            value: Bytes::from(vec![7; octets]),
            revision: Revision(1),
        }
    }

    #[test]
    fn small_rows_are_kept_until_they_are_forgotten() {
        let rows = SmallRows::default();
        rows.keep(b"small", &entry(MAXIMUM_OCTETS));
        rows.keep(b"large", &entry(MAXIMUM_OCTETS + 1));
        assert_eq!(rows.get(b"small"), Some(entry(MAXIMUM_OCTETS)));
        assert_eq!(rows.get(b"large"), None);
        rows.forget(b"small");
        rows.forget(b"never kept");
        assert_eq!(rows.get(b"small"), None);
    }

    #[test]
    fn they_are_bounded() {
        let rows = SmallRows::default();
        for number in 0..3 * MAXIMUM_ROWS {
            rows.keep(&number.to_be_bytes(), &entry(1));
            let kept = rows.rows.read().unwrap_or_else(PoisonError::into_inner);
            assert!(kept.len() <= MAXIMUM_ROWS);
        }
    }
}
