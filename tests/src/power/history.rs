//! Recording the lives of a writer, and choosing moments at which its power fails.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use storage::testing::SeededEntropy;
use tempfile::{TempDir, TempPath};

use super::{
    STORE, WRITERS,
    disk::{Disk, Survival},
    trace::{Entry, Moment, Trace},
};
use crate::{house, kill::seen::Seen};

/// How many commits end a life of a history that is not killed before.
const COMMITS: u64 = 1200;
/// How many entries such a life has, about.
const ENTRIES: u64 = 5000;
/// Within so many entries a store is opened.
const ENTRIES_OF_OPENING: u64 = 120;
/// What survives where it was not synced, in percent: pages, and changes of names.
const PAGES: [u64; 3] = [0, 50, 90];
const NAMES: [u64; 3] = [0, 50, 100];
/// How near to a change of names or lengths every other cut is.
const NEAR_ENTRIES: u64 = 4;

/// A number below this bound.
fn below(random: &SeededEntropy, bound: u64) -> u64 {
    random.next() % bound.max(1)
}

/// Runs writers whose calls are recorded.
pub struct Recorder {
    library: TempPath,
    program: PathBuf,
}

impl Recorder {
    /// Compiles the library. `program` is `power_loss`, which is the writer too.
    ///
    /// # Errors
    /// Says in words what the compiler has against it.
    pub fn new(program: &Path) -> Result<Recorder, String> {
        let folder = house::root().join("target").join("power");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // Each recorder has its own: others may be making theirs.
        let library = tempfile::Builder::new()
            .prefix("record-")
            .suffix(".so")
            .tempfile_in(&folder)
            .map_err(|error| error.to_string())?
            .into_temp_path();
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
            .args(["-U_FORTIFY_SOURCE", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(house::root().join("tests/power/record.c"))
            .args(["-ldl", "-lpthread"])
            .output()
            .map_err(|error| format!("cc (Debian's package gcc): {error}"))?;
        if !compiled.status.success() {
            return Err(String::from_utf8_lossy(&compiled.stderr).into_owned());
        }
        Ok(Recorder {
            library,
            program: program.to_owned(),
        })
    }

    /// Lets a writer work in the folder, and gives the trace of it. It is killed after so many
    /// entries of the trace (never, where that is 0), or ends by itself after so many commits. `boot`
    /// is the number of this start of the machine.
    fn record(
        &self,
        folder: &Path,
        boot: usize,
        kill_after: u64,
        commits: u64,
    ) -> Result<Vec<u8>, String> {
        let boot_id = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        fs::write(boot_id.path(), format!("{boot}\n")).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.arg("write").arg(folder.join(STORE));
        command.arg(commits.to_string());
        command.env("RECORD_BOOT", boot_id.path());
        self.trace_of(command, folder, kill_after)
    }

    /// Runs a command, and gives the trace of what it does below the folder. It is killed after so
    /// many entries; never, where that is 0.
    ///
    /// # Errors
    /// Where the command fails, with its words.
    pub fn trace_of(
        &self,
        mut command: Command,
        folder: &Path,
        kill_after: u64,
    ) -> Result<Vec<u8>, String> {
        const SIGKILL: i32 = 9;
        let trace = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let output = command
            .env("LD_PRELOAD", self.library.as_os_str())
            .env("RECORD_FOLDER", folder)
            .env("RECORD_TRACE", trace.path())
            .env("RECORD_KILL", kill_after.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| error.to_string())?;
        let killed = kill_after > 0 && output.status.signal() == Some(SIGKILL);
        if !killed && !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{command:?} ended with {}: {words}", output.status));
        }
        fs::read(trace.path()).map_err(|error| error.to_string())
    }
}

/// The disk, and what the world knows, at one moment.
#[derive(Clone, Default)]
struct State {
    disk: Disk,
    seen: Seen,
}

impl State {
    fn apply(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        self.disk.apply(entry)?;
        let Entry::Note(text) = entry else {
            return Ok(());
        };
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        text.lines()
            .try_for_each(|line| self.seen.acknowledged(line))
    }

    /// The writer has ended, in whatever way: each of its commits that nobody heard of may be there.
    fn end_life(&mut self) {
        self.disk.end_life();
        self.seen.killed(WRITERS);
    }

    fn after_power_failure(&self, random: &SeededEntropy, survival: Survival) -> State {
        let mut state = self.clone();
        state.end_life();
        state.disk = state.disk.after_power_failure(random, survival);
        state
    }
}

/// One life of the writer.
struct Life {
    start: State,
    trace: Vec<u8>,
    entries: u64,
    /// Where names and lengths were changed.
    structure: Vec<u64>,
}

impl Life {
    /// The state after so many entries. What `forgets` is true of is synced in vain.
    fn state_at(&self, cut: u64, forgets: Forgets) -> Result<State, String> {
        let mut state = self.start.clone();
        let mut trace = Trace::new(&self.trace);
        self.advance(&mut state, &mut trace, cut, forgets)?;
        Ok(state)
    }

    fn advance(
        &self,
        state: &mut State,
        trace: &mut Trace<'_>,
        entries: u64,
        forgets: Forgets,
    ) -> Result<(), String> {
        for _ in 0..entries {
            let Some(entry) = trace.next() else {
                return Ok(());
            };
            let entry = entry.map_err(|error| format!("{error:?}"))?;
            if let Entry::SyncEnds(sync) = entry
                && let Some(path) = state.disk.path_of(sync.handle)
                && forgets(&path)
            {
                continue;
            }
            state.apply(&entry)?;
        }
        Ok(())
    }
}

/// Of which paths a sync is left out, to see that the lack of it is noticed.
pub type Forgets = fn(&str) -> bool;

/// No sync is left out.
pub fn forgets_nothing(_: &str) -> bool {
    false
}

/// When the power fails, and what survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// In which life.
    pub life: usize,
    /// After so many entries of its trace.
    pub entry: u64,
    /// What survives.
    pub survival: Survival,
}

/// A disk as it may be found after a power failure.
pub struct Image {
    /// What it was chosen by.
    pub seed: u64,
    /// When the power failed.
    pub cut: Cut,
    /// What is found.
    pub disk: Disk,
    /// What was acknowledged until then.
    pub seen: Seen,
}

/// The recorded lives of one folder.
pub struct History {
    lives: Vec<Life>,
}

impl History {
    /// Records so many lives, one after the other.
    ///
    /// # Errors
    /// Says in words what went wrong with a writer, or what the record lacks.
    pub fn record(recorder: &Recorder, seed: u64, lives: usize) -> Result<History, String> {
        let (_temporary, folder) = temporary_folder()?;
        let mut boot = 0;
        History::replay(seed, lives, |start, _, kill_after| {
            if let Some(disk) = start {
                boot += 1;
                empty(&folder)
                    .and_then(|()| disk.write_to(&folder))
                    .map_err(|error| error.to_string())?;
            }
            let trace = recorder.record(&folder, boot, kill_after, COMMITS)?;
            Ok((trace, Some(&*folder)))
        })
    }

    /// Records one life of so many commits, which nothing ends before.
    ///
    /// # Errors
    /// See [`History::record`].
    pub fn record_whole_life(recorder: &Recorder, commits: u64) -> Result<History, String> {
        let (_temporary, folder) = temporary_folder()?;
        History::replay(0, 1, |_, _, _| {
            let trace = recorder.record(&folder, 0, 0, commits)?;
            Ok((trace, Some(&*folder)))
        })
    }

    /// Reads what [`History::save`] wrote; seed and lives must be the same.
    ///
    /// # Errors
    /// Says in words what is wrong with the files.
    pub fn load(folder: &Path, seed: u64, lives: usize) -> Result<History, String> {
        History::replay(seed, lives, |_, life, _| {
            let trace = fs::read(trace_path(folder, life)).map_err(|error| error.to_string())?;
            Ok((trace, None))
        })
    }

    /// Keeps the traces in a folder.
    ///
    /// # Errors
    /// Says in words why not.
    pub fn save(&self, folder: &Path) -> Result<(), String> {
        let written = fs::create_dir_all(folder).and_then(|()| {
            let mut lives = self.lives.iter().enumerate();
            lives.try_for_each(|(number, life)| fs::write(trace_path(folder, number), &life.trace))
        });
        written.map_err(|error| format!("{}: {error}", folder.display()))
    }

    /// Goes through the lives. `live` makes or finds the trace of one: it is given the disk that the
    /// life begins with, unless that is what the one before left, the number of the life, and after
    /// how many entries the writer is killed; and tells where the real files are, if there are any.
    fn replay<'a>(
        seed: u64,
        lives: usize,
        mut live: impl FnMut(Option<&Disk>, usize, u64) -> Result<(Vec<u8>, Option<&'a Path>), String>,
    ) -> Result<History, String> {
        let random = SeededEntropy::new(seed);
        let mut history = History { lives: Vec::new() };
        let mut state = State::default();
        for number in 0..lives {
            let power_fails = below(&random, 2) == 0;
            let kill_after = choose_kill(&random);
            let failed = match history.lives.last() {
                Some(last) if power_fails => Some(last.fail(&random)?),
                _ => None,
            };
            let was_failure = failed.is_some();
            if let Some(failed) = failed {
                state = failed;
            }
            let (trace, real) = live(was_failure.then_some(&state.disk), number, kill_after)?;
            let start = state.clone();
            let mut structure = Vec::new();
            let mut entries = 0;
            for entry in Trace::new(&trace) {
                let entry = entry.map_err(|error| format!("{error:?}"))?;
                entries += 1;
                if entry.moment() == Moment::Structure {
                    structure.push(entries);
                }
                state.apply(&entry)?;
            }
            state.end_life();
            if let Some(real) = real {
                state.disk.compare(real)?;
            }
            history.lives.push(Life {
                start,
                trace,
                entries,
                structure,
            });
        }
        Ok(history)
    }

    /// How many entries the traces have.
    pub fn entries(&self) -> u64 {
        self.lives.iter().map(|life| life.entries).sum()
    }

    /// Whether any trace tells of a change that `is_wanted`.
    pub fn has(&self, is_wanted: impl Fn(&Entry<'_>) -> bool) -> bool {
        let mut entries = self.lives.iter().flat_map(|life| Trace::new(&life.trace));
        entries.any(|entry| entry.is_ok_and(|entry| is_wanted(&entry)))
    }

    /// One image for each seed, in the order of time. `forgets` says which syncs are left out; with
    /// any, only a history of one life is right.
    ///
    /// # Errors
    /// Says in words what is wrong with the traces.
    pub fn images(&self, seeds: &[u64], forgets: Forgets) -> Result<Vec<Image>, String> {
        let mut cuts: Vec<(Cut, u64, SeededEntropy)> = seeds
            .iter()
            .map(|seed| {
                let random = SeededEntropy::new(*seed);
                (self.choose_cut(&random), *seed, random)
            })
            .collect();
        cuts.sort_by_key(|(cut, ..)| (cut.life, cut.entry));
        let mut images = Vec::new();
        for (number, life) in self.lives.iter().enumerate() {
            let mut state = life.start.clone();
            let mut trace = Trace::new(&life.trace);
            let mut at = 0;
            for (cut, seed, random) in cuts.iter().filter(|(cut, ..)| cut.life == number) {
                life.advance(&mut state, &mut trace, cut.entry - at, forgets)?;
                at = cut.entry;
                let State { disk, seen } = state.after_power_failure(random, cut.survival);
                images.push(Image {
                    seed: *seed,
                    cut: *cut,
                    disk,
                    seen,
                });
            }
        }
        Ok(images)
    }

    fn choose_cut(&self, random: &SeededEntropy) -> Cut {
        let life = below(random, self.lives.len() as u64) as usize;
        Cut {
            life,
            entry: self.lives[life].choose_entry(random),
            survival: choose_survival(random),
        }
    }
}

impl Life {
    /// After which entry the power fails: after any, or near a change of names or lengths.
    fn choose_entry(&self, random: &SeededEntropy) -> u64 {
        let near = below(random, 2) == 0;
        if !near || self.structure.is_empty() {
            return below(random, self.entries + 1);
        }
        let change = self.structure[below(random, self.structure.len() as u64) as usize];
        let entry = (change + below(random, 2 * NEAR_ENTRIES + 1)).saturating_sub(NEAR_ENTRIES);
        entry.min(self.entries)
    }

    /// What this life leaves behind if its power fails at some moment.
    fn fail(&self, random: &SeededEntropy) -> Result<State, String> {
        let state = self.state_at(self.choose_entry(random), forgets_nothing)?;
        Ok(state.after_power_failure(random, choose_survival(random)))
    }
}

fn choose_survival(random: &SeededEntropy) -> Survival {
    Survival {
        pages: PAGES[below(random, PAGES.len() as u64) as usize],
        names: NAMES[below(random, NAMES.len() as u64) as usize],
    }
}

/// After how many entries a writer is killed; 0 where it is not.
fn choose_kill(random: &SeededEntropy) -> u64 {
    match below(random, 4) {
        0 => 0,
        1 => 1 + below(random, ENTRIES_OF_OPENING),
        _ => 1 + below(random, ENTRIES),
    }
}

/// A folder for a recorded program, by the path that the program would find too.
fn temporary_folder() -> Result<(TempDir, PathBuf), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().canonicalize();
    Ok((folder, path.map_err(|error| error.to_string())?))
}

fn trace_path(folder: &Path, life: usize) -> PathBuf {
    folder.join(format!("life-{life}.trace"))
}

fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
