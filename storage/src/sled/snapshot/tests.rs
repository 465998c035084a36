#![allow(clippy::unwrap_used)]

use std::{fs, io::BufReader};

use super::*;
use crate::{
    Timestamp,
    blob_files::BlobName,
    sled::{
        frame::FrameBuffer,
        group::{self, GroupWriter},
    },
};

const STORE: StoreId = StoreId([9; 16]);
const NAME: BlobName = BlobName {
    hash: [4; 32],
    writing: 5,
};

/// What a visitor of a snapshot sees.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Row(Vec<u8>, u64, Vec<u8>),
    Commit(u64, i64, usize),
    Blob(BlobName, u64, u64, Vec<u8>),
}

fn note(seen: &mut Vec<Seen>, piece: Piece<'_>) {
    seen.push(match piece {
        Piece::Row {
            key,
            revision,
            value,
        } => Seen::Row(key.to_vec(), revision.0, value.to_vec()),
        Piece::Commit(recorded) => Seen::Commit(
            recorded.committed.revision.0,
            recorded.committed.time.0,
            recorded.effects.len(),
        ),
        Piece::Blob(piece) => {
            Seen::Blob(piece.name, piece.length, piece.start, piece.octets.to_vec())
        }
    });
}

fn committed(revision: u64) -> Committed {
    Committed {
        revision: Revision(revision),
        time: Timestamp(revision as i64 * 10),
    }
}

/// A group of the commits 6 and 7.
fn group() -> Vec<u8> {
    let mut group = GroupWriter::new();
    for revision in [6, 7] {
        let value = Some(bytes::Bytes::from_static(b"new"));
        let effects = crate::resolve::Effects::from([(bytes::Bytes::from_static(b"b"), value)]);
        group.push(committed(revision), &effects);
    }
    group.payload().to_vec()
}

fn expected() -> Vec<Seen> {
    vec![
        Seen::Row(b"a".to_vec(), 3, b"old".repeat(100)),
        Seen::Row(b"b".to_vec(), 5, Vec::new()),
        Seen::Commit(6, 60, 1),
        Seen::Commit(7, 70, 1),
    ]
}

fn packed() -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), STORE).unwrap();
    writer.row(b"a", Revision(3), &b"old".repeat(100)).unwrap();
    writer.row(b"b", Revision(5), b"").unwrap();
    for recorded in group::read(&group()).unwrap() {
        writer.commit(&recorded).unwrap();
    }
    writer.blob(NAME, 5, 0, b"abc").unwrap();
    writer.blob(NAME, 5, 3, b"de").unwrap();
    writer.finish(committed(7)).unwrap()
}

/// The same as version 2 would have it, which knew no blobs.
fn without_knowledge_of_blobs(octets: &[u8]) -> Vec<u8> {
    let mut older = octets.to_vec();
    older[8..12].copy_from_slice(&FIRST_WITH_PROLOGUE.to_be_bytes());
    let sum = crc32fast::hash(&older[..28]).to_be_bytes();
    older[28..32].copy_from_slice(&sum);
    let mut frame = FrameBuffer::new();
    frame.payload().push(HEADER);
    let version = FIRST_WITH_PROLOGUE.to_be_bytes();
    frame.payload().extend_from_slice(&version);
    let header = frame.finish(seed(STORE)).unwrap();
    older[32..32 + header.len()].copy_from_slice(header);
    older
}

/// The same as version 1 wrote it.
fn unpacked() -> Vec<u8> {
    let mut rows = Vec::new();
    for (key, revision, value) in [(b"a", 3_u64, b"old".repeat(100)), (b"b", 5, Vec::new())] {
        rows.extend_from_slice(&revision.to_be_bytes());
        rows.extend_from_slice(&1_u16.to_be_bytes());
        rows.extend_from_slice(key);
        rows.extend_from_slice(&(value.len() as u32).to_be_bytes());
        rows.extend_from_slice(&value);
    }
    let trailer: Vec<u8> = [7_u64, 70, 2, 3]
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    let frames = [
        (HEADER, FIRST_VERSION.to_be_bytes().to_vec()),
        (ROWS, rows),
        (GROUP, group()),
        (TRAILER, trailer),
    ];
    let mut octets = Vec::new();
    for (kind, body) in frames {
        let mut frame = FrameBuffer::new();
        frame.payload().push(kind);
        frame.payload().extend_from_slice(&body);
        octets.extend_from_slice(frame.finish(seed(STORE)).unwrap());
    }
    octets
}

#[test]
fn each_version_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    for octets in [packed(), unpacked()] {
        fs::write(&path, &octets).unwrap();
        let mut seen = Vec::new();
        let through = read(&Folder::at(folder.path(), STORE), &path, |piece| {
            note(&mut seen, piece);
            Ok(())
        });
        assert_eq!(through.unwrap(), committed(7));
        seen.retain(|piece| !matches!(piece, Seen::Blob(..)));
        assert_eq!(seen, expected());
        let other = Folder::at(folder.path(), StoreId([8; 16]));
        let other = read(&other, &path, |_| Ok(()));
        assert!(
            matches!(other, Err(SnapshotError::Damaged)),
            "of another store"
        );
    }
}

#[test]
fn a_backup_says_whose_it_is() {
    let mut seen = Vec::new();
    let read = read_any(BufReader::new(&packed()[..]), |piece| {
        note(&mut seen, piece);
        Ok(())
    });
    assert_eq!(read.unwrap(), (STORE, committed(7)));
    let blobs = seen.split_off(expected().len());
    assert_eq!(seen, expected());
    let piece = |start, octets: &[u8]| Seen::Blob(NAME, 5, start, octets.to_vec());
    assert_eq!(blobs, [piece(0, b"abc"), piece(3, b"de")]);
}

#[test]
fn what_is_packed_is_smaller() {
    assert!(packed().len() < unpacked().len());
}

/// Each kind of broken file.
#[test]
fn a_broken_backup_is_refused() {
    let good = packed();
    let read = |octets: &[u8]| read_any(BufReader::new(octets), |_| Ok(()));
    for offset in 0..good.len() {
        assert!(read(&good[..offset]).is_err(), "cut at {offset}");
        let mut bad = good.clone();
        bad[offset] ^= 0x10;
        assert!(read(&bad).is_err(), "octet {offset}");
    }
    assert!(matches!(
        read(&[&good[..], b"x"].concat()),
        Err(SnapshotError::Damaged)
    ));
    assert!(matches!(
        read(b"BEGIN:VCALENDAR"),
        Err(SnapshotError::Foreign)
    ));
    assert!(matches!(read(b""), Err(SnapshotError::Foreign)));
    assert!(matches!(read(&unpacked()), Err(SnapshotError::Foreign)));
    let mut newer = good.clone();
    newer[8..12].copy_from_slice(&(VERSION + 1).to_be_bytes());
    assert!(matches!(read(&newer), Err(SnapshotError::Newer)));
    let older = without_knowledge_of_blobs(&good);
    assert!(matches!(read(&older), Err(SnapshotError::Damaged)));
}

/// A frame whose checksum is right but whose packed octets are not claims no memory for nothing.
#[test]
fn what_cannot_be_unpacked_is_damage() {
    let absurd = [&u32::MAX.to_le_bytes()[..], b"x"].concat();
    for body in [&b""[..], b"abc", &absurd, b"\x05\0\0\0zz"] {
        let mut octets = prologue(STORE);
        for (kind, body) in [(HEADER, &VERSION.to_be_bytes()[..]), (PACKED_ROWS, body)] {
            let mut frame = FrameBuffer::new();
            frame.payload().push(kind);
            frame.payload().extend_from_slice(body);
            octets.extend_from_slice(frame.finish(seed(STORE)).unwrap());
        }
        let read = read_any(BufReader::new(&octets[..]), |_| Ok(()));
        assert!(matches!(read, Err(SnapshotError::Damaged)), "{body:?}");
    }
}
