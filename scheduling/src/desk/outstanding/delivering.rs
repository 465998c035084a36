//! What waits is delivered, as much of it in each commit as that holds.

use std::{collections::BTreeSet, sync::Arc};

use calendar::CalendarObject;
use storage::{
    Batch, Timestamp,
    model::{Principal, PrincipalId, PrincipalKind, Work},
};

use super::{
    super::{
        CommitBounds, Desk,
        content::entity_tag,
        copy::Copies,
        queue::{MAXIMUM_ATTEMPTS, Row, is_about_all},
        recipients::Recipients,
        refuse::read_failed,
    },
    DELIVERY_QUEUE, OCTETS_PER_COMMIT, Outstanding, Place, Trouble, Turn, Waiting,
    letter::Letter,
    weight_of,
};
use crate::{
    Classification, Refusal,
    engine::{self, Addressee, Delivery, Directory, Method, Status},
    log::{About, Lines, LogEntry, LogLine, Occasion, Verdict, Way},
};

/// Who sends, what is theirs, and whether they are gone.
struct Sender {
    principal: Arc<Principal>,
    is_gone: bool,
    own: Copies,
}

/// Some recipients of a letter, whose turn it is.
struct Next {
    letter: Letter,
    object: CalendarObject,
    deliveries: Vec<Delivery>,
    /// Those to whom it cannot go any more, and why.
    not_sent: Vec<NotSent>,
}

struct NotSent {
    recipient: PrincipalId,
    address: String,
    /// All of theirs that are known.
    addresses: Vec<String>,
    status: Status,
    reason: &'static str,
}

/// What became of a message to somebody.
struct Told<'a> {
    recipient: PrincipalId,
    /// All of theirs.
    addresses: Vec<&'a str>,
    status: Status,
    delivery: Option<&'a Delivery>,
}

/// A commit, if it can be made, and for whom it is.
struct Step {
    batch: Result<Batch, Refusal>,
    /// Whoever gets several letters is there as often.
    people: Vec<PrincipalId>,
}

impl Next {
    /// What became of it; `outcomes` are those of the deliveries.
    fn told(&self, outcomes: Vec<(String, Status)>) -> impl Iterator<Item = Told<'_>> {
        let delivered = self.deliveries.iter().zip(outcomes);
        let delivered = delivered.map(|(delivery, (_, status))| {
            let addresses = delivery.recipient.addresses.iter();
            let addresses = addresses.chain([&delivery.address]);
            Told {
                recipient: delivery.recipient.id,
                addresses: addresses.map(|it| &**it).collect(),
                status,
                delivery: Some(delivery),
            }
        });
        let others = self.not_sent.iter().map(|it| Told {
            recipient: it.recipient,
            addresses: it
                .addresses
                .iter()
                .chain([&it.address])
                .map(|it| &**it)
                .collect(),
            status: it.status.clone(),
            delivery: None,
        });
        delivered.chain(others)
    }

    /// The same for the sender's log.
    fn lines(&self, outcomes: &[(String, Status)]) -> impl Iterator<Item = LogLine> {
        let method = self.letter.method.as_str();
        let about = About::of(method, &self.object);
        let line = move |verdict, address: &str, status: &Status, reason: &str| LogLine {
            way: Some(Way::Local),
            status: Some(status.as_str().to_owned()),
            ..about.clone().line(verdict, method, address, reason)
        };
        let delivered = outcomes.iter().map({
            let line = line.clone();
            move |(address, status)| line(Verdict::Fared, address, status, "it was waiting")
        });
        let others = self.not_sent.iter();
        delivered
            .chain(others.map(move |it| line(Verdict::NotSent, &it.address, &it.status, it.reason)))
    }
}

impl Waiting {
    /// Takes away what a commit delivers, in the order of the letters: nothing of whoever is in trouble.
    fn take(&mut self, bounds: CommitBounds, now: Timestamp) -> Vec<Letter> {
        let (mut copies, mut octets) = (0, 0);
        let troubled = self.troubled(now).map(|it| it.recipient);
        let troubled: BTreeSet<PrincipalId> = troubled.collect();
        let mut taken = Vec::new();
        for letter in &mut self.letters {
            let weight = weight_of(letter.octets.len());
            let mut to = Vec::new();
            letter.recipients.retain(|recipient| {
                let fits = copies < bounds.copies.max(1) && octets < OCTETS_PER_COMMIT;
                let is_next = fits && !troubled.contains(&recipient.0);
                if is_next {
                    (copies, octets) = (copies + 1, octets + weight);
                    to.push(recipient.clone());
                }
                !is_next
            });
            if !to.is_empty() {
                taken.push(letter.to(to));
            }
        }
        self.drop_delivered();
        let waits = self.recipients(|_| true);
        let is_taken = |of: PrincipalId| taken.iter().any(|letter: &Letter| letter.is_to(of));
        self.troubles
            .retain(|it| waits.contains(&it.recipient) && !is_taken(it.recipient));
        taken
    }

    /// Who is in trouble, and until when. (Longer than the longest delay is nobody, except by a clock that was put back.)
    fn troubled(&self, now: Timestamp) -> impl Iterator<Item = &Trouble> {
        let latest = Work::due_after(u32::MAX, now);
        let troubles = self.troubles.iter();
        troubles.filter(move |it| it.until > now && it.until <= latest)
    }

    /// When somebody can get something again: at once, unless all are in trouble.
    fn next_turn(&self, now: Timestamp) -> Timestamp {
        let troubled = self.troubled(now).map(|it| it.recipient);
        let is_all = self.recipients(|_| true).is_subset(&troubled.collect());
        let untils = self.troubled(now).map(|it| it.until);
        untils.min().filter(|_| is_all).unwrap_or(now)
    }

    /// Notes that somebody cannot get their next letter now, and until when; what is given up of theirs at last. What is
    /// damaged is tried until it is mended.
    fn trouble(
        &mut self,
        recipient: PrincipalId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Option<Letter> {
        let known = self
            .troubles
            .iter()
            .position(|it| it.recipient == recipient);
        let before = known.map_or(0, |at| self.troubles.swap_remove(at).attempts);
        let attempts = before.saturating_add(1);
        if attempts >= MAXIMUM_ATTEMPTS && !matches!(refusal, Refusal::Damaged(_)) {
            tracing::error!(attempts, %refusal, "a message to somebody is given up");
            let letter = self.letters.iter_mut().find(|it| it.is_to(recipient))?;
            let (theirs, others) = letter
                .recipients
                .drain(..)
                .partition(|(id, _)| *id == recipient);
            letter.recipients = others;
            let given_up = letter.to(theirs);
            self.drop_delivered();
            return Some(given_up);
        }
        tracing::error!(attempts, %refusal, "a message to somebody cannot be delivered now, and waits");
        self.troubles.push(Trouble {
            recipient,
            attempts,
            until: Work::due_after(before, now),
            reason: refusal.to_string(),
        });
        None
    }

    /// The sender's object, once these letters fared so: for whom more messages wait, the rest is on its way.
    fn fared(&self, object: &CalendarObject, told: &[Told<'_>]) -> CalendarObject {
        let waits = self.recipients(|letter| !letter.is_refresh);
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
            let (step, people) = match self.deliver_step(row, bounds).await {
                Ok(Step { batch, people }) => (batch, people),
                Err(refusal) => (Err(refusal), Vec::new()),
            };
            let refusal = match self.commit_step(step).await {
                Err(refusal) if !is_about_all(&refusal) => refusal,
                committed => return committed,
            };
            let noted = match people[..] {
                [] => Err(refusal),
                [recipient] => self.note_trouble(row, recipient, &refusal).await,
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
        let (turn, now): (Turn, _) = (row.task()?, self.now());
        let mut outstanding = self.outstanding(turn.sender, turn.home, &turn.uid).await?;
        if !turn.letters.is_empty() || !turn.mails.is_empty() {
            let batch = self.adopt(row, turn, &mut outstanding, now).await;
            let people = Vec::new();
            return Ok(Step { batch, people });
        }
        let sender = self.sender_of(&turn).await?;
        let mut recipients = Recipients::default();
        let (waiting, next) = loop {
            let mut waiting = outstanding.waiting.clone();
            let mut next = Vec::new();
            for letter in waiting.take(bounds, now) {
                next.push(self.next(&sender, letter).await?);
            }
            let deliveries: Vec<Delivery> =
                next.iter().flat_map(|it| &it.deliveries).cloned().collect();
            let unreadable = self
                .load_readable_recipients(&mut recipients, &sender.principal, &deliveries)
                .await?;
            if unreadable.is_empty() {
                break (waiting, next);
            }
            // their letters wait for them alone
            for (id, damage) in unreadable {
                outstanding.waiting.trouble(id, &damage, now);
            }
        };
        let letters = next.iter().map(|it| &it.letter);
        let people = letters.flat_map(|letter| &letter.recipients);
        let people = people.map(|(id, _)| *id).collect();
        let mut batch = self.store.batch();
        let delivered = self.deliver_next(&mut batch, &sender, &next, &mut recipients, &waiting);
        let delivered = delivered.await;
        self.take_turn(&mut batch, row, &outstanding, &waiting, now)?;
        Ok(Step {
            batch: delivered.map(|()| batch),
            people,
        })
    }

    /// Ends a turn, with what is left; that has another one.
    ///
    /// Errors: `Damaged` where what waits cannot be read.
    fn take_turn(
        &self,
        batch: &mut Batch,
        row: &Row,
        Outstanding { turn, place, .. }: &Outstanding,
        left: &Waiting,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let waits = match place {
            Place::Row { row, .. } => Some(row),
            Place::Nowhere => None,
            Place::Damaged => return Err(unreadable()),
        };
        let id = turn.letters_id();
        let Some(waits) = waits.filter(|_| !left.letters.is_empty()) else {
            batch.finish_work(&row.id, &row.work);
            if let Place::Row { row: waits, .. } = place {
                batch.finish_work(&id, waits);
            }
            return Ok(());
        };
        let due = left.next_turn(now);
        let worst = left.troubles.iter().max_by_key(|it| it.attempts);
        let work = Work {
            attempts: worst.map_or(0, |it| it.attempts),
            last_error: worst.map(|it| it.reason.clone()),
            ..turn.work(row.work.created)
        };
        batch.reschedule(&row.id, &row.work, due, &work);
        batch.reschedule(&id, waits, id.due, &left.work(due, waits.created));
        Ok(())
    }

    /// Puts what a row held that stood for itself into that of its meeting, at its place in the order of time.
    async fn adopt(
        &self,
        row: &Row,
        turn: Turn,
        outstanding: &mut Outstanding,
        now: Timestamp,
    ) -> Result<Batch, Refusal> {
        if matches!(outstanding.place, Place::Damaged) {
            return Err(unreadable());
        }
        let mut batch = self.store.batch();
        let decided = row.work.created;
        let letters = turn.letters.into_iter();
        let letters = letters.map(|it| Letter::of_former(it, decided));
        outstanding.waiting.letters.extend(letters);
        outstanding.waiting.letters.sort_by_key(|it| it.decided);
        outstanding.is_changed = !outstanding.waiting.letters.is_empty();
        self.enqueue_mails(&mut batch, &turn.mails, now);
        batch.finish_work(&row.id, &row.work);
        // its turn is where the row's was, so that an older row is adopted before a newer one
        self.write_outstanding(&mut batch, outstanding, row.id.due.min(now))
            .await?;
        Ok(batch)
    }

    /// Has a meeting's turn come again later.
    async fn put_off_turn(&self, row: &Row, refusal: &Refusal) -> Result<bool, Refusal> {
        let attempts = row.work.attempts.saturating_add(1);
        tracing::error!(attempts, %refusal, "what waits of a meeting cannot be delivered now and is put off");
        let due = self.due_after(row.work.attempts);
        let mut batch = self.store.batch();
        batch.reschedule(&row.id, &row.work, due, &row.after(refusal));
        if let Ok(turn) = row.task::<Turn>()
            && row.id == turn.id(row.id.due)
            && let Outstanding {
                place: Place::Row { row: waits, .. },
                waiting,
                ..
            } = self.outstanding(turn.sender, turn.home, &turn.uid).await?
        {
            let id = turn.letters_id();
            batch.reschedule(&id, &waits, id.due, &waiting.work(due, waits.created));
        }
        self.commit_step(Ok(batch)).await
    }

    /// Notes that somebody's next letter is refused, or gives it up.
    async fn note_trouble(
        &self,
        row: &Row,
        recipient: PrincipalId,
        refusal: &Refusal,
    ) -> Result<bool, Refusal> {
        let (turn, now): (Turn, _) = (row.task()?, self.now());
        let mut outstanding = self.outstanding(turn.sender, turn.home, &turn.uid).await?;
        let given_up = outstanding.waiting.trouble(recipient, refusal, now);
        let mut batch = self.store.batch();
        if let Some(letter) = given_up.filter(|letter| !letter.is_refresh) {
            self.tell_given_up(&mut batch, &turn, letter, refusal)
                .await?;
        }
        self.take_turn(&mut batch, row, &outstanding, &outstanding.waiting, now)?;
        self.commit_step(Ok(batch)).await
    }

    /// Notes that a letter to somebody was given up (RFC 6638 §3.2.9).
    async fn tell_given_up(
        &self,
        batch: &mut Batch,
        turn: &Turn,
        letter: Letter,
        refusal: &Refusal,
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
        tracing::error!(%refusal, "what is given up is noted");
        let nobody = &mut Recipients::default();
        let left = Waiting::default();
        self.deliver_next(batch, &sender, &[next], nobody, &left)
            .await
    }

    async fn sender_of(&self, turn: &Turn) -> Result<Sender, Refusal> {
        let principal = self.store.principal(turn.sender).await;
        let principal = principal.map_err(read_failed)?;
        let gone = || Principal {
            id: turn.sender,
            ..Principal::new(PrincipalKind::User, "")
        };
        Ok(Sender {
            is_gone: principal.is_none(),
            principal: principal.unwrap_or_else(|| Arc::new(gone())),
            own: self.copies(turn.home, &turn.uid).await?,
        })
    }

    /// A letter's deliveries: what somebody sent who is gone means nothing any more, unless it says that a meeting is off, or
    /// that they do not come.
    async fn next(&self, sender: &Sender, letter: Letter) -> Result<Next, Refusal> {
        let object = self.parse(letter.octets.clone())?;
        let mut next = Next {
            deliveries: Vec::with_capacity(letter.recipients.len()),
            not_sent: Vec::new(),
            object,
            letter,
        };
        if sender.is_gone && !matches!(next.letter.method, Method::Cancel | Method::Reply) {
            return Ok(next);
        }
        let is_invited = matches!(next.letter.method, Method::Request | Method::Add);
        let is_invited = is_invited && !next.letter.is_refresh;
        for (id, address) in &next.letter.recipients {
            let recipient: Option<Arc<Principal>> =
                self.store.principal(*id).await.map_err(read_failed)?;
            let fault = match &recipient {
                None => Some((Status::UNKNOWN_USER, "the account is gone")),
                Some(recipient) if is_invited && recipient.disabled => {
                    Some((Status::NOT_ALLOWED, "the account is disabled"))
                }
                Some(_) => None,
            };
            next.not_sent.extend(fault.clone().map(|(status, reason)| {
                NotSent {
                    recipient: *id,
                    address: address.clone(),
                    addresses: recipient
                        .iter()
                        .flat_map(|it| it.addresses.clone())
                        .collect(),
                    status,
                    reason,
                }
            }));
            if let Some(recipient) = recipient.filter(|_| fault.is_none()) {
                next.deliveries.push(Delivery {
                    recipient,
                    address: address.clone(),
                    message: next.letter.message(sender.own.uid(), &next.object),
                });
            }
        }
        Ok(next)
    }

    /// Delivers these, and writes down how they fared; `left` is what waits behind them.
    async fn deliver_next(
        &self,
        batch: &mut Batch,
        sender: &Sender,
        next: &[Next],
        recipients: &mut Recipients,
        left: &Waiting,
    ) -> Result<(), Refusal> {
        let (own, now) = (&sender.own, self.now());
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
        let (mut told, mut lines) = (Vec::new(), Lines::default());
        for it in next {
            let outcomes = self
                .deliver_letter(batch, recipients, &sender.principal, it, &directory)
                .await?;
            if !it.letter.is_refresh {
                lines.extend(it.lines(&outcomes));
                told.extend(it.told(outcomes));
            }
        }
        let attachments = own.meeting.as_ref();
        let attachments = attachments.map_or(&[][..], |copy| copy.stored.attachments());
        self.write_recipients(batch, recipients, attachments, now)
            .await?;
        // Nothing tells how what somebody sent fares who is gone.
        if sender.is_gone || told.is_empty() {
            return Ok(());
        }
        let mut lines = lines.into_lines();
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
        let home = sender.principal.home;
        if let Some(home) = home {
            self.log(batch, home, own.uid(), entry);
        }
        Ok(())
    }

    /// Hands a letter to its recipients, and has follow from an answer what does; how it fared, by address.
    async fn deliver_letter(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        next: &Next,
        directory: &Directory,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        let (now, deliveries) = (self.now(), &next.deliveries);
        if next.letter.method.is_from_organizer() {
            return self
                .receive_all(recipients, sender, deliveries, directory, now)
                .await;
        }
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
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
        let mut object = copy.object.clone();
        for (address, status) in statuses {
            if let Some(after) = engine::record_status(&object, address, status) {
                object = after;
            }
        }
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

fn unreadable() -> Refusal {
    Refusal::Damaged("what waits of a meeting cannot be read".to_owned())
}
