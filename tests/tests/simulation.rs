//! Thousands of stories, each from a seed (see `tests::simulation`). `SEEDS=100000 cargo test -p tests --test
//! simulation` plays more of them, `SEED=4711` one.
#![allow(clippy::unwrap_used)]

use tests::simulation;

/// Stories that the gate plays.
const SEEDS: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Two threads share the seeds; each story has a runtime of its own, in which nothing depends upon the machine.
#[test]
fn at_rest_everybody_agrees() {
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let play = |seeds: Vec<u64>| {
        seeds.into_iter().find_map(|seed| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(simulation::run(seed)).err()
        })
    };
    let (even, odd): (Vec<u64>, Vec<u64>) = seeds.iter().partition(|seed| *seed % 2 == 0);
    let failures: Vec<_> = std::thread::scope(|scope| {
        let threads = [even, odd].map(|seeds| scope.spawn(move || play(seeds)));
        let failures = threads.into_iter().map(|thread| thread.join().unwrap());
        failures.flatten().collect()
    });
    if let Some(failure) = failures.into_iter().min_by_key(|failure| failure.seed) {
        panic!("{failure}");
    }
}
