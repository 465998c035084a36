//! DELETE (RFC 4918 §9.6): a resource with all below it, or nothing of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use calendar::CalendarObject;
use storage::{
    Batch, Found, Resolution, ResourcePath, Stored, Timestamp,
    access::Privilege,
    model::{
        AuditAction, Collection, CollectionId, CollectionKind, Member, Object, Principal,
        TrashCause,
    },
};

use super::{
    Desk, MAXIMUM_ROUNDS, PartialFailures, conditions,
    guard::{self, Touched},
    members::Members,
    place,
    refuse::{crowded, forbidden, only_objects_are_rehearsed, precondition, read_failed},
    rights::Need,
    scene::{self, Scene},
    schedule::Proposal,
};
use crate::{Actor, Conditions, Precondition, Refusal, view::Sight};

/// DELETE of a resource.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which.
    pub path: ResourcePath,
    /// What must hold.
    pub conditions: Conditions,
    /// RFC 6638 §8.1 `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
}

/// A removal whose conditions held, with the tokens that were submitted for it.
pub(crate) struct Removal<'a> {
    pub actor: &'a Actor,
    pub submitted: &'a [&'a str],
    pub schedule_reply: bool,
    /// Why, for the trash.
    pub cause: TrashCause,
    /// Of many meetings, the first may be gone: it was looked at that no more messages are sent than there may be. The
    /// others follow then, however many messages there are meanwhile, and however often it is decided anew.
    pub has_begun: AtomicBool,
}

impl Removal<'_> {
    fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }
}

impl Desk {
    /// Removes a resource, with all below it. A tree in which a lock stands in the way is refused as a
    /// whole, so that the list of single failures is empty for now.
    ///
    /// The meetings of a calendar are cancelled or declined one by one before the calendar goes, each in
    /// a commit of its own: wherever that ends early, everybody's calendars agree. Whether the actor may do
    /// all of that, and send so many messages, is known before the first one.
    ///
    /// Errors: `NotFound`; `Forbidden` (`DAV:unbind`; nobody has it for a home, an inbox or an outbox, nor
    /// for a calendar in which there is something that they do not see as a whole); `ConditionFailed`;
    /// `Locked`; `default-calendar-needed` (RFC 6638 §4.3); `TooManyMessages`.
    pub async fn delete(&self, actor: &Actor, delete: Delete) -> Result<PartialFailures, Refusal> {
        let submitted = conditions::submitted_tokens(&delete.conditions);
        let removal = Removal {
            actor,
            submitted: &submitted,
            schedule_reply: delete.schedule_reply,
            cause: TrashCause::Deleted,
            has_begun: AtomicBool::new(false),
        };
        for _ in 0..MAXIMUM_ROUNDS {
            if self
                .delete_round(&removal, &delete.path, &delete.conditions)
                .await?
                .is_some()
            {
                return Ok(PartialFailures::new());
            }
        }
        Err(crowded())
    }

    async fn delete_round(
        &self,
        removal: &Removal<'_>,
        path: &ResourcePath,
        conditions: &Conditions,
    ) -> Result<Option<()>, Refusal> {
        let (batch, _) = self.decide_removal(removal, path, conditions).await?;
        Ok(self.commit(batch).await?.map(|_| ()))
    }

    /// One round up to its commit, and the home that it is about.
    pub(super) async fn decide_removal(
        &self,
        removal: &Removal<'_>,
        path: &ResourcePath,
        conditions: &Conditions,
    ) -> Result<(Batch, CollectionId), Refusal> {
        let scene = self.scene(removal.actor, &[path], conditions).await?;
        let batch = self.remove_from(&scene, removal, path, conditions).await?;
        Ok((batch, scene.resolution(path)?.home().id))
    }

    /// Removes what is at a path of the scene, if that may be.
    pub(super) async fn remove_from(
        &self,
        scene: &Scene,
        removal: &Removal<'_>,
        path: &ResourcePath,
        conditions: &Conditions,
    ) -> Result<Batch, Refusal> {
        let resolution = scene.resolution(path)?;
        self.require(
            removal.actor,
            &[Need::on_parent(path, resolution, Privilege::Unbind)],
        )
        .await?;
        if !matches!(resolution.found, Found::Object(_) | Found::Collection) {
            return Err(Refusal::NotFound);
        }
        scene.check_conditions(conditions, path)?;
        let locks = scene.locks(resolution.home().id)?;
        guard::check(
            locks,
            scene.now,
            &Touched::unbound(path),
            removal.submitted,
            removal.actor.principal.id,
        )?;
        let mut batch = match &resolution.found {
            Found::Object(before) => self.remove_object(removal, scene, path, before).await?,
            _ if self.rehearses => return Err(only_objects_are_rehearsed()),
            _ => {
                let mut batch = self.begin_removal(removal, scene, path)?;
                self.remove_collection(&mut batch, removal, path, resolution)
                    .await?;
                batch
            }
        };
        drop_locks(
            &mut batch,
            scene,
            resolution.home(),
            std::slice::from_ref(path),
        )?;
        Ok(batch)
    }

    /// A batch that depends upon the scene, with the note of who removes what is at the path.
    fn begin_removal(
        &self,
        removal: &Removal<'_>,
        scene: &Scene,
        path: &ResourcePath,
    ) -> Result<Batch, Refusal> {
        let owner = scene.resolution(path)?.owner.id;
        let mut batch = self.store.batch();
        self.note(&mut batch, removal.actor, owner, AuditAction::Removed, path);
        scene.expect(&mut batch);
        Ok(batch)
    }

    /// Removes the object at a path of the scene, and everybody in it hears of that. Whether the actor may do so was
    /// decided before.
    pub(super) async fn remove_object(
        &self,
        removal: &Removal<'_>,
        scene: &Scene,
        path: &ResourcePath,
        before: &Stored<Object>,
    ) -> Result<Batch, Refusal> {
        let resolution = scene.resolution(path)?;
        let mut batch = self.begin_removal(removal, scene, path)?;
        self.withdraw(&mut batch, removal, &resolution.owner, before, scene.now)
            .await?;
        batch.remove_object_for(
            scene::parent(resolution)?,
            path.name().unwrap_or_default(),
            before,
            removal.cause,
        );
        scene.cover(&mut batch);
        Ok(batch)
    }

    /// Tells everybody in a meeting that its owner's copy goes (RFC 6638 §3.2.1.3, §3.2.2.4).
    pub(crate) async fn withdraw(
        &self,
        batch: &mut Batch,
        removal: &Removal<'_>,
        owner: &Arc<Principal>,
        object: &Object,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if !is_meeting(object) {
            return Ok(());
        }
        let before = self.parsed(object).await?;
        self.schedule(batch, &proposal_of(removal, owner, &before, now))
            .await?;
        Ok(())
    }

    /// Removes the collection at the end of the path with all below it.
    pub(crate) async fn remove_collection(
        &self,
        batch: &mut Batch,
        removal: &Removal<'_>,
        path: &ResourcePath,
        resolution: &Resolution,
    ) -> Result<(), Refusal> {
        check_collection_removable(path, resolution)?;
        self.clear_meetings(batch, removal, path, resolution)
            .await?;
        batch.detach_collection(resolution.collection());
        Ok(())
    }

    /// Removes the meetings of a calendar that is about to go, and lets the batch depend upon there being
    /// no new ones.
    async fn clear_meetings(
        &self,
        batch: &mut Batch,
        removal: &Removal<'_>,
        path: &ResourcePath,
        resolution: &Resolution,
    ) -> Result<(), Refusal> {
        let calendar = resolution.collection();
        if calendar.kind != CollectionKind::Calendar {
            return Ok(());
        }
        for _ in 0..MAXIMUM_ROUNDS {
            let token = self
                .store
                .sync_token(calendar.id)
                .await
                .map_err(read_failed)?;
            let meetings = self.removable_meetings(removal, path, resolution).await?;
            if meetings.is_empty() {
                batch.expect_unchanged_since(calendar.id, token);
                return Ok(());
            }
            for name in meetings {
                self.delete_meeting(removal, &path.child(&name)).await?;
            }
        }
        Err(crowded())
    }

    /// The names of the scheduling objects in a calendar, where nothing in it forbids that the actor removes
    /// them one by one, and then all else.
    async fn removable_meetings(
        &self,
        removal: &Removal<'_>,
        path: &ResourcePath,
        resolution: &Resolution,
    ) -> Result<Vec<String>, Refusal> {
        let (calendar, owner) = (resolution.collection().id, &resolution.owner);
        let standing = self.standing(removal.actor, owner.id).await?;
        let (mut names, mut messages) = (Vec::new(), 0);
        let mut members = Members::of(calendar);
        while let Some(page) = self.next_members(&mut members).await? {
            for listed in page {
                let Member::Object(object) = &listed.member.value else {
                    continue;
                };
                if !matches!(
                    self.sight_for(standing.viewer(), object).await?,
                    Sight::Whole
                ) {
                    return Err(forbidden(path, Privilege::Unbind));
                }
                if is_meeting(object) {
                    let before = self.parsed(object).await?;
                    let proposal = proposal_of(removal, owner, &before, self.now());
                    messages += self.foresee(&proposal).await?;
                    names.push(listed.name);
                }
            }
        }
        if !removal.has_begun() {
            self.check_messages(removal.actor, messages).await?;
            removal
                .has_begun
                .store(!names.is_empty(), Ordering::Relaxed);
        }
        Ok(names)
    }

    async fn delete_meeting(
        &self,
        removal: &Removal<'_>,
        path: &ResourcePath,
    ) -> Result<(), Refusal> {
        let removal = &Removal {
            cause: TrashCause::DeletedWithCollection,
            has_begun: AtomicBool::new(true),
            ..*removal
        };
        for _ in 0..MAXIMUM_ROUNDS {
            match Box::pin(self.delete_round(removal, path, &Conditions::default())).await {
                Ok(Some(())) | Err(Refusal::NotFound) => return Ok(()),
                Ok(None) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Err(crowded())
    }
}

/// That the owner's copy of a meeting goes.
fn proposal_of<'a>(
    removal: &Removal<'a>,
    owner: &'a Arc<Principal>,
    before: &'a CalendarObject,
    now: Timestamp,
) -> Proposal<'a> {
    Proposal {
        actor: removal.actor,
        owner,
        before: Some(before),
        is_dormant: false,
        after: None,
        schedule_reply: removal.schedule_reply,
        schedule_tag_matched: false,
        attachments: &[],
        is_within_limits: removal.has_begun(),
        now,
    }
}

fn is_meeting(object: &Object) -> bool {
    let facts = object.calendar.as_ref();
    facts.is_some_and(|facts| facts.scheduling)
}

/// Whether the collection at the end of the path may be removed: not those that belong to the account,
/// and not the default calendar (RFC 6638 §4.3).
pub(crate) fn check_collection_removable(
    path: &ResourcePath,
    resolution: &Resolution,
) -> Result<(), Refusal> {
    let collection = resolution.collection();
    place::check_removable(path, collection)?;
    if resolution.owner.default_calendar == Some(collection.id) {
        return Err(precondition(
            Precondition::DefaultCalendarNeeded,
            "invitations are put into this calendar; make another one the default first",
        ));
    }
    Ok(())
}

/// Locks go with their resources (RFC 4918 §9.6, §7.6).
pub(crate) fn drop_locks(
    batch: &mut Batch,
    scene: &Scene,
    home: &Stored<Collection>,
    trees: &[ResourcePath],
) -> Result<(), Refusal> {
    let before = scene.locks(home.id)?;
    if let Some(after) = guard::without_trees(before, scene.now, trees) {
        batch.set_locks(home.id, before, &after);
    }
    Ok(())
}
