//! UUIDs (RFC 9562): names that nobody else gives to anything.

use std::fmt;

use crate::Environment;

/// A UUID. Its text form is the URN (RFC 9562 §4), such as `urn:uuid:...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl Uuid {
    /// A fresh one, from chance (version 4).
    pub fn random(environment: &Environment) -> Uuid {
        Uuid::of_version(4, environment.random_u128())
    }

    /// The one that follows from these parts, and only from them (version 8): nothing else has it, and they
    /// have no other. `context` says what the parts are.
    pub fn derived(context: &str, parts: &[&[u8]]) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut octets = [0; 16];
        hasher.finalize_xof().fill(&mut octets);
        Uuid::of_version(8, u128::from_be_bytes(octets))
    }

    /// The octets of [`Uuid::to_octets`].
    pub fn from_octets(octets: [u8; 16]) -> Uuid {
        Uuid(u128::from_be_bytes(octets))
    }

    /// In network order.
    pub fn to_octets(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// Version and variant in their places (RFC 9562 §4).
    fn of_version(version: u128, number: u128) -> Uuid {
        let with_version = (number & !(0xf << 76)) | (version << 76);
        Uuid((with_version & !(0x3 << 62)) | (0x2 << 62))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:032x}", self.0);
        write!(
            formatter,
            "urn:uuid:{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_variants_stand_in_their_places() {
        for (version, number, text) in [
            (4, 0, "urn:uuid:00000000-0000-4000-8000-000000000000"),
            (
                4,
                u128::MAX,
                "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff",
            ),
            (8, 0, "urn:uuid:00000000-0000-8000-8000-000000000000"),
        ] {
            let uuid = Uuid::of_version(version, number);
            assert_eq!(uuid.to_string(), text);
            assert_eq!(Uuid::from_octets(uuid.to_octets()), uuid);
        }
    }

    #[test]
    fn what_is_derived_depends_upon_each_part_and_where_it_ends() {
        let uuid = |parts: &[&[u8]]| Uuid::derived("a test", parts);
        let first = uuid(&[b"ab", b"c"]);
        assert_eq!(first, uuid(&[b"ab", b"c"]));
        assert_ne!(first, uuid(&[b"a", b"bc"]));
        assert_ne!(first, uuid(&[b"ab", b"c", b""]));
        assert_ne!(first, Uuid::derived("another", &[b"ab", b"c"]));
    }
}
