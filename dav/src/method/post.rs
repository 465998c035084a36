//! POST to a scheduling outbox (RFC 6638 §5).

use scheduling::Refusal;

use crate::{
    error::DavError,
    kind::ResourceKind,
    service::{Dav, Request, Response},
    target::Target,
};

/// Refuses what is no outbox, and at an outbox what is asked for.
pub(crate) async fn post(dav: &Dav, request: Request) -> Result<Response, DavError> {
    match Target::open(dav, &request.actor, &request.path)
        .await?
        .kind()
    {
        ResourceKind::Outbox => Err(Refusal::Prohibited("busy times are not told here").into()),
        _ => Err(Refusal::NotAllowed("only an outbox takes messages").into()),
    }
}
