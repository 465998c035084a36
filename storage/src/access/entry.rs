//! Access control entries (RFC 3744 §5.5): those that clients set, those that hold where nobody set any,
//! and those that nobody can change.

use serde::{Deserialize, Serialize};

use super::privilege::{NamedPrivileges, Privilege, Scope, Site};
use crate::model::PrincipalId;

/// One of the groups of delegates beside a principal: the two of calendarserver calendar-proxy §5.2, of
/// which every delegate is in one, and those that say more about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Delegation {
    /// Who may only read for the principal.
    Read,
    /// Who may write for the principal.
    Write,
    /// Who may answer invitations in its name.
    Answer,
    /// Who may invite in its name.
    Invite,
    /// Who sees its private things.
    Private,
}

impl Delegation {
    /// All of them.
    pub const ALL: [Delegation; 5] = [
        Delegation::Read,
        Delegation::Write,
        Delegation::Answer,
        Delegation::Invite,
        Delegation::Private,
    ];
}

/// Whom an access control entry is about (RFC 3744 §5.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AcePrincipal {
    /// One principal, or the members of a group.
    Principal(PrincipalId),
    /// Everyone.
    All,
    /// Everyone who signed in.
    Authenticated,
    /// Everyone who did not.
    Unauthenticated,
    /// The principal that the resource is. What stands in a home is none, so that nobody is meant there.
    Itself,
    /// Whom `DAV:owner` names.
    Owner,
    /// Whom `DAV:group` names: nobody, since no resource here has a group.
    Group,
    /// The delegates of a principal, directly or through groups.
    Delegates(PrincipalId, Delegation),
}

/// An access control entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ace {
    /// Whom it is about.
    pub principal: AcePrincipal,
    /// Denies instead of granting.
    pub deny: bool,
    /// What is granted or denied.
    pub privileges: NamedPrivileges,
}

impl Ace {
    /// An entry that grants.
    pub fn grant(principal: AcePrincipal, privileges: &[Privilege]) -> Ace {
        Ace {
            principal,
            deny: false,
            privileges: NamedPrivileges::of(privileges),
        }
    }

    /// An entry that denies.
    pub fn deny(principal: AcePrincipal, privileges: &[Privilege]) -> Ace {
        Ace {
            deny: true,
            ..Ace::grant(principal, privileges)
        }
    }
}

/// One resource on the way from the home to the one in question.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What it is.
    pub site: Site,
    /// The entries that clients set on it; `None` where nobody ever did.
    pub access: Option<&'a [Ace]>,
}

/// An access control entry as it takes effect on a resource (RFC 3744 §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveAce {
    /// The entry.
    pub ace: Ace,
    /// No client may change it (RFC 3744 §5.5.3).
    pub protected: bool,
    /// The place within the chain of the resource that it comes from; `None` where it is the resource's
    /// own (RFC 3744 §5.5.4).
    pub inherited_from: Option<usize>,
}

/// Whom an entry of a table is about.
#[derive(Clone, Copy)]
enum Party {
    Owner,
    Delegates(Delegation),
    Authenticated,
}

type TableRow = (Scope, Party, NamedPrivileges);

/// The entries that every resource has and no client can change (RFC 3744 §5.5.3). They stand before all
/// others, so that nobody can lock an owner out.
const PROTECTED: [TableRow; 7] = [
    (
        Scope::Everywhere,
        Party::Owner,
        NamedPrivileges::of(&[Privilege::All]),
    ),
    // calendarserver calendar-proxy §3.1
    (
        Scope::Collections,
        Party::Delegates(Delegation::Read),
        NamedPrivileges::of(&[Privilege::Read]),
    ),
    (
        Scope::Collections,
        Party::Delegates(Delegation::Write),
        NamedPrivileges::of(&[Privilege::Read, Privilege::Write]),
    ),
    // RFC 6638 §6.2: who may edit may for that reason not yet speak for the owner
    (
        Scope::Outbox,
        Party::Delegates(Delegation::Write),
        NamedPrivileges::of(&[Privilege::ScheduleSendFreeBusy]),
    ),
    (
        Scope::Outbox,
        Party::Delegates(Delegation::Answer),
        NamedPrivileges::of(&[Privilege::ScheduleSendReply]),
    ),
    (
        Scope::Outbox,
        Party::Delegates(Delegation::Invite),
        NamedPrivileges::of(&[Privilege::ScheduleSendInvite]),
    ),
    (
        Scope::Principals,
        Party::Authenticated,
        NamedPrivileges::of(&[Privilege::Read]),
    ),
];

/// The entries that a resource has as long as no client has set any.
const INITIAL: [TableRow; 2] = [
    (
        Scope::Calendars,
        Party::Authenticated,
        NamedPrivileges::of(&[Privilege::ReadFreeBusy]),
    ),
    (
        Scope::Inbox,
        Party::Authenticated,
        NamedPrivileges::of(&[Privilege::ScheduleDeliver]),
    ),
];

fn of_table(
    table: &'static [TableRow],
    owner: PrincipalId,
    site: Site,
) -> impl Iterator<Item = Ace> {
    let here = table.iter().filter(move |(scope, ..)| scope.covers(site));
    here.map(move |(_, party, privileges)| Ace {
        principal: match party {
            Party::Owner => AcePrincipal::Principal(owner),
            Party::Delegates(delegation) => AcePrincipal::Delegates(owner, *delegation),
            Party::Authenticated => AcePrincipal::Authenticated,
        },
        deny: false,
        privileges: *privileges,
    })
}

/// The entries that hold on the last resource of `chain`, which leads from the home down to it: the
/// protected ones, its own, and those of each resource above it, the nearest first. Those that clients set
/// are left out where `concerns` says so of whom they name.
pub(super) fn entries(
    owner: PrincipalId,
    site: Site,
    chain: &[Link<'_>],
    concerns: impl Fn(&AcePrincipal) -> bool + Copy,
) -> impl Iterator<Item = EffectiveAce> {
    let protected = of_table(&PROTECTED, owner, site).map(|ace| EffectiveAce {
        ace,
        protected: true,
        inherited_from: None,
    });
    let last = chain.len().saturating_sub(1);
    let of_links = chain.iter().enumerate().rev();
    let others = of_links.flat_map(move |(place, link)| {
        let inherited_from = (place != last).then_some(place);
        let initial: &[TableRow] = match link.access {
            None => &INITIAL,
            Some(_) => &[],
        };
        let set = link.access.unwrap_or_default().iter();
        let set = set.filter(move |ace| concerns(&ace.principal)).copied();
        let all = set.chain(of_table(initial, owner, link.site));
        all.map(move |ace| EffectiveAce {
            ace,
            protected: false,
            inherited_from,
        })
    });
    protected.chain(others)
}

/// The entries that take effect on a resource of `owner`, in the order in which they are evaluated.
pub fn effective_aces(owner: PrincipalId, site: Site, chain: &[Link<'_>]) -> Vec<EffectiveAce> {
    entries(owner, site, chain, |_| true).collect()
}
