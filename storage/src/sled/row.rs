//! A row as the index keeps it: revision, checksum, value. The checksum covers the key too, so that
//! a value under a wrong key is noticed.

use bytes::Bytes;

use crate::{
    Revision,
    backend::{Entry, ReadError},
    sled::octets::Reader,
};

/// Revision and checksum.
pub(super) const HEADER_OCTETS: usize = 12;

/// The octets that stand for a row.
pub(super) fn write(key: &[u8], revision: Revision, value: &[u8]) -> Vec<u8> {
    let revision = revision.0.to_be_bytes();
    let mut octets = Vec::with_capacity(HEADER_OCTETS + value.len());
    octets.extend_from_slice(&revision);
    octets.extend_from_slice(&checksum(key, &revision, value).to_be_bytes());
    octets.extend_from_slice(value);
    octets
}

/// The row that the octets stand for.
pub(super) fn read(key: &[u8], octets: &[u8]) -> Result<Entry, ReadError> {
    let damaged = || ReadError::Corrupt("a row of the index fails its checksum".to_owned());
    let mut reader = Reader(octets);
    let revision = reader.array::<8>().ok_or_else(damaged)?;
    let sum = reader.u32().ok_or_else(damaged)?;
    if checksum(key, &revision, reader.0) != sum {
        return Err(damaged());
    }
    let revision = Revision(u64::from_be_bytes(revision));
    Ok(Entry {
        value: Bytes::copy_from_slice(reader.0),
        revision,
    })
}

fn checksum(key: &[u8], revision: &[u8; 8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u32).to_be_bytes());
    hasher.update(key);
    hasher.update(revision);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let good = write(b"key", Revision(3), b"value");
        let entry = Entry {
            value: Bytes::from_static(b"value"),
            revision: Revision(3),
        };
        assert_eq!(read(b"key", &good), Ok(entry));
        assert!(read(b"kex", &good).is_err(), "under another key");
        for index in 0..good.len() {
            assert!(read(b"key", &good[..index]).is_err(), "cut at {index}");
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert!(read(b"key", &bad).is_err(), "octet {index}");
        }
    }
}
