//! Delegates: who may act for whom, and what for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use storage::{
    Batch,
    model::{
        AuditAction, AuditEntry, Delegate, InvitationRecipients, Principal, PrincipalId,
        PrincipalKind,
    },
};

use super::{Accounts, AccountsError, Outcome};

/// What `convoke delegate add` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateChange {
    /// Whose delegate.
    pub manager: String,
    /// Who: a person or a group; `None` changes only what follows below.
    pub delegate: Option<String>,
    /// May write in the calendars.
    pub may_edit: bool,
    /// May answer invitations in the manager's name.
    pub may_answer: bool,
    /// May invite in the manager's name.
    pub may_invite: bool,
    /// Sees private things.
    pub sees_private: bool,
    /// Who finds the manager's invitations in the inbox; `None` leaves it as it is.
    pub invitations_to: Option<InvitationRecipients>,
    /// Whether the manager is told of what delegates send; `None` leaves it as it is.
    pub notices: Option<bool>,
}

/// Somebody's delegates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegatesListing {
    /// Each of them, by name.
    pub delegates: Vec<DelegateListing>,
    /// Who finds the manager's invitations in the inbox.
    pub invitations_to: InvitationRecipients,
    /// Whether the manager is told of what delegates send.
    pub notices: bool,
}

/// One delegate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateListing {
    /// The name.
    pub name: String,
    /// May write in the calendars.
    pub may_edit: bool,
    /// May answer invitations.
    pub may_answer: bool,
    /// May invite.
    pub may_invite: bool,
    /// Sees private things.
    pub sees_private: bool,
}

impl Accounts {
    pub(super) async fn add_delegate(
        &self,
        change: DelegateChange,
    ) -> Result<Outcome, AccountsError> {
        let manager = self.expect_manager(&change.manager).await?;
        let delegate = match &change.delegate {
            Some(name) => Some(self.expect_delegate(&manager, name).await?),
            None => None,
        };
        let wanted = delegate.map(|delegate| Delegate {
            principal: delegate.id,
            may_edit: change.may_edit,
            may_answer: change.may_answer,
            may_invite: change.may_invite,
            sees_private: change.sees_private,
        });
        self.change(&manager, |manager| {
            if let Some(wanted) = wanted {
                let mut known = manager.delegates.iter_mut();
                match known.find(|it| it.principal == wanted.principal) {
                    Some(known) => *known = wanted,
                    None => manager.delegates.push(wanted),
                }
            }
            let invitations_to = change.invitations_to;
            manager.invitations_to = invitations_to.unwrap_or(manager.invitations_to);
            manager.delegate_notices = change.notices.unwrap_or(manager.delegate_notices);
        })
        .await
    }

    pub(super) async fn remove_delegate(
        &self,
        manager: &str,
        delegate: &str,
    ) -> Result<Outcome, AccountsError> {
        let manager = self.expect_manager(manager).await?;
        let delegate = self.expect_delegate(&manager, delegate).await?;
        self.change(&manager, |manager| {
            manager.delegates.retain(|it| it.principal != delegate.id);
        })
        .await
    }

    pub(super) async fn list_delegates(&self, manager: &str) -> Result<Outcome, AccountsError> {
        let manager = self.expect_manager(manager).await?;
        let mut delegates = Vec::new();
        for delegate in &manager.delegates {
            // Somebody who was removed is no delegate any more.
            let Some(principal) = self.store.principal(delegate.principal).await? else {
                continue;
            };
            delegates.push(DelegateListing {
                name: principal.name.clone(),
                may_edit: delegate.may_edit,
                may_answer: delegate.may_answer,
                may_invite: delegate.may_invite,
                sees_private: delegate.sees_private,
            });
        }
        delegates.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Outcome::Delegates(DelegatesListing {
            delegates,
            invitations_to: manager.invitations_to,
            notices: manager.delegate_notices,
        }))
    }

    /// Changes a principal, and says whether anything became different.
    async fn change(
        &self,
        before: &Principal,
        change: impl Fn(&mut Principal) + Send + Sync,
    ) -> Result<Outcome, AccountsError> {
        let mut after = before.clone();
        change(&mut after);
        if after == *before {
            return Ok(Outcome::Unchanged);
        }
        let entry = AuditEntry {
            time: self.store.environment().clock.now(),
            // At the machine itself nobody signs in.
            actor: PrincipalId::NOBODY,
            action: AuditAction::AccessChanged,
            place: String::new(),
            client: None,
        };
        let note = |batch: &mut Batch| {
            if self.is_audited {
                batch.audit(before.id, entry.clone());
            }
        };
        self.store
            .change_principal_and(before.id, change, note)
            .await?;
        Ok(Outcome::Done)
    }

    /// Anybody who has calendars.
    async fn expect_manager(&self, name: &str) -> Result<Arc<Principal>, AccountsError> {
        match self.store.principal_by_name(name).await? {
            Some(principal) if principal.kind != PrincipalKind::Group => Ok(principal),
            Some(_) => Err(AccountsError::new(format!(
                "\"{name}\" is a group, and has no calendars that somebody could look after"
            ))),
            None => Err(nobody(name)),
        }
    }

    /// Anybody who can act: a person, or a group with all in it.
    async fn expect_delegate(
        &self,
        manager: &Principal,
        name: &str,
    ) -> Result<Arc<Principal>, AccountsError> {
        match self.store.principal_by_name(name).await? {
            Some(principal) if principal.id == manager.id => Err(AccountsError::new(format!(
                "\"{name}\" needs nobody's leave for calendars that are their own"
            ))),
            Some(principal)
                if matches!(principal.kind, PrincipalKind::User | PrincipalKind::Group) =>
            {
                Ok(principal)
            }
            Some(_) => Err(AccountsError::new(format!(
                "\"{name}\" is neither a person nor a group, and can do nothing for others"
            ))),
            None => Err(nobody(name)),
        }
    }
}

fn nobody(name: &str) -> AccountsError {
    AccountsError::new(format!("nobody has the name \"{name}\""))
}
