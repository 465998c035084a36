//! The Timeout header of LOCK (RFC 4918 §10.7).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, joined};

static TIMEOUT: HeaderName = HeaderName::from_static("timeout");

/// What a lock gets that asked for nothing: an hour.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 60 * 60;

/// The timeout that is asked for, in seconds: the first of the listed ones that is understood. `Infinite`
/// and what does not fit is `u32::MAX`; the desk grants less.
///
/// # Errors
/// A header in which no timeout is understood.
pub fn parse(headers: &HeaderMap) -> Result<u32, BadHeader> {
    let Some(value) = joined(headers, &TIMEOUT, "Timeout")? else {
        return Ok(DEFAULT_TIMEOUT_SECONDS);
    };
    value
        .split(',')
        .find_map(|choice| seconds(choice.trim()))
        .ok_or_else(|| {
            BadHeader::new(
                "Timeout",
                format!("must be Infinite or Second- and a number, not {value:?}"),
            )
        })
}

fn seconds(choice: &str) -> Option<u32> {
    if choice.eq_ignore_ascii_case("infinite") {
        return Some(u32::MAX);
    }
    let (word, digits) = choice.split_at_checked("second-".len())?;
    if !word.eq_ignore_ascii_case("second-")
        || digits.is_empty()
        || !digits.bytes().all(|octet| octet.is_ascii_digit())
    {
        return None;
    }
    // A lock of no duration is no lock.
    Some(digits.parse().unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::headers, *};

    /// RFC 4918 §10.7
    #[test]
    fn values() {
        assert_eq!(parse(&headers(&[])), Ok(DEFAULT_TIMEOUT_SECONDS));
        for (text, expected) in [
            ("Second-604", Some(604)),
            ("second-604", Some(604)),
            ("Second-0", Some(1)),
            ("Infinite", Some(u32::MAX)),
            ("Infinite, Second-4100000000", Some(u32::MAX)),
            ("Extend-3, Second-60", Some(60)),
            ("Second-99999999999999999999", Some(u32::MAX)),
            ("Second--1", None),
            ("Second-", None),
            ("60", None),
            ("", None),
        ] {
            assert_eq!(
                parse(&headers(&[("timeout", text)])).ok(),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~\u{e4}]*") { let _ = parse(&headers(&[("timeout", &text)])); }
    }
}
