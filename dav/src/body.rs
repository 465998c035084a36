//! The body of a response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use storage::{
    BlobReader,
    backend::{BoxFuture, ReadError},
};

/// A response's body: octets that are there already, or pieces of a file that are read as they are sent.
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
}

enum Octets {
    Whole(Full<Bytes>),
    Pieces(Box<Pieces>),
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
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Octets::Whole(octets) => octets.is_end_stream(),
            Octets::Pieces(pieces) => pieces.left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Octets::Whole(octets) => octets.size_hint(),
            Octets::Pieces(pieces) => SizeHint::with_exact(pieces.left),
        }
    }
}
