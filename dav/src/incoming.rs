//! The body of a request, as it comes.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::error::DavError;

/// A body that is not read yet, or only in part.
///
/// Whoever waits for leave to send (RFC 9110 §10.1.1) gets it when the first piece is asked for.
pub(crate) struct Incoming<'a> {
    /// What was read of it already.
    begun: Bytes,
    announced: Option<u64>,
    /// Octets that may still come.
    room: u64,
    rest: Pin<Box<dyn http_body::Body<Data = Bytes, Error = BrokenOff> + Send + 'a>>,
}

/// Why is of no interest: the layer below answers in place of the handler where it has to say more.
pub(crate) struct BrokenOff;

impl<'a> Incoming<'a> {
    /// A body that nobody bounds but who reads it.
    pub fn new<B>(body: B) -> Incoming<'a>
    where
        B: http_body::Body<Data = Bytes> + Send + 'a,
    {
        Incoming {
            begun: Bytes::new(),
            announced: body.size_hint().exact(),
            room: u64::MAX,
            rest: Box::pin(body.map_err(|_| BrokenOff)),
        }
    }

    /// Lets no more than so many octets come, those that were read included.
    ///
    /// # Errors
    /// 413 where it says itself that it is larger, or was.
    pub fn bound(&mut self, maximum: u64) -> Result<(), DavError> {
        if self.announced.is_some_and(|octets| octets > maximum) {
            return Err(DavError::BodyTooLarge);
        }
        let room = maximum.checked_sub(self.begun.len() as u64);
        self.room = room.ok_or(DavError::BodyTooLarge)?;
        Ok(())
    }

    /// The octets that it says it has.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// 413 as soon as it is too large; 400 where it breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, DavError> {
        if !self.begun.is_empty() {
            return Ok(Some(std::mem::take(&mut self.begun)));
        }
        let octets = match self.rest.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(BrokenOff)) => {
                return Err(DavError::BadRequest("the body broke off".into()));
            }
        };
        let room = self.room.checked_sub(octets.len() as u64);
        self.room = room.ok_or(DavError::BodyTooLarge)?;
        Ok(Some(octets))
    }

    /// All of it, where that is no more than `bound` octets. Otherwise `None`: what was read for that
    /// comes again with [`Incoming::next`].
    ///
    /// # Errors
    /// As [`Incoming::next`].
    pub async fn whole_within(&mut self, bound: usize) -> Result<Option<Bytes>, DavError> {
        if self.announced.is_some_and(|octets| octets > bound as u64) {
            return Ok(None);
        }
        let mut begun = BytesMut::new();
        while let Some(piece) = self.next().await? {
            begun.extend_from_slice(&piece);
            if begun.len() > bound {
                self.begun = begun.freeze();
                return Ok(None);
            }
        }
        Ok(Some(begun.freeze()))
    }
}
