//! UTC-OFFSET (RFC 5545 §3.3.14).

use std::fmt;
use std::str::FromStr;

use super::{ValueError, digits};

/// The seconds that local time is ahead of UTC, less than a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcOffset(i32);

impl UtcOffset {
    /// The longest offset: a second less than a day.
    const LONGEST: i32 = 86_399;

    /// From the seconds that local time is ahead of UTC; less than a day.
    #[must_use]
    pub fn from_seconds(seconds: i32) -> UtcOffset {
        UtcOffset(seconds.clamp(-UtcOffset::LONGEST, UtcOffset::LONGEST))
    }

    /// The seconds that local time is ahead of UTC; negative west of Greenwich.
    #[must_use]
    pub fn seconds(self) -> i32 {
        self.0
    }
}

impl FromStr for UtcOffset {
    type Err = ValueError;

    /// Reads an offset. Beyond the RFC: colons, hours alone, a missing sign (east), `-0000`.
    fn from_str(text: &str) -> Result<UtcOffset, ValueError> {
        read(text.trim()).ok_or_else(|| ValueError::new("UTC-OFFSET", text))
    }
}

fn read(text: &str) -> Option<UtcOffset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, mut rest) = digits(rest, 2)?;
    let mut parts = [0; 2];
    for part in &mut parts {
        if rest.is_empty() {
            break;
        }
        (*part, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    }
    let [minutes, seconds] = parts;
    let valid = rest.is_empty() && hours < 24 && minutes < 60 && seconds < 60;
    valid.then_some(UtcOffset(sign * (hours * 3_600 + minutes * 60 + seconds)))
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let (hours, minutes, seconds) = {
            let total = self.0.unsigned_abs();
            (total / 3_600, total / 60 % 60, total % 60)
        };
        write!(out, "{sign}{hours:02}{minutes:02}")?;
        if seconds != 0 {
            write!(out, "{seconds:02}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 5545 §3.3.14.
    #[test]
    fn offsets_are_read_and_printed() {
        for (text, seconds, printed) in [
            ("-0500", -18_000, "-0500"),
            ("+0100", 3_600, "+0100"),
            ("+013045", 5_445, "+013045"),
            ("-0000", 0, "+0000"),
            ("+05:30", 19_800, "+0530"),
            ("0100", 3_600, "+0100"),
            ("+01", 3_600, "+0100"),
        ] {
            let offset: UtcOffset = text.parse().unwrap();
            assert_eq!(
                (offset.seconds(), offset.to_string().as_str()),
                (seconds, printed)
            );
        }
        for text in [
            "",
            "+",
            "+2400",
            "+0160",
            "+1",
            "+010",
            "Z",
            "+01000000",
            "+é00",
        ] {
            assert!(text.parse::<UtcOffset>().is_err(), "{text}");
        }
    }
}
