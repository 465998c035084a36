//! A power failure loses nothing that was acknowledged, and leaves nothing half. See `tests::power`;
//! `cargo run --release -p tests --bin power_loss` tries 1,000 images.
//!
//! `POWER_IMAGES` (50) images, `POWER_SEED` to repeat a run's seeds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use tests::{
    house,
    power::{
        Change, Disk, Entry, Forgets, Found, History, Image, LIVES, Recorder, Trace, check,
        forgets_nothing,
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
/// syncs left out, an image is not right soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_sync_is_noticed() {
    const MOST_IMAGES: u64 = 100;
    let cases: [(&str, Forgets); 10] = [
        ("no sync at all", |_| true),
        ("segments of the journal", |path| path.ends_with(".journal")),
        ("the names of segments", |path| path.ends_with("/journal")),
        ("snapshots", |path| path.ends_with("/snapshots/new.draft")),
        ("octets of blobs", |path| path.contains("/unfinished/")),
        ("the names of blobs", |path| {
            let folder = path.rsplit_once("/blobs/").map(|(_, rest)| rest.len());
            folder == Some(2)
        }),
        ("the names that blobs had", |path| {
            path.ends_with("/blobs/unfinished")
        }),
        ("the folders of blobs", |path| path.ends_with("/blobs")),
        ("the names in the store", |path| path.ends_with("/store")),
        ("the name of the data folder", |path| path.is_empty()),
    ];
    let history = a_whole_life(&recorder());
    for (what, forgets) in cases {
        let mut noticed = None;
        for seed in 0..MOST_IMAGES {
            let image = history.images(&[seed], forgets).unwrap().remove(0);
            if let Err(fault) = open(&image).await {
                noticed = Some((seed, fault));
                break;
            }
        }
        let (seed, fault) = noticed.unwrap_or_else(|| panic!("{what}: nobody noticed"));
        println!("{what}: noticed with image {seed}: {fault}");
    }
}

/// A history of one life that was not cut short, in which everything happens that can go wrong.
fn a_whole_life(recorder: &Recorder) -> History {
    // The store makes snapshots beside the commits, as quickly as it gets to it.
    let histories = [2_000, 4_000, 8_000, 16_000]
        .into_iter()
        .map(|commits| History::record_whole_life(recorder, commits).unwrap());
    type IsWanted = fn(&Entry<'_>) -> bool;
    let wanted: [(&str, IsWanted); 5] = [
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
        (
            "removal of blobs",
            |entry| matches!(entry, Entry::Change(Change::Remove(path)) if path.contains("/blobs/")),
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

/// A command in a folder, from its words.
fn command(words: &str, folder: &Path) -> Command {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(folder);
    command
}

/// A folder with nothing beside it.
fn recorded_folder() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap().join("recorded");
    std::fs::create_dir(&folder).unwrap();
    (temporary, folder)
}

/// Programs that are not ours, which call the system in other ways: after each of them the record
/// leads to what is really there.
#[test]
fn whatever_a_program_does_is_in_its_record() {
    let recorder = recorder();
    let (_temporary, folder) = recorded_folder();
    let mut disk = Disk::default();
    for words in [
        "mkdir -p d/e",
        "dd if=/proc/self/exe of=d/a bs=5000 count=3",
        "dd if=/proc/self/exe of=d/a bs=7 count=2 seek=700 conv=notrunc,fsync",
        "dd if=/dev/zero of=d/a bs=100 count=1 oflag=append conv=notrunc,fdatasync",
        "cp d/a d/b",
        "truncate -s 4097 d/a",
        "truncate -s 9000 d/a",
        "ln d/a d/e/linked",
        "mv d/b c",
        "mv c d/a",
        "mkdir f",
        "mv d/e f/g",
        "rm -r f",
        "dd if=/proc/self/exe of=d/a bs=10 count=1",
    ] {
        let trace = recorder.trace_of(command(words, &folder), &folder, 0);
        let trace = trace.unwrap();
        assert!(!trace.is_empty(), "{words} left no record");
        for entry in Trace::new(&trace) {
            disk.apply(&entry.unwrap())
                .unwrap_or_else(|error| panic!("{words}: {error}"));
        }
        disk.end_life();
        disk.compare(&folder)
            .unwrap_or_else(|error| panic!("{words}: {error}"));
    }
    assert_eq!(std::fs::read(folder.join("d/a")).unwrap().len(), 10);
}

/// The record and the folder end together.
#[test]
fn a_kill_falls_between_two_entries() {
    let recorder = recorder();
    let (_temporary, folder) = recorded_folder();
    let writes = command("dd if=/proc/self/exe of=a bs=3 count=50", &folder);
    let trace = recorder.trace_of(writes, &folder, 10).unwrap();
    let mut disk = Disk::default();
    for entry in Trace::new(&trace) {
        disk.apply(&entry.unwrap()).unwrap();
    }
    assert_eq!(Trace::new(&trace).count(), 10);
    disk.compare(&folder).unwrap();
    assert!(std::fs::read(folder.join("a")).unwrap().len() < 150);
}

/// Better no record than a wrong one.
#[test]
fn what_cannot_be_recorded_ends_the_program() {
    let recorder = recorder();
    let (_temporary, folder) = recorded_folder();
    std::fs::write(folder.join("a"), "text").unwrap();
    let open = "import mmap, os; file = os.open('a', os.O_RDWR";
    for (what, program) in [
        (
            "a shared writable mapping",
            format!("{open}); mmap.mmap(file, 4)"),
        ),
        ("a synchronous file", format!("{open} | os.O_SYNC)")),
        (
            "an allocation of room",
            format!("{open}); os.posix_fallocate(file, 0, 9)"),
        ),
        (
            "a symbolic link",
            "import os; os.symlink('a', 'b')".to_owned(),
        ),
        (
            "a name that leaves the folder",
            "import os; os.rename('a', '../a')".to_owned(),
        ),
        ("sync", "import os; os.sync()".to_owned()),
    ] {
        let mut python = command("python3 -c", &folder);
        python.arg(program);
        let refused = recorder.trace_of(python, &folder, 0).unwrap_err();
        let expected = format!("record: {what} is not modelled");
        assert!(refused.contains(&expected), "{what}: {refused}");
    }
}
