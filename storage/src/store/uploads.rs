//! Content whose octets come one after the other, and never stand in memory as a whole.
//!
//! A blob's rows are keyed by the hash of its octets, which is known when the last of them is there. So
//! an upload first stands under a key drawn at random, as a blob that is not complete; then its pieces go
//! over to their hash, unless that is there already. What breaks off is swept like any blob that nothing
//! refers to.

use bytes::{Bytes, BytesMut};

use super::{
    BlobReader, Store,
    blobs::{CHUNK_OCTETS, CHUNKS_AT_ONCE, MAXIMUM_BLOB_OCTETS, Pieces},
    keys,
    record::BlobRecord,
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Operation},
    model::Content,
};

/// What one commit of an upload carries, and what an upload keeps in memory.
const WINDOW_OCTETS: usize = CHUNK_OCTETS * CHUNKS_AT_ONCE;

/// An upload on its way.
#[derive(Debug)]
pub struct Upload {
    /// The key that stands for the hash until that is known.
    key: [u8; 32],
    /// The header's row as written last; 0 before the first piece.
    revision: Revision,
    hasher: blake3::Hasher,
    pub(super) length: u64,
    /// Octets that are not written yet.
    pending: BytesMut,
    pieces: u32,
}

impl Upload {
    /// The octets that came so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn header(&self, now: Timestamp) -> BlobRecord {
        BlobRecord {
            length: self.length,
            written: now,
            complete: false,
        }
    }
}

impl Store {
    /// Begins an upload. Nothing is written until there is much to write.
    pub fn begin_upload(&self) -> Upload {
        let mut key = [0; 32];
        let (low, high) = key.split_at_mut(16);
        low.copy_from_slice(&self.environment().random_u128().to_be_bytes());
        high.copy_from_slice(&self.environment().random_u128().to_be_bytes());
        Upload {
            key,
            revision: Revision(0),
            hasher: blake3::Hasher::new(),
            length: 0,
            pending: BytesMut::new(),
            pieces: 0,
        }
    }

    /// Takes more octets, and writes those that fill a commit.
    ///
    /// # Errors
    ///
    /// [`CommitError::Limit`] above [`MAXIMUM_BLOB_OCTETS`]; [`CommitError::Conflict`] where the sweeper took
    /// it.
    pub async fn continue_upload(
        &self,
        upload: &mut Upload,
        mut octets: Bytes,
    ) -> Result<(), CommitError> {
        upload.length += octets.len() as u64;
        if upload.length > MAXIMUM_BLOB_OCTETS {
            return Err(CommitError::Limit("octets of one blob"));
        }
        upload.hasher.update(&octets);
        while !octets.is_empty() {
            let room = WINDOW_OCTETS - upload.pending.len();
            let part = octets.split_to(octets.len().min(room));
            upload.pending.extend_from_slice(&part);
            if upload.pending.len() == WINDOW_OCTETS {
                self.write_window(upload).await?;
            }
        }
        Ok(())
    }

    async fn write_window(&self, upload: &mut Upload) -> Result<(), CommitError> {
        let window = std::mem::take(&mut upload.pending).freeze();
        let first = upload.pieces;
        let pieces = window.chunks(CHUNK_OCTETS).zip(first..);
        let operations: Vec<_> = pieces
            .map(|(piece, number)| {
                let key = keys::blob_chunk(&upload.key, number);
                Operation::Put(key, window.slice_ref(piece))
            })
            .collect();
        upload.pieces = first.saturating_add(operations.len() as u32);
        let header = upload.header(self.environment().clock.now());
        upload.revision = self
            .write_header(&upload.key, upload.revision, &header, operations)
            .await?;
        Ok(())
    }

    /// Makes content of what came, durable when this returns, as [`Store::write_blob`] does of octets
    /// that are there.
    pub async fn finish_upload(
        &self,
        upload: Upload,
    ) -> Result<(Content, blake3::Hash), CommitError> {
        let hash = upload.hasher.finalize();
        if upload.pieces == 0 {
            let content = self.write_blob(upload.pending.freeze()).await?;
            return Ok((content, hash));
        }
        self.finish_pieces(upload, hash).await
    }

    /// The same of what many objects may refer to: a blob, however small. Its hash and its length.
    pub async fn finish_attachment(
        &self,
        mut upload: Upload,
    ) -> Result<([u8; 32], u64), CommitError> {
        let (hash, length) = (upload.hasher.finalize(), upload.length);
        if upload.pieces == 0 {
            self.write_ahead(upload.pending.split().freeze()).await?;
        } else {
            self.finish_pieces(upload, hash).await?;
        }
        Ok((*hash.as_bytes(), length))
    }

    async fn finish_pieces(
        &self,
        mut upload: Upload,
        hash: blake3::Hash,
    ) -> Result<(Content, blake3::Hash), CommitError> {
        if !upload.pending.is_empty() {
            self.write_window(&mut upload).await?;
        }
        let pieces = Pieces::Under(&upload.key, upload.length);
        let content = self.write_pieces(hash.as_bytes(), &pieces).await?;
        self.remove_upload(&upload).await?;
        Ok((content, hash))
    }

    /// Removes what an upload wrote so far.
    pub async fn abandon_upload(&self, upload: Upload) -> Result<(), CommitError> {
        match upload.revision {
            Revision(0) => Ok(()),
            _ => self.remove_upload(&upload).await,
        }
    }

    async fn remove_upload(&self, upload: &Upload) -> Result<(), CommitError> {
        let header = Stored {
            value: upload.header(self.environment().clock.now()),
            revision: upload.revision,
        };
        // Where it is not there any more, the sweeper was faster.
        self.remove_blob(&upload.key, &header).await.map(drop)
    }

    /// Reads the octets of a blob from `start` on, `length` of them, piece by piece.
    pub fn read_blob(
        &self,
        hash: [u8; 32],
        blob_length: u64,
        start: u64,
        length: u64,
    ) -> BlobReader {
        BlobReader::new(self.clone(), hash, blob_length, start, length)
    }
}
