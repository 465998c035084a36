//! The instances of a calendar object: its recurrence set (RFC 5545 §3.8.5), with overrides.
//!
//! A [`RecurrenceSet`] is made of the components of one object, which have one UID: a master with RRULE,
//! RDATE and EXDATE, and overrides with RECURRENCE-ID. What is open in the RFC, or done differently by
//! clients, is decided so:
//!
//! - Instances are told apart by the instant at which they were to start; those of DATEs and floating times
//!   by civil time. So a RECURRENCE-ID or EXDATE may be written in any form and zone. A DATE where the
//!   master has a time means all instances of that day.
//! - An override is an instance even if EXDATE names it too, the rule does not yield it, or there is no
//!   master (an attendee who is invited to single instances).
//! - RANGE=THISANDFUTURE moves and stretches all later instances as it did its own (RFC 5545 §3.2.13), until the
//!   next such override.
//! - The length of instances is exact with DTEND and DUE, nominal with DURATION and DATEs (§3.8.5.3).
//! - An end before the start is the start; a DTEND that equals a DATE start means that day.
//! - Several RRULEs are united, as RFC 2445 had it. EXRULE is not known any more. An RRULE that cannot be read
//!   is as good as none.
//! - Two occurrences that a gap of the zone makes one are one.
//! - A task with DUE and no DTSTART stands, and recurs, at its DUE.

mod clock;
mod derive;
mod entry;
mod identity;
mod series;
mod span;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_tests;
#[cfg(test)]
mod window_tests;

use std::ops::ControlFlow;

use jiff::Timestamp;

pub(crate) use self::clock::{bounds_of_period, later};
pub use self::derive::{DeriveError, override_at, override_of};
pub(crate) use self::entry::{Entry, Kind};
pub use self::identity::InstanceKey;
use self::series::Series;
pub use self::span::{OverallSpan, overall_span};
use crate::object::{CalendarObject, Component};
use crate::recurrence::{Budget, TooMuchWork};
use crate::time_range::TimeRange;
use crate::value::{DateOrDateTime, Duration};
use crate::zone::{Zone, Zones};

/// One instance of a calendar object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The component that describes it, as an index into [`CalendarObject::entries`].
    pub entry: usize,
    /// What identifies it, in the form of the master's DTSTART; `None` if the object does not recur.
    pub recurrence_id: Option<DateOrDateTime>,
    /// Where it begins (a task without DTSTART: where it is due).
    pub start: Timestamp,
    /// Where it ends, or is due; the start if it has no length.
    pub end: Timestamp,
    /// The start in the component's form: a DATE, or in its zone.
    pub start_value: DateOrDateTime,
    /// The end in the form of the start.
    pub end_value: DateOrDateTime,
}

/// The instances of one object, worked out as they are asked for.
#[derive(Debug)]
pub struct RecurrenceSet<'o> {
    zones: Zones<'o>,
    floating: Zone,
    entries: Vec<Entry<'o>>,
}

/// The instances of an object that overlap a window, in order of their start.
///
/// `floating` is the zone in which floating times and DATEs are read.
///
/// # Errors
/// If the budget is spent before the window is covered, as it is where a window has no end and the object
/// neither.
pub fn occurrences(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<Vec<Instance>, TooMuchWork> {
    RecurrenceSet::of(object, floating).occurrences(window, budget)
}

/// Whether a RECURRENCE-ID names an instance of the object: one of the rule that is not excluded, or an
/// override. An object that does not recur has none.
///
/// # Errors
/// If the budget is spent before that is known.
pub fn is_recurrence_instance(
    object: &CalendarObject,
    recurrence_id: &DateOrDateTime,
    floating: &Zone,
    budget: &mut Budget,
) -> Result<bool, TooMuchWork> {
    let set = RecurrenceSet::of(object, floating);
    Ok(set.find(recurrence_id, budget)?.is_some())
}

impl<'o> RecurrenceSet<'o> {
    /// Reads the times of an object; nothing is expanded yet.
    #[must_use]
    pub fn of(object: &'o CalendarObject, floating: &Zone) -> RecurrenceSet<'o> {
        RecurrenceSet::of_components(object, object.entries(), floating)
    }

    /// The same of components that stand elsewhere in the object than among its entries, such as the
    /// AVAILABLEs of a VAVAILABILITY (RFC 7953 §3.1).
    #[must_use]
    pub fn of_components(
        object: &'o CalendarObject,
        components: impl IntoIterator<Item = &'o Component>,
        floating: &Zone,
    ) -> RecurrenceSet<'o> {
        let zones = Zones::of(object);
        let entries = components
            .into_iter()
            .map(|component| Entry::of(component, &zones, floating))
            .collect();
        RecurrenceSet {
            zones,
            floating: floating.clone(),
            entries,
        }
    }

    /// The component of an instance.
    #[must_use]
    pub fn component(&self, instance: &Instance) -> &'o Component {
        self.entries[instance.entry].component
    }

    /// The zones of the object.
    #[must_use]
    pub fn zones(&self) -> &Zones<'o> {
        &self.zones
    }

    /// Where floating times are read.
    #[must_use]
    pub fn floating(&self) -> &Zone {
        &self.floating
    }

    /// The components that stand nowhere in time.
    pub fn timeless(&self) -> impl Iterator<Item = &'o Component> {
        let timeless = self.entries.iter().filter(|entry| entry.place.is_none());
        timeless.map(|entry| entry.component)
    }

    pub(crate) fn entries(&self) -> &[Entry<'o>] {
        &self.entries
    }

    /// The instances that overlap a window, in order of their start.
    ///
    /// # Errors
    /// As [`occurrences`].
    pub fn occurrences(
        &self,
        window: &TimeRange,
        budget: &mut Budget,
    ) -> Result<Vec<Instance>, TooMuchWork> {
        let mut found = Vec::new();
        let _ = self.visit(window, budget, &mut |instance| {
            if window.overlaps(instance.start, instance.end) {
                found.push(instance);
            }
            ControlFlow::Continue(())
        })?;
        found.sort_by_key(|instance| (instance.start, instance.entry));
        Ok(found)
    }

    /// The instance that a RECURRENCE-ID names, in any of its forms.
    ///
    /// # Errors
    /// If the budget is spent before it is known whether there is one.
    pub fn find(
        &self,
        recurrence_id: &DateOrDateTime,
        budget: &mut Budget,
    ) -> Result<Option<Instance>, TooMuchWork> {
        let master = self.masters().find(|&index| self.entries[index].recurs());
        let Some(series) = master.and_then(|master| self.series(master)) else {
            return Ok(self.find_override(recurrence_id));
        };
        if let Some(found) = series.find_override(recurrence_id) {
            return Ok(Some(found));
        }
        series.find(recurrence_id, budget)
    }

    /// An override of a set without a master: the one whose own RECURRENCE-ID means the same.
    fn find_override(&self, recurrence_id: &DateOrDateTime) -> Option<Instance> {
        self.overrides().find_map(|index| {
            let own = self.entries[index].recurrence_id.as_ref()?;
            let clock = clock::Clock::of(own, &self.zones, &self.floating);
            let meant = |id| clock.meant_by(id, &self.zones, &self.floating);
            let same = meant(own) == meant(recurrence_id);
            same.then(|| self.own_instance(index)).flatten()
        })
    }

    /// Shows `visitor` every instance that touches the window (it may begin where the window ends, and end
    /// where it begins), in no particular order, until it breaks off.
    ///
    /// # Errors
    /// If the budget is spent before.
    pub(crate) fn visit(
        &self,
        window: &TimeRange,
        budget: &mut Budget,
        visitor: &mut dyn FnMut(Instance) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TooMuchWork> {
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            let flow = if !entry.is_override() && entry.recurs() {
                match self.series(index) {
                    Some(series) => series.visit(window, budget, visitor)?,
                    None => ControlFlow::Continue(()),
                }
            } else {
                budget.spend(1)?;
                match self.own_instance(index) {
                    Some(own) if window.touches(own.start, own.end) => visitor(own),
                    _ => ControlFlow::Continue(()),
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// As `visit`, but only the instances that one component describes.
    pub(crate) fn visit_described_by(
        &self,
        index: usize,
        window: &TimeRange,
        budget: &mut Budget,
        visitor: &mut dyn FnMut(Instance) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TooMuchWork> {
        let entry = &self.entries[index];
        if (entry.is_override() && entry.is_this_and_future) || entry.recurs() {
            return self.visit(window, budget, &mut |instance| {
                if instance.entry == index {
                    visitor(instance)
                } else {
                    ControlFlow::Continue(())
                }
            });
        }
        budget.spend(1)?;
        Ok(match self.own_instance(index) {
            Some(own) if window.touches(own.start, own.end) => visitor(own),
            _ => ControlFlow::Continue(()),
        })
    }

    /// An instant moved by a duration, its days being those of a component's clock.
    pub(crate) fn moved(&self, entry: usize, from: Timestamp, by: Duration) -> Timestamp {
        match &self.entries[entry].place {
            Some(place) => place.clock.end(place.clock.civil(from), from, by),
            None => later(from, by.nominal_seconds()),
        }
    }

    fn masters(&self) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(|&index| !self.entries[index].is_override())
    }

    fn overrides(&self) -> impl Iterator<Item = usize> {
        (0..self.entries.len()).filter(|&index| self.entries[index].is_override())
    }

    fn series(&self, master: usize) -> Option<Series<'_, 'o>> {
        Series::of(self, master)
    }

    /// The instance that a component describes by itself.
    fn own_instance(&self, index: usize) -> Option<Instance> {
        let entry = &self.entries[index];
        let place = entry.place.as_ref()?;
        let end = place.end();
        let recurrence_id = entry
            .recurrence_id
            .as_ref()
            .map(|id| self.in_master_form(id));
        Some(Instance {
            entry: index,
            recurrence_id,
            start: place.start_instant,
            end,
            start_value: place.clock.value(place.start),
            end_value: place.clock.value(place.clock.civil(end)),
        })
    }

    /// A RECURRENCE-ID in the form of the master's DTSTART, if there is a master and an instance is meant.
    fn in_master_form(&self, id: &DateOrDateTime) -> DateOrDateTime {
        let master = self.masters().next();
        let Some(place) = master.and_then(|master| self.entries[master].place.as_ref()) else {
            return id.clone();
        };
        match place.clock.meant_by(id, &self.zones, &self.floating) {
            clock::Meant::Instance(key) if !place.clock.has_form_of(id) => {
                place.clock.value_of_key(key)
            }
            _ => id.clone(),
        }
    }
}
