//! The Content-Disposition header (RFC 6266), which RFC 8607 §3.4 uses in requests: the name of a file.

use std::borrow::Cow;

use http::{HeaderMap, header::CONTENT_DISPOSITION};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 8187 §3.2.1: what need not be encoded.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The name of the file that a request brings, as sent: `filename*`, else `filename` (RFC 6266 §4.3). What
/// cannot be understood is passed over: a name is only a name.
pub fn filename(headers: &HeaderMap) -> Option<String> {
    let value = text_of(headers.get(CONTENT_DISPOSITION)?.as_bytes());
    let (_, mut rest) = value.split_once(';')?;
    let (mut plain, mut extended) = (None, None);
    while let Some((name, value, after)) = parameter(rest) {
        if name.eq_ignore_ascii_case("filename") {
            plain.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("filename*")
            && let Some(value) = decode_extended(&value)
        {
            extended.get_or_insert(value);
        }
        rest = after;
    }
    extended.or(plain).filter(|name| !name.is_empty())
}

/// The value that makes a browser save a file under a name instead of showing it.
pub fn attachment(filename: &str) -> String {
    let plain: String = filename
        .chars()
        .map(|character| match character {
            '"' | '\\' | '%' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    if plain == filename {
        return format!("attachment; filename=\"{plain}\"");
    }
    let extended = utf8_percent_encode(filename, EXTENDED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}")
}

/// Octets as text: clients send UTF-8, though RFC 9110 §5.5 knows only ISO-8859-1.
fn text_of(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => octets.iter().copied().map(char::from).collect(),
    }
}

/// The first parameter, and what follows it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start_matches([' ', '\t', ';']);
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => {
            let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
            (value.trim_end().to_owned(), after)
        }
    };
    Some((name.trim(), value, after))
}

/// A quoted string up to its end, and what follows it (RFC 9110 §5.6.4).
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &text[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

/// `charset'language'value` (RFC 8187 §3.2.1).
fn decode_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let octets: Vec<u8> = percent_decode_str(encoded).collect();
    if charset.eq_ignore_ascii_case("utf-8") {
        return String::from_utf8(octets).ok();
    }
    let is_latin = charset.eq_ignore_ascii_case("iso-8859-1");
    is_latin.then(|| octets.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{super::testing::headers, *};

    /// RFC 6266 §4.3, §5
    #[test]
    fn names_of_files() {
        let cases = [
            ("attachment;filename=agenda.html", Some("agenda.html")),
            (
                "attachment; filename=\"a \\\"b\\\"; c.txt\"; size=5",
                Some("a \"b\"; c.txt"),
            ),
            (
                "attachment; FileName = agenda.html ; x=y",
                Some("agenda.html"),
            ),
            ("attachment; filename=\"März.pdf\"", Some("März.pdf")),
            (
                "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                Some("€ rates"),
            ),
            (
                "attachment; filename*=iso-8859-1'en'%A3%20rates; filename=x",
                Some("£ rates"),
            ),
            ("attachment; filename*=utf-8''%ff; filename=x", Some("x")),
            ("attachment; filename*=koi8-r''a; filename=x", Some("x")),
            ("attachment; filename=\"open", Some("open")),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
            ("attachment; nothing", None),
            ("", None),
        ];
        for (value, expected) in cases {
            let headers = headers(&[("content-disposition", value)]);
            assert_eq!(filename(&headers).as_deref(), expected, "{value}");
        }
        assert_eq!(filename(&HeaderMap::new()), None);
        let mut latin = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"attachment; filename=M\xE4rz").expect("obs-text");
        latin.insert(CONTENT_DISPOSITION, value);
        assert_eq!(filename(&latin).as_deref(), Some("März"));
    }

    /// RFC 6266 §4.1
    #[test]
    fn what_a_browser_saves_under_a_name() {
        let cases = [
            ("a b.txt", "attachment; filename=\"a b.txt\""),
            (
                "März \"1\".txt",
                "attachment; filename=\"M_rz _1_.txt\"; filename*=UTF-8''M%C3%A4rz%20%221%22.txt",
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(attachment(name), expected);
            let headers = headers(&[("content-disposition", expected)]);
            assert_eq!(filename(&headers).as_deref(), Some(name));
        }
    }

    proptest::proptest! {
        /// What is written is read again, and nothing that is read does harm.
        #[test]
        fn names_come_back(name in "[^\\p{C}]{1,40}", noise: String) {
            let value = attachment(&name);
            proptest::prop_assert!(HeaderValue::from_str(&value).is_ok());
            let written = headers(&[("content-disposition", value.as_str())]);
            proptest::prop_assert_eq!(filename(&written), Some(name));
            let mut read = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(&noise) {
                read.insert(CONTENT_DISPOSITION, value);
                let _ = filename(&read);
            }
        }
    }
}
