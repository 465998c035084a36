//! One state of a meeting takes the place of another, and nobody hears of it: by an import, or out of the trash.

use calendar::CalendarObject;
use storage::{Batch, Timestamp, model::Principal};

use super::{Desk, refuse::precondition};
use crate::{
    Precondition, Refusal,
    engine::{self, Directory, Role},
};

/// A state of a meeting that stands there, and one that is to take its place.
pub(super) struct SilentChange<'a> {
    pub standing: &'a CalendarObject,
    pub coming: &'a CalendarObject,
    owner: &'a Principal,
    /// What the owner is in each of the two.
    pub roles: [Role; 2],
    leaves_out_somebody: bool,
}

impl Desk {
    /// Reads who is in the two states of a meeting.
    pub(super) async fn silent_change<'a>(
        &self,
        owner: &'a Principal,
        standing: &'a CalendarObject,
        coming: &'a CalendarObject,
    ) -> Result<SilentChange<'a>, Refusal> {
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(standing), Some(coming));
        self.look_up(&mut directory, &addresses).await?;
        let role = |it| engine::role(it, owner.id, &directory).unwrap_or(Role::None);
        Ok(SilentChange {
            standing,
            coming,
            owner,
            roles: [standing, coming].map(role),
            leaves_out_somebody: engine::leaves_out_somebody(
                standing, coming, owner.id, &directory,
            ),
        })
    }

    /// Keeps how far the others were told of a meeting whose earlier state comes back, so that what they hear next comes
    /// after that.
    pub(super) async fn keep_what_was_told(
        &self,
        batch: &mut Batch,
        change: &SilentChange<'_>,
        uid: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let told = engine::LastTold::of_state(change.standing);
        match told.highest() {
            Some(last) if change.roles[0] == Role::Organizer && told.is_after(change.coming) => {
                self.keep_sequence(batch, change.owner.id, uid, last, now)
                    .await
            }
            _ => Ok(()),
        }
    }
}

impl SilentChange<'_> {
    /// Why nobody would hear of it who has to: the owner would no longer have the part in the meeting that they have, or
    /// somebody would not be in it any more. Their copies would stay for ever, or wait for an answer for ever. Whoever
    /// means it changes or deletes the meeting, and the others are told.
    pub fn refusal(&self) -> Option<Refusal> {
        let [standing, coming] = self.roles;
        let is_same = standing == coming;
        let (element, detail) = match standing {
            Role::Organizer if !is_same => (
                Precondition::AllowedOrganizerSchedulingObjectChange,
                "nobody would hear that the meeting ends: delete it first",
            ),
            Role::Organizer if self.leaves_out_somebody => (
                Precondition::AllowedOrganizerSchedulingObjectChange,
                "somebody would not hear that they are out of the meeting: take them out of it first",
            ),
            Role::Attendee if !is_same => (
                Precondition::AllowedAttendeeSchedulingObjectChange,
                "the organizer would not hear that the owner leaves the meeting: delete it first",
            ),
            _ => return None,
        };
        Some(precondition(element, detail))
    }
}
