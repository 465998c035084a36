//! Objects: calendar objects, messages and files.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Attachment, CollectionId, Properties};
use crate::{Timestamp, Uuid, access::Ace};

/// The most octets of content that stand within an object's row; what is larger is a blob.
pub const INLINE_CONTENT_OCTETS: usize = 24 * 1024;

/// The octets of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// In the row itself.
    Inline(Bytes),
    /// In blob chunks, by the BLAKE3 hash of the octets.
    Blob {
        /// The hash.
        hash: [u8; 32],
        /// The length in octets.
        length: u64,
    },
}

impl Content {
    /// The length in octets.
    pub fn length(&self) -> u64 {
        match self {
            Content::Inline(octets) => octets.len() as u64,
            Content::Blob { length, .. } => *length,
        }
    }
}

/// What an object in a calendar or inbox is, as far as the store must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarFacts {
    /// The UID that all components share.
    pub uid: String,
    /// Whether it is a scheduling object resource (RFC 6638 §3.1).
    pub scheduling: bool,
    /// Changes by RFC 6638 §3.2.10; `None` on objects that are not scheduling objects.
    pub schedule_tag: Option<String>,
    /// The desk's projection for queries, opaque here.
    pub projection: Bytes,
    /// The managed attachments that it refers to, each once.
    pub attachments: Vec<Attachment>,
}

/// The name among an object's properties for where it was taken over from.
const ORIGIN: &str = "origin";

/// The name among an object's properties for the entity tags that still hold.
const SUPERSEDED: &str = "superseded-entity-tags";
/// So many of them are kept, the newest.
const MAXIMUM_SUPERSEDED: usize = 20;

/// A non-collection resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What names it for ever, through changes and moves; `None` on one that was stored before objects
    /// were given a name of this kind (see [`Object::identity`]).
    pub id: Option<Uuid>,
    /// The octets.
    pub content: Content,
    /// Strong entity tag without quotes, derived from the octets.
    pub etag: String,
    /// The media type as given.
    pub content_type: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its octets or properties last changed.
    pub modified: Timestamp,
    /// Present in calendars and inboxes.
    pub calendar: Option<CalendarFacts>,
    /// Dead properties.
    pub properties: Properties,
    /// The access control entries that clients set on the object itself (RFC 3744 §5.5).
    pub access: Vec<Ace>,
}

impl Object {
    /// What names it for ever. One that was stored without such a name gets one from where it stands and
    /// when it was made; whoever moves it elsewhere must write the name down.
    pub fn identity(&self, collection: CollectionId, name: &str) -> Uuid {
        self.id.unwrap_or_else(|| {
            let (collection, created) = (collection.0.to_be_bytes(), self.created.0.to_be_bytes());
            Uuid::derived(
                "Convoke 2026-11 identity of an object",
                &[&collection, name.as_bytes(), &created],
            )
        })
    }

    /// What counts against the quota of the home that it stands in: content, dead properties, and the
    /// attachments that were made there.
    pub fn octets_in(&self, home: CollectionId) -> u64 {
        let property = |(name, value): (&String, &Bytes)| (name.len() + value.len()) as u64;
        let attachments = self.attachments().iter().filter(|it| it.home == home);
        self.content.length()
            + self.properties.iter().map(property).sum::<u64>()
            + attachments.map(|it| it.length).sum::<u64>()
    }

    /// Where it was taken over from, if it was: see [`Object::set_origin`].
    pub fn origin(&self) -> Option<Uuid> {
        let octets = self.properties.get(ORIGIN)?.as_ref();
        octets.try_into().ok().map(Uuid::from_octets)
    }

    /// Notes which state of which resource of another server it was made from, so that this need not be
    /// fetched again. It stays through changes.
    pub fn set_origin(&mut self, origin: Uuid) {
        let octets = Bytes::copy_from_slice(&origin.to_octets());
        self.properties.insert(ORIGIN.to_owned(), octets);
    }

    /// The entity tags that it had since its Schedule-Tag last changed, the oldest first: who has seen one of them
    /// has seen all but what the server wrote into it (RFC 6638 §3.2.10).
    pub fn superseded_etags(&self) -> impl Iterator<Item = &str> {
        let octets = self.properties.get(SUPERSEDED);
        let text = octets.and_then(|octets| std::str::from_utf8(octets).ok());
        text.into_iter().flat_map(str::lines)
    }

    /// Notes that the server itself changed an object that had this entity tag, so that its Schedule-Tag stays.
    pub fn supersede(&mut self, etag: &str) {
        if self.etag == etag {
            return;
        }
        let mut etags: Vec<&str> = self.superseded_etags().filter(|it| *it != etag).collect();
        etags.push(etag);
        let newest = etags.len().saturating_sub(MAXIMUM_SUPERSEDED);
        let text = etags[newest..].join("\n");
        self.properties.insert(SUPERSEDED.to_owned(), text.into());
    }

    /// Notes that nobody has seen it as it is now: its Schedule-Tag is another one.
    pub fn forget_superseded(&mut self) {
        self.properties.remove(SUPERSEDED);
    }

    /// Whether clients stored properties with it.
    pub fn has_client_properties(&self) -> bool {
        let is_own = |name: &String| name == ORIGIN || name == SUPERSEDED;
        !self.properties.keys().all(is_own)
    }

    /// The managed attachments that it refers to.
    pub fn attachments(&self) -> &[Attachment] {
        let calendar = self.calendar.as_ref();
        calendar.map_or(&[], |facts| &facts.attachments)
    }
}
