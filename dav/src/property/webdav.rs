//! RFC 4918 §15.

use scheduling::calendar_view::TagText;
use storage::{Timestamp, access::Delegation, model::Content};

use crate::{
    active_lock,
    header::date,
    kind::{Kinds, ResourceKind},
    property::{
        facts::Facts,
        table::{Needs, Presence, Property, Write, absent},
        update,
    },
    target::Target,
    xml::{
        Name, Writer,
        name::{caldav, calendarserver, dav},
    },
};

use Presence::{Absent, Present};

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        dav::CREATIONDATE,
        "RFC 4918 §15.1",
        Kinds::STORED,
        creation_date,
    )
    .in_allprop(),
    Property::kept(
        dav::DISPLAYNAME,
        "RFC 4918 §15.2",
        Kinds::EXISTING,
        update::text_only,
        display_name,
    )
    // The name of an account is its administrator's business.
    .settable_on(Kinds::STORED)
    .in_allprop()
    // Objects have none but that which a client gave them.
    .listed(|_, _| Absent),
    Property::kept(
        dav::GETCONTENTLANGUAGE,
        "RFC 4918 §15.3",
        Kinds::STORED_OBJECTS,
        update::text_only,
        absent,
    )
    .in_allprop(),
    object_property(dav::GETCONTENTLENGTH, "RFC 4918 §15.4", content_length),
    object_property(dav::GETCONTENTTYPE, "RFC 4918 §15.5", content_type)
        .listed(|row, writer| text(writer, &row.content_type)),
    object_property(dav::GETETAG, "RFC 4918 §15.6", entity_tag).listed(|row, writer| {
        write_entity_tag(row.entity_tag.text(&mut TagText::default()), writer)
    }),
    object_property(dav::GETLASTMODIFIED, "RFC 4918 §15.7", last_modified),
    Property::computed(
        dav::LOCKDISCOVERY,
        "RFC 4918 §15.8",
        Kinds::STORED,
        lock_discovery,
    )
    .in_allprop()
    .needing(Needs::LOCKS),
    Property::computed(
        dav::RESOURCETYPE,
        "RFC 4918 §15.9",
        Kinds::EXISTING,
        resource_type,
    )
    .in_allprop()
    // An object is of no type.
    .listed(|_, _| Present),
    Property::computed(
        dav::SUPPORTEDLOCK,
        "RFC 4918 §15.10",
        Kinds::STORED,
        supported_lock,
    )
    .in_allprop(),
];

const fn object_property(name: Name<'static>, source: &'static str, write: Write) -> Property {
    Property::computed(name, source, Kinds::STORED_OBJECTS, write).in_allprop()
}

fn text(writer: &mut Writer, text: &str) -> Presence {
    writer.text(text);
    Present
}

/// RFC 3339, in UTC.
fn date_time(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_second(moment.seconds()).ok()?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn creation_date(facts: &Facts, writer: &mut Writer) -> Presence {
    let created = facts.object().map(|object| object.created);
    let created = created.or(facts.collection().map(|collection| collection.created));
    match created.and_then(date_time) {
        Some(created) => text(writer, &created),
        None => Absent,
    }
}

/// What a person would call it, where no client gave it a name.
fn display_name(facts: &Facts, writer: &mut Writer) -> Presence {
    match &facts.target {
        Target::Principal(principal) => text(writer, &principal.display_name),
        Target::Stored(resource) if resource.object.is_some() => Absent,
        Target::Stored(resource) => match resource.path.name() {
            Some(name) => text(writer, name),
            None => text(writer, &resource.owner.display_name),
        },
        Target::Fixed(_) | Target::Proxy(..) => Absent,
    }
}

fn content_length(facts: &Facts, writer: &mut Writer) -> Presence {
    match facts.object().map(|object| &object.content) {
        Some(Content::Inline(octets)) => text(writer, &octets.len().to_string()),
        Some(Content::Blob { length, .. }) => text(writer, &length.to_string()),
        None => Absent,
    }
}

fn content_type(facts: &Facts, writer: &mut Writer) -> Presence {
    facts
        .object()
        .map_or(Absent, |object| text(writer, &object.content_type))
}

fn entity_tag(facts: &Facts, writer: &mut Writer) -> Presence {
    facts
        .object()
        .map_or(Absent, |object| write_entity_tag(&object.etag, writer))
}

fn write_entity_tag(tag: &str, writer: &mut Writer) -> Presence {
    for part in ["\"", tag, "\""] {
        writer.text(part);
    }
    Present
}

fn last_modified(facts: &Facts, writer: &mut Writer) -> Presence {
    facts
        .object()
        .map_or(Absent, |object| text(writer, &date::print(object.modified)))
}

fn resource_type(facts: &Facts, writer: &mut Writer) -> Presence {
    if facts.kind().is_collection() {
        writer.empty(dav::COLLECTION);
    }
    match facts.kind() {
        ResourceKind::Principal => writer.empty(dav::PRINCIPAL),
        ResourceKind::ProxyGroup => {
            writer.empty(dav::PRINCIPAL);
            match facts.target {
                Target::Proxy(_, Delegation::Read) => {
                    writer.empty(calendarserver::CALENDAR_PROXY_READ);
                }
                Target::Proxy(_, Delegation::Write) => {
                    writer.empty(calendarserver::CALENDAR_PROXY_WRITE);
                }
                _ => {}
            }
        }
        ResourceKind::Calendar => writer.empty(caldav::CALENDAR),
        ResourceKind::Inbox => writer.empty(caldav::SCHEDULE_INBOX),
        ResourceKind::Outbox => writer.empty(caldav::SCHEDULE_OUTBOX),
        _ => {}
    }
    Present
}

fn supported_lock(_: &Facts, writer: &mut Writer) -> Presence {
    for scope in [dav::EXCLUSIVE, dav::SHARED] {
        writer.element(dav::LOCKENTRY, |writer| {
            writer.element(dav::LOCKSCOPE, |writer| writer.empty(scope));
            writer.element(dav::LOCKTYPE, |writer| writer.empty(dav::WRITE));
        });
    }
    Present
}

fn lock_discovery(facts: &Facts, writer: &mut Writer) -> Presence {
    for lock in facts.locks_here() {
        active_lock::write(writer, lock, facts.now);
    }
    Present
}
