//! Reading a snapshot, of every version there was.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::{
    BLOB, FIRST_VERSION, FIRST_WITH_PROLOGUE, GROUP, HEADER, MAGIC, PACKED_GROUP, PACKED_ROWS,
    PROLOGUE_OCTETS, ROWS, SnapshotError, TRAILER, VERSION, seed,
};
use crate::{
    Revision, Timestamp,
    backend::Committed,
    blob_files::BlobName,
    sled::{
        folder::{Folder, StoreId},
        frame,
        group::{self, Recorded},
        octets::Reader,
    },
};

/// The oldest version with blobs.
const FIRST_WITH_BLOBS: u32 = 3;
/// What LZ4 can make of an octet at most: no frame claims more, so that none takes more memory.
const MAXIMUM_EXPANSION: usize = 255;

/// What a snapshot consists of.
pub(in crate::sled) enum Piece<'a> {
    /// A row as of some moment of the scan.
    Row {
        /// Its key.
        key: &'a [u8],
        /// The commit that wrote it.
        revision: Revision,
        /// Its octets.
        value: &'a [u8],
    },
    /// A commit that happened during the scan.
    Commit(&'a Recorded<'a>),
    /// Octets of a blob.
    Blob(BlobPiece<'a>),
}

/// Octets of a blob. They come in order, blob by blob; of one that was found damaged when it was written
/// the last ones are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sled) struct BlobPiece<'a> {
    /// Of which.
    pub name: BlobName,
    /// How many the whole blob has.
    pub length: u64,
    /// Where these begin.
    pub start: u64,
    /// These.
    pub octets: &'a [u8],
}

/// Visits every piece of a store's own snapshot in order, and gives the last commit that the whole
/// contains. Only when this succeeds has the file been a sound snapshot.
pub(in crate::sled) fn read(
    folder: &Folder,
    path: &Path,
    visit: impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<Committed, SnapshotError> {
    let store = folder.store();
    let mut file = BufReader::new(folder.disk().read(path)?);
    match read_prologue(&mut file)? {
        Some((found, _)) if found != store => Err(SnapshotError::Damaged),
        Some((_, version)) => read_frames(file, store, version, visit),
        None => read_frames(file, store, FIRST_VERSION, visit),
    }
}

/// The same for a backup, of whichever store: gives that store's identity too.
pub(in crate::sled) fn read_any(
    mut file: impl BufRead,
    visit: impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<(StoreId, Committed), SnapshotError> {
    let (store, version) = read_prologue(&mut file)?.ok_or(SnapshotError::Foreign)?;
    let through = read_frames(file, store, version, visit)?;
    Ok((store, through))
}

/// Whose snapshot it is and of which version; `None` where it does not begin with a prologue, and nothing was
/// read then.
fn read_prologue(file: &mut impl BufRead) -> Result<Option<(StoreId, u32)>, SnapshotError> {
    if !file.fill_buf()?.starts_with(&MAGIC) {
        return Ok(None);
    }
    let mut octets = Vec::with_capacity(PROLOGUE_OCTETS);
    file.take(PROLOGUE_OCTETS as u64).read_to_end(&mut octets)?;
    parse_prologue(&octets).map(Some)
}

fn parse_prologue(octets: &[u8]) -> Result<(StoreId, u32), SnapshotError> {
    let (body, sum) = octets
        .split_last_chunk::<4>()
        .ok_or(SnapshotError::Damaged)?;
    let mut reader = Reader(body);
    let _magic: Option<[u8; 8]> = reader.array();
    let version = reader.u32().ok_or(SnapshotError::Damaged)?;
    if version > VERSION {
        return Err(SnapshotError::Newer);
    }
    let whole = crc32fast::hash(body).to_be_bytes() == *sum && version >= FIRST_WITH_PROLOGUE;
    let store = reader.array().filter(|_| whole && reader.is_empty());
    store
        .map(|store| (StoreId(store), version))
        .ok_or(SnapshotError::Damaged)
}

fn read_frames(
    mut file: impl BufRead,
    store: StoreId,
    version: u32,
    mut visit: impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<Committed, SnapshotError> {
    let mut payload = Vec::new();
    let (mut frames, mut rows) = (0, 0);
    while frame::read_next(&mut file, seed(store), &mut payload)? {
        let (kind, body) = payload.split_first().ok_or(SnapshotError::Damaged)?;
        match (*kind, frames) {
            (HEADER, 0) if body == version.to_be_bytes() => {}
            (ROWS, 1..) if version == FIRST_VERSION => rows += read_rows(body, &mut visit)?,
            (GROUP, 1..) if version == FIRST_VERSION => read_group(body, &mut visit)?,
            (PACKED_ROWS, 1..) => rows += read_rows(&unpack(body)?, &mut visit)?,
            (PACKED_GROUP, 1..) => read_group(&unpack(body)?, &mut visit)?,
            (BLOB, 1..) if version >= FIRST_WITH_BLOBS => {
                let piece = read_blob(body).ok_or(SnapshotError::Damaged)?;
                visit(Piece::Blob(piece))?;
            }
            (TRAILER, 1..) => {
                let through = read_trailer(body, rows, frames).ok_or(SnapshotError::Damaged)?;
                let ends = version == FIRST_VERSION || file.fill_buf()?.is_empty();
                return ends.then_some(through).ok_or(SnapshotError::Damaged);
            }
            _ => return Err(SnapshotError::Damaged),
        }
        frames += 1;
    }
    Err(SnapshotError::Damaged)
}

/// Reads these payloads as the sound frames of a snapshot of either version, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(in crate::sled) fn read_payloads(
    payloads: &[Vec<u8>],
    store: StoreId,
) -> [Option<Committed>; 3] {
    let mut file = Vec::new();
    for payload in payloads {
        let mut buffer = frame::FrameBuffer::new();
        buffer.payload().extend_from_slice(payload);
        file.extend_from_slice(buffer.finish(seed(store)).unwrap_or_default());
    }
    [FIRST_VERSION, FIRST_WITH_PROLOGUE, VERSION]
        .map(|version| read_frames(&file[..], store, version, |_| Ok(())).ok())
}

fn read_blob(body: &[u8]) -> Option<BlobPiece<'_>> {
    let mut reader = Reader(body);
    let name = BlobName {
        hash: reader.array()?,
        writing: u128::from_be_bytes(reader.array()?),
    };
    let (length, start) = (reader.u64()?, reader.u64()?);
    let octets = reader.0;
    let end = start.checked_add(octets.len() as u64)?;
    // Only a blob without octets has a piece without any.
    let is_right = end <= length && (!octets.is_empty() || length == 0);
    is_right.then_some(BlobPiece {
        name,
        length,
        start,
        octets,
    })
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let (size, packed) =
        lz4_flex::block::uncompressed_size(body).map_err(|_| SnapshotError::Damaged)?;
    if size / MAXIMUM_EXPANSION > packed.len() {
        return Err(SnapshotError::Damaged);
    }
    lz4_flex::block::decompress(packed, size).map_err(|_| SnapshotError::Damaged)
}

fn read_group(
    body: &[u8],
    visit: &mut impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<(), SnapshotError> {
    for recorded in group::read(body).ok_or(SnapshotError::Damaged)? {
        visit(Piece::Commit(&recorded))?;
    }
    Ok(())
}

fn read_rows(
    body: &[u8],
    visit: &mut impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<u64, SnapshotError> {
    let mut reader = Reader(body);
    let mut rows = 0;
    while !reader.is_empty() {
        visit(read_row(&mut reader).ok_or(SnapshotError::Damaged)?)?;
        rows += 1;
    }
    Ok(rows)
}

fn read_row<'a>(reader: &mut Reader<'a>) -> Option<Piece<'a>> {
    let revision = Revision(reader.u64()?);
    let length = reader.u16()?;
    let key = reader.octets(usize::from(length))?;
    let length = reader.u32()?;
    let value = reader.octets(length as usize)?;
    Some(Piece::Row {
        key,
        revision,
        value,
    })
}

fn read_trailer(body: &[u8], rows: u64, frames: u64) -> Option<Committed> {
    let mut reader = Reader(body);
    let through = Committed {
        revision: Revision(reader.u64()?),
        time: Timestamp(reader.i64()?),
    };
    let counted = reader.u64()? == rows && reader.u64()? == frames;
    (counted && reader.is_empty()).then_some(through)
}
