//! The embedded backend: sled as the index under a journal of our own.
//!
//! The truth is the journal (with the snapshots that stand for its deleted part): a commit is
//! acknowledged when its group is synced there. It is then shown in the overlay, moved into the
//! index by and by, and the index can be built again from the truth at any time.
//!
//! ```text
//! commit -> queue -> committer -> journal (one sync per group) -> overlay -> answer
//!                                                                    |
//! read   -> overlay, then index                       mover: overlay -> index, checkpoints,
//!                                                            snapshots, deletion of journal
//! ```
//!
//! Assumptions about the disk: see `journal`'s and `index`'s own words.

mod archive;
mod backup;
mod blobs;
mod checkpoint;
mod committer;
mod complaint;
mod disk;
mod error;
mod filling;
mod folder;
mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod group;
mod index;
mod journal;
mod layer;
mod mover;
mod octets;
mod overlay;
mod queue;
mod read;
mod recovery;
mod restore;
mod row;
mod snapshot;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::watch;

pub use self::{
    archive::Archive,
    error::OpenError,
    restore::{LoadError, Loaded, Lost, Origin, Progress, Source, Stage, load, verify},
};
use self::{
    archive::Archivist,
    backup::HeldJournal,
    blobs::BlobFolder,
    committer::Committer,
    disk::{Disk, RealDisk},
    error::IoContext,
    folder::Folder,
    journal::Journal,
    mover::{Mailbox, Mover},
    overlay::Overlay,
    queue::Queue,
    read::View,
};
use crate::{
    Clock, RetentionClock, Revision, Timestamp,
    backend::{
        Backend, BackupError, BoxFuture, Commit, CommitError, Committed, Entry, Fault, Key,
        KeyRange, Page, ReadError, ScanPage,
    },
    blob_files::{BlobFiles, BlobName},
    last_changes::LastChanges,
    resolve::State as _,
};

/// Pages with more rows are read on a thread where waiting for the disk holds nobody up.
const SHORT_PAGE_ROWS: usize = 128;
/// The overlay is moved in parts, so that it can be filled while it is moved.
const LAYERS: usize = 4;
/// How many times the overlay must fit on the disk before another part of it is moved into the index.
const SPARE_OVERLAYS: u64 = 4;

/// How much memory and disk the store takes.
#[derive(Clone, Debug)]
pub struct Options {
    /// sled's cache, which counts octets as they are on the disk. Beside it the index keeps up to 8 MiB of
    /// rows that wait for their block, a filter of one to four octets for each object with a UID (16 MiB
    /// at the most), and sled's table of its pages (about 30 octets for each object).
    pub cache_octets: u64,
    /// Memory for what is not yet moved into the index; when it is full, commits wait.
    pub overlay_octets: usize,
    /// After so many octets another segment of the journal is begun.
    pub segment_octets: u64,
    /// After so many octets of journal (or as many as the last snapshot has, if that is more) a
    /// snapshot is made.
    pub snapshot_octets: u64,
    /// Where the journal is archived; `None` deletes what is no longer needed.
    pub archive: Option<Archive>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cache_octets: 32 * 1024 * 1024,
            overlay_octets: 8 * 1024 * 1024,
            segment_octets: 8 * 1024 * 1024,
            snapshot_octets: 64 * 1024 * 1024,
            archive: None,
        }
    }
}

/// The embedded backend. Dropping it does what [`Backend::close`] does, and waits for it.
pub struct Sled {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    ended: watch::Receiver<()>,
}

/// What the threads share.
struct Shared {
    options: Options,
    overlay: Overlay,
    queue: Queue,
    mover: Mailbox,
    newest: watch::Sender<Revision>,
    last_changes: LastChanges,
    folder: Folder,
    blobs: BlobFolder,
    archivist: Archivist,
    held_journal: HeldJournal,
}

impl Options {
    /// sled answers nothing any more once a write of its own has failed. So it is given nothing to
    /// write while the disk has less room than this, and serves reads however full the disk is. Blobs leave
    /// this room, too.
    fn spare_octets(&self) -> u64 {
        self.overlay_octets as u64 * SPARE_OVERLAYS
    }
}

impl Shared {
    fn layer_octets(&self) -> usize {
        self.options.overlay_octets / LAYERS
    }
}

/// Whether somebody has a store's folder open.
///
/// # Errors
/// Its lock cannot be looked at.
pub fn is_in_use(folder: &Path) -> io::Result<bool> {
    folder::is_in_use(folder)
}

/// Lets the next start build the index of a store again, whatever happens until then. Nobody may have
/// the store open.
///
/// # Errors
/// See [`OpenError`].
pub fn demand_new_index(path: &Path) -> Result<(), OpenError> {
    let (folder, _lock) = Folder::open(Arc::new(RealDisk), path, Timestamp(0))?;
    folder.demand_rebuild().while_doing("mark", path)
}

/// The name, in a store's folder, under which a restore works that cannot work beside it. As long as it is
/// there, the store is not opened.
pub const RESTORING: &str = folder::RESTORING;

/// Removes what is left of the index that was there before. Nobody may have the store open.
///
/// # Errors
/// See [`OpenError`].
pub fn forget_old_index(path: &Path) -> Result<(), OpenError> {
    let (folder, _lock) = Folder::open(Arc::new(RealDisk), path, Timestamp(0))?;
    folder
        .forget_index_aside()
        .while_doing("remove the old index of", path)
}

impl Sled {
    /// Opens the store in a folder, which is made (for its owner only) where it is missing.
    ///
    /// # Errors
    /// See [`OpenError`]. A damaged index is none: it is built again.
    pub fn open(folder: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Sled, OpenError> {
        Sled::open_on(Arc::new(RealDisk), folder, options, clock)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Sled, OpenError> {
        let (folder, lock) = Folder::open(disk, path, clock.now())?;
        let blobs = BlobFolder::open(
            folder.clone(),
            Arc::clone(&clock),
            options.spare_octets(),
            options.archive.clone(),
        )
        .while_doing("tidy", &folder.unfinished_blobs())?;
        let recovered = recovery::recover(&folder, options.cache_octets, None)?;
        let last = recovered.last;
        recovery::cut_torn_tail(&folder, &recovered.end)?;
        let next_number = recovered
            .end
            .tail
            .as_ref()
            .map_or(1, |(place, _)| place.next_number());
        let mut journal = Journal::new(folder.clone(), options.segment_octets, next_number);
        journal
            .begin(Revision(last.revision.0 + 1))
            .while_doing("write", &folder.journal())?;
        journal::remove_empty(&folder, &recovered.end)?;
        let journal_octets = journal_since_snapshot(&folder)?;

        let shared = Arc::new(Shared {
            overlay: Overlay::new(Arc::new(recovered.index), last),
            queue: Queue::default(),
            mover: Mailbox::default(),
            newest: watch::Sender::new(last.revision),
            last_changes: LastChanges::new(last.revision),
            folder: folder.clone(),
            blobs,
            archivist: Archivist::default(),
            held_journal: HeldJournal::default(),
            options,
        });
        let mover = Mover::new(
            shared.clone(),
            folder,
            lock,
            last,
            recovered.checkpoint.revision,
            journal_octets,
        );
        let committer = Committer::new(shared.clone(), clock, journal, last);
        let (ends, ended) = watch::channel(());
        let mut sled = Sled {
            shared,
            threads: Mutex::default(),
            ended,
        };
        sled.start("store-mover", {
            let ends = ends.clone();
            move || {
                mover.run();
                drop(ends);
            }
        })?;
        sled.start("store-commit", move || {
            committer.run();
            drop(ends);
        })?;
        Ok(sled)
    }

    /// Fetches blobs that are missing or damaged from wherever a restore finds them; gives those that are
    /// nowhere. Blocks.
    ///
    /// # Errors
    /// Reading or writing failed.
    pub fn fetch_blobs(&self, source: &Source, names: &[BlobName]) -> io::Result<Vec<BlobName>> {
        let places = source.places_of_blobs()?;
        let mut missing = Vec::new();
        for name in names {
            if !places.fetch(&self.shared.blobs, *name)? {
                missing.push(*name);
            }
        }
        Ok(missing)
    }

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let shared = self.shared.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _closing = CloseAtEnd(shared);
            work();
        });
        match thread {
            Ok(thread) => {
                self.threads().push(thread);
                Ok(())
            }
            Err(source) => {
                self.shared
                    .mover
                    .give_up("a thread of the store could not be started");
                Err(OpenError::Io {
                    action: format!("start the thread {name}"),
                    source,
                })
            }
        }
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However a thread ends, nobody waits for it in vain.
struct CloseAtEnd(Arc<Shared>);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.queue.close();
        if thread::panicking() {
            self.0.queue.abandon();
            self.0.mover.give_up("a thread of the store panicked");
        }
    }
}

/// Tells work on another thread that nobody waits for it any more.
#[derive(Default)]
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn broken_off() -> ReadError {
    ReadError::Unavailable("it was broken off".to_owned())
}

/// How much journal there is since the newest snapshot.
fn journal_since_snapshot(folder: &Folder) -> Result<u64, OpenError> {
    let snapshots = snapshot::list(folder).while_doing("read", &folder.snapshots())?;
    let newest = snapshots.first().map_or(Revision(0), |place| place.through);
    let places = journal::list(folder)?;
    journal::octets_since(&places, newest).while_doing("look at", &folder.journal())
}

impl Drop for Sled {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads().drain(..) {
            let _ = thread.join();
        }
    }
}

impl Backend for Sled {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        Box::pin(async move {
            let version = self.shared.overlay.pin();
            let view = View::of(&version);
            keys.iter().map(|key| view.row(key)).collect()
        })
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, ReadError>> {
        Box::pin(async move { View::of(&self.shared.overlay.pin()).row(key) })
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<ScanPage, ReadError>> {
        Box::pin(async move {
            let version = self.shared.overlay.pin();
            let read = move || View::of(&version).page(&range, page);
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) if page.rows > SHORT_PAGE_ROWS => {
                    runtime.spawn_blocking(read).await.unwrap_or_else(|_| {
                        Err(ReadError::Unavailable("reading was broken off".to_owned()))
                    })
                }
                _ => read(),
            }
        })
    }

    fn first_key<'a>(&'a self, range: KeyRange) -> BoxFuture<'a, Result<Option<Key>, ReadError>> {
        Box::pin(async move {
            let version = self.shared.overlay.pin();
            Ok(View::of(&version).keys(&range, 1)?.pop())
        })
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        Box::pin(async move {
            let answer = self.shared.queue.push(commit)?;
            answer.await.unwrap_or_else(|_| {
                Err(CommitError::Unavailable(
                    "the committer has ended".to_owned(),
                ))
            })
        })
    }

    fn blobs(&self) -> &dyn BlobFiles {
        &self.shared.blobs
    }

    fn asks_for_repetition(&self) -> bool {
        false
    }

    fn revision(&self) -> Revision {
        *self.shared.newest.borrow()
    }

    fn last_change(&self, keyspace: u8) -> Option<Revision> {
        Some(self.shared.last_changes.of(keyspace))
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.shared.newest.subscribe()
    }

    fn backup(
        &self,
        out: &mut dyn io::Write,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Committed, BackupError> {
        self.shared.backup(out, go_on)
    }

    fn verify<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Fault>, ReadError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let stop = StopWhenDropped::default();
            let stopped = Arc::clone(&stop.0);
            let verified = tokio::task::spawn_blocking(move || verify::verify(&shared, &stopped));
            verified.await.unwrap_or_else(|_| Err(broken_off()))
        })
    }

    fn rebuild<'a>(&'a self) -> BoxFuture<'a, Result<(), ReadError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let rebuilt = tokio::task::spawn_blocking(move || shared.mover.rebuild_index());
            let rebuilt = rebuilt.await.map_err(|_| broken_off())?;
            rebuilt.map_err(|reason| ReadError::Unavailable(reason.to_owned()))
        })
    }

    fn expire<'a>(&'a self, clock: RetentionClock) -> BoxFuture<'a, Result<(), ReadError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let Some(archive) = shared.options.archive.clone() else {
                return Ok(());
            };
            let expired = tokio::task::spawn_blocking(move || {
                shared.archivist.expire(&archive, &shared.folder, &clock)
            });
            let expired = expired.await.map_err(|_| broken_off())?;
            expired.map_err(|error| ReadError::Unavailable(error.to_string()))
        })
    }

    /// Each kept snapshot is made again, with a commit in between that tells them apart, so that no
    /// journal before the older one is needed.
    fn compact<'a>(&'a self) -> BoxFuture<'a, Result<(), ReadError>> {
        Box::pin(async move {
            for _ in 0..snapshot::KEPT {
                let nothing = self.commit(Commit::default()).await;
                nothing.map_err(|error| ReadError::Unavailable(error.to_string()))?;
                let shared = Arc::clone(&self.shared);
                let made = tokio::task::spawn_blocking(move || shared.mover.make_snapshot());
                let made = made.await.map_err(|_| broken_off())?;
                made.map_err(|reason| ReadError::Unavailable(reason.to_owned()))?;
            }
            Ok(())
        })
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.shared.queue.close();
            let mut ended = self.ended.clone();
            // An error says that both threads have let their ends go: what is waited for.
            while ended.changed().await.is_ok() {}
        })
    }
}
