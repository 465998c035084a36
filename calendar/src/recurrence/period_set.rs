//! The recurrence set of one period, held as days times times of day, so that a rule with every second
//! of a year in one period costs no more to load than any other.

use super::rule::{Frequency, RecurrenceRule};

/// The times within a day (or hour, or minute), as three ordered lists whose product they are.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Offsets in seconds of the hours, minutes and seconds.
    hours: Vec<i64>,
    minutes: Vec<i64>,
    seconds: Vec<i64>,
}

impl Times {
    /// The times that the rule has in one unit of its frequency: in a day for DAILY and longer. What the
    /// rule does not name comes from DTSTART, whose second of the day is given.
    pub(super) fn of(rule: &RecurrenceRule, start_second_of_day: i64, ignore_rule: bool) -> Times {
        let (hour, minute, second) = (
            start_second_of_day / 3_600,
            start_second_of_day / 60 % 60,
            start_second_of_day % 60,
        );
        let named = |mask: u64, from_start: i64, unit: i64, below: Frequency| {
            if rule.frequency <= below {
                vec![0]
            } else if mask == 0 || ignore_rule {
                vec![from_start * unit]
            } else {
                (0..60)
                    .filter(|n| mask & 1 << n != 0)
                    .map(|n| n * unit)
                    .collect()
            }
        };
        Times {
            hours: named(u64::from(rule.by_hour), hour, 3_600, Frequency::Hourly),
            minutes: named(rule.by_minute, minute, 60, Frequency::Minutely),
            seconds: named(rule.by_second, second, 1, Frequency::Secondly),
        }
    }

    fn len(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    fn at(&self, index: usize) -> i64 {
        let (rest, second) = (index / self.seconds.len(), index % self.seconds.len());
        let (hour, minute) = (rest / self.minutes.len(), rest % self.minutes.len());
        self.hours[hour] + self.minutes[minute] + self.seconds[second]
    }
}

/// The occurrences of one period, in order, as seconds of civil time.
#[derive(Debug, Clone)]
pub(super) struct PeriodSet {
    /// Where each day (or hour, minute, second) of the period begins.
    pub(super) bases: Vec<i64>,
    times: Times,
    times_per_base: usize,
    /// What BYSETPOS leaves, as indexes into days times times; unused without BYSETPOS.
    positions: Vec<usize>,
    limited: bool,
}

impl PeriodSet {
    pub(super) fn new(times: Times) -> PeriodSet {
        PeriodSet {
            bases: Vec::new(),
            times_per_base: times.len(),
            times,
            positions: Vec::new(),
            limited: false,
        }
    }

    /// Applies BYSETPOS to the bases as they are now.
    pub(super) fn apply_set_positions(&mut self, wanted: &[i16]) {
        self.limited = !wanted.is_empty();
        self.positions.clear();
        let count = self.bases.len() * self.times_per_base;
        for &position in wanted {
            let distance = usize::from(position.unsigned_abs());
            if distance <= count {
                self.positions.push(if position > 0 {
                    distance - 1
                } else {
                    count - distance
                });
            }
        }
        self.positions.sort_unstable();
        self.positions.dedup();
    }

    pub(super) fn len(&self) -> usize {
        if self.limited {
            self.positions.len()
        } else {
            self.bases.len() * self.times_per_base
        }
    }

    /// The occurrence with this index, which is less than `len`.
    pub(super) fn at(&self, index: usize) -> i64 {
        let index = if self.limited {
            self.positions[index]
        } else {
            index
        };
        if self.times_per_base == 1 {
            self.bases[index] + self.times.at(0)
        } else {
            self.bases[index / self.times_per_base] + self.times.at(index % self.times_per_base)
        }
    }

    /// How many occurrences are before the given time.
    pub(super) fn count_before(&self, time: i64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(middle) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
