//! ACL (RFC 3744 §8.1): the access control entries that clients set.

use storage::{
    Found, Resolution, ResourcePath,
    access::{Ace, AclFault, MAXIMUM_COLLECTION_ACES, MAXIMUM_OBJECT_ACES, Privilege, check_aces},
    model::AuditAction,
};

use super::{
    Desk, MAXIMUM_ROUNDS, conditions,
    guard::{self, Touched},
    refuse::{crowded, precondition},
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Precondition, Refusal};

/// ACL: all entries that clients can change, as they are to be.
#[derive(Clone, Debug)]
pub struct ChangeAccess {
    /// Which resource.
    pub path: ResourcePath,
    /// In the order in which they are evaluated.
    pub aces: Vec<Ace>,
    /// What must hold.
    pub conditions: Conditions,
}

impl Desk {
    /// Replaces the entries of a collection or an object that are neither protected nor inherited.
    ///
    /// Errors: `NotFound`, `Forbidden` (`DAV:write-acl`), `ConditionFailed`, `Locked` (RFC 3744 §7.5), the
    /// preconditions of RFC 3744 §8.1.1, `InsufficientStorage`.
    pub async fn change_access(&self, actor: &Actor, change: ChangeAccess) -> Result<(), Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            if self.change_access_round(actor, &change).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    async fn change_access_round(
        &self,
        actor: &Actor,
        change: &ChangeAccess,
    ) -> Result<Option<()>, Refusal> {
        let ChangeAccess {
            path,
            aces,
            conditions,
        } = change;
        let scene = self.scene(actor, &[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        let need = Need::on(path, resolution, Privilege::WriteAcl);
        self.require(actor, &[need]).await?;
        if !matches!(resolution.found, Found::Collection | Found::Object(_)) {
            return Err(Refusal::NotFound);
        }
        scene.check_conditions(conditions, path)?;
        guard::check(
            scene.locks(resolution.home().id)?,
            scene.now,
            &Touched::resource(path),
            &conditions::submitted_tokens(conditions),
            actor.principal.id,
        )?;
        let maximum = match resolution.found {
            Found::Object(_) => MAXIMUM_OBJECT_ACES,
            _ => MAXIMUM_COLLECTION_ACES,
        };
        let (owner, site) = (resolution.owner.id, resolution.site());
        check_aces(owner, site, aces, maximum).map_err(refused)?;
        let mut batch = self.store.batch();
        self.note(&mut batch, actor, owner, AuditAction::AccessChanged, path);
        scene.expect(&mut batch);
        put_access(&mut batch, &scene, path, resolution, aces)?;
        Ok(self.commit(batch).await?.map(|_| ()))
    }
}

fn put_access(
    batch: &mut storage::Batch,
    scene: &Scene,
    path: &ResourcePath,
    resolution: &Resolution,
    aces: &[Ace],
) -> Result<(), Refusal> {
    if let Found::Object(before) = &resolution.found {
        let mut after = before.value.clone();
        after.access = aces.to_vec();
        after.modified = scene.now;
        let name = path.name().unwrap_or_default();
        batch.put_object(scene::parent(resolution)?, name, Some(before), &after);
    } else {
        let before = resolution.collections.last().ok_or(Refusal::NotFound)?;
        let mut after = before.value.clone();
        after.access = Some(aces.to_vec());
        batch.update_collection(before, &after);
    }
    Ok(())
}

fn refused(fault: AclFault) -> Refusal {
    let element = match fault {
        AclFault::TooMany(_) => Precondition::LimitedNumberOfAces,
        AclFault::Conflict => Precondition::NoAceConflict,
        AclFault::ProtectedConflict => Precondition::NoProtectedAceConflict,
        AclFault::NotSupported => Precondition::NotSupportedPrivilege,
    };
    precondition(element, fault.to_string())
}
