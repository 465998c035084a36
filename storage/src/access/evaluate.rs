//! The evaluation of access control entries (RFC 3744 §6).

use super::{
    entry::{AcePrincipal, Delegation, Link, entries},
    privilege::{Privilege, Privileges, Site, units, units_at},
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
    let (mut open, mut granted) = (units_at(site), 0);
    for entry in entries(owner, site, chain) {
        if open == 0 {
            break;
        }
        let named = units(entry.privileges) & open;
        if named == 0 || !subject.is(&entry.principal, owner, site) {
            continue;
        }
        open &= !named;
        if !entry.deny {
            granted |= named;
        }
    }
    Privileges::of_units(site, granted)
}
