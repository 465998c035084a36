//! What was seen of the tree. Nothing in here is believed without a row of the present read, so it is
//! right on several nodes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::record;
use crate::{
    Stored,
    backend::{Entry, ReadError},
    model::{Collection, CollectionId},
};

/// How many bindings are remembered before the cache begins anew.
const HINTS: usize = 16 * 1024;
/// How many octets of headers (as stored) are remembered before the cache begins anew.
const HEADER_OCTETS: usize = 2 * 1024 * 1024;

/// Which collection a binding probably leads to. Always compared with the binding's row.
#[derive(Default)]
pub(super) struct Hints(HashMap<CollectionId, HashMap<String, CollectionId>>);

impl Hints {
    pub fn get(&self, parent: CollectionId, name: &str) -> Option<CollectionId> {
        self.0.get(&parent)?.get(name).copied()
    }

    pub fn put(&mut self, parent: CollectionId, name: &str, child: CollectionId) {
        self.0
            .entry(parent)
            .or_default()
            .insert(name.to_owned(), child);
    }
}

/// Bindings and headers that were seen.
#[derive(Default)]
pub(super) struct TreeCache {
    seen: RwLock<Seen>,
}

#[derive(Default)]
struct Seen {
    hints: Hints,
    hint_count: usize,
    header_octets: usize,
    headers: HashMap<CollectionId, Arc<Stored<Collection>>>,
}

impl TreeCache {
    pub fn hint(&self, parent: CollectionId, name: &str) -> Option<CollectionId> {
        self.seen
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .hints
            .get(parent, name)
    }

    pub fn learn(&self, parent: CollectionId, name: &str, child: CollectionId) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.hint_count >= HINTS {
            seen.hints = Hints::default();
            seen.hint_count = 0;
        }
        seen.hint_count += 1;
        seen.hints.put(parent, name, child);
    }

    /// The header in this row, decoded only if this revision of it was not seen before.
    pub fn header(
        &self,
        id: CollectionId,
        entry: &Entry,
    ) -> Result<Arc<Stored<Collection>>, ReadError> {
        let seen = self
            .seen
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .headers
            .get(&id)
            .cloned();
        if let Some(header) = seen.filter(|header| header.revision == entry.revision) {
            return Ok(header);
        }
        let header: Arc<Stored<Collection>> = Arc::new(record::stored(entry, "collection")?);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.header_octets >= HEADER_OCTETS {
            seen.headers.clear();
            seen.header_octets = 0;
        }
        seen.header_octets += entry.value.len();
        seen.headers.insert(id, Arc::clone(&header));
        Ok(header)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        Revision, Timestamp,
        model::{CollectionKind, PrincipalId, Properties},
    };

    fn header(property_octets: usize) -> Collection {
        let value = Bytes::from(vec![0; property_octets]);
        Collection {
            id: CollectionId(1),
            kind: CollectionKind::Home,
            owner: PrincipalId(1),
            home: CollectionId(1),
            parent: None,
            name: String::new(),
            created: Timestamp(0),
            components: Vec::new(),
            properties: Properties::from([("{urn:x}y".to_owned(), value)]),
            access: Vec::new(),
        }
    }

    #[test]
    fn a_header_is_believed_only_at_its_revision() {
        let cache = TreeCache::default();
        let (old, new) = (record::encode(&header(1)), record::encode(&header(2)));
        let read = |value: &Bytes, revision| {
            let entry = Entry {
                value: value.clone(),
                revision: Revision(revision),
            };
            cache.header(CollectionId(1), &entry).unwrap()
        };
        let first = read(&old, 1);
        assert!(Arc::ptr_eq(&first, &read(&old, 1)));
        assert_eq!(read(&new, 2).value, header(2));
        assert_eq!(read(&old, 1).value, header(1));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = TreeCache::default();
        for number in 0..2 * HINTS as u64 {
            cache.learn(
                CollectionId(number % 7),
                &number.to_string(),
                CollectionId(number),
            );
        }
        let large = record::encode(&header(16 * 1024));
        for number in 0..1_000 {
            let entry = Entry {
                value: large.clone(),
                revision: Revision(1),
            };
            cache.header(CollectionId(number), &entry).unwrap();
        }
        let seen = cache.seen.read().unwrap();
        let hints: usize = seen.hints.0.values().map(HashMap::len).sum();
        assert!(hints <= HINTS && hints > 0, "{hints}");
        let octets: usize = seen.headers.len() * large.len();
        assert!(
            octets <= HEADER_OCTETS + large.len() && octets > 0,
            "{octets}"
        );
    }
}
