//! Rows about principals.

use std::ops::Bound;

use super::{Builder, Keyspace, whole};
use crate::{
    Revision,
    backend::{Key, KeyRange, log_key},
    model::PrincipalId,
};

pub(crate) fn directory() -> Key {
    whole(Keyspace::Directory)
}

pub(crate) fn directory_log() -> Key {
    whole(Keyspace::DirectoryLog)
}

/// The entries of the directory's log behind those of the commit `revision`.
pub(crate) fn directory_log_after(revision: Revision) -> KeyRange {
    let prefix = directory_log();
    KeyRange {
        start: Bound::Excluded(log_key(&prefix, revision, u16::MAX)),
        end: KeyRange::prefix(prefix).end,
    }
}

pub(crate) fn principals() -> Key {
    whole(Keyspace::Principal)
}

pub(crate) fn principal(id: PrincipalId) -> Key {
    Builder::new(Keyspace::Principal, 8).number(id.0).key()
}

pub(crate) fn principal_name(name: &str) -> Key {
    Builder::new(Keyspace::PrincipalName, name.len())
        .octets(name.to_lowercase().as_bytes())
        .key()
}

/// `normalised` is the result of `directory::normalise_address`.
pub(crate) fn principal_address(normalised: &str) -> Key {
    Builder::new(Keyspace::PrincipalAddress, normalised.len())
        .octets(normalised.as_bytes())
        .key()
}

pub(crate) fn credential(id: PrincipalId) -> Key {
    Builder::new(Keyspace::Credential, 8).number(id.0).key()
}
