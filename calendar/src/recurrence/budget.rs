//! A bound on work, so that a calendar object can be costly to write but never to read.

use thiserror::Error;

/// The steps that one question about one object may take: enough for every sane rule over a
/// century, a few milliseconds at most.
pub const DEFAULT_WORK: u32 = 200_000;

/// The work a question may still cost. A step is a period looked at, a day tested, or an occurrence
/// yielded.
#[derive(Debug, Clone)]
pub struct Budget {
    remaining: u32,
}

/// The budget is spent: the answer is unknown, not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the recurrence needs more work than is allowed for one object")]
pub struct TooMuchWork;

impl Budget {
    /// A budget of `steps`.
    #[must_use]
    pub fn new(steps: u32) -> Budget {
        Budget { remaining: steps }
    }

    /// What is left.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.remaining
    }

    /// Takes `steps` away, or says that they are not there.
    pub(crate) fn spend(&mut self, steps: u32) -> Result<(), TooMuchWork> {
        match self.remaining.checked_sub(steps) {
            Some(remaining) => {
                self.remaining = remaining;
                Ok(())
            }
            None => {
                self.remaining = 0;
                Err(TooMuchWork)
            }
        }
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(DEFAULT_WORK)
    }
}
