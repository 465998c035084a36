//! How many commits a second the embedded store makes durable, next to the machine's ceiling: bare
//! appends of 4 KiB, each followed by a sync, in the same folder.
//!
//! `cargo run --release -p storage --example commits -- FOLDER [SECONDS]`
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use storage::{
    Clock, Timestamp,
    backend::{Backend, Commit, Expect, Operation},
    sled::{Options, Sled},
};

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(now.as_millis() as i64)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let duration = Duration::from_secs(seconds);
    std::fs::create_dir_all(&folder)?;
    let bare = appends(&folder.join("bare"), duration)?;
    println!("bare append of 4 KiB and sync: {bare:.0}/s");
    let clock = Arc::new(SystemClock);
    let store: Arc<dyn Backend> = Arc::new(Sled::open(
        &folder.join("store"),
        Options::default(),
        clock,
    )?);
    let numbers = Arc::new(AtomicU64::new(store.revision().0 * 1000));
    println!("resident memory when open: {} KiB", resident()?);
    for writers in [1, 4, 16, 64] {
        let (before, started) = (processor_time()?, Instant::now());
        let commits = commits(&store, &numbers, writers, duration).await?;
        let rate = commits as f64 / started.elapsed().as_secs_f64();
        let cost = (processor_time()? - before) / commits as f64;
        let share = rate / bare;
        println!(
            "{writers:2} writers: {rate:.0} commits/s, {share:.2} of bare, {cost:.0} us of processor each"
        );
    }
    println!("resident memory: {} KiB", resident()?);
    store.close().await;
    Ok(())
}

fn appends(path: &Path, duration: Duration) -> Result<f64, Box<dyn Error>> {
    let mut file = File::create(path)?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < duration {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

/// What a PUT of a 700-octet event comes to: two expectations, an object, an index, a log, a counter.
fn change(number: u64) -> Commit {
    let row = |prefix: &str, text: String| Bytes::from(format!("{prefix}{text}"));
    let name = format!(
        "/calendar/{:016x}.ics",
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    );
    let object = row("o", name.clone());
    let header = row("h", "calendar".to_owned());
    let operations = vec![
        Operation::Put(object.clone(), vec![b'x'; 900].into()),
        Operation::Put(row("u", name.clone()), Bytes::from_static(b"index")),
        Operation::Append {
            prefix: row("l", "calendar".to_owned()),
            value: name.into(),
        },
        Operation::Add {
            key: row("q", "home".to_owned()),
            amount: 900,
            maximum: None,
        },
    ];
    Commit {
        id: 0,
        expect: vec![Expect::Absent(object), Expect::Absent(header)],
        operations,
        observed: None,
    }
}

async fn commits(
    store: &Arc<dyn Backend>,
    numbers: &Arc<AtomicU64>,
    writers: usize,
    duration: Duration,
) -> Result<u64, Box<dyn Error>> {
    let until = Instant::now() + duration;
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, numbers) = (store.clone(), numbers.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while Instant::now() < until {
                    store
                        .commit(change(numbers.fetch_add(1, Ordering::Relaxed)))
                        .await?;
                    count += 1;
                }
                Ok::<u64, storage::backend::CommitError>(count)
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    Ok(total)
}

/// Microseconds of processor time of this process so far.
fn processor_time() -> Result<f64, Box<dyn Error>> {
    const TICK_MICROSECONDS: f64 = 10_000.0;
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let field = |index: usize| {
        fields
            .get(index)
            .and_then(|text| text.parse::<f64>().ok())
            .ok_or("no such field")
    };
    Ok((field(11)? + field(12)?) * TICK_MICROSECONDS)
}

fn resident() -> Result<String, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").to_owned())
}
