//! What was seen of the tree.
//!
//! Nothing in here is believed by itself: it is compared with rows of the present read, or the backend
//! knows that no header was written since it was seen. (Whatever binds or unbinds a collection writes its
//! header in the same commit, so that this holds of the bindings too.) So it is right on several nodes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::record;
use crate::{
    Revision, Stored,
    backend::{Entry, ReadError},
    model::{Collection, CollectionId},
};

/// How many bindings are remembered before the cache begins anew.
const BINDINGS: usize = 16 * 1024;
/// How many octets of headers (as stored) are remembered before the cache begins anew.
const HEADER_OCTETS: usize = 2 * 1024 * 1024;

/// Bindings and headers that were seen.
#[derive(Default)]
pub(super) struct TreeCache {
    contents: RwLock<Contents>,
}

#[derive(Default)]
struct Contents {
    bindings: HashMap<CollectionId, HashMap<String, Seen<CollectionId>>>,
    binding_count: usize,
    headers: HashMap<CollectionId, Seen<Arc<Stored<Collection>>>>,
    header_octets: usize,
}

/// Something with the revision until which it is known to have been so.
struct Seen<T> {
    value: T,
    through: Revision,
}

impl<T> Seen<T> {
    fn new(value: T) -> Seen<T> {
        Seen {
            value,
            through: Revision(0),
        }
    }
}

/// Collections as they were seen, from a home down.
pub(super) struct Chain {
    pub collections: Vec<Arc<Stored<Collection>>>,
    /// All of it was so when this revision was readable.
    pub through: Revision,
}

impl TreeCache {
    /// Which collection a binding probably leads to.
    pub fn hint(&self, parent: CollectionId, name: &str) -> Option<CollectionId> {
        let contents = self.read();
        Some(contents.bindings.get(&parent)?.get(name)?.value)
    }

    /// The collections along these names, as far as they were seen; `None` where not even the home was.
    pub fn chain(&self, home: CollectionId, names: &[String]) -> Option<Chain> {
        let contents = self.read();
        let home = contents.headers.get(&home)?;
        let mut chain = Chain {
            collections: Vec::with_capacity(names.len() + 1),
            through: home.through,
        };
        chain.collections.push(Arc::clone(&home.value));
        let mut parent = home.value.id;
        for name in names {
            let Some(binding) = contents
                .bindings
                .get(&parent)
                .and_then(|names| names.get(name))
            else {
                break;
            };
            let Some(header) = contents.headers.get(&binding.value) else {
                break;
            };
            chain.through = chain.through.min(binding.through).min(header.through);
            chain.collections.push(Arc::clone(&header.value));
            parent = binding.value;
        }
        Some(chain)
    }

    /// Remembers where a binding leads.
    pub fn learn(&self, parent: CollectionId, name: &str, child: CollectionId) {
        let mut contents = self.write();
        if contents.binding_count >= BINDINGS {
            contents.bindings.clear();
            contents.binding_count = 0;
        }
        contents.binding_count += 1;
        contents
            .bindings
            .entry(parent)
            .or_default()
            .insert(name.to_owned(), Seen::new(child));
    }

    /// Notes that these collections, each bound by its name in the one before, were so when the revision
    /// `through` was readable.
    pub fn confirm(
        &self,
        collections: &[Arc<Stored<Collection>>],
        names: &[String],
        through: Revision,
    ) {
        let mut contents = self.write();
        for collection in collections {
            if let Some(seen) = contents.headers.get_mut(&collection.id)
                && seen.value.revision == collection.revision
            {
                seen.through = seen.through.max(through);
            }
        }
        for (pair, name) in collections.windows(2).zip(names) {
            if let Some(seen) = contents
                .bindings
                .get_mut(&pair[0].id)
                .and_then(|names| names.get_mut(name))
                && seen.value == pair[1].id
            {
                seen.through = seen.through.max(through);
            }
        }
    }

    /// The header in this row, decoded only if this revision of it was not seen before.
    pub fn header(
        &self,
        id: CollectionId,
        entry: &Entry,
    ) -> Result<Arc<Stored<Collection>>, ReadError> {
        let seen = self
            .read()
            .headers
            .get(&id)
            .map(|seen| Arc::clone(&seen.value));
        if let Some(header) = seen.filter(|header| header.revision == entry.revision) {
            return Ok(header);
        }
        let header: Arc<Stored<Collection>> = Arc::new(record::stored(entry, "collection")?);
        let mut contents = self.write();
        if contents.header_octets >= HEADER_OCTETS {
            contents.headers.clear();
            contents.header_octets = 0;
        }
        contents.header_octets += entry.value.len();
        contents.headers.insert(id, Seen::new(Arc::clone(&header)));
        Ok(header)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Contents> {
        self.contents
            .write()
            .unwrap_or_else(PoisonError::into_inner)
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
            access: None,
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

    /// What is in the cache counts as known only as far as it was confirmed in exactly that state.
    #[test]
    fn what_was_seen_is_confirmed_as_it_was_seen() {
        let cache = TreeCache::default();
        let row = |revision| Entry {
            value: record::encode(&header(1)),
            revision: Revision(revision),
        };
        let (home, child) = (CollectionId(1), CollectionId(2));
        let names = ["a".to_owned(), "b".to_owned()];
        let known = |names: &[String]| {
            let chain = cache.chain(home, names);
            chain.map(|chain| (chain.collections.len(), chain.through.0))
        };
        assert_eq!(known(&names), None);
        let top = cache.header(home, &row(1)).unwrap();
        let mut below = Stored::clone(&top);
        below.value.id = child;
        let below_row = Entry {
            value: record::encode(&below.value),
            revision: Revision(1),
        };
        let below = cache.header(child, &below_row).unwrap();
        cache.learn(home, "a", child);
        assert_eq!(known(&names), Some((2, 0)), "nothing is confirmed yet");
        cache.confirm(&[Arc::clone(&top), Arc::clone(&below)], &names, Revision(5));
        assert_eq!(known(&names), Some((2, 5)));
        assert_eq!(known(&[]), Some((1, 5)));
        cache.confirm(&[Arc::clone(&top)], &[], Revision(7));
        assert_eq!(known(&[]), Some((1, 7)));
        assert_eq!(known(&names), Some((2, 5)), "the oldest word counts");
        // another state of the home was seen meanwhile: the former one confirms nothing
        cache.header(home, &row(6)).unwrap();
        cache.confirm(&[Arc::clone(&top), below], &names, Revision(9));
        assert_eq!(known(&[]), Some((1, 0)));
        // and where a name leads elsewhere, its former meaning is not confirmed
        cache.learn(home, "a", home);
        cache.confirm(&[top], &names, Revision(9));
        assert_eq!(known(&names), Some((2, 0)));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = TreeCache::default();
        for number in 0..2 * BINDINGS as u64 {
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
        let contents = cache.read();
        let bindings: usize = contents.bindings.values().map(HashMap::len).sum();
        assert!(bindings <= BINDINGS && bindings > 0, "{bindings}");
        let octets: usize = contents.headers.len() * large.len();
        assert!(
            octets <= HEADER_OCTETS + large.len() && octets > 0,
            "{octets}"
        );
    }
}
