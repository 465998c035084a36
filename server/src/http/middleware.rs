//! Lets a middleware be one async function that borrows the request and what comes after it: a request
//! passes the whole path without a copy of any part of it, and without an allocation.

use std::{future::Future, sync::Arc};

use tower::Layer;

use super::{Exchange, Response};

/// What every part of the request path is: it always answers, errors are responses.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, exchange: &mut Exchange) -> impl Future<Output = Response> + Send;
}

/// The innermost handler.
impl Handler for dav::Dav {
    fn answer(&self, exchange: &mut Exchange) -> impl Future<Output = Response> + Send {
        let caller = exchange.signed_in.as_ref();
        self.answer(caller, &mut exchange.head, &mut exchange.body)
    }
}

/// One step of the request path.
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request, by way of `inner` or without it.
    fn handle(
        &self,
        exchange: &mut Exchange,
        inner: &impl Handler,
    ) -> impl Future<Output = Response> + Send;
}

/// Makes a tower layer of a middleware.
pub fn layer<M: Middleware>(middleware: M) -> MiddlewareLayer<M> {
    MiddlewareLayer(Arc::new(middleware))
}

/// See [`layer`].
pub struct MiddlewareLayer<M>(Arc<M>);

impl<M, S> Layer<S> for MiddlewareLayer<M> {
    type Service = Step<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Step {
            middleware: Arc::clone(&self.0),
            inner,
        }
    }
}

/// A middleware with what comes after it.
pub struct Step<M, S> {
    middleware: Arc<M>,
    inner: S,
}

impl<M: Middleware, S: Handler> Handler for Step<M, S> {
    fn answer(&self, exchange: &mut Exchange) -> impl Future<Output = Response> + Send {
        self.middleware.handle(exchange, &self.inner)
    }
}
