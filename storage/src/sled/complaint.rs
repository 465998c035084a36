//! What goes wrong again and again is written to the log when it begins, then ever more rarely, and
//! when it is over; not once for every request and every look of the mover.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// Between the first line and the second; each further wait is twice as long.
const FIRST_SILENCE: Duration = Duration::from_secs(10);
/// The longest wait.
const LONGEST_SILENCE: Duration = Duration::from_secs(60 * 60);

/// One thing that may fail again and again.
pub(super) struct Complaint {
    what: &'static str,
    trouble: Option<Trouble>,
}

/// A trouble that has begun and is not over.
struct Trouble {
    failures: u64,
    said: Instant,
    silence: Duration,
}

impl Complaint {
    /// `what` says in the log what could not be done.
    pub(super) fn about(what: &'static str) -> Complaint {
        Complaint {
            what,
            trouble: None,
        }
    }

    /// It failed.
    pub(super) fn raise(&mut self, error: &dyn Display) {
        if let Some(failures) = self.count(Instant::now()) {
            tracing::error!(%error, failures, "{}", self.what);
        }
    }

    /// It succeeded.
    pub(super) fn settle(&mut self) {
        if let Some(trouble) = self.trouble.take() {
            tracing::info!(failures = trouble.failures, "over: {}", self.what);
        }
    }

    /// Counts a failure; gives how many there were, where it is time to say so.
    fn count(&mut self, now: Instant) -> Option<u64> {
        let Some(trouble) = &mut self.trouble else {
            self.trouble = Some(Trouble {
                failures: 1,
                said: now,
                silence: FIRST_SILENCE,
            });
            return Some(1);
        };
        trouble.failures += 1;
        if now.saturating_duration_since(trouble.said) < trouble.silence {
            return None;
        }
        trouble.said = now;
        trouble.silence = (trouble.silence * 2).min(LONGEST_SILENCE);
        Some(trouble.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full for a day, looked at once a second, makes a few lines.
    #[test]
    fn a_lasting_trouble_is_said_rarely() {
        let mut complaint = Complaint::about("a test");
        let start = Instant::now();
        let said: Vec<u64> = (0..24 * 60 * 60)
            .filter_map(|second| complaint.count(start + Duration::from_secs(second)))
            .collect();
        assert_eq!(said[..5], [1, 11, 31, 71, 151]);
        assert!(said.len() < 40, "{said:?}");
    }

    #[test]
    fn a_new_trouble_is_said_at_once() {
        let mut complaint = Complaint::about("a test");
        let now = Instant::now();
        assert_eq!(complaint.count(now), Some(1));
        assert_eq!(complaint.count(now), None);
        complaint.settle();
        assert_eq!(complaint.count(now), Some(1));
    }
}
