//! The service: from a request to the row of its method and back.

use std::{
    convert::Infallible,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode, header,
    request::Parts,
    uri::{Authority, Uri},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use scheduling::{Actor, Desk, Refusal};
use storage::{backend::BoxFuture, model::Principal};

use crate::{
    body::Body,
    error::{self, DavError},
    incoming::Incoming,
    kind::ResourceKind,
    method::{self, Answer, BodyBound},
    path::{Path, PathError, open_to_anybody},
    target::Target,
    time_zone_service,
};

/// The most octets of a stream of objects in a POST: some 20,000 events.
const MAXIMUM_STREAM_OCTETS: u64 = 16 * 1024 * 1024;

/// A response of this service.
pub(crate) type Response = http::Response<Body>;

/// What `dav` must know of the installation.
#[derive(Clone, Debug)]
pub struct DavSettings {
    /// Scheme, host and port under which clients see this server, without a slash at the end. URLs in
    /// Destination and If headers are ours when they begin with it or with the request's own Host.
    pub public_url: String,
    /// The largest XML body of a request, in octets.
    pub maximum_xml_octets: usize,
}

/// Who signed in; a request extension that the service over requests asks for.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Arc<Principal>);

/// WebDAV and CalDAV as a service. Cheap to clone.
#[derive(Clone)]
pub struct Dav {
    shared: Arc<Shared>,
}

struct Shared {
    desk: Desk,
    settings: DavSettings,
}

/// A request, read as far as every method needs it.
#[derive(Debug)]
pub(crate) struct Request {
    /// Where it goes.
    pub path: Path,
    /// The host and port that the request line or `:authority` names.
    pub authority: Option<Authority>,
    /// What stands behind the question mark, as sent.
    pub query: Option<String>,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, within the method's bound; empty where it comes piece by piece.
    pub body: Bytes,
    /// Who asks.
    pub actor: Actor,
}

impl Dav {
    /// The service over a desk.
    pub fn new(desk: Desk, settings: DavSettings) -> Dav {
        Dav {
            shared: Arc::new(Shared { desk, settings }),
        }
    }

    /// The desk.
    pub(crate) fn desk(&self) -> &Desk {
        &self.shared.desk
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &DavSettings {
        &self.shared.settings
    }

    /// Answers a request of `caller`, of whose head it takes the header fields.
    ///
    /// Without a caller it answers only what anybody may ask ([`open_without_sign_in`],
    /// [`open_to_anybody`]), and 401 to everything else, so that nobody finds out what exists.
    ///
    /// [`open_without_sign_in`]: crate::open_without_sign_in
    /// [`open_to_anybody`]: crate::open_to_anybody
    pub async fn answer<B>(
        &self,
        caller: Option<&Arc<Principal>>,
        head: &mut Parts,
        body: B,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send,
    {
        match self.handle(caller, head, body).await {
            Ok(response) => response,
            Err(error) => error::respond(error),
        }
    }

    async fn handle<B>(
        &self,
        caller: Option<&Arc<Principal>>,
        head: &mut Parts,
        body: B,
    ) -> Result<Response, DavError>
    where
        B: http_body::Body<Data = Bytes> + Send,
    {
        if let Some(address) = time_zone_service::Address::read(head.uri.path()) {
            let answer =
                time_zone_service::answer(&address, &head.method, &head.uri, &head.headers);
            return Ok(answer);
        }
        let path = read_path(&head.method, &head.uri)?;
        if path == Path::WellKnown {
            return Ok(redirect_to_context_path());
        }
        let method = method::find(head.method.as_str()).ok_or(DavError::NotImplemented)?;
        let client = client(&head.method, &head.headers);
        let actor = || match caller {
            Some(principal) => Actor {
                principal: Arc::clone(principal),
                client: client.clone(),
            },
            None => Actor::anybody(),
        };
        if caller.is_none() && !open_to_anybody(&head.method, head.uri.path()) {
            return Err(DavError::NotSignedIn);
        }
        if let Some(kind) = Target::fixed_kind(&path)
            && !method.kinds.contains(kind)
        {
            return Ok(not_allowed(kind));
        }
        let request = |body, headers: &mut HeaderMap| Request {
            path,
            authority: head.uri.authority().cloned(),
            query: head.uri.query().map(str::to_owned),
            headers: mem::take(headers),
            body,
            actor: actor(),
        };
        let result = match method.answer {
            Answer::Whole(bound, handle) => {
                let body = read_body(body, self.bound(bound)).await?;
                handle(self, request(body, &mut head.headers)).await
            }
            Answer::Either(handle, _) if !may_exceed(&body, self.whole_octets()) => {
                let body = read_body(body, self.whole_octets()).await?;
                handle(self, request(body, &mut head.headers)).await
            }
            answer => {
                let request = request(Bytes::new(), &mut head.headers);
                // Boxed, so that all the others need not make room for it.
                Box::pin(self.answer_stream(answer, request, body)).await
            }
        };
        match result {
            Err(error) if caller.is_none() && error.status().is_client_error() => {
                Err(DavError::NotSignedIn)
            }
            Err(DavError::Refused(Refusal::NotAllowed(_))) => {
                // Made again, so that requests that are allowed need not keep them.
                let path = read_path(&head.method, &head.uri)?;
                // Boxed, so that requests that are allowed need not make room for it.
                let kind = Box::pin(Target::kind_at(self, &actor(), &path)).await?;
                Ok(not_allowed(kind))
            }
            result => result.map_err(|error| error.named_as(head.uri.path())),
        }
    }

    /// Answers a request whose body may be larger than what is held in memory.
    async fn answer_stream<B>(
        &self,
        answer: Answer,
        request: Request,
        body: B,
    ) -> Result<Response, DavError>
    where
        B: http_body::Body<Data = Bytes> + Send,
    {
        self.take(answer, request, Incoming::new(body)).await
    }

    /// Answers a request as a row of a table says, reading its body as far as that asks for it.
    pub(crate) async fn take<'a>(
        &'a self,
        answer: Answer,
        mut request: Request,
        mut body: Incoming<'a>,
    ) -> Result<Response, DavError> {
        match answer {
            Answer::Whole(bound, handle) => {
                let whole = body.whole_within(self.bound(bound)).await?;
                request.body = whole.ok_or(DavError::BodyTooLarge)?;
                handle(self, request).await
            }
            Answer::Either(handle, stream) => match body.whole_within(self.whole_octets()).await? {
                Some(whole) => {
                    request.body = whole;
                    handle(self, request).await
                }
                None => stream(self, request, body).await,
            },
            Answer::Streamed(stream) => stream(self, request, body).await,
        }
    }

    fn bound(&self, bound: BodyBound) -> usize {
        match bound {
            BodyBound::Xml => self.settings().maximum_xml_octets,
            BodyBound::Stream => self.stream_octets(),
        }
    }

    /// What is read as a whole where the choice is free: as much as a calendar object may have.
    fn whole_octets(&self) -> usize {
        let limits = &self.desk().settings().limits;
        usize::try_from(limits.maximum_resource_octets).unwrap_or(usize::MAX)
    }

    /// The most octets of a stream of objects, which is held in memory while they are stored: no more than
    /// [`MAXIMUM_STREAM_OCTETS`], however large files may be.
    fn stream_octets(&self) -> usize {
        let content = self.maximum_content_octets().min(MAXIMUM_STREAM_OCTETS);
        usize::try_from(content).map_or(usize::MAX, |octets| octets.max(self.whole_octets()))
    }

    /// The most octets that anything may have.
    pub(crate) fn maximum_content_octets(&self) -> u64 {
        let limits = &self.desk().settings().limits;
        limits
            .maximum_file_octets
            .max(limits.maximum_resource_octets)
    }
}

impl<B> tower::Service<http::Request<B>> for Dav
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let dav = self.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let caller = head.extensions.remove::<SignedIn>();
            let caller = caller.as_ref().map(|SignedIn(principal)| principal);
            Ok(dav.answer(caller, &mut head, body).await)
        })
    }
}

/// `OPTIONS *` (RFC 9110 §7.1) is about the server as a whole, as is `/`.
fn read_path(method: &http::Method, uri: &Uri) -> Result<Path, PathError> {
    match uri.path() {
        "*" if method == http::Method::OPTIONS => Ok(Path::Root),
        path => Path::parse(path),
    }
}

/// RFC 6764 §5: for every method, signed in or not.
fn redirect_to_context_path() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    let location = HeaderValue::try_from(Path::Dav.to_string()).expect("the context path is ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// RFC 9110 §15.5.6
fn not_allowed(kind: ResourceKind) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
        .headers_mut()
        .insert(header::ALLOW, method::allow(kind));
    response
}

/// Whether a body says that it is larger, or does not say how large it is.
fn may_exceed<B: http_body::Body>(body: &B, bound: usize) -> bool {
    let longest = body.size_hint().upper();
    !body.is_end_stream() && longest.is_none_or(|octets| octets > bound as u64)
}

async fn read_body<B>(body: B, bound: usize) -> Result<Bytes, DavError>
where
    B: http_body::Body<Data = Bytes> + Send,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // `Limited` wants errors that are `Into<Box<dyn Error>>`; ours may be anything.
    let body = body.map_err(|_| std::io::Error::other("the body broke off"));
    match Limited::new(body, bound).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(DavError::BodyTooLarge),
        Err(_) => Err(DavError::BadRequest("the body broke off".into())),
    }
}

/// The most octets of a client's name that are noted.
const MAXIMUM_CLIENT_OCTETS: usize = 200;

/// What the client calls itself (RFC 9110 §10.1.5), of a request that may change something.
fn client(method: &http::Method, headers: &HeaderMap) -> Option<Arc<str>> {
    if matches!(
        method.as_str(),
        "GET" | "HEAD" | "OPTIONS" | "PROPFIND" | "REPORT"
    ) {
        return None;
    }
    let name = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let end = name.floor_char_boundary(MAXIMUM_CLIENT_OCTETS);
    Some(name[..end].into())
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
