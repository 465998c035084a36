//! Whoever was disabled was not invited, and not told of what changed (5.3 in the organizers' objects, RFC 6638 §3.2.9).
//! Once enabled again, they are brought up to date.
//!
//! The change of the account leaves a row of work in its own commit. [`Desk::catch_up_enabled`] takes it and looks through
//! all meetings there are, some in each commit: where a status says that the organizer's last word did not arrive, it is
//! delivered now, and the status says so, in one commit with how far that came. So it may be interrupted anywhere, and
//! nobody hears twice. What is over is left alone.
//!
//! Before that, changes of groups that their own meetings missed meanwhile are left to those who follow them.

use std::sync::Arc;

use storage::{
    Batch, ObjectPlace, Timestamp,
    model::{CollectionId, ENABLED_QUEUE, Enabled, MEMBERSHIP_QUEUE, Principal},
};

use super::{
    Desk,
    copy::{Copies, Copy, is_over},
    queue::{Row, is_about_all},
    recipients::Recipients,
    refuse::read_failed,
};
use crate::{
    Classification, Refusal,
    engine::{self, Change, Directory, Plan, Role},
    log::{self, LogEntry, Occasion},
};

/// Objects looked at in one step.
const OBJECTS_AT_ONCE: usize = 200;
/// Changes of groups that one commit moves to those who follow them.
const CHANGES_AT_ONCE: usize = 50;

/// What somebody missed of one meeting.
struct Missed {
    organizer: Arc<Principal>,
    own: Copies,
    directory: Directory,
    plan: Plan,
}

impl Desk {
    /// Makes one commit of what accounts missed that are enabled again; says whether there was one to make, and hence
    /// perhaps another. To be called by a worker whenever [`ENABLED_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn catch_up_enabled(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let told = self.tell_missed(&row, None).await;
            let told = match self.commit_step(told).await {
                Err(refusal) if row.was_put_off() && !is_about_all(&refusal) => {
                    self.tell_missed(&row, Some(refusal)).await
                }
                Ok(told) => return Ok(told),
                Err(refusal) => Err(refusal),
            };
            self.conclude(&row, told).await
        };
        self.work_through(ENABLED_QUEUE, step).await
    }

    /// What the next commit does: the next meeting of which something was missed, and all before it. One of which that
    /// cannot be told (`refused`) is passed over, for the others.
    async fn tell_missed(&self, row: &Row, mut refused: Option<Refusal>) -> Result<Batch, Refusal> {
        let enabled: Enabled = row.task()?;
        let now = self.now();
        let mut batch = self.store.batch();
        let principal = self.store.principal(enabled.principal).await;
        let principal = principal.map_err(read_failed)?;
        let Some(principal) = principal.filter(|principal| !principal.disabled) else {
            batch.finish_work(&row.id, &row.work);
            return Ok(batch);
        };
        if let Some(home) = principal.home
            && self.wake_memberships(&mut batch, home, now).await?
        {
            let unchanged = &row.work.value;
            batch.reschedule(&row.id, &row.work, row.id.due, unchanged);
            return Ok(batch);
        }
        let page = self
            .store
            .every_object(enabled.reached.clone(), OBJECTS_AT_ONCE)
            .await;
        let (places, mut reached) = page.map_err(read_failed)?;
        for place in places {
            match self.missed(&place, &principal, now).await {
                Ok(None) => {}
                Ok(Some(_)) if let Some(refusal) = refused.take() => {
                    tracing::error!(%refusal, "what was missed of a meeting cannot be told");
                    // the next one may be such a meeting, too
                    reached = Some(place.position());
                    break;
                }
                Ok(Some(missed)) => {
                    self.deliver_missed(&mut batch, &missed, now).await?;
                    reached = Some(place.position());
                    break;
                }
                Err(refusal @ Refusal::Damaged(_)) => {
                    tracing::warn!(%refusal, "a meeting cannot be read, and nobody is told of it");
                }
                Err(refusal) => return Err(refusal),
            }
        }
        match reached {
            Some(_) => {
                let after = Enabled { reached, ..enabled }.work(row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &after)
            }
            None => batch.finish_work(&row.id, &row.work),
        };
        Ok(batch)
    }

    /// Leaves changes of groups that the meetings in a home missed to those who follow them; whether there were any.
    async fn wake_memberships(
        &self,
        batch: &mut Batch,
        home: CollectionId,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let dormant = self.store.dormant_memberships(home, CHANGES_AT_ONCE).await;
        let dormant = dormant.map_err(read_failed)?;
        for row in &dormant {
            batch.move_work(row, MEMBERSHIP_QUEUE, &self.store.new_work_id(now));
        }
        Ok(!dormant.is_empty())
    }

    /// What somebody missed of the meeting that an object is the organizer's of, if anything.
    async fn missed(
        &self,
        place: &ObjectPlace,
        principal: &Arc<Principal>,
        now: Timestamp,
    ) -> Result<Option<Missed>, Refusal> {
        let facts = place.object.calendar.as_ref();
        let Some(facts) = facts.filter(|facts| facts.scheduling && !is_over(&place.object, now))
        else {
            return Ok(None);
        };
        let calendar = self.store.collection(place.collection).await;
        let Some(calendar) = calendar.map_err(read_failed)? else {
            return Ok(None);
        };
        let own = self.copies(calendar.home, &facts.uid).await?;
        let organizer = self.store.principal(calendar.owner).await;
        let organizer = organizer.map_err(read_failed)?;
        let (Some(Copy { object, .. }), Some(organizer)) = (&own.meeting, organizer) else {
            return Ok(None);
        };
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(object), None))
            .await?;
        if engine::role(object, organizer.id, &directory) != Ok(Role::Organizer) {
            return Ok(None);
        }
        let change = Change {
            after: Some(object),
            ..Change::of(&organizer, &directory, now, self.settings.mail_possible)
        };
        let plan = engine::tell_after_all(&change, principal.id);
        let missed = Missed {
            organizer,
            own,
            directory,
            plan,
        };
        Ok(Some(missed).filter(|missed| !missed.plan.deliveries.is_empty()))
    }

    async fn deliver_missed(
        &self,
        batch: &mut Batch,
        missed: &Missed,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Missed {
            organizer,
            own,
            directory,
            plan,
        } = missed;
        let Some(copy) = &own.meeting else {
            return Ok(());
        };
        let mut recipients = Recipients::default();
        let sender = (organizer, own.uid());
        let outcomes = self
            .deliver_or_leave(&mut recipients, sender, &plan.deliveries, directory, now)
            .await?;
        self.write_recipients(batch, &recipients, copy.stored.attachments(), now)
            .await?;
        let mut lines = log::of_plan(plan, &outcomes);
        if let Some(settled) = engine::settle(plan, &outcomes) {
            let settled = recipients.with_known_answers(settled, directory, &mut lines);
            self.write_with_statuses(batch, own, &settled).await?;
        }
        let entry = LogEntry {
            time: now,
            actor: None,
            occasion: Occasion::Fared,
            is_public: Classification::is_public(&copy.object),
            lines,
        };
        self.log(batch, copy.calendar.home, own.uid(), entry);
        Ok(())
    }
}
