//! One line per request. Never the Authorization header, a query, or what a calendar holds.

use std::{pin::pin, time::Instant};

use http::StatusCode;

use super::{
    Exchange, Response,
    middleware::{Handler, Middleware},
};

/// Logs requests with their outcome and time, and lets their other log lines name them.
pub struct LogRequests;

impl Middleware for LogRequests {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        let started = Instant::now();
        let id = exchange.id;
        let answer = pin!(async {
            let response = inner.answer(exchange).await;
            line(exchange, response.status(), started);
            response
        });
        id.named(answer).await
    }
}

fn line(exchange: &Exchange, status: StatusCode, started: Instant) {
    // The level of a line is a constant, hence a macro.
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                method = exchange.head.method.as_str(),
                path = exchange.head.uri.path(),
                user = exchange.signed_in.as_ref().map(|user| user.name.as_str()),
                status = status.as_u16(),
                microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                "request"
            )
        };
    }
    if status.is_server_error() && status != StatusCode::INSUFFICIENT_STORAGE {
        line!(warn);
    } else {
        line!(debug);
    }
}
