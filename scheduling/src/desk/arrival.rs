//! A calendar object comes to stand in a calendar, by PUT, COPY or MOVE: what must hold for that, and
//! who hears of it.

use std::sync::Arc;

use bytes::Bytes;
use calendar::{CalendarObject, many_zones};
use storage::{
    Batch, ResourcePath, Stored, UidPlaces,
    model::{Attachment, CalendarFacts, Collection, CollectionId, Object, Principal},
};

use super::{
    Desk,
    admission::{self, Admitted},
    booking::Asked,
    refuse::{in_the_way, precondition, read_failed, reserved},
    scene::Scene,
    schedule::Proposal,
};
use crate::{
    Actor, Classification, ObjectProjection, Precondition, Refusal,
    log::{LogEntry, LogLine, Occasion, Verdict},
};

/// An object on its way into a calendar.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// Who brings it.
    pub actor: &'a Actor,
    /// What the round read.
    pub scene: &'a Scene,
    /// Where it comes to stand.
    pub path: &'a ResourcePath,
    /// The calendar.
    pub calendar: &'a Stored<Collection>,
    /// What it replaces.
    pub before: Option<&'a Stored<Object>>,
    /// The object.
    pub admitted: &'a Admitted,
    /// What it was, where that stands elsewhere: a change that moves it, too.
    pub moved: Option<&'a Stored<Object>>,
    /// The place that it leaves in the same commit.
    pub leaves: Option<(CollectionId, &'a str)>,
    /// Properties, time of creation and attachments come from here: what it replaces, or what it is a
    /// copy of.
    pub keeps: Option<&'a Object>,
    /// Attachments that it brings.
    pub attached: &'a [Attachment],
    /// Who hears of it.
    pub scheduling: Scheduling<'a>,
}

/// What an arrival means for other people.
#[derive(Clone, Copy)]
pub(crate) enum Scheduling<'a> {
    /// It is a change by its owner, or in the owner's name (RFC 6638 §3.2).
    Applies(ScheduledBy<'a>),
    /// It stands in another calendar of the same owner now, and nobody need hear of it.
    Moves {
        /// Whether it is a scheduling object.
        is_scheduling_object: bool,
    },
    /// It comes from somebody else's calendar (RFC 6638 §3.2.3.3 and §3.2.3.4): nobody hears of it until its new owner
    /// changes what concerns others.
    Never,
}

/// What decides how a change is scheduled.
#[derive(Clone, Copy)]
pub(crate) struct ScheduledBy<'a> {
    /// The owner of the calendar, who decides the role.
    pub owner: &'a Arc<Principal>,
    /// RFC 6638 §8.1.
    pub schedule_reply: bool,
    /// If-Schedule-Tag-Match was given and held.
    pub schedule_tag_matched: bool,
}

/// An object that was put into the batch.
pub(crate) struct Arrived {
    pub object: Object,
    /// What is stored of it.
    pub octets: Bytes,
    /// The stored octets are those that arrived.
    pub is_unchanged: bool,
}

/// What is stored of an arrival.
struct Settled {
    octets: Bytes,
    projection: Bytes,
    is_scheduling_object: bool,
    /// The managed attachments that it refers to.
    attachments: Vec<Attachment>,
}

impl Settled {
    /// The object as it arrived.
    fn as_it_is(
        admitted: &Admitted,
        is_scheduling_object: bool,
        attachments: Vec<Attachment>,
    ) -> Settled {
        Settled {
            octets: admitted.octets.clone(),
            projection: admitted.projection.clone(),
            is_scheduling_object,
            attachments,
        }
    }
}

impl<'a> Arrival<'a> {
    /// What it was before: what it replaces, or what it was elsewhere.
    pub fn was(&self) -> Option<&'a Stored<Object>> {
        self.moved.or(self.before)
    }

    /// Nobody is, or was, invited to it, so that scheduling has nothing to say about it.
    fn is_plain(&self) -> bool {
        let was_meeting = self
            .was()
            .and_then(|before| before.calendar.as_ref())
            .is_some_and(|it| it.scheduling);
        matches!(self.scheduling, Scheduling::Applies(_))
            && !was_meeting
            && !self.admitted.facts.mentions_people()
    }
}

/// calendarserver private-events §4.2.2.1: only the owner says with X-CALENDARSERVER-ACCESS who sees less, so
/// that nobody takes an object away from themselves.
pub(super) fn check_access(
    actor: &Actor,
    calendar: &Collection,
    admitted: &Admitted,
) -> Result<(), Refusal> {
    let actor = &actor.principal;
    let is_owner = actor.administrator || actor.id == calendar.owner;
    match Classification::of_access(&admitted.object) {
        Some(class) if !is_owner && class != Classification::Public => Err(precondition(
            Precondition::ValidAccessRestrictionChange,
            "only the owner of the calendar can restrict who sees an event with X-CALENDARSERVER-ACCESS",
        )),
        _ => Ok(()),
    }
}

/// The projection of an object that takes the place of another one, which others may have seen.
pub(super) fn following(
    projection: Bytes,
    admitted: &Admitted,
    replaced: Option<&CalendarFacts>,
) -> Bytes {
    if Classification::of(&admitted.object) != Classification::Private {
        return projection;
    }
    match ObjectProjection::decode(&projection) {
        Some(new) => new.after(replaced.map(|it| &*it.projection)).encode(),
        None => projection,
    }
}

impl Desk {
    /// Puts the object into the batch, with all that must hold for it.
    ///
    /// Errors: `supported-calendar-component`, `valid-calendar-object-resource` where it names too many zones,
    /// `no-uid-conflict`, `unique-scheduling-object-resource`, `valid-managed-id-parameter`, `max-attachments-per-resource`, `max-attendees-per-instance` and
    /// `max-resource-size` of what scheduling makes of it, and those of [`Desk::schedule`].
    pub(crate) async fn arrive(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
    ) -> Result<Arrived, Refusal> {
        let Arrival {
            scene,
            path,
            calendar,
            admitted,
            ..
        } = arrival;
        admission::check_component(calendar, &admitted.facts.component_name)?;
        check_access(arrival.actor, calendar, admitted)?;
        self.check_zones(&admitted.object, arrival.keeps).await?;
        let uid = &admitted.facts.uid;
        let places = if arrival.is_plain() {
            self.store.find_uid_in(calendar, uid).await
        } else {
            self.store.find_uid(calendar.home, uid).await
        };
        let places = places.map_err(read_failed)?;
        self.check_uid(arrival, &places, false).await?;
        let held = self.attachments_of_arrival(arrival).await?;
        let corrected = self.corrected(admitted, &held);
        let admitted = corrected.as_ref().unwrap_or(admitted);
        let arrival = &Arrival {
            admitted,
            ..*arrival
        };
        let settled = self.settle_arrival(batch, arrival, held).await?;
        if settled.is_scheduling_object || matches!(arrival.scheduling, Scheduling::Never) {
            self.check_uid(arrival, &places, true).await?;
        }
        batch.expect_uid(calendar.home, uid, &places);
        let replaced = arrival.was().and_then(|was| was.calendar.as_ref());
        let is_unchanged = !admitted.mended && settled.octets == admitted.octets;
        let facts = CalendarFacts {
            uid: uid.clone(),
            scheduling: settled.is_scheduling_object,
            // RFC 6638 §3.2.10: each direct change gives a new tag
            schedule_tag: settled
                .is_scheduling_object
                .then(|| self.fresh_schedule_tag()),
            projection: following(settled.projection, admitted, replaced),
            attachments: settled.attachments,
        };
        let octets = settled.octets.clone();
        let body = self.body_beside(settled.octets, &facts.attachments).await?;
        let mut object = body.into_object(
            admission::content_type(&admitted.facts.component_name),
            Some(facts),
            arrival.keeps,
            scene.now,
        );
        object.forget_superseded();
        batch.put_object(
            calendar,
            path.name().unwrap_or_default(),
            arrival.before,
            &object,
        );
        Ok(Arrived {
            object,
            octets,
            is_unchanged,
        })
    }

    /// A calendar object keeps the zones that it has, also where it is copied or moved.
    pub(super) async fn check_zones(
        &self,
        object: &CalendarObject,
        keeps: Option<&Object>,
    ) -> Result<(), Refusal> {
        let named = many_zones(object);
        let is_calendar = |it: &&Object| named.is_some() && it.calendar.is_some();
        let had = match keeps.filter(is_calendar) {
            Some(stored) => many_zones(&self.parsed(stored).await?),
            None => None,
        };
        admission::check_zones(named, had)
    }

    /// What is stored of it: the object as it is, unless scheduling has something to say about it.
    async fn settle_arrival(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
        held: Vec<Attachment>,
    ) -> Result<Settled, Refusal> {
        let admitted = arrival.admitted;
        let is_scheduling_object = match arrival.scheduling {
            Scheduling::Applies(by) if !arrival.is_plain() => {
                return self.settle_scheduled(batch, arrival, by, held).await;
            }
            Scheduling::Applies(_) => false,
            Scheduling::Never => {
                if admitted.facts.mentions_people() {
                    self.log_copy(batch, arrival);
                }
                false
            }
            Scheduling::Moves {
                is_scheduling_object,
            } => {
                if is_scheduling_object {
                    self.log_move(batch, arrival);
                }
                is_scheduling_object
            }
        };
        let attachments = self.checked_attachments(&admitted.object, arrival, held)?;
        Ok(Settled::as_it_is(
            admitted,
            is_scheduling_object,
            attachments,
        ))
    }

    /// Tells whoever it concerns, and settles what the rules of scheduling make of the object.
    async fn settle_scheduled(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
        by: ScheduledBy<'_>,
        held: Vec<Attachment>,
    ) -> Result<Settled, Refusal> {
        let admitted = arrival.admitted;
        let replaced = arrival
            .was()
            .and_then(|before| Some((before, before.calendar.as_ref()?)));
        let before = match replaced {
            Some((before, _)) => Some(self.parsed(before).await?),
            None => None,
        };
        let proposal = Proposal {
            actor: arrival.actor,
            owner: by.owner,
            before: before.as_ref(),
            is_dormant: replaced.is_some_and(|(_, facts)| !facts.scheduling),
            after: Some(&admitted.object),
            schedule_reply: by.schedule_reply,
            schedule_tag_matched: by.schedule_tag_matched,
            attachments: &held,
            is_within_limits: false,
            now: arrival.scene.now,
        };
        let scheduled = self.schedule(batch, &proposal).await?;
        // What the engine put back of the object that is replaced may name what the client left out.
        let replaced = arrival.was().map_or(&[][..], |it| it.attachments());
        let known = [held, scheduled.organizers_attachments, replaced.to_vec()].concat();
        let Some(object) = scheduled.object else {
            let attachments = self.checked_attachments(&admitted.object, arrival, known)?;
            return Ok(Settled::as_it_is(admitted, false, attachments));
        };
        self.check_booked_time(batch, arrival, by.owner, before.as_ref(), &object)
            .await?;
        let attachments = self.checked_attachments(&object, arrival, known)?;
        self.settled(
            arrival,
            &object,
            scheduled.is_scheduling_object,
            attachments,
        )
    }

    /// What somebody else than a room books for it is free. What it answers by itself was looked at before.
    async fn check_booked_time(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
        owner: &Arc<Principal>,
        before: Option<&CalendarObject>,
        object: &CalendarObject,
    ) -> Result<(), Refusal> {
        if !owner.kind.is_bookable() || arrival.actor.principal.id == owner.id {
            return Ok(());
        }
        let asked = Asked {
            object,
            calendar: arrival.calendar,
            uid: &arrival.admitted.facts.uid,
        };
        self.check_free(batch, owner, before, &asked).await
    }

    /// What the rules of scheduling made of the object, within the limits.
    fn settled(
        &self,
        arrival: &Arrival<'_>,
        object: &CalendarObject,
        is_scheduling_object: bool,
        attachments: Vec<Attachment>,
    ) -> Result<Settled, Refusal> {
        let (admitted, octets) = (arrival.admitted, object.to_octets());
        if octets == admitted.octets {
            return Ok(Settled::as_it_is(
                admitted,
                is_scheduling_object,
                attachments,
            ));
        }
        // a group is as many as are in it, and each instance of a series that is answered is as large as the series
        let limits = &self.settings.limits;
        admission::check_attendees(limits, admission::most_attendees(object))?;
        admission::check_grown(limits, &octets)?;
        Ok(Settled {
            octets,
            projection: ObjectProjection::of(object).encode(),
            is_scheduling_object,
            attachments,
        })
    }

    fn log_move(&self, batch: &mut Batch, arrival: &Arrival<'_>) {
        let reason = "it only stands in another calendar of its owner now";
        let line = LogLine::of(Verdict::NoMessages, reason);
        self.log_arrival(batch, arrival, Occasion::Moved, line);
    }

    fn log_copy(&self, batch: &mut Batch, arrival: &Arrival<'_>) {
        let reason = "it came from somebody else's calendar (RFC 6638 §3.2.3.3, §3.2.3.4), and nobody hears of it before its owner \
             changes when it is, who is invited, or an answer";
        let line = LogLine::of(Verdict::NotScheduled, reason);
        self.log_arrival(batch, arrival, Occasion::Changed, line);
    }

    fn log_arrival(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
        occasion: Occasion,
        line: LogLine,
    ) {
        let entry = LogEntry {
            time: arrival.scene.now,
            actor: arrival.actor.name(),
            occasion,
            is_public: Classification::is_public(&arrival.admitted.object),
            lines: vec![line],
        };
        let uid = &arrival.admitted.facts.uid;
        self.log(batch, arrival.calendar.home, uid, entry);
    }

    /// RFC 4791 §5.3.2.1 `no-uid-conflict`: a UID names one object of a calendar, and an object keeps its
    /// UID. RFC 6638 §3.2.4.1: a scheduling object's UID names one scheduling object of its owner.
    async fn check_uid(
        &self,
        arrival: &Arrival<'_>,
        places: &UidPlaces,
        is_scheduling_object: bool,
    ) -> Result<(), Refusal> {
        let Arrival {
            path,
            calendar,
            admitted,
            ..
        } = arrival;
        let replaced = arrival.before.and_then(|before| before.calendar.as_ref());
        if replaced.is_some_and(|facts| facts.uid != admitted.facts.uid) {
            let path = ResourcePath::clone(path);
            return Err(in_the_way(
                Precondition::NoUidConflict,
                "an object keeps its UID",
                path,
            ));
        }
        for place in places {
            let here = (place.collection, Some(place.name.as_str())) == (calendar.id, path.name());
            if here || arrival.leaves == Some((place.collection, &place.name)) {
                continue;
            }
            if place.collection == calendar.id {
                let fault = (
                    Precondition::NoUidConflict,
                    "the calendar has another object with this UID",
                );
                let other = (place.collection, place.name.as_str());
                return Err(self.taken(arrival.actor, path, fault, other).await?);
            }
            if is_scheduling_object && place.scheduling {
                let fault = (
                    Precondition::UniqueSchedulingObjectResource,
                    "another calendar of this owner has this meeting",
                );
                let other = (place.collection, place.name.as_str());
                return Err(self.taken(arrival.actor, path, fault, other).await?);
            }
        }
        Ok(())
    }

    /// Why nothing with its UID can stand at `path`: `other` has it. Who may not know of that one
    /// hears nothing of it.
    pub(super) async fn taken(
        &self,
        actor: &Actor,
        path: &ResourcePath,
        (precondition, detail): (Precondition, &str),
        (collection, name): (CollectionId, &str),
    ) -> Result<Refusal, Refusal> {
        let other = self.nameable(actor, collection, name).await?;
        Ok(match other {
            Some(other) => in_the_way(precondition, detail, other),
            None => reserved(path),
        })
    }

    /// The path of an object that is in the way; `None` where the actor may not know of it.
    async fn nameable(
        &self,
        actor: &Actor,
        collection: CollectionId,
        name: &str,
    ) -> Result<Option<ResourcePath>, Refusal> {
        let there = self.readable_path(actor, collection, name).await?;
        if there.is_some() {
            return Ok(there);
        }
        // Nothing is hidden from an owner: it was there a moment ago, and is gone now.
        let is_own = |path: &ResourcePath| {
            (path.owner_kind, &*path.owner_name) == (actor.principal.kind, &*actor.principal.name)
        };
        Ok(self.path_of(collection, name).await?.filter(is_own))
    }

    /// The path of an object that is there, and that the actor may read.
    pub(super) async fn readable_path(
        &self,
        actor: &Actor,
        collection: CollectionId,
        name: &str,
    ) -> Result<Option<ResourcePath>, Refusal> {
        let Some(path) = self.path_of(collection, name).await? else {
            return Ok(None);
        };
        match self.open(actor, &path).await {
            Ok(_) => Ok(Some(path)),
            Err(Refusal::NotFound | Refusal::Forbidden { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The path of a member; `None` where its collection cannot be reached any more.
    pub(crate) async fn path_of(
        &self,
        collection: CollectionId,
        name: &str,
    ) -> Result<Option<ResourcePath>, Refusal> {
        let Some(collection) = self
            .store
            .collection(collection)
            .await
            .map_err(read_failed)?
        else {
            return Ok(None);
        };
        let path = self.store.path_of(&collection).await.map_err(read_failed)?;
        Ok(path.map(|path| path.child(name)))
    }
}
