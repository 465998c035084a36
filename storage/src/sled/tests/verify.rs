//! The backend's look at itself, and its compaction.

use super::*;
use crate::{
    Revision,
    backend::{FaultPlace, ReadError},
};

fn put(key: &str, value: &str) -> Commit {
    Commit {
        operations: vec![Operation::Put(
            Key::copy_from_slice(key.as_bytes()),
            Bytes::copy_from_slice(value.as_bytes()),
        )],
        ..Commit::default()
    }
}

/// What is wrong, in words.
async fn told(store: &Sled) -> Vec<String> {
    let faults = store.verify().await.unwrap();
    faults.into_iter().map(|fault| fault.what).collect()
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
        assert_eq!(told(&store).await, Vec::<String>::new());
        store.compact().await.unwrap();
        assert_eq!(told(&store).await, Vec::<String>::new());
        store.close().await;
        drop(store);
        let store = place.open();
        assert_eq!(told(&store).await, Vec::<String>::new());
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
    // Nothing goes on behind the compaction: neither file is replaced while it is damaged.
    let snapshots = place.snapshots().into_iter().map(|place| place.path);
    let files = snapshots.map(|path| (path, "snapshot"));
    let segment = place.segments().pop().unwrap();
    for (path, words) in files.chain([(segment, "journal segment")]) {
        let folder = path.display();
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        // In the first frame's payload, behind whatever header the file has.
        bad[70] ^= 1;
        fs::write(&path, &bad).unwrap();
        let faults = told(&store).await;
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{folder}: {faults:?}"
        );
        fs::write(&path, &good).unwrap();
        assert_eq!(told(&store).await, Vec::<String>::new(), "{folder}");
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
    let faults = told(&store).await;
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
    assert!(
        store
            .verify()
            .await
            .unwrap()
            .iter()
            .all(|fault| fault.place == FaultPlace::Index)
    );
    // While it is open ...
    store.rebuild().await.unwrap();
    assert_eq!(told(&store).await, Vec::<String>::new());
    store.commit(put("k1", "new")).await.unwrap();
    store.close().await;
    assert!(store.rebuild().await.is_err());
    drop(store);
    // ... and when it is opened.
    super::super::demand_new_index(place.path()).unwrap();
    let store = place.open();
    assert_eq!(told(&store).await, Vec::<String>::new());
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

/// A row that fails its checksum can be stepped over, and is right again when the index is built anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_has_a_key() {
    let place = Place::new();
    let store = filled(&place).await;
    store.close().await;
    drop(store);
    let spoil = ::sled::open(place.path().join("index")).unwrap();
    // Rows that stand alone have this tag.
    let mut row = spoil.get(b"\x01k3").unwrap().unwrap().to_vec();
    *row.last_mut().unwrap() ^= 1;
    spoil.insert(b"\x01k3", row).unwrap();
    spoil.flush().unwrap();
    drop(spoil);
    let store = place.open();
    let range = || KeyRange::prefix(&b"k3"[..]);
    let page = Page {
        rows: 1,
        octets: usize::MAX,
        reverse: false,
    };
    let scanned = store.scan(range(), page).await;
    assert!(matches!(scanned, Err(ReadError::Corrupt(_))), "{scanned:?}");
    let key = store.first_key(range()).await.unwrap();
    assert_eq!(key.as_deref(), Some(&b"k3"[..]));
    store.rebuild().await.unwrap();
    assert_eq!(store.scan(range(), page).await.unwrap().rows.len(), 1);
    store.close().await;
}

/// Whoever waits no longer does not keep the machine busy.
#[tokio::test]
async fn a_look_that_nobody_waits_for_ends() {
    let place = Place::new();
    let store = filled(&place).await;
    let stop = std::sync::atomic::AtomicBool::new(true);
    let stopped = super::super::verify::verify(&store.shared, &stop);
    assert!(
        matches!(stopped, Err(ReadError::Unavailable(_))),
        "{stopped:?}"
    );
    store.close().await;
}
