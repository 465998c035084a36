//! Which objects of a home use a UID.

use std::ops::{Bound, Deref};

use super::{
    Batch, Store, keys,
    record::{self, UidRecord},
};
use crate::{
    Revision,
    backend::{Expect, Key, KeyRange, ReadError},
    model::{Collection, CollectionId},
};

/// A place where a UID is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidPlace {
    /// The calendar.
    pub collection: CollectionId,
    /// The object's name there.
    pub name: String,
    /// Whether it is a scheduling object resource (RFC 6638 §3.1).
    pub scheduling: bool,
    /// The commit that wrote this place (not the object).
    pub revision: Revision,
}

/// All places where a UID is used, as [`Store::find_uid`] found them.
#[derive(Clone, Debug, Default)]
pub struct UidPlaces {
    places: Vec<UidPlace>,
    /// Every row there is, also of calendars that are deleted and not yet purged.
    rows: Vec<(Key, Revision)>,
    /// Only one calendar was looked into.
    is_of_one_calendar: bool,
}

impl Deref for UidPlaces {
    type Target = [UidPlace];
    fn deref(&self) -> &[UidPlace] {
        &self.places
    }
}

impl<'a> IntoIterator for &'a UidPlaces {
    type Item = &'a UidPlace;
    type IntoIter = std::slice::Iter<'a, UidPlace>;
    fn into_iter(self) -> Self::IntoIter {
        self.places.iter()
    }
}

impl Store {
    /// Where the calendars of a home have objects with this UID. Messages in the inbox do not count,
    /// nor does what stands in a deleted calendar.
    pub async fn find_uid(&self, home: CollectionId, uid: &str) -> Result<UidPlaces, ReadError> {
        let mut found = UidPlaces::default();
        for (key, entry) in self
            .scan_all(KeyRange::prefix(keys::uid_places(home, uid)))
            .await?
        {
            let collection = keys::uid_collection(&key)
                .ok_or_else(|| record::corrupt("uid", "its key is odd"))?;
            let UidRecord { name, scheduling } = record::decode(&entry.value, "uid")?;
            found.rows.push((key, entry.revision));
            found.places.push(UidPlace {
                collection,
                name,
                scheduling,
                revision: entry.revision,
            });
        }
        if !found.places.is_empty() {
            let calendars: Vec<_> = found.places.iter().map(|place| place.collection).collect();
            let mut reachable = self.are_reachable(home, &calendars).await?.into_iter();
            found.places.retain(|_| reachable.next().unwrap_or(false));
        }
        Ok(found)
    }
}

impl Store {
    /// Where one calendar has an object with this UID: all that an object needs to know which nobody
    /// is invited to, at the price of one row instead of a range.
    pub async fn find_uid_in(
        &self,
        calendar: &Collection,
        uid: &str,
    ) -> Result<UidPlaces, ReadError> {
        let key = keys::uid(calendar.home, uid, calendar.id);
        let mut found = UidPlaces {
            is_of_one_calendar: true,
            ..UidPlaces::default()
        };
        if let Some(entry) = self.backend().get(&key).await? {
            let UidRecord { name, scheduling } = record::decode(&entry.value, "uid")?;
            found.rows.push((key, entry.revision));
            found.places.push(UidPlace {
                collection: calendar.id,
                name,
                scheduling,
                revision: entry.revision,
            });
        }
        Ok(found)
    }
}

impl Batch {
    /// Expects that the places of this UID are still exactly those that were found. (That another
    /// object of the same calendar has it is expected by [`Batch::put_object`] anyway.)
    pub fn expect_uid(&mut self, home: CollectionId, uid: &str, places: &UidPlaces) -> &mut Self {
        if places.is_of_one_calendar {
            for (key, revision) in &places.rows {
                self.expect_row(key.clone(), *revision);
            }
            return self;
        }
        let whole = KeyRange::prefix(keys::uid_places(home, uid));
        let mut start = whole.start;
        for (key, revision) in &places.rows {
            self.expect_row(key.clone(), *revision);
            let end = Bound::Excluded(key.clone());
            self.expect
                .push(Expect::RangeEmpty(KeyRange { start, end }));
            start = Bound::Excluded(key.clone());
        }
        self.expect.push(Expect::RangeEmpty(KeyRange {
            start,
            end: whole.end,
        }));
        self
    }
}
