//! The Content-Type header (RFC 9110 §8.3).

use http::{HeaderMap, header::CONTENT_TYPE};

use super::{BadHeader, single};

/// A media type with the parameters that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, lower case.
    pub essence: String,
    /// The `charset` parameter, lower case.
    pub charset: Option<String>,
}

impl MediaType {
    /// Whether the text is UTF-8 as far as the header says: nothing, or UTF-8, or its subset.
    pub fn is_utf8(&self) -> bool {
        self.charset
            .as_deref()
            .is_none_or(|charset| matches!(charset, "utf-8" | "utf8" | "us-ascii"))
    }

    /// Whether it is XML (RFC 7303 §4).
    pub fn is_xml(&self) -> bool {
        matches!(self.essence.as_str(), "application/xml" | "text/xml")
            || self.essence.ends_with("+xml")
    }
}

/// The media type of a request's body; `None` where the header is missing or empty.
///
/// # Errors
/// A value that is no media type.
pub fn parse(headers: &HeaderMap) -> Result<Option<MediaType>, BadHeader> {
    match single(headers, &CONTENT_TYPE, "Content-Type")? {
        None | Some("") => Ok(None),
        Some(value) => parse_value(value).map(Some).ok_or_else(|| {
            BadHeader::new(
                "Content-Type",
                format!("must be a media type, not {value:?}"),
            )
        }),
    }
}

/// A media type from its text.
pub fn parse_value(value: &str) -> Option<MediaType> {
    let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut charset = None;
    while let Some((name, value, after)) = parameter(rest) {
        if name.eq_ignore_ascii_case("charset") {
            charset.get_or_insert_with(|| value.to_ascii_lowercase());
        }
        rest = after;
    }
    Some(MediaType { essence, charset })
}

/// The first parameter of `name=value; ...`, and what follows it. What is no parameter is passed over.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let mut text = text.trim_start_matches([' ', '\t', ';']);
    while !text.is_empty() {
        let end = text.find(['=', ';']).unwrap_or(text.len());
        if !text[end..].starts_with('=') {
            text = text[end..].trim_start_matches([' ', '\t', ';']);
            continue;
        }
        let (name, value) = (text[..end].trim(), text[end + 1..].trim_start());
        if let Some(quoted) = value.strip_prefix('"') {
            let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            return Some((name, value, after));
        }
        let (value, after) = value.split_once(';').unwrap_or((value, ""));
        return Some((name, value.trim(), after));
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::headers, *};

    /// RFC 9110 §8.3.1
    #[test]
    fn values() {
        for (text, essence, charset) in [
            ("text/calendar", "text/calendar", None),
            (
                "Text/Calendar; Charset=UTF-8; component=VEVENT",
                "text/calendar",
                Some("utf-8"),
            ),
            (
                "text/calendar;charset=\"iso-8859-1\"",
                "text/calendar",
                Some("iso-8859-1"),
            ),
            (
                "text/calendar ; component=\"a;charset=x\" ; charset = utf-8",
                "text/calendar",
                Some("utf-8"),
            ),
            ("text/xml;;charset=utf-8;", "text/xml", Some("utf-8")),
            ("text/xml; junk; charset=utf-8", "text/xml", Some("utf-8")),
            (
                "application/calendar+json",
                "application/calendar+json",
                None,
            ),
        ] {
            let expected = MediaType {
                essence: essence.into(),
                charset: charset.map(str::to_owned),
            };
            assert_eq!(
                parse(&headers(&[("content-type", text)])),
                Ok(Some(expected)),
                "{text}"
            );
        }
        assert_eq!(parse(&headers(&[])), Ok(None));
        assert_eq!(parse(&headers(&[("content-type", "")])), Ok(None));
        for text in [
            "text",
            "text/",
            "/calendar",
            "text/cal endar",
            "text/calendar/x",
            "; charset=utf-8",
        ] {
            assert!(
                parse(&headers(&[("content-type", text)])).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn questions() {
        let media = |text| parse_value(text).expect("a media type");
        assert!(media("text/calendar").is_utf8());
        assert!(media("text/calendar; charset=UTF-8").is_utf8());
        assert!(!media("text/calendar; charset=iso-8859-1").is_utf8());
        assert!(
            media("text/xml").is_xml()
                && media("application/xml").is_xml()
                && media("application/x+xml").is_xml()
        );
        assert!(!media("text/plain").is_xml());
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a/;=\" \u{e4}]{0,30}|.*") { let _ = parse_value(&text); }
    }
}
