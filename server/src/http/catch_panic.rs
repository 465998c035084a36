//! A panic is one 500, never a dead connection or server.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use super::{
    Exchange, Response,
    middleware::{Handler, Middleware},
    respond::Answer,
};

/// Says what happened to the log, and nothing of it to the client.
pub struct CatchPanic;

impl Middleware for CatchPanic {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        let mut answer = pin!(inner.answer(exchange));
        // The future is not polled again after a panic, so nothing sees its broken state.
        poll_fn(
            |context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
                Ok(polled) => polled,
                Err(panic) => Poll::Ready(defect(panic.as_ref())),
            },
        )
        .await
    }
}

fn defect(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(no text)");
    tracing::error!(panic = text, "a request met a defect");
    Answer::Defect.into_response()
}
