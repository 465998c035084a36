//! How mails fared is written into the sender's object (RFC 6638 §3.2.9).
//!
//! What becomes known of a meeting's mails within a few seconds is noted in one row of work, and written together by
//! [`Desk::write_mail_statuses`]: however many people are elsewhere, the object has few entity tags, and those who sync
//! it few changes.

use calendar::CalendarObject;
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Stored, Timestamp,
    model::{CollectionId, Work, WorkId},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    queue::Row,
    refuse::{crowded, read_failed},
};
use crate::{
    Classification, Refusal,
    engine::{self, Directory, Invited, Method, Status},
    log::{About, Lines, LogEntry, LogLine, Occasion, Verdict, Way},
    mail::{DeliveryOutcome, OutgoingMessage, Voice},
    parse_stored,
};

/// The queue of meetings of which it is known how mails fared.
pub const MAIL_STATUS_QUEUE: &str = "mail-status";
/// What becomes known within such a time is written together, at its end.
const WINDOW_MILLISECONDS: i64 = 3_000;

/// The payload of a row in [`MAIL_STATUS_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MailFates {
    /// The home of who sent the mails, and the UID of the meeting.
    home: CollectionId,
    uid: String,
    /// In the order in which they became known.
    fates: Vec<Fate>,
}

/// How a mail fared.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fate {
    /// The calendar user address of whom it was for, as in the object.
    pub recipient: String,
    pub status: Status,
    /// DTSTAMP of what was sent, if it has one.
    pub stamp: Option<String>,
    /// Whether everybody who sees the calendar could see all of what was sent.
    pub is_public: bool,
    /// For the sender's log.
    pub line: LogLine,
}

impl MailFates {
    fn work(&self, created: Timestamp) -> Work {
        Work::of(MAIL_STATUS_QUEUE, self, created)
    }

    /// The row of the meeting for what becomes known at this time.
    fn id(&self, now: Timestamp) -> WorkId {
        let (_, end) = now.window(WINDOW_MILLISECONDS);
        let context = "Convoke 2026-11 mails of a meeting";
        let home = self.home.0.to_be_bytes();
        WorkId::derived(end, context, &[&home, self.uid.as_bytes()])
    }
}

impl Fate {
    fn of(message: &OutgoingMessage, outcome: DeliveryOutcome, detail: Option<&str>) -> Fate {
        let sent = parse_stored(message.calendar.clone()).ok();
        let entries = sent.iter().flat_map(CalendarObject::entries);
        let stamp = entries.filter_map(|entry| entry.raw_value("DTSTAMP")).max();
        Fate {
            recipient: message.recipient.clone(),
            status: Status::from(outcome),
            stamp: stamp.map(|stamp| stamp.trim().to_owned()),
            is_public: sent.as_ref().is_none_or(Classification::is_public),
            line: fared(message, sent.as_ref(), outcome, detail),
        }
    }

    /// Whether the sender's object tells it, which tells of the last message to its recipient.
    fn is_told_by_status(&self, log: &[LogEntry]) -> bool {
        self.line.is_told_by_status() && !self.was_mailed_later(log)
    }

    /// Whether something later went to its recipient, so that what became of the mail says nothing of that: by the DTSTAMP
    /// of what was sent, and as far as the sender's log can tell.
    fn was_mailed_later(&self, log: &[LogEntry]) -> bool {
        let is_it =
            |line: &LogLine| line.is_told_by_status() && line.was_mailed_to(&self.recipient);
        let mailed = log.iter().filter(|entry| entry.lines.iter().any(is_it));
        let last = mailed.map(|entry| entry.time).max();
        let last = last.and_then(|last| jiff::Timestamp::from_millisecond(last.0).ok());
        let last = last.map(|last| last.strftime("%Y%m%dT%H%M%SZ").to_string());
        self.stamp.is_some() && last > self.stamp
    }
}

impl Desk {
    /// Ends a mail's row of work and notes its outcome for the sender's object and log, in one commit. A row that
    /// somebody else has ended or taken meanwhile is left alone. `detail` is what the mail server said.
    ///
    /// Errors: `Unavailable`, `Full`, `Damaged`.
    pub async fn record_delivery(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        outcome: DeliveryOutcome,
        detail: Option<&str>,
    ) -> Result<(), Refusal> {
        let message = OutgoingMessage::decode(&work.payload);
        // Nobody's object tells how a notice fared.
        let message = message.filter(|message| message.voice != Voice::Notice);
        for _ in 0..MAXIMUM_ROUNDS {
            let mut batch = self.store.batch();
            batch.finish_work(id, work);
            if let Some(message) = &message {
                let fate = Fate::of(message, outcome, detail);
                if outcome == DeliveryOutcome::Accepted {
                    self.keep_of_mail(&mut batch, id, message, &fate);
                }
                self.note_fate(&mut batch, (message.home, &message.uid), fate)
                    .await?;
            }
            if self.commit(batch).await?.is_some() {
                return Ok(());
            }
            let row = self.store.work(&work.queue, id).await;
            let row = row.map_err(read_failed)?;
            if row.is_none_or(|row| row.revision != work.revision) {
                return Ok(());
            }
        }
        Err(crowded())
    }

    /// Leaves how a mail about a meeting of a home fared to [`Desk::write_mail_statuses`].
    pub(super) async fn note_fate(
        &self,
        batch: &mut Batch,
        (home, uid): (CollectionId, &str),
        fate: Fate,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let uid = uid.to_owned();
        let mut fates = MailFates {
            home,
            uid,
            fates: vec![fate],
        };
        let id = fates.id(now);
        let row = self.store.work(MAIL_STATUS_QUEUE, &id).await;
        let Some(row) = row.map_err(read_failed)? else {
            batch.enqueue(&id, &fates.work(now));
            return Ok(());
        };
        let before: Option<MailFates> = row.task();
        let before = before.ok_or_else(|| {
            Refusal::Damaged("what was noted of a meeting's mails cannot be read".to_owned())
        })?;
        fates.fates.splice(0..0, before.fates);
        batch.reschedule(&id, &row, id.due, &fates.work(row.created));
        Ok(())
    }

    /// Writes how the mails of a meeting fared into its object and log, in one commit; says whether there was anything to
    /// write, and hence perhaps more. The object's ETag changes, its Schedule-Tag does not (RFC 6638 §3.2.10). To be
    /// called by a worker whenever [`MAIL_STATUS_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn write_mail_statuses(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let step = self.mail_status_step(&row).await;
            self.conclude(&row, step).await
        };
        self.work_through(MAIL_STATUS_QUEUE, step).await
    }

    async fn mail_status_step(&self, row: &Row) -> Result<Batch, Refusal> {
        let MailFates { home, uid, fates } = row.task()?;
        let mut batch = self.store.batch();
        batch.finish_work(&row.id, &row.work);
        // The log of a home that is gone went with it.
        let is_gone = self.store.collection(home).await;
        if is_gone.map_err(read_failed)?.is_none() {
            return Ok(batch);
        }
        let copies = self.copies(home, &uid).await?;
        let log = self.scheduling_log_of(home, &uid).await?;
        let statuses = fates.iter().filter(|fate| fate.is_told_by_status(&log));
        let statuses: Vec<(String, Status)> = statuses
            .map(|fate| (fate.recipient.clone(), fate.status.clone()))
            .collect();
        self.write_statuses(&mut batch, &copies, &statuses).await?;
        let mut lines = Lines::default();
        lines.extend(fates.iter().map(|fate| fate.line.clone()));
        let mut objects = copies.meeting.iter().map(|copy| &copy.object);
        let entry = LogEntry {
            time: self.now(),
            actor: None,
            occasion: Occasion::Fared,
            is_public: objects.all(Classification::is_public)
                && fates.iter().all(|fate| fate.is_public),
            lines: lines.into_lines(),
        };
        self.log(&mut batch, home, &uid, entry);
        Ok(batch)
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
        // what came here without being scheduled invites nobody
        let meeting = copies.meeting.as_ref();
        let meeting = meeting.filter(|copy| copy.is_scheduling_object());
        let invited = Invited::of(meeting.map(|copy| &copy.object));
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
        status: Some(Status::from(outcome).as_str().to_owned()),
        ..about.line(Verdict::Fared, &message.method, &message.recipient, &reason)
    }
}
