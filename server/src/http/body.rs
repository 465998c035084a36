//! A request's body, bounded in size and in the time between its pieces.
//!
//! What a handler leaves unread is read here before the answer goes out: a connection that is closed
//! under a client which still sends loses the answer, or the client's next request.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::{
    Exchange, Response,
    middleware::{Handler, Middleware},
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

/// The body that handlers read. It remembers why it broke off, whatever the handler made of its error.
pub struct BoundedBody {
    /// `None` once it was read to its end.
    inner: Option<Incoming>,
    left: u64,
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// The answer that is due in place of the handler's.
    fault: Option<Answer>,
}

impl BoundedBody {
    /// Puts bounds around a body. What says itself that it is too large is judged at once.
    pub fn new(headers: &HeaderMap, inner: Incoming, bounds: BodyBounds) -> BoundedBody {
        let announced = announced_octets(headers);
        let too_large = announced.is_some_and(|octets| octets > bounds.maximum_octets);
        BoundedBody {
            inner: Some(inner),
            left: bounds.maximum_octets,
            stall: bounds.stall,
            timer: None,
            fault: too_large.then_some(Answer::BodyTooLarge),
        }
    }

    /// The most octets that may still come.
    pub fn left(&self) -> u64 {
        self.left
    }

    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match error {
            BodyError::TooLarge => self.fault = Some(Answer::BodyTooLarge),
            BodyError::Stalled => self.fault = Some(Answer::BodyStalled),
            BodyError::Broken(_) => {}
        }
        Poll::Ready(Some(Err(error)))
    }
}

fn announced_octets(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Answers in place of a handler whose request's body was too large or stalled: what the handler made
/// of its error says less.
pub struct JudgeBody;

impl Middleware for JudgeBody {
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        // RFC 9110 §10.1.1: who waits for permission to send is answered instead, and does not send.
        let waits = exchange.head.headers.contains_key(header::EXPECT);
        let response = match exchange.body.fault {
            Some(answer) => answer.into_response(),
            None => {
                let response = inner.answer(exchange).await;
                exchange.body.fault.map_or(response, Answer::into_response)
            }
        };
        // HTTP/2 ends a stream without harm to the others.
        if exchange.head.version == Version::HTTP_2 {
            return response;
        }
        let ended = match exchange.body.inner.take() {
            _ if exchange.body.fault.is_some() => false,
            Some(unread) if !unread.is_end_stream() => !waits && read_to_end(unread).await,
            _ => true,
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
