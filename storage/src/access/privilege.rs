//! The tree of privileges, and sets of them (RFC 3744 §3, RFC 4791 §6.1, RFC 6638 §6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::CollectionKind;

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
pub(super) enum Scope {
    Everywhere,
    Principals,
    Collections,
    Calendars,
    Inbox,
    Outbox,
}

impl Scope {
    pub(super) fn covers(self, site: Site) -> bool {
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
    // What a principal may do to a principal does not change.
    row(
        Privilege::WriteAcl,
        Some(Privilege::All),
        Scope::Collections,
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
///
/// `DAV:read` is more than its parts: who may know when somebody is busy, and what they themselves may do,
/// may not for that reason read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privileges(u32);

impl Privileges {
    /// The set of these privileges and all that they contain, as far as the site supports them.
    pub fn at(site: Site, privileges: &[Privilege]) -> Privileges {
        Privileges::of_units(site, NamedPrivileges::of(privileges).units())
    }

    /// The set that these units make up.
    pub(super) fn of_units(site: Site, units: u32) -> Privileges {
        let supported = supported(site);
        let mut set = 0;
        for row in &PRIVILEGES {
            let needed = UNITS[row.privilege as usize] & supported;
            if row.is_supported_at(site) && units & needed == needed {
                set |= bit(row.privilege);
            }
        }
        Privileges(set)
    }

    /// Whether the privilege (with all that it contains) is in the set.
    pub fn has(self, privilege: Privilege) -> bool {
        self.0 & bit(privilege) != 0
    }

    /// Whether any one of these is in the set.
    pub fn has_any(self, privileges: &[Privilege]) -> bool {
        privileges.iter().any(|privilege| self.has(*privilege))
    }

    /// What is left on a resource that is seen only in part: nobody writes what they do not see.
    #[must_use]
    pub fn of_part(self, site: Site) -> Privileges {
        Privileges(self.0 & Privileges::at(site, &[Privilege::Read]).0)
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

/// The privileges that an entry names, each once, in the order of the table. What they come down to is worked
/// out when the entry is read, and not whenever somebody's rights are evaluated.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Privilege>", into = "Vec<Privilege>")]
pub struct NamedPrivileges {
    named: u32,
    units: u32,
}

impl NamedPrivileges {
    /// These privileges.
    pub const fn of(privileges: &[Privilege]) -> NamedPrivileges {
        let (mut named, mut units, mut place) = (0, 0, 0);
        while place < privileges.len() {
            named |= bit(privileges[place]);
            units |= UNITS[privileges[place] as usize];
            place += 1;
        }
        NamedPrivileges { named, units }
    }

    /// What is granted or denied by them one by one.
    pub(super) fn units(self) -> u32 {
        self.units
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        let all = PRIVILEGES.iter().map(|row| row.privilege);
        all.filter(move |privilege| self.named & bit(*privilege) != 0)
    }
}

impl From<Vec<Privilege>> for NamedPrivileges {
    fn from(privileges: Vec<Privilege>) -> NamedPrivileges {
        NamedPrivileges::of(&privileges)
    }
}

impl From<NamedPrivileges> for Vec<Privilege> {
    fn from(privileges: NamedPrivileges) -> Vec<Privilege> {
        privileges.iter().collect()
    }
}

impl fmt::Debug for NamedPrivileges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

const fn bit(privilege: Privilege) -> u32 {
    1 << privilege as u32
}

/// What is granted or denied one by one: for each privilege, by its number, the privileges that it comes
/// down to. (The table has aggregates first, so backwards every part is settled before its aggregate.)
const UNITS: [u32; PRIVILEGES.len()] = {
    let mut units = [0; PRIVILEGES.len()];
    let mut place = PRIVILEGES.len();
    while place > 0 {
        place -= 1;
        let row = &PRIVILEGES[place];
        let number = row.privilege as usize;
        if units[number] == 0 || matches!(row.privilege, Privilege::Read) {
            units[number] |= bit(row.privilege);
        }
        if let Some(aggregate) = row.within {
            units[aggregate as usize] |= units[number];
        }
    }
    units
};

/// What can be granted or denied at a site, one by one.
pub(super) fn units_at(site: Site) -> u32 {
    UNITS[Privilege::All as usize] & supported(site)
}

/// The privileges that mean something at a site.
fn supported(site: Site) -> u32 {
    let rows = PRIVILEGES.iter().filter(|row| row.is_supported_at(site));
    rows.fold(0, |set, row| set | bit(row.privilege))
}
