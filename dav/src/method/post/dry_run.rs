//! Convoke's own: what a PUT or a DELETE of a calendar object would come to, and nothing changes.
//!
//! It is asked for by POST to a URL of its own, `OBJECT-URL;dry-run` with the object as the body, or
//! `OBJECT-URL;dry-run=delete` without one: a server that does not know it has nothing there that takes a POST, and
//! never mistakes it for the change itself. The header fields are those of the change, and so are the errors.

use http::StatusCode;
use scheduling::{
    Refusal,
    desk::{Delete, Rehearsal},
};
use storage::ResourcePath;

use crate::{
    answer, decisions,
    error::DavError,
    header::schedule_reply,
    method::put,
    multistatus::write_status,
    path::{DryRun, Path},
    service::{Dav, Request, Response},
    xml::{
        Writer,
        name::{caldav, convoke, dav as webdav},
    },
};

/// Says what the change would come to.
pub(super) async fn dry_run(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let Path::DryRun(path, change) = &request.path else {
        return Err(Refusal::NotAllowed("there is no dry run of this").into());
    };
    let rehearsal = match change {
        DryRun::Put => {
            let (put, _) = put::change(dav, &request, path)?;
            dav.desk().rehearse_put(&request.actor, &put).await?
        }
        DryRun::Delete => {
            let delete = removal(dav, &request, path)?;
            dav.desk().rehearse_delete(&request.actor, &delete).await?
        }
    };
    let document = Writer::document(convoke::DRY_RUN, |writer| write(writer, path, &rehearsal));
    Ok(answer::xml(StatusCode::OK, document))
}

fn removal(dav: &Dav, request: &Request, path: &ResourcePath) -> Result<Delete, DavError> {
    if !request.body.is_empty() {
        let reason = "a dry run of a DELETE has no body; that of a PUT is asked for with ;dry-run";
        return Err(DavError::BadRequest(reason.into()));
    }
    Ok(Delete {
        path: path.clone(),
        conditions: request.conditions(dav)?,
        schedule_reply: schedule_reply::parse(&request.headers)?,
    })
}

/// Where it would stand, what would be answered, what would be stored, and what would be decided.
fn write(writer: &mut Writer, path: &ResourcePath, rehearsal: &Rehearsal) {
    let written = rehearsal.written.as_ref();
    let elsewhere = written.and_then(|written| written.elsewhere.as_ref());
    let place = Path::Stored(elsewhere.unwrap_or(path).clone());
    writer.leaf(webdav::HREF, &place.href(false));
    let status = match written {
        Some(written) if written.created => StatusCode::CREATED,
        _ => StatusCode::NO_CONTENT,
    };
    write_status(writer, status);
    if let Some(octets) = &rehearsal.octets {
        writer.leaf(caldav::CALENDAR_DATA, &String::from_utf8_lossy(octets));
    }
    decisions::write_decisions(writer, &rehearsal.lines);
}
