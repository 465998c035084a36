//! What reads the embedded backend's files, for the fuzz targets.

use bytes::Bytes;

use super::{
    checkpoint,
    folder::{self, StoreId},
    frame::{self, FrameBuffer},
    group::{self, GroupWriter},
    octets::Reader,
    row, snapshot,
};
use crate::{Revision, Timestamp, backend::Committed, resolve::Effects};

const SEED: u32 = 7;
const STORE: StoreId = StoreId([7; 16]);

/// The octets as a frame with a right checksum.
fn framed(payload: &[u8]) -> Vec<u8> {
    let mut buffer = FrameBuffer::new();
    buffer.payload().extend_from_slice(payload);
    buffer.finish(SEED).unwrap_or_default().to_vec()
}

/// The octets as payloads, each behind its length.
fn payloads(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader(octets);
    let mut payloads = Vec::new();
    while let Some(length) = reader.u16() {
        let length = usize::from(length).min(reader.0.len());
        payloads.push(reader.octets(length).unwrap_or_default().to_vec());
    }
    payloads
}

/// Frames of the journal: whichever way they are read, the same are found.
pub fn frames(octets: &[u8]) {
    let found = frame::read(octets, SEED);
    let mut file = octets;
    let mut payload = Vec::new();
    let read = frame::read_next(&mut file, SEED, &mut payload);
    assert_eq!(
        read.unwrap_or(false).then_some(&payload[..]),
        found.map(|(payload, _)| payload)
    );
    let first = frame::find(octets, SEED);
    assert!(found.is_none_or(|(payload, _)| first == Some(payload)));
    let mut behind_noise = octets.to_vec();
    behind_noise.extend_from_slice(&framed(octets));
    assert!(frame::find(&behind_noise, SEED).is_some());
}

/// A group's payload: what can be read is written again as it was.
pub fn group(octets: &[u8]) {
    let Some(commits) = group::read(octets) else {
        return;
    };
    assert_eq!(
        group::first(octets),
        commits.first().map(|commit| commit.committed)
    );
    let mut writer = GroupWriter::new();
    for recorded in &commits {
        writer.push_recorded(recorded);
    }
    assert_eq!(writer.payload(), octets);
}

/// A snapshot: the octets as they are, and as the payloads of sound frames, each behind its length.
pub fn snapshot(octets: &[u8]) {
    let _ = snapshot::read_any(octets, |_| Ok(()));
    snapshot::read_payloads(&payloads(octets), STORE);
}

/// A row of the index, behind the length of its key: what can be read is written again as it was.
pub fn index_row(octets: &[u8]) {
    let mut reader = Reader(octets);
    let length = reader
        .array::<1>()
        .map_or(0, |[length]| usize::from(length));
    let key = reader
        .octets(length.min(reader.0.len()))
        .unwrap_or_default();
    if let Ok(entry) = row::read(key, reader.0) {
        assert_eq!(row::write(key, entry.revision, &entry.value), reader.0);
    }
    let written = row::write(key, Revision(9), reader.0);
    let read = row::read(key, &written).expect("what was written can be read");
    assert_eq!((read.revision, &read.value[..]), (Revision(9), reader.0));
}

/// The small files: checkpoint and format.
pub fn small_files(octets: &[u8]) {
    if let Some(checkpoint) = checkpoint::parse(octets, STORE) {
        assert_eq!(checkpoint::format(STORE, checkpoint), octets);
    }
    let _ = folder::read_format(&String::from_utf8_lossy(octets));
}

/// Sound octets for each of these targets, to begin with.
pub fn examples_of_files(target: &str) -> Vec<Vec<u8>> {
    let committed = |revision| Committed {
        revision: Revision(revision),
        time: Timestamp(-3),
    };
    let effects = Effects::from([
        (Bytes::from_static(b"gone"), None),
        (Bytes::from_static(b"row"), Some(Bytes::from_static(b"v"))),
    ]);
    let mut writer = GroupWriter::new();
    writer.push(committed(8), &effects);
    writer.push(committed(9), &Effects::new());
    let group = writer.payload().to_vec();
    match target {
        "frames" => vec![framed(b""), framed(&group)],
        "group" => vec![group],
        "snapshot" => vec![snapshot_of(&group), backup()],
        "index_row" => {
            let mut octets = vec![3];
            octets.extend_from_slice(b"key");
            octets.extend(row::write(b"key", Revision(3), b"value"));
            vec![octets]
        }
        "small_files" => vec![
            checkpoint::format(STORE, committed(5)),
            b"format 1\nstore 07070707070707070707070707070707\n".to_vec(),
        ],
        _ => Vec::new(),
    }
}

/// Header, one row, a group and a trailer.
fn snapshot_of(group: &[u8]) -> Vec<u8> {
    let row = [
        &8u64.to_be_bytes()[..],
        &3u16.to_be_bytes(),
        b"key",
        &5u32.to_be_bytes(),
        b"value",
    ]
    .concat();
    let trailer = [9u64, 3, 1, 3].map(u64::to_be_bytes).concat();
    let version = 1u32.to_be_bytes();
    in_payloads(&[(0, &version), (1, &row), (2, group), (3, &trailer)])
}

/// Frames of these kinds, each behind its length.
fn in_payloads(frames: &[(u8, &[u8])]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (kind, body) in frames {
        octets.extend_from_slice(&(body.len() as u16 + 1).to_be_bytes());
        octets.push(*kind);
        octets.extend_from_slice(body);
    }
    octets
}

/// The payloads of a backup with a blob.
fn backup() -> Vec<u8> {
    let blob = [
        &[9; 32][..],
        &7u128.to_be_bytes(),
        &2u64.to_be_bytes(),
        &0u64.to_be_bytes(),
        b"ab",
    ]
    .concat();
    let trailer = [9u64, 3, 0, 2].map(u64::to_be_bytes).concat();
    let version = 3u32.to_be_bytes();
    in_payloads(&[(0, &version), (6, &blob), (3, &trailer)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the fuzzer would begin with noise.
    #[test]
    fn the_example_of_a_snapshot_is_sound() {
        let sound = examples_of_files("snapshot")
            .iter()
            .map(|example| {
                snapshot::read_payloads(&payloads(example), STORE)
                    .map(|through| through.map(|through| through.revision))
            })
            .collect::<Vec<_>>();
        let through = Some(Revision(9));
        assert_eq!(sound, [[through, None, None], [None, None, through]]);
    }
}
