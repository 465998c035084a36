//! When each keyspace was last written, for embedded backends: what makes `Backend::last_change` free.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Revision, resolve::Effects};

const KEYSPACES: usize = 256;

/// A set of keyspaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keyspaces([u64; KEYSPACES / 64]);

impl Keyspaces {
    /// Adds the keyspaces that a commit writes.
    pub(crate) fn add(&mut self, effects: &Effects) {
        for key in effects.keys() {
            if let Some(space) = key.first() {
                self.0[usize::from(*space) / 64] |= 1 << (space % 64);
            }
        }
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        (0..KEYSPACES).filter(move |space| self.0[space / 64] >> (space % 64) & 1 == 1)
    }
}

/// The newest commit that wrote each keyspace, or a later one where that is not known.
pub(crate) struct LastChanges([AtomicU64; KEYSPACES]);

impl LastChanges {
    /// Nothing is known but that all commits up to this one may have written anything.
    pub(crate) fn new(newest: Revision) -> LastChanges {
        LastChanges(std::array::from_fn(|_| AtomicU64::new(newest.0)))
    }

    /// A commit, or several up to this one, write these keyspaces. To be said before anybody can read
    /// what they wrote.
    pub(crate) fn raise(&self, spaces: Keyspaces, newest: Revision) {
        for space in spaces.iter() {
            self.0[space].store(newest.0, Ordering::Release);
        }
    }

    /// See [`crate::backend::Backend::last_change`].
    pub(crate) fn of(&self, space: u8) -> Revision {
        Revision(self.0[usize::from(space)].load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn only_what_was_written_changes() {
        let changes = LastChanges::new(Revision(3));
        let mut spaces = Keyspaces::default();
        spaces.add(&Effects::from([
            (Bytes::from_static(b"\x00a"), None),
            (Bytes::from_static(b"\x40b"), Some(Bytes::new())),
            (Bytes::from_static(b"\xFF"), None),
        ]));
        changes.raise(spaces, Revision(7));
        for (space, expected) in [
            (0, 7),
            (1, 3),
            (63, 3),
            (64, 7),
            (65, 3),
            (254, 3),
            (255, 7),
        ] {
            assert_eq!(changes.of(space), Revision(expected), "{space}");
        }
    }
}
