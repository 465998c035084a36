//! The Accept header (RFC 9110 §12.5.1).

use http::{HeaderMap, header::ACCEPT};

/// Quality in thousandths.
type Quality = u16;

/// The place of the offer that a request likes best, the first of equals; `None` where it takes none of
/// them. Offers are media types in lower case without parameters. A request without the header takes
/// everything; what cannot be understood is passed over. `version` is what an offer's version parameter is.
pub fn best(headers: &HeaderMap, offers: &[&str], version: &str) -> Option<usize> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        let elements = value.to_str().unwrap_or_default().split(',');
        ranges.extend(elements.filter_map(|element| Range::parse(element.trim(), version)));
    }
    if ranges.is_empty() {
        return (!headers.contains_key(ACCEPT) || is_blank(headers)).then_some(0);
    }
    let mut best: Option<(usize, Quality)> = None;
    for (place, offer) in offers.iter().enumerate() {
        let liked = quality(&ranges, offer);
        if liked > best.map_or(0, |(_, quality)| quality) {
            best = Some((place, liked));
        }
    }
    best.map(|(place, _)| place)
}

fn is_blank(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .all(|value| value.as_bytes().trim_ascii().is_empty())
}

/// A media range.
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    parameters: usize,
    quality: Quality,
}

impl<'h> Range<'h> {
    fn parse(element: &'h str, version: &str) -> Option<Range<'h>> {
        let mut parts = element.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Range {
            kind,
            subtype,
            parameters: 0,
            quality: 1000,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => {
                    range.quality = parse_quality(value)?;
                    break;
                }
                "version" if value != version => return None,
                _ => range.parameters += 1,
            }
        }
        Some(range)
    }

    /// How precisely it names an offer; `None` where it does not.
    fn precision(&self, offer: &str) -> Option<(u8, usize)> {
        let (kind, subtype) = offer.split_once('/')?;
        let of_kind = self.kind.eq_ignore_ascii_case(kind);
        match (self.kind, self.subtype) {
            ("*", "*") => Some((0, self.parameters)),
            (_, "*") if of_kind => Some((1, self.parameters)),
            (_, wanted) if of_kind && wanted.eq_ignore_ascii_case(subtype) => {
                Some((2, self.parameters))
            }
            _ => None,
        }
    }
}

/// RFC 9110 §12.4.2
fn parse_quality(text: &str) -> Option<Quality> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|octet| octet.is_ascii_digit());
    let thousandths: Quality = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" if is_number => Some(thousandths),
        "1" if is_number && thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The most precise range decides.
fn quality(ranges: &[Range<'_>], offer: &str) -> Quality {
    ranges
        .iter()
        .filter_map(|range| Some((range.precision(offer)?, range.quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::headers, *};

    const OFFERS: [&str; 3] = [
        "text/calendar",
        "application/calendar+json",
        "application/calendar+xml",
    ];

    fn chosen(value: &str) -> Option<usize> {
        best(&headers(&[("accept", value)]), &OFFERS, "2.0")
    }

    /// RFC 9110 §12.5.1
    #[test]
    fn the_best_is_chosen() {
        for (value, expected) in [
            ("*/*", Some(0)),
            ("text/*", Some(0)),
            ("application/*", Some(1)),
            ("text/calendar", Some(0)),
            ("Application/Calendar+JSON", Some(1)),
            ("application/calendar+xml", Some(2)),
            (
                "application/calendar+xml;q=0.5, application/calendar+json;q=0.4",
                Some(2),
            ),
            ("text/calendar;q=0.9, application/calendar+json", Some(1)),
            ("application/calendar+json, text/calendar", Some(0)),
            ("text/calendar;q=0, */*", Some(1)),
            (
                "text/calendar;q=0, application/*;q=0.1, application/calendar+json;q=0",
                Some(2),
            ),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(0)),
            ("text/calendar;version=2.0", Some(0)),
            (
                "text/calendar; charset=utf-8;q=0.1, application/calendar+json;q=0.2",
                Some(1),
            ),
            ("text/calendar;version=1.0", None),
            ("text/html", None),
            ("*/*;q=0", None),
            ("text/calendar;q=0", None),
            ("nonsense", None),
            ("", Some(0)),
            (
                "text/calendar;q=2, application/calendar+xml;q=0.001",
                Some(2),
            ),
        ] {
            assert_eq!(chosen(value), expected, "{value}");
        }
        assert_eq!(best(&headers(&[]), &OFFERS, "2.0"), Some(0));
        let lines = headers(&[
            ("accept", "text/html"),
            ("accept", "application/calendar+xml"),
        ]);
        assert_eq!(best(&lines, &OFFERS, "2.0"), Some(2));
    }

    #[test]
    fn qualities() {
        for (text, quality) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.125", Some(125)),
            ("0.", Some(0)),
            ("1.1", None),
            ("0.1234", None),
            ("-1", None),
            ("", None),
            ("0.a", None),
        ] {
            assert_eq!(parse_quality(text), quality, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(value in "[a-z*/;=q0-9., \"]{0,40}") { let _ = chosen(&value); }
    }
}
