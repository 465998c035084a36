//! Who may do what: RFC 3744, as a pure function.

use serde::{Deserialize, Serialize};

use crate::model::PrincipalId;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// A set of privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privileges(pub u32);

impl Privileges {
    /// Whether the privilege (with all that it aggregates) is in the set.
    pub fn has(self, privilege: Privilege) -> bool {
        self.0 & (1 << privilege as u32) != 0
    }
}
