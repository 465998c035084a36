//! Blobs on a disk that fails, and blobs that were damaged there.

use std::{io::ErrorKind, path::Component};

use super::{
    bad_disk::{BadDisk, Call},
    *,
};
use crate::{
    backend::ReadError,
    blob_files::{BlobName, FinishedBlob},
};

/// More than a block.
const LENGTH: usize = 200_000;
const BLOCK: usize = 64 * 1024;

fn octets(octet: u8) -> Bytes {
    (0..LENGTH)
        .map(|place| (place % 251) as u8 ^ octet)
        .collect()
}

async fn write_blob(
    store: &Sled,
    writing: u128,
    octets: &Bytes,
) -> Result<FinishedBlob, CommitError> {
    let mut draft = store.blobs().begin(writing).await?;
    for piece in octets.chunks(70_000) {
        draft.write(octets.slice_ref(piece)).await?;
    }
    draft.finish(*blake3::hash(octets).as_bytes()).await
}

async fn read_blob(store: &Sled, name: BlobName) -> Result<Bytes, ReadError> {
    store.blobs().read(name, LENGTH as u64, 0, LENGTH).await
}

fn is_of_blobs(path: &Path) -> bool {
    path.components()
        .any(|part| part == Component::Normal("blobs".as_ref()))
}

fn unfinished(place: &Place) -> usize {
    let entries = fs::read_dir(place.path().join("blobs/unfinished"));
    entries.unwrap().count()
}

fn file_of(place: &Place, name: BlobName) -> PathBuf {
    let shard = format!("{:02x}", name.hash[0]);
    place
        .path()
        .join("blobs")
        .join(shard)
        .join(name.to_string())
}

/// Each call by which a blob is written fails in turn, once or from then on: whoever writes is told, nothing
/// is there, rows are written as before, and it succeeds when the disk works again.
#[tokio::test]
async fn each_call_by_which_a_blob_is_written_may_fail() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for times in [1, usize::MAX] {
            let mut tried = 0;
            for nth in 1.. {
                let place = Place::new();
                let disk = BadDisk::default();
                let plan = disk.plan.clone();
                let store = place.open_on(Arc::new(disk));
                plan.fail_from(nth, times, kind, |call, path| {
                    is_of_blobs(path) && !matches!(call, Call::Remove | Call::List)
                });
                let written = write_blob(&store, 1, &octets(0)).await;
                let failed = plan.failed();
                if failed == 0 {
                    written.unwrap();
                    break;
                }
                tried += 1;
                let what = format!("{kind:?}, call {nth}, {times} times");
                match (kind, written) {
                    (ErrorKind::StorageFull, Err(CommitError::Full)) => {}
                    (ErrorKind::Other, Err(CommitError::Unavailable(_))) => {}
                    (_, written) => panic!("{what}: {written:?}"),
                }
                write(&store, "row", "1").await.unwrap();
                plan.heal();
                assert_eq!(store.blobs().list(None).await.unwrap(), [], "{what}");
                let again = write_blob(&store, 2, &octets(0)).await.unwrap();
                assert_eq!(read_blob(&store, again.name).await.unwrap(), octets(0));
                store.close().await;
                drop(store);
                let store = place.open();
                assert_eq!(unfinished(&place), 0, "{what}");
                let listed = store.blobs().list(None).await.unwrap();
                assert_eq!(listed.len(), 1, "{what}");
                assert!(!listed[0].is_awaited);
            }
            assert!(tried >= 8, "{tried}");
        }
    }
}

/// What cannot be removed is left over, and told by nobody but the sweeper.
#[tokio::test]
async fn what_cannot_be_removed_is_left_over() {
    let place = Place::new();
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    plan.fail(ErrorKind::Other, |call, _| call == Call::Remove);
    let mut draft = store.blobs().begin(1).await.unwrap();
    draft.write(octets(0)).await.unwrap();
    drop(draft);
    let name = write_blob(&store, 2, &octets(0)).await.unwrap().name;
    assert!(store.blobs().remove(name).await.is_err());
    plan.heal();
    store.close().await;
    drop(store);
    assert_eq!(unfinished(&place), 1);
    let store = place.open();
    assert_eq!(unfinished(&place), 0, "the start removes it");
    assert_eq!(store.blobs().remove(name).await, Ok(true));
    assert_eq!(store.blobs().remove(name).await, Ok(true), "it is gone");
    assert_eq!(store.blobs().list(None).await.unwrap(), []);
}

/// Blobs leave the room that everything else needs, and reads go on.
#[tokio::test]
async fn a_disk_that_is_almost_full_takes_no_blobs() {
    let place = Place::new();
    let disk = BadDisk::default();
    let plan = disk.plan.clone();
    let store = place.open_on(Arc::new(disk));
    let name = write_blob(&store, 1, &octets(0)).await.unwrap().name;
    let spare = place.options.spare_octets();
    for free in [0, spare - 1, spare + 10] {
        plan.leave_free(free);
        let refused = write_blob(&store, 2, &octets(1)).await;
        assert_eq!(refused.err(), Some(CommitError::Full), "{free} octets");
        assert_eq!(read_blob(&store, name).await.unwrap(), octets(0));
    }
    plan.leave_free(spare + LENGTH as u64);
    write_blob(&store, 2, &octets(1)).await.unwrap();
}

/// Whatever is done to a blob's file is noticed, also where only a part is read; other blobs are read on.
#[tokio::test]
async fn damage_is_noticed_in_every_part() {
    type Damages = fn(&Path, &Path);
    let damages: [(&str, Damages); 6] = [
        ("missing", |file, _| fs::remove_file(file).unwrap()),
        ("its folder is deleted", |file, _| {
            fs::remove_dir_all(file.parent().unwrap()).unwrap();
        }),
        ("cut", |file, _| {
            let octets = fs::read(file).unwrap();
            fs::write(file, &octets[..octets.len() - 1]).unwrap();
        }),
        ("longer", |file, _| {
            let octets = fs::read(file).unwrap();
            fs::write(file, [&octets[..], &b"12345678"[..]].concat()).unwrap();
        }),
        ("zeros", |file, _| {
            fs::write(file, vec![0; fs::read(file).unwrap().len()]).unwrap();
        }),
        ("replaced by another of the same length", |file, other| {
            fs::copy(other, file).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let place = Place::new();
        let store = place.open();
        let name = write_blob(&store, 1, &octets(0)).await.unwrap().name;
        let other = write_blob(&store, 2, &octets(1)).await.unwrap().name;
        let file = file_of(&place, name);
        damage(&file, &file_of(&place, other));
        for (start, count) in [(0, LENGTH), (0, 5), (LENGTH / BLOCK * BLOCK, 5)] {
            let part = store.blobs().read(name, LENGTH as u64, start as u64, count);
            let part = part.await.map(|octets| octets.len());
            assert!(
                matches!(part, Err(ReadError::Corrupt(_))),
                "{what}: {part:?}"
            );
        }
        let rest = read_blob(&store, other).await.unwrap();
        assert!(rest == octets(1), "{what}");
    }
}

/// A flipped bit is noticed by whoever reads its block, and by nobody else.
#[tokio::test]
async fn a_flipped_bit_is_noticed_by_who_reads_it() {
    let place = Place::new();
    let store = place.open();
    let name = write_blob(&store, 1, &octets(0)).await.unwrap().name;
    let file = file_of(&place, name);
    let whole = fs::read(&file).unwrap();
    for block in 0..4 {
        let mut flipped = whole.clone();
        flipped[block * (BLOCK + 4) + 17] ^= 8;
        fs::write(&file, flipped).unwrap();
        for read in 0..4 {
            let start = (read * BLOCK) as u64;
            let part = store.blobs().read(name, LENGTH as u64, start, 5).await;
            assert_eq!(part.is_ok(), read != block, "{read} of {block}");
        }
    }
}

/// A blob that is damaged is missing in the backup, and everything else is there.
#[tokio::test]
async fn a_damaged_blob_does_not_keep_the_rest_from_being_backed_up() {
    let place = Place::new();
    let store = place.open();
    let [bad, good] = [0, 1].map(octets);
    let bad = write_blob(&store, 1, &bad).await.unwrap().name;
    let good = write_blob(&store, 2, &good).await.unwrap().name;
    let file = file_of(&place, bad);
    let mut flipped = fs::read(&file).unwrap();
    flipped[LENGTH - 1] ^= 1;
    fs::write(&file, flipped).unwrap();
    let backup = place.path().join("backup");
    let mut out = fs::File::create(&backup).unwrap();
    store.backup(&mut out, &mut || true).unwrap();
    crate::sled::verify(&backup).unwrap();
    let restored = Place::new();
    let source = crate::sled::Source {
        origin: crate::sled::Origin::Backup(backup),
        archives: Vec::new(),
        until: None,
    };
    crate::sled::load(&source, restored.path(), crate::Timestamp(1), &mut |_| true).unwrap();
    let store = restored.open();
    let listed = store.blobs().list(None).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.name).collect::<Vec<_>>(), [good]);
    assert_eq!(read_blob(&store, good).await.unwrap(), octets(1));
}

/// Octets of a blob go to the disk once: neither journal, snapshots nor index have them.
#[tokio::test]
async fn a_blob_is_written_once() {
    let place = Place::new();
    let store = place.open();
    let mut noise = vec![0; 4_000_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let noise = Bytes::from(noise);
    write_blob(&store, 1, &noise).await.unwrap();
    store.compact().await.unwrap();
    store.close().await;
    drop(store);
    let octets = |path: &Path| -> u64 {
        let mut folders = vec![path.to_owned()];
        let mut octets = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => octets += entry.metadata().unwrap().len(),
                }
            }
        }
        octets
    };
    let blobs = octets(&place.path().join("blobs"));
    assert!(blobs >= noise.len() as u64 && blobs < noise.len() as u64 + 10_000);
    assert!(octets(place.path()) - blobs < 1_000_000);
}
