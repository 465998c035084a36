//! The names of imported objects, which follow from their UIDs. Pure.

/// The longest UID that is a name as it stands.
const MAXIMUM_PLAIN_OCTETS: usize = 200;
/// Octets of the hash in a name.
const HASH_OCTETS: usize = 16;
/// Names that are tried for one UID: the first is free unless a client gave it to something else.
const CANDIDATES: usize = 16;

/// The name of an object with this UID: the UID itself where it is harmless in a URL and in a file system,
/// else a hash of it.
pub fn object_name(uid: &str) -> String {
    match is_harmless(uid) {
        true => format!("{uid}.ics"),
        false => format!("{}.ics", hash(uid)),
    }
}

/// Names for an object, the first of which that is free it gets.
pub(super) fn candidates(uid: &str) -> impl Iterator<Item = String> {
    let hash = hash(uid);
    let others = (1..CANDIDATES).map(move |number| format!("{hash}-{number}.ics"));
    std::iter::once(object_name(uid)).chain(others)
}

fn hash(uid: &str) -> String {
    blake3::hash(uid.as_bytes()).to_hex()[..2 * HASH_OCTETS].to_owned()
}

fn is_harmless(uid: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.@+".contains(&octet);
    (1..=MAXIMUM_PLAIN_OCTETS).contains(&uid.len())
        && uid.bytes().all(plain)
        && !uid.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_uids() {
        for uid in ["a", "3F2504E0-4F89@example.org", "a_b+c"] {
            assert_eq!(object_name(uid), format!("{uid}.ics"));
        }
        let long = "x".repeat(MAXIMUM_PLAIN_OCTETS + 1);
        for uid in [
            "", ".", "..", "../x", "a/b", "a b", "ä", "a\0", "-a", "%2e", "a;b", &long,
        ] {
            let name = object_name(uid);
            assert_eq!(name.len(), 2 * HASH_OCTETS + 4, "{uid}");
            assert!(is_harmless(&name), "{uid}");
        }
    }

    #[test]
    fn candidates_differ() {
        let all: std::collections::BTreeSet<_> = candidates("a").collect();
        assert_eq!(all.len(), CANDIDATES);
        assert_eq!(candidates("a").next().as_deref(), Some("a.ics"));
    }
}
