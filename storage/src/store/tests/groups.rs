//! Groups that are invited, and who comes into them and leaves them.

use super::{
    super::{keys, record},
    *,
};
use crate::backend::Operation;

async fn group(store: &Store, name: &str, members: &[PrincipalId]) -> PrincipalId {
    let mut group = Principal::new(PrincipalKind::Group, name);
    group.members = members.to_vec();
    store.add_account(group, None).await.unwrap().id
}

async fn person(store: &Store, name: &str) -> PrincipalId {
    let person = Principal::new(PrincipalKind::User, name);
    store.add_account(person, None).await.unwrap().id
}

async fn set(store: &Store, group: PrincipalId, members: &[PrincipalId]) {
    let changed = store.change_principal(group, |group| group.members = members.to_vec());
    changed.await.unwrap();
}

/// What waits: group, who came, who left.
async fn waiting(store: &Store) -> Vec<(PrincipalId, Vec<PrincipalId>, Vec<PrincipalId>)> {
    let rows = store.list_work(MEMBERSHIP_QUEUE, None, 100).await.unwrap();
    let changes = rows.into_iter().map(|(_, work)| {
        let change: MembershipChange = work.task().unwrap();
        (
            change.group,
            change.joined.into_iter().collect(),
            change.left.into_iter().collect(),
        )
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort();
    changes
}

async fn clear(store: &Store) {
    for (id, work) in store.list_work(MEMBERSHIP_QUEUE, None, 100).await.unwrap() {
        let mut batch = store.batch();
        batch.finish_work(&id, &work);
        store.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_of_members_leaves_work_for_every_group_that_it_is_about() {
    let store = world().await.store;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let inner = group(&store, "inner", &[alice]).await;
    let outer = group(&store, "outer", &[inner]).await;
    group(&store, "apart", &[alice]).await;
    assert_eq!(
        waiting(&store).await,
        [],
        "nobody was invited with them before"
    );
    let revision = store.revision();
    set(&store, inner, &[alice, bob]).await;
    assert_eq!(
        store.revision().0,
        revision.0 + 1,
        "in the change's own commit"
    );
    let mut expected = vec![(inner, vec![bob], vec![]), (outer, vec![bob], vec![])];
    expected.sort();
    assert_eq!(waiting(&store).await, expected);
    // soon after, and back again: one row each
    set(&store, inner, &[bob]).await;
    for (_, joined, left) in waiting(&store).await {
        assert_eq!((joined, left), (vec![bob], vec![alice]));
    }
    clear(&store).await;
    // who is in the outer group by another way neither comes nor leaves
    set(&store, outer, &[inner, bob]).await;
    assert_eq!(waiting(&store).await, []);
    set(&store, inner, &[]).await;
    assert_eq!(waiting(&store).await, [(inner, vec![], vec![bob])]);
    clear(&store).await;
    // what has nothing to do with members leaves nothing
    let changed = store.change_principal(inner, |group| group.display_name = "x".to_owned());
    changed.await.unwrap();
    assert_eq!(waiting(&store).await, []);
    assert_eq!(store.check().await.unwrap(), []);
}

#[tokio::test]
async fn meetings_of_a_group_are_noted_until_it_is_gone() {
    let store = world().await.store;
    let (one, other) = (
        group(&store, "one", &[]).await,
        group(&store, "other", &[]).await,
    );
    let meeting = |number: u64| GroupMeeting {
        home: CollectionId(number),
        uid: format!("uid {number}"),
    };
    let mut batch = store.batch();
    for number in 0..5 {
        batch.note_group_meeting(one, &meeting(number));
    }
    batch.note_group_meeting(other, &meeting(0));
    store.commit(batch).await.unwrap();
    let mut batch = store.batch();
    batch.forget_group_meeting(one, &meeting(3));
    store.commit(batch).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    while let Some(next) = store
        .group_meetings(one, after.as_ref(), 1)
        .await
        .unwrap()
        .pop()
    {
        found.push(next.clone());
        after = Some(next);
    }
    assert_eq!(found, [meeting(0), meeting(1), meeting(2), meeting(4)]);
    assert_eq!(store.check().await.unwrap(), []);
    store.remove_account(one).await.unwrap();
    assert_eq!(store.group_meetings(one, None, 10).await.unwrap(), []);
    assert_eq!(
        store.group_meetings(other, None, 10).await.unwrap().len(),
        1
    );
}

/// A row under another meeting's key is wrong, and nothing is lost with it that does not come back.
#[tokio::test]
async fn a_wrong_row_is_found() {
    let store = world().await.store;
    let one = group(&store, "one", &[]).await;
    let meeting = GroupMeeting {
        home: CollectionId(1),
        uid: "u".to_owned(),
    };
    let key = keys::group_meeting(one, meeting.home, "another");
    let row = record::encode(&meeting);
    let put = Operation::Put(key, row);
    store.commit_rows(Vec::new(), vec![put]).await.unwrap();
    let found = store.check().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].can_be_mended && found[0].row == "meeting of a group");
}

/// One comes and another goes soon after, on the backend that keeps directories by what last changed.
#[tokio::test]
async fn changes_gather_in_the_embedded_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded::embedded(folder.path()).await.store;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let team = group(&store, "team", &[alice]).await;
    set(&store, team, &[alice, bob]).await;
    assert_eq!(waiting(&store).await, [(team, vec![bob], vec![])]);
    set(&store, team, &[bob]).await;
    assert_eq!(waiting(&store).await, [(team, vec![bob], vec![alice])]);
}
