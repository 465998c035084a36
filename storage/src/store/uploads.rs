//! Content whose octets come one after the other, and never stand in memory as a whole.
//!
//! A blob is known by the hash of its octets, which is known when the last of them is there. So an upload
//! first stands in a place drawn at random, as a blob that is not complete. When it is finished, one small
//! commit puts the header under the hash; the pieces stay where they are, and the header says where. Every
//! octet is written once. What breaks off is swept like any blob that nothing refers to.

use bytes::{Bytes, BytesMut};

use super::{
    BlobReader, Store,
    blobs::{MAXIMUM_BLOB_OCTETS, WINDOW_OCTETS, WRITE_ATTEMPTS, pieces},
    keys,
    record::{self, BlobRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Expect, Operation},
    model::Content,
};

/// An upload on its way.
#[derive(Debug)]
pub struct Upload {
    /// What stands for the hash until that is known, and where the pieces stand.
    place: [u8; 32],
    /// The header's row as written last; 0 before the first piece.
    revision: Revision,
    hasher: blake3::Hasher,
    pub(super) length: u64,
    /// Octets that are not written yet: never more than one commit carries.
    pending: BytesMut,
    /// How many pieces are written.
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
            pieces_under: None,
        }
    }
}

impl Store {
    /// Begins an upload. Nothing is written until there is much to write.
    pub fn begin_upload(&self) -> Upload {
        let mut place = [0; 32];
        let (low, high) = place.split_at_mut(16);
        low.copy_from_slice(&self.environment().random_u128().to_be_bytes());
        high.copy_from_slice(&self.environment().random_u128().to_be_bytes());
        Upload {
            place,
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
        let pieces = pieces(&upload.place, upload.pieces, &window);
        upload.pieces = upload.pieces.saturating_add(pieces.len() as u32);
        let header = upload.header(self.environment().clock.now());
        upload.revision = self
            .write_header(&upload.place, upload.revision, &header, pieces)
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
        self.claim_pieces(&upload, hash.as_bytes()).await?;
        let content = Content::Blob {
            hash: *hash.as_bytes(),
            length: upload.length,
        };
        Ok((content, hash))
    }

    /// The same of what many objects may refer to: a blob, however small. Its hash and its length.
    pub async fn finish_attachment(
        &self,
        mut upload: Upload,
    ) -> Result<([u8; 32], u64), CommitError> {
        let hash = *upload.hasher.finalize().as_bytes();
        if upload.pieces == 0 {
            self.write_ahead(upload.pending.split().freeze()).await?;
        } else {
            self.claim_pieces(&upload, &hash).await?;
        }
        Ok((hash, upload.length))
    }

    /// Makes what an upload wrote, with the octets still to be written, the blob of this hash, unless that
    /// is there.
    async fn claim_pieces(&self, upload: &Upload, hash: &[u8; 32]) -> Result<(), CommitError> {
        for _ in 1..WRITE_ATTEMPTS {
            match self.try_claim_pieces(upload, hash).await {
                Err(CommitError::Conflict(_)) => {}
                claimed => return claimed,
            }
        }
        self.try_claim_pieces(upload, hash).await
    }

    async fn try_claim_pieces(&self, upload: &Upload, hash: &[u8; 32]) -> Result<(), CommitError> {
        match self.blob(hash).await? {
            Some(before) if before.value.complete => {
                self.refresh(hash, &before).await?;
                return self.remove_upload(upload).await;
            }
            // Somebody began to write or to remove it: what came is whole, and takes its place.
            Some(before) => drop(self.remove_blob(hash, &before).await?),
            None => {}
        }
        let expect = vec![
            Expect::Absent(keys::blob(hash)),
            Expect::Revision(keys::blob(&upload.place), upload.revision),
        ];
        let header = BlobRecord {
            complete: true,
            pieces_under: Some(upload.place),
            ..upload.header(self.environment().clock.now())
        };
        let mut operations = pieces(
            &upload.place,
            upload.pieces,
            &upload.pending.clone().freeze(),
        );
        operations.extend([
            Operation::Put(keys::blob(hash), record::encode(&header)),
            Operation::Put(keys::blob_place(&upload.place), record::encode(hash)),
            Operation::Delete(keys::blob(&upload.place)),
        ]);
        self.commit_rows(expect, operations).await.map(drop)
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
        self.remove_blob(&upload.place, &header).await.map(drop)
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
