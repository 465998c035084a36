//! Managed attachments (RFC 8607).

use serde::{Deserialize, Serialize};

use super::CollectionId;
use crate::Timestamp;

/// Names a managed attachment: unguessable, and never used again (RFC 8607 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentId(pub u128);

impl std::fmt::Display for AttachmentId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl std::str::FromStr for AttachmentId {
    type Err = InvalidAttachmentId;

    fn from_str(text: &str) -> Result<AttachmentId, InvalidAttachmentId> {
        let id = u128::from_str_radix(text, 16).map_err(|_| InvalidAttachmentId)?;
        // Only the form that was given out: no signs, no capitals, nothing left out.
        match AttachmentId(id).to_string() == text {
            true => Ok(AttachmentId(id)),
            false => Err(InvalidAttachmentId),
        }
    }
}

/// A text that names no attachment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an attachment")]
pub struct InvalidAttachmentId;

/// A managed attachment (RFC 8607), as each object says it that refers to it. Its octets are a blob, which
/// stays as long as one of them does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its MANAGED-ID.
    pub id: AttachmentId,
    /// The home that it was made in. Its octets count in the objects there, and only they may refer to it
    /// anew (RFC 8607 §3.12.2).
    pub home: CollectionId,
    /// The BLAKE3 hash of its octets.
    pub hash: [u8; 32],
    /// How many octets it has.
    pub length: u64,
    /// The media type as given.
    pub media_type: String,
    /// The name for a file that it is saved to.
    pub filename: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Attachment {
    /// About how many octets of each object's row it takes.
    pub fn row_octets(&self) -> usize {
        80 + self.media_type.len() + self.filename.len()
    }
}
