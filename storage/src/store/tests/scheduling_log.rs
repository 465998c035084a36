//! Scheduling logs: read by meeting, kept for a time, bounded, gone with their home.

use super::*;
use crate::{model::SchedulingLogEntry, store::scheduling_log::*};

const HOUR: i64 = 60 * 60 * 1000;
const HOME: CollectionId = CollectionId(7);

fn entry(time: i64, content: &str) -> SchedulingLogEntry {
    SchedulingLogEntry {
        time: Timestamp(time),
        content: content.as_bytes().to_vec(),
    }
}

/// Notes many entries, some in a commit.
async fn note(world: &World, home: CollectionId, uid: &str, entries: &[SchedulingLogEntry]) {
    for entries in entries.chunks(100) {
        let mut batch = world.store.batch();
        for entry in entries {
            batch.log_scheduling(home, uid, entry);
        }
        world.store.commit(batch).await.unwrap();
    }
}

async fn log(world: &World, home: CollectionId, uid: &str) -> Vec<String> {
    let entries = world.store.scheduling_log(home, uid, 10_000).await.unwrap();
    let texts = entries
        .into_iter()
        .map(|it| String::from_utf8(it.unwrap().content));
    texts.map(Result::unwrap).collect()
}

/// Steps over everything, and says how many they were.
async fn expire(world: &World, keep_milliseconds: i64, most: usize) -> usize {
    let (mut steps, mut after) = (0, None);
    loop {
        let next = world
            .store
            .expire_scheduling_logs(after, keep_milliseconds, most)
            .await
            .unwrap();
        steps += 1;
        match next {
            Some(next) => after = Some(next),
            None => return steps,
        }
    }
}

#[tokio::test]
async fn entries_are_read_by_meeting_the_newest_last() {
    let world = world().await;
    for (home, uid, text) in [
        (1, "a", "1"),
        (2, "a", "x"),
        (1, "b", "y"),
        (1, "a", "2"),
        (1, "a", "3"),
    ] {
        note(&world, CollectionId(home), uid, &[entry(0, text)]).await;
    }
    let home = CollectionId(1);
    assert_eq!(log(&world, home, "a").await, ["1", "2", "3"]);
    assert_eq!(log(&world, home, "c").await, Vec::<String>::new());
    let newest = world.store.scheduling_log(home, "a", 2).await.unwrap();
    assert_eq!(newest, [entry(0, "2"), entry(0, "3")].map(Some));
    assert_eq!(world.store.check().await.unwrap(), []);
}

#[tokio::test]
async fn an_entry_has_a_bound() {
    let world = world().await;
    for (octets, fits) in [
        (MAXIMUM_SCHEDULING_LOG_OCTETS, true),
        (MAXIMUM_SCHEDULING_LOG_OCTETS + 1, false),
    ] {
        let mut batch = world.store.batch();
        batch.log_scheduling(HOME, "a", &entry(0, &"x".repeat(octets)));
        assert_eq!(world.store.commit(batch).await.is_ok(), fits, "{octets}");
    }
}

#[tokio::test]
async fn what_is_old_goes() {
    let world = world().await;
    let now = world.store.environment().clock.now().0;
    for number in 0..30 {
        let entries: Vec<_> = (0..50)
            .map(|hour| entry(now - (50 - hour) * HOUR, &hour.to_string()))
            .collect();
        note(&world, HOME, &number.to_string(), &entries).await;
    }
    assert_eq!(expire(&world, 10 * HOUR, 500).await, 2, "in bounded steps");
    for number in 0..30 {
        let left = log(&world, HOME, &number.to_string()).await;
        assert_eq!((left.len(), left[0].as_str()), (10, "40"), "{number}");
    }
    expire(&world, 0, 500).await;
    assert_eq!(log(&world, HOME, "3").await, Vec::<String>::new());
}

/// Whether its log ends within a step, fills it or goes far beyond, a meeting keeps its newest entries.
#[tokio::test]
async fn what_is_too_much_goes() {
    let bound = MAXIMUM_SCHEDULING_LOG_ENTRIES;
    let cases = [
        (3, 4, 3),
        (4, 4, 4),
        (5, 4, 4),
        (2 * bound, bound, bound),
        (2 * bound + 1, bound, bound),
        (5 * bound + 7, 2 * bound, bound),
        (5 * bound + 7, 2, 2),
    ];
    for (written, most, kept) in cases {
        let world = world().await;
        let entries: Vec<_> = (0..written)
            .map(|number| entry(i64::MAX, &number.to_string()))
            .collect();
        for (home, uid) in [(6, "before"), (7, "it"), (8, "behind")] {
            note(&world, CollectionId(home), uid, &entries).await;
        }
        expire(&world, HOUR, most).await;
        for (home, uid) in [(6, "before"), (7, "it"), (8, "behind")] {
            let left = log(&world, CollectionId(home), uid).await;
            assert_eq!(left.len(), kept, "{written} {most} {uid}");
            assert_eq!(left[kept - 1], (written - 1).to_string());
        }
    }
}

#[tokio::test]
async fn it_goes_with_its_home() {
    let world = world().await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let entries = vec![entry(0, "x"); 2_500];
    for home in [alice.home.unwrap(), bob.home.unwrap()] {
        note(&world, home, "a", &entries).await;
    }
    world.store.remove_account(alice.id).await.unwrap();
    world.purge().await;
    assert!(log(&world, alice.home.unwrap(), "a").await.is_empty());
    assert_eq!(log(&world, bob.home.unwrap(), "a").await.len(), 2_500);
    assert_eq!(world.store.check().await.unwrap(), []);
}

#[tokio::test]
async fn an_unreadable_entry_is_found_and_removed() {
    let world = world().await;
    note(&world, HOME, "a", &[entry(0, "x")]).await;
    let store = &world.store;
    let key = crate::backend::log_key(&keys::scheduling_log(HOME, "a"), Revision(1), 0);
    let damaged = vec![Operation::Put(key, Bytes::from_static(&[9, 9]))];
    store.commit_rows(Vec::new(), damaged).await.unwrap();
    expire(&world, 0, 500).await;
    let found = store.check().await.unwrap();
    assert!(
        found
            .iter()
            .any(|it| it.row == "scheduling log" && it.can_be_mended),
        "{found:?}"
    );
    let (events, mut told) = tokio::sync::mpsc::channel(1_000);
    store.check_aloud(true, events).await.unwrap();
    while told.recv().await.is_some() {}
    assert_eq!(store.check().await.unwrap(), []);
}
