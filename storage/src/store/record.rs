//! How rows are written as octets.
//!
//! Each row begins with the version of its form. Most are then one postcard value. A member's row is
//! the hot one: behind its short header stand the projection and the content as they are, so that
//! reading an object slices both out of the row without a copy.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Revision, Stored, Timestamp, Uuid,
    access::{Ace, AcePrincipal, Delegation, Privilege},
    backend::{Entry, ReadError},
    model::{
        Attachment, AuditEntry, Booking, CalendarFacts, Collection, CollectionId, CollectionKind,
        Content, Credential, Delegate, InvitationRecipients, Lock, Member, Object, Principal,
        PrincipalId, PrincipalKind, Properties, TrashCause,
    },
};

/// The version of the form of every row that has had only one.
const VERSION: u8 = 1;

/// A value that a row holds: the version of its form, then the value in postcard.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// The version in which it is written.
    const VERSION: u8 = VERSION;

    /// From the octets behind the version; `None` where the version is unknown.
    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Self>> {
        (version == Self::VERSION).then(|| postcard::from_bytes(body))
    }
}

impl Row for AuditEntry {}
impl Row for Credential {}
impl Row for Vec<Lock> {}
impl Row for PrincipalId {}
impl Row for Revision {}
impl Row for u64 {}
impl Row for [u8; 32] {}
impl Row for UidRecord {}
impl Row for TrashedRecord {}
impl Row for LogRecord {}
impl Row for MetaRecord {}
impl Row for WorkRecord {}

impl Row for Collection {
    /// In version 1, entries could only grant; none means that nobody had set any.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Collection>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(CollectionRecord1::into_collection)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a collection's row.
#[derive(Serialize, Deserialize)]
struct CollectionRecord1 {
    id: CollectionId,
    kind: CollectionKind,
    owner: PrincipalId,
    home: CollectionId,
    parent: Option<CollectionId>,
    name: String,
    created: Timestamp,
    components: Vec<String>,
    properties: Properties,
    access: Vec<AceRecord1>,
}

/// An entry in it.
#[derive(Serialize, Deserialize)]
struct AceRecord1 {
    principal: AcePrincipal,
    grant: Vec<Privilege>,
}

impl CollectionRecord1 {
    fn into_collection(self) -> Collection {
        let ace = |ace: AceRecord1| Ace::grant(ace.principal, &ace.grant);
        let access: Vec<Ace> = self.access.into_iter().map(ace).collect();
        Collection {
            id: self.id,
            kind: self.kind,
            owner: self.owner,
            home: self.home,
            parent: self.parent,
            name: self.name,
            created: self.created,
            components: self.components,
            properties: self.properties,
            access: (!access.is_empty()).then_some(access),
        }
    }
}

impl Row for Principal {
    /// In version 1, there were those who read and those who write, and who wrote might do all.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Principal>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(PrincipalRecord1::into_principal)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a principal's row.
#[derive(Serialize, Deserialize)]
struct PrincipalRecord1 {
    id: PrincipalId,
    kind: PrincipalKind,
    name: String,
    display_name: String,
    addresses: Vec<String>,
    language: Option<String>,
    time_zone: Option<String>,
    administrator: bool,
    disabled: bool,
    members: Vec<PrincipalId>,
    capacity: Option<u32>,
    location: Option<String>,
    features: Vec<String>,
    booking: Booking,
    read_delegates: Vec<PrincipalId>,
    write_delegates: Vec<PrincipalId>,
    home: Option<CollectionId>,
    default_calendar: Option<CollectionId>,
    properties: Properties,
}

impl PrincipalRecord1 {
    fn into_principal(self) -> Principal {
        let mut principal = Principal {
            id: self.id,
            kind: self.kind,
            name: self.name,
            display_name: self.display_name,
            addresses: self.addresses,
            language: self.language,
            time_zone: self.time_zone,
            administrator: self.administrator,
            disabled: self.disabled,
            members: self.members,
            capacity: self.capacity,
            location: self.location,
            features: self.features,
            booking: self.booking,
            delegates: Vec::<Delegate>::new(),
            invitations_to: InvitationRecipients::default(),
            delegate_notices: true,
            home: self.home,
            default_calendar: self.default_calendar,
            properties: self.properties,
        };
        // Who stood in both lists could write.
        principal.set_delegates_in(Delegation::Read, &self.read_delegates);
        principal.set_delegates_in(Delegation::Write, &self.write_delegates);
        principal
    }
}

impl Row for BlobRecord {
    /// In version 1, the pieces of every blob stood under its hash.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<BlobRecord>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(BlobRecord1::into_blob)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a blob's header.
#[derive(Serialize, Deserialize)]
struct BlobRecord1 {
    length: u64,
    written: Timestamp,
    complete: bool,
}

impl BlobRecord1 {
    fn into_blob(self) -> BlobRecord {
        BlobRecord {
            length: self.length,
            written: self.written,
            complete: self.complete,
            pieces_under: None,
        }
    }
}

/// The row of a value.
pub(crate) fn encode<T: Row>(value: &T) -> Bytes {
    append(vec![T::VERSION], value).into()
}

/// From the octets of [`encode`]; `what` names the row in the error.
pub(crate) fn decode<T: Row>(octets: &[u8], what: &str) -> Result<T, ReadError> {
    let (version, body) = split(octets, what)?;
    match T::read(version, body) {
        Some(value) => value.map_err(|error| corrupt(what, &error.to_string())),
        None => Err(unknown(version, what)),
    }
}

/// A row as a value with its revision.
pub(crate) fn stored<T: Row>(entry: &Entry, what: &str) -> Result<Stored<T>, ReadError> {
    Ok(Stored {
        value: decode(&entry.value, what)?,
        revision: entry.revision,
    })
}

/// The value of a counter row.
pub(crate) fn counter(octets: &[u8]) -> Result<i64, ReadError> {
    let octets = octets
        .try_into()
        .map_err(|_| corrupt("counter", "its length is wrong"))?;
    Ok(i64::from_be_bytes(octets))
}

pub(crate) fn corrupt(what: &str, why: &str) -> ReadError {
    ReadError::Corrupt(format!("a row of kind {what} cannot be read: {why}"))
}

fn append<T: Serialize>(octets: Vec<u8>, value: &T) -> Vec<u8> {
    postcard::to_extend(value, octets).expect("stored values have no form that postcard refuses")
}

/// The version of a row's form, and what stands behind it.
fn split<'a>(octets: &'a [u8], what: &str) -> Result<(u8, &'a [u8]), ReadError> {
    match octets.split_first() {
        Some((version, body)) => Ok((*version, body)),
        None => Err(corrupt(what, "it is empty")),
    }
}

/// The body of a row whose form has had only one version.
fn body<'a>(octets: &'a [u8], what: &str) -> Result<&'a [u8], ReadError> {
    match split(octets, what)? {
        (VERSION, body) => Ok(body),
        (version, _) => Err(unknown(version, what)),
    }
}

fn unknown(version: u8, what: &str) -> ReadError {
    corrupt(what, &format!("its form has version {version}"))
}

/// The header of a member's row.
#[derive(Serialize, Deserialize)]
enum MemberHeader<'a> {
    Collection(CollectionId),
    /// As it was written before objects had identities.
    #[serde(borrow)]
    Object(ObjectHeader<'a>),
    /// An object with access control entries of its own, as it was written before objects had identities.
    #[serde(borrow)]
    GuardedObject(GuardedHeader<'a>),
    /// An object with its identity, and with access control entries of its own if it has any.
    Identified([u8; 16], #[serde(borrow)] GuardedHeader<'a>),
    /// An object with managed attachments, perhaps with an identity and with entries of its own.
    WithAttachments(
        Option<[u8; 16]>,
        #[serde(borrow)] GuardedHeader<'a>,
        Cow<'a, [Attachment]>,
    ),
}

#[derive(Serialize, Deserialize)]
struct ObjectHeader<'a> {
    content: Place,
    etag: &'a str,
    content_type: &'a str,
    created: Timestamp,
    modified: Timestamp,
    #[serde(borrow)]
    calendar: Option<CalendarHeader<'a>>,
    properties: Cow<'a, Properties>,
}

#[derive(Serialize, Deserialize)]
struct GuardedHeader<'a> {
    #[serde(borrow)]
    object: ObjectHeader<'a>,
    access: Cow<'a, [Ace]>,
}

/// Where the content is.
#[derive(Serialize, Deserialize)]
enum Place {
    /// Behind the header and the projection, to the end of the row.
    Inline,
    Blob {
        hash: [u8; 32],
        length: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct CalendarHeader<'a> {
    uid: &'a str,
    scheduling: bool,
    schedule_tag: Option<&'a str>,
    /// How many octets behind the header are the projection.
    projection_octets: usize,
}

/// The row of a binding to a collection.
pub(crate) fn encode_binding(id: CollectionId) -> Bytes {
    append(vec![VERSION], &MemberHeader::Collection(id)).into()
}

/// The row of an object.
pub(crate) fn encode_object(object: &Object) -> Bytes {
    let calendar = object.calendar.as_ref();
    let projection: &[u8] = calendar.map_or(&[], |facts| &facts.projection);
    let (place, content): (Place, &[u8]) = match &object.content {
        Content::Inline(octets) => (Place::Inline, octets),
        Content::Blob { hash, length } => (
            Place::Blob {
                hash: *hash,
                length: *length,
            },
            &[],
        ),
    };
    let header = ObjectHeader {
        content: place,
        etag: &object.etag,
        content_type: &object.content_type,
        created: object.created,
        modified: object.modified,
        calendar: calendar.map(|facts| CalendarHeader {
            uid: &facts.uid,
            scheduling: facts.scheduling,
            schedule_tag: facts.schedule_tag.as_deref(),
            projection_octets: projection.len(),
        }),
        properties: Cow::Borrowed(&object.properties),
    };
    let guarded = |header| GuardedHeader {
        object: header,
        access: Cow::Borrowed(&object.access),
    };
    let id = object.id.map(Uuid::to_octets);
    let header = match (id, object.attachments(), object.access.is_empty()) {
        (Some(id), [], _) => MemberHeader::Identified(id, guarded(header)),
        (None, [], true) => MemberHeader::Object(header),
        (None, [], false) => MemberHeader::GuardedObject(guarded(header)),
        (id, attachments, _) => {
            MemberHeader::WithAttachments(id, guarded(header), Cow::Borrowed(attachments))
        }
    };
    let mut octets = Vec::with_capacity(HEADER_OCTETS_GUESS + projection.len() + content.len());
    octets.push(VERSION);
    let mut octets = append(octets, &header);
    octets.extend_from_slice(projection);
    octets.extend_from_slice(content);
    octets.into()
}

/// Enough for the header of nearly every object, so that a row is built in one allocation.
const HEADER_OCTETS_GUESS: usize = 256;

/// A member's row as a value that shares the row's octets.
pub(crate) fn decode_member(entry: &Entry) -> Result<Stored<Member>, ReadError> {
    const WHAT: &str = "member";
    let row = &entry.value;
    let (header, rest) = postcard::take_from_bytes::<MemberHeader>(body(row, WHAT)?)
        .map_err(|error| corrupt(WHAT, &error.to_string()))?;
    let value = match header {
        MemberHeader::Collection(id) => Member::Collection(id),
        MemberHeader::Object(header) => {
            Member::Object(object(header, Vec::new(), row.slice_ref(rest))?)
        }
        MemberHeader::GuardedObject(header) => {
            Member::Object(guarded(None, header, Vec::new(), row.slice_ref(rest))?)
        }
        MemberHeader::Identified(id, header) => {
            Member::Object(guarded(Some(id), header, Vec::new(), row.slice_ref(rest))?)
        }
        MemberHeader::WithAttachments(id, header, attachments) => {
            let attachments = attachments.into_owned();
            Member::Object(guarded(id, header, attachments, row.slice_ref(rest))?)
        }
    };
    Ok(Stored {
        value,
        revision: entry.revision,
    })
}

/// Completes a header with what stands behind it in the row.
fn object(
    header: ObjectHeader<'_>,
    attachments: Vec<Attachment>,
    mut rest: Bytes,
) -> Result<Object, ReadError> {
    let calendar = match header.calendar {
        Some(facts) if facts.projection_octets > rest.len() => {
            return Err(corrupt("member", "its projection is cut off"));
        }
        Some(facts) => Some(CalendarFacts {
            uid: facts.uid.to_owned(),
            scheduling: facts.scheduling,
            schedule_tag: facts.schedule_tag.map(str::to_owned),
            projection: rest.split_to(facts.projection_octets),
            attachments,
        }),
        None if !attachments.is_empty() => {
            return Err(corrupt("member", "a file has attachments"));
        }
        None => None,
    };
    let content = match header.content {
        Place::Inline => Content::Inline(rest),
        Place::Blob { hash, length } => Content::Blob { hash, length },
    };
    Ok(Object {
        id: None,
        content,
        etag: header.etag.to_owned(),
        content_type: header.content_type.to_owned(),
        created: header.created,
        modified: header.modified,
        calendar,
        properties: header.properties.into_owned(),
        access: Vec::new(),
    })
}

/// The same of an object with what older forms do not know.
fn guarded(
    id: Option<[u8; 16]>,
    header: GuardedHeader<'_>,
    attachments: Vec<Attachment>,
    rest: Bytes,
) -> Result<Object, ReadError> {
    Ok(Object {
        id: id.map(Uuid::from_octets),
        access: header.access.into_owned(),
        ..object(header.object, attachments, rest)?
    })
}

/// The row that names the object of a UID in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UidRecord {
    pub name: String,
    pub scheduling: bool,
}

/// What stands before the object in a row of the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashHeader {
    /// The object's name; that of the collection where the row is about it.
    pub name: String,
    /// When it ceased to be so.
    pub superseded: Timestamp,
    /// The commit that had written it; 0 where the row holds no object.
    pub written: Revision,
    /// Who changed or removed it.
    pub by: Option<PrincipalId>,
    /// What became of it.
    pub cause: TrashCause,
}

/// A row of the trash. What can be found out again from the octets, the projection, is left out.
pub(crate) fn encode_trash(header: &TrashHeader, object: Option<&Object>) -> Bytes {
    let mut row = append(vec![VERSION], header);
    if let Some(object) = object {
        let mut object = object.clone();
        if let Some(facts) = &mut object.calendar {
            facts.projection = Bytes::new();
        }
        row.extend_from_slice(&encode_object(&object));
    }
    row.into()
}

/// From the octets of [`encode_trash`].
pub(crate) fn decode_trash(entry: &Entry) -> Result<(TrashHeader, Option<Object>), ReadError> {
    const WHAT: &str = "trash";
    let (header, rest) = postcard::take_from_bytes::<TrashHeader>(body(&entry.value, WHAT)?)
        .map_err(|error| corrupt(WHAT, &error.to_string()))?;
    if rest.is_empty() {
        return Ok((header, None));
    }
    let member = decode_member(&Entry {
        value: entry.value.slice_ref(rest),
        revision: header.written,
    })?;
    match member.value {
        Member::Object(object) => Ok((header, Some(object))),
        Member::Collection(_) => Err(corrupt(WHAT, "it holds no object")),
    }
}

/// A deleted collection that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashedRecord {
    /// When it was deleted.
    pub deleted: Timestamp,
    /// By whom.
    pub by: Option<PrincipalId>,
    /// What it stood in.
    pub parent: CollectionId,
    /// Where its octets are counted.
    pub standing: Standing,
}

/// Where the octets of a deleted collection are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// In its home, until they have been added up.
    InHome,
    /// In the trash: so many.
    Apart(u64),
    /// In its home, because somebody brings it back.
    Returning,
    /// Nowhere any more: its time is over, the purge is about to take it.
    Leaving,
}

/// An entry of a collection's change log.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogRecord {
    /// The collection was made: always the first entry.
    Created,
    /// The member was made or changed.
    Put(String),
    /// The member is gone.
    Removed(String),
}

/// The row of the store itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MetaRecord {
    pub format: u32,
    pub epoch: u64,
}

/// A blob's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub length: u64,
    /// When it was last asked to be written.
    pub written: Timestamp,
    /// Whether all pieces are there.
    pub complete: bool,
    /// The place of the pieces, where that is not the blob's hash.
    pub pieces_under: Option<[u8; 32]>,
}

impl BlobRecord {
    /// The place of the pieces, the blob having this hash.
    pub fn place(&self, hash: &[u8; 32]) -> [u8; 32] {
        self.pieces_under.unwrap_or(*hash)
    }
}

/// A row of work; a large payload stands in a blob.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkRecord {
    pub attempts: u32,
    pub created: Timestamp,
    pub last_error: Option<String>,
    pub payload: Content,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Revision, model::AttachmentId};

    fn object(content: Content, calendar: Option<CalendarFacts>) -> Object {
        Object {
            id: None,
            content,
            etag: "0123456789abcdef".to_owned(),
            content_type: "text/calendar; charset=utf-8".to_owned(),
            created: Timestamp(-1),
            modified: Timestamp(i64::MAX),
            calendar,
            properties: Properties::from([(
                "{urn:x}färbung".to_owned(),
                Bytes::from_static(&[0, 255]),
            )]),
            access: Vec::new(),
        }
    }

    fn facts(projection: &'static [u8]) -> CalendarFacts {
        CalendarFacts {
            uid: "a@b".to_owned(),
            scheduling: true,
            schedule_tag: Some("7".to_owned()),
            projection: Bytes::from_static(projection),
            attachments: Vec::new(),
        }
    }

    fn attachment(id: u128) -> Attachment {
        Attachment {
            id: AttachmentId(id),
            home: CollectionId(7),
            hash: [9; 32],
            length: 1 << 40,
            media_type: "text/plain".to_owned(),
            filename: "ü.txt".to_owned(),
            created: Timestamp(-1),
        }
    }

    fn read(row: Bytes) -> Result<Stored<Member>, ReadError> {
        decode_member(&Entry {
            value: row,
            revision: Revision(9),
        })
    }

    #[test]
    fn members_come_back_as_written() {
        let inline = |octets: &'static [u8]| Content::Inline(Bytes::from_static(octets));
        let blob = Content::Blob {
            hash: [7; 32],
            length: u64::MAX,
        };
        let cases = [
            object(inline(b""), None),
            object(inline(b"BEGIN:VCALENDAR\r\n"), None),
            object(inline(b""), Some(facts(b"projection"))),
            object(inline(b"content"), Some(facts(b""))),
            object(inline(b"content"), Some(facts(b"projection"))),
            object(blob.clone(), Some(facts(b"projection"))),
            object(
                blob.clone(),
                Some(CalendarFacts {
                    attachments: vec![attachment(1), attachment(u128::MAX)],
                    ..facts(b"projection")
                }),
            ),
            object(blob, None),
            Object {
                access: vec![
                    Ace::grant(AcePrincipal::All, &[Privilege::Read]),
                    Ace::deny(AcePrincipal::Principal(PrincipalId(7)), &[Privilege::All]),
                ],
                ..object(inline(b"content"), Some(facts(b"projection")))
            },
        ];
        let identified = cases.clone().map(|object| Object {
            id: Some(Uuid::from_octets([7; 16])),
            ..object
        });
        for object in cases.into_iter().chain(identified) {
            let member = read(encode_object(&object)).unwrap();
            assert_eq!(
                member,
                Stored {
                    value: Member::Object(object),
                    revision: Revision(9)
                }
            );
        }
        let binding = read(encode_binding(CollectionId(u64::MAX))).unwrap();
        assert_eq!(binding.value, Member::Collection(CollectionId(u64::MAX)));
    }

    /// The places of the forms are in the stored data: a new one comes behind them.
    #[test]
    fn each_form_has_its_place() {
        let with_attachment = || {
            let mut facts = facts(b"projection");
            facts.attachments.push(attachment(1));
            object(Content::Inline(Bytes::new()), Some(facts))
        };
        let plain = || object(Content::Inline(Bytes::new()), Some(facts(b"projection")));
        let guard = || vec![Ace::grant(AcePrincipal::All, &[Privilege::Read])];
        let id = Some(Uuid::from_octets([7; 16]));
        let guarded = |object| Object {
            access: guard(),
            ..object
        };
        let identified = |object| Object { id, ..object };
        let cases = [
            (plain(), 1),
            (guarded(plain()), 2),
            (identified(plain()), 3),
            (identified(guarded(plain())), 3),
            (with_attachment(), 4),
            (identified(guarded(with_attachment())), 4),
        ];
        for (object, place) in cases {
            assert_eq!(encode_object(&object)[1], place);
        }
    }

    #[test]
    fn content_and_projection_are_slices_of_the_row() {
        let content = Content::Inline(Bytes::from_static(b"content"));
        let row = encode_object(&object(content, Some(facts(b"projection"))));
        let within = row.as_ptr_range();
        let Member::Object(object) = read(row.clone()).unwrap().value else {
            unreachable!()
        };
        let Content::Inline(content) = object.content else {
            unreachable!()
        };
        assert!(within.contains(&content.as_ptr()));
        assert!(within.contains(&object.calendar.unwrap().projection.as_ptr()));
    }

    #[test]
    fn the_trash_gives_back_what_it_was_given_but_the_projection() {
        let header = TrashHeader {
            name: "ä.ics".to_owned(),
            superseded: Timestamp(-7),
            written: Revision(3),
            by: Some(PrincipalId(1)),
            cause: TrashCause::Deleted,
        };
        let content = Content::Inline(Bytes::from_static(b"content"));
        let before = object(content.clone(), Some(facts(b"projection")));
        let after = object(content, Some(facts(b"")));
        let read = |value: Bytes| {
            decode_trash(&Entry {
                value,
                revision: Revision(9),
            })
        };
        let row = encode_trash(&header, Some(&before));
        assert_eq!(read(row.clone()).unwrap(), (header.clone(), Some(after)));
        let marker = encode_trash(&header, None);
        assert_eq!(read(marker.clone()).unwrap(), (header, None));
        for length in marker.len() + 1..row.len() - b"content".len() {
            assert!(read(row.slice(..length)).is_err(), "cut to {length} octets");
        }
        for length in 0..marker.len() {
            assert!(read(row.slice(..length)).is_err(), "cut to {length} octets");
        }
    }

    /// Rows of the first form: `None` where nobody had set entries, and entries that grant.
    #[test]
    fn collections_of_the_first_form_are_read() {
        let old = |access| CollectionRecord1 {
            id: CollectionId(3),
            kind: CollectionKind::Calendar,
            owner: PrincipalId(1),
            home: CollectionId(2),
            parent: Some(CollectionId(2)),
            name: "work".to_owned(),
            created: Timestamp(-5),
            components: vec!["VEVENT".to_owned()],
            properties: Properties::from([("{urn:x}y".to_owned(), Bytes::from_static(b"z"))]),
            access,
        };
        let entry = AceRecord1 {
            principal: AcePrincipal::Authenticated,
            grant: vec![Privilege::Read],
        };
        let granting = Ace::grant(AcePrincipal::Authenticated, &[Privilege::Read]);
        for (access, expected) in [(vec![], None), (vec![entry], Some(vec![granting]))] {
            let row = append(vec![1], &old(access));
            let read: Collection = decode(&row, "collection").unwrap();
            assert_eq!(read.access, expected);
            assert_eq!((read.id, read.name.as_str()), (CollectionId(3), "work"));
            let again: Collection = decode(&encode(&read), "collection").unwrap();
            assert_eq!(again, read);
        }
        assert!(decode::<Collection>(&append(vec![3], &old(vec![])), "collection").is_err());
    }

    /// Rows of the first form: who read and who wrote stood in two lists.
    #[test]
    fn principals_of_the_first_form_are_read() {
        let old = PrincipalRecord1 {
            id: PrincipalId(3),
            kind: PrincipalKind::User,
            name: "alice".to_owned(),
            display_name: "Alice".to_owned(),
            addresses: vec!["mailto:alice@example.com".to_owned()],
            language: None,
            time_zone: Some("Europe/Berlin".to_owned()),
            administrator: false,
            disabled: false,
            members: vec![],
            capacity: None,
            location: None,
            features: vec![],
            booking: Booking::None,
            read_delegates: vec![PrincipalId(4), PrincipalId(5)],
            write_delegates: vec![PrincipalId(5), PrincipalId(6)],
            home: Some(CollectionId(1)),
            default_calendar: None,
            properties: Properties::new(),
        };
        let read: Principal = decode(&append(vec![1], &old), "principal").unwrap();
        let expected = [
            Delegate::reader(PrincipalId(4)),
            Delegate::deputy(PrincipalId(5)),
            Delegate::deputy(PrincipalId(6)),
        ];
        assert_eq!(read.delegates, expected);
        assert!(read.delegate_notices && read.name == "alice");
        let again: Principal = decode(&encode(&read), "principal").unwrap();
        assert_eq!(again, read);
        assert!(decode::<Principal>(&append(vec![3], &old), "principal").is_err());
    }

    /// Headers of the first form: the pieces stood under the hash.
    #[test]
    fn blobs_of_the_first_form_are_read() {
        let old = BlobRecord1 {
            length: u64::MAX,
            written: Timestamp(-5),
            complete: true,
        };
        let read: BlobRecord = decode(&append(vec![1], &old), "blob").unwrap();
        let expected = BlobRecord {
            length: u64::MAX,
            written: Timestamp(-5),
            complete: true,
            pieces_under: None,
        };
        assert_eq!(read, expected);
        assert_eq!(read.place(&[7; 32]), [7; 32]);
        let elsewhere = BlobRecord {
            pieces_under: Some([8; 32]),
            ..expected
        };
        let again: BlobRecord = decode(&encode(&elsewhere), "blob").unwrap();
        assert_eq!(again, elsewhere);
        assert_eq!(again.place(&[7; 32]), [8; 32]);
        assert!(decode::<BlobRecord>(&append(vec![3], &old), "blob").is_err());
    }

    #[test]
    fn a_damaged_row_is_an_error() {
        let row = encode_object(&object(
            Content::Inline(Bytes::new()),
            Some(facts(b"projection")),
        ));
        for length in 0..row.len() {
            assert!(read(row.slice(..length)).is_err(), "cut to {length} octets");
        }
        let mut newer = row.to_vec();
        newer[0] = VERSION + 1;
        assert!(read(newer.into()).is_err());
        assert!(counter(&[0; 7]).is_err());
    }

    proptest::proptest! {
        /// Whatever octets a row has, reading it ends with a value or an error.
        #[test]
        fn no_row_is_too_odd_to_be_refused(mut row: Vec<u8>, version: bool) {
            if let (Some(first), true) = (row.first_mut(), version) {
                *first = VERSION;
            }
            let _ = read(row.clone().into());
            let _ = decode::<Principal>(&row, "principal");
            let _ = decode::<Collection>(&row, "collection");
        }
    }
}
