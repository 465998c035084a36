//! Octets that can be made again at any time, kept in files so that they need not be.
//!
//! Nothing here is the truth. What is damaged, or was written only in part when the machine stopped, is as
//! good as missing, so that nobody waits for the disk; any file may be removed at any time, and is in no
//! backup. Whether what is read is still of use, its reader must know. All calls block.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What a file that is on its way has at the end of its name.
const DRAFT: &str = "draft";
/// The room on the disk that is left to everybody else: more than the store itself asks for before it takes no more
/// changes.
const SPARE_OCTETS: u64 = 128 * 1024 * 1024;

/// A folder of such files, each under a name of letters and digits. One process has it at a time.
#[derive(Debug)]
pub struct DerivedFiles {
    folder: PathBuf,
    spare_octets: u64,
}

impl DerivedFiles {
    /// The files in a folder, which is made if it is missing, for its owner alone.
    ///
    /// # Errors
    /// It cannot be made or looked into.
    pub fn open(folder: &Path) -> io::Result<DerivedFiles> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == DRAFT) {
                fs::remove_file(path)?;
            }
        }
        Ok(DerivedFiles {
            folder: folder.to_owned(),
            spare_octets: SPARE_OCTETS,
        })
    }

    /// The same, leaving another room on the disk than what suits a server.
    #[must_use]
    pub fn sparing(mut self, spare_octets: u64) -> DerivedFiles {
        self.spare_octets = spare_octets;
        self
    }

    /// What was written under a name; `None` where there is nothing of use.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut octets = fs::read(self.path(name)).ok()?;
        let end = octets.len().checked_sub(blake3::OUT_LEN)?;
        let is_whole = blake3::hash(&octets[..end]).as_bytes()[..] == octets[end..];
        octets.truncate(end);
        is_whole.then_some(octets)
    }

    /// The first octets of what was written under a name, or what is there of them; they may be damaged. `None` where
    /// there is nothing.
    pub fn read_start(&self, name: &str, octets: usize) -> Option<Vec<u8>> {
        let mut start = Vec::with_capacity(octets);
        let file = File::open(self.path(name)).ok()?;
        file.take(octets as u64).read_to_end(&mut start).ok()?;
        Some(start)
    }

    /// Writes octets, given in parts, under a name, in place of what was there.
    ///
    /// # Errors
    /// They cannot be written, or would take room that others may need (`StorageFull`); what was there before
    /// still is.
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        self.check_room(parts.iter().map(|part| part.len() as u64).sum())?;
        let path = self.path(name);
        let draft = path.with_extension(DRAFT);
        let written = write_file(&draft, parts).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            // It takes room that may be what is missing; the next start removes it too.
            let _ = fs::remove_file(draft);
        }
        written
    }

    /// Removes what stands under a name, if there is something.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names under which there is something, in no order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // What else somebody put there is left alone.
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
                && is_name(&name)
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The old file stays until the new one is there.
    fn check_room(&self, octets: u64) -> io::Result<()> {
        match rustix::fs::statvfs(&self.folder) {
            Ok(room)
                if room.f_bavail.saturating_mul(room.f_frsize)
                    < self.spare_octets.saturating_add(octets) =>
            {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            // A disk that does not say how much room it has is believed to have some.
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        debug_assert!(is_name(name));
        self.folder.join(name)
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

fn write_file(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    let mut hash = blake3::Hasher::new();
    for part in parts {
        file.write_all(part)?;
        hash.update(part);
    }
    file.write_all(hash.finalize().as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn files() -> (tempfile::TempDir, DerivedFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = DerivedFiles::open(&folder.path().join("a").join("b")).unwrap();
        (folder, files.sparing(0))
    }

    #[test]
    fn what_is_written_is_read_until_it_is_removed() {
        let (_folder, files) = files();
        assert_eq!(files.read("one"), None);
        for octets in [&b"first"[..], b"", &[7; 100_000]] {
            files.write("one", &[octets]).unwrap();
            assert_eq!(files.read("one").unwrap(), octets);
        }
        files.write("other", &[b"in ", b"", b"parts"]).unwrap();
        assert_eq!(files.read("other").unwrap(), b"in parts");
        assert_eq!(files.read_start("other", 4).unwrap(), b"in p");
        assert_eq!(files.read_start("nothing", 4), None);
        fs::write(files.folder.join("READ.ME"), b"not ours").unwrap();
        fs::create_dir(files.folder.join("folder")).unwrap();
        let again = DerivedFiles::open(&files.folder).unwrap();
        let mut names = again.names().unwrap();
        names.sort_unstable();
        assert_eq!(names, ["one", "other"]);
        files.remove("one").unwrap();
        files.remove("one").unwrap();
        assert_eq!(again.read("one"), None);
        assert_eq!(again.names().unwrap(), ["other"]);
    }

    /// Whatever becomes of the file, nothing is read that was not written.
    #[test]
    fn what_is_damaged_is_missing() {
        let (_folder, files) = files();
        files.write("one", &[b"octets"]).unwrap();
        let whole = fs::read(files.path("one")).unwrap();
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 1;
            fs::write(files.path("one"), other).unwrap();
            assert_eq!(files.read("one"), None, "octet {at} is another");
            fs::write(files.path("one"), &whole[..at]).unwrap();
            assert_eq!(files.read("one"), None, "only {at} octets");
        }
        files.write("one", &[b"again"]).unwrap();
        assert_eq!(files.read("one").unwrap(), b"again");
    }

    #[test]
    fn what_was_on_its_way_is_removed_and_counts_for_nothing() {
        let (_folder, files) = files();
        let draft = files.folder.join("one.draft");
        fs::write(&draft, b"half").unwrap();
        assert_eq!(files.read("one"), None);
        assert!(files.names().unwrap().is_empty());
        DerivedFiles::open(&files.folder).unwrap();
        assert!(!draft.exists());
    }

    /// Where nothing can be written, it is said, and what was there stays.
    #[test]
    fn what_cannot_be_written_changes_nothing() {
        let (_folder, files) = files();
        files.write("one", &[b"before"]).unwrap();
        fs::create_dir(files.folder.join("one.draft")).unwrap();
        files.write("one", &[b"after"]).unwrap_err();
        assert_eq!(files.read("one").unwrap(), b"before");
    }

    /// What can be made again takes no room that commits may need.
    #[test]
    fn a_disk_that_is_nearly_full_is_left_alone() {
        let (_folder, files) = files();
        files.write("one", &[b"before"]).unwrap();
        let files = files.sparing(u64::MAX);
        let error = files.write("one", &[b"after"]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(files.read("one").unwrap(), b"before");
        assert_eq!(fs::read_dir(&files.folder).unwrap().count(), 1);
        files.sparing(0).write("one", &[b"after"]).unwrap();
    }

    #[test]
    fn nobody_else_may_look() {
        let (_folder, files) = files();
        files.write("one", &[b"private"]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&files.folder), 0o700);
        assert_eq!(mode(&files.path("one")), 0o600);
    }
}
