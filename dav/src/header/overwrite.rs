//! The Overwrite header (RFC 4918 §10.6).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, flag};

static OVERWRITE: HeaderName = HeaderName::from_static("overwrite");

/// Whether COPY or MOVE may replace what stands at the destination; it may where the header is missing.
///
/// # Errors
/// Any value but `T` and `F`.
pub fn parse(headers: &HeaderMap) -> Result<bool, BadHeader> {
    Ok(flag(headers, &OVERWRITE, "Overwrite")?.unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    /// RFC 4918 §10.6
    #[test]
    fn values() {
        assert_eq!(parse(&headers(&[])), Ok(true));
        for (text, expected) in [
            ("T", Some(true)),
            ("t", Some(true)),
            ("F", Some(false)),
            ("f", Some(false)),
            ("", None),
            ("true", None),
            ("TF", None),
        ] {
            assert_eq!(
                parse(&headers(&[("overwrite", text)])).ok(),
                expected,
                "{text}"
            );
        }
    }
}
