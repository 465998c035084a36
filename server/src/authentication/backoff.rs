//! Slows down who guesses passwords, per account and address.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use storage::Timestamp;

use crate::bounded_map::BoundedMap;

/// Failures that cost nothing but the hash: people mistype, and clients keep an old password.
const FREE_FAILURES: u32 = 5;
/// The longest wait, in milliseconds.
const MAXIMUM_WAIT_MILLISECONDS: i64 = 60_000;
/// After this long without a failure all is forgotten.
const FORGOTTEN_AFTER_MILLISECONDS: i64 = 15 * 60 * 1000;
/// Entries of one generation.
const CAPACITY: usize = 8192;
/// Octets of a name that tell accounts apart here; longer ones share their beginning.
const MAXIMUM_NAME_OCTETS: usize = 128;

struct Failures {
    count: u32,
    last: Timestamp,
}

/// The failures of late.
pub struct BackOff {
    failures: Mutex<BoundedMap<(Vec<u8>, IpAddr), Failures>>,
}

impl Default for BackOff {
    fn default() -> Self {
        BackOff {
            failures: Mutex::new(BoundedMap::new(CAPACITY)),
        }
    }
}

impl BackOff {
    /// How many whole seconds this pair must wait before its next attempt is looked at; `None` where
    /// it need not wait.
    pub fn wait_seconds(&self, name: &str, address: IpAddr, now: Timestamp) -> Option<u64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = failures.get(&key(name, address))?;
        let until = entry.last.0 + wait_after(entry.count);
        let left = until - now.0;
        // A clock that was set back must not lock anybody out for longer than the longest wait.
        (left > 0 && left <= MAXIMUM_WAIT_MILLISECONDS).then(|| left.unsigned_abs().div_ceil(1000))
    }

    /// Counts a failure.
    pub fn failed(&self, name: &str, address: IpAddr, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(name, address);
        let before = match failures.get(&key) {
            Some(entry) if now.0 - entry.last.0 < FORGOTTEN_AFTER_MILLISECONDS => entry.count,
            _ => 0,
        };
        failures.insert(
            key,
            Failures {
                count: before.saturating_add(1),
                last: now,
            },
        );
    }

    /// Forgets the failures of who signed in.
    pub fn succeeded(&self, name: &str, address: IpAddr) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key(name, address));
    }
}

fn wait_after(failures: u32) -> i64 {
    match failures.checked_sub(FREE_FAILURES) {
        None => 0,
        Some(excess) => MAXIMUM_WAIT_MILLISECONDS.min(1000 << excess.min(16)),
    }
}

fn key(name: &str, address: IpAddr) -> (Vec<u8>, IpAddr) {
    let name = &name.as_bytes()[..name.len().min(MAXIMUM_NAME_OCTETS)];
    (name.to_vec(), address)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn waits_grow_with_failures_up_to_a_bound() {
        let expected = [
            None,
            None,
            None,
            None,
            Some(1),
            Some(2),
            Some(4),
            Some(8),
            Some(16),
            Some(32),
            Some(60),
            Some(60),
        ];
        let backoff = BackOff::default();
        for (count, wait) in expected.into_iter().enumerate() {
            backoff.failed("alice", HERE, Timestamp(0));
            assert_eq!(
                backoff.wait_seconds("alice", HERE, Timestamp(0)),
                wait,
                "after {} failures",
                count + 1
            );
        }
    }

    #[test]
    fn others_do_not_wait() {
        let backoff = BackOff::default();
        (0..20).for_each(|_| backoff.failed("alice", HERE, Timestamp(0)));
        assert_eq!(backoff.wait_seconds("alice", THERE, Timestamp(0)), None);
        assert_eq!(backoff.wait_seconds("bob", HERE, Timestamp(0)), None);
    }

    #[test]
    fn a_wait_ends_with_time_or_success() {
        let backoff = BackOff::default();
        (0..6).for_each(|_| backoff.failed("alice", HERE, Timestamp(0)));
        assert_eq!(
            backoff.wait_seconds("alice", HERE, Timestamp(1999)),
            Some(1)
        );
        assert_eq!(backoff.wait_seconds("alice", HERE, Timestamp(2000)), None);
        backoff.succeeded("alice", HERE);
        backoff.failed("alice", HERE, Timestamp(2000));
        assert_eq!(backoff.wait_seconds("alice", HERE, Timestamp(2000)), None);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let backoff = BackOff::default();
        (0..20).for_each(|_| backoff.failed("alice", HERE, Timestamp(0)));
        let later = Timestamp(FORGOTTEN_AFTER_MILLISECONDS);
        backoff.failed("alice", HERE, later);
        assert_eq!(backoff.wait_seconds("alice", HERE, later), None);
    }
}
