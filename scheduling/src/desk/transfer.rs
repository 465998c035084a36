//! COPY and MOVE (RFC 4918 §9.8, §9.9), of everything there is.

use std::sync::atomic::AtomicBool;

use storage::{
    Batch, Found, Resolution, ResourcePath, Stored,
    access::Privilege,
    model::{AuditAction, Collection, CollectionKind, Object, TrashCause},
};

use super::{
    Desk, MAXIMUM_ROUNDS, PartialFailures, Written, admission,
    arrival::{Arrival, ScheduledBy, Scheduling},
    conditions,
    construction::Construction,
    delete::{self, Removal},
    guard::{self, Touched},
    place,
    refuse::{crowded, read_failed},
    rights::Need,
    scene::{self, Scene},
};
use crate::{Actor, Conditions, Refusal};

/// COPY and MOVE.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// From where.
    pub source: ResourcePath,
    /// To where.
    pub destination: ResourcePath,
    /// COPY (else MOVE).
    pub keep_source: bool,
    /// Whether what stands at the destination may be replaced.
    pub overwrite: bool,
    /// Depth infinity (else 0, COPY only).
    pub deep: bool,
    /// What must hold; about the source unless tagged.
    pub conditions: Conditions,
    /// RFC 6638 §8.1.
    pub schedule_reply: bool,
}

/// One round of a transfer: what was read, named.
pub(crate) struct Ends<'a> {
    pub scene: &'a Scene,
    pub source: &'a Resolution,
    pub destination: &'a Resolution,
    /// The collection that the resource comes to stand in.
    pub parent: &'a Stored<Collection>,
    /// For what is removed on the way: the source of a MOVE, and what stood at the destination.
    pub removal: &'a Removal<'a>,
}

impl Desk {
    /// Copies or moves a resource, with all below it.
    ///
    /// Errors: `NotFound`; `ParentMissing` at the destination; `Prohibited` onto itself, into itself, and
    /// for collections to another home; `Forbidden` (RFC 3744 appendix B); `ConditionFailed`, also for
    /// Overwrite; `Locked`; in calendars as [`Desk::put`]; `quota-not-exceeded`. Members of a collection
    /// that cannot be copied are told one by one.
    ///
    /// A copy of a collection appears as a whole, however many commits it takes: it is the source as it
    /// is at that moment, and until then nobody sees anything of it. Where it ends early (refused,
    /// dropped, killed) nothing has changed, and the purge takes what was built; to repeat it begins it
    /// anew. Only the meetings of a calendar that the copy is to replace go one by one before that last
    /// commit, as they do when the calendar is deleted.
    pub async fn transfer(
        &self,
        actor: &Actor,
        transfer: Transfer,
    ) -> Result<(Written, PartialFailures), Refusal> {
        check_ends(&transfer)?;
        let mut building = None;
        let done = self.transfer_rounds(actor, &transfer, &mut building).await;
        // There is nothing left of a copy that appeared.
        self.give_up(&mut building).await;
        done
    }

    async fn transfer_rounds(
        &self,
        actor: &Actor,
        transfer: &Transfer,
        building: &mut Option<Construction>,
    ) -> Result<(Written, PartialFailures), Refusal> {
        let submitted = conditions::submitted_tokens(&transfer.conditions);
        let removal = Removal {
            actor,
            submitted: &submitted,
            schedule_reply: transfer.schedule_reply,
            cause: TrashCause::Deleted,
            has_begun: AtomicBool::new(false),
        };
        for _ in 0..MAXIMUM_ROUNDS {
            if let Some(done) = self.transfer_round(&removal, transfer, building).await? {
                return Ok(done);
            }
        }
        Err(crowded())
    }

    async fn transfer_round(
        &self,
        removal: &Removal<'_>,
        transfer: &Transfer,
        building: &mut Option<Construction>,
    ) -> Result<Option<(Written, PartialFailures)>, Refusal> {
        let Transfer {
            source,
            destination,
            conditions,
            ..
        } = transfer;
        let actor = removal.actor;
        let scene = self
            .scene(actor, &[source, destination], conditions)
            .await?;
        let (from, to) = (scene.resolution(source)?, scene.resolution(destination)?);
        self.require(actor, &needs(transfer, from, to)).await?;
        if !matches!(from.found, Found::Collection | Found::Object(_)) {
            return Err(Refusal::NotFound);
        }
        if matches!(to.found, Found::ParentMissing) {
            return Err(Refusal::ParentMissing);
        }
        scene.check_conditions(conditions, source)?;
        if !transfer.overwrite && !matches!(to.found, Found::Missing) {
            return Err(Refusal::ConditionFailed("Overwrite"));
        }
        let parent = match destination.segments.is_empty() {
            true => return Err(Refusal::Prohibited("a home cannot be replaced")),
            false => scene::parent(to)?,
        };
        check_locks(actor, transfer, &scene, from, to)?;
        scene.check_vacant(destination)?;
        let ends = Ends {
            scene: &scene,
            source: from,
            destination: to,
            parent,
            removal,
        };
        match &from.found {
            Found::Object(object) => {
                let written = self.transfer_object(transfer, &ends, object).await?;
                Ok(written.map(|written| (written, PartialFailures::new())))
            }
            _ if transfer.keep_source => self.copy_collection(transfer, &ends, building).await,
            _ => {
                let written = self.move_collection(transfer, &ends).await?;
                Ok(written.map(|written| (written, PartialFailures::new())))
            }
        }
    }
}

/// RFC 4918 §9.8.5, §9.9.4: 403 where source and destination are one resource; nor can a resource
/// replace a collection that it stands in.
fn check_ends(transfer: &Transfer) -> Result<(), Refusal> {
    let Transfer {
        source,
        destination,
        ..
    } = transfer;
    if source == destination {
        return Err(Refusal::Prohibited(
            "source and destination are the same resource",
        ));
    }
    if source.contains(destination) && (transfer.deep || !transfer.keep_source) {
        return Err(Refusal::Prohibited(
            "the destination stands within the source",
        ));
    }
    if destination.contains(source) {
        return Err(Refusal::Prohibited(
            "the source stands within the destination",
        ));
    }
    Ok(())
}

/// RFC 3744 appendix B.
fn needs<'a>(transfer: &Transfer, from: &'a Resolution, to: &'a Resolution) -> Vec<Need<'a>> {
    let Transfer {
        source,
        destination,
        ..
    } = transfer;
    let exists = matches!(to.found, Found::Object(_) | Found::Collection);
    let mut needs = vec![Need::on(source, from, Privilege::Read)];
    if !transfer.keep_source {
        needs.push(Need::on_parent(source, from, Privilege::Unbind));
    }
    match (exists, transfer.keep_source) {
        (true, true) => {
            needs.push(Need::on(destination, to, Privilege::WriteContent));
            needs.push(Need::on(destination, to, Privilege::WriteProperties));
        }
        (true, false) => {
            needs.push(Need::on_parent(destination, to, Privilege::Bind));
            needs.push(Need::on_parent(destination, to, Privilege::Unbind));
        }
        (false, _) => needs.push(Need::on_parent(destination, to, Privilege::Bind)),
    }
    needs
}

/// RFC 4918 §7.6: the destination, what it replaces, and the source of a MOVE are written.
fn check_locks(
    actor: &Actor,
    transfer: &Transfer,
    scene: &Scene,
    from: &Resolution,
    to: &Resolution,
) -> Result<(), Refusal> {
    let Transfer {
        source,
        destination,
        conditions,
        ..
    } = transfer;
    let submitted = conditions::submitted_tokens(conditions);
    let check = |resolution: &Resolution, touched: Touched| {
        let locks = scene.locks(resolution.home().id)?;
        guard::check(locks, scene.now, &touched, &submitted, actor.principal.id)
    };
    check(to, touched_at_destination(transfer, to, destination))?;
    match transfer.keep_source {
        true => Ok(()),
        false => check(from, Touched::unbound(source)),
    }
}

fn touched_at_destination(
    transfer: &Transfer,
    to: &Resolution,
    destination: &ResourcePath,
) -> Touched {
    match (&to.found, transfer.keep_source) {
        (Found::Missing | Found::ParentMissing, _) => Touched::bound(destination),
        (Found::Object(_), true) => Touched::resource(destination),
        _ => Touched::bound(destination).and(Touched::unbound(destination)),
    }
}

impl Desk {
    /// What is taken away is noted where it was, too.
    pub(super) fn note_transfer(&self, batch: &mut Batch, transfer: &Transfer, ends: &Ends<'_>) {
        let actor = ends.removal.actor;
        let arrival = match transfer.keep_source {
            true => AuditAction::Copied,
            false => AuditAction::Moved,
        };
        let (from, to) = (ends.source.owner.id, ends.destination.owner.id);
        self.note(batch, actor, to, arrival, &transfer.destination);
        if !transfer.keep_source {
            self.note(batch, actor, from, AuditAction::MovedAway, &transfer.source);
        }
    }

    /// An object, into a calendar or as a file.
    async fn transfer_object(
        &self,
        transfer: &Transfer,
        ends: &Ends<'_>,
        object: &Stored<Object>,
    ) -> Result<Option<Written>, Refusal> {
        let Transfer {
            source,
            destination,
            ..
        } = transfer;
        place::check_object_location(destination, ends.parent)?;
        let mut batch = self.batch_upon(ends.scene, ends.parent);
        self.note_transfer(&mut batch, transfer, ends);
        let mut gone = Vec::new();
        let before = match &ends.destination.found {
            Found::Object(before) => Some(before),
            Found::Collection => {
                self.remove_collection(&mut batch, ends.removal, destination, ends.destination)
                    .await?;
                gone.push(destination.clone());
                None
            }
            Found::Missing | Found::ParentMissing => None,
        };
        if !transfer.keep_source {
            batch.remove_object_for(
                scene::parent(ends.source)?,
                source.name().unwrap_or_default(),
                object,
                TrashCause::Moved,
            );
            gone.extend([source.clone(), destination.clone()]);
        }
        let after = match ends.parent.kind {
            CollectionKind::Calendar => {
                self.place_in_calendar(&mut batch, transfer, ends, object, before)
                    .await?
            }
            _ => {
                self.place_in_folder(&mut batch, transfer, ends, object, before)
                    .await?
            }
        };
        drop_locks(&mut batch, ends, &gone)?;
        Ok(self.commit(batch).await?.map(|_| Written {
            created: matches!(ends.destination.found, Found::Missing),
            elsewhere: None,
            etag: Some(after.etag),
            schedule_tag: after.calendar.and_then(|facts| facts.schedule_tag),
            modified: after.modified,
        }))
    }

    /// RFC 4791 §5.3.2.1: what PUT demands, COPY and MOVE demand, too.
    async fn place_in_calendar(
        &self,
        batch: &mut Batch,
        transfer: &Transfer,
        ends: &Ends<'_>,
        object: &Stored<Object>,
        before: Option<&Stored<Object>>,
    ) -> Result<Object, Refusal> {
        if object.content.length() > self.settings.limits.maximum_resource_octets {
            return Err(admission::too_large(&self.settings.limits));
        }
        let octets = self
            .store
            .content(&object.content)
            .await
            .map_err(read_failed)?;
        let mut source = self.placed(transfer, ends, object)?;
        let homes = (ends.source.home().id, ends.parent.home);
        let octets = self.adopt_attachments(&mut source, homes, octets)?;
        let admitted = admission::admit(&self.settings.limits, Some(&object.content_type), octets)?;
        let leaves = match transfer.keep_source {
            true => None,
            false => Some((
                scene::parent(ends.source)?.id,
                transfer.source.name().unwrap_or_default(),
            )),
        };
        let arrival = Arrival {
            actor: ends.removal.actor,
            scene: ends.scene,
            path: &transfer.destination,
            calendar: ends.parent,
            before,
            admitted: &admitted,
            moved: None,
            leaves,
            keeps: Some(&source),
            attached: &[],
            scheduling: scheduling(transfer, ends, object)?,
        };
        Ok(self.arrive(batch, &arrival).await?.object)
    }

    /// Outside of calendars an object is a file. One that leaves its calendar for that is removed as far
    /// as others are concerned.
    async fn place_in_folder(
        &self,
        batch: &mut Batch,
        transfer: &Transfer,
        ends: &Ends<'_>,
        object: &Stored<Object>,
        before: Option<&Stored<Object>>,
    ) -> Result<Object, Refusal> {
        if !transfer.keep_source {
            self.withdraw(
                batch,
                ends.removal,
                &ends.source.owner,
                object,
                ends.scene.now,
            )
            .await?;
        }
        let after = Object {
            calendar: None,
            ..self.placed(transfer, ends, object)?
        };
        batch.put_object(
            ends.parent,
            transfer.destination.name().unwrap_or_default(),
            before,
            &after,
        );
        Ok(after)
    }

    /// The object as it stands at the destination: a copy is new and has no access control entries, what moves
    /// keeps all (RFC 4918 §15.1, RFC 5842 §3.1, RFC 3744 §7.3, §7.4).
    fn placed(
        &self,
        transfer: &Transfer,
        ends: &Ends<'_>,
        object: &Object,
    ) -> Result<Object, Refusal> {
        let (id, created, access) = if transfer.keep_source {
            (self.fresh_identity(), ends.scene.now, Vec::new())
        } else {
            let name = transfer.source.name().unwrap_or_default();
            let id = object.identity(scene::parent(ends.source)?.id, name);
            (id, object.created, object.access.clone())
        };
        Ok(Object {
            id: Some(id),
            created,
            modified: ends.scene.now,
            access,
            ..object.clone()
        })
    }
}

/// Who hears of an object that comes into a calendar: from another calendar nobody (RFC 6638 §3.2.3.3 and §3.2.3.4),
/// where it does not stand beside the meeting that it is a copy of. To take somebody else's part in a meeting by MOVE is
/// refused. What comes from elsewhere is treated as if it were PUT there, and so is all that takes the place of a
/// meeting: those who are in it must hear of that.
fn scheduling<'a>(
    transfer: &Transfer,
    ends: &Ends<'a>,
    object: &Object,
) -> Result<Scheduling<'a>, Refusal> {
    let is_scheduled = |object: &Object| {
        let facts = object.calendar.as_ref();
        facts.is_some_and(|facts| facts.scheduling)
    };
    let is_meeting = is_scheduled(object);
    let replaces_meeting =
        matches!(&ends.destination.found, Found::Object(before) if is_scheduled(before));
    let same_home = ends.source.home().id == ends.destination.home().id;
    if object.calendar.is_some() && !is_meeting && !replaces_meeting {
        return Ok(match same_home {
            true => Scheduling::Moves {
                is_scheduling_object: false,
            },
            false => Scheduling::Never,
        });
    }
    match (is_meeting, transfer.keep_source, same_home) {
        (true, false, true) => Ok(Scheduling::Moves {
            is_scheduling_object: true,
        }),
        (true, false, false) => Err(Refusal::Prohibited("a meeting stays with its owner")),
        (true, true, false) if !replaces_meeting => Ok(Scheduling::Never),
        (true, true, _) | (false, ..) => Ok(Scheduling::Applies(ScheduledBy {
            owner: &ends.destination.owner,
            schedule_reply: transfer.schedule_reply,
            schedule_tag_matched: false,
        })),
    }
}

/// The locks on what is gone from either home.
fn drop_locks(batch: &mut Batch, ends: &Ends<'_>, gone: &[ResourcePath]) -> Result<(), Refusal> {
    delete::drop_locks(batch, ends.scene, ends.source.home(), gone)?;
    match ends.source.home().id == ends.destination.home().id {
        true => Ok(()),
        false => delete::drop_locks(batch, ends.scene, ends.destination.home(), gone),
    }
}
