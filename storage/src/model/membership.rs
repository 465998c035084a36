//! Groups among the attendees of meetings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CollectionId, PrincipalId, Work};
use crate::Timestamp;

/// The queue of changes of who is in a group.
pub const MEMBERSHIP_QUEUE: &str = "membership";
/// The queue of changes of groups that wait until the organizer's account of a meeting is enabled. No worker takes them:
/// they are moved to [`MEMBERSHIP_QUEUE`] then.
pub const DORMANT_MEMBERSHIP_QUEUE: &str = "dormant membership";

/// A meeting whose organizer's object names a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMeeting {
    /// The organizer's home.
    pub home: CollectionId,
    /// The meeting's UID.
    pub uid: String,
}

/// The payload of a row in [`MEMBERSHIP_QUEUE`]: who came into a group and who left it, directly or through others, and
/// how far that was followed. Read by [`MembershipChange::of`], in all forms that there ever were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MembershipChange {
    /// The group.
    pub group: PrincipalId,
    /// Who came.
    pub joined: BTreeSet<PrincipalId>,
    /// Who left.
    pub left: BTreeSet<PrincipalId>,
    /// All meetings up to this one are done.
    pub reached: Option<GroupMeeting>,
    /// It is left to be followed in this meeting only, where it could not be when it was followed in the others.
    pub only: Option<GroupMeeting>,
    /// How often that meeting could not be changed, though it could be read.
    pub refusals: u32,
}

/// What all forms begin with, and the first of them had.
#[derive(Deserialize)]
struct FirstForm {
    group: PrincipalId,
    joined: BTreeSet<PrincipalId>,
    left: BTreeSet<PrincipalId>,
    reached: Option<GroupMeeting>,
}

impl FirstForm {
    fn with(self, only: Option<GroupMeeting>, refusals: u32) -> MembershipChange {
        let FirstForm {
            group,
            joined,
            left,
            reached,
        } = self;
        MembershipChange {
            group,
            joined,
            left,
            reached,
            only,
            refusals,
        }
    }
}

impl MembershipChange {
    /// The row of work.
    pub fn work(&self, created: Timestamp) -> Work {
        Work::of(MEMBERSHIP_QUEUE, self, created)
    }

    /// What a row of work asks for; `None` where it is in no known form. Each form has more than the one before, and a
    /// row is of the one that ends where it does: one of which something is missing is not taken for an older one.
    pub fn of(row: &Work) -> Option<MembershipChange> {
        type Only = Option<GroupMeeting>;
        let newest = row.task::<(FirstForm, Only, u32)>();
        let newest = newest.map(|(first, only, refusals)| first.with(only, refusals));
        let second = || {
            row.task()
                .map(|(first, only)| FirstForm::with(first, only, 0))
        };
        let first = || Some(row.task::<FirstForm>()?.with(None, 0));
        newest.or_else(second).or_else(first)
    }

    /// What is left of it where it is followed everywhere but in one meeting.
    #[must_use]
    pub fn left_for(&self, meeting: &GroupMeeting) -> MembershipChange {
        MembershipChange {
            reached: None,
            only: Some(meeting.clone()),
            ..self.clone()
        }
    }

    /// What this and a later change of the same group come to, both for all meetings or for the same one: what somebody
    /// did last. (Who came and left again did not do nothing: a meeting that was made between has them.) It is followed
    /// from the first meeting on: where this one was under way, the later one was not. What was refused before says
    /// nothing of the later one.
    #[must_use]
    pub fn and(mut self, later: &MembershipChange) -> MembershipChange {
        self.reached = None;
        self.refusals = later.refusals;
        for person in &later.joined {
            self.left.remove(person);
            self.joined.insert(*person);
        }
        for person in &later.left {
            self.joined.remove(person);
            self.left.insert(*person);
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn people(numbers: &[u64]) -> BTreeSet<PrincipalId> {
        numbers.iter().map(|it| PrincipalId(*it)).collect()
    }

    fn change(joined: &[u64], left: &[u64], reached: Option<GroupMeeting>) -> MembershipChange {
        MembershipChange {
            group: PrincipalId(7),
            joined: people(joined),
            left: people(left),
            reached,
            only: None,
            refusals: 0,
        }
    }

    fn meeting(home: u64) -> GroupMeeting {
        GroupMeeting {
            home: CollectionId(home),
            uid: "m".to_owned(),
        }
    }

    fn read(octets: &[u8]) -> Option<MembershipChange> {
        MembershipChange::of(&Work::new("", octets.to_vec(), Timestamp(0)))
    }

    /// What programs of November 2026 wrote, one after the other.
    #[test]
    fn rows_of_before_are_read() {
        const FIRST: [u8; 10] = [7, 1, 10, 2, 11, 12, 1, 3, 1, b'm'];
        let first = change(&[10], &[11, 12], Some(meeting(3)));
        assert_eq!(read(&FIRST), Some(first.clone()));
        let everywhere = [&FIRST[..], &[0]].concat();
        assert_eq!(read(&everywhere), Some(first.clone()));
        let in_one = [&FIRST[..], &[1, 4, 1, b'm']].concat();
        let second = MembershipChange {
            only: Some(meeting(4)),
            ..first
        };
        assert_eq!(read(&in_one), Some(second));
    }

    /// One that is cut off says nothing, wherever that is not the end of an older form.
    #[test]
    fn a_torn_row_is_no_older_one() {
        let whole = MembershipChange {
            refusals: 300,
            ..change(&[10], &[11, 12], Some(meeting(3))).left_for(&meeting(4))
        };
        let octets = whole.work(Timestamp(0)).payload;
        assert_eq!(read(&octets), Some(whole));
        let ends: Vec<usize> = (0..octets.len())
            .filter(|end| read(&octets[..*end]).is_some())
            .collect();
        let of_older_forms = [7, octets.len() - 2];
        assert_eq!(ends, of_older_forms);
        assert_eq!(read(&[&octets[..], &[0]].concat()), None);
    }

    #[test]
    fn a_later_change_is_followed_everywhere() {
        let both = change(&[10, 11], &[12], Some(meeting(2))).and(&change(&[12], &[11], None));
        assert_eq!(both, change(&[10, 12], &[11], None));
    }
}
