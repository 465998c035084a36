//! Who an actor is to the owner of what they ask for.

use std::sync::Arc;

use storage::{
    Memberships, Resolution,
    access::{self, Delegation, Link, Privilege, Privileges, Site, Subject},
    model::{CollectionKind, Principal, PrincipalId},
};

use super::{Desk, refuse::read_failed};
use crate::{Actor, Refusal, view::Viewer};

/// An actor before what is somebody's, with the groups and delegations that they have at that moment: what
/// they may do, what they see, and for whom they act are all decided by this one value.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    actor: &'a Actor,
    owner: PrincipalId,
    /// `None` for the owner, about whom they decide nothing.
    memberships: Option<Arc<Memberships>>,
}

impl Desk {
    /// The actor before what is `owner`'s.
    ///
    /// Errors: the store cannot be read.
    pub async fn standing<'a>(
        &self,
        actor: &'a Actor,
        owner: PrincipalId,
    ) -> Result<Standing<'a>, Refusal> {
        let id = actor.principal.id;
        let memberships = match id == owner {
            true => None,
            false => Some(self.store.memberships_of(id).await.map_err(read_failed)?),
        };
        Ok(Standing {
            actor,
            owner,
            memberships,
        })
    }

    /// The same, where `known` is what was found last: it still stands where the owner is the same one.
    pub(super) async fn standing_again<'a, 'k>(
        &self,
        known: &'k mut Option<Standing<'a>>,
        actor: &'a Actor,
        owner: PrincipalId,
    ) -> Result<&'k Standing<'a>, Refusal> {
        let standing = match known.take().filter(|it| it.owner == owner) {
            Some(standing) => standing,
            None => self.standing(actor, owner).await?,
        };
        Ok(known.insert(standing))
    }
}

impl<'a> Standing<'a> {
    /// What the actor may do on the last resource of a chain.
    pub fn evaluate(&self, chain: &[Link<'_>]) -> Privileges {
        let home = Site::Collection(CollectionKind::Home);
        let site = chain.last().map_or(home, |link| link.site);
        access::granted(self.subject(), self.owner, site, chain)
    }

    /// What the actor may do on a resource; where it is missing, on its nearest existing ancestor.
    pub fn privileges(&self, resolution: &Resolution) -> Privileges {
        match self.subject().has_everything(self.owner) {
            true => Privileges::at(resolution.site(), &[Privilege::All]),
            false => self.evaluate(&resolution.chain()),
        }
    }

    /// The actor as somebody who looks at what is the owner's.
    pub fn viewer(&self) -> Viewer<'a> {
        let principal = &self.actor.principal;
        match self.subject().has_everything(self.owner) || self.is_delegate(Delegation::Private) {
            true => Viewer::trusted(principal),
            false => Viewer::other(principal),
        }
    }

    /// Who acts for the owner; `None` for the owner. An administrator's edit acts as the owner, unless the
    /// owner has them as a delegate who writes: then it is a delegate's.
    pub fn acting(&self) -> Option<&'a Arc<Principal>> {
        let acting = &self.actor.principal;
        let is_deputy = acting.id != self.owner
            && (!acting.administrator || self.is_delegate(Delegation::Write));
        is_deputy.then_some(acting)
    }

    /// Whether they may know what was decided about the owner's meetings: the owner, administrators and
    /// delegates.
    pub(super) fn may_read_log(&self) -> bool {
        let memberships = self.memberships.iter();
        let mut delegations = memberships.flat_map(|it| &it.delegations);
        self.subject().has_everything(self.owner)
            || delegations.any(|(owner, _)| *owner == self.owner)
    }

    fn is_delegate(&self, delegation: Delegation) -> bool {
        let sought = (self.owner, delegation);
        let memberships = self.memberships.as_ref();
        memberships.is_some_and(|it| it.delegations.contains(&sought))
    }

    fn subject(&self) -> Subject<'_> {
        let (groups, delegations) = match &self.memberships {
            Some(memberships) => (&memberships.groups[..], &memberships.delegations[..]),
            None => (&[][..], &[][..]),
        };
        Subject {
            principal: self.actor.signed_in(),
            groups,
            delegations,
            administrator: self.actor.principal.administrator,
        }
    }
}
