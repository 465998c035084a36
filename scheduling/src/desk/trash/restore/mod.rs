//! Out of the trash, in bounded commits: whatever ends it early, the same once more goes on.

mod apply;
mod place;
mod plan;

use std::collections::HashSet;

use storage::{Timestamp, model::CollectionId};

use self::plan::{Now, Plan, decide, refused_name};
use super::{Desk, RestoreCollection, Restored, TrashError, nothing, parse_id, state::Moment};
use crate::desk::{
    MAXIMUM_ROUNDS,
    refuse::{crowded, read_failed},
};

/// Objects changed in one call, so that whoever waits hears of the progress.
const OBJECTS_PER_CALL: usize = 2_000;

impl Desk {
    /// Brings a collection to what it was at a moment. One that was deleted since comes back. Objects
    /// made since are left alone unless `exact` is asked for.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where no such collection was there then, as far as the trash knows.
    pub async fn restore_collection(
        &self,
        asked: &RestoreCollection,
    ) -> Result<Restored, TrashError> {
        let time = Timestamp(asked.at);
        self.check_reach(time)?;
        let place = self.place_at(asked, time).await?;
        let deleted = place.trashed.as_ref().map(|trashed| trashed.deleted);
        let moment = Moment::At { time, deleted };
        self.bring_back(place.header.id, moment, asked.exact).await
    }

    /// Brings one thing back: a former state of an object, or a deleted collection with all that was in
    /// it.
    ///
    /// # Errors
    /// [`TrashError::NotFound`] where it is not in the trash (any more).
    pub async fn restore_item(&self, id: &str) -> Result<Restored, TrashError> {
        let parsed = parse_id(id)?;
        if parsed.position.is_none() {
            let found = self.store.trashed_collection(parsed.collection).await;
            found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
            return self
                .bring_back(parsed.collection, Moment::OfDeletion, false)
                .await;
        }
        let found = self.store.trashed_object(&parsed).await;
        let (_, trashed) = found.map_err(read_failed)?.ok_or_else(|| nothing(id))?;
        if trashed.object.is_none() {
            return Err(nothing(id));
        }
        for _ in 0..MAXIMUM_ROUNDS {
            let place = self.place(parsed.collection).await?;
            if place.trashed.is_some() {
                return Err(TrashError::NotFound(format!(
                    "\"{id}\" stood in {}, which is deleted itself; bring that back first: {:x}",
                    place.header.name, parsed.collection.0
                )));
            }
            let standings = self.standings(parsed.collection).await?;
            let mut plan = Plan::default();
            plan.put(&Now::of(&standings), &trashed, false);
            let mut done = Restored {
                place: self.name_of(&place.header).await?,
                ..Restored::default()
            };
            if self.apply(&place, &mut plan, &mut done).await? {
                done.as_then += plan.as_then + done.returned + done.reset;
                done.refused += plan.refused;
                done.notes.extend(plan.notes);
                return Ok(done);
            }
        }
        Err(crowded().into())
    }

    fn check_reach(&self, time: Timestamp) -> Result<(), TrashError> {
        let now = self.now();
        let kept = self
            .store
            .trash_policy()
            .map_or(0, |policy| policy.deleted_milliseconds);
        let first = Timestamp(now.0.saturating_sub(kept));
        if time > now {
            return Err(TrashError::NotFound(format!(
                "{} is in the future",
                text_of(time)
            )));
        }
        if time < first {
            return Err(TrashError::NotFound(format!(
                "the trash reaches back to {} only",
                text_of(first)
            )));
        }
        Ok(())
    }

    /// Everything is put right while the collection is still hidden, if it is; then it comes back.
    async fn bring_back(
        &self,
        id: CollectionId,
        moment: Moment,
        exact: bool,
    ) -> Result<Restored, TrashError> {
        let mut done = Restored::default();
        let mut refused: HashSet<String> = HashSet::new();
        for _ in 0..MAXIMUM_ROUNDS {
            let place = self.place(id).await?;
            if !self.prepare(&place).await? {
                continue;
            }
            let place = self.place(id).await?;
            let mut plan = self.plan(id, moment, exact, &refused).await?;
            if plan.is_done() {
                if let Some(name) = self.reappear(&place).await? {
                    done.place = name;
                    done.left = plan.left;
                    done.as_then = plan.as_then;
                    done.refused += plan.refused;
                    done.notes.extend(plan.notes);
                    return Ok(done);
                }
                continue;
            }
            // What then is to be done is decided upon what is there then.
            while !plan.is_done() && done.changed() < OBJECTS_PER_CALL {
                let before = done.notes.len();
                if !self.apply(&place, &mut plan, &mut done).await? {
                    break;
                }
                refused.extend(
                    done.notes[before..]
                        .iter()
                        .filter_map(|note| refused_name(note)),
                );
            }
            if done.changed() >= OBJECTS_PER_CALL {
                done.more = true;
                done.place = self.name_of(&place.header).await?;
                return Ok(done);
            }
        }
        Err(crowded().into())
    }

    async fn plan(
        &self,
        id: CollectionId,
        moment: Moment,
        exact: bool,
        refused: &HashSet<String>,
    ) -> Result<Plan, TrashError> {
        let Some(header) = self.header(id).await? else {
            return Err(TrashError::NotFound(
                "the collection is gone for good".to_owned(),
            ));
        };
        let rows = self
            .store
            .trashed_objects(header.home, id, Timestamp(i64::MIN))
            .await
            .map_err(read_failed)?;
        let standings = self.standings(id).await?;
        Ok(decide(moment, exact, &rows, &standings, refused))
    }
}

/// A moment as people read it.
fn text_of(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{} ms", time.0),
    }
}
