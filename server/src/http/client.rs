//! Who is at the other end, as far as the connection and proxies named in the configuration say.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The connection that a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other end.
    pub address: SocketAddr,
    /// Encrypted up to us.
    pub tls: bool,
}

/// The person's end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where they are.
    pub address: IpAddr,
    /// Whether a password may travel: nobody on the way can read it.
    pub confidential: bool,
}

impl Client {
    /// Looks through the proxies that are trusted; what others say of themselves is not believed.
    pub fn of(peer: Peer, headers: &HeaderMap, trusted: &[Network]) -> Client {
        let direct = peer.address.ip().to_canonical();
        if !trusts(trusted, direct) {
            return Client {
                address: direct,
                confidential: peer.tls || direct.is_loopback(),
            };
        }
        let proto = last(headers, &X_FORWARDED_PROTO);
        let address = forwarded_for(headers, trusted).unwrap_or(direct);
        let confidential = match proto {
            Some(proto) => proto.eq_ignore_ascii_case("https"),
            None => address.is_loopback(),
        };
        Client {
            address,
            confidential,
        }
    }
}

/// The nearest address in X-Forwarded-For that is not a trusted proxy itself.
fn forwarded_for(headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let values: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let mut nearest = None;
    for entry in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Ok(address) = entry.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = Some(address.to_canonical());
        if !trusts(trusted, address.to_canonical()) {
            break;
        }
    }
    nearest
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

fn trusts(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// One address, or all that share a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Network {
    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => same_prefix(
                network.to_bits().into(),
                address.to_bits().into(),
                32,
                self.prefix_bits,
            ),
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_prefix(network.to_bits(), address.to_bits(), 128, self.prefix_bits)
            }
            _ => false,
        }
    }
}

fn same_prefix(one: u128, other: u128, bits: u32, prefix_bits: u32) -> bool {
    (one ^ other).checked_shr(bits - prefix_bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || {
            format!(
                "`{text}` is not an address; write one such as \"10.0.0.1\" or a network such as \"10.0.0.0/8\""
            )
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.unwrap_or(all);
        if prefix_bits > all {
            Err(wrong())
        } else {
            Ok(Network {
                address,
                prefix_bits,
            })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let cases = [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ];
        for (network, address, expected) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network:?} {address}"
            );
        }
        for wrong in [
            "",
            "proxy",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::/129",
        ] {
            assert!(
                wrong
                    .parse::<Network>()
                    .unwrap_err()
                    .contains("write one such as"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn whom_to_believe() {
        // peer, TLS, trusted proxies, X-Forwarded-For, X-Forwarded-Proto → address, confidential
        let cases = [
            ("127.0.0.1", false, "", "", "", "127.0.0.1", true),
            ("192.0.2.9", false, "", "", "", "192.0.2.9", false),
            ("192.0.2.9", true, "", "", "", "192.0.2.9", true),
            (
                "192.0.2.9",
                false,
                "",
                "198.51.100.1",
                "https",
                "192.0.2.9",
                false,
            ),
            ("::ffff:127.0.0.1", false, "", "", "", "127.0.0.1", true),
            (
                "10.0.0.1",
                false,
                "10.0.0.1",
                "198.51.100.1",
                "https",
                "198.51.100.1",
                true,
            ),
            (
                "10.0.0.1",
                false,
                "10.0.0.1",
                "198.51.100.1",
                "http",
                "198.51.100.1",
                false,
            ),
            (
                "10.0.0.1",
                false,
                "10.0.0.1",
                "198.51.100.1",
                "",
                "198.51.100.1",
                false,
            ),
            (
                "10.0.0.1",
                true,
                "10.0.0.1",
                "198.51.100.1",
                "http",
                "198.51.100.1",
                false,
            ),
            // what the client itself put before what the proxy saw is not believed
            (
                "10.0.0.1",
                false,
                "10.0.0.1",
                "127.0.0.1, 198.51.100.1",
                "http, https",
                "198.51.100.1",
                true,
            ),
            (
                "10.0.0.1",
                false,
                "10.0.0.1",
                "198.51.100.1",
                "https, http",
                "198.51.100.1",
                false,
            ),
            // two trusted proxies in a row
            (
                "10.0.0.1",
                false,
                "10.0.0.0/8",
                "198.51.100.1, 10.0.0.2",
                "https",
                "198.51.100.1",
                true,
            ),
            // a proxy on this machine, named: a person outside without https is outside
            (
                "127.0.0.1",
                false,
                "127.0.0.1",
                "198.51.100.1",
                "http",
                "198.51.100.1",
                false,
            ),
            ("127.0.0.1", false, "127.0.0.1", "", "", "127.0.0.1", true),
            (
                "10.0.0.1", false, "10.0.0.1", "nonsense", "https", "10.0.0.1", true,
            ),
        ];
        for (peer, tls, proxies, forwarded_for, proto, address, confidential) in cases {
            let trusted: Vec<Network> = proxies
                .split_whitespace()
                .map(|proxy| proxy.parse().unwrap())
                .collect();
            let mut headers = HeaderMap::new();
            for (name, value) in [(X_FORWARDED_FOR, forwarded_for), (X_FORWARDED_PROTO, proto)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let peer = Peer {
                address: SocketAddr::new(peer.parse().unwrap(), 1),
                tls,
            };
            let expected = Client {
                address: address.parse().unwrap(),
                confidential,
            };
            assert_eq!(
                Client::of(peer, &headers, &trusted),
                expected,
                "{peer:?} {headers:?}"
            );
        }
    }
}
