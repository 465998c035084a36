//! Where things come back to: the collection that had a name at a moment, also if it is deleted itself, and how such a
//! one is there again.

use std::{collections::HashSet, sync::Arc};

use storage::{
    Batch, Found, ResourcePath, Stored, Timestamp,
    model::{
        Collection, CollectionId, CollectionKind, Content, Member, Principal, TrashedCollection,
    },
};

use super::{
    plan::{Standing, Standings},
    text_of,
};
use crate::{
    Refusal,
    desk::{
        Desk,
        members::Members,
        refuse::read_failed,
        trash::{
            RestoreCollection, TrashError,
            state::{free_name, stood_as},
        },
    },
};

/// A collection that things come back to.
pub(super) struct Place {
    pub owner: Arc<Principal>,
    pub header: Stored<Collection>,
    /// Present where it is deleted itself.
    pub trashed: Option<TrashedCollection>,
}

impl Desk {
    /// The collection that had this name at this time.
    pub(super) async fn place_at(
        &self,
        asked: &RestoreCollection,
        time: Timestamp,
    ) -> Result<Place, TrashError> {
        let (owner, home) = self.owner_named(&asked.owner).await?;
        let path = ResourcePath {
            owner_kind: owner.kind,
            owner_name: owner.name.clone(),
            segments: asked
                .name
                .split('/')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        let resolution = self.store.resolve(&path).await.map_err(read_failed)?;
        let live = resolution.filter(|it| matches!(it.found, Found::Collection));
        let live = live.map(|it| it.collection().clone());
        // The one that has the name now is the likeliest, then the deleted ones, then those that came
        // back under another name.
        let mut ids: Vec<CollectionId> = live.iter().map(|live| live.id).collect();
        let trashed = self.store.trashed_collections(home).await;
        ids.extend(trashed.map_err(read_failed)?.iter().map(|it| it.header.id));
        ids.extend(self.store.trash_places(home).await.map_err(read_failed)?);
        let mut seen = HashSet::new();
        for id in ids {
            if seen.insert(id)
                && let Some(header) = self.header(id).await?
                && matches!(
                    header.kind,
                    CollectionKind::Calendar | CollectionKind::Plain
                )
                && self.stood(&header, &asked.name, time).await?
            {
                return self.place(id).await;
            }
        }
        Err(TrashError::NotFound(match live {
            Some(live) => format!(
                "{} was made at {}, and the trash has no earlier one of this name",
                asked.name,
                text_of(live.created)
            ),
            None => format!(
                "{} has no calendar {}, and had none at {} as far as the trash knows",
                asked.owner,
                asked.name,
                text_of(time)
            ),
        }))
    }

    /// Whether a collection stood under this name at this time.
    async fn stood(
        &self,
        header: &Collection,
        name: &str,
        time: Timestamp,
    ) -> Result<bool, Refusal> {
        let (present_name, deleted) = match header.is_detached() {
            false => (self.name_of(header).await?, None),
            true => match self.store.trashed_collection(header.id).await {
                Ok(Some(trashed)) => (self.former_name(&trashed).await?, Some(trashed.deleted)),
                Ok(None) => return Ok(false),
                Err(error) => return Err(read_failed(error)),
            },
        };
        let rows = self
            .store
            .trashed_objects(header.home, header.id, Timestamp(i64::MIN))
            .await
            .map_err(read_failed)?;
        let created = header.created;
        Ok(stood_as(name, time, &present_name, created, deleted, &rows))
    }

    /// The names from the home down to a deleted collection, where it stood.
    async fn former_name(&self, trashed: &TrashedCollection) -> Result<String, Refusal> {
        let above = match self.header(trashed.parent).await? {
            Some(parent) => self.name_of(&parent).await?,
            None => String::new(),
        };
        Ok(match above.is_empty() {
            true => trashed.header.name.clone(),
            false => format!("{above}/{}", trashed.header.name),
        })
    }

    pub(super) async fn place(&self, id: CollectionId) -> Result<Place, TrashError> {
        let gone = || TrashError::NotFound("the collection is gone for good".to_owned());
        let header = self.header(id).await?.ok_or_else(gone)?;
        let trashed = match header.is_detached() {
            true => {
                let found = self.store.trashed_collection(id).await;
                Some(found.map_err(read_failed)?.ok_or_else(gone)?)
            }
            false => None,
        };
        let owner = self.store.principal(header.owner).await;
        Ok(Place {
            owner: owner.map_err(read_failed)?.ok_or_else(gone)?,
            header,
            trashed,
        })
    }

    /// What stands in a collection, without octets.
    pub(super) async fn standings(&self, id: CollectionId) -> Result<Standings, Refusal> {
        let mut standings = Standings::new();
        let mut members = Members::of(id);
        while let Some(page) = self.next_members(&mut members).await? {
            for listed in page {
                let standing = match listed.member.value {
                    Member::Collection(_) => Standing::Collection,
                    Member::Object(mut object) => {
                        object.content = Content::Inline(bytes::Bytes::new());
                        if let Some(facts) = &mut object.calendar {
                            facts.projection = bytes::Bytes::new();
                        }
                        Standing::Object(Box::new(Stored {
                            value: object,
                            revision: listed.member.revision,
                        }))
                    }
                };
                standings.insert(listed.name, standing);
            }
        }
        Ok(standings)
    }

    /// Lets what is deleted count in its home again. `false` where somebody else was faster.
    pub(super) async fn prepare(&self, place: &Place) -> Result<bool, Refusal> {
        let Some(trashed) = place.trashed.as_ref().filter(|it| !it.is_returning()) else {
            return Ok(true);
        };
        let mut batch = self.restoring(&place.header);
        batch.prepare_return(trashed);
        Ok(self.commit(batch).await?.is_some())
    }

    pub(super) fn restoring(&self, header: &Collection) -> Batch {
        let mut batch = self.store.batch();
        batch.keep_every_version();
        if let Some(quota) = self.settings.limits.quota_octets {
            batch.bound_usage(header.home, quota);
        }
        batch
    }

    /// Hangs the collection where it stood, or into the home where that is gone, under its name or a free
    /// one. Its name; `None` where somebody else was faster.
    pub(super) async fn reappear(&self, place: &Place) -> Result<Option<String>, Refusal> {
        let Some(trashed) = &place.trashed else {
            return Ok(Some(self.name_of(&place.header).await?));
        };
        let parent = match self.header(trashed.parent).await? {
            Some(parent)
                if self
                    .store
                    .path_of(&parent)
                    .await
                    .map_err(read_failed)?
                    .is_some() =>
            {
                Some(parent)
            }
            _ => self.header(place.header.home).await?,
        };
        let parent = parent.ok_or(Refusal::ParentMissing)?;
        let name = self.free_member(&parent, &trashed.header.name).await?;
        let mut batch = self.restoring(&place.header);
        let former = self.former_name(trashed).await?;
        batch.return_collection(trashed, &parent, &name, &former, self.now());
        let above = self.store.path_of(&parent).await.map_err(read_failed)?;
        if let Some(above) = above {
            self.note_restored(&mut batch, place.owner.id, &above.child(&name));
        }
        if self.commit(batch).await?.is_none() {
            return Ok(None);
        }
        match self.header(place.header.id).await? {
            Some(header) => Ok(Some(self.name_of(&header).await?)),
            None => Ok(Some(name)),
        }
    }

    async fn free_member(&self, parent: &Collection, name: &str) -> Result<String, Refusal> {
        let standings = self.standings(parent.id).await?;
        Ok(free_name(name, |name| standings.contains_key(name)))
    }
}
