//! Credentials that were verified lately, so that a signed-in request need not hash a password.

use std::sync::{Mutex, MutexGuard, PoisonError};

use storage::{Environment, Revision, Timestamp, model::PrincipalId};

use crate::bounded_map::BoundedMap;

/// How long a verified credential is believed without hashing again.
const LIFETIME_MILLISECONDS: i64 = 10 * 60 * 1000;
/// Parts with a lock each, so that threads seldom wait for one another.
const SHARDS: usize = 16;
/// Entries of one generation of a shard.
const SHARD_CAPACITY: usize = 1024;

/// Names a credential without being one: BLAKE3 under a key that this process alone knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// One of `count` numbers, spread evenly over the keys.
    pub fn stripe(&self, count: usize) -> usize {
        usize::from(u16::from_be_bytes([self.0[0], self.0[1]])) % count
    }
}

/// Whose credential was verified, and as of which state of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The account.
    pub principal: PrincipalId,
    /// The commit that wrote the password. An entry is worth nothing once there is a newer one.
    pub credential: Revision,
    /// The password was still that one when this revision was readable.
    pub through: Revision,
}

struct Entry {
    verified: Verified,
    since: Timestamp,
}

/// The cache.
pub struct CredentialCache {
    secret: [u8; 32],
    shards: Vec<Mutex<BoundedMap<CacheKey, Entry>>>,
}

impl CredentialCache {
    /// An empty cache with a fresh secret.
    pub fn new(environment: &Environment) -> CredentialCache {
        let mut secret = [0; 32];
        environment.entropy.fill(&mut secret);
        let shards = (0..SHARDS)
            .map(|_| Mutex::new(BoundedMap::new(SHARD_CAPACITY)))
            .collect();
        CredentialCache { secret, shards }
    }

    /// The key of a name and a password.
    pub fn key(&self, name: &str, password: &str) -> CacheKey {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(&(name.len() as u64).to_be_bytes());
        hasher.update(name.as_bytes());
        hasher.update(password.as_bytes());
        CacheKey(*hasher.finalize().as_bytes())
    }

    /// What was verified for this key, if it is recent.
    pub fn get(&self, key: &CacheKey, now: Timestamp) -> Option<Verified> {
        let mut shard = self.shard(key);
        let entry = shard.get(key)?;
        let age = now.0 - entry.since.0;
        if (0..LIFETIME_MILLISECONDS).contains(&age) {
            return Some(entry.verified);
        }
        shard.remove(key);
        None
    }

    /// Keeps what was verified.
    pub fn insert(&self, key: CacheKey, verified: Verified, now: Timestamp) {
        self.shard(&key).insert(
            key,
            Entry {
                verified,
                since: now,
            },
        );
    }

    /// Notes that the password was still the verified one when the revision `through` was readable.
    pub fn confirm(&self, key: &CacheKey, through: Revision) {
        if let Some(entry) = self.shard(key).get(key) {
            entry.verified.through = entry.verified.through.max(through);
        }
    }

    /// Forgets an entry that is worth nothing any more.
    pub fn remove(&self, key: &CacheKey) {
        self.shard(key).remove(key);
    }

    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, BoundedMap<CacheKey, Entry>> {
        // A map is whole after a panic elsewhere: every change of it is one call.
        self.shards[key.stripe(SHARDS)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    fn verified() -> Verified {
        Verified {
            principal: PrincipalId(7),
            credential: Revision(9),
            through: Revision(9),
        }
    }

    #[test]
    fn an_entry_lives_for_its_time_and_not_longer() {
        let cache = CredentialCache::new(&environment::system());
        let key = cache.key("alice", "secret");
        cache.insert(key, verified(), Timestamp(1000));
        assert_eq!(cache.get(&key, Timestamp(1000)), Some(verified()));
        assert_eq!(
            cache.get(&key, Timestamp(1000 + LIFETIME_MILLISECONDS - 1)),
            Some(verified())
        );
        assert_eq!(
            cache.get(&key, Timestamp(1000 + LIFETIME_MILLISECONDS)),
            None
        );
        assert_eq!(
            cache.get(&key, Timestamp(1000)),
            None,
            "an expired entry is gone"
        );
    }

    #[test]
    fn an_entry_of_the_future_is_not_believed() {
        let cache = CredentialCache::new(&environment::system());
        let key = cache.key("alice", "secret");
        cache.insert(key, verified(), Timestamp(1000));
        assert_eq!(cache.get(&key, Timestamp(999)), None);
    }

    #[test]
    fn keys_differ_wherever_name_or_password_do() {
        let cache = CredentialCache::new(&environment::system());
        let other = CredentialCache::new(&environment::system());
        let key = cache.key("alice", "secret");
        assert!(key == cache.key("alice", "secret"));
        assert!(
            key != cache.key("alices", "ecret"),
            "the border between name and password counts"
        );
        assert!(key != cache.key("alice", "Secret"));
        assert!(
            key != other.key("alice", "secret"),
            "another process has another secret"
        );
    }
}
