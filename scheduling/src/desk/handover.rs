//! A message is handed to its recipient here, and what follows from it in the same commit: those whom it brought in or
//! took out hear of it, the others see it, and who asked for the newest version gets it.

use std::sync::Arc;

use calendar::CalendarObject;
use storage::{Batch, Timestamp, model::Principal};

use super::{Desk, outstanding, recipients::Recipients, refresh};
use crate::{
    Refusal,
    engine::{self, Change, Delivery, Directory, FollowUp, Method, Origin, Plan, Receipt, Status},
    log,
};

/// What a message did.
pub(crate) struct HandedOver {
    /// At its recipient.
    pub receipt: Receipt,
    /// What shows it to the others, if that fits into the same commit; else it waits in a row of work.
    pub refreshes: Vec<Delivery>,
}

impl Desk {
    /// Hands a message to its recipient, who is loaded. `None` where there is nobody to take it.
    pub(crate) async fn hand_over(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        delivery: &Delivery,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Option<HandedOver>, Refusal> {
        let (recipient, message) = (&delivery.recipient, &delivery.message);
        // only an answer brings somebody in, or out
        let before = match message.method {
            Method::Reply => recipients.object(recipient.id).cloned(),
            _ => None,
        };
        let Some(receipt) = recipients.receive(delivery, directory, now) else {
            return Ok(None);
        };
        if let Some(before) = before.filter(|_| receipt.attendees_changed) {
            self.pass_on(batch, recipients, delivery, &before, directory, now)
                .await?;
        }
        self.follow_up(batch, recipients, delivery, &receipt, directory, now)
            .await?;
        let mut refreshes = Vec::new();
        if receipt.refresh_others
            && let Some(object) = recipients.object(recipient.id)
        {
            match refreshes_at_once(object, delivery, directory, now) {
                Some(at_once) => refreshes = at_once,
                None => {
                    self.enqueue_refresh(batch, recipient, &message.uid, now)
                        .await?;
                }
            }
            // who answered by mail has a copy that does not say so yet
            if message.origin == Origin::Mail {
                let sender = &message.sender;
                let own = engine::tell_answer(object, recipient, directory, sender, now);
                refreshes.extend(own);
            }
        }
        Ok(Some(HandedOver { receipt, refreshes }))
    }

    /// Tells those whom an answer brought into the organizer's object, or out of it (RFC 5546 §3.2.2.3).
    async fn pass_on(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        answer: &Delivery,
        before: &CalendarObject,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let organizer = &answer.recipient;
        let Some(after) = recipients.object(organizer.id).cloned() else {
            return Ok(());
        };
        let plan = engine::pass_on(&Change {
            before: Some(before),
            after: Some(&after),
            ..Change::of(organizer, directory, now, self.settings.mail_possible)
        });
        let outcomes = self
            .send_plan(batch, recipients, organizer, &plan, directory, now)
            .await?;
        if let Some(settled) = engine::settle(&plan, &outcomes) {
            recipients.replace(organizer.id, settled);
        }
        Ok(())
    }

    /// Does what a message asks for beside what it says.
    async fn follow_up(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        delivery: &Delivery,
        receipt: &Receipt,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (recipient, message) = (&delivery.recipient, &delivery.message);
        let change = Change::of(recipient, directory, now, self.settings.mail_possible);
        let plan = match receipt.follow_up {
            FollowUp::Nothing => return Ok(()),
            FollowUp::TellSender => {
                let object = recipients.object(recipient.id).cloned();
                let after = object.as_ref();
                engine::tell_again(&Change { after, ..change }, &message.sender)
            }
            FollowUp::AskOrganizer => engine::ask_organizer(&Change {
                before: Some(&message.object),
                ..change
            }),
        };
        self.send_plan(batch, recipients, recipient, &plan, directory, now)
            .await?;
        Ok(())
    }

    /// Sends what a plan of somebody says, and notes it in their log; how far it came, by address.
    async fn send_plan(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        sender: &Arc<Principal>,
        plan: &Plan,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        self.load_recipients(recipients, sender, &plan.deliveries)
            .await?;
        let mut outcomes = Vec::with_capacity(plan.deliveries.len());
        for delivery in &plan.deliveries {
            let receipt = recipients.receive(delivery, directory, now);
            let status = receipt.map_or(Status::NO_WAY, |receipt| receipt.status);
            outcomes.push((delivery.address.clone(), status));
        }
        for mail in &plan.mails {
            self.enqueue_mail(batch, mail, now);
        }
        recipients.note(sender.id, log::of_plan(plan, &outcomes));
        Ok(outcomes)
    }
}

/// What shows the other attendees of the organizer's object what one of them answered; `None` where they are too
/// many for the answer's own commit.
fn refreshes_at_once(
    object: &CalendarObject,
    reply: &Delivery,
    directory: &Directory,
    now: Timestamp,
) -> Option<Vec<Delivery>> {
    if engine::addresses(Some(object), None).len() > refresh::PEOPLE_AT_ONCE {
        return None;
    }
    let replied = Some(reply.message.sender.as_str());
    let refreshes = engine::refresh(object, &reply.recipient, directory, replied, now);
    let fitting = outstanding::fitting(refreshes.iter().map(outstanding::weight));
    (fitting == refreshes.len()).then_some(refreshes)
}
