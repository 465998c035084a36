//! Content beyond the size of a row.

use super::*;
use crate::{
    backend::Expect,
    blob_files::{BlobName, ListedBlob},
    store::record::BlobPlace,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn octets(length: usize, seed: u8) -> Bytes {
    (0..length)
        .map(|place| (place % 251) as u8 ^ seed)
        .collect()
}

fn object(content: Content) -> Object {
    Object {
        content,
        ..file("")
    }
}

impl World {
    /// Removes what may be removed a day later; says how much it was.
    async fn sweep(&self) -> usize {
        self.clock.advance(DAY + 1);
        let limit = Timestamp(self.store.environment().clock.now().0 - DAY);
        let (mut removed, mut after) = (0, None);
        loop {
            let (some, next) = self.store.sweep_blobs(limit, after, 1).await.unwrap();
            removed += some;
            after = next;
            if after.is_none() {
                return removed;
            }
        }
    }

    /// All files of blobs.
    pub(super) async fn files(&self) -> Vec<BlobName> {
        let (mut files, mut after) = (Vec::new(), None);
        loop {
            let listed = self.backend.blobs().list(after).await.unwrap();
            let names = listed.iter().map(|listed: &ListedBlob| listed.name);
            files.extend(names);
            after = match listed.last() {
                Some(last) => Some(last.name),
                None => return files,
            };
        }
    }

    /// Removes all that nothing refers to, a long time later; says how much it was.
    pub(super) async fn sweep_all(&self) -> usize {
        self.clock.advance(2 * DAY);
        let limit = Timestamp(self.store.environment().clock.now().0 - DAY);
        let (mut removed, next) = self.store.sweep_blobs(limit, None, 1_000).await.unwrap();
        assert_eq!(next, None);
        let mut after = None;
        loop {
            let swept = self.store.sweep_blob_files(limit, after).await.unwrap();
            removed += swept.0;
            after = swept.1;
            if after.is_none() {
                return removed;
            }
        }
    }

    async fn blob_rows(&self) -> usize {
        let mut rows = self.files().await.len();
        for space in [
            keys::Keyspace::Blob,
            keys::Keyspace::BlobChunk,
            keys::Keyspace::BlobReference,
        ] {
            rows += self
                .store
                .scan_all(KeyRange::prefix(keys::whole(space)))
                .await
                .unwrap()
                .len();
        }
        rows
    }
}

#[tokio::test]
async fn content_of_every_size_comes_back() {
    let world = world().await;
    let row = crate::backend::MAXIMUM_VALUE_OCTETS;
    let lengths = [
        0,
        1,
        INLINE_CONTENT_OCTETS,
        INLINE_CONTENT_OCTETS + 1,
        row,
        row + 1,
        15 * row,
        40 * row + 7,
    ];
    for length in lengths {
        let octets = octets(length, 0);
        let content = world.store.write_blob(octets.clone()).await.unwrap();
        assert_eq!(
            matches!(content, Content::Inline(_)),
            length <= INLINE_CONTENT_OCTETS,
            "{length}"
        );
        assert_eq!(content.length(), length as u64);
        assert_eq!(
            world.store.content(&content).await.unwrap(),
            octets,
            "{length}"
        );
        let revision = world.backend.revision();
        assert_eq!(world.store.write_blob(octets).await.unwrap(), content);
        assert_eq!(
            world.backend.revision(),
            revision,
            "the same octets are not written again"
        );
    }
}

#[tokio::test]
async fn a_blob_stays_as_long_as_something_refers_to_it() {
    let world = world().await;
    let alice = world.user("alice").await;
    let content = world.store.write_blob(octets(100_000, 0)).await.unwrap();
    for name in ["a", "b"] {
        world
            .put(&path("alice", name), &object(content.clone()))
            .await
            .unwrap();
    }
    assert_eq!(world.used(&alice).await, 200_000);
    world.assert_sound().await;
    assert_eq!(world.sweep().await, 0);
    world.remove(&path("alice", "a")).await.unwrap();
    assert_eq!(world.sweep().await, 0);
    assert_eq!(
        world.store.content(&content).await.unwrap(),
        octets(100_000, 0)
    );
    // Replaced by other content.
    let other = world.store.write_blob(octets(50_000, 1)).await.unwrap();
    world
        .put(&path("alice", "b"), &object(other))
        .await
        .unwrap();
    assert_eq!(world.sweep().await, 1);
    assert!(world.store.content(&content).await.is_err());
    world
        .put(&path("alice", "b"), &file("small"))
        .await
        .unwrap();
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.blob_rows().await, 0);
    world.assert_sound().await;
}

#[tokio::test]
async fn purged_objects_release_their_blobs() {
    let world = world().await;
    world.user("alice").await;
    world.make(&path("alice", "a"), CollectionKind::Plain).await;
    let content = world.store.write_blob(octets(100_000, 0)).await.unwrap();
    world
        .put(&path("alice", "a/x"), &object(content))
        .await
        .unwrap();
    world.detach(&path("alice", "a")).await;
    assert_eq!(world.sweep().await, 0);
    world.purge().await;
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.blob_rows().await, 0);
}

#[tokio::test]
async fn a_reference_to_a_swept_blob_is_a_conflict() {
    let world = world().await;
    world.user("alice").await;
    let octets = octets(100_000, 0);
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    assert_eq!(world.sweep().await, 1);
    let place = path("alice", "a");
    let answer = world.put(&place, &object(content.clone())).await;
    assert!(matches!(answer, Err(CommitError::Conflict(_))));
    // The next round writes it again.
    assert_eq!(world.store.write_blob(octets).await.unwrap(), content);
    world.put(&place, &object(content)).await.unwrap();
    world.assert_sound().await;
}

#[tokio::test]
async fn a_blob_written_again_is_young_again() {
    let world = world().await;
    world.user("alice").await;
    let content = world.store.write_blob(octets(100_000, 0)).await.unwrap();
    world.clock.advance(DAY);
    world.store.write_blob(octets(100_000, 0)).await.unwrap();
    world.clock.advance(DAY / 2);
    let limit = Timestamp(world.store.environment().clock.now().0 - DAY);
    assert_eq!(
        world.store.sweep_blobs(limit, None, 10).await.unwrap(),
        (0, None)
    );
    world
        .put(&path("alice", "a"), &object(content))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sweep_that_meets_a_new_reference_does_nothing() {
    let world = world().await;
    world.user("alice").await;
    let content = world.store.write_blob(octets(100_000, 0)).await.unwrap();
    let Content::Blob { hash, .. } = &content else {
        unreachable!()
    };
    let header = world
        .store
        .backend()
        .get(&keys::blob(hash))
        .await
        .unwrap()
        .unwrap();
    world
        .put(&path("alice", "a"), &object(content.clone()))
        .await
        .unwrap();
    let expect = vec![
        Expect::Revision(keys::blob(hash), header.revision),
        Expect::RangeEmpty(KeyRange::prefix(keys::blob_references(hash))),
    ];
    let removal = vec![Operation::Delete(keys::blob(hash))];
    assert_eq!(
        world.store.commit_rows(expect, removal).await,
        Err(CommitError::Conflict(1))
    );
}

#[tokio::test]
async fn an_interrupted_write_is_finished_by_the_next_or_swept() {
    let world = world().await;
    world.user("alice").await;
    for finished in [true, false] {
        let octets = octets(100_000, u8::from(finished));
        let hash = *blake3::hash(&octets).as_bytes();
        let now = world.store.environment().clock.now();
        let header = record::BlobRecord {
            length: 100_000,
            written: now,
            complete: false,
            place: BlobPlace::RowsUnderHash,
        };
        let operations = vec![
            Operation::Put(keys::blob(&hash), record::encode(&header)),
            Operation::Put(keys::blob_chunk(&hash, 0), octets.slice(..1_000)),
        ];
        world
            .store
            .commit_rows(Vec::new(), operations)
            .await
            .unwrap();
        let content = Content::Blob {
            hash,
            length: 100_000,
        };
        assert!(world.store.content(&content).await.is_err());
        let answer = world
            .put(&path("alice", "early"), &object(content.clone()))
            .await;
        assert!(
            matches!(answer, Err(CommitError::Conflict(_))),
            "it is not complete"
        );
        if finished {
            assert_eq!(
                world.store.write_blob(octets.clone()).await.unwrap(),
                content
            );
            assert_eq!(world.store.content(&content).await.unwrap(), octets);
        }
        assert_eq!(world.sweep().await, 1);
        assert_eq!(world.blob_rows().await, 0);
    }
}

#[tokio::test]
async fn damaged_octets_are_never_handed_out() {
    let world = world().await;
    world.user("alice").await;
    let (octets_written, place) = (octets(100_000, 0), BlobPlace::RowsUnderHash);
    let content = world.write_rows(&octets_written, place).await;
    world
        .put(&path("alice", "a"), &object(content.clone()))
        .await
        .unwrap();
    let Content::Blob { hash, .. } = content else {
        unreachable!()
    };
    let wrong = Operation::Put(keys::blob_chunk(&hash, 1), octets(32 * 1024, 9));
    world
        .store
        .commit_rows(Vec::new(), vec![wrong])
        .await
        .unwrap();
    assert!(matches!(
        world.store.content(&content).await,
        Err(ReadError::Corrupt(_))
    ));
    assert_eq!(world.store.check().await.unwrap().len(), 1);
    let missing = Operation::Delete(keys::blob_chunk(&hash, 1));
    world
        .store
        .commit_rows(Vec::new(), vec![missing])
        .await
        .unwrap();
    assert!(matches!(
        world.store.content(&content).await,
        Err(ReadError::Corrupt(_))
    ));
    let absurd = Content::Blob {
        hash,
        length: u64::MAX,
    };
    assert!(matches!(
        world.store.content(&absurd).await,
        Err(ReadError::Corrupt(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_write_one_blob_at_once_while_it_is_swept() {
    let world = Arc::new(world().await);
    world.user("alice").await;
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let place = path("alice", &format!("file-{number}"));
                loop {
                    let content = world.store.write_blob(octets(100_000, 0)).await;
                    let Ok(content) = content else { continue };
                    match world.put(&place, &object(content)).await {
                        Ok(_) => return,
                        Err(CommitError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let now = world.store.environment().clock.now();
    while writers.iter().any(|writer| !writer.is_finished()) {
        world
            .store
            .sweep_blobs(Timestamp(now.0 + 1), None, 10)
            .await
            .unwrap();
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    world.assert_sound().await;
}

/// A file that was finished and never referred to: young, or awaited by somebody, it stays.
#[tokio::test]
async fn what_is_left_over_is_swept() {
    let world = world().await;
    let octets = octets(100_000, 0);
    let hash = *blake3::hash(&octets).as_bytes();
    let mut draft = world.backend.blobs().begin(1).await.unwrap();
    draft.write(octets.clone()).await.unwrap();
    let finished = draft.finish(hash).await.unwrap();
    let young = Timestamp(world.store.environment().clock.now().0 - DAY);
    let sweep = async |limit| world.store.sweep_blob_files(limit, None).await.unwrap().0;
    assert_eq!(world.sweep_all().await, 0, "it is awaited");
    drop(finished);
    assert_eq!(sweep(young).await, 0, "it is young");
    world.assert_sound().await;
    // Another writing of the same octets is a blob, and stays.
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    world.user("alice").await;
    let place = path("alice", "a");
    world.put(&place, &object(content.clone())).await.unwrap();
    assert_eq!(world.files().await.len(), 2);
    assert_eq!(world.sweep_all().await, 1);
    assert_eq!(world.store.content(&content).await.unwrap(), octets);
    world.assert_sound().await;
}

/// Whoever has lost octets gets them again from whoever writes them again.
#[tokio::test]
async fn what_is_lost_comes_back_when_it_is_written_again() {
    let world = world().await;
    world.user("alice").await;
    let octets = octets(700_000, 0);
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    let place = path("alice", "a");
    world.put(&place, &object(content.clone())).await.unwrap();
    for whole in [true, false] {
        let file = world.files().await[0];
        world.backend.blobs().remove(file).await.unwrap();
        assert!(world.store.content(&content).await.is_err());
        assert_eq!(world.store.check().await.unwrap().len(), 1);
        let again = match whole {
            true => world.store.write_blob(octets.clone()).await.unwrap(),
            false => {
                let upload = uploads::send(&world, &octets, 100_000).await;
                let finished = world.store.finish_upload(upload.unwrap()).await;
                finished.unwrap().0
            }
        };
        assert_eq!(again, content);
        assert_eq!(world.store.content(&content).await.unwrap(), octets);
        assert_eq!(world.files().await.len(), 1);
        world.assert_sound().await;
    }
}

/// The header is lost, the file is there.
#[tokio::test]
async fn octets_without_a_header_are_found_again() {
    let world = world().await;
    world.user("alice").await;
    let octets = octets(700_000, 0);
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    let place = path("alice", "a");
    world.put(&place, &object(content.clone())).await.unwrap();
    let Content::Blob { hash, .. } = &content else {
        unreachable!()
    };
    let key = keys::blob(hash);
    for breakage in [
        Operation::Delete(key.clone()),
        Operation::Put(key.clone(), Bytes::from_static(b"x")),
    ] {
        let broken = world.store.commit_rows(Vec::new(), vec![breakage]).await;
        broken.unwrap();
        assert_eq!(world.store.content(&content).await.unwrap(), octets);
        let damage = world.store.check().await.unwrap();
        assert!(damage.len() == 1 && damage[0].can_be_mended, "{damage:?}");
        let (_, mendings) = check::repair(&world.store).await;
        assert_eq!(mendings, ["its header was written anew"]);
        world.assert_sound().await;
    }
}

/// What the sweeper should have taken long ago is told, and removed.
#[tokio::test]
async fn a_file_of_nobody_is_told_in_the_end() {
    let world = world().await;
    let mut draft = world.backend.blobs().begin(1).await.unwrap();
    draft.write(octets(10, 0)).await.unwrap();
    let hash = *blake3::hash(&octets(10, 0)).as_bytes();
    drop(draft.finish(hash).await.unwrap());
    world.assert_sound().await;
    world.clock.advance(5 * DAY);
    let damage = world.store.check().await.unwrap();
    assert!(damage.len() == 1 && damage[0].can_be_mended, "{damage:?}");
    let (_, mendings) = check::repair(&world.store).await;
    assert_eq!(mendings, ["it was removed"]);
    assert_eq!(world.files().await, []);
    world.assert_sound().await;
}
