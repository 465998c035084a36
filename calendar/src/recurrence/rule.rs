//! A recurrence rule as a value.

use crate::value::DateOrDateTime;

/// How long the period of a rule is (RFC 5545 §3.3.10, FREQ).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// Every second.
    Secondly,
    /// Every minute.
    Minutely,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// What becomes of a date that does not exist (RFC 7529 §4.1, SKIP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Skip {
    /// It is left out, as RFC 5545 says.
    #[default]
    Omit,
    /// The valid day before it.
    Backward,
    /// The valid day after it.
    Forward,
}

/// A weekday, with the number that `BYDAY=-1SU` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedWeekday {
    /// Which of them in the month or year, from the end if negative; `None` means all.
    pub ordinal: Option<i8>,
    /// 0 is Monday.
    pub weekday: u8,
}

/// One RRULE value (RFC 5545 §3.3.10; RSCALE=GREGORIAN and SKIP of RFC 7529).
///
/// A list that the rule does not have is empty (or a mask of 0).
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrenceRule {
    /// FREQ.
    pub frequency: Frequency,
    /// INTERVAL, at least 1.
    pub interval: u32,
    /// COUNT.
    pub count: Option<u64>,
    /// UNTIL, in the form it was written.
    pub until: Option<DateOrDateTime>,
    /// BYSECOND: bit n is second n.
    pub by_second: u64,
    /// BYMINUTE: bit n is minute n.
    pub by_minute: u64,
    /// BYHOUR: bit n is hour n.
    pub by_hour: u32,
    /// BYDAY.
    pub by_day: Vec<NumberedWeekday>,
    /// BYMONTHDAY, ±1 to ±31.
    pub by_month_day: Vec<i8>,
    /// BYYEARDAY, ±1 to ±366.
    pub by_year_day: Vec<i16>,
    /// BYWEEKNO, ±1 to ±53.
    pub by_week_number: Vec<i8>,
    /// BYMONTH: bit n is month n.
    pub by_month: u16,
    /// BYSETPOS, ±1 to ±366.
    pub by_set_position: Vec<i16>,
    /// WKST, 0 is Monday.
    pub week_start: u8,
    /// SKIP.
    pub skip: Skip,
}

impl RecurrenceRule {
    /// A rule of nothing but a frequency: every period, forever.
    #[must_use]
    pub fn every(frequency: Frequency) -> RecurrenceRule {
        RecurrenceRule {
            frequency,
            interval: 1,
            count: None,
            until: None,
            by_second: 0,
            by_minute: 0,
            by_hour: 0,
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_number: Vec::new(),
            by_month: 0,
            by_set_position: Vec::new(),
            week_start: 0,
            skip: Skip::Omit,
        }
    }

    /// Whether neither COUNT nor UNTIL ends the rule.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.count.is_none() && self.until.is_none()
    }
}
