//! Rows about what happened when: the audit, and the age of the logs.

use std::ops::Bound;

use super::{Builder, Keyspace, SIGN, number, ordered, whole};
use crate::{
    Timestamp,
    backend::{Key, KeyRange, LOG_POSITION_OCTETS},
    model::PrincipalId,
};

pub(crate) fn clock() -> Key {
    whole(Keyspace::Clock)
}

/// How far the compaction of the logs is that is under way.
pub(crate) fn compaction() -> Key {
    Builder::new(Keyspace::Clock, 1).octet(1).key()
}

/// The note of the newest commit at a time.
pub(crate) fn moment(time: Timestamp) -> Key {
    Builder::new(Keyspace::Moment, 8)
        .octets(&ordered(time))
        .key()
}

/// The notes of this time and of earlier ones.
pub(crate) fn moments_until(time: Timestamp) -> KeyRange {
    KeyRange {
        start: Bound::Included(whole(Keyspace::Moment)),
        end: Bound::Included(moment(time)),
    }
}

/// The time in the key of a note.
pub(crate) fn moment_time(key: &[u8]) -> Option<Timestamp> {
    let time = number(key.get(1..)?)?;
    Some(Timestamp((time ^ SIGN) as i64))
}

/// What the keys of an owner's audit begin with; they are in the order of commits.
pub(crate) fn audit(owner: PrincipalId) -> Key {
    Builder::new(Keyspace::Audit, 8 + LOG_POSITION_OCTETS)
        .number(owner.0)
        .key()
}

/// Whose audit the key is of.
pub(crate) fn audit_owner(key: &[u8]) -> Option<PrincipalId> {
    let owner = key
        .get(1..9)
        .filter(|_| key.len() == 9 + LOG_POSITION_OCTETS);
    owner.and_then(number).map(PrincipalId)
}
