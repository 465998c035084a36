//! The whole request path, from the connection to `dav`.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use hyper::service::Service as HyperService;
use storage::Environment;
use tower::ServiceBuilder;

use super::{
    BodyBounds, Exchange, IncomingRequest, Network, Peer,
    body::JudgeBody,
    catch_panic::CatchPanic,
    concurrency::Concurrency,
    deadline::Deadline,
    log::LogRequests,
    middleware::{Handler, layer},
    phase::{AnswerBody, InRequest, Phase},
    request_id::{RequestIds, X_REQUEST_ID},
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
pub struct Stack(Arc<dyn Answers>);

/// A path whose type does not matter.
trait Answers: Send + Sync {
    /// Answers a request, all of it in one allocation.
    fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: IncomingRequest,
        in_request: InRequest,
    ) -> Answering;
}

/// An answer to come, as hyper takes it.
type Answering =
    Pin<Box<dyn Future<Output = Result<http::Response<AnswerBody>, Infallible>> + Send>>;

/// The steps, and what a request needs before the first of them.
struct Steps<H> {
    ids: RequestIds,
    body: BodyBounds,
    first: H,
}

/// Builds the path around the innermost handler.
pub fn build(options: StackOptions, environment: &Environment, handler: impl Handler) -> Stack {
    let first = ServiceBuilder::new()
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
    Stack(Arc::new(Steps {
        ids: RequestIds::new(environment),
        body: options.body,
        first,
    }))
}

impl<H: Handler> Answers for Steps<H> {
    fn answer(
        self: Arc<Self>,
        peer: Peer,
        request: IncomingRequest,
        in_request: InRequest,
    ) -> Answering {
        Box::pin(async move {
            let id = self.ids.fresh();
            let mut exchange = Exchange::new(id, peer, request, self.body);
            let mut response = self.first.answer(&mut exchange).await;
            let headers = response.headers_mut();
            headers.insert(X_REQUEST_ID, id.header_value());
            Ok(response.map(|body| AnswerBody::new(body, in_request)))
        })
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
    type Future = Answering;

    fn call(&self, request: IncomingRequest) -> Self::Future {
        let in_request = self.phase.begin_request(request.version());
        Arc::clone(&self.stack.0).answer(self.peer, request, in_request)
    }
}
