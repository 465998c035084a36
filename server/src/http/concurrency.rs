//! Bounds how many requests are worked on at once, over all connections.

use tokio::sync::Semaphore;

use super::{
    Exchange, Response,
    middleware::{Handler, Middleware},
    respond::Answer,
};

/// Lets so many requests in; the others wait for a place, up to their deadline.
pub struct Concurrency {
    places: Semaphore,
}

impl Concurrency {
    /// A bound of `places` requests.
    pub fn new(places: usize) -> Concurrency {
        Concurrency {
            places: Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }
}

impl Middleware for Concurrency {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        match self.places.acquire().await {
            Ok(_place) => inner.answer(exchange).await,
            Err(_) => Answer::Busy.into_response(),
        }
    }
}
