//! The Destination header of COPY and MOVE (RFC 4918 §10.3).

use http::{HeaderMap, HeaderName};

use super::{Authorities, BadHeader, Reference, reference, single};

static DESTINATION: HeaderName = HeaderName::from_static("destination");

/// Why there is no destination here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// 400: missing or malformed.
    #[error(transparent)]
    Bad(#[from] BadHeader),
    /// 502: on another server (RFC 4918 §9.8.5).
    #[error(
        "the Destination header names another server, to which nothing can be copied or moved from here"
    )]
    Foreign,
}

/// The path of the destination on this server, still percent-encoded.
///
/// # Errors
/// See [`DestinationError`].
pub fn parse<'a>(
    headers: &'a HeaderMap,
    authorities: Authorities<'_>,
) -> Result<&'a str, DestinationError> {
    let value = single(headers, &DESTINATION, "Destination")?
        .ok_or_else(|| BadHeader::new("Destination", "is missing"))?;
    match reference::parse(value, authorities) {
        Reference::Local(path) => Ok(path),
        Reference::Foreign => Err(DestinationError::Foreign),
        Reference::Malformed => Err(BadHeader::new(
            "Destination",
            format!("must be an absolute URL or path, not {value:?}"),
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::headers, *};

    /// RFC 4918 §10.3
    #[test]
    fn values() {
        let here = Authorities {
            request: Some("localhost:8080"),
            public: None,
        };
        let parsed =
            |value: &str| parse(&headers(&[("destination", value)]), here).map(str::to_owned);
        assert_eq!(parsed("/dav/x"), Ok("/dav/x".into()));
        assert_eq!(parsed("http://localhost:8080/dav/x"), Ok("/dav/x".into()));
        assert_eq!(
            parsed("http://elsewhere/dav/x"),
            Err(DestinationError::Foreign)
        );
        assert!(matches!(parsed("x"), Err(DestinationError::Bad(_))));
        assert_eq!(
            parse(&headers(&[]), here).map_err(|error| error.to_string()),
            Err("the Destination header is missing".into())
        );
    }
}
