//! The credentials of HTTP Basic (RFC 7617 §2).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use zeroize::Zeroizing;

/// The longest Authorization header that is looked at.
const MAXIMUM_HEADER_OCTETS: usize = 2048;

/// A name and a password as sent. The password leaves memory when this is dropped, and no `Debug`
/// output can carry it into a log.
pub struct BasicCredentials {
    /// Who claims to sign in.
    pub name: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl BasicCredentials {
    /// Reads an Authorization header; `None` where it is not Basic or not well formed.
    ///
    /// The challenge says `charset="UTF-8"` (RFC 7617 §2.1); what is not UTF-8 comes from clients that
    /// predate it and is read as ISO 8859-1.
    pub fn parse(header: &HeaderValue) -> Option<BasicCredentials> {
        let octets = header.as_bytes();
        let (scheme, token) = octets.split_at_checked(6)?;
        if octets.len() > MAXIMUM_HEADER_OCTETS || !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let decoded = Zeroizing::new(STANDARD.decode(token.trim_ascii()).ok()?);
        let text = match str::from_utf8(&decoded) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => Zeroizing::new(decoded.iter().map(|octet| char::from(*octet)).collect()),
        };
        let (name, password) = text.split_once(':')?;
        if text.chars().any(char::is_control) {
            return None;
        }
        Some(BasicCredentials {
            name: name.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Option<(String, String)> {
        let value = HeaderValue::from_str(header).expect("a header of the test");
        BasicCredentials::parse(&value).map(|basic| (basic.name, basic.password.to_string()))
    }

    #[test]
    fn what_clients_send() {
        let cases = [
            // RFC 7617 §2
            (
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
                Some(("Aladdin", "open sesame")),
            ),
            // RFC 7617 §2.1
            ("Basic dGVzdDoxMjPCow==", Some(("test", "123£"))),
            // the same in ISO 8859-1
            ("Basic dGVzdDoxMjOj", Some(("test", "123£"))),
            // a colon in the password
            ("basic  YTpiOmM=", Some(("a", "b:c"))),
            // an empty password
            ("BASIC YTo=", Some(("a", ""))),
            // no colon
            ("Basic YQ==", None),
            // a control character
            ("Basic YToA", None),
            ("Basic !!!!", None),
            ("Bearer YTpi", None),
            ("Basic", None),
            ("", None),
        ];
        for (header, expected) in cases {
            let expected = expected.map(|(name, password)| (name.to_owned(), password.to_owned()));
            assert_eq!(parse(header), expected, "{header}");
        }
    }

    #[test]
    fn an_oversized_header_is_not_read() {
        let header = format!(
            "Basic {}",
            STANDARD.encode(format!("a:{}", "b".repeat(4000)))
        );
        assert_eq!(parse(&header), None);
    }
}
