//! A request's body, bounded in size and in the time between its pieces.
//!
//! What a handler leaves unread is read here before the answer goes out: a connection that is closed
//! under a client which still sends loses the answer, or the client's next request.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::{
    IncomingRequest, Request, Response,
    middleware::{Handler, Middleware, next},
    respond::Answer,
};

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyBounds {
    /// Octets at the most.
    pub maximum_octets: u64,
    /// The longest wait for the next piece.
    pub stall: Duration,
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Larger than its bound.
    #[error("the request's body is too large")]
    TooLarge,
    /// The next piece did not come in time.
    #[error("the request's body stalled")]
    Stalled,
    /// The connection failed.
    #[error("the request's body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

/// The most octets of an unread body that are read before the answer; what is longer costs the client
/// the connection.
const LINGER_OCTETS: usize = 1024 * 1024;
/// The longest wait for the rest of an unread body.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// The body that handlers read.
pub struct BoundedBody {
    /// `None` once it was read to its end, or dropped.
    inner: Option<Incoming>,
    left: u64,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
}

/// Among the request's extensions: tells [`JudgeBody`] why a body broke off, whatever the handler made
/// of its error, and what the handler left unread.
#[derive(Clone, Default)]
pub struct Verdict(Arc<Judged>);

#[derive(Default)]
struct Judged {
    fault: AtomicU8,
    unread: Mutex<Option<Incoming>>,
}

const TOO_LARGE: u8 = 1;
const STALLED: u8 = 2;

impl Verdict {
    /// The answer that is due in place of the handler's.
    pub fn answer(&self) -> Option<Answer> {
        match self.0.fault.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Answer::BodyTooLarge),
            STALLED => Some(Answer::BodyStalled),
            _ => None,
        }
    }

    fn set(&self, fault: u8) {
        self.0.fault.store(fault, Ordering::Relaxed);
    }

    /// Keeps what nobody will read any more.
    fn leave(&self, body: Incoming) {
        *self.0.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }

    fn take_unread(&self) -> Option<Incoming> {
        self.0
            .unread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Puts the bounds around a request's body. What says itself that it is too large is judged at once.
pub fn bound(request: IncomingRequest, bounds: BodyBounds) -> Request {
    let verdict = Verdict::default();
    if announced_octets(&request).is_some_and(|octets| octets > bounds.maximum_octets) {
        verdict.set(TOO_LARGE);
    }
    let mut request = request.map(|inner| BoundedBody {
        inner: Some(inner),
        left: bounds.maximum_octets,
        stall: bounds.stall,
        timer: None,
        verdict: verdict.clone(),
    });
    request.extensions_mut().insert(verdict);
    request
}

fn announced_octets(request: &IncomingRequest) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Answers in place of a handler whose request's body was too large or stalled: what the handler made
/// of its error says less.
pub struct JudgeBody;

impl Middleware for JudgeBody {
    async fn handle(&self, request: Request, inner: &impl Handler) -> Response {
        let Some(verdict) = request.extensions().get::<Verdict>().cloned() else {
            return Answer::Defect.into_response();
        };
        let version = request.version();
        // RFC 9110 §10.1.1: who waits for permission to send is answered instead, and does not send.
        let waits = request.headers().contains_key(header::EXPECT);
        let response = match verdict.answer() {
            Some(answer) => answer.into_response(),
            None => next(inner, request).await,
        };
        let unread = verdict.take_unread();
        let response = verdict.answer().map_or(response, Answer::into_response);
        // HTTP/2 ends a stream without harm to the others.
        if version == Version::HTTP_2 {
            return response;
        }
        let ended = match unread {
            _ if verdict.answer().is_some() => false,
            None => true,
            Some(unread) => !waits && read_to_end(unread).await,
        };
        match ended {
            true => response,
            false => closing(response),
        }
    }
}

/// Tells the client that nothing more can be said on this connection (RFC 9112 §9.6).
fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// Reads and drops the rest of a body; says whether its end was reached within the bounds.
async fn read_to_end(body: Incoming) -> bool {
    let rest = Limited::new(body, LINGER_OCTETS);
    let mut rest = std::pin::pin!(rest);
    let read = async {
        while let Some(frame) = rest.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(LINGER_TIME, read)
        .await
        .unwrap_or(false)
}

impl BoundedBody {
    fn fail(&self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match error {
            BodyError::TooLarge => self.verdict.set(TOO_LARGE),
            BodyError::Stalled => self.verdict.set(STALLED),
            BodyError::Broken(_) => {}
        }
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(inner).poll_frame(context) else {
            let stall = self.stall;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
            ready!(timer.as_mut().poll(context));
            return self.fail(BodyError::Stalled);
        };
        self.timer = None;
        let frame = match frame {
            None => {
                self.inner = None;
                return Poll::Ready(None);
            }
            Some(Err(error)) => return self.fail(BodyError::Broken(error)),
            Some(Ok(frame)) => frame,
        };
        let octets = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(octets) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => self.fail(BodyError::TooLarge),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for BoundedBody {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && !inner.is_end_stream()
            && self.verdict.answer().is_none()
        {
            self.verdict.leave(inner);
        }
    }
}
