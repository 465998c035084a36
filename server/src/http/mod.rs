//! From sockets to requests, and what happens to every request before and after `dav`.

mod body;
mod catch_panic;
mod client;
mod concurrency;
mod connection;
mod deadline;
mod log;
mod middleware;
mod phase;
mod request_id;
mod respond;
mod sign_in;
mod stack;
mod timed_stream;
mod whole_target;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

pub use body::{BodyBounds, BodyError, BoundedBody};
pub use client::{Client, Network, Peer};
pub use connection::{Acceptor, ConnectionBounds, Listeners};
pub use stack::{Stack, StackOptions, build};
pub use timed_stream::StillnessBounds;

/// A request as hyper hands it over.
pub type IncomingRequest = http::Request<hyper::body::Incoming>;
/// A request with its bounds.
pub type Request = http::Request<BoundedBody>;
/// The body of every response.
pub type ResponseBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;
/// A response.
pub type Response = http::Response<ResponseBody>;

/// Who was signed in, among a response's extensions, for the log.
#[derive(Clone, Debug)]
pub struct SignedInName(pub Arc<str>);

/// Makes every handler's body the one kind of body that the path carries.
pub fn boxed<B>(response: http::Response<B>) -> Response
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

#[cfg(test)]
mod tests;
