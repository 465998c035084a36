//! Collections, what is in them, and what changed there.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Object, PrincipalId};
use crate::{Revision, Timestamp, Uuid, access::Ace};

/// Names a collection for ever, through renames and moves; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CollectionId(pub u64);

/// The longest name of a member of a collection.
pub const MAXIMUM_NAME_OCTETS: usize = 1024;

/// The name of the default calendar in every home.
pub const DEFAULT_CALENDAR_NAME: &str = "calendar";
/// The name of the scheduling inbox in every home (RFC 6638 §2.2).
pub const INBOX_NAME: &str = "inbox";
/// The name of the scheduling outbox in every home (RFC 6638 §2.1).
pub const OUTBOX_NAME: &str = "outbox";
/// Names in a home that no client may give to a collection of its own.
pub const RESERVED_NAMES: [&str; 4] = [INBOX_NAME, OUTBOX_NAME, "notifications", "trash"];

/// What a collection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CollectionKind {
    /// A calendar home (RFC 4791 §6.2.1).
    Home,
    /// A calendar (RFC 4791 §4.2).
    Calendar,
    /// A scheduling inbox (RFC 6638 §2.2).
    Inbox,
    /// A scheduling outbox (RFC 6638 §2.1).
    Outbox,
    /// Any files and collections.
    Plain,
}

/// A collection's header row: changes only with its existence, place, properties and access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its identity.
    pub id: CollectionId,
    /// What it is.
    pub kind: CollectionKind,
    /// Whose it is; decides the role in scheduling.
    pub owner: PrincipalId,
    /// The home it stands in (its own id for a home).
    pub home: CollectionId,
    /// The collection that holds it; `None` for a home.
    pub parent: Option<CollectionId>,
    /// Its name in `parent`; empty for a home.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// For a calendar: the component names it takes, upper case; empty takes all (RFC 4791 §5.2.3).
    pub components: Vec<String>,
    /// Every property that the protocol layer keeps here, live ones of clients and dead ones alike.
    pub properties: Properties,
    /// The access control entries that clients set (RFC 3744 §5.5); `None` where nobody ever did, so that
    /// those hold which such a collection begins with.
    pub access: Option<Vec<Ace>>,
}

impl Collection {
    /// What names it for ever, through renames and moves, outside of this store.
    pub fn identity(&self) -> Uuid {
        let (id, created) = (self.id.0.to_be_bytes(), self.created.0.to_be_bytes());
        Uuid::derived("Convoke 2026-11 identity of a collection", &[&id, &created])
    }

    /// Whether nobody can reach it any more: it was deleted and waits for its purge. Such a
    /// collection hangs on itself instead of on a parent.
    pub fn is_detached(&self) -> bool {
        self.parent == Some(self.id)
    }
}

/// Properties as opaque octets by Clark name (`{namespace}local`). A name of another form is the server's own:
/// no client sees it, or sets it.
pub type Properties = BTreeMap<String, Bytes>;

/// A member of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Member {
    /// A binding to a collection (its own name and, later, its own overlay of properties).
    Collection(CollectionId),
    /// An object.
    Object(Object),
}

/// One entry of a collection's change log, newest state of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The member's name.
    pub name: String,
    /// Whether it is gone.
    pub removed: bool,
}

/// RFC 6578 §4: a position in a collection's change log, tied to the store's epoch. All changes up to
/// it are known. Its text form ([`std::fmt::Display`], [`std::str::FromStr`]) is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyncToken {
    /// The store's epoch.
    pub epoch: u64,
    /// The commit of the newest known change.
    pub revision: Revision,
    /// The place of that change within the commit.
    pub operation: u16,
}

impl SyncToken {
    /// What orders the tokens of one epoch.
    pub fn position(self) -> (Revision, u16) {
        (self.revision, self.operation)
    }
}

impl std::fmt::Display for SyncToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:x}-{}-{}",
            self.epoch, self.revision.0, self.operation
        )
    }
}

impl std::str::FromStr for SyncToken {
    type Err = InvalidSyncToken;

    fn from_str(text: &str) -> Result<SyncToken, InvalidSyncToken> {
        let mut parts = text.split('-');
        let mut part = || parts.next().ok_or(InvalidSyncToken);
        let (epoch, revision, operation) = (part()?, part()?, part()?);
        let token = SyncToken {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| InvalidSyncToken)?,
            revision: Revision(revision.parse().map_err(|_| InvalidSyncToken)?),
            operation: operation.parse().map_err(|_| InvalidSyncToken)?,
        };
        // Only the form that was given out: no signs, no leading zeros, nothing behind it.
        if token.to_string() == text {
            Ok(token)
        } else {
            Err(InvalidSyncToken)
        }
    }
}

/// A text that is no sync token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token")]
pub struct InvalidSyncToken;
