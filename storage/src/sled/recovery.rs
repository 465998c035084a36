//! Start: from the truth (snapshots and journal) to an index that serves reads.
//!
//! A sound index is completed with the journal since its checkpoint. One that cannot be opened, is
//! older than it says, was seen to be damaged or was open when the machine stopped is set aside and
//! built again.

use std::{collections::BTreeMap, fs, io, path::Path};

use crate::{
    Revision, Timestamp,
    backend::Committed,
    sled::{
        checkpoint,
        error::{IoContext, OpenError},
        folder::Folder,
        group::Recorded,
        index::Index,
        journal::{self, End, SegmentPlace},
        snapshot::{self, Piece, SnapshotError, SnapshotPlace},
    },
};

/// How much is replayed before it is handed to the index.
const REPLAY_OCTETS: usize = 2 * 1024 * 1024;
/// Before the first commit.
const NOTHING: Committed = Committed {
    revision: Revision(0),
    time: Timestamp(i64::MIN),
};

/// An index that contains the whole journal, or all of it up to the commit asked for.
pub(super) struct Recovered {
    pub(super) index: Index,
    /// The newest commit that it contains.
    pub(super) last: Committed,
    /// What it is known to contain after a power failure.
    pub(super) checkpoint: Committed,
    /// Where the journal ends.
    pub(super) end: End,
}

/// Opens the index and completes it from the journal up to the commit `through` (the journal's end,
/// where none is given), or builds it anew.
pub(super) fn recover(
    folder: &Folder,
    cache_octets: u64,
    through: Option<Revision>,
) -> Result<Recovered, OpenError> {
    let places = journal::list(folder)?;
    let noted = checkpoint::read(folder).while_doing("read", &folder.checkpoint())?;
    let snapshots = snapshot::list(folder).while_doing("read", &folder.snapshots())?;
    let truth = Truth {
        acknowledged: noted
            .map(|checkpoint| checkpoint.revision)
            .max(snapshots.first().map(|place| place.through))
            .unwrap_or_default(),
        places,
        snapshots,
        through,
    };
    if truth.places.is_empty() && truth.acknowledged > NOTHING.revision {
        return Err(truth.end_is_missing(NOTHING.revision, truth.acknowledged));
    }
    let index = folder.index();
    if folder.index_may_be_torn().while_doing("look at", &index)? {
        // Before the use is noted anew: a kill in between must not make it look sound.
        folder
            .demand_rebuild()
            .while_doing("prepare the rebuilding of", &index)?;
    }
    folder
        .begin_use()
        .while_doing("prepare the use of", &index)?;
    match open_trusted(folder, cache_octets, noted, &truth)? {
        Ok((index, checkpoint)) => complete(folder, index, checkpoint, &truth),
        Err(reason) => {
            if !truth.places.is_empty() {
                tracing::warn!(%reason, "the index is built again from the snapshots and the journal");
            }
            rebuild(folder, cache_octets, &truth)
        }
    }
}

/// What the index is completed or built from.
struct Truth {
    places: Vec<SegmentPlace>,
    snapshots: Vec<SnapshotPlace>,
    /// What the journal must reach, as far as is known without the index.
    acknowledged: Revision,
    /// Up to where it is wanted; to its end, where nothing is said.
    through: Option<Revision>,
}

impl Truth {
    /// Whether an index that contains everything up to this commit can be completed from the journal.
    fn reaches_back_to(&self, revision: Revision) -> bool {
        let first = self.places.first();
        first.is_none_or(|first| first.first().0 <= revision.0 + 1)
    }

    /// Whether the journal ends where it may.
    fn check_end(&self, end: &End, acknowledged: Revision) -> Result<(), OpenError> {
        let acknowledged = acknowledged.max(self.acknowledged);
        match self.through {
            None if acknowledged > end.last => Err(self.end_is_missing(end.last, acknowledged)),
            _ => Ok(()),
        }
    }

    fn end_is_missing(&self, last: Revision, acknowledged: Revision) -> OpenError {
        OpenError::Damaged(format!(
            "the journal ends with commit {}, but commits up to {} were acknowledged; put the \
             missing end of the journal back from a copy, or restore a backup",
            last.0, acknowledged.0
        ))
    }
}

/// The index and its checkpoint, or why it must be built again.
fn open_trusted(
    folder: &Folder,
    cache_octets: u64,
    noted: Option<Committed>,
    truth: &Truth,
) -> Result<Result<(Index, Committed), String>, OpenError> {
    let path = folder.index();
    if folder.must_rebuild().while_doing("look at", &path)? {
        return Ok(Err(
            "it was found damaged, or the machine stopped while it was in use".to_owned(),
        ));
    }
    if !path.join("db").try_exists().while_doing("look at", &path)? {
        return Ok(Err("it is missing".to_owned()));
    }
    let Some(checkpoint) = noted else {
        return Ok(Err("nothing says what it contains".to_owned()));
    };
    if !truth.reaches_back_to(checkpoint.revision) {
        return Ok(Err("the journal that it lacks is gone".to_owned()));
    }
    Ok(
        Index::open(&path, cache_octets).and_then(|index| match index.contains() {
            Ok(Some(contains)) if contains.revision >= checkpoint.revision => {
                Ok((index, checkpoint))
            }
            Ok(Some(_)) => Err("it is older than its checkpoint".to_owned()),
            Ok(None) => Err("an earlier version made it".to_owned()),
            Err(error) => Err(error.to_string()),
        }),
    )
}

/// Replays the journal since the checkpoint.
fn complete(
    folder: &Folder,
    index: Index,
    checkpoint: Committed,
    truth: &Truth,
) -> Result<Recovered, OpenError> {
    let contained = index
        .contains()
        .map_err(io::Error::other)
        .while_doing("read", &folder.index())?;
    let contained = contained.map_or(checkpoint.revision, |contained| contained.revision);
    let (last, end) = replay(folder, &index, checkpoint, truth)?;
    truth.check_end(&end, contained)?;
    Ok(Recovered {
        index,
        last,
        checkpoint,
        end,
    })
}

/// Builds the index from the newest sound snapshot and the journal after it.
fn rebuild(folder: &Folder, cache_octets: u64, truth: &Truth) -> Result<Recovered, OpenError> {
    let path = folder.index();
    folder
        .demand_rebuild()
        .while_doing("prepare the rebuilding of", &path)?;
    folder.set_index_aside().while_doing("set aside", &path)?;
    let (index, loaded) = load_newest(folder, cache_octets, &truth.snapshots)?;
    let (last, end) = replay(folder, &index, loaded, truth)?;
    truth.check_end(&end, NOTHING.revision)?;
    index
        .flush()
        .and_then(|()| index.sync(folder.disk()))
        .map_err(index_failed)?;
    checkpoint::write(folder, last).while_doing("write", &folder.checkpoint())?;
    folder.rebuilt().while_doing("finish", &path)?;
    Ok(Recovered {
        index,
        last,
        checkpoint: last,
        end,
    })
}

/// A new index with the rows of the newest sound snapshot; empty, where there is none.
fn load_newest(
    folder: &Folder,
    cache_octets: u64,
    snapshots: &[SnapshotPlace],
) -> Result<(Index, Committed), OpenError> {
    for place in snapshots {
        let index = new_index(folder, cache_octets)?;
        match load(&index, &place.path, folder) {
            Ok(through) => return Ok((index, through)),
            Err(SnapshotError::Damaged) => {
                tracing::warn!(snapshot = %place.path.display(), "a snapshot is damaged and not used");
            }
            Err(error) => {
                let source = match error {
                    SnapshotError::Io(source) => source,
                    other => io::Error::other(other.to_string()),
                };
                return Err(OpenError::Io {
                    action: format!("load {}", place.path.display()),
                    source,
                });
            }
        }
    }
    Ok((new_index(folder, cache_octets)?, NOTHING))
}

fn new_index(folder: &Folder, cache_octets: u64) -> Result<Index, OpenError> {
    let path = folder.index();
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).while_doing("empty", &path);
        }
        _ => {}
    }
    Index::open(&path, cache_octets)
        .map_err(io::Error::other)
        .while_doing("make", &path)
}

fn index_failed(source: io::Error) -> OpenError {
    OpenError::Io {
        action: "write the index".to_owned(),
        source,
    }
}

/// Loads a snapshot into an empty index.
pub(super) fn load(
    index: &Index,
    path: &Path,
    folder: &Folder,
) -> Result<Committed, SnapshotError> {
    let mut pending = Pending::default();
    let through = snapshot::read(folder, path, |piece| {
        match piece {
            Piece::Row {
                key,
                revision,
                value,
            } => pending.put(key, revision, Some(value)),
            Piece::Commit(recorded) => pending.push(recorded),
            // A snapshot has none.
            Piece::Blob(_) => {}
        }
        pending.load_if_large(index)
    })?;
    index.load(pending.rows(), through)?;
    Ok(through)
}

/// Hands the journal after `after` to the index.
fn replay(
    folder: &Folder,
    index: &Index,
    after: Committed,
    truth: &Truth,
) -> Result<(Committed, End), OpenError> {
    let mut pending = Pending::default();
    let mut last = after;
    let (places, after) = (&truth.places, after.revision);
    let end = journal::read_from(folder, places, after, truth.through, |recorded| {
        pending.push(recorded);
        last = recorded.committed;
        pending.apply_if_large(index, last).map_err(index_failed)
    })?;
    if !pending.rows.is_empty() {
        pending.apply(index, last).map_err(index_failed)?;
    }
    Ok((last, end))
}

/// Rows on their way into the index, the newest of each key only.
#[derive(Default)]
struct Pending {
    rows: BTreeMap<Vec<u8>, (Revision, Option<Vec<u8>>)>,
    octets: usize,
}

impl Pending {
    fn put(&mut self, key: &[u8], revision: Revision, value: Option<&[u8]>) {
        self.octets += key.len() + value.map_or(0, <[u8]>::len);
        self.rows
            .insert(key.to_vec(), (revision, value.map(<[u8]>::to_vec)));
    }

    fn push(&mut self, recorded: &Recorded<'_>) {
        for (key, value) in &recorded.effects {
            self.put(key, recorded.committed.revision, *value);
        }
    }

    fn apply_if_large(&mut self, index: &Index, through: Committed) -> io::Result<()> {
        if self.octets < REPLAY_OCTETS {
            Ok(())
        } else {
            self.apply(index, through)
        }
    }

    /// The same for an index that is being loaded, which contains nothing for certain yet.
    fn load_if_large(&mut self, index: &Index) -> io::Result<()> {
        if self.octets >= REPLAY_OCTETS {
            index.load(self.rows(), NOTHING)?;
            *self = Pending::default();
        }
        Ok(())
    }

    fn apply(&mut self, index: &Index, through: Committed) -> io::Result<()> {
        index.apply(self.rows(), through)?;
        *self = Pending::default();
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = (&[u8], Revision, Option<&[u8]>)> {
        let rows = self.rows.iter();
        rows.map(|(key, (revision, value))| (&key[..], *revision, value.as_deref()))
    }
}

/// Cuts off what is torn at the journal's end, so that the last segment is whole before another is
/// begun; and syncs it in any case, since its last frame may never have been: if the process was killed
/// during the sync, the frame is read here but could still be lost.
pub(super) fn cut_torn_tail(folder: &Folder, end: &End) -> Result<(), OpenError> {
    let Some((place, octets)) = &end.tail else {
        return Ok(());
    };
    let length = fs::metadata(place.path())
        .while_doing("look at", place.path())?
        .len();
    let cut = folder.disk().change(place.path()).and_then(|file| {
        if length > *octets {
            file.set_length(*octets)?;
        }
        file.sync()
    });
    cut.while_doing("cut the end off", place.path())
}
