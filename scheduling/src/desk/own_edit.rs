//! An object that the server changes by itself, as its owner would have stored it.

use std::sync::Arc;

use calendar::CalendarObject;
use storage::{
    Batch, Found,
    model::{AuditAction, Principal},
};

use super::{
    Desk, admission,
    arrival::{Arrival, ScheduledBy, Scheduling},
    copy::Copy,
    scene,
};
use crate::{Actor, Conditions, Refusal};

/// Such are the octets that a copy is given back in.
const MEDIA_TYPE: &str = "text/calendar";

impl Desk {
    /// What stores `object` in the place of somebody's copy, in which the owner acts; everybody who is to hear of it
    /// does. `None` where the copy is not there any more.
    ///
    /// Errors: those of a PUT.
    pub(super) async fn store_as_owner(
        &self,
        actor: &Actor,
        owner: &Arc<Principal>,
        copy: &Copy,
        object: &CalendarObject,
    ) -> Result<Option<Batch>, Refusal> {
        let path = self.path_of(copy.calendar.id, &copy.name).await?;
        let Some(path) = path else {
            return Ok(None);
        };
        let scene = self.scene(actor, &[&path], &Conditions::default()).await?;
        let resolution = scene.resolution(&path)?;
        let Found::Object(before) = &resolution.found else {
            return Ok(None);
        };
        let calendar = scene::parent(resolution)?;
        let limits = &self.settings.limits;
        let admitted = admission::admit(limits, Some(MEDIA_TYPE), object.to_octets())?;
        let mut batch = self.batch_upon(&scene, calendar);
        batch.expect_object(copy.calendar.id, &copy.name, copy.stored.revision);
        self.note(&mut batch, actor, owner.id, AuditAction::Changed, &path);
        let arrival = Arrival {
            actor,
            scene: &scene,
            path: &path,
            calendar,
            before: Some(before),
            admitted: &admitted,
            moved: None,
            leaves: None,
            keeps: Some(&before.value),
            attached: &[],
            scheduling: Scheduling::Applies(ScheduledBy {
                owner,
                schedule_reply: true,
                schedule_tag_matched: false,
            }),
        };
        self.arrive(&mut batch, &arrival).await?;
        Ok(Some(batch))
    }
}
