//! PUT (RFC 9110 §9.3.4, RFC 4791 §5.3.2).

use http::{HeaderValue, StatusCode, header};
use scheduling::{
    Refusal,
    desk::{FileUpload, Put, Written},
};
use storage::ResourcePath;

use super::get;
use crate::{
    answer::{self, SCHEDULE_TAG},
    error::DavError,
    header::{prefer, schedule_reply},
    incoming::Incoming,
    path::Path,
    service::{Dav, Request, Response},
};

/// Makes or replaces an object.
pub(crate) async fn put(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let (change, returns) = change(dav, &request, request.stored_path()?)?;
    write(dav, &request, change, returns).await
}

/// Writes the octets that are there, and answers.
pub(super) async fn write(
    dav: &Dav,
    request: &Request,
    change: Put,
    returns: prefer::Return,
) -> Result<Response, DavError> {
    let path = change.path.clone();
    let written = dav.desk().put(&request.actor, change).await;
    respond(dav, request, &path, returns, written).await
}

/// Makes or replaces a file of which one piece after the other is held in memory. What can be known without
/// the octets is judged before more of them are read.
pub(crate) async fn put_pieces(
    dav: &Dav,
    request: Request,
    body: Incoming<'_>,
) -> Result<Response, DavError> {
    let (change, returns) = change(dav, &request, request.stored_path()?)?;
    write_pieces(dav, &request, change, returns, body).await
}

/// Writes the octets as they come, and answers.
pub(super) async fn write_pieces(
    dav: &Dav,
    request: &Request,
    change: Put,
    returns: prefer::Return,
    mut body: Incoming<'_>,
) -> Result<Response, DavError> {
    body.bound(dav.maximum_content_octets())?;
    let (desk, actor) = (dav.desk(), &request.actor);
    let mut file = match desk.begin_file(actor, &change, body.announced()).await {
        Ok(file) => file,
        Err(refusal) => return respond(dav, request, &change.path, returns, Err(refusal)).await,
    };
    // Where the rest does not come, nothing is left of it.
    take_pieces(dav, &mut file, &mut body).await?;
    let written = desk.finish_file(actor, &change, file).await;
    respond(dav, request, &change.path, returns, written).await
}

async fn take_pieces(
    dav: &Dav,
    file: &mut FileUpload,
    body: &mut Incoming<'_>,
) -> Result<(), DavError> {
    while let Some(octets) = body.next().await? {
        dav.desk().continue_file(file, octets).await?;
    }
    Ok(())
}

/// What the header fields ask for, with the octets that are there.
pub(super) fn change(
    dav: &Dav,
    request: &Request,
    path: &ResourcePath,
) -> Result<(Put, prefer::Return), DavError> {
    check_coding(request)?;
    crate::header::content_type::parse(&request.headers)?;
    let content_type = request
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let change = Put {
        path: path.clone(),
        content_type: content_type
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        octets: request.body.clone(),
        conditions: request.conditions(dav)?,
        schedule_reply: schedule_reply::parse(&request.headers)?,
    };
    Ok((change, prefer::parse(&request.headers)?.returns))
}

/// Whether the body is the whole content, as it is.
pub(super) fn check_coding(request: &Request) -> Result<(), DavError> {
    // RFC 9110 §14.5: who sends a part must not have it taken for the whole.
    if request.headers.contains_key(header::CONTENT_RANGE) {
        return Err(DavError::BadRequest(
            "a Content-Range header is not understood; send the whole".into(),
        ));
    }
    // RFC 9110 §8.4 and §15.5.16: coded octets must not be taken for what they stand for.
    let coding = request.headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(DavError::UnsupportedMediaType(
            "the body must have no Content-Encoding".into(),
        ));
    }
    Ok(())
}

/// Says how a change of the resource went, with what it is now where that is wanted (RFC 8144 §3).
pub(super) async fn respond(
    dav: &Dav,
    request: &Request,
    path: &ResourcePath,
    returns: prefer::Return,
    written: Result<Written, Refusal>,
) -> Result<Response, DavError> {
    let wants_representation = returns == prefer::Return::Representation;
    match written {
        Ok(written) if wants_representation => {
            let status = if written.created {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            let place = written.elsewhere.as_ref().unwrap_or(path);
            match get::representation(dav, &request.actor, place, status, &request.headers).await {
                Ok(mut response) => {
                    say_other_place(&mut response, written.elsewhere);
                    Ok(response)
                }
                // It is written, whether or not it can be read.
                Err(_) => Ok(answer_without_content(written)),
            }
        }
        Ok(written) => Ok(answer_without_content(written)),
        Err(refusal @ Refusal::ConditionFailed(_)) if wants_representation => {
            get::current_instead(dav, request, path, refusal).await
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// The ETag is told only where the stored octets are the sent ones (RFC 4791 §5.3.4).
fn answer_without_content(written: Written) -> Response {
    let mut response = answer::made(written.created);
    let headers = response.headers_mut();
    if let Some(etag) = &written.etag {
        answer::insert_tag(headers, header::ETAG, etag);
        answer::insert_last_modified(headers, written.modified);
    }
    if let Some(tag) = &written.schedule_tag {
        answer::insert_tag(headers, SCHEDULE_TAG.clone(), tag);
    }
    say_other_place(&mut response, written.elsewhere);
    response
}

/// An own invitation may have been merged into the copy that was delivered under another name.
fn say_other_place(response: &mut Response, elsewhere: Option<ResourcePath>) {
    if let Some(path) = elsewhere {
        let place = Path::Stored(path);
        let headers = response.headers_mut();
        answer::insert_path(headers, header::CONTENT_LOCATION, &place, false);
        if let Some(location) = headers.get(header::CONTENT_LOCATION).cloned() {
            headers.insert::<_>(header::LOCATION, HeaderValue::clone(&location));
        }
    }
}
