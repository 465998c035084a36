//! Keys give back what they were made of, and ranges hold what they name.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    backend::log_key,
    model::{AttachmentId, CollectionId, SyncToken, WorkId},
};

const ID: CollectionId = CollectionId(0x0102_0304_0506_0708);

#[test]
fn keys_give_back_what_they_were_made_of() {
    let hash = [7; 32];
    assert_eq!(member_collection(&member(ID, "ü")), Some(ID));
    assert_eq!(member_name(&member(ID, "ü")), Some("ü"));
    assert_eq!(uid_collection(&uid(CollectionId(1), "uid", ID)), Some(ID));
    assert_eq!(
        detached_ids(&detached(CollectionId(1), ID)),
        Some((CollectionId(1), ID))
    );
    assert_eq!(detached_ids(&trashed(ID, ID)), Some((ID, ID)));
    for kind in TrashKind::ALL {
        let key = log_key(&trash(CollectionId(1), kind, ID), Revision(9), 3);
        assert_eq!(trash_place(&key), Some((CollectionId(1), kind, ID)));
        assert_eq!(log_position(&key), Some((Revision(9), 3)));
    }
    let reference = blob_reference_of_trash(&hash, ID, Revision(9), "name");
    assert!(is_blob_reference_of_trash(&reference));
    assert_eq!(object_of_blob_reference(&reference), None);
    assert_eq!(blob_hash(&blob(&hash)), Some(hash));
    assert_eq!(single_id(&collection(ID)), Some(ID.0));
    let log = scheduling_log(ID, "uid");
    assert_eq!(
        scheduling_log_of(&log_key(&log, Revision(9), 3)),
        Some(&log[..])
    );
    assert!(log.starts_with(&scheduling_logs_of(ID)));
    assert_eq!(moment_time(&moment(Timestamp(-5))), Some(Timestamp(-5)));
    let reference = blob_reference_of_object(&hash, ID, "name");
    assert!(!is_blob_reference_of_trash(&reference));
    assert_eq!(work_of_blob_reference(&reference), None);
    assert_eq!(
        object_of_blob_reference(&reference),
        Some((hash, ID, "name"))
    );
    assert_eq!(
        log_position(&log_key(&changes(ID), Revision(9), 3)),
        Some((Revision(9), 3))
    );
    for due in [i64::MIN, -1, 0, 1, i64::MAX] {
        let id = WorkId {
            due: Timestamp(due),
            id: u128::MAX - 1,
        };
        let key = work("mail", &id);
        assert_eq!(work_id("mail", &key), Some(id.clone()));
        assert_eq!(any_work_id(&key), Some(id.clone()));
        let reference = blob_reference_of_work(&hash, &id);
        assert_eq!(object_of_blob_reference(&reference), None);
        assert_eq!(work_of_blob_reference(&reference), Some((hash, id.id)));
    }
    let reference = blob_reference_of_attachment(&hash, ID, "name");
    assert_eq!(object_of_blob_reference(&reference), None);
    assert_eq!(work_of_blob_reference(&reference), None);
    assert!(!is_blob_reference_of_trash(&reference));
    assert_eq!(
        attachment_of_blob_reference(&reference),
        Some((hash, ID, "name"))
    );
    let (id, home) = (AttachmentId(u128::MAX - 1), CollectionId(1));
    let held = attachment(id, home, ID, "ü");
    assert_eq!(attachment_holder(&held), Some((id, home, ID, "ü")));
    assert!(held.starts_with(&attachment_holders_in(id, home)));
    assert!(held.starts_with(&attachment_holders(id)));
}

#[test]
fn odd_keys_give_nothing() {
    for length in 0..4 {
        let key = vec![1; length];
        assert_eq!(member_collection(&key), None);
        assert_eq!(uid_collection(&key), None);
        assert_eq!(detached_ids(&key), None);
        assert_eq!(trash_place(&key), None);
        assert!(!is_blob_reference_of_trash(&key));
        assert_eq!(blob_hash(&key), None);
        assert_eq!(single_id(&key), None);
        assert_eq!(any_work_id(&key), None);
        assert_eq!(attachment_of_blob_reference(&key), None);
        assert_eq!(attachment_holder(&key), None);
        assert_eq!(log_position(&key), None);
        assert_eq!(scheduling_log_of(&key), None);
    }
    assert_eq!(member_name(&[9, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF]), None);
}

#[test]
fn ranges_hold_what_they_name_and_nothing_else() {
    let at = |due| WorkId {
        due: Timestamp(due),
        id: u128::MAX,
    };
    let due = due_work("mail", Timestamp(5));
    let cases = [
        (work("mail", &at(i64::MIN)), true),
        (work("mail", &at(-1)), true),
        (work("mail", &at(5)), true),
        (work("mail", &at(6)), false),
        (work("mai", &at(0)), false),
        (work("maill", &at(0)), false),
    ];
    for (key, expected) in cases {
        assert_eq!(due.contains(&key), expected, "{key:?}");
    }

    let token = SyncToken {
        epoch: 0,
        revision: Revision(7),
        operation: 2,
    };
    let later = changes_after(ID, token);
    for (revision, operation, expected) in [
        (6, 9, false),
        (7, 2, false),
        (7, 3, true),
        (8, 0, true),
        (u64::MAX, u16::MAX, true),
    ] {
        let key = log_key(&changes(ID), Revision(revision), operation);
        assert_eq!(later.contains(&key), expected, "{revision} {operation}");
    }
    assert!(!later.contains(&log_key(&changes(CollectionId(ID.0 + 1)), Revision(0), 0)));
    let later = directory_log_after(Revision(7));
    assert!(!later.contains(&log_key(&directory_log(), Revision(7), u16::MAX)));
    assert!(later.contains(&log_key(&directory_log(), Revision(8), 0)));
}

#[test]
fn names_in_any_case_have_one_key() {
    assert_eq!(principal_name("ÄLICE"), principal_name("älice"));
    assert_ne!(principal_name("alice"), principal_name("alicé"));
}
