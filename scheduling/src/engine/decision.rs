//! What was decided and why, for the log and for the people who ask.

use serde::{Deserialize, Serialize};

use super::{Method, Status};

/// One fact about a change. Addresses stand as in the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Decision {
    /// A message goes to somebody.
    #[error("{method} to {recipient}: {reason}")]
    Sent {
        /// The method.
        method: Method,
        /// To whom.
        recipient: String,
        /// Why.
        reason: String,
    },
    /// Nothing goes to somebody who might expect it.
    #[error("nothing to {recipient}: {reason}")]
    NotSent {
        /// To whom not.
        recipient: String,
        /// Why not.
        reason: String,
    },
    /// A message cannot go.
    #[error("no way to {recipient} ({status}): {reason}")]
    Undeliverable {
        /// To whom.
        recipient: String,
        /// What the sender's copy says.
        status: Status,
        /// Why.
        reason: String,
    },
    /// The change needs no message at all.
    #[error("no messages: {0}")]
    NoMessages(String),
    /// The server changed what was asked for.
    #[error("changed: {0}")]
    Changed(String),
    /// A message that came in changed nothing.
    #[error("{method} from {sender} not applied: {reason}")]
    NotApplied {
        /// The method.
        method: Method,
        /// From whom.
        sender: String,
        /// Why not.
        reason: String,
    },
    /// A message that came in is signed by somebody who is not known to speak for its sender.
    #[error("{method} from {sender}: {sent_by} is not known to act for them")]
    UnknownDeputy {
        /// The method.
        method: Method,
        /// In whose name.
        sender: String,
        /// Who signed.
        sent_by: String,
    },
    /// A message that came in and that only the user can decide about.
    #[error("{method} from {sender} is for the user to decide: {reason}")]
    ForTheUser {
        /// The method.
        method: Method,
        /// From whom.
        sender: String,
        /// Why.
        reason: String,
    },
}
