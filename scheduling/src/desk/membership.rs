//! What a change of who is in a group means for the meetings to which the group is invited.
//!
//! A meeting's object is indexed by the groups that it names, in the commit that stores it. A change of a group's members
//! leaves a row of work in its own commit, for that group and each that holds it; changes that follow closely share one.
//! [`Desk::follow_memberships`] takes it, meeting by meeting: each is changed as its organizer would have changed it, in
//! one commit with how far that came, so that it may be interrupted anywhere and nobody hears twice. What cannot be done
//! in one meeting now, for want of room, is left to a row of its own, to be tried again; what waits for an organizer's
//! account to be enabled, to one that is not due before ([`Desk::catch_up_enabled`]).
//!
//! Such a change gives the organizer's object a new Schedule-Tag. RFC 6638 §3.2.10 keeps the tag for answers only: a
//! client that has not seen the new attendee would take them out again with its next PUT, and has to read first.

use std::{collections::BTreeSet, sync::Arc};

use calendar::{CalendarObject, TimeRange};
use storage::{
    Batch, ObjectPlace, Stored, Timestamp, WalkPosition,
    model::{
        CollectionId, GroupMeeting, MEMBERSHIP_QUEUE, MembershipChange, Object, Principal,
        PrincipalId, Work,
    },
};

use super::{
    CalendarRules, Desk, MAXIMUM_ROUNDS,
    copy::{Copies, Copy},
    queue::{MAXIMUM_ATTEMPTS, Row, is_about_all},
    refuse::{crowded, read_failed},
};
use crate::{
    Actor, Classification, ObjectProjection, Precondition, Refusal,
    engine::{self, Directory, MembersChanged, MembersFollowed, Role},
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// Objects looked at in one step, where the meetings of groups are to be noted.
const OBJECTS_AT_ONCE: usize = 200;
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
    change: &'a MembershipChange,
    group: &'a Principal,
    rules: &'a CalendarRules,
    now: Timestamp,
}

impl Desk {
    /// Makes what an organizer's object says of groups depend upon who is in them: the directory is read anew, with
    /// the groups as the commit then expects them.
    pub(super) async fn expect_groups(
        &self,
        batch: &mut Batch,
        directory: &mut Directory,
        owner: PrincipalId,
        after: &CalendarObject,
    ) -> Result<(), Refusal> {
        if engine::role(after, owner, directory) != Ok(Role::Organizer) {
            return Ok(());
        }
        let groups: Vec<PrincipalId> = engine::groups(after, directory).into_iter().collect();
        if groups.is_empty() {
            return Ok(());
        }
        let groups = self.store.groups_within(&groups).await;
        for group in groups.map_err(read_failed)? {
            batch.expect_principal(&group);
        }
        self.look_up(directory, &engine::addresses(Some(after), None))
            .await
    }

    /// Notes which groups an organizer's object names, and no more.
    pub(super) fn note_groups(
        &self,
        batch: &mut Batch,
        (home, uid): (CollectionId, &str),
        before: Option<&CalendarObject>,
        after: Option<&CalendarObject>,
        directory: &Directory,
    ) {
        let groups = |object: Option<&CalendarObject>| {
            object.map_or_else(BTreeSet::new, |it| engine::groups(it, directory))
        };
        let (before, after) = (groups(before), groups(after));
        let meeting = GroupMeeting {
            home,
            uid: uid.to_owned(),
        };
        for group in &after {
            batch.note_group_meeting(*group, &meeting);
        }
        for group in before.difference(&after) {
            batch.forget_group_meeting(*group, &meeting);
        }
    }

    /// One step of noting the meetings of groups that were stored when nobody noted them, behind a position; where to
    /// go on, if that is not the end. Nothing is to be done where all are noted. May be broken off anywhere, and is
    /// begun anew then.
    ///
    /// Errors: `Unavailable`, `Full`, `Damaged`.
    pub async fn complete_group_meetings(
        &self,
        after: Option<WalkPosition>,
    ) -> Result<Option<WalkPosition>, Refusal> {
        let complete = self.store.are_group_meetings_complete().await;
        if complete.map_err(read_failed)? {
            return Ok(None);
        }
        let page = self.store.every_object(after, OBJECTS_AT_ONCE).await;
        let (places, next) = page.map_err(read_failed)?;
        let mut batch = self.store.batch();
        for place in places {
            let facts = place.object.calendar.as_ref();
            let Some(facts) = facts.filter(|facts| facts.scheduling) else {
                continue;
            };
            match self.groups_of(&place).await {
                Ok(Some((home, groups))) => {
                    let uid = facts.uid.clone();
                    let meeting = GroupMeeting { home, uid };
                    for group in groups {
                        batch.note_group_meeting(group, &meeting);
                    }
                }
                Ok(None) => {}
                Err(refusal @ Refusal::Damaged(_)) => {
                    tracing::warn!(%refusal, "a meeting cannot be read and follows no group");
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if next.is_none() {
            batch.complete_group_meetings();
        }
        if !batch.is_empty() {
            self.commit(batch).await?;
        }
        Ok(next)
    }

    /// The home and the groups of an organizer's object.
    async fn groups_of(
        &self,
        place: &ObjectPlace,
    ) -> Result<Option<(CollectionId, BTreeSet<PrincipalId>)>, Refusal> {
        let calendar = self.store.collection(place.collection).await;
        let Some(calendar) = calendar.map_err(read_failed)? else {
            return Ok(None);
        };
        let object = self.parsed(&place.object).await?;
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&object), None))
            .await?;
        let role = engine::role(&object, calendar.owner, &directory);
        let groups = engine::groups(&object, &directory);
        let is_meant = role == Ok(Role::Organizer) && !groups.is_empty();
        Ok(is_meant.then_some((calendar.home, groups)))
    }

    /// Makes one commit of what changes of groups mean for meetings; says whether there was one to make, and hence
    /// perhaps another. To be called by a worker whenever [`MEMBERSHIP_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`, `Damaged`.
    pub async fn follow_memberships(&self, rules: &CalendarRules) -> Result<bool, Refusal> {
        let mut refused = None;
        for _ in 0..MAXIMUM_ROUNDS {
            let Some(row) = self.next_row(MEMBERSHIP_QUEUE).await? else {
                return Ok(false);
            };
            let step = match row.task() {
                Ok(change) => {
                    self.membership_step(&row, &change, rules, refused.take())
                        .await
                }
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
        rules: &CalendarRules,
        mut refused: Option<Refusal>,
    ) -> Result<Batch, Refusal> {
        let group = self.store.principal(change.group).await;
        let Some(group) = group.map_err(read_failed)? else {
            let mut batch = self.store.batch();
            batch.finish_work(&row.id, &row.work);
            return Ok(batch);
        };
        let step = Step {
            change,
            group: &group,
            rules,
            now: self.now(),
        };
        let meetings = self.meetings_of(change).await?;
        let mut is_end = meetings.len() < MEETINGS_AT_ONCE;
        let (mut batch, mut reached) = (self.store.batch(), None);
        for meeting in meetings {
            let following = self.following(&step, &meeting, &mut refused).await;
            match following.or_else(|refusal| passed_over(row, change, refusal))? {
                Following::Nothing => {}
                Following::Forgotten(copies) => {
                    copies.expect(&mut batch);
                    batch.forget_group_meeting(group.id, &meeting);
                }
                Following::Refused(copies, refusal) => {
                    self.try_again(&mut batch, row, &step, (&meeting, &copies), &refusal);
                }
                Following::Dormant(organizer) => {
                    let waits = self
                        .store
                        .let_membership_wait(&mut batch, &organizer, &meeting, change);
                    waits.await.map_err(read_failed)?;
                }
                Following::Changed(its_own) => {
                    is_end = false;
                    // What was passed goes first; this one is decided again then.
                    if reached.is_none() {
                        (batch, reached) = (its_own, Some(meeting));
                    }
                    break;
                }
            }
            reached = Some(meeting);
        }
        match reached.filter(|_| !is_end) {
            Some(reached) => {
                let after = MembershipChange {
                    reached: Some(reached),
                    ..change.clone()
                };
                let after = after.work(row.work.created);
                batch.reschedule(&row.id, &row.work, row.id.due, &after)
            }
            None => batch.finish_work(&row.id, &row.work),
        };
        Ok(batch)
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
        let floating = step.rules.zone_for(&owner.value)(&copy.calendar);
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

    /// What could not be done in one meeting is tried again where it may be possible later, apart from all others. The
    /// organizer's log says so the first time, and when it is given up.
    fn try_again(
        &self,
        batch: &mut Batch,
        row: &Row,
        step: &Step<'_>,
        (meeting, copies): (&GroupMeeting, &Copies),
        refusal: &Refusal,
    ) {
        let attempts = step.change.only.as_ref().map_or(0, |_| row.work.attempts);
        if !may_pass(refusal) || attempts + 1 >= MAXIMUM_ATTEMPTS {
            self.log_not_followed(batch, copies, step, &format!("be followed: {refusal}"));
            return;
        }
        if attempts == 0 {
            let what = format!("be followed now, and is tried again: {refusal}");
            self.log_not_followed(batch, copies, step, &what);
        }
        let again = MembershipChange {
            reached: None,
            only: Some(meeting.clone()),
            ..step.change.clone()
        };
        let again = Work {
            attempts: attempts + 1,
            last_error: Some(refusal.to_string()),
            ..again.work(row.work.created)
        };
        let due = self.due_after(attempts);
        batch.enqueue(&self.store.new_work_id(due), &again);
    }

    fn log_not_followed(&self, batch: &mut Batch, copies: &Copies, step: &Step<'_>, what: &str) {
        let Some(copy) = &copies.meeting else { return };
        let reason = format!(
            "the group {} changed, which cannot {what}",
            step.group.display_name
        );
        let entry = LogEntry {
            time: step.now,
            actor: None,
            occasion: Occasion::Changed,
            is_public: Classification::is_public(&copy.object),
            lines: vec![LogLine::of(Verdict::NoMessages, &reason)],
        };
        self.log(batch, copy.calendar.home, copies.uid(), entry);
    }
}

/// A meeting that cannot be read is tried again, and passed over then, for the others.
fn passed_over(
    row: &Row,
    change: &MembershipChange,
    refusal: Refusal,
) -> Result<Following, Refusal> {
    let has_others = change.only.is_none();
    if is_about_all(&refusal) || !has_others || !row.was_put_off() {
        return Err(refusal);
    }
    tracing::error!(%refusal, "a meeting cannot be read and follows no change of its groups");
    Ok(Following::Nothing)
}

/// Whether all of a meeting is over.
pub(super) fn is_over(object: &Object, now: Timestamp) -> bool {
    let to_come = TimeRange {
        start: jiff::Timestamp::from_millisecond(now.0).ok(),
        end: None,
    };
    let facts = object.calendar.as_ref();
    let projection = facts.and_then(|facts| ObjectProjection::decode(&facts.projection));
    projection.is_some_and(|projection| !projection.may_overlap(&to_come))
}

/// Whether something stands against the change of one meeting, and not of every one.
fn is_about_one(refusal: &Refusal) -> bool {
    !matches!(
        refusal,
        Refusal::Unavailable(_) | Refusal::Full | Refusal::Damaged(_)
    )
}

/// Whether what stands against the change of a meeting may be gone later, though nobody changes the meeting.
fn may_pass(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::TooManyMessages { .. } | Refusal::InsufficientStorage(_) => true,
        Refusal::Precondition { precondition, .. } => matches!(
            precondition,
            Precondition::QuotaNotExceeded | Precondition::SufficientDiskSpace
        ),
        _ => false,
    }
}
