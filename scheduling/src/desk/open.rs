//! Reading for somebody: the one place where it is decided who sees which resource.

use bytes::Bytes;
use storage::{
    BlobReader, Found, Resolution, ResourcePath,
    access::{Privilege, Privileges},
    model::{Content, Object},
};

use super::{
    Desk,
    refuse::{forbidden, read_failed},
};
use crate::{Actor, Conditions, Refusal, view};

/// A resource that the actor may read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What the path leads to; never missing.
    pub resolution: Resolution,
    /// What the actor may do there.
    pub privileges: Privileges,
}

impl Desk {
    /// Resolves a path for reading, with the actor's privileges there.
    ///
    /// Errors: `NotFound`; `Forbidden` where `DAV:read` is missing, which is also what somebody without
    /// that right hears of a resource that does not exist.
    pub async fn open(&self, actor: &Actor, path: &ResourcePath) -> Result<Opened, Refusal> {
        self.open_for(actor, path, Privilege::Read).await
    }

    /// Like [`Desk::open`], for a method that needs another privilege than `DAV:read`, such as
    /// `CALDAV:read-free-busy` (RFC 4791 §6.1.1).
    pub async fn open_for(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        privilege: Privilege,
    ) -> Result<Opened, Refusal> {
        let resolution = self.store.resolve(path).await.map_err(read_failed)?;
        self.opened(actor, path, resolution, privilege).await
    }

    /// Several resources of one moment, each with its own answer, in the order asked for.
    pub async fn open_many(
        &self,
        actor: &Actor,
        paths: &[ResourcePath],
    ) -> Result<Vec<Result<Opened, Refusal>>, Refusal> {
        let resolutions = self.store.resolve_many(paths).await.map_err(read_failed)?;
        let mut all = Vec::with_capacity(paths.len());
        for (path, resolution) in paths.iter().zip(resolutions) {
            all.push(
                match self.opened(actor, path, resolution, Privilege::Read).await {
                    Err(failure @ (Refusal::Unavailable(_) | Refusal::Damaged(_))) => {
                        return Err(failure);
                    }
                    answer => answer,
                },
            );
        }
        Ok(all)
    }

    /// Whether the conditions hold of what is there now, for a method that changes nothing. A method that
    /// changes something hands its conditions over with the change.
    ///
    /// Errors: `ConditionFailed`.
    pub async fn check_conditions(
        &self,
        path: &ResourcePath,
        conditions: &Conditions,
    ) -> Result<(), Refusal> {
        let scene = self.scene(&[path], conditions).await?;
        scene.check_conditions(conditions, path)
    }

    async fn opened(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        resolution: Option<Resolution>,
        privilege: Privilege,
    ) -> Result<Opened, Refusal> {
        let resolution = resolution.ok_or(Refusal::NotFound)?;
        let privileges = self.privileges(actor, &resolution).await?;
        if !privileges.has(privilege) {
            return Err(forbidden(path, privilege));
        }
        match resolution.found {
            Found::Collection | Found::Object(_) => Ok(Opened {
                resolution,
                privileges,
            }),
            Found::Missing | Found::ParentMissing => Err(Refusal::NotFound),
        }
    }

    /// The octets of a file piece by piece, `length` of them from `start` on, where they are not at hand
    /// anyway. Everybody who may read a file sees the same; what an actor sees of a calendar object
    /// depends upon all of its octets, so that those are always read as a whole.
    pub fn pieces(&self, object: &Object, start: u64, length: u64) -> Option<BlobReader> {
        match (&object.calendar, &object.content) {
            (None, Content::Blob { hash, length: all }) => {
                Some(self.store.read_blob(*hash, *all, start, length))
            }
            _ => None,
        }
    }

    /// The octets of an object as this actor may see them (through [`crate::view`]).
    pub async fn octets(&self, actor: &Actor, object: &Object) -> Result<Bytes, Refusal> {
        let octets = self
            .store
            .content(&object.content)
            .await
            .map_err(read_failed)?;
        Ok(view::view(actor, object, octets))
    }
}
