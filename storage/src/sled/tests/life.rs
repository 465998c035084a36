//! Opening, closing, and what readers see in between.

use super::{
    bad_disk::{BadDisk, Call},
    *,
};
use crate::{
    Revision, Timestamp,
    backend::Expect,
    sled::{index::Index, overlay::Version, read::View, recovery},
};

#[tokio::test]
async fn a_folder_is_opened_once() {
    let place = Place::new();
    let store = place.open();
    let error = place.try_open().err().unwrap();
    assert!(
        matches!(error, OpenError::InUse { pid: Some(pid) } if pid == std::process::id()),
        "{error}"
    );
    store.close().await;
    let again = place.open();
    drop(store);
    assert!(
        place.try_open().is_err(),
        "dropping the closed one does not unlock the folder"
    );
    drop(again);
    place.open();
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let place = Place::new();
    drop(place.open());
    fs::write(place.path().join("format"), "format 4\n").unwrap();
    assert!(matches!(
        place.try_open(),
        Err(OpenError::NewerFormat { found: 4, known: 3 })
    ));
}

#[tokio::test]
async fn a_closed_store_answers_nothing() {
    let place = Place::new();
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    store.close().await;
    assert!(store.get(&key("a")).await.is_err());
    assert!(write(&store, "b", "1").await.is_err());
    assert_eq!(store.revision(), Revision(1));
}

/// Many restarts leave no trail of empty segments.
#[tokio::test]
async fn restarts_leave_nothing_behind() {
    let place = Place::new();
    for _ in 0..5 {
        drop(place.open());
    }
    assert_eq!(place.segments().len(), 1);
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    drop(store);
    for _ in 0..5 {
        drop(place.open());
    }
    assert_eq!(place.segments().len(), 2);
}

/// Those whose commits were acknowledged find them, those who were refused do not, when the store is
/// closed in the middle of work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_in_the_middle_of_work_is_clean() {
    for round in 0..5 {
        let place = Place::new();
        let store = Arc::new(place.open());
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let name = format!("{writer} {number:05}");
                        match write(&store, &name, "1").await {
                            Ok(_) => acknowledged.push(name),
                            Err(error) => {
                                assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
                                break;
                            }
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        let mut watch = store.watch();
        watch
            .wait_for(|revision| revision.0 > 20 * round)
            .await
            .unwrap();
        store.close().await;
        let mut acknowledged = Vec::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        acknowledged.sort();
        drop(store);
        assert_eq!(names(&place.open()).await, acknowledged);
    }
}

/// As long as a reader holds a version, the index gets nothing that he must not see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_his_moment_whatever_is_moved() {
    let place = Place::new();
    let store = place.open();
    for name in ["a", "b"] {
        write(&store, name, "old").await.unwrap();
    }
    let held = store.shared.overlay.pin();
    let before = View::of(&held).page(&KeyRange::all(), EVERYTHING).unwrap();
    write(&store, "a", "new").await.unwrap();
    write(&store, "c", "new").await.unwrap();
    let removal = Commit {
        id: 0,
        expect: vec![],
        operations: vec![Operation::Delete(key("b"))],
        observed: None,
    };
    store.commit(removal).await.unwrap();
    store.shared.overlay.freeze();
    store.shared.mover.wake();
    while !store.shared.mover.waits_for_reader() {
        assert!(
            store.shared.overlay.oldest_frozen().is_some(),
            "nothing is moved past a reader"
        );
        tokio::task::yield_now().await;
    }
    assert_eq!(
        View::of(&held).page(&KeyRange::all(), EVERYTHING).unwrap(),
        before
    );
    drop(held);
    while store.shared.overlay.oldest_frozen().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(names(&store).await, ["a", "c"]);
    let index = store.shared.overlay.pin().index.clone().unwrap();
    assert_eq!(index.contains().unwrap().unwrap().revision, Revision(5));
    assert_eq!(index.get(&key("a")).unwrap().unwrap().value, "new");
    assert_eq!(index.get(&key("b")).unwrap(), None);
}

const EVERYTHING: Page = Page {
    rows: usize::MAX,
    octets: usize::MAX,
    reverse: false,
};

/// Start after an unclean stop reads the journal since the checkpoint, not before it.
#[tokio::test]
async fn replay_starts_at_the_checkpoint() {
    let place = Place::new();
    fill(&place, 50).await;
    let rows = fill(&place, 50).await;
    let first = place.segments().remove(0);
    fs::remove_file(first).unwrap();
    let store = place.open();
    assert_eq!(all(&store).await, rows, "the first segment was not needed");
    assert_eq!(
        write(&store, "x", "1").await.unwrap().revision,
        Revision(111)
    );
}

/// After an unclean stop the journal since the checkpoint is read, of everything before it no more than
/// the headers, and no snapshot at all.
#[tokio::test]
async fn a_start_reads_what_the_index_may_lack() {
    let place = Place {
        options: Options {
            segment_octets: 64 * 1024,
            snapshot_octets: u64::MAX,
            ..Place::cramped().options
        },
        ..Place::new()
    };
    let store = place.open();
    for number in 0..80 {
        write(&store, &format!("{number}"), &"x".repeat(30_000))
            .await
            .unwrap();
    }
    drop(store);
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    // No further checkpoint: as if it had been killed.
    plan.fail(std::io::ErrorKind::Other, |_, path| {
        path.with_extension("").ends_with("checkpoint")
    });
    const LATER: usize = 20;
    for number in 0..LATER {
        write(&store, &format!("later {number}"), &"x".repeat(200))
            .await
            .unwrap();
    }
    let rows = all(&store).await;
    store.close().await;
    assert!(plan.failed() > 0, "it would have set a checkpoint");
    drop(store);

    let octets_of = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let journal: u64 = place.segments().iter().map(octets_of).sum();
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    // With the room that is kept ahead of the journal's end.
    let needed = LATER as u64 * 300 + 2 * place.options.segment_octets + 256 * 1024;
    let headers = 200 * place.segments().len() as u64;
    let read = plan.octets_read();
    assert!(
        read > 0 && read < needed + headers && read < journal / 4,
        "{read} of {journal} octets were read"
    );
    assert_eq!(all(&store).await, rows);
}

/// A group may hold commits that depend on each other: each sees those before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_of_one_group_see_each_other() {
    let place = Place::new();
    let store = Arc::new(place.open());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            let commit = Commit {
                expect: vec![Expect::Absent(key("a"))],
                ..put("a", &number.to_string())
            };
            tokio::spawn(async move { store.commit(commit).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!((winners, store.revision()), (1, Revision(1)));
}

/// A snapshot is scanned while everything changes, before and behind the page being read; with the
/// journal of that time it is the store as of its last commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_a_store_in_motion_is_of_one_moment() {
    const ROWS: usize = 2000;
    let place = Place::new();
    let store = Arc::new(place.open());
    let row = |number: usize| Operation::Put(key(&format!("{number:04}")), key("old"));
    let rows = Commit {
        id: 0,
        expect: vec![],
        operations: (0..ROWS).map(row).collect(),
        observed: None,
    };
    store.commit(rows).await.unwrap();
    let folder = place.at();
    let runtime = tokio::runtime::Handle::current();
    let writer = store.clone();
    let snapshot = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || {
            let mut pages = 0;
            let mut change = || {
                pages += 1;
                for number in [0, 1000, ROWS - 2] {
                    let operations = vec![
                        Operation::Put(
                            key(&format!("{:04}", number + pages % 2)),
                            key(&format!("new {pages}")),
                        ),
                        Operation::Put(key(&format!("{number:04} added {pages}")), key("")),
                        Operation::Delete(key(&format!("{:04}", number + 2 + pages))),
                    ];
                    let change = Commit {
                        id: 0,
                        expect: vec![],
                        operations,
                        observed: None,
                    };
                    runtime.block_on(writer.commit(change)).unwrap();
                }
                true
            };
            let place = snapshot::write(&folder, &writer.shared.overlay, &mut change).unwrap();
            assert!(pages >= 3, "the store is read in pages");
            place
        }
    });
    let snapshot = snapshot.await.unwrap();
    assert_eq!(snapshot.through, store.revision());
    let index = Index::open(&place.path().join("elsewhere"), 1 << 20).unwrap();
    recovery::load(&index, &snapshot.path, &folder).unwrap();
    let loaded = Version {
        last: Committed {
            revision: snapshot.through,
            time: Timestamp(0),
        },
        active: Arc::default(),
        frozen: Vec::new(),
        moved: snapshot.through,
        index: Some(Arc::new(index)),
    };
    let page = Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse: false,
    };
    let everything = View::of(&loaded).page(&KeyRange::all(), page).unwrap();
    assert_eq!(everything.rows, all(&store).await);
}

/// However the clock is stepped, the times of commits never go backwards, in one life and over restarts.
#[tokio::test]
async fn commit_times_never_go_backwards() {
    const TWENTY_YEARS: i64 = 20 * 365 * 24 * 60 * 60 * 1000;
    let place = Place::new();
    let clock = Arc::new(ManualClock::default());
    let mut times = Vec::new();
    for step in [
        0,
        -TWENTY_YEARS,
        TWENTY_YEARS,
        TWENTY_YEARS,
        -2 * TWENTY_YEARS,
        1,
    ] {
        clock.advance(step);
        let store = Sled::open(place.path(), place.options.clone(), clock.clone()).unwrap();
        times.push(write(&store, "a", "1").await.unwrap().time);
        clock.advance(-1000);
        times.push(write(&store, "b", "1").await.unwrap().time);
        drop(store);
        if times.len() == 6 {
            place.remove_index();
        }
    }
    assert!(times.is_sorted(), "{times:?}");
}

/// A disk that can only be read: a start says so, and a running store goes on reading.
#[tokio::test]
async fn a_folder_that_can_only_be_read() {
    use std::io::ErrorKind::ReadOnlyFilesystem;
    let place = Place::new();
    let disk = Arc::new(BadDisk::default());
    let plan = disk.plan.clone();
    let store = place.open_on(disk.clone());
    write(&store, "a", "1").await.unwrap();
    let is_change = |call, _: &Path| !matches!(call, Call::Read | Call::List);
    plan.fail(ReadOnlyFilesystem, is_change);
    let refused = write(&store, "b", "1").await.unwrap_err();
    assert_eq!(
        refused,
        CommitError::Unavailable(
            "the journal cannot be written: read-only filesystem or storage medium".to_owned()
        )
    );
    assert_eq!(names(&store).await, ["a"]);
    plan.heal();
    write(&store, "b", "1").await.unwrap();
    drop(store);

    plan.fail(ReadOnlyFilesystem, is_change);
    let options = place.options.clone();
    let clock = Arc::new(ManualClock::default());
    let refused = Sled::open_on(disk, place.path(), options, clock)
        .err()
        .unwrap();
    let text = refused.to_string();
    assert!(
        text.starts_with("cannot ")
            && text.contains(place.path().to_str().unwrap())
            && text.ends_with(": read-only filesystem or storage medium"),
        "{text}"
    );
    assert_eq!(names(&place.open()).await, ["a", "b"]);
}
