//! What reads the rows of the store, for the fuzz targets.

use bytes::Bytes;

use super::{
    building::BuildingRecord,
    record::{
        self, BlobPlace, BlobRecord, LogRecord, MetaRecord, Standing, TrashHeader, TrashedRecord,
        UidRecord, WorkRecord, decode_member, decode_trash, encode, encode_object, encode_trash,
    },
};
use crate::{
    Revision, Timestamp,
    access::{Ace, AcePrincipal, Privilege},
    backend::Entry,
    model::{
        CalendarFacts, Collection, CollectionId, Content, Credential, Lock, Member, Object,
        Principal, PrincipalId, PrincipalKind, Properties, TrashCause,
    },
};

/// What can be read is written and read again as the same.
fn same<T: record::Row>(octets: &[u8]) {
    if let Ok(value) = record::decode::<T>(octets, "any") {
        let written = encode(&value);
        let again: T = record::decode(&written, "any").expect("what was written can be read");
        assert_eq!(encode(&again), written);
    }
}

/// A row of every kind.
pub fn records(octets: &[u8]) {
    same::<Principal>(octets);
    same::<Collection>(octets);
    same::<Credential>(octets);
    same::<Vec<Lock>>(octets);
    same::<PrincipalId>(octets);
    same::<Revision>(octets);
    same::<UidRecord>(octets);
    same::<LogRecord>(octets);
    same::<MetaRecord>(octets);
    same::<BlobRecord>(octets);
    same::<[u8; 32]>(octets);
    same::<WorkRecord>(octets);
    same::<BuildingRecord>(octets);
    same::<TrashedRecord>(octets);
    let _ = record::counter(octets);
    member(octets);
    trash(octets);
}

fn entry(value: Bytes) -> Entry {
    Entry {
        value,
        revision: Revision(1),
    }
}

fn member(octets: &[u8]) {
    let read = |value| decode_member(&entry(value));
    if let Ok(Member::Object(object)) = read(Bytes::copy_from_slice(octets)).map(|it| it.value) {
        let again = read(encode_object(&object)).expect("what was written can be read");
        assert_eq!(again.value, Member::Object(object));
    }
}

fn trash(octets: &[u8]) {
    let read = |value| decode_trash(&entry(value));
    if let Ok((header, object)) = read(Bytes::copy_from_slice(octets)) {
        let written = encode_trash(&header, object.as_ref());
        let (again, kept) = read(written.clone()).expect("what was written can be read");
        assert_eq!(encode_trash(&again, kept.as_ref()), written);
        assert_eq!(again, header);
    }
}

/// Sound rows, to begin with.
pub fn examples_of_records() -> Vec<Vec<u8>> {
    let object = Object {
        id: None,
        content: Content::Inline(Bytes::from_static(b"BEGIN:VCALENDAR")),
        etag: "0123456789abcdef".to_owned(),
        content_type: "text/calendar".to_owned(),
        created: Timestamp(-1),
        modified: Timestamp(1),
        calendar: Some(CalendarFacts {
            uid: "a@b".to_owned(),
            scheduling: true,
            schedule_tag: Some("7".to_owned()),
            projection: Bytes::from_static(b"projection"),
            attachments: Vec::new(),
        }),
        properties: Properties::from([("{urn:x}y".to_owned(), Bytes::from_static(b"z"))]),
        access: vec![Ace::grant(AcePrincipal::Authenticated, &[Privilege::Read])],
    };
    let header = TrashHeader {
        name: "a.ics".to_owned(),
        superseded: Timestamp(3),
        written: Revision(4),
        by: None,
        cause: TrashCause::Changed,
    };
    let rows = [
        encode_object(&object),
        encode_trash(&header, Some(&object)),
        encode_trash(&header, None),
        encode(&TrashedRecord {
            deleted: Timestamp(3),
            by: None,
            parent: CollectionId(1),
            standing: Standing::Apart(300),
        }),
        encode(&Principal::new(PrincipalKind::User, "alice")),
        encode(&LogRecord::Put("a.ics".to_owned())),
        encode(&MetaRecord {
            format: 1,
            epoch: 2,
        }),
        encode(&BlobRecord {
            length: 300,
            written: Timestamp(5),
            complete: true,
            place: BlobPlace::Rows([9; 32]),
        }),
        encode(&BlobRecord {
            length: 300,
            written: Timestamp(5),
            complete: true,
            place: BlobPlace::File(9),
        }),
        // The place of a blob.
        encode(&[9_u8; 32]),
        encode(&WorkRecord {
            attempts: 1,
            created: Timestamp(2),
            last_error: Some("no".to_owned()),
            payload: Content::Inline(Bytes::from_static(b"payload")),
        }),
        encode(&BuildingRecord {
            until: Timestamp(7),
        }),
    ];
    rows.iter().map(|row| row.to_vec()).collect()
}
