//! Who is behind the addresses of an object: one batched read, as a value for the engine.

use calendar::CalendarObject;
use storage::{access::Delegation, model::PrincipalKind};

use super::{Desk, refuse::read_failed};
use crate::{
    Refusal,
    engine::{self, Addressee, Directory},
};

impl Desk {
    /// Adds to the directory what is known of these addresses, as they stand in an object, and it does not know yet.
    pub(crate) async fn look_up(
        &self,
        directory: &mut Directory,
        addresses: &[String],
    ) -> Result<(), Refusal> {
        let new = addresses.iter().filter(|it| !directory.knows_person(it));
        let new: Vec<&String> = new.collect();
        let asked: Vec<String> = new.iter().flat_map(|it| lookup_forms(it)).collect();
        let found = self
            .store
            .principals_by_address(&asked)
            .await
            .map_err(read_failed)?;
        for (address, found) in new.into_iter().zip(found.chunks(LOOKUP_FORMS)) {
            let addressee = match found.iter().flatten().next().cloned() {
                Some(principal) => Addressee::Local(principal),
                None => self.by_url_or_domain(address).await?,
            };
            if let Addressee::Local(group) = &addressee
                && group.kind == PrincipalKind::Group
            {
                let members = self.store.members_of_all(&[group.id]).await;
                directory.insert_members(group.id, members.map_err(read_failed)?);
            }
            directory.insert(address, addressee);
        }
        Ok(())
    }

    /// Adds to the directory who may speak for whom, of those who an object says do so (SENT-BY), and whose
    /// addresses are in the directory already.
    pub(crate) async fn look_up_deputies(
        &self,
        directory: &mut Directory,
        object: &CalendarObject,
    ) -> Result<(), Refusal> {
        for (principal, deputy) in engine::signatures(object) {
            let (Some(principal), Some(deputy)) =
                (directory.local(&principal), directory.local(&deputy))
            else {
                continue;
            };
            let (principal, deputy) = (principal.id, deputy.id);
            let memberships = self.store.memberships_of(deputy).await;
            let memberships = memberships.map_err(read_failed)?;
            let speaks = |of: Delegation| memberships.delegations.contains(&(principal, of));
            if speaks(Delegation::Invite) || speaks(Delegation::Answer) {
                directory.insert_deputy(principal, deputy);
            }
        }
        Ok(())
    }

    /// A principal URL (RFC 6638 §2.4.1), or an address in a domain whose people are all here.
    async fn by_url_or_domain(&self, address: &str) -> Result<Addressee, Refusal> {
        if let Some(name) = url_path(address).and_then(self.settings.principal_path_to_name) {
            let principal = self
                .store
                .principal_by_name(&name)
                .await
                .map_err(read_failed)?;
            return Ok(principal.map_or(Addressee::UnknownLocal, Addressee::Local));
        }
        let form = engine::normalise(address);
        let domain = form
            .strip_prefix("mailto:")
            .and_then(|mail| mail.rsplit_once('@'));
        let is_local = domain.is_some_and(|(_, domain)| {
            self.settings
                .local_domains
                .iter()
                .any(|local| local.eq_ignore_ascii_case(domain))
        });
        Ok(if is_local {
            Addressee::UnknownLocal
        } else {
            Addressee::Remote
        })
    }
}

/// In how many forms each address is looked up.
const LOOKUP_FORMS: usize = 2;

/// Mail addresses in the one form that mailboxes are compared in, and as they are written, which is how an account may have
/// them (RFC 6068 §2); other URIs only so, because the store folds their case only where that is harmless.
fn lookup_forms(address: &str) -> [String; LOOKUP_FORMS] {
    let (form, written) = (engine::normalise(address), address.trim().to_owned());
    match form.starts_with("mailto:") {
        true => [form, written],
        false => [written.clone(), written],
    }
}

/// The path of an HTTP URL, or of a reference that is a path.
pub(super) fn url_path(address: &str) -> Option<&str> {
    let address = address.trim();
    if address.starts_with('/') {
        return Some(address);
    }
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    rest.find('/').map(|at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_urls() {
        for (address, path) in [
            (
                "/dav/principals/users/bob/",
                Some("/dav/principals/users/bob/"),
            ),
            ("https://host:8443/dav/x", Some("/dav/x")),
            ("HTTP://host/", Some("/")),
            ("https://host", None),
            ("mailto:a@b/c", None),
            ("urn:x://y/z", None),
        ] {
            assert_eq!(url_path(address), path, "{address}");
        }
    }

    #[test]
    fn forms_for_the_lookup() {
        for (address, form) in [
            ("MAILTO:Bob@Example.ORG?x", "mailto:bob@example.org"),
            ("Bob@example.org", "mailto:bob@example.org"),
            (" urn:uuid:ABC", "urn:uuid:ABC"),
        ] {
            assert_eq!(lookup_forms(address)[0], form);
        }
    }
}
