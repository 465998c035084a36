//! Interpreting a VTIMEZONE (RFC 5545 §3.6.5), for zones that no database knows.
//!
//! Each STANDARD and DAYLIGHT says from when on which offset is observed. The offset at an instant is that
//! of the observance whose onset is the latest not after it; before the first onset it is the offset that
//! the first onset comes from. An onset is local time in the offset it comes from.
//!
//! The onsets of the years that calendars are about stand in a table; further away they are worked out.
//! Everything is bounded: a hostile zone is wrong, never slow.

use crate::object::Component;
use crate::recurrence::gregorian::civil_seconds;
use crate::recurrence::{Budget, Frequency, Occurrences, RecurrenceRule, TooMuchWork};
use crate::value::{DateOrDateTime, DateTime, Form, Period, UtcOffset};

/// 1968-01-01 and 2040-01-01: the years of the table, with two in front so that the onset before 1970 is
/// in it.
const TABLE: std::ops::Range<i64> = -63_158_400..2_208_988_800;
/// 1970-01-01: from here on the table is complete.
const TABLE_COMPLETE_FROM: i64 = 0;
/// Observances of one zone that are looked at; the longest history in the IANA database has some 240.
const MAXIMUM_OBSERVANCES: usize = 1_000;
/// The work of reading one zone.
const WORK_OF_READING: u32 = 20_000;
/// The work of one look beyond the table, for all rules together; a usual zone takes a dozen steps.
const WORK_OF_LOOKING: u32 = 500;
/// Rules without an end in one zone; real ones have two.
const MAXIMUM_ENDLESS_RULES: usize = 16;
const SECONDS_OF_DAY: i64 = 86_400;

/// A change of the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Onset {
    /// The instant, in seconds since 1970.
    at: i64,
    before: i64,
    after: i64,
}

/// A rule of an observance, with what it changes.
#[derive(Debug)]
struct ObservanceRule {
    rule: RecurrenceRule,
    start: jiff::civil::DateTime,
    before: i64,
    after: i64,
}

/// A zone as its VTIMEZONE describes it.
#[derive(Debug)]
pub struct ObservedZone {
    /// In order of time.
    onsets: Vec<Onset>,
    endless: Vec<ObservanceRule>,
}

impl ObservedZone {
    /// Reads a VTIMEZONE; `None` if it has no usable observance.
    #[must_use]
    pub fn of(vtimezone: &Component) -> Option<ObservedZone> {
        let mut zone = ObservedZone {
            onsets: Vec::new(),
            endless: Vec::new(),
        };
        let mut budget = Budget::new(WORK_OF_READING);
        vtimezone
            .components()
            .filter(|component| component.is("STANDARD") || component.is("DAYLIGHT"))
            .take(MAXIMUM_OBSERVANCES)
            .for_each(|observance| zone.add_observance(observance, &mut budget));
        zone.onsets.sort_unstable();
        zone.onsets.dedup();
        (!zone.onsets.is_empty()).then_some(zone)
    }

    fn add_observance(&mut self, observance: &Component, budget: &mut Budget) {
        let offset = |name| -> Option<i64> {
            let offset: UtcOffset = observance.raw_value(name)?.parse().ok()?;
            Some(i64::from(offset.seconds()))
        };
        let start = observance
            .raw_value("DTSTART")
            .and_then(|value| DateOrDateTime::parse(value, None).ok());
        let (Some(start), Some(after)) = (start, offset("TZOFFSETTO")) else {
            return;
        };
        let before = offset("TZOFFSETFROM").unwrap_or(after);
        let start = start.civil();
        self.add_onset(civil_seconds(start), before, after);
        for dates in observance.properties_named("RDATE") {
            for date in dates.raw_value().split(',') {
                if let Some(civil) = onset_of_rdate(date, before) {
                    self.add_onset(civil, before, after);
                }
            }
        }
        for rule in observance.properties_named("RRULE") {
            if let Ok(rule) = rule.raw_value().parse() {
                let rule = ObservanceRule {
                    rule,
                    start,
                    before,
                    after,
                };
                // A rule that is too much work is one that no zone has.
                let _ = self.add_rule(rule, budget);
            }
        }
    }

    fn add_onset(&mut self, civil: i64, before: i64, after: i64) {
        self.onsets.push(Onset {
            at: civil - before,
            before,
            after,
        });
    }

    /// The onsets of a rule: all that a bounded one has before the table ends, those of the table otherwise.
    fn add_rule(&mut self, rule: ObservanceRule, budget: &mut Budget) -> Result<(), TooMuchWork> {
        let mut occurrences = rule.occurrences();
        if rule.rule.is_endless() {
            occurrences = occurrences.ending_at(TABLE.end - 1);
            occurrences.seek_second(TABLE.start, budget)?;
        }
        while let Some(civil) = occurrences.next_second(budget)? {
            self.add_onset(civil, rule.before, rule.after);
        }
        if rule.rule.is_endless() && self.endless.len() < MAXIMUM_ENDLESS_RULES {
            self.endless.push(rule);
        }
        Ok(())
    }

    /// The seconds that local time is ahead of UTC at an instant in seconds since 1970.
    pub(super) fn offset_at(&self, instant: i64) -> i64 {
        let known = self.onsets.partition_point(|onset| onset.at <= instant);
        let mut latest = known.checked_sub(1).map(|index| self.onsets[index]);
        let in_table = (TABLE_COMPLETE_FROM..TABLE.end).contains(&instant);
        if !in_table {
            let mut budget = Budget::new(WORK_OF_LOOKING);
            for rule in &self.endless {
                latest = latest.max(rule.latest_onset(instant, &mut budget));
            }
        }
        match latest {
            Some(onset) => onset.after,
            None => self.onsets.first().map_or(0, |onset| onset.before),
        }
    }

    /// The instant, in seconds since 1970, at which local time is `civil`.
    ///
    /// In a gap as in an overlap the offset before it counts (RFC 5545 §3.3.5).
    pub(super) fn instant_of(&self, civil: i64) -> i64 {
        let before = self.offset_at(civil - SECONDS_OF_DAY);
        let early = civil - before;
        let there = self.offset_at(early);
        if there == before {
            return early;
        }
        let late = civil - there;
        if self.offset_at(late) == there {
            late
        } else {
            early
        }
    }
}

impl ObservanceRule {
    fn occurrences(&self) -> Occurrences<'_> {
        let until = self.rule.until.as_ref().map(|until| match until {
            // UNTIL is in UTC here (RFC 5545 §3.3.10).
            DateOrDateTime::DateTime(DateTime {
                civil,
                form: Form::Utc,
            }) => civil.saturating_add(jiff::SignedDuration::from_secs(self.before)),
            DateOrDateTime::DateTime(local) => local.civil,
            DateOrDateTime::Date(date) => date.at(23, 59, 59, 0),
        });
        Occurrences::new(&self.rule, self.start, until, false)
    }

    /// The latest onset that is not after the instant.
    fn latest_onset(&self, instant: i64, budget: &mut Budget) -> Option<Onset> {
        let latest = self
            .latest_occurrence(instant + self.before, budget)
            .ok()
            .flatten()?;
        Some(Onset {
            at: latest - self.before,
            before: self.before,
            after: self.after,
        })
    }

    /// The latest occurrence that is not after a local time: looked for in one period before it, then in
    /// ever longer spans, up to DTSTART.
    fn latest_occurrence(
        &self,
        civil: i64,
        budget: &mut Budget,
    ) -> Result<Option<i64>, TooMuchWork> {
        let start = civil_seconds(self.start);
        if civil < start {
            return Ok(None);
        }
        let mut span = i64::from(self.rule.interval).saturating_mul(match self.rule.frequency {
            Frequency::Yearly => 366 * SECONDS_OF_DAY,
            Frequency::Monthly => 31 * SECONDS_OF_DAY,
            Frequency::Weekly => 7 * SECONDS_OF_DAY,
            _ => SECONDS_OF_DAY,
        });
        loop {
            let mut latest = None;
            let mut occurrences = self.occurrences().ending_at(civil);
            occurrences.seek_second(civil.saturating_sub(span), budget)?;
            while let Some(next) = occurrences.next_second(budget)? {
                latest = Some(next);
            }
            if latest.is_some() || civil.saturating_sub(span) <= start {
                return Ok(latest);
            }
            span = span.saturating_mul(4);
        }
    }
}

/// An RDATE of an observance, in local time; some write it in UTC, or as a PERIOD.
fn onset_of_rdate(text: &str, before: i64) -> Option<i64> {
    let value = match Period::parse(text, None) {
        Ok(period) => DateOrDateTime::DateTime(period.start),
        Err(_) => DateOrDateTime::parse(text, None).ok()?,
    };
    let is_utc = matches!(&value, DateOrDateTime::DateTime(value) if value.form == Form::Utc);
    Some(civil_seconds(value.civil()) + if is_utc { before } else { 0 })
}
