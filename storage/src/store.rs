//! The domain's operations over any backend. (Skeleton: signatures agreed, bodies to come.)
#![allow(clippy::unimplemented, unused_variables, missing_docs)]

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Environment, ResourcePath, Revision, Stored, Timestamp,
    backend::{Backend, CommitError, Committed, ReadError},
    model::*,
};

/// Everything Convoke keeps. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    environment: Environment,
}

/// What a path leads to, with every collection on the way (home first), all of one moment.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub owner: Arc<Principal>,
    /// Existing collections from the home down to the resource itself or its nearest existing ancestor.
    pub collections: Vec<Stored<Collection>>,
    pub found: Found,
}

/// The end of a path.
#[derive(Clone, Debug)]
pub enum Found {
    /// The last of `collections`.
    Collection,
    /// A member of the last of `collections`.
    Object(Stored<Object>),
    /// Not there, but its parent (the last of `collections`) is.
    Missing,
    /// Neither it nor its parent is there.
    ParentMissing,
}

/// One member of a collection, as listed.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: String,
    pub member: Stored<Member>,
}

/// A page of a change log (RFC 6578).
#[derive(Clone, Debug)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// The token after these changes.
    pub token: SyncToken,
    /// More is to come after `token`.
    pub truncated: bool,
}

impl Store {
    /// Opens the domain over a backend: writes the format version and epoch into an empty one,
    /// refuses a newer format.
    pub async fn open(
        backend: Arc<dyn Backend>,
        environment: Environment,
    ) -> Result<Store, ReadError> {
        unimplemented!()
    }
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }
    pub fn epoch(&self) -> u64 {
        unimplemented!()
    }

    // Principals: served from a cache that is right (validated by the directory's revision row).
    pub async fn principal(&self, id: PrincipalId) -> Result<Option<Arc<Principal>>, ReadError> {
        unimplemented!()
    }
    pub async fn principal_by_name(&self, name: &str) -> Result<Option<Arc<Principal>>, ReadError> {
        unimplemented!()
    }
    /// By calendar user address: mailto (any case), alias. The principal URL form is `dav`'s to map.
    pub async fn principal_by_address(
        &self,
        address: &str,
    ) -> Result<Option<Arc<Principal>>, ReadError> {
        unimplemented!()
    }
    pub async fn principals(&self) -> Result<Vec<Arc<Principal>>, ReadError> {
        unimplemented!()
    }
    /// All groups that hold the principal, directly or through groups (RFC 3744 §4.4).
    pub async fn groups_of(&self, id: PrincipalId) -> Result<Vec<PrincipalId>, ReadError> {
        unimplemented!()
    }
    pub async fn credential(
        &self,
        id: PrincipalId,
    ) -> Result<Option<Stored<Credential>>, ReadError> {
        unimplemented!()
    }

    // The tree.
    pub async fn resolve(&self, path: &ResourcePath) -> Result<Option<Resolution>, ReadError> {
        unimplemented!()
    }
    /// Several paths of one moment (a multiget, a COPY's two ends).
    pub async fn resolve_many(
        &self,
        paths: &[ResourcePath],
    ) -> Result<Vec<Option<Resolution>>, ReadError> {
        unimplemented!()
    }
    pub async fn collection(
        &self,
        id: CollectionId,
    ) -> Result<Option<Stored<Collection>>, ReadError> {
        unimplemented!()
    }
    pub async fn path_of(&self, collection: &Collection) -> Result<ResourcePath, ReadError> {
        unimplemented!()
    }
    /// A page of members in order of name, after `after`.
    pub async fn members(
        &self,
        id: CollectionId,
        after: Option<&str>,
        rows: usize,
    ) -> Result<(Vec<Listed>, bool), ReadError> {
        unimplemented!()
    }
    pub async fn object(
        &self,
        id: CollectionId,
        name: &str,
    ) -> Result<Option<Stored<Object>>, ReadError> {
        unimplemented!()
    }
    pub async fn objects(
        &self,
        id: CollectionId,
        names: &[String],
    ) -> Result<Vec<Option<Stored<Object>>>, ReadError> {
        unimplemented!()
    }
    /// Where the owner of `home` has objects with this UID: collection, name, and whether it is a scheduling object.
    pub async fn find_uid(
        &self,
        home: CollectionId,
        uid: &str,
    ) -> Result<Vec<UidPlace>, ReadError> {
        unimplemented!()
    }
    /// The octets of an object, read from its row or its blob (verified).
    pub async fn content(&self, content: &Content) -> Result<Bytes, ReadError> {
        unimplemented!()
    }
    /// Writes octets too large for a row ahead of the commit that refers to them.
    pub async fn write_blob(&self, octets: Bytes) -> Result<Content, CommitError> {
        unimplemented!()
    }

    // Sync.
    pub async fn sync_token(&self, id: CollectionId) -> Result<SyncToken, ReadError> {
        unimplemented!()
    }
    /// `None` where the token is of another epoch, in the future, or older than the log.
    pub async fn changes(
        &self,
        id: CollectionId,
        since: SyncToken,
        rows: usize,
    ) -> Result<Option<Changes>, ReadError> {
        unimplemented!()
    }

    // Locks and quota.
    pub async fn locks(&self, home: CollectionId) -> Result<Stored<Vec<Lock>>, ReadError> {
        unimplemented!()
    }
    pub async fn used_octets(&self, home: CollectionId) -> Result<u64, ReadError> {
        unimplemented!()
    }

    // Work.
    pub async fn due_work(
        &self,
        queue: &str,
        until: Timestamp,
        rows: usize,
    ) -> Result<Vec<(WorkId, Stored<Work>)>, ReadError> {
        unimplemented!()
    }

    /// A change to be filled and committed.
    pub fn batch(&self) -> Batch {
        unimplemented!()
    }
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        unimplemented!()
    }
}

/// A place where a UID is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidPlace {
    pub collection: CollectionId,
    pub name: String,
    pub scheduling: bool,
    pub revision: Revision,
}

/// One change of the store: expectations and effects on the domain's level. Each method writes the
/// rows, indexes, change-log entries and counters that belong together.
#[derive(Debug)]
pub struct Batch {}

impl Batch {
    // Expectations beyond those implied by the `before` values.
    pub fn expect_collection(&mut self, collection: &Stored<Collection>) -> &mut Self {
        self
    }
    pub fn expect_absent(&mut self, collection: CollectionId, name: &str) -> &mut Self {
        self
    }
    pub fn expect_object(
        &mut self,
        collection: CollectionId,
        name: &str,
        revision: Revision,
    ) -> &mut Self {
        self
    }
    /// The places of this UID are still exactly those that were read.
    pub fn expect_uid(&mut self, home: CollectionId, uid: &str, places: &[UidPlace]) -> &mut Self {
        self
    }
    pub fn expect_locks(&mut self, home: CollectionId, locks: &Stored<Vec<Lock>>) -> &mut Self {
        self
    }
    /// Nothing in the collection changed since (its change log has no later entry).
    pub fn expect_unchanged_since(
        &mut self,
        collection: CollectionId,
        token: SyncToken,
    ) -> &mut Self {
        self
    }

    // Objects. `before` is what was read (expected unchanged), `None` expects absence.
    pub fn put_object(
        &mut self,
        collection: &Collection,
        name: &str,
        before: Option<&Stored<Object>>,
        after: &Object,
    ) -> &mut Self {
        self
    }
    pub fn remove_object(
        &mut self,
        collection: &Collection,
        name: &str,
        before: &Stored<Object>,
    ) -> &mut Self {
        self
    }

    // Collections.
    pub fn create_collection(&mut self, collection: &Collection) -> &mut Self {
        self
    }
    pub fn update_collection(
        &mut self,
        before: &Stored<Collection>,
        after: &Collection,
    ) -> &mut Self {
        self
    }
    /// The collection with its members' rows must be empty or removed in the same or earlier batches.
    pub fn remove_collection(&mut self, before: &Stored<Collection>) -> &mut Self {
        self
    }

    // Principals.
    pub fn put_principal(&mut self, before: Option<&Principal>, after: &Principal) -> &mut Self {
        self
    }
    pub fn remove_principal(&mut self, before: &Principal) -> &mut Self {
        self
    }
    pub fn put_credential(
        &mut self,
        principal: PrincipalId,
        before: Option<&Stored<Credential>>,
        after: &Credential,
    ) -> &mut Self {
        self
    }

    pub fn set_locks(
        &mut self,
        home: CollectionId,
        before: &Stored<Vec<Lock>>,
        after: &[Lock],
    ) -> &mut Self {
        self
    }

    // Work.
    pub fn enqueue(&mut self, id: &WorkId, work: &Work) -> &mut Self {
        self
    }
    pub fn reschedule(
        &mut self,
        id: &WorkId,
        before: &Stored<Work>,
        due: Timestamp,
        after: &Work,
    ) -> &mut Self {
        self
    }
    pub fn finish_work(&mut self, id: &WorkId, before: &Stored<Work>, queue: &str) -> &mut Self {
        self
    }
}
