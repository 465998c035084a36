//! A dry run: what a change would come to. It is decided as the change itself is, by the same rounds, and what they
//! would commit is looked at instead.

use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use storage::{
    Batch, ResourcePath,
    model::{CollectionId, TrashCause},
};

use super::{
    Delete, Desk, MAXIMUM_ROUNDS, Put, Written, conditions,
    delete::Removal,
    recipients::Recipients,
    refuse::{crowded, read_failed},
    schedule::Proposal,
};
use crate::{
    Actor, Refusal,
    engine::{Delivery, Directory, Status},
    log::{About, Lines, LogEntry, LogLine, Verdict, Way},
};

/// What a change would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// What would be answered to a PUT. Tags are drawn for each change, so that those of the change itself are
    /// others.
    pub written: Option<Written>,
    /// What would be stored.
    pub octets: Option<Bytes>,
    /// What would stand in the log of the owner, whom messages would not reach that are delivered later, and how rooms
    /// would answer that answer by themselves.
    pub lines: Vec<LogLine>,
}

impl Desk {
    /// What a PUT of a calendar object would come to. Nothing changes.
    ///
    /// Errors: those that [`Desk::put`] would have; `Forbidden` without `DAV:read`; `Conflict` where there is no
    /// calendar.
    pub async fn rehearse_put(&self, actor: &Actor, put: &Put) -> Result<Rehearsal, Refusal> {
        let desk = self.rehearsing();
        let mut admitted = None;
        for _ in 0..MAXIMUM_ROUNDS {
            let decided = desk.decide_put(actor, put, &mut admitted).await?;
            let Some(decided) = decided else {
                continue;
            };
            let place = decided.written.elsewhere.as_ref().unwrap_or(&put.path);
            self.check_may_be_told(actor, place).await?;
            return Ok(Rehearsal {
                written: Some(decided.written),
                octets: Some(decided.octets),
                lines: desk.weigh(decided.batch, decided.home).await?,
            });
        }
        Err(crowded())
    }

    /// What a DELETE of a calendar object would come to. Nothing changes.
    ///
    /// Errors: those that [`Desk::delete`] would have; `Forbidden` without `DAV:read`; `Conflict` for a
    /// collection.
    pub async fn rehearse_delete(
        &self,
        actor: &Actor,
        delete: &Delete,
    ) -> Result<Rehearsal, Refusal> {
        let desk = self.rehearsing();
        let submitted = conditions::submitted_tokens(&delete.conditions);
        let removal = Removal {
            actor,
            submitted: &submitted,
            schedule_reply: delete.schedule_reply,
            cause: TrashCause::Deleted,
            has_begun: AtomicBool::new(false),
        };
        let decided = desk.decide_removal(&removal, &delete.path, &delete.conditions);
        let (batch, home) = decided.await?;
        self.check_may_be_told(actor, &delete.path).await?;
        Ok(Rehearsal {
            written: None,
            octets: None,
            lines: desk.weigh(batch, home).await?,
        })
    }

    /// What becomes of the messages that the change leaves for later, as far as their recipients can be read: to whom
    /// they cannot be delivered, and how rooms answer.
    pub(super) async fn foresee_later(
        &self,
        recipients: &mut Recipients,
        proposal: &Proposal<'_>,
        later: &[Delivery],
        directory: &Directory,
    ) -> Result<Vec<LogLine>, Refusal> {
        let unreadable = self
            .load_readable_recipients(recipients, proposal.owner, later)
            .await?;
        let mut lines = Lines::default();
        for delivery in later {
            let id = delivery.recipient.id;
            if unreadable.iter().any(|(damaged, _)| *damaged == id) {
                continue;
            }
            let receipt = recipients.receive(delivery, directory, proposal.now);
            let status = receipt.map_or(Status::NO_WAY, |receipt| receipt.status);
            let message = &delivery.message;
            if !message.is_refresh && Status::is_undelivered(status.as_str()) {
                let about = About::of(message.method.as_str(), &message.object);
                let reason = "so it is now, and it is delivered later";
                lines.push(LogLine {
                    way: Some(Way::Local),
                    status: Some(status.as_str().to_owned()),
                    ..about.line(
                        Verdict::Undeliverable,
                        message.method.as_str(),
                        &delivery.address,
                        reason,
                    )
                });
            }
        }
        for (room, asked) in recipients.asked() {
            let answers = self.foresee_booking(room, &asked, directory);
            lines.extend(answers.await?);
        }
        Ok(lines.into_lines())
    }

    /// Who may write what they may not read does not read it this way.
    async fn check_may_be_told(&self, actor: &Actor, path: &ResourcePath) -> Result<(), Refusal> {
        let opened = match (self.open(actor, path).await, path.parent()) {
            (Err(Refusal::NotFound), Some(parent)) => self.open(actor, &parent).await,
            (opened, _) => opened,
        };
        opened.map(|_| ())
    }

    /// A desk that decides as this one does, and writes nothing.
    fn rehearsing(&self) -> Desk {
        Desk {
            rehearses: true,
            ..self.clone()
        }
    }

    /// What a batch would write into the logs of a home, if there is room for all of it.
    async fn weigh(&self, batch: Batch, home: CollectionId) -> Result<Vec<LogLine>, Refusal> {
        let rows = batch.logged_scheduling(home).map_err(read_failed)?;
        let rehearsed = self.store.rehearse(batch).await;
        rehearsed.map_err(|error| self.refused(error))?;
        let entries = rows.iter().filter_map(LogEntry::of_row);
        Ok(entries.flat_map(|entry| entry.lines).collect())
    }
}
