//! Loads, lets the engine decide, commits once. (Skeleton: signatures agreed, bodies to come.)
#![allow(clippy::unimplemented, unused_variables, missing_docs)]

use std::sync::Arc;

use bytes::Bytes;
use storage::{ResourcePath, Store, Timestamp, model::*};

use crate::{Actor, Conditions, Refusal};

/// Limits that the desk enforces and `dav` publishes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// RFC 4791 §5.2.5, for calendar objects.
    pub maximum_resource_octets: u64,
    /// For files in plain collections.
    pub maximum_file_octets: u64,
    /// RFC 4791 §5.2.9.
    pub maximum_attendees: usize,
    /// RFC 4791 §5.2.8.
    pub maximum_instances: usize,
    /// RFC 4791 §5.2.6 and §5.2.7, in seconds since 1970.
    pub minimum_date_time: i64,
    pub maximum_date_time: i64,
    /// RFC 4331, per home; `None` is unlimited.
    pub quota_octets: Option<u64>,
    pub maximum_locks_per_home: usize,
}

/// What the desk must know of the installation.
#[derive(Clone, Debug)]
pub struct Settings {
    pub limits: Limits,
    /// Domains whose unknown addresses are answered 3.7 instead of being mailed.
    pub local_domains: Vec<String>,
    /// Turns the path of a principal URL (as in ORGANIZER:/dav/principals/...) into its principal's name.
    pub principal_path_to_name: fn(&str) -> Option<String>,
}

/// The one door. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Store,
    settings: Arc<Settings>,
}

/// A resource that the actor may read.
#[derive(Clone, Debug)]
pub struct Opened {
    pub resolution: storage::Resolution,
    /// What the actor may do there.
    pub privileges: storage::access::Privileges,
}

/// A resource was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// It was not there before.
    pub created: bool,
    /// Where it stands; another place than asked for when an own invitation was merged.
    pub path: ResourcePath,
    /// Only where the stored octets are the sent octets.
    pub etag: Option<String>,
    pub schedule_tag: Option<String>,
    pub modified: Timestamp,
}

/// RFC 4918 §9.6.1: single failures below a collection.
pub type PartialFailures = Vec<(ResourcePath, Refusal)>;

#[derive(Clone, Debug)]
pub struct Put {
    pub path: ResourcePath,
    pub content_type: Option<String>,
    pub octets: Bytes,
    pub conditions: Conditions,
    /// RFC 6638 §8.1 `Schedule-Reply: F` is `false`.
    pub schedule_reply: bool,
}

#[derive(Clone, Debug)]
pub struct Delete {
    pub path: ResourcePath,
    pub conditions: Conditions,
    pub schedule_reply: bool,
}

/// COPY and MOVE.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub source: ResourcePath,
    pub destination: ResourcePath,
    pub keep_source: bool,
    pub overwrite: bool,
    /// Depth infinity (else 0, COPY only).
    pub deep: bool,
    pub conditions: Conditions,
    pub schedule_reply: bool,
}

/// MKCOL and MKCALENDAR.
#[derive(Clone, Debug)]
pub struct MakeCollection {
    pub path: ResourcePath,
    pub kind: CollectionKind,
    pub components: Vec<String>,
    pub properties: Properties,
    pub conditions: Conditions,
}

/// PROPPATCH: already checked for protected properties by `dav`.
#[derive(Clone, Debug)]
pub struct ChangeProperties {
    pub path: ResourcePath,
    /// In document order; `None` removes.
    pub changes: Vec<(String, Option<Bytes>)>,
    pub conditions: Conditions,
}

#[derive(Clone, Debug)]
pub struct TakeLock {
    pub path: ResourcePath,
    pub deep: bool,
    pub exclusive: bool,
    pub owner: Bytes,
    pub timeout_seconds: u32,
    pub conditions: Conditions,
}

impl Desk {
    pub fn new(store: Store, settings: Settings) -> Desk {
        unimplemented!()
    }
    pub fn store(&self) -> &Store {
        &self.store
    }
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Resolves a path for reading, with the actor's privileges there. 404 and 403 are refusals.
    pub async fn open(&self, actor: &Actor, path: &ResourcePath) -> Result<Opened, Refusal> {
        unimplemented!()
    }
    pub async fn open_many(
        &self,
        actor: &Actor,
        paths: &[ResourcePath],
    ) -> Result<Vec<Result<Opened, Refusal>>, Refusal> {
        unimplemented!()
    }
    /// The octets of an object as this actor may see them (through [`crate::view`]).
    pub async fn octets(&self, actor: &Actor, object: &Object) -> Result<Bytes, Refusal> {
        unimplemented!()
    }
    /// Ends a mail's row of work and writes its outcome into the object, in one commit.
    pub async fn record_delivery(
        &self,
        id: &WorkId,
        work: &storage::Stored<Work>,
        outcome: crate::mail::DeliveryOutcome,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }

    pub async fn put(&self, actor: &Actor, put: Put) -> Result<Written, Refusal> {
        unimplemented!()
    }
    pub async fn delete(&self, actor: &Actor, delete: Delete) -> Result<PartialFailures, Refusal> {
        unimplemented!()
    }
    pub async fn transfer(
        &self,
        actor: &Actor,
        transfer: Transfer,
    ) -> Result<(Written, PartialFailures), Refusal> {
        unimplemented!()
    }
    pub async fn make_collection(
        &self,
        actor: &Actor,
        make: MakeCollection,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
    pub async fn change_properties(
        &self,
        actor: &Actor,
        change: ChangeProperties,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// The lock, and whether an empty resource was made for it (RFC 4918 §7.3).
    pub async fn lock(&self, actor: &Actor, lock: TakeLock) -> Result<(Lock, bool), Refusal> {
        unimplemented!()
    }
    pub async fn refresh_lock(
        &self,
        actor: &Actor,
        path: ResourcePath,
        conditions: Conditions,
        timeout_seconds: u32,
    ) -> Result<Lock, Refusal> {
        unimplemented!()
    }
    pub async fn unlock(
        &self,
        actor: &Actor,
        path: ResourcePath,
        token: String,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
}
