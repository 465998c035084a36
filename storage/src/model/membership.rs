//! Groups among the attendees of meetings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CollectionId, PrincipalId, Work};
use crate::Timestamp;

/// The queue of changes of who is in a group.
pub const MEMBERSHIP_QUEUE: &str = "membership";

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
}

impl MembershipChange {
    /// From the payload of a row of work; `None` where it is none.
    pub fn decode(octets: &[u8]) -> Option<MembershipChange> {
        postcard::from_bytes(octets).ok()
    }

    /// The row of work.
    pub fn work(&self, created: Timestamp) -> Work {
        Work::of(MEMBERSHIP_QUEUE, self, created)
    }

    /// What this and a later change of the same group come to: what somebody did last. (Who came and left again did not
    /// do nothing: a meeting that was made between has them.)
    #[must_use]
    pub fn and(mut self, later: &MembershipChange) -> MembershipChange {
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
