//! Elements with `start` and `end`: `CALDAV:time-range`, `expand` and their like (RFC 4791 §9.9).

use calendar::{
    TimeRange,
    value::{DateTime, Form},
};
use jiff::{Timestamp, civil};
use scheduling::{Precondition, desk::Limits};

use crate::{error::DavError, xml::Element};

const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Reads the span of an element, within the published limits.
///
/// # Errors
/// `malformed`, or 400 where there is no such precondition, where it is none; `min-date-time` and `max-date-time` beyond the limits (RFC 4791 §7.8).
pub(super) fn read(
    element: Element<'_>,
    limits: &Limits,
    malformed: Option<Precondition>,
) -> Result<TimeRange, DavError> {
    let wrong = |reason: &str| refuse(malformed, reason);
    let read = |attribute: &str| -> Result<Option<i64>, DavError> {
        let Some(text) = element.attribute(attribute) else {
            return Ok(None);
        };
        let seconds = seconds_of(text).ok_or_else(|| wrong("the span is not given in UTC"))?;
        check_limits(seconds, limits)?;
        Ok(Some(seconds))
    };
    let (start, end) = (read("start")?, read("end")?);
    match (start, end) {
        (None, None) => Err(wrong("the span has neither start nor end")),
        (Some(start), Some(end)) if start >= end => Err(wrong("the span ends before it starts")),
        _ => Ok(TimeRange {
            start: start.map(instant),
            end: end.map(instant),
        }),
    }
}

/// The same, where both ends are needed (RFC 4791 §9.6.5 to §9.6.7).
pub(super) fn read_closed(
    element: Element<'_>,
    limits: &Limits,
    malformed: Option<Precondition>,
) -> Result<TimeRange, DavError> {
    let range = read(element, limits, malformed)?;
    match range {
        TimeRange {
            start: Some(_),
            end: Some(_),
        } => Ok(range),
        _ => Err(refuse(malformed, "the span lacks its start or its end")),
    }
}

fn refuse(precondition: Option<Precondition>, reason: &str) -> DavError {
    match precondition {
        Some(precondition) => DavError::precondition(precondition, reason),
        None => DavError::BadRequest(reason.into()),
    }
}

fn seconds_of(text: &str) -> Option<i64> {
    let value = DateTime::parse(text, None).ok()?;
    (value.form == Form::Utc).then(|| value.civil.duration_since(EPOCH).as_secs())
}

fn check_limits(seconds: i64, limits: &Limits) -> Result<(), DavError> {
    let precondition = if seconds < limits.minimum_date_time {
        Precondition::MinDateTime
    } else if seconds > limits.maximum_date_time {
        Precondition::MaxDateTime
    } else {
        return Ok(());
    };
    Err(DavError::precondition(
        precondition,
        "the span is beyond what calendars here can hold",
    ))
}

/// Civil time reaches a day further than instants do, on both sides.
fn instant(seconds: i64) -> Timestamp {
    let nearest = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::xml::Document;

    fn span(attributes: &str) -> Result<TimeRange, DavError> {
        let text = format!("<time-range {attributes}/>");
        let document = Document::parse(text.as_bytes()).unwrap();
        let limits = Limits {
            maximum_date_time: 4_102_444_800,
            ..Limits::default()
        };
        read(document.root(), &limits, Some(Precondition::ValidFilter))
    }

    /// RFC 4791 §9.9
    #[test]
    fn spans_are_read() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let range = span("start='20260101T000000Z' end='20260102T000000Z'").unwrap();
        assert_eq!(
            range,
            TimeRange {
                start: at("2026-01-01T00:00:00Z"),
                end: at("2026-01-02T00:00:00Z")
            }
        );
        assert_eq!(span("end='20260101T000000Z'").unwrap().start, None);
        assert_eq!(span("start='20260101T000000Z'").unwrap().end, None);
        assert!(span("start='00010101T000000Z'").is_ok());
    }

    #[test]
    fn what_is_no_span_is_refused() {
        let cases = [
            ("", Precondition::ValidFilter),
            ("start='x'", Precondition::ValidFilter),
            ("start='20260101'", Precondition::ValidFilter),
            ("start='20260101T000000'", Precondition::ValidFilter),
            (
                "start='20260102T000000Z' end='20260101T000000Z'",
                Precondition::ValidFilter,
            ),
            (
                "start='20260101T000000Z' end='20260101T000000Z'",
                Precondition::ValidFilter,
            ),
            ("end='21000101T000001Z'", Precondition::MaxDateTime),
            ("start='-0010101T000000Z'", Precondition::ValidFilter),
        ];
        for (attributes, expected) in cases {
            let error = span(attributes).unwrap_err();
            let DavError::Refused(scheduling::Refusal::Precondition { precondition, .. }) = error
            else {
                panic!("{attributes}: {error}");
            };
            assert_eq!(precondition, expected, "{attributes}");
        }
    }
}
