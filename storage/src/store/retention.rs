//! What time it is for what is kept for a time only: the trash, change logs, the archive of the journal.
//!
//! Whatever goes because it is old goes for good, and how old it is only the machine's clock says. One that
//! jumps (an empty battery, a wrong setting, a virtual machine that was copied) would clear everything at
//! once. So the store notes what the clock said last, and how it went on since:
//!
//! - On by at most [`BELIEVED_MILLISECONDS`] between two looks: that time has passed.
//! - On by more: only so much is believed. The rest is believed, too, when the clock has gone on from there
//!   for as long as the thing in question is kept; until then it goes as if the jump had not been. A
//!   server that was switched off for a month keeps its trash for longer, which harms nobody.
//! - Back: what was not believed of a jump before is forgotten, as far as it is taken back. What bears a
//!   time that is to come (it was deleted while the clock was wrong) counts by the notes of moments (see
//!   [`super::compaction`]), which grow with the commits and not with the clock.
//!
//! Nothing else is decided by this: what people see, conditions, locks and mail go by the clock itself.

use serde::{Deserialize, Serialize};

use super::{Store, keys, record};
use crate::{
    Timestamp,
    backend::{CommitError, Expect, Operation, ReadError},
    moment,
};

/// How far the clock may go on between two looks, in milliseconds. Whoever lets days pass must look more
/// often, or they do not count.
pub const BELIEVED_MILLISECONDS: i64 = 3 * DAY_MILLISECONDS;
const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// A look is noted when the last note is as old as that; a jump is noted at once.
const NOTE_MILLISECONDS: i64 = 6 * 60 * 60 * 1000;

/// What the clock said, and how much of it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionClock {
    /// What it said last.
    seen: Timestamp,
    /// How much of that is not believed.
    doubted_milliseconds: i64,
    /// What it said after its last jump, as long as something is not believed.
    jumped: Option<Timestamp>,
}

impl record::Row for RetentionClock {}

impl RetentionClock {
    /// A clock of which nothing is known but what it says.
    pub fn new(now: Timestamp) -> RetentionClock {
        RetentionClock {
            seen: now,
            doubted_milliseconds: 0,
            jumped: None,
        }
    }

    /// What time it is for things that are kept for so many milliseconds: never later than the clock says.
    pub fn now_for(&self, kept_milliseconds: i64) -> Timestamp {
        match self.jumped {
            Some(jumped) if self.seen.0.saturating_sub(jumped.0) < kept_milliseconds => {
                Timestamp(self.seen.0.saturating_sub(self.doubted_milliseconds))
            }
            _ => self.seen,
        }
    }

    /// What the clock says.
    pub fn seen(&self) -> Timestamp {
        self.seen
    }

    /// How much of what the clock says may be wrong, in milliseconds, and since when it says so; `None`
    /// where it went on evenly.
    pub fn doubt(&self) -> Option<(i64, Timestamp)> {
        self.jumped
            .map(|jumped| (self.doubted_milliseconds, jumped))
    }

    /// What is known after another look.
    #[must_use]
    fn look(self, now: Timestamp) -> RetentionClock {
        let passed = now.0.saturating_sub(self.seen.0);
        let (doubted, jumped) = if passed > BELIEVED_MILLISECONDS {
            let beyond = passed - BELIEVED_MILLISECONDS;
            (self.doubted_milliseconds.saturating_add(beyond), Some(now))
        } else {
            let taken_back = passed.min(0);
            let doubted = self.doubted_milliseconds.saturating_add(taken_back).max(0);
            let since = |jumped: Timestamp| Timestamp(jumped.0.saturating_add(taken_back));
            (doubted, self.jumped.map(since).filter(|_| doubted > 0))
        };
        RetentionClock {
            seen: now,
            doubted_milliseconds: doubted,
            jumped,
        }
    }

    /// Whether this is worth a row where the row says `noted`.
    fn is_news(&self, noted: &RetentionClock) -> bool {
        let passed = self.seen.0.saturating_sub(noted.seen.0);
        self.doubted_milliseconds != noted.doubted_milliseconds
            || !(0..NOTE_MILLISECONDS).contains(&passed)
    }
}

impl Store {
    /// Looks at the clock, notes what it says, and tells the administrator where it jumped. To be called
    /// every few hours as long as the store is open.
    pub async fn retention_clock(&self) -> Result<RetentionClock, CommitError> {
        let key = keys::clock();
        let entry = self.backend().get(&key).await?;
        let noted: Option<RetentionClock> = entry
            .as_ref()
            .map(|entry| record::decode(&entry.value, "clock"))
            .transpose()?;
        let known = match noted {
            Some(noted) => noted,
            None => RetentionClock::new(self.first_seen().await?),
        };
        let clock = known.look(self.environment().clock.now());
        if noted.is_some_and(|noted| !clock.is_news(&noted)) {
            return Ok(clock);
        }
        let expect = match &entry {
            Some(entry) => Expect::Revision(key.clone(), entry.revision),
            None => Expect::Absent(key.clone()),
        };
        let note = Operation::Put(key, record::encode(&clock));
        match self.commit_rows(vec![expect], vec![note]).await {
            Ok(_) => warn_of_jump(&known, &clock),
            // Somebody else looked at the same time.
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(clock)
    }

    /// What is known of the clock of a store that was written before this was noted.
    async fn first_seen(&self) -> Result<Timestamp, ReadError> {
        let now = self.environment().clock.now();
        let noted = self.moment_before(now).await?;
        Ok(noted.map_or(now, |(time, _)| time))
    }
}

fn warn_of_jump(before: &RetentionClock, after: &RetentionClock) {
    if after.doubted_milliseconds > before.doubted_milliseconds {
        tracing::warn!(
            before = moment::text(before.seen),
            now = moment::text(after.seen),
            "the clock went on by more than {} days at once. If it is right, because the server was off for as \
             long, nothing is to be done: the trash, change logs and the archive are kept for longer than usual. If \
             it is wrong, set it right: nothing is removed for its age until the clock has gone on from there for \
             as long as that is kept",
            BELIEVED_MILLISECONDS / DAY_MILLISECONDS
        );
    } else if after.seen.0 < before.seen.0.saturating_sub(DAY_MILLISECONDS) {
        tracing::warn!(
            before = moment::text(before.seen),
            now = moment::text(after.seen),
            "the clock was put back. Nothing is lost by that; what bears a time that is to come is kept for longer \
             than usual"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: i64 = 365 * DAY_MILLISECONDS;
    const KEPT: i64 = 30 * DAY_MILLISECONDS;

    /// Lets the clock go on evenly.
    fn run(mut clock: RetentionClock, milliseconds: i64) -> RetentionClock {
        let end = clock.seen.0 + milliseconds;
        while clock.seen.0 < end {
            clock = clock.look(Timestamp(end.min(clock.seen.0 + DAY_MILLISECONDS)));
        }
        clock
    }

    fn jump(clock: RetentionClock, milliseconds: i64) -> RetentionClock {
        clock.look(Timestamp(clock.seen.0 + milliseconds))
    }

    #[test]
    fn what_passes_evenly_is_believed() {
        let clock = run(RetentionClock::new(Timestamp(5)), 2 * YEAR);
        assert_eq!(clock, RetentionClock::new(Timestamp(5 + 2 * YEAR)));
        assert_eq!(clock.now_for(KEPT), clock.seen());
        let clock = jump(clock, BELIEVED_MILLISECONDS);
        assert_eq!((clock.doubt(), clock.now_for(KEPT)), (None, clock.seen()));
    }

    #[test]
    fn a_jump_is_believed_when_it_has_held_for_as_long_as_a_thing_is_kept() {
        let before = RetentionClock::new(Timestamp(0));
        let clock = jump(before, 14 * YEAR);
        assert_eq!(clock.now_for(KEPT), Timestamp(BELIEVED_MILLISECONDS));
        let clock = run(clock, KEPT - 1);
        assert_eq!(
            clock.now_for(KEPT),
            Timestamp(BELIEVED_MILLISECONDS + KEPT - 1)
        );
        let clock = run(clock, 1);
        assert_eq!(clock.now_for(KEPT), clock.seen());
        assert!(
            clock.now_for(KEPT + 1) < clock.seen(),
            "what is kept longer"
        );
        // What is kept no time at all goes by the clock.
        assert_eq!(jump(before, 14 * YEAR).now_for(0), Timestamp(14 * YEAR));
    }

    #[test]
    fn a_jump_that_is_taken_back_was_none() {
        let clock = jump(RetentionClock::new(Timestamp(0)), 14 * YEAR);
        let clock = jump(run(clock, DAY_MILLISECONDS), -14 * YEAR);
        assert_eq!(clock, RetentionClock::new(Timestamp(DAY_MILLISECONDS)));
    }

    #[test]
    fn half_a_jump_that_is_taken_back_leaves_the_other_half() {
        let clock = run(
            jump(RetentionClock::new(Timestamp(0)), 14 * YEAR),
            20 * DAY_MILLISECONDS,
        );
        let clock = jump(clock, -7 * YEAR);
        let doubted = 7 * YEAR - BELIEVED_MILLISECONDS;
        let since = Timestamp(clock.seen.0 - 20 * DAY_MILLISECONDS);
        assert_eq!(clock.doubt(), Some((doubted, since)));
    }

    #[test]
    fn back_and_forth_by_years_ages_nothing() {
        let clock = run(RetentionClock::new(Timestamp(20 * YEAR)), YEAR);
        // An empty battery: 1970 until the network's time is there.
        let clock = jump(clock, -21 * YEAR);
        assert_eq!(clock.now_for(KEPT), Timestamp(0));
        let clock = jump(clock, 21 * YEAR);
        assert_eq!(clock.now_for(KEPT), Timestamp(BELIEVED_MILLISECONDS));
        assert_eq!(run(clock, KEPT).now_for(KEPT), Timestamp(21 * YEAR + KEPT));
    }

    #[test]
    fn a_small_step_back_does_not_prolong_a_doubt() {
        let clock = jump(RetentionClock::new(Timestamp(0)), 14 * YEAR);
        let clock = jump(run(clock, KEPT), -5_000);
        assert_eq!(clock.now_for(KEPT), clock.seen());
    }

    #[test]
    fn the_ends_of_time_are_no_harm() {
        for first in [i64::MIN, 0, i64::MAX] {
            for next in [i64::MIN, 0, i64::MAX] {
                let clock = RetentionClock::new(Timestamp(first)).look(Timestamp(next));
                assert!(clock.now_for(KEPT) <= clock.seen());
                let _ = clock.look(Timestamp(first)).look(Timestamp(next));
            }
        }
    }

    #[test]
    fn what_is_worth_a_row() {
        let noted = RetentionClock::new(Timestamp(0));
        for (passed, news) in [
            (0, false),
            (NOTE_MILLISECONDS - 1, false),
            (NOTE_MILLISECONDS, true),
            (-1, true),
            (YEAR, true),
        ] {
            assert_eq!(jump(noted, passed).is_news(&noted), news, "{passed}");
        }
    }
}
