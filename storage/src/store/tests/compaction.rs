//! Logs that are shortened, and who is told what then (RFC 6578 §3.2, §3.5).

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::record::LogRecord;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn retention(days: i64, entries: usize) -> LogRetention {
    LogRetention {
        milliseconds: days * DAY,
        entries,
    }
}

async fn compact(store: &Store, retention: LogRetention) -> usize {
    let mut compaction = store.compact_logs(retention).await.unwrap();
    while compaction.step(store).await.unwrap() {}
    compaction.removed()
}

async fn entries(store: &Store, id: CollectionId) -> usize {
    let log = KeyRange::prefix(keys::changes(id));
    store.scan_all(log).await.unwrap().len()
}

/// RFC 6578 §3.2 `valid-sync-token`
#[tokio::test]
async fn what_is_old_goes_and_its_tokens_with_it() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    for name in ["x", "y"] {
        world
            .put(&path("alice", &format!("a/{name}")), &file(name))
            .await
            .unwrap();
    }
    let before_note = world.store.sync_token(made.id).await.unwrap();
    assert!(world.store.note_moment().await.unwrap());
    assert!(
        !world.store.note_moment().await.unwrap(),
        "once a day is enough"
    );
    world.wait_days(10).await;
    assert!(world.store.note_moment().await.unwrap());
    world.put(&path("alice", "a/z"), &file("z")).await.unwrap();

    assert_eq!(
        compact(&world.store, retention(11, 100)).await,
        0,
        "nothing is so old"
    );
    assert!(compact(&world.store, retention(10, 100)).await > 0);
    assert_eq!(world.store.changes(made.id, begin, 10).await.unwrap(), None);
    let told = world
        .store
        .changes(made.id, before_note, 10)
        .await
        .unwrap()
        .unwrap();
    let names: Vec<_> = told.changes.iter().map(|change| &*change.name).collect();
    assert_eq!(names, ["z"], "from the horizon on all is told");
    world.assert_sound().await;

    // However old, the newest entry stays, and with it the token of now.
    world.wait_days(1_000).await;
    assert!(world.store.note_moment().await.unwrap());
    let now = world.store.sync_token(made.id).await.unwrap();
    compact(&world.store, retention(0, 100)).await;
    assert_eq!(entries(&world.store, made.id).await, 1);
    assert_eq!(world.store.sync_token(made.id).await.unwrap(), now);
    assert!(
        world
            .store
            .changes(made.id, now, 10)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        world
            .store
            .changes(made.id, told.token, 10)
            .await
            .unwrap()
            .unwrap()
            .changes,
        []
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn a_log_has_a_longest_length_and_tells_each_name_once() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    for number in 0..40 {
        let name = format!("a/{}", number % 8);
        world
            .put(&path("alice", &name), &file(&number.to_string()))
            .await
            .unwrap();
    }
    assert!(compact(&world.store, retention(100, 100)).await >= 32);
    assert_eq!(
        entries(&world.store, made.id).await,
        9,
        "the beginning, and each name"
    );
    let told = world
        .store
        .changes(made.id, begin, 100)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told.changes.len(), 8, "nobody is told less");
    compact(&world.store, retention(100, 3)).await;
    assert_eq!(entries(&world.store, made.id).await, 3);
    assert_eq!(
        world.store.changes(made.id, begin, 100).await.unwrap(),
        None
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn a_directory_that_is_behind_the_log_is_read_anew() {
    let world = world().await;
    let alice = world.user("alice").await;
    // Another process with the same store, which saw the directory once.
    let other = Store::open(
        Arc::clone(world.store.backend()),
        world.store.environment().clone(),
    )
    .await
    .unwrap();
    assert_eq!(other.principals().await.unwrap().len(), 1);
    world.user("bob").await;
    world.store.remove_account(alice.id).await.unwrap();
    world.user("carol").await;
    compact(&world.store, retention(100, 1)).await;
    let names: Vec<_> = other
        .principals()
        .await
        .unwrap()
        .iter()
        .map(|it| it.name.clone())
        .collect();
    assert_eq!(names, ["bob", "carol"]);
}

#[tokio::test]
async fn a_clock_that_jumps_makes_no_wrong_answer() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    world.put(&path("alice", "a/x"), &file("x")).await.unwrap();
    world.clock.advance(10_000 * DAY);
    assert!(world.store.note_moment().await.unwrap());
    world.clock.advance(-10_000 * DAY);
    assert!(
        world.store.note_moment().await.unwrap(),
        "a note of the future is none of now"
    );
    assert_eq!(compact(&world.store, retention(1, 100)).await, 0);
    assert!(
        world
            .store
            .changes(made.id, begin, 10)
            .await
            .unwrap()
            .is_some()
    );
}

/// Also where nothing says that the clock is wrong but that years passed at once.
#[tokio::test]
async fn a_clock_that_jumps_makes_no_log_shorter() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let begin = world.store.sync_token(made.id).await.unwrap();
    world.put(&path("alice", "a/x"), &file("x")).await.unwrap();
    assert!(world.store.note_moment().await.unwrap());
    world.store.retention_clock().await.unwrap();
    for years in [14, -30, 16] {
        world.clock.advance(years * 365 * DAY);
        world.store.note_moment().await.unwrap();
        assert_eq!(
            compact(&world.store, retention(180, 100)).await,
            0,
            "{years}"
        );
        let told = world.store.changes(made.id, begin, 10).await.unwrap();
        assert!(told.is_some(), "{years}");
    }
    // In the end it has held; three days of the jump were believed at once.
    world.wait_days(176).await;
    assert_eq!(compact(&world.store, retention(180, 100)).await, 0);
    world.wait_days(5).await;
    assert!(compact(&world.store, retention(180, 100)).await > 0);
    world.assert_sound().await;
}

/// A log that is far too long goes in small steps, and what is broken off is gone on with.
#[tokio::test]
async fn a_compaction_goes_in_small_steps_and_may_be_broken_off_anywhere() {
    let world = world().await;
    world.user("alice").await;
    let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
    for number in 0..40 {
        let mut batch = world.store.batch();
        for part in 0..25 {
            let value = LogRecord::Put(format!("{}", number * 25 + part));
            batch.append(keys::changes(made.id), record::encode(&value));
        }
        world.store.commit(batch).await.unwrap();
    }
    let all = entries(&world.store, made.id).await;
    let mut removed = 0;
    for steps in 1.. {
        let mut compaction = world.store.compact_logs(retention(100, 10)).await.unwrap();
        let mut more = true;
        for _ in 0..steps {
            let before = entries(&world.store, made.id).await;
            more = compaction.step(&world.store).await.unwrap();
            let gone = before - entries(&world.store, made.id).await;
            assert!(gone <= 250, "{gone} at once");
            if !more {
                break;
            }
        }
        removed += compaction.removed();
        let unfinished = world.store.is_compaction_unfinished().await.unwrap();
        assert_eq!(unfinished, more, "after {steps} steps");
        if !more {
            break;
        }
    }
    assert_eq!(removed, all - 10);
    assert_eq!(entries(&world.store, made.id).await, 10);
}

/// What happens in the property test.
#[derive(Clone, Debug)]
enum Event {
    Put(u8),
    Remove(u8),
    Note,
    Wait(u8),
    Compact {
        days: u8,
        entries: u8,
    },
    /// The client takes this many names at once.
    Sync(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..6u8).prop_map(Event::Put),
        4 => (0..6u8).prop_map(Event::Remove),
        2 => Just(Event::Note),
        2 => (1..5u8).prop_map(Event::Wait),
        2 => (0..6u8, 1..8u8).prop_map(|(days, entries)| Event::Compact { days, entries }),
        3 => (1..4u8).prop_map(Event::Sync),
    ]
}

/// A client by RFC 6578: what it holds, and its token.
#[derive(Default)]
struct Client {
    names: BTreeSet<String>,
    token: Option<SyncToken>,
}

impl Client {
    /// Follows the log to its end; begins anew where it is refused.
    async fn sync(&mut self, world: &World, id: CollectionId, limit: usize) {
        while let Some(token) = self.token {
            let Some(told) = world.store.changes(id, token, limit).await.unwrap() else {
                break;
            };
            for change in told.changes {
                match change.removed {
                    true => self.names.remove(&change.name),
                    false => self.names.insert(change.name),
                };
            }
            self.token = Some(told.token);
            if !told.truncated {
                return;
            }
        }
        self.token = Some(world.store.sync_token(id).await.unwrap());
        self.names = world.names(&path("alice", "a")).await.into_iter().collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// RFC 6578 §3.2: whoever syncs, whenever that is, holds the true members or is told to begin anew.
    #[test]
    fn a_client_is_never_misled(events in proptest::collection::vec(event(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world().await;
            world.user("alice").await;
            let made = world.make(&path("alice", "a"), CollectionKind::Plain).await;
            let at = |number: u8| path("alice", &format!("a/{number}"));
            let mut client = Client::default();
            for (step, event) in events.iter().enumerate() {
                match event {
                    Event::Put(number) => {
                        world.put(&at(*number), &file(&step.to_string())).await.unwrap();
                    }
                    Event::Remove(number) => {
                        if matches!(world.resolve(&at(*number)).await.found, Found::Object(_)) {
                            world.remove(&at(*number)).await.unwrap();
                        }
                    }
                    Event::Note => drop(world.store.note_moment().await.unwrap()),
                    Event::Wait(days) => world.clock.advance(i64::from(*days) * DAY),
                    Event::Compact { days, entries } => {
                        let retention = retention(i64::from(*days), usize::from(*entries));
                        compact(&world.store, retention).await;
                    }
                    Event::Sync(limit) => {
                        client.sync(&world, made.id, usize::from(*limit)).await;
                        let truth: BTreeSet<_> = world.names(&path("alice", "a")).await.into_iter().collect();
                        assert_eq!(client.names, truth, "step {step}");
                    }
                }
            }
            client.sync(&world, made.id, 2).await;
            let truth: BTreeSet<_> = world.names(&path("alice", "a")).await.into_iter().collect();
            assert_eq!(client.names, truth);
            world.assert_sound().await;
        });
    }
}
