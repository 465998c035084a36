//! From paths to collections and objects, and back.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{SCAN_OCTETS, Store, directory::Directory, keys, objects::object_of, record};
use crate::{
    ResourcePath, Revision, Stored,
    backend::{Entry, Key, KeyRange, Page, ReadError},
    model::{Collection, CollectionId, Member, Object, Principal},
};

/// What a path leads to, with every collection on the way, all of one moment.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// Whose home it is.
    pub owner: Arc<Principal>,
    /// Existing collections from the home down to the resource itself or its nearest existing
    /// ancestor; never empty.
    pub collections: Vec<Arc<Stored<Collection>>>,
    /// What is at the end.
    pub found: Found,
}

/// The end of a path.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // nearly every one is an object
pub enum Found {
    /// The last of `collections`.
    Collection,
    /// A member of the last of `collections`.
    Object(Stored<Object>),
    /// Not there, but its parent (the last of `collections`) is.
    Missing,
    /// Neither it nor its parent is there.
    ParentMissing,
}

impl Resolution {
    /// The home.
    pub fn home(&self) -> &Stored<Collection> {
        self.collections
            .first()
            .expect("a resolution begins with the home")
    }

    /// The collection itself, or the nearest existing one above the resource.
    pub fn collection(&self) -> &Stored<Collection> {
        self.collections
            .last()
            .expect("a resolution begins with the home")
    }
}

/// One member of a collection, as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The member.
    pub member: Stored<Member>,
}

/// The deepest tree: collections from a home down, bounded so that no walk is unbounded.
pub(super) const MAXIMUM_DEPTH: usize = 100;
/// How often a path is walked again because the tree changes meanwhile.
const SPARE_ROUNDS: usize = 16;
/// How many collections the cache knows before it begins anew.
const CACHE_ENTRIES: usize = 16 * 1024;

impl Store {
    /// What the path leads to; `None` where there is no such home. Costs one read where the
    /// collections on the way were seen before, and one more for each that was not.
    pub async fn resolve(&self, path: &ResourcePath) -> Result<Option<Resolution>, ReadError> {
        Ok(self
            .resolve_many(std::slice::from_ref(path))
            .await?
            .pop()
            .flatten())
    }

    /// Several paths of one moment (a multiget, the two ends of a COPY), in the order asked for.
    pub async fn resolve_many(
        &self,
        paths: &[ResourcePath],
    ) -> Result<Vec<Option<Resolution>>, ReadError> {
        let deepest = paths
            .iter()
            .map(|path| path.segments.len())
            .max()
            .unwrap_or(0)
            .min(MAXIMUM_DEPTH);
        let mut learned = Hints::default();
        for _ in 0..deepest + SPARE_ROUNDS {
            let directory = self.cached_directory();
            let mut plan = Plan::new();
            let routes: Vec<_> = paths
                .iter()
                .map(|path| self.plan(path, &directory, &learned, &mut plan))
                .collect();
            let entries = self.backend().get_many(&plan.keys).await?;
            let revision = entries
                .first()
                .and_then(Option::as_ref)
                .map_or(Revision(0), |row| row.revision);
            if directory.revision() < revision {
                self.directory_since(revision).await?;
                continue;
            }
            let walk = Walk {
                cache: &self.shared.tree,
                entries: &entries,
            };
            if let Some(found) = walk.all(paths, routes, &mut learned)? {
                return Ok(found);
            }
        }
        Err(ReadError::Unavailable(
            "the tree changes faster than it can be read".to_owned(),
        ))
    }

    /// Says which rows a walk along the path will need, as far as the hints reach.
    fn plan(
        &self,
        path: &ResourcePath,
        directory: &Directory,
        learned: &Hints,
        plan: &mut Plan,
    ) -> Option<Route> {
        let owner = directory.by_name(&path.owner_name)?;
        if owner.kind != path.owner_kind || path.segments.len() > MAXIMUM_DEPTH {
            return None;
        }
        let mut id = owner.home?;
        let mut steps = vec![Step {
            id,
            header: plan.want(keys::collection(id)),
            member: None,
        }];
        for name in &path.segments {
            if let Some(step) = steps.last_mut() {
                step.member = Some(plan.want(keys::member(id, name)));
            }
            match learned
                .get(id, name)
                .or_else(|| self.shared.tree.hint(id, name))
            {
                Some(child) => id = child,
                None => break,
            }
            steps.push(Step {
                id,
                header: plan.want(keys::collection(id)),
                member: None,
            });
        }
        Some(Route {
            owner: Arc::clone(&owner.value),
            steps,
        })
    }

    /// The collection's header; also that of a detached one.
    pub async fn collection(
        &self,
        id: CollectionId,
    ) -> Result<Option<Stored<Collection>>, ReadError> {
        Ok(self.collections(&[id]).await?.pop().flatten())
    }

    /// Several collections' headers of one moment, in the order asked for.
    pub async fn collections(
        &self,
        ids: &[CollectionId],
    ) -> Result<Vec<Option<Stored<Collection>>>, ReadError> {
        let keys: Vec<_> = ids.iter().map(|id| keys::collection(*id)).collect();
        let header = |entry: Option<Entry>| {
            entry
                .map(|entry| record::stored(&entry, "collection"))
                .transpose()
        };
        self.backend()
            .get_many(&keys)
            .await?
            .into_iter()
            .map(header)
            .collect()
    }

    /// Where the collection stands now; `None` where it cannot be reached any more.
    pub async fn path_of(
        &self,
        collection: &Collection,
    ) -> Result<Option<ResourcePath>, ReadError> {
        let Some(owner) = self.principal(collection.owner).await? else {
            return Ok(None);
        };
        let mut segments = Vec::new();
        let mut next = collection.clone();
        for _ in 0..MAXIMUM_DEPTH {
            let parent = match next.parent {
                None => {
                    segments.reverse();
                    return Ok(Some(ResourcePath {
                        owner_kind: owner.kind,
                        owner_name: owner.name.clone(),
                        segments,
                    }));
                }
                Some(_) if next.is_detached() => return Ok(None),
                Some(parent) => parent,
            };
            segments.push(next.name);
            match self.collection(parent).await? {
                Some(parent) => next = parent.value,
                None => return Ok(None),
            }
        }
        Err(record::corrupt("collection", "its tree is too deep"))
    }

    /// Which of these collections exist and hang, through others or directly, on the home.
    pub(super) async fn are_reachable(
        &self,
        home: CollectionId,
        ids: &[CollectionId],
    ) -> Result<Vec<bool>, ReadError> {
        let mut reachable = vec![false; ids.len()];
        let mut climbing: Vec<(usize, CollectionId)> = ids.iter().copied().enumerate().collect();
        for _ in 0..=MAXIMUM_DEPTH {
            // The home is read with the others, so that the usual case is one read of one moment.
            let mut wanted: Vec<_> = climbing.iter().map(|(_, id)| *id).collect();
            wanted.push(home);
            let mut headers = self.collections(&wanted).await?;
            if headers
                .pop()
                .flatten()
                .is_none_or(|home| home.is_detached())
            {
                return Ok(vec![false; ids.len()]);
            }
            let mut higher = Vec::new();
            for ((place, _), header) in climbing.into_iter().zip(headers) {
                match header {
                    None => {}
                    Some(header) if header.is_detached() => {}
                    Some(header) if header.id == home || header.parent == Some(home) => {
                        reachable[place] = true
                    }
                    Some(header) => higher.extend(header.parent.map(|parent| (place, parent))),
                }
            }
            if higher.is_empty() {
                return Ok(reachable);
            }
            climbing = higher;
        }
        Err(record::corrupt("collection", "its tree is too deep"))
    }

    /// A page of members in the order of their names (octet by octet), behind `after`, at most `rows`
    /// and fewer where they are large; and whether there are more.
    pub async fn members(
        &self,
        id: CollectionId,
        after: Option<&str>,
        rows: usize,
    ) -> Result<(Vec<Listed>, bool), ReadError> {
        let range = KeyRange::prefix(keys::members(id));
        let range = match after {
            Some(name) => range.beyond(&keys::member(id, name), false),
            None => range,
        };
        let page = self
            .backend()
            .scan(
                range,
                Page {
                    rows,
                    octets: SCAN_OCTETS,
                    reverse: false,
                },
            )
            .await?;
        let listed = |(key, entry): &(Key, Entry)| {
            let name = keys::member_name(key)
                .ok_or_else(|| record::corrupt("member", "its name is not UTF-8"))?;
            Ok(Listed {
                name: name.to_owned(),
                member: record::decode_member(entry)?,
            })
        };
        let members = page
            .rows
            .iter()
            .map(listed)
            .collect::<Result<_, ReadError>>()?;
        Ok((members, page.more))
    }
}

/// The rows that are read together. The first is always the directory's.
struct Plan {
    keys: Vec<Key>,
    places: HashMap<Key, usize>,
}

impl Plan {
    fn new() -> Plan {
        let mut plan = Plan {
            keys: Vec::new(),
            places: HashMap::new(),
        };
        plan.want(keys::directory());
        plan
    }

    /// The place of this row among the answers.
    fn want(&mut self, key: Key) -> usize {
        *self.places.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            self.keys.len() - 1
        })
    }
}

/// The way that a path is presumed to take.
struct Route {
    owner: Arc<Principal>,
    steps: Vec<Step>,
}

/// One collection on the way: where its header and the next member are among the answers.
struct Step {
    id: CollectionId,
    header: usize,
    member: Option<usize>,
}

/// Follows routes through rows of one moment.
struct Walk<'a> {
    cache: &'a TreeCache,
    entries: &'a [Option<Entry>],
}

impl Walk<'_> {
    /// All paths; `None` where rows are missing that the hints, now better, will ask for.
    fn all(
        &self,
        paths: &[ResourcePath],
        routes: Vec<Option<Route>>,
        learned: &mut Hints,
    ) -> Result<Option<Vec<Option<Resolution>>>, ReadError> {
        let mut found = Vec::with_capacity(paths.len());
        let mut complete = true;
        for (path, route) in paths.iter().zip(routes) {
            match route {
                None => found.push(None),
                Some(route) => match self.one(path, route, learned)? {
                    Reached::End(resolution) => found.push(resolution),
                    Reached::Unread => complete = false,
                },
            }
        }
        Ok(complete.then_some(found))
    }

    fn one(
        &self,
        path: &ResourcePath,
        route: Route,
        learned: &mut Hints,
    ) -> Result<Reached, ReadError> {
        let mut collections = Vec::with_capacity(route.steps.len());
        let mut steps = route.steps.iter().peekable();
        let mut names = path.segments.iter();
        let found = loop {
            let Some(step) = steps.next() else {
                return Ok(Reached::Unread);
            };
            match &self.entries[step.header] {
                Some(entry) => collections.push(self.cache.header(step.id, entry)?),
                // The principal's home is gone, or is about to be made.
                None if collections.is_empty() => return Ok(Reached::End(None)),
                None => return Err(record::corrupt("collection", "a binding leads nowhere")),
            }
            let Some(name) = names.next() else {
                break Found::Collection;
            };
            let Some(entry) = step.member.and_then(|member| self.entries[member].as_ref()) else {
                break if names.len() == 0 {
                    Found::Missing
                } else {
                    Found::ParentMissing
                };
            };
            let member = record::decode_member(entry)?;
            if let Member::Collection(child) = member.value {
                if steps.peek().is_none_or(|next| next.id != child) {
                    learned.put(step.id, name, child);
                    self.cache.learn(step.id, name, child);
                    return Ok(Reached::Unread);
                }
                continue;
            }
            match object_of(member) {
                Some(object) if names.len() == 0 => break Found::Object(object),
                _ => break Found::ParentMissing,
            }
        };
        if collections.first().is_some_and(|home| home.is_detached()) {
            return Ok(Reached::End(None));
        }
        Ok(Reached::End(Some(Resolution {
            owner: route.owner,
            collections,
            found,
        })))
    }
}

#[allow(clippy::large_enum_variant)] // short-lived
enum Reached {
    End(Option<Resolution>),
    /// The next collection's rows were not among those that were read.
    Unread,
}

/// Which collection a binding probably leads to. Always compared with the binding's row.
#[derive(Default)]
struct Hints(HashMap<CollectionId, HashMap<String, CollectionId>>);

impl Hints {
    fn get(&self, parent: CollectionId, name: &str) -> Option<CollectionId> {
        self.0.get(&parent)?.get(name).copied()
    }

    fn put(&mut self, parent: CollectionId, name: &str, child: CollectionId) {
        self.0
            .entry(parent)
            .or_default()
            .insert(name.to_owned(), child);
    }
}

/// What was seen of the tree. Nothing here is believed without a row of the present read, so it is
/// right on several nodes.
#[derive(Default)]
pub(super) struct TreeCache {
    seen: RwLock<Seen>,
}

#[derive(Default)]
struct Seen {
    hints: Hints,
    hint_count: usize,
    headers: HashMap<CollectionId, Arc<Stored<Collection>>>,
}

impl TreeCache {
    fn hint(&self, parent: CollectionId, name: &str) -> Option<CollectionId> {
        self.seen
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .hints
            .get(parent, name)
    }

    fn learn(&self, parent: CollectionId, name: &str, child: CollectionId) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.hint_count >= CACHE_ENTRIES {
            *seen = Seen::default();
        }
        seen.hint_count += 1;
        seen.hints.put(parent, name, child);
    }

    /// The header in this row, decoded only if this revision of it was not seen before.
    fn header(
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
        if seen.headers.len() >= CACHE_ENTRIES {
            seen.headers.clear();
        }
        seen.headers.insert(id, Arc::clone(&header));
        Ok(header)
    }
}
