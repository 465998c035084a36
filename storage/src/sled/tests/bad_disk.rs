//! The real disk, with chosen calls failing.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::sled::disk::{Disk, DiskFile, RealDisk};

/// Which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Change,
    Write,
    Cut,
    Sync,
    Read,
    List,
    Rename,
    Remove,
    SyncFolder,
    MakeFolder,
}

/// Says of a call, and the file it is about, whether it is one of those that may fail.
type Which = Box<dyn Fn(Call, &Path) -> bool + Send>;

#[derive(Default)]
pub(super) struct BadDisk {
    pub(super) plan: Arc<Plan>,
}

#[derive(Default)]
pub(super) struct Plan(Mutex<State>);

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    made: Vec<(Call, PathBuf)>,
    /// How many calls failed.
    failed: usize,
    /// How many octets were read.
    octets_read: u64,
    free_octets: Option<u64>,
}

struct Fault {
    which: Which,
    /// How many such calls still succeed.
    first: usize,
    times: usize,
    kind: io::ErrorKind,
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the `nth` of these calls (1 is the next one) fail, and those after it, `times` in all.
    pub(super) fn fail_from(
        &self,
        nth: usize,
        times: usize,
        kind: io::ErrorKind,
        which: impl Fn(Call, &Path) -> bool + Send + 'static,
    ) {
        let (first, which) = (nth - 1, Box::new(which));
        self.state().fault = Some(Fault {
            which,
            first,
            times,
            kind,
        });
    }

    /// Lets all these calls fail.
    pub(super) fn fail(
        &self,
        kind: io::ErrorKind,
        which: impl Fn(Call, &Path) -> bool + Send + 'static,
    ) {
        self.fail_from(1, usize::MAX, kind, which);
    }

    /// The disk works again.
    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.fault = None;
        state.free_octets = None;
    }

    pub(super) fn failed(&self) -> usize {
        self.state().failed
    }

    pub(super) fn octets_read(&self) -> u64 {
        self.state().octets_read
    }

    pub(super) fn leave_free(&self, octets: u64) {
        self.state().free_octets = Some(octets);
    }

    /// What was asked for since the last time, failed calls included.
    pub(super) fn take_made(&self) -> Vec<(Call, PathBuf)> {
        std::mem::take(&mut self.state().made)
    }

    fn check(&self, call: Call, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.made.push((call, path.to_owned()));
        let Some(fault) = &mut state.fault else {
            return Ok(());
        };
        if !(fault.which)(call, path) {
            return Ok(());
        }
        if fault.first > 0 {
            fault.first -= 1;
            return Ok(());
        }
        if fault.times == 0 {
            return Ok(());
        }
        fault.times -= 1;
        let kind = fault.kind;
        state.failed += 1;
        Err(io::Error::from(kind))
    }
}

/// Whether a file belongs to the journal.
pub(super) fn is_journal(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "journal")
}

struct BadFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    plan: Arc<Plan>,
}

impl BadDisk {
    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let (path, plan) = (path.to_owned(), self.plan.clone());
        Box::new(BadFile { file, path, plan })
    }
}

impl Disk for BadDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.plan.check(Call::Create, path)?;
        Ok(self.file(path, RealDisk.create(path)?))
    }

    fn change(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.plan.check(Call::Change, path)?;
        Ok(self.file(path, RealDisk.change(path)?))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.plan.check(Call::Read, path)?;
        let (inner, plan) = (RealDisk.read(path)?, self.plan.clone());
        Ok(Box::new(Counted { inner, plan }))
    }

    fn read_part(&self, path: &Path, offset: u64, octets: usize) -> io::Result<Vec<u8>> {
        self.plan.check(Call::Read, path)?;
        RealDisk.read_part(path, offset, octets)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.plan.check(Call::MakeFolder, path)?;
        RealDisk.make_folder(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.plan.check(Call::List, folder)?;
        RealDisk.list(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plan.check(Call::Rename, to)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.plan.check(Call::Remove, path)?;
        RealDisk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.plan.check(Call::SyncFolder, folder)?;
        RealDisk.sync_folder(folder)
    }

    fn free_octets(&self, folder: &Path) -> io::Result<u64> {
        match self.plan.state().free_octets {
            Some(octets) => Ok(octets),
            None => RealDisk.free_octets(folder),
        }
    }
}

impl DiskFile for BadFile {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.plan.check(Call::Write, &self.path) {
            // Half of it arrived.
            self.file.write_at(&octets[..octets.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_at(octets, offset)
    }

    fn set_length(&self, octets: u64) -> io::Result<()> {
        self.plan.check(Call::Cut, &self.path)?;
        self.file.set_length(octets)
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.check(Call::Sync, &self.path)?;
        self.file.sync()
    }
}

struct Counted {
    inner: Box<dyn Read>,
    plan: Arc<Plan>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.inner.read(buffer)?;
        self.plan.state().octets_read += octets as u64;
        Ok(octets)
    }
}
