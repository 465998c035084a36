//! A blob read piece by piece.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Store, record};
use crate::{backend::ReadError, blob_files::BlobName};

/// How many octets of a file are read at once.
const READ_OCTETS: u64 = 256 * 1024;

/// The octets of a blob, or a part of them, one piece after the other.
///
/// Each piece is verified by the backend, and has the length that it must have. Where all of the blob is
/// read its hash is verified, too, before the last piece is given out: what is damaged never comes to its
/// end.
pub struct BlobReader {
    store: Store,
    hash: [u8; 32],
    /// Where the octets stand, once that is known.
    place: Option<Place>,
    blob_length: u64,
    /// The next octet to be given out, and the end.
    position: u64,
    end: u64,
    /// Present where all of it is read.
    hasher: Option<Box<blake3::Hasher>>,
    ready: VecDeque<Bytes>,
}

#[derive(Clone, Copy)]
enum Place {
    Rows([u8; 32]),
    File(BlobName),
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
    /// [`ReadError::Corrupt`] where something of it is missing or damaged.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.ready.is_empty() && self.position < self.end {
            self.read().await?;
        }
        Ok(self.ready.pop_front())
    }

    async fn read(&mut self) -> Result<(), ReadError> {
        let place = match self.place {
            Some(place) => place,
            None => self.find().await?,
        };
        self.place = Some(place);
        let wanted = (self.position, self.end);
        let read = match place {
            Place::Rows(place) => {
                let length = self.blob_length;
                self.store.read_pieces(&place, length, wanted).await?
            }
            Place::File(name) => {
                let count = (self.end - self.position).min(READ_OCTETS) as usize;
                let files = self.store.backend().blobs();
                let read = files.read(name, self.blob_length, self.position, count);
                vec![read.await?]
            }
        };
        for octets in read {
            self.position += octets.len() as u64;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&octets);
            }
            self.ready.push_back(octets);
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

    /// Where the octets stand. Where the header is lost they are found under the hash, or else not at all.
    async fn find(&self) -> Result<Place, ReadError> {
        let hash = self.hash;
        let header = match self.store.blob(&hash).await {
            Ok(header) => header,
            Err(ReadError::Corrupt(_)) => None,
            Err(error) => return Err(error),
        };
        let known = header.map(|header| (header.value.file(&hash), header.value.rows(&hash)));
        match known {
            Some((Some(name), _)) => return Ok(Place::File(name)),
            Some((None, Some(place))) => return Ok(Place::Rows(place)),
            Some((None, None)) | None => {}
        }
        let mut files = self.store.backend().blobs().find(hash).await?;
        files.retain(|file| file.length == Some(self.blob_length));
        Ok(match files.first() {
            Some(file) => Place::File(file.name),
            None => Place::Rows(hash),
        })
    }
}
