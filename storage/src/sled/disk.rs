//! The calls by which the journal reaches the disk: a seam, so that tests can let each of them fail.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Makes the journal's files.
pub(super) trait Disk: Send + Sync + 'static {
    /// A new, empty file; one that stands there already is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// A file of the journal, open for writing.
pub(super) trait SegmentFile: Send {
    /// Writes all octets at the offset.
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file off, or lengthens it with zeros.
    fn set_length(&self, octets: u64) -> io::Result<()>;
    /// Returns when contents and length are on stable storage.
    fn sync(&self) -> io::Result<()>;
}

/// The operating system's files.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(file))
    }
}

impl SegmentFile for File {
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
