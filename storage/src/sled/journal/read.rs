//! Reading the journal: at start, for a snapshot, and to see what may be deleted.

use std::{
    io::{self, Read},
    path::Path,
};

use super::segment::{self, HEADER_OCTETS, SegmentPlace};
use crate::{
    Revision, Timestamp, moment,
    sled::{
        error::{IoContext, OpenError},
        folder::{Folder, StoreId},
        frame,
        group::{self, Recorded},
    },
};

/// Where the journal ends.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sled) struct End {
    /// The number of the last commit in it (of the one before its first, where it is empty).
    pub(in crate::sled) last: Revision,
    /// The last segment and how many octets of it are valid.
    pub(in crate::sled) tail: Option<(SegmentPlace, u64)>,
}

/// All segments in order. A last one whose header never became durable holds nothing that was
/// acknowledged, and is left out.
pub(in crate::sled) fn list(folder: &Folder) -> Result<Vec<SegmentPlace>, OpenError> {
    let (disk, journal) = (folder.disk(), folder.journal());
    let paths = disk.list(&journal).while_doing("read", &journal)?;
    let mut numbers: Vec<u64> = paths
        .iter()
        .filter_map(|path| segment::number(path))
        .collect();
    numbers.sort_unstable();
    let newest = numbers.last().copied();
    let mut places = Vec::with_capacity(numbers.len());
    for number in numbers {
        let path = segment::path(&journal, number);
        let file = match disk.read(&path) {
            Ok(file) => file,
            // Deleted since the folder was read, because it is no longer needed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).while_doing("open", &path),
        };
        match place_of(&path, file, folder.store(), number).while_doing("read", &path)? {
            Some(place) => places.push(place),
            None if Some(number) == newest && !holds_frames(folder, &path, number)? => {}
            None => {
                return Err(damaged(
                    &path,
                    "its header is unreadable, all commits in it are lost",
                ));
            }
        }
    }
    Ok(places)
}

/// The place of a segment, from its header; `None` where it is no segment of this store.
pub(in crate::sled) fn place_of(
    path: &Path,
    file: impl Read,
    store: StoreId,
    number: u64,
) -> io::Result<Option<SegmentPlace>> {
    let mut header = Vec::new();
    file.take(HEADER_OCTETS as u64).read_to_end(&mut header)?;
    let first = segment::read_header(&header, store, number);
    Ok(first.map(|first| SegmentPlace {
        path: path.to_owned(),
        number,
        first,
    }))
}

fn holds_frames(folder: &Folder, path: &Path, number: u64) -> Result<bool, OpenError> {
    let octets = folder.disk().read_whole(path).while_doing("read", path)?;
    Ok(frame::find(&octets, segment::seed(folder.store(), number)).is_some())
}

fn damaged(path: &Path, what: &str) -> OpenError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    OpenError::Damaged(format!(
        "journal segment {name}: {what}; put the segment back from a copy, or restore a backup"
    ))
}

/// The commits from `first` on are lost, up to the one before `next`.
fn lost(
    path: &Path,
    first: Revision,
    next: Revision,
    [after, before]: [Option<Timestamp>; 2],
) -> OpenError {
    let last = Revision(next.0.saturating_sub(1));
    let made = match (after.map(moment::text), before.map(moment::text)) {
        (Some(after), Some(before)) => format!(", made between {after} and {before}"),
        (Some(after), None) => format!(", made after {after}"),
        (None, Some(before)) => format!(", made before {before}"),
        (None, None) => String::new(),
    };
    damaged(
        path,
        &format!("the commits {} to {} are lost{made}", first.0, last.0),
    )
}

/// When the first commit was made that can be read in a segment.
fn first_time(folder: &Folder, place: &SegmentPlace) -> Option<Timestamp> {
    let octets = folder.disk().read_whole(&place.path).ok()?;
    let payload = frame::find(&octets, segment::seed(folder.store(), place.number))?;
    group::first(payload).map(|first| first.time)
}

/// Visits every commit after the revision `after` and up to `through` (the end, where none is given),
/// in order. Nothing in between may be missing.
///
/// A bad frame is the torn end of the journal only where nothing valid follows it; anywhere else
/// something acknowledged was damaged, and that is an error which says what is lost.
pub(in crate::sled) fn read_from(
    folder: &Folder,
    places: &[SegmentPlace],
    after: Revision,
    through: Option<Revision>,
    mut visit: impl FnMut(&Recorded<'_>) -> Result<(), OpenError>,
) -> Result<End, OpenError> {
    // The last segment that begins at or before the first commit wanted.
    let Some(start) = places
        .iter()
        .rposition(|place| place.first.0 <= after.0 + 1)
    else {
        return match places.first() {
            Some(place) => Err(lost(
                &place.path,
                Revision(after.0 + 1),
                place.first,
                [None, first_time(folder, place)],
            )),
            None => Ok(End {
                last: after,
                tail: None,
            }),
        };
    };
    let mut end = End {
        last: after,
        tail: None,
    };
    for (index, place) in places.iter().enumerate().skip(start) {
        if through.is_some_and(|through| end.last >= through || place.first > through) {
            break;
        }
        let next = places.get(index + 1);
        let (last, octets) = read_segment(folder, place, next, through, |recorded| {
            if recorded.committed.revision > after {
                visit(recorded)
            } else {
                Ok(())
            }
        })?;
        end = End {
            last,
            tail: Some((place.clone(), octets)),
        };
    }
    Ok(end)
}

/// Visits the commits of one segment; `following` is the next one. Gives the last
/// commit's number and where the valid octets end.
fn read_segment(
    folder: &Folder,
    place: &SegmentPlace,
    following: Option<&SegmentPlace>,
    through: Option<Revision>,
    mut visit: impl FnMut(&Recorded<'_>) -> Result<(), OpenError>,
) -> Result<(Revision, u64), OpenError> {
    let next = following.map(|place| place.first);
    let mut time = None;
    let octets = folder
        .disk()
        .read_whole(&place.path)
        .while_doing("read", &place.path)?;
    let seed = segment::seed(folder.store(), place.number);
    let mut rest = octets.get(HEADER_OCTETS..).unwrap_or_default();
    let mut expected = place.first;
    while let Some((payload, behind)) = frame::read(rest, seed) {
        let commits = group::read(payload).ok_or_else(|| {
            damaged(
                &place.path,
                &format!("the commits from {} are unreadable", expected.0),
            )
        })?;
        let first = commits[0].committed.revision;
        if next.is_some_and(|next| first >= next) {
            // A tail that was cut off after a failed sync and came back: never acknowledged.
            break;
        }
        if first != expected {
            let gap = [time, Some(commits[0].committed.time)];
            return Err(lost(&place.path, expected, first, gap));
        }
        for recorded in &commits {
            if through.is_some_and(|through| recorded.committed.revision > through) {
                // The rest may be in the middle of being written.
                return Ok((Revision(expected.0 - 1), (octets.len() - rest.len()) as u64));
            }
            visit(recorded)?;
            time = Some(recorded.committed.time);
            expected.0 += 1;
        }
        rest = behind;
    }
    if through.is_some_and(|through| expected > through) {
        return Ok((Revision(expected.0 - 1), (octets.len() - rest.len()) as u64));
    }
    let readable = frame::find(rest, seed).and_then(group::first);
    let follows = next.or(readable.map(|first| first.revision));
    match follows {
        Some(next) if next != expected => {
            let before = following.and_then(|place| first_time(folder, place));
            let before = before.or(readable.map(|first| first.time));
            Err(lost(&place.path, expected, next, [time, before]))
        }
        _ => Ok((Revision(expected.0 - 1), (octets.len() - rest.len()) as u64)),
    }
}

/// Deletes the segments that hold nothing after the revision `covered`; the last one always stays.
pub(in crate::sled) fn delete_covered(
    folder: &Folder,
    covered: Revision,
) -> Result<usize, OpenError> {
    let (disk, journal) = (folder.disk(), folder.journal());
    let places = list(folder)?;
    let mut deleted = 0;
    for pair in places.windows(2) {
        if pair[1].first.0 <= covered.0 + 1 {
            disk.remove(&pair[0].path)
                .while_doing("delete", &pair[0].path)?;
            deleted += 1;
        } else {
            break;
        }
    }
    if deleted > 0 {
        disk.sync_folder(&journal).while_doing("sync", &journal)?;
    }
    Ok(deleted)
}

/// How many octets the segments have that hold commits after the revision `after`.
pub(in crate::sled) fn octets_since(places: &[SegmentPlace], after: Revision) -> io::Result<u64> {
    let start = places
        .iter()
        .rposition(|place| place.first.0 <= after.0 + 1)
        .unwrap_or(0);
    places[start..]
        .iter()
        .map(|place| Ok(std::fs::metadata(&place.path)?.len()))
        .sum()
}

/// Deletes the segment at the journal's former end if nothing was ever written into it, now that
/// another one follows.
pub(in crate::sled) fn remove_empty(folder: &Folder, end: &End) -> Result<(), OpenError> {
    match &end.tail {
        Some((place, octets)) if *octets <= HEADER_OCTETS as u64 => folder
            .disk()
            .remove(&place.path)
            .while_doing("delete", &place.path),
        _ => Ok(()),
    }
}
