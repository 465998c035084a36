//! The credentials of HTTP Basic (RFC 7617 §2).

use std::mem;

use base64::{Engine, decoded_len_estimate, engine::general_purpose::STANDARD};
use http::HeaderValue;
use zeroize::Zeroizing;

/// The longest Authorization header that is looked at.
const MAXIMUM_HEADER_OCTETS: usize = 2048;

/// A name and a password as sent. The password leaves memory when this is dropped, and no `Debug`
/// output can carry it into a log.
pub struct BasicCredentials {
    text: Zeroizing<String>,
    colon: usize,
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
        let token = token.trim_ascii();
        // As large as it may become: one that grew would leave a copy behind.
        let mut decoded = Zeroizing::new(Vec::with_capacity(decoded_len_estimate(token.len())));
        STANDARD.decode_vec(token, &mut decoded).ok()?;
        let text = match String::from_utf8(mem::take(&mut *decoded)) {
            Ok(text) => Zeroizing::new(text),
            Err(error) => from_iso_8859_1(Zeroizing::new(error.into_bytes())),
        };
        if text.chars().any(char::is_control) {
            return None;
        }
        let colon = text.find(':')?;
        Some(BasicCredentials { text, colon })
    }

    /// Who claims to sign in.
    pub fn name(&self) -> &str {
        &self.text[..self.colon]
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.text[self.colon + 1..]
    }
}

#[cfg(test)]
impl BasicCredentials {
    /// As a client would send them.
    pub fn new(name: &str, password: &str) -> BasicCredentials {
        let text = Zeroizing::new(format!("{name}:{password}"));
        BasicCredentials {
            text,
            colon: name.len(),
        }
    }
}

fn from_iso_8859_1(octets: Zeroizing<Vec<u8>>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * octets.len()));
    text.extend(octets.iter().map(|octet| char::from(*octet)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Option<(String, String)> {
        let value = HeaderValue::from_str(header).expect("a header of the test");
        BasicCredentials::parse(&value)
            .map(|basic| (basic.name().to_owned(), basic.password().to_owned()))
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
