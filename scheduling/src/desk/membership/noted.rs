//! Which groups the organizers' objects name: noted in the commit that stores one, and, of what was stored when nobody
//! noted it, afterwards.

use std::collections::BTreeSet;

use calendar::CalendarObject;
use storage::{
    Batch, ObjectPlace, WalkPosition,
    model::{CollectionId, GroupMeeting, PrincipalId},
};

use super::super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    engine::{self, Directory, Role},
};

/// Objects looked at in one step, where the meetings of groups are to be noted.
const OBJECTS_AT_ONCE: usize = 200;

impl Desk {
    /// Makes what an organizer's object says of groups depend upon who is in them: the directory is read anew, with
    /// the groups as the commit then expects them.
    pub(in crate::desk) async fn expect_groups(
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
    pub(in crate::desk) fn note_groups(
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
}
