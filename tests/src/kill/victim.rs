//! The victim: opens the store, writes and reads until it is killed (or its input is closed), and says
//! what came of it: on its output `opened` and then a line for each commit that was acknowledged, in a
//! file of its own a line for each commit that a reader saw. A line is the writer, the commit's
//! number, the revision; each is written with one call, which a kill does not undo.

use std::{
    error::Error,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use storage::{
    Revision,
    backend::{Backend, Commit, CommitError},
    sled::Sled,
};

use super::{
    SystemClock, options,
    workload::{self, work},
};

/// What the victim says when the store is open.
pub const OPENED: &str = "opened";
/// How many readers look on.
const READERS: u64 = 2;

/// How a victim is to be started.
#[derive(Clone, Debug)]
pub struct Victim {
    /// The store.
    pub folder: PathBuf,
    /// How many write.
    pub writers: u64,
    /// How many have ever written here.
    pub known_writers: u64,
    /// Where the readers note what they saw.
    pub sightings: PathBuf,
    /// Compacts all the time, as `convoke compact` does beside a server.
    pub compacts: bool,
}

impl Victim {
    /// As a program's arguments, for [`Victim::run`] in that program.
    pub fn arguments(&self) -> Vec<std::ffi::OsString> {
        vec![
            "victim".into(),
            self.folder.clone().into(),
            self.writers.to_string().into(),
            self.known_writers.to_string().into(),
            self.sightings.clone().into(),
            if self.compacts { "compacts" } else { "works" }.into(),
        ]
    }

    /// Is the victim. Returns when the input was closed and the store is.
    ///
    /// # Errors
    /// When the store does not open, or one of its answers is wrong.
    #[tokio::main(flavor = "multi_thread", worker_threads = 2)]
    pub async fn run(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let store = Sled::open(&self.folder, options(), Arc::new(SystemClock))?;
        let store: Arc<dyn Backend> = Arc::new(store);
        say(&mut io::stdout(), format!("{OPENED}\n"))?;
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..self.writers {
            let store = store.clone();
            tasks.spawn(async move {
                let acknowledged = |number, revision| {
                    let _ = say(&mut io::stdout(), line(writer, number, revision));
                };
                work(store, writer, |number, committed| {
                    acknowledged(number, committed.revision);
                })
                .await
                .or_else(ignore_the_end)
            });
        }
        for reader in 0..READERS {
            let file = append_to(&self.sightings)?;
            tasks.spawn(look_on(store.clone(), self.known_writers, reader, file));
        }
        if self.compacts {
            tasks.spawn(compact(store.clone()));
        }
        tasks.spawn(close_with_the_input(store.clone()));
        while let Some(ended) = tasks.join_next().await {
            if let Err(wrong) = ended? {
                // At once: whoever waits for the input would keep the process from ending.
                let _ = say(&mut io::stderr(), format!("{wrong}\n"));
                std::process::exit(1);
            }
        }
        Ok(())
    }
}

fn line(writer: u64, number: u64, Revision(revision): Revision) -> String {
    format!("{writer} {number} {revision}\n")
}

pub(super) fn say(output: &mut impl Write, text: String) -> io::Result<()> {
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// A closed store refuses; that is how writers end.
fn ignore_the_end(error: CommitError) -> Result<(), Box<dyn Error + Send + Sync>> {
    match error {
        CommitError::Unavailable(_) => Ok(()),
        error => Err(error.into()),
    }
}

async fn compact(store: Arc<dyn Backend>) -> Result<(), Box<dyn Error + Send + Sync>> {
    while store.compact().await.is_ok() {}
    // It was closed; if not, something is wrong.
    match store.commit(Commit::default()).await {
        Err(CommitError::Unavailable(_)) => Ok(()),
        _ => Err("it cannot be compacted".into()),
    }
}

async fn close_with_the_input(store: Arc<dyn Backend>) -> Result<(), Box<dyn Error + Send + Sync>> {
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    store.close().await;
    Ok(())
}

/// Reads whenever something was written, and notes what it saw. Whatever it sees must be of one moment.
async fn look_on(
    store: Arc<dyn Backend>,
    writers: u64,
    reader: u64,
    mut file: File,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut commits = store.watch();
    let mut writer = reader;
    while commits.changed().await.is_ok() {
        commits.borrow_and_update();
        writer = (writer + 1) % writers;
        let letter = if writer.is_multiple_of(2) { "a" } else { "b" };
        let looked = async {
            let mut seen = String::new();
            for (writer, (number, revision)) in (0..).zip(workload::moment(&*store, writers).await?)
            {
                if number > 0 {
                    seen.push_str(&line(writer, number, revision));
                }
            }
            for (number, revision) in workload::window(&*store, writer, letter).await? {
                seen.push_str(&line(writer, number, revision));
            }
            Ok::<_, String>(seen)
        };
        match looked.await {
            Ok(seen) => say(&mut file, seen)?,
            // The store was closed under the reader: nothing more to be seen.
            Err(_) if store.get(&"counter".into()).await.is_err() => return Ok(()),
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Ok(())
}
