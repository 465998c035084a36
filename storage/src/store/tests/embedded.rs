//! The same over the embedded backend: histories, races, and what is there after a restart.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{
    sled::{Options, Sled},
    store::record::BlobPlace,
};

/// So little memory that rows move to the disk all the time.
fn cramped() -> Options {
    Options {
        cache_octets: 1 << 20,
        overlay_octets: 16 * 1024,
        segment_octets: 32 * 1024,
        snapshot_octets: 64 * 1024,
        archive: None,
    }
}

pub(super) async fn embedded(folder: &Path) -> World {
    let clock = Arc::new(ManualClock::default());
    let backend = Sled::open(folder, cramped(), clock.clone()).unwrap();
    world_over(Arc::new(backend), clock).await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn histories_agree_with_the_model(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async { model::live(embedded(folder.path()).await, steps).await });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    objects::race(embedded(folder.path()).await).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let big = Bytes::from(vec![3; 200_000]);
    let world = embedded(folder.path()).await;
    let alice = world.user("alice").await;
    world
        .put(&path("alice", "calendar/a.ics"), &event("a", "content"))
        .await
        .unwrap();
    let content = world.store.write_blob(big.clone()).await.unwrap();
    world
        .put(
            &path("alice", "big"),
            &Object {
                content,
                ..file("")
            },
        )
        .await
        .unwrap();
    world
        .make(&path("alice", "gone"), CollectionKind::Plain)
        .await;
    world
        .put(&path("alice", "gone/x"), &file("x"))
        .await
        .unwrap();
    world.detach(&path("alice", "gone")).await;
    let calendar = alice.default_calendar.unwrap();
    let token = world.store.sync_token(calendar).await.unwrap();
    world.backend.close().await;
    drop(world);

    let world = embedded(folder.path()).await;
    assert_eq!(world.store.epoch(), token.epoch);
    assert_eq!(
        world.store.principal_by_name("alice").await.unwrap(),
        Some(alice.clone())
    );
    assert_eq!(world.store.sync_token(calendar).await.unwrap(), token);
    world.assert_sound().await;
    let Found::Object(object) = world.resolve(&path("alice", "big")).await.found else {
        unreachable!()
    };
    assert_eq!(world.store.content(&object.content).await.unwrap(), big);
    world.purge().await;
    assert_eq!(world.used(&alice).await, 200_000 + "content".len() as u64);
    world
        .put(&path("alice", "calendar/b.ics"), &event("b", ""))
        .await
        .unwrap();
    let changes = world
        .store
        .changes(calendar, token, 10)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        changes.changes,
        [Change {
            name: "b.ics".to_owned(),
            removed: false
        }]
    );
    world.assert_sound().await;
    world.backend.close().await;
}

/// What cannot be read is told, the check goes on with the rest, and nothing is mended by what it does not
/// know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_steps_over_rows_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let world = embedded(folder.path()).await;
    world.user("alice").await;
    let octets = Bytes::from(vec![3; 200_000]);
    let big = Object {
        content: world.write_rows(&octets, BlobPlace::RowsUnderHash).await,
        ..file("")
    };
    world.put(&path("alice", "big"), &big).await.unwrap();
    for number in 0..30 {
        let at = path("alice", &format!("calendar/{number}"));
        world
            .put(&at, &event(&number.to_string(), "x"))
            .await
            .unwrap();
    }
    // Something to be found behind what cannot be read.
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    let mut batch = world.store.batch();
    batch.put_credential(PrincipalId(1), None, &credential);
    world.store.commit(batch).await.unwrap();
    world.backend.close().await;
    drop(world);
    let index = ::sled::open(folder.path().join("index")).unwrap();
    for space in [
        keys::Keyspace::Principal,
        keys::Keyspace::Member,
        keys::Keyspace::BlobChunk,
    ] {
        let rows: Vec<_> = index
            .scan_prefix([1, space as u8])
            .map(Result::unwrap)
            .collect();
        let (key, row) = &rows[rows.len() / 2];
        let mut spoilt = row.to_vec();
        *spoilt.last_mut().unwrap() ^= 1;
        index.insert(key, spoilt).unwrap();
    }
    index.flush().unwrap();
    drop(index);

    let world = embedded(folder.path()).await;
    let (events, mut told) = tokio::sync::mpsc::channel(10_000);
    world.store.check_aloud(true, events).await.unwrap();
    let (mut unreadable, mut found, mut mended) = (0, Vec::new(), 0);
    while let Some(event) = told.recv().await {
        match event {
            CheckEvent::Unreadable(_) => unreadable += 1,
            CheckEvent::Found(damage) => found.push(damage.row),
            CheckEvent::Mended(_) => mended += 1,
            CheckEvent::Reading { .. } => {}
        }
    }
    assert!(unreadable >= 3, "{unreadable}");
    assert!(found.contains(&"credential"), "{found:?}");
    assert_eq!(mended, 0, "{found:?}");
    world.backend.rebuild().await.unwrap();
    let damage = world.store.check().await.unwrap();
    let rows: Vec<_> = damage.iter().map(|damage| damage.row).collect();
    assert_eq!(rows, ["credential"]);
    world.backend.close().await;
}
