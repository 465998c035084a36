//! The mover: the thread that takes over from the overlay into the index, sets checkpoints, has
//! snapshots made, and deletes the journal that they cover.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Revision,
    backend::{Committed, ReadError},
    sled::{
        Shared, checkpoint,
        folder::{Folder, Lock},
        index::Index,
        journal,
        overlay::Frozen,
        recovery,
        snapshot::{self, SnapshotError, SnapshotPlace},
    },
};

/// How often the mover looks whether a checkpoint or snapshot is due while there is something to do.
const TICK: Duration = Duration::from_secs(1);
/// A checkpoint is due so long after the last one, or after so much journal.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
const CHECKPOINT_JOURNAL_OCTETS: u64 = 16 * 1024 * 1024;
/// Between two looks at readers that hold an old version. They hold it for one call only.
const READER_PATIENCE: Duration = Duration::from_micros(200);

/// What the mover and the committer tell each other.
#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    /// The mover has something to do.
    woken: Condvar,
    /// The overlay has more room, or the mover has a new trouble.
    moved: Condvar,
}

#[derive(Default)]
struct State {
    wake: bool,
    finish: bool,
    journal_octets: u64,
    /// Why the index cannot be written now.
    trouble: Option<String>,
    /// Whether the mover ever had to wait for a reader to finish.
    #[cfg(test)]
    waits_for_reader: bool,
}

impl Mailbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(not(test))]
    fn note_wait_for_reader(&self) {}

    #[cfg(test)]
    fn note_wait_for_reader(&self) {
        self.state().waits_for_reader = true;
    }

    #[cfg(test)]
    pub(super) fn waits_for_reader(&self) -> bool {
        self.state().waits_for_reader
    }

    /// There is a layer to be moved.
    pub(super) fn wake(&self) {
        self.state().wake = true;
        self.woken.notify_one();
    }

    /// No further layer will come: move everything and end.
    pub(super) fn finish(&self) {
        self.state().finish = true;
        self.woken.notify_one();
    }

    /// So much was added to the journal.
    pub(super) fn journal_grew(&self, octets: u64) {
        self.state().journal_octets += octets;
    }

    /// Waits until the overlay has room for another group; `Err` says why it will not have any soon.
    pub(super) fn wait_for_room(&self, shared: &Shared) -> Result<(), String> {
        let is_full = || shared.overlay.pin().octets() > shared.options.overlay_octets;
        if !is_full() {
            return Ok(());
        }
        let state = self.state();
        let state = self
            .moved
            .wait_while(state, |state| state.trouble.is_none() && is_full());
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match &state.trouble {
            Some(trouble) if is_full() => Err(trouble.clone()),
            _ => Ok(()),
        }
    }

    /// One of the threads is missing: nothing will be moved, and whoever waits for it must not.
    pub(super) fn give_up(&self, reason: &str) {
        self.set_trouble(Some(reason.to_owned()));
        self.finish();
    }

    fn set_trouble(&self, trouble: Option<String>) {
        self.state().trouble = trouble;
        self.moved.notify_all();
    }

    fn room_was_made(&self) {
        // Under the lock, so that the committer either sees the room or is waiting already. Whatever
        // the trouble was, it is over.
        self.set_trouble(None);
    }

    /// Waits to be woken, at most for `patience` where one is given. Gives whether to finish.
    fn wait(&self, patience: Option<Duration>) -> bool {
        let state = self.state();
        let nothing = |state: &mut State| !state.wake && !state.finish;
        let mut state = match patience {
            None => self
                .woken
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.woken
                    .wait_timeout_while(state, patience, nothing)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        state.wake = false;
        state.finish
    }
}

/// The mover's own state.
pub(super) struct Mover {
    shared: Arc<Shared>,
    folder: Folder,
    /// What the index contains.
    contains: Committed,
    /// What it contains for certain.
    checkpoint: Checkpoint,
    snapshots: Snapshots,
    // Last, so that the folder is let go when everything else is closed.
    lock: Lock,
}

struct Checkpoint {
    through: Revision,
    at: Instant,
    journal_octets: u64,
}

struct Snapshots {
    /// How much journal there was when the newest one was made.
    journal_octets: u64,
    /// How much more there shall be before the next.
    interval_octets: u64,
    running: Option<JoinHandle<Result<SnapshotPlace, SnapshotError>>>,
    stop: Arc<AtomicBool>,
}

impl Mover {
    /// A mover over a recovered index. `journal_octets` is how much journal there is since the newest
    /// snapshot.
    pub(super) fn new(
        shared: Arc<Shared>,
        folder: Folder,
        lock: Lock,
        contains: Committed,
        checkpoint: Revision,
        journal_octets: u64,
    ) -> Mover {
        shared.mover.journal_grew(journal_octets);
        let checkpoint = Checkpoint {
            through: checkpoint,
            at: Instant::now(),
            journal_octets,
        };
        let interval_octets = size_of_newest(&folder).max(shared.options.snapshot_octets);
        let snapshots = Snapshots {
            journal_octets: 0,
            interval_octets,
            running: None,
            stop: Arc::new(AtomicBool::new(false)),
        };
        Mover {
            shared,
            folder,
            contains,
            checkpoint,
            snapshots,
            lock,
        }
    }

    /// Works until the committer has ended and everything is moved.
    pub(super) fn run(mut self) {
        loop {
            let busy = self.checkpoint.through < self.contains.revision
                || self.snapshots.running.is_some()
                || self.shared.overlay.oldest_frozen().is_some();
            let finish = self.shared.mover.wait(busy.then_some(TICK));
            let moved = self.move_all();
            if let Err(error) = &moved {
                tracing::error!(%error, "the index cannot be written");
                self.shared
                    .mover
                    .set_trouble(Some(format!("the index cannot be written: {error}")));
                if !finish {
                    self.mend();
                }
            }
            if finish {
                return self.finish();
            }
            self.look_after_snapshot();
            if moved.is_ok() && self.checkpoint_is_due() {
                self.set_checkpoint();
                self.note_damage();
            }
            self.start_snapshot_if_due();
        }
    }

    /// Moves all full layers into the index, oldest first.
    fn move_all(&mut self) -> Result<(), ReadError> {
        while let Some(frozen) = self.shared.overlay.oldest_frozen() {
            let version = self.shared.overlay.pin();
            let Some(index) = version.index.clone() else {
                return Err(ReadError::Unavailable("the index is closed".to_owned()));
            };
            drop(version);
            self.move_layer(&frozen, &index)?;
        }
        Ok(())
    }

    fn move_layer(&mut self, frozen: &Frozen, index: &Index) -> Result<(), ReadError> {
        // Nobody may find in the index what is newer than the moment he reads.
        while self.shared.overlay.is_held_before(frozen.last.revision) {
            self.shared.mover.note_wait_for_reader();
            thread::sleep(READER_PATIENCE);
        }
        frozen
            .layer
            .with_newest(|rows| index.apply(rows, frozen.last))?;
        self.contains = frozen.last;
        self.shared.overlay.drop_oldest_frozen();
        self.shared.mover.room_was_made();
        Ok(())
    }

    fn journal_octets(&self) -> u64 {
        self.shared.mover.state().journal_octets
    }

    fn checkpoint_is_due(&self) -> bool {
        let grown = self.journal_octets() - self.checkpoint.journal_octets;
        self.checkpoint.through < self.contains.revision
            && (self.checkpoint.at.elapsed() >= CHECKPOINT_INTERVAL
                || grown >= CHECKPOINT_JOURNAL_OCTETS)
    }

    /// Makes what the index contains durable and notes it, so that replay starts there.
    fn set_checkpoint(&mut self) {
        let Some(index) = self.shared.overlay.pin().index.clone() else {
            return;
        };
        let journal_octets = self.journal_octets();
        let noted = index
            .sync()
            .map_err(|error| error.to_string())
            .and_then(|()| {
                checkpoint::write(
                    &self.folder.checkpoint(),
                    self.folder.store(),
                    self.contains,
                )
                .map_err(|error| error.to_string())
            });
        match noted {
            Ok(()) => {
                self.checkpoint = Checkpoint {
                    through: self.contains.revision,
                    at: Instant::now(),
                    journal_octets,
                };
            }
            Err(error) => {
                // The old one stays in force: only the next start takes longer.
                tracing::error!(%error, "no checkpoint could be set");
                self.checkpoint.at = Instant::now();
            }
        }
    }

    /// If a row failed its checksum, the next start builds the index again.
    fn note_damage(&self) {
        let version = self.shared.overlay.pin();
        if version
            .index
            .as_ref()
            .is_some_and(|index| index.is_damaged())
        {
            tracing::error!("the index is damaged; it will be built again at the next start");
            if let Err(error) = self.folder.demand_rebuild() {
                tracing::error!(%error, "the index cannot be marked as damaged");
            }
        }
    }

    /// Opens the index again after it failed. sled refuses everything after its first I/O error;
    /// opened again it is as good as the disk.
    fn mend(&mut self) {
        self.shared.overlay.close();
        while self.shared.overlay.index_is_held() {
            thread::sleep(READER_PATIENCE);
        }
        match recovery::recover(
            &self.folder,
            self.shared.options.cache_octets,
            Some(self.contains.revision),
        ) {
            Ok(recovered) => {
                self.shared.overlay.reopen(Arc::new(recovered.index));
                self.shared.mover.wake();
            }
            Err(error) => tracing::error!(%error, "the index cannot be opened again; trying on"),
        }
    }

    fn start_snapshot_if_due(&mut self) {
        let journal_octets = self.journal_octets();
        let grown = journal_octets - self.snapshots.journal_octets;
        if self.snapshots.running.is_some() || grown < self.snapshots.interval_octets {
            return;
        }
        self.snapshots.journal_octets = journal_octets;
        let (shared, folder, stop) = (
            self.shared.clone(),
            self.folder.clone(),
            self.snapshots.stop.clone(),
        );
        let started = thread::Builder::new()
            .name("store-snapshot".to_owned())
            .spawn(move || {
                let written = snapshot::write(&folder, &shared.overlay, &mut || {
                    !stop.load(Ordering::Relaxed)
                });
                shared.mover.wake();
                written
            });
        match started {
            Ok(thread) => self.snapshots.running = Some(thread),
            Err(error) => tracing::error!(%error, "no snapshot can be made"),
        }
    }

    /// Takes over a snapshot that is finished, and deletes what is no longer needed.
    fn look_after_snapshot(&mut self) {
        let Some(thread) = self
            .snapshots
            .running
            .take_if(|thread| thread.is_finished())
        else {
            return;
        };
        match thread.join() {
            Ok(Ok(place)) => {
                tracing::debug!(revision = place.through.0, "a snapshot was made");
                self.snapshots.interval_octets =
                    size_of_newest(&self.folder).max(self.shared.options.snapshot_octets);
                // Otherwise the checkpoint would keep journal that the snapshots no longer need.
                self.set_checkpoint();
                self.delete_covered_journal();
            }
            Ok(Err(error)) => tracing::error!(%error, "no snapshot could be made"),
            Err(_) => tracing::error!("the making of a snapshot panicked"),
        }
    }

    /// A segment may go when both kept snapshots contain it, and the index does for certain.
    fn delete_covered_journal(&mut self) {
        let deleted = snapshot::tidy(&self.folder.snapshots())
            .map_err(|error| error.to_string())
            .and_then(|both| {
                let Some(both) = both else { return Ok(0) };
                let covered = both.min(self.checkpoint.through);
                journal::delete_covered(&self.folder.journal(), self.folder.store(), covered)
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = deleted {
            tracing::error!(%error, "the journal that the snapshots cover could not be deleted");
        }
    }

    fn finish(mut self) {
        self.snapshots.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.snapshots.running.take() {
            let _ = thread.join();
        }
        if self.checkpoint.through < self.contains.revision {
            self.set_checkpoint();
        }
        self.note_damage();
        self.shared.overlay.close();
        while self.shared.overlay.index_is_held() {
            thread::sleep(READER_PATIENCE);
        }
        drop(self.lock);
    }
}

/// The size of the newest snapshot; 0 where there is none.
fn size_of_newest(folder: &Folder) -> u64 {
    let newest = snapshot::list(&folder.snapshots())
        .ok()
        .and_then(|places| places.into_iter().next());
    newest
        .and_then(|place| std::fs::metadata(place.path).ok())
        .map_or(0, |metadata| metadata.len())
}
