//! Blobs as files beside the index: none of their octets goes through journal, index or snapshots.
//!
//! A blob's file is written as `blobs/unfinished/WRITING`, synced, renamed to `blobs/HH/NAME` (where `HH` is
//! what the name begins with), and both folders are synced; only then does a commit refer to it. So a name
//! in the journal always has its file, and a file without one is left over from a kill: those that are
//! unfinished are removed when the folder is opened, others by whoever sweeps.
//!
//! A blob that is removed is removed after the commit by which nothing refers to it any more, and not while
//! a backup is made, which may be of a moment before that commit. With an archive of the journal, each blob
//! has a copy there before any commit that refers to it is archived (see [`copies`]).

mod blocks;
mod copies;
mod draft;
mod incoming;

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;

use crate::{
    Clock, Timestamp,
    backend::{BoxFuture, CommitError, ReadError},
    blob_files::{AwaitedBlobs, BlobDraft, BlobFiles, BlobName, ListedBlob},
    sled::{
        archive::{Archive, timestamp},
        disk::Disk,
        error::unwritable,
        folder::Folder,
    },
};
use copies::{Copying, Unarchived};
pub(super) use copies::{Places, expire};
use draft::Draft;
pub(super) use draft::DraftFile;
pub(super) use incoming::{BlobLoader, IncomingBlobs};

/// How much of a blob is read at once where all of it is.
pub(super) const READ_OCTETS: usize = 256 * 1024;

/// The folder of the blobs. Cheap to clone.
#[derive(Clone)]
pub(super) struct BlobFolder(Arc<Inner>);

struct Inner {
    folder: Folder,
    clock: Arc<dyn Clock>,
    /// Room on the disk that no blob takes.
    spare_octets: u64,
    archive: Option<Archive>,
    unarchived: Mutex<Unarchived>,
    copying: Copying,
    awaited: AwaitedBlobs,
    /// Backups in progress.
    holds: AtomicUsize,
    /// The folders of which it is known that they are there for good.
    made: Mutex<HashSet<PathBuf>>,
}

/// While it lives, no blob is removed.
pub(super) struct Hold(BlobFolder);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.0.holds.fetch_sub(1, Ordering::SeqCst);
    }
}

impl BlobFolder {
    /// Removes what is unfinished: nobody writes on it any more.
    pub(super) fn open(
        folder: Folder,
        clock: Arc<dyn Clock>,
        spare_octets: u64,
        archive: Option<Archive>,
    ) -> io::Result<BlobFolder> {
        let disk = folder.disk();
        for path in disk.list(&folder.unfinished_blobs())? {
            disk.remove_if_there(&path)?;
        }
        Ok(BlobFolder(Arc::new(Inner {
            folder,
            clock,
            spare_octets,
            archive,
            unarchived: Mutex::default(),
            copying: Copying::default(),
            awaited: AwaitedBlobs::default(),
            holds: AtomicUsize::new(0),
            made: Mutex::default(),
        })))
    }

    fn disk(&self) -> &dyn Disk {
        self.0.folder.disk()
    }

    /// Keeps all blobs that are there from now on.
    pub(super) fn hold(&self) -> Hold {
        self.0.holds.fetch_add(1, Ordering::SeqCst);
        Hold(self.clone())
    }

    fn path(&self, name: BlobName) -> PathBuf {
        path_in(&self.0.folder.blobs(), name)
    }

    /// Makes the folder of a name, durable when this returns.
    fn make_folder_of(&self, name: BlobName) -> io::Result<PathBuf> {
        let path = self.0.folder.blobs().join(shard(name.hash[0]));
        let mut made: MutexGuard<'_, HashSet<PathBuf>> =
            self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(&path) {
            self.disk().make_folder(&path)?;
            self.disk().sync_folder(&self.0.folder.blobs())?;
            made.insert(path.clone());
        }
        Ok(path)
    }

    /// Whether there is so much room for another piece that everything else still has its own.
    fn check_room(&self, octets: usize) -> io::Result<()> {
        let free = self.disk().free_octets(&self.0.folder.blobs());
        match free {
            Ok(free) if free < self.0.spare_octets.saturating_add(octets as u64) => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            // A disk that does not say how much room it has is believed to have some.
            _ => Ok(()),
        }
    }

    /// Reads a part of a blob.
    pub(super) fn read_now(
        &self,
        name: BlobName,
        length: u64,
        start: u64,
        count: usize,
    ) -> Result<Vec<u8>, ReadError> {
        read_part(self.disk(), &self.path(name), name, length, (start, count))
    }

    fn length_now(&self, name: BlobName) -> Result<Option<u64>, ReadError> {
        match fs::metadata(self.path(name)) {
            Ok(metadata) => Ok(blocks::length_of(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(name, &error)),
        }
    }

    /// The blobs whose hash begins with this octet.
    fn list_shard(&self, first: u8) -> io::Result<Vec<ListedBlob>> {
        let mut found = Vec::new();
        for path in list(self.disk(), &self.0.folder.blobs().join(shard(first)))? {
            let Some(name) = name_of(&path).filter(|name| name.hash[0] == first) else {
                continue;
            };
            match fs::metadata(&path) {
                Ok(metadata) => found.push(ListedBlob {
                    name,
                    length: blocks::length_of(metadata.len()),
                    written: metadata.modified().map_or(Timestamp(0), timestamp),
                    is_awaited: self.0.awaited.has(&name),
                }),
                // It was removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|listed| listed.name);
        Ok(found)
    }

    /// The blobs behind one of them that share its first octet, or those of the next that has any.
    pub(super) fn list_now(&self, after: Option<BlobName>) -> io::Result<Vec<ListedBlob>> {
        for first in after.map_or(0, |after| after.hash[0])..=u8::MAX {
            let mut found = self.list_shard(first)?;
            found.retain(|listed| after.is_none_or(|after| listed.name > after));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn remove_now(&self, name: BlobName) -> Result<bool, CommitError> {
        if self.0.holds.load(Ordering::SeqCst) > 0 {
            return Ok(false);
        }
        let failed = |error: &io::Error| unwritable("a blob", error);
        match self.archive_one(name) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => {
                tracing::warn!(%error, %name, "a blob cannot be archived, and is not removed before");
                return Ok(false);
            }
        }
        self.disk()
            .remove_if_there(&self.path(name))
            .map_err(|error| failed(&error))?;
        Ok(true)
    }
}

/// The folder of the names that begin with this octet.
fn shard(first: u8) -> String {
    format!("{first:02x}")
}

/// Where a blob stands in a folder of blobs.
fn path_in(blobs: &Path, name: BlobName) -> PathBuf {
    blobs.join(shard(name.hash[0])).join(name.to_string())
}

fn name_of(path: &Path) -> Option<BlobName> {
    path.file_name()?.to_str().and_then(BlobName::parse)
}

/// What is in a folder; nothing where that is missing.
fn list(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<PathBuf>> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

/// Reads a part of the blob in a file, and verifies it.
fn read_part(
    disk: &dyn Disk,
    path: &Path,
    name: BlobName,
    length: u64,
    (start, count): (u64, usize),
) -> Result<Vec<u8>, ReadError> {
    let damaged = |what: &str| ReadError::Corrupt(format!("the file of the blob {name} {what}"));
    let part = blocks::Part::of(name.writing, length, start, count)
        .ok_or_else(|| damaged("has no such part"))?;
    let is_whole = |found: u64| found == blocks::framed_length(length);
    let read = match fs::metadata(path).map(|metadata| is_whole(metadata.len())) {
        Ok(true) => disk.read_part(path, part.offset, part.framed),
        Ok(false) => return Err(damaged("has another length")),
        Err(error) => Err(error),
    };
    let read = match read {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged("is missing"));
        }
        Err(error) => return Err(unreadable(name, &error)),
    };
    part.verify(read).ok_or_else(|| damaged("is damaged"))
}

fn unreadable(name: BlobName, error: &io::Error) -> ReadError {
    ReadError::Unavailable(format!("the blob {name} cannot be read: {error}"))
}

/// Does what waits for the disk where that holds up no other task.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.ok(),
        Err(_) => Some(work()),
    }
}

fn broken_off() -> ReadError {
    ReadError::Unavailable("it was broken off".to_owned())
}

impl BlobFiles for BlobFolder {
    fn begin(&self, writing: u128) -> BoxFuture<'_, Result<Box<dyn BlobDraft>, CommitError>> {
        let folder = self.clone();
        Box::pin(async move {
            let begun = blocking(move || DraftFile::begin(folder, writing)).await;
            let file = begun.unwrap_or_else(|| Err(io::Error::other("it was broken off")));
            let file = file.map_err(|error| unwritable("a blob", &error))?;
            Ok(Box::new(Draft::new(file)) as Box<dyn BlobDraft>)
        })
    }

    fn read(
        &self,
        name: BlobName,
        length: u64,
        start: u64,
        count: usize,
    ) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        let folder = self.clone();
        Box::pin(async move {
            let read = blocking(move || folder.read_now(name, length, start, count)).await;
            read.unwrap_or_else(|| Err(broken_off())).map(Bytes::from)
        })
    }

    fn length(&self, name: BlobName) -> BoxFuture<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async move { self.length_now(name) })
    }

    fn find(&self, hash: [u8; 32]) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        let folder = self.clone();
        Box::pin(async move {
            let listed = blocking(move || folder.list_shard(hash[0])).await;
            let mut listed = listed
                .ok_or_else(broken_off)?
                .map_err(|error| unlisted(&error))?;
            listed.retain(|listed| listed.name.hash == hash);
            Ok(listed)
        })
    }

    fn list(&self, after: Option<BlobName>) -> BoxFuture<'_, Result<Vec<ListedBlob>, ReadError>> {
        let folder = self.clone();
        Box::pin(async move {
            let listed = blocking(move || folder.list_now(after)).await;
            listed
                .ok_or_else(broken_off)?
                .map_err(|error| unlisted(&error))
        })
    }

    fn remove(&self, name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>> {
        let folder = self.clone();
        Box::pin(async move {
            let removed = blocking(move || folder.remove_now(name)).await;
            removed.unwrap_or_else(|| Err(broken_off().into()))
        })
    }

    fn has_copy(&self, name: BlobName) -> BoxFuture<'_, Result<bool, ReadError>> {
        let folder = self.clone();
        Box::pin(async move {
            let found = blocking(move || folder.has_sound_copy(name)).await;
            found
                .ok_or_else(broken_off)?
                .map_err(|error| unlisted(&error))
        })
    }

    fn recover(&self, name: BlobName) -> BoxFuture<'_, Result<bool, CommitError>> {
        let folder = self.clone();
        Box::pin(async move {
            let fetched = blocking(move || folder.recover_now(name)).await;
            let fetched = fetched.ok_or_else(|| CommitError::from(broken_off()))?;
            fetched.map_err(|error| unwritable("a blob", &error))
        })
    }
}

fn unlisted(error: &io::Error) -> ReadError {
    ReadError::Unavailable(format!("the blobs cannot be listed: {error}"))
}

/// Dates a file, since what is old is known by that.
fn date(path: &Path, time: SystemTime) -> io::Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    file.set_times(fs::FileTimes::new().set_modified(time))
}
