//! How a mail fared is written into the sender's object (RFC 6638 §3.2.9).

use calendar::CalendarObject;
use storage::{
    Revision, Stored, Uuid,
    model::{CollectionId, Work, WorkId},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    refuse::{crowded, read_failed},
};
use crate::{
    Classification, Refusal,
    engine::{self, Directory, Invited, Method},
    log::{About, LogEntry, LogLine, Occasion, Verdict, Way},
    mail::{DeliveryOutcome, OutgoingMessage, Voice},
    parse_stored,
};

/// A mail that the next server had taken came back (RFC 3464).
#[derive(Clone, Debug)]
pub struct Bounce {
    /// The home of who sent it.
    pub home: CollectionId,
    /// The UID of the meeting.
    pub uid: String,
    /// The METHOD of what was sent.
    pub method: String,
    /// The calendar user address of whom it did not reach, as in the object.
    pub recipient: String,
    /// It will never reach them: 5.2; else it was given up: 5.1.
    pub is_permanent: bool,
    /// What the other server said.
    pub detail: Option<String>,
    /// The name of the mail that says so (Message-ID), if any.
    pub id: Option<String>,
}

impl Bounce {
    /// The name by which the same is known when it is told again.
    fn name(&self) -> Uuid {
        let parts = [Some(&self.uid), Some(&self.recipient), self.detail.as_ref()];
        let parts = match &self.id {
            Some(id) => [Some(id), None, None],
            None => parts,
        };
        let parts: Vec<&[u8]> = parts
            .into_iter()
            .flatten()
            .map(|it| it.as_bytes())
            .collect();
        Uuid::derived("Convoke 2026-11 mail that came back", &parts)
    }
}

impl Desk {
    /// Writes into the sender's object and log that a mail came back. Where the recipient answered meanwhile, or the
    /// same was told before, the object stays as it is; the log says it once.
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn record_bounce(&self, bounce: &Bounce) -> Result<(), Refusal> {
        let outcome = match bounce.is_permanent {
            true => DeliveryOutcome::Rejected,
            false => DeliveryOutcome::GivenUp,
        };
        let name = bounce.name();
        for _ in 0..MAXIMUM_ROUNDS {
            let home = self.store.collection(bounce.home).await;
            // The log of a home that is gone went with it.
            let Some(home) = home.map_err(read_failed)? else {
                return Ok(());
            };
            let was_told = self.store.received(home.owner, &[name]).await;
            if was_told.map_err(read_failed)?.is_some() {
                return Ok(());
            }
            let copies = self.copies(bounce.home, &bounce.uid).await?;
            let mut batch = self.store.batch();
            let status = (bounce.recipient.clone(), engine::Status::from(outcome));
            self.write_statuses(&mut batch, &copies, std::slice::from_ref(&status))
                .await?;
            let mut objects = copies.meeting.iter().map(|copy| &copy.object);
            let entry = LogEntry {
                time: self.now(),
                actor: None,
                occasion: Occasion::Fared,
                is_public: objects.all(Classification::is_public),
                lines: vec![came_back(bounce, outcome)],
            };
            batch.note_received(home.owner, name, self.now(), &[]);
            self.log(&mut batch, bounce.home, &bounce.uid, entry);
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Ends a mail's row of work and writes its outcome into the object, in one commit. The object's
    /// ETag changes, its Schedule-Tag does not (RFC 6638 §3.2.10). A row that somebody else has ended or
    /// taken meanwhile is left alone. `detail` is what the mail server said.
    pub async fn record_delivery(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        outcome: DeliveryOutcome,
        detail: Option<&str>,
    ) -> Result<(), Refusal> {
        let message = OutgoingMessage::decode(&work.payload);
        let mut seen: Option<Option<Revision>> = None;
        for _ in 0..MAXIMUM_ROUNDS {
            let mut batch = self.store.batch();
            batch.finish_work(id, work);
            let revision = match &message {
                // Nobody's object tells how a notice fared.
                Some(message) if message.voice != Voice::Notice => {
                    self.write_status(&mut batch, message, outcome, detail)
                        .await?
                }
                _ => None,
            };
            if seen == Some(revision) {
                // The object is as it was in the last round: it is the row that changed.
                return Ok(());
            }
            seen = Some(revision);
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Why a mail that waited is not meant any more, where it is not: it calls off what its recipient was invited to again,
    /// or invites to what is off. (Only the organizer's mails can be.)
    ///
    /// Errors: `Unavailable`, `Damaged`.
    pub async fn overtaken(
        &self,
        message: &OutgoingMessage,
    ) -> Result<Option<&'static str>, Refusal> {
        let Some(method) = Method::parse(&message.method) else {
            return Ok(None);
        };
        let Ok(sent) = parse_stored(message.calendar.clone()) else {
            return Ok(None);
        };
        let home = self.store.collection(message.home).await;
        let home = home.map_err(read_failed)?;
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&sent), None))
            .await?;
        let sender = engine::normalise(&format!("mailto:{}", message.from.address));
        // by whichever of their addresses they are in it
        let is_senders = |organizer: &str| {
            let is_owners = |owner| directory.is(organizer, owner);
            engine::normalise(organizer) == sender
                || home.as_ref().is_some_and(|home| is_owners(home.owner))
        };
        let mut organizers = sent.entries().filter_map(|it| it.raw_value("ORGANIZER"));
        if !organizers.any(is_senders) {
            return Ok(None);
        }
        let copies = self.copies(message.home, &message.uid).await?;
        let invited = Invited::of(copies.meeting.as_ref().map(|copy| &copy.object));
        let is_overtaken = invited.overtakes(method, &sent, &message.recipient);
        Ok(is_overtaken.then(|| Invited::reason(method)))
    }

    /// Ends a mail's row of work without its having been sent, for a reason that the sender's log then has. A row that
    /// somebody else has ended or taken meanwhile is left alone.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn withdraw_mail(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        message: &OutgoingMessage,
        reason: &str,
    ) -> Result<(), Refusal> {
        let mut batch = self.store.batch();
        batch.finish_work(id, work);
        let home = self.store.collection(message.home).await;
        if home.map_err(read_failed)?.is_some() {
            let sent = parse_stored(message.calendar.clone()).ok();
            let about = sent.as_ref().map(|sent| About::of(&message.method, sent));
            let line = about.unwrap_or_default().line(
                Verdict::NotSent,
                &message.method,
                &message.recipient,
                reason,
            );
            let entry = LogEntry {
                time: self.now(),
                actor: None,
                occasion: Occasion::Fared,
                is_public: sent.as_ref().is_none_or(Classification::is_public),
                lines: vec![line],
            };
            self.log(&mut batch, message.home, &message.uid, entry);
        }
        self.commit(batch).await.map(drop)
    }

    /// Whether something later went to the recipient of a mail, so that what becomes of the mail says nothing of that: by
    /// the DTSTAMP of what was sent, and as far as the sender's log can tell.
    async fn was_mailed_later(
        &self,
        message: &OutgoingMessage,
        sent: Option<&CalendarObject>,
    ) -> Result<bool, Refusal> {
        let entries = sent.into_iter().flat_map(CalendarObject::entries);
        let stamp = entries.filter_map(|entry| entry.raw_value("DTSTAMP")).max();
        let (home, uid) = (message.home, &message.uid);
        let last = self.last_mailed(home, uid, &message.recipient).await?;
        let last = last.and_then(|last| jiff::Timestamp::from_millisecond(last.0).ok());
        let last = last.map(|last| last.strftime("%Y%m%dT%H%M%SZ").to_string());
        Ok(stamp.is_some_and(|stamp| last.as_deref() > Some(stamp.trim())))
    }

    /// Puts the object with its new status into the batch; the revision of the object that was read.
    async fn write_status(
        &self,
        batch: &mut storage::Batch,
        message: &OutgoingMessage,
        outcome: DeliveryOutcome,
        detail: Option<&str>,
    ) -> Result<Option<Revision>, Refusal> {
        let copies = self.copies(message.home, &message.uid).await?;
        let status = (message.recipient.clone(), engine::Status::from(outcome));
        let sent = parse_stored(message.calendar.clone()).ok();
        if !self.was_mailed_later(message, sent.as_ref()).await? {
            self.write_statuses(batch, &copies, std::slice::from_ref(&status))
                .await?;
        }
        let home = self.store.collection(message.home).await;
        // The log of a home that is gone went with it.
        if home.map_err(read_failed)?.is_some() {
            let mut objects = copies.meeting.iter().map(|copy| &copy.object).chain(&sent);
            let entry = LogEntry {
                time: self.now(),
                actor: None,
                occasion: Occasion::Fared,
                is_public: objects.all(Classification::is_public),
                lines: vec![fared(message, sent.as_ref(), outcome, detail)],
            };
            self.log(batch, message.home, &message.uid, entry);
        }
        Ok(copies.meeting.map(|copy| copy.stored.revision))
    }
}

/// A mail that came back, for the sender's log.
fn came_back(bounce: &Bounce, outcome: DeliveryOutcome) -> LogLine {
    let mut reason = "it came back".to_owned();
    if let Some(detail) = &bounce.detail {
        reason = format!("{reason}: {detail}");
    }
    let about = About::default();
    LogLine {
        way: Some(Way::Mail),
        status: Some(engine::Status::from(outcome).as_str().to_owned()),
        ..about.line(Verdict::Fared, &bounce.method, &bounce.recipient, &reason)
    }
}

/// What became of a mail, for the sender's log.
fn fared(
    message: &OutgoingMessage,
    sent: Option<&CalendarObject>,
    outcome: DeliveryOutcome,
    detail: Option<&str>,
) -> LogLine {
    let mut reason = match outcome {
        DeliveryOutcome::Accepted => "the mail server took it",
        DeliveryOutcome::Rejected => "the mail server refused it for good",
        DeliveryOutcome::GivenUp => "given up",
        DeliveryOutcome::NotPossible => "no mail can be sent",
    }
    .to_owned();
    if let Some(detail) = detail {
        reason = format!("{reason}: {detail}");
    }
    let about = sent.map(|object| About::of(&message.method, object));
    let about = about.unwrap_or_default();
    LogLine {
        way: Some(Way::Mail),
        status: Some(engine::Status::from(outcome).as_str().to_owned()),
        ..about.line(Verdict::Fared, &message.method, &message.recipient, &reason)
    }
}
