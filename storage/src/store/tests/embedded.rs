//! The same over the embedded backend: histories, races, and what is there after a restart.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::sled::{Options, Sled};

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

async fn embedded(folder: &Path) -> World {
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
