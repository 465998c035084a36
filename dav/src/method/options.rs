//! OPTIONS, and the table of compliance classes.

use http::{HeaderValue, header};

use crate::{
    body::Body,
    error::DavError,
    method,
    service::{Dav, Request, Response},
    target::Target,
};

/// A token of the `DAV` header, and the section that defines it.
pub(crate) struct ComplianceClass {
    /// The token.
    pub token: &'static str,
    /// Its source.
    pub source: &'static str,
}

/// Only what is true.
pub(crate) const COMPLIANCE_CLASSES: &[ComplianceClass] = &[
    ComplianceClass {
        token: "1",
        source: "RFC 4918 §18.1",
    },
    ComplianceClass {
        token: "2",
        source: "RFC 4918 §18.2",
    },
    ComplianceClass {
        token: "3",
        source: "RFC 4918 §18.3",
    },
    ComplianceClass {
        token: "access-control",
        source: "RFC 3744 §7.2",
    },
    ComplianceClass {
        token: "calendar-access",
        source: "RFC 4791 §5.1",
    },
    ComplianceClass {
        token: "calendar-auto-schedule",
        source: "RFC 6638 §3.1",
    },
    ComplianceClass {
        token: "calendar-availability",
        source: "RFC 7953 §7.2.1",
    },
    ComplianceClass {
        token: "calendar-managed-attachments",
        source: "RFC 8607 §3.2",
    },
    ComplianceClass {
        token: "calendar-no-timezone",
        source: "RFC 7809 §3.1.1",
    },
    ComplianceClass {
        token: "calendarserver-private-events",
        source: "calendarserver private-events §4.2.1",
    },
    ComplianceClass {
        token: "calendar-proxy",
        source: "calendarserver calendar-proxy §4",
    },
    ComplianceClass {
        token: "calendarserver-principal-property-search",
        source: "calendarserver",
    },
    ComplianceClass {
        token: "extended-mkcol",
        source: "RFC 5689 §3.1",
    },
];

/// The `DAV` header.
pub(crate) fn compliance() -> HeaderValue {
    let tokens: Vec<&str> = COMPLIANCE_CLASSES.iter().map(|class| class.token).collect();
    HeaderValue::try_from(tokens.join(", ")).expect("the tokens are ASCII")
}

/// Answers with what can be done at this place, whether something is there or not.
pub(crate) async fn options(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let kind = Target::kind_at(dav, &request.actor, &request.path).await?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert("dav", compliance());
    headers.insert(header::ALLOW, method::allow(kind));
    Ok(response)
}
