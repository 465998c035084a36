//! Content that comes, and goes, piece by piece.

use std::ops::Bound;

use super::*;
use crate::{
    backend::{MAXIMUM_VALUE_OCTETS, Operation, ReadError},
    testing::Faulty,
};

fn octets(length: usize) -> Bytes {
    (0..length).map(|place| (place % 251) as u8).collect()
}

/// Sends octets in pieces of this size.
async fn send(world: &World, octets: &Bytes, piece: usize) -> Result<Upload, CommitError> {
    let mut upload = world.store.begin_upload();
    for piece in octets.chunks(piece) {
        let piece = octets.slice_ref(piece);
        world.store.continue_upload(&mut upload, piece).await?;
    }
    assert_eq!(upload.length(), octets.len() as u64);
    Ok(upload)
}

async fn read(mut reader: BlobReader) -> Result<Vec<u8>, ReadError> {
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await? {
        assert!(piece.len() <= MAXIMUM_VALUE_OCTETS);
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

impl World {
    /// How many headers and how many pieces there are.
    async fn blobs(&self) -> (usize, usize) {
        let rows = self.rows().await;
        let of = |space| {
            let whole = keys::whole(space);
            rows.iter().filter(|key| key.starts_with(&whole)).count()
        };
        (of(keys::Keyspace::Blob), of(keys::Keyspace::BlobChunk))
    }
}

fn blob(content: &Content) -> ([u8; 32], u64) {
    match content {
        Content::Blob { hash, length } => (*hash, *length),
        Content::Inline(_) => panic!("it stands in the row"),
    }
}

#[tokio::test]
async fn what_comes_in_pieces_is_what_would_have_come_whole() {
    let row = MAXIMUM_VALUE_OCTETS;
    for length in [
        0,
        1,
        INLINE_CONTENT_OCTETS,
        15 * row,
        15 * row + 1,
        40 * row + 7,
    ] {
        for piece in [1_000, row, 100_000, usize::MAX] {
            let world = world().await;
            let octets = octets(length);
            let whole = self::world().await;
            let expected = whole.store.write_blob(octets.clone()).await.unwrap();
            let upload = send(&world, &octets, piece).await.unwrap();
            let (content, hash) = world.store.finish_upload(upload).await.unwrap();
            assert_eq!(content, expected, "{length} in {piece}");
            assert_eq!(hash, blake3::hash(&octets));
            assert_eq!(world.store.content(&content).await.unwrap(), octets);
            assert_eq!(world.blobs().await, whole.blobs().await);
            world.assert_sound().await;
        }
    }
}

/// Each octet is written once, and the file is there with the commit that writes the last ones.
#[tokio::test]
async fn a_large_file_is_written_once() {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    let world = world_over(faulty.clone(), clock).await;
    for pieces in [16, 30, 40] {
        let octets = octets(pieces * MAXIMUM_VALUE_OCTETS + pieces);
        let commits = faulty.commits();
        let upload = send(&world, &octets, 100_000).await.unwrap();
        let (content, _) = world.store.finish_upload(upload).await.unwrap();
        let (hash, _) = blob(&content);
        assert_eq!(
            faulty.commits() - commits,
            (pieces as u64 + 1).div_ceil(15),
            "{pieces} pieces"
        );
        let under_hash = keys::blob_chunks(&hash);
        let first = world.backend.first_key(KeyRange::prefix(under_hash)).await;
        assert_eq!(first.unwrap(), None, "{pieces} pieces");
        assert_eq!(world.store.content(&content).await.unwrap(), octets);
    }
}

/// Somebody began to write the same octets, or to remove them, and was killed.
#[tokio::test]
async fn what_is_whole_takes_the_place_of_what_is_not() {
    let octets = octets(40 * MAXIMUM_VALUE_OCTETS);
    let hash = *blake3::hash(&octets).as_bytes();
    for pieces_under in [None, Some([7; 32])] {
        let world = world().await;
        let half = record::BlobRecord {
            length: octets.len() as u64,
            written: Timestamp(0),
            complete: false,
            pieces_under,
        };
        let piece = keys::blob_chunk(&half.place(&hash), 0);
        let mut operations = vec![
            Operation::Put(keys::blob(&hash), record::encode(&half)),
            Operation::Put(piece, octets.slice(..MAXIMUM_VALUE_OCTETS)),
        ];
        if let Some(place) = pieces_under {
            operations.push(Operation::Put(
                keys::blob_place(&place),
                record::encode(&hash),
            ));
        }
        let rows = world.rows().await;
        world
            .store
            .commit_rows(Vec::new(), operations)
            .await
            .unwrap();
        world.assert_sound().await;
        for whole in [false, true] {
            let content = match whole {
                true => world.store.write_blob(octets.clone()).await.unwrap(),
                false => {
                    let upload = send(&world, &octets, 100_000).await.unwrap();
                    world.store.finish_upload(upload).await.unwrap().0
                }
            };
            assert_eq!(world.store.content(&content).await.unwrap(), octets);
            assert_eq!(world.blobs().await, (1, 40));
            world.assert_sound().await;
        }
        world.clock.advance(25 * 60 * 60 * 1000);
        let limit = Timestamp(world.store.environment().clock.now().0 - 1);
        world.store.sweep_blobs(limit, None, 1_000).await.unwrap();
        assert_eq!(world.rows().await, rows);
    }
}

/// What was begun as an upload and broken off while it was removed is finished where it stands.
#[tokio::test]
async fn octets_in_memory_go_where_the_header_says() {
    let world = world().await;
    let rows = world.rows().await;
    let octets = octets(20 * MAXIMUM_VALUE_OCTETS);
    let upload = send(&world, &octets, 100_000).await.unwrap();
    let (content, _) = world.store.finish_upload(upload).await.unwrap();
    let (hash, _) = blob(&content);
    let header = world.store.blob(&hash).await.unwrap().unwrap().value;
    let place = header.pieces_under.unwrap();
    let broken = record::BlobRecord {
        complete: false,
        ..header
    };
    let operations = vec![
        Operation::Put(keys::blob(&hash), record::encode(&broken)),
        Operation::Delete(keys::blob_chunk(&place, 19)),
    ];
    world
        .store
        .commit_rows(Vec::new(), operations)
        .await
        .unwrap();
    let again = world.store.write_blob(octets.clone()).await.unwrap();
    assert_eq!(again, content);
    assert_eq!(world.store.content(&content).await.unwrap(), octets);
    assert_eq!(world.blobs().await, (1, 20));
    world.assert_sound().await;
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(world.store.environment().clock.now().0 - 1);
    world.store.sweep_blobs(limit, None, 1_000).await.unwrap();
    assert_eq!(world.rows().await, rows);
}

/// Whatever happens at the same time, a finished upload is one whole blob.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_upload_one_file_at_once_while_it_is_swept() {
    let world = Arc::new(world().await);
    let octets = octets(20 * MAXIMUM_VALUE_OCTETS);
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (world, octets) = (Arc::clone(&world), octets.clone());
            tokio::spawn(async move {
                // Until it comes to an end that no sweeper disturbs.
                loop {
                    let content = match number % 2 {
                        0 => world.store.write_blob(octets.clone()).await,
                        _ => match send(&world, &octets, 100_000).await {
                            Ok(upload) => {
                                let finished = world.store.finish_upload(upload).await;
                                finished.map(|(content, _)| content)
                            }
                            Err(error) => Err(error),
                        },
                    };
                    match content {
                        Ok(content) => return content,
                        Err(CommitError::Conflict(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let limit = Timestamp(world.store.environment().clock.now().0 + 1);
        world.store.sweep_blobs(limit, None, 10).await.unwrap();
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    // What a sweeper took an upload's header of, it took as a whole.
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    assert_eq!(world.store.content(&content).await.unwrap(), octets);
    assert_eq!(world.blobs().await, (1, 20));
    world.assert_sound().await;
}

#[tokio::test]
async fn what_is_there_is_not_written_again() {
    let world = world().await;
    let octets = octets(1_000_000);
    let first = send(&world, &octets, 100_000).await.unwrap();
    let (content, _) = world.store.finish_upload(first).await.unwrap();
    let rows = world.rows().await;
    let again = send(&world, &octets, 100_000).await.unwrap();
    assert_eq!(world.store.finish_upload(again).await.unwrap().0, content);
    assert_eq!(world.rows().await, rows);
}

#[tokio::test]
async fn parts_are_read() {
    let world = world().await;
    let row = MAXIMUM_VALUE_OCTETS;
    let octets = octets(9 * row + 5);
    let content = world.store.write_blob(octets.clone()).await.unwrap();
    let (hash, length) = blob(&content);
    let ends = [
        0,
        1,
        row - 1,
        row,
        row + 1,
        4 * row,
        5 * row + 3,
        9 * row,
        9 * row + 5,
    ];
    for start in ends {
        for end in ends.into_iter().filter(|end| *end >= start) {
            let count = (end - start) as u64;
            let reader = world.store.read_blob(hash, length, start as u64, count);
            assert_eq!(
                read(reader).await.unwrap(),
                octets[start..end],
                "{start} to {end}"
            );
        }
    }
    // beyond the end there is nothing
    let reader = world.store.read_blob(hash, length, length - 2, 100);
    assert_eq!(read(reader).await.unwrap().len(), 2);
    let reader = world.store.read_blob(hash, length, length + 2, 100);
    assert!(read(reader).await.unwrap().is_empty());
}

/// What is damaged is never given out to its end.
#[tokio::test]
async fn damage_is_noticed_on_the_way() {
    let row = MAXIMUM_VALUE_OCTETS;
    let octets = octets(9 * row + 5);
    type Damages = fn(Key, Bytes) -> Operation;
    let damages: [(&str, Damages); 3] = [
        ("missing", |key, _| Operation::Delete(key)),
        ("shorter", |key, value| {
            Operation::Put(key, value.slice(1..))
        }),
        ("other", |key, value| {
            let mut other = value.to_vec();
            other[0] ^= 1;
            Operation::Put(key, other.into())
        }),
    ];
    for (damage, apply) in damages {
        for piece in [0, 4, 9] {
            let world = world().await;
            let content = world.store.write_blob(octets.clone()).await.unwrap();
            let (hash, length) = blob(&content);
            let key = keys::blob_chunk(&hash, piece);
            let value = world.backend.get(&key).await.unwrap().unwrap().value;
            let operations = vec![apply(key, value)];
            world
                .store
                .commit_rows(Vec::new(), operations)
                .await
                .unwrap();
            let mut reader = world.store.read_blob(hash, length, 0, length);
            let mut given = 0;
            let error = loop {
                match reader.next().await {
                    Ok(Some(piece)) => given += piece.len() as u64,
                    Ok(None) => panic!("{damage} piece {piece} was not noticed"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, ReadError::Corrupt(_)));
            assert!(given < length, "{damage} piece {piece}");
        }
    }
}

/// Each commit and each read of an upload fails in turn. What came is removed or swept, and it succeeds when
/// it is repeated.
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    let world = world_over(faulty.clone(), clock).await;
    let rows = world.rows().await;
    let octets = octets(40 * MAXIMUM_VALUE_OCTETS);
    let unavailable = || CommitError::Unavailable("disk full".into());
    for killed in [false, true] {
        for nth in 1.. {
            let commits = faulty.commits();
            match killed {
                true => faulty.fail_commits_from(nth, unavailable()),
                false => faulty.fail_commit(nth, unavailable()),
            }
            let mut upload = world.store.begin_upload();
            let mut result = Ok(());
            for piece in octets.chunks(100_000) {
                let piece = octets.slice_ref(piece);
                result = world.store.continue_upload(&mut upload, piece).await;
                if result.is_err() {
                    break;
                }
            }
            let finished = match result {
                Ok(()) => world.store.finish_upload(upload).await.map(|_| ()),
                Err(error) => {
                    let _ = world.store.abandon_upload(upload).await;
                    Err(error)
                }
            };
            let reached = faulty.commits() - commits >= nth;
            faulty.heal();
            if !reached {
                assert!(nth > 3, "{nth} commits");
                finished.unwrap();
                break;
            }
            assert_eq!(finished, Err(unavailable()), "commit {nth}");
        }
        world.clock.advance(25 * 60 * 60 * 1000);
        let now = world.store.environment().clock.now();
        let limit = Timestamp(now.0 - 1);
        world.store.sweep_blobs(limit, None, 1_000).await.unwrap();
        assert_eq!(world.rows().await, rows);
    }
}

/// An upload that took so long that it was swept cannot go on.
#[tokio::test]
async fn what_was_swept_does_not_come_back() {
    let world = world().await;
    let rows = world.rows().await;
    let octets = octets(20 * MAXIMUM_VALUE_OCTETS);
    let mut upload = send(&world, &octets, 100_000).await.unwrap();
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(world.store.environment().clock.now().0 - 1);
    world.store.sweep_blobs(limit, None, 1_000).await.unwrap();
    assert_eq!(world.rows().await, rows);
    let refused = world.store.continue_upload(&mut upload, octets).await;
    assert!(matches!(refused, Err(CommitError::Conflict(_))));
    world.store.abandon_upload(upload).await.unwrap();
    assert_eq!(world.rows().await, rows);
}

#[tokio::test]
async fn what_is_too_large_is_refused_on_the_way() {
    let world = world().await;
    let mut upload = world.store.begin_upload();
    upload.length = MAXIMUM_BLOB_OCTETS;
    let refused = world.store.continue_upload(&mut upload, octets(1)).await;
    assert_eq!(refused, Err(CommitError::Limit("octets of one blob")));
}

/// However large a blob is, no commit of its removal is; and the removal may be broken off anywhere.
#[tokio::test]
async fn a_large_blob_goes_in_small_steps() {
    let world = world().await;
    let rows = world.rows().await;
    let octets = octets(1_200 * MAXIMUM_VALUE_OCTETS + 7);
    let upload = send(&world, &octets, 1_000_000).await.unwrap();
    let (content, _) = world.store.finish_upload(upload).await.unwrap();
    let (hash, length) = blob(&content);
    assert_eq!(length, octets.len() as u64);
    let before = world.rows().await;
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(world.store.environment().clock.now().0 - 1);
    let key = keys::blob(&hash);
    let header = world.store.backend().get(&key).await.unwrap().unwrap();
    // One step, and the process is killed.
    let header: record::BlobRecord = record::decode(&header.value, "blob").unwrap();
    let place = header.place(&hash);
    let spoil = vec![
        Operation::DeleteRange(KeyRange {
            start: Bound::Included(keys::blob_chunk(&place, 701)),
            end: KeyRange::prefix(keys::blob_chunks(&place)).end,
        }),
        Operation::Put(
            key.clone(),
            record::encode(&record::BlobRecord {
                complete: false,
                ..header
            }),
        ),
    ];
    world.store.commit_rows(Vec::new(), spoil).await.unwrap();
    assert_eq!(world.store.check().await.unwrap(), []);
    // Whoever wants it again writes it again ...
    let again = send(&world, &octets, 1_000_000).await.unwrap();
    assert_eq!(world.store.finish_upload(again).await.unwrap().0, content);
    assert_eq!(world.rows().await.len(), before.len());
    // ... and what nobody wants is swept.
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(limit.0 + 25 * 60 * 60 * 1000);
    let (swept, _) = world.store.sweep_blobs(limit, None, 10).await.unwrap();
    assert_eq!(swept, 1);
    assert_eq!(world.rows().await, rows);
}
