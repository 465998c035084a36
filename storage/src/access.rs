//! Who may do what: RFC 3744, as pure functions over two tables.
//!
//! [`PRIVILEGES`] is the tree of privileges; `BUILT_IN` holds the access control entries that
//! every resource has. Both what is published as `DAV:acl` ([`effective_aces`]) and what is granted
//! ([`granted`]) follow from them. One right stands outside of all entries: administrators may do
//! everything everywhere.

use serde::{Deserialize, Serialize};

use crate::{
    Resolution,
    model::{CollectionKind, PrincipalId},
};

/// The privileges (RFC 3744 §3, RFC 4791 §6.1, RFC 6638 §6.1), leaves and aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Privilege {
    /// `DAV:all`
    All,
    /// `DAV:read`
    Read,
    /// `DAV:write`
    Write,
    /// `DAV:write-properties`
    WriteProperties,
    /// `DAV:write-content`
    WriteContent,
    /// `DAV:unlock`
    Unlock,
    /// `DAV:read-acl`
    ReadAcl,
    /// `DAV:read-current-user-privilege-set`
    ReadCurrentUserPrivilegeSet,
    /// `DAV:write-acl`
    WriteAcl,
    /// `DAV:bind`
    Bind,
    /// `DAV:unbind`
    Unbind,
    /// `CALDAV:read-free-busy`
    ReadFreeBusy,
    /// `CALDAV:schedule-deliver`
    ScheduleDeliver,
    /// `CALDAV:schedule-deliver-invite`
    ScheduleDeliverInvite,
    /// `CALDAV:schedule-deliver-reply`
    ScheduleDeliverReply,
    /// `CALDAV:schedule-query-freebusy`
    ScheduleQueryFreeBusy,
    /// `CALDAV:schedule-send`
    ScheduleSend,
    /// `CALDAV:schedule-send-invite`
    ScheduleSendInvite,
    /// `CALDAV:schedule-send-reply`
    ScheduleSendReply,
    /// `CALDAV:schedule-send-freebusy`
    ScheduleSendFreeBusy,
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
}

/// An access control entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ace {
    /// Whom it is about.
    pub principal: AcePrincipal,
    /// What is granted.
    pub grant: Vec<Privilege>,
}

/// What a right is about. Objects have the rights of the collection that they are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// A principal's own resource.
    Principal,
    /// A collection, or an object in it.
    Collection(CollectionKind),
}

/// Where a privilege or an entry means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Everywhere,
    Principals,
    Collections,
    Calendars,
    Inbox,
    Outbox,
}

impl Scope {
    fn covers(self, site: Site) -> bool {
        match self {
            Scope::Everywhere => true,
            Scope::Principals => site == Site::Principal,
            Scope::Collections => site != Site::Principal,
            Scope::Calendars => site == Site::Collection(CollectionKind::Calendar),
            Scope::Inbox => site == Site::Collection(CollectionKind::Inbox),
            Scope::Outbox => site == Site::Collection(CollectionKind::Outbox),
        }
    }
}

/// One row of the table of privileges.
#[derive(Debug)]
pub struct PrivilegeRow {
    /// The privilege.
    pub privilege: Privilege,
    /// The aggregate that contains it (RFC 3744 §3.12, RFC 4791 §6.1.1, RFC 6638 §6.3).
    pub within: Option<Privilege>,
    /// For people (RFC 3744 §5.3).
    pub description: &'static str,
    scope: Scope,
}

impl PrivilegeRow {
    /// Whether the privilege is supported there (RFC 3744 §5.3).
    pub fn is_supported_at(&self, site: Site) -> bool {
        self.scope.covers(site)
    }
}

const fn row(
    privilege: Privilege,
    within: Option<Privilege>,
    scope: Scope,
    description: &'static str,
) -> PrivilegeRow {
    PrivilegeRow {
        privilege,
        within,
        description,
        scope,
    }
}

/// All privileges, each aggregate before what it contains. None is abstract.
pub const PRIVILEGES: [PrivilegeRow; 20] = [
    row(Privilege::All, None, Scope::Everywhere, "Any operation"),
    row(
        Privilege::Read,
        Some(Privilege::All),
        Scope::Everywhere,
        "Read",
    ),
    // RFC 4791 §6.1.1: also on plain collections and homes, for the calendars in them.
    row(
        Privilege::ReadFreeBusy,
        Some(Privilege::Read),
        Scope::Collections,
        "Read free and busy time",
    ),
    row(
        Privilege::ReadCurrentUserPrivilegeSet,
        Some(Privilege::Read),
        Scope::Everywhere,
        "Read the current user's privileges",
    ),
    row(
        Privilege::Write,
        Some(Privilege::All),
        Scope::Everywhere,
        "Write",
    ),
    row(
        Privilege::WriteProperties,
        Some(Privilege::Write),
        Scope::Everywhere,
        "Write properties",
    ),
    row(
        Privilege::WriteContent,
        Some(Privilege::Write),
        Scope::Everywhere,
        "Write content",
    ),
    row(
        Privilege::Bind,
        Some(Privilege::Write),
        Scope::Everywhere,
        "Add members",
    ),
    row(
        Privilege::Unbind,
        Some(Privilege::Write),
        Scope::Everywhere,
        "Remove members",
    ),
    row(
        Privilege::Unlock,
        Some(Privilege::All),
        Scope::Everywhere,
        "Remove the locks of others",
    ),
    row(
        Privilege::ReadAcl,
        Some(Privilege::All),
        Scope::Everywhere,
        "Read the access control list",
    ),
    row(
        Privilege::WriteAcl,
        Some(Privilege::All),
        Scope::Everywhere,
        "Write the access control list",
    ),
    row(
        Privilege::ScheduleDeliver,
        Some(Privilege::All),
        Scope::Inbox,
        "Deliver scheduling messages",
    ),
    row(
        Privilege::ScheduleDeliverInvite,
        Some(Privilege::ScheduleDeliver),
        Scope::Inbox,
        "Deliver invitations",
    ),
    row(
        Privilege::ScheduleDeliverReply,
        Some(Privilege::ScheduleDeliver),
        Scope::Inbox,
        "Deliver replies",
    ),
    row(
        Privilege::ScheduleQueryFreeBusy,
        Some(Privilege::ScheduleDeliver),
        Scope::Inbox,
        "Ask for free and busy time",
    ),
    row(
        Privilege::ScheduleSend,
        Some(Privilege::All),
        Scope::Outbox,
        "Send scheduling messages",
    ),
    row(
        Privilege::ScheduleSendInvite,
        Some(Privilege::ScheduleSend),
        Scope::Outbox,
        "Send invitations",
    ),
    row(
        Privilege::ScheduleSendReply,
        Some(Privilege::ScheduleSend),
        Scope::Outbox,
        "Send replies",
    ),
    row(
        Privilege::ScheduleSendFreeBusy,
        Some(Privilege::ScheduleSend),
        Scope::Outbox,
        "Ask others for free and busy time",
    ),
];

/// A set of privileges. One that contains an aggregate contains all of it, and one that contains all
/// parts of an aggregate contains the aggregate (RFC 3744 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privileges(u32);

impl Privileges {
    /// The set of these privileges and all that they contain, as far as the site supports them.
    pub fn at(site: Site, privileges: &[Privilege]) -> Privileges {
        let mut set = 0;
        for privilege in privileges {
            set |= bit(*privilege);
        }
        for row in &PRIVILEGES {
            if row
                .within
                .is_some_and(|aggregate| set & bit(aggregate) != 0)
            {
                set |= bit(row.privilege);
            }
        }
        Privileges(set & supported(site)).completed(site)
    }

    /// Adds each aggregate whose supported parts are all there. (The table has aggregates first, so
    /// backwards every part is settled before its aggregate.)
    fn completed(self, site: Site) -> Privileges {
        let (mut set, supported) = (self.0, supported(site));
        for row in PRIVILEGES.iter().rev() {
            let parts = PARTS[row.privilege as usize] & supported;
            if parts != 0 && set & parts == parts {
                set |= bit(row.privilege) & supported;
            }
        }
        Privileges(set)
    }

    /// Whether the privilege (with all that it contains) is in the set.
    pub fn has(self, privilege: Privilege) -> bool {
        self.0 & bit(privilege) != 0
    }

    /// Whether nothing is granted.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All privileges of the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        PRIVILEGES
            .iter()
            .map(|row| row.privilege)
            .filter(move |privilege| self.has(*privilege))
    }
}

const fn bit(privilege: Privilege) -> u32 {
    1 << privilege as u32
}

/// What each privilege directly contains, by its number.
const PARTS: [u32; PRIVILEGES.len()] = {
    let mut parts = [0; PRIVILEGES.len()];
    let mut place = 0;
    while place < PRIVILEGES.len() {
        if let Some(aggregate) = PRIVILEGES[place].within {
            parts[aggregate as usize] |= bit(PRIVILEGES[place].privilege);
        }
        place += 1;
    }
    parts
};

fn supported(site: Site) -> u32 {
    let rows = PRIVILEGES.iter().filter(|row| row.is_supported_at(site));
    rows.fold(0, |set, row| set | bit(row.privilege))
}

/// Whom a built-in entry is about.
#[derive(Clone, Copy)]
enum Party {
    Owner,
    Authenticated,
}

/// The entries that every resource has: all protected (RFC 3744 §5.5.3).
const BUILT_IN: [(Scope, Party, &[Privilege]); 4] = [
    (Scope::Everywhere, Party::Owner, &[Privilege::All]),
    (Scope::Principals, Party::Authenticated, &[Privilege::Read]),
    (
        Scope::Calendars,
        Party::Authenticated,
        &[Privilege::ReadFreeBusy],
    ),
    (
        Scope::Inbox,
        Party::Authenticated,
        &[Privilege::ScheduleDeliver],
    ),
];

/// Who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// Who signed in, if anybody.
    pub principal: Option<PrincipalId>,
    /// The groups that hold the principal, directly or through groups.
    pub groups: &'a [PrincipalId],
    /// May do everything everywhere.
    pub administrator: bool,
}

impl Subject<'_> {
    fn is(self, principal: &AcePrincipal) -> bool {
        match principal {
            AcePrincipal::All => true,
            AcePrincipal::Authenticated => self.principal.is_some(),
            AcePrincipal::Unauthenticated => self.principal.is_none(),
            AcePrincipal::Principal(id) => self.principal == Some(*id) || self.groups.contains(id),
        }
    }
}

/// An access control entry as it takes effect on a resource (RFC 3744 §5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveAce {
    /// The entry.
    pub ace: Ace,
    /// No client may change it (RFC 3744 §5.5.3).
    pub protected: bool,
    /// The place within the chain of the collection that it comes from; `None` where it is the
    /// resource's own (RFC 3744 §5.5.4).
    pub inherited_from: Option<usize>,
}

/// One entry that takes effect, from either table or collection.
struct Entry<'a> {
    principal: AcePrincipal,
    grant: &'a [Privilege],
    protected: bool,
    inherited_from: Option<usize>,
}

fn entries<'a>(
    owner: PrincipalId,
    site: Site,
    chain: &'a [&'a [Ace]],
) -> impl Iterator<Item = Entry<'a>> {
    let here = BUILT_IN
        .iter()
        .filter(move |(scope, ..)| scope.covers(site));
    let built_in = here.map(move |(_, party, grant)| Entry {
        principal: match party {
            Party::Owner => AcePrincipal::Principal(owner),
            Party::Authenticated => AcePrincipal::Authenticated,
        },
        grant,
        protected: true,
        inherited_from: None,
    });
    let own = chain.len().saturating_sub(1);
    let stored = chain
        .iter()
        .enumerate()
        .rev()
        .flat_map(move |(place, aces)| {
            aces.iter().map(move |ace| Entry {
                principal: ace.principal,
                grant: &ace.grant,
                protected: false,
                inherited_from: (place != own).then_some(place),
            })
        });
    built_in.chain(stored)
}

/// The entries that take effect on a resource of `owner`: the built-in ones, its own, and those of
/// the collections above it. `chain` holds the entries of every collection from the home down; the
/// last are the site's own.
pub fn effective_aces(owner: PrincipalId, site: Site, chain: &[&[Ace]]) -> Vec<EffectiveAce> {
    let effective = |entry: Entry| EffectiveAce {
        ace: Ace {
            principal: entry.principal,
            grant: entry.grant.to_vec(),
        },
        protected: entry.protected,
        inherited_from: entry.inherited_from,
    };
    entries(owner, site, chain).map(effective).collect()
}

/// What the subject may do on a resource of `owner`; see [`effective_aces`] for `chain`.
pub fn granted(subject: Subject, owner: PrincipalId, site: Site, chain: &[&[Ace]]) -> Privileges {
    if subject.administrator {
        return Privileges::at(site, &[Privilege::All]);
    }
    let mut grants = Vec::new();
    for entry in entries(owner, site, chain).filter(|entry| subject.is(&entry.principal)) {
        grants.extend_from_slice(entry.grant);
    }
    Privileges::at(site, &grants)
}

impl Resolution {
    /// The collection that decides about rights here.
    pub fn site(&self) -> Site {
        Site::Collection(self.collection().kind)
    }

    /// What the subject may do on the resource; where it is missing, on its nearest existing ancestor.
    pub fn granted(&self, subject: Subject) -> Privileges {
        granted(subject, self.owner.id, self.site(), &self.chain())
    }

    /// The access control entries of the resource, or of its nearest existing ancestor.
    pub fn effective_aces(&self) -> Vec<EffectiveAce> {
        effective_aces(self.owner.id, self.site(), &self.chain())
    }

    fn chain(&self) -> Vec<&[Ace]> {
        self.collections
            .iter()
            .map(|collection| &*collection.access)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: PrincipalId = PrincipalId(1);
    const OTHER: PrincipalId = PrincipalId(2);
    const GROUP: PrincipalId = PrincipalId(3);
    const CALENDAR: Site = Site::Collection(CollectionKind::Calendar);
    const INBOX: Site = Site::Collection(CollectionKind::Inbox);
    const OUTBOX: Site = Site::Collection(CollectionKind::Outbox);
    const SITES: [Site; 6] = [
        Site::Principal,
        CALENDAR,
        INBOX,
        OUTBOX,
        Site::Collection(CollectionKind::Home),
        Site::Collection(CollectionKind::Plain),
    ];

    fn somebody(id: PrincipalId) -> Subject<'static> {
        Subject {
            principal: Some(id),
            ..Subject::default()
        }
    }

    fn privileges(subject: Subject, site: Site, chain: &[&[Ace]]) -> Vec<Privilege> {
        granted(subject, OWNER, site, chain).iter().collect()
    }

    #[test]
    fn every_privilege_has_one_row_behind_its_aggregate() {
        for (place, row) in PRIVILEGES.iter().enumerate() {
            let same = PRIVILEGES
                .iter()
                .filter(|other| other.privilege == row.privilege);
            assert_eq!(same.count(), 1, "{:?}", row.privilege);
            let before = |aggregate| {
                PRIVILEGES[..place]
                    .iter()
                    .any(|other| other.privilege == aggregate)
            };
            assert!(row.within.map_or(place == 0, before), "{:?}", row.privilege);
        }
    }

    /// RFC 3744 §3.12, RFC 4791 §6.1.1, RFC 6638 §6.3
    #[test]
    fn aggregates_contain_what_the_rfcs_demand() {
        use Privilege::*;
        let cases: [(Site, Privilege, &[Privilege], &[Privilege]); 6] = [
            (
                CALENDAR,
                Write,
                &[Bind, Unbind, WriteProperties, WriteContent],
                &[Read, ReadAcl, WriteAcl],
            ),
            (
                CALENDAR,
                Read,
                &[ReadFreeBusy, ReadCurrentUserPrivilegeSet],
                &[Write, ReadAcl, WriteAcl],
            ),
            (
                CALENDAR,
                ReadAcl,
                &[],
                &[Read, Write, WriteAcl, ReadCurrentUserPrivilegeSet],
            ),
            (
                CALENDAR,
                WriteAcl,
                &[],
                &[Read, Write, ReadAcl, ReadCurrentUserPrivilegeSet],
            ),
            (
                INBOX,
                ScheduleDeliver,
                &[
                    ScheduleDeliverInvite,
                    ScheduleDeliverReply,
                    ScheduleQueryFreeBusy,
                ],
                &[Read, Write, ScheduleSend],
            ),
            (
                OUTBOX,
                ScheduleSend,
                &[ScheduleSendInvite, ScheduleSendReply, ScheduleSendFreeBusy],
                &[Read, Write, ScheduleDeliver],
            ),
        ];
        for (site, aggregate, contains, lacks) in cases {
            let set = Privileges::at(site, &[aggregate]);
            assert!(contains.iter().all(|part| set.has(*part)), "{aggregate:?}");
            assert!(!lacks.iter().any(|other| set.has(*other)), "{aggregate:?}");
            assert!(
                contains.is_empty() || Privileges::at(site, contains).has(aggregate),
                "{aggregate:?}"
            );
        }
    }

    #[test]
    fn parts_of_an_aggregate_are_not_the_aggregate() {
        let set = Privileges::at(
            CALENDAR,
            &[Privilege::Bind, Privilege::Unbind, Privilege::WriteContent],
        );
        assert!(!set.has(Privilege::Write) && !set.has(Privilege::All));
        assert_eq!(
            Privileges::at(CALENDAR, &[Privilege::ScheduleSend]),
            Privileges::default()
        );
    }

    #[test]
    fn owners_and_administrators_have_everything_everywhere() {
        let administrator = Subject {
            administrator: true,
            ..somebody(OTHER)
        };
        for site in SITES {
            for subject in [somebody(OWNER), administrator] {
                let set = granted(subject, OWNER, site, &[&[]]);
                let expected = PRIVILEGES.iter().filter(|row| row.is_supported_at(site));
                assert!(set.iter().eq(expected.map(|row| row.privilege)), "{site:?}");
            }
        }
    }

    #[test]
    fn others_have_what_is_built_in() {
        use Privilege::*;
        let inbox = [
            ScheduleDeliver,
            ScheduleDeliverInvite,
            ScheduleDeliverReply,
            ScheduleQueryFreeBusy,
        ];
        let cases: [(Site, &[Privilege]); 6] = [
            (Site::Principal, &[Read, ReadCurrentUserPrivilegeSet]),
            (CALENDAR, &[ReadFreeBusy]),
            (INBOX, &inbox),
            (OUTBOX, &[]),
            (Site::Collection(CollectionKind::Home), &[]),
            (Site::Collection(CollectionKind::Plain), &[]),
        ];
        for (site, expected) in cases {
            assert_eq!(
                privileges(somebody(OTHER), site, &[&[]]),
                expected,
                "{site:?}"
            );
            assert_eq!(privileges(Subject::default(), site, &[&[]]), [], "{site:?}");
        }
    }

    #[test]
    fn entries_grant_to_whom_they_name_and_below_where_they_stand() {
        let ace = |principal| Ace {
            principal,
            grant: vec![Privilege::Unbind],
        };
        let member = Subject {
            groups: &[GROUP],
            ..somebody(OTHER)
        };
        let anybody = Subject::default();
        let cases = [
            (AcePrincipal::Principal(OTHER), somebody(OTHER), true),
            (AcePrincipal::Principal(GROUP), somebody(OTHER), false),
            (AcePrincipal::Principal(GROUP), member, true),
            (AcePrincipal::All, anybody, true),
            (AcePrincipal::Authenticated, anybody, false),
            (AcePrincipal::Authenticated, member, true),
            (AcePrincipal::Unauthenticated, anybody, true),
            (AcePrincipal::Unauthenticated, member, false),
        ];
        for (principal, subject, expected) in cases {
            let aces = [ace(principal)];
            for chain in [[&aces[..], &[]], [&[], &aces[..]]] {
                let set = granted(subject, OWNER, CALENDAR, &chain);
                assert_eq!(
                    set.has(Privilege::Unbind),
                    expected,
                    "{principal:?} {subject:?}"
                );
            }
        }
    }

    #[test]
    fn the_list_names_protected_own_and_inherited_entries() {
        let ace = |id| Ace {
            principal: AcePrincipal::Principal(id),
            grant: vec![Privilege::Read],
        };
        let (home, own) = ([ace(OTHER)], [ace(GROUP)]);
        let list = effective_aces(OWNER, CALENDAR, &[&home, &own]);
        let flags: Vec<_> = list
            .iter()
            .map(|it| (it.protected, it.inherited_from))
            .collect();
        assert_eq!(
            flags,
            [(true, None), (true, None), (false, None), (false, Some(0))]
        );
        assert_eq!(list[2].ace, own[0]);
        assert_eq!(list[3].ace, home[0]);
    }
}
