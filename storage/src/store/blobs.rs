//! Content too large for a row: written ahead in pieces under its hash, referred to by a small commit,
//! and taken away by a sweeper when nothing refers to it.
//!
//! The header is written first and marked complete last. Each write of a piece expects the header as
//! the writer knows it, so a writer and the sweeper never work on one blob at the same time.

use std::ops::Bound;

use bytes::{Bytes, BytesMut};

use super::{
    Batch, Store, keys,
    record::{self, BlobRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{
        CommitError, Entry, Expect, KeyRange, MAXIMUM_VALUE_OCTETS, Operation, Page, ReadError,
    },
    model::{Content, INLINE_CONTENT_OCTETS},
};

/// The octets of one piece.
pub(super) const CHUNK_OCTETS: usize = MAXIMUM_VALUE_OCTETS;
/// How many pieces are written in one commit, and read at once.
pub(super) const CHUNKS_AT_ONCE: usize = 15;
/// The largest blob: its pieces have 32-bit numbers. How large a file may be is the desk's to say.
pub const MAXIMUM_BLOB_OCTETS: u64 = CHUNK_OCTETS as u64 * u32::MAX as u64;
/// The largest content that is ever held in memory as a whole.
pub(super) const MAXIMUM_WHOLE_OCTETS: usize = 256 * 1024 * 1024;
/// Pieces removed in one commit.
const PIECES_REMOVED_AT_ONCE: u32 = 500;
/// A header older than this is written again by the next writer, long before a sweeper may come.
const REFRESH_MILLISECONDS: i64 = 60 * 60 * 1000;
/// How often a writer begins again when another one or the sweeper was faster.
const WRITE_ATTEMPTS: usize = 8;

/// Where the pieces of a blob come from.
pub(super) enum Pieces<'a> {
    /// Out of memory.
    Octets(&'a Bytes),
    /// From under another key, so many octets.
    Under(&'a [u8; 32], u64),
}

impl Pieces<'_> {
    fn length(&self) -> u64 {
        match self {
            Pieces::Octets(octets) => octets.len() as u64,
            Pieces::Under(_, length) => *length,
        }
    }
}

impl Store {
    /// The octets of an object, from its row or its blob.
    ///
    /// # Errors
    ///
    /// [`ReadError::Corrupt`] where the blob's octets do not have the blob's hash, or are more than are ever
    /// held in memory: those are read by [`Store::read_blob`].
    pub async fn content(&self, content: &Content) -> Result<Bytes, ReadError> {
        let (hash, length) = match content {
            Content::Inline(octets) => return Ok(octets.clone()),
            Content::Blob { hash, length } => (hash, *length),
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAXIMUM_WHOLE_OCTETS);
        let length = length.ok_or_else(|| record::corrupt("blob", "its length is impossible"))?;
        let mut octets = BytesMut::with_capacity(length);
        let chunks: Vec<u32> = (0..length.div_ceil(CHUNK_OCTETS) as u32).collect();
        for numbers in chunks.chunks(CHUNKS_AT_ONCE) {
            let keys: Vec<_> = numbers
                .iter()
                .map(|number| keys::blob_chunk(hash, *number))
                .collect();
            for chunk in self.backend().get_many(&keys).await? {
                let chunk = chunk.ok_or_else(|| record::corrupt("blob", "a piece is missing"))?;
                octets.extend_from_slice(&chunk.value);
            }
        }
        if octets.len() != length || blake3::hash(&octets).as_bytes() != hash {
            return Err(record::corrupt("blob", "its octets do not have its hash"));
        }
        Ok(octets.freeze())
    }

    /// Makes content of octets: those that fit stay in the object's row, others are written ahead of
    /// the commit that refers to them, durable when this returns. What no commit refers to within a
    /// day is swept away.
    ///
    /// # Errors
    ///
    /// [`CommitError::Limit`] above 256 MiB: what is larger is uploaded (see [`Store::begin_upload`]).
    pub async fn write_blob(&self, octets: Bytes) -> Result<Content, CommitError> {
        self.write_blob_beside(octets, 0).await
    }

    /// The same of octets in whose row other things take up so much room.
    pub async fn write_blob_beside(
        &self,
        octets: Bytes,
        beside: usize,
    ) -> Result<Content, CommitError> {
        if octets.len().saturating_add(beside) <= INLINE_CONTENT_OCTETS {
            return Ok(Content::Inline(octets));
        }
        if octets.len() > MAXIMUM_WHOLE_OCTETS {
            return Err(CommitError::Limit("octets of one blob"));
        }
        self.write_ahead(octets).await
    }

    /// Writes a blob, however small.
    pub(super) async fn write_ahead(&self, octets: Bytes) -> Result<Content, CommitError> {
        let hash = *blake3::hash(&octets).as_bytes();
        self.write_pieces(&hash, &Pieces::Octets(&octets)).await
    }

    /// Writes the pieces of a blob under its hash, unless they are there.
    pub(super) async fn write_pieces(
        &self,
        hash: &[u8; 32],
        pieces: &Pieces<'_>,
    ) -> Result<Content, CommitError> {
        for _ in 1..WRITE_ATTEMPTS {
            match self.try_write_pieces(hash, pieces).await {
                Err(CommitError::Conflict(_)) => {}
                answer => return answer,
            }
        }
        self.try_write_pieces(hash, pieces).await
    }

    async fn try_write_pieces(
        &self,
        hash: &[u8; 32],
        pieces: &Pieces<'_>,
    ) -> Result<Content, CommitError> {
        let length = pieces.length();
        let content = Content::Blob {
            hash: *hash,
            length,
        };
        let before = self.blob(hash).await?;
        let now = self.environment().clock.now();
        let complete = before.as_ref().is_some_and(|header| header.complete);
        let fresh = before
            .as_ref()
            .is_some_and(|header| now.0 - header.written.0 < REFRESH_MILLISECONDS);
        if complete && fresh {
            return Ok(content);
        }
        let before = before.map_or(Revision(0), |header| header.revision);
        let header = BlobRecord {
            length,
            written: now,
            complete,
        };
        let mut revision = self.write_header(hash, before, &header, Vec::new()).await?;
        if complete {
            return Ok(content);
        }
        let count = length.div_ceil(CHUNK_OCTETS as u64) as u32;
        for first in (0..count).step_by(CHUNKS_AT_ONCE) {
            let numbers: Vec<u32> = (first..count).take(CHUNKS_AT_ONCE).collect();
            let values = self.pieces(pieces, &numbers).await?;
            let operations = numbers.iter().zip(values);
            let operations = operations
                .map(|(number, value)| Operation::Put(keys::blob_chunk(hash, *number), value));
            revision = self
                .write_header(hash, revision, &header, operations.collect())
                .await?;
        }
        let header = BlobRecord {
            complete: true,
            ..header
        };
        self.write_header(hash, revision, &header, Vec::new())
            .await?;
        Ok(content)
    }

    async fn pieces(&self, pieces: &Pieces<'_>, numbers: &[u32]) -> Result<Vec<Bytes>, ReadError> {
        let key = match pieces {
            Pieces::Under(key, _) => key,
            Pieces::Octets(octets) => {
                let piece = |number: &u32| {
                    let start = *number as usize * CHUNK_OCTETS;
                    octets.slice(start..octets.len().min(start + CHUNK_OCTETS))
                };
                return Ok(numbers.iter().map(piece).collect());
            }
        };
        let keys: Vec<_> = numbers
            .iter()
            .map(|number| keys::blob_chunk(key, *number))
            .collect();
        let entries = self.backend().get_many(&keys).await?;
        let value = |entry: Option<Entry>| {
            entry
                .map(|entry| entry.value)
                .ok_or_else(|| record::corrupt("blob", "a piece is missing"))
        };
        entries.into_iter().map(value).collect()
    }

    /// Commits a blob's header together with pieces, if the header is as this writer knows it.
    pub(super) async fn write_header(
        &self,
        hash: &[u8; 32],
        before: Revision,
        header: &BlobRecord,
        mut operations: Vec<Operation>,
    ) -> Result<Revision, CommitError> {
        let mut batch = Batch::default();
        batch.expect_row(keys::blob(hash), before);
        operations.push(Operation::Put(keys::blob(hash), record::encode(header)));
        Ok(self.commit_rows(batch.expect, operations).await?.revision)
    }

    async fn blob(&self, hash: &[u8; 32]) -> Result<Option<Stored<BlobRecord>>, ReadError> {
        let entry = self.backend().get(&keys::blob(hash)).await?;
        entry
            .map(|entry| record::stored(&entry, "blob"))
            .transpose()
    }

    /// Makes the commit of a batch conflict where a blob that it refers to is not there (any more):
    /// the next round writes it again.
    pub(super) async fn expect_blobs(&self, batch: &mut Batch) -> Result<(), CommitError> {
        let keys: Vec<_> = batch.blobs.iter().map(keys::blob).collect();
        if keys.is_empty() {
            return Ok(());
        }
        for (key, entry) in keys.iter().zip(self.backend().get_many(&keys).await?) {
            let header = entry
                .as_ref()
                .map(|entry| record::stored::<BlobRecord>(entry, "blob"))
                .transpose()?;
            match header {
                Some(header) if header.complete => {
                    batch
                        .expect
                        .push(Expect::Revision(key.clone(), header.revision));
                }
                _ => return Err(CommitError::Conflict(batch.expect.len())),
            }
        }
        Ok(())
    }

    /// Removes blobs that were written before `older_than` and that nothing refers to: one page of
    /// `rows` blobs behind `after`. Returns how many were removed, and where to go on.
    pub async fn sweep_blobs(
        &self,
        older_than: Timestamp,
        after: Option<[u8; 32]>,
        rows: usize,
    ) -> Result<(usize, Option<[u8; 32]>), CommitError> {
        let range = KeyRange::prefix(keys::blobs());
        let range = match after {
            Some(hash) => range.beyond(&keys::blob(&hash), false),
            None => range,
        };
        let page = self
            .backend()
            .scan(
                range,
                Page {
                    rows,
                    octets: usize::MAX,
                    reverse: false,
                },
            )
            .await?;
        let mut removed = 0;
        let mut last = None;
        for (key, entry) in &page.rows {
            let hash =
                keys::blob_hash(key).ok_or_else(|| record::corrupt("blob", "its key is odd"))?;
            let header: Stored<BlobRecord> = record::stored(entry, "blob")?;
            if header.written < older_than && self.remove_blob(&hash, &header).await? {
                removed += 1;
            }
            last = Some(hash);
        }
        Ok((removed, last.filter(|_| page.more)))
    }

    /// Removes a blob, unless something refers to it or somebody writes it. Broken off, it is a blob that
    /// is not complete, which is swept like any other that nothing refers to.
    pub(super) async fn remove_blob(
        &self,
        hash: &[u8; 32],
        header: &Stored<BlobRecord>,
    ) -> Result<bool, CommitError> {
        match self.try_remove_blob(hash, header).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The last pieces go first, so that a look at what is left finds pieces from the first on.
    async fn try_remove_blob(
        &self,
        hash: &[u8; 32],
        header: &Stored<BlobRecord>,
    ) -> Result<(), CommitError> {
        let unreferenced = Expect::RangeEmpty(KeyRange::prefix(keys::blob_references(hash)));
        let leaving = BlobRecord {
            complete: false,
            ..header.value.clone()
        };
        let mut revision = header.revision;
        loop {
            let last = Page {
                rows: 1,
                octets: usize::MAX,
                reverse: true,
            };
            let mut pieces = KeyRange::prefix(keys::blob_chunks(hash));
            let last = self.backend().scan(pieces.clone(), last).await?.rows.pop();
            let number = last.and_then(|(key, _)| keys::blob_chunk_number(&key));
            let first = (number.unwrap_or(0) + 1).saturating_sub(PIECES_REMOVED_AT_ONCE);
            let more = first > 0;
            if more {
                pieces.start = Bound::Included(keys::blob_chunk(hash, first));
            }
            let operations = vec![
                Operation::DeleteRange(pieces),
                match more {
                    true => Operation::Put(keys::blob(hash), record::encode(&leaving)),
                    false => Operation::Delete(keys::blob(hash)),
                },
            ];
            let expect = vec![
                Expect::Revision(keys::blob(hash), revision),
                unreferenced.clone(),
            ];
            revision = self.commit_rows(expect, operations).await?.revision;
            if !more {
                return Ok(());
            }
        }
    }
}
