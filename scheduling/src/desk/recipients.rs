//! The people here who hear of a change: what they have, what the messages make of it, and how that
//! gets into the change's own commit.

mod loading;
mod writing;

use std::{collections::BTreeMap, sync::Arc};

use calendar::{CalendarObject, Component};
use storage::{
    Resolution, Stored, Timestamp,
    model::{Attachment, Collection, CollectionId, CollectionKind, Principal, PrincipalId},
};

use super::{
    Desk, booking::Asked, collection::takes_component, copy::Copies, outstanding::Outstanding,
};
use crate::{
    Classification, Refusal,
    engine::{
        self, Action, Addressee, Cancellations, CopyChange, Decision, Delivery, Directory,
        Incoming, Message, Method, Receipt, Role, Status,
    },
    log::{self, Lines, LogLine, Verdict},
};

/// One of them, with all that a message may touch.
struct Recipient {
    principal: Arc<Principal>,
    inbox: Resolution,
    /// Whether the sender may deliver invitations here, and replies (RFC 6638 §6.1).
    may_invite: bool,
    may_reply: bool,
    /// Where something new comes to stand (RFC 6638 §4.3).
    calendar_for_new: Option<Stored<Collection>>,
    /// The octets by which the home may still grow, where there is a quota. Deliveries that come at the
    /// same moment do not see each other's.
    room: Option<u64>,
    copies: Copies,
    /// What the organizer of a message from outside called off before.
    called_off: Option<Cancellations>,
    /// The SEQUENCE with which who asks for what is not there hears that it is off.
    removed: Option<u32>,
    /// The copy as the messages so far have left it.
    object: Option<CalendarObject>,
    is_changed: bool,
    new_schedule_tag: bool,
    /// Something came that makes the copy a scheduling object; an answer does not.
    is_scheduled: bool,
    /// The delegates who are to see invitations.
    delegates: Vec<Reader>,
    /// The recipient leaves invitations to them.
    leaves_invitations: bool,
    inbox_items: Vec<InboxItem>,
    /// It is a room or resource that answers by itself, and is asked something.
    is_asked: bool,
    /// The copy knows nothing of an answer that the sender's object has.
    answer_differs: bool,
    /// What was decided about the messages.
    log: Lines,
    /// Whether everybody who sees the calendar may see all of what they are about.
    is_public: bool,
}

/// A delegate who is to see invitations.
struct Reader {
    inbox: Resolution,
    sees_private: bool,
}

/// A message that is left for somebody to look at.
struct InboxItem {
    method: Method,
    object: CalendarObject,
    /// Whether everybody who sees the calendar may see all of it: neither the message nor the copy says
    /// otherwise.
    is_public: bool,
}

/// Why nothing new comes in.
const NO_ROOM: &str = "the quota leaves no room for it (RFC 4331 §6)";
/// Why something new waits in the inbox.
const UID_IS_TAKEN: &str = "another event of the user's own has this UID (RFC 4791 §5.3.2.1)";

/// Whether somebody's home has no room for what comes to them: it is not refused for good, but waits (RFC 4331 §6).
pub(crate) fn finds_no_room(status: &Status) -> bool {
    *status == Status::UNAVAILABLE
}

/// Why it waits.
pub(crate) fn no_room() -> Refusal {
    Refusal::InsufficientStorage(NO_ROOM)
}

/// All of them, and what waits of those who send to them.
#[derive(Default)]
pub(crate) struct Recipients {
    people: BTreeMap<PrincipalId, Recipient>,
    outstanding: Vec<Outstanding>,
    /// What somebody has who is not among them yet, where that was read before.
    known: Option<Copies>,
}

impl Desk {
    /// Reads what the recipients of these deliveries have, and hands them the messages; how each fared, by its address.
    pub(crate) async fn receive_all(
        &self,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        deliveries: &[Delivery],
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        self.load_recipients(recipients, sender, deliveries).await?;
        let outcomes = deliveries.iter().map(|delivery| {
            let receipt = recipients.receive(delivery, directory, now);
            let status = receipt.map_or(Status::NO_WAY, |receipt| receipt.status);
            (delivery.address.clone(), status)
        });
        Ok(outcomes.collect())
    }
}

impl Recipients {
    /// Nobody yet; what one of them has was read already.
    pub fn knowing(known: Option<Copies>) -> Recipients {
        Recipients {
            known,
            ..Recipients::default()
        }
    }

    /// Hands a message to its recipient. `None` where there is nobody to take it.
    pub fn receive(
        &mut self,
        delivery: &Delivery,
        directory: &Directory,
        now: Timestamp,
    ) -> Option<Receipt> {
        let receipt = self.judge(delivery, directory, now)?;
        self.take(delivery, &receipt);
        Some(receipt)
    }

    /// What a message would do to its recipient; nothing of it is done. `None` where there is nobody to take it.
    pub fn judge(
        &self,
        delivery: &Delivery,
        directory: &Directory,
        now: Timestamp,
    ) -> Option<Receipt> {
        let recipient = self.people.get(&delivery.recipient.id)?;
        let receipt = recipient.effect_of(&Incoming {
            copy: recipient.object.as_ref(),
            called_off: recipient.called_off.as_ref(),
            removed: recipient.removed,
            message: &delivery.message,
            unheard: &self.unheard(delivery, directory),
            recipient: &recipient.principal,
            directory,
            now,
        });
        Some(recipient.with_room(receipt, &delivery.message))
    }

    /// What waits for who sends an answer, and takes back what they answer.
    fn unheard(&self, delivery: &Delivery, directory: &Directory) -> Vec<CalendarObject> {
        let Delivery {
            recipient, message, ..
        } = delivery;
        let sender = directory.local(&message.sender);
        let organizers = self.outstanding.iter();
        let mut organizers = organizers.filter(|it| Some(it.home()) == recipient.home);
        match (sender, organizers.next()) {
            (Some(sender), Some(outstanding)) if message.method == Method::Reply => {
                outstanding.unheard(sender.id).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Keeps a message for its recipient to look at, in the place of what it would do, if there is room.
    pub fn hold(&self, delivery: &Delivery, status: Status, reason: &str) -> Receipt {
        let message = &delivery.message;
        let held = hold(message, status, reason);
        match self.people.get(&delivery.recipient.id) {
            Some(recipient) => recipient.with_room(held, message),
            None => held,
        }
    }

    /// Lets a message do to its recipient what was found.
    pub fn take(&mut self, delivery: &Delivery, receipt: &Receipt) {
        let Some(recipient) = self.people.get_mut(&delivery.recipient.id) else {
            return;
        };
        let message = &delivery.message;
        recipient.take(receipt, message);
        // What others answered is no news that anybody asks about.
        if !message.is_refresh {
            recipient.log.extend(log::of_receipt(message, receipt));
            let after = recipient.object.as_ref();
            recipient.is_public &= Classification::is_public(&message.object)
                && after.is_none_or(Classification::is_public);
        }
    }

    /// These attachments, and those that the copies which were read refer to.
    fn attachments(&self, others: &[Attachment]) -> Vec<Attachment> {
        let copies = self.people.values();
        let meetings = copies.filter_map(|recipient| recipient.copies.meeting.as_ref());
        let theirs = meetings.flat_map(|copy| copy.stored.attachments());
        others.iter().chain(theirs).cloned().collect()
    }

    /// Recalls what was called off before for somebody.
    pub fn recall(&mut self, id: PrincipalId, called_off: Option<Cancellations>) {
        if let Some(recipient) = self.people.get_mut(&id) {
            recipient.called_off = called_off;
        }
    }

    /// Recalls that the sender of a message was told of what somebody has removed.
    pub fn recall_removed(&mut self, id: PrincipalId, sequence: Option<u32>) {
        if let Some(recipient) = self.people.get_mut(&id) {
            recipient.removed = sequence;
        }
    }

    /// Whether somebody's home has nothing with the UID of the message.
    pub fn has_nothing(&self, id: PrincipalId) -> bool {
        let recipient = self.people.get(&id);
        recipient.is_some_and(|recipient| recipient.copies.is_empty())
    }

    /// Puts another state in the place of somebody's copy, which is changed already.
    pub fn replace(&mut self, id: PrincipalId, object: CalendarObject) {
        if let Some(recipient) = self.people.get_mut(&id) {
            recipient.object = Some(object);
        }
    }

    /// The sender's object with what its recipients answered, by their copies; what that means is noted in `lines`.
    pub fn with_known_answers(
        &self,
        mut object: CalendarObject,
        directory: &Directory,
        lines: &mut Vec<LogLine>,
    ) -> CalendarObject {
        let recipients = self.people.values();
        for recipient in recipients.filter(|recipient| recipient.answer_differs) {
            let Some(copy) = &recipient.object else {
                continue;
            };
            let id = recipient.principal.id;
            if let Some(asked) = engine::with_known_answers(&object, copy, id, directory) {
                object = asked;
                let reason = "what stood here is not what this person answered (RFC 6638 §3.2.8)";
                lines.push(LogLine {
                    parties: recipient
                        .principal
                        .addresses
                        .first()
                        .cloned()
                        .into_iter()
                        .collect(),
                    ..LogLine::of(Verdict::Adjusted, reason)
                });
            }
        }
        object
    }

    /// Notes what follows for somebody from a message.
    pub fn note(&mut self, id: PrincipalId, lines: Vec<LogLine>) {
        if let Some(recipient) = self.people.get_mut(&id) {
            recipient.log.extend(lines);
        }
    }

    /// The rooms and resources that answer by themselves, and what they are asked.
    pub fn asked(&self) -> impl Iterator<Item = (&Arc<Principal>, Asked<'_>)> {
        let asked = self.people.values().filter(|recipient| recipient.is_asked);
        asked.filter_map(|recipient| {
            let meeting = recipient.copies.meeting.as_ref();
            let calendar = meeting.map(|copy| &copy.calendar);
            let asked = Asked {
                object: recipient.object.as_ref()?,
                calendar: calendar.or(recipient.calendar_for_new.as_ref())?,
                uid: recipient.copies.uid(),
            };
            Some((&recipient.principal, asked))
        })
    }

    /// Has what waits of a sender's meeting be written with the rest.
    pub fn wait(&mut self, outstanding: Outstanding) {
        self.outstanding.push(outstanding);
    }

    /// Has a message wait that found no room, as what cannot be delivered now does, where its sender has a home; how it
    /// fares then.
    pub fn wait_for_room(
        &mut self,
        sender: &Principal,
        delivery: &Delivery,
        status: Status,
        now: Timestamp,
    ) -> Status {
        let outstanding = sender.home.and_then(|home| self.outstanding(home));
        match outstanding.filter(|_| finds_no_room(&status)) {
            Some(outstanding) => {
                outstanding.add_deliveries(std::slice::from_ref(delivery), now);
                Status::PENDING
            }
            None => status,
        }
    }

    /// What waits of the meeting of a home, as far as it was read.
    pub fn outstanding(&mut self, home: CollectionId) -> Option<&mut Outstanding> {
        self.outstanding.iter_mut().find(|it| it.home() == home)
    }

    /// The copy of somebody as the messages so far have left it.
    pub fn object(&self, id: PrincipalId) -> Option<&CalendarObject> {
        self.people.get(&id)?.object.as_ref()
    }

    /// Whether what one of them has came there without being scheduled, so that nobody hears of it.
    pub fn is_dormant(&self, id: PrincipalId) -> bool {
        self.people.get(&id).is_some_and(Recipient::is_dormant)
    }
}

impl Recipient {
    /// Where a message is left: answers are for the organizer alone, invitations for whom the recipient wants,
    /// of those who may see all of them.
    fn inboxes_for(&self, item: &InboxItem) -> impl Iterator<Item = &Resolution> {
        let is_invitation = item.method.is_from_organizer();
        let sees = |it: &&Reader| is_invitation && (item.is_public || it.sees_private);
        let delegates: Vec<_> = self.delegates.iter().filter(sees).collect();
        let leaves = self.leaves_invitations && !delegates.is_empty();
        let own = (!leaves).then_some(&self.inbox);
        own.into_iter()
            .chain(delegates.into_iter().map(|it| &it.inbox))
    }

    /// Whether the copy came here without being scheduled.
    fn is_dormant(&self) -> bool {
        let copy = self.copies.meeting.as_ref();
        copy.is_some_and(|copy| !copy.is_scheduling_object())
    }

    /// Whether an object is a scheduling object resource of the recipient's (RFC 6638 §3.1).
    fn takes_part_in(&self, object: &CalendarObject) -> bool {
        let mut own = Directory::new();
        for address in &self.principal.addresses {
            own.insert(address, Addressee::Local(Arc::clone(&self.principal)));
        }
        engine::role(object, self.principal.id, &own).is_ok_and(|role| role != Role::None)
    }

    /// What only a person can decide comes in if there is room where it waits for them: nobody is told that something waits
    /// that does not.
    fn with_room(&self, receipt: Receipt, message: &Message) -> Receipt {
        let waits = receipt.inbox_item
            && receipt.copy == CopyChange::Unchanged
            && receipt.decisions.iter().any(Decision::is_for_the_user);
        match waits && !self.has_room_for(&message.object) {
            true => refuse(message, Status::UNAVAILABLE, NO_ROOM),
            false => receipt,
        }
    }

    /// What a message does here, if it may come in and there is room for a copy.
    fn effect_of(&self, incoming: &Incoming<'_>) -> Receipt {
        let message = incoming.message;
        if !self.may_take(message) {
            let reason = "the sender may not deliver here (RFC 6638 §6.1)";
            return refuse(message, Status::NO_PRIVILEGE, reason);
        }
        if message.is_refresh && self.is_dormant() && !self.is_scheduled {
            let reason = "the copy is not scheduled (RFC 6638 §3.1)";
            return refuse(message, Status::DELIVERED, reason);
        }
        let receipt = engine::receive(incoming);
        let CopyChange::Create(object) = &receipt.copy else {
            return receipt;
        };
        if !self.has_place_for(object) {
            let reason = "no calendar has a place for it (RFC 6638 §4.3)";
            return refuse(message, Status::NO_WAY, reason);
        }
        if self.is_uid_taken() {
            return hold(message, Status::NOT_ALLOWED, UID_IS_TAKEN);
        }
        if !self.has_room_for(object) {
            return refuse(message, Status::UNAVAILABLE, NO_ROOM);
        }
        receipt
    }

    /// A refresh shows what others said, to somebody who took the invitation before.
    fn may_take(&self, message: &Message) -> bool {
        message.is_refresh
            || match message.method.is_from_organizer() {
                true => self.may_invite,
                false => self.may_reply,
            }
    }

    /// Whether a new copy can stand in the calendar for that, which takes its type of component.
    fn has_place_for(&self, object: &CalendarObject) -> bool {
        let mut entries = object.entries();
        // an earlier message removed the copy, or a plain object gives way: it takes that place
        self.copies.meeting.is_some()
            || self.calendar_for_new.as_ref().is_some_and(|calendar| {
                calendar.kind == CollectionKind::Calendar
                    && entries.all(|entry| takes_component(calendar, entry.name()))
            })
    }

    /// Whether another object in the calendar for a new copy has its UID.
    fn is_uid_taken(&self) -> bool {
        let calendar = self.calendar_for_new.as_ref();
        self.copies.meeting.is_none() && calendar.is_some_and(|it| self.copies.stands_in(it.id))
    }

    /// Whether the quota lets something new in. What changes a meeting that is there already always
    /// comes in: better a home a little too large than a meeting that is wrong.
    fn has_room_for(&self, object: &CalendarObject) -> bool {
        self.room
            .is_none_or(|room| object.to_octets().len() as u64 <= room)
    }

    fn take_room(&mut self, object: &CalendarObject) {
        if let Some(room) = &mut self.room {
            *room = room.saturating_sub(object.to_octets().len() as u64);
        }
    }

    fn take(&mut self, receipt: &Receipt, message: &Message) {
        let was_public = self.object.as_ref().is_none_or(Classification::is_public);
        match &receipt.copy {
            CopyChange::Create(object) => {
                self.take_room(object);
                self.object = Some(match &self.copies.meeting {
                    Some(copy) => with_alarms_of(object, &copy.object),
                    None => object.clone(),
                });
            }
            CopyChange::Replace(object) => self.object = Some(object.clone()),
            CopyChange::Remove => self.object = None,
            CopyChange::Unchanged => {}
        }
        self.is_changed |= receipt.copy != CopyChange::Unchanged;
        self.new_schedule_tag |= receipt.schedule_tag_changes;
        self.is_scheduled |= message.method != Method::Reply && !message.is_refresh;
        self.answer_differs |= receipt.answer_differs;
        self.is_asked |= receipt.copy != CopyChange::Unchanged
            && matches!(message.method, Method::Request | Method::Add)
            && !message.is_refresh
            && self.principal.answers_by_itself();
        if receipt.inbox_item && self.has_room_for(&message.object) {
            self.take_room(&message.object);
            let object = Decision::noted_in(&receipt.decisions, &message.object);
            let is_invitation = matches!(message.method, Method::Request | Method::Add);
            self.inbox_items.push(InboxItem {
                method: message.method,
                object: match is_invitation {
                    true => engine::with_what_must_be_there(object),
                    false => object,
                },
                is_public: was_public
                    && Classification::is_public(&message.object)
                    && self.object.as_ref().is_none_or(Classification::is_public),
            });
        }
    }
}

/// A new copy with the alarms of the object whose place it takes, which are its owner's own.
fn with_alarms_of(object: &CalendarObject, replaced: &CalendarObject) -> CalendarObject {
    let mut object = object.clone();
    for entry in object.entries_mut() {
        let recurrence_id = entry.raw_value("RECURRENCE-ID").map(str::to_owned);
        let mut before = replaced.entries();
        let before = before.find(|it| it.raw_value("RECURRENCE-ID") == recurrence_id.as_deref());
        let components = before.into_iter().flat_map(Component::components);
        for alarm in components.filter(|it| it.is("VALARM")) {
            entry.push_component(alarm.clone());
        }
    }
    object
}

/// A message is kept for its recipient to look at, and changes nothing.
fn hold(message: &Message, status: Status, reason: &str) -> Receipt {
    Receipt {
        inbox_item: true,
        decisions: vec![Decision::ForTheUser {
            method: message.method,
            sender: message.sender.clone(),
            reason: reason.to_owned(),
            actions: vec![Action::Dismiss],
        }],
        ..refuse(message, status, reason)
    }
}

/// A message stays outside.
fn refuse(message: &Message, status: Status, reason: &str) -> Receipt {
    Receipt {
        status,
        decisions: vec![Decision::NotApplied {
            method: message.method,
            sender: message.sender.clone(),
            reason: reason.to_owned(),
        }],
        ..Receipt::unchanged()
    }
}
