//! Octets that can be made again at any time, kept in files so that they need not be.
//!
//! Nothing here is the truth. What is damaged, or was written only in part when the machine stopped, is as
//! good as missing, so that nobody waits for the disk; any file may be removed at any time, and is in no
//! backup. Whether what is read is still of use, its reader must know. All calls block.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What a file that is on its way has at the end of its name.
const DRAFT: &str = "draft";

/// A folder of such files, each under a name of letters and digits. One process has it at a time.
#[derive(Debug)]
pub struct DerivedFiles {
    folder: PathBuf,
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
        })
    }

    /// What was written under a name; `None` where there is nothing of use.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut octets = fs::read(self.path(name)).ok()?;
        let end = octets.len().checked_sub(blake3::OUT_LEN)?;
        let is_whole = blake3::hash(&octets[..end]).as_bytes()[..] == octets[end..];
        octets.truncate(end);
        is_whole.then_some(octets)
    }

    /// Writes octets under a name, in place of what was there.
    ///
    /// # Errors
    /// They cannot be written; what was there before still is.
    pub fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let draft = path.with_extension(DRAFT);
        let written = write_file(&draft, octets).and_then(|()| fs::rename(&draft, path));
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

    fn path(&self, name: &str) -> PathBuf {
        debug_assert!(is_name(name));
        self.folder.join(name)
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

fn write_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(octets)?;
    file.write_all(blake3::hash(octets).as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn files() -> (tempfile::TempDir, DerivedFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = DerivedFiles::open(&folder.path().join("a").join("b")).unwrap();
        (folder, files)
    }

    #[test]
    fn what_is_written_is_read_until_it_is_removed() {
        let (_folder, files) = files();
        assert_eq!(files.read("one"), None);
        for octets in [&b"first"[..], b"", &[7; 100_000]] {
            files.write("one", octets).unwrap();
            assert_eq!(files.read("one").unwrap(), octets);
        }
        files.write("other", b"2").unwrap();
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
        files.write("one", b"octets").unwrap();
        let whole = fs::read(files.path("one")).unwrap();
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 1;
            fs::write(files.path("one"), other).unwrap();
            assert_eq!(files.read("one"), None, "octet {at} is another");
            fs::write(files.path("one"), &whole[..at]).unwrap();
            assert_eq!(files.read("one"), None, "only {at} octets");
        }
        files.write("one", b"again").unwrap();
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
        files.write("one", b"before").unwrap();
        fs::create_dir(files.folder.join("one.draft")).unwrap();
        files.write("one", b"after").unwrap_err();
        assert_eq!(files.read("one").unwrap(), b"before");
    }

    #[test]
    fn nobody_else_may_look() {
        let (_folder, files) = files();
        files.write("one", b"private").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&files.folder), 0o700);
        assert_eq!(mode(&files.path("one")), 0o600);
    }
}
