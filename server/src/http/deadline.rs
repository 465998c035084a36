//! A request is answered within a bounded time, by the handler or by this.

use std::{pin::pin, time::Duration};

use http_body::Body;

use super::{
    BoundedBody, Exchange, Response,
    middleware::{Handler, Middleware},
    respond::Answer,
};

/// The slowest upload that is waited for. A request may take as much longer as its body may at this rate.
const SLOWEST_UPLOAD_OCTETS_PER_SECOND: u64 = 64 * 1024;

/// Ends the wait for a response's head. (The body of a request has a time-out of its own, per piece,
/// and so has every read and write of the connection.)
pub struct Deadline {
    /// The longest a request may take.
    pub limit: Duration,
}

impl Middleware for Deadline {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        // Pinned here, as what `timeout` takes by value it moves.
        let limit = self.limit + upload_time(&exchange.body);
        let timed = {
            let answer = pin!(inner.answer(exchange));
            tokio::time::timeout(limit, answer).await
        };
        match timed {
            Ok(response) => response,
            Err(_) => {
                tracing::warn!("no answer within {} s", limit.as_secs());
                match exchange.head.method.as_str() {
                    "COPY" | "MOVE" => Answer::TransferTimedOut,
                    _ => Answer::TimedOut,
                }
                .into_response()
            }
        }
    }
}

/// How long a body may be under way: as long as it says that it is, or as the largest that is taken where
/// it does not say.
fn upload_time(body: &BoundedBody) -> Duration {
    let octets = match body.is_end_stream() {
        true => 0,
        false => body.size_hint().exact().unwrap_or(body.left()),
    };
    Duration::from_secs(octets / SLOWEST_UPLOAD_OCTETS_PER_SECOND)
}
