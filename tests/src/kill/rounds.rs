//! The loop on the store alone: start, kill, look, and again.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use storage::{
    backend::{Backend, KeyRange},
    sled::Sled,
    testing::SeededEntropy,
};

use super::{
    SystemClock,
    moment::{Moment, Phase, Start, Watch, pause},
    options,
    process::Process,
    seen::Seen,
    victim::{OPENED, Victim},
    workload::{examine, examine_blobs, moment, rows},
};

/// How long opening is taken to last before it was measured.
const OPENING: Duration = Duration::from_millis(50);

/// A run of the loop.
pub struct Rounds {
    /// The program that plays the victim when it is started with [`Victim::arguments`].
    pub program: PathBuf,
    /// How many kills.
    pub rounds: usize,
    /// How many writers; each round takes one of these.
    pub writers: Vec<u64>,
    /// To repeat a run's choices.
    pub seed: u64,
}

/// What a run met.
#[derive(Debug, Default)]
pub struct Report {
    /// How many kills.
    pub kills: usize,
    /// How many of them while the store was being opened.
    pub while_opening: usize,
    /// How many of them in which phase, as far as it leaves traces.
    pub phases: BTreeMap<Phase, usize>,
    /// How many commits became durable.
    pub commits: u64,
    /// How many different commits readers saw.
    pub sightings: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} kills, {} of them while the store was being opened",
            self.kills, self.while_opening
        )?;
        for (phase, kills) in &self.phases {
            write!(
                formatter,
                ", {kills} in a {}",
                format!("{phase:?}").to_lowercase()
            )?;
        }
        write!(
            formatter,
            "; {} commits and {} sightings, none lost",
            self.commits, self.sightings
        )
    }
}

impl Rounds {
    /// Plays all rounds in a folder of its own; `progress` hears of each.
    ///
    /// # Errors
    /// Says in words what was lost, and in which round.
    pub async fn play(&self, mut progress: impl FnMut(usize)) -> Result<Report, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut game = Game {
            program: &self.program,
            store: folder.path().join("store"),
            sightings: folder.path().join("sightings"),
            writers: self.writers.iter().copied().max().unwrap_or_default(),
            seen: Seen::default(),
            opening: BTreeMap::new(),
            report: Report::default(),
            compacts: false,
        };
        let random = SeededEntropy::new(self.seed);
        for round in 0..self.rounds {
            let (start, moment) = Moment::choose(&random);
            let writers = self.writers[random.next() as usize % self.writers.len()];
            // Every other round the next victim, not we, is the first to open what the kill left.
            let looks = round % 2 == 0 || round + 1 == self.rounds;
            let rebuilds = random.next().is_multiple_of(4);
            game.compacts = random.next().is_multiple_of(3);
            let played = async {
                game.kill(start, moment, writers)?;
                if looks {
                    game.look(rebuilds).await?;
                }
                Ok::<(), String>(())
            };
            played.await.map_err(|wrong| {
                let seed = self.seed;
                format!("round {round} of seed {seed} ({writers} writers, {start:?}, {moment:?}): {wrong}")
            })?;
            progress(round + 1);
        }
        game.report.commits = game.seen.commits();
        Ok(game.report)
    }
}

/// A run that is being played.
struct Game<'a> {
    program: &'a Path,
    store: PathBuf,
    sightings: PathBuf,
    /// As many as there ever are.
    writers: u64,
    seen: Seen,
    /// How long opening took when it was last measured.
    opening: BTreeMap<Start, Duration>,
    report: Report,
    /// Whether the next victim compacts all the time.
    compacts: bool,
}

impl Game<'_> {
    /// Starts a victim, kills it, and takes note of what was acknowledged and seen until then.
    fn kill(&mut self, start: Start, moment: Moment, writers: u64) -> Result<(), String> {
        if start == Start::WithoutIndex {
            remove_index(&self.store)?;
        }
        let watch = Watch::new(&self.store);
        let victim = Victim {
            folder: self.store.clone(),
            writers,
            known_writers: self.writers,
            sightings: self.sightings.clone(),
            compacts: self.compacts,
        };
        let began = Instant::now();
        let mut process = Process::start(self.program, &victim.arguments())
            .map_err(|error| format!("the victim cannot be started: {error}"))?;
        let has_opened = match moment {
            Moment::Opening(_) | Moment::In(Phase::Rebuild, _) => false,
            _ => {
                let opened = process.line()?.as_deref() == Some(OPENED);
                self.opening.insert(start, began.elapsed());
                opened
            }
        };
        match moment {
            Moment::Opening(thousandths) => {
                let usual = self.opening.get(&start).copied().unwrap_or(OPENING);
                pause(usual * thousandths / 1000);
            }
            Moment::Working(commits, briefly) => {
                for _ in 0..commits {
                    let line = process.line()?.ok_or("the victim ended by itself")?;
                    self.seen.acknowledged(&line)?;
                }
                pause(briefly);
            }
            Moment::In(phase, briefly) => {
                watch.wait_for(phase);
                pause(briefly);
            }
            Moment::Closing(briefly) => {
                process.ask_to_end();
                pause(briefly);
            }
        }
        let lines = process.kill()?;
        self.take_note(lines, has_opened, writers, &watch)
    }

    fn take_note(
        &mut self,
        lines: Vec<String>,
        mut has_opened: bool,
        writers: u64,
        watch: &Watch,
    ) -> Result<(), String> {
        for line in lines {
            if line == OPENED {
                has_opened = true;
            } else {
                self.seen.acknowledged(&line)?;
            }
        }
        self.seen.killed(writers);
        self.report.kills += 1;
        self.report.while_opening += usize::from(!has_opened);
        for phase in [Phase::Rebuild, Phase::Snapshot, Phase::Checkpoint] {
            *self.report.phases.entry(phase).or_default() += usize::from(watch.is_in(phase));
        }
        self.note_sightings()
    }

    /// Takes over what the readers noted.
    fn note_sightings(&mut self) -> Result<(), String> {
        let text = match fs::read_to_string(&self.sightings) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        // A line without its end was cut off by the kill.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            self.seen.sighted(line)?;
        }
        fs::remove_file(&self.sightings).map_err(|error| error.to_string())
    }

    /// Opens what is left and checks all of it; where asked for, also that the index says nothing else
    /// than the snapshots and the journal.
    async fn look(&mut self, rebuilds: bool) -> Result<(), String> {
        let store = self.open()?;
        moment(&store, self.writers).await?;
        for writer in 0..self.writers {
            let found = examine(&store, writer).await?;
            self.seen.check(writer, &found)?;
            examine_blobs(&store, writer, &found).await?;
        }
        self.report.sightings += self.seen.forget_sightings();
        let before = rows(&store, KeyRange::all()).await?;
        store.close().await;
        drop(store);
        if rebuilds {
            remove_index(&self.store)?;
            let store = self.open()?;
            if rows(&store, KeyRange::all()).await? != before {
                return Err("the rebuilt index holds other rows".to_owned());
            }
            store.close().await;
        }
        Ok(())
    }

    fn open(&self) -> Result<Sled, String> {
        Sled::open(&self.store, options(), Arc::new(SystemClock)).map_err(|error| error.to_string())
    }
}

fn remove_index(store: &Path) -> Result<(), String> {
    match fs::remove_dir_all(store.join("index")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}
