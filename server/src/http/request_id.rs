//! Gives each request a name that its log lines and its response carry.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};
use storage::Environment;

use super::{
    Request, Response,
    middleware::{Handler, Middleware, next},
};

/// The header that tells the client.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request, among its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Numbers the requests of one process, beginning at random so that two runs do not repeat each other.
pub struct AssignRequestId {
    counter: AtomicU64,
}

impl AssignRequestId {
    /// Numbers from a random beginning.
    pub fn new(environment: &Environment) -> AssignRequestId {
        AssignRequestId {
            counter: AtomicU64::new(environment.random_u64()),
        }
    }

    fn fresh(&self) -> RequestId {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        RequestId(HeaderValue::try_from(format!("{number:016x}")).expect("hexadecimal digits"))
    }
}

impl Middleware for AssignRequestId {
    async fn handle(&self, mut request: Request, inner: &impl Handler) -> Response {
        let id = self.fresh();
        request.extensions_mut().insert(id.clone());
        let mut response = next(inner, request).await;
        response.headers_mut().insert(X_REQUEST_ID, id.0);
        response
    }
}
