//! Messages of a meeting that wait: the copies of a large meeting, which one commit cannot hold, what goes to somebody
//! whose copy cannot be read now, and whatever is decided for these people meanwhile. (Mails that wait:
//! [`super::mailing`].)
//!
//! The change itself commits a state that is right by itself: SCHEDULE-STATUS 1.0 for everybody who has not heard yet,
//! and the letters that they are to get. All letters of one meeting stand in one row, in the order in which they were
//! decided, so that nothing overtakes what waits for somebody. [`Desk::deliver_outstanding`] delivers them in bounded
//! commits; each holds some copies, their statuses in the sender's object, and the row with what is left, so that it
//! may be interrupted anywhere and nothing is delivered twice. What somebody cannot get now waits for them alone.

mod delivering;
mod letter;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use storage::{
    Batch, Stored, Timestamp, Uuid,
    backend::ReadError,
    model::{CollectionId, INLINE_CONTENT_OCTETS, PrincipalId, Work, WorkId},
};

use self::letter::{FormerLetter, Letter};
use super::{CommitBounds, Desk, refuse::read_failed};
use crate::{
    Classification, Refusal,
    engine::{Delivery, Status},
    log::{Lines, LogEntry, LogLine, Occasion, Verdict},
    mail::OutgoingMessage,
};

/// The queue of meetings whose turn it is to have delivered what waits.
pub const DELIVERY_QUEUE: &str = "delivery";
/// What waits, a row for each meeting. None of them is ever due: their turns are.
pub const LETTERS_QUEUE: &str = "letters";
/// Octets of messages beyond which a commit takes no further one.
pub(crate) const OCTETS_PER_COMMIT: usize = 512 * 1024;
/// How many of the letters before it one is compared with.
const LETTERS_COMPARED: usize = 8;
/// A row that refers to its content, about.
const ROW_OCTETS: usize = 512;

/// The payload of a row in [`DELIVERY_QUEUE`]: that it is a meeting's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// Whose messages they are, and the home with the object that carries their statuses.
    sender: PrincipalId,
    home: CollectionId,
    uid: String,
    /// Of rows from before 2026-11-30, which held themselves what waited, and of what is added while the meeting's row
    /// cannot be read.
    letters: Vec<FormerLetter>,
    /// Of rows from before there was a queue of their own for mails that wait; nothing puts any in here now.
    mails: Vec<OutgoingMessage>,
}

/// The payload of a row in [`LETTERS_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letters {
    /// When the meeting has its turn: that row's place.
    due: Timestamp,
    troubles: Vec<Trouble>,
    letters: Vec<Letter>,
}

/// Somebody cannot get anything until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trouble {
    recipient: PrincipalId,
    attempts: u32,
    until: Timestamp,
    reason: String,
}

/// What waits of a meeting, as it was read and with what is added to it.
pub(crate) struct Outstanding {
    turn: Turn,
    place: Place,
    waiting: Waiting,
    is_changed: bool,
    /// What need not be told any more.
    log: Lines,
    is_public: bool,
}

/// What waits of a meeting.
#[derive(Clone, Debug, Default)]
struct Waiting {
    letters: Vec<Letter>,
    troubles: Vec<Trouble>,
}

/// Where it stands.
enum Place {
    /// Nothing waits.
    Nowhere,
    /// In its row, until this turn.
    Row { row: Stored<Work>, due: Timestamp },
    /// In a row that cannot be read.
    Damaged,
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

impl Turn {
    /// What all rows of the meeting are called.
    fn name(&self) -> u128 {
        let home = self.home.0.to_be_bytes();
        let name = Uuid::derived(
            "Convoke 2026-11 deliveries of a meeting",
            &[&home, self.uid.as_bytes()],
        );
        u128::from_be_bytes(name.to_octets())
    }

    /// The place of what waits.
    fn letters_id(&self) -> WorkId {
        self.id(Timestamp(0))
    }

    /// The place of the meeting's turn at a time.
    fn id(&self, due: Timestamp) -> WorkId {
        WorkId {
            due,
            id: self.name(),
        }
    }

    fn work(&self, created: Timestamp) -> Work {
        Work::of(DELIVERY_QUEUE, self, created)
    }
}

impl Waiting {
    /// The row of it.
    fn work(&self, due: Timestamp, created: Timestamp) -> Work {
        // what `Letters` reads
        let letters = (due, &self.troubles, &self.letters);
        Work::of(LETTERS_QUEUE, &letters, created)
    }

    /// Adds a letter to somebody behind all that waits for them. What it says anyhow they do not hear before, and whether
    /// anything of that was a message; equal letters are kept once.
    fn add(&mut self, mut letter: Letter, to: PrincipalId, address: &str) -> bool {
        let mut replaces = false;
        for before in self.letters.iter_mut().rev().filter(|it| it.is_to(to)) {
            let Some(asks_again) = before.replaced_by(&letter) else {
                break;
            };
            letter.asks_again = asks_again;
            replaces |= !before.is_refresh;
            before.recipients.retain(|(id, _)| *id != to);
        }
        self.drop_delivered();
        let before = self.letters.iter_mut().rev().take(LETTERS_COMPARED);
        let mut before = before.take_while(|before| !before.is_to(to));
        let recipient = (to, address.to_owned());
        match before.find(|before| before.says(&letter)) {
            Some(same) => same.recipients.push(recipient),
            None => {
                letter.recipients.push(recipient);
                self.letters.push(letter);
            }
        }
        replaces
    }

    fn drop_delivered(&mut self) {
        self.letters.retain(|letter| !letter.recipients.is_empty());
    }

    /// For whom something waits.
    fn recipients(&self, is_wanted: impl Fn(&Letter) -> bool) -> BTreeSet<PrincipalId> {
        let letters = self.letters.iter().filter(|it| is_wanted(it));
        let recipients = letters.flat_map(|letter| &letter.recipients);
        recipients.map(|(id, _)| *id).collect()
    }
}

impl Outstanding {
    /// For whom something waits.
    pub fn waits_for(&self) -> BTreeSet<PrincipalId> {
        self.waiting.recipients(|_| true)
    }

    /// Whose home it is about.
    pub fn home(&self) -> CollectionId {
        self.turn.home
    }

    /// Adds deliveries behind all that waits for their recipients.
    pub fn add_deliveries(&mut self, deliveries: &[Delivery], now: Timestamp) {
        for delivery in deliveries {
            let message = &delivery.message;
            let letter = Letter::of(message, now);
            let replaces = self
                .waiting
                .add(letter, delivery.recipient.id, &delivery.address);
            if replaces {
                self.is_public &= Classification::is_public(&message.object);
                self.log.push(LogLine {
                    parties: vec![delivery.address.clone()],
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
}

impl Desk {
    /// What waits of a meeting of a home.
    ///
    /// Errors: `Unavailable`.
    pub(crate) async fn outstanding(
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
        let row = self.store.work(LETTERS_QUEUE, &turn.letters_id()).await;
        let row = match row {
            Err(ReadError::Corrupt(_)) => Err(()),
            read => Ok(read.map_err(read_failed)?),
        };
        let (place, waiting) = match row.map(|row| row.map(|row| (row.task::<Letters>(), row))) {
            Ok(None) => (Place::Nowhere, Waiting::default()),
            Ok(Some((Some(read), row))) => {
                let Letters {
                    due,
                    troubles,
                    letters,
                } = read;
                (Place::Row { row, due }, Waiting { letters, troubles })
            }
            Ok(Some((None, _))) | Err(()) => (Place::Damaged, Waiting::default()),
        };
        Ok(Outstanding {
            turn,
            place,
            waiting,
            is_changed: false,
            log: Lines::default(),
            is_public: true,
        })
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
            place,
            waiting,
            ..
        } = outstanding;
        let id = turn.letters_id();
        match place {
            Place::Nowhere if !outstanding.is_changed => {
                batch.expect_no_work(LETTERS_QUEUE, &id);
            }
            Place::Row { row, .. } if !outstanding.is_changed => {
                batch.expect_work(&id, row);
            }
            Place::Nowhere => {
                batch.enqueue(&id, &waiting.work(now, now));
                batch.enqueue(&turn.id(now), &turn.work(now));
            }
            Place::Row { row, due } => {
                let due = self.have_turn(batch, turn, *due, now).await?;
                batch.reschedule(&id, row, id.due, &waiting.work(due, row.created));
            }
            Place::Damaged => {
                let letters = waiting.letters.iter().cloned();
                let apart = Turn {
                    letters: letters.map(Letter::into_former).collect(),
                    ..turn.clone()
                };
                if !apart.letters.is_empty() {
                    batch.enqueue(&self.store.new_work_id(now), &apart.work(now));
                }
            }
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
}
