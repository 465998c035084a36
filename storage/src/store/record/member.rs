//! A member's row: the hot one. Behind its short header stand the projection and the content as they are, so
//! that reading an object slices both out of the row without a copy.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{VERSION, append, body, corrupt};
use crate::{
    Stored, Timestamp, Uuid,
    access::Ace,
    backend::{Entry, ReadError},
    model::{Attachment, CalendarFacts, CollectionId, Content, Member, Object, Properties},
};

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use crate::{
        Revision,
        access::{AcePrincipal, Privilege},
        model::{AttachmentId, PrincipalId},
    };

    pub(crate) fn object(content: Content, calendar: Option<CalendarFacts>) -> Object {
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

    pub(crate) fn facts(projection: &'static [u8]) -> CalendarFacts {
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

    pub(crate) fn read(row: Bytes) -> Result<Stored<Member>, ReadError> {
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
    }
}
