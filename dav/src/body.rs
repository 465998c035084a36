//! The body of a response.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;

/// A response's body: octets that are there already.
#[derive(Clone, Debug, Default)]
pub struct Body(Full<Bytes>);

impl Body {
    /// No octets.
    pub fn empty() -> Body {
        Body::default()
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Body {
        Body(Full::new(octets))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
