//! What is noted of who did what.

use serde::{Deserialize, Serialize};

use super::PrincipalId;
use crate::Timestamp;

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditAction {
    /// Made an object.
    Created,
    /// Changed an object.
    Changed,
    /// Removed an object or a collection.
    Removed,
    /// Copied something to this place.
    Copied,
    /// Moved something to this place.
    Moved,
    /// Moved something away from this place.
    MovedAway,
    /// Made a collection.
    CollectionMade,
    /// Changed properties.
    PropertiesChanged,
    /// Changed who may do what.
    AccessChanged,
    /// Imported objects into a collection.
    Imported,
    /// Added, changed or removed an attachment.
    AttachmentChanged,
    /// Brought something back from the trash to this place.
    Restored,
}

/// One entry of an audit: who did what, and when. Nothing of what an object says stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub time: Timestamp,
    /// Who; [`PrincipalId::NOBODY`] where nobody signed in.
    pub actor: PrincipalId,
    /// What.
    pub action: AuditAction,
    /// Where, in the owner's home, as it was called then.
    pub place: String,
    /// What the client calls itself, if it does.
    pub client: Option<String>,
}

/// A place in the audit, to go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPosition(pub(crate) Vec<u8>);
