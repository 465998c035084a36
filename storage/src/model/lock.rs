//! Locks (RFC 4918 §6).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::PrincipalId;
use crate::Timestamp;

/// What a lock was taken on (RFC 4918 §6.1). It stays what it is as long as the lock stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LockRoot {
    /// Where it stands.
    pub path: crate::ResourcePath,
    /// A collection, whose URL ends in a slash (RFC 4918 §5.2).
    pub is_collection: bool,
}

/// RFC 4918 §6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// `urn:uuid:...`
    pub token: String,
    /// What is locked.
    pub root: LockRoot,
    /// Infinite depth (else 0).
    pub deep: bool,
    /// Exclusive (else shared).
    pub exclusive: bool,
    /// Who made it.
    pub principal: PrincipalId,
    /// The owner element of the request, as octets.
    pub owner: Bytes,
    /// The timeout as granted, in seconds.
    pub timeout_seconds: u32,
    /// When it ends.
    pub expires: Timestamp,
}

impl Lock {
    /// Whether it has not run out (RFC 4918 §6.6). One that has far more time left than it was given
    /// got it before the clock was put back: it has run out, or it would stand for as long as the clock
    /// had gone wrong.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let left = self.expires.0.saturating_sub(now.0);
        let given = i64::from(self.timeout_seconds) * 1000;
        0 < left && left <= given.saturating_mul(2)
    }
}
