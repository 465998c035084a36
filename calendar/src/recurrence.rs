//! Recurrence rules (RFC 5545 §3.3.10, RFC 7529): reading them and working them out.
//!
//! The engine works in civil time, as the RFC does: a rule says what wall clocks show, and a time zone
//! enters only when an occurrence becomes an instant. It finds a place in the series by arithmetic
//! ([`Occurrences::seek`]), never by walking there from DTSTART (except to count for COUNT, where
//! periods differ in size), and everything it does is paid from a [`Budget`].
//!
//! Where RFC 5545 leaves the meaning open:
//!
//! - DTSTART is always the first occurrence, and counts, even if the rule would not yield it ("The
//!   DTSTART property value always counts as the first occurrence", §3.3.10). So COUNT=0 is COUNT=1,
//!   and an UNTIL before DTSTART leaves DTSTART alone.
//! - BYxxx parts that the table marks "N/A" for a frequency limit it; numbers before weekdays are dropped
//!   where they have no meaning.
//! - The weeks of BYWEEKNO belong to their week-numbering year, wherever January 1 falls. BYWEEKNO without
//!   a day takes the weekday of DTSTART.
//! - A rule for a DATE ignores BYHOUR, BYMINUTE and BYSECOND (§3.3.10).
//! - Nothing recurs after the year 9999, the last that a DATE can name.
//! - An occurrence that falls into a gap of its zone is moved, as an explicit value would be (§3.3.5); the
//!   zone's rules are no matter of this module.
//!
//! Not implemented: RSCALE other than GREGORIAN, which is refused when an object is stored
//! ([`mod@crate::check`]) and when the rule is read.

mod budget;
mod expand;
pub(crate) mod gregorian;
mod iterate;
mod limit;
mod parse;
mod period_set;
mod rule;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod rfc_examples;
#[cfg(test)]
mod tests;

pub use budget::{Budget, DEFAULT_WORK, TooMuchWork};
pub use iterate::Occurrences;
pub use parse::{RuleError, SUPPORTED_SCALES, Scale, scale_of};
pub use rule::{Frequency, NumberedWeekday, RecurrenceRule, Skip};
