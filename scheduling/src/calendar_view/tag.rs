//! Entity tags, in half the memory of their text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Octets of the hash that the desk makes entity tags of.
const HASH_OCTETS: usize = 16;

/// An entity tag without quotes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityTag(Form);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    /// The octets that it names with two lower-case digits each.
    Digits([u8; HASH_OCTETS]),
    /// As it is written.
    Text(Box<str>),
}

/// Room for the text of a tag.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagText([u8; 2 * HASH_OCTETS]);

impl EntityTag {
    /// From its text.
    pub(crate) fn of(text: &str) -> EntityTag {
        EntityTag(match octets_of(text) {
            Some(octets) => Form::Digits(octets),
            None => Form::Text(text.into()),
        })
    }

    /// Its text, for which there is room.
    pub fn text<'t>(&'t self, room: &'t mut TagText) -> &'t str {
        match &self.0 {
            Form::Text(text) => text,
            Form::Digits(octets) => {
                for (digits, octet) in room.0.chunks_exact_mut(2).zip(octets) {
                    digits[0] = digit(octet >> 4);
                    digits[1] = digit(octet & 15);
                }
                std::str::from_utf8(&room.0).unwrap_or_default()
            }
        }
    }

    /// Memory beyond the value itself.
    pub(super) fn octets(&self) -> usize {
        match &self.0 {
            Form::Digits(_) => 0,
            Form::Text(text) => text.len(),
        }
    }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text(&mut TagText::default()))
    }
}

fn digit(number: u8) -> u8 {
    b"0123456789abcdef"[usize::from(number)]
}

/// The octets whose text this is.
fn octets_of(text: &str) -> Option<[u8; HASH_OCTETS]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut octets = [0; HASH_OCTETS];
    if text.len() != 2 * HASH_OCTETS {
        return None;
    }
    for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *octet = value(digits[0])? << 4 | value(digits[1])?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        let digits = "0123456789abcdef00112233fedcba98";
        let table = [
            (digits, true),
            ("", false),
            (&digits[..31], false),
            (&digits[..30], false),
            ("0123456789ABCDEF00112233FEDCBA98", false),
            ("0123456789abcdef00112233fedcba9g", false),
            ("0123456789abcdef00112233fedcba98-0", false),
            ("äöäöäöäöäöäöäöäö", false),
        ];
        for (text, is_short) in table {
            let tag = EntityTag::of(text);
            assert_eq!(tag.text(&mut TagText::default()), text);
            assert_eq!(tag.octets() == 0, is_short || text.is_empty(), "{text}");
        }
        assert!(size_of::<EntityTag>() <= 24);
    }
}
