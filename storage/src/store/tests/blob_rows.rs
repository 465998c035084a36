//! Blobs of earlier formats, whose octets stand in rows.

use std::ops::Bound;

use super::{
    uploads::{blob, octets, read, send},
    *,
};
use crate::{
    backend::{MAXIMUM_VALUE_OCTETS, Operation, ReadError},
    store::record::BlobPlace,
};

impl World {
    /// A blob as formats 1 to 4 wrote it.
    pub(super) async fn write_rows(&self, octets: &Bytes, place: BlobPlace) -> Content {
        let hash = *blake3::hash(octets).as_bytes();
        let header = record::BlobRecord {
            length: octets.len() as u64,
            written: self.store.environment().clock.now(),
            complete: true,
            place,
        };
        let rows = header.rows(&hash).unwrap();
        let pieces = octets.chunks(MAXIMUM_VALUE_OCTETS).zip(0..);
        let pieces = pieces.map(|(piece, number)| {
            Operation::Put(keys::blob_chunk(&rows, number), octets.slice_ref(piece))
        });
        let mut operations: Vec<_> = pieces.collect();
        operations.push(Operation::Put(keys::blob(&hash), record::encode(&header)));
        let note = header.noted_place().as_ref().map(keys::blob_place);
        operations.extend(note.map(|key| Operation::Put(key, record::encode(&hash))));
        for some in operations.chunks(15) {
            self.store
                .commit_rows(Vec::new(), some.to_vec())
                .await
                .unwrap();
        }
        Content::Blob {
            hash,
            length: header.length,
        }
    }
}

/// All of it and any part; and it is not written again.
#[tokio::test]
async fn octets_in_rows_are_read() {
    let row = MAXIMUM_VALUE_OCTETS;
    let octets = octets(9 * row + 5);
    for place in [BlobPlace::RowsUnderHash, BlobPlace::Rows([7; 32])] {
        let world = world().await;
        let content = world.write_rows(&octets, place).await;
        world.assert_sound().await;
        assert_eq!(world.store.content(&content).await.unwrap(), octets);
        let (hash, length) = blob(&content);
        let ends = [0, 1, row - 1, row, 4 * row + 1, 9 * row, 9 * row + 5];
        for start in ends {
            for end in ends.into_iter().filter(|end| *end >= start) {
                let count = (end - start) as u64;
                let reader = world.store.read_blob(hash, length, start as u64, count);
                let found = read(reader).await.unwrap();
                assert_eq!(found, octets[start..end], "{start} to {end}");
            }
        }
        let rows = world.rows().await;
        let again = world.store.write_blob(octets.clone()).await.unwrap();
        assert_eq!(again, content);
        let upload = send(&world, &octets, 100_000).await.unwrap();
        assert_eq!(world.store.finish_upload(upload).await.unwrap().0, content);
        assert_eq!((world.rows().await, world.files().await), (rows, vec![]));
    }
}

/// A compaction moves them into files, each at once; whoever reads or refers to them notices nothing, and what is
/// damaged stays as it is.
#[tokio::test]
async fn octets_in_rows_move_into_files() {
    let world = world().await;
    world.user("alice").await;
    let mut contents = Vec::new();
    for (number, place) in [BlobPlace::RowsUnderHash, BlobPlace::Rows([7; 32])]
        .into_iter()
        .enumerate()
    {
        let octets = octets(9 * MAXIMUM_VALUE_OCTETS + number);
        let content = world.write_rows(&octets, place).await;
        let object = Object {
            content: content.clone(),
            ..file("")
        };
        let at = path("alice", &number.to_string());
        world.put(&at, &object).await.unwrap();
        contents.push((content, octets));
    }
    let damaged = world
        .write_rows(&octets(100_000), BlobPlace::RowsUnderHash)
        .await;
    let (hash, _) = blob(&damaged);
    let spoil = Operation::Put(keys::blob_chunk(&hash, 1), Bytes::from_static(b"x"));
    let spoilt = world.store.commit_rows(Vec::new(), vec![spoil]).await;
    spoilt.unwrap();
    let (mut moved, mut after) = (0, None);
    loop {
        let step = world.store.move_blobs_into_files(after, 1).await.unwrap();
        moved += step.0;
        after = step.1;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((moved, world.files().await.len()), (2, 2));
    for (content, octets) in &contents {
        assert_eq!(world.store.content(content).await.unwrap(), *octets);
        let header = world.store.blob(&blob(content).0).await.unwrap().unwrap();
        assert!(header.file(&blob(content).0).is_some());
    }
    assert_eq!(world.store.check().await.unwrap().len(), 1);
    world.sweep_all().await;
    world.assert_sound().await;
    let rows = world.rows().await;
    let pieces = keys::whole(keys::Keyspace::BlobChunk);
    assert!(!rows.iter().any(|key| key.starts_with(&pieces)));
    let again = world.store.move_blobs_into_files(None, 10).await.unwrap();
    assert_eq!(again, (0, None));
}

/// Somebody began to write the same octets, or to remove them, and was killed.
#[tokio::test]
async fn what_is_whole_takes_the_place_of_what_is_not() {
    let octets = octets(40 * MAXIMUM_VALUE_OCTETS);
    let hash = *blake3::hash(&octets).as_bytes();
    for place in [BlobPlace::RowsUnderHash, BlobPlace::Rows([7; 32])] {
        let world = world().await;
        let half = record::BlobRecord {
            length: octets.len() as u64,
            written: Timestamp(0),
            complete: false,
            place,
        };
        let piece = keys::blob_chunk(&half.rows(&hash).unwrap(), 0);
        let mut operations = vec![
            Operation::Put(keys::blob(&hash), record::encode(&half)),
            Operation::Put(piece, octets.slice(..MAXIMUM_VALUE_OCTETS)),
        ];
        if let Some(place) = half.noted_place() {
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
            assert_eq!(world.blobs().await, (1, 1));
            world.assert_sound().await;
        }
        world.clock.advance(25 * 60 * 60 * 1000);
        let limit = Timestamp(world.store.environment().clock.now().0 - 1);
        world.store.sweep_blobs(limit, None, 1_000).await.unwrap();
        assert_eq!(world.rows().await, rows);
    }
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
            let content = world.write_rows(&octets, BlobPlace::RowsUnderHash).await;
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

/// However large a blob is, no commit of its removal is; and the removal may be broken off anywhere.
#[tokio::test]
async fn a_large_blob_goes_in_small_steps() {
    let world = world().await;
    let rows = world.rows().await;
    let octets = octets(1_200 * MAXIMUM_VALUE_OCTETS + 7);
    let content = world.write_rows(&octets, BlobPlace::Rows([7; 32])).await;
    let (hash, length) = blob(&content);
    assert_eq!(length, octets.len() as u64);
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(world.store.environment().clock.now().0 - 1);
    let key = keys::blob(&hash);
    let header = world.store.backend().get(&key).await.unwrap().unwrap();
    // One step, and the process is killed.
    let header: record::BlobRecord = record::decode(&header.value, "blob").unwrap();
    let place = header.rows(&hash).unwrap();
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
    assert_eq!(world.rows().await.len(), rows.len() + 1);
    // ... and what nobody wants is swept.
    world.clock.advance(25 * 60 * 60 * 1000);
    let limit = Timestamp(limit.0 + 25 * 60 * 60 * 1000);
    let (swept, _) = world.store.sweep_blobs(limit, None, 10).await.unwrap();
    assert_eq!(swept, 1);
    assert_eq!(world.rows().await, rows);
}
