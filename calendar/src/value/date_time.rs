//! DATE and DATE-TIME (RFC 5545 §3.3.4, §3.3.5).

use std::fmt;
use std::sync::Arc;

use jiff::civil;

use super::{ValueError, digits};

/// What a DATE-TIME's wall clock refers to (RFC 5545 §3.3.5, forms 1 to 3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Form {
    /// Form 1: the same wall-clock time wherever the reader is.
    Floating,
    /// Form 2: UTC.
    Utc,
    /// Form 3: the zone that the TZID parameter names. The name is shared, so copies are cheap.
    Zoned(Arc<str>),
}

/// A DATE-TIME: a wall-clock time and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The wall-clock time, in whole seconds.
    pub civil: civil::DateTime,
    /// What the wall clock refers to.
    pub form: Form,
}

/// A value that may be of either type, like DTSTART's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DateOrDateTime {
    /// A DATE: a whole day, always floating.
    Date(civil::Date),
    /// A DATE-TIME.
    DateTime(DateTime),
}

impl DateTime {
    /// Reads a DATE-TIME value; `time_zone_id` is its property's TZID parameter.
    ///
    /// A `Z` beats the parameter. A numeric offset (`+0100`), which RFC 5545 forbids and some clients
    /// write, makes a UTC time. A second of 60 is the 59th (RFC 5545 §3.3.12).
    ///
    /// # Errors
    /// If the text is no date with a time.
    pub fn parse(text: &str, time_zone_id: Option<&str>) -> Result<DateTime, ValueError> {
        match DateOrDateTime::parse(text, time_zone_id)? {
            DateOrDateTime::DateTime(value) => Ok(value),
            DateOrDateTime::Date(_) => Err(ValueError::new("DATE-TIME", text)),
        }
    }

    /// A time in UTC.
    #[must_use]
    pub fn utc(civil: civil::DateTime) -> DateTime {
        DateTime {
            civil,
            form: Form::Utc,
        }
    }

    /// A floating time.
    #[must_use]
    pub fn floating(civil: civil::DateTime) -> DateTime {
        DateTime {
            civil,
            form: Form::Floating,
        }
    }

    /// The time zone identifier, if the value has one.
    #[must_use]
    pub fn time_zone_id(&self) -> Option<&str> {
        match &self.form {
            Form::Zoned(id) => Some(id),
            _ => None,
        }
    }
}

impl DateOrDateTime {
    /// Reads a DATE or DATE-TIME by its shape; `time_zone_id` is the property's TZID parameter. The
    /// VALUE parameter is not asked: it is missing or wrong too often, and the shape never is.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str, time_zone_id: Option<&str>) -> Result<DateOrDateTime, ValueError> {
        read(text.trim(), time_zone_id).ok_or_else(|| ValueError::new("DATE or DATE-TIME", text))
    }

    /// Whether it is a DATE.
    #[must_use]
    pub fn is_date(&self) -> bool {
        matches!(self, DateOrDateTime::Date(_))
    }

    /// The day on its own wall clock.
    #[must_use]
    pub fn date(&self) -> civil::Date {
        match self {
            DateOrDateTime::Date(date) => *date,
            DateOrDateTime::DateTime(value) => value.civil.date(),
        }
    }

    /// The wall-clock time; a DATE's is midnight.
    #[must_use]
    pub fn civil(&self) -> civil::DateTime {
        match self {
            DateOrDateTime::Date(date) => date.to_datetime(civil::Time::midnight()),
            DateOrDateTime::DateTime(value) => value.civil,
        }
    }

    /// The time zone identifier, if the value has one.
    #[must_use]
    pub fn time_zone_id(&self) -> Option<&str> {
        match self {
            DateOrDateTime::Date(_) => None,
            DateOrDateTime::DateTime(value) => value.time_zone_id(),
        }
    }
}

impl From<DateTime> for DateOrDateTime {
    fn from(value: DateTime) -> DateOrDateTime {
        DateOrDateTime::DateTime(value)
    }
}

impl From<civil::Date> for DateOrDateTime {
    fn from(date: civil::Date) -> DateOrDateTime {
        DateOrDateTime::Date(date)
    }
}

/// Prints the value as it stands behind the colon; the TZID belongs to the property's parameters.
impl fmt::Display for DateTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.civil.date(), self.civil.time());
        let mut text = *b"00000000T000000Z";
        put_date(&mut text, date);
        put_digits(&mut text[9..11], time.hour().unsigned_abs().into());
        put_digits(&mut text[11..13], time.minute().unsigned_abs().into());
        put_digits(&mut text[13..15], time.second().unsigned_abs().into());
        let length = text.len() - usize::from(self.form != Form::Utc);
        print_ascii(&text[..length], out)
    }
}

/// Prints the value as it stands behind the colon; TZID and VALUE belong to the property's parameters.
impl fmt::Display for DateOrDateTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DateOrDateTime::Date(date) => print_date(*date, out),
            DateOrDateTime::DateTime(value) => value.fmt(out),
        }
    }
}

fn print_date(date: civil::Date, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = *b"00000000";
    put_date(&mut text, date);
    print_ascii(&text, out)
}

fn put_date(text: &mut [u8], date: civil::Date) {
    put_digits(&mut text[..4], date.year().max(0).unsigned_abs());
    put_digits(&mut text[4..6], date.month().unsigned_abs().into());
    put_digits(&mut text[6..8], date.day().unsigned_abs().into());
}

/// Writes a number over digits, from the last one on. (Dates are printed by the thousand, and the formatter's
/// numbers were a third of the cost of an expanded instance's dates.)
fn put_digits(text: &mut [u8], mut number: u16) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn print_ascii(text: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

fn read(text: &str, time_zone_id: Option<&str>) -> Option<DateOrDateTime> {
    let (date, rest) = read_date(text)?;
    if rest.is_empty() {
        return Some(DateOrDateTime::Date(date));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = read_time(rest)?;
    let civil = match time {
        TimeOfDay::Within(time) => date.to_datetime(time),
        TimeOfDay::End => date.tomorrow().ok()?.to_datetime(civil::Time::midnight()),
    };
    let value = match rest {
        "" => DateTime {
            civil,
            form: time_zone_id.map_or(Form::Floating, |id| Form::Zoned(id.into())),
        },
        "Z" | "z" => DateTime::utc(civil),
        offset => {
            let offset: super::UtcOffset = offset.parse().ok()?;
            let back = jiff::SignedDuration::from_secs(-i64::from(offset.seconds()));
            DateTime::utc(civil.checked_add(back).ok()?)
        }
    };
    Some(DateOrDateTime::DateTime(value))
}

/// `YYYYMMDD` or `YYYY-MM-DD`.
fn read_date(text: &str) -> Option<(civil::Date, &str)> {
    let (year, month, day, rest) = match digits(text, 8) {
        Some((number, rest)) => (number / 10_000, number / 100 % 100, number % 100, rest),
        None => {
            let (year, rest) = digits(text, 4)?;
            let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
            let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
            (year, month, day, rest)
        }
    };
    let date = civil::Date::new(year as i16, month as i8, day as i8).ok()?;
    Some((date, rest))
}

/// A time as it may be written beside a date.
enum TimeOfDay {
    Within(civil::Time),
    /// 24:00:00 (ISO 8601), which some clients write for an end.
    End,
}

/// `HHMMSS`, `HHMM`, with colons, with a fraction (dropped).
fn read_time(text: &str) -> Option<(TimeOfDay, &str)> {
    let (hour, minute, second, rest) = match digits(text, 6) {
        Some((number, rest)) => (number / 10_000, number / 100 % 100, number % 100, rest),
        None => {
            let colon = |rest: &'_ str| usize::from(rest.starts_with(':'));
            let (hour, rest) = digits(text, 2)?;
            let (minute, rest) = digits(&rest[colon(rest)..], 2)?;
            let (second, rest) = digits(&rest[colon(rest)..], 2).unwrap_or((0, rest));
            (hour, minute, second, rest)
        }
    };
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    if (hour, minute, second) == (24, 0, 0) {
        return Some((TimeOfDay::End, rest));
    }
    if second > 60 {
        return None;
    }
    let time = civil::Time::new(hour as i8, minute as i8, second.min(59) as i8, 0).ok()?;
    Some((TimeOfDay::Within(time), rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str, zone: Option<&str>) -> String {
        match DateOrDateTime::parse(text, zone) {
            Ok(value) => match value.time_zone_id() {
                Some(id) => format!("{id}:{value}"),
                None => value.to_string(),
            },
            Err(_) => "refused".to_owned(),
        }
    }

    /// RFC 5545 §3.3.4 and §3.3.5.
    #[test]
    fn dates_and_times_are_read_by_shape() {
        for (text, zone, expected) in [
            ("19970714", None, "19970714"),
            ("19980118T230000", None, "19980118T230000"),
            ("19980119T070000Z", None, "19980119T070000Z"),
            ("19980119T020000", Some("A/B"), "A/B:19980119T020000"),
            ("19980119T020000Z", Some("A/B"), "19980119T020000Z"),
            ("19970714", Some("A/B"), "19970714"),
            ("19970630T235960Z", None, "19970630T235959Z"),
            // What clients write beyond the RFC.
            ("19980119t070000z", None, "19980119T070000Z"),
            ("1998-01-19T07:00:00Z", None, "19980119T070000Z"),
            ("1998-01-19", None, "19980119"),
            ("19980119T0700", None, "19980119T070000"),
            ("19980119T070000.000Z", None, "19980119T070000Z"),
            ("19980119T070000+0130", None, "19980119T053000Z"),
            ("19980119T240000", None, "19980120T000000"),
            (" 19980119T070000Z ", None, "19980119T070000Z"),
            // Nonsense.
            ("", None, "refused"),
            ("1998", None, "refused"),
            ("19980230", None, "refused"),
            ("19980119T250000", None, "refused"),
            ("19980119T0760", None, "refused"),
            ("19980119T24:00:01", None, "refused"),
            ("1998-0119", None, "refused"),
            ("199801-19", None, "refused"),
            ("1998-01-19T0700:00Z", None, "19980119T070000Z"),
            ("19980119T07:0000", None, "19980119T070000"),
            ("19980119T070000X", None, "refused"),
            ("19980119T07é000", None, "refused"),
            ("９９９９0101", None, "refused"),
            ("+9980119", None, "refused"),
            ("99991231T240000", None, "refused"),
        ] {
            assert_eq!(shown(text, zone), expected, "{text}");
        }
    }

    /// The day and the time of day make the time that so many seconds after midnight is.
    #[test]
    fn times_of_day_are_seconds_of_the_day() {
        let midnight = civil::date(2026, 12, 31).at(0, 0, 0, 0);
        for second in (0..86_400).step_by(59).chain([86_399, 86_400]) {
            let (hour, minute) = (second / 3_600, second / 60 % 60);
            let text = format!("20261231T{hour:02}{minute:02}{:02}", second % 60);
            let expected = midnight + jiff::SignedDuration::from_secs(second);
            assert_eq!(
                DateTime::parse(&text, None).unwrap(),
                DateTime::floating(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_date_is_no_date_time() {
        assert!(DateTime::parse("19980119", None).is_err());
        assert_eq!(
            DateTime::parse("00010203T040506", None)
                .unwrap()
                .to_string(),
            "00010203T040506"
        );
    }
}
