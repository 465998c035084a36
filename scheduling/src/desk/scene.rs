//! What one round read, and how its commit is made to depend upon all of it.

use storage::{
    Found, Resolution, ResourcePath, Revision, Stored, Timestamp,
    access::Privilege,
    model::{Collection, CollectionId, Lock},
};

use super::{
    Desk, conditions,
    conditions::ResourceState,
    guard,
    refuse::{read_failed, reserved},
    standing::Standing,
};
use crate::{Actor, Conditions, Refusal, change::sync_token_text, view::Sight};

/// The state that one round decides upon.
pub(crate) struct Scene {
    /// The moment of the round.
    pub now: Timestamp,
    /// A revision that was readable before anything was read.
    since: Revision,
    places: Vec<Place>,
    locks: Vec<(CollectionId, Stored<Vec<Lock>>)>,
}

struct Place {
    path: ResourcePath,
    /// As the actor sees it: nothing stands where what does is hidden from them.
    resolution: Option<Resolution>,
    /// What is hidden.
    hidden: Option<Revision>,
    /// What the conditions of the request may ask about it, apart from its locks.
    state: ResourceState,
}

impl Desk {
    /// Reads, for an actor, the named resources, those that the conditions ask about, and the locks of their homes.
    pub(crate) async fn scene(
        &self,
        actor: &Actor,
        paths: &[&ResourcePath],
        conditions: &Conditions,
    ) -> Result<Scene, Refusal> {
        let mut all: Vec<ResourcePath> = paths.iter().map(|&path| path.clone()).collect();
        for path in conditions::resources(conditions) {
            if !all.contains(path) {
                all.push(path.clone());
            }
        }
        let since = self.store.revision();
        let resolutions = self.store.resolve_many(&all).await.map_err(read_failed)?;
        let mut scene = Scene {
            now: self.now(),
            since,
            places: Vec::new(),
            locks: Vec::new(),
        };
        let mut known: Option<Standing<'_>> = None;
        for (path, mut resolution) in all.into_iter().zip(resolutions) {
            let (mut hidden, mut state) = (None, ResourceState::default());
            if let Some(resolution) = &mut resolution {
                let standing = self.standing_again(&mut known, actor, resolution.owner.id);
                let standing = standing.await?;
                hidden = self.hide(standing, resolution).await?;
                if *conditions != Conditions::default() {
                    state = self.state_for(standing, resolution).await?;
                }
            }
            if let Some(home) = resolution.as_ref().map(|it| it.home().id)
                && !scene.locks.iter().any(|(known, _)| *known == home)
            {
                scene
                    .locks
                    .push((home, self.store.locks(home).await.map_err(read_failed)?));
            }
            scene.places.push(Place {
                path,
                resolution,
                hidden,
                state,
            });
        }
        Ok(scene)
    }

    /// Takes an object away that the actor sees nothing of, and gives its revision. What cannot be read is
    /// told to nobody else, either.
    async fn hide(
        &self,
        standing: &Standing<'_>,
        resolution: &mut Resolution,
    ) -> Result<Option<Revision>, Refusal> {
        let Found::Object(object) = &resolution.found else {
            return Ok(None);
        };
        let revision = object.revision;
        match self.sight_for(standing.viewer(), object).await {
            Ok(Sight::Hidden) | Err(Refusal::Damaged(_)) => {
                resolution.found = Found::Missing;
                Ok(Some(revision))
            }
            Ok(Sight::Whole | Sight::Reduced(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What an actor may ask about a resource: what is seen in part has the entity tag that they saw. Who may
    /// replace the content knows it, too.
    async fn state_for(
        &self,
        standing: &Standing<'_>,
        resolution: &Resolution,
    ) -> Result<ResourceState, Refusal> {
        let exists = matches!(resolution.found, Found::Object(_) | Found::Collection);
        let hidden = ResourceState {
            exists,
            ..ResourceState::default()
        };
        let held = standing.privileges(resolution);
        if !held.has(Privilege::Read) && !held.has(Privilege::WriteContent) {
            return Ok(hidden);
        }
        let Found::Object(object) = &resolution.found else {
            let tokens = self.sync_token(resolution).await?.into_iter().collect();
            return Ok(ResourceState { tokens, ..hidden });
        };
        let Some(seen) = self.seen(standing.viewer(), object.clone()).await? else {
            return Ok(hidden);
        };
        let facts = seen.calendar.as_ref();
        Ok(ResourceState {
            schedule_tag: facts.and_then(|facts| facts.schedule_tag.clone()),
            etag: Some(seen.value.etag),
            modified: Some(object.modified),
            ..hidden
        })
    }

    /// RFC 6578 §5: a collection's sync token is a state token of it.
    async fn sync_token(&self, resolution: &Resolution) -> Result<Option<String>, Refusal> {
        if !matches!(resolution.found, Found::Collection) {
            return Ok(None);
        }
        let token = self
            .store
            .sync_token(resolution.collection().id)
            .await
            .map_err(read_failed)?;
        Ok(Some(sync_token_text(&token)))
    }
}

impl Scene {
    /// What a path leads to; 404 where there is not even a home.
    pub fn resolution(&self, path: &ResourcePath) -> Result<&Resolution, Refusal> {
        self.place(path)
            .and_then(|place| place.resolution.as_ref())
            .ok_or(Refusal::NotFound)
    }

    fn place(&self, path: &ResourcePath) -> Option<&Place> {
        self.places.iter().find(|place| place.path == *path)
    }

    /// Refuses where something that is hidden from the actor has the name that is to be given.
    pub fn check_vacant(&self, path: &ResourcePath) -> Result<(), Refusal> {
        match self.place(path).and_then(|place| place.hidden) {
            Some(_) => Err(reserved(path)),
            None => Ok(()),
        }
    }

    /// The locks of a home as read, those that ran out among them.
    pub fn locks(&self, home: CollectionId) -> Result<&Stored<Vec<Lock>>, Refusal> {
        let found = self.locks.iter().find(|(known, _)| *known == home);
        found.map(|(_, locks)| locks).ok_or(Refusal::NotFound)
    }

    /// Evaluates the conditions of the request upon `target`.
    pub fn check_conditions(
        &self,
        conditions: &Conditions,
        target: &ResourcePath,
    ) -> Result<(), Refusal> {
        conditions::evaluate(conditions, target, |path| self.state(path))
    }

    fn state(&self, path: &ResourcePath) -> ResourceState {
        let Some(place) = self.place(path) else {
            return ResourceState::default();
        };
        let Some(resolution) = &place.resolution else {
            return ResourceState::default();
        };
        let locks = self.locks(resolution.home().id).ok();
        let covering = locks
            .into_iter()
            .flat_map(|locks| guard::live(locks, self.now));
        let covering = covering
            .filter(|lock| guard::covers(lock, path))
            .map(|lock| lock.token.clone());
        let mut state = place.state.clone();
        state.tokens.extend(covering);
        state
    }

    /// Makes the commit depend upon everything that was read: collections on the way, the resources
    /// themselves or their absence, and the locks.
    pub fn expect(&self, batch: &mut storage::Batch) {
        let mut expected: Vec<CollectionId> = Vec::new();
        for resolution in self
            .places
            .iter()
            .filter_map(|place| place.resolution.as_ref())
        {
            for collection in &resolution.collections {
                if !expected.contains(&collection.id) {
                    expected.push(collection.id);
                    batch.expect_collection(collection);
                }
            }
        }
        for place in &self.places {
            let Some(resolution) = &place.resolution else {
                continue;
            };
            let last = resolution.collection();
            let Some(name) = place.path.segments.get(resolution.collections.len() - 1) else {
                continue;
            };
            match (&resolution.found, &place.hidden) {
                (Found::Collection, _) => {}
                (Found::Object(Stored { revision, .. }), _) | (_, Some(revision)) => {
                    batch.expect_object(last.id, name, *revision);
                }
                (Found::Missing | Found::ParentMissing, None) => {
                    batch.expect_absent(last.id, name);
                }
            }
        }
        for (home, locks) in &self.locks {
            batch.expect_locks(*home, locks);
        }
        self.cover(batch);
    }

    /// Says of all that a commit depends upon that it was read after the scene, which makes it cheaper to check.
    /// Not to be said of what was read before.
    pub fn cover(&self, batch: &mut storage::Batch) {
        batch.observed_since(self.since);
    }
}

/// The collection that holds, or would hold, the resource.
pub(crate) fn parent(resolution: &Resolution) -> Result<&Stored<Collection>, Refusal> {
    let collections = &resolution.collections;
    let place = match resolution.found {
        Found::ParentMissing => return Err(Refusal::ParentMissing),
        Found::Object(_) | Found::Missing => collections.len().checked_sub(1),
        Found::Collection => collections.len().checked_sub(2),
    };
    place
        .and_then(|place| collections.get(place))
        .map(|it| &**it)
        .ok_or(Refusal::NotFound)
}
