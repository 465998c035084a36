//! What tells the instances of a set apart, whatever form their RECURRENCE-IDs are written in.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Instance, RecurrenceSet,
    clock::{Clock, Meant},
    series::Series,
};
use crate::{
    recurrence::{Budget, DEFAULT_WORK, TooMuchWork, gregorian::SECONDS_OF_DAY},
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
        let mut found = BTreeSet::new();
        // what was found within the budget is found
        let _ = self.find_each(keys, budget, &mut |key, _| {
            found.insert(key);
        });
        found
    }

    /// The instances with these keys, each as [`RecurrenceSet::find_key`] finds it; many, by going through the series once.
    ///
    /// # Errors
    /// If the budget is spent before it is known of each key whether there is one.
    pub fn find_instances(
        &self,
        keys: &BTreeSet<InstanceKey>,
        budget: &mut Budget,
    ) -> Result<BTreeMap<InstanceKey, Instance>, TooMuchWork> {
        let mut found = BTreeMap::new();
        self.find_each(keys, budget, &mut |key, instance| {
            found.entry(key).or_insert(instance);
        })?;
        Ok(found)
    }

    /// Shows what is found of the keys. Of a few, each may take what all may, and does not keep the others from being found.
    fn find_each(
        &self,
        keys: &BTreeSet<InstanceKey>,
        budget: &mut Budget,
        show: &mut dyn FnMut(InstanceKey, Instance),
    ) -> Result<(), TooMuchWork> {
        for index in self.overrides() {
            let id = self.entries[index].recurrence_id.as_ref();
            let key = id.map(|id| self.key_of(id));
            if let Some(key) = key.filter(|key| keys.contains(key))
                && let Some(own) = self.own_instance(index)
            {
                show(key, own);
            }
        }
        match self.recurring() {
            Some(series) => find_in(&series, keys, budget, show),
            None => Ok(()),
        }
    }

    /// What those of the instances that the master yields are apart from a component of their own, and even where EXDATE takes
    /// them out: as the master has them, or the last override before them that is for all later ones. What is not found within
    /// the budget is not among them.
    pub fn find_apart(
        &self,
        keys: &BTreeSet<InstanceKey>,
        budget: &mut Budget,
    ) -> BTreeMap<InstanceKey, Instance> {
        let mut found = BTreeMap::new();
        if let Some(series) = self.recurring() {
            // what was found within the budget is found
            let _ = find_in(
                &series.without_exceptions(),
                keys,
                budget,
                &mut |key, instance| {
                    found.insert(key, instance);
                },
            );
        }
        found
    }

    fn recurring(&self) -> Option<Series<'_, '_>> {
        let master = self.masters().find(|&index| self.entries[index].recurs());
        master.and_then(|master| self.series(master))
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
        match self.recurring() {
            Some(series) => series.find_meant(Meant::Instance(key.0), budget),
            None => Ok(None),
        }
    }
}

/// Shows what a series has of the keys, as [`RecurrenceSet::find_each`].
fn find_in(
    series: &Series<'_, '_>,
    keys: &BTreeSet<InstanceKey>,
    budget: &mut Budget,
    show: &mut dyn FnMut(InstanceKey, Instance),
) -> Result<(), TooMuchWork> {
    if let (true, Some(first), Some(last)) = (keys.len() > FEW, keys.first(), keys.last()) {
        let is_wanted = |key| keys.contains(&InstanceKey(key));
        return series.visit_keys((first.0, last.0), is_wanted, budget, &mut |key, found| {
            show(InstanceKey(key), found);
        });
    }
    let mut result = Ok(());
    let share = Budget::new(budget.remaining().min(DEFAULT_WORK));
    for key in keys {
        match series.find_meant(Meant::Instance(key.0), &mut share.clone()) {
            Ok(Some(found)) => show(*key, found),
            Ok(None) => {}
            Err(too_much) => result = Err(too_much),
        }
    }
    result
}
