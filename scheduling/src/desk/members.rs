//! Through what stands in collections: the members of one, page by page, and the collections below a path.

use storage::{
    Batch, Found, Listed, Resolution, ResourcePath,
    model::{CollectionId, SyncToken},
};

use super::{Desk, refuse::read_failed};
use crate::Refusal;

/// Members read at once.
const MEMBERS_AT_ONCE: usize = 500;

/// Collections, as they were before they were looked into.
pub(super) type Observed = Vec<(CollectionId, SyncToken)>;

/// How far the members of a collection were read.
pub(super) struct Members {
    collection: CollectionId,
    rows: usize,
    after: Option<String>,
    is_over: bool,
}

impl Members {
    /// All members, from the first one.
    pub fn of(collection: CollectionId) -> Members {
        Members::in_pages_of(MEMBERS_AT_ONCE, collection)
    }

    /// The same, so many at once.
    pub fn in_pages_of(rows: usize, collection: CollectionId) -> Members {
        Members {
            collection,
            rows,
            after: None,
            is_over: false,
        }
    }
}

/// A way through a collection and what is below it, as far as it is followed.
pub(super) struct Walk<'a> {
    open: Vec<ResourcePath>,
    observed: Option<&'a mut Observed>,
}

impl<'a> Walk<'a> {
    /// The way that begins at a path. Each collection is noted in `observed` before it is looked into, so that a
    /// commit can depend upon none having changed since.
    pub fn from(path: ResourcePath, observed: Option<&'a mut Observed>) -> Walk<'a> {
        Walk {
            open: vec![path],
            observed,
        }
    }

    /// These collections in the one at the path are on the way, too.
    pub fn follow(&mut self, path: &ResourcePath, names: impl IntoIterator<Item = String>) {
        let below = names.into_iter().map(|name| path.child(&name));
        self.open.extend(below);
    }
}

impl Desk {
    /// The next page of members; `None` after the last one.
    pub(super) async fn next_members(
        &self,
        members: &mut Members,
    ) -> Result<Option<Vec<Listed>>, Refusal> {
        if members.is_over {
            return Ok(None);
        }
        if members.after.is_some() {
            // Others have their turn between the pages.
            tokio::task::yield_now().await;
        }
        let page = self
            .store
            .members(members.collection, members.after.as_deref(), members.rows)
            .await;
        let (listed, more) = page.map_err(read_failed)?;
        members.after = listed.last().map(|listed| listed.name.clone());
        members.is_over = !more || members.after.is_none();
        Ok(Some(listed))
    }

    /// The next collection on the way that is still there; `None` at its end.
    pub(super) async fn next_collection(
        &self,
        walk: &mut Walk<'_>,
    ) -> Result<Option<(ResourcePath, Resolution)>, Refusal> {
        while let Some(path) = walk.open.pop() {
            let resolution = self.store.resolve(&path).await.map_err(read_failed)?;
            let Some(resolution) = resolution.filter(|it| matches!(it.found, Found::Collection))
            else {
                continue;
            };
            if let Some(observed) = walk.observed.as_deref_mut() {
                let id = resolution.collection().id;
                let token = self.store.sync_token(id).await;
                observed.push((id, token.map_err(read_failed)?));
            }
            return Ok(Some((path, resolution)));
        }
        Ok(None)
    }
}

/// Makes a commit depend upon nothing having changed in what was looked into.
pub(super) fn expect_unchanged(batch: &mut Batch, observed: &Observed) {
    for (collection, token) in observed {
        batch.expect_unchanged_since(*collection, *token);
    }
}
