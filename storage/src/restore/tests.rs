#![allow(clippy::unwrap_used)]

mod blobs;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::{
    Timestamp,
    backend::Backend,
    model::{Work, WorkId},
    sled::Origin,
    testing::environment,
};

/// A backup of a store with one row of work, and what the store knew.
struct World {
    folder: TempDir,
    environment: Environment,
    epoch: u64,
    work: WorkId,
}

impl World {
    async fn new(payload: usize) -> World {
        let folder = tempfile::tempdir().unwrap();
        let environment = environment();
        let path = folder.path().join("data");
        let clock = Arc::clone(&environment.clock);
        let backend = Arc::new(Sled::open(&path, sled::Options::default(), clock).unwrap());
        let store = Store::open(backend.clone(), environment.clone())
            .await
            .unwrap();
        let work = store.new_work_id(Timestamp(7));
        let mut batch = store.batch();
        batch.enqueue(&work, &row(payload));
        store.commit(batch).await.unwrap();
        let mut file = fs::File::create(folder.path().join("backup")).unwrap();
        backend.backup(&mut file, &mut || true).unwrap();
        let epoch = store.epoch();
        backend.close().await;
        World {
            folder,
            environment,
            epoch,
            work,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn restore(&self, into: &str, go_on: GoOn) -> Result<Restored, RestoreError> {
        self.restore_in(into, false, go_on).await
    }

    async fn restore_in(
        &self,
        into: &str,
        within: bool,
        go_on: GoOn,
    ) -> Result<Restored, RestoreError> {
        let wanted = Restore {
            source: Source {
                origin: Origin::Backup(self.path("backup")),
                archives: Vec::new(),
                until: None,
            },
            into: self.path(into),
            within,
            held: vec![("mail", "kept")],
        };
        restore(wanted, &self.environment, go_on).await
    }

    async fn open(&self, name: &str) -> Store {
        let clock = Arc::clone(&self.environment.clock);
        let backend = Sled::open(&self.path(name), sled::Options::default(), clock).unwrap();
        Store::open(Arc::new(backend), self.environment.clone())
            .await
            .unwrap()
    }
}

fn row(payload: usize) -> Work {
    Work {
        queue: "mail".to_owned(),
        attempts: 3,
        created: Timestamp(5),
        last_error: Some("not at home".to_owned()),
        payload: Bytes::from(vec![b'm'; payload]),
    }
}

fn always() -> GoOn {
    Box::new(|_| true)
}

#[tokio::test]
async fn a_new_epoch_begins_and_waiting_work_is_held() {
    for payload in [10, 100_000] {
        let world = World::new(payload).await;
        fs::create_dir(world.path("empty")).unwrap();
        for into in ["missing/folder", "empty"] {
            let restored = world.restore(into, always()).await.unwrap();
            assert_eq!(restored.held, 1);
            assert!(!aside_of(&world.path(into)).exists());
            let store = world.open(into).await;
            assert_ne!(store.epoch(), world.epoch);
            assert_eq!(store.next_due("mail").await.unwrap(), None);
            let held = store.list_work("kept", None, 10).await.unwrap();
            assert_eq!(held[0].0, world.work);
            let expected = Work {
                queue: "kept".to_owned(),
                ..row(payload)
            };
            assert_eq!(held[0].1.value, expected);
            // The payload's blob is still referred to: it can be finished as any other.
            let mut batch = store.batch();
            batch.finish_work(&held[0].0, &held[0].1);
            store.commit(batch).await.unwrap();
            store.backend().close().await;
        }
    }
}

#[tokio::test]
async fn only_an_empty_folder_is_taken() {
    let world = World::new(10).await;
    let refused = world.restore("data", always()).await;
    assert!(matches!(refused, Err(RestoreError::NotEmpty(_))));
    let refused = world.restore("backup", always()).await;
    assert!(matches!(refused, Err(RestoreError::Folder { .. })));
}

/// However far it had come: broken off, it leaves the folder as it was, and nothing aside.
#[tokio::test]
async fn broken_off_it_leaves_nothing() {
    let world = World::new(10).await;
    let mut broken_off = 0;
    loop {
        let mut left = broken_off;
        let go_on: GoOn = Box::new(move |_| {
            left -= 1;
            left >= 0
        });
        let outcome = world.restore("new", go_on).await;
        assert!(!aside_of(&world.path("new")).exists());
        match outcome {
            Err(RestoreError::Load(LoadError::Stopped)) => broken_off += 1,
            outcome => break assert!(outcome.is_ok(), "{outcome:?}"),
        }
        assert!(!world.path("new").exists());
    }
    assert!(broken_off > 3, "only {broken_off} steps");
}

/// What a restore that was killed left aside is removed by the next one, but nothing else is.
#[tokio::test]
async fn what_was_left_aside() {
    let world = World::new(10).await;
    let aside = aside_of(&world.path("new"));
    fs::create_dir_all(aside.join("journal")).unwrap();
    fs::write(aside.join("format"), b"half").unwrap();
    fs::write(aside.join("letters"), b"dear").unwrap();
    let refused = world.restore("new", always()).await;
    assert!(matches!(refused, Err(RestoreError::AsideTaken(_))));
    assert!(aside.join("letters").exists() && aside.join("format").exists());
    fs::remove_file(aside.join("letters")).unwrap();
    world.restore("new", always()).await.unwrap();
    assert!(world.path("new").join("format").exists() && !aside.exists());
}

/// As in a mount point: however far it had come, the folder is empty again, or refused as unfinished.
#[tokio::test]
async fn within_the_folder() {
    let world = World::new(10).await;
    fs::create_dir_all(world.path("volume/lost+found")).unwrap();
    let open = || {
        let clock = Arc::clone(&world.environment.clock);
        Sled::open(&world.path("volume"), sled::Options::default(), clock)
    };
    let mut broken_off = 0;
    loop {
        let mut left = broken_off;
        let go_on: GoOn = Box::new(move |_| {
            left -= 1;
            left >= 0
        });
        match world.restore_in("volume", true, go_on).await {
            Err(RestoreError::Load(LoadError::Stopped)) => broken_off += 1,
            outcome => break assert!(outcome.is_ok(), "{outcome:?}"),
        }
        assert_eq!(names_in(&world.path("volume")).unwrap(), [""; 0]);
    }
    assert!(broken_off > 3, "only {broken_off} steps");
    assert!(!world.path("volume").join(sled::RESTORING).exists());
    assert!(!aside_of(&world.path("volume")).exists());
    let store = world.open("volume").await;
    assert_ne!(store.epoch(), world.epoch);
    store.backend().close().await;
    drop(store);
    // Killed while the last files went up.
    fs::create_dir(world.path("volume").join(sled::RESTORING)).unwrap();
    assert!(matches!(open(), Err(sled::OpenError::Unfinished)));
    world.restore("volume", always()).await.unwrap();
    assert!(world.open("volume").await.epoch() != world.epoch);
}

/// Nothing of somebody else's is removed because an unfinished restore lies beside it.
#[tokio::test]
async fn what_else_is_within_stays() {
    let world = World::new(10).await;
    fs::create_dir_all(world.path("volume").join(sled::RESTORING)).unwrap();
    fs::write(world.path("volume").join("letters"), b"dear").unwrap();
    let refused = world.restore("volume", always()).await;
    assert!(matches!(refused, Err(RestoreError::NotEmpty(_))));
    assert!(world.path("volume").join("letters").exists());
}

#[test]
fn mount_points() {
    let listed = b"22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
        40 22 0:35 /x /srv/my\\040data rw - tmpfs tmpfs rw\n";
    for (folder, mounted) in [
        ("/", true),
        ("/srv/my data", true),
        ("/srv/my", false),
        ("/srv", false),
    ] {
        assert_eq!(is_mounted(listed, Path::new(folder)), mounted, "{folder}");
    }
    assert!(is_mount_point(Path::new("/proc")));
}

#[tokio::test]
async fn two_restores_to_one_place() {
    let world = World::new(10).await;
    let aside = aside_of(&world.path("new"));
    let clock = Arc::clone(&world.environment.clock);
    let other = Sled::open(&aside, sled::Options::default(), clock).unwrap();
    let refused = world.restore("new", always()).await;
    assert!(matches!(refused, Err(RestoreError::AtWork)));
    drop(other);
    world.restore("new", always()).await.unwrap();
}

/// A broken file is refused, and the folder stays as it was.
#[tokio::test]
async fn a_broken_backup_restores_nothing() {
    let world = World::new(10).await;
    let good = fs::read(world.path("backup")).unwrap();
    let mut flipped = good.clone();
    let last = good.len() - 1;
    flipped[last] ^= 1;
    let mut newer = good.clone();
    newer[11] = 9;
    let cases = [
        (&good[..last], "is damaged or cut short"),
        (&flipped[..], "is damaged or cut short"),
        (&newer[..], "later version"),
        (&b"BEGIN:VCALENDAR"[..], "is not a backup of Convoke"),
        (&b""[..], "is not a backup of Convoke"),
    ];
    for (octets, complaint) in cases {
        fs::write(world.path("backup"), octets).unwrap();
        let error = world.restore("new", always()).await.unwrap_err();
        assert!(error.to_string().contains(complaint), "{error}");
        assert!(!world.path("new").exists() && !aside_of(&world.path("new")).exists());
    }
    fs::remove_file(world.path("backup")).unwrap();
    let error = world.restore("new", always()).await.unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
}

/// It says what it does.
#[tokio::test]
async fn the_stages_come_in_order() {
    let world = World::new(10).await;
    let (in_order, seen) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let (order, index) = (in_order.clone(), seen.clone());
    let go_on: GoOn = Box::new(move |progress| {
        match progress.stage {
            Stage::Index => index.store(true, Ordering::SeqCst),
            _ if index.load(Ordering::SeqCst) => order.store(false, Ordering::SeqCst),
            _ => assert!(progress.done <= progress.total),
        }
        true
    });
    world.restore("new", go_on).await.unwrap();
    assert!(in_order.load(Ordering::SeqCst) && seen.load(Ordering::SeqCst));
}
