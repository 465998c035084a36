//! The Prefer header (RFC 7240, RFC 8144) and its forerunner Brief.

use http::{HeaderMap, HeaderName};

use super::{BadHeader, joined, single};

/// The header's name.
pub static PREFER: HeaderName = HeaderName::from_static("prefer");
/// What the answer says of preferences that were honoured.
pub static PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
static BRIEF: HeaderName = HeaderName::from_static("brief");

/// How much an answer holds (RFC 7240 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// Nothing was said.
    #[default]
    Unspecified,
    /// `return=minimal` or `Brief: t`: no `404` propstats, no successes in PROPPATCH (RFC 8144 §2).
    Minimal,
    /// `return=representation`: the changed resource comes with the answer (RFC 8144 §3).
    Representation,
}

/// The preferences that are understood. All others are ignored, as RFC 7240 §2 demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `return=...`
    pub returns: Return,
    /// `depth-noroot`: a PROPFIND leaves out the resource itself (RFC 8144 §4).
    pub depth_noroot: bool,
}

/// The preferences of a request. The first of two that contradict each other counts (RFC 7240 §2).
///
/// # Errors
/// Only octets that are no text; what is not understood is ignored.
pub fn parse(headers: &HeaderMap) -> Result<Preferences, BadHeader> {
    let mut preferences = Preferences::default();
    let mut returns = None;
    if let Some(value) = joined(headers, &PREFER, "Prefer")? {
        for preference in split_outside_quotes(&value, ',') {
            // Parameters behind a semicolon change nothing in the preferences that are known here.
            let token = split_outside_quotes(preference, ';')
                .next()
                .unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("return") {
                returns = returns.or(match value {
                    "minimal" => Some(Return::Minimal),
                    "representation" => Some(Return::Representation),
                    _ => None,
                });
            } else if name.eq_ignore_ascii_case("depth-noroot") {
                preferences.depth_noroot = true;
            }
        }
    }
    let brief =
        single(headers, &BRIEF, "Brief")?.is_some_and(|value| value.eq_ignore_ascii_case("t"));
    preferences.returns = match returns {
        Some(returns) => returns,
        None if brief => Return::Minimal,
        None => Return::Unspecified,
    };
    Ok(preferences)
}

/// Splits at a separator wherever it does not stand in a quoted string.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character| {
        if escaped {
            escaped = false;
            return false;
        }
        match character {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return character == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::headers, *};

    /// RFC 7240 §2, RFC 8144 §2
    #[test]
    fn values() {
        let plain = Preferences::default();
        let minimal = Preferences {
            returns: Return::Minimal,
            ..plain
        };
        let representation = Preferences {
            returns: Return::Representation,
            ..plain
        };
        let noroot = Preferences {
            depth_noroot: true,
            ..plain
        };
        for (text, expected) in [
            ("return=minimal", minimal),
            ("Return = minimal", minimal),
            ("return=\"minimal\"", minimal),
            ("return=representation; foo=bar", representation),
            ("wait=10, return=representation", representation),
            ("return=minimal, return=representation", minimal),
            ("return=other, return=minimal", minimal),
            ("foo=\"a, return=minimal\"", plain),
            ("foo=\"a\\\", return=minimal\"", plain),
            ("depth-noroot", noroot),
            (
                "return=minimal, depth-noroot",
                Preferences {
                    returns: Return::Minimal,
                    depth_noroot: true,
                },
            ),
            ("respond-async", plain),
            ("", plain),
        ] {
            assert_eq!(parse(&headers(&[("prefer", text)])), Ok(expected), "{text}");
        }
        let lines = headers(&[("prefer", "depth-noroot"), ("prefer", "return=minimal")]);
        assert_eq!(
            parse(&lines),
            Ok(Preferences {
                returns: Return::Minimal,
                depth_noroot: true
            })
        );
    }

    #[test]
    fn brief_is_an_old_word_for_minimal() {
        let returns = |lines: &[(&'static str, &str)]| {
            parse(&headers(lines)).map(|preferences| preferences.returns)
        };
        assert_eq!(returns(&[("brief", "t")]), Ok(Return::Minimal));
        assert_eq!(returns(&[("brief", "f")]), Ok(Return::Unspecified));
        assert_eq!(
            returns(&[("brief", "t"), ("prefer", "return=representation")]),
            Ok(Return::Representation)
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~\u{e4}]*") { let _ = parse(&headers(&[("prefer", &text)])); }
    }
}
