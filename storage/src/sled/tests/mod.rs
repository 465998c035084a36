//! The embedded backend against damage, faults and crashes.
#![allow(clippy::unwrap_used)]

mod backup;
mod bad_disk;
mod blobs;
mod crashes;
mod damage;
mod faults;
mod life;
mod verify;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tempfile::TempDir;

use super::{
    OpenError, Options, Sled,
    disk::Disk,
    folder::{Folder, StoreId},
    journal, snapshot,
};
use crate::{
    backend::{Backend, Commit, CommitError, Committed, Entry, Key, KeyRange, Operation, Page},
    testing::ManualClock,
};

/// A store in a folder of its own.
struct Place {
    folder: TempDir,
    options: Options,
}

/// Everything in a store.
type Rows = Vec<(Key, Entry)>;

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
            options: Options::default(),
        }
    }

    /// With so little memory and such short segments that everything happens all the time.
    fn cramped() -> Place {
        let options = Options {
            cache_octets: 1 << 20,
            overlay_octets: 4096,
            segment_octets: 4096,
            snapshot_octets: 16384,
            archive: None,
        };
        Place {
            options,
            ..Place::new()
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn open(&self) -> Sled {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Sled, OpenError> {
        Sled::open(
            self.path(),
            self.options.clone(),
            Arc::new(ManualClock::default()),
        )
    }

    fn open_on(&self, disk: Arc<dyn Disk>) -> Sled {
        Sled::open_on(
            disk,
            self.path(),
            self.options.clone(),
            Arc::new(ManualClock::default()),
        )
        .unwrap()
    }

    /// What opening it says is wrong.
    fn damage(&self) -> String {
        match self.try_open().err().unwrap() {
            OpenError::Damaged(text) => text,
            error => panic!("not damage: {error}"),
        }
    }

    /// Takes away what can be derived.
    fn remove_index(&self) {
        fs::remove_dir_all(self.path().join("index")).unwrap();
    }

    /// Takes away every trace of what was moved into the index.
    fn forget_index(&self) {
        if self.path().join("index").exists() {
            self.remove_index();
            fs::remove_file(self.path().join("checkpoint")).unwrap();
        }
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(self.path().join("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
    }

    fn snapshots(&self) -> Vec<snapshot::SnapshotPlace> {
        snapshot::list(&self.at()).unwrap()
    }

    /// The places of the store, which has been opened before.
    fn at(&self) -> Folder {
        Folder::at(self.path(), self.store())
    }

    fn store(&self) -> StoreId {
        let text = fs::read_to_string(self.path().join("format")).unwrap();
        let store = text.lines().nth(1).unwrap().strip_prefix("store ").unwrap();
        StoreId(u128::from_str_radix(store, 16).unwrap().to_be_bytes())
    }
}

fn key(text: &str) -> Key {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(name: &str, value: &str) -> Commit {
    let operations = vec![Operation::Put(key(name), key(value))];
    Commit {
        id: 0,
        expect: Vec::new(),
        operations,
        observed: None,
    }
}

async fn write(store: &Sled, name: &str, value: &str) -> Result<Committed, CommitError> {
    store.commit(put(name, value)).await
}

async fn all(store: &Sled) -> Rows {
    let page = Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse: false,
    };
    store.scan(KeyRange::all(), page).await.unwrap().rows
}

async fn names(store: &Sled) -> Vec<String> {
    all(store)
        .await
        .into_iter()
        .map(|(key, _)| String::from_utf8_lossy(&key).into_owned())
        .collect()
}

/// Enough commits that several segments and snapshots come and go; gives what is there afterwards.
async fn fill(place: &Place, rounds: usize) -> Rows {
    let store = place.open();
    for round in 0..rounds {
        write(
            &store,
            &format!("row {}", round % 50),
            &"x".repeat(100 + round % 7),
        )
        .await
        .unwrap();
        if round % 10 == 9 {
            let operations = vec![Operation::Delete(key(&format!("row {}", round % 50)))];
            store
                .commit(Commit {
                    id: 0,
                    expect: Vec::new(),
                    operations,
                    observed: None,
                })
                .await
                .unwrap();
        }
    }
    let rows = all(&store).await;
    store.close().await;
    rows
}

/// Fills a cramped store until journal was deleted, i.e. until two snapshots stand.
async fn fill_beyond_two_snapshots(place: &Place) -> Rows {
    for _ in 0..50 {
        let rows = fill(place, 300).await;
        let first = journal::list(&place.at()).unwrap()[0].clone();
        if place.snapshots().len() == snapshot::KEPT
            && !first.path().ends_with("0000000001.journal")
        {
            return rows;
        }
    }
    panic!("no journal was ever deleted");
}
