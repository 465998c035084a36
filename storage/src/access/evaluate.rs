//! The evaluation of access control entries (RFC 3744 §6).

use std::ops::ControlFlow;

use super::{
    entry::{AcePrincipal, Delegation, EffectiveAce, Link, entries},
    privilege::{Privilege, Privileges, Site, units_at},
};
use crate::model::PrincipalId;

/// Who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// Who signed in, if anybody.
    pub principal: Option<PrincipalId>,
    /// The groups that hold the principal, directly or through groups.
    pub groups: &'a [PrincipalId],
    /// Whose delegate the principal is, directly or through groups.
    pub delegations: &'a [(PrincipalId, Delegation)],
    /// May do everything everywhere.
    pub administrator: bool,
}

impl Subject<'_> {
    /// Whether what the subject may do on a resource of `owner` is known without its groups and
    /// delegations.
    pub fn has_everything(&self, owner: PrincipalId) -> bool {
        self.administrator || self.principal == Some(owner)
    }

    fn is(&self, principal: &AcePrincipal, owner: PrincipalId, site: Site) -> bool {
        let is = |id: &PrincipalId| self.principal == Some(*id) || self.groups.contains(id);
        match principal {
            AcePrincipal::All => true,
            AcePrincipal::Authenticated => self.principal.is_some(),
            AcePrincipal::Unauthenticated => self.principal.is_none(),
            AcePrincipal::Principal(id) => is(id),
            AcePrincipal::Itself => site == Site::Principal && is(&owner),
            AcePrincipal::Owner => is(&owner),
            AcePrincipal::Group => false,
            AcePrincipal::Delegates(id, delegation) => {
                self.delegations.contains(&(*id, *delegation))
            }
        }
    }
}

/// Who a subject is, in so few bits that most of many entries are known at once to be about others.
#[derive(Clone, Copy)]
struct Sketch(u64);

impl Sketch {
    fn of(subject: &Subject<'_>) -> Sketch {
        let all = subject.principal.iter().chain(subject.groups);
        Sketch(all.fold(0, |bits, id| bits | Sketch::bit(*id)))
    }

    /// Identities are random or counted; their lowest bits differ either way.
    fn bit(id: PrincipalId) -> u64 {
        1 << (id.0 % 64)
    }

    fn may_be(self, principal: &AcePrincipal) -> bool {
        match principal {
            AcePrincipal::Principal(id) => self.0 & Sketch::bit(*id) != 0,
            _ => true,
        }
    }
}

/// What the subject may do on a resource of `owner`: the last of `chain`, which holds every resource from
/// the home down to it.
///
/// Entries are evaluated in their order; of each privilege, the first entry that is about the subject and
/// names it, or an aggregate of it, decides (RFC 3744 §6).
pub fn granted(
    subject: Subject<'_>,
    owner: PrincipalId,
    site: Site,
    chain: &[Link<'_>],
) -> Privileges {
    if subject.has_everything(owner) {
        return Privileges::at(site, &[Privilege::All]);
    }
    let sketch = Sketch::of(&subject);
    let concerns = |principal: &AcePrincipal| sketch.may_be(principal);
    let (mut open, mut granted) = (units_at(site), 0);
    // Inner iteration: of entries of several resources it is much the faster one.
    let _ = entries(owner, site, chain, concerns).try_for_each(|EffectiveAce { ace, .. }| {
        let named = ace.privileges.units() & open;
        if named != 0 && subject.is(&ace.principal, owner, site) {
            open &= !named;
            granted |= if ace.deny { 0 } else { named };
        }
        match open {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    Privileges::of_units(site, granted)
}
