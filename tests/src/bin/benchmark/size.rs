//! What a large store costs: disk and memory while it grows, the time to open it again, and its answers.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use storage::{
    backend::Backend,
    sled::{Options, Sled},
};

use crate::{
    child::Child,
    convoke::{get, put},
    load::{self, Measured},
};

/// Between two looks at disk and memory.
const STEP: u64 = 50_000;
const CONNECTIONS: usize = 16;
/// How long the answers of the full store are measured.
const ANSWERS: Duration = Duration::from_secs(10);
const MIB: f64 = 1024.0 * 1024.0;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    pub objects: u64,
    pub octets_of_objects_mib: f64,
    pub load_seconds: f64,
    pub largest_disk_to_objects: f64,
    pub largest_resident_mib: f64,
    pub growth: Vec<Step>,
    /// After the server was stopped.
    pub at_rest: Disk,
    pub stop_seconds: f64,
    pub open: Opened,
    /// After a kill -9 in the middle of writing.
    pub open_after_a_kill: Opened,
    pub get_16: Measured,
    pub put_16: Measured,
    pub resident_mib_at_the_end: f64,
    pub compacted: Compacted,
}

/// What `convoke compact` does without a server.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Compacted {
    /// Objects that there are then.
    pub objects: u64,
    /// Two new snapshots, without journal before them.
    pub snapshots_seconds: f64,
    /// Building the index again: what a start after a power failure takes.
    pub rebuild_seconds: f64,
    pub disk: Disk,
    pub disk_to_objects: f64,
}

/// A look while the store grows.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub objects: u64,
    pub per_second: f64,
    pub resident_mib: f64,
    pub disk: Disk,
    pub disk_to_objects: f64,
}

/// Where the octets are.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Disk {
    pub index_mib: f64,
    pub journal_mib: f64,
    pub snapshots_mib: f64,
    pub whole_mib: f64,
}

/// A start on the full store.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Opened {
    pub listening_after_seconds: f64,
    /// Of the first GET, with its sign-in (whose password is hashed).
    pub first_answer_milliseconds: f64,
    pub resident_mib: f64,
}

/// Fills a fresh store with so many objects in one calendar, and opens it again.
pub async fn measure(folder: &Path, objects: u64) -> Size {
    let data = folder.join("convoke-size");
    let mut server = start(&data).0;
    let (mut growth, mut largest_ratio, mut largest_resident) = (Vec::new(), 0f64, 0f64);
    let began = Instant::now();
    for step in 0..objects.div_ceil(STEP) {
        let run = u32::try_from(step).unwrap_or(u32::MAX);
        let per_connection = STEP / CONNECTIONS as u64;
        let puts = put("alice", "size", run);
        let written = load::run_number(&server, CONNECTIONS, per_connection, 201, puts).await;
        let objects = (step + 1) * STEP;
        let disk = Disk::of(&data);
        let resident_mib = server.usage().resident_mib;
        let disk_to_objects = disk.whole_mib / (objects * 700) as f64 * MIB;
        largest_ratio = largest_ratio.max(disk_to_objects);
        largest_resident = largest_resident.max(resident_mib);
        growth.push(Step {
            objects,
            per_second: written.per_second,
            resident_mib,
            disk,
            disk_to_objects,
        });
    }
    let load_seconds = began.elapsed().as_secs_f64();

    let stopping = Instant::now();
    server.stop();
    let stop_seconds = stopping.elapsed().as_secs_f64();
    let at_rest = Disk::of(&data);
    let (mut opened, open) = open(&data).await;
    let gets = || get("alice", "size", 0, STEP / CONNECTIONS as u64);
    let get_16 = load::run(&opened, CONNECTIONS, ANSWERS, 200, gets()).await;
    let puts = put("alice", "more", 0);
    let put_16 = load::run(&opened, CONNECTIONS, ANSWERS, 201, puts).await;
    let resident_mib_at_the_end = opened.usage().resident_mib;
    opened.kill();
    let open_after_a_kill;
    (server, open_after_a_kill) = self::open(&data).await;
    server.stop();
    let compacted = compact(&data, objects + put_16.requests).await;
    Size {
        objects,
        octets_of_objects_mib: (objects * 700) as f64 / MIB,
        load_seconds,
        largest_disk_to_objects: largest_ratio,
        largest_resident_mib: largest_resident,
        growth,
        at_rest,
        stop_seconds,
        open,
        open_after_a_kill,
        get_16,
        put_16,
        resident_mib_at_the_end,
        compacted,
    }
}

async fn compact(data: &Path, objects: u64) -> Compacted {
    let open = || {
        let clock = server::environment::system().clock;
        Sled::open(data, Options::default(), clock).expect("a sound store")
    };
    let store = open();
    let began = Instant::now();
    store.compact().await.expect("snapshots can be made");
    let snapshots_seconds = began.elapsed().as_secs_f64();
    store.close().await;
    storage::sled::demand_new_index(data).expect("nobody has it open");
    let began = Instant::now();
    let store = open();
    let rebuild_seconds = began.elapsed().as_secs_f64();
    store.close().await;
    drop(store);
    storage::sled::forget_old_index(data).expect("nobody has it open");
    let disk = Disk::of(data);
    Compacted {
        objects,
        snapshots_seconds,
        rebuild_seconds,
        disk,
        disk_to_objects: disk.whole_mib / (objects * 700) as f64 * MIB,
    }
}

pub fn start(data: &Path) -> (Child, f64) {
    let began = Instant::now();
    let server = Child::start(&["child-convoke", data.to_str().expect("a UTF-8 path")]);
    (server, began.elapsed().as_secs_f64())
}

async fn open(data: &Path) -> (Child, Opened) {
    let (server, listening_after_seconds) = start(data);
    let first = load::run_number(&server, 1, 1, 200, get("alice", "size", 0, 1)).await;
    let opened = Opened {
        listening_after_seconds,
        first_answer_milliseconds: first.slowest_microseconds as f64 / 1000.0,
        resident_mib: server.usage().resident_mib,
    };
    (server, opened)
}

impl Disk {
    pub fn of(data: &Path) -> Disk {
        let mut disk = Disk {
            index_mib: 0.0,
            journal_mib: 0.0,
            snapshots_mib: 0.0,
            whole_mib: 0.0,
        };
        disk.add(data, Path::new(""));
        disk
    }

    /// Adds what is below a folder; what goes while it is looked at counts as gone.
    fn add(&mut self, data: &Path, below: &Path) {
        for entry in fs::read_dir(data.join(below))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = below.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                self.add(data, &path);
                continue;
            }
            let mib = metadata.len() as f64 / MIB;
            self.whole_mib += mib;
            let text = path.to_string_lossy();
            if text.contains("journal") {
                self.journal_mib += mib;
            } else if text.contains("snapshots") {
                self.snapshots_mib += mib;
            } else if text.contains("index") {
                self.index_mib += mib;
            }
        }
    }
}
