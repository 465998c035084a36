//! Blobs, which backups have and the archived journal only names.

use super::*;
use crate::{
    Clock,
    blob_files::BlobName,
    model::Content,
    sled::{Archive, Options},
    testing::{ManualClock, environment_at},
};

const HOUR: i64 = 60 * 60 * 1000;

/// A store with an archive.
struct Archived {
    clock: Arc<ManualClock>,
    environment: Environment,
    store: Store,
    // vanishes last: the store writes into it until it is dropped
    folder: TempDir,
}

impl Archived {
    async fn new() -> Archived {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let environment = environment_at(clock.clone());
        let store = open(folder.path(), "data", &environment).await;
        Archived {
            clock,
            environment,
            store,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a blob that a row of work refers to.
    async fn enqueue(&self, octet: u8) -> (Content, WorkId) {
        self.clock.advance(HOUR);
        let payload = Bytes::from(vec![octet; 100_000]);
        let content = self.store.write_blob(payload.clone()).await.unwrap();
        let work = Work {
            queue: "mail".to_owned(),
            payload,
            ..row(0)
        };
        let id = self.store.new_work_id(Timestamp(7));
        let mut batch = self.store.batch();
        batch.enqueue(&id, &work);
        self.store.commit(batch).await.unwrap();
        (content, id)
    }

    /// Nothing refers to the blob of the row any more.
    async fn finish(&self, id: WorkId) {
        let now = self.store.environment().clock.now();
        let due = self.store.due_work("mail", now, 10).await.unwrap();
        let (_, work) = due.into_iter().find(|(found, _)| *found == id).unwrap();
        let mut batch = self.store.batch();
        batch.finish_work(&id, &work);
        self.store.commit(batch).await.unwrap();
    }

    /// Removes what nothing refers to, days later.
    async fn sweep(&self) -> usize {
        self.clock.advance(2 * 24 * HOUR);
        let limit = self.clock.now();
        let swept = self.store.sweep_blobs(limit, None, 100).await;
        swept.unwrap().0
    }

    fn back_up(&self) {
        let mut file = fs::File::create(self.path("backup")).unwrap();
        self.store
            .backend()
            .backup(&mut file, &mut || true)
            .unwrap();
    }

    async fn restore(&self, origin: Origin, until: Option<Timestamp>) -> Restored {
        let wanted = Restore {
            source: Source {
                origin,
                archives: vec![self.path("archive")],
                until,
            },
            into: self.path("restored"),
            within: false,
            held: Vec::new(),
        };
        let _ = fs::remove_dir_all(self.path("restored"));
        restore(wanted, &self.environment, always()).await.unwrap()
    }

    /// Whether a restored store is sound and has these octets.
    async fn has(&self, content: &Content) -> bool {
        let store = open(self.folder.path(), "restored", &self.environment).await;
        let found = store.content(content).await.is_ok();
        assert_eq!(store.check().await.unwrap().is_empty(), found);
        store.backend().close().await;
        found
    }
}

async fn open(folder: &Path, name: &str, environment: &Environment) -> Store {
    let options = Options {
        archive: Some(Archive {
            folder: folder.join("archive"),
            keep: Some(std::time::Duration::from_secs(10 * 24 * 60 * 60)),
        }),
        ..Options::default()
    };
    let clock: Arc<dyn Clock> = Arc::clone(&environment.clock);
    let backend = Arc::new(Sled::open(&folder.join(name), options, clock).unwrap());
    Store::open(backend, environment.clone()).await.unwrap()
}

/// The files of all blobs below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if name.and_then(BlobName::parse).is_some() => found.push(path),
            false => {}
        }
    }
    found
}

/// At each moment after a backup the blobs of that moment are there: from the backup, or from the archive,
/// also those that were swept since; the folder itself may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_any_moment_has_its_blobs() {
    let archived = Archived::new().await;
    let (before, _) = archived.enqueue(1).await;
    archived.back_up();
    let (after, swept) = archived.enqueue(2).await;
    let then = archived.clock.now();
    archived.finish(swept).await;
    assert_eq!(archived.sweep().await, 1);
    assert_eq!(files(&archived.path("data")).len(), 1);
    let (last, _) = archived.enqueue(3).await;
    archived.store.backend().close().await;
    fs::rename(archived.path("data"), archived.path("lost")).unwrap();

    let backup = || Origin::Backup(archived.path("backup"));
    let restored = archived.restore(backup(), None).await;
    assert_eq!(restored.missing_blobs, 0);
    assert!(archived.has(&before).await && archived.has(&last).await);
    let restored = archived.restore(backup(), Some(then)).await;
    assert_eq!(restored.missing_blobs, 0);
    assert!(archived.has(&before).await && archived.has(&after).await);

    // A copy that is damaged, or lost, is told.
    for copy in files(&archived.path("archive")) {
        let octets = fs::read(&copy).unwrap();
        fs::write(&copy, &octets[1..]).unwrap();
    }
    let restored = archived.restore(backup(), None).await;
    assert_eq!(restored.missing_blobs, 1, "the first is in the backup");
    assert!(!archived.has(&last).await);
}

/// What is left of a damaged store has its blobs, which stay where they were, too.
#[tokio::test(flavor = "multi_thread")]
async fn remains_have_their_blobs() {
    let archived = Archived::new().await;
    let (content, _) = archived.enqueue(1).await;
    archived.store.backend().close().await;
    let data = archived.path("data");
    let before = files(&data);
    let restored = archived.restore(Origin::Remains(data.clone()), None).await;
    assert_eq!(restored.missing_blobs, 0);
    assert!(archived.has(&content).await);
    assert_eq!(files(&data), before);
}

/// A blob that was lost or damaged is fetched from the archive.
#[tokio::test(flavor = "multi_thread")]
async fn a_repair_fetches_from_the_archive() {
    let archived = Archived::new().await;
    let (content, _) = archived.enqueue(1).await;
    let file = files(&archived.path("data")).remove(0);
    let whole = fs::read(&file).unwrap();
    for damage in [&b""[..], &whole[..5], &whole[1..]] {
        fs::write(&file, damage).unwrap();
        let store = &archived.store;
        assert!(store.content(&content).await.is_err());
        let found = store.check().await.unwrap();
        assert!(found.len() == 1 && found[0].can_be_mended, "{found:?}");
        let (events, mut told) = tokio::sync::mpsc::channel(100);
        store.check_aloud(true, events).await.unwrap();
        let mut mended = 0;
        while let Some(event) = told.recv().await {
            mended += usize::from(matches!(event, crate::CheckEvent::Mended(_)));
        }
        assert_eq!((mended, store.check().await.unwrap()), (1, Vec::new()));
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
    // The copy is damaged, too.
    for path in [file, files(&archived.path("archive")).remove(0)] {
        fs::write(path, &whole[1..]).unwrap();
    }
    let found = archived.store.check().await.unwrap();
    assert!(found.len() == 1 && !found[0].can_be_mended, "{found:?}");
}

/// Copies go when the journal of their time does, and those of stores that had no archive before are made.
#[tokio::test(flavor = "multi_thread")]
async fn copies_come_and_go_with_the_archive() {
    let archived = Archived::new().await;
    archived.enqueue(1).await;
    let copies = || files(&archived.path("archive")).len();
    assert_eq!(copies(), 1);
    fs::remove_dir_all(archived.path("archive")).unwrap();
    archived.store.backend().close().await;
    assert_eq!(copies(), 1, "at the end it has all that there is");
    let store = open(archived.folder.path(), "data", &archived.environment).await;
    for (days, left) in [(9, 1), (4, 0)] {
        archived.clock.advance(days * 24 * HOUR);
        let clock = crate::RetentionClock::new(archived.clock.now());
        store.backend().expire(clock).await.unwrap();
        assert_eq!(copies(), left, "{days} days later");
    }
    assert_eq!(files(&archived.path("data")).len(), 1);
}

/// Nobody waits for an archive that cannot be written; a blob that it lacks is not removed.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_cannot_be_written_loses_nothing() {
    let archived = Archived::new().await;
    fs::write(archived.path("archive"), b"a file, not a folder").unwrap();
    let (content, swept) = archived.enqueue(1).await;
    archived.finish(swept).await;
    assert_eq!(archived.sweep().await, 1, "the header");
    assert_eq!(files(&archived.path("data")).len(), 1);
    assert!(archived.store.content(&content).await.is_ok());
    fs::remove_file(archived.path("archive")).unwrap();
    archived.clock.advance(2 * 24 * HOUR);
    let limit = archived.clock.now();
    let removed = archived.store.sweep_blob_files(limit, None).await;
    assert_eq!(removed.unwrap().0, 1);
    assert_eq!(files(&archived.path("data")).len(), 0);
    assert_eq!(files(&archived.path("archive")).len(), 1);
}

/// While a backup is made no blob goes, and what should have gone goes later.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_the_blobs_of_its_moment() {
    let archived = Archived::new().await;
    let (content, swept) = archived.enqueue(1).await;
    let mut file = fs::File::create(archived.path("backup")).unwrap();
    let (store, begun) = (archived.store.clone(), std::sync::Once::new());
    let runtime = tokio::runtime::Handle::current();
    let mut go_on = || {
        // The rows are about to be read.
        begun.call_once(|| {
            let swept = runtime.block_on(async {
                archived.finish(swept.clone()).await;
                archived.sweep().await
            });
            assert_eq!(swept, 1);
        });
        true
    };
    tokio::task::block_in_place(|| store.backend().backup(&mut file, &mut go_on)).unwrap();
    assert_eq!(files(&archived.path("data")).len(), 1);
    // Rows may be of either side of the sweep, and there is no journal: the first moment has it.
    let restored = archived.restore(Origin::Backup(archived.path("backup")), None);
    assert_eq!(restored.await.missing_blobs, 0);
    let limit = archived.clock.now();
    let removed = archived.store.sweep_blob_files(limit, None).await;
    assert_eq!(removed.unwrap().0, 1);
    drop(content);
}
