//! Messages of a meeting that wait: the copies of a large meeting, which one commit cannot hold, what goes to somebody
//! whose copy cannot be read now, and whatever is decided for these people meanwhile. (Mails that wait:
//! [`super::mailing`].)
//!
//! The change itself commits a state that is right by itself: SCHEDULE-STATUS 1.0 for everybody who has not heard yet,
//! and the letters that they are to get. All letters of one meeting stand in one row, in the order in which they were
//! decided, so that nothing overtakes what waits for somebody. [`Desk::deliver_outstanding`] delivers them in bounded
//! commits; each holds some copies, their statuses in the sender's object, and the row with what is left, so that it
//! may be interrupted anywhere and nothing is delivered twice.

mod delivering;

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Stored, Timestamp, Uuid,
    backend::ReadError,
    model::{CollectionId, INLINE_CONTENT_OCTETS, PrincipalId, Work, WorkId},
};

use super::{CommitBounds, Desk, refuse::read_failed};
use crate::{
    Classification, Refusal,
    engine::{self, Delivery, Message, Method, Status},
    log::{LogEntry, LogLine, Occasion, Verdict},
    mail::OutgoingMessage,
    parse_stored,
};

/// The queue of meetings for which it is time to deliver what waits.
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
    letters: Vec<Letter>,
    /// Of rows from before there was a queue of their own for mails that wait; nothing puts any in here now.
    mails: Vec<OutgoingMessage>,
}

/// The payload of a row in [`LETTERS_QUEUE`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Letters {
    /// When the meeting has its turn: that row's place.
    due: Timestamp,
    letters: Vec<Letter>,
}

/// One message to several people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Letter {
    method: Method,
    sender: String,
    is_refresh: bool,
    asks_again: bool,
    octets: Vec<u8>,
    /// With the address of each as it stands in the sender's object.
    recipients: Vec<(PrincipalId, String)>,
}

/// What waits of a meeting, as it was read and with what is added to it.
#[derive(Debug)]
pub(crate) struct Outstanding {
    turn: Turn,
    letters: Vec<Letter>,
    place: Place,
    is_changed: bool,
    log: Vec<LogLine>,
    is_public: bool,
}

/// Where it stands.
#[derive(Debug)]
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

/// The row in which what waits of a meeting stands.
fn letters_id(home: CollectionId, uid: &str) -> WorkId {
    let home_octets = home.0.to_be_bytes();
    let name = Uuid::derived(
        "Convoke 2026-11 deliveries of a meeting",
        &[&home_octets, uid.as_bytes()],
    );
    WorkId {
        due: Timestamp(home.0 as i64),
        id: u128::from_be_bytes(name.to_octets()),
    }
}

impl Turn {
    fn letters_id(&self) -> WorkId {
        letters_id(self.home, &self.uid)
    }

    /// The place of the meeting's turn at a time.
    fn id(&self, due: Timestamp) -> WorkId {
        WorkId {
            due,
            ..self.letters_id()
        }
    }

    fn work(&self, created: Timestamp) -> Work {
        Work::of(DELIVERY_QUEUE, self, created)
    }
}

impl Letter {
    fn of(message: &Message, octets: &Bytes, asks_again: bool) -> Letter {
        Letter {
            method: message.method,
            sender: message.sender.clone(),
            is_refresh: message.is_refresh,
            asks_again,
            octets: octets.to_vec(),
            recipients: Vec::new(),
        }
    }

    /// Whether it says the same as another one.
    fn says(&self, other: &Letter) -> bool {
        self.method == other.method
            && self.sender == other.sender
            && self.is_refresh == other.is_refresh
            && self.asks_again == other.asks_again
            && self.octets == other.octets
    }

    fn is_to(&self, recipient: PrincipalId) -> bool {
        self.recipients.iter().any(|(id, _)| *id == recipient)
    }

    /// Whether it is about all of the meeting, and not single instances.
    fn is_about_all(&self) -> bool {
        let object = parse_stored(Bytes::copy_from_slice(&self.octets));
        object.is_ok_and(|object| engine::is_about_all(&object))
    }

    /// What becomes of this letter where one about all of the meeting is decided for the same person, that takes it out
    /// or invites to it, asking again or not: `None` where it is delivered first, or whether the later one is to ask
    /// again in its place.
    fn replaced_by(&self, method: Method, asks_again: bool) -> Option<bool> {
        match (self.method, method) {
            _ if self.is_refresh => Some(asks_again),
            (Method::Request | Method::Cancel, Method::Cancel) => Some(false),
            (Method::Request, Method::Request) => {
                let says_it = !self.asks_again || asks_again || self.is_about_all();
                says_it.then_some(asks_again || self.asks_again)
            }
            // who was to be out, and is in again, has answered nothing
            (Method::Cancel, Method::Request) => self.is_about_all().then_some(true),
            _ => None,
        }
    }
}

impl Outstanding {
    /// For whom something waits.
    pub fn waits_for(&self) -> BTreeSet<PrincipalId> {
        let recipients = self.letters.iter().flat_map(|letter| &letter.recipients);
        recipients.map(|(id, _)| *id).collect()
    }

    /// Whose home it is about.
    pub fn home(&self) -> CollectionId {
        self.turn.home
    }

    /// Adds deliveries behind all that waits for their recipients. What one about all of the meeting says anyhow, its
    /// recipient does not hear before; equal messages are kept once.
    pub fn add_deliveries<'d>(&mut self, deliveries: impl IntoIterator<Item = &'d Delivery>) {
        for delivery in deliveries {
            self.add(delivery);
            self.is_changed = true;
        }
    }

    fn add(&mut self, delivery: &Delivery) {
        let (message, to) = (&delivery.message, delivery.recipient.id);
        let mut asks_again = message.asks_again;
        if !message.is_refresh && engine::is_about_all(&message.object) {
            asks_again = self.drop_replaced(delivery, asks_again);
        }
        let octets = message.object.to_octets();
        let letter = Letter::of(message, &octets, asks_again);
        let before = self.letters.iter_mut().rev().take(LETTERS_COMPARED);
        let mut before = before.take_while(|before| !before.is_to(to));
        let recipient = (to, delivery.address.clone());
        match before.find(|before| before.says(&letter)) {
            Some(same) => same.recipients.push(recipient),
            None => self.letters.push(Letter {
                recipients: vec![recipient],
                ..letter
            }),
        }
    }

    /// Takes the letters away, of those that wait for the recipient, that this one replaces; whether it asks again.
    fn drop_replaced(&mut self, delivery: &Delivery, mut asks_again: bool) -> bool {
        let (message, to) = (&delivery.message, delivery.recipient.id);
        for letter in self.letters.iter_mut().rev().filter(|it| it.is_to(to)) {
            let Some(asks) = letter.replaced_by(message.method, asks_again) else {
                break;
            };
            asks_again = asks;
            letter.recipients.retain(|(id, _)| *id != to);
            if !letter.is_refresh {
                self.log.push(LogLine {
                    parties: vec![delivery.address.clone()],
                    ..LogLine::of(
                        Verdict::NotSent,
                        "it waited still, and a later message says all",
                    )
                });
                self.is_public &= Classification::is_public(&message.object);
            }
        }
        self.letters.retain(|letter| !letter.recipients.is_empty());
        asks_again
    }

    /// What is known of how those fare who are to wait.
    pub fn pending<'d>(
        deliveries: impl IntoIterator<Item = &'d Delivery>,
    ) -> impl Iterator<Item = (String, Status)> {
        let deliveries = deliveries.into_iter();
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
        let (place, letters) = match row {
            Ok(None) => (Place::Nowhere, Vec::new()),
            Ok(Some(row)) => match row.task::<Letters>() {
                Some(Letters { due, letters }) => (Place::Row { row, due }, letters),
                None => (Place::Damaged, Vec::new()),
            },
            Err(ReadError::Corrupt(_)) => (Place::Damaged, Vec::new()),
            Err(error) => return Err(read_failed(error)),
        };
        Ok(Outstanding {
            turn,
            letters,
            place,
            is_changed: false,
            log: Vec::new(),
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
            letters,
            place,
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
                batch.enqueue(&id, &waiting(now, letters, now));
                batch.enqueue(&turn.id(now), &turn.work(now));
            }
            Place::Row { row, due } => {
                let due = self.have_turn(batch, turn, *due, now).await?;
                let after = waiting(due, letters, row.created);
                batch.reschedule(&id, row, id.due, &after);
            }
            Place::Damaged if letters.is_empty() => {}
            Place::Damaged => {
                let apart = Turn {
                    letters: letters.clone(),
                    ..turn.clone()
                };
                batch.enqueue(&self.store.new_work_id(now), &apart.work(now));
            }
        }
        if !outstanding.log.is_empty() {
            let entry = LogEntry {
                time: now,
                actor: None,
                occasion: Occasion::Fared,
                is_public: outstanding.is_public,
                lines: outstanding.log.clone(),
            };
            self.log(batch, turn.home, &turn.uid, entry);
        }
        Ok(())
    }

    /// A meeting that has something to wait for has its turn now, also where it was put off; when that is.
    async fn have_turn(
        &self,
        batch: &mut Batch,
        turn: &Turn,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        match self.store.work(DELIVERY_QUEUE, &turn.id(due)).await {
            Ok(Some(_)) if due <= now => return Ok(due),
            Ok(Some(row)) => batch.reschedule(&turn.id(due), &row, now, &row),
            Ok(None) | Err(ReadError::Corrupt(_)) => batch.enqueue(&turn.id(now), &turn.work(now)),
            Err(error) => return Err(read_failed(error)),
        };
        Ok(now)
    }
}

fn waiting(due: Timestamp, letters: &[Letter], created: Timestamp) -> Work {
    let letters = letters.to_vec();
    Work::of(LETTERS_QUEUE, &Letters { due, letters }, created)
}
