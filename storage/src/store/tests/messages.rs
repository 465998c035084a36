//! Counters of messages.

use super::*;
use crate::{backend::COUNTER_MAXIMUM, store::messages::MESSAGES_MAXIMUM};

const HOUR: i64 = 60 * 60 * 1000;

#[tokio::test]
async fn messages_are_counted_by_the_hour() {
    let world = world().await;
    let (alice, bob) = (world.user("alice").await.id, world.user("bob").await.id);
    let count = async |who, hour: i64, amounts: &[u64]| {
        let mut batch = world.store.batch();
        for amount in amounts {
            batch.count_messages(who, Timestamp(hour * HOUR + 5), *amount, 10);
        }
        world.store.commit(batch).await.map(|_| ())
    };
    let too_many = Err(CommitError::Limit(MESSAGES_MAXIMUM));
    assert_eq!(count(alice, 7, &[6]).await, Ok(()));
    assert_eq!(count(alice, 7, &[3, 2]).await, too_many, "together");
    assert_eq!(count(alice, 7, &[3, 1]).await, Ok(()));
    assert_eq!(count(alice, 7, &[1]).await, too_many);
    assert_eq!(count(bob, 7, &[10]).await, Ok(()), "somebody else");
    assert_eq!(count(alice, 8, &[11]).await, too_many, "more than ever");
    assert_eq!(count(alice, 8, &[10]).await, Ok(()), "another hour");

    let counted = async |hour: i64| {
        let now = Timestamp(hour * HOUR + HOUR - 1);
        world.store.messages_counted(alice, now).await.unwrap()
    };
    assert_eq!((counted(7).await, counted(8).await), (10, 10));
    world
        .store
        .forget_messages(Timestamp(8 * HOUR))
        .await
        .unwrap();
    assert_eq!((counted(7).await, counted(8).await), (0, 10));
    world.assert_sound().await;
}

/// RFC 4331 §6: a home that is full is not taken for too many messages.
#[tokio::test]
async fn a_full_home_is_another_limit() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    let mut batch = world.store.batch();
    batch.put_object(&home, "a", None, &file("1234"));
    batch.bound_usage(home.id, 3);
    batch.count_messages(alice.id, Timestamp(0), 1, 1);
    let refused = world.store.commit(batch).await;
    assert_eq!(refused, Err(CommitError::Limit(COUNTER_MAXIMUM)));
    let counted = world.store.messages_counted(alice.id, Timestamp(0)).await;
    assert_eq!(counted.unwrap(), 0, "nothing of it happened");
}
