//! Collections of many objects: copied, moved and deleted in bounded commits, and never seen half.

use std::sync::atomic::{AtomicBool, Ordering};

use storage::{
    BUILDING_MILLISECONDS,
    model::{CalendarFacts, Content},
};

use super::{measured::Measured, yielding::Yielding, *};

/// Fills a calendar with that many objects, as fast as the store can.
async fn fill(world: &World, calendar: &str, objects: usize) {
    let store = world.desk.store();
    let first = format!("{calendar}/first.ics");
    world.put(&first, event("first", "")).await.unwrap();
    let object = world.object(&first).await.unwrap();
    let resolution = store.resolve(&path(calendar)).await.unwrap().unwrap();
    let numbers: Vec<usize> = (1..objects).collect();
    for numbers in numbers.chunks(200) {
        let mut batch = store.batch();
        for number in numbers {
            let uid = format!("uid-{number}");
            let content = Content::Inline(event(&uid, ""));
            let facts = CalendarFacts {
                uid,
                ..object.calendar.clone().unwrap()
            };
            let object = Object {
                content,
                calendar: Some(facts),
                ..object.clone()
            };
            let name = format!("{number:05}.ics");
            batch.put_object(resolution.collection(), &name, None, &object);
        }
        store.commit(batch).await.unwrap();
    }
}

/// The names in a collection; `None` where there is none.
async fn names(world: &World, at: &str) -> Option<Vec<String>> {
    let store = world.desk.store();
    let resolution = store.resolve(&path(at)).await.unwrap()?;
    let (Found::Collection, id) = (&resolution.found, resolution.collection().id) else {
        return None;
    };
    let mut names: Vec<String> = Vec::new();
    loop {
        let after = names.last().cloned();
        let page = store.members(id, after.as_deref(), 1_000).await.unwrap();
        names.extend(page.0.into_iter().map(|listed| listed.name));
        if !page.1 {
            return Some(names);
        }
    }
}

async fn used(world: &World) -> u64 {
    let home = world.alice.principal.home.unwrap();
    world.desk.store().used_octets(home).await.unwrap()
}

async fn purge(world: &World) {
    while world.desk.store().purge_detached(1_000).await.unwrap() {}
}

async fn assert_sound(world: &World) {
    assert_eq!(world.desk.store().check().await.unwrap(), []);
}

/// RFC 4918 §9.8, §9.9, §9.6: whatever is in a collection, no commit and no read grows with it.
#[tokio::test]
async fn ten_thousand_objects_in_bounded_steps() {
    const OBJECTS: usize = 10_000;
    let mut measured = None;
    let world = world_with(Settings::default(), |memory| {
        let backend = Arc::new(Measured::new(Arc::new(memory)));
        measured = Some(Arc::clone(&backend));
        backend
    })
    .await;
    let measured = measured.unwrap();
    world
        .make("alice/a", CollectionKind::Calendar)
        .await
        .unwrap();
    fill(&world, "alice/a", OBJECTS).await;
    let all = names(&world, "alice/a").await;
    assert_eq!(all.as_ref().unwrap().len(), OBJECTS);
    let octets = used(&world).await;

    measured.reset();
    let (written, failures) = world.copy("alice/a", "alice/b").await.unwrap();
    assert!(written.created && failures.is_empty());
    assert_eq!(names(&world, "alice/b").await, all);
    assert_eq!(used(&world).await, 2 * octets);
    // a copy over what is there, too, and what was there goes
    assert!(!world.copy("alice/a", "alice/b").await.unwrap().0.created);
    assert_eq!(names(&world, "alice/b").await, all);
    world.rename("alice/b", "alice/c").await.unwrap();
    assert_eq!(names(&world, "alice/c").await, all);
    assert_eq!(names(&world, "alice/b").await, None);
    world.delete("alice/c").await.unwrap();
    assert_eq!(names(&world, "alice/c").await, None);
    purge(&world).await;
    assert_eq!(used(&world).await, octets);
    assert_eq!(names(&world, "alice/a").await, all);

    let (octets, operations, read) = (
        measured.commit_octets.load(Ordering::Relaxed),
        measured.operations.load(Ordering::Relaxed),
        measured.read_octets.load(Ordering::Relaxed),
    );
    assert!(octets < 256 * 1024, "{octets} octets in one commit");
    assert!(operations < 1_000, "{operations} operations in one commit");
    assert!(read < 1024 * 1024, "{read} octets in one read");
    assert_sound(&world).await;
}

/// A move is one commit, however much is moved.
#[tokio::test]
async fn a_collection_moves_in_one_commit() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    world
        .make("alice/a", CollectionKind::Calendar)
        .await
        .unwrap();
    fill(&world, "alice/a", 450).await;
    let commits = faulty.commits();
    world.rename("alice/a", "alice/b").await.unwrap();
    assert_eq!(faulty.commits() - commits, 1);
}

/// Each commit of a copy fails in turn, once, or from there on as after a kill. Whoever looks sees what was
/// there before; the purge removes what is left over; the same copy succeeds afterwards.
#[tokio::test]
async fn a_copy_is_whole_or_not_there() {
    let (world, faulty) = faulty_world(Settings::default()).await;
    for at in ["alice/a", "alice/old"] {
        world.make(at, CollectionKind::Calendar).await.unwrap();
    }
    fill(&world, "alice/a", 450).await;
    world.put("alice/old/x.ics", event("x", "")).await.unwrap();
    let (source, octets) = (names(&world, "alice/a").await, used(&world).await);
    for (to, before) in [
        ("alice/new", None),
        ("alice/old", Some(vec!["x.ics".to_owned()])),
    ] {
        for killed in [false, true] {
            for nth in 1.. {
                let commits = faulty.commits();
                let error = CommitError::Unavailable("disk full".into());
                match killed {
                    false => faulty.fail_commit(nth, error),
                    true => faulty.fail_commits_from(nth, error),
                }
                let result = world.copy("alice/a", to).await;
                let reached = faulty.commits() - commits >= nth;
                faulty.heal();
                if !reached {
                    assert!(nth > 4, "{nth} commits");
                    result.unwrap();
                    break;
                }
                assert!(
                    matches!(result, Err(Refusal::Unavailable(_))),
                    "{to}, commit {nth}: {result:?}"
                );
                assert_eq!(names(&world, to).await, before, "{to}, commit {nth}");
                assert_eq!(names(&world, "alice/a").await, source);
                purge(&world).await;
                if killed && nth > 1 {
                    assert!(used(&world).await > octets, "it may still be going on");
                    world.clock.advance(BUILDING_MILLISECONDS + 1);
                    purge(&world).await;
                }
                assert_eq!(used(&world).await, octets, "{to}, commit {nth}");
                assert_sound(&world).await;
            }
            assert_eq!(names(&world, to).await, source);
            world.delete(to).await.unwrap();
            if let Some(names) = &before {
                world.make(to, CollectionKind::Calendar).await.unwrap();
                let at = format!("{to}/{}", names[0]);
                world.put(&at, event("x", "")).await.unwrap();
            }
            purge(&world).await;
            assert_eq!(used(&world).await, octets);
        }
    }
}

/// A request that is dropped in the middle leaves nothing behind but what the purge removes.
#[tokio::test]
async fn a_copy_that_is_dropped_leaves_nothing() {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    world
        .make("alice/a", CollectionKind::Calendar)
        .await
        .unwrap();
    fill(&world, "alice/a", 450).await;
    let octets = used(&world).await;
    let mut copying = Box::pin(world.copy("alice/a", "alice/b"));
    let mut polls = 0;
    while used(&world).await == octets {
        assert!(futures_poll(&mut copying).await.is_none());
        polls += 1;
    }
    assert!(polls > 1);
    drop(copying);
    purge(&world).await;
    assert!(used(&world).await > octets, "its time is not over");
    world.clock.advance(BUILDING_MILLISECONDS + 1);
    purge(&world).await;
    assert_eq!(used(&world).await, octets);
    assert_eq!(names(&world, "alice/b").await, None);
    assert_sound(&world).await;
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// A copy that the purge took over begins anew.
#[tokio::test]
async fn a_copy_that_was_too_slow_begins_anew() {
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    world
        .make("alice/a", CollectionKind::Calendar)
        .await
        .unwrap();
    fill(&world, "alice/a", 450).await;
    let octets = used(&world).await;
    let mut copying = Box::pin(world.copy("alice/a", "alice/b"));
    // until all is read, and only the last commits are to come
    while used(&world).await < 2 * octets {
        assert!(futures_poll(&mut copying).await.is_none());
    }
    world.clock.advance(BUILDING_MILLISECONDS + 1);
    purge(&world).await;
    copying.await.unwrap();
    assert_eq!(
        names(&world, "alice/b").await,
        names(&world, "alice/a").await
    );
    purge(&world).await;
    assert_eq!(used(&world).await, 2 * octets);
    assert_sound(&world).await;
}

/// RFC 4331 §6: what there is no room for is refused before anything is written.
#[tokio::test]
async fn a_copy_without_room() {
    let mut settings = Settings::default();
    settings.limits.quota_octets = Some(100_000);
    let (world, faulty) = faulty_world(settings).await;
    world.make("alice/c", CollectionKind::Plain).await.unwrap();
    world
        .make("alice/c/d", CollectionKind::Plain)
        .await
        .unwrap();
    world.put("alice/c/1", vec![1; 30_000]).await.unwrap();
    world.put("alice/c/d/2", vec![2; 30_000]).await.unwrap();
    let commits = faulty.commits();
    let refused = violated(world.copy("alice/c", "alice/e").await);
    assert_eq!(refused, Precondition::QuotaNotExceeded);
    assert_eq!(faulty.commits(), commits);
    world.delete("alice/c/1").await.unwrap();
    world.copy("alice/c", "alice/e").await.unwrap();
    assert_sound(&world).await;
}

/// Objects change their names, are removed and made while a calendar is copied: the copy is the calendar as
/// it was at one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_what_changes_is_of_one_moment() {
    const OBJECTS: usize = 700;
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    let world = Arc::new(world);
    world
        .make("alice/a", CollectionKind::Calendar)
        .await
        .unwrap();
    fill(&world, "alice/a", OBJECTS).await;
    let done = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn({
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        async move {
            let mut changes = 0;
            while !done.load(Ordering::SeqCst) {
                // from the part that is read first to the part that is read last, and back
                let (low, high) = (format!("{:05}.ics", 1 + changes % 150), "zz.ics");
                let (low, high) = (format!("alice/a/{low}"), format!("alice/a/{high}"));
                world.rename(&low, &high).await.unwrap();
                tokio::task::yield_now().await;
                world.rename(&high, &low).await.unwrap();
                changes += 1;
            }
            changes
        }
    });
    for round in 0..5 {
        let to = format!("alice/copy-{round}");
        world.copy("alice/a", &to).await.unwrap();
        // Each change is one commit that leaves the number as it is.
        assert_eq!(names(&world, &to).await.unwrap().len(), OBJECTS);
    }
    done.store(true, Ordering::SeqCst);
    assert!(changing.await.unwrap() > 0);
    purge(&world).await;
    assert_sound(&world).await;
}

/// The same of a tree of collections, which are moved, removed, replaced and given properties.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_changing_tree_is_of_one_moment() {
    use CollectionKind::Plain;
    let world = world_with(Settings::default(), |memory| {
        Arc::new(Yielding(Arc::new(memory)))
    })
    .await;
    let world = Arc::new(world);
    for at in ["alice/t", "alice/t/a", "alice/t/b", "alice/t/a/x"] {
        world.make(at, Plain).await.unwrap();
    }
    for number in 0..60 {
        let at = format!("alice/t/a/x/{number}");
        world.put(&at, number.to_string()).await.unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn({
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        async move {
            while !done.load(Ordering::SeqCst) {
                world.rename("alice/t/a/x", "alice/t/b/x").await.unwrap();
                world.put("alice/t/a/y", "file").await.unwrap();
                world.rename("alice/t/b/x", "alice/t/a/y").await.unwrap();
                world.rename("alice/t/a/y", "alice/t/a/x").await.unwrap();
            }
        }
    });
    for round in 0..20 {
        let to = format!("alice/copy-{round}");
        world.copy("alice/t", &to).await.unwrap();
        let files: Vec<_> = world.tree(&to).await;
        let numbered = files
            .iter()
            .filter(|at| at.contains("/x/") || at.contains("/y/"));
        let numbered = numbered.filter(|at| !at.ends_with('/')).count();
        assert_eq!(numbered, 60, "{files:?}");
    }
    done.store(true, Ordering::SeqCst);
    changing.await.unwrap();
    purge(&world).await;
    assert_sound(&world).await;
}
