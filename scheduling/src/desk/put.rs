//! PUT: an object is made or replaced.

use bytes::Bytes;
use calendar::CalendarObject;
use storage::{
    Batch, Found, Resolution, ResourcePath, Stored, Timestamp,
    access::Privilege,
    model::{AuditAction, Collection, CollectionId, CollectionKind, Object, TrashCause},
};

use super::{
    Desk, MAXIMUM_ROUNDS,
    admission::{self, Admitted},
    arrival::{Arrival, ScheduledBy, Scheduling},
    conditions,
    content::{Body, DEFAULT_CONTENT_TYPE},
    delete,
    guard::{self, Touched},
    place,
    refuse::{self, crowded, only_objects_are_rehearsed},
    rights::Need,
    scene::{self, Scene},
};
use crate::{
    Actor, Conditions, Refusal,
    change::TagList,
    engine::{self, Directory, Role},
};

/// The most octets of a media type.
const MAXIMUM_CONTENT_TYPE_OCTETS: usize = 255;

/// PUT of a resource.
#[derive(Clone, Debug)]
pub struct Put {
    /// Where.
    pub path: ResourcePath,
    /// The media type as sent.
    pub content_type: Option<String>,
    /// The octets as sent.
    pub octets: Bytes,
    /// What must hold.
    pub conditions: Conditions,
    /// RFC 6638 §8.1 `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
}

/// A resource was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// It was not there before.
    pub created: bool,
    /// Where it stands, if that is not where it was asked for: an own invitation was merged into the
    /// delivered one.
    pub elsewhere: Option<ResourcePath>,
    /// Only where the stored octets are the sent octets (RFC 4791 §5.3.4).
    pub etag: Option<String>,
    /// Of a scheduling object (RFC 6638 §3.2.10).
    pub schedule_tag: Option<String>,
    /// When its octets last changed.
    pub modified: Timestamp,
}

/// A PUT that was decided: nothing is written yet.
pub(super) struct Decided {
    pub batch: Batch,
    /// What is answered when that is committed.
    pub written: Written,
    /// What is stored then, where it is a calendar object.
    pub octets: Bytes,
    /// The home that it stands in.
    pub home: CollectionId,
}

/// One round of a PUT: what was read, named.
pub(super) struct Round<'a> {
    actor: &'a Actor,
    put: &'a Put,
    /// Where the object is written: as asked for, or where the owner's copy of the meeting stands.
    path: &'a ResourcePath,
    scene: &'a Scene,
    pub resolution: &'a Resolution,
    pub parent: &'a Stored<Collection>,
    before: Option<&'a Stored<Object>>,
    moved: Option<Moved<'a>>,
    /// The client has seen the object with its present Schedule-Tag: it said so with If-Schedule-Tag-Match, or with an
    /// entity tag that the object had since then.
    schedule_tag_matched: bool,
}

/// A delivered invitation that a client brings to another calendar of its owner's, which the client knows or not: it is to
/// stand where the client wants it. (Clients that change the calendar of an event put it into the one, and then delete it
/// in the other; nobody declines with that.)
#[derive(Clone, Copy)]
struct Moved<'a> {
    from: &'a ResourcePath,
    resolution: &'a Resolution,
    object: &'a Stored<Object>,
}

impl Moved<'_> {
    fn name(&self) -> &str {
        self.from.name().unwrap_or_default()
    }

    /// Takes it away from where it stands, with its locks (RFC 4918 §7.6), and keeps what it is known by.
    fn take(&self, batch: &mut Batch, scene: &Scene) -> Result<Object, Refusal> {
        let calendar = scene::parent(self.resolution)?;
        batch.remove_object_for(calendar, self.name(), self.object, TrashCause::Moved);
        let (home, gone) = (self.resolution.home(), std::slice::from_ref(self.from));
        delete::drop_locks(batch, scene, home, gone)?;
        Ok(Object {
            id: Some(self.object.identity(calendar.id, self.name())),
            ..self.object.value.clone()
        })
    }
}

/// Whether If-Match names an entity tag that only the server's own changes have superseded. RFC 9110 would have
/// it fail; but clients that know of no Schedule-Tag would lose their edits whenever somebody answers, and with
/// RFC 6638 §3.2.10.1 they can be merged.
fn is_superseded(conditions: &Conditions, before: Option<&Stored<Object>>) -> bool {
    let (Some(TagList::Tags(tags)), Some(before)) = (&conditions.if_match, before) else {
        return false;
    };
    let mut seen = tags.iter().filter(|it| !it.weak).map(|it| &*it.tag);
    !seen.clone().any(|etag| etag == before.etag) && seen.any(|etag| before.has_superseded(etag))
}

impl Desk {
    /// Makes or replaces an object.
    ///
    /// Errors: `ParentMissing`; `NotAllowed` on a collection; `Forbidden` (`DAV:bind` or
    /// `DAV:write-content`); `ConditionFailed`; `Locked`; in calendars the preconditions of RFC 4791
    /// §5.3.2.1 and RFC 6638 §3.2.4; `quota-not-exceeded`.
    pub async fn put(&self, actor: &Actor, put: Put) -> Result<Written, Refusal> {
        let mut admitted = None;
        for _ in 0..MAXIMUM_ROUNDS {
            if let Some(decided) = self.decide_put(actor, &put, &mut admitted).await?
                && let Some(written) = self.carry_out(decided).await?
            {
                return Ok(written);
            }
        }
        Err(crowded())
    }

    /// Commits what was decided; `None` where something that it was decided upon has changed meanwhile.
    pub(super) async fn carry_out(&self, decided: Decided) -> Result<Option<Written>, Refusal> {
        let committed = self.commit(decided.batch).await?;
        Ok(committed.map(|_| decided.written))
    }

    /// One round up to its commit; `None` where what was read does not fit together any more.
    pub(super) async fn decide_put(
        &self,
        actor: &Actor,
        put: &Put,
        admitted: &mut Option<Admitted>,
    ) -> Result<Option<Decided>, Refusal> {
        let scene = self.scene(actor, &[&put.path], &put.conditions).await?;
        let round = self.round(actor, put, &scene).await?;
        if round.parent.kind != CollectionKind::Calendar {
            if self.rehearses {
                return Err(only_objects_are_rehearsed());
            }
            if put.octets.len() as u64 > self.settings.limits.maximum_file_octets {
                return Err(Refusal::InsufficientStorage("the octets of one file"));
            }
            let body = self.body(put.octets.clone()).await?;
            return self.decide_file(&round, body).map(Some);
        }
        let admitted = match admitted {
            Some(admitted) => admitted,
            None => {
                let (limits, content_type) = (&self.settings.limits, put.content_type.as_deref());
                let submitted = admission::read(limits, content_type, put.octets.clone())?;
                let before = round.before.map(|before| &before.value);
                // what each zone means is looked up next
                self.check_zones(&submitted.object, before).await?;
                admitted.insert(submitted.admit(limits)?)
            }
        };
        let delivered = self.delivered_invitation(&round, admitted).await?;
        let decided = match &delivered {
            Some(path) if path.parent() != put.path.parent() => {
                self.decide_with_move(actor, put, path, admitted).await
            }
            Some(path) => self.decide_into_delivered(&round, path, admitted).await,
            None => self
                .decide_calendar_object(&round, admitted)
                .await
                .map(Some),
        };
        match decided {
            // it may have been delivered, or moved elsewhere, since that was looked at
            Err(refusal) if refuse::is_about_uid(&refusal) => {
                match self.delivered_invitation(&round, admitted).await? == delivered {
                    true => Err(refusal),
                    false => Ok(None),
                }
            }
            decided => decided,
        }
    }

    /// What one round of a PUT decides upon, where nothing speaks against it that can be known without
    /// the octets.
    pub(super) async fn round<'a>(
        &self,
        actor: &'a Actor,
        put: &'a Put,
        scene: &'a Scene,
    ) -> Result<Round<'a>, Refusal> {
        let path = &put.path;
        let resolution = scene.resolution(path)?;
        self.require(actor, &[Need::to_write(path, resolution)])
            .await?;
        if matches!(resolution.found, Found::ParentMissing) {
            return Err(Refusal::ParentMissing);
        }
        let before = match &resolution.found {
            Found::Object(before) => Some(before),
            Found::Collection | Found::Missing | Found::ParentMissing => None,
        };
        let is_superseded = is_superseded(&put.conditions, before);
        if is_superseded {
            let others = Conditions {
                if_match: None,
                ..put.conditions.clone()
            };
            scene.check_conditions(&others, path)?;
        } else {
            scene.check_conditions(&put.conditions, path)?;
        }
        if matches!(resolution.found, Found::Collection) {
            return Err(Refusal::NotAllowed("a collection has no content"));
        }
        let parent = scene::parent(resolution)?;
        place::check_object_location(path, parent)?;
        scene.check_vacant(path)?;
        let round = Round {
            actor,
            put,
            path,
            scene,
            resolution,
            parent,
            before,
            moved: None,
            // what was given held, or the round would have ended
            schedule_tag_matched: is_superseded || put.conditions.if_schedule_tag_match.is_some(),
        };
        check_put_locks(&round)?;
        Ok(round)
    }

    /// A calendar object; its octets come back as they were sent unless the server had to change them.
    async fn decide_calendar_object(
        &self,
        round: &Round<'_>,
        admitted: &Admitted,
    ) -> Result<Decided, Refusal> {
        let put = round.put;
        let mut batch = self.batch_upon(round.scene, round.parent);
        self.note_put(&mut batch, round);
        let taken = match &round.moved {
            Some(moved) => Some(moved.take(&mut batch, round.scene)?),
            None => None,
        };
        let from = match &round.moved {
            Some(moved) => Some((scene::parent(moved.resolution)?.id, moved.name())),
            None => None,
        };
        let arrival = Arrival {
            actor: round.actor,
            scene: round.scene,
            path: round.path,
            calendar: round.parent,
            before: round.before,
            admitted,
            moved: round.moved.map(|moved| moved.object),
            leaves: from,
            keeps: taken.as_ref().or(round.before.map(|before| &before.value)),
            attached: &[],
            scheduling: Scheduling::Applies(ScheduledBy {
                owner: &round.resolution.owner,
                schedule_reply: put.schedule_reply,
                schedule_tag_matched: round.schedule_tag_matched,
            }),
        };
        let arrived = self.arrive(&mut batch, &arrival).await?;
        round.scene.cover(&mut batch);
        let object = arrived.object;
        let facts = object.calendar.as_ref();
        Ok(Decided {
            batch,
            written: Written {
                created: round.before.is_none(),
                elsewhere: None,
                etag: arrived.is_unchanged.then(|| object.etag.clone()),
                schedule_tag: facts.and_then(|facts| facts.schedule_tag.clone()),
                modified: object.modified,
            },
            octets: arrived.octets,
            home: round.parent.home,
        })
    }

    /// Where the owner's copy of this meeting stands, if it was delivered already and a client that
    /// does not know brings it under a name of its own. One that the actor may not know of is only in the
    /// way, as any other.
    async fn delivered_invitation(
        &self,
        round: &Round<'_>,
        admitted: &Admitted,
    ) -> Result<Option<ResourcePath>, Refusal> {
        let owner = &round.resolution.owner;
        if round.before.is_some() || !admitted.facts.has_organizer {
            return Ok(None);
        }
        let copies = self.copies(round.parent.home, &admitted.facts.uid).await?;
        let Some(copy) = copies.meeting.filter(|copy| copy.is_scheduling_object()) else {
            return Ok(None);
        };
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(&copy.object), Some(&admitted.object));
        self.look_up(&mut directory, &addresses).await?;
        let is_attendee = engine::role(&copy.object, owner.id, &directory) == Ok(Role::Attendee);
        let organizer = |object: &CalendarObject| {
            object
                .entries()
                .find_map(|entry| entry.raw_value("ORGANIZER"))
                .map(str::to_owned)
        };
        let is_same = match (organizer(&copy.object), organizer(&admitted.object)) {
            (Some(one), Some(other)) => directory.same_person(&one, &other),
            _ => false,
        };
        match is_attendee && is_same {
            true => {
                self.readable_path(round.actor, copy.calendar.id, &copy.name)
                    .await
            }
            false => Ok(None),
        }
    }

    /// Has the delivered invitation stand where it is put, changed by what is put, in one commit.
    async fn decide_with_move(
        &self,
        actor: &Actor,
        put: &Put,
        from: &ResourcePath,
        admitted: &Admitted,
    ) -> Result<Option<Decided>, Refusal> {
        let scene = self
            .scene(actor, &[&put.path, from], &put.conditions)
            .await?;
        let mut round = self.round(actor, put, &scene).await?;
        let resolution = scene.resolution(from)?;
        let Found::Object(object) = &resolution.found else {
            return Ok(None);
        };
        let needs = [
            Need::on(from, resolution, Privilege::Read),
            Need::on_parent(from, resolution, Privilege::Unbind),
        ];
        self.require(actor, &needs).await?;
        check_locks(&round, resolution, &Touched::unbound(from))?;
        round.moved = Some(Moved {
            from,
            resolution,
            object,
        });
        self.decide_calendar_object(&round, admitted)
            .await
            .map(Some)
    }

    /// Merges a client's own copy of an invitation into the delivered one, which stays where it is. The
    /// conditions held for the place that was asked for; the tokens it submitted count here, too.
    async fn decide_into_delivered(
        &self,
        asked: &Round<'_>,
        path: &ResourcePath,
        admitted: &Admitted,
    ) -> Result<Option<Decided>, Refusal> {
        let scene = self
            .scene(asked.actor, &[path], &Conditions::default())
            .await?;
        let resolution = scene.resolution(path)?;
        self.require(asked.actor, &[Need::to_write(path, resolution)])
            .await?;
        let Found::Object(before) = &resolution.found else {
            return Ok(None);
        };
        let parent = scene::parent(resolution)?;
        let round = Round {
            actor: asked.actor,
            put: asked.put,
            path,
            scene: &scene,
            resolution,
            parent,
            before: Some(before),
            moved: None,
            schedule_tag_matched: asked.schedule_tag_matched,
        };
        check_put_locks(&round)?;
        let mut decided = self.decide_calendar_object(&round, admitted).await?;
        // the client named another place, so it has to fetch what stands here
        decided.written.created = false;
        decided.written.elsewhere = (path != asked.path).then(|| path.clone());
        decided.written.etag = None;
        Ok(Some(decided))
    }

    /// A file in a plain collection is stored as it is.
    pub(super) fn decide_file(&self, round: &Round<'_>, body: Body) -> Result<Decided, Refusal> {
        let Round {
            put,
            before,
            parent,
            ..
        } = round;
        let content_type = put
            .content_type
            .clone()
            .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into());
        if content_type.len() > MAXIMUM_CONTENT_TYPE_OCTETS {
            return Err(Refusal::Conflict("the media type is too long"));
        }
        let before_object = before.map(|before| &before.value);
        let after = body.into_object(content_type, None, before_object, round.scene.now);
        let mut batch = self.batch_upon(round.scene, parent);
        self.note_put(&mut batch, round);
        batch.put_object(
            parent,
            round.path.name().unwrap_or_default(),
            *before,
            &after,
        );
        Ok(Decided {
            batch,
            written: Written {
                created: before.is_none(),
                elsewhere: None,
                etag: Some(after.etag),
                schedule_tag: None,
                modified: after.modified,
            },
            octets: Bytes::new(),
            home: parent.home,
        })
    }

    fn note_put(&self, batch: &mut Batch, round: &Round<'_>) {
        let owner = round.resolution.owner.id;
        let mut note = |action, path| self.note(batch, round.actor, owner, action, path);
        if let Some(moved) = &round.moved {
            note(AuditAction::Moved, round.path);
            note(AuditAction::MovedAway, moved.from);
        }
        let is_new = round.before.is_none() && round.moved.is_none();
        note(
            match is_new {
                true => AuditAction::Created,
                false => AuditAction::Changed,
            },
            round.path,
        );
    }

    /// A batch that depends upon all that the scene read, and upon the quota (RFC 4331 §6).
    pub(crate) fn batch_upon(&self, scene: &Scene, parent: &Collection) -> Batch {
        let mut batch = self.store.batch();
        scene.expect(&mut batch);
        if let Some(quota) = self.settings.limits.quota_octets {
            batch.bound_usage(parent.home, quota);
        }
        batch
    }
}

fn check_put_locks(round: &Round<'_>) -> Result<(), Refusal> {
    let touched = match round.before {
        Some(_) => Touched::resource(round.path),
        None => Touched::bound(round.path),
    };
    check_locks(round, round.resolution, &touched)
}

/// The locks of the home that a resolution is about, with the tokens that were submitted with the PUT.
fn check_locks(
    round: &Round<'_>,
    resolution: &Resolution,
    touched: &Touched,
) -> Result<(), Refusal> {
    let locks = round.scene.locks(resolution.home().id)?;
    let submitted = conditions::submitted_tokens(&round.put.conditions);
    let actor = round.actor.principal.id;
    guard::check(locks, round.scene.now, touched, &submitted, actor)
}
