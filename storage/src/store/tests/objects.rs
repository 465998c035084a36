//! Objects, the UID index, quota and races.

use super::*;

#[tokio::test]
async fn before_must_be_what_is_stored() {
    let world = world().await;
    world.user("alice").await;
    let place = path("alice", "calendar/a.ics");
    world.put(&place, &event("a", "one")).await.unwrap();
    let calendar = world.collection(&path("alice", "calendar")).await;
    let first = world
        .store
        .object(calendar.id, "a.ics")
        .await
        .unwrap()
        .unwrap();
    world.put(&place, &event("a", "two")).await.unwrap();

    let conflicts = |batch| async {
        assert!(matches!(
            world.store.commit(batch).await,
            Err(CommitError::Conflict(_))
        ));
    };
    let mut batch = world.store.batch();
    batch.put_object(&calendar, "a.ics", Some(&first), &event("a", "three"));
    conflicts(batch).await;
    let mut batch = world.store.batch();
    batch.put_object(&calendar, "a.ics", None, &event("a", "three"));
    conflicts(batch).await;
    let mut batch = world.store.batch();
    batch.remove_object(&calendar, "a.ics", &first);
    conflicts(batch).await;
    let mut batch = world.store.batch();
    batch.expect_object(calendar.id, "a.ics", first.revision);
    conflicts(batch).await;
    let mut batch = world.store.batch();
    batch.expect_absent(calendar.id, "a.ics");
    conflicts(batch).await;
    world.remove(&place).await.unwrap();
    let mut batch = world.store.batch();
    batch.expect_absent(calendar.id, "a.ics");
    world.store.commit(batch).await.unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn several_objects_come_in_the_order_asked_for() {
    let world = world().await;
    world.user("alice").await;
    for name in ["a", "b"] {
        world.put(&path("alice", name), &file(name)).await.unwrap();
    }
    let home = world.collection(&path("alice", "")).await.id;
    let names = ["b", "none", "calendar", "a"].map(str::to_owned);
    let objects = world.store.objects(home, &names).await.unwrap();
    let found: Vec<_> = objects
        .into_iter()
        .map(|it| it.map(|it| it.value))
        .collect();
    assert_eq!(found, [Some(file("b")), None, None, Some(file("a"))]);
}

/// RFC 4791 §4.1
#[tokio::test]
async fn a_uid_is_used_once_in_a_calendar() {
    let world = world().await;
    let home = world.user("alice").await.home.unwrap();
    world
        .make(&path("alice", "work"), CollectionKind::Calendar)
        .await;
    world
        .put(&path("alice", "calendar/a.ics"), &event("uid", "one"))
        .await
        .unwrap();
    let twin = world
        .put(&path("alice", "calendar/b.ics"), &event("uid", "two"))
        .await;
    assert!(matches!(twin, Err(CommitError::Conflict(_))));
    world
        .put(&path("alice", "work/b.ics"), &event("uid", "two"))
        .await
        .unwrap();
    let places = world.store.find_uid(home, "uid").await.unwrap();
    let mut names: Vec<_> = places.iter().map(|place| place.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a.ics", "b.ics"]);

    // The UID goes with the object and with its change.
    world
        .put(&path("alice", "calendar/a.ics"), &event("other", "one"))
        .await
        .unwrap();
    world
        .put(&path("alice", "calendar/c.ics"), &event("uid", "three"))
        .await
        .unwrap();
    world.remove(&path("alice", "work/b.ics")).await.unwrap();
    let places = world.store.find_uid(home, "uid").await.unwrap();
    assert_eq!(
        places
            .iter()
            .map(|place| place.name.as_str())
            .collect::<Vec<_>>(),
        ["c.ics"]
    );
    world.assert_sound().await;
}

/// RFC 6638 §2.2: the inbox holds as many messages about one UID as arrive.
#[tokio::test]
async fn messages_in_the_inbox_have_no_place_in_the_index() {
    let world = world().await;
    let home = world.user("alice").await.home.unwrap();
    for name in ["1", "2"] {
        world
            .put(
                &path("alice", &format!("inbox/{name}")),
                &event("uid", name),
            )
            .await
            .unwrap();
    }
    assert!(world.store.find_uid(home, "uid").await.unwrap().is_empty());
    world.assert_sound().await;
}

#[tokio::test]
async fn a_change_of_the_places_of_a_uid_is_a_conflict() {
    let world = world().await;
    let home = world.user("alice").await.home.unwrap();
    for name in ["b", "c"] {
        world
            .make(&path("alice", name), CollectionKind::Calendar)
            .await;
    }
    let scheduling = |uid: &str| {
        let mut object = event(uid, "scheduling");
        object.calendar.as_mut().unwrap().scheduling = true;
        object
    };
    let steps: [(&str, Option<Object>); 6] = [
        ("calendar/x", Some(event("uid", "1"))),
        ("b/x", Some(event("uid", "2"))),
        ("c/x", Some(event("uid", "3"))),
        ("b/x", Some(scheduling("uid"))),
        ("c/x", Some(event("other", "4"))),
        ("calendar/x", None),
    ];
    for (names, step) in steps {
        let places = world.store.find_uid(home, "uid").await.unwrap();
        let commit = || {
            let mut batch = world.store.batch();
            batch.expect_uid(home, "uid", &places);
            world.store.commit(batch)
        };
        commit().await.unwrap();
        // Changes that leave all places as they are do not disturb.
        world
            .put(&path("alice", "b/unrelated"), &event("unrelated", names))
            .await
            .unwrap();
        commit().await.unwrap();
        match step {
            Some(object) => world.put(&path("alice", names), &object).await.unwrap(),
            None => world.remove(&path("alice", names)).await.unwrap(),
        };
        assert!(
            matches!(commit().await, Err(CommitError::Conflict(_))),
            "{names}"
        );
    }
    let places = world.store.find_uid(home, "uid").await.unwrap();
    assert_eq!(
        places
            .iter()
            .map(|place| place.scheduling)
            .collect::<Vec<_>>(),
        [true]
    );
}

#[tokio::test]
async fn objects_change_places_in_one_commit() {
    let world = world().await;
    let home = world.user("alice").await.home.unwrap();
    let calendar = world.collection(&path("alice", "calendar")).await;
    for name in ["a", "b"] {
        world
            .put(
                &path("alice", &format!("calendar/{name}")),
                &event(name, name),
            )
            .await
            .unwrap();
    }
    let [a, b] = ["a", "b"].map(|name| world.store.object(calendar.id, name));
    let (a, b) = (a.await.unwrap().unwrap(), b.await.unwrap().unwrap());

    // A rename: the same UID under another name, whatever comes first.
    let mut batch = world.store.batch();
    batch
        .put_object(&calendar, "c", None, &a)
        .remove_object(&calendar, "a", &a);
    world.store.commit(batch).await.unwrap();
    let c = world.store.object(calendar.id, "c").await.unwrap().unwrap();
    // An exchange of the octets of two objects.
    let mut batch = world.store.batch();
    batch
        .put_object(&calendar, "c", Some(&c), &b)
        .put_object(&calendar, "b", Some(&b), &c);
    world.store.commit(batch).await.unwrap();
    world.assert_sound().await;
    let place = |uid: &'static str| async {
        world.store.find_uid(home, uid).await.unwrap()[0]
            .name
            .clone()
    };
    assert_eq!(
        (place("a").await, place("b").await),
        ("b".to_owned(), "c".to_owned())
    );

    // What would leave two objects with one UID is no batch.
    let b = world.store.object(calendar.id, "b").await.unwrap().unwrap();
    let mut batch = world.store.batch();
    batch
        .put_object(&calendar, "d", None, &event("new", ""))
        .put_object(&calendar, "e", None, &event("new", ""));
    assert!(matches!(
        world.store.commit(batch).await,
        Err(CommitError::Limit(_))
    ));
    let mut batch = world.store.batch();
    batch.put_object(&calendar, "d", None, &b);
    assert!(matches!(
        world.store.commit(batch).await,
        Err(CommitError::Conflict(_))
    ));
    world.assert_sound().await;
}

#[tokio::test]
async fn names_have_bounds() {
    let world = world().await;
    world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    let long = "x".repeat(MAXIMUM_NAME_OCTETS);
    let too_long = "x".repeat(MAXIMUM_NAME_OCTETS + 1);
    for (name, good) in [
        ("", false),
        ("a/b", false),
        ("a\0b", false),
        (&too_long, false),
        (&long, true),
        ("ü@ %", true),
    ] {
        let mut batch = world.store.batch();
        batch.put_object(&home, name, None, &file(""));
        assert_eq!(world.store.commit(batch).await.is_ok(), good, "{name}");
    }
    world.assert_sound().await;
}

/// RFC 4331 §6
#[tokio::test]
async fn a_full_home_only_shrinks() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = world.collection(&path("alice", "")).await;
    let put = async |name: &str, octets: usize, maximum: u64| {
        let before = world.store.object(home.id, name).await.unwrap();
        let mut batch = world.store.batch();
        batch.put_object(&home, name, before.as_ref(), &file(&"x".repeat(octets)));
        batch.bound_usage(home.id, maximum);
        world.store.commit(batch).await
    };
    put("a", 60, 100).await.unwrap();
    put("b", 40, 100).await.unwrap();
    assert_eq!(
        put("c", 1, 100).await,
        Err(CommitError::Limit(crate::backend::COUNTER_MAXIMUM))
    );
    put("c", 0, 100).await.unwrap();
    put("a", 50, 20).await.unwrap();
    assert_eq!(world.used(&alice).await, 90);
    world.remove(&path("alice", "b")).await.unwrap();
    assert_eq!(world.used(&alice).await, 50);
    let mut object = file("123");
    object
        .properties
        .insert("{urn:x}y".to_owned(), Bytes::from_static(b"12"));
    world.put(&path("alice", "b"), &object).await.unwrap();
    assert_eq!(
        world.used(&alice).await,
        50 + 3 + 8 + 2,
        "dead properties count"
    );
    world.assert_sound().await;
}

/// No interleaving of writers loses an update.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_writers_lose_nothing() {
    race(world().await).await;
}

pub(super) async fn race(world: World) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 25;
    let world = Arc::new(world);
    world.user("alice").await;
    let place = path("alice", "calendar/a.ics");
    world.put(&place, &event("a", "")).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (world, place) = (Arc::clone(&world), place.clone());
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    while !append_one(&world, &place).await {}
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let Found::Object(object) = world.resolve(&place).await.found else {
        unreachable!()
    };
    assert_eq!(object.content.length(), (WRITERS * ROUNDS) as u64);
    world.assert_sound().await;
}

async fn append_one(world: &World, place: &ResourcePath) -> bool {
    let resolution = world.resolve(place).await;
    let Found::Object(before) = &resolution.found else {
        panic!("it is never removed")
    };
    let octets = world.store.content(&before.content).await.unwrap();
    let longer = format!("{}x", std::str::from_utf8(&octets).unwrap());
    let mut batch = world.store.batch();
    batch.put_object(
        resolution.collection(),
        "a.ics",
        Some(before),
        &event("a", &longer),
    );
    match world.store.commit(batch).await {
        Ok(_) => true,
        Err(CommitError::Conflict(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn locks_are_written_upon_what_was_read() {
    let world = world().await;
    let alice = world.user("alice").await;
    let home = alice.home.unwrap();
    let lock = |token: &str| Lock {
        token: token.to_owned(),
        root: LockRoot {
            path: path("alice", "calendar"),
            is_collection: true,
        },
        deep: true,
        exclusive: true,
        principal: alice.id,
        owner: Bytes::new(),
        timeout_seconds: 60,
        expires: Timestamp(0),
    };
    let set = async |before: &Stored<Vec<Lock>>, after: &[Lock]| {
        let mut batch = world.store.batch();
        batch.set_locks(home, before, after);
        world.store.commit(batch).await
    };
    let none = world.store.locks(home).await.unwrap();
    assert_eq!(none, Stored::new(Vec::new()));
    set(&none, &[lock("a")]).await.unwrap();
    assert!(matches!(
        set(&none, &[lock("b")]).await,
        Err(CommitError::Conflict(_))
    ));
    let one = world.store.locks(home).await.unwrap();
    assert_eq!(one.value, [lock("a")]);
    let many: Vec<_> = (0..1_000).map(|number| lock(&number.to_string())).collect();
    assert!(matches!(set(&one, &many).await, Err(CommitError::Limit(_))));
    set(&one, &[]).await.unwrap();
    let mut batch = world.store.batch();
    batch.expect_locks(home, &one);
    assert!(matches!(
        world.store.commit(batch).await,
        Err(CommitError::Conflict(_))
    ));
    assert_eq!(world.store.locks(home).await.unwrap(), none);
}
