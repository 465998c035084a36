//! The mover: the thread that takes over from the overlay into the index, sets checkpoints, has
//! snapshots made, and deletes the journal that they cover.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Revision,
    backend::{CommitError, Committed},
    sled::{
        Shared,
        archive::Which,
        checkpoint,
        complaint::Complaint,
        error::unwritable,
        filling::Filling,
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
/// After a snapshot that failed the next attempt waits for so small a part of the usual interval.
const SNAPSHOT_ATTEMPTS: u64 = 8;
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
    /// Somebody wants a snapshot now.
    wants_snapshot: bool,
    /// How many snapshots were begun, and how many of them have ended: one after the other.
    snapshots_begun: u64,
    snapshots_ended: u64,
    /// The number of the newest one that could be made.
    newest_snapshot: u64,
    /// Somebody wants the index built again now.
    wants_rebuild: bool,
    /// How often it was, and how often it could not be.
    rebuilds_made: u64,
    rebuilds_failed: u64,
    /// Why the index cannot be written now.
    trouble: Option<CommitError>,
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

    /// Has a snapshot made that begins from now on, and the journal deleted that is not needed then;
    /// returns when that is done.
    pub(super) fn make_snapshot(&self) -> Result<(), &'static str> {
        let mut state = self.state();
        // One that is being made already lacks what was committed since it was begun.
        let wanted = state.snapshots_begun + 1;
        state.wants_snapshot = true;
        state.wake = true;
        self.woken.notify_one();
        let waits = |state: &mut State| !state.finish && state.snapshots_ended < wanted;
        let state = self.moved.wait_while(state, waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match state.newest_snapshot >= wanted {
            true => Ok(()),
            false if state.finish => Err("the store is closing"),
            false => Err("no snapshot could be made; the log says why"),
        }
    }

    /// Has the index built again; returns when that is done.
    pub(super) fn rebuild_index(&self) -> Result<(), &'static str> {
        let mut state = self.state();
        let (made, failed) = (state.rebuilds_made, state.rebuilds_failed);
        state.wants_rebuild = true;
        state.wake = true;
        self.woken.notify_one();
        let waits = |state: &mut State| {
            !state.finish && state.rebuilds_made == made && state.rebuilds_failed == failed
        };
        let state = self.moved.wait_while(state, waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        match state.rebuilds_made > made {
            true => Ok(()),
            false if state.finish => Err("the store is closing"),
            false => Err("the index could not be built again; the log says why"),
        }
    }

    fn takes_wish_for_rebuild(&self) -> bool {
        std::mem::take(&mut self.state().wants_rebuild)
    }

    fn rebuild_ended(&self, was_made: bool) {
        let mut state = self.state();
        state.rebuilds_made += u64::from(was_made);
        state.rebuilds_failed += u64::from(!was_made);
        drop(state);
        self.moved.notify_all();
    }

    /// Begins a snapshot, if somebody wants one or it `is_due`; says so.
    fn begins_snapshot(&self, is_due: bool) -> bool {
        let mut state = self.state();
        let begins = std::mem::take(&mut state.wants_snapshot) || is_due;
        state.snapshots_begun += u64::from(begins);
        begins
    }

    fn snapshot_ended(&self, was_made: bool) {
        let mut state = self.state();
        state.snapshots_ended += 1;
        if was_made {
            state.newest_snapshot = state.snapshots_ended;
        }
        drop(state);
        self.moved.notify_all();
    }

    /// No further layer will come: move everything and end.
    pub(super) fn finish(&self) {
        self.state().finish = true;
        self.woken.notify_one();
        self.moved.notify_all();
    }

    /// So much was added to the journal.
    pub(super) fn journal_grew(&self, octets: u64) {
        self.state().journal_octets += octets;
    }

    /// Waits until the overlay has room for another group; `Err` says why it will not have any soon.
    pub(super) fn wait_for_room(&self, shared: &Shared) -> Result<(), CommitError> {
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
        self.set_trouble(Some(CommitError::Unavailable(reason.to_owned())));
        self.finish();
    }

    fn set_trouble(&self, trouble: Option<CommitError>) {
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
    filling: Filling,
    troubles: Troubles,
    /// The next start will build the index again, whatever its checkpoint says.
    is_marked: bool,
    // Last, so that the folder is let go when everything else is closed.
    lock: Lock,
}

/// What may go wrong for hours.
struct Troubles {
    moving: Complaint,
    mending: Complaint,
    checkpoint: Complaint,
    snapshot: Complaint,
    deleting: Complaint,
    marking: Complaint,
    archiving: Complaint,
}

/// Why nothing was moved.
enum Unmoved {
    /// The disk has too little room; the index was not touched.
    NoRoom,
    /// The index failed.
    Failed(io::Error),
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
            filling: Filling::default(),
            troubles: Troubles {
                moving: Complaint::about("the index cannot be written"),
                mending: Complaint::about("the index cannot be opened again; trying on"),
                checkpoint: Complaint::about("no checkpoint could be set"),
                snapshot: Complaint::about("no snapshot could be made"),
                deleting: Complaint::about(
                    "the journal that the snapshots cover could not be deleted",
                ),
                marking: Complaint::about("the index is damaged and cannot be marked as such"),
                archiving: Complaint::about(
                    "the journal cannot be archived; it is kept until it can",
                ),
            },
            is_marked: false,
            lock,
        }
    }

    /// Works until the committer has ended and everything is moved.
    pub(super) fn run(mut self) {
        loop {
            let busy = self.checkpoint.through < self.contains.revision
                || self.snapshots.running.is_some()
                || !self.has_index()
                || self.shared.overlay.oldest_frozen().is_some();
            let finish = self.shared.mover.wait(busy.then_some(TICK));
            if !finish {
                // Not before there is something to do: it is for those who write, and whoever reads first after
                // a start is not to share the processors with it.
                self.filling.begin_if_wanted(&self.shared);
            }
            let moved = self.move_all();
            if let Err(unmoved) = &moved {
                self.complain(unmoved);
                self.note_damage();
                if !finish && matches!(unmoved, Unmoved::Failed(_)) {
                    self.mend();
                }
            } else if !finish && !self.has_index() {
                self.mend();
            }
            if finish {
                return self.finish();
            }
            if self.shared.mover.takes_wish_for_rebuild() {
                self.rebuild();
            }
            self.look_after_snapshot();
            if moved.is_ok() && self.checkpoint_is_due() {
                self.set_checkpoint();
                self.archive(Which::Closed);
            }
            self.note_damage();
            self.start_snapshot_if_due();
        }
    }

    fn complain(&mut self, unmoved: &Unmoved) {
        let error = match unmoved {
            Unmoved::NoRoom => {
                self.troubles.moving.raise(&CommitError::Full);
                CommitError::Full
            }
            Unmoved::Failed(error) => {
                self.troubles.moving.raise(error);
                unwritable("the index", error)
            }
        };
        self.shared.mover.set_trouble(Some(error));
    }

    /// Moves all full layers into the index, oldest first.
    fn move_all(&mut self) -> Result<(), Unmoved> {
        while let Some(frozen) = self.shared.overlay.oldest_frozen() {
            self.check_room().map_err(|_| Unmoved::NoRoom)?;
            let version = self.shared.overlay.pin();
            let Some(index) = version.index.clone() else {
                return Err(Unmoved::Failed(io::Error::other("it is not open")));
            };
            drop(version);
            self.move_layer(&frozen, &index).map_err(Unmoved::Failed)?;
            self.troubles.moving.settle();
        }
        Ok(())
    }

    /// Whether the disk has room for what sled may write.
    fn check_room(&self) -> io::Result<()> {
        // A disk that does not say how much room it has is believed to have some.
        match self.folder.disk().free_octets(&self.folder.journal()) {
            Ok(free) if free < self.shared.options.spare_octets() => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            _ => Ok(()),
        }
    }

    fn move_layer(&mut self, frozen: &Frozen, index: &Index) -> io::Result<()> {
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
        if index.is_damaged() {
            return;
        }
        let journal_octets = self.journal_octets();
        let noted = self
            .check_room()
            .and_then(|()| index.flush())
            .and_then(|()| self.sync_index(&index))
            .and_then(|()| checkpoint::write(&self.folder, self.contains));
        drop(index);
        match noted {
            Ok(()) => {
                self.troubles.checkpoint.settle();
                self.checkpoint = Checkpoint {
                    through: self.contains.revision,
                    at: Instant::now(),
                    journal_octets,
                };
            }
            Err(error) => {
                // The old one stays in force: only the next start takes longer.
                self.troubles.checkpoint.raise(&error);
                self.checkpoint.at = Instant::now();
            }
        }
    }

    /// After a sync that failed, nothing says what of the index is on the disk, and no later sync does:
    /// it is not relied upon any more.
    fn sync_index(&self, index: &Index) -> io::Result<()> {
        index
            .sync(self.folder.disk())
            .inspect_err(|_| index.distrust())
    }

    /// If a row failed its checksum, or a sync failed, the next start builds the index again.
    fn note_damage(&mut self) {
        let index = self.shared.overlay.pin().index.clone();
        if self.is_marked || !index.is_some_and(|index| index.is_damaged()) {
            return;
        }
        match self.folder.demand_rebuild() {
            Ok(()) => {
                tracing::error!("the index is damaged; it will be built again at the next start");
                self.is_marked = true;
            }
            Err(error) => self.troubles.marking.raise(&error),
        }
    }

    fn has_index(&self) -> bool {
        self.shared.overlay.pin().index.is_some()
    }

    /// Builds the index again. Where that fails, it is tried again for as long as the store is open.
    fn rebuild(&mut self) {
        let demanded = self.folder.demand_rebuild();
        match &demanded {
            Ok(()) => self.mend(),
            Err(error) => self.troubles.marking.raise(error),
        }
        let was_made = demanded.is_ok() && self.has_index();
        self.shared.mover.rebuild_ended(was_made);
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
                self.troubles.mending.settle();
                self.is_marked = false;
                self.shared.overlay.reopen(Arc::new(recovered.index));
                self.shared.mover.wake();
            }
            Err(error) => self.troubles.mending.raise(&error),
        }
    }

    fn start_snapshot_if_due(&mut self) {
        let journal_octets = self.journal_octets();
        let grown = journal_octets - self.snapshots.journal_octets;
        let is_due = grown >= self.snapshots.interval_octets;
        if self.snapshots.running.is_some() || !self.shared.mover.begins_snapshot(is_due) {
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
            Err(error) => {
                self.troubles.snapshot.raise(&error);
                self.shared.mover.snapshot_ended(false);
            }
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
                self.troubles.snapshot.settle();
                tracing::debug!(revision = place.through.0, "a snapshot was made");
                self.snapshots.interval_octets =
                    size_of_newest(&self.folder).max(self.shared.options.snapshot_octets);
                // Otherwise the checkpoint would keep journal that the snapshots no longer need.
                self.set_checkpoint();
                self.delete_covered_journal();
                self.shared.mover.snapshot_ended(true);
            }
            Ok(Err(error)) => self.snapshot_failed(&error),
            Err(_) => self.snapshot_failed(&"the making of a snapshot panicked"),
        }
    }

    /// The next attempt comes sooner than the next snapshot would have.
    fn snapshot_failed(&mut self, error: &dyn std::fmt::Display) {
        self.troubles.snapshot.raise(error);
        self.shared.mover.snapshot_ended(false);
        let interval = self.snapshots.interval_octets;
        let postponed = interval - interval / SNAPSHOT_ATTEMPTS;
        self.snapshots.journal_octets = self.journal_octets().saturating_sub(postponed);
    }

    /// Copies journal into the archive, if there is one; says whether it has all that was asked for.
    fn archive(&mut self, which: Which) -> bool {
        let Some(archive) = &self.shared.options.archive else {
            return true;
        };
        let last = self.shared.overlay.pin().last;
        let archivist = &self.shared.archivist;
        let folders = (&self.folder, &self.shared.blobs);
        match archivist.update(archive, folders, which, last) {
            Ok(has_all) => {
                self.troubles.archiving.settle();
                has_all
            }
            Err(error) => {
                self.troubles.archiving.raise(&error);
                false
            }
        }
    }

    /// A segment may go when both kept snapshots contain it, and the index does for certain, the
    /// archive has it, and no backup that is being made needs it.
    fn delete_covered_journal(&mut self) {
        if !self.archive(Which::Closed) {
            return;
        }
        let deleted = snapshot::tidy(&self.folder)
            .map_err(|error| error.to_string())
            .and_then(|both| {
                let Some(both) = both else { return Ok(0) };
                let needed_by_index = match self.is_marked {
                    true => both,
                    false => self.checkpoint.through,
                };
                let held = self.shared.held_journal.since();
                let covered = both.min(needed_by_index).min(held);
                journal::delete_covered(&self.folder, covered).map_err(|error| error.to_string())
            });
        match deleted {
            Ok(_) => self.troubles.deleting.settle(),
            Err(error) => self.troubles.deleting.raise(&error),
        }
    }

    fn finish(mut self) {
        self.filling.stop();
        self.snapshots.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.snapshots.running.take() {
            let _ = thread.join();
        }
        if self.checkpoint.through < self.contains.revision {
            self.set_checkpoint();
        }
        self.note_damage();
        self.archive(Which::All);
        self.shared.overlay.close();
        while self.shared.overlay.index_is_held() {
            thread::sleep(READER_PATIENCE);
        }
        // sled writes once more when it is closed.
        let ended = Index::sync_closed(self.folder.disk(), &self.folder.index())
            .or_else(|error| self.folder.demand_rebuild().and(Err(error)))
            .and_then(|()| self.folder.end_use());
        if let Err(error) = ended {
            tracing::error!(%error, "the index could not be synced; the next start may build it again");
        }
        drop(self.lock);
    }
}

/// The size of the newest snapshot; 0 where there is none.
fn size_of_newest(folder: &Folder) -> u64 {
    let newest = snapshot::list(folder)
        .ok()
        .and_then(|places| places.into_iter().next());
    newest
        .and_then(|place| std::fs::metadata(place.path).ok())
        .map_or(0, |metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What was committed while a snapshot was made is not in it: whoever asks for one then gets the next,
    /// whatever becomes of the first.
    #[test]
    fn a_snapshot_that_was_begun_before_is_not_the_one_asked_for() {
        for (first, second) in [(true, false), (false, true)] {
            let mailbox = Arc::new(Mailbox::default());
            assert!(mailbox.begins_snapshot(true));
            let asking = thread::spawn({
                let mailbox = Arc::clone(&mailbox);
                move || mailbox.make_snapshot()
            });
            while !mailbox.state().wants_snapshot {
                thread::yield_now();
            }
            mailbox.snapshot_ended(first);
            assert!(mailbox.begins_snapshot(false));
            assert!(!mailbox.begins_snapshot(false), "nobody wants another");
            mailbox.snapshot_ended(second);
            assert_eq!(asking.join().unwrap().is_ok(), second);
        }
    }
}
