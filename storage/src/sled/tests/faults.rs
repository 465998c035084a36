//! A disk that fails: the commit fails, the store stays sound, and service returns with the disk.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;
use crate::sled::disk::{RealDisk, SegmentFile};

/// Which call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Create,
    Write,
    Cut,
    Sync,
}

const CALLS: [Call; 4] = [Call::Create, Call::Write, Call::Cut, Call::Sync];

/// The real disk, with chosen calls failing.
#[derive(Default)]
struct BadDisk {
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    failing: Mutex<Vec<Call>>,
    failed: AtomicUsize,
}

impl Plan {
    fn fail(&self, calls: &[Call]) {
        *self.failing.lock().unwrap() = calls.to_vec();
    }

    fn check(&self, call: Call) -> io::Result<()> {
        if self.failing.lock().unwrap().contains(&call) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}

struct BadFile {
    file: Box<dyn SegmentFile>,
    plan: Arc<Plan>,
}

impl Disk for BadDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.plan.check(Call::Create)?;
        Ok(Box::new(BadFile {
            file: RealDisk.create(path)?,
            plan: self.plan.clone(),
        }))
    }
}

impl SegmentFile for BadFile {
    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = self.plan.check(Call::Write) {
            // Half of it arrived.
            self.file.write_at(&octets[..octets.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_at(octets, offset)
    }

    fn set_length(&self, octets: u64) -> io::Result<()> {
        self.plan.check(Call::Cut)?;
        self.file.set_length(octets)
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.check(Call::Sync)?;
        self.file.sync()
    }
}

fn is_unavailable(answer: Result<Committed, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Unavailable(_)))
}

/// Whatever call fails, and whatever fails beside it: nothing of the commit is seen, its number is
/// used by the next, and nothing of it is there after a restart.
#[tokio::test]
async fn a_commit_that_could_not_be_written_never_happened() {
    for beside in CALLS {
        for call in [Call::Write, Call::Sync] {
            let place = Place::new();
            let disk = BadDisk::default();
            let plan = disk.plan.clone();
            let store = place.open_on(Arc::new(disk));
            write(&store, "before", "1").await.unwrap();
            for _ in 0..3 {
                plan.fail(&[call, beside]);
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
                plan.fail(&[]);
                write(&store, "after", "1").await.unwrap();
            }
            assert!(plan.failed.load(Ordering::SeqCst) >= 6);
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
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    let value = "x".repeat(1000);
    let mut acknowledged = Vec::new();
    for round in 0..40 {
        plan.fail(if round % 4 == 3 { &[Call::Create] } else { &[] });
        let name = format!("{round:02}");
        if write(&store, &name, &value).await.is_ok() {
            acknowledged.push(name);
        }
    }
    assert!(plan.failed.load(Ordering::SeqCst) > 0);
    drop(store);
    assert_eq!(names(&place.open()).await, acknowledged);
}

/// Cutting off an unacknowledged tail need not reach the disk before a power failure; if it comes
/// back, what was written instead of it counts.
#[tokio::test]
async fn a_tail_that_comes_back_is_not_believed() {
    let place = Place::new();
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    write(&store, "a", "1").await.unwrap();
    let segment = place.segments().remove(0);
    plan.fail(&[Call::Sync, Call::Cut]);
    assert!(is_unavailable(
        write(&store, "b", "never acknowledged").await
    ));
    let with_tail = fs::read(&segment).unwrap();
    plan.fail(&[]);
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
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = Arc::new(place.open_on(Arc::new(disk)));
    plan.fail(&[Call::Sync]);
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
