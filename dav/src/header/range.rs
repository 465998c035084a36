//! Range and If-Range (RFC 9110 §14.2, §13.1.5).

use http::{
    HeaderMap,
    header::{IF_RANGE, RANGE},
};

use super::entity_tag;

/// What a request wants of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// From the first to the last of these octets.
    Part {
        /// Counted from 0.
        first: u64,
        /// Included.
        last: u64,
    },
    /// 416 (RFC 9110 §15.5.17): there is no such part.
    Nothing,
}

/// What is wanted of a representation of `length` octets with this strong entity tag.
///
/// A header that cannot be understood, another unit, and several parts at once are answered with the
/// whole, which RFC 9110 §14.2 allows. So is an If-Range with a date: whoever got a date from here got an
/// entity tag, too, which alone is a strong validator of what may change twice within a second.
pub fn asked(headers: &HeaderMap, length: u64, etag: &str) -> Asked {
    let mut values = headers.get_all(RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Asked::Whole;
    };
    let is_current = |condition: &http::HeaderValue| {
        let tag = condition.to_str().ok();
        tag.filter(|text| text.trim_start().starts_with('"'))
            .and_then(|text| entity_tag::parse(text).ok())
            .is_some_and(|tag| !tag.weak && tag.tag == etag)
    };
    if !headers.get_all(IF_RANGE).iter().all(is_current) {
        return Asked::Whole;
    }
    let range = value.to_str().ok().and_then(parse);
    range.map_or(Asked::Whole, |range| range.within(length))
}

/// A range as written.
#[derive(Clone, Copy)]
enum Range {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn parse(text: &str) -> Option<Range> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim_matches([' ', '\t']).split_once('-')?;
    match (first, last) {
        ("", last) => Some(Range::Last(number(last)?)),
        (first, "") => Some(Range::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::Between(first, last))
        }
    }
}

/// Digits alone; what is beyond every length is only very far away.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Range {
    fn within(self, length: u64) -> Asked {
        let Some(end) = length.checked_sub(1) else {
            return Asked::Nothing;
        };
        let (first, last) = match self {
            Range::From(first) => (first, end),
            Range::Between(first, last) => (first, last.min(end)),
            Range::Last(0) => return Asked::Nothing,
            Range::Last(octets) => (length.saturating_sub(octets), end),
        };
        match first <= end {
            true => Asked::Part { first, last },
            false => Asked::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    /// RFC 9110 §14.1.2, §14.2
    #[test]
    fn one_range_is_understood() {
        let part = |first, last| Asked::Part { first, last };
        let cases = [
            ("bytes=0-0", part(0, 0)),
            ("bytes=0-9", part(0, 9)),
            ("Bytes= 2-5 ", part(2, 5)),
            ("bytes=3-", part(3, 9)),
            ("bytes=3-99999999999999999999", part(3, 9)),
            ("bytes=-4", part(6, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=-0", Asked::Nothing),
            ("bytes=10-", Asked::Nothing),
            ("bytes=10-20", Asked::Nothing),
            ("bytes=99999999999999999999-", Asked::Nothing),
            ("bytes=5-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("", Asked::Whole),
        ];
        for (text, expected) in cases {
            assert_eq!(
                asked(&headers(&[("range", text)]), 10, "t"),
                expected,
                "{text:?}"
            );
        }
        assert_eq!(asked(&headers(&[]), 10, "t"), Asked::Whole);
        assert_eq!(
            asked(&headers(&[("range", "bytes=0-")]), 0, "t"),
            Asked::Nothing
        );
        let twice = headers(&[("range", "bytes=0-1"), ("range", "bytes=0-1")]);
        assert_eq!(asked(&twice, 10, "t"), Asked::Whole);
    }

    /// RFC 9110 §13.1.5
    #[test]
    fn a_part_of_something_else_is_not_wanted() {
        let part = Asked::Part { first: 0, last: 1 };
        let cases = [
            ("\"t\"", part),
            ("\"u\"", Asked::Whole),
            ("W/\"t\"", Asked::Whole),
            ("t", Asked::Whole),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Asked::Whole),
        ];
        for (condition, expected) in cases {
            let headers = headers(&[("range", "bytes=0-1"), ("if-range", condition)]);
            assert_eq!(asked(&headers, 10, "t"), expected, "{condition}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_part_lies_within(text in "bytes=[0-9]{0,21}-[0-9]{0,21}", length: u64) {
            if let Asked::Part { first, last } = asked(&headers(&[("range", &text)]), length, "") {
                assert!(first <= last && last < length);
            }
        }
    }
}
