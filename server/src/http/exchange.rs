//! One request on its way: every step of the path borrows it, so that nothing of it is copied.

use std::sync::Arc;

use http::request::Parts;
use storage::model::Principal;

use super::{BodyBounds, BoundedBody, IncomingRequest, Peer, request_id::RequestId};

/// A request, and what the path knows of it.
pub struct Exchange {
    /// Its name.
    pub id: RequestId,
    /// The connection that it came by.
    pub peer: Peer,
    /// Whose it is, once that is known.
    pub signed_in: Option<Arc<Principal>>,
    /// Its method, target and header fields.
    pub head: Parts,
    /// Its body, of which steps and handlers read what they need.
    pub body: BoundedBody,
}

impl Exchange {
    /// A request as it comes in, with bounds around its body.
    pub fn new(
        id: RequestId,
        peer: Peer,
        request: IncomingRequest,
        bounds: BodyBounds,
    ) -> Exchange {
        let (head, body) = request.into_parts();
        let body = BoundedBody::new(&head.headers, body, bounds);
        Exchange {
            id,
            peer,
            signed_in: None,
            head,
            body,
        }
    }
}
