//! Kill -9 at random moments loses nothing that was acknowledged, and leaves nothing half.
//!
//! `KILL_ROUNDS` (100) kills, `KILL_WRITERS` (4) writers, `KILL_SEED` to repeat a run.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use std::sync::Arc;

use storage::{Revision, backend::Backend, sled::Sled, testing::SeededEntropy};
use tests::kill::{Seen, SystemClock, options, state, verify};

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// When a victim is to be killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start: in the middle of opening the store, mostly.
    Early(Duration),
    /// So long after so many lines: in the middle of work.
    Working(usize, Duration),
}

impl Moment {
    fn choose(random: &SeededEntropy) -> Moment {
        let below = |bound: u64| random.next() % bound;
        match below(5) {
            0 => Moment::Early(Duration::from_micros(below(60_000))),
            _ => Moment::Working(below(600) as usize, Duration::from_micros(below(3_000))),
        }
    }
}

/// Each writer's last acknowledged commit.
type Acknowledged = Vec<Option<Seen>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost() {
    let rounds: usize = setting("KILL_ROUNDS", 100);
    let writers: usize = setting("KILL_WRITERS", 4);
    let seed: u64 = setting("KILL_SEED", u64::from(std::process::id()));
    let random = SeededEntropy::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Acknowledged = vec![None; writers];
    for round in 0..rounds {
        let moment = Moment::choose(&random);
        kill_one(folder.path(), moment, &mut acknowledged);
        // Every other round the next victim, not we, is the first to open what the kill left.
        if round % 2 == 0 || round + 1 == rounds {
            acknowledged = check(folder.path(), &acknowledged)
                .await
                .unwrap_or_else(|lost| panic!("round {round}, seed {seed}, {moment:?}: {lost}"));
        }
    }
    let total: u64 = acknowledged.iter().flatten().map(|seen| seen.number).sum();
    println!("{rounds} kills, {total} commits, seed {seed}");
    assert!(total > 0, "nothing was ever written");
}

/// Opens what is left, checks it, and gives the state from which the writers go on.
async fn check(folder: &Path, acknowledged: &Acknowledged) -> Result<Acknowledged, String> {
    let store =
        Sled::open(folder, options(), Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    verify(&store, acknowledged).await?;
    let mut states = Acknowledged::new();
    for writer in 0..acknowledged.len() as u64 {
        let found = state(&store, writer).await;
        let found = found.map_err(|error| error.to_string())?;
        states.push(found.map(|(number, revision)| Seen {
            number,
            revision,
            kills: 0,
        }));
    }
    store.close().await;
    Ok(states)
}

/// Starts a victim, kills it, and takes note of what was acknowledged until then.
fn kill_one(folder: &Path, moment: Moment, acknowledged: &mut Acknowledged) {
    let mut victim = Command::new(env!("CARGO_BIN_EXE_kill_writer"))
        .arg(folder)
        .arg(acknowledged.len().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Lines(BufReader::new(victim.stdout.take().unwrap()));
    let pause = match moment {
        Moment::Early(pause) => pause,
        Moment::Working(count, pause) => {
            for _ in 0..count {
                let line = lines.next().expect("the victim lives until it is killed");
                note(&line, acknowledged);
            }
            pause
        }
    };
    let until = Instant::now() + pause;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    kill(&mut victim);
    while let Some(line) = lines.next() {
        note(&line, acknowledged);
    }
    for seen in acknowledged.iter_mut().flatten() {
        seen.kills += 1;
    }
}

fn kill(victim: &mut Child) {
    assert_eq!(
        victim.try_wait().unwrap(),
        None,
        "the victim ended by itself"
    );
    victim.kill().unwrap();
    victim.wait().unwrap();
}

/// The whole lines that a victim printed.
struct Lines(BufReader<ChildStdout>);

impl Lines {
    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.by_ref().read_line(&mut line).unwrap();
        line.ends_with('\n').then_some(line)
    }
}

fn note(line: &str, acknowledged: &mut Acknowledged) {
    let numbers: Vec<u64> = line
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    acknowledged[numbers[0] as usize] = Some(Seen {
        number: numbers[1],
        revision: Revision(numbers[2]),
        kills: 0,
    });
}
