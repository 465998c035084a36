//! One line per request. Never the Authorization header, a query, or what a calendar holds.

use std::time::Instant;

use http::StatusCode;
use tracing::{Instrument, field};

use super::{
    Request, Response, SignedInName,
    middleware::{Handler, Middleware, next},
    request_id::RequestId,
};

/// Logs requests with their outcome and time, and gives their other log lines a span.
pub struct LogRequests;

impl Middleware for LogRequests {
    async fn handle(&self, request: Request, inner: &impl Handler) -> Response {
        let started = Instant::now();
        let id = request.extensions().get::<RequestId>().cloned();
        let span = tracing::info_span!(
            "request",
            id = id.as_ref().map_or("", RequestId::as_str),
            method = request.method().as_str(),
            path = request.uri().path(),
            user = field::Empty,
        );
        let response = next(inner, request).instrument(span.clone()).await;
        if let Some(SignedInName(name)) = response.extensions().get() {
            span.record("user", name.as_ref());
        }
        let microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        span.in_scope(|| line(response.status(), microseconds));
        response
    }
}

fn line(status: StatusCode, microseconds: u64) {
    let status_code = status.as_u16();
    if status.is_server_error() && status != StatusCode::INSUFFICIENT_STORAGE {
        tracing::warn!(status = status_code, microseconds, "request");
    } else {
        tracing::debug!(status = status_code, microseconds, "request");
    }
}
