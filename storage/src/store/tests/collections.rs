//! Collections: made, changed, moved, detached, purged.

use super::*;

fn is_conflict(answer: Result<Committed, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Conflict(_)))
}

fn is_fault(answer: Result<Committed, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Limit(_)))
}

/// The collection under another name or parent.
fn at(collection: &Collection, parent: CollectionId, name: &str) -> Collection {
    Collection {
        parent: Some(parent),
        name: name.to_owned(),
        ..collection.clone()
    }
}

impl World {
    async fn shift(&self, from: &str, to: &str) -> Result<Committed, CommitError> {
        let before = self.collection(&path("alice", from)).await;
        let to = path("alice", to);
        let ancestors = self.resolve(&to.parent().unwrap()).await.collections;
        let after = at(&before, ancestors.last().unwrap().id, to.name().unwrap());
        let mut batch = self.store.batch();
        batch.move_collection(&before, &after, &ancestors);
        self.store.commit(batch).await
    }
}

#[tokio::test]
async fn a_name_is_unique_over_objects_and_collections() {
    let world = world().await;
    world.user("alice").await;
    world
        .put(&path("alice", "a"), &file("octets"))
        .await
        .unwrap();
    let home = world.collection(&path("alice", "")).await;
    let calendar = world.collection(&path("alice", "calendar")).await;
    let twin = Collection {
        id: world.store.new_collection_id(),
        ..at(&calendar, home.id, "a")
    };
    let mut batch = world.store.batch();
    batch.create_collection(Some(&home), &twin);
    assert!(is_conflict(world.store.commit(batch).await));
    let mut batch = world.store.batch();
    batch.put_object(&home, "calendar", None, &file(""));
    assert!(is_conflict(world.store.commit(batch).await));
    world.assert_sound().await;
}

#[tokio::test]
async fn a_moved_collection_keeps_identity_members_and_log() {
    let world = world().await;
    let alice = world.user("alice").await;
    world
        .make(&path("alice", "files"), CollectionKind::Plain)
        .await;
    let made = world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    world
        .put(&path("alice", "work/a.ics"), &event("a", "content"))
        .await
        .unwrap();
    let token = world.store.sync_token(made.id).await.unwrap();

    world.shift("work", "files/job").await.unwrap();
    assert!(matches!(
        world.resolve(&path("alice", "work")).await.found,
        Found::Missing
    ));
    let moved = world.collection(&path("alice", "files/job")).await;
    assert_eq!((moved.id, moved.name.as_str()), (made.id, "job"));
    assert_eq!(
        world.store.path_of(&moved).await.unwrap(),
        Some(path("alice", "files/job"))
    );
    assert_eq!(world.names(&path("alice", "files/job")).await, ["a.ics"]);
    assert_eq!(world.store.sync_token(made.id).await.unwrap(), token);
    let places = world
        .store
        .find_uid(alice.home.unwrap(), "a")
        .await
        .unwrap();
    assert_eq!(places.len(), 1);
    world.assert_sound().await;
}

#[tokio::test]
async fn a_collection_cannot_be_moved_into_itself_or_onto_something() {
    let world = world().await;
    world.user("alice").await;
    for names in ["a", "a/b", "b", "c"] {
        world
            .make(&path("alice", names), CollectionKind::Plain)
            .await;
    }
    assert!(is_fault(world.shift("a", "a/b/a").await));
    world.put(&path("alice", "file"), &file("")).await.unwrap();
    for taken in ["c", "calendar", "file", "a"] {
        assert!(is_conflict(world.shift("b", taken).await), "{taken}");
    }
    let home = world.collection(&path("alice", "")).await;
    let mut batch = world.store.batch();
    batch.move_collection(&home, &home, std::slice::from_ref(&home));
    assert!(is_fault(world.store.commit(batch).await));
    world.assert_sound().await;
}

#[tokio::test]
async fn two_moves_at_once_cannot_close_a_circle() {
    let world = world().await;
    world.user("alice").await;
    let a = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let b = world.make(&path("alice", "b"), CollectionKind::Plain).await;
    let inner = world
        .make(&path("alice", "b/inner"), CollectionKind::Plain)
        .await;
    let into_a = world.resolve(&path("alice", "a")).await.collections;
    let into_inner = world.resolve(&path("alice", "b/inner")).await.collections;
    let (a_before, b_before) = (&into_a[1], &into_inner[1]);
    let mut first = world.store.batch();
    first.move_collection(b_before, &at(&b, a.id, "b"), &into_a);
    let mut second = world.store.batch();
    second.move_collection(a_before, &at(&a, inner.id, "a"), &into_inner);
    world.store.commit(first).await.unwrap();
    assert!(is_conflict(world.store.commit(second).await));
    world.assert_sound().await;
}

#[tokio::test]
async fn changed_properties_show_in_the_parents_log_only() {
    let world = world().await;
    world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    let before = world.collection(&path("alice", "calendar")).await;
    let parent_token = world.store.sync_token(home.id).await.unwrap();
    let own_token = world.store.sync_token(before.id).await.unwrap();
    let mut after = before.value.clone();
    after
        .properties
        .insert("{urn:x}y".to_owned(), Bytes::from_static(b"<y/>"));
    let mut batch = world.store.batch();
    batch.update_collection(&before, &after);
    world.store.commit(batch).await.unwrap();

    let changes = world
        .store
        .changes(home.id, parent_token, 10)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        changes.changes,
        [Change {
            name: "calendar".to_owned(),
            removed: false
        }]
    );
    assert_eq!(world.store.sync_token(before.id).await.unwrap(), own_token);
    assert_eq!(
        world.collection(&path("alice", "calendar")).await.value,
        after
    );

    let mut batch = world.store.batch();
    batch.update_collection(&before, &after);
    assert!(
        is_conflict(world.store.commit(batch).await),
        "the header was written since"
    );
    let elsewhere = at(&after, before.id, "calendar");
    let mut batch = world.store.batch();
    batch.update_collection(
        &world.collection(&path("alice", "calendar")).await,
        &elsewhere,
    );
    assert!(is_fault(world.store.commit(batch).await));
}

#[tokio::test]
async fn what_is_detached_is_gone_as_a_whole_and_its_place_is_free() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = alice.home.unwrap();
    for (names, kind) in [
        ("a", CollectionKind::Plain),
        ("a/b", CollectionKind::Plain),
        ("a/b/c", CollectionKind::Calendar),
    ] {
        world.make(&path("alice", names), kind).await;
    }
    world
        .put(&path("alice", "a/b/c/x.ics"), &event("uid", "content"))
        .await
        .unwrap();
    let calendar = world.collection(&path("alice", "a/b/c")).await;
    let token = world.store.sync_token(home).await.unwrap();
    world.detach(&path("alice", "a")).await;

    assert!(matches!(
        world.resolve(&path("alice", "a")).await.found,
        Found::Missing
    ));
    assert!(matches!(
        world.resolve(&path("alice", "a/b/c/x.ics")).await.found,
        Found::ParentMissing
    ));
    assert_eq!(world.store.path_of(&calendar).await.unwrap(), None);
    let changes = world.store.changes(home, token, 10).await.unwrap().unwrap();
    assert_eq!(
        changes.changes,
        [Change {
            name: "a".to_owned(),
            removed: true
        }]
    );

    // Its UID and its name may be used before it is purged.
    let places = world.store.find_uid(home, "uid").await.unwrap();
    assert_eq!(places.len(), 0);
    let target = world.collection(&path("alice", "calendar")).await;
    let mut batch = world.store.batch();
    batch
        .expect_uid(home, "uid", &places)
        .put_object(&target, "x.ics", None, &event("uid", "new"));
    world.store.commit(batch).await.unwrap();
    world
        .make(&path("alice", "a"), CollectionKind::Calendar)
        .await;
    world.assert_sound().await;

    world.purge().await;
    world.assert_sound().await;
    assert_eq!(world.store.collection(calendar.id).await.unwrap(), None);
    assert_eq!(world.used(&alice).await, "new".len() as u64);
    assert_eq!(world.store.find_uid(home, "uid").await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_written_into_a_detached_collection() {
    let world = world().await;
    world.user("alice").await;
    world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let place = path("alice", "a/x");
    let before = world.resolve(&place).await;
    world.detach(&path("alice", "a")).await;
    let mut late = world.store.batch();
    late.put_object(before.collection(), "x", None, &file("late"));
    assert!(is_conflict(world.store.commit(late).await));
    let mut again = world.store.batch();
    again.detach_collection(before.collection());
    assert!(is_conflict(world.store.commit(again).await));
    world.purge().await;
    let mut later = world.store.batch();
    later.put_object(before.collection(), "x", None, &file("later"));
    assert!(is_conflict(world.store.commit(later).await));
    world.assert_sound().await;
}

#[tokio::test]
async fn a_collection_is_replaced_in_one_commit() {
    let world = world().await;
    world.user("alice").await;
    let old = world
        .make(&path("alice", "a"), CollectionKind::Calendar)
        .await;
    world
        .put(&path("alice", "a/x.ics"), &event("x", "old"))
        .await
        .unwrap();
    let (home, before) = (
        world.collection(&path("alice", "")).await,
        world.collection(&path("alice", "a")).await,
    );
    let new = Collection {
        id: world.store.new_collection_id(),
        ..old.clone()
    };
    let mut batch = world.store.batch();
    batch
        .detach_collection(&before)
        .create_collection(Some(&home), &new);
    batch.put_object(&Stored::new(new.clone()), "x.ics", None, &event("x", "new"));
    world.store.commit(batch).await.unwrap();

    assert_eq!(world.collection(&path("alice", "a")).await.value, new);
    let token = world.store.sync_token(old.id).await.unwrap();
    assert_eq!(
        world.store.changes(new.id, token, 10).await.unwrap(),
        None,
        "another collection's token"
    );
    world.purge().await;
    world.assert_sound().await;
    assert_eq!(world.names(&path("alice", "a")).await, ["x.ics"]);
}

#[tokio::test]
async fn a_purge_goes_on_where_it_was_interrupted() {
    let world = world().await;
    let alice = world.user("alice").await;
    world.make(&path("alice", "a"), CollectionKind::Plain).await;
    for number in 0..450 {
        world
            .put(&path("alice", &format!("a/{number}")), &file("octets"))
            .await
            .unwrap();
    }
    world.detach(&path("alice", "a")).await;
    let mut steps = 0;
    while world.store.purge_detached(1).await.unwrap() {
        world.assert_sound().await;
        steps += 1;
    }
    assert!(steps >= 3, "{steps} steps");
    assert_eq!(world.used(&alice).await, 0);
    assert!(!world.store.purge_detached(1).await.unwrap());
}

#[tokio::test]
async fn a_long_log_is_purged_in_pieces() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let before = world.collection(&path("alice", "a")).await;
    for _ in 0..5 {
        let mut batch = world.store.batch();
        batch.expect_collection(&before);
        for _ in 0..1_000 {
            batch.append(
                keys::changes(made.id),
                record::encode(&record::LogRecord::Removed("x".to_owned())),
            );
        }
        world.store.commit(batch).await.unwrap();
    }
    world.detach(&path("alice", "a")).await;
    world.purge().await;
    assert_eq!(
        world
            .store
            .scan_all(KeyRange::prefix(keys::changes(made.id)))
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn whoever_removes_an_object_first_is_counted_once() {
    let world = world().await;
    let alice = world.user("alice").await;
    for name in ["a", "b"] {
        world
            .make(&path("alice", name), CollectionKind::Calendar)
            .await;
        let place = path("alice", &format!("{name}/x"));
        world.put(&place, &event("x", "octets")).await.unwrap();
    }
    world
        .put(&path("alice", "calendar/kept"), &event("x", "kept"))
        .await
        .unwrap();
    for (name, purge_first) in [("a", true), ("b", false)] {
        let seen = world.resolve(&path("alice", &format!("{name}/x"))).await;
        let Found::Object(before) = &seen.found else {
            unreachable!()
        };
        world.detach(&path("alice", name)).await;
        if purge_first {
            world.purge().await;
        }
        let mut batch = world.store.batch();
        batch.remove_object(seen.collection(), "x", before);
        assert_eq!(is_conflict(world.store.commit(batch).await), purge_first);
        world.purge().await;
        world.assert_sound().await;
    }
    assert_eq!(world.used(&alice).await, "kept".len() as u64);
}
