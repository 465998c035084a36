//! Building blocks of responses.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use storage::Timestamp;

use crate::{body::Body, header::date, path::Path, service::Response};

/// RFC 6638 §8.2
pub(crate) static SCHEDULE_TAG: HeaderName = HeaderName::from_static("schedule-tag");

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A response with octets of a media type.
pub(crate) fn content(
    status: StatusCode,
    media_type: &'static str,
    octets: impl Into<Bytes>,
) -> Response {
    let mut response = Response::new(Body::from(octets.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A response with an XML document.
pub(crate) fn xml(status: StatusCode, document: Bytes) -> Response {
    content(status, "application/xml; charset=utf-8", document)
}

/// The same with a document that is written as it is sent.
pub(crate) fn xml_of(status: StatusCode, body: Body) -> Response {
    let mut response = xml(status, Bytes::new());
    *response.body_mut() = body;
    response
}

/// 201 or 204.
pub(crate) fn made(created: bool) -> Response {
    empty(if created {
        StatusCode::CREATED
    } else {
        StatusCode::NO_CONTENT
    })
}

/// Says a tag in quotes: ETag (strong) or Schedule-Tag. Our tags are ASCII.
pub(crate) fn insert_tag(headers: &mut HeaderMap, name: HeaderName, tag: &str) {
    insert_owned(headers, name, ["\"", tag, "\""].concat());
}

/// RFC 9110 §8.8.2
pub(crate) fn insert_last_modified(headers: &mut HeaderMap, modified: Timestamp) {
    insert_owned(headers, header::LAST_MODIFIED, date::print(modified));
}

/// Says a path, which is ASCII as all others are percent-encoded.
pub(crate) fn insert_path(
    headers: &mut HeaderMap,
    name: HeaderName,
    path: &Path,
    collection: bool,
) {
    let href = path.href(collection);
    let ascii: Cow<'_, str> =
        percent_encoding::utf8_percent_encode(&href, percent_encoding::CONTROLS).into();
    insert(headers, name, &ascii);
}

/// A header whose value comes from the store; one that cannot be said is left out.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The same without a copy.
fn insert_owned(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The text of `DAV:status` (RFC 4918 §14.28).
pub(crate) fn status_line(status: StatusCode) -> Cow<'static, str> {
    // Nearly all are this one.
    if status == StatusCode::OK {
        return Cow::Borrowed("HTTP/1.1 200 OK");
    }
    let reason = status.canonical_reason().unwrap_or_default();
    Cow::Owned(format!("HTTP/1.1 {} {reason}", status.as_str()))
}
