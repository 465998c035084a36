//! What a URL leads to: loaded, with what the asking person may do there.

use std::sync::Arc;

use scheduling::{
    Actor, Refusal,
    desk::{Opened, Standing},
};
use storage::{
    Found, ResourcePath, Stored,
    access::{Delegation, EffectiveAce, Link, Privilege, Privileges, Site, effective_aces},
    model::{Collection, Object, Principal},
};

use crate::{error::DavError, kind::ResourceKind, path::Path, service::Dav};

/// A resource that is there and that the actor may see.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A collection that nobody made: `/`, `/dav/`, the collections of principals and of homes.
    Fixed(Path),
    /// A principal.
    Principal(Arc<Principal>),
    /// One of the two groups beside a principal.
    Proxy(Arc<Principal>, Delegation),
    /// A home or something in it.
    Stored(StoredResource),
}

/// A home, or a collection or object in one.
#[derive(Clone, Debug)]
pub(crate) struct StoredResource {
    /// Where it stands.
    pub path: ResourcePath,
    /// Whose home it stands in.
    pub owner: Arc<Principal>,
    /// The collection itself, or the one that holds the object.
    pub collection: Arc<Stored<Collection>>,
    /// Every collection from the home down to that one.
    pub chain: Arc<Vec<Arc<Stored<Collection>>>>,
    /// The object, unless it is the collection.
    pub object: Option<Arc<Stored<Object>>>,
    /// What the actor may do.
    pub privileges: Privileges,
}

impl Target {
    /// Loads what stands at a path. What is not there, or may not be seen, is a refusal.
    pub async fn open(dav: &Dav, actor: &Actor, path: &Path) -> Result<Target, DavError> {
        Target::open_for(dav, actor, path, &[Privilege::Read]).await
    }

    /// The same, for somebody who needs another privilege than `DAV:read`, or any one of several.
    pub async fn open_for(
        dav: &Dav,
        actor: &Actor,
        path: &Path,
        any_of: &[Privilege],
    ) -> Result<Target, DavError> {
        match path {
            Path::Root
            | Path::WellKnown
            | Path::Dav
            | Path::Principals
            | Path::PrincipalsOfKind(_)
            | Path::Homes
            | Path::HomesOfKind(_) => Ok(Target::Fixed(path.clone())),
            Path::Principal(kind, name) => {
                let principal = dav.desk().store().principal_by_name(name).await?;
                let principal = principal
                    .filter(|found| found.kind == *kind)
                    .ok_or(Refusal::NotFound)?;
                Ok(Target::Principal(principal))
            }
            Path::Proxy(kind, name, access) => {
                let principal = dav.desk().store().principal_by_name(name).await?;
                let principal = principal
                    .filter(|found| found.kind == *kind)
                    .ok_or(Refusal::NotFound)?;
                Ok(Target::Proxy(principal, *access))
            }
            Path::Attachment(..) => {
                Err(Refusal::NotAllowed("an attachment is no resource of WebDAV").into())
            }
            Path::DryRun(..) => {
                Err(Refusal::NotAllowed("a dry run is only asked for, by POST").into())
            }
            Path::Stored(path) => {
                let opened = dav.desk().open_for(actor, path, any_of).await?;
                Ok(Target::Stored(StoredResource::from_opened(
                    path.clone(),
                    opened,
                )?))
            }
        }
    }

    /// The kind of a path that needs no look into the store; `None` for what stands in a home.
    pub fn fixed_kind(path: &Path) -> Option<ResourceKind> {
        match path {
            Path::Root | Path::Dav | Path::WellKnown => Some(ResourceKind::Root),
            Path::Principals | Path::PrincipalsOfKind(_) => Some(ResourceKind::Principals),
            Path::Principal(..) => Some(ResourceKind::Principal),
            Path::Proxy(..) => Some(ResourceKind::ProxyGroup),
            Path::Homes | Path::HomesOfKind(_) => Some(ResourceKind::Homes),
            Path::Attachment(..) => Some(ResourceKind::Attachment),
            Path::DryRun(..) => Some(ResourceKind::DryRun),
            Path::Stored(_) => None,
        }
    }

    /// The kind of what stands at a path, [`ResourceKind::Unmapped`] where nothing does.
    pub async fn kind_at(dav: &Dav, actor: &Actor, path: &Path) -> Result<ResourceKind, DavError> {
        if let Some(kind) = Target::fixed_kind(path) {
            return Ok(kind);
        }
        match Target::open(dav, actor, path).await {
            Ok(target) => Ok(target.kind()),
            Err(DavError::Refused(Refusal::NotFound | Refusal::ParentMissing)) => {
                Ok(ResourceKind::Unmapped)
            }
            Err(error) => Err(error),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Target::Fixed(path) => Target::fixed_kind(path).unwrap_or(ResourceKind::Root),
            Target::Principal(_) => ResourceKind::Principal,
            Target::Proxy(..) => ResourceKind::ProxyGroup,
            Target::Stored(resource) => resource.kind(),
        }
    }

    /// Where it stands.
    pub fn path(&self) -> Path {
        match self {
            Target::Fixed(path) => path.clone(),
            Target::Principal(principal) => Path::of_principal(principal),
            Target::Proxy(principal, access) => {
                Path::Proxy(principal.kind, principal.name.clone(), *access)
            }
            Target::Stored(resource) => Path::Stored(resource.path.clone()),
        }
    }

    /// Its URL.
    pub fn href(&self) -> String {
        self.path().href(self.kind().is_collection())
    }
}

impl StoredResource {
    /// From what the desk opened.
    pub fn from_opened(path: ResourcePath, opened: Opened) -> Result<StoredResource, Refusal> {
        let resolution = opened.resolution;
        let collection = resolution
            .collections
            .last()
            .cloned()
            .ok_or(Refusal::NotFound)?;
        let object = match resolution.found {
            Found::Collection => None,
            Found::Object(object) => Some(Arc::new(object)),
            Found::Missing | Found::ParentMissing => return Err(Refusal::NotFound),
        };
        Ok(StoredResource {
            path,
            owner: resolution.owner,
            collection,
            chain: Arc::new(resolution.collections),
            object,
            privileges: opened.privileges,
        })
    }

    /// What decides about rights here.
    pub fn site(&self) -> Site {
        Site::Collection(self.collection.kind)
    }

    /// Every resource from the home down to this one.
    fn links(&self) -> Vec<Link<'_>> {
        let collections = self.chain.iter().map(|collection| collection.link());
        let object = self.object.iter().map(|object| object.link(self.site()));
        collections.chain(object).collect()
    }

    /// The access control entries that take effect here.
    pub fn effective_aces(&self) -> Vec<EffectiveAce> {
        effective_aces(self.owner.id, self.site(), &self.links())
    }

    /// A member of this collection, as somebody may read it; `None` where they may not. Entries of
    /// its own are rare, so that rights are evaluated only where there are some.
    pub async fn member(
        &self,
        dav: &Dav,
        standing: &Standing<'_>,
        name: &str,
        object: Stored<Object>,
    ) -> Result<Option<StoredResource>, Refusal> {
        let etag = object.etag.clone();
        let Some(object) = dav.desk().seen(standing.viewer(), object).await? else {
            return Ok(None);
        };
        let is_whole = object.etag == etag;
        let mut member = StoredResource {
            path: self.path.child(name),
            object: Some(Arc::new(object)),
            ..self.clone()
        };
        if member
            .object
            .as_ref()
            .is_some_and(|object| !object.access.is_empty())
        {
            member.privileges = standing.evaluate(&member.links());
        }
        if !is_whole {
            member.privileges = member.privileges.of_part(member.site());
        }
        Ok(Some(member).filter(|it| it.privileges.has(Privilege::Read)))
    }

    /// Its kind.
    pub fn kind(&self) -> ResourceKind {
        match self.object {
            None => ResourceKind::of_collection(self.collection.kind),
            Some(_) => ResourceKind::of_member(self.collection.kind),
        }
    }
}
