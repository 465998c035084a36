//! COPY and MOVE of a collection with all below it (RFC 4918 §9.8.3, §9.9.2).

use std::collections::VecDeque;

use storage::{
    Batch, Found, ResourcePath, Stored,
    model::{Collection, CollectionId, CollectionKind, Member, Object},
};

use super::{
    Desk, PartialFailures, Written, delete, place,
    refuse::{crowded, in_the_way, read_failed},
    transfer::{Ends, Transfer},
};
use crate::{Precondition, Refusal};

/// Members that one commit of a copy may hold.
const MEMBERS_PER_COMMIT: usize = 50;
/// Octets of rows beyond which a commit of a copy takes no more members.
const OCTETS_PER_COMMIT: usize = 512 * 1024;

/// A collection whose members wait to be copied.
struct Pending {
    from: CollectionId,
    from_path: ResourcePath,
    to: Stored<Collection>,
    to_path: ResourcePath,
}

/// The commits of one copy. What fits into the first is copied at one stroke, from a source that has
/// not changed meanwhile; what is beyond it follows in commits that each leave a sound tree.
struct Copying {
    batch: Batch,
    members: usize,
    /// Collections made in the present batch, whose revision is known when it is committed.
    fresh: Vec<CollectionId>,
    /// The first commit is made; the request can no longer begin anew.
    begun: bool,
    waiting: VecDeque<Pending>,
    failures: PartialFailures,
}

impl Desk {
    /// A collection gets another name or place within its home, with all below it, at one stroke.
    pub(crate) async fn move_collection(
        &self,
        transfer: &Transfer,
        ends: &Ends<'_>,
    ) -> Result<Option<Written>, Refusal> {
        let Transfer {
            source,
            destination,
            ..
        } = transfer;
        let before = ends.source.collection();
        place::check_removable(source, before)?;
        if before.home != ends.parent.home {
            return Err(Refusal::Prohibited("a collection stays with its owner"));
        }
        place::check_collection_location(destination, before.kind, ends.parent)?;
        let mut batch = self.batch_upon(ends.scene, ends.parent);
        self.clear_destination(&mut batch, transfer, ends).await?;
        let after = Collection {
            parent: Some(ends.parent.id),
            name: destination.name().unwrap_or_default().to_owned(),
            ..before.value.clone()
        };
        let collections = &ends.destination.collections;
        let ancestors = match ends.destination.found {
            Found::Collection => &collections[..collections.len().saturating_sub(1)],
            _ => &collections[..],
        };
        batch.move_collection(before, &after, ancestors);
        let gone = [source.clone(), destination.clone()];
        delete::drop_locks(&mut batch, ends.scene, ends.source.home(), &gone)?;
        Ok(self.commit(batch).await?.map(|_| written(ends)))
    }

    /// A collection is copied, with all below it unless the depth is 0. Members that cannot stand at
    /// the destination are told one by one.
    pub(crate) async fn copy_collection(
        &self,
        transfer: &Transfer,
        ends: &Ends<'_>,
    ) -> Result<Option<(Written, PartialFailures)>, Refusal> {
        let destination = &transfer.destination;
        let source = ends.source.collection();
        place::check_collection_location(destination, source.kind, ends.parent)?;
        let mut batch = self.batch_upon(ends.scene, ends.parent);
        self.clear_destination(&mut batch, transfer, ends).await?;
        delete::drop_locks(
            &mut batch,
            ends.scene,
            ends.destination.home(),
            std::slice::from_ref(destination),
        )?;
        let mut copying = Copying {
            batch,
            members: 0,
            fresh: Vec::new(),
            begun: false,
            waiting: VecDeque::new(),
            failures: PartialFailures::new(),
        };
        let top = self.copy_header(&mut copying, source, ends.parent, destination);
        if transfer.deep {
            copying.waiting.push_back(Pending {
                from: source.id,
                from_path: transfer.source.clone(),
                to: top,
                to_path: destination.clone(),
            });
        }
        while let Some(pending) = copying.waiting.pop_front() {
            if self.copy_members(&mut copying, pending).await?.is_none() {
                return Ok(None);
            }
        }
        if self.flush(&mut copying, None).await?.is_none() {
            return Ok(None);
        }
        Ok(Some((written(ends), copying.failures)))
    }

    /// Removes what a collection replaces (RFC 4918 §9.8.4, §9.9.3).
    async fn clear_destination(
        &self,
        batch: &mut Batch,
        transfer: &Transfer,
        ends: &Ends<'_>,
    ) -> Result<(), Refusal> {
        let destination = &transfer.destination;
        match &ends.destination.found {
            Found::Collection => {
                self.remove_collection(batch, &ends.removal, destination, ends.destination)
                    .await?;
            }
            Found::Object(before) => {
                let now = ends.scene.now;
                self.withdraw(batch, &ends.removal, &ends.destination.owner, before, now)
                    .await?;
                batch.remove_object(ends.parent, destination.name().unwrap_or_default(), before);
            }
            Found::Missing | Found::ParentMissing => {}
        }
        Ok(())
    }

    /// A new collection with the properties of another one (dead properties travel; rights do not).
    fn copy_header(
        &self,
        copying: &mut Copying,
        source: &Collection,
        parent: &Stored<Collection>,
        path: &ResourcePath,
    ) -> Stored<Collection> {
        let copy = Collection {
            id: self.store.new_collection_id(),
            owner: parent.owner,
            home: parent.home,
            parent: Some(parent.id),
            name: path.name().unwrap_or_default().to_owned(),
            created: self.now(),
            access: Vec::new(),
            ..source.clone()
        };
        copying.batch.create_collection(Some(parent), &copy);
        copying.fresh.push(copy.id);
        copying.members += 1;
        Stored::new(copy)
    }

    /// `None` where the first commit met a conflict and the round must begin anew.
    async fn copy_members(
        &self,
        copying: &mut Copying,
        mut pending: Pending,
    ) -> Result<Option<()>, Refusal> {
        if !copying.begun {
            let token = self
                .store
                .sync_token(pending.from)
                .await
                .map_err(read_failed)?;
            copying.batch.expect_unchanged_since(pending.from, token);
        }
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .members(pending.from, after.as_deref(), MEMBERS_PER_COMMIT)
                .await;
            let (members, more) = page.map_err(read_failed)?;
            for listed in members {
                match listed.member.value {
                    Member::Object(object) => {
                        self.copy_member(copying, &pending, &listed.name, object)
                            .await?
                    }
                    Member::Collection(id) => {
                        self.copy_below(copying, &pending, &listed.name, id).await?
                    }
                }
                if copying.is_full() && self.flush(copying, Some(&mut pending)).await?.is_none() {
                    return Ok(None);
                }
                after = Some(listed.name);
            }
            if !more {
                return Ok(Some(()));
            }
        }
    }

    async fn copy_below(
        &self,
        copying: &mut Copying,
        pending: &Pending,
        name: &str,
        id: CollectionId,
    ) -> Result<(), Refusal> {
        let Some(source) = self.store.collection(id).await.map_err(read_failed)? else {
            return Ok(());
        };
        let to_path = pending.to_path.child(name);
        let to = self.copy_header(copying, &source, &pending.to, &to_path);
        let from_path = pending.from_path.child(name);
        copying.waiting.push_back(Pending {
            from: id,
            from_path,
            to,
            to_path,
        });
        Ok(())
    }

    async fn copy_member(
        &self,
        copying: &mut Copying,
        pending: &Pending,
        name: &str,
        source: Object,
    ) -> Result<(), Refusal> {
        let mut copy = Object {
            created: self.now(),
            modified: self.now(),
            ..source
        };
        if pending.to.kind != CollectionKind::Calendar {
            copy.calendar = None;
        }
        if let Some(facts) = &mut copy.calendar {
            let uses = self
                .store
                .find_uid(pending.to.home, &facts.uid)
                .await
                .map_err(read_failed)?;
            let meeting = uses.iter().find(|place| place.scheduling);
            if facts.scheduling
                && let Some(place) = meeting
            {
                let at = self.path_of(place.collection, &place.name).await?;
                let refusal = in_the_way(
                    Precondition::UniqueSchedulingObjectResource,
                    "a meeting stands in one calendar of its owner",
                    at.unwrap_or_else(|| pending.from_path.child(name)),
                );
                copying
                    .failures
                    .push((pending.to_path.child(name), refusal));
                return Ok(());
            }
            copying.batch.expect_uid(pending.to.home, &facts.uid, &uses);
            facts.scheduling = false;
            facts.schedule_tag = None;
        }
        copying.batch.put_object(&pending.to, name, None, &copy);
        copying.members += 1;
        Ok(())
    }

    /// Commits what was gathered. `None` where that was the first commit and it met a conflict.
    async fn flush(
        &self,
        copying: &mut Copying,
        current: Option<&mut Pending>,
    ) -> Result<Option<()>, Refusal> {
        let batch = std::mem::replace(&mut copying.batch, self.store.batch());
        if batch.is_empty() {
            return Ok(Some(()));
        }
        match self.commit(batch).await? {
            Some(committed) => {
                for pending in copying.waiting.iter_mut().chain(current) {
                    if copying.fresh.contains(&pending.to.id) {
                        pending.to.revision = committed.revision;
                    }
                }
                copying.fresh.clear();
                copying.members = 0;
                copying.begun = true;
                Ok(Some(()))
            }
            None if copying.begun => Err(crowded()),
            None => Ok(None),
        }
    }
}

impl Copying {
    fn is_full(&self) -> bool {
        self.members >= MEMBERS_PER_COMMIT || self.batch.octets() >= OCTETS_PER_COMMIT
    }
}

fn written(ends: &Ends<'_>) -> Written {
    Written {
        created: matches!(ends.destination.found, Found::Missing),
        elsewhere: None,
        etag: None,
        schedule_tag: None,
        modified: ends.scene.now,
    }
}
