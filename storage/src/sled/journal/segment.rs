//! One segment's name and header.

use std::path::{Path, PathBuf};

use crate::{
    Revision,
    sled::{folder::StoreId, octets::Reader},
};

const MAGIC: [u8; 8] = *b"CNVKJRNL";
const VERSION: u32 = 1;
/// Magic, version, store, number, first revision, checksum.
pub(in crate::sled) const HEADER_OCTETS: usize = 48;

/// Where a segment stands, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sled) struct SegmentPlace {
    pub(super) path: PathBuf,
    pub(super) number: u64,
    /// The number of the first commit that was to be written into it.
    pub(super) first: Revision,
}

impl SegmentPlace {
    pub(in crate::sled) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name in another folder.
    pub(in crate::sled) fn path_in(&self, folder: &Path) -> PathBuf {
        path(folder, self.number)
    }

    /// Its number.
    pub(in crate::sled) fn number(&self) -> u64 {
        self.number
    }

    /// The number of the first commit that was to be written into it.
    pub(in crate::sled) fn first(&self) -> Revision {
        self.first
    }

    /// What the checksums of its frames begin with.
    pub(in crate::sled) fn seed(&self, store: StoreId) -> u32 {
        seed(store, self.number)
    }

    /// The number of the segment that follows this one.
    pub(in crate::sled) fn next_number(&self) -> u64 {
        self.number + 1
    }
}

pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:010}.journal"))
}

/// The number in a segment's name.
pub(in crate::sled) fn number(path: &Path) -> Option<u64> {
    if path.extension()? != "journal" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}

/// What the checksums of this segment's frames begin with.
pub(super) fn seed(store: StoreId, number: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&store.0);
    hasher.update(&number.to_be_bytes());
    hasher.finalize()
}

pub(super) fn write_header(store: StoreId, number: u64, first: Revision) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_OCTETS);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.extend_from_slice(&store.0);
    header.extend_from_slice(&number.to_be_bytes());
    header.extend_from_slice(&first.0.to_be_bytes());
    header.extend_from_slice(&crc32fast::hash(&header).to_be_bytes());
    header
}

/// The first revision that the header names; `None` where this is no header of this segment.
pub(super) fn read_header(octets: &[u8], store: StoreId, number: u64) -> Option<Revision> {
    let header = octets.get(..HEADER_OCTETS)?;
    let mut reader = Reader(header);
    let known = reader.array()? == MAGIC && reader.u32()? == VERSION;
    let ours = reader.array()? == store.0 && reader.u64()? == number;
    let first = Revision(reader.u64()?);
    let whole = reader.u32()? == crc32fast::hash(&header[..HEADER_OCTETS - 4]);
    (known && ours && whole).then_some(first)
}
