//! The Lock-Token header (RFC 4918 §10.5).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, single};

/// The header's name, of requests and of LOCK's answer.
pub static LOCK_TOKEN: HeaderName = HeaderName::from_static("lock-token");

/// The token that an UNLOCK names, without its angle brackets.
///
/// # Errors
/// A missing header, and a value that is no Coded-URL.
pub fn parse(headers: &HeaderMap) -> Result<String, BadHeader> {
    let value = single(headers, &LOCK_TOKEN, "Lock-Token")?
        .ok_or_else(|| BadHeader::new("Lock-Token", "is missing"))?;
    let token = value
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .map(str::trim);
    match token {
        Some(token) if !token.is_empty() && !token.contains(['<', '>']) => Ok(token.to_owned()),
        _ => Err(BadHeader::new(
            "Lock-Token",
            format!("must be a token in angle brackets, not {value:?}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::headers, *};

    /// RFC 4918 §10.5
    #[test]
    fn values() {
        assert_eq!(
            parse(&headers(&[])),
            Err(BadHeader::new("Lock-Token", "is missing"))
        );
        for (text, expected) in [
            ("<urn:uuid:a515cfa4>", Some("urn:uuid:a515cfa4")),
            (" < urn:uuid:a > ", Some("urn:uuid:a")),
            ("urn:uuid:a515cfa4", None),
            ("<>", None),
            ("<a><b>", None),
            ("<a", None),
            ("", None),
        ] {
            assert_eq!(
                parse(&headers(&[("lock-token", text)])).ok().as_deref(),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~\u{e4}]*") { let _ = parse(&headers(&[("lock-token", &text)])); }
    }
}
