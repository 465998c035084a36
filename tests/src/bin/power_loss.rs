//! Proves that a power failure loses nothing that was acknowledged, and leaves nothing half.
//!
//! `power_loss [--images 1000] [--seed N]` records histories of writers and opens images of what
//! their power failures may have left. Where one is not right its history is kept, and
//! `power_loss --history FOLDER --seed N --image N` repeats the one image and keeps it too.
//!
//! `power_loss write FOLDER COMMITS` is the writer: it closes the store after so many commits.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use storage::{backend::Backend, sled::Sled};
use tests::{
    house,
    kill::{SystemClock, options, workload::work},
    power::{Found, History, Image, LIVES, Recorder, WRITERS, check, forgets_nothing},
};

/// How many images are made of one history.
const IMAGES_PER_HISTORY: u64 = 25;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut settings = Settings::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name}: which?"));
        match name.as_str() {
            "write" => return write(Path::new(&value()?), value()?.parse()?).await,
            "--images" => settings.images = value()?.parse()?,
            "--seed" => settings.seed = value()?.parse()?,
            "--history" => settings.history = Some(value()?.into()),
            "--image" => settings.image = value()?.parse()?,
            _ => return Err(format!("{name} is not known; see the top of power_loss.rs").into()),
        }
    }
    match &settings.history {
        Some(folder) => repeat(folder, settings.seed, settings.image).await,
        None => prove(settings.seed, settings.images).await,
    }
}

struct Settings {
    images: u64,
    seed: u64,
    history: Option<PathBuf>,
    image: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            images: 1000,
            // Histories take successive seeds: those of two runs shall not be the same ones.
            seed: u64::from(std::process::id()) << 32,
            history: None,
            image: 0,
        }
    }
}

/// Records as many histories as it takes, and checks all images of each.
async fn prove(seed: u64, images: u64) -> Result<(), Box<dyn Error>> {
    // sled panics over some images; the store bears it, and what it does not bear is told below.
    std::panic::set_hook(Box::new(|_| {}));
    let recorder = Recorder::new(&std::env::current_exe()?)?;
    let (mut failed, mut rebuilt, mut unheard, mut done) = (0, 0, 0, 0);
    for number in 0.. {
        let count = IMAGES_PER_HISTORY.min(images - done);
        if count == 0 {
            break;
        }
        let seed = seed.wrapping_add(number);
        let history = History::record(&recorder, seed, LIVES)
            .map_err(|error| format!("history {seed}: {error}"))?;
        let seeds: Vec<u64> = (0..count).map(|image| image_seed(seed, image)).collect();
        let mut kept = false;
        for image in history.images(&seeds, forgets_nothing)? {
            match try_image(&image).await? {
                Ok(found) => {
                    rebuilt += u64::from(found.rebuilt);
                    unheard += found.unheard;
                }
                Err(fault) => {
                    failed += 1;
                    let folder = house::root().join(format!("target/power/history-{seed}"));
                    if !kept {
                        history.save(&folder)?;
                        kept = true;
                    }
                    println!("image {}, {:?}: {fault}", image.seed, image.cut);
                    println!(
                        "  again: power_loss --history {} --seed {seed} --image {}",
                        folder.display(),
                        image.seed
                    );
                }
            }
        }
        done += count;
        println!(
            "{done} of {images} images: {failed} not right; history {seed} had {} entries",
            history.entries()
        );
    }
    println!(
        "{done} images, {failed} not right; in {rebuilt} the index was built again; {unheard} commits \
         were there that nobody had heard of"
    );
    match failed {
        0 => Ok(()),
        _ => Err("acknowledged commits did not survive a power failure".into()),
    }
}

/// Repeats one image of a history that was kept.
async fn repeat(folder: &Path, seed: u64, image: u64) -> Result<(), Box<dyn Error>> {
    let history = History::load(folder, seed, LIVES)?;
    for image in history.images(&[image], forgets_nothing)? {
        let place = folder.join(format!("image-{}", image.seed));
        fs::create_dir(&place)?;
        image.disk.write_to(&place)?;
        println!("{:?}, kept as {}", image.cut, place.display());
        let found = try_image(&image).await??;
        println!("it is right: {found:?}");
    }
    Ok(())
}

fn image_seed(history: u64, image: u64) -> u64 {
    history.wrapping_mul(IMAGES_PER_HISTORY).wrapping_add(image)
}

async fn try_image(image: &Image) -> std::io::Result<Result<Found, String>> {
    let folder = tempfile::tempdir()?;
    image.disk.write_to(folder.path())?;
    Ok(check(folder.path(), &image.seen).await)
}

/// Writes, prints a line for each commit that was acknowledged, and closes the store after so many.
async fn write(folder: &Path, commits: u64) -> Result<(), Box<dyn Error>> {
    let store: Arc<dyn Backend> = Arc::new(Sled::open(folder, options(), Arc::new(SystemClock))?);
    let left = Arc::new(AtomicU64::new(commits));
    let enough = Arc::new(tokio::sync::Notify::new());
    for writer in 0..WRITERS {
        let (left, enough) = (left.clone(), enough.clone());
        let acknowledged = move |number, committed: storage::backend::Committed| {
            let line = format!("{writer} {number} {}\n", committed.revision.0);
            // One write per line: the record shows each as one entry.
            let mut output = std::io::stdout().lock();
            let _ = output
                .write_all(line.as_bytes())
                .and_then(|()| output.flush());
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                enough.notify_one();
            }
        };
        tokio::spawn(work(store.clone(), writer, acknowledged));
    }
    enough.notified().await;
    store.close().await;
    Ok(())
}
