//! DELETE (RFC 4918 §9.6): a resource with all below it, or nothing of it.

use storage::{
    Batch, Found, Resolution, ResourcePath, Stored, access::Privilege, model::Collection,
};

use super::{
    Desk, MAXIMUM_ROUNDS, PartialFailures, conditions,
    guard::{self, Touched},
    place,
    refuse::{crowded, precondition},
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Precondition, Refusal};

/// DELETE of a resource.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which.
    pub path: ResourcePath,
    /// What must hold.
    pub conditions: Conditions,
    /// RFC 6638 §8.1 `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
}

impl Desk {
    /// Removes a resource, with all below it. A tree in which a lock stands in the way is refused as a
    /// whole, so that the list of single failures is empty for now.
    ///
    /// Errors: `NotFound`; `Forbidden` (`DAV:unbind`; nobody has it for a home, an inbox or an outbox);
    /// `ConditionFailed`; `Locked`; `default-calendar-needed` (RFC 6638 §4.3).
    pub async fn delete(&self, actor: &Actor, delete: Delete) -> Result<PartialFailures, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            if let Some(failures) = self.delete_round(actor, &delete).await? {
                return Ok(failures);
            }
        }
        Err(crowded())
    }

    async fn delete_round(
        &self,
        actor: &Actor,
        delete: &Delete,
    ) -> Result<Option<PartialFailures>, Refusal> {
        let Delete {
            path, conditions, ..
        } = delete;
        let scene = self.scene(&[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        self.require(
            actor,
            &[Need::on_parent(path, resolution, Privilege::Unbind)],
        )
        .await?;
        if !matches!(resolution.found, Found::Object(_) | Found::Collection) {
            return Err(Refusal::NotFound);
        }
        scene.check_conditions(conditions, path)?;
        let locks = scene.locks(resolution.home().id)?;
        let submitted = conditions::submitted_tokens(conditions);
        guard::check(
            locks,
            scene.now,
            &Touched::unbound(path),
            &submitted,
            actor.principal.id,
        )?;
        let mut batch = self.store.batch();
        scene.expect(&mut batch);
        match &resolution.found {
            Found::Object(before) => {
                let parent = scene::parent(resolution)?;
                batch.remove_object(parent, path.name().unwrap_or_default(), before);
            }
            _ => {
                check_collection_removable(path, resolution)?;
                batch.detach_collection(resolution.collection());
            }
        }
        drop_locks(
            &mut batch,
            &scene,
            resolution.home(),
            std::slice::from_ref(path),
        )?;
        Ok(self.commit(batch).await?.map(|_| PartialFailures::new()))
    }
}

/// Whether the collection at the end of the path may be removed: not those that belong to the account,
/// and not the default calendar (RFC 6638 §4.3).
pub(crate) fn check_collection_removable(
    path: &ResourcePath,
    resolution: &Resolution,
) -> Result<(), Refusal> {
    let collection = resolution.collection();
    place::check_removable(path, collection)?;
    if resolution.owner.default_calendar == Some(collection.id) {
        return Err(precondition(
            Precondition::DefaultCalendarNeeded,
            "invitations are put into this calendar; make another one the default first",
        ));
    }
    Ok(())
}

/// Locks go with their resources (RFC 4918 §9.6, §7.6).
pub(crate) fn drop_locks(
    batch: &mut Batch,
    scene: &Scene,
    home: &Stored<Collection>,
    trees: &[ResourcePath],
) -> Result<(), Refusal> {
    let before = scene.locks(home.id)?;
    if let Some(after) = guard::without_trees(before, scene.now, trees) {
        batch.set_locks(home.id, before, &after);
    }
    Ok(())
}
