//! The short way: everything but the last name of a path is known already, and only its row is read.

use std::sync::Arc;

use super::{Found, Resolution};
use crate::{
    ResourcePath, Revision,
    backend::{Entry, Key, ReadError},
    store::{
        Store,
        cache::Chain,
        directory::Directory,
        keys::{self, Keyspace},
        objects::object_of,
        record,
        tree::MAXIMUM_DEPTH,
    },
};

/// Where a path leads, as far as that was seen before.
enum Known {
    /// There is no such home.
    NoHome,
    /// To the last of these collections.
    Collection(Resolution),
    /// To a member of the last of them, whose row is yet to be read.
    Member(Resolution),
}

impl Store {
    /// What the paths lead to, with one read at the most; `None` where that would take more.
    pub(super) async fn resolve_known(
        &self,
        paths: &[ResourcePath],
    ) -> Result<Option<Vec<Option<Resolution>>>, ReadError> {
        let known = self.known_directory();
        let mut through = Revision(u64::MAX);
        let mut keys = Vec::new();
        let mut routes = Vec::with_capacity(paths.len());
        for path in paths {
            let Some(route) = self.known_route(path, &known.directory, &mut through, &mut keys)
            else {
                return Ok(None);
            };
            routes.push(route);
        }
        let is_current = || {
            self.is_unchanged_since(Keyspace::Directory, known.through)
                && self.is_unchanged_since(Keyspace::Collection, through)
        };
        if !is_current() {
            return Ok(None);
        }
        let rows = self.read_rows(&keys).await?;
        // Asked again, so that the collections are those of the moment in which the rows were read.
        if !is_current() {
            return Ok(None);
        }
        let mut rows = rows.into_iter();
        let mut found = Vec::with_capacity(routes.len());
        for route in routes {
            match finish(route, &mut rows)? {
                Finished::End(resolution) => found.push(resolution),
                Finished::Unread => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Follows the path as far as it was seen. `None` where more than its last name is unknown.
    fn known_route(
        &self,
        path: &ResourcePath,
        directory: &Directory,
        through: &mut Revision,
        keys: &mut Vec<Key>,
    ) -> Option<Known> {
        let Some(owner) = directory
            .by_name(&path.owner_name)
            .filter(|owner| owner.kind == path.owner_kind && path.segments.len() <= MAXIMUM_DEPTH)
        else {
            return Some(Known::NoHome);
        };
        let Some(home) = owner.home else {
            return Some(Known::NoHome);
        };
        let chain = self.shared.tree.chain(home, &path.segments)?;
        *through = chain.through.min(*through);
        if chain.collections.first()?.is_detached() {
            return Some(Known::NoHome);
        }
        let Chain { collections, .. } = chain;
        let id = collections.last()?.id;
        let unknown = &path.segments[collections.len() - 1..];
        let resolution = Resolution {
            owner: Arc::clone(&owner.value),
            collections,
            found: Found::Collection,
        };
        match unknown {
            [] => Some(Known::Collection(resolution)),
            [name] => {
                keys.push(keys::member(id, name));
                Some(Known::Member(resolution))
            }
            _ => None,
        }
    }

    async fn read_rows(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, ReadError> {
        match keys {
            [] => Ok(Vec::new()),
            [key] => Ok(vec![self.backend().get(key).await?]),
            keys => self.backend().get_many(keys).await,
        }
    }
}

#[allow(clippy::large_enum_variant)] // short-lived
enum Finished {
    End(Option<Resolution>),
    /// The member is a collection that was not seen before.
    Unread,
}

/// Puts the member's row, if one was read, at the end of the route.
fn finish(
    route: Known,
    rows: &mut impl Iterator<Item = Option<Entry>>,
) -> Result<Finished, ReadError> {
    let mut resolution = match route {
        Known::NoHome => return Ok(Finished::End(None)),
        Known::Collection(resolution) => return Ok(Finished::End(Some(resolution))),
        Known::Member(resolution) => resolution,
    };
    resolution.found = match rows.next().flatten() {
        None => Found::Missing,
        Some(row) => match object_of(record::decode_member(&row)?) {
            Some(object) => Found::Object(object),
            None => return Ok(Finished::Unread),
        },
    };
    Ok(Finished::End(Some(resolution)))
}
