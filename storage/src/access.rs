//! Who may do what: RFC 3744, as pure functions over tables.
//!
//! [`PRIVILEGES`] is the tree of privileges. Every resource has entries that nobody can change, those that
//! clients set on it (or, as long as nobody has, those that such a resource begins with), and inherits
//! those of the collections above it. Both what is published as `DAV:acl` ([`effective_aces`]) and what is
//! granted ([`granted`]) follow from the same list. One right stands outside of all entries:
//! administrators may do everything everywhere.

mod admission;
mod entry;
mod evaluate;
mod privilege;
#[cfg(test)]
mod tests;

pub use admission::{AclFault, MAXIMUM_COLLECTION_ACES, MAXIMUM_OBJECT_ACES, check_aces};
pub use entry::{Ace, AcePrincipal, Delegation, EffectiveAce, Link, effective_aces};
pub use evaluate::{Subject, granted};
pub use privilege::{NamedPrivileges, PRIVILEGES, Privilege, PrivilegeRow, Privileges, Site};

use crate::{
    Found, Resolution,
    model::{Collection, Object},
};

impl Collection {
    /// This collection as a link of a chain.
    pub fn link(&self) -> Link<'_> {
        Link {
            site: Site::Collection(self.kind),
            access: self.access.as_deref(),
        }
    }
}

impl Object {
    /// This object as the last link of a chain; `site` is that of its collection. It begins without entries.
    pub fn link(&self, site: Site) -> Link<'_> {
        Link {
            site,
            access: Some(&self.access),
        }
    }
}

impl Resolution {
    /// What decides about rights here.
    pub fn site(&self) -> Site {
        Site::Collection(self.collection().kind)
    }

    /// Every resource from the home down to this one, as far as they exist.
    pub fn chain(&self) -> Vec<Link<'_>> {
        let collections = self.collections.iter().map(|collection| collection.link());
        let object = match &self.found {
            Found::Object(object) => Some(object.link(self.site())),
            _ => None,
        };
        collections.chain(object).collect()
    }
}
