//! What an actor did goes into the audit of whoever it was done to, in the change's own commit.

use std::sync::Arc;

use storage::{
    AccountError, Batch, ResourcePath,
    model::{AuditAction, AuditEntry, Principal, PrincipalId},
};

use super::{Desk, properties::home_path};
use crate::Actor;

impl Desk {
    /// Notes in the batch what it is.
    pub(crate) fn note(
        &self,
        batch: &mut Batch,
        actor: &Actor,
        owner: PrincipalId,
        action: AuditAction,
        path: &ResourcePath,
    ) {
        batch.made_by(actor.principal.id);
        let client = actor.client.as_deref().map(str::to_owned);
        self.enter(batch, (actor.principal.id, client), owner, action, path);
    }

    /// Notes in the batch that what was in the trash comes back there, which is done at the machine itself.
    pub(crate) fn note_restored(&self, batch: &mut Batch, owner: PrincipalId, path: &ResourcePath) {
        let nobody = (PrincipalId::NOBODY, None);
        self.enter(batch, nobody, owner, AuditAction::Restored, path);
    }

    fn enter(
        &self,
        batch: &mut Batch,
        (actor, client): (PrincipalId, Option<String>),
        owner: PrincipalId,
        action: AuditAction,
        path: &ResourcePath,
    ) {
        if !self.settings.audit {
            return;
        }
        let entry = AuditEntry {
            time: self.now(),
            actor,
            action,
            place: path.segments.join("/"),
            client,
        };
        batch.audit(owner, entry);
    }

    /// Changes a principal for an actor who may do so, and notes what it is.
    ///
    /// # Errors
    /// Those of [`storage::Store::change_principal`].
    pub async fn change_principal(
        &self,
        actor: &Actor,
        principal: &Principal,
        action: AuditAction,
        change: impl FnMut(&mut Principal),
    ) -> Result<Arc<Principal>, AccountError> {
        let (owner, home) = (principal.id, home_path(principal));
        let note = |batch: &mut Batch| self.note(batch, actor, owner, action, &home);
        self.store.change_principal_and(owner, change, note).await
    }
}
