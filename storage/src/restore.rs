//! Restoring: a backup becomes a store in a folder that did not have one, as a whole or not at all.
//!
//! Everything is made in a folder aside, `NAME.restoring` beside the one wanted, which is on the same
//! file system: the backup is verified while it is copied, the index is built, waiting work is held, a
//! new epoch begins, and the store is closed, which leaves all of it on stable storage. Only then does
//! the folder get its name, by one rename. Whenever the process is killed, the folder wanted is
//! missing or empty as before, or it is the whole store; what lies aside is removed by the next
//! restore to the same place.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Environment, Store,
    sled::{self, LoadError, Loaded, Progress, Sled, Source, Stage},
};

/// What a folder aside can hold: a store's files. Nothing else is ever removed.
const REMAINS: [&str; 7] = [
    "lock",
    "format",
    "format.draft",
    "journal",
    "snapshots",
    "checkpoint",
    "checkpoint.draft",
];
/// The same, for names that only begin so.
const REMAINS_OF_INDEX: &str = "index";

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup, and the archived journal after it.
    pub source: Source,
    /// The folder, missing or empty.
    pub into: PathBuf,
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
    let into = place(&restore.into)?;
    let aside = aside_of(&into);
    clear(&aside)?;
    let made = make(&restore, &aside, environment, &mut go_on).await;
    let named = made.and_then(|restored| {
        let renamed = fs::rename(&aside, &into).and_then(|()| sync_parent(&into));
        renamed.map_err(|source| not_possible(&into, source))?;
        Ok(restored)
    });
    if named.is_err() {
        // What cannot be removed now is removed by the next restore.
        let _ = clear(&aside);
    }
    named
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
    let held = begin_anew(restore, aside, environment).await?;
    if !go_on(index) {
        return Err(LoadError::Stopped.into());
    }
    Ok(Restored { loaded, held })
}

/// Opens the new store, which builds its index, holds what is to be held, and begins a new epoch.
async fn begin_anew(
    restore: &Restore,
    aside: &Path,
    environment: &Environment,
) -> Result<usize, RestoreError> {
    let (folder, clock) = (aside.to_owned(), Arc::clone(&environment.clock));
    let opening =
        tokio::task::spawn_blocking(move || Sled::open(&folder, sled::Options::default(), clock));
    let opened = opening.await.map_err(store_failed)?;
    let backend = Arc::new(opened.map_err(store_failed)?);
    let begun = async {
        let store = Store::open(backend.clone(), environment.clone())
            .await
            .map_err(store_failed)?;
        let mut held = 0;
        for (queue, kept) in &restore.held {
            held += store.hold_work(queue, kept).await.map_err(store_failed)?;
        }
        store.begin_epoch().await.map_err(store_failed)?;
        Ok(held)
    }
    .await;
    crate::backend::Backend::close(&*backend).await;
    begun
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

/// The folder wanted, with its links resolved; it is missing or empty.
fn place(into: &Path) -> Result<PathBuf, RestoreError> {
    let failed = |source| not_possible(into, source);
    match fs::read_dir(into) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(RestoreError::NotEmpty(into.to_owned())),
            None => fs::canonicalize(into).map_err(failed),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let absolute = std::path::absolute(into).map_err(failed)?;
            if let Some(parent) = absolute.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            Ok(absolute)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Where a restore works until it is done.
fn aside_of(into: &Path) -> PathBuf {
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    into.with_file_name(name)
}

/// Removes what a restore that was cut off left.
fn clear(aside: &Path) -> Result<(), RestoreError> {
    let failed = |source| not_possible(aside, source);
    let entries = match fs::read_dir(aside) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if !REMAINS.contains(&&*name) && !name.starts_with(REMAINS_OF_INDEX) {
            return Err(RestoreError::AsideTaken(aside.to_owned()));
        }
    }
    if sled::is_in_use(aside).map_err(failed)? {
        return Err(RestoreError::AtWork);
    }
    fs::remove_dir_all(aside).map_err(failed)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
