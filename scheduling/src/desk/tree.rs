//! COPY and MOVE of a collection with all below it (RFC 4918 §9.8.3, §9.9.2).

use storage::{Batch, Found, model::Collection};

use super::{
    Desk, PartialFailures, Written,
    construction::Construction,
    delete, place,
    transfer::{Ends, Transfer},
};
use crate::Refusal;

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
        self.note_transfer(&mut batch, transfer, ends);
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

    /// One round of a copy of a collection, with all below it unless the depth is 0. What is not built yet
    /// is built unseen, and the next round looks again at everything that it decides upon; a round that
    /// has nothing left to build lets the copy appear as a whole. Members that cannot stand at the
    /// destination are told one by one.
    pub(crate) async fn copy_collection(
        &self,
        transfer: &Transfer,
        ends: &Ends<'_>,
        building: &mut Option<Construction>,
    ) -> Result<Option<(Written, PartialFailures)>, Refusal> {
        let destination = &transfer.destination;
        let source = ends.source.collection();
        place::check_collection_location(destination, source.kind, ends.parent)?;
        if let Found::Collection = ends.destination.found {
            delete::check_collection_removable(destination, ends.destination)?;
        }
        let home = ends.parent.home;
        let is_begun = building
            .as_ref()
            .is_some_and(|construction| construction.is_of(source.id, home));
        if !is_begun {
            self.give_up(building).await;
            self.check_room(transfer, source, home).await?;
        }
        let construction = building.get_or_insert_with(|| {
            Construction::new(self, ends.removal.actor, transfer, source, ends.parent)
        });
        if !is_begun {
            self.build(construction).await?;
            return Ok(None);
        }
        if !self.catch_up(construction).await? {
            // it was taken for abandoned; the next round begins anew
            *building = None;
            return Ok(None);
        }
        let mut batch = self.batch_upon(ends.scene, ends.parent);
        self.note_transfer(&mut batch, transfer, ends);
        self.clear_destination(&mut batch, transfer, ends).await?;
        delete::drop_locks(
            &mut batch,
            ends.scene,
            ends.destination.home(),
            std::slice::from_ref(destination),
        )?;
        construction.finish(&mut batch, source, ends.parent, destination, self.now());
        if self.commit(batch).await?.is_none() {
            return Ok(None);
        }
        let failures = building
            .take()
            .map(|construction| construction.failures(destination));
        Ok(Some((written(ends), failures.unwrap_or_default())))
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
                self.remove_collection(batch, ends.removal, destination, ends.destination)
                    .await?;
            }
            Found::Object(before) => {
                let now = ends.scene.now;
                self.withdraw(batch, ends.removal, &ends.destination.owner, before, now)
                    .await?;
                batch.remove_object(ends.parent, destination.name().unwrap_or_default(), before);
            }
            Found::Missing | Found::ParentMissing => {}
        }
        Ok(())
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
