//! COPY and MOVE (RFC 4918 §9.8, §9.9): one way for both, and for every kind of resource.

use http::{StatusCode, header};
use scheduling::{Refusal, desk::Transfer};
use storage::ResourcePath;

use crate::{
    answer::{self, SCHEDULE_TAG},
    demand,
    error::DavError,
    header::{Depth, depth, destination, overwrite, prefer, schedule_reply},
    method::get,
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
    let source = request.stored_path()?.clone();
    let destination = read_destination(dav, &request)?;
    let returns = prefer::parse(&request.headers)?.returns;
    let change = Transfer {
        source: source.clone(),
        destination: destination.clone(),
        keep_source,
        overwrite: overwrite::parse(&request.headers)?,
        deep,
        conditions: request.conditions(dav)?,
        schedule_reply: schedule_reply::parse(&request.headers)?,
    };
    let actor = &request.actor;
    let wants_representation = returns == prefer::Return::Representation;
    let (written, failures) = match dav.desk().transfer(actor, change).await {
        Ok(done) => done,
        Err(refusal @ Refusal::ConditionFailed(condition)) if wants_representation => {
            let place = match condition {
                "Overwrite" => &destination,
                _ => &source,
            };
            return get::current_instead(dav, &request, place, refusal).await;
        }
        Err(refusal) => return Err(refusal.into()),
    };
    if !failures.is_empty() {
        return Ok(demand::partial(failures));
    }
    if wants_representation {
        // RFC 8144 §3.1; a collection has no representation.
        let status = match written.created {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        let headers = &request.headers;
        let answer = get::representation(dav, actor, &destination, status, headers).await;
        if let Ok(response) = answer {
            return Ok(response);
        }
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
