//! Bytes, keys and commits: what Convoke keeps, and how a change of it becomes durable.
//!
//! Two layers. [`backend::Backend`] is an ordered map of bytes with atomic compare-and-commit, and has
//! [`blob_files::BlobFiles`] for what is too large for a row; its implementations are [`memory`] (also the
//! model that tests compare against) and [`sled`]. Above it one concrete [`Store`] holds all domain
//! operations (principals, collections, objects, change logs, locks, queues, blobs), written once for every
//! backend.
//!
//! Invariants:
//! - nothing here knows iCalendar, WebDAV's XML, HTTP or mail: properties, projections, lock owners
//!   and queue rows are opaque octets;
//! - one change is one [`Batch`], committed as a whole or not at all; acknowledged means synced,
//!   and nothing that is not synced can be read;
//! - a [`Revision`] is the number of the commit that wrote a row and never repeats;
//! - the only place that decides who may do what is [`access`], a pure function.

pub mod access;
pub mod backend;
pub mod blob_files;
pub mod derived;
pub mod environment;
mod last_changes;
pub mod memory;
pub mod model;
mod moment;
pub mod path;
mod resolve;
pub mod restore;
pub mod sled;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod uuid;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing {
    //! Doors for the fuzz targets: each takes any octets, and panics where something is wrong.
    pub use crate::{sled::fuzzing::*, store::fuzzing::*};
}

pub use environment::{Clock, Entropy, Environment, Timestamp};
pub use path::ResourcePath;
pub use store::{
    AccountError, AttachmentHolder, BUILDING_MILLISECONDS, Batch, BlobReader, Building, Changes,
    CheckEvent, Damage, Found, KeptOfMessages, Listed, LogCompaction, LogRetention,
    MAXIMUM_AUDIT_ENTRIES, MAXIMUM_BLOB_OCTETS, MAXIMUM_SCHEDULING_LOG_ENTRIES,
    MAXIMUM_SCHEDULING_LOG_OCTETS, MESSAGES_MAXIMUM, Memberships, ObjectPlace, OpenError,
    PrincipalNameFault, ReceivedPosition, Resolution, RetentionClock, Store, UidPlace, UidPlaces,
    UnreadWork, Upload, WalkPosition, check_account_form, dormant_membership,
    milliseconds_to_next_hour, normalise_address,
};
pub use uuid::Uuid;

/// The number of the commit that wrote a row. Grows with every commit, never repeats within an epoch.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Revision(pub u64);

/// A value read from the store, with the revision a commit can be made to depend upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// The commit that wrote it.
    pub revision: Revision,
}

impl<T> Stored<T> {
    /// A value that the present batch creates: not stored yet, hence without a revision.
    pub fn new(value: T) -> Stored<T> {
        Stored {
            value,
            revision: Revision(0),
        }
    }
}

impl<T> AsRef<Stored<T>> for Stored<T> {
    fn as_ref(&self) -> &Stored<T> {
        self
    }
}

impl<T> std::ops::Deref for Stored<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
