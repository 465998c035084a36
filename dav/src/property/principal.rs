//! RFC 3744 §4: what a principal says of itself.

use storage::access::Delegation;

use crate::{
    kind::{Kinds, ResourceKind},
    path::Path,
    property::{
        acl::write_principal,
        facts::Facts,
        table::{Needs, Origin, Presence, Property},
    },
    target::Target,
    xml::{Writer, name::dav},
};

use Presence::{Absent, Present};

const PRINCIPALS: Kinds = Kinds::of(&[ResourceKind::Principal, ResourceKind::ProxyGroup]);

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        dav::ALTERNATE_URI_SET,
        "RFC 3744 §4.1",
        PRINCIPALS,
        alternate_uri_set,
    ),
    Property::computed(
        dav::PRINCIPAL_URL,
        "RFC 3744 §4.2",
        PRINCIPALS,
        principal_url,
    ),
    Property::computed(
        dav::GROUP_MEMBER_SET,
        "RFC 3744 §4.3",
        PRINCIPALS,
        group_member_set,
    )
    .from(Origin::OfPrincipal)
    .needing(Needs::DIRECTORY),
    Property::computed(
        dav::GROUP_MEMBERSHIP,
        "RFC 3744 §4.4",
        PRINCIPALS,
        group_membership,
    )
    .needing(Needs::DIRECTORY),
];

/// Other addresses of the same principal: the mail addresses.
fn alternate_uri_set(facts: &Facts, writer: &mut Writer) -> Presence {
    for address in facts
        .principal()
        .into_iter()
        .flat_map(|principal| &principal.addresses)
    {
        writer.leaf(dav::HREF, address);
    }
    Present
}

fn principal_url(facts: &Facts, writer: &mut Writer) -> Presence {
    writer.leaf(dav::HREF, &facts.target.href());
    Present
}

fn group_member_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let members = match &facts.target {
        Target::Principal(principal) => principal.members.clone(),
        Target::Proxy(principal, access) => principal.delegates_in(*access).collect(),
        _ => return Absent,
    };
    facts
        .directory
        .of(&members)
        .for_each(|member| write_principal(writer, member));
    Present
}

/// The groups, and the proxy groups of those who named this principal as their delegate.
fn group_membership(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(principal) = facts.principal() else {
        return Present;
    };
    facts
        .directory
        .groups_of(principal.id)
        .for_each(|group| write_principal(writer, group));
    for access in Delegation::ALL {
        let delegators = facts.directory.delegators(principal.id, access);
        for delegator in delegators {
            let group = Path::Proxy(delegator.kind, delegator.name.clone(), access);
            writer.leaf(dav::HREF, &group.href(true));
        }
    }
    Present
}
