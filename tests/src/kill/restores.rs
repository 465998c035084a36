//! Kills during restores: the folder wanted is missing or empty as before, or it is the whole store (or,
//! where the restore works within it, is refused as unfinished); and whatever was left, the next restore to
//! the same place works.

use std::{
    error::Error,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use storage::{
    Environment, Store,
    backend::Backend,
    model::Content,
    restore::{Restore, restore},
    sled::{OpenError, Options, Origin, RESTORING, Sled, Source, Stage},
    testing::SeededEntropy,
};

use super::{
    SystemClock,
    moment::pause,
    process::Process,
    victim::say,
    workload::{Found, change, examine, moment},
};

/// How many wrote what is restored.
const WRITERS: u64 = 16;
/// How many commits of each the backup holds.
const BACKED_UP: u64 = 60;
/// How many more the journal holds.
const ARCHIVED: u64 = 30;
/// What a restorer says at the end.
const DONE: &str = "done";

/// How a restorer is to be started.
#[derive(Clone, Debug)]
pub struct Restorer {
    /// The backup.
    pub backup: PathBuf,
    /// The journal after it.
    pub archive: PathBuf,
    /// The folder to restore to.
    pub into: PathBuf,
    /// Works within that folder, as in a mount point.
    pub within: bool,
}

impl Restorer {
    /// As a program's arguments, for [`Restorer::run`] in that program.
    pub fn arguments(&self) -> Vec<OsString> {
        vec![
            "restorer".into(),
            self.backup.clone().into(),
            self.archive.clone().into(),
            self.into.clone().into(),
            if self.within { "within" } else { "beside" }.into(),
        ]
    }

    /// Restores, and says on its output when a stage begins, twice where it builds the index: before
    /// and after.
    ///
    /// # Errors
    /// When nothing could be restored.
    #[tokio::main(flavor = "multi_thread", worker_threads = 2)]
    pub async fn run(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let wanted = Restore {
            source: Source {
                origin: Origin::Backup(self.backup),
                archives: vec![self.archive],
                until: None,
            },
            into: self.into,
            within: self.within,
            held: Vec::new(),
        };
        let mut at = None;
        let go_on = move |progress: storage::sled::Progress| {
            let stage = progress.stage;
            if at != Some(stage) || stage == Stage::Index {
                at = Some(stage);
                return say(&mut io::stdout(), format!("{stage:?}\n")).is_ok();
            }
            true
        };
        restore(wanted, &environment(), Box::new(go_on)).await?;
        say(&mut io::stdout(), format!("{DONE}\n"))?;
        Ok(())
    }
}

fn environment() -> Environment {
    Environment {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SeededEntropy::new(u64::from(std::process::id()))),
    }
}

/// When a restorer is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After so many thousandths of the time that a restore took.
    Anywhere(u32),
    /// So long after it said so many stages; the last one is the index built, and the folder's name
    /// follows.
    Stage(usize, Duration),
}

impl Moment {
    fn choose(random: &SeededEntropy) -> Moment {
        let below = |bound: u64| random.next() % bound;
        let briefly = Duration::from_micros(below(3_000));
        match below(3) {
            0 => Moment::Anywhere(below(1_100) as u32),
            1 => Moment::Stage(1 + below(3) as usize, briefly),
            _ => Moment::Stage(4, briefly),
        }
    }
}

/// A run of the loop on restores.
pub struct RestoreRounds {
    /// The program that plays the restorer when it is started with [`Restorer::arguments`].
    pub program: PathBuf,
    /// How many kills.
    pub rounds: usize,
    /// To repeat a run's choices.
    pub seed: u64,
}

/// What a run met.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// How many kills.
    pub kills: usize,
    /// After how many of them the folder was missing or empty.
    pub nothing: usize,
    /// After how many of them it was the whole store.
    pub whole: usize,
    /// After how many of them it was refused as unfinished.
    pub unfinished: usize,
    /// How many restores came to their end, over what kills had left.
    pub repeated: usize,
}

impl fmt::Display for RestoreReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kills during restores: {} left nothing, {} the whole store, {} what no start takes for one; \
             {} restores after them came to their end",
            self.kills, self.nothing, self.whole, self.unfinished, self.repeated
        )
    }
}

impl RestoreRounds {
    /// Plays all rounds in a folder of its own; `progress` hears of each.
    ///
    /// # Errors
    /// Says in words what was half there or could not be repeated, and in which round.
    pub async fn play(&self, mut progress: impl FnMut(usize)) -> Result<RestoreReport, String> {
        let folder = tempfile::tempdir().map_err(words)?;
        let expected = write_backup(folder.path()).await?;
        let mut game = Game {
            program: &self.program,
            restorer: Restorer {
                backup: folder.path().join("backup"),
                archive: folder.path().join("data/journal"),
                into: folder.path().join("restored"),
                within: false,
            },
            expected,
            usual: Duration::ZERO,
            report: RestoreReport::default(),
        };
        let began = Instant::now();
        game.restore_whole().await?;
        game.usual = began.elapsed();
        let random = SeededEntropy::new(self.seed);
        for round in 0..self.rounds {
            let moment = Moment::choose(&random);
            let is_there = random.next().is_multiple_of(2);
            game.restorer.within = is_there && random.next().is_multiple_of(2);
            // Otherwise the next restore, which is killed too, meets what this one left.
            let repeats = round % 2 == 1 || round + 1 == self.rounds;
            let played = async {
                game.kill(is_there, moment)?;
                game.look().await?;
                if repeats {
                    game.restore_whole().await?;
                    game.report.repeated += 1;
                }
                Ok::<(), String>(())
            };
            played.await.map_err(|wrong| {
                format!("round {round} of seed {} ({moment:?}): {wrong}", self.seed)
            })?;
            progress(round + 1);
        }
        Ok(game.report)
    }
}

/// Writes a store in the folder `data` and, in the middle of its commits, a backup; gives what each
/// writer left.
async fn write_backup(folder: &Path) -> Result<Vec<Found>, String> {
    let data = folder.join("data");
    let store = Sled::open(&data, Options::default(), Arc::new(SystemClock)).map_err(words)?;
    let store = Arc::new(store);
    // Its rows stand beside the workload's.
    let domain = Store::open(store.clone(), environment())
        .await
        .map_err(words)?;
    let mut revisions = vec![None; WRITERS as usize];
    for number in 1..=BACKED_UP + ARCHIVED {
        for (writer, before) in (0..).zip(&mut revisions) {
            let commit = change(writer, number, *before, None);
            *before = Some(store.commit(commit).await.map_err(words)?.revision);
        }
        // Some blobs are in the backup, others only in the journal behind it.
        if number.is_multiple_of(BACKED_UP / 4) {
            domain.write_blob(blob(number)).await.map_err(words)?;
        }
        if number == BACKED_UP {
            let mut file = fs::File::create(folder.join("backup")).map_err(words)?;
            store.backup(&mut file, &mut || true).map_err(words)?;
        }
    }
    let found = everything(&*store).await;
    store.close().await;
    found
}

/// What is written in a blob at this commit.
fn blob(number: u64) -> Bytes {
    let octets = number.to_be_bytes().into_iter().cycle();
    octets.take(150_000).collect()
}

/// All blobs are there.
async fn read_blobs(domain: &Store) -> Result<(), String> {
    let numbers = (1..=BACKED_UP + ARCHIVED).filter(|number| number.is_multiple_of(BACKED_UP / 4));
    for number in numbers {
        let octets = blob(number);
        let content = Content::Blob {
            hash: *blake3::hash(&octets).as_bytes(),
            length: octets.len() as u64,
        };
        if domain.content(&content).await.map_err(words)? != octets {
            return Err(format!("the blob of commit {number} is another"));
        }
    }
    Ok(())
}

async fn everything(store: &dyn Backend) -> Result<Vec<Found>, String> {
    moment(store, WRITERS).await?;
    let mut all = Vec::new();
    for writer in 0..WRITERS {
        all.push(examine(store, writer).await?);
    }
    Ok(all)
}

/// A run that is being played.
struct Game<'a> {
    program: &'a Path,
    restorer: Restorer,
    /// What a whole store holds.
    expected: Vec<Found>,
    /// How long a restore takes.
    usual: Duration,
    report: RestoreReport,
}

impl Game<'_> {
    fn start(&self) -> Result<Process, String> {
        Process::start(self.program, &self.restorer.arguments())
            .map_err(|error| format!("the restorer cannot be started: {error}"))
    }

    /// Starts a restore, into an empty folder or a missing one, and kills it.
    fn kill(&mut self, is_there: bool, moment: Moment) -> Result<(), String> {
        if is_there {
            fs::create_dir_all(&self.restorer.into).map_err(words)?;
        }
        let process = self.start()?;
        match moment {
            Moment::Anywhere(thousandths) => pause(self.usual * thousandths / 1000),
            Moment::Stage(stages, briefly) => {
                for _ in 0..stages {
                    process.line()?.ok_or("the restorer ended by itself")?;
                }
                pause(briefly);
            }
        }
        process.kill()?;
        self.report.kills += 1;
        Ok(())
    }

    /// Looks at what a kill left, and takes a whole store away again.
    async fn look(&mut self) -> Result<(), String> {
        let is_missing_or_empty = match fs::read_dir(&self.restorer.into) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(words(error)),
        };
        if is_missing_or_empty {
            self.report.nothing += 1;
            return Ok(());
        }
        if self.restorer.into.join(RESTORING).exists() {
            let opened = Sled::open(
                &self.restorer.into,
                Options::default(),
                Arc::new(SystemClock),
            );
            let Err(OpenError::Unfinished) = opened else {
                return Err("half a restore was opened".to_owned());
            };
            self.report.unfinished += 1;
            return Ok(());
        }
        self.report.whole += 1;
        self.take_away().await
    }

    /// Restores over whatever is left aside, without a kill; afterwards nothing is left aside.
    async fn restore_whole(&self) -> Result<(), String> {
        let process = self.start()?;
        let mut said = None;
        while let Some(line) = process.line()? {
            said = Some(line);
        }
        process.kill()?;
        if said.as_deref() != Some(DONE) {
            return Err(format!("the restore ended after {said:?}"));
        }
        let aside = self.restorer.into.with_extension("restoring");
        if aside.exists() {
            return Err(format!("{} is left", aside.display()));
        }
        self.take_away().await
    }

    /// Checks that the folder is the whole store, and removes it.
    async fn take_away(&self) -> Result<(), String> {
        let into = &self.restorer.into;
        // A kill that came first could have left this to be built; a restore never does.
        if !into.join("index").exists() || into.join("index.rebuild").exists() {
            return Err("the restored store has no finished index".to_owned());
        }
        let store = Sled::open(into, Options::default(), Arc::new(SystemClock)).map_err(words)?;
        let store = Arc::new(store);
        let domain = Store::open(store.clone(), environment())
            .await
            .map_err(words)?;
        read_blobs(&domain).await?;
        if everything(&*store).await? != self.expected {
            return Err("the restored store holds something else".to_owned());
        }
        store.close().await;
        drop(store);
        fs::remove_dir_all(into).map_err(words)
    }
}

fn words(error: impl fmt::Display) -> String {
    error.to_string()
}
