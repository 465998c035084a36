//! Messages that were received.

use super::*;
use crate::Uuid;

#[tokio::test]
async fn a_message_is_noted_once_for_each_recipient_until_it_is_old() {
    let world = world().await;
    let (alice, bob) = (world.user("alice").await.id, world.user("bob").await.id);
    let name = |number: u32| Uuid::derived("test", &[&number.to_be_bytes()]);
    let note = async |who, number, time| {
        let mut batch = world.store.batch();
        batch.note_received(who, name(number), Timestamp(time), &number.to_be_bytes());
        world.store.commit(batch).await.is_ok()
    };
    assert!(note(alice, 1, 50).await);
    assert!(!note(alice, 1, 60).await, "a second time");
    assert!(note(bob, 1, 60).await, "for somebody else");
    for number in 2..2_500 {
        assert!(note(alice, number, i64::from(number)).await);
    }
    let known = async |who, numbers: &[u32]| {
        let names: Vec<Uuid> = numbers.iter().map(|it| name(*it)).collect();
        let received = world.store.received(who, &names).await.unwrap();
        received.is_some_and(|said| numbers.iter().any(|it| said[..] == it.to_be_bytes()))
    };
    assert!(known(alice, &[9_999, 1]).await);
    assert!(!known(bob, &[2, 3]).await);
    assert!(!known(bob, &[]).await);

    let mut steps = 0;
    let mut position = None;
    loop {
        let until = Timestamp(2_000);
        position = world.store.forget_received(position, until).await.unwrap();
        steps += 1;
        if position.is_none() {
            break;
        }
    }
    assert_eq!(steps, 3, "each of a bounded number");
    for (who, number, is_known) in [
        (alice, 1, false),
        (bob, 1, false),
        (alice, 1_999, false),
        (alice, 2_000, true),
        (alice, 2_499, true),
    ] {
        assert_eq!(known(who, &[number]).await, is_known, "{number}");
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn what_is_kept_of_messages_is_replaced_as_it_was_read_and_forgotten_when_it_is_old() {
    let world = world().await;
    let alice = world.user("alice").await.id;
    let about = Uuid::derived("test", &[b"about"]);
    let kept = async || world.store.kept_of_messages(alice, about).await.unwrap();
    let nothing = kept().await;
    assert!(nothing.octets.is_empty());
    let keep = async |before: &KeptOfMessages, octets: &[u8]| {
        let mut batch = world.store.batch();
        batch.keep_of_messages(before, octets, Timestamp(50));
        world.store.commit(batch).await.is_ok()
    };
    assert!(keep(&nothing, b"one").await);
    let one = kept().await;
    assert_eq!(one.octets, "one");
    assert!(!keep(&nothing, b"other").await, "it was not read");
    let mut batch = world.store.batch();
    batch.expect_kept(&nothing);
    assert!(world.store.commit(batch).await.is_err());
    assert!(keep(&one, b"two").await);
    assert_eq!(kept().await.octets, "two");
    // a row of the first form
    let (key, row) = (keys::received(alice, about), record::encode(&60_u64));
    let put = vec![Operation::Put(key, row)];
    world.store.commit_rows(Vec::new(), put).await.unwrap();
    assert!(kept().await.octets.is_empty());
    assert!(
        world
            .store
            .received(alice, &[about])
            .await
            .unwrap()
            .is_some()
    );
    for (until, is_known) in [(60, true), (61, false)] {
        let until = Timestamp(until);
        world.store.forget_received(None, until).await.unwrap();
        let known = world
            .store
            .received(alice, &[about])
            .await
            .unwrap()
            .is_some();
        assert_eq!(known, is_known);
    }
    world.assert_sound().await;
}
