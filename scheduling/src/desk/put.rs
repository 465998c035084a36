//! PUT: an object is made or replaced.

use bytes::Bytes;
use storage::{
    Batch, Found, Resolution, ResourcePath, Stored, Timestamp,
    model::{Collection, CollectionKind, Object},
};

use super::{
    Desk, MAXIMUM_ROUNDS, admission,
    admission::Admitted,
    arrival::Arrival,
    conditions,
    content::{Body, DEFAULT_CONTENT_TYPE},
    guard::{self, Touched},
    place,
    refuse::crowded,
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Refusal};

/// PUT of a resource.
#[derive(Clone, Debug)]
pub struct Put {
    /// Where.
    pub path: ResourcePath,
    /// The media type as sent.
    pub content_type: Option<String>,
    /// The octets as sent.
    pub octets: Bytes,
    /// What must hold.
    pub conditions: Conditions,
    /// RFC 6638 §8.1 `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
}

/// A resource was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// It was not there before.
    pub created: bool,
    /// Where it stands; another place than asked for when an own invitation was merged.
    pub path: ResourcePath,
    /// Only where the stored octets are the sent octets (RFC 4791 §5.3.4).
    pub etag: Option<String>,
    /// Of a scheduling object (RFC 6638 §3.2.10).
    pub schedule_tag: Option<String>,
    /// When its octets last changed.
    pub modified: Timestamp,
}

/// What of a PUT need be done only once, however many rounds it takes.
#[derive(Default)]
struct Prepared {
    admitted: Option<Admitted>,
    file: Option<Body>,
}

impl Desk {
    /// Makes or replaces an object.
    ///
    /// Errors: `ParentMissing`; `NotAllowed` on a collection; `Forbidden` (`DAV:bind` or
    /// `DAV:write-content`); `ConditionFailed`; `Locked`; in calendars the preconditions of RFC 4791
    /// §5.3.2.1 and RFC 6638 §3.2.4; `quota-not-exceeded`.
    pub async fn put(&self, actor: &Actor, put: Put) -> Result<Written, Refusal> {
        let mut prepared = Prepared::default();
        for _ in 0..MAXIMUM_ROUNDS {
            if let Some(written) = self.put_round(actor, &put, &mut prepared).await? {
                return Ok(written);
            }
        }
        Err(crowded())
    }

    async fn put_round(
        &self,
        actor: &Actor,
        put: &Put,
        prepared: &mut Prepared,
    ) -> Result<Option<Written>, Refusal> {
        let Put {
            path, conditions, ..
        } = put;
        let scene = self.scene(&[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        self.require(actor, &[Need::to_write(path, resolution)])
            .await?;
        if matches!(resolution.found, Found::ParentMissing) {
            return Err(Refusal::ParentMissing);
        }
        scene.check_conditions(conditions, path)?;
        let before = match &resolution.found {
            Found::Collection => return Err(Refusal::NotAllowed("a collection has no content")),
            Found::Object(before) => Some(before),
            Found::Missing | Found::ParentMissing => None,
        };
        let parent = scene::parent(resolution)?;
        place::check_object_location(path, parent)?;
        self.check_put_locks(actor, put, &scene, resolution)?;
        match parent.kind {
            CollectionKind::Calendar => {
                self.put_calendar_object(put, &scene, parent, before, &mut prepared.admitted)
                    .await
            }
            _ => {
                self.put_file(put, &scene, parent, before, &mut prepared.file)
                    .await
            }
        }
    }

    fn check_put_locks(
        &self,
        actor: &Actor,
        put: &Put,
        scene: &Scene,
        resolution: &Resolution,
    ) -> Result<(), Refusal> {
        let touched = match resolution.found {
            Found::Object(_) => Touched::resource(&put.path),
            _ => Touched::bound(&put.path),
        };
        let locks = scene.locks(resolution.home().id)?;
        let submitted = conditions::submitted_tokens(&put.conditions);
        guard::check(locks, scene.now, &touched, &submitted, actor.principal.id)
    }

    /// A calendar object; its octets come back as they were sent unless they had to be mended.
    async fn put_calendar_object(
        &self,
        put: &Put,
        scene: &Scene,
        calendar: &Stored<Collection>,
        before: Option<&Stored<Object>>,
        prepared: &mut Option<Admitted>,
    ) -> Result<Option<Written>, Refusal> {
        let admitted = match prepared {
            Some(admitted) => admitted,
            None => prepared.insert(admission::admit(
                &self.settings.limits,
                put.content_type.as_deref(),
                put.octets.clone(),
            )?),
        };
        let mut batch = self.batch_upon(scene, calendar);
        let arrival = Arrival {
            scene,
            path: &put.path,
            calendar,
            before,
            admitted,
            leaves: None,
            keeps: before.map(|before| &before.value),
        };
        let after = self.arrive(&mut batch, &arrival).await?;
        Ok(self.commit(batch).await?.map(|_| Written {
            created: before.is_none(),
            path: put.path.clone(),
            etag: (!admitted.mended).then_some(after.etag),
            schedule_tag: after.calendar.and_then(|facts| facts.schedule_tag),
            modified: after.modified,
        }))
    }

    /// A file in a plain collection is stored as it is.
    async fn put_file(
        &self,
        put: &Put,
        scene: &Scene,
        parent: &Stored<Collection>,
        before: Option<&Stored<Object>>,
        prepared: &mut Option<Body>,
    ) -> Result<Option<Written>, Refusal> {
        if put.octets.len() as u64 > self.settings.limits.maximum_file_octets {
            return Err(Refusal::InsufficientStorage("the octets of one file"));
        }
        let body = match prepared {
            Some(body) => body.clone(),
            None => prepared
                .insert(self.body(put.octets.clone()).await?)
                .clone(),
        };
        let content_type = put
            .content_type
            .clone()
            .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into());
        let after = body.into_object(
            content_type,
            None,
            before.map(|before| &before.value),
            scene.now,
        );
        let mut batch = self.batch_upon(scene, parent);
        batch.put_object(parent, put.path.name().unwrap_or_default(), before, &after);
        Ok(self.commit(batch).await?.map(|_| Written {
            created: before.is_none(),
            path: put.path.clone(),
            etag: Some(after.etag),
            schedule_tag: None,
            modified: after.modified,
        }))
    }

    /// A batch that depends upon all that the scene read, and upon the quota (RFC 4331 §6).
    pub(crate) fn batch_upon(&self, scene: &Scene, parent: &Collection) -> Batch {
        let mut batch = self.store.batch();
        scene.expect(&mut batch);
        if let Some(quota) = self.settings.limits.quota_octets {
            batch.bound_usage(parent.home, quota);
        }
        batch
    }
}
