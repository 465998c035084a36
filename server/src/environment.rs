//! The only clock and the only source of randomness of the process.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use storage::{Clock, Entropy, Environment, Timestamp};

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(elapsed) => i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp(since_1970)
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) {
        getrandom::fill(octets)
            .expect("an operating system without randomness cannot run a server");
    }
}

/// The real world.
pub fn system() -> Environment {
    Environment {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}
