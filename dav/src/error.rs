//! Why a request failed, and the one place where that becomes a response. (Skeleton: the owner of the
//! methods completes it.)

use http::StatusCode;
use scheduling::{Precondition, Refusal};
use storage::{ResourcePath, backend::ReadError};

use crate::{body::Body, path::PathError, service::Response, xml::XmlError};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DavError {
    /// The desk refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// 400
    #[error("{0}")]
    BadRequest(String),
    /// 413
    #[error("the body is too large")]
    BodyTooLarge,
    /// 415
    #[error("the media type is not supported")]
    UnsupportedMediaType,
    /// 501
    #[error("the method is not known")]
    NotImplemented,
    /// 500: the layer that signs in is missing.
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
}

impl From<PathError> for DavError {
    fn from(error: PathError) -> DavError {
        match error {
            PathError::Malformed => DavError::BadRequest("the path is malformed".into()),
            PathError::Unknown => DavError::Refused(Refusal::NotFound),
        }
    }
}

impl From<XmlError> for DavError {
    fn from(error: XmlError) -> DavError {
        match error {
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
        DavError::Refused(match error {
            ReadError::Unavailable(reason) => Refusal::Unavailable(reason),
            ReadError::Corrupt(reason) => Refusal::Damaged(reason),
        })
    }
}

/// The response to a failure.
pub(crate) fn respond(error: DavError) -> Response {
    let status = match error {
        DavError::Refused(_) => StatusCode::FORBIDDEN,
        DavError::BadRequest(_) => StatusCode::BAD_REQUEST,
        DavError::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        DavError::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        DavError::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        DavError::NotSignedIn => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
