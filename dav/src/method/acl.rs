//! ACL (RFC 3744 §8.1). Every access control entry is protected for now, so each change is refused.

use scheduling::Precondition;

use crate::{
    error::DavError,
    service::{Dav, Request, Response},
    target::Target,
    xml::{Document, name::dav},
};

/// Refuses, with the precondition that says why (RFC 3744 §8.1.1).
pub(crate) async fn acl(dav: &Dav, request: Request) -> Result<Response, DavError> {
    Target::open(dav, &request.actor, &request.path).await?;
    if !Document::parse(&request.body)?.root().is(dav::ACL) {
        return Err(DavError::BadRequest(
            "the body of ACL must be a DAV:acl".into(),
        ));
    }
    Err(DavError::precondition(
        Precondition::NoProtectedAceConflict,
        "the access control entries of this server are protected",
    ))
}
