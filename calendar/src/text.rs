//! TEXT escapes (RFC 5545 §3.3.11), lists of values, and the encoding of parameter values (RFC 6868).
//!
//! Reading is lenient: an escape that the RFC does not know stays as it stands, except `\:` and `\"`,
//! which old clients write. Writing is exact.

use std::borrow::Cow;

/// Undoes the escapes of a TEXT value (RFC 5545 §3.3.11).
pub fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n' | 'N') => text.push('\n'),
            Some(escaped @ ('\\' | ',' | ';' | ':' | '"')) => text.push(escaped),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    Cow::Owned(text)
}

/// Escapes a text for a TEXT value (RFC 5545 §3.3.11); every kind of line break becomes `\n`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', ',', ';', '\n', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut raw = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' | ',' | ';' => raw.extend(['\\', character]),
            '\n' => raw.push_str("\\n"),
            '\r' => {
                if characters.peek() == Some(&'\n') {
                    characters.next();
                }
                raw.push_str("\\n");
            }
            _ => raw.push(character),
        }
    }
    Cow::Owned(raw)
}

/// Splits a raw value at each `separator` that no backslash escapes: a list of TEXT (`,`) or a
/// structured value (`;`). The pieces are still escaped. An empty value is one empty piece.
pub fn split(raw: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(raw);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let end = text.char_indices().find_map(|(index, character)| {
            let found = character == separator && !escaped;
            escaped = character == '\\' && !escaped;
            found.then_some(index)
        });
        match end {
            Some(index) => {
                rest = Some(&text[index + separator.len_utf8()..]);
                Some(&text[..index])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

/// Undoes the `^` encoding of a parameter value (RFC 6868 §3.2); unknown pairs stay as they stand.
pub fn decode_parameter(raw: &str) -> Cow<'_, str> {
    if !raw.contains('^') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        let decoded = match (character, characters.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        match decoded {
            Some(decoded) => {
                characters.next();
                text.push(decoded);
            }
            None => text.push(character),
        }
    }
    Cow::Owned(text)
}

/// Encodes a text as a parameter value (RFC 6868 §3.1), in quotes where RFC 5545 §3.2 wants them.
pub fn encode_parameter(text: &str) -> Cow<'_, str> {
    if !text.contains(['^', '"', '\n', '\r', ',', ';', ':']) {
        return Cow::Borrowed(text);
    }
    let mut raw = String::with_capacity(text.len() + 8);
    let quoted = text.contains([',', ';', ':']);
    if quoted {
        raw.push('"');
    }
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '^' => raw.push_str("^^"),
            '"' => raw.push_str("^'"),
            '\n' => raw.push_str("^n"),
            '\r' => {
                if characters.peek() == Some(&'\n') {
                    characters.next();
                }
                raw.push_str("^n");
            }
            _ => raw.push(character),
        }
    }
    if quoted {
        raw.push('"');
    }
    Cow::Owned(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_escapes_both_ways() {
        // RFC 5545 §3.3.11
        for (raw, text) in [
            ("plain", "plain"),
            (r"a\, b\; c\\d\ne", "a, b; c\\d\ne"),
            ("", ""),
            (r"\\n", "\\n"),
        ] {
            assert_eq!(unescape(raw), text);
            assert_eq!(escape(text), raw);
        }
    }

    #[test]
    fn lenient_reading_of_escapes() {
        for (raw, text) in [
            (r"a\Nb", "a\nb"),
            (r"http\://x", "http://x"),
            (r"C:\temp", r"C:\temp"),
            ("end\\", "end\\"),
            (r#"\"q\""#, "\"q\""),
        ] {
            assert_eq!(unescape(raw), text);
        }
        assert_eq!(escape("a\r\nb\rc\nd"), r"a\nb\nc\nd");
    }

    #[test]
    fn lists_split_at_what_is_not_escaped() {
        let pieces = |raw, separator| split(raw, separator).collect::<Vec<_>>();
        assert_eq!(pieces(r"a,b\,c,,d", ','), ["a", r"b\,c", "", "d"]);
        assert_eq!(pieces(r"a\\,b", ','), [r"a\\", "b"]);
        assert_eq!(pieces("", ','), [""]);
        assert_eq!(pieces(r"3.7;Bad\;user;x", ';'), ["3.7", r"Bad\;user", "x"]);
    }

    #[test]
    fn parameters_both_ways() {
        // RFC 6868 §3.1 and §3.2
        for (raw, text) in [
            ("George Herman ^'Babe^' Ruth", "George Herman \"Babe\" Ruth"),
            ("a^nb", "a\nb"),
            ("^^n", "^n"),
            ("plain", "plain"),
        ] {
            assert_eq!(decode_parameter(raw), text);
            assert_eq!(encode_parameter(text), raw);
        }
        assert_eq!(encode_parameter("Doe, John"), "\"Doe, John\"");
        assert_eq!(encode_parameter("mailto:a@b"), "\"mailto:a@b\"");
        assert_eq!(decode_parameter("^x ^"), "^x ^");
    }
}
