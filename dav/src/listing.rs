//! The members of a collection, as somebody may see them.

use std::sync::Arc;

use scheduling::{Actor, Refusal};
use storage::{
    ResourcePath,
    access::Delegation,
    model::{Member, Principal, PrincipalKind},
};

use crate::{
    error::DavError,
    path::{HOME_KINDS, Path, home_path},
    service::Dav,
    target::{StoredResource, Target},
};

/// How many members are read at once.
pub(crate) const PAGE_ROWS: usize = 500;

const PRINCIPAL_KINDS: [PrincipalKind; 4] = [
    PrincipalKind::User,
    PrincipalKind::Group,
    PrincipalKind::Resource,
    PrincipalKind::Location,
];

/// Members, page by page.
pub(crate) struct Listing<'a> {
    dav: &'a Dav,
    actor: &'a Actor,
    from: From,
}

enum From {
    /// These, and then no more.
    Given(Vec<Target>),
    /// The members of a collection after this name.
    Stored {
        collection: StoredResource,
        after: Option<String>,
    },
    Ended,
}

impl<'a> Listing<'a> {
    /// The members of a resource; none where it is no collection.
    pub async fn of(
        dav: &'a Dav,
        actor: &'a Actor,
        target: &Target,
    ) -> Result<Listing<'a>, DavError> {
        let from = match target {
            Target::Fixed(path) => From::Given(fixed_members(dav, actor, path).await?),
            Target::Principal(principal) => From::Given(proxy_groups(principal)),
            Target::Proxy(..) => From::Ended,
            Target::Stored(resource) if resource.object.is_some() => From::Ended,
            Target::Stored(resource) => From::Stored {
                collection: resource.clone(),
                after: None,
            },
        };
        Ok(Listing { dav, actor, from })
    }

    /// The next members; `None` after the last.
    pub async fn page(&mut self) -> Result<Option<Vec<Target>>, DavError> {
        match std::mem::replace(&mut self.from, From::Ended) {
            From::Ended => Ok(None),
            From::Given(targets) => Ok(Some(targets)),
            From::Stored { collection, after } => {
                self.stored_page(collection, after).await.map(Some)
            }
        }
    }

    async fn stored_page(
        &mut self,
        collection: StoredResource,
        after: Option<String>,
    ) -> Result<Vec<Target>, DavError> {
        let store = self.dav.desk().store();
        let (rows, more) = store
            .members(collection.collection.id, after.as_deref(), PAGE_ROWS)
            .await?;
        let last = rows.last().map(|row| row.name.clone());
        let standing = self.dav.desk().standing(self.actor, collection.owner.id);
        let standing = standing.await?;
        let mut targets = Vec::with_capacity(rows.len());
        let mut collections = Vec::new();
        for row in rows {
            match row.member.value {
                Member::Collection(_) => collections.push(collection.path.child(&row.name)),
                Member::Object(object) => {
                    let object = storage::Stored {
                        value: object,
                        revision: row.member.revision,
                    };
                    let member = collection.member(self.dav, &standing, &row.name, object);
                    targets.extend(member.await?.map(Target::Stored));
                }
            }
        }
        targets.extend(visible(self.dav, self.actor, &collections).await?);
        if more && last.is_some() {
            self.from = From::Stored {
                collection,
                after: last,
            };
        }
        Ok(targets)
    }
}

/// What the actor may see of these, in their order. What vanished meanwhile is left out.
pub(crate) async fn visible(
    dav: &Dav,
    actor: &Actor,
    paths: &[ResourcePath],
) -> Result<Vec<Target>, DavError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut targets = Vec::with_capacity(paths.len());
    for (path, opened) in paths.iter().zip(dav.desk().open_many(actor, paths).await?) {
        match opened.and_then(|opened| StoredResource::from_opened(path.clone(), opened)) {
            Ok(resource) => targets.push(Target::Stored(resource)),
            Err(Refusal::NotFound | Refusal::ParentMissing | Refusal::Forbidden { .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(targets)
}

async fn fixed_members(dav: &Dav, actor: &Actor, path: &Path) -> Result<Vec<Target>, DavError> {
    let fixed = |paths: &[Path]| paths.iter().cloned().map(Target::Fixed).collect();
    match path {
        Path::Root => Ok(fixed(&[Path::Dav])),
        Path::Dav => Ok(fixed(&[Path::Principals, Path::Homes])),
        Path::Principals => Ok(fixed(&PRINCIPAL_KINDS.map(Path::PrincipalsOfKind))),
        Path::PrincipalsOfKind(kind) => {
            let principals = dav.desk().store().principals().await?;
            Ok(principals
                .into_iter()
                .filter(|one| one.kind == *kind)
                .map(Target::Principal)
                .collect())
        }
        Path::Homes => Ok(HOME_KINDS
            .iter()
            .map(|kind| Target::Fixed(Path::HomesOfKind(*kind)))
            .collect()),
        Path::HomesOfKind(kind) => visible(dav, actor, &homes(dav, actor, *kind).await?).await,
        Path::WellKnown
        | Path::Principal(..)
        | Path::Proxy(..)
        | Path::Attachment(..)
        | Path::DryRun(..)
        | Path::Stored(_) => Ok(Vec::new()),
    }
}

/// One's own home, and those of people one may act for, directly or through a group; every home for an
/// administrator.
async fn homes(
    dav: &Dav,
    actor: &Actor,
    kind: PrincipalKind,
) -> Result<Vec<ResourcePath>, DavError> {
    let viewer = &actor.principal;
    let memberships = dav.desk().store().memberships_of(viewer.id).await?;
    let wanted = |one: &Arc<Principal>| {
        let is_delegate = memberships.delegations.iter().any(|(id, _)| *id == one.id);
        one.kind == kind
            && one.home.is_some()
            && (viewer.administrator || viewer.id == one.id || is_delegate)
    };
    let principals = dav.desk().store().principals().await?;
    Ok(principals
        .iter()
        .filter(|one| wanted(one))
        .map(|one| home_path(one))
        .collect())
}

fn proxy_groups(principal: &Arc<Principal>) -> Vec<Target> {
    Delegation::ALL
        .map(|access| Target::Proxy(principal.clone(), access))
        .into()
}
