//! A blob's header.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::{Timestamp, blob_files::BlobName};

/// A blob's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub length: u64,
    /// When it was last asked to be written.
    pub written: Timestamp,
    /// Whether all octets are there. One that is not is of an earlier format, or being removed.
    pub complete: bool,
    pub place: BlobPlace,
}

/// Where a blob's octets stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BlobPlace {
    /// In rows under its hash: formats 1 to 4.
    RowsUnderHash,
    /// In rows under this key: format 4.
    Rows([u8; 32]),
    /// In a file, which this writing made.
    File(u128),
}

impl BlobRecord {
    /// What the keys of its pieces have, the blob having this hash; `None` where it stands in a file.
    pub fn rows(&self, hash: &[u8; 32]) -> Option<[u8; 32]> {
        match self.place {
            BlobPlace::RowsUnderHash => Some(*hash),
            BlobPlace::Rows(place) => Some(place),
            BlobPlace::File(_) => None,
        }
    }

    /// Its file, the blob having this hash.
    pub fn file(&self, hash: &[u8; 32]) -> Option<BlobName> {
        match self.place {
            BlobPlace::File(writing) => Some(BlobName {
                hash: *hash,
                writing,
            }),
            BlobPlace::RowsUnderHash | BlobPlace::Rows(_) => None,
        }
    }

    /// The key of its pieces that has a row of its own.
    pub fn noted_place(&self) -> Option<[u8; 32]> {
        match self.place {
            BlobPlace::Rows(place) => Some(place),
            BlobPlace::RowsUnderHash | BlobPlace::File(_) => None,
        }
    }
}

impl Row for BlobRecord {
    /// In version 1 the pieces of every blob stood under its hash, in version 2 all of them in rows.
    const VERSION: u8 = 3;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<BlobRecord>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(BlobRecord1::into_blob)),
            2 => Some(postcard::from_bytes(body).map(BlobRecord2::into_blob)),
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
            place: BlobPlace::RowsUnderHash,
        }
    }
}

/// The second form.
#[derive(Serialize, Deserialize)]
struct BlobRecord2 {
    length: u64,
    written: Timestamp,
    complete: bool,
    pieces_under: Option<[u8; 32]>,
}

impl BlobRecord2 {
    fn into_blob(self) -> BlobRecord {
        BlobRecord {
            length: self.length,
            written: self.written,
            complete: self.complete,
            place: match self.pieces_under {
                None => BlobPlace::RowsUnderHash,
                Some(place) => BlobPlace::Rows(place),
            },
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

    const HASH: [u8; 32] = [7; 32];

    fn header(place: BlobPlace) -> BlobRecord {
        BlobRecord {
            length: u64::MAX,
            written: Timestamp(-5),
            complete: true,
            place,
        }
    }

    #[test]
    fn headers_of_each_form_are_read() {
        let (length, written, complete) = (u64::MAX, Timestamp(-5), true);
        let first = BlobRecord1 {
            length,
            written,
            complete,
        };
        let first = append(vec![1], &first);
        let second = |pieces_under| {
            let second = BlobRecord2 {
                length,
                written,
                complete,
                pieces_under,
            };
            append(vec![2], &second)
        };
        let file = header(BlobPlace::File(9));
        for (octets, place) in [
            (first.clone(), BlobPlace::RowsUnderHash),
            (second(None), BlobPlace::RowsUnderHash),
            (second(Some([8; 32])), BlobPlace::Rows([8; 32])),
            (encode(&file).to_vec(), BlobPlace::File(9)),
        ] {
            let read: BlobRecord = decode(&octets, "blob").unwrap();
            assert_eq!(read, header(place));
            assert_eq!(decode::<BlobRecord>(&encode(&read), "blob"), Ok(read));
        }
        let later = [&[4], &first[1..]].concat();
        assert!(decode::<BlobRecord>(&later, "blob").is_err());
    }

    #[test]
    fn where_octets_stand() {
        let under_hash = header(BlobPlace::RowsUnderHash);
        assert_eq!(under_hash.rows(&HASH), Some(HASH));
        let elsewhere = header(BlobPlace::Rows([8; 32]));
        assert_eq!(elsewhere.rows(&HASH), Some([8; 32]));
        assert_eq!(elsewhere.file(&HASH), None);
        let file = header(BlobPlace::File(9));
        let name = BlobName {
            hash: HASH,
            writing: 9,
        };
        assert_eq!((file.rows(&HASH), file.file(&HASH)), (None, Some(name)));
    }
}
