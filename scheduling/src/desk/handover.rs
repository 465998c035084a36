//! A message is handed to its recipient here, and what follows from it in the same commit: those whom it brought in or
//! took out hear of it, the others see it, and who asked for the newest version gets it.

use std::sync::Arc;

use calendar::CalendarObject;
use storage::{Batch, Timestamp, model::Principal};

use super::{
    CommitBounds, Desk, admission,
    outstanding::{self, Outstanding},
    recipients::Recipients,
};
use crate::{
    Refusal,
    engine::{
        self, Change, CopyChange, Delivery, Directory, FollowUp, Method, Origin, Plan, Receipt,
        Status,
    },
    log,
};

/// What a message did.
pub(crate) struct HandedOver {
    /// At its recipient.
    pub receipt: Receipt,
    /// What shows it to the others, if that fits into the same commit; else it waits in a row of work.
    pub refreshes: Vec<Delivery>,
    /// How many messages to others follow from it.
    pub messages: usize,
    /// Which bound keeps an answer out of the organizer's object; it waits in the inbox then.
    pub exceeds: Option<Refusal>,
}

/// How often an organizer elsewhere who asks again for an answer to one version gets it: some programs send all of the
/// meeting after each answer.
const ANSWERS_AGAIN: usize = 3;

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
            Method::Reply => {
                self.load_outstanding(recipients, recipient, &message.uid)
                    .await?;
                recipients.object(recipient.id).cloned()
            }
            _ => None,
        };
        let Some(receipt) = recipients.judge(delivery, directory, now) else {
            return Ok(None);
        };
        let exceeds = before
            .as_ref()
            .and_then(|before| self.check_answered(before, &receipt).err());
        let receipt = match &exceeds {
            Some(refusal) => recipients.hold(delivery, Status::TOO_LARGE, &refusal.to_string()),
            None => receipt,
        };
        recipients.take(delivery, &receipt);
        if receipt.attendees_changed {
            self.enqueue_held_answers(batch, recipient.id, &message.uid, now);
        }
        let mut messages = 0;
        // an answer to what came here without being scheduled stands there, and nobody else hears of it
        let is_told = !recipients.is_dormant(recipient.id);
        let pass_on = receipt.attendees_changed && is_told;
        if let Some(before) = before.as_ref().filter(|_| pass_on) {
            messages += self
                .pass_on(batch, recipients, delivery, before, directory, now)
                .await?;
        }
        messages += self
            .follow_up(batch, recipients, delivery, &receipt, directory, now)
            .await?;
        let mut refreshes = Vec::new();
        if receipt.refresh_others
            && is_told
            && let Some(object) = recipients.object(recipient.id)
        {
            let bounds = self.settings.commit_bounds;
            let at_once = refreshes_at_once(object, delivery, directory, now, bounds);
            if at_once.is_none() {
                self.enqueue_refresh(batch, recipient, &message.uid, now)
                    .await?;
            }
            let mut shown = at_once.unwrap_or_default();
            // who answered by mail has a copy that does not say so yet
            if message.origin == Origin::Mail {
                let (before, sender) = (before.as_ref(), &message.sender);
                shown.extend(engine::tell_answer(
                    before, object, recipient, directory, sender, now,
                ));
            }
            let shown = self.part(recipients, (recipient, &message.uid), &shown);
            (refreshes, _) = shown.await?;
        }
        Ok(Some(HandedOver {
            receipt,
            refreshes,
            messages,
            exceeds,
        }))
    }

    /// The organizer's object stays within its bounds: whoever is invited to a series can make a component of each
    /// instance, and bring others in.
    fn check_answered(&self, before: &CalendarObject, receipt: &Receipt) -> Result<(), Refusal> {
        let CopyChange::Replace(after) = &receipt.copy else {
            return Ok(());
        };
        let limits = &self.settings.limits;
        let attendees = admission::most_attendees(after);
        if attendees > admission::most_attendees(before) {
            admission::check_attendees(limits, attendees)?;
        }
        let octets = after.to_octets();
        let grows = || octets.len() > before.to_octets().len();
        admission::check_grown(limits, &octets).or_else(|refusal| match grows() {
            true => Err(refusal),
            false => Ok(()),
        })
    }

    /// Tells those whom an answer brought into the organizer's object, or out of it (RFC 5546 §3.2.2.3); how many
    /// messages that are.
    async fn pass_on(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        answer: &Delivery,
        before: &CalendarObject,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<usize, Refusal> {
        let organizer = &answer.recipient;
        let Some(after) = recipients.object(organizer.id).cloned() else {
            return Ok(0);
        };
        let mut plan = engine::pass_on(&Change {
            before: Some(before),
            after: Some(&after),
            ..Change::of(organizer, directory, now, self.settings.mail_possible)
        });
        // who answered knows, and their copy is being written
        let sender = directory.local(&answer.message.sender);
        let is_sender = |it: &Delivery| sender.is_some_and(|sender| sender.id == it.recipient.id);
        plan.deliveries.retain(|delivery| !is_sender(delivery));
        let uid = &answer.message.uid;
        let outcomes = self
            .send_plan(batch, recipients, (organizer, uid), &plan, directory, now)
            .await?;
        if let Some(settled) = engine::settle(&plan, &outcomes) {
            let mut lines = Vec::new();
            let settled = recipients.with_known_answers(settled, directory, &mut lines);
            recipients.note(organizer.id, lines);
            recipients.replace(organizer.id, settled);
        }
        Ok(plan.deliveries.len() + plan.mails.len())
    }

    /// Does what a message asks for beside what it says; how many messages that are.
    async fn follow_up(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        delivery: &Delivery,
        receipt: &Receipt,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<usize, Refusal> {
        let (recipient, message) = (&delivery.recipient, &delivery.message);
        let change = Change {
            after: recipients.object(recipient.id),
            ..Change::of(recipient, directory, now, self.settings.mail_possible)
        };
        let plan = match receipt.follow_up {
            FollowUp::Nothing => return Ok(0),
            // what came here without being scheduled is told to nobody; only what an organizer sends wakes it up
            _ if !message.method.is_from_organizer() && recipients.is_dormant(recipient.id) => {
                return Ok(0);
            }
            FollowUp::TellSender => engine::tell_again(&change, &message.sender),
            FollowUp::TellNewest => engine::tell_newest(&change, &message.sender),
            FollowUp::TellRemoved { sequence } => {
                let owner = recipient.id;
                self.keep_sequence(batch, owner, &message.uid, sequence, now)
                    .await?;
                engine::tell_removed(&change, &delivery.address, message, sequence)
            }
            FollowUp::AnswerAgain => engine::answer_again(&change),
            FollowUp::AskOrganizer => engine::ask_organizer(&Change {
                before: Some(&message.object),
                ..change
            }),
        };
        let sender = (recipient, &*message.uid);
        let at_most = match receipt.follow_up {
            FollowUp::TellNewest => Some(1),
            // who asks by a question is answered each time
            FollowUp::AnswerAgain if message.method == Method::Request => Some(ANSWERS_AGAIN),
            _ => None,
        };
        if let Some(times) = at_most
            && self.was_sent(sender, &plan, times).await?
        {
            return Ok(0);
        }
        self.send_plan(batch, recipients, sender, &plan, directory, now)
            .await?;
        Ok(plan.deliveries.len() + plan.mails.len())
    }

    /// Whether somebody sent all this for the same reason so many times before, as far as their log goes back, or that is not
    /// known: a program that goes on answering an older version, or asking for an answer, is not told for ever.
    async fn was_sent(
        &self,
        (sender, uid): (&Arc<Principal>, &str),
        plan: &Plan,
        times: usize,
    ) -> Result<bool, Refusal> {
        let Some(home) = sender.home.filter(|_| self.settings.scheduling_log) else {
            return Ok(true);
        };
        let log = self.scheduling_log_of(home, uid).await?;
        let mut lines = log::of_plan(plan, &[]).into_iter();
        Ok(lines.all(|line| {
            let known = log.iter().flat_map(|entry| &entry.lines);
            let same = known.filter(|known| {
                (known.verdict, known.sequence, &known.parties, &known.reason)
                    == (line.verdict, line.sequence, &line.parties, &line.reason)
            });
            same.count() >= times
        }))
    }

    /// Sends what a plan of somebody about a meeting says, as much as one commit holds, and notes it in their log; how
    /// far it came, by address. The rest is left to [`Desk::deliver_outstanding`].
    async fn send_plan(
        &self,
        batch: &mut Batch,
        recipients: &mut Recipients,
        (sender, uid): (&Arc<Principal>, &str),
        plan: &Plan,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        let outcomes = self
            .deliver_or_leave(recipients, (sender, uid), &plan.deliveries, directory, now)
            .await?;
        self.enqueue_mails(batch, &plan.mails, now);
        recipients.note(sender.id, log::of_plan(plan, &outcomes));
        Ok(outcomes)
    }

    /// Hands messages to their recipients, as much as one commit holds, and leaves the rest to
    /// [`Desk::deliver_outstanding`]; how far each came, by address.
    pub(crate) async fn deliver_or_leave(
        &self,
        recipients: &mut Recipients,
        (sender, uid): (&Arc<Principal>, &str),
        deliveries: &[Delivery],
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Vec<(String, Status)>, Refusal> {
        let (at_once, later) = self.part(recipients, (sender, uid), deliveries).await?;
        let received = self
            .receive_all(recipients, sender, &at_once, directory, now)
            .await?;
        let mut outcomes: Vec<(String, Status)> = Outstanding::pending(&later).collect();
        for (delivery, (address, status)) in at_once.iter().zip(received) {
            let status = recipients.wait_for_room(sender, delivery, status, now);
            outcomes.push((address, status));
        }
        Ok(outcomes)
    }

    /// What waits of somebody's meeting is read, unless it was already.
    async fn load_outstanding(
        &self,
        recipients: &mut Recipients,
        sender: &Principal,
        uid: &str,
    ) -> Result<(), Refusal> {
        match sender.home {
            Some(home) if recipients.outstanding(home).is_none() => {
                recipients.wait(self.outstanding(sender.id, home, uid).await?);
            }
            _ => {}
        }
        Ok(())
    }

    /// What this commit delivers, whose recipients are read, and what waits: what is too much for it, what goes to somebody
    /// whose copy cannot be read, for it keeps nothing from all others, and whatever goes to somebody for whom something
    /// waits already, so that nothing overtakes it.
    pub(crate) async fn part(
        &self,
        recipients: &mut Recipients,
        (sender, uid): (&Arc<Principal>, &str),
        deliveries: &[Delivery],
    ) -> Result<(Vec<Delivery>, Vec<Delivery>), Refusal> {
        let Some(home) = sender.home.filter(|_| !deliveries.is_empty()) else {
            return Ok((deliveries.to_vec(), Vec::new()));
        };
        self.load_outstanding(recipients, sender, uid).await?;
        let outstanding = recipients.outstanding(home);
        let waits_for = outstanding.as_ref().map(|it| it.waits_for());
        let waits = |id| waits_for.as_ref().is_some_and(|waits_for| waits_for(id));
        let (waiting, mut may_be_now): (Vec<Delivery>, Vec<Delivery>) = deliveries
            .iter()
            .cloned()
            .partition(|delivery| waits(delivery.recipient.id));
        let bounds = self.settings.commit_bounds;
        let fitting = outstanding::fitting(bounds, may_be_now.iter().map(outstanding::weight));
        let too_much = may_be_now.split_off(fitting);
        let unreadable = self
            .load_readable_recipients(recipients, sender, &may_be_now)
            .await?;
        for (_, damage) in &unreadable {
            tracing::error!(%damage, "a message waits until its recipient's copy can be read");
        }
        let (mut later, at_once): (Vec<Delivery>, Vec<Delivery>) =
            may_be_now.into_iter().partition(|delivery| {
                let id = delivery.recipient.id;
                unreadable.iter().any(|(damaged, _)| *damaged == id)
            });
        later.extend(too_much.into_iter().chain(waiting));
        if let Some(outstanding) = recipients.outstanding(home) {
            outstanding.add_deliveries(&later, self.now());
        }
        Ok((at_once, later))
    }
}

/// What shows the other attendees of the organizer's object what one of them answered; `None` where they are too
/// many for the answer's own commit.
fn refreshes_at_once(
    object: &CalendarObject,
    reply: &Delivery,
    directory: &Directory,
    now: Timestamp,
    bounds: CommitBounds,
) -> Option<Vec<Delivery>> {
    if engine::addresses(Some(object), None).len() > bounds.people_shown_at_once {
        return None;
    }
    let replied = Some(reply.message.sender.as_str());
    let refreshes = engine::refresh(object, &reply.recipient, directory, replied, now);
    let fitting = outstanding::fitting(bounds, refreshes.iter().map(outstanding::weight));
    (fitting == refreshes.len()).then_some(refreshes)
}
