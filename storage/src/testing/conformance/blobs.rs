//! What stands beside the rows.

use bytes::Bytes;

use super::Subject;
use crate::{
    backend::{Backend, ReadError},
    blob_files::{BlobName, FinishedBlob, ListedBlob},
    testing::ManualClock,
};

/// More than is kept in memory of a blob that is on its way.
const LENGTH: usize = 1_500_003;

fn octets(seed: usize, length: usize) -> Bytes {
    (0..length)
        .map(|place| (place % 251 + seed) as u8)
        .collect()
}

async fn write(backend: &dyn Backend, writing: u128, octets: &Bytes) -> FinishedBlob {
    let mut draft = backend.blobs().begin(writing).await.expect("a draft");
    for piece in octets.chunks(100_001) {
        let written = draft.write(octets.slice_ref(piece)).await;
        written.expect("octets are written");
    }
    let hash = *blake3::hash(octets).as_bytes();
    draft.finish(hash).await.expect("a blob")
}

async fn list(backend: &dyn Backend) -> Vec<ListedBlob> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let listed = backend.blobs().list(after).await.expect("a list");
        let Some(last) = listed.last() else {
            return all;
        };
        after = Some(last.name);
        all.extend(listed);
    }
}

/// Any part of what was written, in whichever pieces.
pub async fn blobs_come_back(subject: &impl Subject) {
    let backend = subject.open();
    for length in [0, 1, 65_536, LENGTH] {
        let octets = octets(length, length);
        let name = write(&*backend, 1, &octets).await.name;
        let found = backend.blobs().length(name).await.expect("a look");
        assert_eq!(found, Some(length as u64));
        for start in [0, 1, 65_535, 65_536, 1_000_000, length] {
            for count in [0, 1, 65_537, length] {
                let Some(wanted) = octets.get(start..start.saturating_add(count)) else {
                    continue;
                };
                let read = backend
                    .blobs()
                    .read(name, length as u64, start as u64, count);
                let read = read.await.expect("octets");
                assert!(read == wanted, "{start} and {count} of {length}");
            }
        }
    }
}

/// What is not there, or of another length, is damage and never a wrong answer.
pub async fn blobs_that_are_not_there(subject: &impl Subject) {
    let backend = subject.open();
    let octets = octets(0, 1000);
    let name = write(&*backend, 1, &octets).await.name;
    let other = BlobName { writing: 2, ..name };
    assert_eq!(backend.blobs().length(other).await, Ok(None));
    for (name, length, start) in [(other, 1000, 0), (name, 999, 0), (name, 1000, 991)] {
        let read = backend.blobs().read(name, length, start, 10).await;
        let read = read.map(|octets| octets.len());
        assert!(matches!(read, Err(ReadError::Corrupt(_))), "{read:?}");
    }
    assert_eq!(backend.blobs().remove(other).await, Ok(true));
    assert_eq!(backend.blobs().has_copy(other).await, Ok(false));
    assert_eq!(backend.blobs().recover(other).await, Ok(false));
}

/// All of them, in order, dated; and whether somebody awaits them.
pub async fn blobs_are_listed(subject: &impl Subject) {
    let backend = subject.open();
    assert_eq!(list(&*backend).await, []);
    let mut expected = Vec::new();
    for seed in 0..20 {
        let now = crate::Timestamp(1_700_000_000_000 + seed * 1000);
        ManualClock::set(&subject.clock(), now);
        let octets = octets(seed as usize % 7, 100);
        let finished = write(&*backend, seed as u128, &octets).await;
        let listed = ListedBlob {
            name: finished.name,
            length: Some(100),
            written: now,
            is_awaited: false,
        };
        let found = backend.blobs().find(finished.name.hash).await;
        let mut found = found.expect("a list");
        let own = found.pop().expect("the newest writing is the last");
        assert_eq!((own.name, own.is_awaited), (finished.name, true));
        assert!(found.iter().all(|other| !other.is_awaited));
        expected.push(listed);
    }
    expected.sort_by_key(|listed| listed.name);
    assert_eq!(list(&*backend).await, expected);
    for listed in expected.drain(..10) {
        assert_eq!(backend.blobs().remove(listed.name).await, Ok(true));
    }
    assert_eq!(list(&*backend).await, expected);
}

/// A draft that is not finished is nothing.
pub async fn drafts_leave_nothing(subject: &impl Subject) {
    let backend = subject.open();
    let octets = octets(0, LENGTH);
    let mut draft = backend.blobs().begin(1).await.expect("a draft");
    draft
        .write(octets.clone())
        .await
        .expect("octets are written");
    assert_eq!(list(&*backend).await, []);
    drop(draft);
    assert_eq!(list(&*backend).await, []);
    let name = write(&*backend, 1, &octets).await.name;
    let read = backend.blobs().read(name, LENGTH as u64, 0, LENGTH).await;
    assert!(read.expect("octets") == octets);
}

/// What was finished is there again.
pub async fn blobs_survive_a_reopen(subject: &impl Subject) {
    if !subject.survives() {
        return;
    }
    let octets = octets(0, LENGTH);
    let mut names = Vec::new();
    for round in 0..3 {
        let backend = subject.open();
        for name in &names {
            let read = backend.blobs().read(*name, LENGTH as u64, 0, LENGTH).await;
            assert!(read.expect("octets") == octets, "round {round}");
        }
        names.push(write(&*backend, round, &octets).await.name);
        if round == 1 {
            backend.close().await;
        }
    }
}
