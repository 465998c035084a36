//! Power failures: what may be on the disk after one, of what a program did until then.
//!
//! ```text
//! record.c (preloaded into the writer) -> trace: every change, every sync, every acknowledgement
//! trace, up to a cut                   -> Disk: what is durable, what is pending
//! Disk, what survives chosen at random -> image: a folder as it may be found afterwards
//! image                                -> check: open it, hold it against what was acknowledged
//! ```
//!
//! The model is a strict one, weaker than what ext4 and XFS promise: of what was not synced, each
//! page of 4 KiB, each length of a file and each change of a name survives or not by itself, in any
//! version that it had since the last sync. Syncing a file makes its contents and length durable, not
//! its name; syncing a folder makes the names in it durable, not what they stand for.
//!
//! A history has several lives: the writer ends, is killed or loses its power, and the next life goes
//! on with what the one before it left: with everything that was written, synced or not, where it was
//! killed.

mod check;
mod disk;
mod history;
mod trace;
mod versions;

pub use check::{Found, check};
pub use disk::{Disk, Survival};
pub use history::{Cut, Forgets, History, Image, Recorder, forgets_nothing};
pub use trace::{Change, Entry, Moment, Sync, Trace, TraceError};

/// Where the store is in the recorded folder. Nothing of the way to it is there at first.
pub const STORE: &str = "data/store";
/// How many writers there are.
pub const WRITERS: u64 = 4;
/// How many lives a history has.
pub const LIVES: usize = 3;
