//! Groups among the attendees of meetings.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

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
/// how far that was followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(deserialize_with = "absent_in_older_rows")]
    pub only: Option<GroupMeeting>,
}

/// A row of before there was this field ends before it, which is as if nothing was said.
fn absent_in_older_rows<'de, D: Deserializer<'de>>(
    rest: D,
) -> Result<Option<GroupMeeting>, D::Error> {
    Ok(Option::deserialize(rest).unwrap_or_default())
}

impl MembershipChange {
    /// The row of work.
    pub fn work(&self, created: Timestamp) -> Work {
        Work::of(MEMBERSHIP_QUEUE, self, created)
    }

    /// What this and a later change of the same group come to: what somebody did last. (Who came and left again did not
    /// do nothing: a meeting that was made between has them.) It is followed from the first meeting on: where this one was
    /// under way, the later one was not.
    #[must_use]
    pub fn and(mut self, later: &MembershipChange) -> MembershipChange {
        self.reached = None;
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
mod tests {
    use super::*;

    /// The release of November 2026 wrote no more than this.
    #[test]
    fn rows_of_before_are_read() {
        let octets = [7, 1, 10, 2, 11, 12, 1, 3, 1, b'm'];
        let people = |numbers: &[u64]| numbers.iter().map(|it| PrincipalId(*it)).collect();
        let reached = GroupMeeting {
            home: CollectionId(3),
            uid: "m".to_owned(),
        };
        let change = MembershipChange {
            group: PrincipalId(7),
            joined: people(&[10]),
            left: people(&[11, 12]),
            reached: Some(reached),
            only: None,
        };
        let read = |octets: &[u8]| Work::new("", octets.to_vec(), Timestamp(0)).task();
        assert_eq!(read(&octets), Some(change.clone()));
        let only = MembershipChange {
            only: change.reached.clone(),
            ..change
        };
        assert_eq!(only.work(Timestamp(0)).task(), Some(only));
        assert_eq!(read(&octets[..4]), None);
    }

    #[test]
    fn a_later_change_is_followed_everywhere() {
        let people = |numbers: &[u64]| numbers.iter().map(|it| PrincipalId(*it)).collect();
        let change = |joined: &[u64], left: &[u64], reached| MembershipChange {
            group: PrincipalId(1),
            joined: people(joined),
            left: people(left),
            reached,
            only: None,
        };
        let half = GroupMeeting {
            home: CollectionId(2),
            uid: "m".to_owned(),
        };
        let both = change(&[10, 11], &[12], Some(half)).and(&change(&[12], &[11], None));
        assert_eq!(both, change(&[10, 12], &[11], None));
    }
}
