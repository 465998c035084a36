//! RFC 4791 §5.2 and §6.2.

use bytes::Bytes;
use calendar::{
    Format, Limits,
    recurrence::SUPPORTED_SCALES,
    zone::{generate::Truncation, reference},
};
use scheduling::{Precondition, desk::components_of};

use crate::{
    kind::{Kinds, ResourceKind},
    path::Path,
    property::{
        facts::Facts,
        table::{Needs, Origin, Presence, Property, absent},
        update::{self, PropertyFault},
    },
    report::{collation, floating_zone},
    representation, time_zone_service,
    xml::{
        Document, Element, Name, Writer,
        name::{caldav, dav},
    },
};

use Presence::{Absent, Present};

const CALENDAR: Kinds = Kinds::of(&[ResourceKind::Calendar]);
/// RFC 6638 §2.2 gives the inbox the limits of a calendar.
const CALENDAR_AND_INBOX: Kinds = Kinds::of(&[ResourceKind::Calendar, ResourceKind::Inbox]);
/// RFC 6638 §2.1 gives the outbox those that concern questions for busy time.
const WITH_OUTBOX: Kinds = CALENDAR_AND_INBOX.and(Kinds::of(&[ResourceKind::Outbox]));
/// Where a zone for floating times may be set, and recurrence matters.
const WITH_TIME_ZONE: Kinds = CALENDAR_AND_INBOX.and(Kinds::of(&[ResourceKind::Home]));
const PRINCIPAL: Kinds = Kinds::of(&[ResourceKind::Principal]);
const CALENDAR_OBJECTS: Kinds = Kinds::of(&[ResourceKind::CalendarObject, ResourceKind::InboxItem]);

pub(super) const PROPERTIES: &[Property] = &[
    Property::computed(
        caldav::CALENDAR_HOME_SET,
        "RFC 4791 §6.2.1",
        PRINCIPAL,
        calendar_home_set,
    ),
    Property::kept(
        caldav::CALENDAR_DESCRIPTION,
        "RFC 4791 §5.2.1",
        CALENDAR,
        update::text_only,
        absent,
    ),
    Property::kept(
        caldav::CALENDAR_TIMEZONE,
        "RFC 4791 §5.2.2",
        WITH_TIME_ZONE,
        time_zone,
        calendar_timezone,
    )
    .twin_of(caldav::CALENDAR_TIMEZONE_ID),
    Property::kept(
        caldav::CALENDAR_TIMEZONE_ID,
        "RFC 7809 §5.2",
        WITH_TIME_ZONE,
        time_zone_id,
        calendar_timezone_id,
    )
    .twin_of(caldav::CALENDAR_TIMEZONE),
    Property::computed(
        caldav::TIMEZONE_SERVICE_SET,
        "RFC 7809 §5.1",
        Kinds::of(&[ResourceKind::Home]),
        timezone_service_set,
    ),
    Property::computed(
        caldav::SUPPORTED_RSCALE_SET,
        "RFC 7529 §10.1",
        WITH_TIME_ZONE,
        supported_rscale_set,
    ),
    Property::computed(
        caldav::SUPPORTED_CALENDAR_COMPONENT_SET,
        "RFC 4791 §5.2.3",
        CALENDAR_AND_INBOX,
        supported_calendar_component_set,
    )
    .from(Origin::SetAtCreation),
    Property::computed(
        caldav::SUPPORTED_CALENDAR_DATA,
        "RFC 4791 §5.2.4",
        CALENDAR_AND_INBOX,
        supported_calendar_data,
    ),
    Property::computed(
        caldav::MAX_RESOURCE_SIZE,
        "RFC 4791 §5.2.5",
        WITH_OUTBOX,
        max_resource_size,
    ),
    Property::computed(
        caldav::MIN_DATE_TIME,
        "RFC 4791 §5.2.6",
        CALENDAR_AND_INBOX,
        min_date_time,
    ),
    Property::computed(
        caldav::MAX_DATE_TIME,
        "RFC 4791 §5.2.7",
        CALENDAR_AND_INBOX,
        max_date_time,
    ),
    Property::computed(
        caldav::MAX_INSTANCES,
        "RFC 4791 §5.2.8",
        CALENDAR_AND_INBOX,
        max_instances,
    ),
    Property::computed(
        caldav::MAX_ATTENDEES_PER_INSTANCE,
        "RFC 4791 §5.2.9",
        WITH_OUTBOX,
        max_attendees_per_instance,
    ),
    Property::computed(
        caldav::MANAGED_ATTACHMENTS_SERVER_URL,
        "RFC 8607 §6.1",
        Kinds::of(&[ResourceKind::Home]),
        managed_attachments_server_url,
    ),
    Property::computed(
        caldav::MAX_ATTACHMENT_SIZE,
        "RFC 8607 §6.2",
        CALENDAR,
        max_attachment_size,
    ),
    Property::computed(
        caldav::MAX_ATTACHMENTS_PER_RESOURCE,
        "RFC 8607 §6.3",
        CALENDAR,
        max_attachments_per_resource,
    ),
    Property::computed(
        caldav::SUPPORTED_COLLATION_SET,
        "RFC 4791 §7.5.1",
        Kinds::STORED_COLLECTIONS,
        supported_collation_set,
    ),
    Property::computed(
        caldav::CALENDAR_DATA,
        "RFC 4791 §9.6",
        CALENDAR_OBJECTS,
        calendar_data,
    )
    .needing(Needs::CONTENT),
];

fn calendar_home_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(home) = facts
        .principal()
        .and_then(|principal| Path::of_home(principal))
    else {
        return Absent;
    };
    writer.leaf(dav::HREF, &home.href(true));
    Present
}

/// RFC 4791 §5.3.1.2: a valid iCalendar object with exactly one VTIMEZONE.
fn time_zone(element: Element<'_>) -> Result<(), PropertyFault> {
    update::text_only(element)?;
    let format = representation::of_attributes(element)
        .map_err(|_| PropertyFault::precondition(Precondition::SupportedCalendarData))?;
    let octets = Bytes::copy_from_slice(element.text().trim().as_bytes());
    let valid = format
        .parse(octets, &Limits::default())
        .is_ok_and(|object| {
            let mut components = object
                .calendar()
                .components()
                .map(|component| component.name() == "VTIMEZONE");
            components.next() == Some(true) && components.next().is_none()
        });
    match valid {
        true => Ok(()),
        false => Err(PropertyFault::precondition(Precondition::ValidCalendarData)),
    }
}

/// What a zone that was set by its identifier is (RFC 7809 §3.1.5).
fn calendar_timezone(facts: &Facts, writer: &mut Writer) -> Presence {
    let id = stored(facts, caldav::CALENDAR_TIMEZONE_ID);
    let id = id.map(|document| document.root().trimmed_text());
    let whole = Truncation::default();
    match id.and_then(|id| time_zone_service::definition(&id, whole)) {
        Some(stream) => {
            writer.text(&String::from_utf8_lossy(&stream.to_octets()));
            Present
        }
        None => Absent,
    }
}

/// RFC 7809 §3.1.5: an identifier that everybody can look up.
fn time_zone_id(element: Element<'_>) -> Result<(), PropertyFault> {
    update::text_only(element)?;
    match reference::is_known(&element.trimmed_text()) {
        true => Ok(()),
        false => Err(PropertyFault::precondition(Precondition::ValidTimezone)),
    }
}

/// What a zone that was set by its definition is called.
fn calendar_timezone_id(facts: &Facts, writer: &mut Writer) -> Presence {
    let id = stored(facts, caldav::CALENDAR_TIMEZONE).and_then(|document| {
        let object = floating_zone::definition(document.root())?;
        let zone = object.calendar().components_named("VTIMEZONE").next()?;
        Some(zone.text("TZID")?.into_owned())
    });
    match id {
        Some(id) => {
            writer.text(&id);
            Present
        }
        None => Absent,
    }
}

/// A property as a client set it.
fn stored(facts: &Facts, name: Name<'_>) -> Option<Document> {
    Document::parse(facts.properties()?.get(&name.clark())?).ok()
}

fn timezone_service_set(_: &Facts, writer: &mut Writer) -> Presence {
    writer.leaf(dav::HREF, time_zone_service::CONTEXT_PATH);
    Present
}

fn supported_rscale_set(_: &Facts, writer: &mut Writer) -> Presence {
    for scale in SUPPORTED_SCALES {
        writer.leaf(caldav::SUPPORTED_RSCALE, scale);
    }
    Present
}

fn supported_calendar_component_set(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(collection) = facts.collection() else {
        return Absent;
    };
    for component in components_of(&collection.components) {
        writer.element_with(caldav::COMP, &[("name", component)], |_| {});
    }
    Present
}

fn supported_calendar_data(_: &Facts, writer: &mut Writer) -> Presence {
    for format in Format::ALL {
        writer.element_with(caldav::CALENDAR_DATA, &attributes(format), |_| {});
    }
    Present
}

/// RFC 4791 §9.6
fn attributes(format: Format) -> [(&'static str, &'static str); 2] {
    [
        ("content-type", format.media_type()),
        ("version", Format::VERSION),
    ]
}

fn number(writer: &mut Writer, number: impl ToString) -> Presence {
    writer.text(&number.to_string());
    Present
}

fn max_resource_size(facts: &Facts, writer: &mut Writer) -> Presence {
    number(writer, facts.limits.maximum_resource_octets)
}

/// Attachments are fetched where the home is: whoever knows this server by another address than the one in
/// ATTACH puts theirs in its place.
fn managed_attachments_server_url(_: &Facts, _: &mut Writer) -> Presence {
    Present
}

fn max_attachment_size(facts: &Facts, writer: &mut Writer) -> Presence {
    number(writer, facts.limits.maximum_file_octets)
}

fn max_attachments_per_resource(facts: &Facts, writer: &mut Writer) -> Presence {
    number(writer, facts.limits.maximum_attachments)
}

fn max_instances(facts: &Facts, writer: &mut Writer) -> Presence {
    number(writer, facts.limits.maximum_instances)
}

fn max_attendees_per_instance(facts: &Facts, writer: &mut Writer) -> Presence {
    number(writer, facts.limits.maximum_attendees)
}

/// Civil time reaches further than jiff's instants, which leave room for offsets.
fn date_time(writer: &mut Writer, seconds: i64) -> Presence {
    let epoch = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    match epoch.checked_add(jiff::SignedDuration::from_secs(seconds)) {
        Ok(moment) => {
            writer.text(&moment.strftime("%Y%m%dT%H%M%SZ").to_string());
            Present
        }
        Err(_) => Absent,
    }
}

fn min_date_time(facts: &Facts, writer: &mut Writer) -> Presence {
    date_time(writer, facts.limits.minimum_date_time)
}

fn max_date_time(facts: &Facts, writer: &mut Writer) -> Presence {
    date_time(writer, facts.limits.maximum_date_time)
}

fn supported_collation_set(_: &Facts, writer: &mut Writer) -> Presence {
    for collation in collation::COLLATIONS {
        writer.leaf(caldav::SUPPORTED_COLLATION, collation.identifier);
    }
    Present
}

/// Only in reports: they select it.
fn calendar_data(facts: &Facts, writer: &mut Writer) -> Presence {
    let Some(data) = &facts.calendar_data else {
        return Absent;
    };
    // Whoever says nothing gets iCalendar, and knows it.
    if data.format != Format::ICalendar {
        for (name, value) in attributes(data.format) {
            writer.attribute(name, value);
        }
    }
    writer.text(&data.text);
    Present
}
