//! A blob's header.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::Timestamp;

/// A blob's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub length: u64,
    /// When it was last asked to be written.
    pub written: Timestamp,
    /// Whether all pieces are there.
    pub complete: bool,
    /// The place of the pieces, where that is not the blob's hash.
    pub pieces_under: Option<[u8; 32]>,
}

impl BlobRecord {
    /// The place of the pieces, the blob having this hash.
    pub fn place(&self, hash: &[u8; 32]) -> [u8; 32] {
        self.pieces_under.unwrap_or(*hash)
    }
}

impl Row for BlobRecord {
    /// In version 1, the pieces of every blob stood under its hash.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<BlobRecord>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(BlobRecord1::into_blob)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a blob's header.
#[derive(Serialize, Deserialize)]
struct BlobRecord1 {
    length: u64,
    written: Timestamp,
    complete: bool,
}

impl BlobRecord1 {
    fn into_blob(self) -> BlobRecord {
        BlobRecord {
            length: self.length,
            written: self.written,
            complete: self.complete,
            pieces_under: None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::{append, decode, encode},
        *,
    };

    /// Headers of the first form: the pieces stood under the hash.
    #[test]
    fn blobs_of_the_first_form_are_read() {
        let old = BlobRecord1 {
            length: u64::MAX,
            written: Timestamp(-5),
            complete: true,
        };
        let read: BlobRecord = decode(&append(vec![1], &old), "blob").unwrap();
        let expected = BlobRecord {
            length: u64::MAX,
            written: Timestamp(-5),
            complete: true,
            pieces_under: None,
        };
        assert_eq!(read, expected);
        assert_eq!(read.place(&[7; 32]), [7; 32]);
        let elsewhere = BlobRecord {
            pieces_under: Some([8; 32]),
            ..expected
        };
        let again: BlobRecord = decode(&encode(&elsewhere), "blob").unwrap();
        assert_eq!(again, elsewhere);
        assert_eq!(again.place(&[7; 32]), [8; 32]);
        assert!(decode::<BlobRecord>(&append(vec![3], &old), "blob").is_err());
    }
}
