//! Snapshots: all rows in one file, so that the journal before it can go.
//!
//! A snapshot is scanned while writes go on, so its rows alone are of no single moment. The journal
//! of the time of the scan is part of the file; with it the file is the store as of its last commit.
//! It consists of frames: a header, rows, groups of the journal, and a trailer that counts them.

use std::{
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    Revision, Timestamp,
    backend::{Committed, Entry, Key, KeyRange, Page, ReadError},
    sled::{
        disk::Appending,
        error::OpenError,
        folder::{Folder, StoreId},
        frame::{self, FrameBuffer},
        group::{self, GroupWriter, Recorded},
        journal,
        octets::Reader,
        overlay::Overlay,
        read::View,
    },
};

const VERSION: u32 = 1;
const HEADER: u8 = 0;
const ROWS: u8 = 1;
const GROUP: u8 = 2;
const TRAILER: u8 = 3;
/// How much of the store is read at one moment.
const PAGE: Page = Page {
    rows: 512,
    octets: 128 * 1024,
    reverse: false,
};
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

fn seed(store: StoreId) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"snapshot");
    hasher.update(&store.0);
    hasher.finalize()
}

/// Writes a snapshot, reads it back, and only then gives it its name. Before each page it asks
/// whether to go on.
pub(super) fn write(
    folder: &Folder,
    overlay: &Overlay,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<SnapshotPlace, SnapshotError> {
    let draft = folder.snapshots().join("new.draft");
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
    let through = Writer::create(folder, draft)?.write_all(folder, overlay, go_on)?;
    let found = read(folder, draft, |_| Ok(()))?;
    if found != through {
        return Err(SnapshotError::Damaged);
    }
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

struct Writer {
    file: BufWriter<Appending>,
    store: StoreId,
    frame: FrameBuffer,
    frames: u64,
    rows: u64,
}

impl Writer {
    fn create(folder: &Folder, path: &Path) -> io::Result<Writer> {
        let file = folder.disk().create(path)?;
        Ok(Writer {
            file: BufWriter::new(Appending { file, end: 0 }),
            store: folder.store(),
            frame: FrameBuffer::new(),
            frames: 0,
            rows: 0,
        })
    }

    fn write_all(
        mut self,
        folder: &Folder,
        overlay: &Overlay,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Committed, SnapshotError> {
        let since = overlay.pin().last.revision;
        self.write_frame(HEADER, &VERSION.to_be_bytes())?;
        let mut range = Some(KeyRange::all());
        while let Some(part) = range.take() {
            if !go_on() {
                return Err(SnapshotError::Stopped);
            }
            let page = View::of(&overlay.pin()).page(&part, PAGE)?;
            if let (true, Some((last, _))) = (page.more, page.rows.last()) {
                range = Some(part.beyond(last, false));
            }
            self.write_rows(&page.rows)?;
        }
        let through = overlay.pin().last;
        self.write_journal(folder, since, through.revision)?;
        self.write_trailer(through)?;
        self.file.flush()?;
        self.file.get_ref().file.sync()?;
        Ok(through)
    }

    fn write_frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        self.frame.clear();
        self.frame.payload().push(kind);
        self.frame.payload().extend_from_slice(body);
        self.finish_frame()
    }

    fn finish_frame(&mut self) -> io::Result<()> {
        let octets = self.frame.finish(seed(self.store));
        self.file.write_all(
            octets.ok_or_else(|| io::Error::other("a frame of a snapshot is too long"))?,
        )?;
        self.frames += 1;
        Ok(())
    }

    fn write_rows(&mut self, rows: &[(Key, Entry)]) -> io::Result<()> {
        self.frame.clear();
        let payload = self.frame.payload();
        payload.push(ROWS);
        for (key, entry) in rows {
            payload.extend_from_slice(&entry.revision.0.to_be_bytes());
            payload.extend_from_slice(&(key.len() as u16).to_be_bytes());
            payload.extend_from_slice(key);
            payload.extend_from_slice(&(entry.value.len() as u32).to_be_bytes());
            payload.extend_from_slice(&entry.value);
        }
        self.rows += rows.len() as u64;
        self.finish_frame()
    }

    /// Adds what was committed while the rows were read.
    fn write_journal(
        &mut self,
        folder: &Folder,
        since: Revision,
        through: Revision,
    ) -> Result<(), SnapshotError> {
        let places = journal::list(folder)?;
        let mut group = GroupWriter::new();
        journal::read_from(folder, &places, since, Some(through), |recorded| {
            group.clear();
            group.push_recorded(recorded);
            self.write_frame(GROUP, group.payload())
                .map_err(|source| OpenError::Io {
                    action: "write a snapshot".to_owned(),
                    source,
                })
        })?;
        Ok(())
    }

    fn write_trailer(&mut self, through: Committed) -> io::Result<()> {
        let numbers = [
            through.revision.0,
            through.time.0 as u64,
            self.rows,
            self.frames,
        ];
        let body: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        self.write_frame(TRAILER, &body)
    }
}

/// What a snapshot consists of.
pub(super) enum Piece<'a> {
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
}

/// Visits every piece in order, and gives the last commit that the whole contains. Only when this
/// succeeds has the file been a sound snapshot.
pub(super) fn read(
    folder: &Folder,
    path: &Path,
    mut visit: impl FnMut(Piece<'_>) -> io::Result<()>,
) -> Result<Committed, SnapshotError> {
    let mut file = BufReader::new(folder.disk().read(path)?);
    let seed = seed(folder.store());
    let mut payload = Vec::new();
    let (mut frames, mut rows) = (0, 0);
    while frame::read_next(&mut file, seed, &mut payload)? {
        let (kind, body) = payload.split_first().ok_or(SnapshotError::Damaged)?;
        match (*kind, frames) {
            (HEADER, 0) if body == VERSION.to_be_bytes() => {}
            (ROWS, 1..) => rows += read_rows(body, &mut visit)?,
            (GROUP, 1..) => {
                for recorded in group::read(body).ok_or(SnapshotError::Damaged)? {
                    visit(Piece::Commit(&recorded))?;
                }
            }
            (TRAILER, 1..) => {
                return read_trailer(body, rows, frames).ok_or(SnapshotError::Damaged);
            }
            _ => return Err(SnapshotError::Damaged),
        }
        frames += 1;
    }
    Err(SnapshotError::Damaged)
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
