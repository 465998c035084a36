//! DELETE (RFC 4918 §9.6).

use http::StatusCode;
use scheduling::desk::Delete;

use crate::{
    answer, demand,
    error::DavError,
    header::schedule_reply,
    service::{Dav, Request, Response},
};

/// Removes an object, or a collection with everything in it.
pub(crate) async fn delete(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let change = Delete {
        path: request.stored_path()?.clone(),
        conditions: request.conditions(dav)?,
        schedule_reply: schedule_reply::parse(&request.headers)?,
    };
    request.require_infinite_depth(dav).await?;
    let failures = dav.desk().delete(&request.actor, change).await?;
    Ok(match failures.is_empty() {
        true => answer::empty(StatusCode::NO_CONTENT),
        false => demand::partial(failures),
    })
}
