//! What was decided and why, for the log and for the people who ask.

use std::collections::BTreeSet;

use calendar::{CalendarObject, Property};
use serde::{Deserialize, Serialize};

use super::{Method, Status, entry::attendees, normalise};

/// Why a message waits for its recipient to decide.
const REASON: &str = "X-CONVOKE-REASON";
/// From whom it came.
const SENDER: &str = "X-CONVOKE-SENDER";
/// What can be done about it, once for each way.
const ACTION: &str = "X-CONVOKE-ACTION";

/// What somebody can do about a message that waits for them to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Make the calendar say what the message says, by an edit of the object.
    TakeOver,
    /// Make the sender an attendee, by an edit of the object.
    Invite,
    /// Let it be: remove the message from the inbox.
    Dismiss,
    /// Let the sender know that it is not taken up, and remove the message.
    Decline,
}

impl Action {
    /// As the message in the inbox says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::TakeOver => "TAKE-OVER",
            Action::Invite => "INVITE",
            Action::Dismiss => "DISMISS",
            Action::Decline => "DECLINE",
        }
    }
}

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
    /// The object is no scheduling object resource of its owner's (RFC 6638 §3.1), though it names people.
    #[error("not scheduled: {0}")]
    NotScheduled(String),
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
        /// What can be done about it.
        actions: Vec<Action>,
    },
}

impl Decision {
    /// Whether something waits for a person.
    pub fn is_for_the_user(&self) -> bool {
        matches!(self, Decision::ForTheUser { .. })
    }

    /// A message as it is left in the inbox: where it waits for the user to decide, it says why, and what can be done.
    pub fn noted_in(decisions: &[Decision], message: &CalendarObject) -> CalendarObject {
        let held = decisions.iter().find_map(|decision| match decision {
            Decision::ForTheUser {
                sender,
                reason,
                actions,
                ..
            } => Some((sender, reason, actions)),
            _ => None,
        });
        let is_note = |line: &Property| matches!(line.name(), REASON | SENDER | ACTION);
        let mut noted = message.clone();
        // most messages are one to many people, who share it as it is
        if held.is_none() && !message.calendar().properties().any(is_note) {
            return noted;
        }
        let calendar = noted.calendar_mut();
        // nobody else says so
        calendar.retain_properties(|line| !is_note(line));
        if let Some((sender, reason, actions)) = held {
            let actions = actions.iter().map(|it| Property::new(ACTION, it.as_str()));
            let why = Property::with_text(REASON, reason);
            let lines = [why, Property::new(SENDER, sender)].into_iter();
            for line in lines.chain(actions).flatten() {
                calendar.push_property(line);
            }
        }
        noted
    }

    /// Whether a message that waits in an inbox says that this can be done about it.
    pub fn offers(message: &CalendarObject, action: Action) -> bool {
        let mut offered = message.calendar().properties_named(ACTION);
        offered.any(|line| line.raw_value() == action.as_str())
    }

    /// Who sent a message that waits in an inbox: as it says, or (one of before it did) the only attendee that it names.
    pub fn sender_of(message: &CalendarObject) -> Option<String> {
        let said = message.calendar().raw_value(SENDER).map(str::to_owned);
        said.or_else(|| {
            let lines = message.entries().flat_map(attendees);
            let mut named: BTreeSet<String> =
                lines.map(|line| normalise(line.raw_value())).collect();
            named.pop_first().filter(|_| named.is_empty())
        })
    }
}
