//! What is kept of the decisions about a meeting.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One entry of a meeting's scheduling log. What was decided is for whoever wrote it to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulingLogEntry {
    /// When.
    pub time: Timestamp,
    /// What was decided.
    pub content: Vec<u8>,
}

/// A place in the scheduling logs, to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulingLogPosition(pub(crate) Vec<u8>);
