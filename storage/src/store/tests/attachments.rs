//! Managed attachments: who refers to them, what they weigh, and how long their octets stay.

use super::*;

const DAY: i64 = 24 * 60 * 60 * 1000;
const OCTETS: usize = 70_000;

impl World {
    /// An attachment that was made in a home.
    async fn attachment(&self, id: u128, home: CollectionId, seed: u8) -> Attachment {
        let octets: Bytes = (0..OCTETS).map(|place| place as u8 ^ seed).collect();
        let mut upload = self.store.begin_upload();
        self.store
            .continue_upload(&mut upload, octets)
            .await
            .unwrap();
        let (hash, length) = self.store.finish_attachment(upload).await.unwrap();
        Attachment {
            id: AttachmentId(id),
            home,
            hash,
            length,
            media_type: "text/plain".to_owned(),
            filename: "notes.txt".to_owned(),
            created: Timestamp(0),
        }
    }

    async fn put_event(&self, place: &str, uid: &str, attachments: &[Attachment]) {
        let mut event = event(uid, "event");
        event.calendar.as_mut().unwrap().attachments = attachments.to_vec();
        let names = path(
            place.split_once('/').unwrap().0,
            place.split_once('/').unwrap().1,
        );
        self.put(&names, &event).await.unwrap();
    }

    async fn holders(&self, id: u128) -> Vec<String> {
        let id = AttachmentId(id);
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .store
                .attachment_holders(id, None, after.as_ref(), 1)
                .await
                .unwrap();
            names.extend(page.iter().map(|holder| holder.name.clone()));
            match page.into_iter().last() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        names.sort();
        names
    }

    /// Blobs that are swept a day later.
    async fn swept(&self) -> usize {
        self.clock.advance(DAY + 1);
        let now = self.store.environment().clock.now();
        let older_than = Timestamp(now.0 - DAY);
        self.store
            .sweep_blobs(older_than, None, 1_000)
            .await
            .unwrap()
            .0
    }
}

/// RFC 8607 §3.6, §3.7: references follow the objects, in their own commits.
#[tokio::test]
async fn octets_stay_as_long_as_an_object_refers_to_them() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = alice.home.unwrap();
    world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    let one = world.attachment(1, home, 1).await;
    let same_octets = Attachment {
        id: AttachmentId(2),
        ..one.clone()
    };
    world
        .put_event("alice/work/a.ics", "a", &[one.clone(), same_octets])
        .await;
    world
        .put_event("alice/work/b.ics", "b", std::slice::from_ref(&one))
        .await;
    assert_eq!(world.holders(1).await, ["a.ics", "b.ics"]);
    assert_eq!(world.holders(2).await, ["a.ics"]);
    world.assert_sound().await;
    assert_eq!(world.swept().await, 0);

    world.put_event("alice/work/a.ics", "a", &[]).await;
    assert_eq!(world.holders(1).await, ["b.ics"]);
    assert_eq!(world.holders(2).await, [""; 0]);
    assert_eq!(world.swept().await, 0);
    world.assert_sound().await;

    world.remove(&path("alice", "work/b.ics")).await.unwrap();
    assert_eq!(world.holders(1).await, [""; 0]);
    assert_eq!(world.swept().await, 1);
    world.assert_sound().await;
}

/// RFC 8607 §3.12.1: they count in the home that they were made in, and nowhere else.
#[tokio::test]
async fn attachments_count_where_they_were_made() {
    let world = world().await;
    let alice = world.user("alice").await;
    let bob = world.user("bob").await;
    for owner in ["alice", "bob"] {
        world
            .make(&path(owner, "work"), CollectionKind::Calendar)
            .await;
    }
    let one = world.attachment(1, alice.home.unwrap(), 1).await;
    world
        .put_event("alice/work/a.ics", "a", std::slice::from_ref(&one))
        .await;
    world.put_event("bob/work/a.ics", "a", &[one]).await;
    let event = event("a", "event").octets_in(alice.home.unwrap());
    assert_eq!(world.used(&alice).await, OCTETS as u64 + event);
    assert_eq!(world.used(&bob).await, event);
    world.assert_sound().await;
    let in_bobs = world
        .store
        .attachment_holders(AttachmentId(1), bob.home, None, 10)
        .await
        .unwrap();
    assert_eq!(in_bobs.len(), 1);
    world.remove(&path("alice", "work/a.ics")).await.unwrap();
    assert_eq!(world.used(&alice).await, 0);
    world.assert_sound().await;
}

/// A commit never refers to octets that are not there.
#[tokio::test]
async fn an_attachment_that_was_swept_is_not_referred_to() {
    let world = world().await;
    let alice = world.user("alice").await;
    world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    let one = world.attachment(1, alice.home.unwrap(), 1).await;
    assert_eq!(world.swept().await, 1);
    let mut event = event("a", "event");
    event.calendar.as_mut().unwrap().attachments = vec![one];
    let refused = world.put(&path("alice", "work/a.ics"), &event).await;
    assert!(
        matches!(refused, Err(CommitError::Conflict(_))),
        "{refused:?}"
    );
}

/// What says who refers to what follows from the objects.
#[tokio::test]
async fn a_check_finds_and_mends_references() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = alice.home.unwrap();
    let work = world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    let one = world.attachment(1, home, 1).await;
    world
        .put_event("alice/work/a.ics", "a", std::slice::from_ref(&one))
        .await;
    let held = keys::attachment(one.id, home, work.id, "a.ics");
    let reference = keys::blob_reference_of_attachment(&one.hash, work.id, "a.ics");
    let strange = keys::attachment(AttachmentId(9), home, work.id, "a.ics");
    let stray = keys::blob_reference_of_attachment(&one.hash, work.id, "gone.ics");
    let damages = [
        Operation::Delete(held),
        Operation::Delete(reference),
        Operation::Put(strange, Bytes::new()),
        Operation::Put(stray, Bytes::new()),
    ];
    for damage in damages {
        world
            .store
            .commit_rows(Vec::new(), vec![damage.clone()])
            .await
            .unwrap();
        let found = world.store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{damage:?}: {found:?}");
        assert!(found[0].can_be_mended, "{found:?}");
        let (events, mut told) = tokio::sync::mpsc::channel(64);
        let listen = async { while told.recv().await.is_some() {} };
        let (mended, ()) = tokio::join!(world.store.check_aloud(true, events), listen);
        mended.unwrap();
        world.assert_sound().await;
    }
    world
        .store
        .commit_rows(Vec::new(), vec![Operation::Delete(keys::blob(&one.hash))])
        .await
        .unwrap();
    let found = world.store.check().await.unwrap();
    assert!(found.iter().any(|it| it.row == "blob"), "{found:?}");
}

/// The trash holds on to octets, and counts them once nothing else does.
#[tokio::test]
async fn the_trash_keeps_attachments() {
    let mut world = world().await;
    world.store = world.store.keeping(Some(TrashPolicy {
        deleted_milliseconds: i64::MAX,
        versions_milliseconds: i64::MAX,
        version_apart_milliseconds: 0,
        home_octets: u64::MAX,
    }));
    let alice = world.user("alice").await;
    let home = alice.home.unwrap();
    world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    let one = world.attachment(1, home, 1).await;
    world
        .put_event("alice/work/a.ics", "a", std::slice::from_ref(&one))
        .await;
    world.clock.advance(DAY);
    // another version that refers to it still
    world
        .put_event("alice/work/a.ics", "a", std::slice::from_ref(&one))
        .await;
    let kept = world.store.trash_octets(home).await.unwrap();
    assert!(kept > 0 && kept < OCTETS as u64, "{kept}");
    world.assert_sound().await;
    world.clock.advance(DAY);
    world.put_event("alice/work/a.ics", "a", &[]).await;
    let kept = world.store.trash_octets(home).await.unwrap();
    assert!(kept > OCTETS as u64 && kept < 2 * OCTETS as u64, "{kept}");
    assert_eq!(world.swept().await, 0);
    world.assert_sound().await;
    let work = world.collection(&path("alice", "work")).await;
    let rows = world
        .store
        .trashed_objects(home, work.id, Timestamp(0))
        .await
        .unwrap();
    let attachments: Vec<_> = rows
        .iter()
        .filter_map(|row| row.object.as_ref())
        .map(|object| object.attachments().to_vec())
        .collect();
    assert_eq!(attachments, [vec![one.clone()], vec![one]]);
}
