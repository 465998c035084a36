//! The folder of a store: who holds it, which format it has, and where what stands in it.
//!
//! | name | what |
//! |---|---|
//! | `lock` | held while a process has the store open; contains its process id |
//! | `format` | the version of everything below, and the store's identity |
//! | `journal/NUMBER.journal` | segments of the journal: the truth |
//! | `snapshots/REVISION.snapshot` | what the journal's deleted segments came to |
//! | `blobs/HH/NAME` | the octets of a blob; rows in the journal say which are of use |
//! | `blobs/unfinished/` | blobs on their way; emptied at the start |
//! | `checkpoint` | what `index` contains for certain, i.e. where replay starts |
//! | `index/` | sled: serves reads, and can be built again from the rest |
//! | `index.in-use` | there as long as `index` is open; says since which start of the machine |
//! | `index.rebuild` | there as long as `index` is not to be trusted |
//! | `restoring/` | there as long as a restore into the folder is not finished; nothing else counts then |
//! | `views/` | what the server has worked out of calendars ([`crate::derived`]); may be removed at any time |
//! | `index.set-aside/` | the last index that was found damaged, for whoever wants to know why |

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Timestamp,
    sled::{
        disk::Disk,
        error::{IoContext, OpenError},
    },
};

/// The format this version writes. Format 2 has packed snapshots (version 2 of theirs), format 3 the blobs'
/// files; everything of earlier ones is still read, and their folder becomes one of this when it is opened.
const FORMAT: u32 = 3;

/// Where a restore works that cannot work beside the folder.
pub(super) const RESTORING: &str = "restoring";

/// The folder of the blobs, and of those that are on their way.
const BLOBS: &str = "blobs";
const UNFINISHED_BLOBS: &str = "blobs/unfinished";

/// Where Linux tells one start of the machine from another.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Tells one store's files from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreId(pub(super) [u8; 16]);

/// The places in a store's folder.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    store: StoreId,
    disk: Arc<dyn Disk>,
}

/// While it lives, no other process can open the folder.
pub(super) struct Lock {
    // The lock is the open file's, and ends with it.
    _file: File,
}

impl Folder {
    /// Takes the folder, making it where it is missing.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        now: Timestamp,
    ) -> Result<(Folder, Lock), OpenError> {
        let restoring = path.join(RESTORING);
        if restoring.try_exists().while_doing("look at", &restoring)? {
            return Err(OpenError::Unfinished);
        }
        make_durable_folder(&*disk, path).while_doing("make the folder", path)?;
        let lock = Lock {
            _file: lock(&path.join("lock"))?,
        };
        for name in ["journal", "snapshots", BLOBS, UNFINISHED_BLOBS] {
            let part = path.join(name);
            disk.make_folder(&part)
                .while_doing("make the folder", &part)?;
        }
        let blobs = path.join(BLOBS);
        disk.sync_folder(&blobs).while_doing("sync", &blobs)?;
        let store = identity(&*disk, path, now)?;
        // Whoever held the folder before may have been killed before it synced what is found here.
        disk.sync_folder(path).while_doing("sync", path)?;
        Ok((
            Folder {
                path: path.to_owned(),
                store,
                disk,
            },
            lock,
        ))
    }

    /// The places of a store that is open already.
    #[cfg(test)]
    pub(super) fn at(path: &Path, store: StoreId) -> Folder {
        Folder {
            path: path.to_owned(),
            store,
            disk: Arc::new(crate::sled::disk::RealDisk),
        }
    }

    pub(super) fn store(&self) -> StoreId {
        self.store
    }

    /// How its files are reached.
    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.path.join(BLOBS)
    }

    pub(super) fn unfinished_blobs(&self) -> PathBuf {
        self.path.join(UNFINISHED_BLOBS)
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    fn rebuild_mark(&self) -> PathBuf {
        self.path.join("index.rebuild")
    }

    /// Whether the index is not to be trusted.
    pub(super) fn must_rebuild(&self) -> io::Result<bool> {
        self.rebuild_mark().try_exists()
    }

    /// Lets the next start build the index again, whatever happens until then.
    pub(super) fn demand_rebuild(&self) -> io::Result<()> {
        self.disk.write_durably(&self.rebuild_mark(), b"")
    }

    /// The index has been built again.
    pub(super) fn rebuilt(&self) -> io::Result<()> {
        self.disk.remove_if_there(&self.rebuild_mark())?;
        self.disk.sync_folder(&self.path)
    }

    fn use_note(&self) -> PathBuf {
        self.path.join("index.in-use")
    }

    /// Whether the machine may have stopped, or the folder been copied, while the index was open.
    /// sled writes over what is no longer of use before that what replaces it is durable. Hence its
    /// file may lack any part then, in ways that are seen late or not at all; and may not, if only
    /// the process was killed.
    pub(super) fn index_may_be_torn(&self) -> io::Result<bool> {
        match fs::read(self.use_note()) {
            Ok(noted) => Ok(self.use_text()?.is_none_or(|now| now.as_bytes() != noted)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The index is going to be opened.
    pub(super) fn begin_use(&self) -> io::Result<()> {
        let text = self.use_text()?.unwrap_or_default();
        self.disk.write_durably(&self.use_note(), text.as_bytes())
    }

    /// The index has been closed, and all of it is durable.
    pub(super) fn end_use(&self) -> io::Result<()> {
        self.disk.remove_if_there(&self.use_note())?;
        self.disk.sync_folder(&self.path)
    }

    /// Which start of the machine this is, and which folder; `None` where the system does not tell.
    fn use_text(&self) -> io::Result<Option<String>> {
        let Ok(boot) = fs::read_to_string(BOOT_ID) else {
            return Ok(None);
        };
        let metadata = fs::metadata(&self.path)?;
        let (device, inode) = (metadata.dev(), metadata.ino());
        Ok(Some(format!("{}\n{device} {inode}\n", boot.trim_end())))
    }

    /// Removes the index that was moved out of the way.
    pub(super) fn forget_index_aside(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.path.join("index.set-aside")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.disk.sync_folder(&self.path),
        }
    }

    /// Moves the index out of the way, in place of the one that was moved there before.
    pub(super) fn set_index_aside(&self) -> io::Result<()> {
        let index = self.index();
        if index.try_exists()? {
            let aside = self.path.join("index.set-aside");
            match fs::remove_dir_all(&aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::rename(&index, &aside)?,
            }
        }
        self.disk.sync_folder(&self.path)
    }
}

/// Whether another process, or another part of this one, has the folder.
pub(super) fn is_in_use(path: &Path) -> io::Result<bool> {
    match File::open(path.join("lock")) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a folder, and those that lead to it, each durable before the next: only the name of the
/// innermost that is there already can still be lost, if its maker was killed.
pub(super) fn make_durable_folder(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if parent == Path::new("") => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    if path.try_exists()? {
        return match disk.sync_folder(parent) {
            // Where we may not read or write we made nothing.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                Ok(())
            }
            synced => synced,
        };
    }
    make_durable_folder(disk, parent)?;
    disk.make_folder(path)?;
    disk.sync_folder(parent)
}

/// Takes the lock file and writes this process's id into it.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .while_doing("open", path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            return Err(OpenError::InUse { pid });
        }
        Err(TryLockError::Error(error)) => return Err(error).while_doing("lock", path),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.while_doing("write", path)?;
    Ok(file)
}

/// Reads the folder's format and identity, or makes a new store of it. The format file is written
/// last when a store is made, so that a folder without one holds nothing that was acknowledged.
fn identity(disk: &dyn Disk, folder: &Path, now: Timestamp) -> Result<StoreId, OpenError> {
    let path = folder.join("format");
    match fs::read_to_string(&path) {
        Ok(text) => {
            let (format, store) = read_format(&text)?;
            if format < FORMAT {
                // Before anything of the newer format is written, so that an older version which
                // could not read it is told so.
                disk.write_durably(&path, format_text(store).as_bytes())
                    .while_doing("write", &path)?;
            }
            Ok(store)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let journal = folder.join("journal");
            let used = fs::read_dir(&journal)
                .while_doing("read", &journal)?
                .next()
                .is_some();
            if used {
                return Err(OpenError::Damaged(
                    "its journal is there but the file `format` is missing; put it back from a copy of the folder"
                        .to_owned(),
                ));
            }
            let store = new_identity(folder, now).while_doing("look at", folder)?;
            disk.write_durably(&path, format_text(store).as_bytes())
                .while_doing("write", &path)?;
            Ok(store)
        }
        Err(error) => Err(error).while_doing("read", &path),
    }
}

/// An identity that no other store has: it need not be secret, only different.
fn new_identity(folder: &Path, now: Timestamp) -> io::Result<StoreId> {
    let metadata = fs::metadata(folder)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&now.0.to_be_bytes());
    hasher.update(&metadata.dev().to_be_bytes());
    hasher.update(&metadata.ino().to_be_bytes());
    hasher.update(&metadata.ctime_nsec().to_be_bytes());
    hasher.update(&std::process::id().to_be_bytes());
    let mut octets = [0; 16];
    hasher.finalize_xof().fill(&mut octets);
    Ok(StoreId(octets))
}

fn format_text(store: StoreId) -> String {
    format!(
        "format {FORMAT}\nstore {:032x}\n",
        u128::from_be_bytes(store.0)
    )
}

pub(super) fn read_format(text: &str) -> Result<(u32, StoreId), OpenError> {
    let unreadable = || {
        OpenError::Damaged(
            "its file `format` is unreadable; put it back from a copy of the folder".to_owned(),
        )
    };
    let mut lines = text.lines();
    let format = lines
        .next()
        .and_then(|line| line.strip_prefix("format "))
        .ok_or_else(unreadable)?;
    let found: u32 = format.parse().map_err(|_| unreadable())?;
    if found > FORMAT {
        return Err(OpenError::NewerFormat {
            found,
            known: FORMAT,
        });
    }
    let store = lines
        .next()
        .and_then(|line| line.strip_prefix("store "))
        .ok_or_else(unreadable)?;
    let store = u128::from_str_radix(store, 16).map_err(|_| unreadable())?;
    Ok((found, StoreId(store.to_be_bytes())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sled::disk::RealDisk;

    #[test]
    fn a_missing_folder_is_made_for_its_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("new").join("store");
        let (folder, lock) = Folder::open(Arc::new(RealDisk), &path, Timestamp(0)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("lock")), 0o600);
        let store = folder.store();
        drop(lock);
        let (folder, _lock) = Folder::open(Arc::new(RealDisk), &path, Timestamp(1)).unwrap();
        assert_eq!(folder.store(), store, "the identity stays");
    }

    /// A kill leaves what sled wrote as it was; a power failure does not, and a copy that was made
    /// meanwhile neither.
    #[test]
    fn an_index_in_use_is_torn_by_another_start_of_the_machine() {
        let temporary = tempfile::tempdir().unwrap();
        let open = |path: &Path| Folder::open(Arc::new(RealDisk), path, Timestamp(0)).unwrap();
        let (folder, _lock) = open(&temporary.path().join("a"));
        assert!(!folder.index_may_be_torn().unwrap());
        folder.begin_use().unwrap();
        assert!(!folder.index_may_be_torn().unwrap(), "only a kill");
        let noted = fs::read(folder.use_note()).unwrap();

        let (copy, _lock) = open(&temporary.path().join("b"));
        fs::write(copy.use_note(), &noted).unwrap();
        assert!(copy.index_may_be_torn().unwrap(), "another folder");

        for other in [&b""[..], &noted[1..]] {
            fs::write(folder.use_note(), other).unwrap();
            assert!(folder.index_may_be_torn().unwrap(), "another start");
        }
        folder.end_use().unwrap();
        assert!(!folder.index_may_be_torn().unwrap());
    }

    #[test]
    fn a_second_holder_is_told_who_is_the_first() {
        let temporary = tempfile::tempdir().unwrap();
        let _first = Folder::open(Arc::new(RealDisk), temporary.path(), Timestamp(0)).unwrap();
        let error = Folder::open(Arc::new(RealDisk), temporary.path(), Timestamp(0))
            .err()
            .unwrap();
        assert!(matches!(error, OpenError::InUse { pid: Some(pid) } if pid == std::process::id()));
        assert_eq!(
            error.to_string(),
            format!("the store is in use by process {}", std::process::id())
        );
    }

    #[test]
    fn formats() {
        let store = StoreId([7; 16]);
        assert_eq!(read_format(&format_text(store)).unwrap(), (FORMAT, store));
        assert!(matches!(
            read_format("format 4\nsomething else\n"),
            Err(OpenError::NewerFormat { found: 4, known: 3 })
        ));
        for text in [
            "",
            "format",
            "format x\n",
            "format 1\n",
            "format 1\nstore\n",
            "format 1\nstore xyz\n",
        ] {
            assert!(
                matches!(read_format(text), Err(OpenError::Damaged(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_folder_of_format_1_becomes_one_of_this_format() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("format");
        let text = format!("format 1\nstore {:032x}\n", 7);
        fs::write(&path, text).unwrap();
        let (folder, _lock) =
            Folder::open(Arc::new(RealDisk), temporary.path(), Timestamp(0)).unwrap();
        assert_eq!(folder.store(), StoreId(7_u128.to_be_bytes()));
        let text = format!("format {FORMAT}\nstore {:032x}\n", 7);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_journal_without_a_format_is_not_taken_for_a_new_store() {
        let temporary = tempfile::tempdir().unwrap();
        drop(Folder::open(Arc::new(RealDisk), temporary.path(), Timestamp(0)).unwrap());
        fs::write(
            temporary.path().join("journal").join("0000000001.journal"),
            b"",
        )
        .unwrap();
        fs::remove_file(temporary.path().join("format")).unwrap();
        assert!(matches!(
            Folder::open(Arc::new(RealDisk), temporary.path(), Timestamp(0)),
            Err(OpenError::Damaged(_))
        ));
    }
}
