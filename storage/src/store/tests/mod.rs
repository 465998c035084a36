//! The domain's operations over `memory`.
#![allow(clippy::unwrap_used)]

mod accounts;
mod attachments;
mod audit;
mod blob_rows;
mod blobs;
mod building;
mod check;
mod collections;
mod compaction;
mod cost;
mod embedded;
mod faults;
mod groups;
mod messages;
mod model;
mod objects;
mod open;
mod received;
mod scheduling_log;
mod sync;
mod tree;
mod uploads;
mod work;

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::{
    ResourcePath, Revision, Stored, Timestamp,
    memory::Memory,
    model::*,
    testing::{ManualClock, environment_at},
};

/// A store in memory with a clock that the test moves.
struct World {
    store: Store,
    clock: Arc<ManualClock>,
    backend: Arc<dyn Backend>,
}

async fn world() -> World {
    let clock = Arc::new(ManualClock::default());
    world_over(Arc::new(Memory::new(clock.clone())), clock).await
}

async fn world_over(backend: Arc<dyn Backend>, clock: Arc<ManualClock>) -> World {
    let environment = environment_at(Arc::clone(&clock));
    let store = Store::open(Arc::clone(&backend), environment)
        .await
        .unwrap();
    World {
        store,
        clock,
        backend,
    }
}

impl World {
    /// As a server that is at work: it looks at the clock now and then.
    async fn wait_days(&self, days: i64) {
        for _ in 0..days {
            self.clock.advance(24 * 60 * 60 * 1000);
            self.store.retention_clock().await.unwrap();
        }
    }

    async fn user(&self, name: &str) -> Arc<Principal> {
        let mut principal = Principal::new(PrincipalKind::User, name);
        principal.addresses = vec![format!("mailto:{name}@example.com")];
        self.store.add_account(principal, None).await.unwrap()
    }

    async fn resolve(&self, path: &ResourcePath) -> Resolution {
        self.store.resolve(path).await.unwrap().unwrap()
    }

    /// The collection at this path, which must be one.
    async fn collection(&self, path: &ResourcePath) -> Stored<Collection> {
        let resolution = self.resolve(path).await;
        assert!(matches!(resolution.found, Found::Collection), "{path:?}");
        resolution.collection().clone()
    }

    /// Puts an object there, whatever was there before.
    async fn put(&self, path: &ResourcePath, object: &Object) -> Result<Committed, CommitError> {
        let resolution = self.resolve(path).await;
        let before = match &resolution.found {
            Found::Object(object) => Some(object),
            _ => None,
        };
        let mut batch = self.store.batch();
        batch.put_object(
            resolution.collection(),
            path.name().unwrap(),
            before,
            object,
        );
        self.store.commit(batch).await
    }

    async fn remove(&self, path: &ResourcePath) -> Result<Committed, CommitError> {
        let resolution = self.resolve(path).await;
        let Found::Object(before) = &resolution.found else {
            panic!("nothing at {path:?}")
        };
        let mut batch = self.store.batch();
        batch.remove_object(resolution.collection(), path.name().unwrap(), before);
        self.store.commit(batch).await
    }

    async fn make(&self, path: &ResourcePath, kind: CollectionKind) -> Collection {
        let parent = self.resolve(path).await.collection().clone();
        let collection = Collection {
            id: self.store.new_collection_id(),
            kind,
            owner: parent.owner,
            home: parent.home,
            parent: Some(parent.id),
            name: path.name().unwrap().to_owned(),
            created: self.store.environment().clock.now(),
            components: Vec::new(),
            properties: Properties::new(),
            access: None,
        };
        let mut batch = self.store.batch();
        batch.create_collection(Some(&parent), &collection);
        self.store.commit(batch).await.unwrap();
        collection
    }

    async fn names(&self, path: &ResourcePath) -> Vec<String> {
        let id = self.collection(path).await.id;
        let (members, more) = self.store.members(id, None, 10_000).await.unwrap();
        assert!(!more);
        members.into_iter().map(|listed| listed.name).collect()
    }

    async fn used(&self, owner: &Principal) -> u64 {
        self.store.used_octets(owner.home.unwrap()).await.unwrap()
    }

    /// Purges everything that waits for it.
    async fn purge(&self) {
        for _ in 0..10_000 {
            if !self.store.purge_detached(1_000).await.unwrap() {
                return;
            }
        }
        panic!("the purge does not come to an end");
    }

    /// The keys of all rows but the directory's log, which keeps every change.
    async fn rows(&self) -> Vec<Key> {
        let rows = self.store.scan_all(KeyRange::all()).await.unwrap();
        let log = keys::directory_log();
        rows.into_iter()
            .map(|(key, _)| key)
            .filter(|key| !key.starts_with(&log))
            .collect()
    }

    /// Nothing contradicts itself.
    async fn assert_sound(&self) {
        assert_eq!(self.store.check().await.unwrap(), []);
    }

    async fn detach(&self, path: &ResourcePath) {
        let before = self.collection(path).await;
        let mut batch = self.store.batch();
        batch.detach_collection(&before);
        self.store.commit(batch).await.unwrap();
    }
}

/// A path in a user's home, names divided by slashes.
fn path(owner: &str, names: &str) -> ResourcePath {
    ResourcePath {
        owner_kind: PrincipalKind::User,
        owner_name: owner.to_owned(),
        segments: names
            .split('/')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

fn file(octets: &str) -> Object {
    Object {
        id: None,
        content: Content::Inline(Bytes::copy_from_slice(octets.as_bytes())),
        etag: blake3::hash(octets.as_bytes()).to_hex()[..16].to_owned(),
        content_type: "text/plain".to_owned(),
        created: Timestamp(1),
        modified: Timestamp(2),
        calendar: None,
        properties: Properties::new(),
        access: Vec::new(),
    }
}

fn event(uid: &str, octets: &str) -> Object {
    let facts = CalendarFacts {
        uid: uid.to_owned(),
        scheduling: false,
        schedule_tag: None,
        projection: Bytes::from_static(b"projection"),
        attachments: Vec::new(),
    };
    Object {
        calendar: Some(facts),
        ..file(octets)
    }
}
