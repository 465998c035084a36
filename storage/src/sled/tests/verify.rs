//! The backend's look at itself, and its compaction.

use super::*;
use crate::{Revision, backend::ReadError};

fn put(key: &str, value: &str) -> Commit {
    Commit {
        operations: vec![Operation::Put(
            Key::copy_from_slice(key.as_bytes()),
            Bytes::copy_from_slice(value.as_bytes()),
        )],
        ..Commit::default()
    }
}

async fn filled(place: &Place) -> Sled {
    let store = place.open();
    for number in 0..300 {
        let key = format!("k{}", number % 50);
        store.commit(put(&key, &"v".repeat(number))).await.unwrap();
    }
    let gone = Operation::Delete(Key::from_static(b"k7"));
    let commit = Commit {
        operations: vec![gone],
        ..Commit::default()
    };
    store.commit(commit).await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agrees_is_no_fault() {
    for place in [Place::new(), Place::cramped()] {
        let store = filled(&place).await;
        assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
        store.compact().await.unwrap();
        assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_and_segment_are_told() {
    let place = Place::cramped();
    let store = filled(&place).await;
    store.compact().await.unwrap();
    for name in ["k1", "k2"] {
        store.commit(put(name, "new")).await.unwrap();
    }
    for (folder, words) in [("snapshots", "snapshot"), ("journal", "journal segment")] {
        let path = fs::read_dir(place.path().join(folder))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        // In the first frame's payload, behind whatever header the file has.
        bad[70] ^= 1;
        fs::write(&path, &bad).unwrap();
        let faults = store.verify().await.unwrap();
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{folder}: {faults:?}"
        );
        fs::write(&path, &good).unwrap();
        assert_eq!(
            store.verify().await.unwrap(),
            Vec::<String>::new(),
            "{folder}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_tells_something_else_is_told_and_built_again() {
    let place = Place::new();
    let store = filled(&place).await;
    store.close().await;
    drop(store);
    // Behind the store's back, each with a right checksum.
    let spoil = ::sled::open(place.path().join("index")).unwrap();
    let row = |key: &[u8], revision| super::super::row::write(key, Revision(revision), b"wrong");
    spoil.remove(b"\x01k1").unwrap();
    spoil.insert(b"\x01k2", row(b"k2", 1)).unwrap();
    spoil.insert(b"\x01k7", row(b"k7", 1)).unwrap();
    let newest = spoil.get(b"\x01k3").unwrap().unwrap();
    let revision = u64::from_be_bytes(newest[..8].try_into().unwrap());
    spoil.insert(b"\x01k3", row(b"k3", revision)).unwrap();
    spoil.flush().unwrap();
    drop(spoil);
    let store = place.open();
    let faults = store.verify().await.unwrap();
    for words in [
        "k1: it is missing",
        "k2: it is older",
        "k7: it was removed",
        "k3: it is another",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words}: {faults:?}"
        );
    }
    store.close().await;
    drop(store);
    super::super::demand_new_index(place.path()).unwrap();
    let store = place.open();
    assert_eq!(store.verify().await.unwrap(), Vec::<String>::new());
    store.close().await;
    drop(store);
    assert!(place.path().join("index.set-aside").exists());
    super::super::forget_old_index(place.path()).unwrap();
    assert!(!place.path().join("index.set-aside").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compaction_leaves_no_journal_that_is_not_needed() {
    let mut place = Place::cramped();
    place.options.snapshot_octets = 1 << 30;
    let store = filled(&place).await;
    let segments = || fs::read_dir(place.path().join("journal")).unwrap().count();
    let before = segments();
    assert!(before > 3, "{before} segments");
    store.compact().await.unwrap();
    assert!(segments() <= 2, "{} segments", segments());
    let snapshots = fs::read_dir(place.path().join("snapshots"))
        .unwrap()
        .count();
    assert_eq!(snapshots, snapshot::KEPT);
    store.close().await;
    let closed = store.compact().await;
    assert!(
        matches!(closed, Err(ReadError::Unavailable(_))),
        "{closed:?}"
    );
}
