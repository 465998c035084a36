//! REPORT (RFC 3253 §3.6): finds the row of the report that the body names.

use scheduling::Precondition;

use crate::{
    error::DavError,
    report::{self, Asked},
    service::{Dav, Request, Response},
    target::Target,
    xml::Document,
};

/// Answers the report that the body asks for, where the resource supports it.
pub(crate) async fn report(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let document = Document::parse(&request.body)?;
    let target = Target::open(dav, &request.actor, &request.path).await?;
    let name = document.root().name();
    let Some(row) = report::reports_of(target.kind()).find(|row| row.name == name) else {
        let reason = format!("{name} is not a report of this resource");
        return Err(DavError::precondition(
            Precondition::SupportedReport,
            reason,
        ));
    };
    let asked = Asked {
        request,
        document,
        target,
    };
    (row.handle)(dav, asked).await
}
