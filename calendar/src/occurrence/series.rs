//! A master and what it generates.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::clock::{Clock, Key, Meant, bounds_of_period};
use super::entry::{Entry, Place};
use super::{Instance, RecurrenceSet};
use crate::recurrence::gregorian::{SECONDS_OF_DAY, civil_of_seconds};
use crate::recurrence::{Budget, Frequency, Occurrences, RecurrenceRule, TooMuchWork};
use crate::time_range::TimeRange;
use crate::value::{DateOrDateTime, Duration, Form, RecurrenceDate, dates_of, recurrence_dates_of};
use crate::zone::nearest_instant;

/// A clock that is put forward or back while an instance lasts, or at a window's edge, moves by less than this (a
/// zone that changes sides of the date line: a day).
const SLACK: i64 = SECONDS_OF_DAY + 7_200;

/// An override with RANGE=THISANDFUTURE.
#[derive(Debug)]
struct Future {
    from: Key,
    entry: usize,
    /// From the original start to the override's, in civil time.
    shift: i64,
    length: Duration,
}

/// An RDATE.
#[derive(Debug)]
struct Added {
    civil: i64,
    key: Key,
    /// The end, if it is a PERIOD.
    end: Option<Timestamp>,
}

/// An original start: where an instance would begin if nobody had moved it.
#[derive(Debug, Clone, Copy)]
struct Original<'a> {
    civil: i64,
    key: Key,
    instant: Timestamp,
    /// The RDATE that it is of; else it is of DTSTART or a rule.
    added: Option<&'a Added>,
}

/// An instance, but for its values.
struct Times {
    entry: usize,
    start_civil: i64,
    start: Timestamp,
    end: Timestamp,
}

/// What a set of RECURRENCE-IDs or EXDATEs names, in order.
#[derive(Debug, Default)]
struct Named {
    keys: Vec<Key>,
    days: Vec<i64>,
}

/// A master with its rules and exceptions read.
#[derive(Debug)]
pub(super) struct Series<'s, 'o> {
    set: &'s RecurrenceSet<'o>,
    master: usize,
    place: &'s Place,
    rules: Vec<RecurrenceRule>,
    added: Vec<Added>,
    excluded: Named,
    overridden: Named,
    futures: Vec<Future>,
}

impl Named {
    fn add(&mut self, meant: Meant) {
        match meant {
            Meant::Instance(key) => self.keys.push(key),
            Meant::Day(day) => self.days.push(day),
        }
    }

    fn sort(&mut self) {
        self.keys.sort_unstable();
        self.days.sort_unstable();
    }

    fn has(&self, key: Key, civil: i64) -> bool {
        self.keys.binary_search(&key).is_ok()
            || (!self.days.is_empty()
                && self
                    .days
                    .binary_search(&civil.div_euclid(SECONDS_OF_DAY))
                    .is_ok())
    }
}

impl<'s, 'o> Series<'s, 'o> {
    /// The series of a master; `None` if it has no place in time.
    pub(super) fn of(set: &'s RecurrenceSet<'o>, master: usize) -> Option<Series<'s, 'o>> {
        let entry = &set.entries[master];
        let place = entry.place.as_ref()?;
        let mut series = Series {
            set,
            master,
            place,
            rules: Vec::new(),
            added: Vec::new(),
            excluded: Named::default(),
            overridden: Named::default(),
            futures: Vec::new(),
        };
        series.read_properties(entry);
        for index in set.overrides() {
            series.read_override(index);
        }
        series.excluded.sort();
        series.overridden.sort();
        series.futures.sort_by_key(|future| future.from);
        Some(series)
    }

    /// The series as if EXDATE took nothing out, and no instance had a component of its own: what is said of all later ones
    /// stays.
    pub(super) fn without_exceptions(mut self) -> Series<'s, 'o> {
        self.excluded = Named::default();
        self.overridden = Named::default();
        self
    }

    fn clock(&self) -> &'s Clock {
        &self.place.clock
    }

    fn meant_by(&self, value: &DateOrDateTime) -> Meant {
        self.clock()
            .meant_by(value, &self.set.zones, &self.set.floating)
    }

    fn read_properties(&mut self, entry: &Entry<'_>) {
        for property in entry.component.properties() {
            if property.is("RRULE") {
                self.rules.extend(property.raw_value().parse());
            } else if property.is("EXDATE") {
                for value in dates_of(property) {
                    self.excluded.add(self.meant_by(&value));
                }
            } else if property.is("RDATE") {
                for value in recurrence_dates_of(property) {
                    let added = self.added(&value);
                    self.added.push(added);
                }
            }
        }
    }

    fn added(&self, value: &RecurrenceDate) -> Added {
        let (start, end) = match value {
            RecurrenceDate::Start(start) => (start.clone(), None),
            RecurrenceDate::Period(period) => {
                let bounds = bounds_of_period(period, &self.set.zones, &self.set.floating);
                (DateOrDateTime::from(period.start.clone()), Some(bounds.1))
            }
        };
        let clock = self.clock();
        let key = match self.meant_by(&start) {
            Meant::Instance(key) => key,
            // A DATE among DATE-TIMEs: at the time of day of the master.
            Meant::Day(day) => {
                let time = self.place.start.rem_euclid(SECONDS_OF_DAY);
                let civil = day * SECONDS_OF_DAY + time;
                clock.key(civil, clock.instant(civil))
            }
        };
        Added {
            civil: clock.civil_of_key(key),
            key,
            end,
        }
    }

    fn read_override(&mut self, index: usize) {
        let entry = &self.set.entries[index];
        let Some(id) = &entry.recurrence_id else {
            return;
        };
        let meant = self.meant_by(id);
        self.overridden.add(meant);
        let Some(place) = entry.place.as_ref().filter(|_| entry.is_this_and_future) else {
            return;
        };
        let clock = self.clock();
        let original = match meant {
            Meant::Instance(key) => clock.civil_of_key(key),
            Meant::Day(day) => day * SECONDS_OF_DAY + self.place.start.rem_euclid(SECONDS_OF_DAY),
        };
        let moved = if clock.is_date == place.clock.is_date && clock.is_floating() {
            place.start
        } else {
            clock.civil(place.start_instant)
        };
        self.futures.push(Future {
            from: clock.key(original, clock.instant(original)),
            entry: index,
            shift: moved - original,
            length: place.length,
        });
    }

    /// How much earlier and later than its original start an instance may begin, and how long it may last, in
    /// seconds.
    fn reach(&self) -> (i64, i64, i64) {
        let shifts = || self.futures.iter().map(|future| future.shift);
        let lengths = self
            .futures
            .iter()
            .map(|future| future.length.nominal_seconds());
        (
            -shifts().min().unwrap_or(0).min(0),
            shifts().max().unwrap_or(0).max(0),
            lengths.fold(self.place.length.nominal_seconds(), i64::max),
        )
    }

    /// What civil time and instants may be apart beyond the zone's offset; nothing in UTC.
    fn slack(&self) -> i64 {
        if self.clock().form == Form::Utc {
            0
        } else {
            SLACK
        }
    }

    /// Shows the visitor the instances that touch the window; not the overrides.
    pub(super) fn visit(
        &self,
        window: &TimeRange,
        budget: &mut Budget,
        visitor: &mut dyn FnMut(Instance) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TooMuchWork> {
        let (earlier, later, length) = self.reach();
        let clock = self.clock();
        let slack = self.slack();
        let first = window.start.map_or(i64::MIN, |start| {
            clock
                .civil(start)
                .saturating_sub(length)
                .saturating_sub(later + slack)
        });
        let last = window
            .end
            .map_or(i64::MAX, |end| clock.civil(end) + earlier + slack);
        self.originals(first, last, budget, &mut |original| {
            let times = self.times(original);
            if window.touches(times.start, times.end) {
                visitor(self.instance(original, &times))
            } else {
                ControlFlow::Continue(())
            }
        })
    }

    /// The original starts between two civil times that are neither excluded nor overridden, each once.
    fn originals(
        &self,
        first: i64,
        last: i64,
        budget: &mut Budget,
        show: &mut dyn FnMut(&Original<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TooMuchWork> {
        let clock = self.clock();
        let mut seen = self.needs_memory().then(HashSet::new);
        let mut previous = None;
        let mut pass = |civil: i64, instant: Timestamp, added: Option<&Added>| {
            let key = clock.key(civil, instant);
            // Where a zone leaves out a whole day, that day's instance is the next day's.
            let is_again = previous.replace(key) == Some(key);
            let is_out = is_again
                || self.excluded.has(key, civil)
                || self.overridden.has(key, civil)
                || seen.as_mut().is_some_and(|seen| !seen.insert(key));
            if is_out {
                ControlFlow::Continue(())
            } else {
                show(&Original {
                    civil,
                    key,
                    instant,
                    added,
                })
            }
        };
        // A PERIOD brings its own end, so it goes before what the rule says of the same start.
        for added in &self.added {
            budget.spend(1)?;
            let instant = if clock.is_floating() {
                clock.instant(added.civil)
            } else {
                nearest_instant(added.key)
            };
            if added.civil <= last && pass(added.civil, instant, Some(added)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if self.rules.is_empty() {
            return Ok(pass(self.place.start, self.place.start_instant, None));
        }
        for rule in &self.rules {
            let mut occurrences = self.occurrences_of(rule).ending_at(clock.end_of(last));
            if first != i64::MIN {
                occurrences.seek_second(first, budget)?;
            }
            while let Some(civil) = occurrences.next_second(budget)? {
                let civil = clock.start_of(civil);
                if civil > last {
                    break;
                }
                if pass(civil, clock.instant(civil), None).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn occurrences_of<'r>(&self, rule: &'r RecurrenceRule) -> Occurrences<'r> {
        let clock = self.clock();
        let start = civil_of_seconds(self.place.start);
        let until = rule.until.as_ref().map(|until| clock.until(until));
        Occurrences::new(rule, start, until, clock.is_date)
    }

    /// Whether one instance may be yielded twice: by two sources, or by a gap of the zone within a day.
    fn needs_memory(&self) -> bool {
        let several_a_day = |rule: &RecurrenceRule| {
            rule.frequency <= Frequency::Hourly
                || rule.by_hour.count_ones() > 1
                || rule.by_minute.count_ones() > 1
        };
        self.rules.len().max(1) + self.added.len() > 1 || self.rules.iter().any(several_a_day)
    }

    /// The times that an original start has by the master, or by the last THISANDFUTURE before it (its own is the override
    /// itself).
    fn times(&self, original: &Original<'_>) -> Times {
        let clock = self.clock();
        let passed = self
            .futures
            .partition_point(|future| future.from < original.key);
        let Some(future) = passed.checked_sub(1).map(|index| &self.futures[index]) else {
            let own_end = original.added.and_then(|added| added.end);
            return Times {
                entry: self.master,
                start_civil: original.civil,
                start: original.instant,
                end: own_end.unwrap_or_else(|| {
                    clock.end(original.civil, original.instant, self.place.length)
                }),
            };
        };
        let start_civil = original.civil + future.shift;
        let start = clock.instant(start_civil);
        Times {
            entry: future.entry,
            start_civil,
            start,
            end: clock.end(start_civil, start, future.length),
        }
    }

    fn instance(&self, original: &Original<'_>, times: &Times) -> Instance {
        let clock = self.clock();
        let end_civil = if times.end == times.start {
            times.start_civil
        } else {
            clock.civil(times.end)
        };
        Instance {
            entry: times.entry,
            recurrence_id: Some(match original.added {
                Some(added) => clock.value_of_key(added.key),
                None => clock.value(original.civil),
            }),
            start: times.start,
            end: times.end,
            start_value: clock.value(times.start_civil),
            end_value: clock.value(end_civil),
        }
    }

    /// The override that a RECURRENCE-ID means.
    pub(super) fn find_override(&self, recurrence_id: &DateOrDateTime) -> Option<Instance> {
        let meant = self.meant_by(recurrence_id);
        let mut overrides = self.set.overrides();
        let index = overrides.find(|&index| {
            let own = self.set.entries[index].recurrence_id.as_ref();
            own.is_some_and(|own| self.meant_by(own) == meant)
        })?;
        self.set.own_instance(index)
    }

    /// The instance that a RECURRENCE-ID means, unless it is overridden.
    pub(super) fn find(
        &self,
        recurrence_id: &DateOrDateTime,
        budget: &mut Budget,
    ) -> Result<Option<Instance>, TooMuchWork> {
        self.find_meant(self.meant_by(recurrence_id), budget)
    }

    /// Shows those of the instances between two keys whose keys are wanted, and that are neither excluded nor overridden.
    pub(super) fn visit_keys(
        &self,
        (first, last): (Key, Key),
        is_wanted: impl Fn(Key) -> bool,
        budget: &mut Budget,
        show: &mut dyn FnMut(Key, Instance),
    ) -> Result<(), TooMuchWork> {
        let clock = self.clock();
        let (first, last) = (clock.civil_of_key(first), clock.civil_of_key(last));
        // as `find_meant`
        let _ = self.originals(first - SECONDS_OF_DAY, last, budget, &mut |original| {
            if is_wanted(original.key) {
                show(original.key, self.instance(original, &self.times(original)));
            }
            ControlFlow::Continue(())
        })?;
        Ok(())
    }

    /// The same of what a RECURRENCE-ID means.
    pub(super) fn find_meant(
        &self,
        meant: Meant,
        budget: &mut Budget,
    ) -> Result<Option<Instance>, TooMuchWork> {
        let clock = self.clock();
        let (first, last) = match meant {
            // A rule that yields a time in a gap yields it before the time that is made of it.
            Meant::Instance(key) => {
                let civil = clock.civil_of_key(key);
                (civil - SECONDS_OF_DAY, civil)
            }
            Meant::Day(day) => (day * SECONDS_OF_DAY, (day + 1) * SECONDS_OF_DAY - 1),
        };
        let mut found = None;
        let _ = self.originals(first, last, budget, &mut |original| {
            let is_meant = match meant {
                Meant::Instance(key) => original.key == key,
                Meant::Day(day) => original.civil.div_euclid(SECONDS_OF_DAY) == day,
            };
            if is_meant {
                found = Some(self.instance(original, &self.times(original)));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Where the first instance begins at the earliest, and where the last ends at the latest (`None`: never),
    /// without expanding.
    pub(super) fn span(&self, budget: &mut Budget) -> (Timestamp, Option<Timestamp>) {
        let clock = self.clock();
        let (earlier, later, length) = self.reach();
        let mut first = self.place.start;
        let mut last = Some(self.place.start);
        for rule in &self.rules {
            // What cannot be counted within the budget is taken for endless: a span may be too wide.
            let bound = self
                .occurrences_of(rule)
                .last_second(budget)
                .unwrap_or(None);
            last = last.zip(bound).map(|(last, bound)| last.max(bound));
        }
        let mut last_end = None;
        for added in &self.added {
            first = first.min(added.civil);
            last = last.map(|last| last.max(added.civil));
            last_end = last_end.max(added.end);
        }
        let first = first.saturating_sub(earlier);
        let mut start = clock.instant(first);
        if clock.civil(start) != first {
            // In a gap what is later on the clock may be earlier.
            start = clock.instant(first - self.slack());
        }
        let end = last.map(|last| {
            let reach = later.saturating_add(length).saturating_add(self.slack());
            let end = clock.instant(last.saturating_add(reach));
            last_end.map_or(end, |last_end| end.max(last_end))
        });
        (start, end)
    }
}
