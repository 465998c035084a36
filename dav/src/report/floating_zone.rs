//! The zone in which floating times and DATEs are read (RFC 4791 §5.2.2, §9.8).

use bytes::Bytes;
use calendar::{Limits, Zone};
use scheduling::Precondition;
use storage::model::Collection;

use crate::{
    error::DavError,
    representation,
    xml::{Document, Element, name::caldav},
};

/// Of a `CALDAV:timezone` element in a request.
///
/// # Errors
/// `valid-calendar-data` where it holds no time zone (RFC 4791 §7.8).
pub(super) fn of_request(request: Element<'_>) -> Result<Option<Zone>, DavError> {
    let Some(element) = request.child(caldav::TIMEZONE) else {
        return Ok(None);
    };
    let zone = parse(element);
    let wrong = || {
        DavError::precondition(
            Precondition::ValidCalendarData,
            "the timezone holds no time zone",
        )
    };
    zone.map(Some).ok_or_else(wrong)
}

/// Of the property of a collection; UTC where it has none.
pub(crate) fn of_collection(collection: &Collection) -> Zone {
    let stored = collection
        .properties
        .get(&caldav::CALENDAR_TIMEZONE.clark());
    let zone = stored.and_then(|octets| {
        let document = Document::parse(octets).ok()?;
        parse(document.root())
    });
    zone.unwrap_or_else(Zone::utc)
}

fn parse(element: Element<'_>) -> Option<Zone> {
    let format = representation::of_attributes(element).ok()?;
    let octets = Bytes::copy_from_slice(element.text().trim().as_bytes());
    let object = format.parse(octets, &Limits::default()).ok()?;
    Zone::of_calendar_timezone(&object)
}
