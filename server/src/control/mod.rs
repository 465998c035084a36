//! The control socket: how commands reach the data that a running server holds.
//!
//! It lies in the data folder and is its owner's only (mode 0600): who may open it may open the data
//! too, so nothing more is asked. Each line of a connection is an [`Operation`] in JSON, each line back a
//! [`Reply`]; or a [`Maintenance`], and the lines back are [`crate::maintenance::Said`], up to its end; or
//! an [`Errand`], whose answer stands beside each.

mod backup;
mod client;
mod listener;

use std::path::{Path, PathBuf};

use scheduling::log::LogEntry;
use serde::{Deserialize, Serialize};

pub use backup::receive as receive_backup;
pub use client::{
    AskError, ask, ask_audit, ask_free_resources, ask_mail, ask_moving, ask_scheduling_log,
    ask_trash, maintain,
};
pub use listener::{Control, Served};

use crate::{
    accounts::{AccountsError, Operation, Outcome},
    audit,
    mail::{MailOperation, MailOutcome},
    maintenance::Maintenance,
    moving, rooms, scheduling_log, trash,
};

/// The longest line: an import of some ten thousand accounts.
const MAXIMUM_LINE_OCTETS: u64 = 16 * 1024 * 1024;

/// A line to the server.
#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    Accounts(Operation),
    Maintenance(Maintenance),
    Trash(trash::Ask),
    Errand(Errand),
}

/// What else can be asked for.
#[derive(Serialize, Deserialize)]
pub enum Errand {
    /// Something about the queue of mail; answered by a [`MailReply`].
    Mail(MailOperation),
    /// A backup; answered by its pieces.
    Backup,
    /// A part of the audit; answered by an [`AuditReply`].
    Audit(audit::Ask),
    /// What was decided about a meeting; answered by a [`SchedulingLogReply`].
    SchedulingLog(scheduling_log::Ask),
    /// Free rooms or resources; answered by a [`FreeResourcesReply`].
    FreeResources(rooms::Ask),
    /// Something about calendars that move in or out; answered by a [`moving::Told`].
    Moving(moving::Ask),
}

/// What came of an operation on the queue of mail.
pub type MailReply = Result<MailOutcome, String>;

/// A part of the audit.
pub type AuditReply = Result<audit::Told, String>;

/// What was decided about a meeting.
pub type SchedulingLogReply = Result<Vec<LogEntry>, String>;

/// Free rooms or resources.
pub type FreeResourcesReply = Result<rooms::Told, String>;

/// What came of an operation.
pub type Reply = Result<Outcome, AccountsError>;

/// The reply as it stands on the line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Done(Outcome),
    Refused(AccountsError),
}

/// The reply to a question about the trash.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TrashLine {
    Told(trash::Told),
    Line(Line),
}

impl From<Reply> for Line {
    fn from(reply: Reply) -> Line {
        match reply {
            Ok(outcome) => Line::Done(outcome),
            Err(error) => Line::Refused(error),
        }
    }
}

impl From<Line> for Reply {
    fn from(line: Line) -> Reply {
        match line {
            Line::Done(outcome) => Ok(outcome),
            Line::Refused(error) => Err(error),
        }
    }
}

/// Where the socket of a data folder is.
pub fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

#[cfg(test)]
mod tests;
