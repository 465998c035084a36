//! GET and HEAD (RFC 9110 §9.3.1, §9.3.2). The shortest way through the server: no XML, one read.

use http::{HeaderValue, StatusCode, header};
use http_body::Body as _;
use scheduling::{Actor, Refusal, change::TagList};
use storage::{Found, ResourcePath, model::Object};

use crate::{
    answer::{self, SCHEDULE_TAG},
    body::Body,
    error::DavError,
    header::{conditional, range},
    path::Path,
    service::{Dav, Request, Response},
};

/// What a person hears who opens the server's address in a browser.
const WELCOME: &str = "Convoke, a CalDAV server.\n\n\
    This address is meant for calendar programs: add a CalDAV account there, with this address,\n\
    your name and your password, and your calendars will be found.\n";

/// Answers with the octets of an object.
pub(crate) async fn get(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let Path::Stored(path) = &request.path else {
        return Ok(answer::content(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            WELCOME,
        ));
    };
    let object = open_object(dav, &request.actor, path).await?;
    if !conditional::is_unconditional(&request.headers) {
        request.check_if_header(dav).await?;
        if let Some(status) = condition_status(dav, &request, &object)? {
            return Ok(without_content(status, &object));
        }
    }
    if object.calendar.is_none() {
        // Boxed, so that calendar objects need not make room for it.
        return Box::pin(file(dav, &request, &object)).await;
    }
    let octets = dav.desk().octets(&request.actor, &object).await?;
    Ok(with_content(StatusCode::OK, &object, octets.into()))
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
            let mut response = without_content(StatusCode::RANGE_NOT_SATISFIABLE, object);
            let none = format!("bytes */{length}");
            answer::insert(response.headers_mut(), header::CONTENT_RANGE, &none);
            return Ok(response);
        }
    };
    let body = body(dav, &request.actor, object, first, wanted).await?;
    let mut response = with_content(status, object, body);
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {first}-{}/{length}", first + wanted - 1);
        answer::insert(response.headers_mut(), header::CONTENT_RANGE, &part);
    }
    Ok(response)
}

/// The octets of an object from `first` on: a large file piece by piece.
async fn body(
    dav: &Dav,
    actor: &Actor,
    object: &Object,
    first: u64,
    length: u64,
) -> Result<Body, DavError> {
    if let Some(reader) = dav.desk().pieces(object, first, length) {
        return Ok(Body::pieces(reader, length));
    }
    let octets = dav.desk().octets(actor, object).await?;
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

/// The object at a path with its octets, as an answer of another status than GET's (RFC 8144 §3).
pub(crate) async fn representation(
    dav: &Dav,
    actor: &Actor,
    path: &ResourcePath,
    status: StatusCode,
) -> Result<Response, DavError> {
    let object = open_object(dav, actor, path).await?;
    let body = match object.calendar {
        Some(_) => dav.desk().octets(actor, &object).await?.into(),
        None => body(dav, actor, &object, 0, object.content.length()).await?,
    };
    let mut response = with_content(status, &object, body);
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

async fn open_object(dav: &Dav, actor: &Actor, path: &ResourcePath) -> Result<Object, DavError> {
    match dav.desk().open(actor, path).await?.resolution.found {
        Found::Object(object) => Ok(object.value),
        Found::Collection => {
            Err(Refusal::NotAllowed("a collection has no content of its own").into())
        }
        Found::Missing | Found::ParentMissing => Err(Refusal::NotFound.into()),
    }
}

/// What the conditions of a request that changes nothing lead to, in the order of RFC 9110 §13.2.2;
/// `None` where the answer is the object.
fn condition_status(
    dav: &Dav,
    request: &Request,
    object: &Object,
) -> Result<Option<StatusCode>, DavError> {
    let conditions = request.conditions(dav)?;
    let modified = object.modified.seconds();
    if let Some(tags) = &conditions.if_match
        && !tags_hold(tags, object, |weak| !weak)
    {
        return Ok(Some(StatusCode::PRECONDITION_FAILED));
    }
    if conditions
        .if_unmodified_since
        .is_some_and(|since| modified > since)
    {
        return Ok(Some(StatusCode::PRECONDITION_FAILED));
    }
    if let Some(tags) = &conditions.if_none_match {
        return Ok(tags_hold(tags, object, |_| true).then_some(StatusCode::NOT_MODIFIED));
    }
    let since = conditional::if_modified_since(&request.headers);
    Ok(since
        .filter(|since| modified <= *since)
        .map(|_| StatusCode::NOT_MODIFIED))
}

/// Whether a list names the object's tag; `counts` says whether a weak tag (`true`) can be equal.
fn tags_hold(tags: &TagList, object: &Object, counts: impl Fn(bool) -> bool) -> bool {
    match tags {
        TagList::Any => true,
        TagList::Tags(tags) => tags
            .iter()
            .any(|tag| counts(tag.weak) && tag.tag == object.etag),
    }
}

fn with_content(status: StatusCode, object: &Object, body: Body) -> Response {
    let mut response = without_content(status, object);
    let headers = response.headers_mut();
    answer::insert(headers, header::CONTENT_TYPE, &object.content_type);
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

/// The validators without the octets: 304 and 412 (RFC 9110 §15.4.5).
fn without_content(status: StatusCode, object: &Object) -> Response {
    let mut response = answer::empty(status);
    let headers = response.headers_mut();
    answer::insert_tag(headers, header::ETAG, &object.etag);
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
