//! Snapshots: all rows in one file, so that the journal before it can go. A backup has the same form.
//!
//! A snapshot is scanned while writes go on, so its rows alone are of no single moment. The journal
//! of the time of the scan is part of the file; with it the file is the store as of its last commit.
//!
//! A file begins with a prologue (mark, version, the store's identity, checksum). Frames follow: a
//! header, rows, groups of the journal, the octets of blobs, and a trailer that counts them; rows and
//! groups are packed (LZ4). Nothing stands behind the trailer. Only a backup has blobs, which the store's
//! own snapshots do without. Version 2 knew no blobs, version 1 had no prologue and packed nothing; both
//! are still read.

mod read;
mod write;

use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use crate::{
    Revision,
    backend::{Committed, KeyRange, Page, ReadError},
    blob_files::ListedBlob,
    sled::{
        blobs::BlobFolder,
        disk::Appending,
        error::OpenError,
        folder::{Folder, StoreId},
        journal,
        overlay::Overlay,
        read::View,
    },
};

#[cfg(feature = "fuzzing")]
pub(super) use read::read_payloads;
pub(super) use read::{BlobPiece, Piece, read, read_any};
pub(super) use write::Writer;

const MAGIC: [u8; 8] = *b"CNVKSNAP";
/// The version this code writes.
const VERSION: u32 = 3;
/// The oldest version with a prologue.
const FIRST_WITH_PROLOGUE: u32 = 2;
/// The version without a prologue.
const FIRST_VERSION: u32 = 1;
/// Magic, version, store, checksum.
const PROLOGUE_OCTETS: usize = 32;

const HEADER: u8 = 0;
/// Rows and groups as they are: version 1.
const ROWS: u8 = 1;
const GROUP: u8 = 2;
const TRAILER: u8 = 3;
/// Rows and groups, packed: since version 2.
const PACKED_ROWS: u8 = 4;
const PACKED_GROUP: u8 = 5;
/// Octets of a blob: since version 3.
const BLOB: u8 = 6;

/// How much of the store is read at one moment.
const PAGE: Page = Page {
    rows: 512,
    octets: 128 * 1024,
    reverse: false,
};
/// How many octets of a blob stand in one frame.
const BLOB_OCTETS: usize = 256 * 1024;
/// How many snapshots are kept.
pub(super) const KEPT: usize = 2;

/// Why a snapshot was not written, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}")]
    Journal(#[from] OpenError),
    #[error("it is damaged")]
    Damaged,
    #[error("it is neither a snapshot nor a backup")]
    Foreign,
    #[error("it was written by a later version")]
    Newer,
    #[error("the store is closing")]
    Stopped,
}

/// A snapshot, and the last commit that it contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SnapshotPlace {
    pub(super) path: PathBuf,
    pub(super) through: Revision,
}

/// All snapshots, newest first. Whether they are sound is seen when they are read.
pub(super) fn list(folder: &Folder) -> io::Result<Vec<SnapshotPlace>> {
    let mut places = Vec::new();
    for path in folder.disk().list(&folder.snapshots())? {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let through = stem.filter(|_| {
            path.extension()
                .is_some_and(|extension| extension == "snapshot")
        });
        if let Some(through) = through.and_then(|through| through.parse().ok()) {
            places.push(SnapshotPlace {
                path,
                through: Revision(through),
            });
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.through));
    Ok(places)
}

/// Removes the snapshots that are not kept, and the remains of unfinished ones. Gives the last commit
/// that both kept ones contain, if there are two.
pub(super) fn tidy(folder: &Folder) -> io::Result<Option<Revision>> {
    let disk = folder.disk();
    let places = list(folder)?;
    for place in places.iter().skip(KEPT) {
        disk.remove(&place.path)?;
    }
    for path in disk.list(&folder.snapshots())? {
        if path
            .extension()
            .is_some_and(|extension| extension == "draft")
        {
            disk.remove(&path)?;
        }
    }
    disk.sync_folder(&folder.snapshots())?;
    Ok(places.get(KEPT - 1).map(|place| place.through))
}

/// Writes a snapshot, reads it back, and only then gives it its name. Before each page it asks
/// whether to go on.
pub(super) fn write(
    folder: &Folder,
    overlay: &Overlay,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<SnapshotPlace, SnapshotError> {
    let draft = draft(folder);
    write_named(folder, &draft, overlay, go_on).inspect_err(|_| {
        // A full disk shall not be kept full by what nobody will ever read.
        let _ = folder.disk().remove_if_there(&draft);
    })
}

fn write_named(
    folder: &Folder,
    draft: &Path,
    overlay: &Overlay,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<SnapshotPlace, SnapshotError> {
    let since = overlay.pin().last.revision;
    let mut file = create_file(folder, draft)?;
    let through = scan(&mut file, folder, overlay, since, go_on)?;
    sync(file)?;
    let found = read(folder, draft, |_| Ok(()))?;
    if found != through {
        return Err(SnapshotError::Damaged);
    }
    name(folder, draft, through)
}

/// Where a snapshot is written until it is whole.
pub(super) fn draft(folder: &Folder) -> PathBuf {
    folder.snapshots().join("new.draft")
}

/// A file for a snapshot.
pub(super) fn create_file(folder: &Folder, path: &Path) -> io::Result<BufWriter<Appending>> {
    let file = folder.disk().create(path)?;
    Ok(BufWriter::new(Appending { file, end: 0 }))
}

/// Makes it durable.
pub(super) fn sync(file: BufWriter<Appending>) -> io::Result<()> {
    let written = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    written.file.sync()
}

/// Gives a whole and synced draft its name.
pub(super) fn name(
    folder: &Folder,
    draft: &Path,
    through: Committed,
) -> Result<SnapshotPlace, SnapshotError> {
    let path = folder
        .snapshots()
        .join(format!("{:020}.snapshot", through.revision.0));
    folder.disk().rename(draft, &path)?;
    folder.disk().sync_folder(&folder.snapshots())?;
    Ok(SnapshotPlace {
        path,
        through: through.revision,
    })
}

/// Writes all rows while writes go on, and what was committed meanwhile. `since` is a commit that
/// was readable before the scan began and whose successors are still in the journal at its end.
/// Gives the last commit that the whole contains.
pub(super) fn scan(
    out: &mut dyn io::Write,
    folder: &Folder,
    overlay: &Overlay,
    since: Revision,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Committed, SnapshotError> {
    let mut writer = Writer::begin(out, folder.store())?;
    let through = scan_rows(&mut writer, folder, overlay, since, go_on)?;
    writer.finish(through)?;
    Ok(through)
}

/// The same with all blobs, which must stay meanwhile: a backup.
pub(super) fn back_up(
    out: &mut dyn io::Write,
    (folder, blobs): (&Folder, &BlobFolder),
    overlay: &Overlay,
    since: Revision,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Committed, SnapshotError> {
    let mut writer = Writer::begin(out, folder.store())?;
    let through = scan_rows(&mut writer, folder, overlay, since, go_on)?;
    let mut after = None;
    loop {
        let listed = blobs.list_now(after)?;
        let Some(last) = listed.last() else { break };
        after = Some(last.name);
        for blob in &listed {
            write_blob(&mut writer, blobs, blob, go_on)?;
        }
    }
    writer.finish(through)?;
    Ok(through)
}

/// A blob that is damaged does not keep the rest from being backed up.
fn write_blob(
    writer: &mut Writer<&mut dyn io::Write>,
    blobs: &BlobFolder,
    blob: &ListedBlob,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), SnapshotError> {
    let name = blob.name;
    let damaged = |reason: &str| {
        tracing::error!(%name, reason, "a blob is damaged, and missing in the backup: see convoke check");
    };
    let Some(length) = blob.length else {
        damaged("its length is impossible");
        return Ok(());
    };
    let mut start = 0;
    loop {
        if !go_on() {
            return Err(SnapshotError::Stopped);
        }
        let count = (length - start).min(BLOB_OCTETS as u64) as usize;
        let octets = match blobs.read_now(name, length, start, count) {
            Ok(octets) => octets,
            Err(ReadError::Corrupt(reason)) => {
                damaged(&reason);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        writer.blob(name, length, start, &octets)?;
        start += count as u64;
        if start == length {
            return Ok(());
        }
    }
}

/// Writes all rows, and the commits of the time of the scan.
fn scan_rows(
    writer: &mut Writer<&mut dyn io::Write>,
    folder: &Folder,
    overlay: &Overlay,
    since: Revision,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Committed, SnapshotError> {
    let mut range = Some(KeyRange::all());
    while let Some(part) = range.take() {
        if !go_on() {
            return Err(SnapshotError::Stopped);
        }
        let page = View::of(&overlay.pin()).page(&part, PAGE)?;
        if let (true, Some((last, _))) = (page.more, page.rows.last()) {
            range = Some(part.beyond(last, false));
        }
        for (key, entry) in &page.rows {
            writer.row(key, entry.revision, &entry.value)?;
        }
    }
    let through = overlay.pin().last;
    let places = journal::list(folder)?;
    let last = Some(through.revision);
    journal::read_from(folder, &places, since, last, |recorded| {
        writer.commit(recorded).map_err(|source| OpenError::Io {
            action: "write a snapshot".to_owned(),
            source,
        })
    })?;
    Ok(through)
}

fn seed(store: StoreId) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"snapshot");
    hasher.update(&store.0);
    hasher.finalize()
}

/// What a file begins with.
fn prologue(store: StoreId) -> Vec<u8> {
    let mut octets = Vec::with_capacity(PROLOGUE_OCTETS);
    octets.extend_from_slice(&MAGIC);
    octets.extend_from_slice(&VERSION.to_be_bytes());
    octets.extend_from_slice(&store.0);
    octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
    octets
}

#[cfg(test)]
mod tests;
