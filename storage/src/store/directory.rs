//! All principals in memory, right by one row.
//!
//! Every change of a principal, by whatever node, writes the directory's revision row and appends to
//! the directory's log. A reader compares the revision with that of its cached directory and, where
//! they differ, reads just the principals that the log names since. Where the backend knows that nobody
//! wrote the row, it need not even be read.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, PoisonError, RwLock},
};

use rpds::HashTrieMapSync;

use super::{
    SCAN_PAGE, Store,
    keys::{self, Keyspace},
    record,
};
use crate::{
    Revision, Stored,
    access::Delegation,
    backend::{KeyRange, Page, ReadError},
    model::{Principal, PrincipalId, PrincipalKind},
};

/// An unchangeable picture of all principals.
#[derive(Clone, Default)]
pub(super) struct Directory {
    /// The newest change that is in here.
    revision: Revision,
    by_id: HashTrieMapSync<PrincipalId, Stored<Arc<Principal>>>,
    by_name: HashTrieMapSync<String, PrincipalId>,
    by_address: HashTrieMapSync<String, PrincipalId>,
    /// Who names a principal directly, and as what.
    named_by: HashTrieMapSync<PrincipalId, Vec<Naming>>,
    /// What the principals belong to who were asked about.
    memberships: KnownMemberships,
}

/// Memberships that were found in one picture of the directory; a picture that is to be changed knows none.
#[derive(Default)]
struct KnownMemberships(RwLock<HashMap<PrincipalId, Arc<Memberships>>>);

impl Clone for KnownMemberships {
    fn clone(&self) -> KnownMemberships {
        KnownMemberships::default()
    }
}

/// A principal that names another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// A group: as its member.
    Group(PrincipalId),
    /// Somebody: as a delegate.
    Delegator(PrincipalId, Delegation),
}

/// What somebody belongs to, directly or through groups, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The groups.
    pub groups: Vec<PrincipalId>,
    /// Those whose delegate they are, and which.
    pub delegations: Vec<(PrincipalId, Delegation)>,
}

/// Whom a principal names, and as what.
fn namings(principal: &Principal) -> impl Iterator<Item = (PrincipalId, Naming)> {
    let id = principal.id;
    let members = principal.members.iter();
    let members = members.map(move |member| (*member, Naming::Group(id)));
    let delegates = Delegation::ALL.into_iter().flat_map(move |delegation| {
        let naming = Naming::Delegator(id, delegation);
        let delegates = principal.delegates_in(delegation);
        delegates.map(move |delegate| (delegate, naming))
    });
    members.chain(delegates)
}

/// The form in which calendar user addresses are compared: the scheme in lower case, and all of a
/// `mailto` (RFC 6638 §2.4.1 leaves the comparison to the server; mail systems ignore case).
pub fn normalise_address(address: &str) -> String {
    let address = address.trim();
    match address.split_once(':') {
        Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("mailto") => {
            format!("{}:{rest}", scheme.to_ascii_lowercase())
        }
        _ => address.to_lowercase(),
    }
}

impl Directory {
    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn get(&self, id: PrincipalId) -> Option<&Stored<Arc<Principal>>> {
        self.by_id.get(&id)
    }

    pub fn by_name(&self, name: &str) -> Option<&Stored<Arc<Principal>>> {
        self.get(*self.by_name.get(name)?)
    }

    pub fn by_address(&self, address: &str) -> Option<&Stored<Arc<Principal>>> {
        self.get(*self.by_address.get(&normalise_address(address))?)
    }

    /// Everyone, in the order of names.
    pub fn all(&self) -> Vec<Arc<Principal>> {
        let mut all: Vec<_> = self
            .by_id
            .values()
            .map(|principal| Arc::clone(&principal.value))
            .collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// What the principal belongs to: looked for once.
    pub fn memberships_of(&self, id: PrincipalId) -> Arc<Memberships> {
        let known = &self.memberships.0;
        let found = {
            let known = known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&id).cloned()
        };
        if let Some(found) = found {
            return found;
        }
        let found = Arc::new(self.find_memberships(id));
        // Who is nobody here would be remembered without bound.
        if self.by_id.contains_key(&id) {
            let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(id, Arc::clone(&found));
        }
        found
    }

    /// A group that holds itself through others does no harm.
    fn find_memberships(&self, id: PrincipalId) -> Memberships {
        let mut found = Memberships::default();
        let mut members = vec![id];
        while let Some(member) = members.pop() {
            for naming in self.named_by.get(&member).into_iter().flatten() {
                match *naming {
                    Naming::Group(group) if group != id && !found.groups.contains(&group) => {
                        found.groups.push(group);
                        members.push(group);
                    }
                    Naming::Group(_) => {}
                    Naming::Delegator(delegator, delegation) => {
                        if !found.delegations.contains(&(delegator, delegation)) {
                            found.delegations.push((delegator, delegation));
                        }
                    }
                }
            }
        }
        found
    }

    /// These, and everybody who is in those of them that are groups, directly or through groups; in the order
    /// in which they are met, each once, and no groups.
    pub fn members_of_all(&self, ids: &[PrincipalId]) -> Vec<Arc<Principal>> {
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        let mut open: VecDeque<PrincipalId> = ids.iter().copied().collect();
        while let Some(id) = open.pop_front() {
            let Some(principal) = self.get(id).filter(|_| seen.insert(id)) else {
                continue;
            };
            match principal.kind {
                PrincipalKind::Group => open.extend(&principal.members),
                _ => found.push(Arc::clone(&principal.value)),
            }
        }
        found
    }

    /// The same, with another state of a principal.
    pub fn with(&self, revision: Revision, principal: &Principal) -> Directory {
        let mut directory = self.clone();
        let value = principal.clone();
        directory.learn(principal.id, Some(Stored { value, revision }));
        directory
    }

    /// Puts the newest state of a principal in the place of what was known of it.
    fn learn(&mut self, id: PrincipalId, newest: Option<Stored<Principal>>) {
        if let Some(old) = self.by_id.get(&id).cloned() {
            self.forget(&old);
        }
        let Some(newest) = newest else { return };
        self.by_name.insert_mut(newest.name.clone(), id);
        for address in &newest.addresses {
            self.by_address.insert_mut(normalise_address(address), id);
        }
        for (named, naming) in namings(&newest) {
            let mut all = self.named_by.get(&named).cloned().unwrap_or_default();
            if !all.contains(&naming) {
                all.push(naming);
                self.named_by.insert_mut(named, all);
            }
        }
        let value = Arc::new(newest.value);
        self.by_id.insert_mut(
            id,
            Stored {
                value,
                revision: newest.revision,
            },
        );
    }

    fn forget(&mut self, old: &Principal) {
        self.by_id.remove_mut(&old.id);
        // A name or an address may belong to somebody else already.
        if self.by_name.get(&old.name) == Some(&old.id) {
            self.by_name.remove_mut(&old.name);
        }
        for address in &old.addresses {
            let address = normalise_address(address);
            if self.by_address.get(&address) == Some(&old.id) {
                self.by_address.remove_mut(&address);
            }
        }
        for (named, naming) in namings(old) {
            let mut all = self.named_by.get(&named).cloned().unwrap_or_default();
            all.retain(|other| *other != naming);
            if all.is_empty() {
                self.named_by.remove_mut(&named);
            } else {
                self.named_by.insert_mut(named, all);
            }
        }
    }
}

/// The directory as this process last saw it.
#[derive(Clone, Default)]
pub(super) struct KnownDirectory {
    pub directory: Arc<Directory>,
    /// It was still so when this revision was readable.
    pub through: Revision,
}

impl Store {
    /// The directory as it is now.
    pub(super) async fn directory(&self) -> Result<Arc<Directory>, ReadError> {
        let known = self.known_directory();
        if self.is_unchanged_since(Keyspace::Directory, known.through) {
            return Ok(known.directory);
        }
        let through = self.backend().revision();
        let row = self.backend().get(&keys::directory()).await?;
        let directory = self
            .directory_since(row.map_or(Revision(0), |row| row.revision))
            .await?;
        self.confirm_directory(&directory, through);
        Ok(directory)
    }

    /// Notes that a directory was still so when the revision `through` was readable.
    pub(super) fn confirm_directory(&self, directory: &Directory, through: Revision) {
        let mut known = self
            .shared
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.directory.revision == directory.revision {
            known.through = known.through.max(through);
        }
    }

    /// A directory that knows the change `revision`, and perhaps later ones.
    pub(super) async fn directory_since(
        &self,
        revision: Revision,
    ) -> Result<Arc<Directory>, ReadError> {
        let cached = self.known_directory().directory;
        if cached.revision >= revision {
            return Ok(cached);
        }
        let mut directory = Directory::clone(&cached);
        let is_known = cached.revision != Revision(0);
        if !is_known || !self.read_changed_principals(&mut directory).await? {
            directory = Directory::default();
            self.read_all_principals(&mut directory, revision).await?;
        }
        let directory = Arc::new(directory);
        let mut known = self
            .shared
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if known.directory.revision < directory.revision {
            *known = KnownDirectory {
                directory: Arc::clone(&directory),
                through: directory.revision,
            };
        }
        Ok(directory)
    }

    /// The directory as this process last saw it, perhaps out of date.
    pub(super) fn known_directory(&self) -> KnownDirectory {
        self.shared
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads everyone. What changes meanwhile stands in the log behind `revision` and is read again.
    async fn read_all_principals(
        &self,
        directory: &mut Directory,
        revision: Revision,
    ) -> Result<(), ReadError> {
        let mut range = KeyRange::prefix(keys::principals());
        loop {
            let page = self.backend().scan(range.clone(), SCAN_PAGE).await?;
            for (_, entry) in &page.rows {
                let principal: Stored<Principal> = record::stored(entry, "principal")?;
                directory.learn(principal.id, Some(principal));
            }
            match page.rows.last() {
                Some((key, _)) if page.more => range = range.beyond(key, false),
                _ => break,
            }
        }
        directory.revision = revision;
        Ok(())
    }

    /// Reads those whom the log names since the directory's revision; `false` where the log does not
    /// reach back so far any more.
    async fn read_changed_principals(&self, directory: &mut Directory) -> Result<bool, ReadError> {
        let before = directory.revision;
        let mut newest = before;
        let mut changed = Vec::new();
        for (key, entry) in self
            .scan_all(keys::directory_log_after(directory.revision))
            .await?
        {
            let (revision, _) = keys::log_position(&key)
                .ok_or_else(|| record::corrupt("directory log", "its key is odd"))?;
            newest = newest.max(revision);
            changed.push(record::decode::<PrincipalId>(
                &entry.value,
                "directory log",
            )?);
        }
        changed.sort_unstable();
        changed.dedup();
        let keys: Vec<_> = changed.iter().map(|id| keys::principal(*id)).collect();
        for (id, entry) in changed
            .into_iter()
            .zip(self.backend().get_many(&keys).await?)
        {
            directory.learn(
                id,
                entry
                    .map(|entry| record::stored(&entry, "principal"))
                    .transpose()?,
            );
        }
        directory.revision = newest;
        // Looked at last, as in `Store::changes`.
        self.directory_log_begins_by(before).await
    }

    /// Whether the directory's log still holds everything behind a revision.
    async fn directory_log_begins_by(&self, revision: Revision) -> Result<bool, ReadError> {
        let first = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: false,
        };
        let log = KeyRange::prefix(keys::directory_log());
        let page = self.backend().scan(log, first).await?;
        let oldest = page
            .rows
            .first()
            .and_then(|(key, _)| keys::log_position(key));
        Ok(oldest.is_some_and(|(oldest, _)| oldest <= revision))
    }
}
