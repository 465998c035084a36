//! Reads the truth whole, and looks whether what is served agrees with it.
//!
//! The frames of all snapshots and of the journal are read with their checksums. Then every row of the
//! newest snapshot and every effect of the journal behind it is compared with what a read gives: it may
//! be newer, but never older, other, or missing. Memory is bounded by the rows that were removed since
//! the snapshot, whatever the size of the store.

use std::{
    collections::HashSet,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;

use crate::{
    Revision,
    backend::{Fault, FaultPlace, Key, ReadError},
    sled::{
        Shared,
        error::{IoContext, OpenError},
        journal,
        read::View,
        snapshot::{self, Piece, SnapshotError},
    },
};

/// How many differing rows are told one by one.
const ROWS_TOLD: usize = 20;
/// How many missing rows are remembered until it is known whether they were removed.
const MISSING_ROWS: usize = 1_000_000;
/// How often a walk is begun again because files went meanwhile.
const ATTEMPTS: usize = 5;

/// What is wrong; nothing where all is well. Ends with an error soon after it is stopped.
pub(super) fn verify(shared: &Shared, stop: &AtomicBool) -> Result<Vec<Fault>, ReadError> {
    for _ in 1..ATTEMPTS {
        let before = files(shared)?;
        let verified = verify_once(shared, stop);
        let is_sound = matches!(&verified, Ok(faults) if faults.is_empty());
        // A snapshot, or journal that it covers, may be deleted while it is read.
        if is_sound || stop.load(Ordering::Relaxed) || files(shared)? == before {
            return verified;
        }
    }
    verify_once(shared, stop)
}

/// The names of what is read.
fn files(shared: &Shared) -> Result<Vec<std::path::PathBuf>, ReadError> {
    let snapshots = snapshot::list(&shared.folder).map_err(|error| unavailable(&error))?;
    let mut files: Vec<_> = snapshots.into_iter().map(|place| place.path).collect();
    if let Ok(places) = journal::list(&shared.folder) {
        files.extend(places.into_iter().map(|place| place.path().to_owned()));
    }
    Ok(files)
}

fn verify_once(shared: &Shared, stop: &AtomicBool) -> Result<Vec<Fault>, ReadError> {
    let mut comparison = Comparison::new(shared, stop);
    let snapshots = snapshot::list(&shared.folder).map_err(|error| unavailable(&error))?;
    let mut compared: Option<Revision> = None;
    for place in &snapshots {
        let is_newest = compared.is_none();
        let read = snapshot::read(&shared.folder, &place.path, |piece| {
            comparison.check_stop()?;
            if is_newest {
                comparison.piece(&piece);
            }
            Ok::<(), io::Error>(())
        });
        match read {
            Ok(through) if is_newest => compared = Some(through.revision),
            Ok(_) => {}
            Err(SnapshotError::Damaged) => {
                let name = place.path.file_name().unwrap_or_default().to_string_lossy();
                let what = format!(
                    "the snapshot {name} is damaged; it is replaced when the next ones are made"
                );
                comparison.tell(FaultPlace::Snapshot, what);
                comparison.begin_anew();
            }
            Err(error) => return Err(unavailable(&error)),
        }
    }
    let through = shared.overlay.pin().last.revision;
    comparison.journal(compared.unwrap_or_default(), through)?;
    // What was missing may have been removed while that was read.
    let now = shared.overlay.pin().last.revision;
    comparison.journal(through, now)?;
    Ok(comparison.finish())
}

fn unavailable(error: &dyn std::fmt::Display) -> ReadError {
    ReadError::Unavailable(error.to_string())
}

/// The truth on one side, reads on the other.
struct Comparison<'a> {
    shared: &'a Shared,
    stop: &'a AtomicBool,
    faults: Vec<Fault>,
    differing: usize,
    /// Rows that were not there, although nothing has said yet that they were removed.
    missing: HashSet<Key>,
}

impl<'a> Comparison<'a> {
    fn new(shared: &'a Shared, stop: &'a AtomicBool) -> Comparison<'a> {
        Comparison {
            shared,
            stop,
            faults: Vec::new(),
            differing: 0,
            missing: HashSet::new(),
        }
    }

    fn check_stop(&self) -> io::Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(io::Error::other("nobody waits for it any more")),
            false => Ok(()),
        }
    }

    fn tell(&mut self, place: FaultPlace, what: String) {
        self.faults.push(Fault { what, place });
    }

    /// What was compared so far was half a snapshot.
    fn begin_anew(&mut self) {
        self.missing.clear();
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Row {
                key,
                revision,
                value,
            } => self.row(key, *revision, Some(value)),
            Piece::Commit(recorded) => {
                for (key, value) in &recorded.effects {
                    self.row(key, recorded.committed.revision, *value);
                }
            }
            // A snapshot has none.
            Piece::Blob(_) => {}
        }
    }

    /// All the journal there is, and of it what comes after a commit compared.
    fn journal(&mut self, after: Revision, through: Revision) -> Result<(), ReadError> {
        let folder = &self.shared.folder;
        let walked = journal::list(folder).and_then(|places| {
            let first = places.first().map_or(after, |place| {
                Revision(place.first().0.saturating_sub(1)).min(after)
            });
            journal::read_from(folder, &places, first, Some(through), |recorded| {
                self.check_stop().while_doing("read", &folder.journal())?;
                if recorded.committed.revision > after {
                    for (key, value) in &recorded.effects {
                        self.row(key, recorded.committed.revision, *value);
                    }
                }
                Ok(())
            })
        });
        match walked {
            Ok(_) => Ok(()),
            Err(OpenError::Damaged(what)) => {
                self.tell(FaultPlace::Journal, what);
                Ok(())
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// A row as some commit left it.
    fn row(&mut self, key: &[u8], revision: Revision, value: Option<&[u8]>) {
        let key = Bytes::copy_from_slice(key);
        let found = View::of(&self.shared.overlay.pin()).row(&key);
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.differs(&key, &error.to_string()),
        };
        match (value, found) {
            (Some(_), None) => {
                if self.missing.len() < MISSING_ROWS {
                    self.missing.insert(key);
                }
            }
            (Some(value), Some(found)) => {
                if found.revision < revision {
                    self.differs(&key, "it is older than what was acknowledged");
                } else if found.revision == revision && found.value != value {
                    self.differs(&key, "it is another than what was acknowledged");
                }
            }
            (None, found) => {
                self.missing.remove(&key);
                if found.is_some_and(|found| found.revision < revision) {
                    self.differs(&key, "it was removed and is there again");
                }
            }
        }
    }

    fn differs(&mut self, key: &[u8], what: &str) {
        self.differing += 1;
        if self.differing <= ROWS_TOLD {
            let what = format!("in the index, the row {}: {what}", key.escape_ascii());
            self.tell(FaultPlace::Index, what);
        }
    }

    fn finish(mut self) -> Vec<Fault> {
        for key in std::mem::take(&mut self.missing) {
            self.differs(&key, "it is missing");
        }
        if self.differing > 0 {
            let what = format!(
                "{} rows of the index are not those of the journal and the snapshots",
                self.differing
            );
            self.tell(FaultPlace::Index, what);
        }
        self.faults
    }
}
