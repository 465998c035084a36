//! A blob read piece by piece.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Store, blobs::CHUNK_OCTETS, keys, record};
use crate::backend::ReadError;

/// Pieces read at once.
const PIECES_AT_ONCE: u64 = 4;

/// The octets of a blob, or a part of them, one piece after the other.
///
/// Each piece is verified by the backend, and has the length that it must have. Where all of the blob is
/// read its hash is verified, too, before the last piece is given out: what is damaged never comes to its
/// end.
pub struct BlobReader {
    store: Store,
    hash: [u8; 32],
    /// Where the pieces stand, once that is known.
    place: Option<[u8; 32]>,
    blob_length: u64,
    /// The next octet to be given out, and the end.
    position: u64,
    end: u64,
    /// Present where all of it is read.
    hasher: Option<Box<blake3::Hasher>>,
    ready: VecDeque<Bytes>,
}

impl BlobReader {
    pub(super) fn new(
        store: Store,
        hash: [u8; 32],
        blob_length: u64,
        start: u64,
        length: u64,
    ) -> BlobReader {
        let start = start.min(blob_length);
        let end = start.saturating_add(length).min(blob_length);
        let is_whole = start == 0 && end == blob_length;
        BlobReader {
            store,
            hash,
            place: None,
            blob_length,
            position: start,
            end,
            hasher: is_whole.then(Box::default),
            ready: VecDeque::new(),
        }
    }

    /// The next octets; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`ReadError::Corrupt`] where a piece is missing or damaged.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.ready.is_empty() && self.position < self.end {
            self.read().await?;
        }
        Ok(self.ready.pop_front())
    }

    async fn read(&mut self) -> Result<(), ReadError> {
        let place = match self.place {
            Some(place) => place,
            None => self.store.place_of_pieces(&self.hash).await?,
        };
        self.place = Some(place);
        let piece_octets = CHUNK_OCTETS as u64;
        let first = self.position / piece_octets;
        let last = self.end.div_ceil(piece_octets).min(first + PIECES_AT_ONCE);
        let number = |it: u64| {
            u32::try_from(it).map_err(|_| record::corrupt("blob", "its length is impossible"))
        };
        let mut wanted = Vec::new();
        for piece in first..last {
            wanted.push(keys::blob_chunk(&place, number(piece)?));
        }
        let entries = self.store.backend().get_many(&wanted).await?;
        for (piece, entry) in (first..last).zip(entries) {
            let entry = entry.ok_or_else(|| record::corrupt("blob", "a piece is missing"))?;
            let begin = piece * piece_octets;
            let whole = (self.blob_length - begin).min(piece_octets);
            if entry.value.len() as u64 != whole {
                return Err(record::corrupt("blob", "a piece has another length"));
            }
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&entry.value);
            }
            let from = (self.position - begin) as usize;
            let to = (self.end - begin).min(whole) as usize;
            self.ready.push_back(entry.value.slice(from..to));
            self.position = begin + to as u64;
        }
        if self.position == self.end
            && let Some(hasher) = &self.hasher
            && hasher.finalize().as_bytes() != &self.hash
        {
            self.ready.clear();
            return Err(record::corrupt("blob", "its octets do not have its hash"));
        }
        Ok(())
    }
}
