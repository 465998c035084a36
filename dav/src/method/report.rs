//! REPORT (RFC 3253 §3.6): finds the row of the report that the body names.

use http::StatusCode;
use scheduling::{Precondition, Refusal};
use storage::access::Privilege;

use crate::{
    error::DavError,
    header::{Depth, depth, prefer},
    method::propfind::mark_applied,
    report::{self, Asked},
    service::{Dav, Request, Response},
    target::Target,
    xml::Document,
};

/// Answers the report that the body asks for, where the resource supports it.
pub(crate) async fn report(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let document = Document::parse(&request.body)?;
    let name = document.root().name();
    let row = report::find(name);
    let privilege = row.map_or(Privilege::Read, |row| row.privilege);
    let (actor, path) = (&request.actor, &request.path);
    let target = Target::open_for(dav, actor, path, &[privilege])
        .await
        .map_err(|error| hide(error, privilege))?;
    let Some(row) = row.filter(|row| row.kinds.contains(target.kind())) else {
        let reason = format!("{name} is not a report of this resource");
        return Err(DavError::precondition(
            Precondition::SupportedReport,
            reason,
        ));
    };
    request.check_if_header(dav).await?;
    let preferences = prefer::parse(&request.headers)?;
    let has_depth = !matches!(depth::parse(&request.headers)?, None | Some(Depth::Zero));
    let asked = Asked {
        request,
        document,
        target,
    };
    let mut response = (row.handle)(dav, asked).await?;
    if response.status() == StatusCode::MULTI_STATUS {
        let minimal = preferences.returns == prefer::Return::Minimal;
        // No report but those that look at the members of a collection tells of the collection itself.
        mark_applied(
            &mut response,
            minimal,
            preferences.depth_noroot && has_depth,
        );
    }
    Ok(response)
}

/// RFC 4791 §7.10: who may not even know busy times does not hear that the resource exists.
fn hide(error: DavError, privilege: Privilege) -> DavError {
    match error {
        DavError::Refused(Refusal::Forbidden { .. }) if privilege == Privilege::ReadFreeBusy => {
            Refusal::NotFound.into()
        }
        error => error,
    }
}
