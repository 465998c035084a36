//! HTTP dates (RFC 9110 §5.6.7): all three forms are read, IMF-fixdate is written.

use std::time::{Duration, UNIX_EPOCH};

use storage::Timestamp;

/// Seconds since 1970 of an HTTP date; `None` where it is none.
pub fn parse(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// The last second that IMF-fixdate can write: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// A moment as IMF-fixdate, rounded down to the second.
pub fn print(moment: Timestamp) -> String {
    let seconds = u64::try_from(moment.seconds())
        .unwrap_or(0)
        .min(LAST_SECOND);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 9110 §5.6.7
    #[test]
    fn reads_all_three_forms() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("1994-11-06T08:49:37Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn writes_any_moment() {
        assert_eq!(
            print(Timestamp(784_111_777_999)),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(print(Timestamp(i64::MIN)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(print(Timestamp(i64::MAX)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") { let _ = parse(&text); }

        #[test]
        fn reads_what_it_writes(seconds in 0i64..253_402_300_799) {
            prop_assert_eq!(parse(&print(Timestamp(seconds * 1000))), Some(seconds));
        }
    }
}
