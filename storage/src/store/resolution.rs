//! From paths to what they lead to.
//!
//! A path is walked through rows of one moment. Which rows that will be is presumed from hints; where
//! a hint was missing or wrong, it is corrected and all rows are read once more, together. Where the
//! backend knows that nobody wrote a header of a collection since, the collections on the way need not
//! be read again (see [`known`]).

mod known;

use std::{collections::HashMap, sync::Arc};

use super::{
    Store,
    cache::TreeCache,
    directory::{Directory, KnownDirectory},
    keys,
    objects::object_of,
    record,
    tree::MAXIMUM_DEPTH,
};
use crate::{
    ResourcePath, Revision, Stored,
    backend::{Entry, Key, ReadError},
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

/// How often a path is walked again because the tree changes meanwhile.
const SPARE_ROUNDS: usize = 16;

/// Which collections bindings led to in this very walk.
type Learned = HashMap<(CollectionId, String), CollectionId>;

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
        if let Some(found) = self.resolve_known(paths).await? {
            return Ok(found);
        }
        let deepest = paths
            .iter()
            .map(|path| path.segments.len())
            .max()
            .unwrap_or(0)
            .min(MAXIMUM_DEPTH);
        let mut learned = Learned::default();
        for _ in 0..deepest + SPARE_ROUNDS {
            let through = self.revision();
            let KnownDirectory { directory, .. } = self.known_directory();
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
            self.confirm_directory(&directory, through);
            let walk = Walk {
                cache: &self.shared.tree,
                entries: &entries,
                through,
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
        learned: &Learned,
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
                .get(&(id, name.clone()))
                .copied()
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
    /// A revision that was readable before the rows were read.
    through: Revision,
}

impl Walk<'_> {
    /// All paths; `None` where rows are missing that the hints, now better, will ask for.
    fn all(
        &self,
        paths: &[ResourcePath],
        routes: Vec<Option<Route>>,
        learned: &mut Learned,
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
        learned: &mut Learned,
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
                    learned.insert((step.id, name.clone()), child);
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
        self.cache
            .confirm(&collections, &path.segments, self.through);
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
