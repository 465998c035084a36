//! What one commit cannot hold: the copies of a large meeting. (Its mails: [`super::mailing`].)
//!
//! The change itself commits a state that is right by itself: SCHEDULE-STATUS 1.0 for everybody who
//! has not heard yet, and one row of work that says who has to. [`Desk::deliver_outstanding`] finishes
//! it in bounded commits; each holds some copies, their statuses in the sender's object, and the row
//! with what is left, so that it may be interrupted anywhere and nothing is delivered twice.

use std::sync::Arc;

use bytes::Bytes;
use calendar::CalendarObject;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Timestamp,
    model::{CollectionId, INLINE_CONTENT_OCTETS, Principal, PrincipalId, PrincipalKind, Work},
};

use super::{
    CommitBounds, Desk,
    content::entity_tag,
    copy::Copies,
    queue::{Row, is_about_all},
    recipients::Recipients,
    refuse::read_failed,
};
use crate::{
    Classification, Refusal,
    engine::{self, Delivery, Directory, Invited, Message, Method, Origin, Status},
    log::{About, Lines, LogEntry, LogLine, Occasion, Verdict, Way},
    mail::OutgoingMessage,
};

/// The queue of deliveries that wait.
pub const DELIVERY_QUEUE: &str = "delivery";
/// Octets of messages beyond which a commit takes no further one.
pub(crate) const OCTETS_PER_COMMIT: usize = 512 * 1024;
/// How many of the letters before it one is compared with.
const LETTERS_COMPARED: usize = 8;
/// A row that refers to its content, about.
const ROW_OCTETS: usize = 512;

/// The payload of a row in [`DELIVERY_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outstanding {
    /// Whose messages they are, and the home with the object that carries their statuses.
    sender: PrincipalId,
    home: CollectionId,
    uid: String,
    letters: Vec<Letter>,
    /// Of rows from before there was a queue of their own for mails that wait; nothing puts any in here now.
    mails: Vec<OutgoingMessage>,
}

/// One message to several people.
#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    method: Method,
    sender: String,
    is_refresh: bool,
    asks_again: bool,
    octets: Vec<u8>,
    /// With the address of each as it stands in the sender's object.
    recipients: Vec<(PrincipalId, String)>,
}

/// How many of these fit into one commit.
pub(crate) fn fitting(bounds: CommitBounds, octets: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0;
    octets
        .take(bounds.copies.max(1))
        .take_while(|octets| {
            let fits = sum < OCTETS_PER_COMMIT;
            sum += octets;
            fits
        })
        .count()
}

/// The deliveries that fit into one commit, those that wait, and what is known of how these fare.
pub(crate) fn split(
    bounds: CommitBounds,
    deliveries: &[Delivery],
) -> (&[Delivery], &[Delivery], Vec<(String, Status)>) {
    let (at_once, later) = deliveries.split_at(fitting(bounds, deliveries.iter().map(weight)));
    let pending = later
        .iter()
        .map(|delivery| (delivery.address.clone(), Status::PENDING));
    (at_once, later, pending.collect())
}

/// What a delivery weighs in a commit.
pub(crate) fn weight(delivery: &Delivery) -> usize {
    weight_of(delivery.message.object.to_octets().len())
}

/// What the delivery of a message of so many octets weighs: a copy, the one that it replaces (which goes to the
/// trash), and an inbox item. What is too large for a row is written ahead of the commit, once for all.
fn weight_of(octets: usize) -> usize {
    3 * if octets > INLINE_CONTENT_OCTETS {
        ROW_OCTETS
    } else {
        octets
    }
}

impl Outstanding {
    /// Nothing yet.
    pub fn of(sender: PrincipalId, home: CollectionId, uid: String) -> Outstanding {
        Outstanding {
            sender,
            home,
            uid,
            letters: Vec::new(),
            mails: Vec::new(),
        }
    }

    /// Adds deliveries; equal messages are kept once. To each recipient they go in this order.
    pub fn add_deliveries(&mut self, deliveries: &[Delivery]) {
        for Delivery {
            recipient,
            address,
            message,
        } in deliveries
        {
            let octets = message.object.to_octets();
            let to = (recipient.id, address.clone());
            let is_behind = |letter: &Letter| letter.recipients.iter().any(|it| it.0 == to.0);
            let mut before = self.letters.iter_mut().rev().take(LETTERS_COMPARED);
            let mut before = before.by_ref().take_while(|letter| !is_behind(letter));
            match before.find(|letter| letter.is(message, &octets)) {
                Some(letter) => letter.recipients.push(to),
                None => self.letters.push(Letter {
                    method: message.method,
                    sender: message.sender.clone(),
                    is_refresh: message.is_refresh,
                    asks_again: message.asks_again,
                    octets: octets.to_vec(),
                    recipients: vec![to],
                }),
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.mails.is_empty()
    }

    fn waits_for(&self, recipient: PrincipalId) -> bool {
        let mut recipients = self.letters.iter().flat_map(|letter| &letter.recipients);
        recipients.any(|(id, _)| *id == recipient)
    }

    fn work(&self, now: Timestamp) -> Work {
        Work::of(DELIVERY_QUEUE, self, now)
    }

    /// Whether something is left beside this letter, or it has several recipients.
    fn leaves(&self, taken: &Letter) -> bool {
        !self.is_empty() || taken.recipients.len() > 1
    }

    /// Takes what the next commit delivers: some recipients of one message.
    fn take_letter(&mut self, bounds: CommitBounds) -> Option<Letter> {
        let letter = self.letters.first_mut()?;
        let weight = weight_of(letter.octets.len());
        let count = fitting(bounds, letter.recipients.iter().map(|_| weight));
        let rest = letter.recipients.split_off(count);
        let next = letter.to(rest);
        let taken = std::mem::replace(letter, next);
        if self
            .letters
            .first()
            .is_some_and(|letter| letter.recipients.is_empty())
        {
            self.letters.remove(0);
        }
        Some(taken)
    }

    fn take_mails(&mut self, bounds: CommitBounds) -> Vec<OutgoingMessage> {
        let count = fitting(bounds, self.mails.iter().map(|mail| mail.calendar.len()));
        self.mails.drain(..count).collect()
    }
}

impl Letter {
    /// The same to others.
    fn to(&self, recipients: Vec<(PrincipalId, String)>) -> Letter {
        Letter {
            recipients,
            octets: self.octets.clone(),
            sender: self.sender.clone(),
            ..*self
        }
    }

    fn is(&self, message: &Message, octets: &Bytes) -> bool {
        self.method == message.method
            && self.sender == message.sender
            && self.is_refresh == message.is_refresh
            && self.asks_again == message.asks_again
            && self.octets == *octets
    }

    /// What became of it, for the sender's log.
    fn lines(
        &self,
        object: Option<&CalendarObject>,
        outcomes: &[(String, Status)],
    ) -> Vec<LogLine> {
        let mut lines = Lines::default();
        let method = self.method.as_str();
        let about = object.map(|object| About::of(method, object));
        let about = about.unwrap_or_default();
        for (address, status) in outcomes {
            let line = about.clone();
            let line = line.line(Verdict::Fared, method, address, "it was waiting");
            lines.push(LogLine {
                way: Some(Way::Local),
                status: Some(status.as_str().to_owned()),
                ..line
            });
        }
        let is_delivered = |address: &String| outcomes.iter().any(|(known, _)| known == address);
        for (_, address) in self.recipients.iter().filter(|(_, it)| !is_delivered(it)) {
            lines.push(LogLine {
                parties: vec![address.clone()],
                ..LogLine::of(Verdict::NotSent, Invited::reason(self.method))
            });
        }
        lines.into_lines()
    }

    /// The message. It may have been overtaken by a later one, so that its SEQUENCE and DTSTAMP tell its
    /// place.
    fn message(&self, uid: &str, object: &CalendarObject) -> Message {
        Message {
            method: self.method,
            origin: Origin::Queue,
            sender: self.sender.clone(),
            uid: uid.to_owned(),
            is_refresh: self.is_refresh,
            tells_answer: false,
            asks_again: self.asks_again,
            object: object.clone(),
        }
    }
}

impl Desk {
    /// Leaves what one commit cannot hold to [`Desk::deliver_outstanding`].
    pub(crate) fn enqueue_outstanding(
        &self,
        batch: &mut Batch,
        outstanding: &Outstanding,
        now: Timestamp,
    ) {
        if !outstanding.is_empty() {
            batch.enqueue(&self.store.new_work_id(now), &outstanding.work(now));
        }
    }

    /// Makes one commit of deliveries that wait; says whether there was one to make, and hence perhaps
    /// another. To be called by a worker whenever [`DELIVERY_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn deliver_outstanding(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.deliver_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(DELIVERY_QUEUE, step).await
    }

    async fn deliver_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let mut rest: Outstanding = row.task()?;
        let now = self.now();
        let mut batch = self.store.batch();
        let bounds = self.settings.commit_bounds;
        match rest.take_letter(bounds) {
            Some(letter) => {
                let delivered = self.deliver_letter(&mut batch, &rest, &letter, now).await;
                match delivered {
                    Ok(()) => {}
                    Err(refusal) if !is_about_all(&refusal) && rest.leaves(&letter) => {
                        batch = self.deliver_apart(row, &rest, &letter, &refusal);
                    }
                    Err(refusal) => return Err(refusal),
                }
            }
            None => {
                for mail in rest.take_mails(bounds) {
                    self.enqueue_mail(&mut batch, &mail, now);
                }
            }
        }
        match rest.is_empty() {
            true => batch.finish_work(&row.id, &row.work),
            false => {
                let rest = rest.work(row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &rest)
            }
        };
        Ok(batch)
    }

    /// A letter cannot be delivered to one of its recipients, and so to none in one commit: each gets a row of their
    /// own, so that all others have it a little later.
    fn deliver_apart(
        &self,
        row: &Row,
        of: &Outstanding,
        letter: &Letter,
        refusal: &Refusal,
    ) -> Batch {
        tracing::error!(%refusal, "a message cannot be delivered to all at once, and is to each of them");
        let mut batch = self.store.batch();
        let due = self.due_after(row.work.attempts);
        for recipient in &letter.recipients {
            let letters = vec![letter.to(vec![recipient.clone()])];
            let alone = Outstanding {
                letters,
                ..Outstanding::of(of.sender, of.home, of.uid.clone())
            };
            let work = Work {
                payload: alone.work(row.work.created).payload,
                ..row.after(refusal)
            };
            batch.enqueue(&self.store.new_work_id(due), &work);
        }
        batch
    }

    async fn deliver_letter(
        &self,
        batch: &mut Batch,
        outstanding: &Outstanding,
        letter: &Letter,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let sender = self.store.principal(outstanding.sender).await;
        let Some(sender) = sender.map_err(read_failed)? else {
            return self
                .deliver_last_letter(batch, outstanding, letter, now)
                .await;
        };
        let own = self.copies(outstanding.home, &outstanding.uid).await?;
        let invited = Invited::of(own.meeting.as_ref().map(|copy| &copy.object));
        let deliveries = self.deliveries(&outstanding.uid, letter, &invited).await?;
        let mut directory = Directory::new();
        let object = deliveries.first().map(|delivery| &delivery.message.object);
        self.look_up(&mut directory, &engine::addresses(object, None))
            .await?;
        let mut recipients = Recipients::default();
        let outcomes = self
            .receive_all(&mut recipients, &sender, &deliveries, &directory, now)
            .await?;
        let attachments = own.meeting.as_ref();
        let attachments = attachments.map_or(&[][..], |copy| copy.stored.attachments());
        self.write_recipients(batch, &recipients, attachments, now)
            .await?;
        if !letter.is_refresh {
            let mut lines = letter.lines(object, &outcomes);
            if let Some(copy) = &own.meeting {
                // for whom more waits the rest is on its way
                let heard = deliveries.iter().zip(&outcomes);
                let heard = heard.filter(|(it, _)| !outstanding.waits_for(it.recipient.id));
                let heard = heard.flat_map(|(delivery, (address, status))| {
                    // by whichever of their addresses they are in it
                    let others = delivery.recipient.addresses.iter();
                    let all = others.chain([address]);
                    all.map(move |address| (address.clone(), status.clone()))
                });
                let fared = with_statuses(&copy.object, &heard.collect::<Vec<_>>());
                let delivered = deliveries.iter().zip(&outcomes);
                let delivered = delivered.filter(|(_, (_, status))| *status == Status::DELIVERED);
                let delivered: Vec<&Delivery> = delivered.map(|(delivery, _)| delivery).collect();
                let fared = engine::told(&fared, &delivered);
                let fared = recipients.without_unknown_answers(fared, &directory, &mut lines);
                self.write_with_statuses(batch, &own, &fared).await?;
            }
            let mut objects = own.meeting.iter().map(|copy| &copy.object).chain(object);
            let entry = LogEntry {
                time: now,
                actor: None,
                occasion: Occasion::Fared,
                is_public: objects.all(Classification::is_public),
                lines,
            };
            self.log(batch, outstanding.home, &outstanding.uid, entry);
        }
        Ok(())
    }

    /// Delivers what somebody sent who is gone: that a meeting is off has to be known all the same. Nothing tells how it
    /// fared, and nobody is invited any more.
    async fn deliver_last_letter(
        &self,
        batch: &mut Batch,
        outstanding: &Outstanding,
        letter: &Letter,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if letter.method != Method::Cancel {
            return Ok(());
        }
        let gone = Principal {
            id: outstanding.sender,
            ..Principal::new(PrincipalKind::User, "")
        };
        let nobody = Invited::of(None);
        let deliveries = self.deliveries(&outstanding.uid, letter, &nobody).await?;
        let mut directory = Directory::new();
        let object = deliveries.first().map(|delivery| &delivery.message.object);
        self.look_up(&mut directory, &engine::addresses(object, None))
            .await?;
        let mut recipients = Recipients::default();
        self.receive_all(
            &mut recipients,
            &Arc::new(gone),
            &deliveries,
            &directory,
            now,
        )
        .await?;
        self.write_recipients(batch, &recipients, &[], now).await
    }

    /// The deliveries of a letter that are still meant.
    async fn deliveries(
        &self,
        uid: &str,
        letter: &Letter,
        invited: &Invited,
    ) -> Result<Vec<Delivery>, Refusal> {
        let object = self.parse(Bytes::copy_from_slice(&letter.octets))?;
        let mut deliveries = Vec::with_capacity(letter.recipients.len());
        for (id, address) in &letter.recipients {
            let recipient: Option<Arc<Principal>> =
                self.store.principal(*id).await.map_err(read_failed)?;
            let is_overtaken = invited.overtakes(letter.method, &object, address);
            if let Some(recipient) = recipient.filter(|_| !is_overtaken) {
                let message = letter.message(uid, &object);
                deliveries.push(Delivery {
                    recipient,
                    address: address.clone(),
                    message,
                });
            }
        }
        Ok(deliveries)
    }

    /// Writes statuses into the sender's object, if it is still there (RFC 6638 §3.2.9). The
    /// Schedule-Tag stays.
    pub(crate) async fn write_statuses(
        &self,
        batch: &mut Batch,
        own: &Copies,
        statuses: &[(String, Status)],
    ) -> Result<(), Refusal> {
        let Some(copy) = &own.meeting else {
            return Ok(());
        };
        let object = with_statuses(&copy.object, statuses);
        self.write_with_statuses(batch, own, &object).await
    }

    /// Writes the sender's object, in which nothing but what attendees heard and said is other than it was, if it is still
    /// there. The Schedule-Tag stays.
    pub(super) async fn write_with_statuses(
        &self,
        batch: &mut Batch,
        own: &Copies,
        object: &CalendarObject,
    ) -> Result<(), Refusal> {
        let Some(copy) = &own.meeting else {
            return Ok(());
        };
        let octets = object.to_octets();
        if entity_tag(&octets) == copy.stored.etag {
            return Ok(());
        }
        own.expect(batch);
        let mut after = copy.stored.value.clone();
        let body = self.body(octets).await?;
        (after.content, after.etag, after.modified) = (body.content, body.etag, self.now());
        after.supersede(&copy.stored.etag);
        batch.put_object(&copy.calendar, &copy.name, Some(&copy.stored), &after);
        Ok(())
    }
}

/// The sender's object with statuses, by address.
fn with_statuses(object: &CalendarObject, statuses: &[(String, Status)]) -> CalendarObject {
    let mut object = object.clone();
    for (address, status) in statuses {
        if let Some(after) = engine::record_status(&object, address, status) {
            object = after;
        }
    }
    object
}
