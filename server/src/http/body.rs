//! A request's body, bounded in size and in the time between its pieces.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::header;
use http_body::{Body, Frame, SizeHint};
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

/// The body that handlers read.
pub struct BoundedBody {
    inner: Incoming,
    left: u64,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
}

/// Among the request's extensions: tells [`JudgeBody`] why a body broke off, whatever the handler made of its error.
#[derive(Clone, Default)]
pub struct Verdict(Arc<AtomicU8>);

const TOO_LARGE: u8 = 1;
const STALLED: u8 = 2;

impl Verdict {
    /// The answer that is due in place of the handler's.
    pub fn answer(&self) -> Option<Answer> {
        match self.0.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Answer::BodyTooLarge),
            STALLED => Some(Answer::BodyStalled),
            _ => None,
        }
    }
}

/// Puts the bounds around a request's body. What says itself that it is too large is judged at once.
pub fn bound(request: IncomingRequest, bounds: BodyBounds) -> Request {
    let verdict = Verdict::default();
    if announced_octets(&request).is_some_and(|octets| octets > bounds.maximum_octets) {
        verdict.0.store(TOO_LARGE, Ordering::Relaxed);
    }
    let mut request = request.map(|inner| BoundedBody {
        inner,
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
    async fn handle(&self, request: Request, inner: impl Handler) -> Response {
        let Some(verdict) = request.extensions().get::<Verdict>().cloned() else {
            return Answer::Defect.into_response();
        };
        if let Some(answer) = verdict.answer() {
            return answer.into_response();
        }
        let response = next(inner, request).await;
        verdict.answer().map_or(response, Answer::into_response)
    }
}

impl BoundedBody {
    fn fail(&self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match error {
            BodyError::TooLarge => self.verdict.0.store(TOO_LARGE, Ordering::Relaxed),
            BodyError::Stalled => self.verdict.0.store(STALLED, Ordering::Relaxed),
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
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            let stall = self.stall;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
            ready!(timer.as_mut().poll(context));
            return self.fail(BodyError::Stalled);
        };
        self.timer = None;
        let frame = match frame {
            None => return Poll::Ready(None),
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
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
