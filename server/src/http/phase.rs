//! What a connection is doing: its service and its stream both know a part of it, and tell each other.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};

use super::ResponseBody;

const RESTING: u8 = 0;
const HEADER: u8 = 1;
const IN_REQUEST: u8 = 2;

/// Shared by all who have to do with one connection.
#[derive(Clone, Default)]
pub struct Phase(Arc<AtomicU8>);

impl Phase {
    /// Whether the next octet read begins a request.
    pub fn is_resting(&self) -> bool {
        self.0.load(Ordering::Relaxed) == RESTING
    }

    /// Whether a request's header began and did not end.
    pub fn is_header(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEADER
    }

    /// A request's first octet was read.
    pub fn begin_header(&self) {
        self.0.store(HEADER, Ordering::Relaxed);
    }

    /// A request's header was read. The request lasts as long as what this gives; but HTTP/2 reads
    /// frames, not headers one after the other, so its connections never rest again.
    pub fn begin_request(&self, version: Version) -> InRequest {
        self.0.store(IN_REQUEST, Ordering::Relaxed);
        InRequest((version < Version::HTTP_2).then(|| self.clone()))
    }
}

/// A request that is being answered.
pub struct InRequest(Option<Phase>);

impl Drop for InRequest {
    fn drop(&mut self) {
        if let Some(phase) = &self.0 {
            phase.0.store(RESTING, Ordering::Relaxed);
        }
    }
}

/// An answer's body: hyper drops it when all of it is on its way, and the request ends with it.
pub struct AnswerBody {
    inner: ResponseBody,
    _in_request: InRequest,
}

impl AnswerBody {
    /// Ends the request with its answer.
    pub fn new(inner: ResponseBody, in_request: InRequest) -> AnswerBody {
        AnswerBody {
            inner,
            _in_request: in_request,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = <ResponseBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
