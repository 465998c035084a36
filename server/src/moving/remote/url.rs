//! Addresses on another server: absolute, or as its answers write them.

use std::fmt;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What servers write unescaped into hrefs although no URI can hold it.
const UNESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'#');

/// An address that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address of a server: write https://calendar.example.com/")]
pub struct AddressError(String);

/// The address of a resource: scheme, host, port and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    is_secure: bool,
    host: String,
    port: u16,
    /// With its query; percent signs as they were written.
    path: String,
}

impl Address {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// It is none, or has a user name in it.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let escaped = utf8_percent_encode(text.trim(), UNESCAPED).to_string();
        let uri: Uri = escaped.parse().map_err(|_| wrong())?;
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        let usual = if is_secure { 443 } else { 80 };
        Ok(Address {
            is_secure,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(usual),
            path: uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
        })
    }

    /// The address of an href in an answer of this resource, or of a redirection by it (RFC 3986 §5, without
    /// dots).
    ///
    /// # Errors
    /// It is no address.
    pub fn join(&self, href: &str) -> Result<Address, AddressError> {
        let href = href.trim();
        if href.contains("://") {
            return Address::parse(href);
        }
        let scheme = if self.is_secure { "https" } else { "http" };
        if let Some(rest) = href.strip_prefix("//") {
            return Address::parse(&format!("{scheme}://{rest}"));
        }
        let path = match href.starts_with('/') {
            true => href.to_owned(),
            false => {
                let folder = self.path.rfind('/').map_or("", |at| &self.path[..at]);
                format!("{folder}/{href}")
            }
        };
        let joined = Address::parse(&format!("{scheme}://{}{path}", self.authority()))?;
        Ok(joined)
    }

    /// Whether both are of one server, to which the same secrets may go (RFC 6454 §5).
    pub fn is_same_origin(&self, other: &Address) -> bool {
        (self.is_secure, &self.host, self.port) == (other.is_secure, &other.host, other.port)
    }

    /// Whether what is sent there is encrypted, or stays on this machine.
    pub fn is_safe(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        let is_loopback = host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        self.is_secure || is_loopback || host == "localhost"
    }

    /// TLS is spoken.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The host, without brackets.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the Host header has them.
    pub fn authority(&self) -> String {
        let usual = if self.is_secure { 443 } else { 80 };
        match self.port == usual {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Path and query, for the request line.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last name in the path, decoded.
    pub fn last_segment(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let segment = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        percent_decode_str(segment).decode_utf8_lossy().into_owned()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("https://Example.com", Some("https://example.com/")),
            ("https://example.com:443/a", Some("https://example.com/a")),
            (
                "http://localhost:5232/a b/ä?c",
                Some("http://localhost:5232/a%20b/%C3%A4?c"),
            ),
            ("http://[::1]:80/", Some("http://[::1]/")),
            ("example.com", None),
            ("ftp://example.com/", None),
            ("https://alice:secret@example.com/", None),
            ("", None),
        ] {
            let read = Address::parse(text).ok().map(|it| it.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn hrefs_of_answers() {
        let base = Address::parse("https://example.com:8443/dav/home/").unwrap();
        for (href, expected) in [
            ("/dav/a.ics", "https://example.com:8443/dav/a.ics"),
            ("a%20b.ics", "https://example.com:8443/dav/home/a%20b.ics"),
            ("http://other/x", "http://other/x"),
            ("//other/x", "https://other/x"),
            (" /x y ", "https://example.com:8443/x%20y"),
        ] {
            assert_eq!(base.join(href).unwrap().to_string(), expected, "{href}");
        }
        assert_eq!(base.last_segment(), "home");
        assert_eq!(base.join("/a/b%C3%A4/").unwrap().last_segment(), "bä");
    }

    #[test]
    fn where_secrets_may_go() {
        let base = Address::parse("https://example.com/").unwrap();
        for (text, same) in [
            ("https://EXAMPLE.com:443/other", true),
            ("http://example.com/", false),
            ("https://example.com:8443/", false),
            ("https://evil.example.com/", false),
        ] {
            assert_eq!(
                base.is_same_origin(&Address::parse(text).unwrap()),
                same,
                "{text}"
            );
        }
        for (text, safe) in [
            ("https://example.com/", true),
            ("http://127.0.0.1:5232/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://example.com/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_safe(), safe, "{text}");
        }
    }
}
