//! What Apple's Calendar and Contacts Server defined and clients still ask for.

use storage::access::Delegation;

use crate::{
    kind::{Kinds, ResourceKind},
    method::post::MAXIMUM_RESOURCES,
    property::{
        acl::write_principal,
        facts::Facts,
        table::{Needs, Presence, Property},
    },
    report::people::mail_addresses,
    xml::{
        Writer,
        name::{calendarserver, me},
    },
};

use Presence::{Absent, Present};

const PRINCIPAL: Kinds = Kinds::of(&[ResourceKind::Principal]);
const PROXY: &str = "calendarserver calendar-proxy §5";

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        calendarserver::CALENDAR_PROXY_READ_FOR,
        PROXY,
        PRINCIPAL,
        read_for,
    )
    .needing(Needs::DIRECTORY),
    Property::computed(
        calendarserver::CALENDAR_PROXY_WRITE_FOR,
        PROXY,
        PRINCIPAL,
        write_for,
    )
    .needing(Needs::DIRECTORY),
    Property::computed(
        calendarserver::EMAIL_ADDRESS_SET,
        "calendarserver",
        PRINCIPAL,
        email_address_set,
    ),
    Property::computed(
        me::BULK_REQUESTS,
        "calendarserver bulk-change §5.1",
        Kinds::of(&[ResourceKind::Calendar]),
        bulk_requests,
    ),
];

/// An import has no bound but its octets, which are those of any content.
fn bulk_requests(facts: &Facts, writer: &mut Writer) -> Presence {
    let limits = &facts.limits;
    let octets = limits
        .maximum_file_octets
        .max(limits.maximum_resource_octets)
        .to_string();
    let resources = MAXIMUM_RESOURCES.to_string();
    for (name, resources) in [(me::SIMPLE, ""), (me::CRUD, &resources)] {
        writer.element(name, |writer| {
            writer.leaf(me::MAX_RESOURCES, resources);
            writer.leaf(me::MAX_BYTES, &octets);
        });
    }
    Present
}

/// The principals for which this one may act, directly or through a group.
fn proxy_for(facts: &Facts, writer: &mut Writer, access: Delegation) -> Presence {
    let Some(principal) = facts.principal() else {
        return Absent;
    };
    let identities = facts.directory.identities(principal.id);
    facts
        .directory
        .delegators_of_any(&identities, access)
        .for_each(|delegator| write_principal(writer, delegator));
    Present
}

fn read_for(facts: &Facts, writer: &mut Writer) -> Presence {
    proxy_for(facts, writer, Delegation::Read)
}

fn write_for(facts: &Facts, writer: &mut Writer) -> Presence {
    proxy_for(facts, writer, Delegation::Write)
}

fn email_address_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(principal) = facts.principal() else {
        return Absent;
    };
    for mail in mail_addresses(principal) {
        writer.leaf(calendarserver::EMAIL_ADDRESS, &mail);
    }
    Present
}
