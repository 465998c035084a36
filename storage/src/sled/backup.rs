//! A backup: a snapshot written wherever the caller wants it, while reads and commits go on.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    Revision,
    backend::{BackupError, Committed},
    sled::{
        Shared,
        archive::Which,
        snapshot::{self, SnapshotError},
    },
};

/// The journal that backups in progress still need: all since the commits named here.
#[derive(Default)]
pub(super) struct HeldJournal {
    since: Mutex<Vec<Revision>>,
}

/// While it lives, the journal after its commit stays.
struct Hold<'a> {
    held: &'a HeldJournal,
    since: Revision,
}

impl HeldJournal {
    fn all(&self) -> MutexGuard<'_, Vec<Revision>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to which commit the journal may go.
    pub(super) fn since(&self) -> Revision {
        let oldest = self.all().iter().min().copied();
        oldest.unwrap_or(Revision(u64::MAX))
    }

    /// Holds what follows the newest commit. Whoever deletes journal deletes nothing newer than what
    /// was the newest commit when he asked, so it does not matter who is first.
    fn hold(&self, newest: impl FnOnce() -> Revision) -> Hold<'_> {
        let mut all = self.all();
        let since = newest();
        all.push(since);
        Hold { held: self, since }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut all = self.held.all();
        if let Some(place) = all.iter().position(|since| *since == self.since) {
            all.swap_remove(place);
        }
    }
}

impl Shared {
    /// The archive is completed first: together with the backup it then leaves no gap. All blobs stay from
    /// before the rows are read until they are copied: those of the moment that the backup is of are there.
    pub(super) fn backup(
        &self,
        out: &mut dyn Write,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Committed, BackupError> {
        let hold = self.held_journal.hold(|| self.overlay.pin().last.revision);
        let _blobs_stay = self.blobs.hold();
        if let Some(archive) = &self.options.archive {
            let last = self.overlay.pin().last;
            self.archivist
                .update(archive, (&self.folder, &self.blobs), Which::All, last)
                .map_err(|error| {
                    BackupError::Failed(format!("the journal cannot be archived: {error}"))
                })?;
        }
        let mut buffered = io::BufWriter::new(out);
        let scanned = snapshot::back_up(
            &mut buffered,
            (&self.folder, &self.blobs),
            &self.overlay,
            hold.since,
            go_on,
        );
        scanned.map_err(|error| match error {
            SnapshotError::Stopped => BackupError::Stopped,
            error => BackupError::Failed(error.to_string()),
        })
    }
}
