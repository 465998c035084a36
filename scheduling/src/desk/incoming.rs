//! Messages from outside: the door for whoever receives mail (RFC 6047), or scheduling messages by another way.
//!
//! Who calls knows whom a message comes from (the proof is theirs, RFC 6047 §2.2.1), hands it over as a value, and
//! bounds how many messages one sender may bring in a time; here, a message is bounded in its octets, components,
//! attendees and instances, as a PUT is. For each recipient, and each who is in a group among them, it is one commit: the
//! copy, the inbox item, the log, what others hear of it, and the note that it was received, by which the same message
//! again has no effect.

use std::{slice, sync::Arc};

use calendar::{CalendarObject, Component, ObjectFault, many_zones};
use serde::{Deserialize, Serialize};
use storage::{Batch, Timestamp, Uuid, model::Principal};

use super::refuse::read_failed;
use super::{
    Desk, MAXIMUM_ROUNDS, admission,
    recipients::{Recipients, finds_no_room},
    refuse::crowded,
};
use crate::{
    Classification, Precondition, Refusal,
    engine::{
        self, Addressee, CopyChange, Decision, Delivery, Directory, Message, Method, Receipt,
        Status, Unacceptable,
    },
    log::{About, LogEntry, LogLine, Occasion, Verdict, Way},
};

/// A message from outside, for people here.
#[derive(Clone, Debug)]
pub struct IncomingMessage {
    /// The iCalendar stream, with its METHOD.
    pub object: CalendarObject,
    /// The method that the carrier says (the parameter of the media type, RFC 6047 §2.4), if it does.
    pub method: Option<String>,
    /// The calendar user address of whom it is proven to come from.
    pub sender: String,
    /// The calendar user addresses of those for whom it came.
    pub recipients: Vec<String>,
    /// The name that the carrier gave it (Message-ID), if any.
    pub id: Option<String>,
}

/// What became of a message for one of its recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reception {
    /// The recipient, as given.
    pub recipient: String,
    /// What it did.
    pub effect: Effect,
    /// For the sender (RFC 5546 §3.6, RFC 6638 §3.2.9).
    pub status: Status,
    /// Why it did nothing else; empty where all of it was applied.
    pub reason: String,
}

/// What a message did for a recipient, the furthest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// What it asks for.
    Applied,
    /// It is in the inbox, and waits for the user to decide; the calendar is as it was.
    Held,
    /// Nothing, and nobody need look at it: it came late, or is about nothing.
    NotApplied,
    /// Nothing: it came before.
    Repeated,
    /// It cannot be taken, here or by this recipient; the sender may be told so.
    Refused,
}

impl Desk {
    /// Takes a message from outside, for each recipient in a commit of its own; what became of it, in the order of
    /// the recipients. After an error the whole message may be handed in again: who has it already is passed over. What is
    /// published of several events is taken one by one; what became of the one that came furthest stands for all.
    ///
    /// Errors: `Unavailable`, `Damaged`, `Full`.
    pub async fn receive_message(
        &self,
        message: &IncomingMessage,
    ) -> Result<Vec<Reception>, Refusal> {
        let apart = self.published_apart(message);
        let messages = apart.as_deref().unwrap_or(slice::from_ref(message));
        let mut receptions = Vec::with_capacity(message.recipients.len());
        for address in &message.recipients {
            let mut of_each = Vec::with_capacity(messages.len());
            for message in messages {
                of_each.push(self.receive_at(message, address).await?);
            }
            receptions.extend(of_each.into_iter().min_by_key(|it| it.effect));
        }
        Ok(receptions)
    }

    fn published_apart(&self, message: &IncomingMessage) -> Option<Vec<IncomingMessage>> {
        // what is too large is so as a whole
        let octets = message.object.to_octets().len() as u64;
        if octets > self.settings.limits.maximum_resource_octets {
            return None;
        }
        let apart = engine::published_apart(&message.object)?.into_iter();
        let apart = apart.map(|object| IncomingMessage {
            object,
            ..message.clone()
        });
        Some(apart.collect())
    }

    async fn receive_at(
        &self,
        message: &IncomingMessage,
        address: &str,
    ) -> Result<Reception, Refusal> {
        match self.members_at(address).await? {
            None => self.receive_for(message, address).await,
            Some(members) => self.receive_for_all(message, address, &members).await,
        }
    }

    /// The addresses of those in a group (RFC 5546 §3.7.2); `None` where there is none at an address.
    async fn members_at(&self, address: &str) -> Result<Option<Vec<String>>, Refusal> {
        let mut directory = Directory::new();
        self.look_up(&mut directory, slice::from_ref(&address.to_owned()))
            .await?;
        Ok(directory.addresses_in(address))
    }

    /// Takes a message for a group, for each who is in it: what became of it for the one with whom it came furthest. Who
    /// has it already is passed over, as with any message.
    async fn receive_for_all(
        &self,
        message: &IncomingMessage,
        group: &str,
        members: &[String],
    ) -> Result<Reception, Refusal> {
        let refused = |status, reason: &str| {
            let fault = Unacceptable::new(status, reason);
            Ok(Reception::refused(group, fault))
        };
        if !engine::is_for_groups(&message.object) {
            return refused(Status::NOT_ALLOWED, "this is for no group");
        }
        if members.len() > self.settings.limits.maximum_attendees {
            return refused(Status::TOO_LARGE, "too many are in the group");
        }
        let mut receptions = Vec::with_capacity(members.len());
        for member in members {
            receptions.push(self.receive_for(message, member).await?);
        }
        let furthest = receptions.into_iter().min_by_key(|it| it.effect);
        let Some(furthest) = furthest else {
            return refused(Status::NOT_ALLOWED, "nobody is in the group");
        };
        Ok(Reception {
            recipient: group.to_owned(),
            status: match furthest.effect {
                Effect::Refused => furthest.status,
                _ => Status::FORWARDED,
            },
            ..furthest
        })
    }

    async fn receive_for(
        &self,
        message: &IncomingMessage,
        address: &str,
    ) -> Result<Reception, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let mut batch = self.store.batch();
            let reception = match self.recipient_at(address).await? {
                Ok(recipient) => {
                    self.take_in(&mut batch, message, &recipient, address)
                        .await?
                }
                Err(nobody) => Reception::refused(address, nobody),
            };
            let is_silent = reception.effect == Effect::Repeated || batch.is_empty();
            if is_silent || self.commit(batch).await?.is_some() {
                return Ok(reception);
            }
        }
        Err(crowded())
    }

    /// Who is here at an address, with a calendar.
    async fn recipient_at(
        &self,
        address: &str,
    ) -> Result<Result<Arc<Principal>, Unacceptable>, Refusal> {
        let mut directory = Directory::new();
        self.look_up(&mut directory, slice::from_ref(&address.to_owned()))
            .await?;
        Ok(match directory.get(address) {
            Addressee::Local(principal) if principal.home.is_some() => Ok(Arc::clone(principal)),
            Addressee::Local(_) => {
                let reason = "this principal has no calendar";
                Err(Unacceptable::new(Status::NOT_ALLOWED, reason))
            }
            Addressee::UnknownLocal | Addressee::Remote => {
                let reason = "nobody here has this address";
                Err(Unacceptable::new(Status::UNKNOWN_USER, reason))
            }
        })
    }

    /// Puts all that a message does for a recipient into the batch.
    async fn take_in(
        &self,
        batch: &mut Batch,
        message: &IncomingMessage,
        recipient: &Arc<Principal>,
        address: &str,
    ) -> Result<Reception, Refusal> {
        let now = self.now();
        let mut directory = Directory::new();
        let mut people = engine::addresses(Some(&message.object), None);
        people.push(message.sender.clone());
        self.look_up(&mut directory, &people).await?;
        self.look_up_deputies(&mut directory, &message.object)
            .await?;
        let readable = self.readable(message, recipient, &directory);
        let taken = match readable.and_then(|taken| check_enabled(recipient, taken)) {
            Ok(taken) => taken,
            Err(fault) => {
                self.log_refused(batch, message, recipient, &fault, now);
                return Ok(Reception::refused(address, fault));
            }
        };
        let names = names(message, &taken);
        let said = self.store.received(recipient.id, &names).await;
        if let Some(said) = said.map_err(read_failed)? {
            return Ok(Reception::repeated(address, &said));
        }
        let effect = match taken.asks_for_busy_time() {
            true => self
                .answer_question(batch, recipient, &taken, &directory, now)
                .await?
                .map(|()| (Reception::answered(address), false)),
            false => {
                let delivery = Delivery {
                    recipient: Arc::clone(recipient),
                    address: address.to_owned(),
                    message: taken,
                };
                let let_in = self.let_in(batch, &delivery, &mut directory, now).await?;
                let_in.map(|receipt| {
                    let may_come_again = may_come_again(&delivery.message, &receipt);
                    (Reception::of(address, receipt), may_come_again)
                })
            }
        };
        let (reception, may_come_again) = match effect {
            Ok(effect) => effect,
            Err(fault) => {
                // nothing of what it would have done is kept
                *batch = self.store.batch();
                self.log_refused(batch, message, recipient, &fault, now);
                return Ok(Reception::refused(address, fault));
            }
        };
        if !may_come_again {
            let said = Said::of(&reception).encode();
            for name in names {
                batch.note_received(recipient.id, name, now, &said);
            }
        }
        Ok(reception)
    }

    /// The message as the rules take it, if it is one that can be taken.
    fn readable(
        &self,
        message: &IncomingMessage,
        recipient: &Principal,
        directory: &Directory,
    ) -> Result<Message, Unacceptable> {
        let octets = message.object.to_octets();
        if octets.len() as u64 > self.settings.limits.maximum_resource_octets {
            return Err(Unacceptable::new(Status::TOO_LARGE, "it is too large"));
        }
        let taken = engine::from_outside(&message.object, &message.sender, directory)?;
        if let Some(said) = &message.method
            && Method::parse(said) != Some(taken.method)
        {
            let reason = "the mail says another METHOD than the message";
            return Err(Unacceptable::new(Status::INVALID_VALUE, reason));
        }
        let taken = engine::to_member(taken, recipient, directory);
        // whether it may name so many zones depends upon what each recipient has
        if many_zones(&taken.object).is_none() {
            self.check_may_become_a_copy(&taken)?;
        }
        Ok(taken)
    }

    fn check_may_become_a_copy(&self, message: &Message) -> Result<(), Unacceptable> {
        match message.method == Method::Request && !message.asks_for_busy_time() {
            true => self.check_can_be_stored(&message.object),
            false => Ok(()),
        }
    }

    /// What becomes a copy is what could be stored by a PUT.
    fn check_can_be_stored(&self, object: &CalendarObject) -> Result<(), Unacceptable> {
        let mut object = object.clone();
        object.calendar_mut().remove_properties("METHOD");
        let octets = object.to_octets();
        match admission::admit(&self.settings.limits, None, octets) {
            Ok(_) => Ok(()),
            Err(Refusal::Precondition {
                precondition,
                detail,
                ..
            }) => {
                let status = match precondition {
                    Precondition::MaxResourceSize
                    | Precondition::MaxAttendeesPerInstance
                    | Precondition::MaxInstances => Status::TOO_LARGE,
                    _ => Status::INVALID_VALUE,
                };
                Err(Unacceptable::new(status, detail))
            }
            Err(other) => Err(Unacceptable::new(Status::INVALID_VALUE, other.to_string())),
        }
    }

    /// A message names no more zones than one object may, or than the copy does that it is about.
    fn check_zones_of(
        &self,
        message: &Message,
        copy: Option<&CalendarObject>,
    ) -> Result<(), Unacceptable> {
        let named = many_zones(&message.object);
        if named > copy.and_then(many_zones) {
            let reason = ObjectFault::TooManyZones.to_string();
            return Err(Unacceptable::new(Status::INVALID_VALUE, reason));
        }
        match named {
            Some(_) => self.check_may_become_a_copy(message),
            None => Ok(()),
        }
    }

    /// Lets a message have its effect.
    pub(super) async fn let_in(
        &self,
        batch: &mut Batch,
        delivery: &Delivery,
        directory: &mut Directory,
        now: Timestamp,
    ) -> Result<Result<Receipt, Unacceptable>, Refusal> {
        let recipient = &delivery.recipient;
        let mut recipients = Recipients::default();
        // It comes by the recipient's own mail: no privilege (RFC 6638 §6.1) is about people elsewhere.
        self.load_recipients(&mut recipients, recipient, slice::from_ref(delivery))
            .await?;
        if let Some(copy) = recipients.object(recipient.id) {
            self.look_up(directory, &engine::addresses(Some(copy), None))
                .await?;
            self.look_up_deputies(directory, copy).await?;
        }
        if let Err(fault) = self.check_zones_of(&delivery.message, recipients.object(recipient.id))
        {
            return Ok(Err(fault));
        }
        let called_off = self.recall_called_off(&mut recipients, delivery).await?;
        self.recall_removed(&mut recipients, delivery).await?;
        let handed_over = self
            .hand_over(batch, &mut recipients, delivery, directory, now)
            .await?;
        let Some(handed_over) = handed_over else {
            let reason = "this principal has no inbox";
            return Ok(Err(Unacceptable::new(Status::NOT_ALLOWED, reason)));
        };
        if let Some(called_off) = called_off {
            let receipt = &handed_over.receipt;
            called_off.keep(batch, delivery, directory, receipt, now);
        }
        if handed_over.receipt.schedule_tag_changes
            && let Some(copy) = recipients.object(recipient.id)
            && let Err(fault) = self.check_can_be_stored(copy)
        {
            return Ok(Err(fault));
        }
        let refreshes = &handed_over.refreshes;
        self.receive_all(&mut recipients, recipient, refreshes, directory, now)
            .await?;
        self.write_recipients(batch, &recipients, &[], now).await?;
        Ok(Ok(handed_over.receipt))
    }

    /// Looks up whether who asks for what the recipient, who is loaded, has not was told of it before.
    async fn recall_removed(
        &self,
        recipients: &mut Recipients,
        delivery: &Delivery,
    ) -> Result<(), Refusal> {
        let (recipient, message) = (&delivery.recipient, &delivery.message);
        let is_asked = message.method == Method::Refresh && recipients.has_nothing(recipient.id);
        if let Some(home) = recipient.home.filter(|_| is_asked) {
            let whose = (recipient.id, home);
            let told = self.sequence_of_removal(whose, &message.uid, &message.sender);
            recipients.recall_removed(recipient.id, told.await?);
        }
        Ok(())
    }

    /// Notes in the recipient's log that a message was not taken.
    fn log_refused(
        &self,
        batch: &mut Batch,
        message: &IncomingMessage,
        recipient: &Principal,
        fault: &Unacceptable,
        now: Timestamp,
    ) {
        let uid = message.object.entries().find_map(|entry| entry.text("UID"));
        let (Some(home), Some(uid)) = (recipient.home, uid.filter(|it| !it.is_empty())) else {
            return;
        };
        let method = message.object.calendar().raw_value("METHOD");
        let method = method.unwrap_or_default().trim().to_ascii_uppercase();
        let line = About::of(&method, &message.object).line(
            Verdict::NotApplied,
            &method,
            &message.sender,
            &fault.reason,
        );
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Received,
            is_public: Classification::is_public(&message.object),
            lines: vec![LogLine {
                way: Some(Way::Mail),
                status: Some(fault.status.as_str().to_owned()),
                ..line
            }],
        };
        self.log(batch, home, &uid, entry);
    }
}

/// A disabled account is not invited; what it was invited to before can be called off, and answered.
fn check_enabled(recipient: &Principal, message: Message) -> Result<Message, Unacceptable> {
    match recipient.disabled && matches!(message.method, Method::Request | Method::Add) {
        true => Err(Unacceptable::new(
            Status::NOT_ALLOWED,
            "the account is disabled",
        )),
        false => Ok(message),
    }
}

/// What failed for a reason that passes: there was no room, or no calendar that could take it.
fn may_come_again(message: &Message, receipt: &Receipt) -> bool {
    finds_no_room(&receipt.status)
        || (receipt.status == Status::NO_WAY && message.method.is_from_organizer())
}

/// What was answered to a message the first time.
#[derive(Serialize, Deserialize)]
struct Said {
    status: Status,
    reason: String,
}

impl Said {
    fn of(reception: &Reception) -> Said {
        Said {
            status: reception.status.clone(),
            reason: reception.reason.clone(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a plain value always encodes")
    }
}

impl Reception {
    fn refused(recipient: &str, fault: Unacceptable) -> Reception {
        Reception {
            recipient: recipient.to_owned(),
            effect: Effect::Refused,
            status: fault.status,
            reason: fault.reason,
        }
    }

    /// A question, by a mail that is on its way.
    fn answered(recipient: &str) -> Reception {
        Reception {
            recipient: recipient.to_owned(),
            effect: Effect::Applied,
            status: Status::SUCCESS,
            reason: String::new(),
        }
    }

    /// With what was said the first time, as far as that is known.
    fn repeated(recipient: &str, said: &[u8]) -> Reception {
        let said = postcard::from_bytes::<Said>(said).unwrap_or(Said {
            status: Status::DELIVERED,
            reason: String::new(),
        });
        let reason = match said.reason.is_empty() {
            true => "it came before".to_owned(),
            false => format!("it came before: {}", said.reason),
        };
        Reception {
            recipient: recipient.to_owned(),
            effect: Effect::Repeated,
            status: said.status,
            reason,
        }
    }

    fn of(recipient: &str, receipt: Receipt) -> Reception {
        let is_applied = receipt.copy != CopyChange::Unchanged;
        let mut held = None;
        let mut ignored = None;
        for decision in receipt.decisions {
            match decision {
                Decision::ForTheUser { reason, .. } => held = Some(reason),
                Decision::NotApplied { reason, .. } => ignored = Some(reason),
                _ => {}
            }
        }
        let (effect, reason) = match (held, ignored) {
            // a part of it waits for the user
            (Some(reason), _) if is_applied => (Effect::Applied, reason),
            (Some(reason), _) => (Effect::Held, reason),
            (None, Some(reason)) => (Effect::NotApplied, reason),
            (None, None) => (Effect::Applied, String::new()),
        };
        Reception {
            recipient: recipient.to_owned(),
            effect,
            status: receipt.status,
            reason,
        }
    }
}

/// The names by which the same message is known when it comes again (RFC 5546 §2.1.5): that of its carrier, for there
/// may be several messages in one mail together with what it is about; and what it is about with SEQUENCE and DTSTAMP.
/// Both are the sender's, and of that one for whom it speaks: nobody can use up the name of somebody else's message, and
/// who answers for two people answers twice.
fn names(message: &IncomingMessage, taken: &Message) -> Vec<Uuid> {
    const CONTEXT: &str = "Convoke 2026-11 message from outside";
    let sender = engine::normalise(&message.sender);
    let principal = engine::normalise(&taken.sender);
    let common = [&sender, &principal, &taken.uid, taken.method.as_str()];
    let name = |kind: &str, rest: &[String]| {
        let rest = rest.iter().map(String::as_bytes);
        let common = common.iter().map(|it| it.as_bytes());
        let parts: Vec<&[u8]> = [kind.as_bytes()]
            .into_iter()
            .chain(common)
            .chain(rest)
            .collect();
        Uuid::derived(CONTEXT, &parts)
    };
    let mut parts: Vec<String> = taken.object.entries().map(revision_of).collect();
    parts.sort();
    let id = message.id.iter().map(|id| id.trim().to_owned());
    let id = id
        .filter(|id| !id.is_empty())
        .map(|id| name("carrier", &[&[id][..], &parts].concat()));
    // without a stamp, another message may look the same
    let is_stamped = |entry: &Component| entry.property("DTSTAMP").is_some();
    let is_stamped = taken.object.entries().all(is_stamped);
    id.chain(is_stamped.then(|| name("content", &parts)))
        .collect()
}

/// Which part a component is about, and its place in the order of messages.
fn revision_of(entry: &Component) -> String {
    const NAMING: [&str; 4] = ["RECURRENCE-ID", "DTSTART", "SEQUENCE", "DTSTAMP"];
    let values = NAMING.map(|name| entry.raw_value(name).unwrap_or_default().trim());
    values.join(" ")
}
