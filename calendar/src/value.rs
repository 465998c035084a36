//! The value types of RFC 5545 §3.3 that are about time: read and printed.
//!
//! Reading is tolerant of what clients really write (lower case, ISO 8601's extended form, missing
//! seconds, offsets); printing is strict. TEXT and its escapes belong to the object model.

mod date_time;
mod duration;
mod period;
mod property;
mod utc_offset;

pub use date_time::{DateOrDateTime, DateTime, Form};
pub use duration::Duration;
pub use jiff::civil::Date;
pub use period::{Period, PeriodEnd};
pub use property::{
    RecurrenceDate, date_in, date_of, dates_of, duration_in, periods_of, recurrence_dates_of,
};
pub use utc_offset::UtcOffset;

use thiserror::Error;

/// A text that is not a value of its type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no {expected}")]
pub struct ValueError {
    /// The value type, in the RFC's word.
    pub expected: &'static str,
    /// What was there, cut to a length that suits a message.
    pub text: String,
}

impl ValueError {
    fn new(expected: &'static str, text: &str) -> ValueError {
        const SHOWN: usize = 80;
        ValueError {
            expected,
            text: text.chars().take(SHOWN).collect(),
        }
    }
}

/// The number that `count` ASCII digits at the start of `text` make, and what follows them.
fn digits(text: &str, count: usize) -> Option<(i32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let number = digits.bytes().try_fold(0, |number: i32, byte| {
        let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some((number, rest))
}
