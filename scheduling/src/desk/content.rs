//! Octets on their way into the store: their entity tag, and where they are kept.

use bytes::Bytes;
use storage::{
    Store, Timestamp, Uuid,
    model::{Attachment, CalendarFacts, Content, Object},
};

use super::{Desk, refuse::commit_failed};
use crate::Refusal;

/// The media type of a file that came without one.
pub(crate) const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// How many octets of the hash an entity tag carries. 128 bits do not collide by chance.
const ENTITY_TAG_OCTETS: usize = 16;

/// The strong entity tag of octets (RFC 9110 §8.8.3): it follows from them alone, so that it cannot
/// come back with other content, and properties do not change it.
pub(crate) fn entity_tag(octets: &[u8]) -> String {
    entity_tag_of(&blake3::hash(octets))
}

/// The same of octets whose hash is known.
pub(crate) fn entity_tag_of(hash: &blake3::Hash) -> String {
    let hash = hash.to_hex();
    hash[..2 * ENTITY_TAG_OCTETS].to_owned()
}

/// Octets with what an object row says of them.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// The identity of the object that they make, if it is a new one.
    pub fresh_identity: Uuid,
    pub content: Content,
    pub etag: String,
}

impl Body {
    /// Octets that are looked at and not stored.
    pub fn unwritten(fresh_identity: Uuid, octets: Bytes) -> Body {
        Body {
            fresh_identity,
            etag: entity_tag(&octets),
            content: Content::Inline(octets),
        }
    }

    /// The object that these octets make in place of `before`, whose identity, properties, access control
    /// entries and time of creation it keeps.
    pub fn into_object(
        self,
        content_type: String,
        calendar: Option<CalendarFacts>,
        before: Option<&Object>,
        now: Timestamp,
    ) -> Object {
        Object {
            id: before.map_or(Some(self.fresh_identity), |before| before.id),
            content: self.content,
            etag: self.etag,
            content_type,
            created: before.map_or(now, |before| before.created),
            modified: now,
            calendar,
            properties: before
                .map(|before| before.properties.clone())
                .unwrap_or_default(),
            access: before
                .map(|before| before.access.clone())
                .unwrap_or_default(),
        }
    }
}

impl Desk {
    /// Prepares octets for a commit: small ones stay in the row, large ones are written ahead.
    pub(crate) async fn body(&self, octets: Bytes) -> Result<Body, Refusal> {
        self.body_beside(octets, &[]).await
    }

    /// The same of an object that refers to attachments, which take room in its row.
    pub(crate) async fn body_beside(
        &self,
        octets: Bytes,
        attachments: &[Attachment],
    ) -> Result<Body, Refusal> {
        let etag = entity_tag(&octets);
        let beside = attachments.iter().map(Attachment::row_octets).sum();
        let content = match self.rehearses {
            true => Store::unwritten_content(octets, beside),
            false => self.store.write_blob_beside(octets, beside).await,
        };
        Ok(Body {
            fresh_identity: self.fresh_identity(),
            content: content.map_err(commit_failed)?,
            etag,
        })
    }

    /// An identity that no other resource has.
    pub(crate) fn fresh_identity(&self) -> Uuid {
        Uuid::random(self.environment())
    }
}
