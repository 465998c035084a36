//! RFC 3744 §5 and RFC 5397.

use std::sync::Arc;

use storage::{
    ResourcePath,
    access::{AcePrincipal, EffectiveAce, Privilege},
    model::{Principal, PrincipalId},
};

use crate::{
    kind::{Kinds, ResourceKind},
    path::Path,
    privilege,
    property::{
        facts::Facts,
        table::{Needs, Presence, Property},
    },
    target::Target,
    xml::{Writer, name::dav},
};

use Presence::{Absent, Denied, Present};

/// What has access control entries of its own.
const WITH_OWNER: Kinds = Kinds::STORED.and(Kinds::of(&[
    ResourceKind::Principal,
    ResourceKind::ProxyGroup,
]));

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(dav::OWNER, "RFC 3744 §5.1", WITH_OWNER, owner),
    Property::computed(dav::GROUP, "RFC 3744 §5.2", WITH_OWNER, empty),
    Property::computed(
        dav::SUPPORTED_PRIVILEGE_SET,
        "RFC 3744 §5.3",
        Kinds::EXISTING,
        supported_privilege_set,
    ),
    Property::computed(
        dav::CURRENT_USER_PRIVILEGE_SET,
        "RFC 3744 §5.4",
        Kinds::EXISTING,
        current_user_privilege_set,
    ),
    Property::computed(dav::ACL, "RFC 3744 §5.5", Kinds::EXISTING, acl).needing(Needs::DIRECTORY),
    Property::computed(
        dav::ACL_RESTRICTIONS,
        "RFC 3744 §5.6",
        Kinds::EXISTING,
        acl_restrictions,
    ),
    Property::computed(
        dav::INHERITED_ACL_SET,
        "RFC 3744 §5.7",
        Kinds::EXISTING,
        // No other resource must grant too; what is inherited stands in the list itself.
        empty,
    ),
    Property::computed(
        dav::PRINCIPAL_COLLECTION_SET,
        "RFC 3744 §5.8",
        Kinds::EXISTING,
        principal_collection_set,
    ),
    Property::computed(
        dav::CURRENT_USER_PRINCIPAL,
        "RFC 5397 §3",
        Kinds::EXISTING,
        current_user_principal,
    ),
];

/// The URL of a principal.
pub(super) fn write_principal(writer: &mut Writer, principal: &Principal) {
    writer.leaf(dav::HREF, &Path::of_principal(principal).href(true));
}

fn owner(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(owner) = facts.owner() else {
        return Absent;
    };
    write_principal(writer, owner);
    Present
}

fn empty(_: &Facts, _: &mut Writer) -> Presence {
    Present
}

fn supported_privilege_set(facts: &Facts, writer: &mut Writer) -> Presence {
    privilege::write_supported(writer, facts.site());
    Present
}

fn current_user_privilege_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let privileges = facts.privileges();
    if !privileges.has(Privilege::ReadCurrentUserPrivilegeSet) {
        return Denied;
    }
    privileges
        .iter()
        .for_each(|privilege| privilege::write(writer, privilege));
    Present
}

fn acl(facts: &Facts, writer: &mut Writer) -> Presence {
    if !facts.privileges().has(Privilege::ReadAcl) {
        return Denied;
    }
    for entry in facts.effective_aces() {
        write_entry(writer, facts, &entry);
    }
    Present
}

fn write_entry(writer: &mut Writer, facts: &Facts, entry: &EffectiveAce) {
    let named = match entry.ace.principal {
        AcePrincipal::Principal(id) | AcePrincipal::Delegates(id, _) => {
            match facts.directory.get(id) {
                Some(principal) => Some(principal),
                // Somebody who was removed.
                None => return,
            }
        }
        _ => None,
    };
    writer.element(dav::ACE, |writer| {
        writer.element(dav::PRINCIPAL, |writer| {
            write_ace_principal(writer, entry.ace.principal, named);
        });
        let verb = if entry.ace.deny {
            dav::DENY
        } else {
            dav::GRANT
        };
        writer.element(verb, |writer| {
            let privileges = entry.ace.privileges.iter();
            privileges.for_each(|privilege| privilege::write(writer, privilege));
        });
        if entry.protected {
            writer.empty(dav::PROTECTED);
        }
        if let Some(href) = entry
            .inherited_from
            .and_then(|place| ancestor(facts, place))
        {
            writer.element(dav::INHERITED, |writer| writer.leaf(dav::HREF, &href));
        }
    });
}

/// RFC 3744 §5.5.1; `named` is the principal that the entry names, where it names one.
fn write_ace_principal(
    writer: &mut Writer,
    principal: AcePrincipal,
    named: Option<&Arc<Principal>>,
) {
    match (principal, named) {
        (AcePrincipal::Principal(_), Some(named)) => write_principal(writer, named),
        (AcePrincipal::Delegates(_, delegation), Some(named)) => {
            let group = Path::Proxy(named.kind, named.name.clone(), delegation);
            writer.leaf(dav::HREF, &group.href(true));
        }
        (AcePrincipal::Principal(_) | AcePrincipal::Delegates(..), None) => {}
        (AcePrincipal::All, _) => writer.empty(dav::ALL),
        (AcePrincipal::Authenticated, _) => writer.empty(dav::AUTHENTICATED),
        (AcePrincipal::Unauthenticated, _) => writer.empty(dav::UNAUTHENTICATED),
        (AcePrincipal::Itself, _) => writer.empty(dav::SELF),
        (AcePrincipal::Owner, _) => {
            writer.element(dav::PROPERTY, |writer| writer.empty(dav::OWNER));
        }
        (AcePrincipal::Group, _) => {
            writer.element(dav::PROPERTY, |writer| writer.empty(dav::GROUP));
        }
    }
}

/// The URL of a collection above the resource, by its place in the chain from the home down.
fn ancestor(facts: &Facts, place: usize) -> Option<String> {
    let Target::Stored(resource) = &facts.target else {
        return None;
    };
    let segments = resource.path.segments.get(..place)?.to_vec();
    Some(
        Path::Stored(ResourcePath {
            segments,
            ..resource.path.clone()
        })
        .href(true),
    )
}

fn acl_restrictions(_: &Facts, writer: &mut Writer) -> Presence {
    writer.empty(dav::NO_INVERT);
    Present
}

fn principal_collection_set(_: &Facts, writer: &mut Writer) -> Presence {
    writer.leaf(dav::HREF, &Path::Principals.href(true));
    Present
}

fn current_user_principal(facts: &Facts, writer: &mut Writer) -> Presence {
    match facts.viewer.id {
        PrincipalId::NOBODY => writer.empty(dav::UNAUTHENTICATED),
        _ => write_principal(writer, &facts.viewer),
    }
    Present
}
