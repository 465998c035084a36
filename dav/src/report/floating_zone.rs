//! The zone in which floating times and DATEs are read (RFC 4791 §5.2.2, §9.8, RFC 7809 §3.1.5, §3.1.6): that of
//! the request, else that of the calendar, else that of a collection around it (of the home in the end), else
//! the owner's, else UTC.

use bytes::Bytes;
use calendar::{CalendarObject, Limits, Zone};
use scheduling::Precondition;
use storage::model::Collection;

use crate::{
    error::DavError,
    representation,
    target::StoredResource,
    xml::{Document, Element, Name, name::caldav},
};

/// Of a `CALDAV:timezone` or `CALDAV:timezone-id` element in a request.
///
/// # Errors
/// `valid-calendar-data` where a definition holds no time zone (RFC 4791 §7.8), `valid-timezone` where nobody
/// knows an identifier (RFC 7809 §3.1.6).
pub(super) fn of_request(request: Element<'_>) -> Result<Option<Zone>, DavError> {
    let refused = |precondition, reason: &str| Err(DavError::precondition(precondition, reason));
    let definition = request.child(caldav::TIMEZONE);
    let id = request.child(caldav::TIMEZONE_ID);
    match (definition, id) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(DavError::BadRequest(
            "there is either a timezone or a timezone-id".into(),
        )),
        (Some(definition), None) => match defined(definition) {
            Some(zone) => Ok(Some(zone)),
            None => refused(
                Precondition::ValidCalendarData,
                "the timezone holds no time zone",
            ),
        },
        (None, Some(id)) => match Zone::by_reference(&id.trimmed_text()) {
            Some(zone) => Ok(Some(zone)),
            None => refused(
                Precondition::ValidTimezone,
                "the timezone-id names no time zone",
            ),
        },
    }
}

/// Of a resource by where it stands and whose it is.
pub(crate) fn of_resource(resource: &StoredResource) -> Zone {
    let around = resource.chain.iter().rev();
    around
        .map(|collection| &collection.value)
        .find_map(of_collection)
        .or_else(|| Zone::by_reference(resource.owner.time_zone.as_deref()?))
        .unwrap_or_else(Zone::utc)
}

/// Of a collection itself: of the one property or the other, as the client set it.
pub(crate) fn of_collection(collection: &Collection) -> Option<Zone> {
    let stored = |name: Name<'_>| {
        let octets = collection.properties.get(&name.clark())?;
        Document::parse(octets).ok()
    };
    let by_definition = || defined(stored(caldav::CALENDAR_TIMEZONE)?.root());
    let by_id = || {
        let document = stored(caldav::CALENDAR_TIMEZONE_ID)?;
        Zone::by_reference(&document.root().trimmed_text())
    };
    by_definition().or_else(by_id)
}

fn defined(element: Element<'_>) -> Option<Zone> {
    Zone::of_calendar_timezone(&definition(element)?)
}

/// The object in an element that holds the definition of a zone, in whatever format.
pub(crate) fn definition(element: Element<'_>) -> Option<CalendarObject> {
    let format = representation::of_attributes(element).ok()?;
    let octets = Bytes::copy_from_slice(element.text().trim().as_bytes());
    format.parse(octets, &Limits::default()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use storage::model::{CollectionKind, Principal, PrincipalKind, Properties};

    use super::*;
    use crate::{path::Path, target::Target, testing};

    const DEFINED: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\n\
        DTSTART:19700101T000000\nTZOFFSETFROM:+0417\nTZOFFSETTO:+0417\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n";

    fn offset_minutes(zone: &Zone) -> i64 {
        let epoch = jiff::Timestamp::UNIX_EPOCH;
        let civil = zone.civil(epoch);
        i64::from(civil.hour()) * 60 + i64::from(civil.minute())
    }

    fn properties(name: Name<'_>, text: &str) -> Properties {
        let element = format!(
            "<C:{} xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{text}</C:{}>",
            name.local, name.local
        );
        [(name.clark(), element.into())].into_iter().collect()
    }

    /// Each step counts where none before it says anything.
    #[tokio::test]
    async fn each_step_comes_after_the_one_before() {
        let world = testing::world().await;
        let tokyo = || properties(caldav::CALENDAR_TIMEZONE_ID, "Asia/Tokyo");
        let mine = || properties(caldav::CALENDAR_TIMEZONE, DEFINED);
        let kolkata = || properties(caldav::CALENDAR_TIMEZONE_ID, "Asia/Kolkata");
        let nothing = Properties::new;
        for (step, calendar, home, owner, minutes) in [
            (
                "the calendar's definition",
                mine(),
                tokyo(),
                Some("Asia/Kolkata"),
                257,
            ),
            (
                "the calendar's identifier",
                tokyo(),
                mine(),
                Some("Asia/Kolkata"),
                540,
            ),
            ("the home's", nothing(), kolkata(), Some("Asia/Tokyo"), 330),
            ("the owner's", nothing(), nothing(), Some("Asia/Tokyo"), 540),
            ("UTC", nothing(), nothing(), None, 0),
        ] {
            let mut owner_row = Principal::new(PrincipalKind::User, "alice");
            owner_row.time_zone = owner.map(str::to_owned);
            let path = Path::parse("/dav/calendars/users/alice/calendar/").expect("a path");
            let target = Target::open(&world.dav, &world.alice, &path).await;
            let Ok(Target::Stored(mut resource)) = target else {
                panic!("alice has a calendar")
            };
            let mut chain: Vec<_> = resource.chain.iter().map(|row| (**row).clone()).collect();
            assert_eq!(chain[0].value.kind, CollectionKind::Home);
            chain[0].value.properties = home;
            chain[1].value.properties = calendar;
            resource.chain = Arc::new(chain.into_iter().map(Arc::new).collect());
            resource.owner = Arc::new(owner_row);
            assert_eq!(offset_minutes(&of_resource(&resource)), minutes, "{step}");
        }
    }
}
