//! What is stored, in the words of the RFCs.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Revision, Timestamp, Uuid,
    access::{Ace, Delegation},
};

/// Names a principal for ever; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrincipalId(pub u64);

impl PrincipalId {
    /// No principal's: stands for whoever did not sign in.
    pub const NOBODY: PrincipalId = PrincipalId(0);
}

/// Names a collection for ever, through renames and moves; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CollectionId(pub u64);

/// The longest name of a member of a collection.
pub const MAXIMUM_NAME_OCTETS: usize = 1024;
/// The most octets of content that stand within an object's row; what is larger is a blob.
pub const INLINE_CONTENT_OCTETS: usize = 24 * 1024;

/// The name of the default calendar in every home.
pub const DEFAULT_CALENDAR_NAME: &str = "calendar";
/// The name of the scheduling inbox in every home (RFC 6638 §2.2).
pub const INBOX_NAME: &str = "inbox";
/// The name of the scheduling outbox in every home (RFC 6638 §2.1).
pub const OUTBOX_NAME: &str = "outbox";
/// Names in a home that no client may give to a collection of its own.
pub const RESERVED_NAMES: [&str; 4] = [INBOX_NAME, OUTBOX_NAME, "notifications", "trash"];

/// The kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A set of principals.
    Group,
    /// A thing that can be booked.
    Resource,
    /// A room that can be booked.
    Location,
}

/// How a room or resource answers invitations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Booking {
    /// It never answers; a person does.
    #[default]
    None,
    /// Accepts everything.
    AcceptAlways,
    /// Declines everything.
    DeclineAlways,
    /// Accepts what is free, leaves the rest to a person.
    AcceptIfFree,
    /// Declines what is busy, leaves the rest to a person.
    DeclineIfBusy,
    /// Accepts what is free, declines the rest.
    Automatic,
}

/// Somebody who may act for a principal, and what for. Who may do none of it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    /// Who: a person, or a group with all in it.
    pub principal: PrincipalId,
    /// May write in the calendars.
    pub may_edit: bool,
    /// May answer invitations in the principal's name, where they may write.
    pub may_answer: bool,
    /// May invite, and cancel, in the principal's name, where they may write.
    pub may_invite: bool,
    /// Sees private things, too.
    pub sees_private: bool,
}

impl Delegate {
    /// One who only reads.
    pub fn reader(principal: PrincipalId) -> Delegate {
        Delegate {
            principal,
            may_edit: false,
            may_answer: false,
            may_invite: false,
            sees_private: false,
        }
    }

    /// One who does what people expect of a deputy: everything but to look at private things.
    pub fn deputy(principal: PrincipalId) -> Delegate {
        Delegate {
            may_edit: true,
            may_answer: true,
            may_invite: true,
            ..Delegate::reader(principal)
        }
    }

    fn with_rights_of_reader(self) -> Delegate {
        Delegate {
            sees_private: self.sees_private,
            ..Delegate::reader(self.principal)
        }
    }

    fn with_rights_of_deputy(self) -> Delegate {
        Delegate {
            sees_private: self.sees_private,
            ..Delegate::deputy(self.principal)
        }
    }

    /// Whether the delegate belongs to that group of delegates.
    pub fn is_in(&self, delegation: Delegation) -> bool {
        match delegation {
            Delegation::Read => !self.may_edit,
            Delegation::Write => self.may_edit,
            Delegation::Answer => self.may_answer,
            Delegation::Invite => self.may_invite,
            Delegation::Private => self.sees_private,
        }
    }
}

/// Who finds a principal's invitations in the inbox. The calendar always has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationRecipients {
    /// The principal, and the delegates who may answer.
    Both,
    /// The delegates who may answer; the principal, as long as there are none.
    Delegates,
    /// The principal alone.
    #[default]
    Manager,
}

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

/// Properties as opaque octets by Clark name (`{namespace}local`). A name of another form is the server's own:
/// no client sees it, or sets it.
pub type Properties = BTreeMap<String, Bytes>;

/// An account, a group, a room or a resource. Names are unique over all kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its identity.
    pub id: PrincipalId,
    /// Its kind.
    pub kind: PrincipalKind,
    /// The name in URLs and for sign-in.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Calendar user addresses as written (`mailto:...`), the primary one first.
    pub addresses: Vec<String>,
    /// BCP 47 tag for mails and pages.
    pub language: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// May read and write every home.
    pub administrator: bool,
    /// May not sign in; keeps its data.
    pub disabled: bool,
    /// Direct members of a group.
    pub members: Vec<PrincipalId>,
    /// How many people fit in.
    pub capacity: Option<u32>,
    /// Where it is.
    pub location: Option<String>,
    /// What it has.
    pub features: Vec<String>,
    /// How it answers invitations.
    pub booking: Booking,
    /// Who may act for it, each once.
    pub delegates: Vec<Delegate>,
    /// Who finds its invitations in the inbox.
    pub invitations_to: InvitationRecipients,
    /// Is told by mail of what delegates send in its name.
    pub delegate_notices: bool,
    /// Its home; groups have none.
    pub home: Option<CollectionId>,
    /// Where invitations are put.
    pub default_calendar: Option<CollectionId>,
    /// Dead properties of the principal resource.
    pub properties: Properties,
}

impl Principal {
    /// A principal of which only kind and name are known, for [`crate::Store::add_account`], which
    /// gives it its identity and its home.
    pub fn new(kind: PrincipalKind, name: &str) -> Principal {
        Principal {
            id: PrincipalId::NOBODY,
            kind,
            name: name.to_owned(),
            display_name: name.to_owned(),
            addresses: Vec::new(),
            language: None,
            time_zone: None,
            administrator: false,
            disabled: false,
            members: Vec::new(),
            capacity: None,
            location: None,
            features: Vec::new(),
            booking: Booking::default(),
            delegates: Vec::new(),
            invitations_to: InvitationRecipients::default(),
            delegate_notices: true,
            home: None,
            default_calendar: None,
            properties: Properties::new(),
        }
    }

    /// Those in one of the groups of delegates.
    pub fn delegates_in(&self, delegation: Delegation) -> impl Iterator<Item = PrincipalId> {
        let delegates = self.delegates.iter();
        delegates
            .filter(move |delegate| delegate.is_in(delegation))
            .map(|delegate| delegate.principal)
    }

    /// Makes exactly these the members of one of the groups of delegates (calendarserver calendar-proxy
    /// §5.2). Who is new to writing may also answer and invite, and who leaves it is no delegate any more;
    /// so a person comes to stand in one of the two groups for reading and writing at most.
    pub fn set_delegates_in(&mut self, delegation: Delegation, members: &[PrincipalId]) {
        let is_access = matches!(delegation, Delegation::Read | Delegation::Write);
        let is_named = |delegate: &Delegate| members.contains(&delegate.principal);
        if is_access {
            self.delegates
                .retain(|delegate| !delegate.is_in(delegation) || is_named(delegate));
        }
        for delegate in &mut self.delegates {
            let named = is_named(delegate);
            match delegation {
                _ if is_access && (!named || delegate.is_in(delegation)) => {}
                Delegation::Read => *delegate = delegate.with_rights_of_reader(),
                Delegation::Write => *delegate = delegate.with_rights_of_deputy(),
                Delegation::Answer => delegate.may_answer = named,
                Delegation::Invite => delegate.may_invite = named,
                Delegation::Private => delegate.sees_private = named,
            }
        }
        for &principal in members {
            if self.delegates.iter().any(|it| it.principal == principal) {
                continue;
            }
            let mut delegate = Delegate::reader(principal);
            match delegation {
                Delegation::Read => {}
                Delegation::Write => delegate = Delegate::deputy(principal),
                Delegation::Answer => delegate.may_answer = true,
                Delegation::Invite => delegate.may_invite = true,
                Delegation::Private => delegate.sees_private = true,
            }
            self.delegates.push(delegate);
        }
    }
}

/// A password's hash, kept apart from the principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// PHC string.
    pub hash: String,
    /// Set by an import; a later import may change it only while this holds.
    pub imported: bool,
}

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

/// Names a managed attachment: unguessable, and never used again (RFC 8607 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentId(pub u128);

impl std::fmt::Display for AttachmentId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// A text that names no attachment of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an attachment")]
pub struct InvalidAttachmentId;

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

/// The name among an object's properties for where it was taken over from.
const ORIGIN: &str = "origin";

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

impl Content {
    /// The length in octets.
    pub fn length(&self) -> u64 {
        match self {
            Content::Inline(octets) => octets.len() as u64,
            Content::Blob { length, .. } => *length,
        }
    }
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

    /// Whether clients stored properties with it.
    pub fn has_client_properties(&self) -> bool {
        self.properties.keys().any(|name| name != ORIGIN)
    }

    /// The managed attachments that it refers to.
    pub fn attachments(&self) -> &[Attachment] {
        let calendar = self.calendar.as_ref();
        calendar.map_or(&[], |facts| &facts.attachments)
    }
}

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

/// What a lock was taken on (RFC 4918 §6.1). It stays what it is as long as the lock stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LockRoot {
    /// Where it stands.
    pub path: crate::ResourcePath,
    /// A collection, whose URL ends in a slash (RFC 4918 §5.2).
    pub is_collection: bool,
}

/// RFC 4918 §6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// `urn:uuid:...`
    pub token: String,
    /// What is locked.
    pub root: LockRoot,
    /// Infinite depth (else 0).
    pub deep: bool,
    /// Exclusive (else shared).
    pub exclusive: bool,
    /// Who made it.
    pub principal: PrincipalId,
    /// The owner element of the request, as octets.
    pub owner: Bytes,
    /// The timeout as granted, in seconds.
    pub timeout_seconds: u32,
    /// When it ends.
    pub expires: Timestamp,
}

impl Lock {
    /// Whether it has not run out (RFC 4918 §6.6). One that has far more time left than it was given
    /// got it before the clock was put back: it has run out, or it would stand for as long as the clock
    /// had gone wrong.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let left = self.expires.0.saturating_sub(now.0);
        let given = i64::from(self.timeout_seconds) * 1000;
        0 < left && left <= given.saturating_mul(2)
    }
}

/// A row of background work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Which worker takes it, e.g. `mail`.
    pub queue: String,
    /// Attempts so far.
    pub attempts: u32,
    /// Made when.
    pub created: Timestamp,
    /// The last error, for the administrator.
    pub last_error: Option<String>,
    /// The worker's own octets.
    pub payload: Bytes,
}

/// Why something is in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrashCause {
    /// A later version replaced it.
    Changed,
    /// It was deleted.
    Deleted,
    /// It was deleted because its collection was about to be (meetings are, one by one).
    DeletedWithCollection,
    /// It was moved elsewhere.
    Moved,
    /// It came from elsewhere: a mark without an object, so that it is known when.
    Arrived,
    /// The collection came back out of the trash: a mark without an object, under the name that it had.
    Returned {
        /// When it had been deleted.
        deleted: Timestamp,
    },
}

/// Names what is in the trash: a former state of an object, or a deleted collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrashId {
    /// The collection.
    pub collection: CollectionId,
    /// The commit that put the object there, and the place within it; `None` is the collection itself.
    pub position: Option<(Revision, u16)>,
}

impl std::fmt::Display for TrashId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:x}", self.collection.0)?;
        match self.position {
            Some((revision, operation)) => write!(formatter, "-{}-{operation}", revision.0),
            None => Ok(()),
        }
    }
}

/// A text that names nothing in a trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of something in the trash")]
pub struct InvalidTrashId;

impl std::str::FromStr for TrashId {
    type Err = InvalidTrashId;

    fn from_str(text: &str) -> Result<TrashId, InvalidTrashId> {
        let mut parts = text.split('-');
        let collection = parts.next().ok_or(InvalidTrashId)?;
        let collection = u64::from_str_radix(collection, 16).map_err(|_| InvalidTrashId)?;
        let position = match parts.next() {
            None => None,
            Some(revision) => {
                let operation = parts.next().ok_or(InvalidTrashId)?;
                let revision = revision.parse().map_err(|_| InvalidTrashId)?;
                let operation = operation.parse().map_err(|_| InvalidTrashId)?;
                Some((Revision(revision), operation))
            }
        };
        let id = TrashId {
            collection: CollectionId(collection),
            position,
        };
        // Only the form that was given out: no signs, no leading zeros, nothing behind it.
        match id.to_string() == text {
            true => Ok(id),
            false => Err(InvalidTrashId),
        }
    }
}

/// A former state of an object, or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// Its name in the trash.
    pub id: TrashId,
    /// The object's name.
    pub name: String,
    /// When it ceased to be so.
    pub superseded: Timestamp,
    /// Who changed or removed it, if somebody did.
    pub by: Option<PrincipalId>,
    /// What became of it.
    pub cause: TrashCause,
    /// The commit that had written it.
    pub written: Revision,
    /// As it was, without its projection; `None` for a mark.
    pub object: Option<Object>,
}

/// A deleted collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedCollection {
    /// Its header, which hangs on itself.
    pub header: crate::Stored<Collection>,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// By whom, if that is known.
    pub by: Option<PrincipalId>,
    /// What it stood in.
    pub parent: CollectionId,
    /// Its octets, once they are added up.
    pub octets: Option<u64>,
    /// The commit that wrote its row.
    pub(crate) revision: Revision,
    pub(crate) standing: crate::store::Standing,
}

/// What is kept of that which is changed and deleted, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrashPolicy {
    /// What was deleted is kept so long.
    pub deleted_milliseconds: i64,
    /// Earlier versions are kept so long.
    pub versions_milliseconds: i64,
    /// A version that was replaced sooner than this after it was written is not kept: so many versions
    /// that follow each other closely leave the first and the last.
    pub version_apart_milliseconds: i64,
    /// What one home's trash may hold; the oldest goes first.
    pub home_octets: u64,
}

/// Names a row of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkId {
    /// When it is due.
    pub due: Timestamp,
    /// Fresh for each row, and kept through reschedules.
    pub id: u128,
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

/// A text that is no sync token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token")]
pub struct InvalidSyncToken;

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
