//! The people here who hear of a change: what they have, what the messages make of it, and how that
//! gets into the change's own commit.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use calendar::{CalendarObject, Component};
use storage::{
    Batch, Found, Resolution, Stored, Timestamp,
    access::{Delegation, Privilege},
    model::{
        Attachment, CalendarFacts, Collection, CollectionId, CollectionKind, INBOX_NAME,
        InvitationRecipients, Object, Principal, PrincipalId,
    },
};

use super::{
    Desk, admission, attachments, booking::Asked, collection::takes_component, copy::Copies,
    properties::home_path, refuse::read_failed,
};
use crate::{
    Actor, Classification, Refusal,
    engine::{
        self, Action, Cancellations, CopyChange, Decision, Delivery, Directory, FollowUp, Incoming,
        Message, Method, Receipt, Status,
    },
    log::{self, Lines, LogEntry, LogLine, Occasion, Verdict},
    projection::ObjectProjection,
};

/// One of them, with all that a message may touch.
struct Recipient {
    principal: Arc<Principal>,
    inbox: Resolution,
    /// Whether the sender may deliver invitations here, and replies (RFC 6638 §6.1).
    may_invite: bool,
    may_reply: bool,
    default_calendar: Option<Stored<Collection>>,
    /// The octets by which the home may still grow, where there is a quota. Deliveries that come at the
    /// same moment do not see each other's.
    room: Option<u64>,
    copies: Copies,
    /// What the organizer of a message from outside called off before.
    called_off: Option<Cancellations>,
    /// The copy as the messages so far have left it.
    object: Option<CalendarObject>,
    is_changed: bool,
    new_schedule_tag: bool,
    /// The delegates who are to see invitations.
    delegates: Vec<Reader>,
    /// The recipient leaves invitations to them.
    leaves_invitations: bool,
    inbox_items: Vec<InboxItem>,
    /// It is a room or resource that answers by itself, and is asked something.
    is_asked: bool,
    /// The copy knows nothing of an answer that the sender's object has.
    answer_is_unknown: bool,
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

/// The most delegates who find somebody's invitations in their inboxes, so that a commit stays bounded: the
/// first ones in the order in which they were named.
const MAXIMUM_READERS: usize = 10;

/// The new objects of a commit, with the octets that they are made of.
type Made = Vec<(Bytes, Object)>;

/// All of them.
#[derive(Default)]
pub(crate) struct Recipients(BTreeMap<PrincipalId, Recipient>);

impl Desk {
    /// Reads what the recipients of these deliveries have, unless it was read already. `sender` is the
    /// owner of the calendar that the messages come from.
    pub(crate) async fn load_recipients(
        &self,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        deliveries: &[Delivery],
    ) -> Result<(), Refusal> {
        let mut new: Vec<(&Arc<Principal>, &str)> = Vec::new();
        for delivery in deliveries {
            let id = delivery.recipient.id;
            if !recipients.0.contains_key(&id) && !new.iter().any(|(known, _)| known.id == id) {
                new.push((&delivery.recipient, &delivery.message.uid));
            }
        }
        let paths: Vec<_> = new
            .iter()
            .map(|(principal, _)| home_path(principal).child(INBOX_NAME))
            .collect();
        let inboxes = self.store.resolve_many(&paths).await.map_err(read_failed)?;
        let ids: Vec<CollectionId> = new
            .iter()
            .filter_map(|(principal, _)| principal.default_calendar)
            .collect();
        let calendars = self.store.collections(&ids).await.map_err(read_failed)?;
        let calendars: Vec<Stored<Collection>> = calendars.into_iter().flatten().collect();
        for ((principal, uid), inbox) in new.into_iter().zip(inboxes) {
            let Some(inbox) = inbox.filter(|it| matches!(it.found, Found::Collection)) else {
                continue;
            };
            let default = calendars
                .iter()
                .find(|it| Some(it.id) == principal.default_calendar);
            let recipient = self
                .load_recipient(sender, principal, uid, inbox, default)
                .await?;
            recipients.0.insert(principal.id, recipient);
        }
        Ok(())
    }

    async fn load_recipient(
        &self,
        sender: &Arc<Principal>,
        principal: &Arc<Principal>,
        uid: &str,
        inbox: Resolution,
        default_calendar: Option<&Stored<Collection>>,
    ) -> Result<Recipient, Refusal> {
        let copies = self.copies(inbox.home().id, uid).await?;
        let sender = Actor::of(Arc::clone(sender));
        let held = self.privileges(&sender, &inbox).await?;
        let room = self.room(inbox.home().id).await?;
        let delegates = self.readers_of_invitations(principal).await?;
        let leaves = principal.invitations_to == InvitationRecipients::Delegates;
        Ok(Recipient {
            leaves_invitations: leaves,
            delegates,
            principal: Arc::clone(principal),
            may_invite: held.has(Privilege::ScheduleDeliverInvite),
            may_reply: held.has(Privilege::ScheduleDeliverReply),
            inbox,
            default_calendar: default_calendar.filter(|it| !it.is_detached()).cloned(),
            room,
            object: copies.meeting.as_ref().map(|copy| copy.object.clone()),
            is_public: copies
                .meeting
                .as_ref()
                .is_none_or(|copy| Classification::is_public(&copy.object)),
            copies,
            called_off: None,
            is_changed: false,
            new_schedule_tag: false,
            inbox_items: Vec::new(),
            is_asked: false,
            answer_is_unknown: false,
            log: Lines::default(),
        })
    }

    /// The delegates who find the principal's invitations in their inboxes, too.
    async fn readers_of_invitations(&self, principal: &Principal) -> Result<Vec<Reader>, Refusal> {
        if principal.invitations_to == InvitationRecipients::Manager {
            return Ok(Vec::new());
        }
        let delegates: Vec<PrincipalId> = principal.delegates_in(Delegation::Answer).collect();
        let people = self.store.members_of_all(&delegates).await;
        let mut people = people.map_err(read_failed)?;
        people.retain(|it| it.id != principal.id && !it.disabled && it.home.is_some());
        people.truncate(MAXIMUM_READERS);
        let trusted: Vec<PrincipalId> = principal.delegates_in(Delegation::Private).collect();
        let trusted = self.store.members_of_all(&trusted).await;
        let trusted = trusted.map_err(read_failed)?;
        let sees_private = |id| trusted.iter().any(|it| it.id == id);
        let paths: Vec<_> = people
            .iter()
            .map(|it| home_path(it).child(INBOX_NAME))
            .collect();
        let inboxes = self.store.resolve_many(&paths).await.map_err(read_failed)?;
        let readers = people.iter().zip(inboxes).filter_map(|(person, inbox)| {
            Some(Reader {
                inbox: inbox.filter(|it| matches!(it.found, Found::Collection))?,
                sees_private: sees_private(person.id),
            })
        });
        Ok(readers.collect())
    }

    /// The inboxes in which delegates find the principal's invitations.
    pub(crate) async fn inboxes_of_delegates(
        &self,
        principal: &Principal,
    ) -> Result<Vec<Resolution>, Refusal> {
        let readers = self.readers_of_invitations(principal).await?;
        Ok(readers.into_iter().map(|reader| reader.inbox).collect())
    }

    /// How many octets a home may still grow by; `None` without a quota (RFC 4331).
    async fn room(&self, home: CollectionId) -> Result<Option<u64>, Refusal> {
        let Some(quota) = self.settings.limits.quota_octets else {
            return Ok(None);
        };
        let used = self.store.used_octets(home).await.map_err(read_failed)?;
        Ok(Some(quota.saturating_sub(used)))
    }

    /// Writes everything that the messages changed into the batch, which then depends upon all that
    /// was read for it. A lock never stops a delivery. What a copy may refer to is what the sender's object
    /// does (`attachments`), and what a copy that was read does already.
    pub(crate) async fn write_recipients(
        &self,
        batch: &mut Batch,
        recipients: &Recipients,
        attachments: &[Attachment],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let known = recipients.attachments(attachments);
        let mut made = Made::new();
        for recipient in recipients.0.values() {
            batch.expect_collection(recipient.inbox.collection());
            recipient.copies.expect(batch);
            if recipient.is_changed {
                self.write_copy(batch, recipient, &mut made, &known, now)
                    .await?;
            }
            if recipient.is_asked {
                self.enqueue_booking(batch, recipient.principal.id, recipient.copies.uid(), now);
            }
            for item in &recipient.inbox_items {
                // A message refers to no attachment: it may lie in the inbox for ever.
                let object = self
                    .delivered_anew(&mut made, &item.object, &[], now)
                    .await?;
                for inbox in recipient.inboxes_for(item) {
                    batch.expect_collection(inbox.collection());
                    batch.put_object(inbox.collection(), &self.fresh_name(), None, &object);
                }
            }
            let entry = LogEntry {
                time: now,
                actor: None,
                occasion: Occasion::Received,
                is_public: recipient.is_public,
                lines: recipient.log.lines().to_vec(),
            };
            self.log(
                batch,
                recipient.inbox.home().id,
                recipient.copies.uid(),
                entry,
            );
        }
        Ok(())
    }

    async fn write_copy(
        &self,
        batch: &mut Batch,
        recipient: &Recipient,
        made: &mut Made,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Recipient {
            copies,
            object,
            default_calendar,
            ..
        } = recipient;
        match (&copies.meeting, object) {
            (Some(copy), None) => {
                batch.remove_object(&copy.calendar, &copy.name, &copy.stored);
                let names = std::slice::from_ref(&copy.name);
                self.release_locks(batch, &copy.calendar, names).await?;
            }
            (Some(copy), Some(object)) => {
                let before = Some(&copy.stored.value);
                let mut after = self.delivered(object, before, known, now).await?;
                if let Some(facts) = &mut after.calendar {
                    let is_new = recipient.new_schedule_tag || !facts.scheduling;
                    facts.scheduling = true;
                    if is_new {
                        facts.schedule_tag = Some(self.fresh_schedule_tag());
                        after.forget_superseded();
                    } else {
                        after.supersede(&copy.stored.etag);
                    }
                }
                batch.put_object(&copy.calendar, &copy.name, Some(&copy.stored), &after);
            }
            (None, Some(object)) => {
                if let Some(calendar) = default_calendar {
                    let mut after = self.delivered_anew(made, object, known, now).await?;
                    if let Some(facts) = &mut after.calendar {
                        facts.scheduling = true;
                        facts.schedule_tag = Some(self.fresh_schedule_tag());
                    }
                    batch.put_object(calendar, &self.fresh_name(), None, &after);
                }
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// A new object as the server stores it. Most recipients get the same octets, of which all but the identity is
    /// the same, too; messages, which have a METHOD, are never taken for copies.
    async fn delivered_anew(
        &self,
        made: &mut Made,
        object: &CalendarObject,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<Object, Refusal> {
        let octets = object.to_octets();
        if let Some((_, same)) = made.iter().find(|(of, _)| *of == octets) {
            return Ok(Object {
                id: Some(self.fresh_identity()),
                ..same.clone()
            });
        }
        let new = self.delivered(object, None, known, now).await?;
        made.push((octets, new.clone()));
        Ok(new)
    }

    /// An object as the server stores it, in place of another one.
    async fn delivered(
        &self,
        object: &CalendarObject,
        before: Option<&Object>,
        known: &[Attachment],
        now: Timestamp,
    ) -> Result<Object, Refusal> {
        let replaced = before.and_then(|before| before.calendar.as_ref());
        let uid = object
            .entries()
            .find_map(|entry| entry.text("UID"))
            .unwrap_or_default()
            .into_owned();
        let facts = CalendarFacts {
            uid,
            scheduling: replaced.is_some_and(|facts| facts.scheduling),
            schedule_tag: replaced.and_then(|facts| facts.schedule_tag.clone()),
            projection: ObjectProjection::of(object)
                .after(replaced.map(|it| &*it.projection))
                .encode(),
            attachments: attachments::named(object, known),
        };
        let body = self
            .body_beside(object.to_octets(), &facts.attachments)
            .await?;
        let component = object.entries().next().map_or("VEVENT", Component::name);
        Ok(body.into_object(admission::content_type(component), Some(facts), before, now))
    }

    /// RFC 6638 §3.2.10: a tag that was never used before.
    pub(crate) fn fresh_schedule_tag(&self) -> String {
        format!("{:016x}", self.environment().random_u64())
    }

    /// A name for an object that the server makes.
    fn fresh_name(&self) -> String {
        format!("{:032x}.ics", self.environment().random_u128())
    }
}

impl Recipients {
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
        let recipient = self.0.get(&delivery.recipient.id)?;
        Some(recipient.judge(&delivery.message, directory, now))
    }

    /// Lets a message do to its recipient what was found.
    pub fn take(&mut self, delivery: &Delivery, receipt: &Receipt) {
        let Some(recipient) = self.0.get_mut(&delivery.recipient.id) else {
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
        let copies = self.0.values();
        let meetings = copies.filter_map(|recipient| recipient.copies.meeting.as_ref());
        let theirs = meetings.flat_map(|copy| copy.stored.attachments());
        others.iter().chain(theirs).cloned().collect()
    }

    /// Recalls what was called off before for somebody.
    pub fn recall(&mut self, id: PrincipalId, called_off: Option<Cancellations>) {
        if let Some(recipient) = self.0.get_mut(&id) {
            recipient.called_off = called_off;
        }
    }

    /// Puts another state in the place of somebody's copy, which is changed already.
    pub fn replace(&mut self, id: PrincipalId, object: CalendarObject) {
        if let Some(recipient) = self.0.get_mut(&id) {
            recipient.object = Some(object);
        }
    }

    /// The sender's object without the answers that its recipients never gave, by their copies; what that means is noted
    /// in `lines`.
    pub fn without_unknown_answers(
        &self,
        mut object: CalendarObject,
        directory: &Directory,
        lines: &mut Vec<LogLine>,
    ) -> CalendarObject {
        let recipients = self.0.values();
        for recipient in recipients.filter(|recipient| recipient.answer_is_unknown) {
            let Some(copy) = &recipient.object else {
                continue;
            };
            let id = recipient.principal.id;
            if let Some(asked) = engine::without_unknown_answers(&object, copy, id, directory) {
                object = asked;
                let reason =
                    "this person never gave the answer that stood here, and is asked for it";
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
        if let Some(recipient) = self.0.get_mut(&id) {
            recipient.log.extend(lines);
        }
    }

    /// The rooms and resources that answer by themselves, and what they are asked.
    pub fn asked(&self) -> impl Iterator<Item = (&Arc<Principal>, Asked<'_>)> {
        let asked = self.0.values().filter(|recipient| recipient.is_asked);
        asked.filter_map(|recipient| {
            let meeting = recipient.copies.meeting.as_ref();
            let calendar = meeting.map(|copy| &copy.calendar);
            let asked = Asked {
                object: recipient.object.as_ref()?,
                calendar: calendar.or(recipient.default_calendar.as_ref())?,
                uid: recipient.copies.uid(),
            };
            Some((&recipient.principal, asked))
        })
    }

    /// The copy of somebody as the messages so far have left it.
    pub fn object(&self, id: PrincipalId) -> Option<&CalendarObject> {
        self.0.get(&id)?.object.as_ref()
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

    /// What a message does here, if it may come in and there is room.
    fn judge(&self, message: &Message, directory: &Directory, now: Timestamp) -> Receipt {
        if !self.may_take(message) {
            let reason = "the sender may not deliver here (RFC 6638 §6.1)";
            return refuse(message, Status::NO_PRIVILEGE, reason);
        }
        let receipt = engine::receive(&Incoming {
            copy: self.object.as_ref(),
            called_off: self.called_off.as_ref(),
            message,
            recipient: &self.principal,
            directory,
            now,
        });
        let CopyChange::Create(object) = &receipt.copy else {
            return receipt;
        };
        if !self.has_place_for(object) {
            let reason = "the default calendar has no place for it";
            return refuse(message, Status::NO_WAY, reason);
        }
        if !self.has_room_for(object) {
            let reason = "the quota leaves no room for it (RFC 4331 §6)";
            return refuse(message, Status::UNAVAILABLE, reason);
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

    /// Whether a new copy can stand in the default calendar: the calendar takes its type of component,
    /// and no other object there has its UID.
    fn has_place_for(&self, object: &CalendarObject) -> bool {
        if self.copies.meeting.is_some() {
            // an earlier message removed the copy, whose place it takes
            return true;
        }
        let Some(calendar) = &self.default_calendar else {
            return false;
        };
        calendar.kind == CollectionKind::Calendar
            && object
                .entries()
                .all(|entry| takes_component(calendar, entry.name()))
            && !self.copies.stands_in(calendar.id)
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
                self.object = Some(object.clone());
            }
            CopyChange::Replace(object) => self.object = Some(object.clone()),
            CopyChange::Remove => self.object = None,
            CopyChange::Unchanged => {}
        }
        self.is_changed |= receipt.copy != CopyChange::Unchanged;
        self.new_schedule_tag |= receipt.schedule_tag_changes;
        self.answer_is_unknown |= receipt.answer_is_unknown;
        self.is_asked |= receipt.copy != CopyChange::Unchanged
            && matches!(message.method, Method::Request | Method::Add)
            && !message.is_refresh
            && self.principal.answers_by_itself();
        if receipt.inbox_item && self.has_room_for(&message.object) {
            self.take_room(&message.object);
            self.inbox_items.push(InboxItem {
                method: message.method,
                object: Decision::noted_in(&receipt.decisions, &message.object),
                is_public: was_public
                    && Classification::is_public(&message.object)
                    && self.object.as_ref().is_none_or(Classification::is_public),
            });
        }
    }
}

/// A message is kept for its recipient to look at, and changes nothing.
pub(super) fn hold(message: &Message, status: Status, reason: &str) -> Receipt {
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
        copy: CopyChange::Unchanged,
        inbox_item: false,
        status,
        schedule_tag_changes: false,
        follow_up: FollowUp::Nothing,
        refresh_others: false,
        attendees_changed: false,
        answer_is_unknown: false,
        decisions: vec![Decision::NotApplied {
            method: message.method,
            sender: message.sender.clone(),
            reason: reason.to_owned(),
        }],
    }
}
