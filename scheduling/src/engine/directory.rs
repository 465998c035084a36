//! Calendar user addresses, and what the desk found out about them beforehand.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use percent_encoding::percent_decode_str;
use storage::model::{Principal, PrincipalId, PrincipalKind};

/// The form in which addresses are compared: without regard to case (RFC 6638 does not say how; the
/// mailto addresses of one person differ in case between clients), without the query and percent signs of a mailto, a
/// bare mail address as mailto, other URLs without a slash at the end.
pub fn normalise(address: &str) -> String {
    normal(address).into_owned()
}

/// The same, without a copy of what is in that form already, as most addresses are.
pub(super) fn normal(address: &str) -> Cow<'_, str> {
    let is_plain = |octet: u8| {
        matches!(octet, b'!'..=b'~') && !octet.is_ascii_uppercase() && !matches!(octet, b'?' | b'%')
    };
    if address.starts_with("mailto:") && address.bytes().all(is_plain) {
        return Cow::Borrowed(address);
    }
    Cow::Owned(normal_of_any(address))
}

fn normal_of_any(address: &str) -> String {
    let address = address.trim().to_lowercase();
    if let Some(mail) = address.strip_prefix("mailto:") {
        let mail = mail.split('?').next().unwrap_or_default().trim();
        // what would mean something else when it is read again is compared as it is written
        let is_plain =
            |mail: &str| !mail.contains(|it: char| "%?".contains(it) || it.is_whitespace());
        let decoded = decoded(mail).filter(|mail| is_plain(mail));
        return format!(
            "mailto:{}",
            decoded.as_deref().unwrap_or(mail).to_lowercase()
        );
    }
    if !address.contains(':') && address.contains('@') && !address.contains('/') {
        let mail = address.replace('%', "%25").replace('?', "%3f");
        return format!("mailto:{mail}");
    }
    address.trim_end_matches('/').to_owned()
}

/// The mail address in a calendar user address, in the case in which it is written, if it is one.
pub(crate) fn mail_address(address: &str) -> Option<Cow<'_, str>> {
    let address = address.trim();
    let scheme = address
        .get(..7)
        .filter(|it| it.eq_ignore_ascii_case("mailto:"));
    if scheme.is_none() && address.contains([':', '/']) {
        return None;
    }
    let mail = &address[scheme.map_or(0, str::len)..];
    let mail = mail.split('?').next().unwrap_or_default().trim();
    let mail = match scheme {
        Some(_) => decoded(mail)?,
        None => Cow::Borrowed(mail),
    };
    mail.contains('@').then_some(mail)
}

/// The address in a mailto without percent-encoding (RFC 6068 §2); `None` where that is nothing that stands on one line.
fn decoded(mail: &str) -> Option<Cow<'_, str>> {
    let decoded = percent_decode_str(mail).decode_utf8().ok()?;
    (!decoded.contains(char::is_control)).then_some(decoded)
}

/// Who is behind a calendar user address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// A principal of this server, by its mailto, an alias or its principal URL.
    Local(Arc<Principal>),
    /// An address of a local domain, or a principal URL, that belongs to nobody: 3.7.
    UnknownLocal,
    /// Somebody elsewhere, to be reached by mail if at all.
    Remote,
}

/// One person, whatever address names them: what addresses are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Person {
    Local(PrincipalId),
    Other(String),
}

/// What the desk knows about the addresses of one change.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    known: HashMap<String, Addressee>,
    /// Those in each group whose address is known.
    groups: BTreeMap<PrincipalId, Vec<Arc<Principal>>>,
    /// Who was found to be allowed to act for whom.
    deputies: BTreeSet<(PrincipalId, PrincipalId)>,
}

impl Directory {
    /// A directory that knows nobody: everybody is remote.
    pub fn new() -> Directory {
        Directory::default()
    }

    /// Notes who is behind an address, in whatever form it is written.
    pub fn insert(&mut self, address: &str, addressee: Addressee) {
        self.known.insert(normalise(address), addressee);
    }

    /// Notes who is in a group, directly or through others; groups among them are left out.
    pub fn insert_members(&mut self, group: PrincipalId, members: Vec<Arc<Principal>>) {
        for member in &members {
            if let Some(address) = member.addresses.first() {
                self.insert(address, Addressee::Local(Arc::clone(member)));
            }
        }
        self.groups.insert(group, members);
    }

    /// Who is in the group with this address; `None` where it is none.
    pub(super) fn members(&self, address: &str) -> Option<&[Arc<Principal>]> {
        let group = self.local(address)?;
        self.groups.get(&group.id).map(Vec::as_slice)
    }

    /// An address of each who is in the group with this address; `None` where it is none.
    pub fn addresses_in(&self, address: &str) -> Option<Vec<String>> {
        let members = self.members(address)?.iter();
        let addresses = members.filter_map(|member| member.addresses.first());
        Some(addresses.cloned().collect())
    }

    /// Notes that `deputy` may speak for `principal`.
    pub fn insert_deputy(&mut self, principal: PrincipalId, deputy: PrincipalId) {
        self.deputies.insert((principal, deputy));
    }

    /// Whether somebody here may speak for somebody here, by what the desk said.
    pub(super) fn may_speak_for(&self, principal: &str, deputy: &str) -> bool {
        match (self.local(principal), self.local(deputy)) {
            (Some(principal), Some(deputy)) => {
                principal.id == deputy.id || self.deputies.contains(&(principal.id, deputy.id))
            }
            _ => false,
        }
    }

    /// Who is behind an address; remote where the desk said nothing.
    pub fn get(&self, address: &str) -> &Addressee {
        self.known
            .get(&*normal(address))
            .unwrap_or(&Addressee::Remote)
    }

    /// Whether it was noted already which person is behind an address. (Who is in a group changes by itself.)
    pub fn knows_person(&self, address: &str) -> bool {
        match self.known.get(&*normal(address)) {
            Some(Addressee::Local(principal)) => principal.kind != PrincipalKind::Group,
            Some(Addressee::UnknownLocal | Addressee::Remote) => true,
            None => false,
        }
    }

    /// The principal behind an address, if it is a local one.
    pub fn local(&self, address: &str) -> Option<&Arc<Principal>> {
        match self.get(address) {
            Addressee::Local(principal) => Some(principal),
            _ => None,
        }
    }

    /// Whether an address is one of this principal's.
    pub fn is(&self, address: &str, principal: PrincipalId) -> bool {
        self.local(address)
            .is_some_and(|local| local.id == principal)
    }

    /// The person behind an address.
    pub(super) fn person(&self, address: &str) -> Person {
        let address = normal(address);
        match self.known.get(&*address) {
            Some(Addressee::Local(principal)) => Person::Local(principal.id),
            _ => Person::Other(address.into_owned()),
        }
    }

    /// Whether an address is of this person.
    pub(super) fn is_of(&self, address: &str, person: &Person) -> bool {
        match (self.local(address), person) {
            (Some(local), Person::Local(id)) => local.id == *id,
            (None, Person::Other(other)) => *normal(address) == **other,
            _ => false,
        }
    }

    /// Whether two addresses are of one person: equal, or of one principal.
    pub fn same_person(&self, one: &str, other: &str) -> bool {
        self.is_of(one, &self.person(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        for (written, form) in [
            ("mailto:Bob@Example.ORG", "mailto:bob@example.org"),
            ("MAILTO:bob@example.org?subject=x", "mailto:bob@example.org"),
            (" bob@example.org ", "mailto:bob@example.org"),
            ("/dav/principals/users/bob/", "/dav/principals/users/bob"),
            (
                "https://Host/dav/principals/users/bob",
                "https://host/dav/principals/users/bob",
            ),
            ("urn:uuid:ABC", "urn:uuid:abc"),
            // RFC 6068 §2
            (
                "mailto:B%4Fb%2Btag@example.org",
                "mailto:bob+tag@example.org",
            ),
            ("mailto:b%C3%96b@example.org", "mailto:böb@example.org"),
            // what would be none, or another one when it is read again
            ("mailto:a%0D%0AB@example.org", "mailto:a%0d%0ab@example.org"),
            ("mailto:a%FF@example.org", "mailto:a%ff@example.org"),
            ("mailto:a%2541@example.org", "mailto:a%2541@example.org"),
            ("a%41b@example.org", "mailto:a%2541b@example.org"),
            ("mailto:a%3Fb@example.org", "mailto:a%3fb@example.org"),
            ("a?b@example.org", "mailto:a%3fb@example.org"),
            ("mailto:bob@example.org%20", "mailto:bob@example.org%20"),
        ] {
            assert_eq!(normalise(written), form);
            assert_eq!(normalise(form), form);
        }
    }

    #[test]
    fn mail_addresses_keep_their_case() {
        for (address, mail) in [
            ("MAILTO:Bob@Example.ORG?x=y", Some("Bob@Example.ORG")),
            ("bob@example.org", Some("bob@example.org")),
            ("invalid:nomail", None),
            ("mailto:", None),
            ("/dav/principals/users/b@c/", None),
            ("ä", None),
            // RFC 6068 §2
            ("mailto:Bob%2Btag@example.org", Some("Bob+tag@example.org")),
            ("mailto:a%2541@example.org", Some("a%41@example.org")),
            ("Bob%2Btag@example.org", Some("Bob%2Btag@example.org")),
            ("mailto:a@example.org%0D%0ABcc:b@example.org", None),
            ("mailto:a%00@example.org", None),
            ("mailto:a%FF@example.org", None),
        ] {
            assert_eq!(mail_address(address).as_deref(), mail);
        }
    }
}
