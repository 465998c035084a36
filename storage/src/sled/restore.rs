//! A backup, and the archived journal after it, made into the folder of a new store.
//!
//! The folder is written as if it had always been this store's: one snapshot, which is the backup with
//! the archived commits at its end, and an empty journal behind it. Its identity is new, so that its
//! journal can never be mixed up with that of the store the backup was made of. Every checksum is
//! verified while the snapshot is written, and blobs become files. What the archived journal refers to and
//! the backup does not have is fetched afterwards (see [`super::Sled::fetch_blobs`]). Whoever calls this does so
//! in a folder aside, and gives it its name when all is done.
//!
//! What is left of a damaged store is loaded in the same way: its newest sound snapshot is the backup, and
//! its journal goes on from there to the first commit that is lost.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    archive,
    blobs::{BlobFolder, BlobLoader, IncomingBlobs, Places},
    checkpoint,
    disk::{Appending, RealDisk},
    error::{IoContext, OpenError},
    folder::{Folder, StoreId},
    frame,
    group::{self, Recorded},
    journal::{self, Journal, SegmentPlace},
    snapshot::{self, Piece, SnapshotError, Writer},
};
use crate::{Clock, Revision, Timestamp, backend::Committed};

/// What a store is restored from.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to begin with.
    pub origin: Origin,
    /// Archives of the journal, or the journal's own folder; empty, where the backup alone is wanted.
    pub archives: Vec<PathBuf>,
    /// The last moment whose commits are wanted; `None` takes all that there are.
    pub until: Option<Timestamp>,
}

impl Source {
    /// Where blobs may be that a backup does not have.
    pub(super) fn places_of_blobs(&self) -> io::Result<Places> {
        let own = match &self.origin {
            Origin::Backup(_) => Vec::new(),
            Origin::Remains(folder) => vec![folder.join("blobs")],
        };
        Places::of(&self.archives, own)
    }
}

/// What a restore begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A backup.
    Backup(PathBuf),
    /// The folder of a damaged store, which stays as it is. What is lost behind what can be read is given
    /// up.
    Remains(PathBuf),
}

/// What a restore is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reads the backup.
    Backup,
    /// Reads the archived journal; counted in segments.
    Archive,
    /// Builds the index; not counted.
    Index,
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is at.
    pub stage: Stage,
    /// How much is done: octets, or what the stage counts.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The newest commit of the backup.
    pub backup: Committed,
    /// The newest commit that was restored.
    pub reached: Committed,
    /// The first commit that was left out because it is later than what was asked for; `None` where
    /// all that there was is restored.
    pub left_out: Option<Committed>,
    /// How many files in the archives belong to other stores, or are no segments at all.
    pub foreign_files: usize,
    /// Of remains, what is known to be lost.
    pub lost: Option<Lost>,
}

/// Commits that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The first of them.
    pub first: Revision,
    /// The last of which it is known that it was made.
    pub last: Option<Revision>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is something else.
    #[error("{0} is not a backup of Convoke")]
    NotABackup(PathBuf),
    /// The file is of a later version.
    #[error("{0} was written by a later version of Convoke: restore it with that version")]
    Newer(PathBuf),
    /// The file is broken.
    #[error(
        "{0} is damaged or cut short: a checksum or a count in it is wrong; restore another backup"
    )]
    Damaged(PathBuf),
    /// The backup is of a later moment.
    #[error("the backup is of a later moment than the one asked for; restore an older backup")]
    Later {
        /// Its newest commit.
        backup: Committed,
    },
    /// Neither a snapshot nor a journal from its beginning on.
    #[error("nothing in {0} can be read: restore a backup")]
    NothingLeft(PathBuf),
    /// No journal to go on with.
    #[error("there is no journal of the backup's store in {0:?}")]
    NoArchive(Vec<PathBuf>),
    /// Something in the middle of the archived journal is not there.
    #[error("the archived journal is not complete: {what}")]
    Gap {
        /// What is missing.
        what: String,
        /// The last commit before it.
        reached: Committed,
    },
    /// Whoever asked for it wanted it no longer.
    #[error("the restore was broken off")]
    Stopped,
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] OpenError),
}

/// Makes a store of a backup in a folder that is missing or empty. Asks `go_on`, which is told how far
/// it is, between steps. Opening the store is what builds its index.
///
/// # Errors
/// See [`LoadError`]; the folder then holds something that is not a store.
pub fn load(
    source: &Source,
    folder: &Path,
    now: Timestamp,
    go_on: &mut dyn FnMut(Progress) -> bool,
) -> Result<Loaded, LoadError> {
    let (folder, _lock) = Folder::open(Arc::new(RealDisk), folder, now)?;
    let blobs = BlobFolder::open(folder.clone(), Arc::new(Stopped(now)), 0, None)
        .while_doing("write", &folder.blobs())?;
    let draft = snapshot::draft(&folder);
    let file = snapshot::create_file(&folder, &draft).while_doing("write", &draft)?;
    let mut loading = Loading {
        writer: Writer::begin(file, folder.store()).while_doing("write", &draft)?,
        blobs: BlobLoader::new(blobs),
        draft: draft.clone(),
        go_on,
    };
    let (loaded, backup) = match &source.origin {
        Origin::Backup(path) => loading.load_backup(source, path)?,
        Origin::Remains(path) => loading.load_remains(source, path, now)?,
    };
    let replayed = loaded.0;
    let written = loading.writer.finish(replayed.last);
    written
        .and_then(snapshot::sync)
        .while_doing("write", &draft)?;
    finish(&folder, &draft, replayed.last)?;
    Ok(Loaded {
        backup,
        reached: replayed.last,
        left_out: replayed.left_out,
        foreign_files: loaded.1,
        lost: replayed.lost,
    })
}

/// A clock that always says the same.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Reads a backup to its end, and gives its newest commit.
///
/// # Errors
/// It is damaged, or cannot be read.
pub fn verify(backup: &Path) -> Result<Committed, LoadError> {
    let file = File::open(backup).while_doing("open", backup)?;
    let mut blobs = IncomingBlobs::default();
    let read = snapshot::read_any(
        BufReader::with_capacity(READ_OCTETS, file),
        |piece| match piece {
            Piece::Blob(piece) => blobs.take(&piece).map(drop),
            Piece::Row { .. } | Piece::Commit(_) => Ok(()),
        },
    );
    let (_, through) = read.map_err(|error| refusal(error, backup))?;
    Ok(through)
}

/// Gives the snapshot its name, and lets the journal begin behind it.
fn finish(folder: &Folder, draft: &Path, through: Committed) -> Result<(), LoadError> {
    let named = snapshot::name(folder, draft, through);
    named
        .map_err(|error| io::Error::other(error.to_string()))
        .while_doing("write", draft)?;
    let options = super::Options::default();
    let mut journal = Journal::new(folder.clone(), options.segment_octets, 1);
    journal
        .begin(Revision(through.revision.0 + 1))
        .while_doing("write", &folder.journal())?;
    Ok(())
}

struct Loading<'a> {
    writer: Writer<BufWriter<Appending>>,
    blobs: BlobLoader,
    draft: PathBuf,
    go_on: &'a mut dyn FnMut(Progress) -> bool,
}

impl Loading<'_> {
    /// A backup, and what is archived behind it; second: the backup's newest commit.
    fn load_backup(
        &mut self,
        source: &Source,
        path: &Path,
    ) -> Result<((Replayed, usize), Committed), LoadError> {
        let (store, backup) = self.copy_backup(source, path)?;
        Ok((self.copy_archive(source, store, backup)?, backup))
    }

    /// The newest sound snapshot of a damaged store, and as much as can be read of the journal behind it.
    fn load_remains(
        &mut self,
        source: &Source,
        path: &Path,
        now: Timestamp,
    ) -> Result<((Replayed, usize), Committed), LoadError> {
        let (remains, _lock) = Folder::open(Arc::new(RealDisk), path, now)?;
        let snapshots = snapshot::list(&remains).while_doing("read", &remains.snapshots())?;
        let mut begun = NOTHING;
        for place in &snapshots {
            // Looked at before anything of it is taken over.
            if snapshot::read(&remains, &place.path, |_| Ok(())).is_ok() {
                begun = self.copy_snapshot(&remains, &place.path)?;
                break;
            }
        }
        let (mut replayed, foreign) = self.copy_archive(source, remains.store(), begun)?;
        if replayed.last == NOTHING {
            return Err(LoadError::NothingLeft(path.to_owned()));
        }
        let noted = checkpoint::read(&remains).while_doing("read", &remains.checkpoint())?;
        let known = noted
            .map(|noted| noted.revision)
            .max(snapshots.first().map(|place| place.through))
            .filter(|known| *known > replayed.last.revision);
        if let Some(known) = known {
            let lost = replayed.lost.get_or_insert(Lost {
                first: Revision(replayed.last.revision.0 + 1),
                last: None,
            });
            lost.last = lost.last.max(Some(known));
        }
        Ok(((replayed, foreign), begun))
    }

    fn copy_snapshot(&mut self, remains: &Folder, path: &Path) -> Result<Committed, LoadError> {
        let (writer, blobs, mut failed) = (&mut self.writer, &mut self.blobs, None);
        let read = snapshot::read(remains, path, |piece| {
            copy_piece(writer, blobs, &piece, &mut failed)
        });
        if let Some(source) = failed {
            let action = format!("write {}", self.draft.display());
            return Err(OpenError::Io { action, source }.into());
        }
        read.map_err(|error| refusal(error, path))
    }

    /// Copies the backup's pieces; gives whose it is and its newest commit.
    fn copy_backup(
        &mut self,
        source: &Source,
        path: &Path,
    ) -> Result<(StoreId, Committed), LoadError> {
        let file = File::open(path).while_doing("open", path)?;
        let total = file.metadata().while_doing("look at", path)?.len();
        let (writer, blobs) = (&mut self.writer, &mut self.blobs);
        let (go_on, draft) = (&mut self.go_on, &self.draft);
        let mut stopped = false;
        let counted = Counted {
            file,
            done: 0,
            report: &mut |done| {
                let stage = Stage::Backup;
                stopped |= !go_on(Progress { stage, done, total });
                !stopped
            },
        };
        let mut failed = None;
        let read = snapshot::read_any(BufReader::with_capacity(READ_OCTETS, counted), |piece| {
            copy_piece(writer, blobs, &piece, &mut failed)
        });
        if stopped {
            return Err(LoadError::Stopped);
        }
        if let Some(source) = failed {
            let action = format!("write {}", draft.display());
            return Err(OpenError::Io { action, source }.into());
        }
        let (store, backup) = read.map_err(|error| refusal(error, path))?;
        if source.until.is_some_and(|until| until < backup.time) {
            return Err(LoadError::Later { backup });
        }
        Ok((store, backup))
    }

    /// Adds the archived commits after the backup's; second: how many foreign files there were.
    fn copy_archive(
        &mut self,
        source: &Source,
        store: StoreId,
        backup: Committed,
    ) -> Result<(Replayed, usize), LoadError> {
        let mut replayed = Replayed {
            last: backup,
            left_out: None,
            lost: None,
            gives_up: matches!(source.origin, Origin::Remains(_)),
        };
        if source.archives.is_empty() {
            return Ok((replayed, 0));
        }
        let (places, foreign) = archive::find(&source.archives, store)?;
        if places.is_empty() && !replayed.gives_up {
            return Err(LoadError::NoArchive(source.archives.clone()));
        }
        let wanted = wanted(&places, backup.revision);
        let total = wanted.len() as u64;
        for (index, place) in wanted.iter().enumerate() {
            let progress = Progress {
                stage: Stage::Archive,
                done: index as u64,
                total,
            };
            if !(self.go_on)(progress) {
                return Err(LoadError::Stopped);
            }
            let next = wanted.get(index + 1);
            if self.copy_segment(place, next, store, source.until, &mut replayed)? {
                return Ok((replayed, foreign));
            }
        }
        Ok((replayed, foreign))
    }

    /// Adds the commits of one segment; says whether one was later than what is wanted.
    fn copy_segment(
        &mut self,
        place: &SegmentPlace,
        next: Option<&SegmentPlace>,
        store: StoreId,
        until: Option<Timestamp>,
        replayed: &mut Replayed,
    ) -> Result<bool, LoadError> {
        let (writer, draft) = (&mut self.writer, &self.draft);
        if place.first().0 > replayed.last.revision.0 + 1 {
            return replayed.gap(until, Some(place.first()), place.path());
        }
        let next_first = next.map(SegmentPlace::first);
        let ended = read_segment(place, next_first, store, |recorded| {
            let committed = recorded.committed;
            if committed.revision <= replayed.last.revision {
                return Ok(ControlFlow::Continue(()));
            }
            if until.is_some_and(|until| committed.time > until) {
                replayed.left_out = Some(committed);
                return Ok(ControlFlow::Break(()));
            }
            replayed.last = committed;
            writer.commit(recorded).while_doing("write", draft)?;
            Ok(ControlFlow::Continue(()))
        })?;
        if replayed.left_out.is_some() {
            return Ok(true);
        }
        match (ended, next_first) {
            (End::Whole, None) => Ok(false),
            (End::Whole, Some(next)) if next.0 <= replayed.last.revision.0 + 1 => Ok(false),
            (_, next) => replayed.gap(until, next, place.path()),
        }
    }
}

/// How far the archived commits were added.
struct Replayed {
    last: Committed,
    left_out: Option<Committed>,
    lost: Option<Lost>,
    /// What is missing is given up, with all that is behind it.
    gives_up: bool,
}

impl Replayed {
    /// Something is missing behind the last commit. That is no harm where nothing later is wanted.
    fn gap(
        &mut self,
        until: Option<Timestamp>,
        next: Option<Revision>,
        path: &Path,
    ) -> Result<bool, LoadError> {
        if until.is_some_and(|until| until <= self.last.time) {
            return Ok(true);
        }
        let first = self.last.revision.0 + 1;
        if self.gives_up {
            self.lost = Some(Lost {
                first: Revision(first),
                last: next.map(|next| Revision(next.0.saturating_sub(1).max(first))),
            });
            return Ok(true);
        }
        let missing = match next {
            Some(next) if next.0 > first => format!("commits {first} to {}", next.0 - 1),
            _ => format!("the commits from {first} on"),
        };
        Err(LoadError::Gap {
            what: format!("{missing} are missing or damaged, at {}", path.display()),
            reached: self.last,
        })
    }
}

/// Takes one piece over. What fails is kept in `failed`, since whoever reads takes it for his own error.
fn copy_piece(
    writer: &mut Writer<BufWriter<Appending>>,
    blobs: &mut BlobLoader,
    piece: &Piece<'_>,
    failed: &mut Option<io::Error>,
) -> io::Result<()> {
    let written = match piece {
        Piece::Row {
            key,
            revision,
            value,
        } => writer.row(key, *revision, value),
        Piece::Commit(recorded) => writer.commit(recorded),
        Piece::Blob(piece) => blobs.write(piece),
    };
    written.map_err(|error| {
        let told = io::Error::from(error.kind());
        if error.kind() != io::ErrorKind::InvalidData {
            *failed = Some(error);
        }
        told
    })
}

/// The segments that hold commits after a revision: from the last that begins at or before it on.
fn wanted(places: &[SegmentPlace], after: Revision) -> &[SegmentPlace] {
    let start = places
        .iter()
        .rposition(|place| place.first().0 <= after.0 + 1);
    &places[start.unwrap_or(0)..]
}

/// How the reading of a segment ended.
enum End {
    /// Nothing valid stands behind what was read.
    Whole,
    /// Something valid follows something that is not.
    Damaged,
}

/// Visits the commits of a segment that come before `next`, as long as it is wanted.
fn read_segment(
    place: &SegmentPlace,
    next: Option<Revision>,
    store: StoreId,
    mut visit: impl FnMut(&Recorded<'_>) -> Result<ControlFlow<()>, OpenError>,
) -> Result<End, OpenError> {
    let octets = std::fs::read(place.path()).while_doing("read", place.path())?;
    let seed = place.seed(store);
    let mut rest = octets.get(journal::HEADER_OCTETS..).unwrap_or_default();
    let mut expected = place.first();
    while let Some((payload, behind)) = frame::read(rest, seed) {
        let Some(commits) = group::read(payload) else {
            return Ok(End::Damaged);
        };
        for recorded in &commits {
            let revision = recorded.committed.revision;
            if next.is_some_and(|next| revision >= next) {
                // A tail that was cut off after a failed sync and came back: never acknowledged.
                return Ok(End::Whole);
            }
            if revision != expected {
                return Ok(End::Damaged);
            }
            expected.0 += 1;
            if visit(recorded)?.is_break() {
                return Ok(End::Whole);
            }
        }
        rest = behind;
    }
    Ok(match frame::find(rest, seed) {
        Some(_) => End::Damaged,
        None => End::Whole,
    })
}

fn refusal(error: SnapshotError, path: &Path) -> LoadError {
    match error {
        SnapshotError::Foreign => LoadError::NotABackup(path.to_owned()),
        SnapshotError::Newer => LoadError::Newer(path.to_owned()),
        SnapshotError::Damaged => LoadError::Damaged(path.to_owned()),
        // What a piece of a blob says of the others is wrong.
        SnapshotError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            LoadError::Damaged(path.to_owned())
        }
        SnapshotError::Journal(error) => LoadError::Store(error),
        error => LoadError::Store(OpenError::Io {
            action: format!("read {}", path.display()),
            source: io::Error::other(error.to_string()),
        }),
    }
}

/// Before the first commit.
const NOTHING: Committed = Committed {
    revision: Revision(0),
    time: Timestamp(i64::MIN),
};
/// How much of a backup is read between two reports.
const READ_OCTETS: usize = 1024 * 1024;

/// A file that reports how much of it was read, and ends when nobody wants more.
struct Counted<'a> {
    file: File,
    done: u64,
    report: &'a mut dyn FnMut(u64) -> bool,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !(self.report)(self.done) {
            return Ok(0);
        }
        let octets = self.file.read(buffer)?;
        self.done += octets as u64;
        Ok(octets)
    }
}
