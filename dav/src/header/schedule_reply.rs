//! The Schedule-Reply header (RFC 6638 §8.1).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, flag};

static SCHEDULE_REPLY: HeaderName = HeaderName::from_static("schedule-reply");

/// Whether the server may send the attendee's own reply; it may where the header is missing.
///
/// # Errors
/// Any value but `T` and `F`.
pub fn parse(headers: &HeaderMap) -> Result<bool, BadHeader> {
    Ok(flag(headers, &SCHEDULE_REPLY, "Schedule-Reply")?.unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    /// RFC 6638 §8.1
    #[test]
    fn values() {
        assert_eq!(parse(&headers(&[])), Ok(true));
        for (text, expected) in [
            ("T", Some(true)),
            ("F", Some(false)),
            ("f", Some(false)),
            ("", None),
            ("no", None),
        ] {
            assert_eq!(
                parse(&headers(&[("schedule-reply", text)])).ok(),
                expected,
                "{text}"
            );
        }
    }
}
