//! A blob on its way to the disk.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{BlobFolder, blocking, blocks::Framer, date};
use crate::{
    backend::{BoxFuture, CommitError},
    blob_files::{BlobDraft, BlobName, FinishedBlob},
    sled::{
        archive::system_time,
        disk::{Appending, DiskFile},
        error::unwritable,
    },
};

/// So much is synced at once: neither this writer nor others, whose own syncs wait for it, wait for long.
const SYNC_OCTETS: u64 = 16 * 1024 * 1024;

/// The file of a blob that is not finished. Dropped, it is removed.
pub(in crate::sled) struct DraftFile {
    folder: BlobFolder,
    writing: u128,
    path: PathBuf,
    file: Appending,
    framer: Framer,
    unsynced: u64,
    /// After an error nobody knows what is on the disk.
    failed: bool,
    finished: bool,
}

impl DraftFile {
    pub(in crate::sled) fn begin(folder: BlobFolder, writing: u128) -> io::Result<DraftFile> {
        folder.check_room(0)?;
        let path = folder.0.folder.unfinished_blobs();
        let path = path.join(format!("{writing:032x}"));
        let file: Box<dyn DiskFile> = folder.disk().create(&path)?;
        Ok(DraftFile {
            folder,
            writing,
            path,
            file: Appending { file, end: 0 },
            framer: Framer::new(writing),
            unsynced: 0,
            failed: false,
            finished: false,
        })
    }

    pub(in crate::sled) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.failed = true;
        self.folder.check_room(octets.len())?;
        let framed = self.framer.push(octets);
        self.append(&framed)?;
        if self.unsynced >= SYNC_OCTETS {
            self.file.file.sync()?;
            self.unsynced = 0;
        }
        self.failed = false;
        Ok(())
    }

    fn append(&mut self, framed: &[u8]) -> io::Result<()> {
        self.unsynced += framed.len() as u64;
        io::Write::write_all(&mut self.file, framed)
    }

    /// Gives the file its name, when all of it is durable.
    pub(in crate::sled) fn finish(&mut self, hash: [u8; 32]) -> io::Result<FinishedBlob> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.failed = true;
        let end = self.framer.end();
        self.append(&end)?;
        self.file.file.sync()?;
        let now = self.folder.0.clock.now();
        date(&self.path, system_time(now))?;
        let (disk, name) = (
            self.folder.disk(),
            BlobName {
                hash,
                writing: self.writing,
            },
        );
        let shard = self.folder.make_folder_of(name)?;
        let finished = self.folder.0.awaited.await_(name);
        let path = self.folder.path(name);
        disk.rename(&self.path, &path)?;
        self.finished = true;
        // The one makes sure that it is there, the other that it is not there twice.
        let synced = disk
            .sync_folder(&shard)
            .and_then(|()| disk.sync_folder(&self.folder.0.folder.unfinished_blobs()));
        if let Err(error) = synced {
            let _left_over = disk.remove_if_there(&path);
            return Err(error);
        }
        self.folder.archive_new(name);
        Ok(finished)
    }
}

impl Drop for DraftFile {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = self.folder.disk().remove_if_there(&self.path)
        {
            tracing::warn!(%error, "what came of a blob is removed at the next start");
        }
    }
}

/// The same for tasks, which must not wait for the disk.
pub(super) struct Draft {
    file: Option<Arc<Mutex<DraftFile>>>,
}

impl Draft {
    pub(super) fn new(file: DraftFile) -> Draft {
        let file = Some(Arc::new(Mutex::new(file)));
        Draft { file }
    }

    fn with<T: Send + 'static>(
        file: Option<Arc<Mutex<DraftFile>>>,
        work: impl FnOnce(&mut DraftFile) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, CommitError>> {
        Box::pin(async move {
            let worked = blocking(move || {
                let file = file.ok_or_else(|| io::Error::other("it is finished"))?;
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut file)
            });
            let worked = worked.await;
            let worked = worked.unwrap_or_else(|| Err(io::Error::other("it was broken off")));
            worked.map_err(|error| unwritable("a blob", &error))
        })
    }
}

impl BlobDraft for Draft {
    fn write(&mut self, octets: Bytes) -> BoxFuture<'_, Result<(), CommitError>> {
        Draft::with(self.file.clone(), move |file| file.write(&octets))
    }

    fn finish(
        mut self: Box<Self>,
        hash: [u8; 32],
    ) -> BoxFuture<'static, Result<FinishedBlob, CommitError>> {
        Draft::with(self.file.take(), move |file| file.finish(hash))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // To remove a large file takes a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(file))),
            Err(_) => drop(file),
        }
    }
}
