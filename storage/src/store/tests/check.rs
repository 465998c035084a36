//! The check finds what tests break on purpose.

use super::*;

type Breakage = fn(&Ground) -> Vec<Operation>;
/// Whether nothing is left of it after a repair.
type Mended = bool;

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
async fn every_breakage_is_found_and_mended_where_that_is_possible() {
    let cases: &[(&str, Mended, Breakage)] = &[
        ("name or address", true, |it| {
            vec![Operation::Delete(keys::principal_name(&it.alice.name))]
        }),
        ("name or address", true, |_| {
            vec![Operation::Put(
                keys::principal_name("x"),
                record::encode(&PrincipalId(1)),
            )]
        }),
        ("name or address", true, |_| {
            vec![Operation::Delete(keys::principal_address(
                "mailto:alice@example.com",
            ))]
        }),
        ("principal", false, |it| {
            vec![Operation::Delete(keys::collection(it.home))]
        }),
        ("principal", false, |it| {
            vec![Operation::Put(
                keys::principal(it.alice.id),
                Bytes::from_static(b"x"),
            )]
        }),
        ("collection", true, |it| {
            vec![Operation::Delete(keys::member(it.home, "calendar"))]
        }),
        ("collection", false, |it| {
            let header = record::encode(&it.calendar);
            vec![Operation::Put(keys::collection(CollectionId(1)), header)]
        }),
        ("detached collection", true, |it| {
            vec![Operation::Put(
                keys::detached(it.home, it.calendar.id),
                Bytes::new(),
            )]
        }),
        ("change", true, |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(keys::changes(
                it.calendar.id,
            )))]
        }),
        ("change", true, |it| {
            let entry = record::encode(&record::LogRecord::Put("never".to_owned()));
            vec![Operation::Append {
                prefix: keys::changes(it.calendar.id),
                value: entry,
            }]
        }),
        ("change", true, |it| {
            vec![Operation::Delete(keys::member(it.calendar.id, "a.ics"))]
        }),
        ("collection", true, |it| {
            vec![Operation::Delete(keys::collection(it.calendar.id))]
        }),
        ("member", true, |it| {
            vec![Operation::Put(
                keys::member(it.home, "x"),
                record::encode_binding(it.calendar.id),
            )]
        }),
        ("member", false, |it| {
            vec![Operation::Put(
                keys::member(it.home, "x"),
                Bytes::from_static(b"x"),
            )]
        }),
        ("uid", true, |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(keys::uid_places(
                it.home, "a",
            )))]
        }),
        ("uid", true, |it| {
            let place = record::UidRecord {
                name: "a.ics".to_owned(),
                scheduling: false,
            };
            vec![Operation::Put(
                keys::uid(it.home, "b", it.calendar.id),
                record::encode(&place),
            )]
        }),
        ("usage", true, |it| {
            vec![Operation::Add {
                key: keys::usage(it.home),
                amount: 1,
                maximum: None,
            }]
        }),
        ("usage", true, |it| {
            vec![Operation::Delete(keys::usage(it.home))]
        }),
        ("blob reference", true, |it| {
            vec![Operation::DeleteRange(KeyRange::prefix(
                keys::blob_references(&it.hash),
            ))]
        }),
        ("blob reference", true, |it| {
            vec![Operation::Put(
                keys::blob_reference_of_object(&it.hash, it.home, "x"),
                Bytes::new(),
            )]
        }),
        ("blob", false, |it| {
            vec![Operation::Delete(keys::blob_chunk(&it.hash, 1))]
        }),
        ("locks", true, |_| {
            let locks: Vec<Lock> = Vec::new();
            vec![Operation::Put(
                keys::locks(CollectionId(1)),
                record::encode(&locks),
            )]
        }),
        ("directory", true, |_| {
            vec![Operation::Delete(keys::directory())]
        }),
        ("directory", true, |_| {
            vec![Operation::Append {
                prefix: keys::directory_log(),
                value: Bytes::from_static(b"x"),
            }]
        }),
        ("name or address", true, |it| {
            let key = keys::principal_name(&it.alice.name);
            vec![Operation::Put(key, Bytes::from_static(b"x"))]
        }),
        ("collection", true, |it| {
            let elsewhere = Collection {
                parent: Some(CollectionId(1)),
                ..it.calendar.clone()
            };
            let header = record::encode(&elsewhere);
            vec![Operation::Put(keys::collection(it.calendar.id), header)]
        }),
        ("collection", true, |it| {
            let detached = Collection {
                parent: Some(it.calendar.id),
                ..it.calendar.clone()
            };
            let header = record::encode(&detached);
            vec![Operation::Put(keys::collection(it.calendar.id), header)]
        }),
        ("collection", true, |it| {
            // The only member of itself.
            let circle = Collection {
                parent: Some(CollectionId(1)),
                id: CollectionId(2),
                name: "a".to_owned(),
                ..it.calendar.clone()
            };
            let other = Collection {
                parent: Some(CollectionId(2)),
                id: CollectionId(1),
                ..circle.clone()
            };
            vec![
                Operation::Put(keys::collection(circle.id), record::encode(&circle)),
                Operation::Put(keys::collection(other.id), record::encode(&other)),
                Operation::Put(
                    keys::member(circle.id, "a"),
                    record::encode_binding(other.id),
                ),
                Operation::Put(
                    keys::member(other.id, "a"),
                    record::encode_binding(circle.id),
                ),
            ]
        }),
        ("change", true, |it| {
            vec![Operation::Append {
                prefix: keys::changes(it.calendar.id),
                value: Bytes::from_static(b"x"),
            }]
        }),
        ("change", true, |_| {
            vec![Operation::Append {
                prefix: keys::changes(CollectionId(1)),
                value: record::encode(&record::LogRecord::Created),
            }]
        }),
        ("change", true, |it| {
            let entry = record::encode(&record::LogRecord::Removed("a.ics".to_owned()));
            vec![Operation::Append {
                prefix: keys::changes(it.calendar.id),
                value: entry,
            }]
        }),
        ("uid", true, |it| {
            let key = keys::uid(it.home, "a", it.calendar.id);
            vec![Operation::Put(key, Bytes::from_static(b"x"))]
        }),
        ("usage", true, |it| {
            vec![Operation::Put(
                keys::usage(it.home),
                Bytes::from_static(b"x"),
            )]
        }),
        ("blob", true, |it| {
            vec![Operation::Put(
                keys::blob(&it.hash),
                Bytes::from_static(b"x"),
            )]
        }),
        ("blob", true, |it| {
            vec![Operation::Delete(keys::blob(&it.hash))]
        }),
        ("blob", true, |_| {
            let piece = keys::blob_chunk(&[7; 32], 0);
            vec![Operation::Put(piece, Bytes::from_static(b"x"))]
        }),
        ("work", false, |_| {
            let id = WorkId {
                due: Timestamp(0),
                id: 1,
            };
            vec![Operation::Put(
                keys::work("q", &id),
                Bytes::from_static(b"x"),
            )]
        }),
        ("locks", true, |it| {
            vec![Operation::Put(
                keys::locks(it.home),
                Bytes::from_static(b"x"),
            )]
        }),
        ("locks", true, |it| {
            let lock = |names: &str, token: &str| Lock {
                token: token.to_owned(),
                root: LockRoot {
                    path: path("alice", names),
                    is_collection: false,
                },
                deep: false,
                exclusive: true,
                principal: it.alice.id,
                owner: Bytes::new(),
                timeout_seconds: 60,
                expires: Timestamp(i64::MAX),
            };
            let locks = vec![
                lock("calendar/a.ics", "there"),
                lock("calendar/b", "nowhere"),
            ];
            vec![Operation::Put(keys::locks(it.home), record::encode(&locks))]
        }),
    ];
    for (number, (row, mended, breakage)) in cases.iter().enumerate() {
        let ground = ground().await;
        let store = &ground.world.store;
        let objects = objects(store).await;
        let operations = breakage(&ground);
        store.commit_rows(Vec::new(), operations).await.unwrap();
        // Rows that the breakage itself took.
        let left = self::objects(store).await;
        let found = store.check().await.unwrap();
        let here = format!("case {number}, {row}: {found:?}");
        assert!(found.iter().any(|damage| damage.row == *row), "{here}");
        assert_eq!(
            found.iter().all(|damage| damage.can_be_mended),
            *mended,
            "{here}"
        );

        let (told, mendings) = repair(store).await;
        let after = store.check().await.unwrap();
        assert!(
            after.iter().all(|damage| !damage.can_be_mended),
            "{here}: {mendings:?}, then {after:?}"
        );
        assert_eq!(
            after.is_empty(),
            *mended,
            "{here}: {mendings:?}, then {after:?}"
        );
        assert!(
            told.iter().any(|damage| damage.row == *row),
            "{here}: {told:?}"
        );
        assert!(!*mended || !mendings.is_empty(), "{here}");
        assert_eq!(
            self::objects(store).await,
            left,
            "{here}: no object is thrown away"
        );
        assert!(left.len() + 1 >= objects.len());
        assert_eq!(
            repair(store).await.1,
            Vec::<String>::new(),
            "{here}: once is enough"
        );
    }
}

/// What people wrote: all objects by collection and name.
async fn objects(store: &Store) -> Vec<Key> {
    let range = KeyRange::prefix(keys::whole(keys::Keyspace::Member));
    let rows = store.scan_all(range).await.unwrap();
    let is_object = |(key, entry): (Key, Entry)| {
        let member = record::decode_member(&entry).map(|member| member.value);
        (!matches!(member, Ok(Member::Collection(_)))).then_some(key)
    };
    rows.into_iter().filter_map(is_object).collect()
}

/// Mends what can be mended; gives what was found, and what was done.
async fn repair(store: &Store) -> (Vec<Damage>, Vec<String>) {
    let (events, mut told) = tokio::sync::mpsc::channel(1_000);
    store.check_aloud(true, events).await.unwrap();
    let (mut damage, mut mendings) = (Vec::new(), Vec::new());
    while let Some(event) = told.recv().await {
        match event {
            CheckEvent::Found(found) => damage.push(found),
            CheckEvent::Mended(what) => mendings.push(what),
            CheckEvent::Unreadable(what) => panic!("{what}"),
            CheckEvent::Reading { .. } => {}
        }
    }
    (damage, mendings)
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

/// A store that is written meanwhile is judged as a quiet one: by rows of one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_merely_changes_is_no_damage() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let ground = ground().await;
    let world = Arc::new(ground.world);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (world, stop) = (Arc::clone(&world), Arc::clone(&stop));
        async move {
            let mut number = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let place = path("alice", &format!("calendar/{}.ics", number % 7));
                let uid = format!("uid-{}", number % 7);
                match world.resolve(&place).await.found {
                    Found::Object(_) => drop(world.remove(&place).await.unwrap()),
                    _ => drop(
                        world
                            .put(&place, &event(&uid, &number.to_string()))
                            .await
                            .unwrap(),
                    ),
                }
                let made = path("alice", "made");
                match number % 10 {
                    0 => drop(world.make(&made, CollectionKind::Plain).await),
                    5 if number > 10 => world.detach(&made).await,
                    7 => world.purge().await,
                    _ => {}
                }
                tokio::task::yield_now().await;
            }
        }
    });
    for _ in 0..30 {
        let (found, mendings) = repair(&world.store).await;
        assert_eq!((found, mendings), (Vec::new(), Vec::new()));
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    world.assert_sound().await;
}

/// What follows from the trash's rows is mended; the rows stay as they are.
#[tokio::test]
async fn what_follows_from_the_trash_is_mended() {
    let Ground {
        world, home, hash, ..
    } = ground().await;
    let world = World {
        store: world.store.clone().keeping(Some(TrashPolicy {
            deleted_milliseconds: i64::MAX,
            versions_milliseconds: i64::MAX,
            version_apart_milliseconds: 0,
            home_octets: u64::MAX >> 1,
        })),
        ..world
    };
    world.remove(&path("alice", "big")).await.unwrap();
    world
        .make(&path("alice", "kept"), CollectionKind::Plain)
        .await;
    world.detach(&path("alice", "kept")).await;
    world.store.weigh_trash().await.unwrap();
    world.assert_sound().await;
    let rows = |space| world.store.scan_all(KeyRange::prefix(keys::whole(space)));
    let trash = rows(keys::Keyspace::Trash).await.unwrap();
    let (kept, _) = rows(keys::Keyspace::TrashedCollection)
        .await
        .unwrap()
        .remove(0);
    let (_, collection) = keys::detached_ids(&kept).unwrap();
    let reference = keys::blob_references(&hash);
    let reference = world.store.scan_all(KeyRange::prefix(reference)).await;
    let (reference, _) = reference.unwrap().remove(0);
    let nobody = CollectionId(99);
    let record = world.store.backend().get(&kept).await.unwrap().unwrap();
    let breakages: [(&str, Operation); 6] = [
        ("trash usage", Operation::Delete(keys::trash_usage(home))),
        (
            "trash usage",
            Operation::Put(keys::trash_usage(home), Bytes::from_static(b"x")),
        ),
        ("blob reference", Operation::Delete(reference)),
        (
            "blob reference",
            Operation::Put(
                keys::blob_reference_of_trash(&hash, nobody, Revision(1), "x"),
                Bytes::new(),
            ),
        ),
        (
            "trashed collection",
            Operation::Put(keys::detached(home, collection), Bytes::new()),
        ),
        (
            "trashed collection",
            Operation::Put(keys::trashed(home, nobody), record.value),
        ),
    ];
    for (row, breakage) in breakages {
        world
            .store
            .commit_rows(Vec::new(), vec![breakage])
            .await
            .unwrap();
        let damage = world.store.check().await.unwrap();
        assert!(
            damage.iter().any(|it| it.row == row && it.can_be_mended),
            "{row}: {damage:?}"
        );
        let (found, mendings) = repair(&world.store).await;
        assert!(!found.is_empty() && !mendings.is_empty(), "{row}");
        world.assert_sound().await;
    }
    assert_eq!(rows(keys::Keyspace::Trash).await.unwrap(), trash);
    let trashed = rows(keys::Keyspace::TrashedCollection).await.unwrap();
    assert_eq!(trashed.len(), 1);
}
