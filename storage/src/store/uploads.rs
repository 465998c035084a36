//! Content whose octets come one after the other, and never stand in memory as a whole.
//!
//! A blob is known by the hash of its octets, which is known when the last of them is there. Until then they
//! are a draft, of which nothing is left where the upload breaks off; each octet is written once.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{
    Store,
    blobs::{MAXIMUM_BLOB_OCTETS, WINDOW_OCTETS},
};
use crate::{backend::CommitError, blob_files::BlobDraft, model::Content};

/// An upload on its way. Dropped, it leaves nothing behind.
pub struct Upload {
    hasher: blake3::Hasher,
    pub(super) length: u64,
    /// Octets that are not written yet: at most a window.
    pending: BytesMut,
    /// Begun when there is more than that.
    draft: Option<Box<dyn BlobDraft>>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut upload = formatter.debug_struct("Upload");
        upload.field("length", &self.length).finish_non_exhaustive()
    }
}

impl Upload {
    /// The octets that came so far.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Store {
    /// Begins an upload. Nothing is written until there is much to write.
    pub fn begin_upload(&self) -> Upload {
        Upload {
            hasher: blake3::Hasher::new(),
            length: 0,
            pending: BytesMut::new(),
            draft: None,
        }
    }

    /// Takes more octets, and writes those that fill a window.
    ///
    /// # Errors
    ///
    /// [`CommitError::Limit`] above [`MAXIMUM_BLOB_OCTETS`]. After any error the upload is to be dropped.
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
        let mut draft = match upload.draft.take() {
            Some(draft) => draft,
            None => self.begin_blob().await?,
        };
        draft.write(window).await?;
        upload.draft = Some(draft);
        Ok(())
    }

    /// Makes content of what came, durable when this returns, as [`Store::write_blob`] does of octets
    /// that are there.
    pub async fn finish_upload(
        &self,
        upload: Upload,
    ) -> Result<(Content, blake3::Hash), CommitError> {
        let hash = upload.hasher.finalize();
        if upload.draft.is_none() {
            let content = self.write_blob(upload.pending.freeze()).await?;
            return Ok((content, hash));
        }
        let (hash_octets, length) = self.finish_attachment(upload).await?;
        let content = Content::Blob {
            hash: hash_octets,
            length,
        };
        Ok((content, hash))
    }

    /// The same of what many objects may refer to: a blob, however small. Its hash and its length.
    pub async fn finish_attachment(
        &self,
        mut upload: Upload,
    ) -> Result<([u8; 32], u64), CommitError> {
        let hash = *upload.hasher.finalize().as_bytes();
        let length = upload.length;
        match upload.draft.take() {
            None => drop(self.write_ahead(upload.pending.freeze()).await?),
            // What is there need not be written to its end.
            Some(draft) if self.has_blob(&hash).await? => drop(draft),
            Some(mut draft) => {
                if !upload.pending.is_empty() {
                    draft.write(upload.pending.freeze()).await?;
                }
                self.finish_blob(draft, hash, length).await?;
            }
        }
        Ok((hash, length))
    }
}
