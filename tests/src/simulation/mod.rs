//! A seeded simulation of an organisation: people, a room that answers by itself, a group, a secretary, somebody
//! elsewhere who is invited and somebody who invites; meetings that are made, moved, answered and removed, by clients that
//! have seen the newest and by such that have not, two at a time; answers are given by somebody else (delegation),
//! calendars are deleted, and at the end somebody leaves; while the store fails now and then, the server is
//! started anew, mail is late, comes twice, in another order, not at all or back, and the clock goes on.
//!
//! At rest everybody must agree (see `check`). A seed that fails tells its story in words; `run` with the same
//! seed tells the same one.

mod arrivals;
mod check;
mod departure;
pub mod elsewhere;
pub mod house;
pub mod instances;
mod steps;

use storage::testing::SeededEntropy;

pub use house::House;

/// Steps of one story.
const STEPS: u64 = 14;

/// A story that did not end well.
#[derive(Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was done, in words.
    pub story: Vec<String>,
    /// What is wrong at its end.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "seed {}:", self.seed)?;
        for (number, line) in self.story.iter().enumerate() {
            writeln!(formatter, "{:>3}. {line}", number + 1)?;
        }
        write!(formatter, "{}", self.what)
    }
}

/// Numbers that follow from the seed.
#[derive(Debug)]
pub struct Dice(SeededEntropy);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Dice {
        // the first numbers of neighbouring seeds are not alike
        Dice(SeededEntropy::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// From 0 on, below `sides`.
    pub fn roll(&self, sides: u64) -> u64 {
        self.0.next() % sides
    }

    /// Once in so many times.
    pub fn once_in(&self, times: u64) -> bool {
        self.roll(times) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len() as u64) as usize]
    }
}

/// Plays the story of a seed.
///
/// # Errors
/// What does not hold, with the story so far.
pub async fn run(seed: u64) -> Result<(), Failure> {
    let dice = Dice::new(seed);
    let mut house = House::new(seed).await;
    steps::make_calendars(&house).await;
    let mut story = Vec::new();
    for _ in 0..STEPS {
        let played = steps::play(&mut house, &dice, &mut story).await;
        let checked = match played {
            Ok(()) => check::after_step(&mut house).await,
            Err(what) => Err(what),
        };
        if let Err(what) = checked {
            return Err(Failure { seed, story, what });
        }
        if dice.once_in(3) {
            story.push("Everything comes to rest.".to_owned());
            let rested = async {
                house.rest(&dice).await?;
                check::at_rest(&mut house).await
            };
            if let Err(what) = rested.await {
                return Err(Failure { seed, story, what });
            }
        }
    }
    let rested = async {
        house.rest(&dice).await?;
        check::at_rest(&mut house).await?;
        // whose answer was on its way when the meeting changed answers again
        steps::answer_visit(&house).await?;
        house.answer_elsewhere(&dice).await?;
        check::at_rest(&mut house).await?;
        check::answers_elsewhere(&house).await?;
        departure::leave(&mut house, &dice, &mut story).await
    };
    match rested.await {
        Ok(()) => Ok(()),
        Err(what) => Err(Failure { seed, story, what }),
    }
}
