//! Small rows as they were last read from the index, so that what every request asks for (the headers of
//! collections, the locks of a home, which mostly has none) does not cost a walk through sled's tree each
//! time.
//!
//! This needs no versions: whoever reads a row from the index holds a version that no layer waits to
//! be moved under (see [`crate::sled::overlay`]), and the mover forgets the rows that it is about to
//! change while nobody can read them from the index.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use crate::backend::{Entry, Key};

/// Larger values are not kept.
const MAXIMUM_OCTETS: usize = 512;
/// That a row is missing is kept only for keys so short that they name one thing (a keyspace and a
/// number); most longer ones are asked for once, before they are written.
const MAXIMUM_KEY_OCTETS_OF_MISSING: usize = 9;
/// When there are so many, all are forgotten.
const MAXIMUM_ROWS: usize = 2048;

/// The rows. Bounded to about 2 MiB.
#[derive(Default)]
pub(super) struct SmallRows {
    rows: RwLock<BTreeMap<Key, Option<Entry>>>,
}

impl SmallRows {
    /// A row that is kept, or the knowledge that it is missing.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Entry>> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(key).cloned()
    }

    /// Keeps a row, if it is small, or that it is missing, if that is worth it.
    pub(super) fn keep(&self, key: &[u8], row: Option<&Entry>) {
        let is_worth_it = match row {
            Some(entry) => entry.value.len() <= MAXIMUM_OCTETS,
            None => key.len() <= MAXIMUM_KEY_OCTETS_OF_MISSING,
        };
        if !is_worth_it {
            return;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MAXIMUM_ROWS {
            rows.clear();
        }
        rows.insert(Key::copy_from_slice(key), row.cloned());
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
        rows.keep(b"small", Some(&entry(MAXIMUM_OCTETS)));
        rows.keep(b"large", Some(&entry(MAXIMUM_OCTETS + 1)));
        rows.keep(b"missing", None);
        rows.keep(b"missing, with a long key", None);
        assert_eq!(rows.get(b"small"), Some(Some(entry(MAXIMUM_OCTETS))));
        assert_eq!(rows.get(b"large"), None);
        assert_eq!(rows.get(b"missing"), Some(None));
        assert_eq!(rows.get(b"missing, with a long key"), None);
        for key in [&b"small"[..], b"missing", b"never kept"] {
            rows.forget(key);
            assert_eq!(rows.get(key), None);
        }
    }

    #[test]
    fn they_are_bounded() {
        let rows = SmallRows::default();
        for number in 0..3 * MAXIMUM_ROWS {
            rows.keep(&number.to_be_bytes(), Some(&entry(1)));
            let kept = rows.rows.read().unwrap_or_else(PoisonError::into_inner);
            assert!(kept.len() <= MAXIMUM_ROWS);
        }
    }
}
