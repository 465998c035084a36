//! Queues of background work.

use super::*;

fn work(queue: &str, payload: Bytes) -> Work {
    Work::new(queue, payload, Timestamp(5))
}

impl World {
    async fn enqueue(&self, queue: &str, due: i64, payload: Bytes) -> WorkId {
        let id = self.store.new_work_id(Timestamp(due));
        let mut batch = self.store.batch();
        batch.enqueue(&id, &work(queue, payload));
        self.store.commit(batch).await.unwrap();
        id
    }

    async fn due(&self, queue: &str, until: i64) -> Vec<(WorkId, Stored<Work>)> {
        self.store
            .due_work(queue, Timestamp(until), 10)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn rows_of_one_moment_come_in_the_order_in_which_they_were_made() {
    let world = world().await;
    let mut made = Vec::new();
    for _ in 0..10 {
        // some of one commit, and a commit after the other
        let ids = [(); 3].map(|()| world.store.new_work_id(Timestamp(5)));
        let mut batch = world.store.batch();
        for id in &ids {
            batch.enqueue(id, &work("mail", Bytes::new()));
        }
        world.store.commit(batch).await.unwrap();
        made.extend(ids);
    }
    let due = world.store.list_work("mail", None, 100).await.unwrap();
    let due: Vec<WorkId> = due.into_iter().map(|(id, _)| id).collect();
    assert_eq!(due, made);
}

#[tokio::test]
async fn rows_come_in_the_order_of_their_due_times() {
    let world = world().await;
    for due in [7, -3, 0, 5] {
        world
            .enqueue("mail", due, Bytes::from(due.to_string()))
            .await;
    }
    world.enqueue("mai", 1, Bytes::new()).await;
    world.enqueue("maila", 1, Bytes::new()).await;
    let due =
        |rows: Vec<(WorkId, Stored<Work>)>| rows.iter().map(|(id, _)| id.due.0).collect::<Vec<_>>();
    assert_eq!(due(world.due("mail", 5).await), [-3, 0, 5]);
    assert_eq!(due(world.due("mail", -4).await), []);
    assert_eq!(
        due(world
            .store
            .due_work("mail", Timestamp(i64::MAX), 2)
            .await
            .unwrap()),
        [-3, 0]
    );
    assert_eq!(
        due(world.store.list_work("mail", None, 10).await.unwrap()),
        [-3, 0, 5, 7]
    );
    let after = world.due("mail", 0).await.pop().unwrap().0;
    assert_eq!(
        due(world
            .store
            .list_work("mail", Some(&after), 10)
            .await
            .unwrap()),
        [5, 7]
    );
    assert_eq!(
        world.store.next_due("mail").await.unwrap(),
        Some(Timestamp(-3))
    );
    assert_eq!(world.store.next_due("other").await.unwrap(), None);
    let (_, first) = world.due("mail", 0).await.remove(0);
    assert_eq!(first.value, work("mail", Bytes::from_static(b"-3")));
    world.assert_sound().await;
}

#[tokio::test]
async fn of_several_workers_one_takes_a_row() {
    let world = world().await;
    world
        .enqueue("mail", 0, Bytes::from_static(b"payload"))
        .await;
    let (id, before) = world.due("mail", 0).await.remove(0);
    let lease = || {
        let after = Work {
            attempts: before.attempts + 1,
            ..before.value.clone()
        };
        let mut batch = world.store.batch();
        batch.reschedule(&id, &before, Timestamp(60), &after);
        world.store.commit(batch)
    };
    lease().await.unwrap();
    assert!(matches!(lease().await, Err(CommitError::Conflict(_))));
    assert_eq!(world.due("mail", 59).await, []);
    let (leased, row) = world.due("mail", 60).await.remove(0);
    assert_eq!((leased.id, row.attempts), (id.id, 1));

    let finish = |id: WorkId, before: Stored<Work>| {
        let mut batch = world.store.batch();
        batch.finish_work(&id, &before);
        world.store.commit(batch)
    };
    assert!(
        matches!(
            finish(id, before.clone()).await,
            Err(CommitError::Conflict(_))
        ),
        "the lease is another's"
    );
    finish(leased.clone(), row.clone()).await.unwrap();
    assert!(matches!(
        finish(leased, row).await,
        Err(CommitError::Conflict(_))
    ));
    assert_eq!(world.due("mail", i64::MAX).await, []);
}

#[tokio::test]
async fn a_large_payload_lives_as_long_as_its_row() {
    let world = world().await;
    let payload = Bytes::from(vec![7; 200_000]);
    world.enqueue("mail", 0, payload.clone()).await;
    world.assert_sound().await;
    let (id, before) = world.due("mail", 0).await.remove(0);
    assert_eq!(before.payload, payload);
    // Leased (same payload) and given another one.
    for after in [
        payload,
        Bytes::from(vec![8; 200_000]),
        Bytes::from_static(b"small"),
        Bytes::from(vec![9; 50_000]),
    ] {
        let (id, before) = world.due("mail", 0).await.remove(0);
        let mut batch = world.store.batch();
        batch.reschedule(&id, &before, id.due, &work("mail", after.clone()));
        world.store.commit(batch).await.unwrap();
        world.assert_sound().await;
        assert_eq!(world.due("mail", 0).await[0].1.payload, after);
    }
    let mut late = world.store.batch();
    late.finish_work(&id, &before);
    assert!(matches!(
        world.store.commit(late).await,
        Err(CommitError::Conflict(_))
    ));
    let (id, before) = world.due("mail", 0).await.remove(0);
    let mut batch = world.store.batch();
    batch.finish_work(&id, &before);
    world.store.commit(batch).await.unwrap();
    world.assert_sound().await;
    let references = KeyRange::prefix(keys::whole(keys::Keyspace::BlobReference));
    assert_eq!(world.store.scan_all(references).await.unwrap(), []);
}

#[tokio::test]
async fn queues_have_names_within_bounds() {
    let world = world().await;
    for (queue, good) in [
        (String::new(), false),
        ("x".repeat(255), true),
        ("x".repeat(256), false),
    ] {
        let id = world.store.new_work_id(Timestamp(0));
        let mut batch = world.store.batch();
        batch.enqueue(&id, &work(&queue, Bytes::new()));
        assert_eq!(world.store.commit(batch).await.is_ok(), good);
    }
}

/// A clock that was years ahead, and is right again: what was put off by it is done now, and what is
/// put off for a while still waits.
#[tokio::test]
async fn work_is_not_forgotten_when_the_clock_is_put_back() {
    const HOUR: i64 = 60 * 60 * 1000;
    const TWENTY_YEARS: i64 = 20 * 365 * 24 * HOUR;
    let world = world().await;
    let now = world.store.environment().clock.now();
    let mut ids = Vec::new();
    for due in [now.0 + TWENTY_YEARS, now.0 + HOUR, now.0 - HOUR] {
        let id = world.store.new_work_id(Timestamp(due));
        let work = Work::new("mail", Bytes::new(), now);
        let mut batch = world.store.batch();
        batch.enqueue(&id, &work);
        world.store.commit(batch).await.unwrap();
        ids.push(id);
    }
    for expected in [Some(2), Some(0), None] {
        let to_do = world.store.work_to_do("mail", now, 10).await.unwrap();
        let found: Vec<&WorkId> = to_do.iter().map(|(id, _)| id).collect();
        assert_eq!(
            found,
            expected
                .map(|at: usize| &ids[at])
                .into_iter()
                .collect::<Vec<_>>()
        );
        for (id, work) in &to_do {
            let mut batch = world.store.batch();
            batch.finish_work(id, work);
            world.store.commit(batch).await.unwrap();
        }
    }
    let later = Timestamp(now.0 + HOUR);
    assert_eq!(
        world
            .store
            .work_to_do("mail", later, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// A row whose payload is gone, or that says nothing that anybody could read, is tried again and again, later each
/// time; those behind it are done.
#[tokio::test]
async fn work_that_cannot_be_read_stops_no_other() {
    const MINUTE: i64 = 60 * 1000;
    let world = world().await;
    let now = world.store.environment().clock.now();
    let large = Bytes::from(vec![7; 200_000]);
    let torn = world.enqueue("mail", now.0 - 3, large.clone()).await;
    let odd = world.enqueue("mail", now.0 - 2, Bytes::new()).await;
    let good = world.enqueue("mail", now.0 - 1, Bytes::new()).await;
    let hash = *blake3::hash(&large).as_bytes();
    let odd_key = keys::work("mail", &odd);
    let row = world.store.backend().get(&odd_key).await.unwrap().unwrap();
    let damage = vec![
        Operation::Delete(keys::blob(&hash)),
        Operation::Put(odd_key, Bytes::from_static(b"\xff")),
    ];
    for file in world.backend.blobs().find(hash).await.unwrap() {
        world.backend.blobs().remove(file.name).await.unwrap();
    }
    world.store.commit_rows(Vec::new(), damage).await.unwrap();

    let to_do = async |now: i64| {
        let rows = world.store.work_to_do("mail", Timestamp(now), 1).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|(id, work)| (id.id, work.attempts))
            .collect::<Vec<_>>()
    };
    assert_eq!(to_do(now.0).await, [(good.id, 0)]);
    let (id, work) = world.due("mail", now.0).await.remove(0);
    let mut batch = world.store.batch();
    batch.finish_work(&id, &work);
    world.store.commit(batch).await.unwrap();
    assert_eq!(to_do(now.0).await, []);
    for (at, next) in [(0, 1), (1, 3), (3, 7)] {
        assert_eq!(to_do(now.0 + at * MINUTE).await, []);
        let due = world.store.next_due("mail").await.unwrap();
        assert_eq!(due, Some(Timestamp(now.0 + next * MINUTE)));
    }

    // mended, both are done
    let later = Timestamp(now.0 + 6 * 60 * MINUTE);
    world.store.write_blob(large).await.unwrap();
    let odd = WorkId { due: later, ..odd };
    let mended = Operation::Put(keys::work("mail", &odd), row.value);
    let mended = world.store.commit_rows(Vec::new(), vec![mended]).await;
    mended.unwrap();
    let done = world.store.work_to_do("mail", later, 2).await;
    let done = done.unwrap().into_iter();
    let done: Vec<_> = done.map(|(id, work)| (id.id, work.attempts)).collect();
    assert_eq!(done, [(torn.id, 3), (odd.id, 0)]);
    world.assert_sound().await;
}

/// Two rows may have one name at different times: what is put off to where the other one stands gets another name.
#[tokio::test]
async fn work_is_put_off_to_where_nothing_stands() {
    let world = world().await;
    let now = world.store.environment().clock.now();
    let torn = world.enqueue("mail", now.0 - 1, Bytes::new()).await;
    let later = Work::due_after(u32::MAX, now);
    let there = WorkId {
        due: later,
        ..torn.clone()
    };
    let mut batch = world.store.batch();
    batch.enqueue(&there, &work("mail", Bytes::from_static(b"there")));
    world.store.commit(batch).await.unwrap();
    let damage = Operation::Put(keys::work("mail", &torn), Bytes::from_static(b"\xff"));
    let damaged = world.store.commit_rows(Vec::new(), vec![damage]).await;
    damaged.unwrap();
    assert_eq!(world.store.work_to_do("mail", now, 10).await.unwrap(), []);
    let rows = world.store.list_unread_work("mail", None, 10).await;
    let rows: Vec<WorkId> = rows.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.contains(&there) && rows.iter().all(|id| id.due == later));
}

/// What is held after a restore is held whether or not it can be read.
#[tokio::test]
async fn what_cannot_be_read_is_held_too() {
    let world = world().await;
    let large = Bytes::from(vec![7; 200_000]);
    let torn = world.enqueue("mail", 0, Bytes::new()).await;
    world.enqueue("mail", 0, large.clone()).await;
    let damage = Operation::Put(keys::work("mail", &torn), Bytes::from_static(b"\xff"));
    let damaged = world.store.commit_rows(Vec::new(), vec![damage]).await;
    damaged.unwrap();
    assert_eq!(world.store.hold_work("mail", "held").await.unwrap(), 2);
    let held = world
        .store
        .list_unread_work("held", None, 10)
        .await
        .unwrap();
    assert_eq!(held.len(), 2);
    let left = world
        .store
        .list_unread_work("mail", None, 10)
        .await
        .unwrap();
    assert!(left.is_empty());
    let whole = held.iter().find(|row| row.id != torn).unwrap();
    let whole = world.store.work("held", &whole.id).await.unwrap().unwrap();
    assert!(whole.payload == large);
    let wrong = world.store.check().await.unwrap();
    assert_eq!(wrong.len(), 1, "the torn one: {wrong:?}");
}
