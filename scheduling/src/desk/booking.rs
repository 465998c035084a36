//! Rooms and resources answer by themselves.
//!
//! The commit that delivers an invitation to one leaves a row of work. [`Desk::answer_bookings`] takes it: what the
//! room has at that time is read, [`engine::booking`] decides, and the answer goes the way of any attendee's, in one
//! commit that depends upon the room's calendars being as they were read. So no two meetings get the same time,
//! however many ask for it at once.

use std::sync::Arc;

use calendar::{
    CalendarObject, TimeRange, TooMuchWork, Zone,
    free_busy::{BusyPeriod, BusyType},
};
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Timestamp,
    model::{Booking, Collection, CollectionId, Principal, PrincipalId, SyncToken, Work},
};

use super::{
    BusyQuery, Desk,
    copy::Copy,
    properties::home_path,
    queue::Row,
    refuse::{precondition, read_failed},
};
use crate::{
    Actor, Classification, Precondition, Refusal,
    engine::{self, Directory, Method, booking},
    log::{self, About, LogEntry, LogLine, Occasion, Verdict},
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

/// Who judges an invitation to a room.
#[derive(Clone, Copy)]
enum Judge {
    /// The room, as far ahead as it answers, and within its hours.
    Itself,
    /// Who answers for it, at any time.
    Keeper,
}

/// What an invitation is judged by.
struct Judging {
    mode: Booking,
    window: TimeRange,
    floating: Zone,
    /// When the room cannot be had in the window, in order.
    busy: Vec<BusyPeriod>,
}

impl Judging {
    fn request<'a>(
        &'a self,
        room: &'a Principal,
        asked: &Asked<'a>,
        directory: &'a Directory,
    ) -> booking::Request<'a> {
        booking::Request {
            copy: asked.object,
            room,
            directory,
            booking: self.mode,
            window: self.window,
            floating: &self.floating,
            busy: &self.busy,
        }
    }
}

/// ORGANIZER as it is written.
fn organizer_of(object: &CalendarObject) -> Option<&str> {
    object
        .entries()
        .find_map(|entry| entry.raw_value("ORGANIZER"))
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

    /// Answers one invitation to a room or resource; says whether there was one, and hence perhaps another. To be
    /// called by a worker whenever [`BOOKING_QUEUE`] has rows.
    ///
    /// Errors: `Unavailable`, `Full`.
    pub async fn answer_bookings(&self) -> Result<bool, Refusal> {
        let step = async |row: Row| {
            let answered = self.booking_round(&row).await;
            let step = answered.map(|answer| {
                let mut batch = answer.unwrap_or_else(|| self.store.batch());
                batch.finish_work(&row.id, &row.work);
                batch
            });
            match self.commit_step(step).await {
                Err(refusal) if row.is_given_up_after(&refusal) => {
                    let told = self.give_up_booking(&row, &refusal).await;
                    self.conclude(&row, told).await
                }
                Err(refusal) => self.conclude(&row, Err(refusal)).await,
                answered => answered,
            }
        };
        self.work_through(BOOKING_QUEUE, step).await
    }

    /// What answers an invitation; `None` where there is nothing to answer.
    async fn booking_round(&self, row: &Row) -> Result<Option<Batch>, Refusal> {
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
            .decide_booking(&room, &asked, &directory, &mut observed)
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

    /// What gives up an invitation that a room could not answer again and again: its log and the organizer's say so.
    async fn give_up_booking(&self, row: &Row, refusal: &Refusal) -> Result<Batch, Refusal> {
        tracing::error!(%refusal, "a room gives no answer, and it is not tried again");
        let mut batch = self.store.batch();
        batch.finish_work(&row.id, &row.work);
        let invitation: Invitation = row.task()?;
        let room = self.store.principal(invitation.room).await;
        let Some((room, home)) = room.map_err(read_failed)?.and_then(|it| {
            let home = it.home?;
            Some((it, home))
        }) else {
            return Ok(batch);
        };
        let copies = self.copies(home, &invitation.uid).await?;
        let Some(copy) = copies.meeting else {
            return Ok(batch);
        };
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(&copy.object), None);
        self.look_up(&mut directory, &addresses).await?;
        let is_room = |address: &&String| directory.is(address, room.id);
        let asked = addresses.iter().find(is_room);
        let organizer = organizer_of(&copy.object);
        let reason =
            format!("it gives no answer by itself, which was tried often enough: {refusal}");
        let entry = |occasion, verdict, method: Method, party: Option<&str>| {
            let about = About::of(method.as_str(), &copy.object);
            let party = party.unwrap_or_default();
            LogEntry {
                time: self.now(),
                actor: None,
                occasion,
                is_public: Classification::is_public(&copy.object),
                lines: vec![about.line(verdict, method.as_str(), party, &reason)],
            }
        };
        let unsent = entry(
            Occasion::Received,
            Verdict::NotSent,
            Method::Reply,
            organizer,
        );
        self.log(&mut batch, home, &invitation.uid, unsent);
        let organizers = organizer.and_then(|organizer| directory.local(organizer)?.home);
        if let Some(home) = organizers {
            let asked = asked.map(String::as_str);
            let unanswered = entry(Occasion::Fared, Verdict::Fared, Method::Request, asked);
            self.log(&mut batch, home, &invitation.uid, unanswered);
        }
        Ok(batch)
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
    ) -> Result<Vec<LogLine>, Refusal> {
        if !engine::is_open(asked.object, room, directory) {
            return Ok(Vec::new());
        }
        let mut observed = Observed::new();
        let decided = self.decide_booking(room, asked, directory, &mut observed);
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
        observed: &mut Observed,
    ) -> Result<(Booking, Option<CalendarObject>), Refusal> {
        let judged_by = Judge::Itself;
        let judging = self
            .judging(room, asked, directory, judged_by, observed)
            .await?;
        let answer = booking::answer(&judging.request(room, asked, directory));
        // what is too much work is left to a person
        Ok((judging.mode, answer.unwrap_or_default()))
    }

    /// Reads what an invitation is judged by.
    async fn judging(
        &self,
        room: &Arc<Principal>,
        asked: &Asked<'_>,
        directory: &Directory,
        judge: Judge,
        observed: &mut Observed,
    ) -> Result<Judging, Refusal> {
        let organizer = organizer_of(asked.object);
        let organizer = organizer.and_then(|organizer| directory.local(organizer));
        let mode = self.booking_for(room, organizer.map(|it| it.id)).await?;
        let zone_for = self.settings.calendar_rules.zone_for(room);
        let floating = zone_for(asked.calendar);
        let ahead = self.booking_window(room);
        let window = match judge {
            Judge::Itself => ahead,
            Judge::Keeper => booking::reach(asked.object, &floating, ahead),
        };
        let query = BusyQuery {
            path: home_path(room),
            deep: true,
            window,
            floating: &zone_for,
            masked_uid: Some(asked.uid),
        };
        let itself = Actor::of(Arc::clone(room));
        let mut busy = match (judge, mode) {
            (Judge::Keeper, Booking::AcceptAlways) => Vec::new(),
            (Judge::Keeper, _) => self.accepted_times(&itself, &query, Some(observed)).await?,
            (Judge::Itself, _) => self.bookings(&itself, room, &query, Some(observed)).await?,
        };
        busy.sort_unstable_by_key(|period| period.start);
        Ok(Judging {
            mode,
            window,
            floating,
            busy,
        })
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

    /// When a room cannot be had, as far as the actor may know: when it is taken, and when it is not available, in no
    /// order.
    pub(super) async fn bookings(
        &self,
        actor: &Actor,
        room: &Principal,
        query: &BusyQuery<'_>,
        observed: Option<&mut Observed>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let busy = self.accepted_times(actor, query, observed).await?;
        let availability = self.settings.calendar_rules.availability;
        self.with_availability(busy, room, &query.window, availability)
            .await
    }

    /// When a room is taken: by what it accepted. What it has not answered yet keeps nobody out.
    async fn accepted_times(
        &self,
        actor: &Actor,
        query: &BusyQuery<'_>,
        observed: Option<&mut Observed>,
    ) -> Result<Vec<BusyPeriod>, Refusal> {
        let mut busy = self.gather_periods(actor, query, observed).await?;
        busy.retain(|period| period.busy_type != BusyType::Unanswered);
        Ok(busy)
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
        let mut observed = Observed::new();
        let judged_by = Judge::Keeper;
        let judging = self
            .judging(room, asked, &directory, judged_by, &mut observed)
            .await?;
        if judging.mode == Booking::AcceptAlways {
            return Ok(());
        }
        let collision = booking::collision(before, &judging.request(room, asked, &directory));
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

    /// Why an object cannot come into a calendar without a word to anybody, by an import or out of the trash: the calendar is
    /// a room's, and something else has its time.
    pub(super) async fn taken_meanwhile(
        &self,
        batch: &mut Batch,
        owner: &Arc<Principal>,
        coming: &Asked<'_>,
    ) -> Result<Option<Refusal>, Refusal> {
        if !owner.kind.is_bookable() {
            return Ok(None);
        }
        match self.check_free(batch, owner, None, coming).await {
            Ok(()) => Ok(None),
            Err(refusal @ Refusal::Precondition { .. }) => Ok(Some(refusal)),
            Err(failure) => Err(failure),
        }
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
