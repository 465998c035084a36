//! The parameters of a content line (RFC 5545 §3.2).

use std::borrow::Cow;

use crate::text;

/// One parameter, as it stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    name: &'a str,
    raw_value: &'a str,
}

impl<'a> Parameter<'a> {
    /// The name as written; compare without regard to case.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What stands after `=`, with its quotes and encoding.
    pub fn raw_value(&self) -> &'a str {
        self.raw_value
    }

    /// The value as one text: without quotes, RFC 6868 decoded. An unquoted comma belongs to it.
    pub fn value(&self) -> Cow<'a, str> {
        unquote(self.raw_value)
    }

    /// The values of a list (`MEMBER`, `DELEGATED-TO`), each without quotes and decoded.
    pub fn values(&self) -> impl Iterator<Item = Cow<'a, str>> {
        split_outside_quotes(self.raw_value, b',').map(unquote)
    }
}

fn unquote(raw: &str) -> Cow<'_, str> {
    if !raw.contains('"') {
        return text::decode_parameter(raw);
    }
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(inner) if !inner.contains('"') => text::decode_parameter(inner),
        _ => Cow::Owned(text::decode_parameter(&raw.replace('"', "")).into_owned()),
    }
}

/// Splits at each `separator` (an ASCII character) that stands outside quotes.
fn split_outside_quotes(raw: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(raw);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let end = text.bytes().position(|octet| {
            quoted ^= octet == b'"';
            octet == separator && !quoted
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The parameters in `;NAME=VALUE;NAME=VALUE`. Pieces without `=` do not occur: the parser refuses
/// them, except empty ones (`;;`), which are passed over.
pub(super) fn parameters(raw: &str) -> impl Iterator<Item = Parameter<'_>> {
    split_outside_quotes(raw, b';').filter_map(|piece| {
        let (name, raw_value) = piece.split_once('=')?;
        Some(Parameter {
            name: name.trim(),
            raw_value,
        })
    })
}
