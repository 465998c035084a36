//! RFC 6638 §2 and §9.

use storage::model::{Collection, INBOX_NAME, OUTBOX_NAME, Principal, PrincipalKind};

use crate::{
    kind::{Kinds, ResourceKind},
    path::{Path, home_path},
    property::{
        facts::Facts,
        table::{Needs, Origin, Presence, Property, absent},
        update::{self, PropertyFault},
    },
    xml::{
        Document, Element, Writer,
        name::{caldav, dav},
    },
};

use Presence::{Absent, Present};

const PRINCIPAL: Kinds = Kinds::of(&[ResourceKind::Principal]);
const INBOXES: Kinds = Kinds::of(&[ResourceKind::Inbox]);

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        caldav::SCHEDULE_OUTBOX_URL,
        "RFC 6638 §2.1.1",
        PRINCIPAL,
        outbox_url,
    ),
    Property::computed(
        caldav::SCHEDULE_INBOX_URL,
        "RFC 6638 §2.2.1",
        PRINCIPAL,
        inbox_url,
    ),
    Property::computed(
        caldav::CALENDAR_USER_ADDRESS_SET,
        "RFC 6638 §2.4.1",
        PRINCIPAL,
        calendar_user_address_set,
    ),
    Property::computed(
        caldav::CALENDAR_USER_TYPE,
        "RFC 6638 §2.4.2",
        PRINCIPAL,
        calendar_user_type,
    ),
    Property::kept(
        caldav::SCHEDULE_CALENDAR_TRANSP,
        "RFC 6638 §9.1",
        Kinds::of(&[ResourceKind::Calendar]),
        one_transparency,
        opaque,
    ),
    Property::computed(
        caldav::SCHEDULE_DEFAULT_CALENDAR_URL,
        "RFC 6638 §9.2",
        INBOXES,
        schedule_default_calendar_url,
    )
    .from(Origin::OfPrincipal)
    .needing(Needs::DEFAULT_CALENDAR),
    Property::computed(
        caldav::SCHEDULE_TAG,
        "RFC 6638 §9.3",
        Kinds::of(&[ResourceKind::CalendarObject]),
        schedule_tag,
    ),
    // Older than RFC 6638; Apple's clients write it and stop when they may not.
    Property::kept(
        caldav::CALENDAR_FREE_BUSY_SET,
        "draft-desruisseaux-caldav-sched §5.3.1",
        INBOXES,
        update::anything,
        absent,
    ),
];

fn child_of_home(facts: &Facts, writer: &mut Writer, name: &str) -> Presence {
    let Some(principal) = facts
        .principal()
        .filter(|principal| principal.home.is_some())
    else {
        return Absent;
    };
    writer.leaf(
        dav::HREF,
        &Path::Stored(home_path(principal).child(name)).href(true),
    );
    Present
}

fn outbox_url(facts: &Facts, writer: &mut Writer) -> Presence {
    child_of_home(facts, writer, OUTBOX_NAME)
}

fn inbox_url(facts: &Facts, writer: &mut Writer) -> Presence {
    child_of_home(facts, writer, INBOX_NAME)
}

/// The addresses of a principal: the mail addresses as written, the primary one first, and its URL.
pub(crate) fn calendar_user_addresses(principal: &Principal) -> impl Iterator<Item = String> {
    let url = Path::of_principal(principal).href(true);
    principal.addresses.iter().cloned().chain([url])
}

fn calendar_user_address_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(principal) = facts.principal() else {
        return Absent;
    };
    for (index, address) in calendar_user_addresses(principal).enumerate() {
        // Apple's clients take the one that is preferred for the user's own address.
        let preferred: &[(&str, &str)] = if index == 0 {
            &[("preferred", "1")]
        } else {
            &[]
        };
        writer.element_with(dav::HREF, preferred, |writer| writer.text(&address));
    }
    Present
}

/// The CUTYPE of a principal (RFC 5545 §3.2.3).
pub(crate) fn user_type(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "INDIVIDUAL",
        PrincipalKind::Group => "GROUP",
        PrincipalKind::Resource => "RESOURCE",
        PrincipalKind::Location => "ROOM",
    }
}

fn calendar_user_type(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(principal) = facts.principal() else {
        return Absent;
    };
    writer.text(user_type(principal.kind));
    Present
}

fn one_transparency(element: Element<'_>) -> Result<(), PropertyFault> {
    let mut children = element.children().map(|child| child.name());
    match (children.next(), children.next()) {
        (Some(caldav::OPAQUE | caldav::TRANSPARENT), None) => Ok(()),
        _ => Err(PropertyFault::WRONG_VALUE),
    }
}

/// Whether a calendar counts for its owner's busy time (RFC 6638 §9.1); it does unless a client said
/// otherwise.
pub(crate) fn is_opaque(calendar: &Collection) -> bool {
    let kept = calendar
        .properties
        .get(&caldav::SCHEDULE_CALENDAR_TRANSP.clark());
    let document = kept.and_then(|octets| Document::parse(octets).ok());
    document.is_none_or(|document| document.root().child(caldav::TRANSPARENT).is_none())
}

fn opaque(_: &Facts, writer: &mut Writer) -> Presence {
    writer.empty(caldav::OPAQUE);
    Present
}

fn schedule_default_calendar_url(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(path) = &facts.default_calendar else {
        return Absent;
    };
    writer.leaf(dav::HREF, &Path::Stored(path.clone()).href(true));
    Present
}

fn schedule_tag(facts: &Facts, writer: &mut Writer) -> Presence {
    let calendar = facts.object().and_then(|object| object.calendar.as_ref());
    let Some(tag) = calendar.and_then(|calendar| calendar.schedule_tag.as_ref()) else {
        return Absent;
    };
    writer.text(&format!("\"{tag}\""));
    Present
}
