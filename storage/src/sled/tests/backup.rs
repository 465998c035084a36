//! Backups under load, the archive of the journal, and what a restore makes of them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use super::*;
use crate::{
    Clock, RetentionClock, Revision, Timestamp,
    backend::BackupError,
    sled::{Archive, LoadError, Loaded, Lost, Origin, Source, archive, folder::Folder, load},
};

/// A store with an archive, whose clock is a second further at each commit, and what it committed.
struct Archived {
    clock: Arc<ManualClock>,
    store: Sled,
    log: Vec<Committed>,
    // vanish last: the store writes into both until it is dropped
    place: Place,
    beside: TempDir,
}

impl Archived {
    fn new(keep: Option<Duration>) -> Archived {
        let mut place = Place::cramped();
        let beside = tempfile::tempdir().unwrap();
        place.options.archive = Some(Archive {
            folder: beside.path().join("archive"),
            keep,
        });
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let store = Sled::open(place.path(), place.options.clone(), clock.clone()).unwrap();
        let log = Vec::new();
        Archived {
            clock,
            store,
            log,
            place,
            beside,
        }
    }

    async fn write(&mut self, commits: usize) {
        for _ in 0..commits {
            self.clock.advance(1000);
            let value = format!("{} {}", self.log.len(), "x".repeat(100));
            let name = format!("row {:03}", self.log.len());
            self.log
                .push(write(&self.store, &name, &value).await.unwrap());
        }
    }

    fn archive(&self) -> PathBuf {
        self.beside.path().join("archive")
    }

    /// The archived segments, oldest first.
    fn archived(&self) -> Vec<PathBuf> {
        let folder = archive::folder_of(&self.archive(), self.place.store());
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
    }

    fn source(&self, backup: &Path, until: Option<Timestamp>) -> Source {
        Source {
            origin: Origin::Backup(backup.to_owned()),
            archives: vec![self.archive()],
            until,
        }
    }
}

fn back_up(store: &Sled, path: &Path) -> Committed {
    let mut file = fs::File::create(path).unwrap();
    store.backup(&mut file, &mut || true).unwrap()
}

/// Restores into a folder of its own.
fn try_load(source: &Source) -> Result<(Place, Loaded), LoadError> {
    let place = Place::new();
    let loaded = load(source, place.path(), Timestamp(1), &mut |_| true)?;
    Ok((place, loaded))
}

/// Of each restored row, its name and the commit that wrote it.
async fn restored(place: &Place) -> Vec<(String, u64)> {
    let rows = all(&place.open()).await;
    rows.into_iter()
        .map(|(key, entry)| {
            let name = String::from_utf8_lossy(&key).into_owned();
            (name, entry.revision.0)
        })
        .collect()
}

/// The rows after the first so many commits of [`Archived::write`].
fn expected(commits: usize) -> Vec<(String, u64)> {
    (0..commits)
        .map(|index| (format!("row {index:03}"), index as u64 + 1))
        .collect()
}

/// What is restored is the state at one commit, whatever was written during the backup: it equals the
/// log of the commits up to there, and it is not older than the moment the backup began.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_of_one_moment() {
    const WRITERS: usize = 3;
    const ROWS_EACH: usize = 600;
    let place = Place::cramped();
    let store = Arc::new(place.open());
    let (stop, written) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
        writers.push(tokio::spawn(async move {
            let mut log = Vec::new();
            for round in 0_usize.. {
                if stop.load(Ordering::SeqCst) && round > 2 * ROWS_EACH {
                    return log;
                }
                let name = format!("{writer} {:04}", round * 11 % ROWS_EACH);
                let value = (round % 7 != 0).then(|| format!("{round} {}", "y".repeat(200)));
                let operation = match &value {
                    Some(value) => Operation::Put(key(&name), key(value)),
                    None => Operation::Delete(key(&name)),
                };
                let commit = Commit {
                    operations: vec![operation],
                    ..put("", "")
                };
                let committed = store.commit(commit).await.unwrap();
                written.fetch_add(1, Ordering::SeqCst);
                log.push((committed, name, value));
            }
            log
        }));
    }
    while written.load(Ordering::SeqCst) < WRITERS * ROWS_EACH {
        tokio::task::yield_now().await;
    }
    let backup = place.path().join("backup");
    let (began, through) = tokio::task::spawn_blocking({
        let (store, backup, written) = (store.clone(), backup.clone(), written.clone());
        move || {
            let began = store.revision();
            let mut file = fs::File::create(&backup).unwrap();
            let mut pages = 0;
            let through = store.backup(&mut file, &mut || {
                // Each page of the scan is read after further commits.
                let before = written.load(Ordering::SeqCst);
                while written.load(Ordering::SeqCst) < before + 20 {
                    std::thread::yield_now();
                }
                pages += 1;
                true
            });
            assert!(pages > 1, "the scan has several pages");
            (began, through.unwrap())
        }
    })
    .await
    .unwrap();
    stop.store(true, Ordering::SeqCst);
    let mut log = Vec::new();
    for writer in writers {
        log.extend(writer.await.unwrap());
    }
    log.sort_by_key(|(committed, ..)| committed.revision);
    assert!(through.revision >= Revision(began.0 + 20));

    let mut state = BTreeMap::new();
    for (committed, name, value) in log {
        if committed.revision > through.revision {
            continue;
        }
        match value {
            Some(value) => state.insert(name, (committed.revision, value)),
            None => state.remove(&name),
        };
    }
    let source = Source {
        origin: Origin::Backup(backup),
        archives: Vec::new(),
        until: None,
    };
    let (restored, loaded) = try_load(&source).unwrap();
    assert_eq!((loaded.backup, loaded.reached), (through, through));
    let rows = all(&restored.open()).await.into_iter().map(|(key, entry)| {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        (text(&key), (entry.revision, text(&entry.value)))
    });
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), state);
}

/// However many snapshots are made during a slow backup, the journal that it needs stays.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_a_slow_backup_stays() {
    let place = Place::cramped();
    let rows = fill_beyond_two_snapshots(&place).await;
    let store = Arc::new(place.open());
    let began = store.revision();
    let handle = tokio::runtime::Handle::current();
    let backup = place.path().join("backup");
    let through = tokio::task::spawn_blocking({
        let (store, backup) = (store.clone(), backup.clone());
        let folder = Folder::at(place.path(), place.store());
        move || {
            let mut file = fs::File::create(&backup).unwrap();
            let newer = |folder: &Folder| {
                let places = snapshot::list(folder).unwrap();
                places.iter().filter(|place| place.through > began).count()
            };
            let through = store.backup(&mut file, &mut || {
                while newer(&folder) < snapshot::KEPT {
                    let value = "z".repeat(500);
                    handle.block_on(write(&store, "other", &value)).unwrap();
                }
                true
            });
            through.unwrap()
        }
    })
    .await
    .unwrap();
    assert_eq!(through.revision, store.revision());
    let source = Source {
        origin: Origin::Backup(backup),
        archives: Vec::new(),
        until: None,
    };
    let (restored, _) = try_load(&source).unwrap();
    assert_eq!(all(&restored.open()).await, all(&store).await);
    assert_eq!(all(&store).await.len(), rows.len() + 1);
}

#[tokio::test]
async fn a_backup_can_be_broken_off() {
    let place = Place::new();
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    let mut octets = Vec::new();
    let broken_off = store.backup(&mut octets, &mut || false);
    assert!(matches!(broken_off, Err(BackupError::Stopped)));
}

/// A restored store has another identity, goes on at the next revision, and its clock does not go back.
#[tokio::test]
async fn a_restored_store_goes_on() {
    let mut archived = Archived::new(None);
    archived.write(3).await;
    let backup = archived.place.path().join("backup");
    let through = back_up(&archived.store, &backup);
    let source = Source {
        archives: Vec::new(),
        ..archived.source(&backup, None)
    };
    let (place, _) = try_load(&source).unwrap();
    assert_ne!(place.store(), archived.place.store());
    let early = Arc::new(ManualClock::new(Timestamp(-5)));
    let store = Sled::open(place.path(), place.options.clone(), early).unwrap();
    assert_eq!(store.revision(), through.revision);
    let next = write(&store, "d", "1").await.unwrap();
    assert_eq!(next.revision.0, through.revision.0 + 1);
    assert_eq!(next.time, through.time);
    store.close().await;
    drop(store);
    place.remove_index();
    assert_eq!(all(&place.open()).await.len(), 4);
}

/// Before the backup, at each commit after it, between two, and after the last one.
#[tokio::test]
async fn until_a_moment() {
    let mut archived = Archived::new(None);
    archived.write(20).await;
    let backup = archived.place.path().join("backup");
    let through = back_up(&archived.store, &backup);
    assert_eq!(through.time, Timestamp(20_000));
    archived.write(60).await;
    archived.store.close().await;
    assert!(archived.archived().len() > 2, "several segments");

    let before = try_load(&archived.source(&backup, Some(Timestamp(19_999))));
    assert!(matches!(before.err(), Some(LoadError::Later { backup }) if backup == through));
    for (until, commits) in [
        (20_000, 20),
        (20_999, 20),
        (21_000, 21),
        (57_500, 57),
        (79_999, 79),
        (80_000, 80),
    ] {
        let source = archived.source(&backup, Some(Timestamp(until)));
        let (place, loaded) = try_load(&source).unwrap();
        assert_eq!(loaded.backup, through);
        assert_eq!(loaded.reached, archived.log[commits - 1], "until {until}");
        assert_eq!(loaded.left_out, archived.log.get(commits).copied());
        assert_eq!(restored(&place).await, expected(commits), "until {until}");
    }
    for until in [Some(Timestamp(1_000_000)), None] {
        let (place, loaded) = try_load(&archived.source(&backup, until)).unwrap();
        assert_eq!((loaded.reached.revision.0, loaded.left_out), (80, None));
        assert_eq!(restored(&place).await, expected(80));
    }
}

/// The journal's own folder, of a store that died, does as well as an archive.
#[tokio::test]
async fn the_journal_of_a_dead_store_is_an_archive() {
    let place = Place::new();
    let store = place.open();
    write(&store, "a", "1").await.unwrap();
    let backup = place.path().join("backup");
    back_up(&store, &backup);
    write(&store, "b", "1").await.unwrap();
    let source = Source {
        origin: Origin::Backup(backup),
        archives: vec![place.path().join("journal")],
        until: None,
    };
    let (restored, loaded) = try_load(&source).unwrap();
    assert_eq!(loaded.reached.revision.0, 2);
    assert_eq!(names(&restored.open()).await, ["a", "b"]);
}

/// A segment that is missing, damaged, or cut short is named, and what comes before can be had.
#[tokio::test]
async fn an_archive_with_a_gap() {
    let mut archived = Archived::new(None);
    archived.write(20).await;
    let backup = archived.place.path().join("backup");
    back_up(&archived.store, &backup);
    archived.write(100).await;
    archived.store.close().await;
    let paths = archived.archived();
    let middle = &paths[paths.len() - 2];
    let whole = fs::read(middle).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for broken in [
        None,
        Some(flipped),
        Some(whole[..whole.len() - 1].to_vec()),
        Some(b"nonsense".to_vec()),
    ] {
        match &broken {
            Some(octets) => fs::write(middle, octets).unwrap(),
            None => fs::remove_file(middle).unwrap(),
        }
        let Some(LoadError::Gap { what, reached }) =
            try_load(&archived.source(&backup, None)).err()
        else {
            panic!("{broken:?} is taken");
        };
        let first = reached.revision.0 + 1;
        assert!(what.contains(&format!("commits {first} to ")), "{what}");
        let until = Some(reached.time);
        let (place, loaded) = try_load(&archived.source(&backup, until)).unwrap();
        assert_eq!(loaded.reached, reached);
        let commits = reached.revision.0 as usize;
        assert_eq!(restored(&place).await, expected(commits));
        let later = Some(Timestamp(reached.time.0 + 1));
        let refused = try_load(&archived.source(&backup, later)).err();
        assert!(matches!(refused, Some(LoadError::Gap { .. })));
    }
}

/// Segments of another store are not taken for this one's, whatever their names.
#[tokio::test]
async fn foreign_segments_are_noticed() {
    let mut archived = Archived::new(None);
    archived.write(30).await;
    let backup = archived.place.path().join("backup");
    back_up(&archived.store, &backup);
    let mut other = Archived::new(None);
    other.write(30).await;
    other.store.close().await;
    let missing = Source {
        archives: vec![other.archive()],
        ..archived.source(&backup, None)
    };
    assert!(matches!(
        try_load(&missing).err(),
        Some(LoadError::NoArchive(_))
    ));
    let own = archive::folder_of(&archived.archive(), archived.place.store());
    fs::copy(&other.archived()[0], own.join("0000009999.journal")).unwrap();
    let (_, loaded) = try_load(&archived.source(&backup, None)).unwrap();
    assert_eq!((loaded.reached.revision.0, loaded.foreign_files), (30, 1));
}

/// No segment is deleted that the archive does not have, and the archive has all of them in the end.
#[tokio::test]
async fn the_archive_has_all_that_was_ever_written() {
    let mut archived = Archived::new(None);
    let backup = archived.place.path().join("backup");
    archived.write(1).await;
    back_up(&archived.store, &backup);
    let mut deleted = false;
    for _ in 0..100 {
        archived.write(100).await;
        archived.store.close().await;
        let (place, clock) = (&archived.place, archived.clock.clone());
        archived.store = {
            let closed = std::mem::replace(&mut archived.store, elsewhere());
            drop(closed);
            Sled::open(place.path(), place.options.clone(), clock).unwrap()
        };
        deleted = !place.segments()[0].ends_with("0000000001.journal");
        if deleted {
            break;
        }
    }
    assert!(deleted, "the journal's first segment is still there");
    archived.store.close().await;
    let (place, loaded) = try_load(&archived.source(&backup, None)).unwrap();
    assert_eq!(loaded.reached, *archived.log.last().unwrap());
    assert_eq!(restored(&place).await.len(), archived.log.len());
}

fn elsewhere() -> Sled {
    let place = Place::new();
    place.open()
}

/// As long as the archive cannot be written, the journal stays and there is no backup.
#[tokio::test]
async fn an_archive_that_cannot_be_written() {
    let mut archived = Archived::new(None);
    fs::write(archived.archive(), b"a file, not a folder").unwrap();
    archived.write(1000).await;
    let mut octets = Vec::new();
    let refused = archived.store.backup(&mut octets, &mut || true);
    let Err(BackupError::Failed(text)) = refused else {
        panic!("a backup without an archive");
    };
    assert!(text.contains("the journal cannot be archived"), "{text}");
    archived.store.close().await;
    assert!(archived.place.segments()[0].ends_with("0000000001.journal"));
    fs::remove_file(archived.archive()).unwrap();
}

/// What is older than is to be kept goes, but nothing that the journal still has.
#[tokio::test]
async fn the_archive_forgets() {
    let mut archived = Archived::new(Some(Duration::from_secs(100)));
    for _ in 0..200 {
        archived.write(100).await;
        let clock = RetentionClock::new(archived.clock.now());
        archived.store.expire(clock).await.unwrap();
        archived.store.close().await;
        let (place, clock) = (&archived.place, archived.clock.clone());
        archived.store = {
            drop(std::mem::replace(&mut archived.store, elsewhere()));
            Sled::open(place.path(), place.options.clone(), clock).unwrap()
        };
        let oldest = archived.archived().remove(0);
        if !oldest.ends_with("0000000001.journal") {
            let journal = archived.place.segments().remove(0);
            assert!(oldest.file_name() <= journal.file_name());
            return;
        }
    }
    panic!("nothing was ever forgotten");
}

/// What is left of a damaged store: everything up to the first commit that is lost, and its folder stays as
/// it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_damaged_store() {
    let mut archived = Archived::new(None);
    archived.write(300).await;
    archived.store.close().await;
    drop(std::mem::replace(&mut archived.store, elsewhere()));
    let place = &archived.place;
    let last = archived.log.last().unwrap().revision;
    let source = Source {
        origin: Origin::Remains(place.path().to_owned()),
        archives: vec![place.path().join("journal")],
        until: None,
    };
    let (_, loaded) = try_load(&source).unwrap();
    assert_eq!((loaded.reached.revision, loaded.lost), (last, None));

    // An octet of the newest segment that holds commits is flipped.
    let segments = place.segments();
    let segment = &segments[segments.len() - 2];
    let mut octets = fs::read(segment).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    fs::write(segment, &octets).unwrap();
    let (restored, loaded) = try_load(&source).unwrap();
    let lost = loaded.lost.unwrap();
    assert!(loaded.reached.revision < last);
    assert_eq!(lost.first.0, loaded.reached.revision.0 + 1);
    assert!(lost.last.is_some_and(|it| it >= lost.first && it <= last));
    let store = restored.open();
    assert_eq!(store.revision(), loaded.reached.revision);
    store.close().await;

    // Both snapshots too: the journal does not go back to the beginning.
    let snapshots = fs::read_dir(place.path().join("snapshots")).unwrap();
    for snapshot in snapshots {
        let path = snapshot.unwrap().path();
        let octets = fs::read(&path).unwrap();
        fs::write(&path, &octets[..octets.len() / 2]).unwrap();
    }
    let outcome = try_load(&source).map(|(_, loaded)| loaded);
    assert!(
        matches!(outcome, Err(LoadError::NothingLeft(_))),
        "{outcome:?}"
    );
    assert_eq!(fs::read(segment).unwrap(), octets, "nothing was changed");
}

/// The end of the journal that is missing is known from the checkpoint.
#[tokio::test]
async fn a_lost_end_is_known() {
    let mut archived = Archived::new(None);
    archived.write(20).await;
    archived.store.close().await;
    drop(std::mem::replace(&mut archived.store, elsewhere()));
    let place = &archived.place;
    let last = archived.log.last().unwrap().revision;
    let segment = place.segments().pop().unwrap();
    fs::remove_file(&segment).unwrap();
    let source = Source {
        origin: Origin::Remains(place.path().to_owned()),
        archives: vec![place.path().join("journal")],
        until: None,
    };
    let loaded = match try_load(&source) {
        Ok((_, loaded)) => loaded,
        // There was but one segment and no snapshot.
        Err(LoadError::NothingLeft(_)) => return,
        Err(error) => panic!("{error}"),
    };
    let first = Revision(loaded.reached.revision.0 + 1);
    let expected = (first <= last).then_some(Lost {
        first,
        last: Some(last),
    });
    assert_eq!(loaded.lost, expected);
}
