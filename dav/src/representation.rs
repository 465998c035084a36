//! The representations of calendar data: one for each [`Format`], chosen by Accept (RFC 9110 §12.1).
//!
//! **Entity tags.** Stored is iCalendar, and its tag is the object's. The tag of another representation is
//! that with an ending of its own, as different octets must have different strong tags (RFC 9110 §8.8.1),
//! and the ending changes when the way of printing does. GET compares with the tag of the representation
//! that it would send. A request that changes something is conditional on the state, which each of the
//! tags names as well as the others: there the ending is taken off, so that a client that got JSON can PUT
//! with the tag that it got.

use bytes::Bytes;
use calendar::Format;
use http::HeaderMap;
use scheduling::{
    Conditions, Precondition, Refusal,
    change::{EntityTag, StateCondition, TagList},
};
use storage::model::Object;

use crate::{error::DavError, header::accept, xml::Element};

/// What the entity tag of a representation ends with; raised when it is printed in another way.
fn tag_ending(format: Format) -> &'static str {
    match format {
        Format::ICalendar => "",
        Format::JCal => "-json1",
        Format::XCal => "-xml1",
    }
}

/// The format that a request wants.
///
/// # Errors
/// 406 where it takes none that is offered (RFC 9110 §15.5.7).
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Format, DavError> {
    let offers = Format::ALL.map(Format::media_type);
    match accept::best(headers, &offers, Format::VERSION) {
        Some(place) => Ok(Format::ALL[place]),
        None => Err(DavError::NotAcceptable(offers.join(", "))),
    }
}

/// The same for an answer that has to be given: what cannot be had is not asked for.
pub(crate) fn wanted_or_usual(headers: &HeaderMap) -> Format {
    wanted(headers).unwrap_or_default()
}

/// The entity tag of a representation, from that of the object.
pub(crate) fn entity_tag(format: Format, stored: &str) -> String {
    [stored, tag_ending(format)].concat()
}

/// The media type of a representation of an object (RFC 5545 §8.1, RFC 7265 §8, RFC 6321 §7.2).
pub(crate) fn content_type(format: Format, object: &Object) -> String {
    let stored = &object.content_type;
    let component = stored
        .split(';')
        .map(str::trim)
        .find(|parameter| parameter.starts_with("component="));
    match format {
        Format::ICalendar => stored.clone(),
        _ => match component {
            Some(component) => [&media_type(format), "; ", component].concat(),
            None => media_type(format),
        },
    }
}

/// The media type of a format with its charset; JSON has none.
pub(crate) fn media_type(format: Format) -> String {
    match format {
        Format::JCal => format.media_type().to_owned(),
        _ => [format.media_type(), "; charset=utf-8"].concat(),
    }
}

/// An object's octets in a format.
///
/// # Errors
/// Where the stored octets cannot be read, which would mean that they are damaged.
pub(crate) fn print(format: Format, octets: Bytes) -> Result<Bytes, DavError> {
    if format == Format::ICalendar {
        return Ok(octets);
    }
    let object = scheduling::parse_stored(octets);
    let object = object.map_err(|error| {
        tracing::error!(%error, "a stored calendar object cannot be read");
        DavError::from(Refusal::Damaged("a calendar object cannot be read".into()))
    })?;
    Ok(format.print(&object))
}

/// The format that the attributes `content-type` and `version` of an element say (RFC 4791 §9.6).
///
/// # Errors
/// `supported-calendar-data` for one that is not offered.
pub(crate) fn of_attributes(element: Element<'_>) -> Result<Format, DavError> {
    let content_type = element.attribute("content-type");
    let content_type = content_type.unwrap_or(Format::ICalendar.media_type());
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let version = element.attribute("version").unwrap_or(Format::VERSION);
    let format = Format::of_media_type(essence).filter(|_| version == Format::VERSION);
    format.ok_or_else(|| {
        let reason = format!("{content_type} in version {version} is not offered");
        DavError::precondition(Precondition::SupportedCalendarData, reason)
    })
}

/// Makes conditions on any representation conditions on the state.
pub(crate) fn on_the_state(conditions: &mut Conditions) {
    let lists = [&mut conditions.if_match, &mut conditions.if_none_match];
    for list in lists.into_iter().flatten() {
        if let TagList::Tags(tags) = list {
            tags.iter_mut().for_each(take_ending_off);
        }
    }
    for list in &mut conditions.if_lists {
        for condition in &mut list.conditions {
            if let StateCondition::EntityTag { tag, .. } = condition {
                take_ending_off(tag);
            }
        }
    }
}

fn take_ending_off(tag: &mut EntityTag) {
    let endings = Format::ALL.map(tag_ending);
    let ending = endings
        .into_iter()
        .find(|ending| !ending.is_empty() && tag.tag.ends_with(ending));
    if let Some(ending) = ending {
        tag.tag.truncate(tag.tag.len() - ending.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_names_the_state() {
        for format in Format::ALL {
            let mut tag = EntityTag {
                weak: false,
                tag: entity_tag(format, "0123456789abcdef"),
            };
            take_ending_off(&mut tag);
            assert_eq!(tag.tag, "0123456789abcdef");
        }
        let tags = Format::ALL.map(|format| entity_tag(format, "t"));
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    }

    /// What is stored is read however large it became (see [`scheduling::parse_stored`]).
    #[test]
    fn what_is_stored_is_printed_in_each_format() {
        let lines = "X-A:1\r\n".repeat(calendar::Limits::LINES);
        let text = format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        for format in Format::ALL {
            assert!(print(format, text.clone().into()).is_ok(), "{format:?}");
        }
    }
}
