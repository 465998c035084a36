//! From sockets to requests, and what happens to every request before and after `dav`.

mod body;
mod catch_panic;
mod client;
mod concurrency;
mod connection;
mod deadline;
mod exchange;
mod log;
mod middleware;
mod phase;
mod request_id;
mod respond;
mod sign_in;
mod stack;
mod timed_stream;
mod whole_target;

pub use body::{BodyBounds, BodyError, BoundedBody};
pub use client::{Client, Network, Peer};
pub use connection::{Acceptor, ConnectionBounds, Listeners};
pub use exchange::Exchange;
pub use request_id::RequestId;
pub use stack::{Stack, StackOptions, build};
pub use timed_stream::StillnessBounds;

/// A request as hyper hands it over.
pub type IncomingRequest = http::Request<hyper::body::Incoming>;
/// The body of every response.
pub type ResponseBody = dav::Body;
/// A response.
pub type Response = http::Response<ResponseBody>;

#[cfg(test)]
mod tests;
