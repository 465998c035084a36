//! Blobs as they come from a backup, piece by piece.

use std::io;

use super::{BlobFolder, DraftFile};
use crate::{blob_files::BlobName, sled::snapshot::BlobPiece};

/// Looks whether the pieces of each blob come in order and have its hash. One whose last pieces are missing
/// was damaged when the backup was made, and is passed over.
#[derive(Default)]
pub(in crate::sled) struct IncomingBlobs {
    current: Option<Incoming>,
}

struct Incoming {
    name: BlobName,
    length: u64,
    /// How many octets came.
    at: u64,
    hasher: blake3::Hasher,
}

impl IncomingBlobs {
    /// Takes the next piece; says whether it was its blob's last.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it does not follow from those before.
    pub(in crate::sled) fn take(&mut self, piece: &BlobPiece<'_>) -> io::Result<bool> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        if piece.start == 0 {
            self.current = Some(Incoming {
                name: piece.name,
                length: piece.length,
                at: 0,
                hasher: blake3::Hasher::new(),
            });
        }
        let current = self.current.as_mut().filter(|current| {
            (current.name, current.length, current.at) == (piece.name, piece.length, piece.start)
        });
        let current = current.ok_or_else(|| invalid("a piece of a blob is out of order"))?;
        current.hasher.update(piece.octets);
        current.at += piece.octets.len() as u64;
        if current.at < current.length {
            return Ok(false);
        }
        let is_right = current.hasher.finalize().as_bytes() == &piece.name.hash;
        self.current = None;
        is_right
            .then_some(true)
            .ok_or_else(|| invalid("a blob has other octets"))
    }
}

/// Writes them into a folder.
pub(in crate::sled) struct BlobLoader {
    blobs: BlobFolder,
    incoming: IncomingBlobs,
    draft: Option<DraftFile>,
}

impl BlobLoader {
    pub(in crate::sled) fn new(blobs: BlobFolder) -> BlobLoader {
        BlobLoader {
            blobs,
            incoming: IncomingBlobs::default(),
            draft: None,
        }
    }

    /// Writes a piece.
    ///
    /// # Errors
    /// Those of [`IncomingBlobs::take`], and of the disk.
    pub(in crate::sled) fn write(&mut self, piece: &BlobPiece<'_>) -> io::Result<()> {
        let is_last = self.incoming.take(piece)?;
        if piece.start == 0 {
            let (blobs, writing) = (self.blobs.clone(), piece.name.writing);
            // The one before goes first.
            self.draft = None;
            self.draft = Some(DraftFile::begin(blobs, writing)?);
        }
        let Some(draft) = &mut self.draft else {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        };
        draft.write(piece.octets)?;
        if is_last {
            draft.finish(piece.name.hash)?;
            self.draft = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(octets: &[u8]) -> BlobName {
        BlobName {
            hash: *blake3::hash(octets).as_bytes(),
            writing: 1,
        }
    }

    fn take(incoming: &mut IncomingBlobs, of: &[u8], start: usize, end: usize) -> Option<bool> {
        let piece = BlobPiece {
            name: name(of),
            length: of.len() as u64,
            start: start as u64,
            octets: &of[start..end],
        };
        incoming.take(&piece).ok()
    }

    #[test]
    fn pieces_come_in_order() {
        let mut incoming = IncomingBlobs::default();
        assert_eq!(take(&mut incoming, b"", 0, 0), Some(true));
        assert_eq!(take(&mut incoming, b"abc", 0, 2), Some(false));
        assert_eq!(take(&mut incoming, b"abc", 2, 3), Some(true));
        assert_eq!(take(&mut incoming, b"abc", 2, 3), None, "it has ended");
        assert_eq!(take(&mut incoming, b"abc", 0, 1), Some(false));
        assert_eq!(take(&mut incoming, b"xyz", 0, 3), Some(true), "given up");
        assert_eq!(take(&mut incoming, b"abc", 0, 1), Some(false));
        assert_eq!(take(&mut incoming, b"abc", 2, 3), None, "a gap");
        let other = BlobPiece {
            name: name(b"abc"),
            length: 3,
            start: 0,
            octets: b"abd",
        };
        assert!(incoming.take(&other).is_err(), "other octets");
    }
}
