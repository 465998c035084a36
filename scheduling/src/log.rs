//! What was decided about a meeting, as its owner may read it: by which rule, with which message, to or from
//! whom, with what outcome, and why something was not sent or not applied. Values, and their form in the
//! store. Pure.
//!
//! Each commit leaves one entry for each home whose meeting it is about (more only where a thousand people are
//! in one), written with the change itself: it is there if and only if the change is. Nothing of what an event
//! says stands in it but who takes part, and which instances a message was about. A message that only shows
//! what others answered leaves none.

mod gather;
mod line;

use serde::{Deserialize, Serialize};
use storage::{MAXIMUM_SCHEDULING_LOG_OCTETS, Timestamp, model::SchedulingLogEntry};

pub(crate) use gather::{About, Lines, of_plan, of_receipt, of_rooms_answer};
pub use line::{LogLine, Verdict, Way, status_meaning};

/// The version of the form of an entry.
const VERSION: u8 = 1;
/// What an entry takes without its lines, at the most.
const FRAME_OCTETS: usize = 512;

/// What happened to a meeting, or became known of it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub time: Timestamp,
    /// The account that acted; `None` where nobody of this home did.
    pub actor: Option<String>,
    /// What it was.
    pub occasion: Occasion,
    /// Whether everybody who sees the calendar could see all of the event then.
    pub is_public: bool,
    /// What was decided.
    pub lines: Vec<LogLine>,
}

/// What led to decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The owner, or somebody for the owner, made or changed the event.
    Changed,
    /// The same removed it.
    Removed,
    /// It was imported.
    Imported,
    /// It went from one calendar to another.
    Moved,
    /// A message came in.
    Received,
    /// It became known how a message fared that was sent before.
    Fared,
    /// It came back from the trash.
    Restored,
    /// The entry cannot be read.
    Unknown,
}

impl Occasion {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Occasion::Changed => "changed",
            Occasion::Removed => "removed",
            Occasion::Imported => "imported",
            Occasion::Moved => "moved",
            Occasion::Received => "received",
            Occasion::Fared => "fared",
            Occasion::Restored => "restored",
            Occasion::Unknown => "unknown",
        }
    }
}

impl LogEntry {
    /// As rows of the store, several where one does not hold all.
    pub(crate) fn rows(self) -> Vec<SchedulingLogEntry> {
        let LogEntry {
            time,
            actor,
            occasion,
            is_public,
            lines,
        } = self;
        let actor = actor.map(|actor| line::bounded(&actor));
        let entry = |lines| LogEntry {
            time,
            actor: actor.clone(),
            occasion,
            is_public,
            lines,
        };
        let mut rows = Vec::new();
        let mut gathered: Vec<LogLine> = Vec::new();
        let mut room = MAXIMUM_SCHEDULING_LOG_OCTETS - FRAME_OCTETS;
        for line in lines.into_iter().flat_map(LogLine::parts) {
            let octets = line.octets();
            if octets > room && !gathered.is_empty() {
                rows.push(entry(std::mem::take(&mut gathered)).row());
                room = MAXIMUM_SCHEDULING_LOG_OCTETS - FRAME_OCTETS;
            }
            room = room.saturating_sub(octets);
            gathered.push(line);
        }
        if !gathered.is_empty() {
            rows.push(entry(gathered).row());
        }
        rows
    }

    fn row(self) -> SchedulingLogEntry {
        let time = self.time;
        let content = postcard::to_extend(&self, vec![VERSION]);
        SchedulingLogEntry {
            time,
            content: content.expect("a plain value always encodes"),
        }
    }

    /// In the place of an entry that cannot be read, of about this time: whoever reads the log learns that something
    /// stood there.
    pub(crate) fn unreadable(time: Timestamp) -> LogEntry {
        let reason = "an entry stood here that cannot be read any more";
        LogEntry {
            time,
            actor: None,
            occasion: Occasion::Unknown,
            is_public: false,
            lines: vec![LogLine::of(Verdict::Unreadable, reason)],
        }
    }

    /// From a row of the store; `None` where it is in no known form.
    pub(crate) fn of_row(row: &SchedulingLogEntry) -> Option<LogEntry> {
        let (version, content) = row.content.split_first()?;
        match *version {
            VERSION => postcard::from_bytes(content).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
