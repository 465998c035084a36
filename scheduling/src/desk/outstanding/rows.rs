//! The rows of a meeting: what waits, and when its turn is. Here they are read and written; what is in rows of before
//! comes from [`super::former`].

use calendar::CalendarObject;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Stored, Timestamp,
    backend::ReadError,
    model::{CollectionId, PrincipalId, Work, WorkId},
};

use super::{
    super::{Desk, queue::Row, refuse::read_failed},
    DELIVERY_QUEUE, LETTERS_BEHIND_QUEUE, LETTERS_QUEUE,
    former::{FormerLetter, FormerLetters},
    letter::Letter,
    waiting::{Trouble, Waiting},
};
use crate::{
    Classification, Refusal,
    engine::{Delivery, Status},
    log::{Lines, LogEntry, LogLine, Occasion, Verdict},
    mail::OutgoingMessage,
};

/// The payload of a row in [`DELIVERY_QUEUE`]: that it is a meeting's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// Whose messages they are, and the home with the object that carries their statuses.
    pub(super) sender: PrincipalId,
    pub(super) home: CollectionId,
    pub(super) uid: String,
    /// Of rows from before 2026-11-30, which held themselves what waited; nothing puts any in here now.
    pub(super) letters: Vec<FormerLetter>,
    /// Of rows from before there was a queue of their own for mails that wait; nothing puts any in here now.
    pub(super) mails: Vec<OutgoingMessage>,
}

/// The payload of a row in [`LETTERS_QUEUE`] or [`LETTERS_BEHIND_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letters {
    /// When the meeting has its turn: that row's place.
    pub(super) due: Timestamp,
    pub(super) troubles: Vec<Trouble>,
    pub(super) letters: Vec<Letter>,
}

/// What waits of a meeting, as it was read and with what is added to it.
pub(crate) struct Outstanding {
    pub(super) turn: Turn,
    pub(super) waiting: Waiting,
    pub(super) is_changed: bool,
    place: Place,
    /// What need not be told any more.
    log: Lines,
    is_public: bool,
}

/// Where it stands.
struct Place {
    queue: &'static str,
    /// `None` where nothing stood there.
    row: Option<Stored<Work>>,
    /// When its turn is.
    due: Timestamp,
    /// What stood behind a row that could not be read, which is mended or gone now: that is within what waits.
    behind: Option<Stored<Work>>,
    /// Something of the meeting cannot be read: all the rest waits for that.
    is_held: bool,
}

impl Letters {
    /// What stands in a row, in its form of now or of before; `None` where it is in neither.
    pub fn of(row: &Work) -> Option<Letters> {
        // what asks again for parts has parts: one of before without a time reads like one that has none
        let is_meant = |it: &Letter| it.asks_again.is_empty() || !it.parts.is_empty();
        let letters = row.task::<Letters>();
        let letters = letters.filter(|it| it.letters.iter().all(is_meant));
        letters.or_else(|| row.task::<FormerLetters>().map(Letters::from))
    }

    /// For whom messages wait of which SCHEDULE-STATUS tells how they fare.
    pub(super) fn recipients(&self) -> impl Iterator<Item = PrincipalId> {
        let messages = self.letters.iter().filter(|it| it.is_told_by_status());
        messages.flat_map(|it| it.recipients.iter().map(|(id, _)| *id))
    }
}

impl Turn {
    /// The place of what waits.
    pub(super) fn letters_id(&self) -> WorkId {
        self.id(Timestamp(0))
    }

    /// The place of the meeting's turn at a time.
    fn id(&self, due: Timestamp) -> WorkId {
        let context = "Convoke 2026-11 deliveries of a meeting";
        let home = self.home.0.to_be_bytes();
        WorkId::derived(due, context, &[&home, self.uid.as_bytes()])
    }

    fn work(&self, created: Timestamp) -> Work {
        Work::of(DELIVERY_QUEUE, self, created)
    }

    /// Whether it is one of before 2026-11-30.
    pub(super) fn is_former(&self) -> bool {
        !self.letters.is_empty() || !self.mails.is_empty()
    }
}

impl Place {
    fn work(&self, waiting: &Waiting, due: Timestamp, created: Timestamp) -> Work {
        // what `Letters` reads
        let letters = (due, &waiting.troubles, &waiting.letters);
        Work::of(self.queue, &letters, created)
    }
}

impl Outstanding {
    /// Whether somebody has to wait for what comes to them now.
    pub fn waits_for(&self) -> impl Fn(PrincipalId) -> bool + use<> {
        let (is_held, waiting) = (self.is_held(), self.waiting.recipients(|_| true));
        move |id| is_held || waiting.contains(&id)
    }

    /// What waits for somebody and takes back what they were asked: they are out, or asked again.
    pub fn unheard(&self, id: PrincipalId) -> impl Iterator<Item = CalendarObject> {
        let letters = self.waiting.letters.iter();
        let theirs = letters.filter(move |it| it.is_to(id));
        theirs.filter_map(Letter::taken_back)
    }

    /// Whether all of it waits for what cannot be read.
    pub(super) fn is_held(&self) -> bool {
        self.place.is_held
    }

    /// Whose home it is about.
    pub fn home(&self) -> CollectionId {
        self.turn.home
    }

    /// Adds deliveries behind all that waits for their recipients.
    pub fn add_deliveries(&mut self, deliveries: &[Delivery], now: Timestamp) {
        for same in deliveries.chunk_by(|one, other| one.message == other.message) {
            let message = &same[0].message;
            let recipients = same.iter().map(|it| (it.recipient.id, it.address.clone()));
            let letter = Letter::of(message, now).to(recipients.collect());
            for address in self.waiting.add(&letter) {
                self.is_public &= Classification::is_public(&message.object);
                self.log.push(LogLine {
                    parties: vec![address],
                    ..LogLine::of(
                        Verdict::NotSent,
                        "what waited still is said by a later message",
                    )
                });
            }
            self.is_changed = true;
        }
    }

    /// What is known of how those fare who are to wait.
    pub fn pending(deliveries: &[Delivery]) -> impl Iterator<Item = (String, Status)> {
        let deliveries = deliveries.iter();
        deliveries.map(|delivery| (delivery.address.clone(), Status::PENDING))
    }

    /// Writes what is left of what waits, whose turn is then; the commit depends upon what was read.
    fn write(&self, batch: &mut Batch, left: &Waiting, due: Timestamp, now: Timestamp) {
        let (place, id) = (&self.place, self.turn.letters_id());
        let work = |created| place.work(left, due, created);
        match (&place.row, left.letters.is_empty()) {
            (None, true) => batch.expect_no_work(place.queue, &id),
            (None, false) => batch.enqueue(&id, &work(now)),
            (Some(row), true) => batch.finish_work(&id, row),
            (Some(row), false) => batch.reschedule(&id, row, id.due, &work(row.created)),
        };
        if let Some(behind) = &place.behind {
            batch.finish_work(&id, behind);
        }
    }

    /// The same where a turn ends, which has another one as `next` if anything is left.
    pub(super) fn end_turn(
        &self,
        batch: &mut Batch,
        row: &Row,
        left: &Waiting,
        (due, next): (Timestamp, &Work),
    ) {
        self.write(batch, left, due, row.work.created);
        match left.letters.is_empty() && !self.is_held() {
            true => batch.finish_work(&row.id, &row.work),
            false => batch.reschedule(&row.id, &row.work, due, next),
        };
    }
}

impl Desk {
    /// What waits of a meeting of a home.
    ///
    /// Errors: `Unavailable`; `Damaged` where neither that can be read nor what waits behind it.
    pub(crate) async fn outstanding(
        &self,
        sender: PrincipalId,
        home: CollectionId,
        uid: &str,
    ) -> Result<Outstanding, Refusal> {
        self.adopt_former().await?;
        self.read_outstanding(sender, home, uid).await
    }

    pub(super) async fn read_outstanding(
        &self,
        sender: PrincipalId,
        home: CollectionId,
        uid: &str,
    ) -> Result<Outstanding, Refusal> {
        let turn = Turn {
            sender,
            home,
            uid: uid.to_owned(),
            letters: Vec::new(),
            mails: Vec::new(),
        };
        let id = turn.letters_id();
        let front = self.letters(LETTERS_QUEUE, &id).await;
        let behind = self.letters(LETTERS_BEHIND_QUEUE, &id).await;
        let (queue, is_held, read, behind) = match (front, behind) {
            (Err(Refusal::Damaged(_)), behind) => (LETTERS_BEHIND_QUEUE, true, behind?, None),
            (front, Err(Refusal::Damaged(_))) => (LETTERS_QUEUE, true, front?, None),
            (front, behind) => (LETTERS_QUEUE, false, front?, behind?),
        };
        let (row, letters) = read.unzip();
        let (behind, letters_behind) = behind.unzip();
        let due = letters.as_ref().map_or(self.now(), |letters| letters.due);
        let mut waiting = letters.map_or_else(Waiting::default, |letters| Waiting {
            letters: letters.letters,
            troubles: letters.troubles,
        });
        if let Some(behind) = letters_behind {
            waiting.add_in_order(&behind.letters);
        }
        let place = Place {
            queue,
            row,
            due,
            behind,
            is_held,
        };
        Ok(Outstanding {
            is_changed: place.behind.is_some(),
            turn,
            waiting,
            place,
            log: Lines::default(),
            is_public: true,
        })
    }

    /// What stands in a row, and the row.
    ///
    /// Errors: `Unavailable`; `Damaged` where it cannot be read.
    pub(super) async fn letters(
        &self,
        queue: &str,
        id: &WorkId,
    ) -> Result<Option<(Stored<Work>, Letters)>, Refusal> {
        let row = self.store.work(queue, id).await;
        let Some(row) = row.map_err(read_failed)? else {
            return Ok(None);
        };
        let letters = Letters::of(&row).ok_or_else(unreadable)?;
        Ok(Some((row, letters)))
    }

    /// Leaves what was added to [`Desk::deliver_outstanding`]; the commit depends upon what was read.
    pub(crate) async fn write_outstanding(
        &self,
        batch: &mut Batch,
        outstanding: &Outstanding,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Outstanding {
            turn,
            waiting,
            place,
            ..
        } = outstanding;
        match (&place.row, outstanding.is_changed) {
            (_, true) => {
                let due = self.have_turn(batch, turn, place.due, now).await?;
                outstanding.write(batch, waiting, due, now);
            }
            (Some(row), false) => drop(batch.expect_work(&turn.letters_id(), row)),
            (None, false) => drop(batch.expect_no_work(place.queue, &turn.letters_id())),
        }
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Fared,
            is_public: outstanding.is_public,
            lines: outstanding.log.lines().to_vec(),
        };
        self.log(batch, turn.home, &turn.uid, entry);
        Ok(())
    }

    /// A meeting that has something more to wait for has its turn now, also where it was put off; when that is.
    async fn have_turn(
        &self,
        batch: &mut Batch,
        turn: &Turn,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let at = async |due| {
            let id = turn.id(due);
            match self.store.work(DELIVERY_QUEUE, &id).await {
                Ok(row) => Ok(row.map(|row| (id, row))),
                Err(ReadError::Corrupt(_)) => Ok(None),
                Err(error) => Err(read_failed(error)),
            }
        };
        match at(due).await? {
            Some(_) if due <= now => return Ok(due),
            Some((id, row)) => batch.reschedule(&id, &row, now, &turn.work(row.created)),
            // its turn was put off while this could not be read
            None if at(now).await?.is_some() => return Ok(now),
            None => batch.enqueue(&turn.id(now), &turn.work(now)),
        };
        Ok(now)
    }

    /// Ends a turn, with what is left; that has another one.
    pub(super) fn take_turn(
        &self,
        batch: &mut Batch,
        row: &Row,
        outstanding: &Outstanding,
        left: &Waiting,
        now: Timestamp,
    ) {
        let worst = left.troubles.iter().max_by_key(|it| it.attempts);
        let next = Work {
            attempts: worst.map_or(0, |it| it.attempts),
            last_error: worst.map(|it| it.reason.clone()),
            ..outstanding.turn.work(row.work.created)
        };
        outstanding.end_turn(batch, row, left, (left.next_turn(now), &next));
    }

    /// Has a meeting's turn come again later.
    pub(super) async fn put_off_turn(&self, row: &Row, refusal: &Refusal) -> Result<bool, Refusal> {
        let attempts = row.work.attempts.saturating_add(1);
        tracing::error!(attempts, %refusal, "what waits of a meeting cannot be delivered now and is put off");
        let (due, next) = (self.due_after(row.work.attempts), row.after(refusal));
        let mut batch = self.store.batch();
        match self.outstanding_at(row).await? {
            Some(outstanding) => {
                let left = &outstanding.waiting;
                outstanding.end_turn(&mut batch, row, left, (due, &next));
            }
            None => drop(batch.reschedule(&row.id, &row.work, due, &next)),
        }
        self.commit_step(Ok(batch)).await
    }

    /// What waits of a meeting whose turn a row is, as far as anything can be read.
    async fn outstanding_at(&self, row: &Row) -> Result<Option<Outstanding>, Refusal> {
        let turn = row.task::<Turn>().ok();
        let Some(turn) = turn.filter(|turn| row.id == turn.id(row.id.due)) else {
            return Ok(None);
        };
        match self
            .read_outstanding(turn.sender, turn.home, &turn.uid)
            .await
        {
            Err(Refusal::Damaged(_)) => Ok(None),
            read => read.map(Some),
        }
    }
}

pub(super) fn unreadable() -> Refusal {
    Refusal::Damaged("what waits of a meeting cannot be read".to_owned())
}
