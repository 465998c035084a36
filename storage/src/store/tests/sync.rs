//! Change logs and their tokens (RFC 6578).

use super::*;

fn put(name: &str) -> Change {
    Change {
        name: name.to_owned(),
        removed: false,
    }
}

fn removed(name: &str) -> Change {
    Change {
        name: name.to_owned(),
        removed: true,
    }
}

#[tokio::test]
async fn each_name_is_told_once_in_its_newest_state() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    for name in ["x", "y", "x", "z"] {
        world
            .put(&path("alice", &format!("a/{name}")), &file(name))
            .await
            .unwrap();
    }
    world.remove(&path("alice", "a/y")).await.unwrap();
    let all = world
        .store
        .changes(made.id, begin, 100)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(all.changes, [put("x"), put("z"), removed("y")]);
    assert!(!all.truncated);
    assert_eq!(all.token, world.store.sync_token(made.id).await.unwrap());
    let nothing = world
        .store
        .changes(made.id, all.token, 100)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (nothing.changes, nothing.token, nothing.truncated),
        (Vec::new(), all.token, false)
    );
}

/// RFC 6578 §3.6
#[tokio::test]
async fn a_truncated_answer_goes_on_exactly_behind_its_token() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    // Many changes in one commit, too.
    let collection = world.collection(&path("alice", "a")).await;
    let mut batch = world.store.batch();
    for name in ["p", "q", "r"] {
        batch.put_object(&collection, name, None, &file(name));
    }
    world.store.commit(batch).await.unwrap();
    for name in ["s", "p", "t"] {
        world
            .put(&path("alice", &format!("a/{name}")), &file("again"))
            .await
            .unwrap();
    }
    for (limit, expected) in [
        (
            1,
            [&["p"][..], &["q"], &["r"], &["s"], &["p"], &["t"]].as_slice(),
        ),
        (2, &[&["p", "q"], &["r", "s"], &["p", "t"]]),
        (4, &[&["q", "r", "s", "p"], &["t"]]),
        (5, &[&["q", "r", "s", "p", "t"]]),
        (0, &[&["p"], &["q"], &["r"], &["s"], &["p"], &["t"]]),
    ] {
        let mut token = begin;
        for (page, names) in expected.iter().enumerate() {
            let changes = world
                .store
                .changes(made.id, token, limit)
                .await
                .unwrap()
                .unwrap();
            let told: Vec<_> = changes
                .changes
                .iter()
                .map(|change| change.name.as_str())
                .collect();
            assert_eq!(told, *names, "limit {limit}, page {page}");
            assert_eq!(
                changes.truncated,
                page + 1 < expected.len(),
                "limit {limit}, page {page}"
            );
            token = changes.token;
        }
        assert_eq!(token, world.store.sync_token(made.id).await.unwrap());
    }
}

/// RFC 6578 §3.2 `valid-sync-token`
#[tokio::test]
async fn tokens_of_other_times_and_places_are_refused() {
    let world = world().await;
    world.user("alice").await;
    let old = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let early = world.store.sync_token(old.id).await.unwrap();
    world.detach(&path("alice", "a")).await;
    let new = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(new.id).await.unwrap();
    let cases = [
        ("exact", begin, true),
        (
            "another epoch",
            SyncToken {
                epoch: begin.epoch + 1,
                ..begin
            },
            false,
        ),
        (
            "the future",
            SyncToken {
                revision: Revision(u64::MAX),
                ..begin
            },
            false,
        ),
        (
            "the near future",
            SyncToken {
                operation: begin.operation + 1,
                ..begin
            },
            false,
        ),
        ("the collection before", early, false),
        (
            "nothing",
            SyncToken {
                revision: Revision(0),
                ..begin
            },
            false,
        ),
    ];
    for (case, token, accepted) in cases {
        let changes = world.store.changes(new.id, token, 10).await.unwrap();
        assert_eq!(changes.is_some(), accepted, "{case}");
    }
    world.purge().await;
    let token = world.store.sync_token(old.id).await.unwrap();
    assert_eq!(
        world.store.changes(old.id, token, 10).await.unwrap(),
        None,
        "of a collection that is gone"
    );
}

/// What a token names, as long as nothing later has taken its place.
#[tokio::test]
async fn the_change_at_a_token() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let token = async || world.store.sync_token(made.id).await.unwrap();
    let change = async |token| world.store.change_at(made.id, token).await.unwrap();
    let begin = token().await;
    assert_eq!(change(begin).await, None, "the beginning is no member's");
    let at = path("alice", "a/x");
    world.put(&at, &file("x")).await.unwrap();
    let written = token().await;
    world.remove(&at).await.unwrap();
    let last = token().await;
    assert_eq!(change(written).await, Some(put("x")));
    assert_eq!(change(last).await, Some(removed("x")));
    let epoch = last.epoch + 1;
    assert_eq!(change(SyncToken { epoch, ..last }).await, None);
    let operation = last.operation + 1;
    assert_eq!(change(SyncToken { operation, ..last }).await, None);
}

#[tokio::test]
async fn a_batch_tells_whose_members_it_changes() {
    let world = world().await;
    world.user("alice").await;
    let calendar = world.collection(&path("alice", "calendar")).await;
    let mut batch = world.store.batch();
    assert_eq!(batch.changed_collections().count(), 0);
    for name in ["a", "b"] {
        batch.put_object(&calendar, name, None, &file(name));
    }
    let changed: Vec<_> = batch.changed_collections().collect();
    assert_eq!(changed, [calendar.id, calendar.id]);
}

#[tokio::test]
async fn unchanged_since_is_an_expectation() {
    let world = world().await;
    world.user("alice").await;
    let calendar = world.collection(&path("alice", "calendar")).await;
    let token = world.store.sync_token(calendar.id).await.unwrap();
    let commit = || {
        let mut batch = world.store.batch();
        batch.expect_unchanged_since(calendar.id, token);
        world.store.commit(batch)
    };
    world
        .put(&path("alice", "inbox/a.ics"), &event("a", ""))
        .await
        .unwrap();
    commit().await.unwrap();
    world
        .put(&path("alice", "calendar/a.ics"), &event("a", ""))
        .await
        .unwrap();
    assert!(matches!(commit().await, Err(CommitError::Conflict(_))));
}

#[test]
fn tokens_come_back_from_their_text() {
    for (epoch, revision, operation) in [(0, 0, 0), (1, 2, 3), (u64::MAX, u64::MAX, u16::MAX)] {
        let token = SyncToken {
            epoch,
            revision: Revision(revision),
            operation,
        };
        assert_eq!(token.to_string().parse(), Ok(token));
    }
    let others = [
        "",
        "1",
        "1-2",
        "1-2-3-4",
        "+1-2-3",
        "01-2-3",
        "1-02-3",
        "1-2-+3",
        "A-2-3",
        "1-2-65536",
        " 1-2-3",
    ];
    for text in others {
        assert_eq!(text.parse::<SyncToken>(), Err(InvalidSyncToken), "{text:?}");
    }
}
