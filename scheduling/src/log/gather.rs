//! What the engine decided, as lines of a log.

use std::collections::HashMap;

use bytes::Bytes;
use calendar::{CalendarObject, Component, Property};
use storage::model::Booking;

use super::line::{LogLine, MAXIMUM_INSTANCES, Verdict, Way, bounded};
use crate::{
    engine::{CopyChange, Decision, Message, Method, Origin, Plan, Receipt, Status, normalise},
    parse_stored,
};

/// How many of the last lines a new one may have the same to say as.
const LOOKED_BACK: usize = 8;

/// Lines that grow: what holds for several people is said once.
#[derive(Default)]
pub(crate) struct Lines(Vec<LogLine>);

impl Lines {
    /// Adds a line, or its parties to one that says the same.
    pub fn push(&mut self, line: LogLine) {
        let last = self.0.iter_mut().rev().take(LOOKED_BACK);
        match last
            .filter(|it| !it.parties.is_empty())
            .find(|it| it.is_same_for_others(&line))
        {
            Some(same) => same.parties.extend(line.parties),
            None => self.0.push(line),
        }
    }

    /// Adds several.
    pub fn extend(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        lines.into_iter().for_each(|line| self.push(line));
    }

    /// All of them.
    pub fn lines(&self) -> &[LogLine] {
        &self.0
    }

    /// The same.
    pub fn into_lines(self) -> Vec<LogLine> {
        self.0
    }
}

/// What a message is about.
#[derive(Clone, Default)]
pub(crate) struct About {
    sequence: Option<u32>,
    instances: Vec<String>,
    more_instances: usize,
    participation: Option<String>,
    sent_by: Option<String>,
}

impl About {
    /// Of a message of this method.
    pub fn of(method: &str, object: &CalendarObject) -> About {
        About::signed_by(method, object, |_| true)
    }

    /// Of a message, of whose people the sender is one.
    fn of_message(message: &Message) -> About {
        let sender = normalise(&message.sender);
        let is_sender = |line: &Property| normalise(line.raw_value()) == sender;
        About::signed_by(message.method.as_str(), &message.object, is_sender)
    }

    fn signed_by(
        method: &str,
        object: &CalendarObject,
        is_sender: impl Fn(&Property) -> bool,
    ) -> About {
        let names_series = object.entries().any(|entry| !is_instance(entry));
        // what it says of all of the event has the number of that
        let named = object
            .entries()
            .filter(|entry| !names_series || !is_instance(entry));
        let sequences = named.map(|entry| {
            let sequence = entry.raw_value("SEQUENCE");
            sequence.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
        });
        let sequence = sequences.max();
        let instances = object
            .entries()
            .filter_map(|entry| entry.raw_value("RECURRENCE-ID"));
        let mut instances: Vec<String> = match names_series {
            true => Vec::new(),
            false => instances.map(bounded).collect(),
        };
        let more_instances = instances.len().saturating_sub(MAXIMUM_INSTANCES);
        instances.truncate(MAXIMUM_INSTANCES);
        let is_from_organizer = Method::parse(method).is_none_or(Method::is_from_organizer);
        let sender = match is_from_organizer {
            true => "ORGANIZER",
            false => "ATTENDEE",
        };
        let mut senders = object.entries().flat_map(Component::properties);
        let sender = senders.find(|line| line.is(sender) && is_sender(line));
        let parameter = |name| sender.and_then(|line| line.parameter(name));
        About {
            sequence,
            instances,
            more_instances,
            participation: parameter("PARTSTAT")
                .filter(|_| method == Method::Reply.as_str())
                .map(|it| bounded(&it)),
            sent_by: parameter("SENT-BY").map(|it| bounded(&it)),
        }
    }

    /// A line about the message.
    pub fn line(self, verdict: Verdict, method: &str, party: &str, reason: &str) -> LogLine {
        LogLine {
            method: Some(method.to_owned()),
            parties: vec![bounded(party)],
            sent_by: self.sent_by,
            sequence: self.sequence,
            instances: self.instances,
            more_instances: self.more_instances,
            participation: self.participation,
            ..LogLine::of(verdict, reason)
        }
    }
}

fn is_instance(entry: &Component) -> bool {
    entry.property("RECURRENCE-ID").is_some()
}

/// What a plan sends, by method and address.
type Messages<'a> = HashMap<(&'a str, &'a str), (Way, About)>;

/// What was decided about a change, and how far its messages came at once: `outcomes` by address.
pub(crate) fn of_plan(plan: &Plan, outcomes: &[(String, Status)]) -> Vec<LogLine> {
    if plan.decisions.is_empty() {
        return Vec::new();
    }
    let known = outcomes.iter().chain(&plan.statuses);
    let statuses: HashMap<String, &Status> = known
        .map(|(address, status)| (normalise(address), status))
        .collect();
    let messages = messages(plan);
    let mut lines = Lines::default();
    for decision in &plan.decisions {
        let mut line = of_decision(decision);
        if let Decision::Sent {
            method, recipient, ..
        } = decision
        {
            let (way, about) = match messages.get(&(method.as_str(), recipient.as_str())) {
                Some((way, about)) => (Some(*way), about.clone()),
                None => (None, About::default()),
            };
            let status = statuses.get(&normalise(recipient)).copied();
            let status = status.or((way == Some(Way::Mail)).then_some(&Status::PENDING));
            line = LogLine {
                way,
                status: status.map(|status| status.as_str().to_owned()),
                ..about.line(Verdict::Sent, method.as_str(), recipient, &line.reason)
            };
        }
        lines.push(line);
    }
    lines.into_lines()
}

fn messages(plan: &Plan) -> Messages<'_> {
    let mut messages = Messages::new();
    for delivery in plan.deliveries.iter().filter(|it| !it.message.is_refresh) {
        let method = delivery.message.method.as_str();
        let about = About::of(method, &delivery.message.object);
        messages.insert((method, &delivery.address), (Way::Local, about));
    }
    // Most mails of a change say the same.
    let mut last: Option<(&[u8], About)> = None;
    for mail in &plan.mails {
        let about = match &last {
            Some((octets, about)) if **octets == mail.calendar => about.clone(),
            _ => parse_stored(Bytes::copy_from_slice(&mail.calendar))
                .map(|object| About::of(&mail.method, &object))
                .unwrap_or_default(),
        };
        last = Some((&mail.calendar, about.clone()));
        messages.insert((&mail.method, &mail.recipient), (Way::Mail, about));
    }
    messages
}

/// A decision alone.
fn of_decision(decision: &Decision) -> LogLine {
    let to = |verdict, party: &str, reason: &str| LogLine {
        parties: vec![bounded(party)],
        ..LogLine::of(verdict, reason)
    };
    let with_method = |method: &Method, line| LogLine {
        method: Some(method.as_str().to_owned()),
        ..line
    };
    match decision {
        Decision::Sent {
            method,
            recipient,
            reason,
        } => with_method(method, to(Verdict::Sent, recipient, reason)),
        Decision::NotSent { recipient, reason } => to(Verdict::NotSent, recipient, reason),
        Decision::Undeliverable {
            recipient,
            status,
            reason,
        } => LogLine {
            status: Some(status.as_str().to_owned()),
            ..to(Verdict::Undeliverable, recipient, reason)
        },
        Decision::NoMessages(reason) => LogLine::of(Verdict::NoMessages, reason),
        Decision::NotScheduled(why) => LogLine::of(Verdict::NotScheduled, why),
        Decision::Changed(what) => LogLine::of(Verdict::Adjusted, what),
        Decision::NotApplied {
            method,
            sender,
            reason,
        } => with_method(method, to(Verdict::NotApplied, sender, reason)),
        Decision::ForTheUser {
            method,
            sender,
            reason,
            ..
        } => with_method(method, to(Verdict::ForTheUser, sender, reason)),
        Decision::UnknownDeputy {
            method,
            sender,
            sent_by,
        } => {
            let reason = format!("{sent_by} is not known to act for them");
            with_method(method, to(Verdict::UnknownDeputy, sender, &reason))
        }
    }
}

/// How a room that has this mode for the organizer answers what it is asked, or would: what it says of coming in its copy;
/// `None` where a person is to answer. `is_room` knows its addresses.
pub(crate) fn of_rooms_answer(
    verdict: Verdict,
    mode: Booking,
    asked: &CalendarObject,
    answered: Option<&CalendarObject>,
    is_room: impl Fn(&str) -> bool,
) -> Vec<LogLine> {
    let room = |entry: &'_ Component| -> Option<Property> {
        let mut attendees = entry.properties_named("ATTENDEE");
        attendees.find(|line| is_room(line.raw_value())).cloned()
    };
    let reply = |room: &Property, reason: &str| LogLine {
        method: Some(Method::Reply.as_str().to_owned()),
        way: Some(Way::Local),
        parties: vec![bounded(room.raw_value())],
        ..LogLine::of(verdict, &format!("{reason} ({})", mode.as_str()))
    };
    let Some(answered) = answered else {
        let room = asked.entries().find_map(room);
        let line = room.map(|room| reply(&room, "a person is to answer for it"));
        return line.into_iter().collect();
    };
    let mut lines: Vec<LogLine> = Vec::new();
    for entry in answered.entries() {
        let Some(room) = room(entry) else {
            continue;
        };
        let participation = room.parameter("PARTSTAT").map(|it| bounded(&it));
        let instance = entry.raw_value("RECURRENCE-ID").map(bounded);
        let known = lines
            .iter_mut()
            .find(|line| line.participation == participation);
        match (known, instance) {
            // What holds for the series holds for its instances, too.
            (Some(line), Some(_)) if line.instances.is_empty() => {}
            (Some(line), Some(instance)) => {
                line.instances.push(instance);
                if line.instances.len() > MAXIMUM_INSTANCES {
                    line.instances.pop();
                    line.more_instances += 1;
                }
            }
            (Some(line), None) => line.instances.clear(),
            (None, instance) => lines.push(LogLine {
                participation,
                instances: instance.into_iter().collect(),
                ..reply(&room, "it answers by itself")
            }),
        }
    }
    lines
}

/// What a message that came in did.
pub(crate) fn of_receipt(message: &Message, receipt: &Receipt) -> Vec<LogLine> {
    let method = message.method.as_str();
    let about = About::of_message(message);
    let way = match message.origin {
        Origin::Mail => Way::Mail,
        Origin::Here | Origin::Queue => Way::Local,
    };
    let mut lines: Vec<LogLine> = Vec::with_capacity(1);
    let is_applied = receipt.copy != CopyChange::Unchanged;
    let mut is_declined = false;
    for decision in &receipt.decisions {
        let line = of_decision(decision);
        is_declined |=
            !is_applied && matches!(line.verdict, Verdict::NotApplied | Verdict::ForTheUser);
        lines.push(LogLine {
            way: Some(way),
            status: is_declined.then(|| receipt.status.as_str().to_owned()),
            ..about
                .clone()
                .line(line.verdict, method, &message.sender, &line.reason)
        });
    }
    if !is_declined {
        let (verdict, reason) = match receipt.copy {
            CopyChange::Create(_) => (Verdict::Created, "a new meeting"),
            CopyChange::Replace(_) if message.has_waited => {
                (Verdict::AppliedAfterAll, "an attendee sends them")
            }
            CopyChange::Replace(_) => (Verdict::Updated, "news of the meeting"),
            CopyChange::Remove => (Verdict::Removed, "the meeting is off"),
            CopyChange::Unchanged => (Verdict::Noted, "nothing in the calendar is to change"),
        };
        let line = LogLine {
            way: Some(way),
            status: Some(receipt.status.as_str().to_owned()),
            ..about.line(verdict, method, &message.sender, reason)
        };
        lines.insert(0, line);
    }
    lines
}
