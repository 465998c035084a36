//! One decision of a log, and how it is said.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::normalise;

/// The most octets of a text in a line: an address, a reason.
const MAXIMUM_TEXT_OCTETS: usize = 256;
/// The most instances that a line names.
pub(super) const MAXIMUM_INSTANCES: usize = 20;
/// The most octets of what is a word: a method, a status, an instance.
const MAXIMUM_WORD_OCTETS: usize = 48;
/// The most octets of addresses in a line; who has more of them stands in several.
const MAXIMUM_PARTIES_OCTETS: usize = 1536;
/// What a line takes beside its texts.
const FRAME_OCTETS: usize = 32;

/// What was decided about one message, or about its absence, for one or several people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// What.
    pub verdict: Verdict,
    /// METHOD of the message (RFC 5546 §1.4), where there is one.
    pub method: Option<String>,
    /// How it goes.
    pub way: Option<Way>,
    /// The other party's calendar user address, as in the object; of several to whom the same holds, each.
    pub parties: Vec<String>,
    /// Who signed for the sender (RFC 5545 §3.2.18).
    pub sent_by: Option<String>,
    /// SEQUENCE of the message.
    pub sequence: Option<u32>,
    /// RECURRENCE-ID of each instance that the message is about; none where it is about all of the event.
    pub instances: Vec<String>,
    /// How many more instances it is about.
    pub more_instances: usize,
    /// PARTSTAT in an answer.
    pub participation: Option<String>,
    /// Why.
    pub reason: String,
    /// SCHEDULE-STATUS (RFC 6638 §3.2.9).
    pub status: Option<String>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A message goes to the parties.
    Sent,
    /// Nothing goes to the parties.
    NotSent,
    /// A message cannot go to the parties.
    Undeliverable,
    /// Nobody hears of it.
    NoMessages,
    /// The server stored something else than was asked for.
    Adjusted,
    /// A message of the party made a new object.
    Created,
    /// A message of the party changed the object.
    Updated,
    /// A message of the party removed the object.
    Removed,
    /// A message of the party is in the inbox; the object stays as it is.
    Noted,
    /// A message of the party did nothing.
    NotApplied,
    /// A message of the party waits for somebody to decide.
    ForTheUser,
    /// A message of the party is signed by somebody who is not known to act for them.
    UnknownDeputy,
    /// So a message to the parties fared.
    Fared,
    /// So the party would answer: only in a dry run.
    Foreseen,
    /// The parties came into an invited group, or left it.
    Followed,
    /// What was decided cannot be read: only in the place of an entry.
    Unreadable,
    /// So a room or resource answered by itself, or left it to a person.
    AnsweredByItself,
    /// Nobody hears of it, since it is no scheduling object of its owner's.
    NotScheduled,
    /// A message of the party that waited for somebody to decide changed the object.
    AppliedAfterAll,
}

/// How a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Within this server.
    Local,
    /// By mail (RFC 6047).
    Mail,
}

impl Way {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Local => "local",
            Way::Mail => "mail",
        }
    }
}

impl Verdict {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Sent => "sent",
            Verdict::NotSent => "not-sent",
            Verdict::Undeliverable => "undeliverable",
            Verdict::NoMessages => "no-messages",
            Verdict::Adjusted => "adjusted",
            Verdict::Created => "created",
            Verdict::Updated => "updated",
            Verdict::Removed => "removed",
            Verdict::Noted => "noted",
            Verdict::NotApplied => "not-applied",
            Verdict::ForTheUser => "for-the-user",
            Verdict::UnknownDeputy => "unknown-deputy",
            Verdict::Fared => "fared",
            Verdict::Foreseen => "foreseen",
            Verdict::Followed => "followed",
            Verdict::Unreadable => "unreadable",
            Verdict::AnsweredByItself => "answered-by-itself",
            Verdict::NotScheduled => "not-scheduled",
            Verdict::AppliedAfterAll => "applied-after-all",
        }
    }
}

impl LogLine {
    /// Whether it is about a message of the organizer that went to somebody.
    pub(crate) fn is_of_the_organizer(&self) -> bool {
        let method = self.method.as_deref();
        self.verdict == Verdict::Sent && matches!(method, Some("REQUEST" | "CANCEL"))
    }

    /// Whether it is about a message that called off all of the event.
    pub(crate) fn calls_off_all(&self) -> bool {
        self.method.as_deref() == Some("CANCEL") && self.instances.is_empty()
    }

    /// Whether SCHEDULE-STATUS tells how its message fares (RFC 6638 §3.2.9): that of an invitation, a cancellation, or an
    /// answer to these, and of nothing that is asked or declined beside.
    pub(crate) fn is_told_by_status(&self) -> bool {
        let method = self.method.as_deref();
        matches!(method, Some("REQUEST" | "CANCEL" | "REPLY"))
    }

    /// Whether it is about a message that went to somebody by mail.
    pub(crate) fn was_mailed_to(&self, recipient: &str) -> bool {
        let is_mail = self.verdict == Verdict::Sent && self.way == Some(Way::Mail);
        let recipient = normalise(&bounded(recipient));
        is_mail && self.parties.iter().any(|it| normalise(it) == recipient)
    }

    /// A decision without anything else.
    pub(crate) fn of(verdict: Verdict, reason: &str) -> LogLine {
        LogLine {
            verdict,
            method: None,
            way: None,
            parties: Vec::new(),
            sent_by: None,
            sequence: None,
            instances: Vec::new(),
            more_instances: 0,
            participation: None,
            reason: bounded(reason),
            status: None,
        }
    }

    /// The section behind the decision, where it follows from what it is; `None` where the reason names another.
    pub fn rule(&self) -> Option<&'static str> {
        if self.reason.contains("RFC ") {
            return None;
        }
        let is_answer = self.method.as_deref() == Some("REPLY");
        Some(match self.verdict {
            Verdict::Sent if is_answer => "RFC 6638 §3.2.2",
            Verdict::Sent if self.method.as_deref() == Some("REFRESH") => "RFC 5546 §3.2.6",
            Verdict::Sent => "RFC 6638 §3.2.1",
            Verdict::NotSent | Verdict::NoMessages => "RFC 6638 §3.2",
            Verdict::NotScheduled => "RFC 6638 §3.1",
            Verdict::Undeliverable | Verdict::Fared => "RFC 6638 §3.2.9",
            Verdict::Adjusted => "RFC 6638 §3.2.2.1",
            Verdict::Created | Verdict::Updated | Verdict::Removed | Verdict::Noted
                if is_answer =>
            {
                "RFC 6638 §4.2"
            }
            Verdict::Created | Verdict::Updated | Verdict::Removed | Verdict::Noted => {
                "RFC 6638 §4.1"
            }
            Verdict::AppliedAfterAll => "RFC 5546 §5.2.2",
            Verdict::UnknownDeputy => "RFC 6047 §2.3",
            Verdict::Followed => "RFC 5545 §3.2.11",
            Verdict::NotApplied
            | Verdict::ForTheUser
            | Verdict::Foreseen
            | Verdict::AnsweredByItself
            | Verdict::Unreadable => return None,
        })
    }

    /// Whether the same holds for the parties of both.
    pub(super) fn is_same_for_others(&self, other: &LogLine) -> bool {
        let LogLine {
            verdict,
            method,
            way,
            parties: _,
            sent_by,
            sequence,
            instances,
            more_instances,
            participation,
            reason,
            status,
        } = self;
        (verdict, way, sequence, more_instances)
            == (
                &other.verdict,
                &other.way,
                &other.sequence,
                &other.more_instances,
            )
            && (reason, method, status, sent_by, participation)
                == (
                    &other.reason,
                    &other.method,
                    &other.status,
                    &other.sent_by,
                    &other.participation,
                )
            && *instances == other.instances
    }

    /// The same in lines of which each is small, whatever people and other servers wrote.
    pub(super) fn parts(mut self) -> Vec<LogLine> {
        let parties = std::mem::take(&mut self.parties);
        let words = [&mut self.method, &mut self.participation, &mut self.status];
        let words = words.into_iter().flatten().chain(&mut self.instances);
        words.for_each(|word| bound(word, MAXIMUM_WORD_OCTETS));
        let texts = self.sent_by.iter_mut().chain([&mut self.reason]);
        texts.for_each(|text| bound(text, MAXIMUM_TEXT_OCTETS));
        let mut lines = vec![self];
        let mut octets = 0;
        for mut party in parties {
            bound(&mut party, MAXIMUM_TEXT_OCTETS);
            octets += party.len() + 2;
            if octets > MAXIMUM_PARTIES_OCTETS {
                octets = party.len() + 2;
                let next = LogLine {
                    parties: Vec::new(),
                    ..lines[0].clone()
                };
                lines.push(next);
            }
            if let Some(line) = lines.last_mut() {
                line.parties.push(party);
            }
        }
        lines
    }

    /// About what it takes, and never less.
    pub(super) fn octets(&self) -> usize {
        let texts = self.parties.iter().chain(&self.instances);
        let single = [
            &self.method,
            &self.sent_by,
            &self.participation,
            &self.status,
        ];
        let texts = texts.chain(single.into_iter().flatten());
        texts.map(|text| text.len() + 2).sum::<usize>() + self.reason.len() + FRAME_OCTETS
    }

    fn about(&self) -> String {
        let mut about = Vec::new();
        about.extend(self.sequence.map(|it| format!("SEQUENCE {it}")));
        if !self.instances.is_empty() {
            let mut instances = format!("only {}", self.instances.join(", "));
            if self.more_instances > 0 {
                instances += &format!(" and {} more", self.more_instances);
            }
            about.push(instances);
        }
        about.extend(self.participation.clone());
        match about.is_empty() {
            true => String::new(),
            false => format!(" ({})", about.join("; ")),
        }
    }

    /// The message and whom it is to or from.
    fn message(&self, preposition: &str) -> String {
        let method = self.method.as_deref().unwrap_or("message");
        let parties: Vec<&str> = self.parties.iter().map(|it| plain(it)).collect();
        let way = match self.way {
            Some(Way::Mail) => " by mail",
            _ => "",
        };
        let signed = match &self.sent_by {
            Some(deputy) => format!(", sent by {}", plain(deputy)),
            None => String::new(),
        };
        format!(
            "{method}{way} {preposition} {}{signed}{}",
            parties.join(", "),
            self.about()
        )
    }

    fn outcome(&self) -> String {
        match &self.status {
            Some(status) => format!("; {status} {}", status_meaning(status)),
            None => String::new(),
        }
    }
}

/// A line for people, without its rule.
impl fmt::Display for LogLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, outcome) = (&self.reason, self.outcome());
        let parties = || -> String {
            let parties: Vec<&str> = self.parties.iter().map(|it| plain(it)).collect();
            parties.join(", ")
        };
        match self.verdict {
            Verdict::Sent | Verdict::Fared => {
                write!(out, "{}: {reason}{outcome}", self.message("to"))
            }
            Verdict::Followed => write!(out, "{} {reason}", parties()),
            // nobody knows to whom
            Verdict::NotSent if self.parties.is_empty() => write!(out, "not sent: {reason}"),
            Verdict::NotSent => write!(out, "nothing to {}: {reason}", parties()),
            Verdict::Undeliverable => write!(out, "no way to {}: {reason}{outcome}", parties()),
            Verdict::NoMessages => write!(out, "no messages: {reason}"),
            Verdict::NotScheduled => write!(out, "not scheduled: {reason}"),
            Verdict::Adjusted => write!(out, "not stored as it was sent: {reason}"),
            Verdict::Created => write!(out, "{}: put into the calendar", self.message("from")),
            Verdict::Updated => write!(out, "{}: applied", self.message("from")),
            Verdict::AppliedAfterAll => write!(
                out,
                "{}: applied after all, because {reason}",
                self.message("from")
            ),
            Verdict::Removed => write!(out, "{}: the event was removed", self.message("from")),
            Verdict::Noted => write!(out, "{}: left in the inbox", self.message("from")),
            Verdict::NotApplied => write!(
                out,
                "{}: not applied, because {reason}{outcome}",
                self.message("from")
            ),
            Verdict::ForTheUser => write!(
                out,
                "{}: waits for a decision, because {reason}{outcome}",
                self.message("from")
            ),
            Verdict::Unreadable => write!(out, "{reason}"),
            Verdict::UnknownDeputy | Verdict::Foreseen | Verdict::AnsweredByItself => {
                write!(out, "{}: {reason}", self.message("from"))
            }
        }
    }
}

/// An address for people.
fn plain(address: &str) -> &str {
    match address.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &address[7..],
        _ => address,
    }
}

/// As much of a text as is kept.
pub(super) fn bounded(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(MAXIMUM_TEXT_OCTETS)].to_owned()
}

fn bound(text: &mut String, octets: usize) {
    text.truncate(text.floor_char_boundary(octets));
}

/// What a SCHEDULE-STATUS says (RFC 6638 §3.2.9); of a list of codes the first counts.
pub fn status_meaning(status: &str) -> &'static str {
    match status.split(',').next().unwrap_or_default() {
        "1.0" => "on its way",
        "1.1" => "handed on, without knowing more",
        "1.2" => "delivered",
        "2.0" => "success",
        "2.3" => "a parameter was not understood and ignored",
        "3.1" => "a value in it cannot be",
        "3.7" => "nobody here has this address",
        "3.8" => "privileges are missing there",
        "3.10" => "it is too large",
        "3.11" => "something is missing in it",
        "3.13" => "it is about what cannot be scheduled here",
        "3.14" => "such messages are not understood here",
        "5.1" => "could not be delivered in time",
        "5.2" => "could not be delivered",
        "5.3" => "scheduling with this address is not possible",
        code if code.starts_with("1.") => "on its way",
        code if code.starts_with("2.") => "success",
        code if code.starts_with("3.") => "refused",
        _ => "failed",
    }
}
