//! Rooms and resources answer by themselves.
//!
//! The commit that delivers an invitation to one leaves a row of work. [`Desk::answer_bookings`] takes it: what the
//! room has at that time is read, [`engine::booking`] decides, and the answer goes the way of any attendee's, in one
//! commit that depends upon the room's calendars being as they were read. So no two meetings get the same time,
//! however many ask for it at once.

use std::sync::Arc;

use calendar::{
    CalendarObject, TimeRange, TooMuchWork,
    free_busy::{BusyPeriod, BusyType},
};
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Timestamp,
    model::{
        Booking, Collection, CollectionId, CollectionKind, Member, Object, Principal, PrincipalId,
        SyncToken, Work,
    },
};

use super::{
    BusyQuery, CalendarRules, Desk,
    copy::{Copy, is_over},
    members::{Members, Walk},
    properties::home_path,
    queue::Row,
    refuse::{precondition, read_failed},
};
use crate::{
    Actor, Classification, Precondition, Refusal,
    engine::{self, Directory, booking},
    log::{self, LogEntry, LogLine, Occasion, Verdict},
};

/// The queue of invitations that a room or resource answers.
pub const BOOKING_QUEUE: &str = "booking";

const DAY_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;
/// How far back an invitation is answered, instance by instance.
const PAST_MILLISECONDS: i64 = 2 * DAY_MILLISECONDS;

/// The payload of a row in [`BOOKING_QUEUE`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invitation {
    room: PrincipalId,
    uid: String,
}

/// An invitation as it lies in a room's calendar, or would.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub object: &'a CalendarObject,
    pub calendar: &'a Collection,
    pub uid: &'a str,
}

/// The collections of a room that were looked into, as they were before that.
pub(super) type Observed = Vec<(CollectionId, SyncToken)>;

impl Desk {
    /// Leaves an invitation to [`Desk::answer_bookings`].
    pub(crate) fn enqueue_booking(
        &self,
        batch: &mut Batch,
        room: PrincipalId,
        uid: &str,
        now: Timestamp,
    ) {
        let invitation = Invitation {
            room,
            uid: uid.to_owned(),
        };
        let work = Work::of(BOOKING_QUEUE, &invitation, now);
        batch.enqueue(&self.store.new_work_id(now), &work);
    }

    /// Leaves whatever a room or resource has not answered yet, and is not over, to [`Desk::answer_bookings`] once more: how it
    /// answers has changed.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn ask_room_again(&self, room: &Principal) -> Result<(), Refusal> {
        let mut walk = Walk::from(home_path(room), None);
        while let Some((path, resolution)) = self.next_collection(&mut walk).await? {
            let collection = resolution.collection();
            let is_calendar = collection.kind == CollectionKind::Calendar;
            let mut members = Members::of(collection.id);
            while let Some(page) = self.next_members(&mut members).await? {
                let mut batch = self.store.batch();
                for listed in page {
                    match &listed.member.value {
                        Member::Collection(_) => walk.follow(&path, [listed.name]),
                        Member::Object(object) if is_calendar => {
                            if let Some(uid) = self.open_invitation(room, object).await? {
                                self.enqueue_booking(&mut batch, room.id, uid, self.now());
                            }
                        }
                        Member::Object(_) => {}
                    }
                }
                self.commit(batch).await?;
            }
        }
        Ok(())
    }

    /// The UID of a meeting that is not over and that its owner has not answered. What cannot be read is none.
    async fn open_invitation<'a>(
        &self,
        owner: &Principal,
        object: &'a Object,
    ) -> Result<Option<&'a str>, Refusal> {
        let facts = object.calendar.as_ref().filter(|facts| facts.scheduling);
        let Some(facts) = facts.filter(|_| !is_over(object, self.now())) else {
            return Ok(None);
        };
        let object = match self.parsed(object).await {
            Ok(object) => object,
            Err(Refusal::Damaged(_)) => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let mut directory = Directory::new();
        self.look_up(&mut directory, &engine::addresses(Some(&object), None))
            .await?;
        Ok(engine::is_open(&object, owner, &directory).then_some(&*facts.uid))
    }

    /// Answers one invitation to a room or resource; says whether there was one, and hence perhaps another. To be
    /// called by a worker whenever [`BOOKING_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn answer_bookings(&self, rules: &CalendarRules) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let answered = self.booking_round(&row, rules).await;
            let step = answered.map(|answer| {
                let mut batch = answer.unwrap_or_else(|| self.store.batch());
                batch.finish_work(&row.id, &row.work);
                batch
            });
            self.conclude(&row, step).await
        };
        self.work_through(BOOKING_QUEUE, step).await
    }

    /// What answers an invitation; `None` where there is nothing to answer.
    async fn booking_round(
        &self,
        row: &Row,
        rules: &CalendarRules,
    ) -> Result<Option<Batch>, Refusal> {
        let invitation: Invitation = row.task()?;
        let room = self.store.principal(invitation.room).await;
        let Some(room) = room.map_err(read_failed)? else {
            return Ok(None);
        };
        let Some(home) = room.home.filter(|_| room.answers_by_itself()) else {
            return Ok(None);
        };
        let mut observed = Observed::new();
        let copies = self.copies(home, &invitation.uid).await?;
        let Some(copy) = copies.meeting.filter(Copy::is_scheduling_object) else {
            return Ok(None);
        };
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(&copy.object), None);
        self.look_up(&mut directory, &addresses).await?;
        if !engine::is_open(&copy.object, &room, &directory) {
            return Ok(None);
        }
        let asked = Asked {
            object: &copy.object,
            calendar: &copy.calendar,
            uid: &invitation.uid,
        };
        let (mode, answered) = self
            .decide_booking(&room, &asked, &directory, rules, &mut observed)
            .await?;
        let is_room = |address: &str| directory.is(address, room.id);
        let verdict = Verdict::AnsweredByItself;
        let lines = log::of_rooms_answer(verdict, mode, asked.object, answered.as_ref(), is_room);
        let batch = match &answered {
            Some(object) => self.book(&room, &copy, object, &observed).await?,
            None => Some(self.store.batch()),
        };
        Ok(batch.map(|mut batch| {
            let entry = LogEntry {
                time: self.now(),
                actor: None,
                occasion: Occasion::Received,
                is_public: Classification::is_public(asked.object),
                lines,
            };
            self.log(&mut batch, home, asked.uid, entry);
            batch
        }))
    }

    /// How the room answers this organizer: by the first rule that fits, else as it answers all.
    pub(super) async fn booking_for(
        &self,
        room: &Principal,
        organizer: Option<PrincipalId>,
    ) -> Result<Booking, Refusal> {
        let Some(organizer) = organizer else {
            return Ok(room.booking);
        };
        for rule in &room.booking_for {
            let people = self.store.members_of_all(&[rule.organizer]).await;
            if people
                .map_err(read_failed)?
                .iter()
                .any(|it| it.id == organizer)
            {
                return Ok(rule.booking);
            }
        }
        Ok(room.booking)
    }

    /// How a room would answer an invitation, for a dry run.
    pub(crate) async fn foresee_booking(
        &self,
        room: &Arc<Principal>,
        asked: &Asked<'_>,
        directory: &Directory,
        rules: &CalendarRules,
    ) -> Result<Vec<LogLine>, Refusal> {
        if !engine::is_open(asked.object, room, directory) {
            return Ok(Vec::new());
        }
        let mut observed = Observed::new();
        let decided = self.decide_booking(room, asked, directory, rules, &mut observed);
        let (mode, answered) = decided.await?;
        let is_room = |address: &str| directory.is(address, room.id);
        Ok(log::of_rooms_answer(
            Verdict::Foreseen,
            mode,
            asked.object,
            answered.as_ref(),
            is_room,
        ))
    }

    /// How the room answers this organizer, and what; `None` where that is left to a person.
    async fn decide_booking(
        &self,
        room: &Arc<Principal>,
        asked: &Asked<'_>,
        directory: &Directory,
        rules: &CalendarRules,
        observed: &mut Observed,
    ) -> Result<(Booking, Option<CalendarObject>), Refusal> {
        let mut entries = asked.object.entries();
        let organizer = entries.find_map(|entry| entry.raw_value("ORGANIZER"));
        let organizer = organizer.and_then(|organizer| directory.local(organizer));
        let mode = self.booking_for(room, organizer.map(|it| it.id)).await?;
        let window = self.booking_window(room);
        let floating = rules.zone_for(room);
        let query = BusyQuery {
            path: home_path(room),
            deep: true,
            window,
            floating: &floating,
            masked_uid: Some(asked.uid),
        };
        let itself = Actor::of(Arc::clone(room));
        let busy = self.bookings(&itself, room, &query, rules, Some(observed));
        let mut busy = busy.await?;
        busy.sort_unstable_by_key(|period| period.start);
        let answer = booking::answer(&booking::Request {
            copy: asked.object,
            room,
            directory,
            booking: mode,
            window,
            floating: &floating(asked.calendar),
            busy: &busy,
        });
        // what is too much work is left to a person
        Ok((mode, answer.unwrap_or_default()))
    }

    /// From a little before the present to as far ahead as the room answers.
    pub(super) fn booking_window(&self, room: &Principal) -> TimeRange {
        let now = self.now().0;
        let ahead = i64::from(room.booking_horizon_days) * DAY_MILLISECONDS;
        let at = |milliseconds: i64| jiff::Timestamp::from_millisecond(milliseconds).ok();
        TimeRange {
            start: at(now.saturating_sub(PAST_MILLISECONDS)),
            end: at(now.saturating_add(ahead)),
        }
    }

    /// When a room cannot be had, as far as the actor may know: what it accepted, and when it is not available, in
    /// no order. What it has not answered yet keeps nobody out.
    pub(super) async fn bookings(
        &self,
        actor: &Actor,
        room: &Principal,
        query: &BusyQuery<'_>,
        rules: &CalendarRules,
        observed: Option<&mut Observed>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let mut busy = self
            .gather_periods(actor, query, rules.counts, observed)
            .await?;
        busy.retain(|period| period.busy_type != BusyType::Unanswered);
        self.with_availability(busy, room, &query.window, rules.availability)
            .await
    }

    /// Who answers for a room does not give it to two at a time: what the copy that is stored for the room takes must be
    /// free, unless the room is to accept whatever this organizer asks for. The batch depends upon what was seen.
    ///
    /// Errors: `allowed-attendee-scheduling-object-change`, which is RFC 6638 §3.2.4.4's for what an attendee may not do.
    pub(super) async fn check_free(
        &self,
        batch: &mut Batch,
        room: &Arc<Principal>,
        before: Option<&CalendarObject>,
        asked: &Asked<'_>,
    ) -> Result<(), Refusal> {
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(asked.object), None);
        self.look_up(&mut directory, &addresses).await?;
        let mut entries = asked.object.entries();
        let organizer = entries.find_map(|entry| entry.raw_value("ORGANIZER"));
        let organizer = organizer.and_then(|organizer| directory.local(organizer));
        let mode = self.booking_for(room, organizer.map(|it| it.id)).await?;
        if mode == Booking::AcceptAlways {
            return Ok(());
        }
        let rules = &self.settings.calendar_rules;
        let floating = rules.zone_for(room);
        let window = self.booking_window(room);
        let query = BusyQuery {
            path: home_path(room),
            deep: true,
            window,
            floating: &floating,
            masked_uid: Some(asked.uid),
        };
        let mut observed = Observed::new();
        let itself = Actor::of(Arc::clone(room));
        let mut busy = self
            .gather_periods(&itself, &query, rules.counts, Some(&mut observed))
            .await?;
        busy.retain(|period| period.busy_type != BusyType::Unanswered);
        busy.sort_unstable_by_key(|period| period.start);
        let collision = booking::collision(
            before,
            &booking::Request {
                copy: asked.object,
                room,
                directory: &directory,
                booking: mode,
                window,
                floating: &floating(asked.calendar),
                busy: &busy,
            },
        );
        let reason = match collision {
            Ok(None) => {
                for (collection, token) in observed {
                    batch.expect_unchanged_since(collection, token);
                }
                return Ok(());
            }
            Ok(Some(start)) => format!("it is booked already at {start}"),
            Err(TooMuchWork) => "it recurs too often to see whether it is free".to_owned(),
        };
        Err(precondition(
            Precondition::AllowedAttendeeSchedulingObjectChange,
            reason,
        ))
    }

    /// The room's answer, as its owner would store it.
    async fn book(
        &self,
        room: &Arc<Principal>,
        copy: &Copy,
        object: &CalendarObject,
        observed: &Observed,
    ) -> Result<Option<Batch>, Refusal> {
        let actor = Actor::of(Arc::clone(room));
        let stored = self.store_as_owner(&actor, room, copy, object).await?;
        Ok(stored.map(|mut batch| {
            for (collection, token) in observed {
                batch.expect_unchanged_since(*collection, *token);
            }
            batch
        }))
    }
}
