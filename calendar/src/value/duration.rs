//! DURATION (RFC 5545 §3.3.6).

use std::fmt;
use std::str::FromStr;

use super::ValueError;

/// A larger number in one field is cut to this one: some 270,000 years, far beyond any calendar.
const MAXIMUM_FIELD: u64 = 100_000_000;

/// A DURATION: days and weeks are nominal (a day is from noon to noon, however long that takes),
/// hours, minutes and seconds are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    /// Nominal days; a week is seven. Of the same sign as `seconds`.
    pub days: i64,
    /// Exact seconds. Of the same sign as `days`.
    pub seconds: i64,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration {
        days: 0,
        seconds: 0,
    };

    /// A duration of nominal days.
    #[must_use]
    pub const fn days(days: i64) -> Duration {
        Duration { days, seconds: 0 }
    }

    /// A duration of exact seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Duration {
        Duration { days: 0, seconds }
    }

    /// Whether it goes forward at all.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.days > 0 || (self.days == 0 && self.seconds > 0)
    }

    /// The duration in seconds, every day being 24 hours.
    #[must_use]
    pub fn nominal_seconds(&self) -> i64 {
        self.days
            .saturating_mul(86_400)
            .saturating_add(self.seconds)
    }

    /// The duration `times` over.
    #[must_use]
    pub fn times(&self, times: i64) -> Duration {
        Duration {
            days: self.days.saturating_mul(times),
            seconds: self.seconds.saturating_mul(times),
        }
    }
}

impl FromStr for Duration {
    type Err = ValueError;

    /// Reads a duration. Beyond the RFC: lower case, weeks beside other fields, fields left out
    /// (`PT1H30S`), a bare `PT`.
    fn from_str(text: &str) -> Result<Duration, ValueError> {
        read(text.trim()).ok_or_else(|| ValueError::new("DURATION", text))
    }
}

fn read(text: &str) -> Option<Duration> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut rest = rest.strip_prefix(['P', 'p'])?;
    let mut duration = Duration::ZERO;
    let mut in_time = false;
    // The fields come in this order, each at most once.
    let mut last_field = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix(['T', 't']) {
            if in_time {
                return None;
            }
            in_time = true;
            rest = time;
            continue;
        }
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(length)?;
        if number.is_empty() {
            return None;
        }
        let number = number.parse().unwrap_or(MAXIMUM_FIELD).min(MAXIMUM_FIELD) as i64;
        let (field, days, seconds) = match (in_time, tail.as_bytes().first()?) {
            (false, b'W' | b'w') => (1, number * 7, 0),
            (false, b'D' | b'd') => (2, number, 0),
            (true, b'H' | b'h') => (3, 0, number * 3_600),
            (true, b'M' | b'm') => (4, 0, number * 60),
            (true, b'S' | b's') => (5, 0, number),
            _ => return None,
        };
        if field <= last_field {
            return None;
        }
        last_field = field;
        duration.days += days;
        duration.seconds += seconds;
        rest = &tail[1..];
    }
    Some(if negative {
        duration.times(-1)
    } else {
        duration
    })
}

/// Prints the shortest right form; the weeks of `P2W` come back as weeks.
impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days < 0 || self.seconds < 0 {
            out.write_str("-")?;
        }
        out.write_str("P")?;
        let (days, seconds) = (self.days.unsigned_abs(), self.seconds.unsigned_abs());
        if seconds == 0 && days != 0 && days % 7 == 0 {
            return write!(out, "{}W", days / 7);
        }
        if days != 0 {
            write!(out, "{days}D")?;
        }
        if seconds == 0 {
            return if days == 0 {
                out.write_str("T0S")
            } else {
                Ok(())
            };
        }
        out.write_str("T")?;
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        if hours != 0 {
            write!(out, "{hours}H")?;
        }
        // The grammar has no seconds directly behind hours.
        if minutes != 0 || (hours != 0 && seconds != 0) {
            write!(out, "{minutes}M")?;
        }
        if seconds != 0 {
            write!(out, "{seconds}S")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 5545 §3.3.6.
    #[test]
    fn durations_are_read_and_printed() {
        for (text, days, seconds, printed) in [
            ("P15DT5H0M20S", 15, 18_020, "P15DT5H0M20S"),
            ("P7W", 49, 0, "P7W"),
            ("-PT15M", 0, -900, "-PT15M"),
            ("+PT10M", 0, 600, "PT10M"),
            ("P1DT0H0M0S", 1, 0, "P1D"),
            ("PT0S", 0, 0, "PT0S"),
            ("-P1DT1H", -1, -3_600, "-P1DT1H"),
            ("PT36H", 0, 129_600, "PT36H"),
            ("PT90S", 0, 90, "PT1M30S"),
            // Beyond the RFC.
            ("pt1h30s", 0, 3_630, "PT1H0M30S"),
            ("P1W2D", 9, 0, "P9D"),
            ("PT", 0, 0, "PT0S"),
            ("P99999999999999999999D", 100_000_000, 0, "P100000000D"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!((duration.days, duration.seconds), (days, seconds), "{text}");
            assert_eq!(duration.to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "P", "-", "1D", "P1", "P1H", "PT1D", "PT1H2H", "P1D1W", "PTT1H", "PT1.5H", "P-1D",
            "PéD", "PT1é",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
