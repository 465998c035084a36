//! Groups that are invited, and who comes into them and leaves them.

use std::collections::BTreeSet;

use super::{
    super::{keys, record},
    *,
};
use crate::{
    backend::{KeyRange, Operation},
    dormant_membership,
    model::DORMANT_MEMBERSHIP_QUEUE,
};

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
        let change = MembershipChange::of(&work).unwrap();
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

fn change(group: PrincipalId, joined: &[PrincipalId], meeting: &GroupMeeting) -> MembershipChange {
    let whole = MembershipChange {
        group,
        joined: joined.iter().copied().collect(),
        left: BTreeSet::new(),
        reached: None,
        only: None,
        refusals: 0,
    };
    whole.left_for(meeting)
}

/// What waits for a meeting, made at a time.
async fn wait(store: &Store, change: &MembershipChange, created: i64) -> bool {
    let row = Work::new(DORMANT_MEMBERSHIP_QUEUE, Bytes::new(), Timestamp(created));
    let id = dormant_membership(change.group, change.only.as_ref().unwrap());
    let mut batch = store.batch();
    let gathered = store.gather_membership(&mut batch, &id, &row, change).await;
    store.commit(batch).await.unwrap();
    gathered.unwrap()
}

/// One row for each group and meeting; what was made first comes first, whichever is written first.
#[tokio::test]
async fn what_waits_for_one_meeting_is_one_row() {
    let store = world().await.store;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let team = group(&store, "team", &[]).await;
    let meeting = GroupMeeting {
        home: CollectionId(1),
        uid: "u".to_owned(),
    };
    let leaves = MembershipChange {
        left: [alice].into(),
        ..change(team, &[], &meeting)
    };
    let others = GroupMeeting {
        home: CollectionId(2),
        ..meeting.clone()
    };
    assert!(!wait(&store, &change(team, &[alice, bob], &meeting), 5).await);
    assert!(wait(&store, &leaves, 4).await, "made before");
    assert!(wait(&store, &leaves, 6).await, "made behind");
    assert!(!wait(&store, &change(team, &[alice], &others), 6).await);
    let rows = store
        .dormant_memberships(CollectionId(1), 10)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let row = store.work(DORMANT_MEMBERSHIP_QUEUE, &rows[0].id).await;
    let row = row.unwrap().unwrap();
    let both = MembershipChange {
        joined: [bob].into(),
        ..leaves
    };
    assert_eq!(MembershipChange::of(&row), Some(both));
    assert_eq!(row.created, Timestamp(4));
    assert_eq!(store.check().await.unwrap(), []);
}

/// A row that nobody can read, and one whose payload is gone, stay to be mended, and are in nobody's way: neither of what
/// waits for the same meeting, nor of other homes, nor of the removal of their own.
#[tokio::test]
async fn what_cannot_be_read_of_one_home_stops_no_other() {
    let world = world().await;
    let store = &world.store;
    let team = group(store, "team", &[]).await;
    let homes = [person(store, "alice").await, person(store, "bob").await];
    let mut meetings = Vec::new();
    for owner in homes {
        let home = store.principal(owner).await.unwrap().unwrap().home.unwrap();
        meetings.push(GroupMeeting {
            home,
            uid: "u".to_owned(),
        });
    }
    let crowd: Vec<PrincipalId> = (1 << 40..).take(20_000).map(PrincipalId).collect();
    let large = GroupMeeting {
        uid: "large".to_owned(),
        ..meetings[0].clone()
    };
    for (meeting, people) in [
        (&meetings[0], &[][..]),
        (&large, &crowd),
        (&meetings[1], &[]),
    ] {
        assert!(!wait(store, &change(team, people, meeting), 0).await);
    }
    let torn = dormant_membership(team, &meetings[0]);
    let damage = Operation::Put(
        keys::work(DORMANT_MEMBERSHIP_QUEUE, &torn),
        Bytes::from_static(b"\xff"),
    );
    store.commit_rows(Vec::new(), vec![damage]).await.unwrap();
    let payload = change(team, &crowd, &large).work(Timestamp(0)).payload;
    let hash = *blake3::hash(&payload).as_bytes();
    for file in world.backend.blobs().find(hash).await.unwrap() {
        world.backend.blobs().remove(file.name).await.unwrap();
    }
    for meeting in [&meetings[0], &large] {
        assert!(!wait(store, &change(team, &[], meeting), 0).await);
    }
    let (first, second) = (meetings[0].home, meetings[1].home);
    let waiting = async |home| store.dormant_memberships(home, 100).await.unwrap();
    assert_eq!(waiting(first).await.len(), 4);
    assert_eq!(waiting(second).await.len(), 1);

    let mut batch = store.batch();
    for row in waiting(second).await {
        batch.move_work(&row, MEMBERSHIP_QUEUE, &store.new_work_id(Timestamp(0)));
    }
    store.commit(batch).await.unwrap();
    let awake = store.work_to_do(MEMBERSHIP_QUEUE, Timestamp(0), 10).await;
    let awake = MembershipChange::of(&awake.unwrap()[0].1);
    assert_eq!(awake, Some(change(team, &[], &meetings[1])));
    store.remove_account(homes[0]).await.unwrap();
    while store.purge_detached(1_000).await.unwrap() {}
    assert!(waiting(first).await.is_empty());
    let references = KeyRange::prefix(keys::whole(keys::Keyspace::BlobReference));
    assert_eq!(store.scan_all(references).await.unwrap(), []);
}
