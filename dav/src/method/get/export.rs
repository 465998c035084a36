//! GET of a calendar: all its objects as one stream, in each of the formats, which is what calendar
//! programs subscribe to and people keep (RFC 5545 §3.4, RFC 7986 §5).
//!
//! The stream is written as it is sent, with the memory of one page. Each object is read as the viewer may
//! see it. The entity tag follows from the calendar's sync token, which is taken before anything is read: a
//! change on the way makes the next request see another tag.

use bytes::Bytes;
use calendar::{CalendarPrinter, Format, Property, export::Export, zone::reference::TimeZones};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scheduling::{Actor, Refusal, desk::Opened};
use storage::{ResourcePath, model::Collection};

use super::{Validators, condition_status};
use crate::{
    answer,
    body::{Body, BodyBroken, Outlet},
    error::DavError,
    header::{conditional, time_zones},
    kind::ResourceKind,
    listing::Listing,
    representation,
    service::{Dav, Request, Response},
    target::{StoredResource, Target},
    xml::{
        Document, Name,
        name::{apple, caldav, dav},
    },
};

/// Octets that are sent at once, about.
const PAGE_OCTETS: usize = 64 * 1024;

/// How often a program that subscribed should look (RFC 7986 §5.7).
const REFRESH_INTERVAL: &str = "PT1H";

/// The most characters of a file's name.
const MAXIMUM_NAME: usize = 100;

/// Answers with everything in a calendar. No other collection has content of its own.
pub(super) async fn export(
    dav: &Dav,
    request: &Request,
    path: &ResourcePath,
    opened: Opened,
) -> Result<Response, DavError> {
    let calendar = StoredResource::from_opened(path.clone(), opened)?;
    if calendar.kind() != ResourceKind::Calendar {
        return Err(Refusal::NotAllowed("only a calendar has content of its own").into());
    }
    let format = representation::wanted(&request.headers)?;
    let token = dav
        .desk()
        .store()
        .sync_token(calendar.collection.id)
        .await?;
    let state = format!("{token}-{}", calendar.collection.revision.0);
    let etag = representation::entity_tag(format, &state);
    if !conditional::is_unconditional(&request.headers) {
        request.check_if_header(dav).await?;
        let validators = Validators {
            etag: &etag,
            modified: None,
        };
        if let Some(status) = condition_status(dav, request, &validators)? {
            return Ok(head(status, &etag));
        }
    }
    let mut response = head(StatusCode::OK, &etag);
    let headers = response.headers_mut();
    let content_type = representation::media_type(format);
    answer::insert(headers, header::CONTENT_TYPE, &content_type);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let disposition = content_disposition(&calendar, format);
    answer::insert(headers, header::CONTENT_DISPOSITION, &disposition);
    let time_zones = time_zones::parse(&request.headers)?;
    *response.body_mut() = body(dav, &request.actor, calendar, format, time_zones);
    Ok(response)
}

/// The validators without the octets.
fn head(status: StatusCode, etag: &str) -> Response {
    let mut response = answer::empty(status);
    let headers = response.headers_mut();
    answer::insert_tag(headers, header::ETAG, etag);
    headers.insert(header::VARY, super::vary());
    response
}

fn body(
    dav: &Dav,
    actor: &Actor,
    calendar: StoredResource,
    format: Format,
    time_zones: TimeZones,
) -> Body {
    let properties = properties(&calendar.collection);
    let (printer, first) = CalendarPrinter::begin(format, &properties);
    let outlet = Outlet::default();
    let writer = Writer {
        dav: dav.clone(),
        actor: actor.clone(),
        printer,
        time_zones,
        page: Vec::new(),
        outlet: outlet.clone(),
    };
    Body::written(first.into(), outlet, Box::pin(writer.write(calendar)))
}

/// Writes the components.
struct Writer {
    dav: Dav,
    actor: Actor,
    printer: CalendarPrinter,
    time_zones: TimeZones,
    page: Vec<u8>,
    outlet: Outlet,
}

impl Writer {
    async fn write(mut self, calendar: StoredResource) -> Result<Bytes, BodyBroken> {
        let mut export = Export::new();
        let dav = self.dav.clone();
        let actor = self.actor.clone();
        let target = Target::Stored(calendar);
        let mut listing = Listing::of(&dav, &actor, &target).await.map_err(broken)?;
        while let Some(members) = listing.page().await.map_err(broken)? {
            for member in members {
                self.member(&mut export, &member).await?;
            }
        }
        self.page.extend(self.printer.end());
        Ok(self.page.into())
    }

    /// Writes one object, unless the member is something else.
    async fn member(&mut self, export: &mut Export, member: &Target) -> Result<(), BodyBroken> {
        let Target::Stored(resource) = member else {
            return Ok(());
        };
        let Some(object) = resource.object.as_ref().filter(|it| it.calendar.is_some()) else {
            return Ok(());
        };
        let octets = self.dav.desk().octets(object).await;
        let octets = octets.map_err(|refusal| broken(refusal.into()))?;
        let octets = self.time_zones.apply(octets);
        let object = scheduling::parse_stored(octets);
        let object = object.map_err(|error| {
            tracing::error!(%error, "a stored calendar object cannot be read");
            BodyBroken::Unfinished("a calendar object cannot be read".into())
        })?;
        for component in export.components(object) {
            self.printer.component(&component, &mut self.page);
        }
        if self.page.len() >= PAGE_OCTETS {
            let page = std::mem::take(&mut self.page);
            self.outlet.give(page.into()).await;
        }
        Ok(())
    }
}

fn broken(error: DavError) -> BodyBroken {
    BodyBroken::Unfinished(error.to_string())
}

/// The properties of the stream: what it is, and what is known of the calendar (RFC 7986 §5), also under
/// the names that were used before that.
fn properties(calendar: &Collection) -> Vec<Property> {
    let mut properties = vec![
        Property::new("VERSION", Format::VERSION),
        Property::new("PRODID", scheduling::engine::PRODUCT),
        Property::new("CALSCALE", "GREGORIAN"),
    ];
    let mut say = |names: &[&str], text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        let texts = text
            .iter()
            .flat_map(|text| names.iter().zip(std::iter::repeat(text)));
        properties.extend(texts.map(|(name, text)| Property::with_text(name, text)));
    };
    say(
        &["NAME", "X-WR-CALNAME"],
        text_of(calendar, dav::DISPLAYNAME),
    );
    let description = text_of(calendar, caldav::CALENDAR_DESCRIPTION);
    say(&["DESCRIPTION", "X-WR-CALDESC"], description);
    let color = text_of(calendar, apple::CALENDAR_COLOR);
    // RFC 7986 §5.9 takes names alone.
    let is_name = |text: &String| text.bytes().all(|octet| octet.is_ascii_alphabetic());
    say(&["COLOR"], color.clone().filter(is_name));
    say(&["X-APPLE-CALENDAR-COLOR"], color);
    properties.extend([
        Property::new("REFRESH-INTERVAL", REFRESH_INTERVAL)
            .and_then(|property| property.with_parameter("VALUE", "DURATION")),
        Property::new("X-PUBLISHED-TTL", REFRESH_INTERVAL),
    ]);
    // What a content line cannot carry is left out.
    properties.into_iter().filter_map(Result::ok).collect()
}

/// The text of a stored property.
fn text_of(calendar: &Collection, name: Name<'_>) -> Option<String> {
    let octets = calendar.properties.get(&name.clark())?;
    let document = Document::parse(octets).ok()?;
    Some(document.root().trimmed_text())
}

/// RFC 6266 §4: the name of a file, as ASCII that no system minds, and as it is.
fn content_disposition(calendar: &StoredResource, format: Format) -> String {
    let name = text_of(&calendar.collection, dav::DISPLAYNAME)
        .filter(|name| !name.is_empty())
        .or_else(|| calendar.path.segments.last().cloned())
        .unwrap_or_default();
    file_name(&name, format.file_ending())
}

fn file_name(name: &str, ending: &str) -> String {
    let is_harmless = |character: char| {
        character.is_alphanumeric() || matches!(character, ' ' | '-' | '_' | '(' | ')')
    };
    let name: String = name
        .chars()
        .take(MAXIMUM_NAME)
        .map(|character| {
            if is_harmless(character) {
                character
            } else {
                '_'
            }
        })
        .collect();
    let name = match name.trim() {
        "" => "calendar",
        name => name,
    };
    let ascii = name.replace(|character: char| !character.is_ascii(), "_");
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{ascii}{ending}\"; filename*=UTF-8''{encoded}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6266 §4.3, §D
    #[test]
    fn names_of_files_are_safe() {
        for (name, ascii, encoded) in [
            ("Work", "Work", "Work"),
            ("Büro (neu)", "B_ro (neu)", "B%C3%BCro%20%28neu%29"),
            (
                "../../etc/passwd",
                "______etc_passwd",
                "%5F%5F%5F%5F%5F%5Fetc%5Fpasswd",
            ),
            (
                "a\"; filename=\"b.exe",
                "a__ filename__b_exe",
                "a%5F%5F%20filename%5F%5Fb%5Fexe",
            ),
            ("\r\n", "__", "%5F%5F"),
            ("  ", "calendar", "calendar"),
        ] {
            assert_eq!(
                file_name(name, ".ics"),
                format!("attachment; filename=\"{ascii}.ics\"; filename*=UTF-8''{encoded}.ics")
            );
        }
        assert!(file_name(&"ä".repeat(5000), ".ics").len() < 1000);
    }
}
