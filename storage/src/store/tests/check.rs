//! The check finds what tests break on purpose.

use super::*;

type Breakage = fn(&Ground) -> Vec<Operation>;

/// A sound store with one of each.
struct Ground {
    world: World,
    alice: Arc<Principal>,
    calendar: Collection,
    home: CollectionId,
    hash: [u8; 32],
}

async fn ground() -> Ground {
    let world = world().await;
    let alice = world.user("alice").await;
    let octets = Bytes::from(vec![1; 50_000]);
    let content = world.store.write_blob(octets).await.unwrap();
    let Content::Blob { hash, .. } = content else {
        unreachable!()
    };
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
        .put(&path("alice", "calendar/a.ics"), &event("a", "content"))
        .await
        .unwrap();
    world
        .make(&path("alice", "gone"), CollectionKind::Plain)
        .await;
    world.detach(&path("alice", "gone")).await;
    let id = world.store.new_work_id(Timestamp(0));
    let payload = Bytes::from(vec![2; 50_000]);
    let work = Work {
        queue: "q".to_owned(),
        attempts: 0,
        created: Timestamp(0),
        last_error: None,
        payload,
    };
    let mut batch = world.store.batch();
    batch.enqueue(&id, &work);
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    batch.put_credential(alice.id, None, &credential);
    world.store.commit(batch).await.unwrap();
    let calendar = world.collection(&path("alice", "calendar")).await.value;
    world.assert_sound().await;
    Ground {
        home: alice.home.unwrap(),
        calendar,
        world,
        alice,
        hash,
    }
}

#[tokio::test]
async fn every_broken_index_is_found() {
    let cases: [(&str, Breakage); 22] = [
        ("name or address", |it| {
            vec![Operation::Delete(keys::principal_name(&it.alice.name))]
        }),
        ("name or address", |_| {
            vec![Operation::Put(
                keys::principal_name("x"),
                record::encode(&PrincipalId(1)),
            )]
        }),
        ("name or address", |_| {
            vec![Operation::Delete(keys::principal_address(
                "mailto:alice@example.com",
            ))]
        }),
        ("principal", |it| {
            vec![Operation::Delete(keys::collection(it.home))]
        }),
        ("principal", |it| {
            vec![Operation::Put(
                keys::principal(it.alice.id),
                Bytes::from_static(b"x"),
            )]
        }),
        ("collection", |it| {
            vec![Operation::Delete(keys::member(it.home, "calendar"))]
        }),
        ("collection", |it| {
            let header = record::encode(&it.calendar);
            vec![Operation::Put(keys::collection(CollectionId(1)), header)]
        }),
        ("detached collection", |it| {
            vec![Operation::Put(
                keys::detached(it.home, it.calendar.id),
                Bytes::new(),
            )]
        }),
        ("change", |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(keys::changes(
                it.calendar.id,
            )))]
        }),
        ("change", |it| {
            let entry = record::encode(&record::LogRecord::Put("never".to_owned()));
            vec![Operation::Append {
                prefix: keys::changes(it.calendar.id),
                value: entry,
            }]
        }),
        ("change", |it| {
            vec![Operation::Delete(keys::member(it.calendar.id, "a.ics"))]
        }),
        ("member", |it| {
            vec![Operation::Delete(keys::collection(it.calendar.id))]
        }),
        ("member", |it| {
            vec![Operation::Put(
                keys::member(it.home, "x"),
                record::encode_binding(it.calendar.id),
            )]
        }),
        ("member", |it| {
            vec![Operation::Put(
                keys::member(it.home, "x"),
                Bytes::from_static(b"x"),
            )]
        }),
        ("uid", |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(keys::uid_places(
                it.home, "a",
            )))]
        }),
        ("uid", |it| {
            let place = record::UidRecord {
                name: "a.ics".to_owned(),
                scheduling: false,
            };
            vec![Operation::Put(
                keys::uid(it.home, "b", it.calendar.id),
                record::encode(&place),
            )]
        }),
        ("usage", |it| {
            vec![Operation::Add {
                key: keys::usage(it.home),
                amount: 1,
                maximum: None,
            }]
        }),
        ("usage", |it| vec![Operation::Delete(keys::usage(it.home))]),
        ("blob reference", |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(
                keys::blob_references(&it.hash),
            ))]
        }),
        ("blob reference", |it| {
            vec![Operation::Put(
                keys::blob_reference_of_object(&it.hash, it.home, "x"),
                Bytes::new(),
            )]
        }),
        ("blob", |it| {
            vec![Operation::Delete(keys::blob_chunk(&it.hash, 1))]
        }),
        ("locks", |_| {
            let locks: Vec<Lock> = Vec::new();
            vec![Operation::Put(
                keys::locks(CollectionId(1)),
                record::encode(&locks),
            )]
        }),
    ];
    for (number, (row, breakage)) in cases.into_iter().enumerate() {
        let ground = ground().await;
        let operations = breakage(&ground);
        ground
            .world
            .store
            .commit_rows(Vec::new(), operations)
            .await
            .unwrap();
        let damage = ground.world.store.check().await.unwrap();
        assert!(
            damage.iter().any(|damage| damage.row == row),
            "case {number}, {row}: {damage:?}"
        );
    }
}

#[tokio::test]
async fn rows_of_nobody_are_found() {
    let ground = ground().await;
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    let mut batch = ground.world.store.batch();
    batch.put_credential(PrincipalId(1), None, &credential);
    ground.world.store.commit(batch).await.unwrap();
    let damage = ground.world.store.check().await.unwrap();
    assert_eq!(
        damage.iter().map(|damage| damage.row).collect::<Vec<_>>(),
        ["credential"]
    );

    let work = KeyRange::prefix(keys::whole(keys::Keyspace::Work));
    let rows = ground.world.store.scan_all(work.clone()).await.unwrap();
    assert_eq!(rows.len(), 1);
    ground
        .world
        .store
        .commit_rows(Vec::new(), vec![Operation::DeleteRange(work)])
        .await
        .unwrap();
    let damage = ground.world.store.check().await.unwrap();
    assert_eq!(
        damage.iter().map(|damage| damage.row).collect::<Vec<_>>(),
        ["blob reference", "credential"]
    );
}
