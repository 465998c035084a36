//! The body of a response.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use storage::{
    BlobReader,
    backend::{BoxFuture, ReadError},
};

/// A response's body: octets that are there already, pieces of a file that are read as they are sent, or an
/// answer that is written as it is sent.
#[derive(Debug, Default)]
pub struct Body(Octets);

/// Why a body broke off. The response has begun, so that all that can be done is to break it off: its
/// length says that octets are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyBroken {
    /// The store cannot give the rest, or what it has of it is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is less than there should be.
    #[error("the file ends too early")]
    TooShort,
    /// The rest of the answer could not be made.
    #[error("the answer broke off: {0}")]
    Unfinished(String),
}

enum Octets {
    Whole(Full<Bytes>),
    Pieces(Box<Pieces>),
    Written(Box<Written>),
}

/// An answer that is being written.
struct Written {
    /// The page that comes next, if it is there already.
    next: Option<Bytes>,
    outlet: Outlet,
    /// Writes pages into the outlet, and at last gives the rest; `None` once it has.
    work: Option<Writing>,
}

/// Writes an answer page by page, and at last gives the rest.
pub(crate) type Writing = BoxFuture<'static, Result<Bytes, BodyBroken>>;

/// Where an answer is given out page by page. Whoever writes waits until a page was taken, so that there is
/// never more than one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet(Arc<Mutex<Option<Bytes>>>);

impl Outlet {
    /// Gives a page out, and waits until it was taken.
    pub async fn give(&self, page: Bytes) {
        *self.lock() = Some(page);
        // Polled again by whoever took the page.
        poll_fn(|_| match *self.lock() {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        })
        .await;
    }

    /// The page that was given out last, if nobody took it.
    pub fn take(&self) -> Option<Bytes> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file on its way out.
struct Pieces {
    /// Octets that are not sent yet.
    left: u64,
    state: State,
}

enum State {
    Resting(BlobReader),
    Reading(BoxFuture<'static, (BlobReader, Result<Option<Bytes>, ReadError>)>),
    Ended,
}

impl Body {
    /// No octets.
    pub fn empty() -> Body {
        Body::default()
    }

    /// An answer of which the first page is there, and the rest is written as it is sent.
    pub(crate) fn written(first: Bytes, outlet: Outlet, work: Writing) -> Body {
        Body(Octets::Written(Box::new(Written {
            next: Some(first),
            outlet,
            work: Some(work),
        })))
    }

    /// The octets that a reader gives, `length` in all.
    pub fn pieces(reader: BlobReader, length: u64) -> Body {
        Body(Octets::Pieces(Box::new(Pieces {
            left: length,
            state: State::Resting(reader),
        })))
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Body {
        Body(Octets::Whole(Full::new(octets)))
    }
}

impl Default for Octets {
    fn default() -> Octets {
        Octets::Whole(Full::default())
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Octets::Whole(octets) => octets.fmt(formatter),
            Octets::Pieces(pieces) => write!(formatter, "{} octets in pieces", pieces.left),
            Octets::Written(_) => write!(formatter, "an answer that is being written"),
        }
    }
}

impl Written {
    fn poll_page(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyBroken>>> {
        if let Some(page) = self.next.take() {
            return Poll::Ready(Some(Ok(Frame::data(page))));
        }
        let Some(work) = &mut self.work else {
            return Poll::Ready(None);
        };
        match work.as_mut().poll(context) {
            Poll::Ready(rest) => {
                self.work = None;
                Poll::Ready(Some(rest.map(Frame::data)))
            }
            Poll::Pending => match self.outlet.take() {
                Some(page) => Poll::Ready(Some(Ok(Frame::data(page)))),
                None => Poll::Pending,
            },
        }
    }
}

impl Pieces {
    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyBroken>>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                _ if self.left == 0 => return Poll::Ready(None),
                State::Ended => return Poll::Ready(None),
                State::Resting(mut reader) => State::Reading(Box::pin(async move {
                    let piece = reader.next().await;
                    (reader, piece)
                })),
                State::Reading(mut reading) => {
                    let Poll::Ready((reader, piece)) = reading.as_mut().poll(context) else {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Some(match piece {
                        Err(error) => Err(error.into()),
                        Ok(None) => Err(BodyBroken::TooShort),
                        Ok(Some(piece)) => {
                            self.left = self.left.saturating_sub(piece.len() as u64);
                            self.state = State::Resting(reader);
                            Ok(Frame::data(piece))
                        }
                    }));
                }
            };
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyBroken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyBroken>>> {
        match &mut self.0 {
            Octets::Whole(octets) => {
                let frame = ready!(Pin::new(octets).poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
            }
            Octets::Pieces(pieces) => pieces.poll_piece(context),
            Octets::Written(written) => written.poll_page(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Octets::Whole(octets) => octets.is_end_stream(),
            Octets::Pieces(pieces) => pieces.left == 0,
            Octets::Written(written) => written.next.is_none() && written.work.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Octets::Whole(octets) => octets.size_hint(),
            Octets::Pieces(pieces) => SizeHint::with_exact(pieces.left),
            Octets::Written(_) => SizeHint::default(),
        }
    }
}
