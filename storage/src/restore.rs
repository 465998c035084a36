//! Restoring: a backup becomes a store in a folder that did not have one, as a whole or not at all.
//!
//! Everything is made in a folder aside, `NAME.restoring` beside the one wanted, which is on the same
//! file system: the backup is verified while it is copied, the index is built, waiting work is held, a
//! new epoch begins, and the store is closed, which leaves all of it on stable storage. Only then does
//! the folder get its name, by one rename. Whenever the process is killed, the folder wanted is
//! missing or empty as before, or it is the whole store; what lies aside is removed by the next
//! restore to the same place.
//!
//! A mount point (a volume of a container, say) cannot be renamed to, and where only the folder itself may
//! be written nothing can be made beside it. Then the same happens in a folder within, `restoring`, whose
//! contents go up by single renames at the end; and no store is opened in a folder that has one. So after
//! a kill the folder is empty as before, or refused as unfinished, or it is the whole store.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Environment, Store,
    sled::{self, LoadError, Loaded, Progress, Sled, Source, Stage},
};

/// What a folder aside can hold: a store's files. Nothing else is ever removed.
const REMAINS: [&str; 9] = [
    sled::RESTORING,
    "lock",
    "format",
    "format.draft",
    "journal",
    "snapshots",
    "blobs",
    "checkpoint",
    "checkpoint.draft",
];
/// The same, for names that only begin so.
const REMAINS_OF_INDEX: &str = "index";

/// Blobs that are looked for at once.
const BLOBS_AT_ONCE: usize = 200;

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup, and the archived journal after it.
    pub source: Source,
    /// The folder, missing or empty.
    pub into: PathBuf,
    /// Works within the folder, as in a mount point, also where it could work beside it.
    pub within: bool,
    /// Queues whose waiting rows are held, each with the queue where they are kept until an
    /// administrator decides.
    pub held: Vec<(&'static str, &'static str)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which commits.
    pub loaded: Loaded,
    /// How many rows of work are held.
    pub held: usize,
    /// How many blobs are neither in the backup nor where the journal was archived.
    pub missing_blobs: usize,
}

/// Why nothing was restored. The folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something is there already.
    #[error("{0} is not empty: name a folder that is empty or missing")]
    NotEmpty(PathBuf),
    /// Where the restore would work, something else is.
    #[error("{0} holds something that no restore left there: move it away")]
    AsideTaken(PathBuf),
    /// Another restore is at work.
    #[error("another restore to the same place is at work")]
    AtWork,
    /// The backup or the archive.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The new store.
    #[error("the restored store cannot be opened: {0}")]
    Store(String),
    /// The folder cannot be made.
    #[error("{} cannot be restored to: {source}", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Told how far the restore is, says whether to go on.
pub type GoOn = Box<dyn FnMut(Progress) -> bool + Send>;

/// Restores a store. Everything that clients knew of its changes is void then: a new epoch begins.
///
/// # Errors
/// See [`RestoreError`]. Nothing is left behind then, unless the process ends at once.
pub async fn restore(
    restore: Restore,
    environment: &Environment,
    mut go_on: GoOn,
) -> Result<Restored, RestoreError> {
    let site = Site::of(&restore)?;
    site.clear()?;
    let made = make(&restore, &site.work, environment, &mut go_on).await;
    let finished = made.and_then(|restored| {
        let finished = site.finish();
        finished.map_err(|source| not_possible(&site.into, source))?;
        Ok(restored)
    });
    if finished.is_err() {
        // What cannot be removed now is removed by the next restore.
        let _ = site.clear();
    }
    finished
}

async fn make(
    restore: &Restore,
    aside: &Path,
    environment: &Environment,
    go_on: &mut GoOn,
) -> Result<Restored, RestoreError> {
    let (source, folder, now) = (
        restore.source.clone(),
        aside.to_owned(),
        environment.clock.now(),
    );
    let mut lent = std::mem::replace(go_on, Box::new(|_| true));
    let loading = tokio::task::spawn_blocking(move || {
        let loaded = sled::load(&source, &folder, now, &mut *lent);
        (loaded, lent)
    });
    let (loaded, returned) = loading.await.map_err(store_failed)?;
    *go_on = returned;
    let loaded = loaded?;
    let index = Progress {
        stage: Stage::Index,
        done: 0,
        total: 0,
    };
    if !go_on(index) {
        return Err(LoadError::Stopped.into());
    }
    let (held, missing_blobs) = begin_anew(restore, aside, environment).await?;
    if !go_on(index) {
        return Err(LoadError::Stopped.into());
    }
    Ok(Restored {
        loaded,
        held,
        missing_blobs,
    })
}

/// Opens the new store, which builds its index, fetches the blobs that the backup does not have, holds what is
/// to be held, and begins a new epoch. Gives how many rows are held, and how many blobs are missing.
async fn begin_anew(
    restore: &Restore,
    aside: &Path,
    environment: &Environment,
) -> Result<(usize, usize), RestoreError> {
    let (folder, clock) = (aside.to_owned(), Arc::clone(&environment.clock));
    let opening =
        tokio::task::spawn_blocking(move || Sled::open(&folder, sled::Options::default(), clock));
    let opened = opening.await.map_err(store_failed)?;
    let backend = Arc::new(opened.map_err(store_failed)?);
    let begun = async {
        let store = Store::open(backend.clone(), environment.clone())
            .await
            .map_err(store_failed)?;
        let missing = fetch_blobs(&store, &backend, &restore.source).await?;
        let mut held = 0;
        for (queue, kept) in &restore.held {
            held += store.hold_work(queue, kept).await.map_err(store_failed)?;
        }
        store.begin_epoch().await.map_err(store_failed)?;
        Ok((held, missing))
    }
    .await;
    crate::backend::Backend::close(&*backend).await;
    begun
}

/// Fetches the blobs that commits after the backup refer to; gives how many are nowhere.
async fn fetch_blobs(
    store: &Store,
    backend: &Arc<Sled>,
    source: &Source,
) -> Result<usize, RestoreError> {
    let (mut missing, mut after) = (0, None);
    loop {
        let page = store.missing_blob_files(after, BLOBS_AT_ONCE).await;
        let (names, next) = page.map_err(store_failed)?;
        if !names.is_empty() {
            let (backend, source) = (Arc::clone(backend), source.clone());
            let fetched =
                tokio::task::spawn_blocking(move || backend.fetch_blobs(&source, &names)).await;
            let fetched = fetched.map_err(store_failed)?;
            let nowhere = fetched.map_err(store_failed)?;
            for name in &nowhere {
                tracing::error!(%name, "a blob is neither in the backup nor where its journal is archived");
            }
            missing += nowhere.len();
        }
        if next.is_none() {
            return Ok(missing);
        }
        after = next;
    }
}

fn store_failed(error: impl std::fmt::Display) -> RestoreError {
    RestoreError::Store(error.to_string())
}

fn not_possible(path: &Path, source: io::Error) -> RestoreError {
    RestoreError::Folder {
        path: path.to_owned(),
        source,
    }
}

/// Where a restore works, and where that is to be at the end.
struct Site {
    /// The folder wanted, with its links resolved.
    into: PathBuf,
    work: PathBuf,
}

impl Site {
    /// The folder wanted must be missing or empty, or have an unfinished restore in it.
    fn of(restore: &Restore) -> Result<Site, RestoreError> {
        let into = &restore.into;
        let failed = |source| not_possible(into, source);
        let names = match names_in(into) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Site::beside(make_parent(into).map_err(failed)?));
            }
            Err(error) => return Err(failed(error)),
        };
        let is_unfinished = names.iter().any(|name| name == sled::RESTORING);
        let is_ours = is_unfinished && names.iter().all(|name| is_remains(name));
        if !names.is_empty() && !is_ours {
            return Err(RestoreError::NotEmpty(into.clone()));
        }
        let into = fs::canonicalize(into).map_err(failed)?;
        let is_within = is_unfinished || restore.within || is_mount_point(&into);
        Ok(match is_within || !can_be_made(&aside_of(&into)) {
            true => Site::within(into),
            false => Site::beside(into),
        })
    }

    fn beside(into: PathBuf) -> Site {
        let work = aside_of(&into);
        Site { into, work }
    }

    fn within(into: PathBuf) -> Site {
        let work = into.join(sled::RESTORING);
        Site { into, work }
    }

    fn is_within(&self) -> bool {
        self.work.parent() == Some(&self.into)
    }

    /// Removes what a restore that was cut off left.
    fn clear(&self) -> Result<(), RestoreError> {
        if self.is_within() {
            // An earlier one may have worked beside. What stands there and is no restore's, or cannot be
            // removed, is not in the way.
            match Site::beside(self.into.clone()).clear() {
                Ok(()) | Err(RestoreError::AsideTaken(_) | RestoreError::Folder { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let failed = |source| not_possible(&self.work, source);
        let names = match names_in(&self.work) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if !names.iter().all(|name| is_remains(name)) {
            return Err(RestoreError::AsideTaken(self.work.clone()));
        }
        if sled::is_in_use(&self.work).map_err(failed)? {
            return Err(RestoreError::AtWork);
        }
        if self.is_within() {
            // What went up already goes first: as long as the folder is there, nobody opens the rest.
            self.clear_moved().map_err(failed)?;
        }
        fs::remove_dir_all(&self.work).map_err(failed)
    }

    fn clear_moved(&self) -> io::Result<()> {
        for name in names_in(&self.into)? {
            let path = self.into.join(&name);
            if name != sled::RESTORING && is_remains(&name) {
                match path.is_dir() {
                    true => fs::remove_dir_all(path)?,
                    false => fs::remove_file(path)?,
                }
            }
        }
        fs::File::open(&self.into)?.sync_all()
    }

    /// What was made gets its place.
    fn finish(&self) -> io::Result<()> {
        if !self.is_within() {
            fs::rename(&self.work, &self.into)?;
            return sync_parent(&self.into);
        }
        for name in names_in(&self.work)? {
            fs::rename(self.work.join(&name), self.into.join(&name))?;
        }
        let folder = fs::File::open(&self.into)?;
        folder.sync_all()?;
        fs::remove_dir(&self.work)?;
        folder.sync_all()
    }
}

/// Whether a store, or a restore, leaves something of this name.
fn is_remains(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    REMAINS.contains(&&*name) || name.starts_with(REMAINS_OF_INDEX)
}

/// What is in a folder, apart from what every file system of its own has at its top.
fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != "lost+found" {
            names.push(name);
        }
    }
    Ok(names)
}

fn make_parent(into: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(into)?;
    if let Some(parent) = absolute.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(absolute)
}

/// Whether a folder can be made there, or is there.
fn can_be_made(folder: &Path) -> bool {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::remove_dir(folder).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::AlreadyExists,
    }
}

/// Whether something is mounted there, also a folder of the same file system (which `st_dev` does not tell).
fn is_mount_point(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let parent = folder.parent().unwrap_or(folder);
    let mounted = fs::read("/proc/self/mountinfo").unwrap_or_default();
    device(folder) != device(parent) || is_mounted(&mounted, folder)
}

/// Whether a folder is one of the mount points listed (proc_pid_mountinfo(5): the fifth field, in which
/// blanks and the like are octal).
fn is_mounted(listed: &[u8], folder: &Path) -> bool {
    let mut escaped = Vec::new();
    for octet in folder.as_os_str().as_bytes() {
        match octet {
            b' ' | b'\t' | b'\n' | b'\\' => escaped.extend(format!("\\{octet:03o}").into_bytes()),
            _ => escaped.push(*octet),
        }
    }
    let mut lines = listed.split(|octet| *octet == b'\n');
    lines.any(|line| line.split(|octet| *octet == b' ').nth(4) == Some(&escaped[..]))
}

/// Where a restore works until it is done.
fn aside_of(into: &Path) -> PathBuf {
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    into.with_file_name(name)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
