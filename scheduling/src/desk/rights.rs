//! Whether an actor may do what a change needs: the store's pure evaluation, fed with what was read.

use std::sync::Arc;

use storage::{
    Found, Resolution, ResourcePath, Stored,
    access::{self, Ace, Privilege, Privileges, Site, Subject},
    model::{Collection, CollectionKind},
};

use super::{Desk, refuse::read_failed};
use crate::{Actor, Refusal};

/// A privilege that a change needs, and where.
pub(crate) struct Need<'a> {
    path: ResourcePath,
    resolution: &'a Resolution,
    /// The collections from the home down to the resource, or to its nearest collection.
    collections: &'a [Arc<Stored<Collection>>],
    privilege: Privilege,
}

impl<'a> Need<'a> {
    /// A privilege on the resource itself (an object has its collection's rights).
    pub fn on(path: &ResourcePath, resolution: &'a Resolution, privilege: Privilege) -> Need<'a> {
        Need {
            path: path.clone(),
            resolution,
            collections: &resolution.collections,
            privilege,
        }
    }

    /// A privilege on the collection that holds the resource, or would hold it.
    pub fn on_parent(
        path: &ResourcePath,
        resolution: &'a Resolution,
        privilege: Privilege,
    ) -> Need<'a> {
        let all = &resolution.collections;
        let collections = match resolution.found {
            Found::Collection => &all[..all.len().saturating_sub(1).max(1).min(all.len())],
            Found::Object(_) | Found::Missing | Found::ParentMissing => all,
        };
        let path = path.parent().unwrap_or_else(|| path.clone());
        Need {
            path,
            resolution,
            collections,
            privilege,
        }
    }

    /// What writing a resource at this path needs (RFC 3744 appendix B): to change it, or to bind it.
    pub fn to_write(path: &ResourcePath, resolution: &'a Resolution) -> Need<'a> {
        match resolution.found {
            Found::Object(_) | Found::Collection => {
                Need::on(path, resolution, Privilege::WriteContent)
            }
            Found::Missing | Found::ParentMissing => {
                Need::on_parent(path, resolution, Privilege::Bind)
            }
        }
    }
}

impl Desk {
    /// Refuses with every privilege that is missing (RFC 3744 §7.1.1).
    pub(crate) async fn require(&self, actor: &Actor, needs: &[Need<'_>]) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for need in needs {
            let held = self
                .privileges(actor, need.resolution, need.collections)
                .await?;
            if !held.has(need.privilege) {
                missing.push((need.path.clone(), need.privilege));
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Forbidden { missing }),
        }
    }

    /// What the actor may do in the last of these collections. Groups are looked up only where an entry
    /// could name one.
    pub(crate) async fn privileges(
        &self,
        actor: &Actor,
        resolution: &Resolution,
        collections: &[Arc<Stored<Collection>>],
    ) -> Result<Privileges, Refusal> {
        let chain: Vec<&[Ace]> = collections
            .iter()
            .map(|collection| &*collection.access)
            .collect();
        let principal = &actor.principal;
        let groups = match chain.iter().all(|aces| aces.is_empty()) {
            true => Vec::new(),
            false => self
                .store
                .groups_of(principal.id)
                .await
                .map_err(read_failed)?,
        };
        let subject = Subject {
            principal: Some(principal.id),
            groups: &groups,
            administrator: principal.administrator,
        };
        let kind = collections
            .last()
            .map_or(CollectionKind::Home, |collection| collection.kind);
        Ok(access::granted(
            subject,
            resolution.owner.id,
            Site::Collection(kind),
            &chain,
        ))
    }
}
