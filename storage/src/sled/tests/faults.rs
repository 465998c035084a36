//! A disk that fails: the commit fails, the store stays sound, and service returns with the disk.

use std::{collections::BTreeMap, io::ErrorKind, sync::Mutex};

use super::{
    bad_disk::{BadDisk, Call, Plan, is_journal},
    *,
};

/// A disk that is full, and one that is broken.
const KINDS: [ErrorKind; 2] = [ErrorKind::StorageFull, ErrorKind::Other];

/// A store on a disk that fails when it is told to.
fn open_bad(place: &Place) -> (Sled, Arc<Plan>) {
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    (place.open_on(Arc::new(disk)), plan)
}

fn is_unavailable(answer: Result<Committed, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Unavailable(_)))
}

/// What a commit must hear of a failure of this kind.
fn is_told(answer: &Result<Committed, CommitError>, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::StorageFull => *answer == Err(CommitError::Full),
        _ => matches!(answer, Err(CommitError::Unavailable(_))),
    }
}

/// What the rows hold.
async fn values(store: &Sled) -> BTreeMap<String, usize> {
    let rows = all(store).await.into_iter();
    rows.map(|(key, entry)| {
        (
            String::from_utf8_lossy(&key).into_owned(),
            entry.value.len(),
        )
    })
    .collect()
}

/// Its journal in a folder of its own: what a kill at this moment leaves, the index lost beside it.
fn image_of_truth(place: &Place) -> Place {
    let image = Place {
        options: place.options.clone(),
        ..Place::new()
    };
    fs::copy(place.path().join("format"), image.path().join("format")).unwrap();
    for part in ["journal", "snapshots"] {
        fs::create_dir(image.path().join(part)).unwrap();
        for entry in fs::read_dir(place.path().join(part)).unwrap() {
            let path = entry.unwrap().path();
            let copy = image.path().join(part).join(path.file_name().unwrap());
            fs::copy(path, copy).unwrap();
        }
    }
    image
}

/// Each call by which the journal is written fails in turn, once or from then on until the disk is
/// mended: that commit fails and says why, nothing else does, nothing of it is ever seen, and what is
/// on the disk at any moment is what was acknowledged.
#[tokio::test]
async fn each_call_of_the_journal_may_fail() {
    const COMMITS: usize = 7;
    for kind in KINDS {
        for times in [1, usize::MAX] {
            for nth in 1.. {
                let place = Place {
                    options: Options {
                        snapshot_octets: u64::MAX,
                        ..Place::cramped().options
                    },
                    ..Place::new()
                };
                let (store, plan) = open_bad(&place);
                plan.fail_from(nth, times, kind, |_, path| is_journal(path));
                let mut expected = BTreeMap::new();
                let mut refused = None;
                for number in 0..COMMITS {
                    let what = format!("{kind:?}, call {nth}, {times} times, commit {number}");
                    let before = plan.failed();
                    let (name, length) = (format!("row {}", number % 4), 900 + number);
                    let answer = write(&store, &name, &"x".repeat(length)).await;
                    match plan.failed() > before {
                        true => {
                            assert!(is_told(&answer, kind), "{what}: {answer:?}");
                            refused.get_or_insert((name, length));
                        }
                        false => {
                            assert!(answer.is_ok(), "{what}: {answer:?}");
                            expected.insert(name, length);
                            refused = None;
                        }
                    }
                    assert_eq!(values(&store).await, expected, "{what}");
                    assert_eq!(store.revision().0, acknowledged(&store).await, "{what}");
                }
                let failed = plan.failed();
                let killed = image_of_truth(&place);
                plan.heal();
                let revision = write(&store, "last", "1").await.unwrap().revision;
                assert_eq!(store.revision(), revision);
                store.close().await;
                drop(store);
                let found = values(&killed.open()).await;
                // What could be written but neither synced nor cut off may come back after a kill.
                let mut with_refused = expected.clone();
                with_refused.extend(refused.filter(|_| times > 1));
                assert!(
                    found == expected || found == with_refused,
                    "call {nth}: {found:?}"
                );
                expected.insert("last".to_owned(), 1);
                place.remove_index();
                assert_eq!(values(&place.open()).await, expected, "{nth}");
                if failed == 0 {
                    assert!(nth > 2 * COMMITS, "only {nth} calls were tried");
                    break;
                }
            }
        }
    }
}

/// The newest revision of any row: every commit of these tests writes one.
async fn acknowledged(store: &Sled) -> u64 {
    let rows = all(store).await.into_iter();
    rows.map(|(_, entry)| entry.revision.0)
        .max()
        .unwrap_or_default()
}

/// A reader who saw a commit before its sync could see it lost: at each call by which the journal is
/// written, the commit on its way is shown to nobody.
#[tokio::test]
async fn nothing_is_shown_before_it_is_durable() {
    let place = Place::cramped();
    let (store, plan) = open_bad(&place);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (shared, looks) = (store.shared.clone(), shown.clone());
    plan.fail(ErrorKind::Other, move |call, path| {
        if is_journal(path) && matches!(call, Call::Write | Call::Sync) {
            let newest = *shared.newest.borrow();
            let readable = shared.overlay.pin().last.revision;
            looks.lock().unwrap().push((call, newest, readable));
        }
        false
    });
    for before in (0..20).map(crate::Revision) {
        let committed = write(&store, "a", &"x".repeat(600)).await.unwrap();
        assert_eq!(committed.revision.0, before.0 + 1);
        let looks = std::mem::take(&mut *shown.lock().unwrap());
        assert!(looks.iter().any(|(call, ..)| *call == Call::Sync));
        for (call, newest, readable) in looks {
            assert_eq!((newest, readable), (before, before), "{call:?}");
        }
    }
    plan.heal();
}

/// A sync that failed is never just repeated: the tail is cut off and the cut is synced, another
/// segment is begun and synced, and only then does anything go on.
#[tokio::test]
async fn after_a_failed_sync_another_segment_is_begun() {
    let place = Place::new();
    let (store, plan) = open_bad(&place);
    write(&store, "a", "1").await.unwrap();
    plan.fail_from(1, 1, ErrorKind::Other, |call, path| {
        is_journal(path) && call == Call::Sync
    });
    plan.take_made();
    assert!(is_unavailable(write(&store, "b", "1").await));
    write(&store, "c", "1").await.unwrap();
    write(&store, "d", "1").await.unwrap();
    let calls = plan.take_made().into_iter();
    let calls = calls.filter(|(_, path)| is_journal(path));
    let calls: Vec<(Call, String)> = calls
        .map(|(call, path)| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (call, name)
        })
        .collect();
    let (first, second) = ("0000000001.journal", "0000000002.journal");
    let expected = [
        (Call::Write, first),
        (Call::Sync, first), // fails
        (Call::Cut, first),
        (Call::Sync, first),
        (Call::Create, second),
        (Call::Write, second), // the header
        (Call::Write, second), // the room ahead
        (Call::Sync, second),
        (Call::SyncFolder, "journal"),
        (Call::Write, second),
        (Call::Sync, second),
        (Call::Write, second),
        (Call::Sync, second),
    ];
    assert_eq!(calls, expected.map(|(call, name)| (call, name.to_owned())));
}

/// Whatever call fails, and whatever fails beside it: nothing of the commit is seen, its number is
/// used by the next, and nothing of it is there after a restart.
#[tokio::test]
async fn a_commit_that_could_not_be_written_never_happened() {
    const CALLS: [Call; 4] = [Call::Create, Call::Write, Call::Cut, Call::Sync];
    for beside in CALLS {
        for call in [Call::Write, Call::Sync] {
            let place = Place::new();
            let (store, plan) = open_bad(&place);
            write(&store, "before", "1").await.unwrap();
            for _ in 0..3 {
                plan.fail(ErrorKind::Other, move |made, path| {
                    is_journal(path) && (made == call || made == beside)
                });
                assert!(
                    is_unavailable(write(&store, "lost", "1").await),
                    "{call:?} {beside:?}"
                );
                assert!(
                    is_unavailable(write(&store, "lost too", "1").await),
                    "{call:?} {beside:?}"
                );
                assert!(store.get(&key("lost")).await.unwrap().is_none());
                assert!(
                    store.get(&key("before")).await.unwrap().is_some(),
                    "reads go on"
                );
                plan.heal();
                write(&store, "after", "1").await.unwrap();
            }
            assert!(plan.failed() >= 6);
            assert_eq!(write(&store, "last", "1").await.unwrap().revision.0, 5);
            drop(store);
            place.remove_index();
            assert_eq!(
                names(&place.open()).await,
                ["after", "before", "last"],
                "{call:?} {beside:?}"
            );
        }
    }
}

/// A segment that is full, and no new one can be made.
#[tokio::test]
async fn a_disk_that_is_full_at_the_change_of_segments_is_waited_out() {
    let place = Place::cramped();
    let (store, plan) = open_bad(&place);
    let value = "x".repeat(1000);
    let mut acknowledged = Vec::new();
    for round in 0..40 {
        match round % 4 {
            3 => plan.fail(ErrorKind::StorageFull, |call, path| {
                is_journal(path) && call == Call::Create
            }),
            _ => plan.heal(),
        }
        let name = format!("{round:02}");
        if write(&store, &name, &value).await.is_ok() {
            acknowledged.push(name);
        }
    }
    assert!(plan.failed() > 0);
    drop(store);
    assert_eq!(names(&place.open()).await, acknowledged);
}

/// Cutting off an unacknowledged tail need not reach the disk before a power failure; if it comes
/// back, what was written instead of it counts.
#[tokio::test]
async fn a_tail_that_comes_back_is_not_believed() {
    let place = Place::new();
    let (store, plan) = open_bad(&place);
    write(&store, "a", "1").await.unwrap();
    let segment = place.segments().remove(0);
    plan.fail(ErrorKind::Other, |call, path| {
        is_journal(path) && matches!(call, Call::Sync | Call::Cut)
    });
    assert!(is_unavailable(
        write(&store, "b", "never acknowledged").await
    ));
    let with_tail = fs::read(&segment).unwrap();
    plan.heal();
    write(&store, "c", "1").await.unwrap();
    store.close().await;
    drop(store);
    assert!(
        fs::read(&segment).unwrap().len() < with_tail.len(),
        "the tail was cut off"
    );
    fs::write(&segment, with_tail).unwrap();
    place.remove_index();
    assert_eq!(names(&place.open()).await, ["a", "c"]);
}

/// Those who were refused because of a commit of the same group hear of the failure, not of a state
/// that never was.
#[tokio::test]
async fn refusals_of_a_failed_group_are_failures_too() {
    let place = Place::new();
    let (store, plan) = open_bad(&place);
    let store = Arc::new(store);
    plan.fail(ErrorKind::Other, |call, path| {
        is_journal(path) && call == Call::Sync
    });
    let once = Commit {
        expect: vec![crate::backend::Expect::Absent(key("a"))],
        ..put("a", "1")
    };
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, commit) = (store.clone(), once.clone());
            tokio::spawn(async move { store.commit(commit).await })
        })
        .collect();
    for task in tasks {
        assert!(is_unavailable(task.await.unwrap()));
    }
}

/// sled answers nothing after its first error; it is opened again, and nobody loses anything.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_fails_is_opened_again() {
    let place = Place::cramped();
    let store = place.open();
    let mut rows = Vec::new();
    for round in 0..60 {
        if round % 20 == 10 {
            store
                .shared
                .overlay
                .pin()
                .index
                .as_ref()
                .unwrap()
                .fail_from_now_on();
        }
        let name = format!("{round:02}");
        // While the index is away, a full overlay refuses; the client tries again.
        while is_unavailable(write(&store, &name, &"x".repeat(300)).await) {
            tokio::task::yield_now().await;
        }
        rows.push(name);
    }
    while store.shared.overlay.pin().index.is_none() {
        tokio::task::yield_now().await;
    }
    for round in 60..100 {
        let name = format!("{round:02}");
        write(&store, &name, &"x".repeat(300))
            .await
            .expect("the trouble is over");
        rows.push(name);
    }
    store.close().await;
    drop(store);
    assert_eq!(names(&place.open()).await, rows);
}

/// Whether it is the mover's business, or that of a snapshot: everything but the writing of commits.
fn is_in_background(call: Call, path: &Path) -> bool {
    !is_journal(path) || matches!(call, Call::Read | Call::List | Call::Remove)
}

/// Writes until something is true; refusals are borne. Gives what was acknowledged.
async fn write_until(
    store: &Sled,
    expected: &mut BTreeMap<String, usize>,
    is_enough: impl Fn() -> bool,
) {
    for round in 0..20_000 {
        if is_enough() {
            return;
        }
        let (name, length) = (format!("row {}", round % 30), 200 + round % 100);
        match write(store, &name, &"x".repeat(length)).await {
            Ok(_) => drop(expected.insert(name, length)),
            Err(_) => tokio::task::yield_now().await,
        }
    }
    panic!("it never happened");
}

/// Whether a snapshot has been made that is newer than this one, and the journal before it deleted.
fn has_newer_snapshot(place: &Place, than: u64) -> bool {
    place
        .snapshots()
        .first()
        .is_some_and(|newest| newest.through.0 > than)
}

/// Each call of mover, checkpoint and snapshot fails in turn: commits and reads go on, and when the
/// disk works again the next snapshot is made and whatever the index was, everything is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_in_the_background_may_fail() {
    const CALLS: usize = 48;
    let mut kinds_of_calls = Vec::new();
    for nth in 1..=CALLS {
        let place = Place::cramped();
        let (store, plan) = open_bad(&place);
        let mut expected = BTreeMap::new();
        plan.fail_from(nth, 1, KINDS[nth % 2], is_in_background);
        plan.take_made();
        write_until(&store, &mut expected, || plan.failed() > 0).await;
        for (call, _) in plan
            .take_made()
            .into_iter()
            .filter(|(call, path)| is_in_background(*call, path))
        {
            if !kinds_of_calls.contains(&call) {
                kinds_of_calls.push(call);
            }
        }
        let before = store.revision().0;
        write_until(&store, &mut expected, || has_newer_snapshot(&place, before)).await;
        store.close().await;
        drop(store);
        assert_eq!(values(&place.open()).await, expected, "call {nth}");
        place.remove_index();
        assert_eq!(values(&place.open()).await, expected, "call {nth}");
    }
    for call in [
        Call::Create,
        Call::Write,
        Call::Sync,
        Call::Rename,
        Call::Remove,
        Call::Read,
    ] {
        assert!(kinds_of_calls.contains(&call), "{call:?} was never reached");
    }
}

/// The same for as long as the disk is broken: nothing of it hinders a commit or a read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_background_may_fail_for_long() {
    for kind in KINDS {
        let place = Place::cramped();
        let (store, plan) = open_bad(&place);
        let mut expected = BTreeMap::new();
        plan.fail(kind, is_in_background);
        write_until(&store, &mut expected, || plan.failed() > 5).await;
        assert_eq!(values(&store).await, expected);
        assert!(place.snapshots().is_empty());
        assert!(!place.path().join("snapshots").join("new.draft").exists());
        plan.heal();
        write_until(&store, &mut expected, || has_newer_snapshot(&place, 0)).await;
        store.close().await;
        drop(store);
        place.remove_index();
        assert_eq!(values(&place.open()).await, expected);
    }
}

/// On a disk with little room left the index is left alone: what is stored can be read, commits are
/// taken until the overlay is full and are then told why, and go on when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_does_not_reach_the_index() {
    let place = Place::cramped();
    let (store, plan) = open_bad(&place);
    let mut expected = BTreeMap::new();
    write_until(&store, &mut expected, || has_newer_snapshot(&place, 0)).await;
    plan.leave_free(1000);
    let told = loop {
        match write(&store, "more", &"x".repeat(300)).await {
            Ok(_) => drop(expected.insert("more".to_owned(), 300)),
            Err(error) => break error,
        }
    };
    assert_eq!(told, CommitError::Full);
    assert_eq!(values(&store).await, expected, "reads go on");
    assert_eq!(
        write(&store, "lost", "1").await,
        Err(CommitError::Full),
        "and it stays so"
    );
    plan.heal();
    while write(&store, "after", "1").await.is_err() {
        tokio::task::yield_now().await;
    }
    expected.insert("after".to_owned(), 1);
    assert_eq!(values(&store).await, expected);
    store.close().await;
    drop(store);
    assert_eq!(values(&place.open()).await, expected);
}

/// When a sync of the index fails, no later one is believed: the next start builds it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_whose_sync_failed_is_not_believed() {
    let place = Place::cramped();
    let (store, plan) = open_bad(&place);
    plan.fail_from(1, 1, ErrorKind::Other, |call, path| {
        call == Call::Sync && path.ends_with("index/db")
    });
    let mut expected = BTreeMap::new();
    let marked = place.path().join("index.rebuild");
    write_until(&store, &mut expected, || marked.exists()).await;
    assert_eq!(plan.failed(), 1);
    let checkpoint = fs::read(place.path().join("checkpoint")).ok();
    write_until(&store, &mut expected, || has_newer_snapshot(&place, 0)).await;
    store.close().await;
    drop(store);
    assert_eq!(
        fs::read(place.path().join("checkpoint")).ok(),
        checkpoint,
        "no checkpoint was set on top of it"
    );
    assert_eq!(values(&place.open()).await, expected);
    assert!(place.path().join("index.set-aside").exists());
    assert!(!marked.exists());
}
