//! The check finds what tests break on purpose.

mod breakages;

use super::*;
use crate::store::record::BlobPlace;

/// A sound store with one of each.
struct Ground {
    world: World,
    alice: Arc<Principal>,
    calendar: Collection,
    home: CollectionId,
    hash: [u8; 32],
    /// A file that came piece by piece, in format 4.
    upload: Uploaded,
    /// The hash of one as it is written today.
    filed: [u8; 32],
}

struct Uploaded {
    hash: [u8; 32],
    /// Where its pieces stand.
    place: [u8; 32],
}

async fn ground() -> Ground {
    let world = world().await;
    let alice = world.user("alice").await;
    let octets = Bytes::from(vec![1; 50_000]);
    let content = world.write_rows(&octets, BlobPlace::RowsUnderHash).await;
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
    let work = Work::new("q", payload, Timestamp(0));
    let mut batch = world.store.batch();
    batch.enqueue(&id, &work);
    let credential = Credential {
        hash: "hash".to_owned(),
        imported: false,
    };
    batch.put_credential(alice.id, None, &credential);
    world.store.commit(batch).await.unwrap();
    let calendar = world.collection(&path("alice", "calendar")).await.value;
    let upload = upload(&world).await;
    let filed = file_of_today(&world).await;
    world.assert_sound().await;
    Ground {
        upload,
        filed,
        home: alice.home.unwrap(),
        calendar,
        world,
        alice,
        hash,
    }
}

async fn upload(world: &World) -> Uploaded {
    let octets = Bytes::from(vec![3; 700_000]);
    let place = [6; 32];
    let content = world.write_rows(&octets, BlobPlace::Rows(place)).await;
    let object = Object {
        content,
        ..file("")
    };
    world.put(&path("alice", "bigger"), &object).await.unwrap();
    let hash = *blake3::hash(&octets).as_bytes();
    Uploaded { hash, place }
}

async fn file_of_today(world: &World) -> [u8; 32] {
    let octets = Bytes::from(vec![4; 700_000]);
    let object = Object {
        content: world.store.write_blob(octets.clone()).await.unwrap(),
        ..file("")
    };
    world.put(&path("alice", "filed"), &object).await.unwrap();
    *blake3::hash(&octets).as_bytes()
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
pub(super) async fn repair(store: &Store) -> (Vec<Damage>, Vec<String>) {
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
