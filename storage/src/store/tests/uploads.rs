//! Content that comes, and goes, piece by piece.

use super::*;
use crate::{
    backend::{MAXIMUM_VALUE_OCTETS, ReadError},
    testing::Faulty,
};

/// No piece that is given out has more.
const PIECE_OCTETS: usize = 256 * 1024;

pub(super) fn octets(length: usize) -> Bytes {
    (0..length).map(|place| (place % 251) as u8).collect()
}

/// Sends octets in pieces of this size.
pub(super) async fn send(
    world: &World,
    octets: &Bytes,
    piece: usize,
) -> Result<Upload, CommitError> {
    let mut upload = world.store.begin_upload();
    for piece in octets.chunks(piece) {
        let piece = octets.slice_ref(piece);
        world.store.continue_upload(&mut upload, piece).await?;
    }
    assert_eq!(upload.length(), octets.len() as u64);
    Ok(upload)
}

pub(super) async fn read(mut reader: BlobReader) -> Result<Vec<u8>, ReadError> {
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await? {
        assert!(piece.len() <= PIECE_OCTETS);
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

impl World {
    /// How many headers and how many files there are.
    pub(super) async fn blobs(&self) -> (usize, usize) {
        let rows = self.rows().await;
        let headers = keys::whole(keys::Keyspace::Blob);
        let headers = rows.iter().filter(|key| key.starts_with(&headers));
        (headers.count(), self.files().await.len())
    }
}

pub(super) fn blob(content: &Content) -> ([u8; 32], u64) {
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
        16 * row,
        16 * row + 1,
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

/// Each octet is written once, none of them into a row, and one commit refers to them.
#[tokio::test]
async fn a_large_file_is_written_once() {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    let world = world_over(faulty.clone(), clock).await;
    for windows in [1, 2, 5] {
        let octets = octets(windows * 512 * 1024 + windows);
        let made = (faulty.commits(), faulty.blob_writes());
        let upload = send(&world, &octets, 100_000).await.unwrap();
        let (content, _) = world.store.finish_upload(upload).await.unwrap();
        assert_eq!(faulty.commits() - made.0, 1);
        // It is begun, written and finished.
        let writes = windows as u64 + 1;
        assert_eq!(faulty.blob_writes() - made.1, 1 + writes + 1);
        let pieces = KeyRange::prefix(keys::whole(keys::Keyspace::BlobChunk));
        assert_eq!(world.backend.first_key(pieces).await.unwrap(), None);
        assert_eq!(world.store.content(&content).await.unwrap(), octets);
    }
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
    assert_eq!(world.blobs().await, (1, 1));
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

/// Each commit, each write and each read of an upload fails in turn, once or until the end as after a kill.
/// What came is removed or swept, and it succeeds when it is repeated.
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let clock = Arc::new(ManualClock::default());
    let faulty = Arc::new(Faulty::new(Arc::new(Memory::new(clock.clone()))));
    let world = world_over(faulty.clone(), clock).await;
    let before = (world.rows().await, world.files().await);
    let octets = octets(40 * MAXIMUM_VALUE_OCTETS);
    let down = || CommitError::Unavailable("disk full".into());
    type Breaks = fn(&Faulty, u64, CommitError);
    let ways: [(&str, Breaks); 5] = [
        ("commit", |it, nth, error| it.fail_commit(nth, error)),
        ("commits", |it, nth, error| it.fail_commits_from(nth, error)),
        ("write", |it, nth, error| it.fail_blob_write(nth, error)),
        ("writes", |it, nth, error| {
            it.fail_blob_writes_from(nth, error)
        }),
        ("read", |it, nth, _| {
            it.fail_blob_read(nth, ReadError::Unavailable("disk full".into()));
        }),
    ];
    let made = || {
        let (commits, reads) = (faulty.commits(), faulty.blob_reads());
        [commits, faulty.blob_writes(), reads]
    };
    for (what, breaks) in ways {
        for nth in 1.. {
            let count = |made: [u64; 3]| match what {
                "commit" | "commits" => made[0],
                "read" => made[2],
                _ => made[1],
            };
            let begun = count(made());
            breaks(&faulty, nth, down());
            let sent = match send(&world, &octets, 100_000).await {
                Ok(upload) => world.store.finish_upload(upload).await.map(drop),
                Err(error) => Err(error),
            };
            let reached = count(made()) - begun >= nth;
            faulty.heal();
            if !reached {
                sent.unwrap();
                assert!(nth > 1 || what == "read", "no {what} was reached");
                break;
            }
            assert_eq!(sent, Err(down()), "{what} {nth}");
            let (headers, files) = world.blobs().await;
            assert!(headers <= files && files <= 1, "{what} {nth}");
        }
        world.sweep_all().await;
        assert_eq!((world.rows().await, world.files().await), before, "{what}");
    }
}

/// Until it has ended, no sweeper takes what came of an upload, however long that lasts.
#[tokio::test]
async fn a_slow_upload_comes_to_its_end() {
    let world = world().await;
    let octets = octets(40 * MAXIMUM_VALUE_OCTETS);
    let upload = send(&world, &octets, 100_000).await.unwrap();
    world.sweep_all().await;
    let (content, _) = world.store.finish_upload(upload).await.unwrap();
    assert_eq!(world.store.content(&content).await.unwrap(), octets);
    drop(send(&world, &octets[1..].to_vec().into(), 100_000).await);
    assert_eq!(world.blobs().await, (1, 1), "what is dropped is gone");
}

#[tokio::test]
async fn what_is_too_large_is_refused_on_the_way() {
    let world = world().await;
    let mut upload = world.store.begin_upload();
    upload.length = MAXIMUM_BLOB_OCTETS;
    let refused = world.store.continue_upload(&mut upload, octets(1)).await;
    assert_eq!(refused, Err(CommitError::Limit("octets of one blob")));
}
