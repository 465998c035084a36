//! Collections: where they hang, and that everybody can get there.

use super::{
    super::{
        Store,
        keys::{self, Keyspace},
        record::{self, LogRecord},
        tree::MAXIMUM_DEPTH,
    },
    finding::{Finding, Related, as_read, id, shown},
};
use crate::{
    backend::{Entry, Expect, Key, KeyRange, Operation, ReadError},
    model::{
        Collection, CollectionId, CollectionKind, INBOX_NAME, Lock, Member, OUTBOX_NAME, Properties,
    },
};

/// What the rows say of where a collection hangs.
enum Hold {
    /// It is bound where it says.
    Bound,
    /// Nothing has its name in its parent.
    Unbound,
    /// Something else has.
    NameTaken,
    /// Its parent is not there, or is below it.
    NoParent,
    /// Its parent, or what has its name, cannot be read.
    Unknown,
}

impl Store {
    pub(super) async fn judge_collection(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let related = |entry: &Entry| match record::decode::<Collection>(&entry.value, "collection")
        {
            Ok(header) => {
                let parent = header.parent.unwrap_or(header.id);
                vec![
                    keys::detached(header.home, header.id),
                    keys::collection(parent),
                    keys::member(parent, &header.name),
                    keys::collection(header.home),
                    keys::trashed(header.home, header.id),
                ]
            }
            Err(_) => Vec::new(),
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let header = match record::decode::<Collection>(&row.value, "collection") {
            Ok(header) => header,
            Err(error) => return Ok(vec![Finding::unreadable("collection", key, &error)]),
        };
        let shown = id(header.id);
        let lost = Lost {
            header: &header,
            key,
            row: &row,
            home: rows[3].as_ref(),
        };
        if *key != keys::collection(header.id) {
            let finding = Finding::new("collection", format!("{shown} is in another's row"));
            return Ok(vec![finding]);
        }
        if header.is_detached() {
            let waits = rows[0].is_some() || rows[4].is_some();
            let detail =
                || format!("{shown} was taken out of the tree, but nothing waits to purge it");
            return Ok(lost.mended_unless(waits, detail));
        }
        let Some(parent) = header.parent else {
            let is_home = header.kind == CollectionKind::Home && header.home == header.id;
            return Ok(lost.mended_unless(is_home, || format!("{shown} hangs on nothing")));
        };
        let mut hold = hold_of(&header, rows[1].as_ref(), rows[2].as_ref());
        if matches!(hold, Hold::Bound) && self.is_in_circle(&header).await? {
            hold = Hold::NoParent;
        }
        let detail = || {
            format!(
                "{shown} is not bound as {:?} in {}",
                header.name,
                id(parent)
            )
        };
        Ok(match hold {
            Hold::Bound => Vec::new(),
            Hold::Unknown => vec![Finding::new("collection", detail())],
            Hold::Unbound => vec![lost.bound_again(parent, rows[1].as_ref(), detail())],
            Hold::NameTaken | Hold::NoParent => lost.mended_unless(false, detail),
        })
    }

    /// Whether the way up from a collection has no end.
    async fn is_in_circle(&self, header: &Collection) -> Result<bool, ReadError> {
        let mut next = header.parent;
        for _ in 0..MAXIMUM_DEPTH {
            let Some(parent) = next else {
                return Ok(false);
            };
            if parent == header.id {
                return Ok(true);
            }
            let entry = self.backend().get(&keys::collection(parent)).await?;
            next = match Related::<Collection>::value(entry.as_ref()) {
                Related::Is(header, _) if !header.is_detached() => header.parent,
                // Whatever is wrong there is found there.
                _ => None,
            };
        }
        Ok(true)
    }

    /// Members without their collection's header. Who binds the collection says whose it is, and what
    /// is in it says of what kind.
    pub(super) async fn judge_orphans(
        &self,
        collection: CollectionId,
    ) -> Result<Vec<Finding>, ReadError> {
        let key = keys::collection(collection);
        if self.backend().get(&key).await?.is_some() {
            return Ok(Vec::new());
        }
        let binding = self.binding_of(collection).await?;
        // Whoever removes a header has removed the members before.
        let members = KeyRange::prefix(keys::members(collection));
        let is_gone = self.first_key(&members).await?.is_none();
        if is_gone || self.backend().get(&key).await?.is_some() {
            return Ok(Vec::new());
        }
        let detail = format!("{} has members but no header", id(collection));
        let finding = Finding::new("collection", detail);
        let Some((member, bound, parent)) = binding else {
            return Ok(vec![finding]);
        };
        let Related::Is(header, _) = Related::<Collection>::value(parent.as_ref()) else {
            return Ok(vec![finding]);
        };
        let name = keys::member_name(&member).unwrap_or_default().to_owned();
        let after = Collection {
            id: collection,
            kind: self.kind_by_members(collection, &header, &name).await?,
            owner: header.owner,
            home: header.home,
            parent: Some(header.id),
            name,
            created: self.environment().clock.now(),
            components: Vec::new(),
            properties: Properties::new(),
            access: None,
        };
        let expect = vec![
            Expect::Absent(key.clone()),
            Expect::Revision(member, bound.revision),
            as_read(&keys::collection(header.id), parent.as_ref()),
        ];
        let operations = vec![Operation::Put(key, record::encode(&after))];
        let what = format!(
            "it is {:?} again; its properties and rights are lost",
            after.name
        );
        Ok(vec![finding.mended_by(what, expect, operations)])
    }

    /// The row that binds a collection, and its parent's header. Reads all members.
    async fn binding_of(
        &self,
        collection: CollectionId,
    ) -> Result<Option<(Key, Entry, Option<Entry>)>, ReadError> {
        let mut pages = self.pages_of(KeyRange::prefix(keys::whole(Keyspace::Member)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let member = record::decode_member(&entry).map(|member| member.value);
                if member == Ok(Member::Collection(collection))
                    && let Some(parent) = keys::member_collection(&key)
                {
                    let header = self.backend().get(&keys::collection(parent)).await?;
                    return Ok(Some((key, entry, header)));
                }
            }
        }
        Ok(None)
    }

    async fn kind_by_members(
        &self,
        collection: CollectionId,
        parent: &Collection,
        name: &str,
    ) -> Result<CollectionKind, ReadError> {
        match (parent.kind, name) {
            (CollectionKind::Home, INBOX_NAME) => return Ok(CollectionKind::Inbox),
            (CollectionKind::Home, OUTBOX_NAME) => return Ok(CollectionKind::Outbox),
            _ => {}
        }
        let mut pages = self.pages_of(KeyRange::prefix(keys::members(collection)));
        while let Some(rows) = pages.next().await? {
            for (_, entry) in rows {
                match record::decode_member(&entry).map(|member| member.value) {
                    Ok(Member::Object(object)) if object.calendar.is_some() => {
                        return Ok(CollectionKind::Calendar);
                    }
                    Ok(_) => return Ok(CollectionKind::Plain),
                    Err(_) => {}
                }
            }
        }
        Ok(CollectionKind::Plain)
    }

    pub(super) async fn judge_detached(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some((_, id_of)) = keys::detached_ids(key) else {
            let detail = format!("{} has an odd key", shown(key));
            return Ok(vec![Finding::new("detached collection", detail)]);
        };
        let header = keys::collection(id_of);
        let Some((row, rows)) = self.with_related(key, |_| vec![header.clone()]).await? else {
            return Ok(Vec::new());
        };
        let is_right = match Related::<Collection>::value(rows[0].as_ref()) {
            Related::Is(header, _) => header.is_detached(),
            Related::Unreadable => true,
            Related::Missing => false,
        };
        if is_right {
            return Ok(Vec::new());
        }
        let detail = format!("{} waits for its purge but is not detached", id(id_of));
        let finding = Finding::new("detached collection", detail);
        let expect = vec![as_read(&header, rows[0].as_ref())];
        Ok(vec![finding.mended_by_removing(key, &row, expect)])
    }

    pub(super) async fn judge_locks(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let home = CollectionId(keys::single_id(key).unwrap_or(0));
        let header = keys::collection(home);
        let Some((row, rows)) = self.with_related(key, |_| vec![header.clone()]).await? else {
            return Ok(Vec::new());
        };
        if rows[0].is_none() {
            let finding = Finding::new("locks", format!("those of {} are of no home", id(home)));
            return Ok(vec![finding.mended_by_removing(
                key,
                &row,
                vec![Expect::Absent(header)],
            )]);
        }
        let locks = match record::decode::<Vec<Lock>>(&row.value, "locks") {
            Ok(locks) => locks,
            Err(error) => {
                // Locks are leases; without them people write as if none had been taken.
                let finding = Finding::unreadable("locks", key, &error);
                return Ok(vec![finding.mended_by_removing(key, &row, Vec::new())]);
            }
        };
        let mut kept = Vec::new();
        let mut findings = Vec::new();
        for lock in &locks {
            match self.is_there(lock).await? {
                true => kept.push(lock.clone()),
                false => findings.push(format!("{} is on what is not there", lock.token)),
            }
        }
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let after = match kept.is_empty() {
            true => Operation::Delete(key.clone()),
            false => Operation::Put(key.clone(), record::encode(&kept)),
        };
        let expect = vec![Expect::Revision(key.clone(), row.revision)];
        let finding = Finding::new("locks", findings.join(", "));
        Ok(vec![finding.mended_by(
            "they were released",
            expect,
            vec![after],
        )])
    }

    /// Whether a lock's root is there. One that ran out is nobody's concern.
    async fn is_there(&self, lock: &Lock) -> Result<bool, ReadError> {
        if lock.expires <= self.environment().clock.now() {
            return Ok(true);
        }
        match self.resolve(&lock.root.path).await {
            Ok(Some(resolution)) => Ok(!matches!(
                resolution.found,
                super::super::Found::Missing | super::super::Found::ParentMissing
            )),
            Ok(None) => Ok(false),
            // Something on the way is unreadable, and found by itself.
            Err(ReadError::Corrupt(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn hold_of(header: &Collection, parent: Option<&Entry>, binding: Option<&Entry>) -> Hold {
    match Related::<Collection>::value(parent) {
        Related::Missing => return Hold::NoParent,
        Related::Unreadable => return Hold::Unknown,
        Related::Is(..) => {}
    }
    match Related::of(binding, record::decode_member) {
        Related::Missing => Hold::Unbound,
        Related::Unreadable => Hold::Unknown,
        Related::Is(member, _) if member.value == Member::Collection(header.id) => Hold::Bound,
        Related::Is(..) => Hold::NameTaken,
    }
}

/// A collection that is not where it says, with its home's row.
struct Lost<'a> {
    header: &'a Collection,
    key: &'a Key,
    row: &'a Entry,
    home: Option<&'a Entry>,
}

impl Lost<'_> {
    fn mended_unless(&self, is_right: bool, detail: impl Fn() -> String) -> Vec<Finding> {
        if is_right {
            return Vec::new();
        }
        let finding = Finding::new("collection", detail());
        vec![match self.moved_home() {
            Some((what, expect, operations)) => finding.mended_by(what, expect, operations),
            None => finding,
        }]
    }

    /// Hangs it into its home under a name that nobody has, where its owner finds it.
    fn moved_home(&self) -> Option<(String, Vec<Expect>, Vec<Operation>)> {
        let Related::Is(home, _) = Related::<Collection>::value(self.home) else {
            return None;
        };
        if home.is_detached() || home.id == self.header.id {
            return None;
        }
        let after = Collection {
            parent: Some(home.id),
            name: format!("recovered-{:016x}", self.header.id.0),
            ..self.header.clone()
        };
        let member = keys::member(home.id, &after.name);
        let expect = vec![
            Expect::Revision(self.key.clone(), self.row.revision),
            as_read(&keys::collection(home.id), self.home),
            Expect::Absent(member.clone()),
        ];
        let operations = vec![
            Operation::Put(self.key.clone(), record::encode(&after)),
            Operation::Put(member, record::encode_binding(after.id)),
            told(home.id, &after.name),
        ];
        let what = format!("it stands as {:?} in its owner's home now", after.name);
        Some((what, expect, operations))
    }

    fn bound_again(&self, parent: CollectionId, entry: Option<&Entry>, detail: String) -> Finding {
        let member = keys::member(parent, &self.header.name);
        let expect = vec![
            Expect::Revision(self.key.clone(), self.row.revision),
            as_read(&keys::collection(parent), entry),
            Expect::Absent(member.clone()),
        ];
        let operations = vec![
            // The header too: what is known of bindings holds as long as no header is written.
            Operation::Put(self.key.clone(), self.row.value.clone()),
            Operation::Put(member, record::encode_binding(self.header.id)),
            told(parent, &self.header.name),
        ];
        Finding::new("collection", detail).mended_by("it is bound there now", expect, operations)
    }
}

fn told(parent: CollectionId, name: &str) -> Operation {
    Operation::Append {
        prefix: keys::changes(parent),
        value: record::encode(&LogRecord::Put(name.to_owned())),
    }
}
