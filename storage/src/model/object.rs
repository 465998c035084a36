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
/// So many of them are kept, the newest: as many as there may be answers in a meeting.
const MAXIMUM_SUPERSEDED: usize = 1024;
/// So much of each is kept. (Those that were written before this was bounded stand there whole.)
const SUPERSEDED_CHARACTERS: usize = 16;

/// What is kept of an entity tag.
fn abbreviated(etag: &str) -> &str {
    etag.get(..SUPERSEDED_CHARACTERS).unwrap_or(etag)
}

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

    /// Whether it had this entity tag since its Schedule-Tag last changed: who has seen one of them has seen all but
    /// what the server wrote into it (RFC 6638 §3.2.10).
    pub fn has_superseded(&self, etag: &str) -> bool {
        let known = abbreviated(etag);
        self.superseded_etags().any(|it| abbreviated(it) == known)
    }

    /// How many entity tags it had since then that are known.
    pub fn superseded_count(&self) -> usize {
        self.superseded_etags().count()
    }

    /// The beginnings of these entity tags, the oldest first.
    fn superseded_etags(&self) -> impl Iterator<Item = &str> {
        let octets = self.properties.get(SUPERSEDED);
        let text = octets.and_then(|octets| std::str::from_utf8(octets).ok());
        text.into_iter().flat_map(str::lines)
    }

    /// Notes that the server itself changed an object that had this entity tag, so that its Schedule-Tag stays.
    pub fn supersede(&mut self, etag: &str) {
        if self.etag == etag {
            return;
        }
        let etag = abbreviated(etag);
        let others = self.superseded_etags().map(abbreviated);
        let mut etags: Vec<&str> = others.filter(|it| *it != etag).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(number: usize) -> String {
        format!("{number:032x}").chars().rev().collect()
    }

    fn object() -> Object {
        Object {
            id: None,
            content: Content::Inline(Bytes::new()),
            etag: "now".to_owned(),
            content_type: String::new(),
            created: Timestamp(0),
            modified: Timestamp(0),
            calendar: None,
            properties: Properties::new(),
            access: Vec::new(),
        }
    }

    /// Each answer in a meeting of a thousand writes the organizer's object.
    #[test]
    fn the_tags_of_a_thousand_answers_still_hold() {
        let mut object = object();
        for number in 0..2_000 {
            object.supersede(&etag(number));
        }
        let held = |number: &usize| object.has_superseded(&etag(*number));
        let known: Vec<usize> = (0..2_000).filter(held).collect();
        assert_eq!(known, (976..2_000).collect::<Vec<_>>());
        assert_eq!(object.superseded_count(), 1_024);
        assert!(object.octets_in(CollectionId(1)) < 20_000);
        object.forget_superseded();
        assert_eq!(object.superseded_count(), 0);
    }

    /// They were kept whole once.
    #[test]
    fn whole_tags_hold_as_well() {
        let mut object = object();
        let older = format!("{}\n{}", etag(1), etag(2));
        object
            .properties
            .insert(SUPERSEDED.to_owned(), older.into());
        for number in [3, 2] {
            object.supersede(&etag(number));
        }
        let held = |number: &usize| object.has_superseded(&etag(*number));
        assert_eq!((0..5).filter(held).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(object.superseded_count(), 3);
    }
}
