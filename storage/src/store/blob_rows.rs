//! Blobs whose octets stand in rows: formats 1 to 4.
//!
//! Their pieces stand under the blob's hash, or in another place that the header names, of which a row says
//! whose it is. They are read as they are for ever, and swept like others; nothing is written so any more.
//! A compaction moves them out into files.

use std::ops::Bound;

use bytes::Bytes;

use super::{
    Store, keys,
    record::{self, BlobPlace, BlobRecord},
};
use crate::{
    Stored,
    backend::{
        CommitError, Expect, KeyRange, MAXIMUM_RANGE_ROWS, MAXIMUM_VALUE_OCTETS, Operation, Page,
        ReadError,
    },
};

/// The octets of one piece.
const PIECE_OCTETS: u64 = MAXIMUM_VALUE_OCTETS as u64;
/// Pieces read at once.
const PIECES_AT_ONCE: u64 = 4;
/// Pieces removed in one commit.
const PIECES_REMOVED_AT_ONCE: u32 = 500;

impl Store {
    /// Reads some octets from `start` on, not more than up to `end`, of a blob of `length` octets.
    pub(super) async fn read_pieces(
        &self,
        place: &[u8; 32],
        length: u64,
        (start, end): (u64, u64),
    ) -> Result<Vec<Bytes>, ReadError> {
        let first = start / PIECE_OCTETS;
        let last = end.div_ceil(PIECE_OCTETS).min(first + PIECES_AT_ONCE);
        let number = |it: u64| {
            u32::try_from(it).map_err(|_| record::corrupt("blob", "its length is impossible"))
        };
        let mut wanted = Vec::new();
        for piece in first..last {
            wanted.push(keys::blob_chunk(place, number(piece)?));
        }
        let entries = self.backend().get_many(&wanted).await?;
        let mut read = Vec::new();
        let mut position = start;
        for (piece, entry) in (first..last).zip(entries) {
            let entry = entry.ok_or_else(|| record::corrupt("blob", "a piece is missing"))?;
            let begin = piece * PIECE_OCTETS;
            let whole = length.saturating_sub(begin).min(PIECE_OCTETS);
            if entry.value.len() as u64 != whole {
                return Err(record::corrupt("blob", "a piece has another length"));
            }
            let to = (end - begin).min(whole);
            let part = (position - begin) as usize..to as usize;
            read.push(entry.value.slice(part));
            position = begin + to;
        }
        Ok(read)
    }

    /// Moves blobs out into files: those of one page of `rows` headers behind `after`. Returns how many were
    /// moved, and where to go on. Each is one commit, and may be read all the time; what is damaged, or so large
    /// that no commit could take all its rows away, stays.
    pub async fn move_blobs_into_files(
        &self,
        after: Option<[u8; 32]>,
        rows: usize,
    ) -> Result<(usize, Option<[u8; 32]>), CommitError> {
        let (headers, next) = self.blob_headers(after, rows).await?;
        let mut moved = 0;
        for (hash, header) in &headers {
            let Some(place) = header.rows(hash).filter(|_| header.complete) else {
                continue;
            };
            if header.length.div_ceil(PIECE_OCTETS) > MAXIMUM_RANGE_ROWS as u64 {
                continue;
            }
            match self.move_into_file(hash, place, header).await {
                Ok(()) => moved += 1,
                // It was written or swept meanwhile, or a check has something to tell of it.
                Err(CommitError::Conflict(_) | CommitError::Corrupt(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((moved, next))
    }

    async fn move_into_file(
        &self,
        hash: &[u8; 32],
        place: [u8; 32],
        header: &Stored<BlobRecord>,
    ) -> Result<(), CommitError> {
        let mut reader = self.read_blob(*hash, header.length, 0, header.length);
        let mut draft = self.begin_blob().await?;
        while let Some(octets) = reader.next().await? {
            draft.write(octets).await?;
        }
        let file = draft.finish(*hash).await?;
        let moved = BlobRecord {
            place: BlobPlace::File(file.name.writing),
            ..header.value.clone()
        };
        let mut operations = vec![
            Operation::Put(keys::blob(hash), record::encode(&moved)),
            Operation::DeleteRange(KeyRange::prefix(keys::blob_chunks(&place))),
        ];
        let note = header.noted_place().as_ref().map(keys::blob_place);
        operations.extend(note.map(Operation::Delete));
        let expect = vec![Expect::Revision(keys::blob(hash), header.revision)];
        let committed = self.commit_rows(expect, operations).await;
        if let Err(CommitError::Conflict(_)) = committed {
            self.remove_file(file.name).await;
        }
        committed.map(drop)
    }

    /// Removes such a blob, unless something refers to it. Broken off, it is a blob that is not complete, which
    /// is swept like any other that nothing refers to. The last pieces go first, so that a look at what is left
    /// finds pieces from the first on.
    pub(super) async fn remove_pieces(
        &self,
        hash: &[u8; 32],
        place: [u8; 32],
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
                let place = leaving.noted_place().as_ref().map(keys::blob_place);
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
