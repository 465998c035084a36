//! What waits is delivered, some of it in each commit.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use calendar::CalendarObject;
use storage::{
    Batch, Timestamp,
    model::{Principal, PrincipalId, PrincipalKind},
};

use super::{
    super::{
        CommitBounds, Desk,
        content::entity_tag,
        copy::Copies,
        queue::{Row, is_about_all},
        recipients::Recipients,
        refuse::read_failed,
    },
    DELIVERY_QUEUE, Letter, Outstanding, Place, Turn, fitting, waiting, weight_of,
};
use crate::{
    Classification, Refusal,
    engine::{self, Delivery, Directory, Invited, Message, Method, Origin, Status},
    log::{About, Lines, LogEntry, LogLine, Occasion, Verdict, Way},
};

/// Some recipients of a letter, whose turn it is.
struct Next {
    letter: Letter,
    object: CalendarObject,
    /// Those for whom it is still meant.
    deliveries: Vec<Delivery>,
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

    /// What became of it, for the sender's log.
    fn lines(&self, object: &CalendarObject, outcomes: &[(String, Status)]) -> Vec<LogLine> {
        let mut lines = Lines::default();
        let method = self.method.as_str();
        let about = About::of(method, object);
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

impl Outstanding {
    /// Takes a letter's next recipients away, as many as a commit holds of those who may be next.
    fn take_next(
        &mut self,
        bounds: CommitBounds,
        at: usize,
        may_be_next: impl Fn(PrincipalId) -> bool,
    ) -> Letter {
        let letter = &mut self.letters[at];
        let weight = weight_of(letter.octets.len());
        let count = fitting(bounds, letter.recipients.iter().map(|_| weight));
        let mut taken = Vec::new();
        letter.recipients.retain(|recipient| {
            let is_next = taken.len() < count && may_be_next(recipient.0);
            if is_next {
                taken.push(recipient.clone());
            }
            !is_next
        });
        letter.to(taken)
    }

    /// Puts those recipients of a letter back who cannot get it now.
    fn put_back(&mut self, at: usize, letter: &mut Letter, is_next: impl Fn(PrincipalId) -> bool) {
        let recipients = letter.recipients.drain(..);
        let (next, later): (Vec<_>, Vec<_>) = recipients.partition(|(id, _)| is_next(*id));
        letter.recipients = next;
        self.letters[at].recipients.extend(later);
    }

    /// The sender's object, once a letter fared so: for whom more waits, the rest is on its way.
    fn fared(
        &self,
        object: &CalendarObject,
        deliveries: &[Delivery],
        outcomes: &[(String, Status)],
    ) -> CalendarObject {
        let waits = self.waits_for();
        let heard = deliveries.iter().zip(outcomes);
        let heard = heard.filter(|(it, _)| !waits.contains(&it.recipient.id));
        let heard = heard.flat_map(|(delivery, (address, status))| {
            // by whichever of their addresses they are in it
            let others = delivery.recipient.addresses.iter();
            let all = others.chain([address]);
            all.map(move |address| (address.clone(), status.clone()))
        });
        let fared = with_statuses(object, &heard.collect::<Vec<_>>());
        let delivered = deliveries.iter().zip(outcomes);
        let delivered = delivered.filter(|(_, (_, status))| *status == Status::DELIVERED);
        let delivered: Vec<&Delivery> = delivered.map(|(delivery, _)| delivery).collect();
        engine::told(&fared, &delivered)
    }

    /// Puts what a row of before held in front of all that waits.
    fn adopt(&mut self, letters: Vec<Letter>) {
        self.letters.splice(0..0, letters);
        self.is_changed = true;
    }
}

impl Desk {
    /// Makes one commit of deliveries that wait; says whether there was one to make, and hence perhaps
    /// another. To be called by a worker whenever [`DELIVERY_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn deliver_outstanding(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.deliver_step(&row).await;
            match self.commit_step(step).await {
                Err(refusal) if !is_about_all(&refusal) => {
                    let batch = self.deliver_later(&row, &refusal).await;
                    self.commit_step(batch).await
                }
                committed => committed,
            }
        };
        self.work_through(DELIVERY_QUEUE, step).await
    }

    async fn deliver_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let turn: Turn = row.task()?;
        let now = self.now();
        let mut outstanding = self.outstanding(turn.sender, turn.home, &turn.uid).await?;
        if matches!(outstanding.place, Place::Damaged) {
            let what = "what waits of a meeting cannot be read";
            return Err(Refusal::Damaged(what.to_owned()));
        }
        let mut batch = self.store.batch();
        if !turn.letters.is_empty() || !turn.mails.is_empty() {
            outstanding.adopt(turn.letters);
            self.enqueue_mails(&mut batch, &turn.mails, now);
            batch.finish_work(&row.id, &row.work);
            self.write_outstanding(&mut batch, &outstanding, now)
                .await?;
            return Ok(batch);
        }
        self.deliver_next(&mut batch, &mut outstanding, now).await?;
        self.take_turn(&mut batch, row, &outstanding);
        Ok(batch)
    }

    /// Ends a turn in which something was delivered; what is left has another one at once.
    fn take_turn(&self, batch: &mut Batch, row: &Row, outstanding: &Outstanding) {
        let Outstanding {
            turn,
            letters,
            place,
            ..
        } = outstanding;
        let Place::Row { row: waits, .. } = place else {
            // it was another row's turn, and all of it was delivered
            batch.finish_work(&row.id, &row.work);
            return;
        };
        let id = turn.letters_id();
        match letters.is_empty() {
            true => {
                batch.finish_work(&row.id, &row.work);
                batch.finish_work(&id, waits);
            }
            false => {
                let due = row.id.due;
                batch.reschedule(&row.id, &row.work, due, &turn.work(row.work.created));
                batch.reschedule(&id, waits, id.due, &waiting(due, letters, waits.created));
            }
        }
    }

    /// Has a meeting's turn come again later, or gives up what waits.
    async fn deliver_later(&self, row: &Row, refusal: &Refusal) -> Result<Batch, Refusal> {
        let (mut batch, due) = self.put_off(row, refusal);
        let Ok(turn) = row.task::<Turn>() else {
            return Ok(batch);
        };
        let outstanding = self.outstanding(turn.sender, turn.home, &turn.uid).await?;
        let Place::Row { row: waits, .. } = &outstanding.place else {
            return Ok(batch);
        };
        let id = turn.letters_id();
        match due {
            Some(due) => {
                let after = waiting(due, &outstanding.letters, waits.created);
                batch.reschedule(&id, waits, id.due, &after);
            }
            None => {
                batch.finish_work(&id, waits);
                self.give_up_deliveries(&mut batch, &outstanding, refusal)
                    .await?;
            }
        }
        Ok(batch)
    }

    /// Notes for whom what waited was given up (RFC 6638 §3.2.9).
    async fn give_up_deliveries(
        &self,
        batch: &mut Batch,
        outstanding: &Outstanding,
        refusal: &Refusal,
    ) -> Result<(), Refusal> {
        let own = self
            .copies(outstanding.turn.home, &outstanding.turn.uid)
            .await?;
        let letters = outstanding.letters.iter();
        let letters = letters.filter(|letter| !letter.is_refresh);
        let addresses = letters.flat_map(|letter| &letter.recipients);
        let outcomes: Vec<(String, Status)> = addresses
            .map(|(_, address)| (address.clone(), Status::UNAVAILABLE))
            .collect();
        let entry = LogEntry {
            time: self.now(),
            actor: None,
            occasion: Occasion::Fared,
            is_public: own
                .meeting
                .iter()
                .all(|copy| Classification::is_public(&copy.object)),
            lines: outcomes
                .iter()
                .map(|(address, status)| LogLine {
                    parties: vec![address.clone()],
                    status: Some(status.as_str().to_owned()),
                    ..LogLine::of(Verdict::NotSent, &format!("given up: {refusal}"))
                })
                .collect(),
        };
        self.write_statuses(batch, &own, &outcomes).await?;
        self.log(batch, outstanding.turn.home, &outstanding.turn.uid, entry);
        Ok(())
    }

    /// Delivers to the next who can get something.
    async fn deliver_next(
        &self,
        batch: &mut Batch,
        outstanding: &mut Outstanding,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let turn = outstanding.turn.clone();
        let sender = self.store.principal(turn.sender).await;
        let sender = sender.map_err(read_failed)?;
        let is_gone = sender.is_none();
        let gone = || Principal {
            id: turn.sender,
            ..Principal::new(PrincipalKind::User, "")
        };
        let sender = sender.unwrap_or_else(|| Arc::new(gone()));
        let own = self.copies(turn.home, &turn.uid).await?;
        let mut recipients = Recipients::default();
        let next = self.next(&mut recipients, outstanding, (&sender, is_gone), &own);
        let Some(next) = next.await? else {
            return Ok(());
        };
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&next.object), None))
            .await?;
        let outcomes = self
            .receive_all(&mut recipients, &sender, &next.deliveries, &directory, now)
            .await?;
        let attachments = own.meeting.as_ref();
        let attachments = attachments.map_or(&[][..], |copy| copy.stored.attachments());
        self.write_recipients(batch, &recipients, attachments, now)
            .await?;
        // Nothing tells how what somebody sent fares who is gone.
        if is_gone || next.letter.is_refresh {
            return Ok(());
        }
        let mut lines = next.letter.lines(&next.object, &outcomes);
        if let Some(copy) = &own.meeting {
            let fared = outstanding.fared(&copy.object, &next.deliveries, &outcomes);
            let fared = recipients.without_unknown_answers(fared, &directory, &mut lines);
            self.write_with_statuses(batch, &own, &fared).await?;
        }
        let mut objects = own.meeting.iter().map(|copy| &copy.object);
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Fared,
            is_public: objects.all(Classification::is_public)
                && Classification::is_public(&next.object),
            lines,
        };
        self.log(batch, turn.home, &turn.uid, entry);
        Ok(())
    }

    /// Takes the next letter that somebody can get, with as many recipients as a commit holds, who are read. Who cannot be
    /// read keeps all of their letters, and nobody else from theirs.
    ///
    /// Errors: `Damaged` where nobody else is left.
    async fn next(
        &self,
        recipients: &mut Recipients,
        outstanding: &mut Outstanding,
        (sender, is_gone): (&Arc<Principal>, bool),
        own: &Copies,
    ) -> Result<Option<Next>, Refusal> {
        let bounds = self.settings.commit_bounds;
        let invited = Invited::of(own.meeting.as_ref().map(|copy| &copy.object));
        let mut unreadable: BTreeMap<PrincipalId, Refusal> = BTreeMap::new();
        let mut at = 0;
        while at < outstanding.letters.len() {
            let mut letter = outstanding.take_next(bounds, at, |id| !unreadable.contains_key(&id));
            if letter.recipients.is_empty() {
                at += 1;
                continue;
            }
            let object = self.parse(Bytes::copy_from_slice(&letter.octets))?;
            let mut deliveries = match is_gone && letter.method != Method::Cancel {
                true => Vec::new(),
                false => self.deliveries(own, &letter, &object, &invited).await?,
            };
            let damaged = self.load_readable_recipients(recipients, sender, &deliveries);
            unreadable.extend(damaged.await?);
            let is_next = |id: PrincipalId| !unreadable.contains_key(&id);
            deliveries.retain(|delivery| is_next(delivery.recipient.id));
            outstanding.put_back(at, &mut letter, is_next);
            if !letter.recipients.is_empty() {
                outstanding.letters.retain(|it| !it.recipients.is_empty());
                return Ok(Some(Next {
                    letter,
                    object,
                    deliveries,
                }));
            }
        }
        match unreadable.into_values().next() {
            Some(damage) => Err(damage),
            None => Ok(None),
        }
    }

    /// The deliveries of a letter that are still meant: nobody is invited to what is off.
    async fn deliveries(
        &self,
        own: &Copies,
        letter: &Letter,
        object: &CalendarObject,
        invited: &Invited,
    ) -> Result<Vec<Delivery>, Refusal> {
        let mut deliveries = Vec::with_capacity(letter.recipients.len());
        for (id, address) in &letter.recipients {
            let recipient: Option<Arc<Principal>> =
                self.store.principal(*id).await.map_err(read_failed)?;
            let is_overtaken = letter.method == Method::Request
                && invited.overtakes(letter.method, object, address);
            if let Some(recipient) = recipient.filter(|_| !is_overtaken) {
                let message = letter.message(own.uid(), object);
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
    pub(in crate::desk) async fn write_with_statuses(
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
