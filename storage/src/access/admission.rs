//! Which lists of entries a client may set (RFC 3744 §8.1.1).

use super::{
    entry::{Ace, AcePrincipal},
    privilege::{PRIVILEGES, Privilege, Site},
};
use crate::model::PrincipalId;

/// The most entries that clients can set on a collection.
pub const MAXIMUM_COLLECTION_ACES: usize = 250;
/// The same for an object, whose row also holds octets of its own.
pub const MAXIMUM_OBJECT_ACES: usize = 50;

/// Why a list of entries is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclFault {
    /// `DAV:limited-number-of-aces`
    #[error("there are more than {0} access control entries")]
    TooMany(usize),
    /// `DAV:no-ace-conflict`
    #[error("what one entry grants to somebody, another one denies to the same")]
    Conflict,
    /// `DAV:no-protected-ace-conflict`
    #[error("an owner's rights cannot be denied")]
    ProtectedConflict,
    /// `DAV:not-supported-privilege`
    #[error("a privilege does not mean anything on this resource or below it")]
    NotSupported,
}

/// Whether clients may set these entries, `maximum` at most, on a resource of `owner`.
///
/// # Errors
/// The first constraint of RFC 3744 §8.1.1 that is violated.
pub fn check_aces(
    owner: PrincipalId,
    site: Site,
    aces: &[Ace],
    maximum: usize,
) -> Result<(), AclFault> {
    if aces.len() > maximum {
        return Err(AclFault::TooMany(maximum));
    }
    let named = |ace: &Ace| ace.privileges.iter().all(|one| means_something(one, site));
    if !aces.iter().all(named) {
        return Err(AclFault::NotSupported);
    }
    let is_owner = |principal: &AcePrincipal| {
        matches!(principal, AcePrincipal::Owner) || *principal == AcePrincipal::Principal(owner)
    };
    if aces.iter().any(|ace| ace.deny && is_owner(&ace.principal)) {
        return Err(AclFault::ProtectedConflict);
    }
    let contradicts = |one: &Ace, other: &Ace| {
        one.deny != other.deny
            && one.principal == other.principal
            && one.privileges.units() & other.privileges.units() != 0
    };
    let mut pairs = aces.iter().enumerate();
    match pairs.any(|(place, one)| aces[..place].iter().any(|other| contradicts(one, other))) {
        true => Err(AclFault::Conflict),
        false => Ok(()),
    }
}

/// Whether the resource supports the privilege, or something below it that inherits the entry does: a home
/// holds the inbox and the outbox.
fn means_something(privilege: Privilege, site: Site) -> bool {
    use crate::model::CollectionKind::{Home, Inbox, Outbox};
    let below: &[Site] = match site {
        Site::Collection(Home) => &[Site::Collection(Inbox), Site::Collection(Outbox)],
        _ => &[],
    };
    let row = PRIVILEGES.iter().find(|row| row.privilege == privilege);
    row.is_some_and(|row| {
        row.is_supported_at(site) || below.iter().any(|site| row.is_supported_at(*site))
    })
}
