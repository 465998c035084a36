//! Collections that are built unseen.

use super::*;
use crate::{Clock as _, testing::Faulty};

/// A collection in Alice's home as it will be, and what the builder knows of it.
async fn begin(world: &World, name: &str) -> (Stored<Collection>, Building) {
    let home = world.collection(&path("alice", "")).await;
    let collection = Collection {
        id: world.store.new_collection_id(),
        kind: CollectionKind::Calendar,
        owner: home.owner,
        home: home.id,
        parent: Some(home.id),
        name: name.to_owned(),
        created: world.clock.now(),
        components: Vec::new(),
        properties: Properties::new(),
        access: None,
    };
    let mut batch = world.store.batch();
    batch.begin_building(&collection, world.clock.now());
    let revision = world.store.commit(batch).await.unwrap().revision;
    let building = Building {
        home: home.id,
        id: collection.id,
        revision,
    };
    let stored = Stored {
        value: collection,
        revision,
    };
    (stored, building)
}

async fn put(
    world: &World,
    collection: &Stored<Collection>,
    building: &mut Building,
    uid: &str,
) -> Result<(), CommitError> {
    let mut batch = world.store.batch();
    batch
        .put_object(collection, uid, None, &event(uid, "octets"))
        .go_on_building(building, world.clock.now());
    building.revision = world.store.commit(batch).await?.revision;
    Ok(())
}

async fn finish(
    world: &World,
    collection: &Stored<Collection>,
    building: &Building,
) -> Result<(), CommitError> {
    let home = world.collection(&path("alice", "")).await;
    let mut batch = world.store.batch();
    batch.finish_building(building, collection, &home, &collection.value);
    world.store.commit(batch).await.map(|_| ())
}

#[tokio::test]
async fn what_is_built_appears_as_a_whole() {
    let world = world().await;
    let alice = world.user("alice").await;
    let (collection, mut building) = begin(&world, "new").await;
    let names = world.names(&path("alice", "")).await;
    for uid in ["a", "b"] {
        put(&world, &collection, &mut building, uid).await.unwrap();
        assert_eq!(world.names(&path("alice", "")).await, names);
        let home = alice.home.unwrap();
        assert_eq!(world.store.find_uid(home, uid).await.unwrap().len(), 0);
        let stored = world.store.collection(collection.id).await.unwrap();
        assert_eq!(world.store.path_of(&stored.unwrap()).await.unwrap(), None);
        world.assert_sound().await;
        world.purge().await;
    }
    finish(&world, &collection, &building).await.unwrap();
    assert_eq!(world.names(&path("alice", "new")).await, ["a", "b"]);
    let home = alice.home.unwrap();
    assert_eq!(world.store.find_uid(home, "a").await.unwrap().len(), 1);
    world.clock.advance(10 * BUILDING_MILLISECONDS);
    world.purge().await;
    assert_eq!(world.names(&path("alice", "new")).await, ["a", "b"]);
    world.assert_sound().await;
    assert!(finish(&world, &collection, &building).await.is_err());
}

#[tokio::test]
async fn what_is_not_finished_is_purged_and_its_builder_is_locked_out() {
    // How the builder left it, and whether the purge takes it at once.
    type Leaves = fn(&World);
    let cases: [(&str, Leaves, bool); 4] = [
        (
            "in time",
            |it| it.clock.advance(BUILDING_MILLISECONDS),
            false,
        ),
        (
            "late",
            |it| it.clock.advance(BUILDING_MILLISECONDS + 1),
            true,
        ),
        (
            "a clock that was years ahead",
            |it| it.clock.advance(-BUILDING_MILLISECONDS * 100_000),
            true,
        ),
        (
            "a clock that jumps ahead",
            |it| it.clock.advance(BUILDING_MILLISECONDS * 100_000),
            true,
        ),
    ];
    for (case, leave, is_purged) in cases {
        let world = world().await;
        let alice = world.user("alice").await;
        let rows = world.rows().await;
        let (collection, mut building) = begin(&world, "new").await;
        put(&world, &collection, &mut building, "a").await.unwrap();
        leave(&world);
        world.purge().await;
        let went_on = put(&world, &collection, &mut building, "b").await;
        assert_eq!(went_on.is_err(), is_purged, "{case}");
        let finished = finish(&world, &collection, &building).await;
        assert_eq!(finished.is_err(), is_purged, "{case}");
        if is_purged {
            assert_eq!(world.used(&alice).await, 0, "{case}");
            let left: Vec<_> = world.rows().await;
            let left = left.into_iter().filter(|key| !rows.contains(key));
            // the counter of the home's octets, which is 0
            assert_eq!(left.count(), 1, "{case}");
        }
        world.assert_sound().await;
    }
}

#[tokio::test]
async fn what_is_given_up_is_purged_at_once() {
    let world = world().await;
    let alice = world.user("alice").await;
    let (collection, mut building) = begin(&world, "new").await;
    put(&world, &collection, &mut building, "a").await.unwrap();
    let mut batch = world.store.batch();
    batch.abandon_building(&building);
    world.store.commit(batch).await.unwrap();
    assert!(put(&world, &collection, &mut building, "b").await.is_err());
    world.purge().await;
    assert_eq!(world.used(&alice).await, 0);
    assert_eq!(world.store.collection(collection.id).await.unwrap(), None);
}

/// Nothing can appear in a home that is gone, so that the purge of the home need not wait.
#[tokio::test]
async fn a_home_that_goes_takes_with_it_what_is_built() {
    let world = world().await;
    let alice = world.user("alice").await;
    let (collection, mut building) = begin(&world, "new").await;
    world.store.remove_account(alice.id).await.unwrap();
    put(&world, &collection, &mut building, "a").await.unwrap();
    world.purge().await;
    assert!(put(&world, &collection, &mut building, "b").await.is_err());
    assert_eq!(world.used(&alice).await, 0);
    let home = world.store.collection(alice.home.unwrap()).await.unwrap();
    assert_eq!(home, None);
    assert_eq!(world.rows().await.len(), world_without_accounts().await);
}

/// The rows of a store that had an account.
async fn world_without_accounts() -> usize {
    let world = world().await;
    let alice = world.user("alice").await;
    world.store.remove_account(alice.id).await.unwrap();
    world.purge().await;
    world.rows().await.len()
}

/// To take over what was abandoned may fail, like everything, and is repeated.
#[tokio::test]
async fn taking_over_is_repeated() {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    let world = world_over(faulty.clone(), clock).await;
    let alice = world.user("alice").await;
    let (collection, mut building) = begin(&world, "new").await;
    put(&world, &collection, &mut building, "a").await.unwrap();
    world.clock.advance(BUILDING_MILLISECONDS + 1);
    faulty.fail_commit(1, CommitError::Unavailable("disk full".into()));
    assert!(world.store.purge_detached(1_000).await.is_err());
    world.purge().await;
    assert_eq!(world.used(&alice).await, 0);
}

/// The trash keeps nothing of what nobody ever saw.
#[tokio::test]
async fn what_changes_unseen_does_not_come_into_the_trash() {
    let mut world = world().await;
    world.store = world.store.keeping(Some(TrashPolicy {
        deleted_milliseconds: i64::MAX,
        versions_milliseconds: i64::MAX,
        version_apart_milliseconds: 0,
        home_octets: u64::MAX,
    }));
    let alice = world.user("alice").await;
    let (collection, mut building) = begin(&world, "new").await;
    put(&world, &collection, &mut building, "a").await.unwrap();
    let rows = world.rows().await;
    let before = world.store.object(collection.id, "a").await.unwrap();
    let mut batch = world.store.batch();
    batch
        .put_object(&collection, "a", before.as_ref(), &event("a", "other"))
        .go_on_building(&building, world.clock.now());
    building.revision = world.store.commit(batch).await.unwrap().revision;
    let before = world.store.object(collection.id, "a").await.unwrap();
    put(&world, &collection, &mut building, "b").await.unwrap();
    let mut batch = world.store.batch();
    batch
        .remove_object(&collection, "a", before.as_ref().unwrap())
        .go_on_building(&building, world.clock.now());
    building.revision = world.store.commit(batch).await.unwrap().revision;
    // a log entry for each of the three changes; "b" stands in the place of "a"
    assert_eq!(world.rows().await.len(), rows.len() + 3);
    finish(&world, &collection, &building).await.unwrap();
    assert_eq!(world.names(&path("alice", "new")).await, ["b"]);
    assert_eq!(world.used(&alice).await, "octets".len() as u64);
    world.assert_sound().await;
}
