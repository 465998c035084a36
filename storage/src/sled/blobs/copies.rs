//! Copies of blobs outside of the folder: those in the archive of the journal, and whatever else a blob can be
//! fetched from.
//!
//! The archived journal names blobs and does not hold their octets. So with an archive each blob is copied to
//! `ARCHIVE/STORE/blobs` when it is finished, before anything refers to it; where that fails, before the next
//! journal is archived, and before the blob is removed. A copy is dated like its blob, and kept as long as the
//! journal of that time: a backup from which the archived journal leads on is younger than what was let go, and
//! has those blobs itself.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::{
    BlobFolder, DraftFile, READ_OCTETS, blocks, date, list, name_of, path_in, read_part, shard,
};
use crate::{
    blob_files::BlobName,
    sled::{
        archive::{Archive, folder_of},
        disk::{Appending, Disk},
        folder::{Folder, make_durable_folder},
    },
};

/// Copies are kept so much longer than journal: an upload takes its time before anything refers to it.
const LONGER: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// The blobs whose copies are missing.
#[derive(Default)]
pub(super) enum Unarchived {
    /// Which is seen by comparing.
    #[default]
    Unknown,
    /// These.
    Known(Vec<BlobName>),
}

/// The blobs of which somebody makes a copy: nobody else makes the same one at the same time.
#[derive(Default)]
pub(super) struct Copying(Mutex<HashSet<BlobName>>);

struct Alone<'a> {
    copying: &'a Copying,
    name: BlobName,
}

impl Copying {
    fn names(&self) -> MutexGuard<'_, HashSet<BlobName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, name: BlobName) -> Option<Alone<'_>> {
        let is_first = self.names().insert(name);
        is_first.then_some(Alone {
            copying: self,
            name,
        })
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.copying.names().remove(&self.name);
    }
}

/// The place of a store's blobs in an archive.
fn blobs_of(archive: &Archive, folder: &Folder) -> PathBuf {
    folder_of(&archive.folder, folder.store()).join("blobs")
}

impl BlobFolder {
    fn archive_place(&self) -> Option<PathBuf> {
        let archive = self.0.archive.as_ref()?;
        Some(blobs_of(archive, &self.0.folder))
    }

    fn with_unarchived<T>(&self, look: impl FnOnce(&mut Unarchived) -> T) -> T {
        let unarchived = self.0.unarchived.lock();
        look(&mut unarchived.unwrap_or_else(PoisonError::into_inner))
    }

    /// Copies a blob that was just finished. Where that fails it is done later.
    pub(super) fn archive_new(&self, name: BlobName) {
        let Err(error) = self.archive_one(name) else {
            return;
        };
        tracing::warn!(%error, %name, "a blob cannot be archived now");
        self.with_unarchived(|unarchived| {
            if let Unarchived::Known(names) = unarchived {
                names.push(name);
            }
        });
    }

    /// Copies a blob, where there is an archive and it has none yet. Says whether it has one now: not where
    /// somebody else is about to make it.
    pub(super) fn archive_one(&self, name: BlobName) -> io::Result<bool> {
        let Some(place) = self.archive_place() else {
            return Ok(true);
        };
        let Some(_alone) = self.0.copying.begin(name) else {
            return Ok(false);
        };
        let (from, to) = (self.path(name), path_in(&place, name));
        let length = match fs::metadata(&from) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if fs::metadata(&to).is_ok_and(|metadata| metadata.len() == length) {
            return Ok(true);
        }
        copy(self.disk(), &from, &to).map(|()| true)
    }

    /// Copies what the archive lacks, as long as there is patience; says whether it has everything now, but
    /// for what others are about to copy: to that no commit refers yet, or none any more.
    pub(in crate::sled) fn archive_all(&self, go_on: &mut dyn FnMut() -> bool) -> io::Result<bool> {
        if self.0.archive.is_none() {
            return Ok(true);
        }
        if self.with_unarchived(|unarchived| matches!(unarchived, Unarchived::Unknown)) {
            // What is finished from now on is noted; what was before is found.
            self.with_unarchived(|unarchived| *unarchived = Unarchived::Known(Vec::new()));
            let compared = self.note_missing();
            if compared.is_err() {
                self.with_unarchived(|unarchived| *unarchived = Unarchived::Unknown);
            }
            compared?;
        }
        let missing = self.with_unarchived(|unarchived| match unarchived {
            Unarchived::Known(names) => names.clone(),
            Unarchived::Unknown => Vec::new(),
        });
        // From the end, where it is soonest found again.
        for name in missing.into_iter().rev() {
            if !go_on() {
                return Ok(false);
            }
            if self.archive_one(name)? {
                self.with_unarchived(|unarchived| {
                    if let Unarchived::Known(names) = unarchived
                        && let Some(place) = names.iter().rposition(|other| *other == name)
                    {
                        names.swap_remove(place);
                    }
                });
            }
        }
        Ok(true)
    }

    fn note_missing(&self) -> io::Result<()> {
        let mut after = None;
        loop {
            let listed = self.list_now(after)?;
            let Some(last) = listed.last() else {
                return Ok(());
            };
            after = Some(last.name);
            for blob in listed {
                if !self.is_archived(blob.name)? {
                    self.with_unarchived(|unarchived| {
                        if let Unarchived::Known(names) = unarchived {
                            names.push(blob.name);
                        }
                    });
                }
            }
        }
    }

    /// Whether the archive has a copy of a blob.
    pub(super) fn is_archived(&self, name: BlobName) -> io::Result<bool> {
        let Some(place) = self.archive_place() else {
            return Ok(false);
        };
        path_in(&place, name).try_exists()
    }

    /// Whether the archive has one that is sound.
    pub(super) fn has_sound_copy(&self, name: BlobName) -> io::Result<bool> {
        let Some(place) = self.archive_place() else {
            return Ok(false);
        };
        self.read_copy(name, &path_in(&place, name), &mut |_| Ok(()))
    }

    /// Puts the archive's copy in the place of a blob that is lost.
    pub(super) fn recover_now(&self, name: BlobName) -> io::Result<bool> {
        let Some(place) = self.archive_place() else {
            return Ok(false);
        };
        self.fetch(name, &path_in(&place, name))
    }

    /// Takes a blob over from another file, if that is sound.
    fn fetch(&self, name: BlobName, from: &Path) -> io::Result<bool> {
        if !from.try_exists()? {
            return Ok(false);
        }
        let mut draft = DraftFile::begin(self.clone(), name.writing)?;
        let is_sound = self.read_copy(name, from, &mut |octets| draft.write(octets))?;
        if is_sound {
            draft.finish(name.hash)?;
        }
        Ok(is_sound)
    }

    /// Reads a copy of a blob; says whether it is there and sound.
    fn read_copy(
        &self,
        name: BlobName,
        from: &Path,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        let length = match fs::metadata(from) {
            Ok(metadata) => blocks::length_of(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(length) = length else {
            return Ok(false);
        };
        let (mut hasher, mut at) = (blake3::Hasher::new(), 0);
        while at < length {
            let count = (length - at).min(READ_OCTETS as u64) as usize;
            let Ok(octets) = read_part(self.disk(), from, name, length, (at, count)) else {
                return Ok(false);
            };
            hasher.update(&octets);
            take(&octets)?;
            at += count as u64;
        }
        Ok(hasher.finalize().as_bytes() == &name.hash)
    }
}

/// Where blobs can be fetched from.
pub(in crate::sled) struct Places(Vec<PathBuf>);

impl Places {
    /// Archives, whose stores may be any: what a name stands for is the same everywhere. And folders of
    /// blobs.
    pub(in crate::sled) fn of(archives: &[PathBuf], folders: Vec<PathBuf>) -> io::Result<Places> {
        let mut places = folders;
        for archive in archives {
            places.push(archive.join("blobs"));
            // Beside a journal's own folder.
            places.push(archive.with_file_name("blobs"));
            for entry in fs::read_dir(archive)? {
                places.push(entry?.path().join("blobs"));
            }
        }
        places.retain(|place| place.is_dir());
        Ok(Places(places))
    }

    /// Fetches a blob from wherever it is sound; says whether that is anywhere.
    pub(in crate::sled) fn fetch(&self, into: &BlobFolder, name: BlobName) -> io::Result<bool> {
        for place in &self.0 {
            if into.fetch(name, &path_in(place, name))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Copies a file durably, with its date, as it is: whoever reads it verifies it.
fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    let shard = to.parent().unwrap_or(to);
    make_durable_folder(disk, shard)?;
    let draft = to.with_extension("part");
    let mut source = disk.read(from)?;
    let mut target = Appending {
        file: disk.create(&draft)?,
        end: 0,
    };
    let copied = io::copy(&mut source, &mut target)
        .and_then(|_| date(&draft, fs::metadata(from)?.modified()?))
        .and_then(|()| target.file.sync())
        .and_then(|()| disk.rename(&draft, to));
    if copied.is_err() {
        // A full disk shall not be kept full by half a copy.
        let _ = disk.remove_if_there(&draft);
    }
    copied?;
    disk.sync_folder(shard)
}

/// Removes the copies in a store's archive that are older than is to be kept.
pub(in crate::sled) fn expire(
    disk: &dyn Disk,
    archived: &Path,
    now: SystemTime,
    keep: Duration,
) -> io::Result<()> {
    let keep = keep.saturating_add(LONGER);
    for first in 0..=u8::MAX {
        for path in list(disk, &archived.join("blobs").join(shard(first)))? {
            let is_old = || {
                let written = fs::metadata(&path)?.modified()?;
                Ok::<_, io::Error>(now.duration_since(written).unwrap_or_default() > keep)
            };
            if name_of(&path).is_some() && is_old()? {
                disk.remove_if_there(&path)?;
            }
        }
    }
    Ok(())
}
