//! The audit: read in pages, kept for a time, bounded.

use super::*;
use crate::model::{AuditAction, AuditEntry, AuditPosition};

const HOUR: i64 = 60 * 60 * 1000;

fn entry(time: i64, place: &str) -> AuditEntry {
    AuditEntry {
        time: Timestamp(time),
        actor: PrincipalId(7),
        action: AuditAction::Changed,
        place: place.to_owned(),
        client: Some("A client".to_owned()),
    }
}

async fn note(world: &World, owner: u64, entry: AuditEntry) {
    let mut batch = world.store.batch();
    batch.audit(PrincipalId(owner), entry);
    world.store.commit(batch).await.unwrap();
}

async fn places(world: &World, owner: Option<u64>) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None::<AuditPosition>);
    loop {
        let page = world
            .store
            .audit_entries(owner.map(PrincipalId), after.as_ref(), 2)
            .await
            .unwrap();
        let Some((last, ..)) = page.last() else {
            return found;
        };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(_, _, entry)| entry.place));
    }
}

#[tokio::test]
async fn entries_are_read_by_owner_and_in_order() {
    let world = world().await;
    for (owner, place) in [(2, "c"), (1, "a"), (2, "d"), (1, "b"), (2, "e")] {
        note(&world, owner, entry(0, place)).await;
    }
    assert_eq!(places(&world, None).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(places(&world, Some(2)).await, ["c", "d", "e"]);
    assert_eq!(places(&world, Some(3)).await, Vec::<String>::new());
    let next = async |after: Option<u64>| {
        let next = world.store.next_audited(after.map(PrincipalId)).await;
        next.unwrap().map(|owner| owner.0)
    };
    assert_eq!(
        (next(None).await, next(Some(1)).await, next(Some(2)).await),
        (Some(1), Some(2), None)
    );
    assert_eq!(world.store.check().await.unwrap(), []);
}

#[tokio::test]
async fn texts_are_bounded() {
    let world = world().await;
    note(&world, 1, entry(0, &"\u{e4}".repeat(1_000))).await;
    let place = places(&world, None).await.remove(0);
    assert_eq!(place, "\u{e4}".repeat(256));
}

#[tokio::test]
async fn what_is_old_goes() {
    let world = world().await;
    let now = world.store.environment().clock.now().0;
    for hour in 0..450 {
        note(
            &world,
            1,
            entry(now - (500 - hour) * HOUR, &hour.to_string()),
        )
        .await;
    }
    note(&world, 2, entry(now - 500 * HOUR, "other")).await;
    let mut rounds = 0;
    while world
        .store
        .expire_audit(PrincipalId(1), 100 * HOUR)
        .await
        .unwrap()
    {
        rounds += 1;
    }
    assert_eq!(rounds, 2, "in bounded commits");
    let left = places(&world, Some(1)).await;
    assert_eq!((left.len(), left[0].as_str()), (50, "400"));
    assert_eq!(places(&world, Some(2)).await, ["other"]);
    assert!(!world.store.expire_audit(PrincipalId(1), 0).await.unwrap());
    assert_eq!(places(&world, None).await, ["other"]);
}

#[tokio::test]
async fn an_unreadable_entry_is_found_and_removed() {
    let world = world().await;
    note(&world, 1, entry(0, "a")).await;
    let store = &world.store;
    let key = crate::backend::log_key(&keys::audit(PrincipalId(1)), Revision(1), 0);
    let damaged = vec![Operation::Put(key, Bytes::from_static(&[9, 9]))];
    store.commit_rows(Vec::new(), damaged).await.unwrap();
    let found = store.check().await.unwrap();
    assert!(
        found.iter().any(|it| it.row == "audit" && it.can_be_mended),
        "{found:?}"
    );
    let (events, mut told) = tokio::sync::mpsc::channel(1_000);
    store.check_aloud(true, events).await.unwrap();
    while told.recv().await.is_some() {}
    assert_eq!(store.check().await.unwrap(), []);
    assert_eq!(places(&world, None).await, ["a"]);
}
