//! The kinds of resources, and sets of them: the columns of the tables of methods, properties and reports.

use storage::model::CollectionKind;

/// What a URL leads to, as far as the protocol tells resources apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ResourceKind {
    /// `/` and `/dav/`.
    Root,
    /// A collection of principals.
    Principals,
    /// A principal (RFC 3744 §2).
    Principal,
    /// One of the two groups beside a principal.
    ProxyGroup,
    /// A collection of calendar homes.
    Homes,
    /// A calendar home (RFC 4791 §6.2.1).
    Home,
    /// A calendar (RFC 4791 §4.2).
    Calendar,
    /// A scheduling inbox (RFC 6638 §2.2).
    Inbox,
    /// A scheduling outbox (RFC 6638 §2.1).
    Outbox,
    /// Any other collection.
    Plain,
    /// A calendar object resource (RFC 4791 §4.1).
    CalendarObject,
    /// A message in an inbox.
    InboxItem,
    /// Any other file.
    File,
    /// A managed attachment (RFC 8607 §3.10), which is fetched and nothing else.
    Attachment,
    /// What a change of a calendar object would come to, to be asked for and nothing else.
    DryRun,
    /// Nothing yet, in a place where something may be made.
    Unmapped,
}

impl ResourceKind {
    /// All of them, for tests and listings.
    pub const ALL: [ResourceKind; 16] = [
        ResourceKind::Root,
        ResourceKind::Principals,
        ResourceKind::Principal,
        ResourceKind::ProxyGroup,
        ResourceKind::Homes,
        ResourceKind::Home,
        ResourceKind::Calendar,
        ResourceKind::Inbox,
        ResourceKind::Outbox,
        ResourceKind::Plain,
        ResourceKind::CalendarObject,
        ResourceKind::InboxItem,
        ResourceKind::File,
        ResourceKind::Attachment,
        ResourceKind::DryRun,
        ResourceKind::Unmapped,
    ];

    /// The kind of a stored collection.
    pub fn of_collection(kind: CollectionKind) -> ResourceKind {
        match kind {
            CollectionKind::Home => ResourceKind::Home,
            CollectionKind::Calendar => ResourceKind::Calendar,
            CollectionKind::Inbox => ResourceKind::Inbox,
            CollectionKind::Outbox => ResourceKind::Outbox,
            CollectionKind::Plain => ResourceKind::Plain,
        }
    }

    /// The kind of a member object of a stored collection.
    pub fn of_member(kind: CollectionKind) -> ResourceKind {
        match kind {
            CollectionKind::Calendar => ResourceKind::CalendarObject,
            CollectionKind::Inbox => ResourceKind::InboxItem,
            CollectionKind::Home | CollectionKind::Outbox | CollectionKind::Plain => {
                ResourceKind::File
            }
        }
    }

    /// Whether its URL ends in a slash and PROPFIND may list members (RFC 4918 §5.2).
    pub fn is_collection(self) -> bool {
        !Kinds::of(&[
            ResourceKind::CalendarObject,
            ResourceKind::InboxItem,
            ResourceKind::File,
            ResourceKind::Attachment,
            ResourceKind::DryRun,
            ResourceKind::Unmapped,
        ])
        .contains(self)
    }

    /// In words, for the conformance table.
    pub fn word(self) -> &'static str {
        match self {
            ResourceKind::Root => "root",
            ResourceKind::Principals => "principal collection",
            ResourceKind::Principal => "principal",
            ResourceKind::ProxyGroup => "proxy group",
            ResourceKind::Homes => "home collection",
            ResourceKind::Home => "home",
            ResourceKind::Calendar => "calendar",
            ResourceKind::Inbox => "inbox",
            ResourceKind::Outbox => "outbox",
            ResourceKind::Plain => "plain collection",
            ResourceKind::CalendarObject => "calendar object",
            ResourceKind::InboxItem => "inbox item",
            ResourceKind::File => "file",
            ResourceKind::Attachment => "attachment",
            ResourceKind::DryRun => "dry run",
            ResourceKind::Unmapped => "unmapped",
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds(u16);

impl Kinds {
    /// Everything that exists as a resource of WebDAV.
    pub const EXISTING: Kinds = Kinds::of(&ResourceKind::ALL)
        .without(ResourceKind::Unmapped)
        .without(ResourceKind::Attachment)
        .without(ResourceKind::DryRun);
    /// Everything that stands in a home, the home included.
    pub const STORED: Kinds = Kinds::STORED_COLLECTIONS.and(Kinds::STORED_OBJECTS);
    /// The collections in a home, the home included.
    pub const STORED_COLLECTIONS: Kinds = Kinds::of(&[
        ResourceKind::Home,
        ResourceKind::Calendar,
        ResourceKind::Inbox,
        ResourceKind::Outbox,
        ResourceKind::Plain,
    ]);
    /// What is no collection.
    pub const STORED_OBJECTS: Kinds = Kinds::of(&[
        ResourceKind::CalendarObject,
        ResourceKind::InboxItem,
        ResourceKind::File,
    ]);

    /// The set of these.
    pub const fn of(kinds: &[ResourceKind]) -> Kinds {
        let mut bits = 0;
        let mut index = 0;
        while index < kinds.len() {
            bits |= 1 << kinds[index] as u16;
            index += 1;
        }
        Kinds(bits)
    }

    /// Both sets together.
    pub const fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// The set without one kind.
    pub const fn without(self, kind: ResourceKind) -> Kinds {
        Kinds(self.0 & !(1 << kind as u16))
    }

    /// Whether the kind is in the set.
    pub const fn contains(self, kind: ResourceKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// Its kinds.
    pub fn iter(self) -> impl Iterator<Item = ResourceKind> {
        ResourceKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}
