//! Lets a middleware be one async function: the adapter between that and tower's two traits.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt};

use super::{Request, Response};

/// What every part of the request path is: it always answers, errors are responses.
pub trait Handler:
    Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Handler for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Hands a request on.
pub async fn next(inner: impl Handler, request: Request) -> Response {
    match inner.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// One step of the request path.
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request, by way of `inner` or without it.
    fn handle(
        &self,
        request: Request,
        inner: impl Handler,
    ) -> impl Future<Output = Response> + Send;
}

/// Makes a tower layer of a middleware.
pub fn layer<M: Middleware>(middleware: M) -> MiddlewareLayer<M> {
    MiddlewareLayer {
        middleware: Arc::new(middleware),
    }
}

/// See [`layer`].
pub struct MiddlewareLayer<M> {
    middleware: Arc<M>,
}

impl<M, S> Layer<S> for MiddlewareLayer<M> {
    type Service = MiddlewareService<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        MiddlewareService {
            middleware: Arc::clone(&self.middleware),
            inner,
        }
    }
}

/// A middleware with what comes after it.
pub struct MiddlewareService<M, S> {
    middleware: Arc<M>,
    inner: S,
}

impl<M, S: Clone> Clone for MiddlewareService<M, S> {
    fn clone(&self) -> Self {
        MiddlewareService {
            middleware: Arc::clone(&self.middleware),
            inner: self.inner.clone(),
        }
    }
}

impl<M: Middleware, S: Handler> Service<Request> for MiddlewareService<M, S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (middleware, inner) = (Arc::clone(&self.middleware), self.inner.clone());
        Box::pin(async move { Ok(middleware.handle(request, inner).await) })
    }
}
