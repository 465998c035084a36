//! GET and HEAD (RFC 9110 §9.3.1, §9.3.2). The shortest way through the server: no XML, one read.

mod export;

use calendar::Format;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use scheduling::{Actor, Refusal, change::TagList};
use storage::{Found, ResourcePath, model::Object};

use crate::{
    answer::{self, SCHEDULE_TAG},
    body::Body,
    error::DavError,
    header::{conditional, content_disposition, range, time_zones},
    path::Path,
    representation,
    service::{Dav, Request, Response},
};

/// What a person hears who opens the server's address in a browser.
const WELCOME: &str = "Convoke, a CalDAV server.\n\n\
    This address is meant for calendar programs: add a CalDAV account there, with this address,\n\
    your name and your password, and your calendars will be found.\n";

/// Answers with the octets of an object.
pub(crate) async fn get(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let path = match &request.path {
        Path::Stored(path) => path,
        Path::Attachment(id, filename) => {
            return Box::pin(attachment(dav, &request, id, filename)).await;
        }
        _ => {
            return Ok(answer::content(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                WELCOME,
            ));
        }
    };
    let opened = dav.desk().open(&request.actor, path).await?;
    let object = match opened.resolution.found {
        Found::Object(object) => object.value,
        // Boxed, so that calendar objects need not make room for it.
        _ => return Box::pin(export::export(dav, &request, path, opened)).await,
    };
    let format = match object.calendar {
        Some(_) => representation::wanted(&request.headers)?,
        None => Format::ICalendar,
    };
    if !conditional::is_unconditional(&request.headers) {
        request.check_if_header(dav).await?;
        let validators = Validators {
            etag: &representation::entity_tag(format, &object.etag),
            modified: Some(object.modified.seconds()),
        };
        if let Some(status) = condition_status(dav, &request, &validators)? {
            return Ok(without_content(status, &object, format));
        }
    }
    if object.calendar.is_none() {
        // Boxed for the same reason.
        return Box::pin(file(dav, &request, &object)).await;
    }
    let octets = dav.desk().octets(&object).await?;
    // The tag stays the object's: a client compares it with what PROPFIND and reports said (RFC 7809 §3.1.3).
    let octets = time_zones::parse(&request.headers)?.apply(octets);
    let octets = representation::print(format, octets)?;
    Ok(with_content(StatusCode::OK, &object, format, octets.into()))
}

/// A managed attachment (RFC 8607 §3.10): a file that is saved, and never shown as a page of this server.
async fn attachment(
    dav: &Dav,
    request: &Request,
    id: &str,
    filename: &str,
) -> Result<Response, DavError> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    let (object, saved_as) = dav.desk().open_attachment(&request.actor, id).await?;
    if saved_as != filename {
        return Err(Refusal::NotFound.into());
    }
    let validators = Validators {
        etag: &object.etag,
        modified: Some(object.modified.seconds()),
    };
    let mut response = match condition_status(dav, request, &validators)? {
        Some(status) => without_content(status, &object, Format::ICalendar),
        None => file(dav, request, &object).await?,
    };
    let headers = response.headers_mut();
    let disposition = content_disposition::attachment(&saved_as);
    answer::insert(headers, header::CONTENT_DISPOSITION, &disposition);
    // Only some may see it, and only as long as an event of theirs refers to it.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}

/// A file, or the part of it that is wanted (RFC 9110 §14).
async fn file(dav: &Dav, request: &Request, object: &Object) -> Result<Response, DavError> {
    let length = object.content.length();
    let (status, first, wanted) = match range::asked(&request.headers, length, &object.etag) {
        range::Asked::Whole => (StatusCode::OK, 0, length),
        range::Asked::Part { first, last } => {
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1)
        }
        range::Asked::Nothing => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let mut response = without_content(status, object, Format::ICalendar);
            let none = format!("bytes */{length}");
            answer::insert(response.headers_mut(), header::CONTENT_RANGE, &none);
            return Ok(response);
        }
    };
    let body = body(dav, object, first, wanted).await?;
    let mut response = with_content(status, object, Format::ICalendar, body);
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {first}-{}/{length}", first + wanted - 1);
        answer::insert(response.headers_mut(), header::CONTENT_RANGE, &part);
    }
    Ok(response)
}

/// The octets of an object from `first` on: a large file piece by piece.
async fn body(dav: &Dav, object: &Object, first: u64, length: u64) -> Result<Body, DavError> {
    if let Some(reader) = dav.desk().pieces(object, first, length) {
        return Ok(Body::pieces(reader, length));
    }
    let octets = dav.desk().octets(object).await?;
    let place = |octet: u64| {
        usize::try_from(octet)
            .unwrap_or(usize::MAX)
            .min(octets.len())
    };
    Ok(octets
        .slice(place(first)..place(first.saturating_add(length)))
        .into())
}

/// Answers as GET does, without the octets.
pub(crate) async fn head(dav: &Dav, mut request: Request) -> Result<Response, DavError> {
    // RFC 9110 §14.2: a range is for GET alone.
    request.headers.remove(header::RANGE);
    let (mut parts, body) = get(dav, request).await?.into_parts();
    if let Some(length) = body
        .size_hint()
        .exact()
        .filter(|_| parts.status == StatusCode::OK)
    {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(Response::from_parts(parts, Body::empty()))
}

/// The object at a path with its octets, as an answer of another status than GET's (RFC 8144 §3), in the
/// format that the request's header fields like best.
pub(crate) async fn representation(
    dav: &Dav,
    actor: &Actor,
    path: &ResourcePath,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Response, DavError> {
    let object = open_object(dav, actor, path).await?;
    let (format, body) = match object.calendar {
        Some(_) => {
            let format = representation::wanted_or_usual(headers);
            let octets = dav.desk().octets(&object).await?;
            let octets = time_zones::parse(headers)?.apply(octets);
            (format, representation::print(format, octets)?.into())
        }
        None => {
            let length = object.content.length();
            (Format::ICalendar, body(dav, &object, 0, length).await?)
        }
    };
    let mut response = with_content(status, &object, format, body);
    answer::insert_path(
        response.headers_mut(),
        header::CONTENT_LOCATION,
        &Path::Stored(path.clone()),
        false,
    );
    response.headers_mut().insert(
        crate::header::prefer::PREFERENCE_APPLIED.clone(),
        HeaderValue::from_static("return=representation"),
    );
    Ok(response)
}

/// Who lost the race gets what won it (RFC 8144 §3.2); where that cannot be had, the refusal.
pub(crate) async fn current_instead(
    dav: &Dav,
    request: &Request,
    path: &ResourcePath,
    refusal: Refusal,
) -> Result<Response, DavError> {
    let (actor, headers) = (&request.actor, &request.headers);
    match representation(dav, actor, path, StatusCode::PRECONDITION_FAILED, headers).await {
        Ok(response) => Ok(response),
        Err(_) => Err(refusal.into()),
    }
}

async fn open_object(dav: &Dav, actor: &Actor, path: &ResourcePath) -> Result<Object, DavError> {
    match dav.desk().open(actor, path).await?.resolution.found {
        Found::Object(object) => Ok(object.value),
        Found::Collection => {
            Err(Refusal::NotAllowed("a collection has no content of its own").into())
        }
        Found::Missing | Found::ParentMissing => Err(Refusal::NotFound.into()),
    }
}

/// What the conditions of a request are compared with.
struct Validators<'a> {
    /// The strong tag of the representation that would be sent.
    etag: &'a str,
    /// When it changed, in seconds since 1970; `None` where that is not known.
    modified: Option<i64>,
}

/// What the conditions of a request that changes nothing lead to, in the order of RFC 9110 §13.2.2;
/// `None` where the answer is the representation.
fn condition_status(
    dav: &Dav,
    request: &Request,
    current: &Validators<'_>,
) -> Result<Option<StatusCode>, DavError> {
    let conditions = request.conditions_as_sent(dav)?;
    if let Some(tags) = &conditions.if_match
        && !tags_hold(tags, current.etag, |weak| !weak)
    {
        return Ok(Some(StatusCode::PRECONDITION_FAILED));
    }
    let since = conditions.if_unmodified_since.zip(current.modified);
    if since.is_some_and(|(since, modified)| modified > since) {
        return Ok(Some(StatusCode::PRECONDITION_FAILED));
    }
    if let Some(tags) = &conditions.if_none_match {
        return Ok(tags_hold(tags, current.etag, |_| true).then_some(StatusCode::NOT_MODIFIED));
    }
    let since = conditional::if_modified_since(&request.headers).zip(current.modified);
    Ok(since
        .filter(|(since, modified)| modified <= since)
        .map(|_| StatusCode::NOT_MODIFIED))
}

/// Whether a list names the object's tag; `counts` says whether a weak tag (`true`) can be equal.
fn tags_hold(tags: &TagList, etag: &str, counts: impl Fn(bool) -> bool) -> bool {
    match tags {
        TagList::Any => true,
        TagList::Tags(tags) => tags.iter().any(|tag| counts(tag.weak) && tag.tag == etag),
    }
}

fn with_content(status: StatusCode, object: &Object, format: Format, body: Body) -> Response {
    let mut response = without_content(status, object, format);
    let headers = response.headers_mut();
    let content_type = representation::content_type(format, object);
    answer::insert(headers, header::CONTENT_TYPE, &content_type);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if object.calendar.is_none() {
        // A file may be anything; a browser must not run it as a page of this server.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox"),
        );
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    *response.body_mut() = body;
    response
}

/// What calendar data depends upon beside the URL (RFC 9110 §12.5.5).
fn vary() -> HeaderValue {
    HeaderValue::from_static("Accept, CalDAV-Timezones")
}

/// The validators without the octets: 304 and 412 (RFC 9110 §15.4.5).
fn without_content(status: StatusCode, object: &Object, format: Format) -> Response {
    let mut response = answer::empty(status);
    let headers = response.headers_mut();
    let etag = representation::entity_tag(format, &object.etag);
    answer::insert_tag(headers, header::ETAG, &etag);
    if object.calendar.is_some() {
        headers.insert(header::VARY, vary());
    }
    answer::insert_last_modified(headers, object.modified);
    if let Some(tag) = object
        .calendar
        .as_ref()
        .and_then(|facts| facts.schedule_tag.as_deref())
    {
        answer::insert_tag(headers, SCHEDULE_TAG.clone(), tag);
    }
    response
}
