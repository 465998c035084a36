//! Content too large for a row: written ahead into a file, referred to by a small commit, and taken away by a
//! sweeper when nothing refers to it.
//!
//! A blob's header stands under the hash of its octets and says where they are (see
//! [`crate::blob_files`]). It comes when all of them are durable, and goes before they do; so it never
//! promises what is not there. A file without a header is left over, from a process that was killed in
//! between, or because it could not be removed; it goes with the next sweep.
//!
//! Until format 4 the octets stood in rows (see [`super::blob_rows`]), which are read and swept for ever.

use bytes::Bytes;

use super::{
    Batch, BlobReader, Store, keys,
    record::{self, BlobPlace, BlobRecord},
};
use crate::{
    Revision, Stored, Timestamp,
    backend::{CommitError, Expect, KeyRange, Operation, Page, ReadError},
    blob_files::{BlobDraft, BlobName, FinishedBlob},
    model::{Content, INLINE_CONTENT_OCTETS},
};

/// How many octets of a blob are written at once.
pub(super) const WINDOW_OCTETS: usize = 512 * 1024;
/// The largest blob. How large a file may be is the desk's to say.
pub const MAXIMUM_BLOB_OCTETS: u64 = 1 << 46;
/// The largest content that is ever held in memory as a whole.
pub(super) const MAXIMUM_WHOLE_OCTETS: usize = 256 * 1024 * 1024;
/// A header older than this is written again by the next writer, long before a sweeper may come.
const REFRESH_MILLISECONDS: i64 = 60 * 60 * 1000;
/// How often a writer begins again when another one or the sweeper was faster.
const WRITE_ATTEMPTS: usize = 8;

/// Octets that became a blob, whose header is to be written.
struct Written {
    blob: FinishedBlob,
    length: u64,
}

/// What became of octets that were written.
enum Claimed {
    /// The blob has them.
    Taken,
    /// It had them already.
    NotNeeded,
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
        let whole = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAXIMUM_WHOLE_OCTETS);
        let whole = whole.ok_or_else(|| record::corrupt("blob", "its length is impossible"))?;
        let mut reader = self.read_blob(*hash, length, 0, length);
        let mut octets = Vec::with_capacity(whole);
        while let Some(piece) = reader.next().await? {
            octets.extend_from_slice(&piece);
        }
        Ok(octets.into())
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
        match fits_into_row(&octets, beside)? {
            true => Ok(Content::Inline(octets)),
            false => self.write_ahead(octets).await,
        }
    }

    /// What [`Store::write_blob_beside`] would give, without writing anything.
    ///
    /// # Errors
    ///
    /// [`CommitError::Limit`] where there are too many octets.
    pub fn unwritten_content(octets: Bytes, beside: usize) -> Result<Content, CommitError> {
        Ok(match fits_into_row(&octets, beside)? {
            true => Content::Inline(octets),
            false => Content::Blob {
                hash: *blake3::hash(&octets).as_bytes(),
                length: octets.len() as u64,
            },
        })
    }

    /// Writes a blob, however small, unless it is there.
    pub(super) async fn write_ahead(&self, octets: Bytes) -> Result<Content, CommitError> {
        let hash = *blake3::hash(&octets).as_bytes();
        let length = octets.len() as u64;
        if !self.has_blob(&hash).await? {
            let mut draft = self.begin_blob().await?;
            for window in octets.chunks(WINDOW_OCTETS) {
                draft.write(octets.slice_ref(window)).await?;
            }
            self.finish_blob(draft, hash, length).await?;
        }
        Ok(Content::Blob { hash, length })
    }

    /// Begins to write octets.
    pub(super) async fn begin_blob(&self) -> Result<Box<dyn BlobDraft>, CommitError> {
        let writing = self.environment().random_u128();
        self.backend().blobs().begin(writing).await
    }

    /// Makes what was written the blob of this hash, unless that is there.
    pub(super) async fn finish_blob(
        &self,
        draft: Box<dyn BlobDraft>,
        hash: [u8; 32],
        length: u64,
    ) -> Result<(), CommitError> {
        let blob = draft.finish(hash).await?;
        let written = Written { blob, length };
        let mut claimed = self.try_claim(&written).await;
        for _ in 1..WRITE_ATTEMPTS {
            match claimed {
                Err(CommitError::Conflict(_)) => claimed = self.try_claim(&written).await,
                _ => break,
            }
        }
        match claimed {
            Ok(Claimed::Taken) => return Ok(()),
            // Nobody can tell whether the header is there: the sweeper can, later.
            Err(CommitError::Unavailable(_)) => {}
            Ok(Claimed::NotNeeded) | Err(_) => self.remove_file(written.blob.name).await,
        }
        claimed.map(drop)
    }

    async fn try_claim(&self, written: &Written) -> Result<Claimed, CommitError> {
        let hash = &written.blob.name.hash;
        let before = self.blob(hash).await?;
        let revision = match &before {
            Some(header) if header.value.complete => {
                if self.has_octets(hash, &header.value).await? {
                    self.refresh(hash, header).await?;
                    return Ok(Claimed::NotNeeded);
                }
                // They are lost: what came takes their place.
                header.revision
            }
            // Somebody began to write or to remove it: what came is whole.
            Some(header) => {
                self.remove_blob(hash, header).await?;
                Revision(0)
            }
            None => Revision(0),
        };
        let header = BlobRecord {
            length: written.length,
            written: self.environment().clock.now(),
            complete: true,
            place: BlobPlace::File(written.blob.name.writing),
        };
        self.write_header(hash, revision, &header).await?;
        if let Some(lost) = before.and_then(|header| header.value.file(hash)) {
            self.remove_file(lost).await;
        }
        Ok(Claimed::Taken)
    }

    /// Whether a blob is there; then it counts as written now.
    pub(super) async fn has_blob(&self, hash: &[u8; 32]) -> Result<bool, CommitError> {
        for _ in 0..WRITE_ATTEMPTS {
            let Some(header) = self.blob(hash).await? else {
                return Ok(false);
            };
            if !header.value.complete || !self.has_octets(hash, &header.value).await? {
                return Ok(false);
            }
            match self.refresh(hash, &header).await {
                Err(CommitError::Conflict(_)) => {}
                refreshed => return refreshed.map(|()| true),
            }
        }
        Ok(false)
    }

    /// Whether the octets that a header tells of are there, as far as can be seen without reading them.
    async fn has_octets(&self, hash: &[u8; 32], header: &BlobRecord) -> Result<bool, ReadError> {
        match header.file(hash) {
            Some(file) => {
                let found = self.backend().blobs().length(file).await?;
                Ok(found == Some(header.length))
            }
            None => Ok(true),
        }
    }

    /// Removes a file that nothing refers to. Where that fails it is left over.
    pub(super) async fn remove_file(&self, name: BlobName) {
        if let Err(error) = self.backend().blobs().remove(name).await {
            tracing::warn!(%error, %name, "a blob is removed later");
        }
    }

    /// Lets a complete blob count as written now, if it may come to be swept otherwise.
    async fn refresh(
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
        self.write_header(hash, before.revision, &header).await
    }

    /// Commits a blob's header, if it is as this writer knows it.
    async fn write_header(
        &self,
        hash: &[u8; 32],
        before: Revision,
        header: &BlobRecord,
    ) -> Result<(), CommitError> {
        let mut batch = Batch::default();
        batch.expect_row(keys::blob(hash), before);
        let operations = vec![Operation::Put(keys::blob(hash), record::encode(header))];
        self.commit_rows(batch.expect, operations).await.map(drop)
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
        let (headers, next) = self.blob_headers(after, rows).await?;
        let mut removed = 0;
        for (hash, header) in &headers {
            if header.written < older_than && self.remove_blob(hash, header).await? {
                removed += 1;
            }
        }
        Ok((removed, next))
    }

    /// A page of headers behind `after`, and where to go on.
    pub(super) async fn blob_headers(
        &self,
        after: Option<[u8; 32]>,
        rows: usize,
    ) -> Result<(Vec<([u8; 32], Stored<BlobRecord>)>, Option<[u8; 32]>), ReadError> {
        let range = KeyRange::prefix(keys::blobs());
        let range = match after {
            Some(hash) => range.beyond(&keys::blob(&hash), false),
            None => range,
        };
        let page = Page {
            rows,
            octets: usize::MAX,
            reverse: false,
        };
        let page = self.backend().scan(range, page).await?;
        let mut headers = Vec::with_capacity(page.rows.len());
        for (key, entry) in &page.rows {
            let hash = keys::blob_hash(key);
            let hash = hash.ok_or_else(|| record::corrupt("blob", "its key is odd"))?;
            headers.push((hash, record::stored(entry, "blob")?));
        }
        let last = headers.last().map(|(hash, _)| *hash);
        Ok((headers, last.filter(|_| page.more)))
    }

    /// Removes files that were finished before `older_than` and that no header tells of, and nobody is about
    /// to write one: some of those behind `after`. Returns how many were removed, and where to go on.
    pub async fn sweep_blob_files(
        &self,
        older_than: Timestamp,
        after: Option<BlobName>,
    ) -> Result<(usize, Option<BlobName>), CommitError> {
        let listed = self.backend().blobs().list(after).await?;
        let mut removed = 0;
        for file in &listed {
            // Who awaits it is asked before the header is read, and lets go of it after it was written.
            let is_left_over = !file.is_awaited
                && file.written < older_than
                && !self.is_of_header(file.name).await?;
            if is_left_over && self.backend().blobs().remove(file.name).await? {
                removed += 1;
            }
        }
        Ok((removed, listed.last().map(|file| file.name)))
    }

    /// Whether a header tells of a file.
    pub(super) async fn is_of_header(&self, name: BlobName) -> Result<bool, ReadError> {
        let header = self.blob(&name.hash).await?;
        Ok(header.is_some_and(|header| header.value.file(&name.hash) == Some(name)))
    }

    /// Which files that headers tell of are not there: of one page of `rows` headers behind `after`. Second:
    /// where to go on.
    pub(crate) async fn missing_blob_files(
        &self,
        after: Option<[u8; 32]>,
        rows: usize,
    ) -> Result<(Vec<BlobName>, Option<[u8; 32]>), ReadError> {
        let (headers, next) = self.blob_headers(after, rows).await?;
        let mut missing = Vec::new();
        for (hash, header) in &headers {
            let file = header.file(hash).filter(|_| header.complete);
            if let Some(file) = file
                && !self.has_octets(hash, header).await?
            {
                missing.push(file);
            }
        }
        Ok((missing, next))
    }

    /// Removes a blob, unless something refers to it or somebody writes it.
    pub(super) async fn remove_blob(
        &self,
        hash: &[u8; 32],
        header: &Stored<BlobRecord>,
    ) -> Result<bool, CommitError> {
        let removed = match (header.rows(hash), header.file(hash)) {
            (Some(place), _) => self.remove_pieces(hash, place, header).await,
            (None, file) => self.remove_header(hash, header.revision, file).await,
        };
        match removed {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The header goes first: what is then left of the file is left over.
    async fn remove_header(
        &self,
        hash: &[u8; 32],
        revision: Revision,
        file: Option<BlobName>,
    ) -> Result<(), CommitError> {
        let expect = vec![
            Expect::Revision(keys::blob(hash), revision),
            Expect::RangeEmpty(KeyRange::prefix(keys::blob_references(hash))),
        ];
        let operations = vec![Operation::Delete(keys::blob(hash))];
        self.commit_rows(expect, operations).await?;
        if let Some(file) = file {
            self.remove_file(file).await;
        }
        Ok(())
    }
}

/// Whether octets stay in their row, in which other things take up so much room; else they are a blob.
fn fits_into_row(octets: &Bytes, beside: usize) -> Result<bool, CommitError> {
    if octets.len().saturating_add(beside) <= INLINE_CONTENT_OCTETS {
        return Ok(true);
    }
    match octets.len() > MAXIMUM_WHOLE_OCTETS {
        true => Err(CommitError::Limit("octets of one blob")),
        false => Ok(false),
    }
}
