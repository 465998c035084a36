//! What a message does to its recipient's copy (RFC 6638 §4, RFC 5546 §2.1.5).

mod add;
mod cancel;
mod cancellations;
mod counter;
mod decline_counter;
mod merge;
mod names;
mod order;
mod published;
mod refresh;
mod reply;
mod request;
mod sent;
mod zones;

use std::borrow::Cow;

use calendar::{CalendarObject, Component, Property};
use storage::{Timestamp, model::Principal};

use super::{
    Action, Addressee, Decision, Directory, Message, Method, Origin, Status,
    delegation::people_sent,
    directory::Person,
    entry::{NEEDS_ACTION, attendees, can_be_scheduled, participation},
};
pub use cancellations::Cancellations;
use names::with_local_names;
pub(super) use order::note_sent;

/// A message at its recipient's door.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The recipient's copy, by UID, in whichever of its calendars.
    pub copy: Option<&'a CalendarObject>,
    /// What the organizer called off before, if anything is known of that.
    pub called_off: Option<&'a Cancellations>,
    /// Of a question for what is not there: the SEQUENCE with which its sender, who was told of it, hears that it is off.
    pub removed: Option<u32>,
    /// The message.
    pub message: &'a Message,
    /// Of an answer: what waits for its sender, and takes back what they answer. They are out, or asked again.
    pub unheard: &'a [CalendarObject],
    /// The recipient.
    pub recipient: &'a Principal,
    /// Who is behind the addresses of message and copy. (The sender's directory will do for a
    /// message from here; addresses that it does not know are compared as they are.)
    pub directory: &'a Directory,
    /// The moment.
    pub now: Timestamp,
}

/// What becomes of the recipient's copy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum CopyChange {
    /// A new object in the default calendar.
    Create(CalendarObject),
    /// The copy becomes this, where it stands.
    Replace(CalendarObject),
    /// The copy goes.
    Remove,
    /// The copy, or its absence, stays.
    Unchanged,
}

/// What else a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// Nothing.
    Nothing,
    /// Its sender is to be told all of the meeting again: [`super::tell_again`].
    TellSender,
    /// The sender answered an older version and is to be told the newest, once: [`super::tell_newest`].
    TellNewest,
    /// Its sender is to be told that there is no such meeting any more: [`super::tell_removed`].
    TellRemoved {
        /// SEQUENCE of that.
        sequence: u32,
    },
    /// The organizer is to be asked for all of the meeting: [`super::ask_organizer`].
    AskOrganizer,
    /// The organizer is to be told again what the recipient has answered: [`super::answer_again`].
    AnswerAgain,
}

/// What a message did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// To the copy.
    pub copy: CopyChange,
    /// Whether the message is left in the inbox.
    pub inbox_item: bool,
    /// What the sender's object says of this recipient.
    pub status: Status,
    /// Whether the copy gets a new Schedule-Tag (RFC 6638 §3.2.10); a new copy always does.
    pub schedule_tag_changes: bool,
    /// What else is to be done.
    pub follow_up: FollowUp,
    /// The participation of somebody changed in the organizer's copy: [`super::refresh`] with it.
    pub refresh_others: bool,
    /// An answer brought somebody into the organizer's object, or out of it: [`super::pass_on`] with it.
    pub attendees_changed: bool,
    /// What the message says of the recipient's answer is not what the copy says of it:
    /// [`super::with_known_answers`] of the sender's object and the copy.
    pub answer_differs: bool,
    /// Why.
    pub decisions: Vec<Decision>,
}

impl Receipt {
    /// The message was delivered, and changes nothing.
    pub fn unchanged() -> Receipt {
        Receipt {
            copy: CopyChange::Unchanged,
            inbox_item: false,
            status: Status::DELIVERED,
            schedule_tag_changes: false,
            follow_up: FollowUp::Nothing,
            refresh_others: false,
            attendees_changed: false,
            answer_differs: false,
            decisions: Vec::new(),
        }
    }
}

/// Why a message changes nothing.
struct Declined {
    status: Status,
    reason: &'static str,
    /// What the user can do about it, where only the user can tell: it is kept in the inbox then, with the reason.
    actions: &'static [Action],
    /// What would help.
    follow_up: FollowUp,
}

impl Declined {
    fn silently(status: Status, reason: &'static str) -> Declined {
        Declined {
            status,
            reason,
            actions: &[],
            follow_up: FollowUp::Nothing,
        }
    }

    /// What came before is missing here: the organizer is to be asked for all of it.
    fn asking(reason: &'static str) -> Declined {
        Declined {
            follow_up: FollowUp::AskOrganizer,
            ..Declined::silently(Status::DELIVERED, reason)
        }
    }

    fn for_the_user(status: Status, reason: &'static str, actions: &'static [Action]) -> Declined {
        Declined {
            actions,
            ..Declined::silently(status, reason)
        }
    }

    /// An invitation was sent after what called it off, and comes before it by SEQUENCE.
    fn after_its_cancellation() -> Declined {
        Declined::for_the_user(
            Status::DELIVERED,
            "it was called off with a higher SEQUENCE, and sent after that",
            &[Action::TakeOver, Action::Dismiss],
        )
    }

    /// Of what two parts of a message come to: what only the user can decide is told before what nobody need look at, and
    /// what would help with either is done.
    fn and(self, other: Declined) -> Declined {
        let follow_up = match self.follow_up {
            FollowUp::Nothing => other.follow_up,
            helps => helps,
        };
        let told = match self.is_for_the_user() {
            true => self,
            false => other,
        };
        Declined { follow_up, ..told }
    }

    fn is_for_the_user(&self) -> bool {
        !self.actions.is_empty()
    }

    /// For the log, and for people.
    fn decision(&self, message: &Message) -> Decision {
        let (method, sender, reason) = (
            message.method,
            message.sender.clone(),
            self.reason.to_owned(),
        );
        match self.is_for_the_user() {
            true => Decision::ForTheUser {
                method,
                sender,
                reason,
                actions: self.actions.to_vec(),
            },
            false => Decision::NotApplied {
                method,
                sender,
                reason,
            },
        }
    }

    /// The copy stays as it is.
    fn receipt(self, message: &Message) -> Receipt {
        let decision = self.decision(message);
        Receipt {
            inbox_item: self.is_for_the_user(),
            status: self.status,
            follow_up: self.follow_up,
            decisions: vec![decision],
            ..Receipt::unchanged()
        }
    }
}

/// Decides what a message does.
pub fn receive(incoming: &Incoming<'_>) -> Receipt {
    let mut message = Cow::Borrowed(incoming.message);
    for meant in [with_whole, as_asked, with_local_names] {
        let changed = meant(&Incoming {
            message: &message,
            ..*incoming
        });
        if let Some(changed) = changed {
            message = Cow::Owned(changed);
        }
    }
    let mut receipt = decide(&Incoming {
        message: &message,
        ..*incoming
    });
    // what its recipient answered may be hidden from the rules, and known to its sender
    if receipt.follow_up == FollowUp::AnswerAgain && !asks_for_answer(incoming) {
        receipt.follow_up = FollowUp::Nothing;
    }
    receipt
}

/// Whether a message says that its sender has no answer of the recipient's, or asks for it.
fn asks_for_answer(incoming: &Incoming<'_>) -> bool {
    let message = incoming.message;
    let mut own = message
        .entries()
        .filter_map(|entry| request::own_line(incoming, entry));
    message.method == Method::Refresh || own.any(|line| participation(line) == NEEDS_ACTION)
}

/// What is told of single instances of a meeting to somebody whose copy is gone, as all that they are told of it.
fn with_whole(incoming: &Incoming<'_>) -> Option<Message> {
    let whole = incoming.message.whole.as_ref();
    let whole = whole.filter(|_| incoming.copy.is_none())?;
    Some(Message {
        object: (**whole).clone(),
        whole: None,
        ..incoming.message.clone()
    })
}

/// What somebody elsewhere asks of a room or resource that answers by itself. What its organizer believes that it
/// answered may be of another time, or taken back since: only the room knows, and taken over it would let the room
/// be booked twice. (Of an organizer here, nobody believes what the copy does not say: [`request::knows_answers`].)
fn as_asked(incoming: &Incoming<'_>) -> Option<Message> {
    let Incoming {
        message, recipient, ..
    } = incoming;
    let is_asked = matches!(message.method, Method::Request | Method::Add);
    if message.origin != Origin::Mail || !is_asked || !recipient.answers_by_itself() {
        return None;
    }
    let mut message = (*message).clone();
    let lines = message
        .object
        .entries_mut()
        .flat_map(Component::properties_mut);
    for line in lines.filter(|line| line.is("ATTENDEE") && request::is_recipient(incoming, line)) {
        line.remove_parameter("PARTSTAT");
    }
    Some(message)
}

fn decide(incoming: &Incoming<'_>) -> Receipt {
    let method = incoming.message.method;
    let is_meeting = can_be_scheduled(&incoming.message.object);
    let result = check_sender(incoming).and_then(|()| match method {
        _ if !is_meeting => published::receive(incoming),
        Method::Publish => published::receive(incoming),
        Method::Request => request::receive(incoming),
        Method::Cancel => cancel::receive(incoming),
        Method::Reply => reply::receive(incoming),
        Method::Add => add::receive(incoming),
        Method::Refresh => refresh::receive(incoming),
        Method::Counter => counter::receive(incoming),
        Method::DeclineCounter => decline_counter::receive(incoming),
    });
    let result = result.and_then(|receipt| match incoming.called_off {
        Some(called_off) if matches!(method, Method::Request | Method::Add) => {
            called_off.call_off(incoming, receipt)
        }
        _ => Ok(receipt),
    });
    let mut receipt = result.unwrap_or_else(|declined| declined.receipt(incoming.message));
    // what only shows others' answers is for nobody to look at
    receipt.inbox_item &= !incoming.message.is_refresh || receipt.schedule_tag_changes;
    if receipt.follow_up == FollowUp::AskOrganizer && !is_organizer_elsewhere(incoming) {
        receipt.follow_up = FollowUp::Nothing;
    }
    receipt.decisions.extend(unknown_deputy(incoming));
    receipt
}

/// Who is here tells without being asked.
fn is_organizer_elsewhere(incoming: &Incoming<'_>) -> bool {
    let Incoming {
        message, directory, ..
    } = incoming;
    *directory.get(&message.sender) == Addressee::Remote
}

/// Only the organizer, or who signs for the organizer, may speak for the meeting (RFC 6047 §3; RFC 5546 §6.1.1), whatever
/// way it comes by, and who was the organizer so far may name another one. What an attendee says of it, who sends the
/// recipient in their place, may be true, and is for the recipient to look at. For attendees the methods look for
/// themselves: they speak in one component or another.
fn check_sender(incoming: &Incoming<'_>) -> Result<(), Declined> {
    let Incoming {
        message, directory, ..
    } = incoming;
    if !message.method.is_from_organizer() {
        return Ok(());
    }
    let organizers = || {
        let entries = message.entries();
        entries.filter_map(|entry| entry.raw_value("ORGANIZER"))
    };
    if organizers().any(|it| directory.is(it, incoming.recipient.id)) {
        let reason = "it is the recipient's own meeting";
        return Err(Declined::silently(Status::DELIVERED, reason));
    }
    let speaks = organizers().all(|it| directory.same_person(it, &message.sender));
    if speaks || request::is_handed_over(incoming) {
        return Ok(());
    }
    let is_sent_by_sender = |line: &Property| {
        let people = people_sent(line, directory);
        directory.same_person(line.raw_value(), &message.sender)
            && people.contains_key(&Person::Local(incoming.recipient.id))
    };
    let mut lines = message.entries().flat_map(attendees);
    let (status, reason) = match lines.any(is_sent_by_sender) {
        true => (
            Status::DELIVERED,
            "an attendee sends the recipient in their place, and is not the organizer",
        ),
        false => (
            Status::NOT_ALLOWED,
            "the sender is neither the organizer nor signs for the organizer",
        ),
    };
    let actions = &[Action::TakeOver, Action::Dismiss];
    Err(Declined::for_the_user(status, reason, actions))
}

/// Who signed the message for its sender is kept as it is; a note says where nobody here knows of such a
/// right.
fn unknown_deputy(incoming: &Incoming<'_>) -> Option<Decision> {
    let Incoming {
        message, directory, ..
    } = incoming;
    let people = message.entries().flat_map(Component::properties);
    let mut people = people.filter(|line| matches!(line.name(), "ORGANIZER" | "ATTENDEE"));
    let sender = people.find(|line| directory.same_person(line.raw_value(), &message.sender))?;
    let sent_by = sender.parameter("SENT-BY")?;
    (!directory.may_speak_for(&message.sender, &sent_by)).then(|| Decision::UnknownDeputy {
        method: message.method,
        sender: message.sender.clone(),
        sent_by: sent_by.into_owned(),
    })
}
