//! What went wrong, in the form of RFC 7807 (RFC 7808 §4.1.7, §10.4).

use http::StatusCode;
use serde::Serialize;

use crate::{answer, service::Response};

/// What every type of problem begins with.
const PREFIX: &str = "urn:ietf:params:tzdist:error:";

/// A problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct Document<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'p str,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Problem {
        Problem {
            status,
            kind,
            title,
            detail: String::new(),
        }
    }

    /// Of a path below the context path that means nothing.
    pub fn no_such_action() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "invalid-action",
            "There is no such action",
        )
    }

    /// Of a method other than GET.
    pub fn method_not_allowed() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid-action",
            "The data can only be read",
        )
    }

    /// Of a query that cannot be read.
    pub fn unreadable_query() -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-action",
            "The query of the URL cannot be read",
        )
    }

    /// Of an identifier that no zone has.
    pub fn zone_not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "tzid-not-found",
            "The server has no time zone of this identifier",
        )
    }

    /// Of an Accept header without a format that is offered.
    pub fn format(offered: &str) -> Problem {
        Problem {
            detail: format!("offered: {offered}"),
            ..Problem::new(
                StatusCode::NOT_ACCEPTABLE,
                "invalid-format",
                "The wanted format is not offered",
            )
        }
    }

    /// Of a parameter: `changedsince`, `start`, `end` or `pattern`.
    pub fn parameter(name: &'static str, detail: impl Into<String>) -> Problem {
        let kind = match name {
            "changedsince" => "invalid-changedsince",
            "start" => "invalid-start",
            "end" => "invalid-end",
            _ => "invalid-pattern",
        };
        Problem {
            detail: format!("{name} {}", detail.into()),
            ..Problem::new(
                StatusCode::BAD_REQUEST,
                kind,
                "A parameter has a value that it cannot have",
            )
        }
    }

    /// The response.
    pub fn into_response(self) -> Response {
        let document = Document {
            r#type: format!("{PREFIX}{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let octets = serde_json::to_vec(&document).unwrap_or_default();
        let media_type = "application/problem+json; charset=utf-8";
        answer::content(self.status, media_type, octets)
    }
}
