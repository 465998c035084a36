//! A meeting in which a change of a group cannot be followed now: what is left of the change waits in one row for each
//! group and meeting, together with all that comes behind it, until it may be possible.

use std::sync::Arc;

use storage::{
    Batch, Stored, Timestamp, dormant_membership,
    model::{
        DORMANT_MEMBERSHIP_QUEUE, GroupMeeting, MEMBERSHIP_QUEUE, MembershipChange, Principal,
        PrincipalId, Work, WorkId,
    },
};

use super::{
    super::{Desk, copy::Copies, queue::MAXIMUM_ATTEMPTS, refuse::read_failed},
    Step,
};
use crate::{
    Classification, Precondition, Refusal,
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// What is refused is tried again at the end of such a stretch of time, so that what is refused meanwhile in the same
/// meeting waits with it.
const STRETCH_MILLISECONDS: i64 = 4 * 60 * 60 * 1000;

/// The row in which what a meeting refuses of a group at this moment is gathered.
fn gathering(group: PrincipalId, meeting: &GroupMeeting, now: Timestamp) -> WorkId {
    let GroupMeeting { home, uid } = meeting;
    let (_, end) = now.window(STRETCH_MILLISECONDS);
    let parts: [&[u8]; 3] = [
        &group.0.to_be_bytes(),
        &home.0.to_be_bytes(),
        uid.as_bytes(),
    ];
    let context = "Convoke 2026-11 membership that a meeting refused";
    WorkId::derived(end, context, &parts)
}

impl Desk {
    /// Leaves a change of a group to a meeting for when its organizer, of whom the commit then expects that they stay
    /// disabled, is enabled.
    pub(super) async fn let_membership_wait(
        &self,
        batch: &mut Batch,
        step: &Step<'_>,
        meeting: &GroupMeeting,
        organizer: &Stored<Arc<Principal>>,
    ) -> Result<(), Refusal> {
        batch.expect_principal(organizer);
        let left = MembershipChange {
            refusals: 0,
            ..step.change.left_for(meeting)
        };
        let id = dormant_membership(left.group, meeting);
        let row = Work::new(DORMANT_MEMBERSHIP_QUEUE, Vec::new(), step.row.work.created);
        let gathered = self.store.gather_membership(batch, &id, &row, &left);
        gathered.await.map(drop).map_err(read_failed)
    }

    /// What could not be done in one meeting is tried again where it may be possible later, apart from all others. The
    /// organizer's log says so the first time, and when it is given up.
    pub(super) async fn try_again(
        &self,
        batch: &mut Batch,
        step: &Step<'_>,
        (meeting, copies): (&GroupMeeting, &Copies),
        refusal: &Refusal,
    ) -> Result<(), Refusal> {
        let refusals = step.change.refusals + 1;
        if !may_pass(refusal) || refusals >= MAXIMUM_ATTEMPTS {
            self.log_not_followed(batch, copies, step, &format!("be followed: {refusal}"));
            return Ok(());
        }
        let left = MembershipChange {
            refusals,
            ..step.change.left_for(meeting)
        };
        let id = gathering(left.group, meeting, step.now);
        let row = Work {
            last_error: Some(refusal.to_string()),
            ..Work::new(MEMBERSHIP_QUEUE, Vec::new(), step.row.work.created)
        };
        let gathered = self.store.gather_membership(batch, &id, &row, &left).await;
        let others_wait = gathered.map_err(read_failed)?;
        if refusals == 1 && !others_wait {
            let what = format!("be followed now, and is tried again: {refusal}");
            self.log_not_followed(batch, copies, step, &what);
        }
        Ok(())
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
