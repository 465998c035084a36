//! The calls by which the store reaches the disk, sled's own left aside: a seam, so that tests can let
//! each of them fail, and count them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Files and folders.
pub(super) trait Disk: Send + Sync + 'static {
    /// A new, empty file, for its owner only; one that stands there already is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// A file that is there, to be changed.
    fn change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// A file that is there, from its beginning.
    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>>;
    /// So many octets of a file that is there, from an offset on; fewer where it ends before.
    fn read_part(&self, path: &Path, offset: u64, octets: usize) -> io::Result<Vec<u8>>;
    /// A folder for its owner only, unless it is there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// What stands in a folder, in no particular order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
    /// Gives a file a name, taking it from the one that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns when the entries of a folder are on stable storage.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// How much can still be written where this folder is.
    fn free_octets(&self, folder: &Path) -> io::Result<u64>;
}

/// A file open for writing.
pub(super) trait DiskFile: Send {
    /// Writes all octets at the offset.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file off, or lengthens it with zeros.
    fn set_length(&self, octets: u64) -> io::Result<()>;
    /// Returns when contents and length are on stable storage.
    fn sync(&self) -> io::Result<()>;
}

impl dyn Disk {
    /// All octets of a file.
    pub(super) fn read_whole(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        self.read(path)?.read_to_end(&mut octets)?;
        Ok(octets)
    }

    /// Removes a file, if it is there.
    pub(super) fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a small file so that after a crash either the old or the new contents are there.
    pub(super) fn write_durably(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let draft = path.with_extension("draft");
        let file = self.create(&draft)?;
        file.write_at(octets, 0)?;
        file.sync()?;
        self.rename(&draft, path)?;
        match path.parent() {
            Some(parent) => self.sync_folder(parent),
            None => Ok(()),
        }
    }
}

/// Writes one piece behind the other.
pub(super) struct Appending {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) end: u64,
}

impl io::Write for Appending {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write_at(octets, self.end)?;
        self.end += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The operating system's files.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(path)?))
    }

    fn read_part(&self, path: &Path, offset: u64, octets: usize) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let mut read = vec![0; octets];
        let mut filled = 0;
        while filled < octets {
            match file.read_at(&mut read[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        read.truncate(filled);
        Ok(read)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_octets(&self, folder: &Path) -> io::Result<u64> {
        let room = rustix::fs::statvfs(folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

impl DiskFile for File {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(octets, offset)
    }

    fn set_length(&self, octets: u64) -> io::Result<()> {
        self.set_len(octets)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
