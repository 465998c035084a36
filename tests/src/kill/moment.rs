//! When a victim is to be killed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use storage::testing::SeededEntropy;

/// For so long a phase is waited for; if it does not come, the kill meets something else.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is done to the folder before a victim is started on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// Nothing.
    AsItWas,
    /// The index is taken away, so that it is built again.
    WithoutIndex,
}

/// Something that takes a while and must not be half done afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The index is built from the snapshots and the journal.
    Rebuild,
    /// A snapshot is being written.
    Snapshot,
    /// A checkpoint is being written.
    Checkpoint,
    /// The journal has begun another segment.
    Rotation,
    /// Journal that the snapshots cover is being deleted.
    Deletion,
}

/// When.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// After so many thousandths of the time that opening took before.
    Opening(u32),
    /// So long after so many acknowledged commits.
    Working(u64, Duration),
    /// So long after a phase was seen to begin.
    In(Phase, Duration),
    /// So long after it was asked to close the store.
    Closing(Duration),
}

impl Moment {
    /// Chooses one, and what to do to the folder before.
    pub fn choose(random: &SeededEntropy) -> (Start, Moment) {
        let below = |bound: u64| random.next() % bound;
        let briefly = Duration::from_micros(below(2_000));
        let start = match below(5) {
            0 => Start::WithoutIndex,
            _ => Start::AsItWas,
        };
        match below(16) {
            0..3 => (start, Moment::Opening(below(1_200) as u32)),
            3..5 => (Start::WithoutIndex, Moment::Opening(below(1_200) as u32)),
            5 => (Start::WithoutIndex, Moment::In(Phase::Rebuild, briefly)),
            6..8 => (start, Moment::In(Phase::Snapshot, briefly)),
            8 => (start, Moment::In(Phase::Checkpoint, briefly / 8)),
            9 => (start, Moment::In(Phase::Rotation, briefly)),
            10 => (start, Moment::In(Phase::Deletion, briefly / 8)),
            11 => (start, Moment::Closing(briefly * 10)),
            _ => (start, Moment::Working(below(600), briefly)),
        }
    }
}

/// Waits without letting the processor go: it is about microseconds.
pub fn pause(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// A store's folder before a victim was let upon it, so that what the victim does there can be told
/// from what an earlier one left.
pub struct Watch {
    folder: PathBuf,
    rebuild: Trace,
    snapshot: Trace,
    checkpoint: Trace,
}

/// What tells one state of a file from another; `None` where it is not there.
type Trace = Option<(SystemTime, u64)>;

fn trace(path: &Path) -> Trace {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Watch {
    /// Looks at the folder.
    pub fn new(folder: &Path) -> Watch {
        let mut watch = Watch {
            folder: folder.to_owned(),
            rebuild: None,
            snapshot: None,
            checkpoint: None,
        };
        watch.rebuild = trace(&watch.mark(Phase::Rebuild));
        watch.snapshot = trace(&watch.mark(Phase::Snapshot));
        watch.checkpoint = trace(&watch.mark(Phase::Checkpoint));
        watch
    }

    /// The file that is there during a phase.
    fn mark(&self, phase: Phase) -> PathBuf {
        self.folder.join(match phase {
            Phase::Rebuild => "index.rebuild",
            Phase::Snapshot => "snapshots/new.draft",
            Phase::Checkpoint => "checkpoint.draft",
            Phase::Rotation | Phase::Deletion => "journal",
        })
    }

    /// Whether the victim is in this phase, as far as it leaves traces.
    pub fn is_in(&self, phase: Phase) -> bool {
        let now = trace(&self.mark(phase));
        let before = match phase {
            Phase::Rebuild => self.rebuild,
            Phase::Snapshot => self.snapshot,
            Phase::Checkpoint => self.checkpoint,
            Phase::Rotation | Phase::Deletion => return false,
        };
        now.is_some() && now != before
    }

    /// Waits until the phase begins.
    pub fn wait_for(&self, phase: Phase) {
        let until = Instant::now() + PATIENCE;
        let (oldest, newest) = self.segments();
        let begins = || match phase {
            Phase::Rotation => self.segments().1 > newest,
            Phase::Deletion => self.segments().0 > oldest,
            phase => self.is_in(phase),
        };
        while Instant::now() < until && !begins() {
            std::hint::spin_loop();
        }
    }

    /// The numbers of the oldest and the newest segment.
    fn segments(&self) -> (u64, u64) {
        let numbers = fs::read_dir(self.mark(Phase::Rotation))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str()?.parse().ok());
        numbers.fold((u64::MAX, 0), |(oldest, newest), number| {
            (oldest.min(number), newest.max(number))
        })
    }
}
