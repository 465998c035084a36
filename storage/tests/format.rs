//! Stores that were written by earlier versions are opened by this one, and hold what they held.
//!
//! `tests/fixtures/NAME.store` is the folder of such a store, packed, and `NAME.txt` says what is in
//! it. When the format on disk changes, a fixture of the new one is added, and the old ones stay:
//!
//! ```text
//! FIXTURE=format-2 cargo test -p storage --test format -- --ignored write_a_fixture
//! ```
#![allow(clippy::unwrap_used)]

#[path = "format/listing.rs"]
mod listing;
#[path = "format/parcel.rs"]
mod parcel;
#[path = "format/world.rs"]
mod world;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use storage::{
    Environment, Store,
    model::{Principal, PrincipalKind},
    sled::{Options, Sled},
    testing::{ManualClock, SeededEntropy},
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// So that the fixture has segments, snapshots and an index.
fn options() -> Options {
    Options {
        cache_octets: 1 << 20,
        overlay_octets: 4096,
        segment_octets: 16 * 1024,
        snapshot_octets: 64 * 1024,
        archive: None,
    }
}

/// `seed` makes the names that are given differ from those given before.
async fn open(folder: &Path, seed: u64) -> Store {
    let clock = Arc::new(ManualClock::default());
    let backend = Sled::open(folder, options(), clock.clone()).unwrap();
    let entropy = Arc::new(SeededEntropy::new(seed));
    let environment = Environment { clock, entropy };
    Store::open(Arc::new(backend), environment).await.unwrap()
}

/// Opens a store, looks whether it is sound, and says what is in it.
async fn contents(folder: &Path) -> String {
    let store = open(folder, 2).await;
    assert_eq!(store.check().await.unwrap(), []);
    let listing = listing::listing(&store).await;
    store.backend().close().await;
    listing
}

#[tokio::test]
#[ignore = "writes a fixture of the present format"]
async fn write_a_fixture() {
    let name = std::env::var("FIXTURE").expect("FIXTURE says how it is called");
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path(), 1).await;
    world::fill(&store).await;
    let snapshots = temporary.path().join("snapshots");
    let snapshot = |name: &str| name.ends_with(".snapshot");
    while !fs::read_dir(&snapshots)
        .unwrap()
        .any(|entry| snapshot(entry.unwrap().file_name().to_str().unwrap()))
    {
        tokio::task::yield_now().await;
    }
    store.backend().close().await;
    drop(store);
    fs::remove_file(temporary.path().join("lock")).unwrap();
    let parcel = parcel::pack(temporary.path());
    fs::write(fixtures().join(format!("{name}.store")), parcel).unwrap();
    let listing = contents(temporary.path()).await;
    fs::write(fixtures().join(format!("{name}.txt")), listing).unwrap();
}

/// Every format there ever was: sound, and what it was; with its own index, with one built again from
/// its truth, and after this version has written to it.
#[tokio::test]
async fn stores_of_every_format_are_opened() {
    let mut seen = Vec::new();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "store")
        {
            continue;
        }
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        parcel::unpack(&fs::read(&path).unwrap(), folder);
        assert_eq!(contents(folder).await, expected, "{}", path.display());
        fs::remove_dir_all(folder.join("index")).unwrap();
        assert_eq!(contents(folder).await, expected, "{}", path.display());

        let store = open(folder, 2).await;
        let carol = Principal::new(PrincipalKind::User, "carol");
        let carol = store.add_account(carol, None).await.unwrap();
        store.backend().close().await;
        drop(store);
        assert!(contents(folder).await.contains("/carol/"));
        let store = open(folder, 2).await;
        store.remove_account(carol.id).await.unwrap();
        while store.purge_detached(1_000).await.unwrap() {}
        store.backend().close().await;
        drop(store);
        assert!(!contents(folder).await.contains("/carol/"));
        seen.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    assert!(seen.contains(&"format-1".to_owned()), "{seen:?}");
}

/// What is packed is unpacked, octet by octet.
#[test]
fn parcels() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let zeros = |count| vec![0; count];
    let files = [
        ("a", vec![]),
        ("b", zeros(100)),
        ("c/d", [zeros(15), vec![1], zeros(16), vec![2]].concat()),
        ("c/e", [vec![3], zeros(40), vec![7; 20]].concat()),
    ];
    fs::create_dir(from.path().join("c")).unwrap();
    for (name, octets) in &files {
        fs::write(from.path().join(name), octets).unwrap();
    }
    parcel::unpack(&parcel::pack(from.path()), to.path());
    for (name, octets) in &files {
        assert_eq!(&fs::read(to.path().join(name)).unwrap(), octets, "{name}");
    }
}
