//! An import: many objects come into a calendar at once, and nobody hears of it.
//!
//! What comes in keeps everything that it says, participation and SEQUENCE too, and stays unscheduled until
//! its owner changes what concerns others (see [`crate::engine::Change::is_dormant`]). It goes in bounded
//! commits, each right by itself: an object is found again by its UID, so that the same import once more
//! goes on where another one ended, and changes nothing where nothing is different.

mod name;

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use calendar::{CalendarObject, Recency, many_zones};
use serde::{Deserialize, Serialize};
use storage::{
    Batch, Found, ResourcePath, Stored, UidPlaces, Uuid,
    access::{Privilege, Privileges},
    model::{AuditAction, CalendarFacts, Collection, CollectionKind, Lock, Object, Principal},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    admission::{self, Admitted},
    arrival::{check_access, following},
    booking::Asked,
    conditions,
    content::Body,
    guard::{self, Touched},
    refuse::{crowded, forbidden, read_failed},
    rights::Need,
    scene::Scene,
};
use crate::{
    Actor, Classification, Conditions, Precondition, Refusal,
    engine::{self, Directory, Role, is_same_content},
    log::{LogEntry, LogLine, Occasion, Verdict},
};
pub use name::object_name;

/// Objects that one commit writes.
const OBJECTS_PER_COMMIT: usize = 50;
/// Octets of rows beyond which a commit takes no more objects.
const OCTETS_PER_COMMIT: usize = 512 * 1024;

/// What becomes of an object whose UID stands in the calendar already, with other content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnConflict {
    /// The newer one stays: by SEQUENCE, then by when it was modified. Of two that are equally new, the
    /// one that stands there.
    #[default]
    Newer,
    /// What stands there is replaced.
    Overwrite,
    /// What stands there stays.
    Skip,
}

/// Where objects are imported, and how.
#[derive(Clone, Debug)]
pub struct Import {
    /// The calendar.
    pub calendar: ResourcePath,
    /// What becomes of objects that stand there already.
    pub on_conflict: OnConflict,
    /// What must hold; about the calendar unless tagged.
    pub conditions: Conditions,
    /// Nothing is written; all else is as if it were.
    pub dry_run: bool,
}

/// One object that is to be imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomingObject {
    /// One VCALENDAR without METHOD, as [`calendar::Split`] makes it of a stream.
    pub octets: Bytes,
    /// Which state of which resource of another server it is, if it is stored.
    pub origin: Option<Uuid>,
}

impl From<Bytes> for IncomingObject {
    fn from(octets: Bytes) -> IncomingObject {
        IncomingObject {
            octets,
            origin: None,
        }
    }
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is new in the calendar.
    Created(Placed),
    /// It replaced what stood there.
    Updated(Placed),
    /// What stands there says the same.
    Unchanged(Placed),
    /// What stands there is another one, and stays.
    Kept(Placed),
    /// It is not stored, and why.
    Refused(Refusal),
}

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its name in the calendar.
    pub name: String,
    /// The strong entity tag of what stands there now.
    pub etag: String,
}

impl Placed {
    fn of(name: &str, object: &Object) -> Placed {
        Placed {
            name: name.to_owned(),
            etag: object.etag.clone(),
        }
    }
}

/// What one round read of the place, and what it gathers.
struct Round<'a> {
    actor: &'a Actor,
    import: &'a Import,
    scene: &'a Scene,
    owner: &'a Arc<Principal>,
    calendar: &'a Stored<Collection>,
    privileges: Privileges,
    locks: &'a [Lock],
    batch: Batch,
    /// Objects in the batch.
    written: usize,
    /// Where the object that is looked at came from.
    origin: Option<Uuid>,
    /// Their UIDs and names, which another one cannot have in the same commit.
    taken: HashSet<String>,
    outcomes: Vec<Imported>,
}

/// How one object of a round ended.
enum Step {
    Done(Imported),
    /// What was gathered must be committed before.
    Later,
    /// What was read does not fit together any more.
    Stale,
}

/// How a round ended.
enum Ended {
    Done(Vec<Imported>),
    /// Somebody else was faster.
    Overtaken,
    /// There is no room for so many objects, as many as there were.
    NoRoom(Refusal, usize, Vec<Imported>),
}

impl Desk {
    /// Imports calendar objects. The outcomes are in the order of the objects. Where it ends early with an
    /// error, what was committed stays, and the same once more does the rest.
    ///
    /// Each object is refused by itself with what [`Desk::put`] would refuse it with, among them
    /// `no-uid-conflict`, `unique-scheduling-object-resource` with the resource in the way, `Locked`,
    /// `Forbidden` and `quota-not-exceeded`.
    ///
    /// Errors, for all of them: `NotFound`; `NotAllowed` where there is no calendar; `Forbidden` without both
    /// `DAV:bind` and `DAV:write-content`; `ConditionFailed`; the store's.
    pub async fn import(
        &self,
        actor: &Actor,
        import: &Import,
        objects: &[IncomingObject],
    ) -> Result<Vec<Imported>, Refusal> {
        let mut done = Vec::with_capacity(objects.len());
        let (mut rounds, mut most) = (0, OBJECTS_PER_COMMIT);
        while done.len() < objects.len() {
            match self
                .import_round(actor, import, &objects[done.len()..], most)
                .await?
            {
                Ended::Done(outcomes) => {
                    done.extend(outcomes);
                    rounds = 0;
                }
                Ended::Overtaken if rounds == MAXIMUM_ROUNDS => return Err(crowded()),
                Ended::Overtaken => rounds += 1,
                // Some may still fit: they are tried one by one.
                Ended::NoRoom(_, written, _) if written > 1 => most = 1,
                Ended::NoRoom(refusal, _, mut outcomes) => {
                    // The one that was to be written is the last one. Of what stands there as it is, only
                    // where it came from is not noted.
                    let last = outcomes.pop();
                    done.extend(outcomes);
                    let is_there = |outcome: &Imported| matches!(outcome, Imported::Unchanged(_));
                    done.push(last.filter(is_there).unwrap_or(Imported::Refused(refusal)));
                }
            }
        }
        Ok(done)
    }

    async fn import_round(
        &self,
        actor: &Actor,
        import: &Import,
        objects: &[IncomingObject],
        most: usize,
    ) -> Result<Ended, Refusal> {
        let scene = self
            .scene(actor, &[&import.calendar], &import.conditions)
            .await?;
        let mut round = self.begin_import(actor, import, &scene).await?;
        for object in objects {
            if round.written >= most || round.batch.octets() >= OCTETS_PER_COMMIT {
                break;
            }
            match self.import_object(&mut round, object).await? {
                Step::Done(outcome) => round.outcomes.push(outcome),
                Step::Later => break,
                Step::Stale => return Ok(Ended::Overtaken),
            }
        }
        let Round {
            batch,
            written,
            outcomes,
            ..
        } = round;
        if written == 0 || import.dry_run {
            return Ok(Ended::Done(outcomes));
        }
        match self.commit(batch).await {
            Ok(Some(_)) => Ok(Ended::Done(outcomes)),
            Ok(None) => Ok(Ended::Overtaken),
            Err(refusal @ (Refusal::Precondition { .. } | Refusal::InsufficientStorage(_))) => {
                Ok(Ended::NoRoom(refusal, written, outcomes))
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn begin_import<'a>(
        &self,
        actor: &'a Actor,
        import: &'a Import,
        scene: &'a Scene,
    ) -> Result<Round<'a>, Refusal> {
        let path = &import.calendar;
        let resolution = scene.resolution(path)?;
        let privileges = self.privileges(actor, resolution).await?;
        if ![Privilege::Bind, Privilege::WriteContent]
            .iter()
            .any(|privilege| privileges.has(*privilege))
        {
            return Err(forbidden(path, Privilege::Bind));
        }
        match resolution.found {
            Found::Missing | Found::ParentMissing => return Err(Refusal::NotFound),
            Found::Collection if resolution.collection().kind == CollectionKind::Calendar => {}
            Found::Collection | Found::Object(_) => {
                return Err(Refusal::NotAllowed("objects are imported into calendars"));
            }
        }
        scene.check_conditions(&import.conditions, path)?;
        let calendar = resolution.collection();
        let mut batch = self.batch_upon(scene, calendar);
        let owner = resolution.owner.id;
        self.note(&mut batch, actor, owner, AuditAction::Imported, path);
        Ok(Round {
            actor,
            import,
            scene,
            owner: &resolution.owner,
            calendar,
            privileges,
            locks: scene.locks(calendar.home)?,
            batch,
            written: 0,
            origin: None,
            taken: HashSet::new(),
            outcomes: Vec::new(),
        })
    }

    async fn import_object(
        &self,
        round: &mut Round<'_>,
        incoming: &IncomingObject,
    ) -> Result<Step, Refusal> {
        let refused = |refusal| Ok(Step::Done(Imported::Refused(refusal)));
        let octets = incoming.octets.clone();
        let admitted = match admission::admit(&self.settings.limits, None, octets) {
            Ok(admitted) => admitted,
            Err(refusal) => return refused(refusal),
        };
        let admitted = self
            .with_attachments_released(admitted, round.calendar.home)
            .await?;
        let facts = &admitted.facts;
        if let Err(refusal) = admission::check_component(round.calendar, &facts.component_name) {
            return refused(refusal);
        }
        if round.taken.contains(&facts.uid) {
            return Ok(Step::Later);
        }
        round.origin = incoming.origin;
        let places = match facts.mentions_people() {
            true => self.store.find_uid(round.calendar.home, &facts.uid).await,
            false => self.store.find_uid_in(round.calendar, &facts.uid).await,
        };
        let places = places.map_err(read_failed)?;
        let here = places
            .iter()
            .find(|place| place.collection == round.calendar.id);
        match here.map(|place| place.name.clone()) {
            Some(name) => self.import_over(round, &admitted, &places, &name).await,
            None => self.import_new(round, &admitted, &places).await,
        }
    }

    /// The UID stands in the calendar already.
    async fn import_over(
        &self,
        round: &mut Round<'_>,
        admitted: &Admitted,
        places: &UidPlaces,
        name: &str,
    ) -> Result<Step, Refusal> {
        let before = self.store.object(round.calendar.id, name).await;
        let Some(before) = before.map_err(read_failed)? else {
            return Ok(Step::Stale);
        };
        let path = round.import.calendar.child(name);
        if let Err(refusal) = self.check_import_over(round, &path).await {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        let standing = self.parsed(&before).await?;
        if is_same_content(&standing, &admitted.object) {
            round.note_origin(admitted, &path, &before);
            return Ok(Step::Done(Imported::Unchanged(Placed::of(name, &before))));
        }
        let replaces = match round.import.on_conflict {
            OnConflict::Overwrite => true,
            OnConflict::Skip => false,
            OnConflict::Newer => {
                Recency::of_object(&admitted.object) > Recency::of_object(&standing)
            }
        };
        if !replaces {
            return Ok(Step::Done(Imported::Kept(Placed::of(name, &before))));
        }
        let zones = (many_zones(&admitted.object), many_zones(&standing));
        if let Err(refusal) = admission::check_zones(zones.0, zones.1) {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        let touched = Touched::resource(&path);
        if let Err(refusal) = round.may(Privilege::WriteContent, &path, &touched, admitted) {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        // Those who were told of it from here hear of the owner's next change, as ever.
        let was_scheduled = before
            .calendar
            .as_ref()
            .is_some_and(|facts| facts.scheduling);
        let change = self
            .silent_change(round.owner, &standing, &admitted.object)
            .await?;
        if was_scheduled {
            match self.check_may_import_over(round, change.roles).await {
                Ok(()) => {}
                Err(refusal @ Refusal::Forbidden { .. }) => {
                    return Ok(Step::Done(Imported::Refused(refusal)));
                }
                Err(failure) => return Err(failure),
            }
            if let Some(refusal) = change.refusal() {
                return Ok(Step::Done(Imported::Refused(refusal)));
            }
            let (uid, now) = (&admitted.facts.uid, round.scene.now);
            self.keep_what_was_told(&mut round.batch, &change, uid, now)
                .await?;
        }
        let is_scheduled = was_scheduled && change.roles[1] != Role::None;
        self.write_import(round, admitted, places, (name, Some(&before)), is_scheduled)
            .await
    }

    /// What stands there may have entries of its own, or not be the actor's to see.
    async fn check_import_over(
        &self,
        round: &Round<'_>,
        path: &ResourcePath,
    ) -> Result<(), Refusal> {
        let actor = &round.actor.principal;
        if actor.administrator || actor.id == round.owner.id {
            return Ok(());
        }
        let resolution = self.store.resolve(path).await.map_err(read_failed)?;
        let resolution = resolution.ok_or(Refusal::NotFound)?;
        let need = Need::on(path, &resolution, Privilege::WriteContent);
        self.require(round.actor, &[need]).await
    }

    /// Who changes somebody else's meeting must be allowed to speak for them, also where others hear of it
    /// only later: `roles` are what the owner is in the meeting that stands there and in the one that comes.
    async fn check_may_import_over(
        &self,
        round: &Round<'_>,
        roles: [Role; 2],
    ) -> Result<(), Refusal> {
        for role in roles {
            let needed = match role {
                Role::Organizer => Privilege::ScheduleSendInvite,
                Role::Attendee => Privilege::ScheduleSendReply,
                Role::None => continue,
            };
            self.require_to_schedule(round.actor, round.owner, needed)
                .await?;
        }
        Ok(())
    }

    /// The UID is new to the calendar.
    async fn import_new(
        &self,
        round: &mut Round<'_>,
        admitted: &Admitted,
        places: &UidPlaces,
    ) -> Result<Step, Refusal> {
        if let Err(refusal) = admission::check_zones(many_zones(&admitted.object), None) {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        if let Some(refusal) = self.other_meeting(round, admitted, places).await? {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        let Some(name) = self.free_import_name(round, &admitted.facts.uid).await? else {
            return Ok(Step::Later);
        };
        let path = round.import.calendar.child(&name);
        let touched = Touched::bound(&path);
        if let Err(refusal) = round.may(Privilege::Bind, &path, &touched, admitted) {
            return Ok(Step::Done(Imported::Refused(refusal)));
        }
        self.write_import(round, admitted, places, (&name, None), false)
            .await
    }

    /// What a room has accepted comes to where nothing else has its time. What comes with it in one commit cannot be seen.
    async fn check_time_of_room(
        &self,
        round: &mut Round<'_>,
        admitted: &Admitted,
    ) -> Result<Option<Step>, Refusal> {
        if round.owner.kind.is_bookable() && round.written > 0 {
            return Ok(Some(Step::Later));
        }
        let coming = Asked {
            object: &admitted.object,
            calendar: round.calendar,
            uid: &admitted.facts.uid,
        };
        let taken = self.taken_meanwhile(&mut round.batch, round.owner, &coming);
        Ok(taken.await?.map(|it| Step::Done(Imported::Refused(it))))
    }

    /// RFC 6638 §3.2.4.1: a meeting stands in one calendar of its owner, also where it is not scheduled yet.
    async fn other_meeting(
        &self,
        round: &Round<'_>,
        admitted: &Admitted,
        places: &UidPlaces,
    ) -> Result<Option<Refusal>, Refusal> {
        if places.is_empty() || self.role(round.owner, &admitted.object).await? == Role::None {
            return Ok(None);
        }
        let copies = self
            .copies(round.calendar.home, &admitted.facts.uid)
            .await?;
        let Some(copy) = &copies.meeting else {
            return Ok(None);
        };
        let fault = (
            Precondition::UniqueSchedulingObjectResource,
            "another calendar of this owner has this meeting",
        );
        let path = round.import.calendar.child(&copy.name);
        let other = (copy.calendar.id, copy.name.as_str());
        let refusal = self.taken(round.actor, &path, fault, other).await?;
        Ok(Some(refusal))
    }

    async fn role(&self, owner: &Principal, object: &CalendarObject) -> Result<Role, Refusal> {
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(object), None);
        self.look_up(&mut directory, &addresses).await?;
        Ok(engine::role(object, owner.id, &directory).unwrap_or(Role::None))
    }

    /// The first name for a UID that nothing has; `None` where only a commit can tell.
    async fn free_import_name(
        &self,
        round: &Round<'_>,
        uid: &str,
    ) -> Result<Option<String>, Refusal> {
        for name in name::candidates(uid) {
            if round.taken.contains(&name) {
                return Ok(None);
            }
            let standing = self.store.object(round.calendar.id, &name).await;
            if standing.map_err(read_failed)?.is_none() {
                return Ok(Some(name));
            }
        }
        Err(Refusal::Conflict("there is no free name for the object"))
    }

    fn log_import(&self, round: &mut Round<'_>, admitted: &Admitted) {
        let reason = "imported: nobody hears of it before its owner changes when it is, who is invited, or an answer";
        let entry = LogEntry {
            time: round.scene.now,
            actor: round.actor.name(),
            occasion: Occasion::Imported,
            is_public: Classification::is_public(&admitted.object),
            lines: vec![LogLine::of(Verdict::NoMessages, reason)],
        };
        let home = round.calendar.home;
        self.log(&mut round.batch, home, &admitted.facts.uid, entry);
    }

    async fn write_import(
        &self,
        round: &mut Round<'_>,
        admitted: &Admitted,
        places: &UidPlaces,
        (name, before): (&str, Option<&Stored<Object>>),
        is_scheduled: bool,
    ) -> Result<Step, Refusal> {
        if let Some(step) = self.check_time_of_room(round, admitted).await? {
            return Ok(step);
        }
        let replaced = before.and_then(|before| before.calendar.as_ref());
        let facts = CalendarFacts {
            uid: admitted.facts.uid.clone(),
            scheduling: is_scheduled,
            // RFC 6638 §3.2.10: a change that is no delivery gives a new tag
            schedule_tag: is_scheduled.then(|| self.fresh_schedule_tag()),
            projection: following(admitted.projection.clone(), admitted, replaced),
            attachments: self
                .attachments_in(&admitted.object, round.calendar.home, &[])
                .await?,
        };
        let octets = admitted.octets.clone();
        let body = match round.import.dry_run {
            true => Body::unwritten(self.fresh_identity(), octets),
            false => self.body_beside(octets, &facts.attachments).await?,
        };
        let mut object = body.into_object(
            admission::content_type(&admitted.facts.component_name),
            Some(facts),
            before.map(|before| &before.value),
            round.scene.now,
        );
        if let Some(origin) = round.origin {
            object.set_origin(origin);
        }
        let uid = &admitted.facts.uid;
        if admitted.facts.mentions_people() {
            self.log_import(round, admitted);
        }
        round.batch.expect_uid(round.calendar.home, uid, places);
        round
            .batch
            .put_object(round.calendar, name, before, &object);
        round.written += 1;
        round.taken.extend([uid.clone(), name.to_owned()]);
        let placed = Placed::of(name, &object);
        Ok(Step::Done(match before {
            Some(_) => Imported::Updated(placed),
            None => Imported::Created(placed),
        }))
    }
}

impl Round<'_> {
    /// Notes where an object came from that stands there already as it came, so that it need not be fetched
    /// again; not where the actor may not write, as nothing else depends on it.
    fn note_origin(&mut self, admitted: &Admitted, path: &ResourcePath, before: &Stored<Object>) {
        let (Some(origin), Some(name)) = (self.origin, path.name()) else {
            return;
        };
        let touched = Touched::resource(path);
        let may = self.may(Privilege::WriteContent, path, &touched, admitted);
        if before.origin() == Some(origin) || may.is_err() {
            return;
        }
        self.batch.note_origin(self.calendar, name, before, origin);
        self.written += 1;
        self.taken
            .extend([admitted.facts.uid.clone(), name.to_owned()]);
    }

    /// Whether the actor may write this object, as far as rights and locks are concerned.
    fn may(
        &self,
        privilege: Privilege,
        path: &ResourcePath,
        touched: &Touched,
        admitted: &Admitted,
    ) -> Result<(), Refusal> {
        if !self.privileges.has(privilege) {
            let at = match privilege {
                Privilege::Bind => &self.import.calendar,
                _ => path,
            };
            return Err(forbidden(at, privilege));
        }
        check_access(self.actor, self.calendar, admitted)?;
        let submitted = conditions::submitted_tokens(&self.import.conditions);
        let actor = self.actor.principal.id;
        guard::check(self.locks, self.scene.now, touched, &submitted, actor)
    }
}
