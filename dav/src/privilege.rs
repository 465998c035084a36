//! The table of privileges: element, what aggregates them, and words for people
//! (RFC 3744 §3, RFC 4791 §6.1.1, RFC 6638 §6).

use storage::access::Privilege;

use crate::xml::{
    Name,
    name::{caldav, dav},
};

/// One privilege.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Which.
    pub privilege: Privilege,
    /// Its element.
    pub name: Name<'static>,
    /// The privilege that contains it; `None` for `DAV:all`.
    pub parent: Option<Privilege>,
    /// For people.
    pub description: &'static str,
}

const fn row(
    privilege: Privilege,
    namespace: &'static str,
    local: &'static str,
    parent: Privilege,
    description: &'static str,
) -> Row {
    Row {
        privilege,
        name: Name::new(namespace, local),
        parent: Some(parent),
        description,
    }
}

const DAV: &str = dav::NAMESPACE;
const CALDAV: &str = caldav::NAMESPACE;

use Privilege::*;

/// All privileges, each behind the one that contains it.
pub(crate) static TABLE: &[Row] = &[
    Row {
        privilege: All,
        name: dav::ALL,
        parent: None,
        description: "Everything",
    },
    row(Read, DAV, "read", All, "Read"),
    row(ReadAcl, DAV, "read-acl", Read, "Read who may do what"),
    row(
        ReadCurrentUserPrivilegeSet,
        DAV,
        "read-current-user-privilege-set",
        Read,
        "Read one's own privileges",
    ),
    row(
        ReadFreeBusy,
        CALDAV,
        "read-free-busy",
        Read,
        "Read busy times",
    ),
    row(Write, DAV, "write", All, "Write"),
    row(
        WriteProperties,
        DAV,
        "write-properties",
        Write,
        "Change properties",
    ),
    row(WriteContent, DAV, "write-content", Write, "Change content"),
    row(WriteAcl, DAV, "write-acl", Write, "Change who may do what"),
    row(Bind, DAV, "bind", Write, "Add members"),
    row(Unbind, DAV, "unbind", Write, "Remove members"),
    row(Unlock, DAV, "unlock", All, "Remove the locks of others"),
    row(
        ScheduleDeliver,
        CALDAV,
        "schedule-deliver",
        All,
        "Deliver scheduling messages",
    ),
    row(
        ScheduleDeliverInvite,
        CALDAV,
        "schedule-deliver-invite",
        ScheduleDeliver,
        "Deliver invitations",
    ),
    row(
        ScheduleDeliverReply,
        CALDAV,
        "schedule-deliver-reply",
        ScheduleDeliver,
        "Deliver replies",
    ),
    row(
        ScheduleQueryFreeBusy,
        CALDAV,
        "schedule-query-freebusy",
        ScheduleDeliver,
        "Ask for busy times",
    ),
    row(
        ScheduleSend,
        CALDAV,
        "schedule-send",
        All,
        "Send scheduling messages",
    ),
    row(
        ScheduleSendInvite,
        CALDAV,
        "schedule-send-invite",
        ScheduleSend,
        "Send invitations",
    ),
    row(
        ScheduleSendReply,
        CALDAV,
        "schedule-send-reply",
        ScheduleSend,
        "Send replies",
    ),
    row(
        ScheduleSendFreeBusy,
        CALDAV,
        "schedule-send-freebusy",
        ScheduleSend,
        "Send questions for busy times",
    ),
];

/// The element of a privilege.
pub(crate) fn name(privilege: Privilege) -> Name<'static> {
    TABLE
        .iter()
        .find(|row| row.privilege == privilege)
        .map_or(dav::ALL, |row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3744 §3.12, RFC 4791 §6.1.1, RFC 6638 §6.3
    #[test]
    fn every_privilege_has_one_row_behind_its_parent() {
        for (index, row) in TABLE.iter().enumerate() {
            // The exhaustive list of the enumeration: a new privilege fails here until it has a row.
            match row.privilege {
                All | Read | Write | WriteProperties | WriteContent | Unlock | ReadAcl => {}
                ReadCurrentUserPrivilegeSet | WriteAcl | Bind | Unbind | ReadFreeBusy => {}
                ScheduleDeliver
                | ScheduleDeliverInvite
                | ScheduleDeliverReply
                | ScheduleQueryFreeBusy => {}
                ScheduleSend | ScheduleSendInvite | ScheduleSendReply | ScheduleSendFreeBusy => {}
            }
            assert!(
                TABLE[..index]
                    .iter()
                    .all(|other| other.privilege != row.privilege && other.name != row.name)
            );
            let before = |parent| TABLE[..index].iter().any(|other| other.privilege == parent);
            assert!(row.parent.map_or(row.privilege == All, before), "{row:?}");
        }
        assert_eq!(TABLE.len(), ScheduleSendFreeBusy as usize + 1);
    }
}
