//! What an actor did goes into the audit of whoever it was done to, in the change's own commit.

use storage::{
    Batch, ResourcePath,
    model::{AuditAction, AuditEntry, PrincipalId},
};

use super::Desk;
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
        if !self.settings.audit {
            return;
        }
        let entry = AuditEntry {
            time: self.now(),
            actor: actor.principal.id,
            action,
            place: path.segments.join("/"),
            client: actor.client.as_deref().map(str::to_owned),
        };
        batch.audit(owner, entry);
    }
}
