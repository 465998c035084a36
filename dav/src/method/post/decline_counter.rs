//! Convoke's own: the organizer declines what an attendee proposes, which waits in the inbox.
//!
//! It is asked for by POST to the message's URL with `?action=decline`; the body, if there is one, is what the organizer
//! says of it. A server that does not know it has nothing there that takes a POST.

use http::StatusCode;
use scheduling::desk::DeclineCounter;

use crate::{
    answer,
    error::DavError,
    query::Query,
    service::{Dav, Request, Response},
};

/// The longest comment, in octets.
const MAXIMUM_COMMENT_OCTETS: usize = 4_096;

/// Whether a request asks for it.
pub(super) fn is_asked(request: &Request) -> bool {
    Query::of(request.query.as_deref()).single("action") == Ok("decline")
}

/// Tells the attendee (RFC 5546 §3.2.8), and removes the message.
pub(super) async fn decline_counter(dav: &Dav, request: Request) -> Result<Response, DavError> {
    let decline = DeclineCounter {
        path: request.stored_path()?.clone(),
        conditions: request.conditions(dav)?,
        comment: comment(&request.body)?,
    };
    dav.desk().decline_counter(&request.actor, &decline).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn comment(body: &[u8]) -> Result<Option<String>, DavError> {
    if body.len() > MAXIMUM_COMMENT_OCTETS {
        let reason = format!("a comment has at most {MAXIMUM_COMMENT_OCTETS} octets");
        return Err(DavError::BadRequest(reason));
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| DavError::BadRequest("a comment is text in UTF-8".into()))?;
    let text = text.trim().replace("\r\n", "\n");
    Ok(Some(text).filter(|text| !text.is_empty()))
}
