//! UNLOCK (RFC 4918 §9.11).

use http::StatusCode;

use crate::{
    answer,
    error::DavError,
    header::lock_token,
    service::{Dav, Request, Response},
};

/// Ends the lock that the Lock-Token header names.
pub(crate) async fn unlock(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let path = request.stored_path()?.clone();
    let token = lock_token::parse(&request.headers)?;
    let conditions = request.conditions(dav)?;
    dav.desk()
        .unlock(&request.actor, path, token, conditions)
        .await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
