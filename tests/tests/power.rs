//! A power failure loses nothing that was acknowledged, and leaves nothing half. See `tests::power`;
//! `cargo run --release -p tests --bin power_loss` tries 1,000 images.
//!
//! `POWER_IMAGES` (50) images, `POWER_SEED` to repeat a run's seeds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{path::Path, str::FromStr};

use tests::{
    house,
    power::{
        Change, Entry, Forgets, Found, History, Image, LIVES, Recorder, check, forgets_nothing,
    },
};

/// How many histories the images are taken from.
const HISTORIES: u64 = 3;

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn recorder() -> Recorder {
    Recorder::new(Path::new(env!("CARGO_BIN_EXE_power_loss"))).unwrap()
}

async fn open(image: &Image) -> Result<Found, String> {
    let folder = tempfile::tempdir().unwrap();
    image.disk.write_to(folder.path()).unwrap();
    check(folder.path(), &image.seen).await
}

/// Whatever the moment, and whatever of what was not synced survives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost() {
    let images: u64 = setting("POWER_IMAGES", 50);
    let seed: u64 = setting("POWER_SEED", u64::from(std::process::id()) << 32);
    let recorder = recorder();
    let (mut faults, mut rebuilt, mut tried) = (Vec::new(), 0, 0);
    for history_seed in (seed..).take(HISTORIES as usize) {
        let history = History::record(&recorder, history_seed, LIVES)
            .unwrap_or_else(|error| panic!("history {history_seed}: {error}"));
        let first = history_seed.wrapping_mul(images);
        let seeds: Vec<u64> = (first..)
            .take(images.div_ceil(HISTORIES) as usize)
            .collect();
        for image in history.images(&seeds, forgets_nothing).unwrap() {
            tried += 1;
            match open(&image).await {
                Ok(found) => rebuilt += u64::from(found.rebuilt),
                Err(fault) => {
                    let folder = house::root().join(format!("target/power/history-{history_seed}"));
                    history.save(&folder).unwrap();
                    faults.push(format!(
                        "{:?}: {fault}\n  again: power_loss --history {} --seed {history_seed} --image {}",
                        image.cut,
                        folder.display(),
                        image.seed
                    ));
                }
            }
        }
    }
    println!("{tried} images, seed {seed}, {rebuilt} indexes built again");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A store that did not sync what it must would be found out: of the same record, with some of its
/// syncs left out, images are not right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_sync_is_noticed() {
    let cases: [(&str, Forgets); 4] = [
        ("no sync at all", |_| true),
        ("segments of the journal", |path| path.ends_with(".journal")),
        ("the names of segments", |path| path.ends_with("/journal")),
        ("the name of the data folder", |path| path.is_empty()),
    ];
    let history = a_whole_life(&recorder());
    for (what, forgets) in cases {
        let mut faults = 0;
        let mut tried = 0;
        for image in history
            .images(&(0..12).collect::<Vec<_>>(), forgets)
            .unwrap()
        {
            tried += 1;
            faults += u64::from(open(&image).await.is_err());
        }
        println!("{what}: {faults} of {tried} images are not right");
        assert!(faults > 0, "{what}: nobody noticed");
    }
}

/// A history of one life that was not cut short, in which everything happens that can go wrong.
fn a_whole_life(recorder: &Recorder) -> History {
    // The store makes snapshots beside the commits, as quickly as it gets to it.
    let histories = [2_000, 4_000, 8_000, 16_000]
        .into_iter()
        .map(|commits| History::record_whole_life(recorder, commits).unwrap());
    type IsWanted = fn(&Entry<'_>) -> bool;
    let wanted: [(&str, IsWanted); 4] = [
        (
            "snapshots",
            |entry| matches!(entry, Entry::Change(Change::Rename(_, to)) if to.ends_with(".snapshot")),
        ),
        (
            "checkpoints",
            |entry| matches!(entry, Entry::Change(Change::Rename(_, to)) if to.ends_with("/checkpoint")),
        ),
        (
            "deletion of covered journal",
            |entry| matches!(entry, Entry::Change(Change::Remove(path)) if path.ends_with(".journal")),
        ),
        ("segments cut to their length", |entry| {
            matches!(entry, Entry::Change(Change::Length { .. }))
        }),
    ];
    let mut whole = histories.filter(|history| wanted.iter().all(|(_, is)| history.has(is)));
    whole
        .next()
        .unwrap_or_else(|| panic!("no life has all of {:?}", wanted.map(|(name, _)| name)))
}
