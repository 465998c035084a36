//! The kill -9 loop: a process that writes and reads the store is killed again and again, at random
//! moments and in the middle of whatever is delicate; nothing that was acknowledged or read is lost,
//! and nothing is half there. [`rounds`] plays the loop on the store alone, [`server`] on a whole
//! server, [`meetings`] on what a server delivers behind its answers, [`restores`] on restores; all start their victims as this same program in another role ([`victim`]).
//!
//! Random times decide only what a kill meets, never whether a round passes.

pub mod meetings;
pub mod moment;
pub mod process;
pub mod restores;
pub mod rounds;
pub mod seen;
pub mod server;
pub mod victim;
pub mod workload;

use storage::{Clock, Timestamp, sled::Options};

/// So little room that checkpoints, snapshots, changes of segment and deletions of journal fall into
/// every round.
pub fn options() -> Options {
    Options {
        cache_octets: 4 * 1024 * 1024,
        overlay_octets: 64 * 1024,
        segment_octets: 64 * 1024,
        snapshot_octets: 64 * 1024,
        archive: None,
    }
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}
