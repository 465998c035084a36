//! Lets a middleware be one async function that borrows what comes after it: a request passes the whole
//! path without a copy of any part of it, and with one allocation.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use tower::{Layer, Service, ServiceExt};

use super::{Request, Response};

/// What every part of the request path is: it always answers, errors are responses.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// The innermost handler is a tower service.
impl<S> Handler for S
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    async fn answer(&self, request: Request) -> Response {
        let Ok(response) = self.clone().oneshot(request).await;
        response
    }
}

/// A handler whose type does not matter.
pub trait AnyHandler: Send + Sync + 'static {
    /// As [`Handler::answer`].
    fn answer_boxed(&self, request: Request)
    -> Pin<Box<dyn Future<Output = Response> + Send + '_>>;
}

impl<H: Handler> AnyHandler for H {
    fn answer_boxed(
        &self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        Box::pin(self.answer(request))
    }
}

/// Hands a request on.
pub fn next(inner: &impl Handler, request: Request) -> impl Future<Output = Response> + Send {
    inner.answer(request)
}

/// One step of the request path.
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request, by way of `inner` or without it.
    fn handle(
        &self,
        request: Request,
        inner: &impl Handler,
    ) -> impl Future<Output = Response> + Send;
}

/// Makes a tower layer of a middleware.
pub fn layer<M: Middleware>(middleware: M) -> MiddlewareLayer<Arc<M>> {
    MiddlewareLayer(Arc::new(middleware))
}

/// See [`layer`].
pub struct MiddlewareLayer<M>(M);

impl<M: Clone, S> Layer<S> for MiddlewareLayer<M> {
    type Service = Step<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Step {
            middleware: self.0.clone(),
            inner,
        }
    }
}

/// A middleware with what comes after it.
pub struct Step<M, S> {
    middleware: M,
    inner: S,
}

impl<M: Middleware, S: Handler> Handler for Step<M, S> {
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.middleware.handle(request, &self.inner)
    }
}

impl<M: Middleware> Middleware for Arc<M> {
    fn handle(
        &self,
        request: Request,
        inner: &impl Handler,
    ) -> impl Future<Output = Response> + Send {
        M::handle(self, request, inner)
    }
}
