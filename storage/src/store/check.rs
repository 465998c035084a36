//! Compares every index with what it is about.
//!
//! Reads the whole store in pages, not of one moment: what changes during the check may be reported
//! although nothing is wrong, so a finding counts on a store that nobody writes, or when it is found
//! twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    SCAN_PAGE, Store,
    directory::normalise_address,
    keys::{self, Keyspace},
    objects::{blob_of, object_of, uid_row},
    record::{self, BlobRecord, LogRecord, UidRecord, WorkRecord},
};
use crate::{
    Revision, Stored,
    backend::{Entry, Key, KeyRange, ReadError},
    model::{
        Collection, CollectionId, CollectionKind, Content, Lock, Member, Object, Principal,
        PrincipalId,
    },
};

/// Something that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The kind of row.
    pub row: &'static str,
    /// Which, and what is wrong.
    pub detail: String,
}

/// What a check found so far.
#[derive(Default)]
pub(super) struct Findings {
    damage: Vec<Damage>,
    /// The octets of all objects, per home.
    usage: HashMap<CollectionId, i64>,
    /// The octets of the trash, per home.
    pub(super) trash_usage: HashMap<CollectionId, i64>,
    /// References to blobs that the trash must have.
    pub(super) trash_references: BTreeSet<Key>,
}

impl Findings {
    pub(super) fn add(&mut self, row: &'static str, detail: String) {
        self.damage.push(Damage { row, detail });
    }

    pub(super) fn expect(
        &mut self,
        holds: bool,
        row: &'static str,
        detail: impl FnOnce() -> String,
    ) {
        if !holds {
            self.add(row, detail());
        }
    }
}

impl Store {
    /// Everything in the store that contradicts itself: indexes and what they index, counters and
    /// what they count, logs and what they tell of, references and what they refer to.
    pub async fn check(&self) -> Result<Vec<Damage>, ReadError> {
        let mut findings = Findings::default();
        self.check_principals(&mut findings).await?;
        self.check_collections(&mut findings).await?;
        self.check_trash(&mut findings).await?;
        self.check_members(&mut findings).await?;
        self.check_uids(&mut findings).await?;
        self.check_usage(&mut findings).await?;
        self.check_blobs(&mut findings).await?;
        self.check_rows_that_stand_alone(&mut findings).await?;
        self.check_trash_usage(&mut findings).await?;
        findings.damage.sort();
        Ok(findings.damage)
    }

    async fn check_principals(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut known = BTreeMap::new();
        let mut pages = self.pages(Keyspace::Principal);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(principal) = readable::<Principal>(findings, "principal", &key, &entry)
                else {
                    continue;
                };
                let id = principal.id;
                findings.expect(key == keys::principal(id), "principal", || {
                    format!("{id:?} stands in another's row")
                });
                known.insert(keys::principal_name(&principal.name), id);
                for address in &principal.addresses {
                    known.insert(keys::principal_address(&normalise_address(address)), id);
                }
                self.check_home(&principal.value, findings).await?;
            }
        }
        for space in [Keyspace::PrincipalName, Keyspace::PrincipalAddress] {
            let mut pages = self.pages(space);
            while let Some(rows) = pages.next().await? {
                for (key, entry) in rows {
                    let claimed =
                        readable::<PrincipalId>(findings, "name or address", &key, &entry);
                    let holds = known.remove(&key) == claimed.map(|claimed| claimed.value);
                    findings.expect(holds, "name or address", || {
                        format!("{key:?} leads to somebody else")
                    });
                }
            }
        }
        for (key, id) in known {
            findings.add("name or address", format!("{key:?} of {id:?} is missing"));
        }
        Ok(())
    }

    async fn check_home(
        &self,
        principal: &Principal,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let Some(home) = principal.home else {
            return Ok(());
        };
        let header = self.collection(home).await?;
        let good = header.is_some_and(|it| {
            it.kind == CollectionKind::Home && it.owner == principal.id && !it.is_detached()
        });
        findings.expect(good, "principal", || {
            format!("{:?} has no home", principal.id)
        });
        Ok(())
    }

    async fn check_collections(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Collection);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(header) = readable::<Collection>(findings, "collection", &key, &entry)
                else {
                    continue;
                };
                let id = header.id;
                findings.expect(key == keys::collection(id), "collection", || {
                    format!("{id:?} is in another's row")
                });
                self.check_place(&header, findings).await?;
                if !header.is_detached() {
                    self.check_log(&header, findings).await?;
                }
            }
        }
        let mut pages = self.pages(Keyspace::Detached);
        while let Some(rows) = pages.next().await? {
            for (key, _) in rows {
                let id = keys::detached_ids(&key).map(|(_, id)| id);
                let header = self.collection(id.unwrap_or(CollectionId(0))).await?;
                let good = header.is_some_and(|header| header.is_detached());
                findings.expect(good, "detached collection", || {
                    format!("{id:?} is not detached")
                });
            }
        }
        Ok(())
    }

    /// The collection hangs where it says.
    async fn check_place(
        &self,
        header: &Collection,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let id = header.id;
        let tasks = [
            keys::detached(header.home, id),
            keys::trashed(header.home, id),
        ];
        let tasks = self.backend().get_many(&tasks).await?;
        let task = tasks.iter().any(Option::is_some);
        findings.expect(task == header.is_detached(), "collection", || {
            format!("{id:?} waits for no purge")
        });
        match header.parent {
            Some(parent) if parent != id => {
                let binding = self
                    .backend()
                    .get(&keys::member(parent, &header.name))
                    .await?;
                let binding = binding
                    .map(|entry| record::decode_member(&entry))
                    .transpose()?;
                let bound = binding.is_some_and(|binding| binding.value == Member::Collection(id));
                findings.expect(bound, "collection", || {
                    format!("{id:?} is not bound in {parent:?}")
                });
            }
            Some(_) => {}
            None => {
                let home = header.kind == CollectionKind::Home && header.home == id;
                findings.expect(home, "collection", || format!("{id:?} hangs on nothing"));
            }
        }
        Ok(())
    }

    /// Whoever plays the log from its beginning has the names that are there, but for those that were
    /// last changed before it.
    async fn check_log(
        &self,
        header: &Collection,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let id = header.id;
        let mut told = BTreeSet::new();
        let mut oldest = None;
        let mut pages = self.pages_of(KeyRange::prefix(keys::changes(id)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(change) = readable::<LogRecord>(findings, "change", &key, &entry) else {
                    continue;
                };
                // A log that begins with the collection was never shortened.
                let created = change.value == LogRecord::Created;
                let horizon = if created {
                    Revision(0)
                } else {
                    change.revision
                };
                oldest = oldest.or(Some(horizon));
                match change.value {
                    LogRecord::Created => true,
                    LogRecord::Put(name) => told.insert(name),
                    LogRecord::Removed(name) => told.remove(&name),
                };
            }
        }
        let Some(oldest) = oldest else {
            findings.add("change", format!("{id:?} has no log"));
            return Ok(());
        };
        let mut pages = self.pages_of(KeyRange::prefix(keys::members(id)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let name = keys::member_name(&key).unwrap_or_default();
                let is_told = told.remove(name) || entry.revision <= oldest;
                findings.expect(is_told, "change", || {
                    format!("the log of {id:?} lacks {name:?}")
                });
            }
        }
        findings.expect(told.is_empty(), "change", || {
            format!("the log of {id:?} tells of {told:?}")
        });
        Ok(())
    }

    async fn check_members(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut header: Option<Stored<Collection>> = None;
        let mut is_counted = false;
        let mut pages = self.pages(Keyspace::Member);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let id = keys::member_collection(&key).unwrap_or(CollectionId(0));
                if header.as_ref().is_none_or(|header| header.id != id) {
                    header = self.collection(id).await?;
                    is_counted = match &header {
                        Some(header) => self.is_counted_in_home(header).await?,
                        None => false,
                    };
                }
                match &header {
                    Some(header) => {
                        if is_counted
                            && let Ok(Stored {
                                value: Member::Object(object),
                                ..
                            }) = record::decode_member(&entry)
                        {
                            *findings.usage.entry(header.home).or_default() +=
                                object.octets() as i64;
                        }
                        self.check_member(header, &key, &entry, findings).await?;
                    }
                    None => findings.add("member", format!("{key:?} is in no collection")),
                }
            }
        }
        Ok(())
    }

    async fn check_member(
        &self,
        header: &Collection,
        key: &Key,
        entry: &Entry,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let Some(name) = keys::member_name(key) else {
            findings.add("member", format!("{key:?} has no name in UTF-8"));
            return Ok(());
        };
        match record::decode_member(entry) {
            Err(error) => findings.add("member", format!("{key:?}: {error}")),
            Ok(Stored {
                value: Member::Object(object),
                ..
            }) => {
                self.check_object(header, name, &object, findings).await?;
            }
            Ok(Stored {
                value: Member::Collection(child),
                ..
            }) => {
                let child = self.collection(child).await?;
                let bound = child.is_some_and(|it| it.parent == Some(header.id) && it.name == name);
                findings.expect(bound, "member", || {
                    format!("{key:?} binds what stands elsewhere")
                });
            }
        }
        Ok(())
    }

    async fn check_object(
        &self,
        header: &Collection,
        name: &str,
        object: &Object,
        findings: &mut Findings,
    ) -> Result<(), ReadError> {
        let at = || format!("{name:?} in {:?}", header.id);
        if let Some((key, expected)) = uid_row(header, name, object) {
            let row = self.backend().get(&key).await?;
            let row = row.and_then(|row| record::decode::<UidRecord>(&row.value, "uid").ok());
            findings.expect(row == Some(expected), "uid", || {
                format!("{} is not where its UID leads", at())
            });
        }
        if let Some(hash) = blob_of(object) {
            let reference = keys::blob_reference_of_object(&hash, header.id, name);
            let referred = self.backend().get(&reference).await?.is_some();
            findings.expect(referred, "blob reference", || {
                format!("that of {} is missing", at())
            });
            if let Err(error) = self.content(&object.content).await {
                findings.add("blob", format!("the content of {}: {error}", at()));
            }
        }
        Ok(())
    }

    /// Each place of a UID has an object with that UID. (The converse is checked with the objects.)
    async fn check_uids(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Uid);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(place) = readable::<UidRecord>(findings, "uid", &key, &entry) else {
                    continue;
                };
                let id = keys::uid_collection(&key).unwrap_or(CollectionId(0));
                let object = self.object(id, &place.name).await?;
                let header = self.collection(id).await?;
                let expected = header
                    .zip(object)
                    .and_then(|(header, object)| uid_row(&header, &place.name, &object));
                let good = expected.is_some_and(|(expected, _)| expected == key);
                findings.expect(good, "uid", || {
                    format!("{key:?} leads to {:?}, which is another", place.name)
                });
            }
        }
        Ok(())
    }

    async fn check_usage(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut counted = std::mem::take(&mut findings.usage);
        let mut pages = self.pages(Keyspace::Usage);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let home = keys::single_id(&key).map_or(CollectionId(0), CollectionId);
                let (stored, sum) = (
                    record::counter(&entry.value)?,
                    counted.remove(&home).unwrap_or(0),
                );
                findings.expect(stored == sum, "usage", || {
                    format!("{home:?} has {sum} octets, counted {stored}")
                });
            }
        }
        for (home, sum) in counted {
            findings.expect(sum == 0, "usage", || {
                format!("{home:?} has {sum} octets, counted none")
            });
        }
        Ok(())
    }

    /// References lead from something that is there to a complete blob.
    async fn check_blobs(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Blob);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                readable::<BlobRecord>(findings, "blob", &key, &entry);
            }
        }
        let mut work = self.work_references(findings).await?;
        let mut pages = self.pages(Keyspace::BlobReference);
        while let Some(rows) = pages.next().await? {
            for (key, _) in rows {
                let good = match keys::object_of_blob_reference(&key) {
                    Some((hash, id, name)) => {
                        let object = self.backend().get(&keys::member(id, name)).await?;
                        let object = object
                            .map(|entry| record::decode_member(&entry))
                            .transpose()?;
                        object
                            .and_then(object_of)
                            .and_then(|object| blob_of(&object))
                            == Some(hash)
                    }
                    None if keys::is_blob_reference_of_trash(&key) => {
                        findings.trash_references.remove(&key)
                    }
                    None => work.remove(&key),
                };
                findings.expect(good, "blob reference", || {
                    format!("{key:?} comes from nothing")
                });
            }
        }
        for key in work
            .into_iter()
            .chain(std::mem::take(&mut findings.trash_references))
        {
            findings.add("blob reference", format!("{key:?} is missing"));
        }
        Ok(())
    }

    /// The references that the rows of work must have.
    async fn work_references(&self, findings: &mut Findings) -> Result<BTreeSet<Key>, ReadError> {
        let mut references = BTreeSet::new();
        let mut pages = self.pages(Keyspace::Work);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(work) = readable::<WorkRecord>(findings, "work", &key, &entry) else {
                    continue;
                };
                let Content::Blob { hash, .. } = &work.payload else {
                    continue;
                };
                if let Some(id) = keys::any_work_id(&key) {
                    references.insert(keys::blob_reference_of_work(hash, &id));
                }
                if let Err(error) = self.content(&work.payload).await {
                    findings.add("blob", format!("the payload of {key:?}: {error}"));
                }
            }
        }
        Ok(references)
    }

    async fn check_rows_that_stand_alone(&self, findings: &mut Findings) -> Result<(), ReadError> {
        let mut pages = self.pages(Keyspace::Locks);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                readable::<Vec<Lock>>(findings, "locks", &key, &entry);
                let home = self
                    .collection(keys::single_id(&key).map_or(CollectionId(0), CollectionId))
                    .await?;
                findings.expect(home.is_some(), "locks", || {
                    format!("{key:?} are of no home")
                });
            }
        }
        let mut pages = self.pages(Keyspace::Credential);
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                readable::<crate::model::Credential>(findings, "credential", &key, &entry);
                let owner = self
                    .principal(keys::single_id(&key).map_or(PrincipalId(0), PrincipalId))
                    .await?;
                findings.expect(owner.is_some(), "credential", || {
                    format!("{key:?} is nobody's")
                });
            }
        }
        Ok(())
    }

    pub(super) fn pages(&self, space: Keyspace) -> Pages<'_> {
        self.pages_of(KeyRange::prefix(keys::whole(space)))
    }

    fn pages_of(&self, range: KeyRange) -> Pages<'_> {
        Pages {
            store: self,
            rest: Some(range),
        }
    }
}

/// A range, page by page.
pub(super) struct Pages<'a> {
    store: &'a Store,
    rest: Option<KeyRange>,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(Key, Entry)>>, ReadError> {
        let Some(range) = self.rest.take() else {
            return Ok(None);
        };
        let page = self.store.backend().scan(range.clone(), SCAN_PAGE).await?;
        self.rest = page
            .rows
            .last()
            .filter(|_| page.more)
            .map(|(key, _)| range.beyond(key, false));
        Ok(Some(page.rows))
    }
}

/// The row as a value; what cannot be read is a finding.
pub(super) fn readable<T: serde::de::DeserializeOwned>(
    findings: &mut Findings,
    row: &'static str,
    key: &Key,
    entry: &Entry,
) -> Option<Stored<T>> {
    match record::stored(entry, row) {
        Ok(value) => Some(value),
        Err(error) => {
            findings.add(row, format!("{key:?}: {error}"));
            None
        }
    }
}
