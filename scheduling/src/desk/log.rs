//! The log of each meeting: what was decided is written with the change itself, and read by whom it concerns.

use storage::{
    Batch, Found, KeptOfMessages, ResourcePath, Timestamp, Uuid,
    model::{CollectionId, Object, PrincipalId},
};

use super::{Desk, refuse::read_failed};
use crate::{
    Actor, Refusal,
    engine::LastTold,
    log::{LogEntry, LogLine},
    view::Sight,
};

/// The most rows of a log that are read: as many as are kept, and what may come between two sweeps.
const MAXIMUM_ROWS: usize = 2 * storage::MAXIMUM_SCHEDULING_LOG_ENTRIES;

/// How far back the last message is looked for: it is among the newest entries, and so few rows are read without another
/// thread.
const NEWEST_ROWS: usize = 32;

/// Whoever else may see an event does not learn why others heard of it.
const NOT_FOR_OTHERS: Refusal = Refusal::Prohibited(
    "what was decided about a meeting is for its owner, and for delegates who see all of it",
);

impl Desk {
    /// Writes what was decided into the log of a meeting in a home, if there is anything.
    pub(crate) fn log(&self, batch: &mut Batch, home: CollectionId, uid: &str, entry: LogEntry) {
        // A dry run tells it where it is not kept, too.
        if !self.settings.scheduling_log && !self.rehearses {
            return;
        }
        for row in entry.rows() {
            batch.log_scheduling(home, uid, &row);
        }
    }

    /// What was decided about the meeting at a path, the newest last, as somebody may read it: the owner, an
    /// administrator, and the owner's delegates, as far as they see all of the event and did so when it was
    /// decided. Empty where there is no meeting.
    ///
    /// Errors: `NotFound`; `NotAllowed` where there is no calendar object; `Forbidden` without `DAV:read`;
    /// `Prohibited` for everybody else.
    pub async fn scheduling_log(
        &self,
        actor: &Actor,
        path: &ResourcePath,
    ) -> Result<Vec<LogEntry>, Refusal> {
        let opened = self.open(actor, path).await?;
        let owner = opened.resolution.owner.id;
        let standing = self.standing(actor, owner).await?;
        let resolution = self.store.resolve(path).await.map_err(read_failed)?;
        let resolution = resolution.ok_or(Refusal::NotFound)?;
        let Found::Object(object) = &resolution.found else {
            return Err(Refusal::NotAllowed("only a calendar object has such a log"));
        };
        let viewer = standing.viewer();
        if !standing.may_read_log()
            || !matches!(self.sight_for(viewer, object).await?, Sight::Whole)
        {
            return Err(NOT_FOR_OTHERS);
        }
        let mut entries = self
            .scheduling_log_of(resolution.home().id, uid_of(object))
            .await?;
        entries.retain(|entry| entry.is_public || viewer.is_trusted());
        Ok(entries)
    }

    /// Whether somebody may know what was decided about an owner's meetings, as far as they see those.
    ///
    /// Errors: `Prohibited` where not.
    pub async fn check_may_read_logs(
        &self,
        actor: &Actor,
        owner: PrincipalId,
    ) -> Result<(), Refusal> {
        match self.standing(actor, owner).await?.may_read_log() {
            true => Ok(()),
            false => Err(NOT_FOR_OTHERS),
        }
    }

    /// Everything that was decided about the meeting with this UID in a home, the newest last, also where it is
    /// gone; for the administrator. An entry that cannot be read is one that says so.
    ///
    /// Errors: the store cannot be read.
    pub async fn scheduling_log_of(
        &self,
        home: CollectionId,
        uid: &str,
    ) -> Result<Vec<LogEntry>, Refusal> {
        let rows = self.store.scheduling_log(home, uid, MAXIMUM_ROWS).await;
        let mut time = Timestamp(0);
        let entries = rows.map_err(read_failed)?.into_iter().map(|row| {
            time = row.as_ref().map_or(time, |row| row.time);
            let entry = row.as_ref().and_then(LogEntry::of_row);
            entry.unwrap_or_else(|| LogEntry::unreadable(time))
        });
        Ok(entries.collect())
    }

    /// Keeps which SEQUENCE others were told of a meeting that is removed, or is a plain event now, whether there is a log
    /// or not: what is stored with its UID again comes after that.
    pub(crate) async fn keep_last_sequence(
        &self,
        batch: &mut Batch,
        owner: PrincipalId,
        uid: &str,
        entry: &LogEntry,
    ) -> Result<(), Refusal> {
        let sent = entry.lines.iter().filter(|line| line.is_of_the_organizer());
        match sent.filter_map(|line| line.sequence).max() {
            Some(last) => {
                self.keep_sequence(batch, owner, uid, last, entry.time)
                    .await
            }
            None => Ok(()),
        }
    }

    /// Keeps which SEQUENCE others were told at the least.
    pub(super) async fn keep_sequence(
        &self,
        batch: &mut Batch,
        owner: PrincipalId,
        uid: &str,
        sequence: u32,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let kept = self.kept_sequence(owner, uid).await?;
        let highest = sequence_in(&kept).unwrap_or_default().max(sequence);
        batch.keep_of_messages(&kept, &highest.to_be_bytes(), now);
        Ok(())
    }

    async fn kept_sequence(
        &self,
        owner: PrincipalId,
        uid: &str,
    ) -> Result<KeptOfMessages, Refusal> {
        const CONTEXT: &str = "Convoke 2026-11 last sequence of what was removed";
        self.kept(CONTEXT, owner, uid).await
    }

    /// Keeps when somebody elsewhere was told of a meeting last, where there is no log that says it.
    pub(crate) async fn keep_moment(
        &self,
        batch: &mut Batch,
        owner: PrincipalId,
        uid: &str,
        moment: Timestamp,
    ) -> Result<(), Refusal> {
        if !self.settings.scheduling_log {
            let kept = self.kept_moment(owner, uid).await?;
            batch.keep_of_messages(&kept, &moment.0.to_be_bytes(), moment);
        }
        Ok(())
    }

    async fn kept_moment(&self, owner: PrincipalId, uid: &str) -> Result<KeptOfMessages, Refusal> {
        const CONTEXT: &str = "Convoke 2026-11 last moment of a message without a log";
        self.kept(CONTEXT, owner, uid).await
    }

    async fn kept(
        &self,
        context: &str,
        owner: PrincipalId,
        uid: &str,
    ) -> Result<KeptOfMessages, Refusal> {
        let about = Uuid::derived(context, &[uid.as_bytes()]);
        let kept = self.store.kept_of_messages(owner, about).await;
        kept.map_err(read_failed)
    }

    /// The SEQUENCE with which somebody elsewhere is told that a meeting of the home is off which is not there any more: that
    /// of its removal, or above. `None` unless its log says that they were told of it at this address.
    pub(super) async fn sequence_of_removal(
        &self,
        (owner, home): (PrincipalId, CollectionId),
        uid: &str,
        address: &str,
    ) -> Result<Option<u32>, Refusal> {
        let entries = self.scheduling_log_of(home, uid).await?;
        let lines = entries.into_iter().flat_map(|entry| entry.lines);
        let lines: Vec<LogLine> = lines.filter(LogLine::is_of_the_organizer).collect();
        if !lines.iter().any(|line| line.was_mailed_to(address)) {
            return Ok(None);
        }
        let kept = sequence_in(&self.kept_sequence(owner, uid).await?);
        let told = lines.iter().filter_map(|line| line.sequence).chain(kept);
        let last = told.max().unwrap_or_default();
        let calls_off = |line: &LogLine| line.calls_off_all() && line.sequence == Some(last);
        Ok(Some(match lines.iter().any(calls_off) {
            true => last,
            false => last.saturating_add(1),
        }))
    }

    /// What was sent last about a UID from somebody's home, as far as its log goes back and can be read, or as it was kept
    /// when it was removed, or its earlier state came back, or where there is no log.
    pub(crate) async fn last_told(
        &self,
        (owner, home): (PrincipalId, CollectionId),
        uid: &str,
    ) -> Result<LastTold, Refusal> {
        let kept = sequence_in(&self.kept_sequence(owner, uid).await?);
        let at = moment_in(&self.kept_moment(owner, uid).await?);
        let rows = self.store.scheduling_log(home, uid, NEWEST_ROWS).await;
        let rows = rows.map_err(read_failed)?;
        let entries = rows.iter().flatten().filter_map(LogEntry::of_row);
        let lines = entries.flat_map(|entry| {
            let lines = entry.lines.into_iter();
            lines.map(move |line| (entry.time, line))
        });
        let mut told = LastTold {
            whole: kept,
            at,
            ..LastTold::default()
        };
        for (time, line) in lines.filter(|(_, line)| line.is_of_the_organizer()) {
            told.at = told.at.max(Some(time));
            if line.instances.is_empty() {
                told.whole = told.whole.max(line.sequence);
            }
            let sequence = line.sequence.unwrap_or_default();
            for instance in line.instances {
                let last = told.instances.entry(instance).or_default();
                *last = sequence.max(*last);
            }
        }
        Ok(told)
    }
}

fn sequence_in(kept: &KeptOfMessages) -> Option<u32> {
    kept.octets.first_chunk().copied().map(u32::from_be_bytes)
}

fn moment_in(kept: &KeptOfMessages) -> Option<Timestamp> {
    let moment = kept.octets.first_chunk().copied();
    moment.map(|it| Timestamp(i64::from_be_bytes(it)))
}

fn uid_of(object: &Object) -> &str {
    let facts = object.calendar.as_ref();
    facts.map_or("", |facts| facts.uid.as_str())
}
