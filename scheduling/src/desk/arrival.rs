//! A calendar object comes to stand in a calendar, by PUT, COPY or MOVE: what must hold for that.

use storage::{
    Batch, ResourcePath, Stored, UidPlaces,
    model::{CalendarFacts, Collection, CollectionId, Object},
};

use super::{
    Desk,
    admission::{self, Admitted, CALENDAR_CONTENT_TYPE},
    refuse::{in_the_way, read_failed},
    scene::Scene,
};
use crate::{Precondition, Refusal};

/// An object on its way into a calendar.
pub(crate) struct Arrival<'a> {
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
    /// The place that it leaves in the same commit.
    pub leaves: Option<(CollectionId, &'a str)>,
    /// Properties and time of creation come from here: what it replaces, or what it is a copy of.
    pub keeps: Option<&'a Object>,
}

impl Desk {
    /// Puts the object into the batch, with all that must hold for it.
    ///
    /// Errors: `supported-calendar-component`, `no-uid-conflict`, `unique-scheduling-object-resource`.
    pub(crate) async fn arrive(
        &self,
        batch: &mut Batch,
        arrival: &Arrival<'_>,
    ) -> Result<Object, Refusal> {
        let Arrival {
            scene,
            path,
            calendar,
            admitted,
            ..
        } = arrival;
        admission::check_component(calendar, &admitted.facts.component_name)?;
        let uid = &admitted.facts.uid;
        let places = self
            .store
            .find_uid(calendar.home, uid)
            .await
            .map_err(read_failed)?;
        self.check_uid(arrival, &places, false).await?;
        batch.expect_uid(calendar.home, uid, &places);
        let facts = CalendarFacts {
            uid: uid.clone(),
            scheduling: false,
            schedule_tag: None,
            projection: admitted.projection.clone(),
        };
        let body = self.body(admitted.octets.clone()).await?;
        let after = body.into_object(
            CALENDAR_CONTENT_TYPE.into(),
            Some(facts),
            arrival.keeps,
            scene.now,
        );
        batch.put_object(
            calendar,
            path.name().unwrap_or_default(),
            arrival.before,
            &after,
        );
        Ok(after)
    }

    /// RFC 4791 §5.3.2.1 `no-uid-conflict`: a UID names one object of a calendar, and an object keeps its
    /// UID. RFC 6638 §3.2.4.1: a scheduling object's UID names one scheduling object of its owner.
    async fn check_uid(
        &self,
        arrival: &Arrival<'_>,
        places: &UidPlaces,
        scheduling: bool,
    ) -> Result<(), Refusal> {
        let Arrival {
            path,
            calendar,
            admitted,
            ..
        } = arrival;
        let replaced = arrival.before.and_then(|before| before.calendar.as_ref());
        if replaced.is_some_and(|facts| facts.uid != admitted.facts.uid) {
            return Err(in_the_way(
                Precondition::NoUidConflict,
                "an object keeps its UID",
                ResourcePath::clone(path),
            ));
        }
        for place in places {
            let here = (place.collection, Some(place.name.as_str())) == (calendar.id, path.name());
            if here || arrival.leaves == Some((place.collection, &place.name)) {
                continue;
            }
            if place.collection == calendar.id {
                let resource = path.parent().map(|calendar| calendar.child(&place.name));
                return Err(Refusal::Precondition {
                    precondition: Precondition::NoUidConflict,
                    detail: "the calendar has another object with this UID".into(),
                    resource,
                });
            }
            if scheduling && place.scheduling {
                let resource = self.path_of(place.collection, &place.name).await?;
                return Err(Refusal::Precondition {
                    precondition: Precondition::UniqueSchedulingObjectResource,
                    detail: "another calendar of this owner has this meeting".into(),
                    resource,
                });
            }
        }
        Ok(())
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
