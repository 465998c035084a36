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
    standing::Standing,
};
use crate::{Actor, Conditions, Refusal, view::Sight};

/// A resource that the actor may read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What the path leads to; never missing.
    pub resolution: Resolution,
    /// What the actor may do there.
    pub privileges: Privileges,
}

/// What there is for an actor.
#[allow(clippy::large_enum_variant)]
enum Seen {
    Opened(Opened),
    /// There is this object, of which the actor sees nothing.
    Hidden(Object),
}

/// An object that is hidden from the actor is told as one that is missing: entries of its own decide nothing.
fn hidden(
    standing: &Standing<'_>,
    path: &ResourcePath,
    resolution: &Resolution,
    any_of: &[Privilege],
) -> Result<Seen, Refusal> {
    let Found::Object(object) = &resolution.found else {
        return Err(Refusal::NotFound);
    };
    let mut above = resolution.chain();
    above.pop();
    match standing.evaluate(&above).has_any(any_of) {
        true => Ok(Seen::Hidden(object.value.clone())),
        false => Err(forbidden(path, first_of(any_of))),
    }
}

/// The one that is named where none is held.
fn first_of(any_of: &[Privilege]) -> Privilege {
    any_of.first().copied().unwrap_or(Privilege::Read)
}

impl Desk {
    /// Resolves a path for reading, with the actor's privileges there.
    ///
    /// Errors: `NotFound`; `Forbidden` where `DAV:read` is missing, which is also what somebody without
    /// that right hears of a resource that does not exist.
    pub async fn open(&self, actor: &Actor, path: &ResourcePath) -> Result<Opened, Refusal> {
        self.open_for(actor, path, &[Privilege::Read]).await
    }

    /// Like [`Desk::open`], for a method that needs another privilege than `DAV:read`, such as
    /// `CALDAV:read-free-busy` (RFC 4791 §6.1.1), or any one of several: the first is named where none is held.
    pub async fn open_for(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        any_of: &[Privilege],
    ) -> Result<Opened, Refusal> {
        let resolution = self.store.resolve(path).await.map_err(read_failed)?;
        let resolution = resolution.ok_or(Refusal::NotFound)?;
        let standing = self.standing(actor, resolution.owner.id).await?;
        match self.opened(&standing, path, resolution, any_of).await? {
            Seen::Opened(opened) => Ok(opened),
            Seen::Hidden(_) => Err(Refusal::NotFound),
        }
    }

    /// Like [`Desk::open_many`], for members of a collection that may have changed: `NotFound` of what must
    /// be told to be gone, and `Forbidden` of what the actor knows nothing about and never did.
    pub async fn open_changed(
        &self,
        actor: &Actor,
        paths: &[ResourcePath],
    ) -> Result<Vec<Result<Opened, Refusal>>, Refusal> {
        let told = |path: &ResourcePath, object: &Object| match self.was_ever_open(object) {
            true => Refusal::NotFound,
            false => forbidden(path, Privilege::Read),
        };
        self.open_each(actor, paths, told).await
    }

    /// Several resources of one moment, each with its own answer, in the order asked for.
    pub async fn open_many(
        &self,
        actor: &Actor,
        paths: &[ResourcePath],
    ) -> Result<Vec<Result<Opened, Refusal>>, Refusal> {
        self.open_each(actor, paths, |_, _| Refusal::NotFound).await
    }

    /// The same; `told` says how an object is refused of which the actor sees nothing.
    async fn open_each(
        &self,
        actor: &Actor,
        paths: &[ResourcePath],
        told: impl Fn(&ResourcePath, &Object) -> Refusal,
    ) -> Result<Vec<Result<Opened, Refusal>>, Refusal> {
        let resolutions = self.store.resolve_many(paths).await.map_err(read_failed)?;
        let mut all = Vec::with_capacity(paths.len());
        let mut known: Option<Standing<'_>> = None;
        for (path, resolution) in paths.iter().zip(resolutions) {
            let Some(resolution) = resolution else {
                all.push(Err(Refusal::NotFound));
                continue;
            };
            let standing = self.standing_again(&mut known, actor, resolution.owner.id);
            let standing = standing.await?;
            all.push(
                match self
                    .opened(standing, path, resolution, &[Privilege::Read])
                    .await
                {
                    Err(failure @ (Refusal::Unavailable(_) | Refusal::Damaged(_))) => {
                        return Err(failure);
                    }
                    Ok(Seen::Hidden(object)) => Err(told(path, &object)),
                    Ok(Seen::Opened(opened)) => Ok(opened),
                    Err(refusal) => Err(refusal),
                },
            );
        }
        Ok(all)
    }

    /// Whether the conditions hold of what the actor sees there now, for a method that changes nothing. A
    /// method that changes something hands its conditions over with the change.
    ///
    /// Errors: `ConditionFailed`.
    pub async fn check_conditions(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        conditions: &Conditions,
    ) -> Result<(), Refusal> {
        let scene = self.scene(actor, &[path], conditions).await?;
        scene.check_conditions(conditions, path)
    }

    async fn opened(
        &self,
        standing: &Standing<'_>,
        path: &ResourcePath,
        mut resolution: Resolution,
        any_of: &[Privilege],
    ) -> Result<Seen, Refusal> {
        let mut privileges = standing.privileges(&resolution);
        if !privileges.has_any(any_of) {
            return self.unopened(standing, path, &resolution, any_of).await;
        }
        match &resolution.found {
            Found::Collection => {}
            Found::Object(object) => {
                let viewer = standing.viewer();
                if !viewer.is_trusted() {
                    let Some(seen) = self.seen(viewer, object.clone()).await? else {
                        return hidden(standing, path, &resolution, any_of);
                    };
                    if seen.etag != object.etag {
                        privileges = privileges.of_part(resolution.site());
                    }
                    resolution.found = Found::Object(seen);
                }
            }
            Found::Missing | Found::ParentMissing => return Err(Refusal::NotFound),
        }
        Ok(Seen::Opened(Opened {
            resolution,
            privileges,
        }))
    }

    /// How a resource is refused on which what is needed is missing.
    async fn unopened(
        &self,
        standing: &Standing<'_>,
        path: &ResourcePath,
        resolution: &Resolution,
        any_of: &[Privilege],
    ) -> Result<Seen, Refusal> {
        if let Found::Object(object) = &resolution.found {
            match self.sight_for(standing.viewer(), object).await {
                Ok(Sight::Hidden) => return hidden(standing, path, resolution, any_of),
                Ok(_) | Err(Refusal::Damaged(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(forbidden(path, first_of(any_of)))
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

    /// The octets of an object that was opened: as its viewer sees it (through [`crate::view`]).
    pub async fn octets(&self, object: &Object) -> Result<Bytes, Refusal> {
        let octets = self.store.content(&object.content).await;
        octets.map_err(read_failed)
    }
}
