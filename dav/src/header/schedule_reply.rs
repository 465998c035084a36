//! The Schedule-Reply header (RFC 6638 §8.1).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, single};

static SCHEDULE_REPLY: HeaderName = HeaderName::from_static("schedule-reply");

/// Whether the server may send the attendee's own reply; it may where the header is missing.
///
/// # Errors
/// Any value but `T` and `F`.
pub fn parse(headers: &HeaderMap) -> Result<bool, BadHeader> {
    match single(headers, &SCHEDULE_REPLY, "Schedule-Reply")? {
        None | Some("T" | "t") => Ok(true),
        Some("F" | "f") => Ok(false),
        Some(value) => Err(BadHeader::new(
            "Schedule-Reply",
            format!("must be T or F, not {value:?}"),
        )),
    }
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
