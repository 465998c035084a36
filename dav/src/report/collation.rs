//! The table of collations (RFC 4790, RFC 5051): how text is compared in filters (RFC 4791 §7.5).

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Collation {
    /// Its identifier in the registry.
    pub identifier: &'static str,
    /// The section that defines it.
    pub source: &'static str,
    /// The form in which equal texts are the same.
    key: fn(&str) -> Cow<'_, str>,
}

/// Every collation.
pub(crate) const COLLATIONS: &[Collation] = &[
    Collation {
        identifier: "i;ascii-casemap",
        source: "RFC 4790 §9.2",
        key: ascii_casemap,
    },
    Collation {
        identifier: "i;octet",
        source: "RFC 4790 §9.3",
        key: |text| Cow::Borrowed(text),
    },
    Collation {
        identifier: "i;unicode-casemap",
        source: "RFC 5051 §2",
        key: unicode_casemap,
    },
];

/// The collation of filters that name none (RFC 4791 §7.5).
pub(crate) const DEFAULT: &Collation = &COLLATIONS[0];

/// The collation of principal searches: people are found by any script, whatever the case.
pub(crate) const FOR_PEOPLE: &Collation = &COLLATIONS[2];

/// How a text must stand in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MatchType {
    /// Anywhere in it.
    #[default]
    Contains,
    /// At its beginning.
    StartsWith,
    /// At its end.
    EndsWith,
    /// It is the same.
    Equals,
}

impl MatchType {
    /// From the attribute `match-type`; `None` for an unknown one.
    pub fn parse(text: &str) -> Option<MatchType> {
        match text {
            "contains" => Some(MatchType::Contains),
            "starts-with" => Some(MatchType::StartsWith),
            "ends-with" => Some(MatchType::EndsWith),
            "equals" => Some(MatchType::Equals),
            _ => None,
        }
    }
}

/// A text to be found, prepared once for many comparisons.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    collation: &'static Collation,
    key: String,
    match_type: MatchType,
}

impl Needle {
    /// A text to be found.
    pub fn new(collation: &'static Collation, text: &str, match_type: MatchType) -> Needle {
        Needle {
            collation,
            key: (collation.key)(text).into_owned(),
            match_type,
        }
    }

    /// Whether it stands in this text.
    pub fn matches(&self, text: &str) -> bool {
        let text = (self.collation.key)(text);
        match self.match_type {
            MatchType::Contains => text.contains(&self.key),
            MatchType::StartsWith => text.starts_with(&self.key),
            MatchType::EndsWith => text.ends_with(&self.key),
            MatchType::Equals => *text == self.key,
        }
    }
}

/// The collation of an identifier; `default` is the protocol's own.
pub(crate) fn find(identifier: &str) -> Option<&'static Collation> {
    match identifier {
        "default" => Some(DEFAULT),
        _ => COLLATIONS
            .iter()
            .find(|collation| collation.identifier == identifier),
    }
}

fn ascii_casemap(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|octet| octet.is_ascii_lowercase()) {
        true => Cow::Owned(text.to_ascii_uppercase()),
        false => Cow::Borrowed(text),
    }
}

/// Title case by character, then full decomposition.
fn unicode_casemap(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return ascii_casemap(text);
    }
    let mapper = CaseMapper::new();
    let titled: String = text
        .chars()
        .map(|character| mapper.simple_titlecase(character))
        .collect();
    Cow::Owned(
        DecomposingNormalizerBorrowed::new_nfkd()
            .normalize(&titled)
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// RFC 4790 §9.2, §9.3, RFC 5051 §2
    #[test]
    fn substrings() {
        let cases = [
            ("i;ascii-casemap", "Meeting", "EET", true),
            ("i;ascii-casemap", "Übung", "übung", false),
            ("i;ascii-casemap", "Übung", "BUNG", true),
            ("i;octet", "Meeting", "eet", true),
            ("i;octet", "Meeting", "EET", false),
            ("i;unicode-casemap", "Übung", "übUNG", true),
            ("i;unicode-casemap", "Übung", "u\u{308}bung", true),
            ("i;unicode-casemap", "\u{1C4}", "\u{1C6}", true),
            ("i;unicode-casemap", "ΣΊΣΥΦΟΣ", "σίσυφοσ", true),
            ("i;unicode-casemap", "abc", "x", false),
            ("default", "ABC", "b", true),
            ("i;octet", "", "", true),
        ];
        for (collation, text, needle, expected) in cases {
            let needle = Needle::new(find(collation).unwrap(), needle, MatchType::Contains);
            assert_eq!(
                needle.matches(text),
                expected,
                "{collation} {text} {needle:?}"
            );
        }
        assert!(find("i;basic").is_none());
    }

    #[test]
    fn places() {
        let cases = [
            ("starts-with", "al", true),
            ("starts-with", "ice", false),
            ("ends-with", "ICE", true),
            ("ends-with", "al", false),
            ("equals", "ALICE", true),
            ("equals", "alic", false),
            ("contains", "lic", true),
        ];
        for (kind, needle, expected) in cases {
            let needle = Needle::new(DEFAULT, needle, MatchType::parse(kind).unwrap());
            assert_eq!(needle.matches("Alice"), expected, "{kind}");
        }
        assert_eq!(MatchType::parse("nearly"), None);
    }
}
