//! Request headers, each parsed in its own file into a value. Everything here is pure, bounded and
//! never panics; what is wrong is named in the answer's text.

pub mod accept;
pub mod conditional;
pub mod content_disposition;
pub mod content_type;
pub mod date;
pub mod depth;
pub mod destination;
pub mod entity_tag;
pub mod if_header;
pub mod lock_token;
pub mod overwrite;
pub mod prefer;
pub mod range;
pub mod reference;
pub mod schedule_reply;
pub mod time_zones;
pub mod timeout;

pub use conditional::conditions;
pub use depth::Depth;
pub use prefer::Preferences;
pub use reference::{Authorities, Reference};

use http::{HeaderMap, HeaderName};

/// A request header that cannot be understood: the request is answered with 400 and this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {header} header {problem}")]
pub struct BadHeader {
    /// Its name, as the RFC spells it.
    pub header: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl BadHeader {
    /// A header and what is wrong with it.
    pub fn new(header: &'static str, problem: impl Into<String>) -> BadHeader {
        BadHeader {
            header,
            problem: problem.into(),
        }
    }
}

/// The value of a header that may stand in a request only once; `None` where it is missing.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    title: &'static str,
) -> Result<Option<&'a str>, BadHeader> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadHeader::new(title, "may be sent only once"));
    }
    text(value.as_bytes(), title).map(Some)
}

/// The value of a header that is `T` or `F` in either case; `None` where it is missing.
pub(crate) fn flag(
    headers: &HeaderMap,
    name: &HeaderName,
    title: &'static str,
) -> Result<Option<bool>, BadHeader> {
    match single(headers, name, title)? {
        None => Ok(None),
        Some("T" | "t") => Ok(Some(true)),
        Some("F" | "f") => Ok(Some(false)),
        Some(value) => Err(BadHeader::new(
            title,
            format!("must be T or F, not {value:?}"),
        )),
    }
}

/// The values of a header that is a comma-separated list, its lines joined (RFC 9110 §5.3).
pub(crate) fn joined(
    headers: &HeaderMap,
    name: &HeaderName,
    title: &'static str,
) -> Result<Option<String>, BadHeader> {
    let mut all: Option<String> = None;
    for value in headers.get_all(name) {
        let line = text(value.as_bytes(), title)?;
        match &mut all {
            None => all = Some(line.to_owned()),
            Some(all) => {
                all.push_str(", ");
                all.push_str(line);
            }
        }
    }
    Ok(all)
}

fn text<'a>(octets: &'a [u8], title: &'static str) -> Result<&'a str, BadHeader> {
    std::str::from_utf8(octets)
        .map(str::trim)
        .map_err(|_| BadHeader::new(title, "is not UTF-8"))
}

#[cfg(test)]
pub(crate) mod testing {
    use http::{HeaderMap, HeaderName, HeaderValue};

    /// Headers from name and value, for tables.
    pub(crate) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::headers, *};

    #[test]
    fn single_refuses_repetition_and_other_encodings() {
        let name = HeaderName::from_static("depth");
        assert_eq!(single(&headers(&[]), &name, "Depth"), Ok(None));
        assert_eq!(
            single(&headers(&[("depth", " 1 ")]), &name, "Depth"),
            Ok(Some("1"))
        );
        let twice = headers(&[("depth", "1"), ("depth", "1")]);
        assert_eq!(
            single(&twice, &name, "Depth"),
            Err(BadHeader::new("Depth", "may be sent only once"))
        );
        let mut latin = HeaderMap::new();
        latin.insert(
            &name,
            http::HeaderValue::from_bytes(b"\xff").expect("obs-text"),
        );
        assert_eq!(
            single(&latin, &name, "Depth"),
            Err(BadHeader::new("Depth", "is not UTF-8"))
        );
    }

    #[test]
    fn joined_puts_lines_together() {
        let name = HeaderName::from_static("prefer");
        assert_eq!(joined(&headers(&[]), &name, "Prefer"), Ok(None));
        assert_eq!(
            joined(
                &headers(&[("prefer", "a"), ("prefer", "b")]),
                &name,
                "Prefer"
            ),
            Ok(Some("a, b".into()))
        );
    }
}
