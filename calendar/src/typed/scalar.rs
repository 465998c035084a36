//! Single values from iCalendar's form to that of jCal and xCal, and back. Both ways leave alone what is
//! not of its type.

use std::borrow::Cow;

use super::Syntax;
use crate::text;

/// A number that JSON can carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    /// Reads an INTEGER or FLOAT (RFC 5545 §3.3.7, §3.3.8); `None` for what is neither, or is too large
    /// to come back.
    pub fn parse(raw: &str) -> Option<Number> {
        let digits = raw.strip_prefix(['+', '-']).unwrap_or(raw);
        let all_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        if all_digits(digits) {
            return raw.parse().ok().map(Number::Integer);
        }
        let (whole, fraction) = digits.split_once('.')?;
        // What a double holds without loss.
        const DIGITS: usize = 15;
        let held = all_digits(whole) && all_digits(fraction) && digits.len() <= DIGITS + 1;
        held.then(|| raw.parse().ok().map(Number::Float)).flatten()
    }

    /// As an integer where it is one: a fraction of zero says nothing (RFC 7265 §3.6.8).
    pub fn whole(self) -> Number {
        match self {
            // As many digits as are held fit.
            Number::Float(number) if number.fract() == 0.0 => Number::Integer(number as i64),
            number => number,
        }
    }
}

/// The text of a number from JSON; iCalendar knows no exponents.
pub(crate) fn print_float(number: f64) -> String {
    let short = format!("{number:?}");
    match short.contains('e') {
        true => format!("{number}"),
        false => short,
    }
}

/// Whether a text is this pattern: `d` is a digit, everything else itself.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(octet, wanted)| match wanted {
                b'd' => octet.is_ascii_digit(),
                _ => octet == wanted,
            })
}

/// Whether a value in iCalendar's form is a DATE.
pub(crate) fn is_date(raw: &str) -> bool {
    is_like(raw, "dddddddd")
}

/// Whether a value in iCalendar's form is a DATE-TIME.
pub(crate) fn is_date_time(raw: &str) -> bool {
    is_like(raw.strip_suffix('Z').unwrap_or(raw), "ddddddddTdddddd")
}

/// Whether a value is a DURATION, as far as its beginning tells.
pub(crate) fn is_duration(raw: &str) -> bool {
    raw.strip_prefix(['+', '-'])
        .unwrap_or(raw)
        .starts_with(['P', 'p'])
}

/// Whether a value in iCalendar's form is a PERIOD.
pub(crate) fn is_period(raw: &str) -> bool {
    raw.split_once('/')
        .is_some_and(|(start, end)| is_date_time(start) && (is_date_time(end) || is_duration(end)))
}

fn extended_date(raw: &str) -> String {
    [&raw[..4], &raw[4..6], &raw[6..8]].join("-")
}

fn extended_time(raw: &str) -> String {
    [&raw[..2], &raw[2..4], &raw[4..]].join(":")
}

/// `20260301T143000Z` to `2026-03-01T14:30:00Z` (RFC 7265 §3.6.4, §3.6.5).
pub(crate) fn extended_moment(raw: &str) -> Cow<'_, str> {
    if is_date(raw) {
        Cow::Owned(extended_date(raw))
    } else if is_date_time(raw) {
        Cow::Owned([&extended_date(raw), "T", &extended_time(&raw[9..])].concat())
    } else {
        Cow::Borrowed(raw)
    }
}

/// The form of a value other than a period, a rule, a number and a boolean.
pub(crate) fn extended(syntax: Syntax, raw: &str) -> Cow<'_, str> {
    match syntax {
        Syntax::Text => text::unescape(raw),
        Syntax::Date => extended_moment(raw),
        // RFC 7265 §3.6.12
        Syntax::Time if is_like(raw.strip_suffix('Z').unwrap_or(raw), "dddddd") => {
            Cow::Owned(extended_time(raw))
        }
        // RFC 7265 §3.6.14
        Syntax::UtcOffset => extended_offset(raw),
        Syntax::Binary => basic(syntax, raw),
        _ => Cow::Borrowed(raw),
    }
}

fn extended_offset(raw: &str) -> Cow<'_, str> {
    let digits = raw.strip_prefix(['+', '-']);
    match digits {
        Some(digits) if is_like(digits, "dddd") => Cow::Owned([&raw[..3], ":", &raw[3..]].concat()),
        Some(digits) if is_like(digits, "dddddd") => {
            Cow::Owned([&raw[..3], ":", &raw[3..5], ":", &raw[5..]].concat())
        }
        _ => Cow::Borrowed(raw),
    }
}

/// `2026-03-01T14:30:00Z` to `20260301T143000Z`.
fn basic_moment(text: &str) -> Cow<'_, str> {
    let local = text.strip_suffix('Z').unwrap_or(text);
    match is_like(text, "dddd-dd-dd") || is_like(local, "dddd-dd-ddTdd:dd:dd") {
        true => Cow::Owned(text.replace(['-', ':'], "")),
        false => Cow::Borrowed(text),
    }
}

/// The value in iCalendar's form.
pub(crate) fn basic(syntax: Syntax, text: &str) -> Cow<'_, str> {
    match syntax {
        Syntax::Text => text::escape(text),
        Syntax::Date => basic_moment(text),
        // A period as one text: the examples of RFC 7265 §B.2.2 have one.
        Syntax::Period => match text.split_once('/') {
            Some((start, end)) => {
                Cow::Owned([&basic_moment(start), "/", &*basic_moment(end)].concat())
            }
            None => basic_moment(text),
        },
        Syntax::Time if is_like(text.strip_suffix('Z').unwrap_or(text), "dd:dd:dd") => {
            Cow::Owned(text.replace(':', ""))
        }
        Syntax::UtcOffset => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
            match is_like(digits, "dd:dd") || is_like(digits, "dd:dd:dd") {
                true => Cow::Owned(text.replace(':', "")),
                false => Cow::Borrowed(text),
            }
        }
        Syntax::Boolean if text.eq_ignore_ascii_case("true") || text == "1" => "TRUE".into(),
        Syntax::Boolean if text.eq_ignore_ascii_case("false") || text == "0" => "FALSE".into(),
        // RFC 6321 §3.6.1: white space may stand anywhere.
        Syntax::Binary if text.contains(|character: char| character.is_ascii_whitespace()) => {
            text.split_ascii_whitespace().collect()
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7265 §3.6, RFC 6321 §3.6
    #[test]
    fn values_both_ways() {
        for (syntax, raw, text) in [
            (Syntax::Date, "20110517", "2011-05-17"),
            (Syntax::Date, "20121017T120000", "2012-10-17T12:00:00"),
            (Syntax::Date, "20121017T120000Z", "2012-10-17T12:00:00Z"),
            (Syntax::Time, "123000", "12:30:00"),
            (Syntax::Time, "123000Z", "12:30:00Z"),
            (Syntax::UtcOffset, "-0500", "-05:00"),
            (Syntax::UtcOffset, "+1245", "+12:45"),
            (Syntax::UtcOffset, "+013045", "+01:30:45"),
            (Syntax::Text, r"a\, b\; c\\d\ne", "a, b; c\\d\ne"),
            (Syntax::Binary, "SGVsbG8gV29ybGQh", "SGVsbG8gV29ybGQh"),
            (Syntax::Same, "mailto:a@b", "mailto:a@b"),
            // what is not of its type
            (Syntax::Date, "tomorrow", "tomorrow"),
            (Syntax::Date, "2012-1-7", "2012-1-7"),
            (Syntax::Date, "20121017T1200", "20121017T1200"),
            (Syntax::Time, "noon", "noon"),
            (Syntax::UtcOffset, "0500", "0500"),
            (Syntax::Date, "2012ä17T1", "2012ä17T1"),
        ] {
            assert_eq!(extended(syntax, raw), text, "{raw}");
            assert_eq!(basic(syntax, text), raw, "{text}");
        }
    }

    #[test]
    fn lenient_reading() {
        for (syntax, text, raw) in [
            (Syntax::Boolean, "true", "TRUE"),
            (Syntax::Boolean, "0", "FALSE"),
            (Syntax::Boolean, "maybe", "maybe"),
            (Syntax::Binary, " SGVs\n bG8= ", "SGVsbG8="),
            (Syntax::Date, "20110517", "20110517"),
            (
                Syntax::Period,
                "2006-01-02T15:00:00/PT2H",
                "20060102T150000/PT2H",
            ),
        ] {
            assert_eq!(basic(syntax, text), raw, "{text}");
        }
    }

    #[test]
    fn numbers() {
        for (raw, number) in [
            ("42", Some(Number::Integer(42))),
            ("-007", Some(Number::Integer(-7))),
            ("+5", Some(Number::Integer(5))),
            ("37.386013", Some(Number::Float(37.386013))),
            ("-122.082932", Some(Number::Float(-122.082932))),
            ("99999999999999999999", None),
            ("1.23456789012345678", None),
            ("1e5", None),
            (".5", None),
            ("5.", None),
            ("", None),
            ("-", None),
            ("1.2.3", None),
        ] {
            assert_eq!(Number::parse(raw), number, "{raw}");
        }
        for (number, text) in [(1.0, "1.0"), (0.5, "0.5"), (1e20, "100000000000000000000")] {
            assert_eq!(print_float(number), text);
        }
        assert_eq!(print_float(1e-7), "0.0000001");
    }
}
