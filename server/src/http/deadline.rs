//! A request is answered within a bounded time, by the handler or by this.

use std::{pin::pin, time::Duration};

use super::{
    Exchange, Response,
    middleware::{Handler, Middleware},
    respond::Answer,
};

/// Ends the wait for a response's head. (The body of a request has a time-out of its own, per piece,
/// and so has every read and write of the connection.)
pub struct Deadline {
    /// The longest a request may take.
    pub limit: Duration,
}

impl Middleware for Deadline {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        // Pinned here, as what `timeout` takes by value it moves.
        let timed = {
            let answer = pin!(inner.answer(exchange));
            tokio::time::timeout(self.limit, answer).await
        };
        match timed {
            Ok(response) => response,
            Err(_) => {
                tracing::warn!("no answer within {} s", self.limit.as_secs());
                match exchange.head.method.as_str() {
                    "COPY" | "MOVE" => Answer::TransferTimedOut,
                    _ => Answer::TimedOut,
                }
                .into_response()
            }
        }
    }
}
