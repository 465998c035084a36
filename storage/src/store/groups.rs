//! Which meetings name a group among their attendees, and what changes of who is in it are still to be followed there.
//!
//! A meeting's row is written in the commit that stores the organizer's object, and forgotten when that names the group
//! no more. It may outlive its meeting (where a home was purged): whoever reads it looks at the meeting first.

use std::{collections::BTreeSet, sync::Arc};

use super::{Batch, SCAN_OCTETS, Store, UnreadWork, directory::Directory, keys, record};
use crate::{
    Stored, Timestamp,
    backend::{Entry, Key, KeyRange, Operation, Page, ReadError},
    model::{
        CollectionId, DORMANT_MEMBERSHIP_QUEUE, GroupMeeting, MembershipChange, Principal,
        PrincipalId, PrincipalKind, Work, WorkId,
    },
};

/// Changes within such a time are followed together, at its end.
const WINDOW_MILLISECONDS: i64 = 10_000;

/// The row in which changes of a group of this moment are gathered.
fn gathering(group: PrincipalId, now: Timestamp) -> WorkId {
    let (_, end) = now.window(WINDOW_MILLISECONDS);
    let context = "Convoke 2026-11 membership of a group";
    WorkId::derived(end, context, &[&group.0.to_be_bytes()])
}

/// The row in which what a meeting misses of a group waits for its organizer's account to be enabled. No row of that
/// queue is ever due: what would say when says whose home it is, so that those of one home stand together.
pub fn dormant_membership(group: PrincipalId, meeting: &GroupMeeting) -> WorkId {
    let context = "Convoke 2026-11 membership that a meeting missed";
    let parts: [&[u8]; 2] = [&group.0.to_be_bytes(), meeting.uid.as_bytes()];
    WorkId::derived(place_of_dormant(meeting.home), context, &parts)
}

fn place_of_dormant(home: CollectionId) -> Timestamp {
    Timestamp(home.0 as i64)
}

impl Batch {
    /// Notes that the organizer's object of a meeting names a group.
    pub fn note_group_meeting(&mut self, group: PrincipalId, meeting: &GroupMeeting) -> &mut Self {
        let key = keys::group_meeting(group, meeting.home, &meeting.uid);
        self.put(key, record::encode(meeting));
        self
    }

    /// The opposite.
    pub fn forget_group_meeting(
        &mut self,
        group: PrincipalId,
        meeting: &GroupMeeting,
    ) -> &mut Self {
        self.delete(keys::group_meeting(group, meeting.home, &meeting.uid));
        self
    }

    /// Forgets all meetings of a group that is removed.
    pub(super) fn forget_group_meetings(&mut self, group: PrincipalId) {
        let meetings = KeyRange::prefix(keys::group_meetings(group));
        self.operations.push(Operation::DeleteRange(meetings));
    }
}

/// Stands where each meeting that names a group is noted: since a version of this program that did, or since
/// all that was there before was looked at.
fn all_are_noted() -> GroupMeeting {
    GroupMeeting {
        home: CollectionId(0),
        uid: String::new(),
    }
}

impl Batch {
    /// Notes that the meetings of groups are all noted.
    pub fn complete_group_meetings(&mut self) -> &mut Self {
        self.note_group_meeting(PrincipalId::NOBODY, &all_are_noted())
    }
}

impl Store {
    /// Whether the meetings of groups are all noted.
    pub async fn are_group_meetings_complete(&self) -> Result<bool, ReadError> {
        let noted = self.group_meetings(PrincipalId::NOBODY, None, 1).await?;
        Ok(!noted.is_empty())
    }

    /// Meetings that name a group, behind one of them, in an order of their own, at most `rows`.
    pub async fn group_meetings(
        &self,
        group: PrincipalId,
        after: Option<&GroupMeeting>,
        rows: usize,
    ) -> Result<Vec<GroupMeeting>, ReadError> {
        let range = KeyRange::prefix(keys::group_meetings(group));
        let range = match after {
            Some(GroupMeeting { home, uid }) => {
                range.beyond(&keys::group_meeting(group, *home, uid), false)
            }
            None => range,
        };
        let page = Page {
            rows,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        let page = self.backend().scan(range, page).await?;
        let read = |(_, row): &(Key, Entry)| record::decode(&row.value, "meeting of a group");
        page.rows.iter().map(read).collect()
    }

    /// Has a change wait in a row of this name, together with what waits there of the same already; says whether anything
    /// did. What cannot be read stays as it is, to be mended.
    ///
    /// What was made first is followed first, whichever of the two rows that is.
    pub async fn gather_membership(
        &self,
        batch: &mut Batch,
        id: &WorkId,
        work: &Work,
        change: &MembershipChange,
    ) -> Result<bool, ReadError> {
        let row = |change: &MembershipChange, created| Work {
            payload: change.work(created).payload,
            created,
            ..work.clone()
        };
        let waiting = match self.work(&work.queue, id).await {
            Ok(None) => {
                batch.enqueue(id, &row(change, work.created));
                return Ok(false);
            }
            Ok(Some(before)) => MembershipChange::of(&before).map(|waiting| (before, waiting)),
            Err(ReadError::Corrupt(_)) => None,
            Err(error) => return Err(error),
        };
        let Some((before, waiting)) = waiting else {
            let apart = self.new_work_id(id.due);
            batch.enqueue(&apart, &row(change, work.created));
            return Ok(false);
        };
        let both = match before.created <= work.created {
            true => waiting.and(change),
            false => change.clone().and(&waiting),
        };
        let created = before.created.min(work.created);
        batch.reschedule(id, &before, id.due, &row(&both, created));
        Ok(true)
    }

    /// What changes of groups wait for an organizer to be enabled, at most `rows`, by the organizer's home.
    pub async fn dormant_memberships(
        &self,
        home: CollectionId,
        rows: usize,
    ) -> Result<Vec<UnreadWork>, ReadError> {
        let range = keys::work_due_at(DORMANT_MEMBERSHIP_QUEUE, place_of_dormant(home));
        self.unread_work(DORMANT_MEMBERSHIP_QUEUE, range, rows)
            .await
    }

    /// These of the principals that are groups, and the groups in them at any depth, each with its revision.
    pub async fn groups_within(
        &self,
        ids: &[PrincipalId],
    ) -> Result<Vec<Stored<Arc<Principal>>>, ReadError> {
        let directory = self.directory().await?;
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        let mut open = ids.to_vec();
        while let Some(id) = open.pop() {
            let group = directory.get(id).filter(|_| seen.insert(id));
            if let Some(group) = group.filter(|it| it.kind == PrincipalKind::Group) {
                open.extend(&group.members);
                found.push(group.clone());
            }
        }
        Ok(found)
    }

    /// Leaves to the followers what a changed group means for it and for every group that holds it, in the change's
    /// own commit, which then depends upon no principal having changed meanwhile.
    pub(super) async fn enqueue_membership(
        &self,
        batch: &mut Batch,
        before: &Stored<Arc<Principal>>,
        after: &Principal,
    ) -> Result<(), ReadError> {
        if after.kind != PrincipalKind::Group || after.members == before.members {
            return Ok(());
        }
        let directory = self.directory().await?;
        batch.expect_row(keys::directory(), directory.revision());
        let now = self.environment().clock.now();
        for change in membership_changes(&directory, before, after) {
            let id = gathering(change.group, now);
            // those of one window count as made at its end, one after the other
            self.gather_membership(batch, &id, &change.work(id.due), &change)
                .await?;
        }
        Ok(())
    }
}

/// Who comes into which groups and leaves which, where one group changes.
fn membership_changes(
    directory: &Directory,
    before: &Stored<Arc<Principal>>,
    after: &Principal,
) -> Vec<MembershipChange> {
    let future = directory.with(before.revision, after);
    let people = |directory: &Directory, group| -> BTreeSet<PrincipalId> {
        let members = directory.members_of_all(&[group]);
        members.iter().map(|member| member.id).collect()
    };
    let mut groups = vec![after.id];
    groups.extend(&directory.memberships_of(after.id).groups);
    let changes = groups.into_iter().map(|group| {
        let (was, is) = (people(directory, group), people(&future, group));
        MembershipChange {
            group,
            joined: is.difference(&was).copied().collect(),
            left: was.difference(&is).copied().collect(),
            reached: None,
            only: None,
            refusals: 0,
        }
    });
    changes
        .filter(|change| !change.joined.is_empty() || !change.left.is_empty())
        .collect()
}
