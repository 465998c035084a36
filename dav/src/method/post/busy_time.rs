//! Questions for busy time, put to a scheduling outbox (RFC 6638 §5).

use bytes::Bytes;
use http::StatusCode;
use scheduling::{Precondition, desk::CalendarRules, free_busy::FreeBusyAnswer};

use crate::{
    answer,
    error::DavError,
    header::content_type,
    property::{availability::availability_of, scheduling::is_opaque},
    report::floating_zone,
    service::{Dav, Request, Response},
    xml::{
        Writer,
        name::{caldav, dav},
    },
};

/// What the properties of calendars say of their owners' time.
pub const CALENDAR_RULES: CalendarRules = CalendarRules {
    counts: is_opaque,
    floating: floating_zone::of_collection,
    availability: availability_of,
};

/// Answers with the busy time of each person that is asked about.
pub(super) async fn ask(dav: &Dav, request: Request) -> Result<Response, DavError> {
    request.check_if_header(dav).await?;
    let media = content_type::parse(&request.headers)?;
    if media.is_some_and(|media| media.essence != "text/calendar" || !media.is_utf8()) {
        return Err(DavError::precondition(
            Precondition::SupportedCalendarData,
            "an outbox takes text/calendar in UTF-8",
        ));
    }
    let path = request.stored_path()?;
    let answers = dav
        .desk()
        .ask_for_busy_time(&request.actor, path, request.body.clone())
        .await?;
    Ok(answer::xml(StatusCode::OK, schedule_response(&answers)))
}

/// RFC 6638 §10.1
fn schedule_response(answers: &[FreeBusyAnswer]) -> Bytes {
    Writer::document(caldav::SCHEDULE_RESPONSE, |writer| {
        for answer in answers {
            writer.element(caldav::RESPONSE, |writer| {
                writer.element(caldav::RECIPIENT, |writer| {
                    writer.leaf(dav::HREF, &answer.recipient)
                });
                writer.leaf(caldav::REQUEST_STATUS, answer.request_status);
                if let Some(octets) = &answer.calendar_data {
                    writer.leaf(caldav::CALENDAR_DATA, &String::from_utf8_lossy(octets));
                }
            });
        }
    })
}
