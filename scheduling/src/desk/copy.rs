//! Somebody's copy of a meeting, in whichever calendar it stands.

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;
use calendar::{CalendarObject, TimeRange};
use storage::{
    Batch, Stored, Timestamp, UidPlace, UidPlaces,
    model::{Collection, CollectionId, Object},
};

use super::{Desk, refuse::read_failed};
use crate::{ObjectProjection, Refusal, parse_stored};

/// What was found of a UID in a home.
#[derive(Debug)]
pub(crate) struct Copies {
    home: CollectionId,
    uid: String,
    places: UidPlaces,
    /// The owner's copy of the meeting with this UID, if there is one.
    pub meeting: Option<Copy>,
    /// Objects with this UID that name no organizer.
    plain: Vec<Copy>,
}

/// A copy of a meeting, where it stands and what it says.
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
        let (mut meeting, mut plain) = (None, Vec::new());
        for place in &places {
            match self.copy_at(place).await? {
                Some(copy) if copy.is_of_meeting() => {
                    meeting = Some(copy);
                    if place.scheduling {
                        break;
                    }
                }
                other => plain.extend(other),
            }
        }
        Ok(Copies {
            home,
            uid: uid.to_owned(),
            places,
            meeting,
            plain,
        })
    }

    /// The object of a UID.
    async fn copy_at(&self, place: &UidPlace) -> Result<Option<Copy>, Refusal> {
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
        let (Some(calendar), Some(stored)) = (calendar, stored) else {
            return Ok(None);
        };
        let object = self.parsed(&stored).await?;
        Ok(Some(Copy {
            calendar,
            name: place.name.clone(),
            stored,
            object,
        }))
    }

    /// A stored calendar object, read.
    pub(crate) async fn parsed(&self, object: &Object) -> Result<CalendarObject, Refusal> {
        self.parse(
            self.store
                .content(&object.content)
                .await
                .map_err(read_failed)?,
        )
    }

    /// Octets that the store kept for us: they were admitted once, so that a failure is damage.
    pub(crate) fn parse(&self, octets: Bytes) -> Result<CalendarObject, Refusal> {
        parse_stored(octets).map_err(|error| {
            Refusal::Damaged(format!("a stored calendar object cannot be read: {error}"))
        })
    }
}

impl Copy {
    /// RFC 6638 §3.1.
    pub fn is_scheduling_object(&self) -> bool {
        self.stored
            .calendar
            .as_ref()
            .is_some_and(|facts| facts.scheduling)
    }

    /// Whether it is part of a meeting: a scheduling object, or one that names an organizer and becomes a scheduling
    /// object when its owner is invited.
    fn is_of_meeting(&self) -> bool {
        let mut entries = self.object.entries();
        self.is_scheduling_object() || entries.any(|entry| entry.property("ORGANIZER").is_some())
    }

    /// Whether it is the event that somebody is invited to: it has the same name and the same time.
    fn is_same_event(&self, other: &CalendarObject) -> bool {
        let names = |object: &CalendarObject| -> BTreeSet<Option<String>> {
            let names = object.entries().map(|entry| entry.text("SUMMARY"));
            names.map(|name| name.map(Cow::into_owned)).collect()
        };
        let time = |object| ObjectProjection::of(object).bounds();
        names(&self.object) == names(other) && time(&self.object) == time(other)
    }
}

impl Copies {
    /// The UID.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether this is what was found of the UID in the home.
    pub fn are_of(&self, home: CollectionId, uid: &str) -> bool {
        (self.home, &*self.uid) == (home, uid)
    }

    /// Whether nothing in the home has this UID.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a calendar has an object with this UID.
    pub fn stands_in(&self, calendar: CollectionId) -> bool {
        self.places.iter().any(|place| place.collection == calendar)
    }

    /// Where there is no copy yet, a plain object in this calendar becomes it that is the same event: the invitation
    /// takes its place.
    pub fn give_way(&mut self, calendar: CollectionId, invitation: &CalendarObject) {
        let is_it = |it: &Copy| it.calendar.id == calendar && it.is_same_event(invitation);
        if self.meeting.is_none()
            && let Some(at) = self.plain.iter().position(is_it)
        {
            self.meeting = Some(self.plain.swap_remove(at));
        }
    }

    /// Makes a commit depend upon the UID being used where it was found, and the copy being as it was.
    pub fn expect(&self, batch: &mut Batch) {
        batch.expect_uid(self.home, &self.uid, &self.places);
        if let Some(copy) = &self.meeting {
            batch.expect_object(copy.calendar.id, &copy.name, copy.stored.revision);
        }
    }
}

/// Whether all of a meeting is over.
pub(super) fn is_over(object: &Object, now: Timestamp) -> bool {
    let to_come = TimeRange {
        start: jiff::Timestamp::from_millisecond(now.0).ok(),
        end: None,
    };
    let facts = object.calendar.as_ref();
    let projection = facts.and_then(|facts| ObjectProjection::decode(&facts.projection));
    projection.is_some_and(|projection| !projection.may_overlap(&to_come))
}
