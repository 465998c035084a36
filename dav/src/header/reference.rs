//! References to resources in headers: an absolute URL of this server, or a path (RFC 4918 §8.3).

/// The names under which this server is addressed, as `host` or `host:port`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Authorities<'a> {
    /// Of the request itself: its Host header, or `:authority` in HTTP/2.
    pub request: Option<&'a str>,
    /// Of the configured public URL, which a proxy may have replaced on the way.
    pub public: Option<&'a str>,
}

/// What a reference points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A path on this server, still percent-encoded, without query.
    Local(&'a str),
    /// Another server.
    Foreign,
    /// No reference at all.
    Malformed,
}

/// Reads a Simple-ref: an absolute URI, or an absolute path with an optional query.
pub fn parse<'a>(text: &'a str, authorities: Authorities<'_>) -> Reference<'a> {
    if text.is_empty()
        || text.contains(|character: char| {
            character.is_whitespace() || character.is_control() || character == '#'
        })
    {
        return Reference::Malformed;
    }
    if text.starts_with('/') {
        // `//host/path` is relative to the scheme, which no Simple-ref is.
        return if text.starts_with("//") {
            Reference::Malformed
        } else {
            Reference::Local(without_query(text))
        };
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Reference::Malformed;
    };
    if !is_scheme(scheme) {
        return Reference::Malformed;
    }
    let default_port = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => ":80",
        _ if scheme.eq_ignore_ascii_case("https") => ":443",
        _ => return Reference::Foreign,
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return Reference::Malformed;
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() {
        return Reference::Malformed;
    }
    let ours = [authorities.request, authorities.public]
        .into_iter()
        .flatten()
        .any(|name| same_authority(authority, name, default_port));
    match without_query(path) {
        _ if !ours => Reference::Foreign,
        "" => Reference::Local("/"),
        path => Reference::Local(path),
    }
}

fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'))
}

/// Whether two authorities are the same host and port, each with or without the scheme's own port.
/// The scheme itself is not compared: a proxy may speak TLS for us.
fn same_authority(one: &str, other: &str, default_port: &str) -> bool {
    let strip = |authority: &'_ str| {
        authority
            .strip_suffix(default_port)
            .map_or(authority.len(), str::len)
    };
    one[..strip(one)].eq_ignore_ascii_case(&other[..strip(other)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Authorities<'static> = Authorities {
        request: Some("localhost:8080"),
        public: Some("cal.example.org"),
    };

    /// RFC 4918 §8.3
    #[test]
    fn references() {
        for (text, expected) in [
            ("/dav/x", Reference::Local("/dav/x")),
            ("/dav/x?y=/z", Reference::Local("/dav/x")),
            ("/dav/%20", Reference::Local("/dav/%20")),
            ("http://localhost:8080/dav/x", Reference::Local("/dav/x")),
            ("HTTP://LOCALHOST:8080/dav/x", Reference::Local("/dav/x")),
            ("https://cal.example.org/dav/x", Reference::Local("/dav/x")),
            (
                "https://cal.example.org:443/dav/x",
                Reference::Local("/dav/x"),
            ),
            ("http://cal.example.org:80/", Reference::Local("/")),
            ("https://cal.example.org", Reference::Local("/")),
            ("https://cal.example.org?q", Reference::Local("/")),
            ("https://cal.example.org:80/", Reference::Foreign),
            ("http://localhost/dav/x", Reference::Foreign),
            ("http://localhost:80801/dav/x", Reference::Foreign),
            ("http://elsewhere.example/", Reference::Foreign),
            (
                "http://localhost:8080@elsewhere.example/",
                Reference::Foreign,
            ),
            ("mailto:a@example.org", Reference::Foreign),
            ("ftp://localhost:8080/", Reference::Foreign),
            ("", Reference::Malformed),
            ("dav/x", Reference::Malformed),
            ("//localhost:8080/x", Reference::Malformed),
            ("http:/dav", Reference::Malformed),
            ("http:///dav", Reference::Malformed),
            ("1http://localhost:8080/", Reference::Malformed),
            ("/a b", Reference::Malformed),
            ("/a#b", Reference::Malformed),
        ] {
            assert_eq!(parse(text, HERE), expected, "{text}");
        }
    }

    #[test]
    fn a_request_without_host_knows_paths_only() {
        let nowhere = Authorities::default();
        assert_eq!(parse("/x", nowhere), Reference::Local("/x"));
        assert_eq!(parse("http://localhost/x", nowhere), Reference::Foreign);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*", host in ".*") {
            let _ = parse(&text, HERE);
            let _ = parse(&format!("http://{host}{text}"), Authorities { request: Some(&host), public: None });
        }
    }
}
