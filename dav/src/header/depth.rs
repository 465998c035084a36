//! The Depth header (RFC 4918 §10.2).

use http::{HeaderMap, HeaderName};

use super::{BadHeader, single};

static DEPTH: HeaderName = HeaderName::from_static("depth");

/// How far down a request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The resource itself.
    Zero,
    /// The resource and its members.
    One,
    /// The resource and everything below it.
    Infinity,
}

/// The Depth header; `None` where it is missing, as each method has its own default.
///
/// # Errors
/// Any value but `0`, `1` and `infinity`.
pub fn parse(headers: &HeaderMap) -> Result<Option<Depth>, BadHeader> {
    match single(headers, &DEPTH, "Depth")? {
        None => Ok(None),
        Some("0") => Ok(Some(Depth::Zero)),
        Some("1") => Ok(Some(Depth::One)),
        Some(value) if value.eq_ignore_ascii_case("infinity") => Ok(Some(Depth::Infinity)),
        Some(value) => Err(BadHeader::new(
            "Depth",
            format!("must be 0, 1 or infinity, not {value:?}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    /// RFC 4918 §10.2
    #[test]
    fn values() {
        assert_eq!(parse(&headers(&[])), Ok(None));
        for (text, expected) in [
            ("0", Some(Depth::Zero)),
            ("1", Some(Depth::One)),
            ("infinity", Some(Depth::Infinity)),
            ("Infinity", Some(Depth::Infinity)),
            (" 0 ", Some(Depth::Zero)),
            ("2", None),
            ("-1", None),
            ("", None),
            ("1,noroot", None),
        ] {
            assert_eq!(
                parse(&headers(&[("depth", text)])).ok().flatten(),
                expected,
                "{text}"
            );
        }
        let error = parse(&headers(&[("depth", "2")])).expect_err("2 is no depth");
        assert_eq!(
            error.to_string(),
            "the Depth header must be 0, 1 or infinity, not \"2\""
        );
    }
}
