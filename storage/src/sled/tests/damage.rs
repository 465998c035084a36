//! What is damaged is repaired from the rest, or refused with words; never answered wrongly.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    backend::ReadError,
    sled::{frame, journal::SegmentPlace, row},
};

/// A store of three commits without an index, its one segment, and where the last frame stands in it.
async fn three_commits() -> (Place, PathBuf, std::ops::Range<usize>) {
    let place = Place::new();
    let store = place.open();
    for name in ["a", "b", "c"] {
        write(&store, name, "1").await.unwrap();
    }
    store.close().await;
    drop(store);
    place.forget_index();
    let segment = place.segments().remove(0);
    let frames = frames(&place, &segment);
    let last = frames.last().unwrap().clone();
    (place, segment, last)
}

/// Where the frames of a segment stand.
fn frames(place: &Place, path: &Path) -> Vec<std::ops::Range<usize>> {
    let octets = fs::read(path).unwrap();
    let places = journal::list(&place.at()).unwrap();
    let segment: &SegmentPlace = places.iter().find(|place| place.path() == path).unwrap();
    let mut frames = Vec::new();
    let mut start = 48;
    while let Some((_, behind)) = frame::read(&octets[start..], segment.seed(place.store())) {
        let end = octets.len() - behind.len();
        frames.push(start..end);
        start = end;
    }
    frames
}

fn overwrite(path: &Path, offset: usize, octets: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(octets, offset as u64).unwrap();
}

/// Whatever part of the last frame reached the disk, the commits before it are there, it is not, and
/// the store goes on.
#[tokio::test]
async fn a_tail_torn_at_any_offset_is_cut_off() {
    let (place, segment, last) = three_commits().await;
    let whole = fs::read(&segment).unwrap();
    for cut in last.clone() {
        // The rest was never written; or it reads as zeros; or as what stood on the disk before.
        let mut noise = whole.clone();
        noise[cut..last.end]
            .iter_mut()
            .for_each(|octet| *octet ^= 0x55);
        let mut zeros = whole.clone();
        zeros[cut..last.end].fill(0);
        for torn in [whole[..cut].to_vec(), zeros, noise] {
            if torn == whole {
                continue;
            }
            for added in &place.segments()[1..] {
                fs::remove_file(added).unwrap();
            }
            fs::write(&segment, torn).unwrap();
            place.forget_index();
            let store = place.open();
            assert_eq!(names(&store).await, ["a", "b"], "cut at {cut}");
            assert_eq!(write(&store, "d", "1").await.unwrap().revision.0, 3);
        }
    }
    let store = place.open();
    assert_eq!(names(&store).await, ["a", "b", "d"]);
}

/// A flipped bit at every octet of a segment. Where it took something that was acknowledged, the store
/// is refused, and the message says what is lost, from when, and how to go on. In the last frame it
/// looks like a write that was torn, unless something else knows that the frame was acknowledged.
#[tokio::test]
async fn a_flipped_bit_anywhere_in_a_segment() {
    const HOUR: i64 = 60 * 60 * 1000;
    let place = Place::new();
    let clock = Arc::new(ManualClock::default());
    let store = Sled::open(place.path(), place.options.clone(), clock.clone()).unwrap();
    for name in ["a", "b", "c"] {
        write(&store, name, "1").await.unwrap();
        clock.advance(HOUR);
    }
    drop(store);
    let checkpoint = fs::read(place.path().join("checkpoint")).unwrap();
    place.forget_index();
    let segment = place.segments().remove(0);
    let frames = frames(&place, &segment);
    let remedy = "; put the segment back from a copy, or restore a backup";
    let cases = [
        (
            0..48,
            "its header is unreadable, all commits in it are lost",
        ),
        (
            frames[0].clone(),
            "the commits 1 to 1 are lost, made before 2026-01-01T01:00:00Z",
        ),
        (
            frames[1].clone(),
            "the commits 2 to 2 are lost, made between 2026-01-01T00:00:00Z and 2026-01-01T02:00:00Z",
        ),
        (
            frames[0].start..frames[1].end,
            "the commits 1 to 2 are lost, made before 2026-01-01T02:00:00Z",
        ),
    ];
    let whole = fs::read(&segment).unwrap();
    for (offsets, lost) in cases {
        let expected = format!("journal segment 0000000001.journal: {lost}{remedy}");
        let both = offsets.end == frames[1].end && offsets.start == frames[0].start;
        for offset in offsets {
            let mut bad = whole.clone();
            bad[offset] ^= 1 << (offset % 8);
            if both {
                bad[frames[0].start] ^= 0x80;
                bad[frames[1].start + 9] ^= 0x80;
            }
            fs::write(&segment, bad).unwrap();
            assert_eq!(place.damage(), expected, "octet {offset}");
        }
    }
    for offset in frames[2].clone() {
        let mut bad = whole.clone();
        bad[offset] ^= 1 << (offset % 8);
        fs::write(&segment, &bad).unwrap();
        fs::write(place.path().join("checkpoint"), &checkpoint).unwrap();
        assert_eq!(
            place.damage(),
            "the journal ends with commit 2, but commits up to 3 were acknowledged; put the missing \
             end of the journal back from a copy, or restore a backup",
            "octet {offset}"
        );
    }
    fs::write(&segment, whole).unwrap();
    assert_eq!(names(&place.open()).await, ["a", "b", "c"]);
}

/// A segment whose header never reached the disk holds nothing, and does not hinder.
#[tokio::test]
async fn a_segment_that_was_never_begun_is_ignored() {
    for octets in [&b""[..], b"CNVK", &[0; 300]] {
        let (place, segment, _) = three_commits().await;
        fs::write(segment.with_file_name("0000000002.journal"), octets).unwrap();
        let store = place.open();
        assert_eq!(names(&store).await, ["a", "b", "c"]);
        write(&store, "d", "1").await.unwrap();
        drop(store);
        assert_eq!(names(&place.open()).await, ["a", "b", "c", "d"]);
    }
}

#[tokio::test]
async fn a_missing_segment_says_what_is_lost() {
    let place = Place::new();
    for name in ["a", "b", "c"] {
        let store = place.open();
        write(&store, name, "1").await.unwrap();
    }
    let segments = place.segments();
    assert_eq!(segments.len(), 3);
    place.remove_index();
    for (missing, lost) in [
        (0, "commits 1 to 1 are lost"),
        (1, "commits 2 to 2 are lost"),
    ] {
        let octets = fs::read(&segments[missing]).unwrap();
        fs::remove_file(&segments[missing]).unwrap();
        let text = place.damage();
        assert!(text.contains(lost), "{text}");
        fs::write(&segments[missing], octets).unwrap();
    }
    assert_eq!(names(&place.open()).await, ["a", "b", "c"]);
}

/// The index knows of commits that the journal has lost: they are not dropped without a word.
#[tokio::test]
async fn a_journal_that_ends_before_the_index_is_refused() {
    let place = Place::new();
    for name in ["a", "b"] {
        let store = place.open();
        write(&store, name, "1").await.unwrap();
    }
    fs::remove_file(&place.segments()[1]).unwrap();
    let text = place.damage();
    assert!(
        text.contains("the journal ends with commit 1, but commits up to 2"),
        "{text}"
    );
}

/// The same when the index is gone too: the checkpoint and the snapshots tell how far it reached.
#[tokio::test]
async fn a_journal_whose_end_is_missing_is_refused() {
    let place = Place::new();
    for name in ["a", "b"] {
        let store = place.open();
        write(&store, name, "1").await.unwrap();
    }
    let segments = place.segments();
    let last = fs::read(&segments[1]).unwrap();
    fs::remove_file(&segments[1]).unwrap();
    place.remove_index();
    for _ in 0..2 {
        let text = place.damage();
        assert!(
            text.contains("ends with commit 1, but commits up to 2"),
            "{text}"
        );
    }
    fs::write(&segments[1], last).unwrap();
    assert_eq!(names(&place.open()).await, ["a", "b"]);

    let place = Place::cramped();
    fill_beyond_two_snapshots(&place).await;
    place.remove_index();
    fs::remove_file(place.path().join("checkpoint")).unwrap();
    for segment in place.segments() {
        fs::remove_file(segment).unwrap();
    }
    let text = place.damage();
    assert!(
        text.contains("ends with commit 0, but commits up to"),
        "{text}"
    );
}

/// What another segment left on the disk is not taken for this one's.
#[tokio::test]
async fn a_frame_of_another_segment_is_not_believed() {
    let place = Place::new();
    for name in ["a", "b"] {
        let store = place.open();
        write(&store, name, "1").await.unwrap();
    }
    let segments = place.segments();
    let first = frames(&place, &segments[0])[0].clone();
    let stale = fs::read(&segments[0]).unwrap()[first].to_vec();
    let end = frames(&place, &segments[1]).last().unwrap().end;
    overwrite(&segments[1], end, &stale);
    place.remove_index();
    assert_eq!(names(&place.open()).await, ["a", "b"]);
}

/// Each way to spoil what can be derived.
#[tokio::test]
async fn a_spoiled_index_is_built_again() {
    type Spoil = fn(&Place);
    let spoil: [(&str, Spoil); 7] = [
        ("removed", |place| place.remove_index()),
        ("emptied", |place| {
            place.remove_index();
            fs::create_dir(place.path().join("index")).unwrap();
        }),
        ("overwritten with noise", |place| {
            let path = place.path().join("index").join("db");
            let length = fs::metadata(&path).unwrap().len() as usize;
            let noise: Vec<u8> = (0..length)
                .map(|index| (index * 7919 % 251) as u8)
                .collect();
            overwrite(&path, 0, &noise);
        }),
        ("its configuration damaged", |place| {
            fs::write(place.path().join("index").join("conf"), b"nonsense").unwrap();
        }),
        ("without a checkpoint", |place| {
            fs::remove_file(place.path().join("checkpoint")).unwrap()
        }),
        ("with a damaged checkpoint", |place| {
            overwrite(&place.path().join("checkpoint"), 30, b"x")
        }),
        ("found damaged before", |place| {
            fs::write(place.path().join("index.rebuild"), b"").unwrap()
        }),
    ];
    for (how, spoil) in spoil {
        let place = Place::new();
        let rows = fill(&place, 100).await;
        spoil(&place);
        let store = place.open();
        assert_eq!(all(&store).await, rows, "{how}");
        assert_eq!(
            write(&store, "new", "1").await.unwrap().revision.0,
            111,
            "{how}"
        );
        assert!(!place.path().join("index.rebuild").exists(), "{how}");
    }
}

/// Every file of sled's folder, spoiled in every way: the index is built again, and nothing is missing.
#[tokio::test]
async fn each_file_of_the_index_may_be_spoiled() {
    type Spoil = fn(&mut Vec<u8>);
    let ways: [(&str, Spoil); 6] = [
        ("emptied", |octets| octets.clear()),
        ("cut in half", |octets| octets.truncate(octets.len() / 2)),
        ("cut by one", |octets| {
            octets.pop();
        }),
        ("filled with noise", |octets| noise(octets)),
        ("begun with noise", |octets| {
            let length = octets.len().min(4096);
            noise(&mut octets[..length]);
        }),
        ("noise in its middle", |octets| {
            let (middle, length) = (octets.len() / 2, octets.len().min(512));
            let end = (middle + length).min(octets.len());
            noise(&mut octets[middle..end]);
        }),
    ];
    let place = Place::new();
    let rows = fill(&place, 100).await;
    let files = files_below(&place.path().join("index"));
    assert!(files.len() >= 2, "{files:?}");
    let good = place.path().join("good");
    copy_files(&place.path().join("index"), &good);
    let checkpoint = fs::read(place.path().join("checkpoint")).unwrap();
    for file in &files {
        for (how, spoil) in ways {
            let what = format!("{} {how}", file.display());
            let index = place.path().join("index");
            fs::remove_dir_all(&index).unwrap();
            copy_files(&good, &index);
            fs::write(place.path().join("checkpoint"), &checkpoint).unwrap();
            let mut octets = fs::read(file).unwrap();
            spoil(&mut octets);
            fs::write(file, octets).unwrap();
            assert_eq!(all(&place.open()).await, rows, "{what}");
        }
    }
}

fn noise(octets: &mut [u8]) {
    for (index, octet) in octets.iter_mut().enumerate() {
        *octet = (index * 7919 % 251) as u8;
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

/// An older copy of the index with its checkpoint is completed from the journal; where the journal no
/// longer reaches back to it, it is built again from the snapshots.
#[tokio::test]
async fn an_older_copy_with_its_checkpoint_is_completed_or_built_again() {
    for is_reached in [true, false] {
        let place = match is_reached {
            true => Place::new(),
            false => Place::cramped(),
        };
        fill(&place, 20).await;
        let (index, copy) = (place.path().join("index"), place.path().join("copy"));
        let checkpoint = fs::read(place.path().join("checkpoint")).unwrap();
        copy_files(&index, &copy);
        let rows = match is_reached {
            true => fill(&place, 100).await,
            false => fill_beyond_two_snapshots(&place).await,
        };
        place.remove_index();
        copy_files(&copy, &index);
        fs::write(place.path().join("checkpoint"), checkpoint).unwrap();
        assert_eq!(all(&place.open()).await, rows);
        assert_eq!(place.path().join("index.set-aside").exists(), !is_reached);
    }
}

/// A copy of the index from earlier says less than its checkpoint.
#[tokio::test]
async fn an_older_copy_of_the_index_is_not_believed() {
    let place = Place::new();
    fill(&place, 20).await;
    let (index, copy) = (place.path().join("index"), place.path().join("copy"));
    copy_files(&index, &copy);
    let rows = fill(&place, 100).await;
    place.remove_index();
    copy_files(&copy, &index);
    assert_eq!(all(&place.open()).await, rows);
    assert!(place.path().join("index.set-aside").exists());
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Spoils the last octet of everything in the index whose key begins so, behind the store's back.
fn spoil(place: &Place, prefix: &[u8]) {
    let database = ::sled::open(place.path().join("index")).unwrap();
    let rows: Vec<_> = database.scan_prefix(prefix).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let (key, octets) = row.unwrap();
        let mut octets = octets.to_vec();
        *octets.last_mut().unwrap() ^= 1;
        database.insert(key, octets).unwrap();
    }
}

/// A row that was damaged at rest is an error when read, and the next start mends it; so with a block of
/// rows (those that begin with b).
#[tokio::test]
async fn a_damaged_row_is_noticed_and_mended() {
    for (damaged, prefix, sound) in [("k", &b"\x01k"[..], "b"), ("b", b"\x02b", "k")] {
        let place = Place::new();
        let store = place.open();
        write(&store, damaged, "1").await.unwrap();
        write(&store, sound, "1").await.unwrap();
        store.close().await;
        drop(store);
        spoil(&place, prefix);
        let store = place.open();
        assert!(matches!(
            store.get(&key(damaged)).await,
            Err(ReadError::Corrupt(_))
        ));
        let page = Page {
            rows: 10,
            octets: 100,
            reverse: false,
        };
        assert!(store.scan(KeyRange::all(), page).await.is_err());
        assert!(store.get(&key(sound)).await.unwrap().is_some());
        write(&store, "m", "1").await.unwrap();
        store.close().await;
        drop(store);
        assert_eq!(names(&place.open()).await, ["b", "k", "m"]);
    }
}

/// Rows that waited for a block (those that begin with a) and are damaged keep the index from opening,
/// and it is built again at once.
#[tokio::test]
async fn damaged_rows_that_waited_are_mended() {
    let place = Place::new();
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    store.close().await;
    drop(store);
    spoil(&place, b"\x00g");
    assert_eq!(names(&place.open()).await, ["a"]);
}

/// A damaged block that another row belongs into: the index is built again while the store goes on.
#[tokio::test]
async fn a_damaged_block_that_is_written_is_mended_at_once() {
    let place = Place::new();
    let store = place.open();
    write(&store, "b1", "1").await.unwrap();
    store.close().await;
    drop(store);
    spoil(&place, b"\x02b");
    let store = place.open();
    write(&store, "b2", "1").await.unwrap();
    while store.get(&key("b1")).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(names(&store).await, ["b1", "b2"]);
}

/// The index of an earlier version (its note under the empty key, its rows without tags) is built again.
#[tokio::test]
async fn an_index_of_an_earlier_version_is_built_again() {
    let place = Place::new();
    let store = place.open();
    for name in ["a", "b", "k"] {
        write(&store, name, "1").await.unwrap();
    }
    let expected = all(&store).await;
    let newest = store.revision();
    store.close().await;
    drop(store);
    let database = ::sled::open(place.path().join("index")).unwrap();
    database.clear().unwrap();
    for (key, entry) in &expected {
        let row = row::write(key, entry.revision, &entry.value);
        database.insert(key, row).unwrap();
    }
    database
        .insert(b"", row::write(b"", newest, &[0; 8]))
        .unwrap();
    drop(database);
    assert_eq!(all(&place.open()).await, expected);
}

/// From a snapshot and the journal after it, when the journal before it is gone; from the older
/// snapshot, when the newer is damaged; not at all, when both are.
#[tokio::test]
async fn the_index_is_built_again_from_snapshots() {
    let place = Place::cramped();
    let rows = fill_beyond_two_snapshots(&place).await;
    place.remove_index();
    assert_eq!(all(&place.open()).await, rows);
    for (damaged, sound) in [(0, true), (1, false)] {
        let path = place.snapshots()[damaged].path.clone();
        let middle = fs::metadata(&path).unwrap().len() as usize / 2;
        let octet = fs::read(&path).unwrap()[middle];
        overwrite(&path, middle, &[octet ^ 1]);
        place.remove_index();
        if sound {
            assert_eq!(all(&place.open()).await, rows);
        } else {
            let text = place.damage();
            assert!(text.contains("the commits 1 to"), "{text}");
            assert!(
                text.contains("are lost, made before 2026-01-01T00:00:00Z; put the segment back"),
                "{text}"
            );
        }
    }
}

/// What a snapshot promises, damaged at every octet or cut anywhere.
#[tokio::test]
async fn every_damage_of_a_snapshot_is_noticed() {
    let place = Place::cramped();
    fill_beyond_two_snapshots(&place).await;
    let path = place.snapshots()[0].path.clone();
    let good = fs::read(&path).unwrap();
    let copy = place.path().join("copy");
    for offset in (0..good.len()).step_by(good.len() / 200 + 1) {
        let mut bad = good.clone();
        bad[offset] ^= 1;
        for octets in [&bad[..], &good[..offset]] {
            fs::write(&copy, octets).unwrap();
            assert!(
                snapshot::read(&place.at(), &copy, |_| Ok(())).is_err(),
                "octet {offset}"
            );
        }
    }
}

/// A segment goes only when both kept snapshots contain it.
#[tokio::test]
async fn the_journal_reaches_back_to_the_older_snapshot() {
    let place = Place::cramped();
    fill_beyond_two_snapshots(&place).await;
    let older = place.snapshots()[1].through;
    let places = journal::list(&place.at()).unwrap();
    let mut expected = older.0 + 1;
    journal::read_from(&place.at(), &places, older, None, |recorded| {
        assert_eq!(recorded.committed.revision.0, expected);
        expected += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(place.open().revision().0 + 1, expected);
}

#[tokio::test]
async fn with_one_snapshot_all_journal_is_kept() {
    let place = Place {
        options: Options {
            snapshot_octets: u64::MAX,
            ..Place::cramped().options
        },
        ..Place::new()
    };
    fill(&place, 300).await;
    assert_eq!(
        (
            place.snapshots().len(),
            &place.segments()[0].ends_with("0000000001.journal")
        ),
        (0, &true)
    );
}

/// After a power failure sled's file may lack any part, and sled may open it all the same: it is not
/// even tried. After a close it is sound, whatever the machine does.
#[tokio::test]
async fn an_index_that_was_open_when_the_machine_stopped_is_built_again() {
    let place = Place::new();
    let (note, aside) = ("index.in-use", "index.set-aside");
    let there = |name: &str| place.path().join(name).exists();
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    assert!(there(note));
    store.close().await;
    drop(store);
    assert!(!there(note));

    let store = place.open();
    assert_eq!(names(&store).await, ["a"]);
    store.close().await;
    drop(store);
    assert!(!there(aside), "a closed index is trusted");

    fs::write(place.path().join(note), "another start of the machine").unwrap();
    let store = place.open();
    assert!(there(aside));
    assert_eq!(names(&store).await, ["a"]);
    store.close().await;
    assert!(!there(note));
}
