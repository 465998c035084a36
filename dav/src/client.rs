//! The other side of CalDAV: what a client asks and what it is answered, for a migration from another server.
//! Pure: bodies of requests as octets, answers read into values. Who sends them is somebody else's business.
//!
//! Read tolerantly, since it is what other servers write: a response without a status counts as one that is
//! there, an href may be an address or a path, unknown elements are passed over.

use bytes::Bytes;

use crate::{
    description::CalendarDescription,
    xml::{
        Document, Element, Name, Writer, XmlError,
        name::{apple, caldav, calendarserver, dav},
    },
};

/// The most elements of an answer: the listing of some 200,000 objects.
const MAXIMUM_ELEMENTS: usize = 2_000_000;

/// An answer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no multistatus: {0}")]
pub struct Unreadable(String);

impl From<XmlError> for Unreadable {
    fn from(error: XmlError) -> Unreadable {
        Unreadable(error.to_string())
    }
}

/// A calendar on another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCalendar {
    /// As the server wrote it.
    pub href: String,
    /// What people see of it.
    pub description: CalendarDescription,
    /// The component names that it takes, upper case; empty where the server does not say.
    pub components: Vec<String>,
}

/// A resource in a calendar on another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteMember {
    /// As the server wrote it.
    pub href: String,
    /// With its quotes, as the server wrote it.
    pub etag: Option<String>,
}

/// An object of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteObject {
    /// As the server wrote it.
    pub href: String,
    /// Its octets; `None` where the server did not give them.
    pub data: Option<String>,
}

/// PROPFIND, depth 0: who signed in (RFC 5397 §3), and what the resource is.
pub fn ask_for_principal() -> Bytes {
    propfind(&[
        dav::CURRENT_USER_PRINCIPAL,
        dav::PRINCIPAL_URL,
        dav::RESOURCETYPE,
        caldav::CALENDAR_HOME_SET,
    ])
}

/// PROPFIND, depth 0, on a principal: where its calendars are (RFC 4791 §6.2.1).
pub fn ask_for_home() -> Bytes {
    propfind(&[caldav::CALENDAR_HOME_SET])
}

/// PROPFIND, depth 1, on a home (or 0 on a calendar): its calendars with what people see of them.
pub fn ask_for_calendars() -> Bytes {
    propfind(&[
        dav::RESOURCETYPE,
        dav::DISPLAYNAME,
        caldav::CALENDAR_DESCRIPTION,
        caldav::CALENDAR_TIMEZONE,
        caldav::SUPPORTED_CALENDAR_COMPONENT_SET,
        apple::CALENDAR_COLOR,
        apple::CALENDAR_ORDER,
    ])
}

/// PROPFIND, depth 1, on a calendar: what is in it.
pub fn ask_for_members() -> Bytes {
    propfind(&[dav::RESOURCETYPE, dav::GETETAG])
}

/// REPORT on a calendar: some of its objects (RFC 4791 §7.9).
pub fn ask_for_objects(hrefs: &[String]) -> Bytes {
    Writer::document(caldav::CALENDAR_MULTIGET, |writer| {
        writer.element(dav::PROP, |writer| {
            writer.empty(dav::GETETAG);
            writer.empty(caldav::CALENDAR_DATA);
        });
        for href in hrefs {
            writer.leaf(dav::HREF, href);
        }
    })
}

fn propfind(names: &[Name<'_>]) -> Bytes {
    Writer::document(dav::PROPFIND, |writer| {
        writer.element(dav::PROP, |writer| {
            for name in names {
                writer.empty(*name);
            }
        });
    })
}

/// Who signed in, in an answer to [`ask_for_principal`]; `None` where the server does not say.
///
/// # Errors
/// See [`Unreadable`].
pub fn principal(answer: &[u8]) -> Result<Option<String>, Unreadable> {
    let document = read(answer)?;
    let names = [dav::CURRENT_USER_PRINCIPAL, dav::PRINCIPAL_URL];
    let found = names.map(|name| hrefs_in(&document, name));
    Ok(found.into_iter().flatten().next())
}

/// Where the calendars of a principal are, which may be in several places (RFC 4791 §6.2.1); each once.
///
/// # Errors
/// See [`Unreadable`].
pub fn homes(answer: &[u8]) -> Result<Vec<String>, Unreadable> {
    let mut homes = Vec::new();
    for home in hrefs_in(&read(answer)?, caldav::CALENDAR_HOME_SET) {
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    Ok(homes)
}

/// The calendars among the responses to [`ask_for_calendars`], in the server's order. What is no calendar
/// (inbox, address book, subscription) is passed over.
///
/// # Errors
/// See [`Unreadable`].
pub fn calendars(answer: &[u8]) -> Result<Vec<RemoteCalendar>, Unreadable> {
    let document = read(answer)?;
    let mut calendars = Vec::new();
    for response in document.root().children_named(dav::RESPONSE) {
        let Some(href) = href_of(response) else {
            continue;
        };
        if !properties(response).any(is_calendar_type) {
            continue;
        }
        let mut calendar = RemoteCalendar {
            href,
            description: CalendarDescription::default(),
            components: Vec::new(),
        };
        for property in properties(response) {
            calendar.description.read(property);
            if property.is(caldav::SUPPORTED_CALENDAR_COMPONENT_SET) {
                let names = property.children_named(caldav::COMP);
                let names = names.filter_map(|it| it.attribute("name"));
                calendar.components = names.map(str::to_ascii_uppercase).collect();
            }
        }
        calendars.push(calendar);
    }
    Ok(calendars)
}

fn is_calendar_type(property: Element<'_>) -> bool {
    let has = |name| property.child(name).is_some();
    property.is(dav::RESOURCETYPE)
        && has(caldav::CALENDAR)
        && !has(calendarserver::SUBSCRIBED)
        && !has(caldav::SCHEDULE_INBOX)
        && !has(caldav::SCHEDULE_OUTBOX)
}

/// The resources in a calendar, collections aside.
///
/// # Errors
/// See [`Unreadable`].
pub fn members(answer: &[u8]) -> Result<Vec<RemoteMember>, Unreadable> {
    let document = read(answer)?;
    let mut members = Vec::new();
    for response in document.root().children_named(dav::RESPONSE) {
        let is_collection = properties(response)
            .any(|it| it.is(dav::RESOURCETYPE) && it.child(dav::COLLECTION).is_some());
        let Some(href) = href_of(response).filter(|_| !is_collection && is_there(response)) else {
            continue;
        };
        let etag = properties(response).find(|it| it.is(dav::GETETAG));
        let etag = etag.map(Element::trimmed_text).filter(|it| !it.is_empty());
        members.push(RemoteMember { href, etag });
    }
    Ok(members)
}

/// The objects in an answer to [`ask_for_objects`].
///
/// # Errors
/// See [`Unreadable`].
pub fn objects(answer: &[u8]) -> Result<Vec<RemoteObject>, Unreadable> {
    let document = read(answer)?;
    let mut objects = Vec::new();
    for response in document.root().children_named(dav::RESPONSE) {
        let Some(href) = href_of(response) else {
            continue;
        };
        let data = properties(response).find(|it| it.is(caldav::CALENDAR_DATA));
        let data = data.map(|it| it.text().into_owned());
        let data = data.filter(|text| !text.trim().is_empty());
        objects.push(RemoteObject { href, data });
    }
    Ok(objects)
}

fn read(answer: &[u8]) -> Result<Document, Unreadable> {
    let document = Document::parse_within(answer, MAXIMUM_ELEMENTS)?;
    match document.root().is(dav::MULTISTATUS) {
        true => Ok(document),
        false => Err(Unreadable(format!(
            "its root is {}",
            document.root().name()
        ))),
    }
}

/// The hrefs in a property of the responses.
fn hrefs_in(document: &Document, name: Name<'_>) -> Vec<String> {
    let responses = document.root().children_named(dav::RESPONSE);
    let named = responses
        .flat_map(properties)
        .filter(|property| property.is(name));
    let hrefs = named.flat_map(|property| property.children_named(dav::HREF));
    let hrefs = hrefs.map(Element::trimmed_text);
    hrefs.filter(|href| !href.is_empty()).collect()
}

fn href_of(response: Element<'_>) -> Option<String> {
    let href = response.child(dav::HREF)?.trimmed_text();
    (!href.is_empty()).then_some(href)
}

/// Whether the resource itself is there: a status beside the href says if not (RFC 4918 §14.24).
fn is_there(response: Element<'_>) -> bool {
    response.child(dav::STATUS).is_none_or(is_success)
}

/// `HTTP/1.1 200 OK` and the like.
fn is_success(status: Element<'_>) -> bool {
    let text = status.trimmed_text();
    text.split_whitespace()
        .nth(1)
        .is_none_or(|code| code.starts_with('2'))
}

/// The properties that a response has.
fn properties<'d>(response: Element<'d>) -> impl Iterator<Item = Element<'d>> {
    let present = response.children_named(dav::PROPSTAT);
    let present = present.filter(|it| it.child(dav::STATUS).is_none_or(is_success));
    let props = present.flat_map(|it| it.children_named(dav::PROP));
    props.flat_map(Element::children)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn multistatus(responses: &str) -> Vec<u8> {
        format!(
            "<d:multistatus xmlns:d='DAV:' xmlns:c='urn:ietf:params:xml:ns:caldav' xmlns:s='http://calendarserver.org/ns/' \
             xmlns:a='http://apple.com/ns/ical/'>{responses}</d:multistatus>"
        )
        .into_bytes()
    }

    fn response(href: &str, properties: &str) -> String {
        format!(
            "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop><d:displayname>no</d:displayname>\
             </d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>"
        )
    }

    #[test]
    fn requests_can_be_read() {
        for (body, root) in [
            (ask_for_principal(), dav::PROPFIND),
            (ask_for_home(), dav::PROPFIND),
            (ask_for_calendars(), dav::PROPFIND),
            (ask_for_members(), dav::PROPFIND),
            (ask_for_objects(&["/a&b".into()]), caldav::CALENDAR_MULTIGET),
        ] {
            let document = Document::parse(&body).unwrap();
            assert!(document.root().is(root));
            assert!(document.root().child(dav::PROP).is_some());
        }
        let body = ask_for_objects(&["/a&b".into()]);
        let document = Document::parse(&body).unwrap();
        assert_eq!(document.root().child(dav::HREF).unwrap().text(), "/a&b");
    }

    #[test]
    fn the_way_to_the_calendars() {
        let answer = multistatus(&response(
            "/",
            "<d:current-user-principal><d:href> /p/ </d:href></d:current-user-principal>\
             <c:calendar-home-set><d:href>/h1/</d:href><d:href>/other/</d:href>\
             <d:href>/h1/</d:href></c:calendar-home-set>",
        ));
        assert_eq!(principal(&answer), Ok(Some("/p/".to_owned())));
        let both = vec!["/h1/".to_owned(), "/other/".to_owned()];
        assert_eq!(homes(&answer), Ok(both));
        let answer = multistatus(&response(
            "/",
            "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>",
        ));
        assert_eq!(principal(&answer), Ok(None));
        assert_eq!(homes(&answer), Ok(Vec::new()));
        assert!(principal(b"<html></html>").is_err());
        assert!(principal(b"nonsense").is_err());
    }

    #[test]
    fn calendars_and_what_is_none() {
        let calendar = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
        let answer = multistatus(
            &[
                response("/h/", "<d:resourcetype><d:collection/></d:resourcetype>"),
                response(
                    "/h/office/",
                    &format!(
                        "{calendar}<d:displayname>Work</d:displayname><a:calendar-color>#FF0000</a:calendar-color>\
                         <a:calendar-order>2</a:calendar-order><c:supported-calendar-component-set><c:comp name='vevent'/>\
                         </c:supported-calendar-component-set><c:calendar-description/>"
                    ),
                ),
                response("/h/plain/", calendar),
                response("/h/web/", "<d:resourcetype><c:calendar/><s:subscribed/></d:resourcetype>"),
                response("/h/in/", "<d:resourcetype><c:schedule-inbox/><c:calendar/></d:resourcetype>"),
            ]
            .concat(),
        );
        let found = calendars(&answer).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].href, "/h/office/");
        assert_eq!(found[0].components, ["VEVENT"]);
        let expected = CalendarDescription {
            display_name: Some("Work".into()),
            color: Some("#FF0000".into()),
            order: Some("2".into()),
            ..CalendarDescription::default()
        };
        assert_eq!(found[0].description, expected);
        assert_eq!(found[1].description, CalendarDescription::default());
    }

    #[test]
    fn members_and_objects() {
        let gone = "<d:response><d:href>/h/gone</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>";
        let answer = multistatus(
            &[
                response("/h/", "<d:resourcetype><d:collection/></d:resourcetype>"),
                response("/h/a.ics", "<d:resourcetype/><d:getetag>\"1\"</d:getetag>"),
                response("/h/b.ics", ""),
                gone.to_owned(),
            ]
            .concat(),
        );
        let found = members(&answer).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|it| (&*it.href, it.etag.as_deref()))
            .collect();
        assert_eq!(told, [("/h/a.ics", Some("\"1\"")), ("/h/b.ics", None)]);
        let answer = multistatus(
            &[
                response(
                    "/h/a.ics",
                    "<c:calendar-data>BEGIN:VCALENDAR&#13;\nEND</c:calendar-data>",
                ),
                gone.to_owned(),
            ]
            .concat(),
        );
        let found = objects(&answer).unwrap();
        assert_eq!(found[0].data.as_deref(), Some("BEGIN:VCALENDAR\r\nEND"));
        assert_eq!((found[1].href.as_str(), &found[1].data), ("/h/gone", &None));
    }

    /// A listing larger than any request may be.
    #[test]
    fn large_answers_are_read() {
        let one = response("/h/a.ics", "<d:getetag>\"1\"</d:getetag>");
        let answer = multistatus(&one.repeat(12_000));
        assert_eq!(members(&answer).unwrap().len(), 12_000);
    }
}
