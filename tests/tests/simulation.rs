//! Thousands of stories, each from a seed (see `tests::simulation`). `SEEDS=100000 cargo test -p tests --test
//! simulation` plays more of them (`FIRST=1000` leaves those before out), `SEED=4711` one.
#![allow(clippy::unwrap_used)]

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use tests::simulation;

/// Stories that the gate plays.
const SEEDS: u64 = 2_000;
/// So many that fail are told.
const TOLD: usize = 5;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn play(seed: u64) -> Result<(), simulation::Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(simulation::run(seed))
}

/// A thread for each processor takes seed after seed; each story has a runtime of its own, in which nothing depends upon
/// the machine.
#[test]
fn at_rest_everybody_agrees() {
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => number("FIRST").unwrap_or(0)..number("SEEDS").unwrap_or(SEEDS),
    };
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failures.lock().unwrap().len() < TOLD {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    // played before the lock is taken, or the others wait for it
                    let failure = play(seed).err();
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.seed);
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}
