//! What tells the instances of a set apart, whatever form their RECURRENCE-IDs are written in.

use std::collections::BTreeSet;

use super::{
    Instance, RecurrenceSet,
    clock::{Clock, Meant},
};
use crate::{
    recurrence::{Budget, TooMuchWork, gregorian::SECONDS_OF_DAY},
    value::DateOrDateTime,
    zone::Zones,
};

/// So many instances are looked for one by one.
const FEW: usize = 32;

/// What identifies an instance within one recurrence set. Keys of two sets can be compared where their masters
/// have DTSTARTs of one kind: both in time zones or UTC, or both floating or DATEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceKey(i64);

impl RecurrenceSet<'_> {
    /// The key of the instance that a RECURRENCE-ID or EXDATE means, whether there is such an instance or not. A
    /// DATE among DATE-TIMEs means the time of day at which the master begins.
    #[must_use]
    pub fn key_of(&self, recurrence_id: &DateOrDateTime) -> InstanceKey {
        self.key_in(recurrence_id, &self.zones)
    }

    /// The same of a RECURRENCE-ID that stands in another object, whose time zones it names: one that is not known there
    /// is looked for here.
    #[must_use]
    pub fn key_of_another(
        &self,
        recurrence_id: &DateOrDateTime,
        other: &RecurrenceSet<'_>,
    ) -> InstanceKey {
        let is_known = |id: &str| other.zones.resolve(id).is_some();
        match recurrence_id.time_zone_id().is_some_and(is_known) {
            true => self.key_in(recurrence_id, &other.zones),
            false => self.key_of(recurrence_id),
        }
    }

    fn key_in(&self, recurrence_id: &DateOrDateTime, zones: &Zones<'_>) -> InstanceKey {
        let place = self
            .masters()
            .find_map(|at| self.entries[at].place.as_ref());
        let Some(place) = place else {
            let clock = Clock::of(recurrence_id, zones, &self.floating);
            let meant = clock.meant_by(recurrence_id, zones, &self.floating);
            return InstanceKey(match meant {
                Meant::Instance(key) => key,
                Meant::Day(day) => day * SECONDS_OF_DAY,
            });
        };
        let clock = &place.clock;
        InstanceKey(match clock.meant_by(recurrence_id, zones, &self.floating) {
            Meant::Instance(key) => key,
            Meant::Day(day) => {
                let civil = day * SECONDS_OF_DAY + place.start.rem_euclid(SECONDS_OF_DAY);
                clock.key(civil, clock.instant(civil))
            }
        })
    }

    /// Those of the keys that an override or an instance of the master has; of many, by going through the series once.
    /// What is not found within the budget is not among them.
    pub fn find_keys(
        &self,
        keys: &BTreeSet<InstanceKey>,
        budget: &mut Budget,
    ) -> BTreeSet<InstanceKey> {
        let own: BTreeSet<InstanceKey> = self
            .overrides()
            .filter_map(|index| Some(self.key_of(self.entries[index].recurrence_id.as_ref()?)))
            .collect();
        let master = self.masters().find(|&index| self.entries[index].recurs());
        let series = master.and_then(|master| self.series(master));
        let mut found: BTreeSet<InstanceKey> = keys.intersection(&own).copied().collect();
        let Some(series) = series else {
            return found;
        };
        if let (true, Some(first), Some(last)) = (keys.len() > FEW, keys.first(), keys.last()) {
            // what was found within the budget is found
            let _ = series.visit_keys(first.0, last.0, budget, &mut |key| {
                found.extend(keys.get(&InstanceKey(key)));
            });
            return found;
        }
        let is_yielded = |key: &&InstanceKey| {
            let one = series.find_meant(Meant::Instance(key.0), &mut Budget::default());
            matches!(one, Ok(Some(_)))
        };
        found.extend(keys.iter().filter(is_yielded));
        found
    }

    /// The instance with this key: an override, or one that the master yields.
    ///
    /// # Errors
    /// If the budget is spent before it is known whether there is one.
    pub fn find_key(
        &self,
        key: InstanceKey,
        budget: &mut Budget,
    ) -> Result<Option<Instance>, TooMuchWork> {
        let own = self.overrides().find(|&index| {
            let id = self.entries[index].recurrence_id.as_ref();
            id.is_some_and(|id| self.key_of(id) == key)
        });
        if let Some(index) = own {
            return Ok(self.own_instance(index));
        }
        let master = self.masters().find(|&index| self.entries[index].recurs());
        match master.and_then(|master| self.series(master)) {
            Some(series) => series.find_meant(Meant::Instance(key.0), budget),
            None => Ok(None),
        }
    }
}
