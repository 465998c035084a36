//! PERIOD (RFC 5545 §3.3.9).

use std::fmt;

use super::{DateTime, Duration, ValueError};

/// How a PERIOD says where it ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PeriodEnd {
    /// By the end itself.
    End(DateTime),
    /// By its duration.
    Duration(Duration),
}

/// A PERIOD: a start, and an end or a duration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Period {
    /// Where it begins.
    pub start: DateTime,
    /// Where it ends.
    pub end: PeriodEnd,
}

impl Period {
    /// Reads a PERIOD value; `time_zone_id` is its property's TZID parameter.
    ///
    /// # Errors
    /// If there is no slash, or its sides are no date with time and no duration.
    pub fn parse(text: &str, time_zone_id: Option<&str>) -> Result<Period, ValueError> {
        let error = || ValueError::new("PERIOD", text);
        let (start, end) = text.split_once('/').ok_or_else(error)?;
        let start = DateTime::parse(start, time_zone_id).map_err(|_| error())?;
        let end = end.trim();
        let end = if end.starts_with(['P', 'p', '+', '-']) {
            PeriodEnd::Duration(end.parse().map_err(|_| error())?)
        } else {
            PeriodEnd::End(DateTime::parse(end, time_zone_id).map_err(|_| error())?)
        };
        Ok(Period { start, end })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            PeriodEnd::End(end) => write!(out, "{}/{end}", self.start),
            PeriodEnd::Duration(duration) => write!(out, "{}/{duration}", self.start),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 5545 §3.3.9.
    #[test]
    fn periods_are_read_and_printed() {
        for text in [
            "19970101T180000Z/19970102T070000Z",
            "19970101T180000Z/PT5H30M",
            "19970101T180000/P1D",
        ] {
            assert_eq!(Period::parse(text, None).unwrap().to_string(), text);
        }
        let zoned = Period::parse("19970101T180000/19970102T070000", Some("A/B")).unwrap();
        assert_eq!(zoned.start.time_zone_id(), Some("A/B"));
        for text in [
            "",
            "19970101T180000Z",
            "19970101/P1D",
            "19970101T180000Z/",
            "/PT1H",
        ] {
            assert!(Period::parse(text, None).is_err(), "{text}");
        }
    }
}
