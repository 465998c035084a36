//! Clock and randomness, injected: `server` brings the real ones, tests bring theirs.

use std::sync::Arc;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The begin of the window in which it is, and its end, with which the next one begins: all have so many milliseconds.
    pub fn window(self, milliseconds: i64) -> (Timestamp, Timestamp) {
        let begin = self.0 - self.0.rem_euclid(milliseconds);
        (
            Timestamp(begin),
            Timestamp(begin.saturating_add(milliseconds)),
        )
    }
}

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Gives octets that nobody can guess.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `octets`.
    fn fill(&self, octets: &mut [u8]);
}

/// The world outside, as the rooms below `server` may see it.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// A fresh random 64-bit number.
    pub fn random_u64(&self) -> u64 {
        let mut octets = [0; 8];
        self.entropy.fill(&mut octets);
        u64::from_be_bytes(octets)
    }

    /// A fresh random 128-bit number.
    pub fn random_u128(&self) -> u128 {
        let mut octets = [0; 16];
        self.entropy.fill(&mut octets);
        u128::from_be_bytes(octets)
    }
}
