//! Why a store cannot be opened or written.

use std::{io, path::Path};

use crate::backend::CommitError;

/// Why a store cannot be opened. Nothing was changed, except that what can be derived (the index)
/// may have been set aside.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder open.
    #[error("the store is in use by {}", process(.pid))]
    InUse {
        /// Its process id, where it could be read.
        pid: Option<u32>,
    },
    /// The folder was written by a later version.
    #[error(
        "the store has format {found}, this version knows formats up to {known}: use a newer version"
    )]
    NewerFormat {
        /// The folder's format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Something is damaged that cannot be derived from the rest. The text says what is lost and
    /// how to go on.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A restore was cut off in the folder.
    #[error(
        "a restore into this folder was not finished: give the command again, which begins anew"
    )]
    Unfinished,
    /// The operating system refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// What a commit hears when `what` could not be written.
pub(super) fn unwritable(what: &str, error: &io::Error) -> CommitError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CommitError::Full,
        _ => CommitError::Unavailable(format!("{what} cannot be written: {error}")),
    }
}

fn process(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// Says which file an I/O error is about.
pub(super) trait IoContext<T> {
    /// Wraps the error: `action` is what was to be done with `path`.
    fn while_doing(self, action: &str, path: &Path) -> Result<T, OpenError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn while_doing(self, action: &str, path: &Path) -> Result<T, OpenError> {
        self.map_err(|source| OpenError::Io {
            action: format!("{action} {}", path.display()),
            source,
        })
    }
}
