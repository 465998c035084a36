//! What the hot paths cost in reads and rows, so that nobody makes them dearer unawares.

use std::sync::Mutex;

use super::*;
use crate::backend::BoxFuture;

/// Passes everything on and writes down what it was.
struct Recorder {
    below: Arc<dyn Backend>,
    calls: Mutex<Vec<String>>,
}

impl Recorder {
    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Backend for Recorder {
    fn get_many<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Entry>>, ReadError>> {
        self.note(format!("get {}", keys.len()));
        self.below.get_many(keys)
    }

    fn scan<'a>(
        &'a self,
        range: KeyRange,
        page: Page,
    ) -> BoxFuture<'a, Result<crate::backend::ScanPage, ReadError>> {
        self.note("scan".to_owned());
        self.below.scan(range, page)
    }

    fn commit<'a>(&'a self, commit: Commit) -> BoxFuture<'a, Result<Committed, CommitError>> {
        let spaces: Vec<_> = commit.operations.iter().map(space).collect();
        self.note(format!(
            "commit {} expectations, {}",
            commit.expect.len(),
            spaces.join(" ")
        ));
        self.below.commit(commit)
    }

    fn blobs(&self) -> &dyn crate::blob_files::BlobFiles {
        self.below.blobs()
    }

    fn revision(&self) -> Revision {
        self.below.revision()
    }

    fn watch(&self) -> tokio::sync::watch::Receiver<Revision> {
        self.below.watch()
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, ()> {
        self.below.close()
    }
}

/// The kind of row that an operation touches.
fn space(operation: &Operation) -> &'static str {
    let key = match operation {
        Operation::Put(key, _) | Operation::Delete(key) | Operation::Add { key, .. } => key,
        Operation::Append { prefix, .. } => prefix,
        Operation::DeleteRange(_) => return "range",
    };
    match key[0] {
        octet if octet == keys::Keyspace::Member as u8 => "member",
        octet if octet == keys::Keyspace::Change as u8 => "change",
        octet if octet == keys::Keyspace::Uid as u8 => "uid",
        octet if octet == keys::Keyspace::Usage as u8 => "usage",
        _ => "other",
    }
}

#[tokio::test]
async fn get_and_put_touch_few_rows() {
    let World {
        backend,
        clock,
        store,
    } = world().await;
    let recorder = Arc::new(Recorder {
        below: backend.clone(),
        calls: Mutex::default(),
    });
    let store = Store::open(recorder.clone(), store.environment().clone())
        .await
        .unwrap();
    let world = World {
        store,
        clock,
        backend,
    };
    world.user("alice").await;
    world
        .put(&path("alice", "calendar/warm.ics"), &event("warm", ""))
        .await
        .unwrap();
    recorder.take();

    // Directory, home, binding, calendar, object.
    world.resolve(&path("alice", "calendar/warm.ics")).await;
    assert_eq!(recorder.take(), ["get 5"]);

    let place = path("alice", "calendar/new.ics");
    world.put(&place, &event("new", "content")).await.unwrap();
    assert_eq!(
        recorder.take(),
        ["get 5", "commit 3 expectations, member change uid usage"]
    );
    world.put(&place, &event("new", "changed")).await.unwrap();
    assert_eq!(
        recorder.take(),
        ["get 5", "commit 2 expectations, member change"]
    );
    world.remove(&place).await.unwrap();
    assert_eq!(
        recorder.take(),
        ["get 5", "commit 1 expectations, change member uid usage"]
    );

    let calendar = world.collection(&path("alice", "calendar")).await;
    recorder.take();
    world.store.find_uid(calendar.home, "none").await.unwrap();
    world.store.sync_token(calendar.id).await.unwrap();
    assert_eq!(recorder.take(), ["scan", "scan"]);
    world.store.find_uid(calendar.home, "warm").await.unwrap();
    assert_eq!(recorder.take(), ["scan", "get 2"]);

    let many: Vec<_> = (0..50)
        .map(|number| path("alice", &format!("calendar/{number}")))
        .collect();
    world.store.resolve_many(&many).await.unwrap();
    assert_eq!(recorder.take(), ["get 54"], "one read for a multiget");
}
