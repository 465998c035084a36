//! A change of a calendar object and everybody who hears of it, in one commit: the engine decides,
//! this loads and writes (RFC 6638 §3.2).

use std::sync::Arc;

use calendar::CalendarObject;
use storage::{
    Batch, Timestamp,
    access::Privilege,
    model::{Attachment, CollectionId, OUTBOX_NAME, Principal, PrincipalId},
};

use super::{
    Desk,
    copy::{Copies, Copy},
    outstanding::Outstanding,
    properties::home_path,
    recipients::Recipients,
    refuse::read_failed,
    rights::Need,
};
use crate::{
    Actor, Classification, Refusal,
    engine::{self, Addressee, Change, Delivery, Directory, Method, Plan, Role, Status},
    log::{self, LogEntry, LogLine, Occasion},
};

/// A change that may concern other people.
pub(crate) struct Proposal<'a> {
    pub actor: &'a Actor,
    /// The owner of the calendar, who decides the role.
    pub owner: &'a Arc<Principal>,
    /// What is stored, if anything.
    pub before: Option<&'a CalendarObject>,
    /// What is stored came here without being scheduled.
    pub is_dormant: bool,
    /// What is asked for; `None` removes.
    pub after: Option<&'a CalendarObject>,
    /// RFC 6638 §8.1.
    pub schedule_reply: bool,
    /// If-Schedule-Tag-Match was given and held.
    pub schedule_tag_matched: bool,
    /// The managed attachments that `after` may refer to.
    pub attachments: &'a [Attachment],
    /// The messages are counted, and not too many in any case.
    pub is_within_limits: bool,
    /// The round's moment.
    pub now: Timestamp,
}

impl Proposal<'_> {
    /// What was decided about it, for the owner's log.
    pub(super) fn log_entry(&self, plan: &Plan, outcomes: &[(String, Status)]) -> LogEntry {
        let mut objects = self.before.into_iter().chain(&plan.object);
        LogEntry {
            time: self.now,
            actor: self.actor.name(),
            occasion: match self.after {
                Some(_) => Occasion::Changed,
                None => Occasion::Removed,
            },
            is_public: objects.all(Classification::is_public),
            lines: log::of_plan(plan, outcomes),
        }
    }
}

/// What was decided about a change, and upon what.
struct Planned {
    plan: Plan,
    /// When it is told to others: the round's moment, or as soon after it as what is told comes after what was.
    moment: Timestamp,
    directory: Directory,
    /// The owner's.
    home: CollectionId,
    uid: String,
    /// What the organizer has, where that was looked at.
    organizers: Option<Copies>,
    /// Those of the organizer's copy.
    organizers_attachments: Vec<Attachment>,
}

/// How far the messages came at once.
struct Delivered {
    /// The status of each delivery, by its address.
    outcomes: Vec<(String, Status)>,
    /// All whom they reached.
    recipients: Recipients,
    /// In a dry run, how rooms would answer that answer by themselves.
    foreseen: Vec<LogLine>,
    /// How many messages to others follow from them.
    following: usize,
}

/// What is to be stored; the messages stand in the batch already.
pub(crate) struct Scheduled {
    /// `None` for a removal.
    pub object: Option<CalendarObject>,
    /// RFC 6638 §3.1.
    pub is_scheduling_object: bool,
    /// What an attendee's copy may refer to because the organizer's does (RFC 8607 §3.12.2).
    pub organizers_attachments: Vec<Attachment>,
}

impl Desk {
    /// Plans the change, and puts its effects on everybody else into the batch: copies, inbox items,
    /// mails.
    ///
    /// Errors: the preconditions of RFC 6638 §3.2.4; `Forbidden` where the actor may not schedule for
    /// the owner.
    pub(crate) async fn schedule(
        &self,
        batch: &mut Batch,
        proposal: &Proposal<'_>,
    ) -> Result<Scheduled, Refusal> {
        let Proposal {
            owner, before, now, ..
        } = *proposal;
        let Planned {
            mut plan,
            moment,
            directory,
            home,
            uid,
            organizers,
            organizers_attachments,
        } = self.planned(batch, proposal).await?;
        self.check_may_schedule(proposal.actor, owner, &plan)
            .await?;
        let Delivered {
            outcomes,
            recipients,
            foreseen,
            following,
        } = self
            .deliver(batch, proposal, (&plan, &uid), organizers, &directory)
            .await?;
        self.send(batch, proposal, &plan, following).await?;
        if plan.role == Role::Organizer {
            let after = plan.object.as_ref();
            self.note_groups(batch, (home, &uid), before, after, &directory);
        }
        let mut entry = LogEntry {
            time: moment,
            ..proposal.log_entry(&plan, &outcomes)
        };
        if let Some(planned) = &plan.object {
            let lines = &mut entry.lines;
            let known = recipients.with_known_answers(planned.clone(), &directory, lines);
            if known != *planned {
                // the others were told otherwise
                self.enqueue_refresh(batch, owner, &uid, now).await?;
                plan.object = Some(known);
            }
        }
        let object = engine::settle(&plan, &outcomes);
        entry.lines.extend(foreseen);
        if proposal.after.is_none() || plan.role == Role::None {
            self.keep_last_sequence(batch, owner.id, &uid, &entry)
                .await?;
        }
        if plan.role == Role::Organizer && !plan.mails.is_empty() {
            self.keep_moment(batch, owner.id, &uid, moment).await?;
        }
        self.log(batch, home, &uid, entry);
        if plan.role == Role::Attendee
            && engine::is_answer(before, object.as_ref(), owner.id, &directory)
        {
            self.enqueue_answered(batch, owner.id, &uid, now);
        }
        Ok(Scheduled {
            object,
            is_scheduling_object: plan.is_scheduling_object(),
            organizers_attachments: match plan.role {
                Role::Attendee => organizers_attachments,
                Role::Organizer | Role::None => Vec::new(),
            },
        })
    }

    /// Loads what the rules may know of, makes the batch depend upon it, and decides.
    async fn planned(
        &self,
        batch: &mut Batch,
        proposal: &Proposal<'_>,
    ) -> Result<Planned, Refusal> {
        let Proposal {
            owner,
            before,
            after,
            now,
            ..
        } = *proposal;
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(before, after))
            .await?;
        if let Some(after) = after {
            self.expect_groups(batch, &mut directory, owner.id, after)
                .await?;
        }
        let organizers = self
            .organizers_copy(batch, proposal, &mut directory)
            .await?;
        for object in [before, after].into_iter().flatten() {
            self.look_up_deputies(&mut directory, object).await?;
        }
        let acting = self.acting(proposal, &mut directory).await?;
        let uid = before.or(after).map(uid_of).unwrap_or_default();
        let home = owner.home.ok_or(Refusal::NotFound)?;
        let whose = (owner.id, home);
        let organizes = |object: Option<&CalendarObject>| {
            object.is_some_and(|it| engine::role(it, owner.id, &directory) == Ok(Role::Organizer))
        };
        let of_one_that_was = match organizes(after) && !organizes(before) {
            true => Some(self.last_told(whose, &uid).await?),
            false => None,
        };
        let mut change = Change {
            before,
            is_dormant: proposal.is_dormant,
            after,
            acting: acting.as_deref(),
            organizer_copy: meeting_in(&organizers).map(|copy| &copy.object),
            last_told: of_one_that_was.as_ref(),
            schedule_reply: proposal.schedule_reply,
            schedule_tag_matched: proposal.schedule_tag_matched,
            ..Change::of(owner, &directory, now, self.settings.mail_possible)
        };
        let mut plan = engine::plan(&change)?;
        let last_told;
        if organizes(before) && !plan.mails.is_empty() {
            // an import or the trash may have brought it back from before what people elsewhere were told since
            last_told = self.last_told(whose, &uid).await?;
            let mut states = before.into_iter().chain(&plan.object);
            let is_behind = states.any(|state| last_told.is_after(state));
            let moment = last_told.moment_after(now);
            if is_behind || moment != now {
                change.last_told = Some(&last_told);
                change.now = moment;
                plan = engine::plan(&change)?;
            }
        }
        // of a copy that the organizer has of somebody else's meeting, nothing is anybody's
        let is_organizers = |copy: &&Copy| {
            let owner = copy.calendar.owner;
            engine::role(&copy.object, owner, &directory) == Ok(Role::Organizer)
        };
        let attachments = meeting_in(&organizers).filter(is_organizers);
        let organizers_attachments = attachments.map(|copy| copy.stored.attachments().to_vec());
        Ok(Planned {
            moment: change.now,
            plan,
            directory,
            home,
            uid,
            organizers,
            organizers_attachments: organizers_attachments.unwrap_or_default(),
        })
    }

    /// What the organizer has, where the rules want to see it, with those whom it names in the directory.
    async fn organizers_copy(
        &self,
        batch: &mut Batch,
        proposal: &Proposal<'_>,
        directory: &mut Directory,
    ) -> Result<Option<Copies>, Refusal> {
        let Proposal {
            owner,
            before,
            after,
            ..
        } = *proposal;
        let organizer = engine::organizer_to_load(before, after, owner.id, directory);
        let home = organizer.and_then(|organizer| organizer.home);
        let Some((home, object)) = home.zip(before.or(after)) else {
            return Ok(None);
        };
        let copies = self.copies(home, &uid_of(object)).await?;
        copies.expect(batch);
        if let Some(copy) = &copies.meeting {
            self.look_up(directory, &engine::addresses(Some(&copy.object), None))
                .await?;
        }
        Ok(Some(copies))
    }

    /// Who acts for the owner, where it is somebody else, in the directory.
    pub(super) async fn acting(
        &self,
        proposal: &Proposal<'_>,
        directory: &mut Directory,
    ) -> Result<Option<Arc<Principal>>, Refusal> {
        let owner = proposal.owner.id;
        let standing = self.standing(proposal.actor, owner).await?;
        let Some(acting) = standing.acting() else {
            return Ok(None);
        };
        // They may: that is looked at before anything is sent.
        if let Some(address) = acting.addresses.first() {
            directory.insert(address, Addressee::Local(Arc::clone(acting)));
        }
        directory.insert_deputy(owner, acting.id);
        Ok(Some(Arc::clone(acting)))
    }

    /// Leaves the mails to their worker, and counts all that is sent, with what
    /// follows from it (who sends others to a meeting has them invited); what a room
    /// answers by itself, or the server does, is nobody's doing. A meeting with more people than there may be messages in
    /// any hour can be removed in one in which the actor caused none.
    pub(super) async fn send(
        &self,
        batch: &mut Batch,
        proposal: &Proposal<'_>,
        plan: &Plan,
        following: usize,
    ) -> Result<(), Refusal> {
        let (actor, now) = (&proposal.actor.principal, proposal.now);
        self.enqueue_mails(batch, &plan.mails, now);
        if let Some(notice) = &plan.notice {
            self.enqueue_mail(batch, notice, now);
        }
        let messages = messages_of(plan) + following as u64;
        if let Some(maximum) = self
            .maximum_messages(proposal.actor)
            .filter(|_| messages != 0)
        {
            let is_within_limits = proposal.is_within_limits
                || proposal.after.is_none() && self.messages_counted(actor.id).await? == 0;
            let maximum = match is_within_limits {
                true => u64::MAX,
                false => maximum,
            };
            batch.count_messages(actor.id, now, messages, maximum);
        }
        Ok(())
    }

    /// How many messages somebody caused within this hour.
    async fn messages_counted(&self, actor: PrincipalId) -> Result<u64, Refusal> {
        let counted = self.store.messages_counted(actor, self.now()).await;
        counted.map_err(read_failed)
    }

    /// How many messages the actor may cause in an hour; `None` without a bound, and for what nobody does.
    fn maximum_messages(&self, actor: &Actor) -> Option<u64> {
        let maximum = self.settings.limits.maximum_messages_per_hour;
        let is_somebodys = actor.signed_in().is_some() && !actor.principal.answers_by_itself();
        (maximum != 0 && is_somebodys).then_some(maximum)
    }

    /// How many messages a change sends, if its maker may send them. Nothing is written.
    pub(super) async fn foresee(&self, proposal: &Proposal<'_>) -> Result<u64, Refusal> {
        let mut unwritten = self.store.batch();
        let plan = self.planned(&mut unwritten, proposal).await?.plan;
        self.check_may_schedule(proposal.actor, proposal.owner, &plan)
            .await?;
        Ok(messages_of(&plan))
    }

    /// Whether the actor may cause so many messages in one go. What is too much for any hour may be done in one in which
    /// the actor caused none.
    pub(super) async fn check_messages(&self, actor: &Actor, messages: u64) -> Result<(), Refusal> {
        let Some(maximum) = self.maximum_messages(actor).filter(|_| messages != 0) else {
            return Ok(());
        };
        let counted = self.messages_counted(actor.principal.id).await?;
        match counted != 0 && counted.saturating_add(messages) > maximum {
            true => Err(self.too_many_messages()),
            false => Ok(()),
        }
    }

    /// Why a commit was refused that would have sent too much.
    pub(super) fn too_many_messages(&self) -> Refusal {
        let wait = storage::milliseconds_to_next_hour(self.now());
        Refusal::TooManyMessages {
            maximum: self.settings.limits.maximum_messages_per_hour,
            retry_after_seconds: u64::try_from(wait).unwrap_or_default().div_ceil(1000),
        }
    }

    /// RFC 6638 §6.2: who edits somebody else's meeting in a way that others hear of must also be allowed to
    /// schedule for them.
    async fn check_may_schedule(
        &self,
        actor: &Actor,
        owner: &Principal,
        plan: &Plan,
    ) -> Result<(), Refusal> {
        let methods = plan
            .deliveries
            .iter()
            .map(|delivery| delivery.message.method.as_str());
        let mut methods: Vec<&str> = methods
            .chain(plan.mails.iter().map(|mail| mail.method.as_str()))
            .collect();
        methods.dedup();
        if methods.is_empty() {
            return Ok(());
        }
        let needed = match methods
            .iter()
            .all(|method| *method == Method::Reply.as_str())
        {
            true => Privilege::ScheduleSendReply,
            false => Privilege::ScheduleSendInvite,
        };
        self.require_to_schedule(actor, owner, needed).await
    }

    /// RFC 6638 §6.2: the outbox says who may speak for its owner.
    pub(crate) async fn require_to_schedule(
        &self,
        actor: &Actor,
        owner: &Principal,
        needed: Privilege,
    ) -> Result<(), Refusal> {
        if actor.principal.id == owner.id {
            return Ok(());
        }
        let path = home_path(owner).child(OUTBOX_NAME);
        let outbox = self.store.resolve(&path).await.map_err(read_failed)?;
        let outbox = outbox.ok_or(Refusal::NotFound)?;
        self.require(actor, &[Need::on(&path, &outbox, needed)])
            .await
    }

    /// Hands the messages to their recipients here, as many as one commit holds.
    async fn deliver(
        &self,
        batch: &mut Batch,
        proposal: &Proposal<'_>,
        (plan, uid): (&Plan, &str),
        organizers: Option<Copies>,
        directory: &Directory,
    ) -> Result<Delivered, Refusal> {
        let (sender, now) = (proposal.owner, proposal.now);
        let mut recipients = Recipients::knowing(organizers);
        let (at_once, later) = self
            .part(&mut recipients, (sender, uid), &plan.deliveries)
            .await?;
        let mut outcomes: Vec<(String, Status)> = Outstanding::pending(&later).collect();
        let mut refreshes: Vec<Delivery> = Vec::new();
        let mut following = 0;
        for delivery in &at_once {
            let handed_over = self
                .hand_over(batch, &mut recipients, delivery, directory, now)
                .await?;
            let Some(handed_over) = handed_over else {
                outcomes.push((delivery.address.clone(), Status::NO_WAY));
                continue;
            };
            // An answer that the organizer's object cannot hold is an error, before anything is stored; nobody is kept
            // from removing a meeting.
            if let (Some(refusal), Some(_)) = (handed_over.exceeds, proposal.after) {
                return Err(refusal);
            }
            following += handed_over.messages;
            refreshes.extend(handed_over.refreshes);
            let status = handed_over.receipt.status;
            let status = recipients.wait_for_room(sender, delivery, status, now);
            outcomes.push((delivery.address.clone(), status));
        }
        refreshes.retain(|delivery| delivery.recipient.id != sender.id);
        self.receive_all(&mut recipients, sender, &refreshes, directory, now)
            .await?;
        self.write_recipients(batch, &recipients, proposal.attachments, now)
            .await?;
        let mut foreseen = Vec::new();
        if self.rehearses {
            foreseen = self
                .foresee_later(&mut recipients, proposal, &later, directory)
                .await?;
        }
        Ok(Delivered {
            outcomes,
            recipients,
            foreseen,
            following,
        })
    }
}

fn meeting_in(copies: &Option<Copies>) -> Option<&Copy> {
    copies.as_ref()?.meeting.as_ref()
}

/// How many messages a plan sends; what shows others what they know is none.
fn messages_of(plan: &Plan) -> u64 {
    let deliveries = plan.deliveries.iter();
    let deliveries = deliveries.filter(|delivery| !delivery.message.is_refresh);
    (deliveries.count() + plan.mails.len()) as u64
}

fn uid_of(object: &CalendarObject) -> String {
    object
        .entries()
        .find_map(|entry| entry.text("UID"))
        .unwrap_or_default()
        .into_owned()
}
