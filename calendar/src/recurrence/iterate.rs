//! Walking through the occurrences of one rule, and finding a place in them.

use jiff::civil;

use super::budget::{Budget, TooMuchWork};
use super::expand::{Seed, days_of_month, days_of_week, days_of_year};
use super::gregorian::{
    LAST_YEAR, SECONDS_OF_DAY, SECONDS_OF_HOUR, SECONDS_OF_MINUTE, civil_of_seconds, civil_seconds,
    date_of_day, day_number, week_year_of_day, weekday_of_day,
};
use super::limit::{day_passes, limits_days};
use super::period_set::{PeriodSet, Times};
use super::rule::{Frequency, RecurrenceRule, Skip};

/// 9999-12-31T23:59:59, after which nothing recurs.
const LAST_SECOND: i64 = 253_402_300_799;

/// The occurrences of a rule, in order, each once; DTSTART is the first of them.
#[derive(Debug, Clone)]
pub struct Occurrences<'r> {
    rule: &'r RecurrenceRule,
    /// DTSTART, in seconds of civil time.
    start: i64,
    until: i64,
    /// How many may still come; COUNT, less those that were.
    remaining: u64,
    /// Only what is later than this may still come.
    last: i64,
    seed: Seed,
    /// The year, month, week's first day, day, or second in which period 0 begins.
    base: i64,
    /// The period that `set` holds; −1 before the first.
    period: i64,
    set: PeriodSet,
    /// The next of `set`.
    cursor: usize,
    /// The buffer in which days are expanded.
    days: Vec<i32>,
    has_day_limits: bool,
    /// Whether every period has as many occurrences as any other.
    is_uniform: bool,
}

impl<'r> Occurrences<'r> {
    /// The occurrences of `rule` for a DTSTART, which is the first.
    ///
    /// `until` is the rule's UNTIL, made a wall-clock time of the same clock as `start` by who knows the
    /// zone. `is_date` says that DTSTART is a DATE.
    #[must_use]
    pub fn new(
        rule: &'r RecurrenceRule,
        start: civil::DateTime,
        until: Option<civil::DateTime>,
        is_date: bool,
    ) -> Occurrences<'r> {
        let start = civil_seconds(start);
        let day = start.div_euclid(SECONDS_OF_DAY) as i32;
        let times = Times::of(rule, start.rem_euclid(SECONDS_OF_DAY), is_date);
        let has_day_limits = limits_days(rule);
        Occurrences {
            rule,
            start,
            until: until.map_or(LAST_SECOND, |until| civil_seconds(until).min(LAST_SECOND)),
            remaining: rule.count.map_or(u64::MAX, |count| count.max(1)),
            last: i64::MIN,
            seed: Seed::of_day(day),
            base: unit_of(rule, start),
            period: -1,
            set: PeriodSet::new(times),
            cursor: 0,
            days: Vec::new(),
            has_day_limits,
            is_uniform: is_uniform(rule, has_day_limits),
        }
    }

    /// The same, but none that is later than `last`: a rule that hardly ever yields anything is not searched for
    /// what nobody asks for.
    #[must_use]
    pub(crate) fn ending_at(mut self, last: i64) -> Occurrences<'r> {
        self.until = self.until.min(last);
        self
    }

    /// The next occurrence, or `None` after the last.
    ///
    /// # Errors
    /// If the budget is spent; then nothing is known of what follows.
    pub fn next(&mut self, budget: &mut Budget) -> Result<Option<civil::DateTime>, TooMuchWork> {
        Ok(self.next_second(budget)?.map(civil_of_seconds))
    }

    /// Goes forward, so that the next occurrence is the first that is not before `target`. It does not
    /// go back.
    ///
    /// # Errors
    /// If the budget is spent, which only happens where occurrences have to be counted, or hardly exist.
    pub fn seek(
        &mut self,
        target: civil::DateTime,
        budget: &mut Budget,
    ) -> Result<(), TooMuchWork> {
        self.seek_second(civil_seconds(target), budget)
    }

    pub(crate) fn next_second(&mut self, budget: &mut Budget) -> Result<Option<i64>, TooMuchWork> {
        budget.spend(1)?;
        if self.yield_start() {
            return Ok(Some(self.start));
        }
        while self.remaining > 0 {
            if self.cursor < self.set.len() {
                let second = self.set.at(self.cursor);
                self.cursor += 1;
                if second > self.until {
                    break;
                }
                self.last = second;
                self.remaining -= 1;
                return Ok(Some(second));
            }
            if !self.load_from(self.period + 1, budget)? {
                break;
            }
        }
        self.remaining = 0;
        Ok(None)
    }

    pub(crate) fn seek_second(
        &mut self,
        target: i64,
        budget: &mut Budget,
    ) -> Result<(), TooMuchWork> {
        if self.last == i64::MIN && target <= self.start {
            return Ok(());
        }
        self.yield_start();
        if target <= self.last || self.remaining == 0 {
            return Ok(());
        }
        if target > self.until {
            self.remaining = 0;
            return Ok(());
        }
        let period = self.period_of(target).max(self.period);
        if self.rule.count.is_some() {
            self.count_up_to(period, budget)?;
            let before_target = self.set.count_before(target).max(self.cursor);
            self.take((before_target - self.cursor) as u64);
            self.cursor = before_target;
            self.last = target - 1;
        } else {
            self.last = target - 1;
            if period > self.period {
                if !self.load_from(period, budget)? {
                    self.remaining = 0;
                }
            } else {
                self.cursor = self.set.count_before(target).max(self.cursor);
            }
        }
        Ok(())
    }

    /// A bound for the last occurrence, exact for COUNT; `None` if there is no end.
    pub(crate) fn last_second(mut self, budget: &mut Budget) -> Result<Option<i64>, TooMuchWork> {
        if self.rule.count.is_none() {
            // DTSTART is an occurrence even if UNTIL is before it.
            return Ok(self.rule.until.as_ref().map(|_| self.until.max(self.start)));
        }
        self.yield_start();
        while self.remaining > 0 {
            let available = (self.set.len() - self.cursor) as u64;
            if self.remaining <= available {
                self.last = self.set.at(self.cursor + self.remaining as usize - 1);
                break;
            }
            self.consume_period();
            let mut next = self.period + 1;
            if self.is_uniform && self.period >= 0 {
                let each = self.set.len() as u64;
                let whole = (self.remaining.saturating_sub(1) / each).min(LAST_SECOND as u64);
                self.take(whole * each);
                next += whole as i64;
            }
            if !self.load_from(next, budget)? {
                return Ok(Some(self.until));
            }
        }
        Ok(Some(self.last.min(self.until).max(self.start)))
    }

    /// Yields DTSTART, if that has not been done.
    fn yield_start(&mut self) -> bool {
        let first = self.last == i64::MIN;
        if first {
            self.last = self.start;
            self.remaining -= 1;
        }
        first
    }

    /// Counts the occurrences of all periods before `period`, and loads the first that is not before it.
    fn count_up_to(&mut self, period: i64, budget: &mut Budget) -> Result<(), TooMuchWork> {
        while self.period < period && self.remaining > 0 {
            self.consume_period();
            let mut next = self.period + 1;
            if self.is_uniform && self.period >= 0 {
                let whole = (period - next) as u64;
                self.take(whole.saturating_mul(self.set.len() as u64));
                next = period;
            }
            if self.remaining > 0 && !self.load_from(next, budget)? {
                self.remaining = 0;
            }
        }
        Ok(())
    }

    /// Counts what is left of the loaded period.
    fn consume_period(&mut self) {
        let available = self.set.len() - self.cursor;
        if available > 0 {
            self.take(available as u64);
            self.cursor = self.set.len();
            self.last = self.set.at(self.cursor - 1);
        }
    }

    fn take(&mut self, occurrences: u64) {
        self.remaining = self.remaining.saturating_sub(occurrences);
    }

    /// Loads the first period that has an occurrence later than `last`, from `period` on; false if there
    /// is none before the end.
    fn load_from(&mut self, mut period: i64, budget: &mut Budget) -> Result<bool, TooMuchWork> {
        loop {
            budget.spend(1)?;
            match self.next_passing_period(period, budget)? {
                Some(passing) => period = passing,
                None => return Ok(false),
            }
            if !self.load(period, budget)? {
                return Ok(false);
            }
            if self.cursor < self.set.len() {
                return Ok(true);
            }
            period += 1;
        }
    }

    /// Loads one period; false if it begins after the end of the rule.
    fn load(&mut self, period: i64, budget: &mut Budget) -> Result<bool, TooMuchWork> {
        let unit = self.unit(period);
        self.period = period;
        self.set.bases.clear();
        self.cursor = 0;
        if self.first_second_of(unit) > self.until {
            return Ok(false);
        }
        if self.rule.frequency <= Frequency::Hourly {
            self.set.bases.push(unit);
        } else if self.rule.frequency == Frequency::Daily {
            self.set.bases.push(unit * SECONDS_OF_DAY);
        } else {
            self.expand_days(unit);
            budget.spend(self.days.len() as u32 / 8)?;
            let seconds = self.days.iter().map(|&day| i64::from(day) * SECONDS_OF_DAY);
            self.set.bases.extend(seconds);
        }
        self.set.apply_set_positions(&self.rule.by_set_position);
        // Only the period of DTSTART or of a target, and a day moved by SKIP, may have what is too early.
        if self.set.len() > 0 && self.set.at(0) <= self.last {
            self.cursor = self.set.count_before(self.last + 1);
        }
        Ok(true)
    }

    fn expand_days(&mut self, unit: i64) {
        let (rule, seed) = (self.rule, self.seed);
        self.days.clear();
        match rule.frequency {
            Frequency::Yearly => days_of_year(rule, seed, unit as i32, &mut self.days),
            Frequency::Monthly => {
                let (year, month) = (unit.div_euclid(12), unit.rem_euclid(12) + 1);
                days_of_month(rule, seed, year as i32, month as u8, &mut self.days);
            }
            _ => days_of_week(rule, seed, unit as i32, &mut self.days),
        }
    }

    /// How far apart two periods begin, in the unit of `base`.
    fn step(&self) -> i64 {
        i64::from(self.rule.interval)
            * match self.rule.frequency {
                Frequency::Weekly => 7,
                Frequency::Hourly => SECONDS_OF_HOUR,
                Frequency::Minutely => SECONDS_OF_MINUTE,
                _ => 1,
            }
    }

    /// The year, month, week's first day, day or second in which a period begins; far beyond every end
    /// if it is too far to be counted.
    fn unit(&self, period: i64) -> i64 {
        period.saturating_mul(self.step()).saturating_add(self.base)
    }

    /// A time that is not after anything in the period that begins with `unit`, in seconds.
    fn first_second_of(&self, unit: i64) -> i64 {
        const YEAR_AFTER: i64 = LAST_YEAR as i64 + 1;
        let day = match self.rule.frequency {
            Frequency::Yearly if unit > YEAR_AFTER => return i64::MAX,
            Frequency::Monthly if unit >= YEAR_AFTER * 12 => return i64::MAX,
            // A week-numbering year, and SKIP=BACKWARD, may begin a few days early.
            Frequency::Yearly => i64::from(day_number(unit as i32, 1, 1)) - 7,
            Frequency::Monthly => {
                let (year, month) = (unit.div_euclid(12), unit.rem_euclid(12) + 1);
                i64::from(day_number(year as i32, month as u8, 1)) - 1
            }
            Frequency::Weekly | Frequency::Daily => unit,
            _ => return unit,
        };
        day.saturating_mul(SECONDS_OF_DAY)
    }

    /// The period in which the first occurrence that is not before `target` may be, at the earliest.
    fn period_of(&self, target: i64) -> i64 {
        let period = (unit_of(self.rule, target) - self.base).div_euclid(self.step());
        // SKIP=FORWARD moves a day into the next period.
        let early = i64::from(self.rule.skip == Skip::Forward);
        (period - early).max(0)
    }

    /// For the frequencies up to DAILY, which have one day (or less) in a period: the first period from
    /// `period` on that passes the limits; whole days, hours and minutes that do not are stepped over.
    fn next_passing_period(
        &self,
        mut period: i64,
        budget: &mut Budget,
    ) -> Result<Option<i64>, TooMuchWork> {
        let rule = self.rule;
        if rule.frequency == Frequency::Daily && self.has_day_limits {
            loop {
                let day = self.unit(period);
                if self.first_second_of(day) > self.until {
                    return Ok(None);
                }
                if day_passes(rule, day as i32) {
                    return Ok(Some(period));
                }
                budget.spend(1)?;
                period += 1;
            }
        }
        if rule.frequency >= Frequency::Daily {
            return Ok(Some(period));
        }
        loop {
            let second = self.unit(period);
            if second > self.until {
                return Ok(None);
            }
            let Some(next) = self.end_of_failing_span(second) else {
                return Ok(Some(period));
            };
            budget.spend(1)?;
            let step = self.step();
            period = (next - self.base + step - 1).div_euclid(step);
        }
    }

    /// Where the day, hour, minute or second around `second` that fails a limit ends; `None` if none fails.
    fn end_of_failing_span(&self, second: i64) -> Option<i64> {
        let rule = self.rule;
        let fails = |mask: u64, value: i64| mask != 0 && mask & 1 << value == 0;
        let day = second.div_euclid(SECONDS_OF_DAY);
        if self.has_day_limits && !day_passes(rule, day as i32) {
            return Some((day + 1) * SECONDS_OF_DAY);
        }
        let hour = second.div_euclid(SECONDS_OF_HOUR);
        if fails(u64::from(rule.by_hour), hour.rem_euclid(24)) {
            return Some((hour + 1) * SECONDS_OF_HOUR);
        }
        if rule.frequency == Frequency::Hourly {
            return None;
        }
        let minute = second.div_euclid(SECONDS_OF_MINUTE);
        if fails(rule.by_minute, minute.rem_euclid(60)) {
            return Some((minute + 1) * SECONDS_OF_MINUTE);
        }
        let is_secondly = rule.frequency == Frequency::Secondly;
        (is_secondly && fails(rule.by_second, second.rem_euclid(60))).then_some(second + 1)
    }
}

/// The year, month, week's first day, day, or begin of hour, minute or second, of a civil second.
fn unit_of(rule: &RecurrenceRule, second: i64) -> i64 {
    let day = second.div_euclid(SECONDS_OF_DAY);
    match rule.frequency {
        Frequency::Yearly if !rule.by_week_number.is_empty() => {
            i64::from(week_year_of_day(day as i32, rule.week_start))
        }
        Frequency::Yearly => i64::from(date_of_day(day as i32).0),
        Frequency::Monthly => {
            let (year, month, _) = date_of_day(day as i32);
            i64::from(year) * 12 + i64::from(month) - 1
        }
        Frequency::Weekly => {
            let weekday = weekday_of_day(day as i32);
            day - i64::from((weekday + 7 - rule.week_start) % 7)
        }
        Frequency::Daily => day,
        Frequency::Hourly => second - second.rem_euclid(SECONDS_OF_HOUR),
        Frequency::Minutely => second - second.rem_euclid(SECONDS_OF_MINUTE),
        Frequency::Secondly => second,
    }
}

/// Whether every period has the same number of occurrences, so that they need not be counted one by one.
fn is_uniform(rule: &RecurrenceRule, has_day_limits: bool) -> bool {
    let has_time_limits = rule.by_hour != 0 || rule.by_minute != 0 || rule.by_second != 0;
    match rule.frequency {
        Frequency::Yearly | Frequency::Monthly => false,
        Frequency::Weekly => {
            rule.by_month == 0
                && rule.by_month_day.is_empty()
                && rule.by_year_day.is_empty()
                && rule.by_week_number.is_empty()
        }
        Frequency::Daily => !has_day_limits,
        _ => !has_day_limits && !has_time_limits,
    }
}
