//! What a change of who is in a group means for the meetings to which the group is invited.
//!
//! A meeting's object is indexed by the groups that it names, in the commit that stores it. A change of a group's members
//! leaves a row of work in its own commit, for that group and each that holds it; changes that follow closely share one.
//! [`Desk::follow_memberships`] takes it, meeting by meeting: each is changed as its organizer would have changed it, in
//! one commit with how far that came, so that it may be interrupted anywhere and nobody hears twice. What cannot be done
//! in one meeting now, for want of room, is left to a row of its own, to be tried again ([`waiting`]); what waits for an
//! organizer's account to be enabled, to one that is not due before ([`Desk::catch_up_enabled`]).
//!
//! Such a change gives the organizer's object a new Schedule-Tag. RFC 6638 §3.2.10 keeps the tag for answers only: a
//! client that has not seen the new attendee would take them out again with its next PUT, and has to read first.

mod noted;
mod waiting;

use std::sync::Arc;

use storage::{
    Batch, Stored, Timestamp,
    model::{GroupMeeting, MEMBERSHIP_QUEUE, MembershipChange, Principal},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    copy::{Copies, Copy, is_over},
    queue::{Row, is_about_all},
    refuse::{crowded, read_failed},
};
use crate::{
    Actor, Classification, Refusal,
    engine::{self, Directory, MembersChanged, MembersFollowed, Role},
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// How many meetings one commit looks at, where they need no change.
const MEETINGS_AT_ONCE: usize = 50;
/// What the audit calls the one who does this.
const CLIENT: &str = "members of a group";

/// What a change of a group is for one meeting.
enum Following {
    /// Nothing.
    Nothing,
    /// The meeting is over, gone, or names the group no more: it needs not be looked at again.
    Forgotten(Copies),
    /// It is changed by this.
    Changed(Batch),
    /// It cannot be changed.
    Refused(Copies, Refusal),
    /// Nothing before its organizer's account is enabled.
    Dormant(Stored<Arc<Principal>>),
}

/// Where a row of work stands.
struct Step<'a> {
    row: &'a Row,
    change: &'a MembershipChange,
    group: &'a Principal,
    now: Timestamp,
}

impl Step<'_> {
    /// A meeting that cannot be read is tried again, and passed over then, for the others.
    fn passed_over(&self, refusal: Refusal) -> Result<Following, Refusal> {
        let has_others = self.change.only.is_none();
        if is_about_all(&refusal) || !has_others || !self.row.was_put_off() {
            return Err(refusal);
        }
        tracing::error!(%refusal, "a meeting cannot be read and follows no change of its groups");
        Ok(Following::Nothing)
    }

    /// Notes how far the row came; the end, where that is nowhere.
    fn end(&self, batch: &mut Batch, reached: Option<GroupMeeting>) {
        let Row { id, work } = self.row;
        match reached {
            Some(reached) => {
                let after = MembershipChange {
                    reached: Some(reached),
                    ..self.change.clone()
                };
                batch.reschedule(id, work, id.due, &after.work(work.created))
            }
            None => batch.finish_work(id, work),
        };
    }
}

impl Desk {
    /// Makes one commit of what changes of groups mean for meetings; says whether there was one to make, and hence
    /// perhaps another. To be called by a worker whenever [`MEMBERSHIP_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn follow_memberships(&self) -> Result<bool, Refusal> {
        let mut refused = None;
        for _ in 0..MAXIMUM_ROUNDS {
            let Some(row) = self.next_row(MEMBERSHIP_QUEUE).await? else {
                return Ok(false);
            };
            let step = match row.read(MembershipChange::of) {
                Ok(change) => self.membership_step(&row, &change, refused.take()).await,
                Err(refusal) => Err(refusal),
            };
            let committed = match step {
                Ok(batch) => self.commit(batch).await,
                Err(refusal) => Err(refusal),
            };
            match committed {
                Ok(Some(_)) => return Ok(true),
                Ok(None) => {}
                Err(refusal) if is_about_one(&refusal) => refused = Some(refusal),
                Err(refusal) if self.conclude(&row, Err(refusal.clone())).await? => {
                    return Ok(true);
                }
                Err(_) => {}
            }
        }
        Err(crowded())
    }

    /// What the next commit does: the next meeting that is to be changed, and all that need not be before it.
    /// `refused` is why the next one cannot be, where that is known.
    async fn membership_step(
        &self,
        row: &Row,
        change: &MembershipChange,
        mut refused: Option<Refusal>,
    ) -> Result<Batch, Refusal> {
        let mut batch = self.store.batch();
        let group = self.store.principal(change.group).await;
        let Some(group) = group.map_err(read_failed)? else {
            batch.finish_work(&row.id, &row.work);
            return Ok(batch);
        };
        let step = Step {
            row,
            change,
            group: &group,
            now: self.now(),
        };
        let meetings = self.meetings_of(change).await?;
        let mut is_end = meetings.len() < MEETINGS_AT_ONCE;
        let mut reached = None;
        for meeting in meetings {
            let following = self.following(&step, &meeting, &mut refused).await;
            match following.or_else(|refusal| step.passed_over(refusal))? {
                Following::Changed(its_own) => {
                    is_end = false;
                    // What was passed goes first; this one is decided again then.
                    if reached.is_none() {
                        (batch, reached) = (its_own, Some(meeting));
                    }
                    break;
                }
                passed => self.pass(&mut batch, &step, &meeting, passed).await?,
            }
            reached = Some(meeting);
        }
        step.end(&mut batch, reached.filter(|_| !is_end));
        Ok(batch)
    }

    /// Writes what becomes of a meeting that is not changed now.
    async fn pass(
        &self,
        batch: &mut Batch,
        step: &Step<'_>,
        meeting: &GroupMeeting,
        following: Following,
    ) -> Result<(), Refusal> {
        match following {
            Following::Nothing | Following::Changed(_) => Ok(()),
            Following::Forgotten(copies) => {
                copies.expect(batch);
                batch.forget_group_meeting(step.change.group, meeting);
                Ok(())
            }
            Following::Refused(copies, refusal) => {
                self.try_again(batch, step, (meeting, &copies), &refusal)
                    .await
            }
            Following::Dormant(organizer) => {
                self.let_membership_wait(batch, step, meeting, &organizer)
                    .await
            }
        }
    }

    /// The next meetings that a change is for.
    async fn meetings_of(&self, change: &MembershipChange) -> Result<Vec<GroupMeeting>, Refusal> {
        if let Some(only) = &change.only {
            return Ok(vec![only.clone()]);
        }
        let meetings =
            self.store
                .group_meetings(change.group, change.reached.as_ref(), MEETINGS_AT_ONCE);
        meetings.await.map_err(read_failed)
    }

    /// What the change is for one meeting, decided upon the organizer's object as it is now.
    async fn following(
        &self,
        step: &Step<'_>,
        meeting: &GroupMeeting,
        refused: &mut Option<Refusal>,
    ) -> Result<Following, Refusal> {
        let copies = self.copies(meeting.home, &meeting.uid).await?;
        let Some(copy) = copies
            .meeting
            .as_ref()
            .filter(|it| it.is_scheduling_object())
        else {
            return Ok(Following::Forgotten(copies));
        };
        let owner = self.store.principal_to_change(copy.calendar.owner).await;
        let Some(owner) = owner.map_err(read_failed)? else {
            return Ok(Following::Forgotten(copies));
        };
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&copy.object), None))
            .await?;
        let is_organizer = engine::role(&copy.object, owner.id, &directory) == Ok(Role::Organizer);
        let is_named = engine::groups(&copy.object, &directory).contains(&step.group.id);
        if !is_organizer || !is_named || is_over(&copy.stored, step.now) {
            return Ok(Following::Forgotten(copies));
        }
        let zone_for = self.settings.calendar_rules.zone_for(&owner.value);
        let floating = zone_for(&copy.calendar);
        let followed = engine::follow_members(
            &copy.object,
            &directory,
            &MembersChanged {
                owner: owner.id,
                group: step.group.id,
                joined: &step.change.joined,
                left: &step.change.left,
                now: step.now,
                floating: &floating,
            },
        );
        let Some(followed) = followed else {
            return Ok(Following::Nothing);
        };
        if owner.disabled {
            return Ok(Following::Dormant(owner));
        }
        if let Some(refusal) = refused.take() {
            return Ok(Following::Refused(copies, refusal));
        }
        match self
            .change_of_members(&owner.value, copy, &followed, step)
            .await
        {
            Ok(Some(batch)) => Ok(Following::Changed(batch)),
            // It was there a moment ago.
            Ok(None) => Ok(Following::Nothing),
            Err(refusal) if is_about_one(&refusal) => Ok(Following::Refused(copies, refusal)),
            Err(refusal) => Err(refusal),
        }
    }

    /// The change of one meeting, as its organizer would have stored it.
    async fn change_of_members(
        &self,
        owner: &Arc<Principal>,
        copy: &Copy,
        followed: &MembersFollowed,
        step: &Step<'_>,
    ) -> Result<Option<Batch>, Refusal> {
        let actor = Actor::machine(CLIENT);
        let stored = self.store_as_owner(&actor, owner, copy, &followed.object);
        let Some(mut batch) = stored.await? else {
            return Ok(None);
        };
        let changes = [("came into", &followed.came), ("left", &followed.went)];
        let lines = changes.into_iter().filter(|(_, who)| !who.is_empty());
        let lines = lines.map(|(did, who)| LogLine {
            parties: who.iter().cloned().collect(),
            ..LogLine::of(
                Verdict::Followed,
                &format!("{did} the group {}", step.group.display_name),
            )
        });
        let entry = LogEntry {
            time: step.now,
            actor: None,
            occasion: Occasion::Changed,
            is_public: Classification::is_public(&followed.object),
            lines: lines.collect(),
        };
        let uid = copy.stored.calendar.as_ref().map_or("", |facts| &facts.uid);
        self.log(&mut batch, copy.calendar.home, uid, entry);
        Ok(Some(batch))
    }
}

/// Whether something stands against the change of one meeting, and not of every one.
fn is_about_one(refusal: &Refusal) -> bool {
    !matches!(
        refusal,
        Refusal::Unavailable(_) | Refusal::Full | Refusal::Damaged(_)
    )
}
