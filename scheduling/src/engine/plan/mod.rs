//! What a change of a calendar object means for everybody in it.

mod again;
mod answer;
mod attendee;
mod audience;
mod completion;
mod dormant;
mod dropped;
mod edit;
mod merge;
mod notice;
mod organizer;
mod outbox;
mod proposal;
mod removal;
mod roster;

pub(super) use completion::member_line;
pub(super) use outbox::{common_name, mail_address_of};

use std::{collections::BTreeSet, sync::Arc};

use calendar::{CalendarObject, Component, Property};
use storage::{Timestamp, model::Principal};

use super::{
    Decision, Directory, Fault, LastTold, Message, Role, Status,
    entry::attendees,
    role::{role, why_not_scheduled},
};
use crate::mail::OutgoingMessage;

/// A change of one calendar object resource, with all that the rules may know.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What is stored, if anything.
    pub before: Option<&'a CalendarObject>,
    /// What is stored came here without being scheduled (an import, a migration, a copy of a calendar), so
    /// that nobody was told of it from here.
    pub is_dormant: bool,
    /// What is asked for; `None` removes.
    pub after: Option<&'a CalendarObject>,
    /// The owner of the calendar.
    pub owner: &'a Principal,
    /// Who acts for the owner, where it is somebody else (and not an administrator).
    pub acting: Option<&'a Principal>,
    /// Who is behind the [`super::addresses`] of `before` and `after`.
    pub directory: &'a Directory,
    /// The copy of the principal that [`super::organizer_to_load`] named, by UID; `None` where there is none.
    pub organizer_copy: Option<&'a CalendarObject>,
    /// What others were told last in the owner's name of a meeting with this UID: of one that is not there any more, or
    /// that was brought back from before that.
    pub last_told: Option<&'a LastTold>,
    /// The moment.
    pub now: Timestamp,
    /// RFC 6638 §8.1: `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
    /// If-Schedule-Tag-Match was given and held: what others answered meanwhile is kept (RFC 6638 §3.2.10.1).
    pub schedule_tag_matched: bool,
    /// Mail can be sent.
    pub mail_possible: bool,
}

impl<'a> Change<'a> {
    /// What the server does for an owner by itself: nobody acts, nothing is there, and nothing is asked for. What is
    /// otherwise in a change is set beside it.
    pub fn of(
        owner: &'a Principal,
        directory: &'a Directory,
        now: Timestamp,
        mail_possible: bool,
    ) -> Change<'a> {
        Change {
            before: None,
            is_dormant: false,
            after: None,
            owner,
            acting: None,
            directory,
            organizer_copy: None,
            last_told: None,
            now,
            schedule_reply: true,
            schedule_tag_matched: false,
            mail_possible,
        }
    }

    /// The calendar user address of who acts for the owner: SENT-BY. Who has none signs nothing.
    fn sent_by(&self) -> Option<&'a str> {
        self.acting?.addresses.first().map(String::as_str)
    }
}

/// A message to somebody on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose copy (by the message's UID, in any of that principal's calendars) and inbox it is for. It
    /// has a home and a default calendar.
    pub recipient: Arc<Principal>,
    /// The recipient's address as it stands in the sender's object.
    pub address: String,
    /// The message.
    pub message: Message,
}

/// What a change comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be stored, before [`super::settle`]; `None` removes. Compare its octets with those
    /// that were sent to know whether an ETag may be answered.
    pub object: Option<CalendarObject>,
    /// The owner's part in it (in what was there, for a removal).
    pub role: Role,
    /// Messages to people here; each goes through [`super::receive`].
    pub deliveries: Vec<Delivery>,
    /// Messages to people elsewhere, for the mail queue.
    pub mails: Vec<OutgoingMessage>,
    /// Statuses that are known already, by the address as in the object: mails on their way, people
    /// that cannot be reached.
    pub statuses: Vec<(String, Status)>,
    /// Those with a parameter on their lines that means nothing (RFC 6638 §7.2), by the address as in the object.
    pub ignored: BTreeSet<String>,
    /// The mail that tells the owner what somebody else sent in the owner's name.
    pub notice: Option<OutgoingMessage>,
    /// Why.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// Whether `object` is a scheduling object resource (RFC 6638 §3.1), and so has a Schedule-Tag.
    /// Each change that is planned here comes by HTTP and gives it a new one (RFC 6638 §3.2.10).
    pub fn is_scheduling_object(&self) -> bool {
        self.object.is_some() && self.role != Role::None
    }
}

pub use again::{
    answer_again, ask_organizer, tell_after_all, tell_again, tell_newest, tell_removed,
};
pub use outbox::with_what_must_be_there;
pub use proposal::decline_counter;

/// Decides what a change comes to (RFC 6638 §3.2.3: which operation it is).
///
/// # Errors
/// A precondition of RFC 6638 §3.2.4 does not hold.
pub fn plan(change: &Change<'_>) -> Result<Plan, Fault> {
    let plan = decide(change)?;
    Ok(Plan {
        notice: notice::notice(change, &plan),
        ..plan
    })
}

/// Tells those who came into the owner's object by an answer of somebody else, or went out of it: from `before` to
/// `after` of the change nothing else is said to anybody, and nothing but statuses is to be written
/// ([`super::settle`]).
pub fn pass_on(change: &Change<'_>) -> Plan {
    match (change.before, change.after) {
        (Some(before), Some(after)) => organizer::pass_on(change, before, after),
        _ => plain(change.after),
    }
}

/// All of it but the notice to the owner.
fn decide(change: &Change<'_>) -> Result<Plan, Fault> {
    // what is stored was let in by these rules; where it was not, it is nobody's meeting
    let before = change.before.map(|before| {
        (
            before,
            role(before, change.owner.id, change.directory).unwrap_or(Role::None),
        )
    });
    let Some(after) = change.after else {
        return Ok(match before.filter(|_| !change.is_dormant) {
            Some((before, Role::Organizer)) => removal::remove(change, before, None),
            Some((before, Role::Attendee)) => attendee::remove(change, before),
            _ => plain(None),
        });
    };
    let after_role = role(after, change.owner.id, change.directory)?;
    if let Some(before) = before.filter(|(_, role)| change.is_dormant && *role != Role::None)
        && !dormant::wakes_up(change, before, (after, after_role))
    {
        let reason = "it came here without being scheduled, and neither when it is, who is invited nor an answer changed";
        return Ok(Plan {
            decisions: vec![Decision::NoMessages(reason.to_owned())],
            ..plain(Some(after))
        });
    }
    match (before, after_role) {
        (Some((before, Role::Organizer)), Role::Organizer) => {
            organizer::store(change, Some(before), after)
        }
        (Some((_, Role::Organizer)), Role::Attendee) => {
            Err(Fault::OrganizerChange("ORGANIZER became somebody else"))
        }
        (Some((before, Role::Organizer)), Role::None) => release(change, before, after),
        (Some((_, Role::Attendee)), Role::Organizer) => {
            Err(Fault::AttendeeChange("the owner is not the organizer"))
        }
        (Some((before, Role::Attendee)), _) => attendee::store(change, before, after, after_role),
        (_, Role::Organizer) => organizer::store(change, None, after),
        (_, Role::Attendee) => attendee::create(change, after),
        (_, Role::None) => Ok(not_scheduled(after)),
    }
}

/// Writes on ORGANIZER or ATTENDEE who acted for that person. (An address that no line can carry is no
/// calendar user address; nobody signs then.)
fn sign(line: &mut Property, address: &str) {
    let _ = line.set_parameter("SENT-BY", address);
}

/// Writes who acts for the organizer on a message that is made of what was stored before.
fn sign_organizer(change: &Change<'_>, mut message: Message) -> Message {
    let sent_by = change.sent_by();
    let people = message
        .object
        .entries_mut()
        .flat_map(Component::properties_mut);
    for line in people.filter(|line| line.is("ORGANIZER")) {
        match sent_by {
            Some(address) => sign(line, address),
            None => {
                line.remove_parameter("SENT-BY");
            }
        }
    }
    message
}

/// "Servers MUST NOT preserve this property parameter" (RFC 6638 §7.2).
fn without_force_send(mut object: CalendarObject) -> CalendarObject {
    const FORCE_SEND: &str = "SCHEDULE-FORCE-SEND";
    let forces = |line: &Property| {
        matches!(line.name(), "ORGANIZER" | "ATTENDEE") && line.parameter(FORCE_SEND).is_some()
    };
    // looked for first: an object that nobody edits keeps its octets without being printed again
    if object.entries().flat_map(Component::properties).any(forces) {
        for line in object
            .entries_mut()
            .flat_map(Component::properties_mut)
            .filter(|line| forces(line))
        {
            line.remove_parameter(FORCE_SEND);
        }
    }
    object
}

/// No scheduling object resource, before or after.
fn plain(after: Option<&CalendarObject>) -> Plan {
    Plan {
        object: after.cloned(),
        role: Role::None,
        deliveries: Vec::new(),
        mails: Vec::new(),
        statuses: Vec::new(),
        ignored: BTreeSet::new(),
        notice: None,
        decisions: Vec::new(),
    }
}

/// What is no scheduling object resource of the owner's, and why nobody hears of it.
fn not_scheduled(after: &CalendarObject) -> Plan {
    let why = why_not_scheduled(after).map(str::to_owned);
    Plan {
        decisions: why.map(Decision::NotScheduled).into_iter().collect(),
        ..plain(Some(after))
    }
}

/// The organizer's meeting becomes a plain event: "Remove" (RFC 6638 §3.2.3.1).
fn release(
    change: &Change<'_>,
    before: &CalendarObject,
    after: &CalendarObject,
) -> Result<Plan, Fault> {
    if after
        .entries()
        .any(|entry| entry.property("ORGANIZER").is_some())
    {
        return Err(Fault::OrganizerChange("ORGANIZER became somebody else"));
    }
    if after
        .entries()
        .any(|entry| attendees(entry).next().is_some())
    {
        return Err(Fault::OrganizerChange(
            "attendees remain without an ORGANIZER",
        ));
    }
    Ok(removal::remove(change, before, Some(after)))
}
