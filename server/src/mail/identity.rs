//! In whose name mail leaves: a server may only write for the domains it was made for.

use lettre::Address;

/// The addresses that this server may use.
#[derive(Clone, Debug)]
pub struct Identity {
    domains: Vec<String>,
    system: Address,
}

impl Identity {
    /// From the mail domains that are ours and the address for everybody else.
    ///
    /// # Errors
    /// A sentence, where the address is none.
    pub fn new(domains: &[String], system_address: &str) -> Result<Identity, String> {
        let system = parse_address(system_address).ok_or_else(|| {
            format!("`{system_address}` is not a mail address; write one such as \"calendar@example.com\"")
        })?;
        let domains = domains
            .iter()
            .filter_map(|domain| idna::domain_to_ascii(domain).ok())
            .collect();
        Ok(Identity { domains, system })
    }

    /// Whether mail may leave in this address's name.
    pub fn is_ours(&self, address: &Address) -> bool {
        self.domains
            .iter()
            .any(|domain| domain.eq_ignore_ascii_case(address.domain()))
    }

    /// The server's own address.
    pub fn system(&self) -> &Address {
        &self.system
    }
}

/// Reads an address; a domain in Unicode becomes its ASCII form (RFC 5890), which every mail server
/// understands.
pub fn parse_address(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).ok()?
    };
    Address::new(user, domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("alice@example.com", Some("alice@example.com")),
            ("alice@bücher.example", Some("alice@xn--bcher-kva.example")),
            ("alice@[192.0.2.1]", Some("alice@[192.0.2.1]")),
            ("alice", None),
            ("@example.com", None),
            ("alice@example.com\r\nBcc: eve@example.com", None),
            ("alice@exa mple.com", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                parse_address(text)
                    .map(|address| address.to_string())
                    .as_deref(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn ours_are_the_domains_named_and_no_others() {
        let domains = ["example.com".to_owned(), "bücher.example".to_owned()];
        let identity = Identity::new(&domains, "calendar@example.com").expect("an address");
        for (address, expected) in [
            ("alice@example.com", true),
            ("alice@EXAMPLE.com", true),
            ("alice@BÜCHER.example", true),
            ("alice@sub.example.com", false),
            ("alice@example.org", false),
        ] {
            assert_eq!(
                identity.is_ours(&parse_address(address).expect(address)),
                expected,
                "{address}"
            );
        }
    }
}
