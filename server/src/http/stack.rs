//! The whole request path, from the connection to `dav`.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use hyper::service::Service as HyperService;
use storage::Environment;
use tower::ServiceBuilder;

use super::{
    BodyBounds, IncomingRequest, Network, Peer, Response,
    body::{self, JudgeBody},
    catch_panic::CatchPanic,
    concurrency::Concurrency,
    deadline::Deadline,
    log::LogRequests,
    middleware::{AnyHandler, Handler, layer},
    phase::{AnswerBody, Phase},
    request_id::AssignRequestId,
    sign_in::SignIn,
};
use crate::authentication::Authenticator;

/// What the path is made of.
pub struct StackOptions {
    /// Who signs in.
    pub authenticator: Arc<Authenticator>,
    /// Whose word about a client counts.
    pub trusted_proxies: Vec<Network>,
    /// Requests worked on at once.
    pub concurrent_requests: usize,
    /// The longest that a request may take.
    pub request_time: Duration,
    /// Bounds of bodies.
    pub body: BodyBounds,
}

/// The path, as each connection uses it. Cheap to clone.
#[derive(Clone)]
pub struct Stack {
    path: Arc<dyn AnyHandler>,
    body: BodyBounds,
}

/// Builds the path around the innermost handler.
pub fn build(options: StackOptions, environment: &Environment, handler: impl Handler) -> Stack {
    let path = ServiceBuilder::new()
        // first, so that everything after it can name the request
        .layer(layer(AssignRequestId::new(environment)))
        // around all that answers, so that every answer is logged as it goes out
        .layer(layer(LogRequests))
        // within the log, around all that may read the body
        .layer(layer(JudgeBody))
        // before the bounds: a panic gives its place and its time back
        .layer(layer(CatchPanic))
        // before the wait for a place, which counts
        .layer(layer(Deadline {
            limit: options.request_time,
        }))
        // before sign-in, which is work too
        .layer(layer(Concurrency::new(options.concurrent_requests)))
        .layer(layer(SignIn {
            authenticator: options.authenticator,
            trusted_proxies: options.trusted_proxies,
        }))
        .service(handler);
    Stack {
        path: Arc::new(path),
        body: options.body,
    }
}

impl Stack {
    /// The service of one connection.
    pub fn for_peer(&self, peer: Peer, phase: Phase) -> ConnectionService {
        ConnectionService {
            stack: self.clone(),
            peer,
            phase,
        }
    }

    async fn answer(self, peer: Peer, request: IncomingRequest) -> Response {
        let mut request = body::bound(request, self.body);
        request.extensions_mut().insert(peer);
        self.path.answer_boxed(request).await
    }
}

/// Answers the requests of one connection.
pub struct ConnectionService {
    stack: Stack,
    peer: Peer,
    phase: Phase,
}

impl HyperService<IncomingRequest> for ConnectionService {
    type Response = http::Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: IncomingRequest) -> Self::Future {
        let (stack, peer) = (self.stack.clone(), self.peer);
        let in_request = self.phase.begin_request(request.version());
        Box::pin(async move {
            let response = stack.answer(peer, request).await;
            Ok(response.map(|body| AnswerBody::new(body, in_request)))
        })
    }
}
