//! The archive of the journal: copies of its segments in a folder of the administrator's choice, from
//! which a restore goes on where a backup ends.
//!
//! Each store has a folder of its own there, named after its identity, with the segments under the
//! names that they have in the journal, and copies of its blobs; so names are in the order of commits, and nothing of one
//! store is taken for another's. Each segment names store, number and first commit in its header, and
//! numbers of commits have no gaps: what is foreign or missing is noticed.
//!
//! A copy goes when its last commit is older than is to be kept. Which time it is then is asked of the
//! retention clock, so that nothing goes early because the machine's clock jumped.

use std::{
    fs::{self, DirBuilder, File, FileTimes},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    RetentionClock, Revision, Timestamp,
    backend::Committed,
    sled::{
        blobs::{self, BlobFolder},
        disk::Disk,
        error::{IoContext, OpenError},
        folder::{Folder, StoreId},
        frame, group,
        journal::{self, SegmentPlace},
    },
};

/// Where the journal is archived, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The folder. It is made where it is missing.
    pub folder: PathBuf,
    /// A segment whose last commit is older than that goes; `None` keeps all.
    pub keep: Option<Duration>,
}

/// Which segments are to be copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that no commit will be added to.
    Closed,
    /// The open one too, as far as it goes.
    All,
}

/// How much longer blobs are copied between two looks of who must not wait; then the journal waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// Copies segments into the archive, one copy at a time.
#[derive(Default)]
pub(super) struct Archivist {
    at_work: Mutex<()>,
}

impl Archivist {
    /// Copies what the archive does not have yet, up to the commit `through`, and before it the blobs that
    /// those commits refer to. Says whether that was all: who wants the closed segments has other things to
    /// do, and copies many blobs in several turns.
    pub(super) fn update(
        &self,
        archive: &Archive,
        (folder, blobs): (&Folder, &BlobFolder),
        which: Which,
        through: Committed,
    ) -> Result<bool, OpenError> {
        let _alone = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let target = folder_of(&archive.folder, folder.store());
        make_folder(folder.disk(), &target).while_doing("make the folder", &target)?;
        let begun = Instant::now();
        let mut go_on = || which == Which::All || begun.elapsed() < PATIENCE;
        let archived = blobs.archive_all(&mut go_on);
        if !archived.while_doing("archive the blobs of", &folder.blobs())? {
            return Ok(false);
        }
        let places = journal::list(folder)?;
        let copied = match which {
            Which::All => places.len(),
            Which::Closed => places.len().saturating_sub(1),
        };
        let mut changed = false;
        for place in &places[..copied] {
            changed |= copy(folder, place, &target, through.revision)?;
        }
        if changed {
            let synced = folder.disk().sync_folder(&target);
            synced.while_doing("sync", &target)?;
        }
        Ok(true)
    }

    /// Removes what is older than is to be kept.
    pub(super) fn expire(
        &self,
        archive: &Archive,
        folder: &Folder,
        clock: &RetentionClock,
    ) -> Result<(), OpenError> {
        let Some(keep) = archive.keep else {
            return Ok(());
        };
        let _alone = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let target = folder_of(&archive.folder, folder.store());
        if !target.try_exists().while_doing("look at", &target)? {
            return Ok(());
        }
        let places = journal::list(folder)?;
        let oldest = places.first().map_or(0, SegmentPlace::number);
        let now = clock.now_for(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        if expire(folder.disk(), &target, oldest, now, keep)? {
            let synced = folder.disk().sync_folder(&target);
            synced.while_doing("sync", &target)?;
        }
        blobs::expire(folder.disk(), &target, system_time(now), keep)
            .while_doing("remove old blobs from", &target)
    }
}

/// The place of one store's segments in an archive.
pub(super) fn folder_of(archive: &Path, store: StoreId) -> PathBuf {
    archive.join(format!("{:032x}", u128::from_be_bytes(store.0)))
}

fn make_folder(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    path.parent()
        .map_or(Ok(()), |parent| disk.sync_folder(parent))
}

/// Copies one segment, unless the archive has as much of it. Says whether it did.
fn copy(
    folder: &Folder,
    place: &SegmentPlace,
    target: &Path,
    through: Revision,
) -> Result<bool, OpenError> {
    let path = place.path_in(target);
    let archived = octets_of(&path).while_doing("look at", &path)?;
    if archived == octets_of(place.path()).while_doing("look at", place.path())? {
        return Ok(false);
    }
    let disk = folder.disk();
    let octets = disk.read_whole(place.path());
    let octets = octets.while_doing("read", place.path())?;
    let (valid, last) = valid_part(&octets, place, folder.store(), through);
    let Some(last) = last.filter(|_| valid.len() as u64 > archived) else {
        return Ok(false);
    };
    let draft = path.with_extension("part");
    write(disk, &draft, valid, last)
        .and_then(|()| disk.rename(&draft, &path))
        .while_doing("write", &path)?;
    Ok(true)
}

fn octets_of(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// The part of a segment that is sound and holds no commit after `through`, and the time of its last
/// commit, where it has one.
fn valid_part<'a>(
    octets: &'a [u8],
    place: &SegmentPlace,
    store: StoreId,
    through: Revision,
) -> (&'a [u8], Option<Timestamp>) {
    let mut rest = octets.get(journal::HEADER_OCTETS..).unwrap_or_default();
    let mut last = None;
    while let Some((payload, behind)) = frame::read(rest, place.seed(store)) {
        let commits = group::read(payload).unwrap_or_default();
        match commits.last() {
            Some(newest) if newest.committed.revision <= through => {
                last = Some(newest.committed.time);
            }
            _ => break,
        }
        rest = behind;
    }
    (&octets[..octets.len() - rest.len()], last)
}

/// Writes a copy durably, dated like the last commit in it.
fn write(disk: &dyn Disk, path: &Path, octets: &[u8], last: Timestamp) -> io::Result<()> {
    let file = disk.create(path)?;
    file.write_at(octets, 0)?;
    let dated = File::options().write(true).open(path)?;
    dated.set_times(FileTimes::new().set_modified(system_time(last)))?;
    file.sync()
}

/// A moment of a file's date.
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    let milliseconds = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(UNIX_EPOCH) {
        Ok(after) => milliseconds(after),
        Err(before) => -milliseconds(before.duration()),
    })
}

pub(super) fn system_time(time: Timestamp) -> SystemTime {
    let distance = Duration::from_millis(time.0.unsigned_abs());
    if time.0 < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

/// Removes the copies, from the oldest on, whose last commit is older than is to be kept, but none
/// that the journal still has: it would only be copied again.
fn expire(
    disk: &dyn Disk,
    target: &Path,
    oldest_in_journal: u64,
    now: Timestamp,
    keep: Duration,
) -> Result<bool, OpenError> {
    let mut copies = Vec::new();
    for path in disk.list(target).while_doing("read", target)? {
        copies.extend(journal::segment_number(&path).map(|number| (number, path)));
    }
    copies.sort();
    let mut removed = false;
    for (number, path) in copies {
        let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = system_time(now).duration_since(written.while_doing("look at", &path)?);
        if number >= oldest_in_journal || age.unwrap_or_default() <= keep {
            break;
        }
        disk.remove(&path).while_doing("delete", &path)?;
        removed = true;
    }
    Ok(removed)
}

/// The segments of a store in an archive, or in a journal's own folder; where several have the same
/// one, the longest. Second: how many files there belong to other stores, or are no segments.
pub(super) fn find(
    archives: &[PathBuf],
    store: StoreId,
) -> Result<(Vec<SegmentPlace>, usize), OpenError> {
    let mut places: Vec<SegmentPlace> = Vec::new();
    let mut foreign = 0;
    for archive in archives {
        let own = folder_of(archive, store);
        let own = own.is_dir().then_some(own);
        for folder in own.iter().chain([archive]) {
            for entry in fs::read_dir(folder).while_doing("read", folder)? {
                let path = entry.while_doing("read", folder)?.path();
                let Some(number) = journal::segment_number(&path) else {
                    continue;
                };
                let file = File::open(&path).while_doing("open", &path)?;
                match journal::place_of(&path, file, store, number).while_doing("read", &path)? {
                    Some(place) => places.push(place),
                    None => foreign += 1,
                }
            }
        }
    }
    let octets = |place: &SegmentPlace| octets_of(place.path()).unwrap_or(0);
    places.sort_by_key(|place| (place.number(), std::cmp::Reverse(octets(place))));
    places.dedup_by_key(|place| place.number());
    Ok((places, foreign))
}
