//! A seeded simulation of an organisation: people (one with two addresses), a room that answers by itself or is left to
//! somebody, a group, a secretary, somebody elsewhere who is invited and somebody who invites. Meetings, and to-dos, with
//! instances apart and dates more, are made, changed in what a client shows, moved, answered and removed, by clients that have
//! seen the newest and by such that have not, two at a time, or beside a worker of the server; all instances from one on, too.
//! What is proposed is taken or put away, and a secretary copies meetings across. Answers are given by somebody
//! else (delegation, of one instance too), attendees left to their clients, calendars deleted, earlier states brought back
//! from the trash or imported, accounts disabled and enabled again, and at the end somebody leaves; while the store fails now
//! and then, the server dies after a commit or is started anew, mail is late, comes twice, in another order, not at all or
//! back, and the clock goes on.
//!
//! At rest everybody must agree (see `check`). A seed that fails tells its story in words, and what the server decided;
//! `run` with the same seed tells the same one.

mod arrivals;
mod check;
mod departure;
pub mod elsewhere;
pub mod house;
pub mod instances;
pub mod manner;
mod mortal;
pub mod remembered;
mod steps;

use storage::testing::SeededEntropy;

pub use house::House;
pub use manner::Manner;

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
    /// What the server decided.
    pub log: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "seed {}:", self.seed)?;
        for (number, line) in self.story.iter().enumerate() {
            writeln!(formatter, "{:>3}. {line}", number + 1)?;
        }
        writeln!(formatter, "{}", self.what)?;
        write!(formatter, "--- what was decided\n{}", self.log)
    }
}

/// Numbers that follow from the seed.
#[derive(Debug)]
pub struct Dice(SeededEntropy);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Dice {
        // Seeds that are neighbours must not be the same numbers, one of them a step behind the other; which they would
        // be if the generator began at a multiple of its step.
        let begin = SeededEntropy::new(seed).next();
        Dice(SeededEntropy::new(begin))
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
    let mut house = House::with(seed, Manner::of(&dice)).await;
    let mut story = Vec::new();
    match tell(&mut house, &dice, &mut story).await {
        Ok(()) => Ok(()),
        Err(what) => Err(Failure {
            seed,
            story,
            what,
            log: house.log().await,
        }),
    }
}

async fn tell(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    steps::make_calendars(house).await;
    for _ in 0..STEPS {
        steps::play(house, dice, story).await?;
        check::after_step(house).await?;
        if dice.once_in(3) {
            story.push("Everything comes to rest.".to_owned());
            rest(house, dice, story).await?;
        }
    }
    story.push("Everything comes to rest.".to_owned());
    rest(house, dice, story).await?;
    // whose answer was on its way when the meeting changed answers again
    story.push(
        "Everybody answers what comes from elsewhere, and what they were asked there.".to_owned(),
    );
    steps::answer_visit(house).await?;
    house.answer_elsewhere(dice).await?;
    check::at_rest(house).await?;
    check::answers_elsewhere(house).await?;
    departure::leave(house, dice, story).await
}

async fn rest(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    steps::enable_all(house, story).await?;
    steps::wake(house, story).await?;
    house.rest(dice).await?;
    check::at_rest(house).await
}
