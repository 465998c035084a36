//! Privileges as XML. What aggregates what, and where, stands in `storage::access`; here are only the
//! names (RFC 3744 §3, RFC 4791 §6.1.1, RFC 6638 §6).

use storage::access::{PRIVILEGES, Privilege, Site};

use crate::xml::{
    Name, Writer,
    name::{caldav, dav},
};

/// The element of a privilege.
pub(crate) fn name(privilege: Privilege) -> Name<'static> {
    match privilege {
        Privilege::All => dav::ALL,
        Privilege::Read => dav::READ,
        Privilege::Write => dav::WRITE,
        Privilege::WriteProperties => dav::WRITE_PROPERTIES,
        Privilege::WriteContent => dav::WRITE_CONTENT,
        Privilege::Unlock => dav::UNLOCK,
        Privilege::ReadAcl => dav::READ_ACL,
        Privilege::ReadCurrentUserPrivilegeSet => dav::READ_CURRENT_USER_PRIVILEGE_SET,
        Privilege::WriteAcl => dav::WRITE_ACL,
        Privilege::Bind => dav::BIND,
        Privilege::Unbind => dav::UNBIND,
        Privilege::ReadFreeBusy => caldav::READ_FREE_BUSY,
        Privilege::ScheduleDeliver => caldav::SCHEDULE_DELIVER,
        Privilege::ScheduleDeliverInvite => caldav::SCHEDULE_DELIVER_INVITE,
        Privilege::ScheduleDeliverReply => caldav::SCHEDULE_DELIVER_REPLY,
        Privilege::ScheduleQueryFreeBusy => caldav::SCHEDULE_QUERY_FREEBUSY,
        Privilege::ScheduleSend => caldav::SCHEDULE_SEND,
        Privilege::ScheduleSendInvite => caldav::SCHEDULE_SEND_INVITE,
        Privilege::ScheduleSendReply => caldav::SCHEDULE_SEND_REPLY,
        Privilege::ScheduleSendFreeBusy => caldav::SCHEDULE_SEND_FREEBUSY,
    }
}

/// Whether only collections ask for it: membership (RFC 3744 §3.9, §3.10), inbox and outbox (RFC 6638 §6).
pub(crate) fn is_of_collections(privilege: Privilege) -> bool {
    match privilege {
        Privilege::Bind
        | Privilege::Unbind
        | Privilege::ScheduleDeliver
        | Privilege::ScheduleDeliverInvite
        | Privilege::ScheduleDeliverReply
        | Privilege::ScheduleQueryFreeBusy
        | Privilege::ScheduleSend
        | Privilege::ScheduleSendInvite
        | Privilege::ScheduleSendReply
        | Privilege::ScheduleSendFreeBusy => true,
        Privilege::All
        | Privilege::Read
        | Privilege::Write
        | Privilege::WriteProperties
        | Privilege::WriteContent
        | Privilege::Unlock
        | Privilege::ReadAcl
        | Privilege::ReadCurrentUserPrivilegeSet
        | Privilege::WriteAcl
        | Privilege::ReadFreeBusy => false,
    }
}

/// `DAV:privilege` with the element of a privilege in it.
pub(crate) fn write(writer: &mut Writer, privilege: Privilege) {
    writer.element(dav::PRIVILEGE, |writer| writer.empty(name(privilege)));
}

/// The tree of `DAV:supported-privilege` elements (RFC 3744 §5.3).
pub(crate) fn write_supported(writer: &mut Writer, site: Site) {
    write_within(writer, site, None);
}

/// As deep as the table's tree.
fn write_within(writer: &mut Writer, site: Site, aggregate: Option<Privilege>) {
    let rows = PRIVILEGES
        .iter()
        .filter(|row| row.within == aggregate && row.is_supported_at(site));
    for row in rows {
        writer.element(dav::SUPPORTED_PRIVILEGE, |writer| {
            write(writer, row.privilege);
            writer.element_with(dav::DESCRIPTION, &[("xml:lang", "en")], |writer| {
                writer.text(row.description);
            });
            write_within(writer, site, Some(row.privilege));
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use storage::model::CollectionKind;

    use super::*;
    use crate::xml::{Document, Element};

    fn names(element: Element<'_>, into: &mut Vec<String>) {
        for supported in element.children_named(dav::SUPPORTED_PRIVILEGE) {
            let privilege = supported.child(dav::PRIVILEGE).unwrap();
            into.push(privilege.children().next().unwrap().name().local.to_owned());
            names(supported, into);
        }
    }

    #[test]
    fn each_privilege_has_a_name_of_its_own() {
        for row in &PRIVILEGES {
            let same = PRIVILEGES
                .iter()
                .filter(|other| name(other.privilege) == name(row.privilege));
            assert_eq!(same.count(), 1, "{:?}", row.privilege);
        }
    }

    /// RFC 3744 §5.3, RFC 6638 §6.3
    #[test]
    fn the_tree_depends_on_the_site() {
        let of = |site| {
            let octets = Writer::document(dav::SUPPORTED_PRIVILEGE_SET, |writer| {
                write_supported(writer, site)
            });
            let document = Document::parse(&octets).unwrap();
            let mut found = Vec::new();
            names(document.root(), &mut found);
            found
        };
        let has = |site, name: &str| of(site).contains(&name.to_owned());
        let (calendar, inbox) = (CollectionKind::Calendar, CollectionKind::Inbox);
        assert!(has(Site::Collection(calendar), "read-free-busy"));
        assert!(!has(Site::Collection(calendar), "schedule-deliver"));
        assert!(has(Site::Collection(inbox), "schedule-deliver-reply"));
        assert!(has(
            Site::Collection(CollectionKind::Outbox),
            "schedule-send-freebusy"
        ));
        assert_eq!(of(Site::Principal).first().unwrap(), "all");
    }
}
