//! Content too large for a row: written ahead in pieces, referred to by a small commit, and taken away by a
//! sweeper when nothing refers to it.
//!
//! A blob's header stands under the hash of its octets. So do its pieces, unless they were there before
//! the hash was known (see [`super::uploads`]): then the header says in which other place they stand, and
//! a row of that place says whose they are. The place is the blob's for as long as the header is there.
//!
//! The header comes with the first pieces, and is marked complete with the last. Each write of a piece
//! expects the header as the writer knows it, so a writer and the sweeper never work on one blob at the
//! same time.

use std::ops::Bound;

use bytes::{Bytes, BytesMut};

use super::{
    Batch, Store, keys,
    record::{self, BlobRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Expect, KeyRange, MAXIMUM_VALUE_OCTETS, Operation, Page, ReadError},
    model::{Content, INLINE_CONTENT_OCTETS},
};

/// The octets of one piece.
pub(super) const CHUNK_OCTETS: usize = MAXIMUM_VALUE_OCTETS;
/// How many pieces are written in one commit, and read at once.
const CHUNKS_AT_ONCE: usize = 15;
/// What one commit carries of a blob.
pub(super) const WINDOW_OCTETS: usize = CHUNK_OCTETS * CHUNKS_AT_ONCE;
/// The largest blob: its pieces have 32-bit numbers. How large a file may be is the desk's to say.
pub const MAXIMUM_BLOB_OCTETS: u64 = CHUNK_OCTETS as u64 * u32::MAX as u64;
/// The largest content that is ever held in memory as a whole.
pub(super) const MAXIMUM_WHOLE_OCTETS: usize = 256 * 1024 * 1024;
/// Pieces removed in one commit.
const PIECES_REMOVED_AT_ONCE: u32 = 500;
/// A header older than this is written again by the next writer, long before a sweeper may come.
const REFRESH_MILLISECONDS: i64 = 60 * 60 * 1000;
/// How often a writer begins again when another one or the sweeper was faster.
pub(super) const WRITE_ATTEMPTS: usize = 8;

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
        let place = self.place_of_pieces(hash).await?;
        let mut octets = BytesMut::with_capacity(length);
        let chunks: Vec<u32> = (0..length.div_ceil(CHUNK_OCTETS) as u32).collect();
        for numbers in chunks.chunks(CHUNKS_AT_ONCE) {
            let keys: Vec<_> = numbers
                .iter()
                .map(|number| keys::blob_chunk(&place, *number))
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

    /// Writes a blob, however small, unless it is there.
    pub(super) async fn write_ahead(&self, octets: Bytes) -> Result<Content, CommitError> {
        let hash = *blake3::hash(&octets).as_bytes();
        let content = Content::Blob {
            hash,
            length: octets.len() as u64,
        };
        for _ in 1..WRITE_ATTEMPTS {
            match self.try_write_ahead(&hash, &octets).await {
                Err(CommitError::Conflict(_)) => {}
                written => return written.map(|()| content),
            }
        }
        self.try_write_ahead(&hash, &octets).await.map(|()| content)
    }

    async fn try_write_ahead(&self, hash: &[u8; 32], octets: &Bytes) -> Result<(), CommitError> {
        let before = self.blob(hash).await?;
        if let Some(before) = before.as_ref().filter(|before| before.value.complete) {
            return self.refresh(hash, before).await;
        }
        let mut header = BlobRecord {
            length: octets.len() as u64,
            written: self.environment().clock.now(),
            complete: false,
            pieces_under: before.as_ref().and_then(|before| before.value.pieces_under),
        };
        let mut revision = before.map_or(Revision(0), |before| before.revision);
        let place = header.place(hash);
        let windows = octets.len().div_ceil(WINDOW_OCTETS).max(1);
        for number in 0..windows {
            let start = number * WINDOW_OCTETS;
            let window = octets.slice(start..octets.len().min(start + WINDOW_OCTETS));
            let pieces = pieces(&place, (number * CHUNKS_AT_ONCE) as u32, &window);
            header.complete = number + 1 == windows;
            revision = self.write_header(hash, revision, &header, pieces).await?;
        }
        Ok(())
    }

    /// Lets a complete blob count as written now, if it may come to be swept otherwise.
    pub(super) async fn refresh(
        &self,
        hash: &[u8; 32],
        before: &Stored<BlobRecord>,
    ) -> Result<(), CommitError> {
        let now = self.environment().clock.now();
        if now.0 - before.value.written.0 < REFRESH_MILLISECONDS {
            return Ok(());
        }
        let header = BlobRecord {
            written: now,
            ..before.value.clone()
        };
        self.write_header(hash, before.revision, &header, Vec::new())
            .await
            .map(drop)
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

    pub(super) async fn blob(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<Stored<BlobRecord>>, ReadError> {
        let entry = self.backend().get(&keys::blob(hash)).await?;
        entry
            .map(|entry| record::stored(&entry, "blob"))
            .transpose()
    }

    /// Where a blob's pieces stand. Where its header is lost, most are found under its hash.
    pub(super) async fn place_of_pieces(&self, hash: &[u8; 32]) -> Result<[u8; 32], ReadError> {
        match self.blob(hash).await {
            Ok(Some(header)) => Ok(header.value.place(hash)),
            Ok(None) | Err(ReadError::Corrupt(_)) => Ok(*hash),
            Err(error) => Err(error),
        }
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
        let place = header.value.place(hash);
        let mut revision = header.revision;
        loop {
            let last = Page {
                rows: 1,
                octets: usize::MAX,
                reverse: true,
            };
            let mut pieces = KeyRange::prefix(keys::blob_chunks(&place));
            let last = self.backend().scan(pieces.clone(), last).await?.rows.pop();
            let number = last.and_then(|(key, _)| keys::blob_chunk_number(&key));
            let first = (number.unwrap_or(0) + 1).saturating_sub(PIECES_REMOVED_AT_ONCE);
            let more = first > 0;
            if more {
                pieces.start = Bound::Included(keys::blob_chunk(&place, first));
            }
            let mut operations = vec![Operation::DeleteRange(pieces)];
            if more {
                operations.push(Operation::Put(keys::blob(hash), record::encode(&leaving)));
            } else {
                operations.push(Operation::Delete(keys::blob(hash)));
                let place = leaving.pieces_under.as_ref().map(keys::blob_place);
                operations.extend(place.map(Operation::Delete));
            }
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

/// Writes what is at most a window as pieces from the number `first` on.
pub(super) fn pieces(place: &[u8; 32], first: u32, window: &Bytes) -> Vec<Operation> {
    let pieces = window.chunks(CHUNK_OCTETS).zip(first..);
    pieces
        .map(|(piece, number)| {
            Operation::Put(keys::blob_chunk(place, number), window.slice_ref(piece))
        })
        .collect()
}
