//! Somebody's copy of a meeting: the scheduling object with a UID, in whichever calendar it stands.

use calendar::CalendarObject;
use storage::{
    Batch, Stored, UidPlaces,
    model::{Collection, CollectionId, Object},
};

use super::{Desk, refuse::read_failed};
use crate::Refusal;

/// What was found of a UID in a home.
#[derive(Debug)]
pub(crate) struct Copies {
    home: CollectionId,
    uid: String,
    places: UidPlaces,
    /// The scheduling object with this UID, if there is one.
    pub meeting: Option<Copy>,
}

/// A scheduling object, where it stands and what it says.
#[derive(Debug)]
pub(crate) struct Copy {
    pub calendar: Stored<Collection>,
    pub name: String,
    pub stored: Stored<Object>,
    pub object: CalendarObject,
}

impl Desk {
    /// Reads the copy of a meeting in a home.
    pub(crate) async fn copies(&self, home: CollectionId, uid: &str) -> Result<Copies, Refusal> {
        let places = self.store.find_uid(home, uid).await.map_err(read_failed)?;
        let mut copies = Copies {
            home,
            uid: uid.to_owned(),
            places,
            meeting: None,
        };
        if let Some(place) = copies.places.iter().find(|place| place.scheduling) {
            let calendar = self
                .store
                .collection(place.collection)
                .await
                .map_err(read_failed)?;
            let stored = self
                .store
                .object(place.collection, &place.name)
                .await
                .map_err(read_failed)?;
            if let (Some(calendar), Some(stored)) = (calendar, stored) {
                let object = self.parsed(&stored).await?;
                copies.meeting = Some(Copy {
                    calendar,
                    name: place.name.clone(),
                    stored,
                    object,
                });
            }
        }
        Ok(copies)
    }

    /// A stored calendar object, read. It was admitted once, so that a failure is damage.
    pub(crate) async fn parsed(&self, object: &Object) -> Result<CalendarObject, Refusal> {
        let octets = self
            .store
            .content(&object.content)
            .await
            .map_err(read_failed)?;
        let limits = calendar::object::Limits {
            octets: usize::MAX,
            ..calendar::object::Limits::default()
        };
        CalendarObject::parse_shared(octets, &limits).map_err(|error| {
            Refusal::Damaged(format!("a stored calendar object cannot be read: {error}"))
        })
    }
}

impl Copies {
    /// Makes a commit depend upon the UID being used where it was found, and the copy being as it was.
    pub fn expect(&self, batch: &mut Batch) {
        batch.expect_uid(self.home, &self.uid, &self.places);
        if let Some(copy) = &self.meeting {
            batch.expect_object(copy.calendar.id, &copy.name, copy.stored.revision);
        }
    }
}
