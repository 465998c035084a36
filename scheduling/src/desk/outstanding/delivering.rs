//! What waits is delivered, as much of it in each commit as that holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use calendar::CalendarObject;
use storage::{Batch, Timestamp, model::PrincipalId};

use super::{
    super::{
        CommitBounds, Desk,
        queue::{Row, is_about_all},
        recipients::{Recipients, finds_no_room, no_room},
    },
    DELIVERY_QUEUE, Outstanding,
    letter::Letter,
    next::{Next, NotSent, Sender, Told},
    rows::{Turn, unreadable},
    waiting::Waiting,
};
use crate::{
    Classification, Refusal,
    engine::{self, Addressee, Delivery, Directory, Method, Status},
    log::{Lines, LogEntry, Occasion},
};

/// A commit, if it can be made, and for whom it is.
struct Step {
    batch: Result<Batch, Refusal>,
    /// Whoever gets several letters is there as often.
    people: Vec<PrincipalId>,
}

impl Step {
    /// One that delivers nothing to anybody.
    fn of(batch: Result<Batch, Refusal>) -> Step {
        Step {
            batch,
            people: Vec::new(),
        }
    }
}

/// Somebody cannot have theirs now, and why.
type Refused = (PrincipalId, Refusal);

impl Waiting {
    /// The sender's object, once these letters fared so: for whom more messages wait, the rest is on its way.
    fn fared(&self, object: &CalendarObject, told: &[Told<'_>]) -> CalendarObject {
        let waits = self.recipients(Letter::is_told_by_status);
        let mut fared = object.clone();
        for it in told {
            let status = match waits.contains(&it.recipient) {
                true => it.status.and(&Status::PENDING),
                false => &it.status,
            };
            // by whichever of their addresses they are in it
            for address in &it.addresses {
                if let Some(after) = engine::record_status(&fared, address, status) {
                    fared = after;
                }
            }
        }
        let delivered = told.iter().filter(|it| it.status == Status::DELIVERED);
        let delivered: Vec<&Delivery> = delivered.filter_map(|it| it.delivery).collect();
        engine::told(&fared, &delivered)
    }
}

impl Desk {
    /// Makes one commit of deliveries that wait; says whether there was one to make, and hence perhaps
    /// another. To be called by a worker whenever [`DELIVERY_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn deliver_outstanding(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| self.deliver_turn(&row).await;
        self.work_through(DELIVERY_QUEUE, step).await
    }

    /// Makes a commit for a meeting whose turn it is; `false` where something that was decided upon has changed meanwhile.
    async fn deliver_turn(&self, row: &Row) -> Result<bool, Refusal> {
        let mut bounds = self.settings.commit_bounds;
        loop {
            let step = self.deliver_step(row, bounds).await;
            let Step { batch, people } = step.unwrap_or_else(|refusal| Step::of(Err(refusal)));
            let refusal = match self.commit_step(batch).await {
                Err(refusal) if !is_about_all(&refusal) => refusal,
                committed => return committed,
            };
            let noted = match people[..] {
                [] => Err(refusal),
                [recipient] => self.note_trouble(row, (recipient, refusal)).await,
                // one letter to one of them, and then the others
                _ => {
                    bounds.copies = 1;
                    continue;
                }
            };
            return match noted {
                Err(refusal) if !is_about_all(&refusal) => self.put_off_turn(row, &refusal).await,
                noted => noted,
            };
        }
    }

    async fn deliver_step(&self, row: &Row, bounds: CommitBounds) -> Result<Step, Refusal> {
        let turn: Turn = row.task()?;
        if turn.is_former() {
            return Ok(Step::of(self.adopted(row, turn).await));
        }
        let outstanding = self.outstanding(turn.sender, turn.home, &turn.uid);
        let mut outstanding = outstanding.await?;
        if outstanding.is_held() {
            return Err(unreadable());
        }
        let sender = self.sender_of(&turn).await?;
        loop {
            let mut left = outstanding.waiting.clone();
            let mut next = Vec::new();
            for letter in left.take(bounds, self.now()) {
                next.push(self.next(&sender, letter).await?);
            }
            let mut batch = self.store.batch();
            let delivered = self.deliver_next(&mut batch, &sender, &next, &left).await;
            match delivered {
                Ok(refused) if !refused.is_empty() => {
                    // their letters wait for them alone
                    let batch = self.with_troubles(row, &mut outstanding, refused);
                    if let Some(batch) = batch.await? {
                        return Ok(Step::of(Ok(batch)));
                    }
                }
                delivered => {
                    self.take_turn(&mut batch, row, &outstanding, &left, self.now());
                    let letters = next.iter().map(|it| &it.letter);
                    let people = letters.flat_map(|letter| &letter.recipients);
                    return Ok(Step {
                        batch: delivered.map(|_| batch),
                        people: people.map(|(id, _)| *id).collect(),
                    });
                }
            }
        }
    }

    /// Notes that somebody's next letter is refused, or gives it up.
    async fn note_trouble(&self, row: &Row, refused: Refused) -> Result<bool, Refusal> {
        let turn: Turn = row.task()?;
        let outstanding = self.outstanding(turn.sender, turn.home, &turn.uid);
        let mut outstanding = outstanding.await?;
        let given_up = self
            .with_troubles(row, &mut outstanding, vec![refused])
            .await?;
        let batch = given_up.unwrap_or_else(|| {
            let mut batch = self.store.batch();
            let left = &outstanding.waiting;
            self.take_turn(&mut batch, row, &outstanding, left, self.now());
            batch
        });
        self.commit_step(Ok(batch)).await
    }

    /// Notes who cannot have their next letter now; what says so of the first one that is given up, if any is.
    async fn with_troubles(
        &self,
        row: &Row,
        outstanding: &mut Outstanding,
        refused: Vec<Refused>,
    ) -> Result<Option<Batch>, Refusal> {
        let now = self.now();
        for (recipient, refusal) in refused {
            let given_up = outstanding.waiting.trouble(recipient, &refusal, now);
            let Some(letter) = given_up else { continue };
            let mut batch = self.store.batch();
            if !letter.is_refresh {
                self.tell_given_up(&mut batch, &outstanding.turn, letter)
                    .await?;
            }
            self.take_turn(&mut batch, row, outstanding, &outstanding.waiting, now);
            return Ok(Some(batch));
        }
        Ok(None)
    }

    /// Notes that a letter to somebody was given up (RFC 6638 §3.2.9).
    async fn tell_given_up(
        &self,
        batch: &mut Batch,
        turn: &Turn,
        letter: Letter,
    ) -> Result<(), Refusal> {
        let sender = self.sender_of(turn).await?;
        let mut next = self.next(&sender, letter).await?;
        let given_up = next.deliveries.drain(..).map(|delivery| NotSent {
            recipient: delivery.recipient.id,
            address: delivery.address,
            addresses: delivery.recipient.addresses.clone(),
            status: Status::UNAVAILABLE,
            reason: "given up",
        });
        next.not_sent.extend(given_up);
        self.deliver_next(batch, &sender, &[next], &Waiting::default())
            .await
            .map(drop)
    }

    /// Delivers these, and writes down how they fared; `left` is what waits behind them. Where somebody cannot have theirs
    /// now, nothing of it is to be committed: who that is, and why.
    async fn deliver_next(
        &self,
        batch: &mut Batch,
        sender: &Sender,
        next: &[Next],
        left: &Waiting,
    ) -> Result<Vec<Refused>, Refusal> {
        let (own, now) = (&sender.own, self.now());
        let mut recipients = Recipients::default();
        let deliveries: Vec<Delivery> =
            next.iter().flat_map(|it| &it.deliveries).cloned().collect();
        let unreadable = self
            .load_readable_recipients(&mut recipients, &sender.principal, &deliveries)
            .await?;
        if !unreadable.is_empty() {
            return Ok(unreadable);
        }
        let directory = self.directory_of(sender, next, &recipients).await?;
        let (mut told, mut lines) = (Vec::new(), Lines::default());
        let mut refused = BTreeMap::new();
        for (at, it) in next.iter().enumerate() {
            let behind = next[at + 1..].iter().map(|it| &it.letter);
            let invited = invited_to_all(behind.chain(&left.letters));
            let outcomes = self
                .deliver_letter(batch, &mut recipients, sender, (it, &invited), &directory)
                .await?;
            let without_room = it.deliveries.iter().zip(&outcomes);
            let without_room = without_room.filter(|(_, (_, status))| finds_no_room(status));
            refused.extend(without_room.map(|(it, _)| (it.recipient.id, no_room())));
            if !it.letter.is_refresh {
                lines.extend(it.lines(&outcomes));
            }
            if it.letter.is_told_by_status() {
                told.extend(it.told(outcomes));
            }
        }
        if !refused.is_empty() {
            return Ok(refused.into_iter().collect());
        }
        let attachments = own.meeting.as_ref();
        let attachments = attachments.map_or(&[][..], |copy| copy.stored.attachments());
        self.write_recipients(batch, &recipients, attachments, now)
            .await?;
        // Nothing tells how what somebody sent fares who is gone.
        let mut lines = lines.into_lines();
        if sender.is_gone || lines.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(copy) = &own.meeting {
            let fared = left.fared(&copy.object, &told);
            let fared = recipients.with_known_answers(fared, &directory, &mut lines);
            self.write_with_statuses(batch, own, &fared).await?;
        }
        let objects = own.meeting.iter().map(|copy| &copy.object);
        let mut objects = objects.chain(next.iter().map(|it| &it.object));
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Fared,
            is_public: objects.all(Classification::is_public),
            lines,
        };
        if let Some(home) = sender.principal.home {
            self.log(batch, home, own.uid(), entry);
        }
        Ok(Vec::new())
    }

    /// Who is behind the addresses of what is delivered, and of the objects that answers come to.
    async fn directory_of(
        &self,
        sender: &Sender,
        next: &[Next],
        recipients: &Recipients,
    ) -> Result<Directory, Refusal> {
        let mut directory = Directory::new();
        let mut people = vec![&sender.principal];
        for it in next {
            people.extend(it.deliveries.iter().map(|it| &it.recipient));
            let answered = it.deliveries.iter();
            let answered = answered.filter(|_| !it.letter.method.is_from_organizer());
            let answered = answered.filter_map(|it| recipients.object(it.recipient.id));
            for object in answered.chain([&it.object]) {
                self.look_up(&mut directory, &engine::addresses(Some(object), None))
                    .await?;
                self.look_up_deputies(&mut directory, object).await?;
            }
        }
        // by whichever of their addresses they are in it
        for person in people {
            for address in &person.addresses {
                directory.insert(address, Addressee::Local(Arc::clone(person)));
            }
        }
        Ok(directory)
    }

    /// Hands a letter to its recipients, and has follow from an answer what does; how it fared, by address. `invited` are
    /// those whom a later letter invites to the series.
    async fn deliver_letter(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        sender: &Sender,
        (next, invited): (&Next, &BTreeSet<PrincipalId>),
        directory: &Directory,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        let now = self.now();
        if next.letter.method.is_from_organizer() {
            let deliveries = with_whole(sender, (next, invited), recipients, directory, now);
            let principal = &sender.principal;
            return self
                .receive_all(recipients, principal, &deliveries, directory, now)
                .await;
        }
        let mut outcomes = Vec::with_capacity(next.deliveries.len());
        for delivery in &next.deliveries {
            let handed_over = self
                .hand_over(batch, recipients, delivery, directory, now)
                .await?;
            let (status, refreshes) = handed_over.map_or((Status::NO_WAY, Vec::new()), |it| {
                (it.receipt.status, it.refreshes)
            });
            self.receive_all(recipients, &delivery.recipient, &refreshes, directory, now)
                .await?;
            outcomes.push((delivery.address.clone(), status));
        }
        Ok(outcomes)
    }
}

/// Those whom any of these letters invites to the series.
fn invited_to_all<'a>(letters: impl Iterator<Item = &'a Letter>) -> BTreeSet<PrincipalId> {
    letters
        .filter(|it| it.method == Method::Request && !it.is_refresh && it.is_about_all())
        .flat_map(|it| it.recipients.iter().map(|(id, _)| *id))
        .collect()
}

/// The deliveries of a letter: whoever has no copy any more gets all of the meeting, as it is now, and not single
/// instances, and what they refused since it was written is refused. Who is `invited` to it later had none of the series
/// before.
fn with_whole(
    sender: &Sender,
    (next, invited): (&Next, &BTreeSet<PrincipalId>),
    recipients: &Recipients,
    directory: &Directory,
    now: Timestamp,
) -> Vec<Delivery> {
    let mut deliveries = next.deliveries.clone();
    let is_invited = matches!(next.letter.method, Method::Request | Method::Add);
    let is_invited = is_invited && !next.letter.is_refresh;
    let Some(copy) = sender.own.meeting.as_ref().filter(|_| is_invited) else {
        return deliveries;
    };
    let is_in_part = !next.letter.is_about_all();
    for delivery in &mut deliveries {
        let (id, message) = (delivery.recipient.id, &mut delivery.message);
        if recipients.object(id).is_some() {
            continue;
        }
        if is_in_part && !invited.contains(&id) {
            message.whole = engine::whole(&copy.object, &sender.principal, directory, id, now);
        }
        if let Some(refused) = engine::with_refusals(&message.object, &copy.object, id, directory) {
            message.object = refused;
        }
    }
    deliveries
}
