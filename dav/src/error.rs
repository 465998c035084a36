//! Why a request failed, and the one place where that becomes a response.

use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, VARY},
};
use scheduling::{Precondition, Refusal};
use storage::{ResourcePath, access::Privilege, backend::ReadError};

use crate::{
    body::Body,
    header::{BadHeader, destination::DestinationError},
    path::{Path, PathError},
    precondition::{self, Carries},
    privilege,
    service::Response,
    xml::{
        Name, Writer, XmlError,
        name::{calendarserver, convoke, dav},
    },
};

/// How long a client should wait before it tries again, in seconds.
const RETRY_AFTER_SECONDS: u64 = 2;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DavError {
    /// The desk refused, or `dav` itself with one of the desk's reasons.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// 403 `need-privileges`, with the URL of what is asked for and may not be told of.
    #[error("privileges are missing")]
    Forbidden {
        /// What is missing where.
        missing: Vec<(String, Privilege)>,
    },
    /// 400, with what is wrong and where possible what would be right.
    #[error("{0}")]
    BadRequest(String),
    /// 406, with what could be had (RFC 9110 §15.5.7).
    #[error("this can be had as {0}")]
    NotAcceptable(String),
    /// 413
    #[error("the body is too large")]
    BodyTooLarge,
    /// 414 (RFC 9110 §15.5.15)
    #[error("the path of the URL is too long")]
    UriTooLong,
    /// 415
    #[error("the media type is not supported: {0}")]
    UnsupportedMediaType(String),
    /// 502: the Destination header names another server (RFC 4918 §9.8.5).
    #[error("nothing can be copied or moved to another server from here")]
    ForeignDestination,
    /// 412 with `lock-token-matches-request-uri`: there is no such lock to refresh (RFC 4918 §9.10.6).
    #[error("the If header names no lock of this resource that is yours")]
    NoLockToRefresh,
    /// 424: said in a multistatus of what would have worked alone (RFC 4918 §11.4).
    #[error("another part of the request failed")]
    FailedDependency,
    /// 501
    #[error("the method is not known")]
    NotImplemented,
    /// 401: nobody signed in, and it is not for everybody. The layer that signs in adds the challenge.
    #[error("nobody is signed in")]
    NotSignedIn,
}

impl DavError {
    /// 403 (or what the table says) with a precondition element.
    pub fn precondition(precondition: Precondition, detail: impl Into<String>) -> DavError {
        DavError::precondition_at(precondition, detail, None)
    }

    /// The same, with the resource in the way.
    pub fn precondition_at(
        precondition: Precondition,
        detail: impl Into<String>,
        resource: Option<ResourcePath>,
    ) -> DavError {
        DavError::Refused(Refusal::Precondition {
            precondition,
            detail: detail.into(),
            resource,
        })
    }

    /// Names what the request was sent to as `url`, the request, does, in what refuses it for privileges.
    ///
    /// RFC 3744 §7.1.1 wants a URL, and that of a collection ends in a slash (RFC 4918 §5.2). But whoever
    /// may not read is not told whether something stands there and of which kind.
    pub fn named_as(self, url: &str) -> DavError {
        let DavError::Refused(Refusal::Forbidden { missing }) = self else {
            return self;
        };
        let asked = Path::parse(url).ok().filter(|_| url.ends_with('/'));
        let hrefs = missing.into_iter().map(|(path, privilege)| {
            let of_collection = path.segments.is_empty() || privilege::is_of_collections(privilege);
            let path = Path::Stored(path);
            let is_collection = of_collection || asked.as_ref() == Some(&path);
            (path.href(is_collection), privilege)
        });
        DavError::Forbidden {
            missing: hrefs.collect(),
        }
    }

    /// The status of the response, or within a multistatus of the resource or property.
    pub fn status(&self) -> StatusCode {
        match self {
            DavError::Refused(refusal) => status_of(refusal),
            DavError::Forbidden { .. } => precondition::row(Precondition::NeedPrivileges).status,
            DavError::BadRequest(_) => StatusCode::BAD_REQUEST,
            DavError::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            DavError::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            DavError::UriTooLong => StatusCode::URI_TOO_LONG,
            DavError::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            DavError::ForeignDestination => StatusCode::BAD_GATEWAY,
            DavError::NoLockToRefresh => StatusCode::PRECONDITION_FAILED,
            DavError::FailedDependency => StatusCode::FAILED_DEPENDENCY,
            DavError::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            DavError::NotSignedIn => StatusCode::UNAUTHORIZED,
        }
    }

    /// Whether there is a precondition element to be said; if so [`DavError::write_elements`] writes it.
    pub(crate) fn has_elements(&self) -> bool {
        matches!(
            self,
            DavError::NoLockToRefresh
                | DavError::Forbidden { .. }
                | DavError::Refused(
                    Refusal::Locked { .. }
                        | Refusal::Precondition { .. }
                        | Refusal::TooManyMessages { .. }
                        | Refusal::Full
                )
        )
    }

    /// What stands in `DAV:error`, in an error body as in a multistatus.
    pub(crate) fn write_elements(&self, writer: &mut Writer) {
        match self {
            DavError::NoLockToRefresh => {
                write_precondition(writer, Precondition::LockTokenMatchesRequestUri, |_| {});
            }
            DavError::Refused(Refusal::Locked {
                precondition,
                roots,
            }) => {
                write_precondition(writer, *precondition, |writer| {
                    roots
                        .iter()
                        .for_each(|root| writer.leaf(dav::HREF, &Path::of_lock_root(root)));
                });
            }
            DavError::Forbidden { missing } => {
                write_precondition(writer, Precondition::NeedPrivileges, |writer| {
                    missing
                        .iter()
                        .for_each(|(href, privilege)| write_missing(writer, href, *privilege));
                });
            }
            DavError::Refused(Refusal::Precondition {
                precondition,
                detail,
                resource,
            }) => {
                let carried = resource
                    .as_ref()
                    .filter(|_| precondition::row(*precondition).carries == Carries::Href);
                write_precondition(writer, *precondition, |writer| {
                    carried
                        .iter()
                        .for_each(|path| writer.leaf(dav::HREF, &href(path)));
                });
                // CalendarServer's name for it, which clients know.
                if *precondition == Precondition::AllowedAttendeeSchedulingObjectChange {
                    writer.empty(Name::new(calendarserver::NAMESPACE, "attendee-allowed"));
                }
                if !detail.is_empty() {
                    writer.leaf(convoke::DETAIL, detail);
                }
            }
            DavError::Refused(Refusal::TooManyMessages { .. }) => {
                writer.empty(convoke::MAXIMUM_MESSAGES_PER_HOUR);
                writer.leaf(convoke::DETAIL, &self.to_string());
            }
            DavError::Refused(Refusal::Full) => {
                write_precondition(writer, Precondition::SufficientDiskSpace, |_| {});
                writer.leaf(convoke::DETAIL, &self.to_string());
            }
            _ => {}
        }
    }
}

/// The response to a failure: `DAV:error` where there is a precondition (RFC 4918 §16), else a sentence.
pub(crate) fn respond(error: DavError) -> Response {
    let (media_type, body) = match error.has_elements() {
        true => (
            "application/xml; charset=utf-8",
            Writer::document(dav::ERROR, |writer| error.write_elements(writer)),
        ),
        false => (
            "text/plain; charset=utf-8",
            Bytes::from(format!("{error}\n")),
        ),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let DavError::NotAcceptable(_) = error {
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("Accept"));
    }
    if let Some(seconds) = retry_after_seconds(&error) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// When the same request may succeed, where it may without anything else being done.
fn retry_after_seconds(error: &DavError) -> Option<u64> {
    match error {
        DavError::Refused(Refusal::Unavailable(_) | Refusal::Full) => Some(RETRY_AFTER_SECONDS),
        DavError::Refused(Refusal::TooManyMessages {
            retry_after_seconds,
            ..
        }) => Some(*retry_after_seconds),
        _ => None,
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::ParentMissing | Refusal::Conflict(_) => StatusCode::CONFLICT,
        Refusal::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::ConditionFailed(_) => StatusCode::PRECONDITION_FAILED,
        Refusal::Locked { precondition, .. } | Refusal::Precondition { precondition, .. } => {
            precondition::row(*precondition).status
        }
        Refusal::Prohibited(_) => StatusCode::FORBIDDEN,
        Refusal::Forbidden { .. } => precondition::row(Precondition::NeedPrivileges).status,
        Refusal::InsufficientStorage(_) | Refusal::Full => StatusCode::INSUFFICIENT_STORAGE,
        // RFC 6585 §4
        Refusal::TooManyMessages { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn write_precondition(
    writer: &mut Writer,
    precondition: Precondition,
    content: impl FnOnce(&mut Writer),
) {
    let row = precondition::row(precondition);
    writer.element(Name::new(row.namespace, row.element), content);
}

/// RFC 3744 §7.1.1
fn write_missing(writer: &mut Writer, href: &str, privilege: Privilege) {
    writer.element(dav::RESOURCE, |writer| {
        writer.leaf(dav::HREF, href);
        writer.element(dav::PRIVILEGE, |writer| {
            writer.empty(privilege::name(privilege))
        });
    });
}

fn href(path: &ResourcePath) -> String {
    Path::Stored(path.clone()).href(path.segments.is_empty())
}

impl From<BadHeader> for DavError {
    fn from(error: BadHeader) -> DavError {
        DavError::BadRequest(error.to_string())
    }
}

impl From<DestinationError> for DavError {
    fn from(error: DestinationError) -> DavError {
        match error {
            DestinationError::Bad(error) => error.into(),
            DestinationError::Foreign => DavError::ForeignDestination,
        }
    }
}

impl From<PathError> for DavError {
    fn from(error: PathError) -> DavError {
        match error {
            PathError::Malformed => DavError::BadRequest("the path of the URL is malformed".into()),
            PathError::Unknown => Refusal::NotFound.into(),
            PathError::TooLong => DavError::UriTooLong,
        }
    }
}

impl From<XmlError> for DavError {
    fn from(error: XmlError) -> DavError {
        match error {
            // RFC 4918 §16: said of whatever would have to be fetched or expanded.
            XmlError::DocumentType | XmlError::Entity => {
                DavError::precondition(Precondition::NoExternalEntities, error.to_string())
            }
            XmlError::Malformed(_) | XmlError::TooMuch(_) => {
                DavError::BadRequest(error.to_string())
            }
        }
    }
}

impl From<ReadError> for DavError {
    fn from(error: ReadError) -> DavError {
        match error {
            ReadError::Unavailable(reason) => Refusal::Unavailable(reason).into(),
            ReadError::Corrupt(reason) => Refusal::Damaged(reason).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::BodyExt;
    use storage::model::{LockRoot, PrincipalKind};

    use super::*;
    use crate::xml::Document;

    fn path(segments: &[&str]) -> ResourcePath {
        ResourcePath {
            owner_kind: PrincipalKind::User,
            owner_name: "alice".into(),
            segments: segments
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect(),
        }
    }

    fn answer(error: impl Into<DavError>) -> (StatusCode, String, String) {
        let response = respond(error.into());
        let media_type = response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let status = response.status();
        let body = octets_of(response.into_body());
        (
            status,
            media_type,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    /// A body of known content is ready at once.
    fn octets_of(body: Body) -> Bytes {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(body.collect()).unwrap().to_bytes()
    }

    /// What stands between the root's tags.
    fn elements(error: impl Into<DavError>) -> (u16, String) {
        let (status, media_type, body) = answer(error);
        assert_eq!(media_type, "application/xml; charset=utf-8");
        assert_eq!(
            Document::parse(body.as_bytes()).unwrap().root().name(),
            dav::ERROR
        );
        let last = "urn:x-convoke\">";
        let start = body.find(last).unwrap() + last.len();
        (
            status.as_u16(),
            body[start..body.rfind("</D:error>").unwrap()].to_owned(),
        )
    }

    #[test]
    fn refusals_have_their_statuses() {
        for (refusal, status) in [
            (Refusal::NotFound, 404),
            (Refusal::ParentMissing, 409),
            (Refusal::NotAllowed("x"), 405),
            (Refusal::ConditionFailed("x"), 412),
            (Refusal::Conflict("x"), 409),
            (Refusal::Prohibited("x"), 403),
            (Refusal::InsufficientStorage("x"), 507),
            (Refusal::Unavailable("x".into()), 503),
            (Refusal::Damaged("x".into()), 500),
        ] {
            let text = format!("{refusal}\n");
            let (answered, media_type, body) = answer(refusal.clone());
            assert_eq!((answered.as_u16(), body), (status, text), "{refusal:?}");
            assert_eq!(media_type, "text/plain; charset=utf-8");
        }
    }

    #[test]
    fn only_what_passes_says_when_to_try_again() {
        let retry = |error: DavError| respond(error).headers().get(RETRY_AFTER).cloned();
        assert_eq!(
            retry(Refusal::Unavailable("x".into()).into()),
            Some(HeaderValue::from(RETRY_AFTER_SECONDS))
        );
        assert_eq!(
            retry(Refusal::Full.into()),
            Some(HeaderValue::from(RETRY_AFTER_SECONDS))
        );
        assert_eq!(retry(Refusal::Damaged("x".into()).into()), None);
        assert_eq!(retry(Refusal::InsufficientStorage("x").into()), None);
    }

    /// RFC 6585 §4
    #[test]
    fn too_many_messages_say_how_many_are_possible_and_when() {
        let refusal = Refusal::TooManyMessages {
            maximum: 20,
            retry_after_seconds: 61,
        };
        let (status, text) = elements(refusal.clone());
        assert_eq!(status, 429);
        let element = "<X:maximum-messages-per-hour/>";
        assert!(text.starts_with(element), "{text}");
        assert!(
            text.contains("which are 20;") && text.contains("in 2 minutes"),
            "{text}"
        );
        let response = respond(refusal.into());
        assert_eq!(response.headers()[RETRY_AFTER], HeaderValue::from(61));
    }

    /// RFC 4331 §6
    #[test]
    fn a_full_disk_has_an_element_of_its_own() {
        let (status, text) = elements(Refusal::Full);
        assert_eq!(status, 507);
        assert!(text.starts_with("<D:sufficient-disk-space/>"), "{text}");
        assert!(text.contains("safe"), "{text}");
    }

    /// RFC 4918 §16: every row of the table as an error body.
    #[test]
    fn each_precondition_becomes_a_body() {
        for row in precondition::TABLE {
            let resource = Some(path(&["work", "a b.ics"]));
            let refusal = Refusal::Precondition {
                precondition: row.precondition,
                detail: String::new(),
                resource,
            };
            let response = respond(refusal.into());
            assert_eq!(response.status(), row.status);
            let body = octets_of(response.into_body());
            let document = Document::parse(&body).unwrap();
            let element = document
                .root()
                .child(Name::new(row.namespace, row.element))
                .unwrap();
            let href = element.child(dav::HREF).map(|href| href.trimmed_text());
            let expected = (row.carries == Carries::Href)
                .then(|| "/dav/calendars/users/alice/work/a%20b.ics".to_owned());
            assert_eq!(href, expected, "{row:?}");
        }
    }

    #[test]
    fn details_come_along() {
        let error = DavError::precondition(Precondition::ValidCalendarData, "line 3 & more");
        let expected = "<C:valid-calendar-data/><X:detail>line 3 &amp; more</X:detail>";
        assert_eq!(elements(error), (403, expected.into()));
    }

    /// RFC 4918 §16
    #[test]
    fn locks_name_their_roots() {
        let roots = [(&["a"][..], true), (&["a", "b"], false)];
        let roots = roots.map(|(segments, is_collection)| LockRoot {
            path: path(segments),
            is_collection,
        });
        let refusal = Refusal::Locked {
            precondition: Precondition::LockTokenSubmitted,
            roots: roots.to_vec(),
        };
        let expected = "<D:lock-token-submitted><D:href>/dav/calendars/users/alice/a/</D:href>\
            <D:href>/dav/calendars/users/alice/a/b</D:href></D:lock-token-submitted>";
        assert_eq!(elements(refusal), (423, expected.into()));
    }

    /// RFC 3744 §7.1.1
    #[test]
    fn missing_privileges_are_named() {
        let missing = vec![
            (path(&["a"]), Privilege::Bind),
            (path(&["b"]), Privilege::ReadFreeBusy),
            (path(&["c d"]), Privilege::Read),
            (path(&[]), Privilege::Read),
        ];
        let expected = "<D:need-privileges><D:resource><D:href>/dav/calendars/users/alice/a/</D:href>\
            <D:privilege><D:bind/></D:privilege></D:resource><D:resource>\
            <D:href>/dav/calendars/users/alice/b</D:href><D:privilege><C:read-free-busy/></D:privilege>\
            </D:resource><D:resource><D:href>/dav/calendars/users/alice/c%20d/</D:href><D:privilege>\
            <D:read/></D:privilege></D:resource><D:resource><D:href>/dav/calendars/users/alice/</D:href>\
            <D:privilege><D:read/></D:privilege></D:resource></D:need-privileges>";
        let error = DavError::from(Refusal::Forbidden { missing });
        assert_eq!(
            elements(error.named_as("/dav/calendars/users/alice/%63%20d/")),
            (403, expected.into())
        );
    }

    /// RFC 6638 §3.2.4.4, with CalendarServer's element beside it.
    #[test]
    fn attendees_get_both_names() {
        let error = DavError::precondition(Precondition::AllowedAttendeeSchedulingObjectChange, "");
        let expected = "<C:allowed-attendee-scheduling-object-change/><CS:attendee-allowed/>";
        assert_eq!(elements(error), (403, expected.into()));
    }

    #[test]
    fn other_errors_become_statuses() {
        for (error, status) in [
            (DavError::from(BadHeader::new("Depth", "is odd")), 400),
            (DestinationError::Foreign.into(), 502),
            (
                DestinationError::Bad(BadHeader::new("Destination", "is missing")).into(),
                400,
            ),
            (PathError::Malformed.into(), 400),
            (PathError::Unknown.into(), 404),
            (PathError::TooLong.into(), 414),
            (XmlError::Entity.into(), 403),
            (XmlError::DocumentType.into(), 403),
            (XmlError::TooMuch("levels").into(), 400),
            (XmlError::Malformed("x".into()).into(), 400),
            (ReadError::Unavailable("x".into()).into(), 503),
            (ReadError::Corrupt("x".into()).into(), 500),
        ] {
            assert_eq!(error.status().as_u16(), status, "{error:?}");
        }
    }
}
