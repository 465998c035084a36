//! COPY and MOVE (RFC 4918 §9.8, §9.9): one way for both, and for every kind of resource.

use http::header;
use scheduling::{Refusal, desk::Transfer};
use storage::ResourcePath;

use crate::{
    answer::{self, SCHEDULE_TAG},
    demand,
    error::DavError,
    header::{Depth, depth, destination, overwrite, schedule_reply},
    path::Path,
    service::{Dav, Request, Response},
};

/// Copies an object, or a collection with or without what is in it.
pub(crate) async fn copy(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let deep = match depth::parse(&request.headers)? {
        None | Some(Depth::Infinity) => true,
        Some(Depth::Zero) => false,
        Some(Depth::One) => {
            return Err(DavError::BadRequest(
                "the Depth header of COPY must be 0 or infinity".into(),
            ));
        }
    };
    transfer(dav, request, true, deep).await
}

/// Moves an object, or a collection with everything in it.
pub(crate) async fn r#move(dav: &Dav, request: Request) -> Result<Response, DavError> {
    request.require_infinite_depth(dav).await?;
    transfer(dav, request, false, true).await
}

async fn transfer(
    dav: &Dav,
    request: Request,
    keep_source: bool,
    deep: bool,
) -> Result<Response, DavError> {
    let change = Transfer {
        source: request.stored_path()?.clone(),
        destination: read_destination(dav, &request)?,
        keep_source,
        overwrite: overwrite::parse(&request.headers)?,
        deep,
        conditions: request.conditions(dav)?,
        schedule_reply: schedule_reply::parse(&request.headers)?,
    };
    let (written, failures) = dav.desk().transfer(&request.actor, change).await?;
    if !failures.is_empty() {
        return Ok(demand::partial(failures));
    }
    let mut response = answer::made(written.created);
    let headers = response.headers_mut();
    if let Some(etag) = &written.etag {
        answer::insert_tag(headers, header::ETAG, etag);
    }
    // RFC 6638 §3.2.10
    if let Some(tag) = &written.schedule_tag {
        answer::insert_tag(headers, SCHEDULE_TAG.clone(), tag);
    }
    Ok(response)
}

/// Only in homes is there anything that can be replaced or made.
fn read_destination(dav: &Dav, request: &Request) -> Result<ResourcePath, DavError> {
    let path = destination::parse(&request.headers, request.authorities(dav))?;
    match Path::parse(path) {
        Ok(Path::Stored(path)) => Ok(path),
        Err(crate::path::PathError::Malformed) => Err(DavError::BadRequest(
            "the path in the Destination header is malformed".into(),
        )),
        // RFC 4918 §11.2
        Err(crate::path::PathError::TooLong) => Err(DavError::UriTooLong),
        _ => Err(Refusal::Prohibited("the destination is in no calendar home").into()),
    }
}
