//! The organizer lets an attendee know that what they proposed is not taken up (RFC 5546 §3.2.8).

use std::sync::{Arc, atomic::AtomicBool};

use storage::{
    Batch, Found, ResourcePath, Stored,
    access::Privilege,
    model::{CollectionKind, Object, Principal, TrashCause},
};

use super::{
    Desk, MAXIMUM_ROUNDS, conditions::submitted_tokens, delete::Removal, recipients::Recipients,
    refuse::crowded, schedule::Proposal,
};
use crate::{
    Actor, Conditions, Refusal,
    engine::{self, Change, Decision, Directory},
};

/// What declines a proposal that waits in an inbox.
#[derive(Clone, Debug)]
pub struct DeclineCounter {
    /// Where it waits.
    pub path: ResourcePath,
    /// What must hold.
    pub conditions: Conditions,
    /// What is said beside.
    pub comment: Option<String>,
}

impl Desk {
    /// Tells the attendee who made a proposal that it is not taken up, and removes the proposal from the inbox, in one
    /// commit. The event stays as it is.
    ///
    /// Errors: those of a [`Desk::delete`] of the message; `NotAllowed` where it is none; `Forbidden`
    /// (`CALDAV:schedule-send-invite` on the outbox); `Prohibited` where there is nothing to decline, or nobody to tell;
    /// `TooManyMessages`.
    pub async fn decline_counter(
        &self,
        actor: &Actor,
        decline: &DeclineCounter,
    ) -> Result<(), Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            if self.decline_round(actor, decline).await?.is_some() {
                return Ok(());
            }
        }
        Err(crowded())
    }

    async fn decline_round(
        &self,
        actor: &Actor,
        decline: &DeclineCounter,
    ) -> Result<Option<()>, Refusal> {
        let (path, conditions) = (&decline.path, &decline.conditions);
        let scene = self.scene(actor, &[path], conditions).await?;
        let resolution = scene.resolution(path)?;
        let Found::Object(message) = &resolution.found else {
            return Err(Refusal::NotFound);
        };
        if resolution.collection().kind != CollectionKind::Inbox {
            let reason = "only a message in an inbox can be declined";
            return Err(Refusal::NotAllowed(reason));
        }
        let submitted = submitted_tokens(conditions);
        let removal = Removal {
            actor,
            submitted: &submitted,
            schedule_reply: false,
            cause: TrashCause::Deleted,
            has_begun: AtomicBool::new(false),
        };
        let removed = self.remove_from(&scene, &removal, path, conditions);
        let mut batch = removed.await?;
        self.tell_declined(&mut batch, actor, &resolution.owner, message, decline)
            .await?;
        Ok(self.commit(batch).await?.map(|_| ()))
    }

    /// Puts into the batch what tells whoever proposed it.
    async fn tell_declined(
        &self,
        batch: &mut Batch,
        actor: &Actor,
        owner: &Arc<Principal>,
        message: &Stored<Object>,
        decline: &DeclineCounter,
    ) -> Result<(), Refusal> {
        let now = self.now();
        self.require_to_schedule(actor, owner, Privilege::ScheduleSendInvite)
            .await?;
        let counter = self.parsed(message).await?;
        let home = owner.home.ok_or(Refusal::NotFound)?;
        let facts = message.calendar.as_ref().ok_or(Refusal::NotFound)?;
        let copies = self.copies(home, &facts.uid).await?;
        copies.expect(batch);
        let copy = copies.meeting.as_ref();
        if copy.is_some_and(|copy| !copy.is_scheduling_object()) {
            let reason = "the event came here without being scheduled, and is told to nobody; remove the message";
            return Err(Refusal::Prohibited(reason));
        }
        let object = copy.map(|copy| &copy.object);
        let mut directory = Directory::new();
        let mut addresses = engine::addresses(object, Some(&counter));
        addresses.extend(Decision::sender_of(&counter));
        self.look_up(&mut directory, &addresses).await?;
        let change = Proposal {
            actor,
            owner,
            before: None,
            is_dormant: false,
            after: object,
            schedule_reply: false,
            schedule_tag_matched: false,
            attachments: &[],
            is_within_limits: false,
            now,
        };
        let acting = self.acting(&change, &mut directory).await?;
        let plan = engine::decline_counter(
            &Change {
                after: object,
                acting: acting.as_deref(),
                ..Change::of(owner, &directory, now, self.settings.mail_possible)
            },
            &counter,
            decline.comment.as_deref(),
        )
        .map_err(Refusal::Prohibited)?;
        let mut recipients = Recipients::default();
        let sender = (owner, copies.uid());
        let outcomes = self
            .deliver_or_leave(&mut recipients, sender, &plan.deliveries, &directory, now)
            .await?;
        self.write_recipients(batch, &recipients, &[], now).await?;
        self.send(batch, &change, &plan, 0).await?;
        self.log(
            batch,
            home,
            copies.uid(),
            change.log_entry(&plan, &outcomes),
        );
        Ok(())
    }
}
