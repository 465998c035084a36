//! Principals and their credentials.
//!
//! Identities are never reused. Hence a group's members and a principal's delegates may name somebody
//! who was removed: readers ignore them, and nobody has to clean up.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{
    Batch, Store,
    directory::{Memberships, normalise_address},
    keys, record,
};
use crate::{
    Revision, Stored,
    backend::{Key, ReadError},
    model::{Credential, Principal, PrincipalId},
};

impl Store {
    /// The principal with this identity.
    pub async fn principal(&self, id: PrincipalId) -> Result<Option<Arc<Principal>>, ReadError> {
        Ok(self
            .principal_to_change(id)
            .await?
            .map(|principal| principal.value))
    }

    /// The principal with its revision, to be changed by [`Batch::put_principal`].
    pub async fn principal_to_change(
        &self,
        id: PrincipalId,
    ) -> Result<Option<Stored<Arc<Principal>>>, ReadError> {
        Ok(self.directory().await?.get(id).cloned())
    }

    /// The principal with exactly this name.
    pub async fn principal_by_name(&self, name: &str) -> Result<Option<Arc<Principal>>, ReadError> {
        Ok(self
            .directory()
            .await?
            .by_name(name)
            .map(|principal| Arc::clone(&principal.value)))
    }

    /// The principal with this calendar user address: a `mailto` in any case, or another URI as
    /// written. The principal URL as an address is the business of `dav`.
    pub async fn principal_by_address(
        &self,
        address: &str,
    ) -> Result<Option<Arc<Principal>>, ReadError> {
        Ok(self
            .directory()
            .await?
            .by_address(address)
            .map(|principal| Arc::clone(&principal.value)))
    }

    /// Several addresses at once, in the order asked for.
    pub async fn principals_by_address(
        &self,
        addresses: &[String],
    ) -> Result<Vec<Option<Arc<Principal>>>, ReadError> {
        let directory = self.directory().await?;
        let find = |address: &String| {
            directory
                .by_address(address)
                .map(|principal| Arc::clone(&principal.value))
        };
        Ok(addresses.iter().map(find).collect())
    }

    /// Everyone, in the order of names.
    pub async fn principals(&self) -> Result<Vec<Arc<Principal>>, ReadError> {
        Ok(self.directory().await?.all())
    }

    /// The groups that hold the principal (RFC 3744 §4.4), and whose delegate it is, directly or through
    /// groups.
    pub async fn memberships_of(&self, id: PrincipalId) -> Result<Arc<Memberships>, ReadError> {
        Ok(self.directory().await?.memberships_of(id))
    }

    /// These, and everybody in those of them that are groups (directly or through groups), without the groups.
    pub async fn members_of_all(
        &self,
        ids: &[PrincipalId],
    ) -> Result<Vec<Arc<Principal>>, ReadError> {
        Ok(self.directory().await?.members_of_all(ids))
    }

    /// Whether it is certain, without reading, that no password changed since `revision` was readable:
    /// what [`Store::credential`] said then still stands.
    pub fn are_credentials_unchanged_since(&self, revision: Revision) -> bool {
        self.is_unchanged_since(keys::Keyspace::Credential, revision)
    }

    /// The principal's password hash.
    pub async fn credential(
        &self,
        id: PrincipalId,
    ) -> Result<Option<Stored<Credential>>, ReadError> {
        let entry = self.backend().get(&keys::credential(id)).await?;
        entry
            .map(|entry| record::stored(&entry, "credential"))
            .transpose()
    }
}

impl Batch {
    /// Writes a principal. `before` is what was read (expected unchanged), `None` expects that its
    /// identity is new. A name (in any case) or an address that somebody else has makes the commit
    /// conflict.
    pub fn put_principal(
        &mut self,
        before: Option<&Stored<Arc<Principal>>>,
        after: &Principal,
    ) -> &mut Self {
        let key = keys::principal(after.id);
        self.expect_row(
            key.clone(),
            before.map_or(Revision(0), |before| before.revision),
        );
        self.index_principal(after.id, before.map(|before| &*before.value), Some(after));
        self.put(key, record::encode(after));
        self
    }

    /// Removes a principal, unchanged since it was read, and its credential. Its home is detached
    /// apart from this.
    pub fn remove_principal(&mut self, before: &Stored<Arc<Principal>>) -> &mut Self {
        let key = keys::principal(before.id);
        self.expect_row(key.clone(), before.revision);
        self.index_principal(before.id, Some(&before.value), None);
        self.delete(key);
        self.delete(keys::credential(before.id));
        self
    }

    /// Writes a password hash. `before` is what was read, `None` expects that there is none.
    pub fn put_credential(
        &mut self,
        principal: PrincipalId,
        before: Option<&Stored<Credential>>,
        after: &Credential,
    ) -> &mut Self {
        let key = keys::credential(principal);
        self.expect_row(
            key.clone(),
            before.map_or(Revision(0), |before| before.revision),
        );
        self.put(key, record::encode(after));
        self
    }

    /// Brings the rows that make names and addresses unique, and the directory, from `before` to `after`.
    fn index_principal(
        &mut self,
        id: PrincipalId,
        before: Option<&Principal>,
        after: Option<&Principal>,
    ) {
        let (old, new) = (
            before.map(unique_keys).unwrap_or_default(),
            after.map(unique_keys).unwrap_or_default(),
        );
        for key in old.difference(&new) {
            self.delete(key.clone());
        }
        for key in new.difference(&old) {
            self.expect_row(key.clone(), Revision(0));
            self.put(key.clone(), record::encode(&id));
        }
        self.put(keys::directory(), Bytes::new());
        self.append(keys::directory_log(), record::encode(&id));
    }
}

/// The keys of the rows that only one principal may have.
pub(super) fn unique_keys(principal: &Principal) -> BTreeSet<Key> {
    let addresses = principal
        .addresses
        .iter()
        .map(|address| keys::principal_address(&normalise_address(address)));
    addresses
        .chain([keys::principal_name(&principal.name)])
        .collect()
}
