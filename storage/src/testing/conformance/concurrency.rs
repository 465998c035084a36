//! Many at once: nothing is lost, nothing is seen half.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Subject, commit, key, page, put, read, write};
use crate::{
    Revision,
    backend::{CommitError, Entry, Expect, Key, KeyRange, Operation},
};

/// Who watches hears of commits without asking.
pub async fn watchers_are_told(subject: &impl Subject) {
    let backend = subject.open();
    let mut watch = backend.watch();
    assert_eq!(*watch.borrow_and_update(), Revision(0));
    let done = write(&*backend, vec![put("a", "1")]).await;
    watch.changed().await.expect("the store is open");
    assert_eq!(*watch.borrow_and_update(), done.revision);
}

/// Of many who saw the same state exactly one may change it.
pub async fn one_of_many_wins(subject: &impl Subject) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    let backend = subject.open();
    for _ in 0..ROUNDS {
        let seen = read(&*backend, "row").await;
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let expect = match &seen {
                    Some(entry) => Expect::Revision(key("row"), entry.revision),
                    None => Expect::Absent(key("row")),
                };
                let commit = commit(vec![expect], vec![put("row", &writer.to_string())]);
                let backend = backend.clone();
                tokio::spawn(async move { backend.commit(commit).await })
            })
            .collect();
        let mut winner = None;
        for (writer, task) in tasks.into_iter().enumerate() {
            match task.await.expect("no panic") {
                Ok(committed) => assert_eq!(
                    winner.replace((writer, committed.revision)),
                    None,
                    "two winners"
                ),
                Err(error) => assert_eq!(error, CommitError::Conflict(0)),
            }
        }
        let (writer, revision) = winner.expect("one winner");
        assert_eq!(
            read(&*backend, "row").await,
            Some(Entry {
                value: key(&writer.to_string()),
                revision
            })
        );
    }
}

/// Counters need no expectation.
pub async fn counters_lose_nothing_under_concurrency(subject: &impl Subject) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    let backend = subject.open();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let backend = backend.clone();
            tokio::spawn(async move {
                let mut revisions = Vec::new();
                for _ in 0..ROUNDS {
                    let add = Operation::Add {
                        key: key("n"),
                        amount: 1,
                        maximum: None,
                    };
                    let append = Operation::Append {
                        prefix: key("log"),
                        value: Bytes::new(),
                    };
                    revisions.push(write(&*backend, vec![add, append]).await.revision);
                }
                revisions
            })
        })
        .collect();
    let mut revisions = BTreeSet::new();
    for task in tasks {
        revisions.extend(task.await.expect("no panic"));
    }
    assert_eq!(revisions.len(), WRITERS * ROUNDS, "no number twice");
    let sum = read(&*backend, "n").await.expect("the counter");
    assert_eq!(
        sum.value,
        Bytes::copy_from_slice(&((WRITERS * ROUNDS) as i64).to_be_bytes())
    );
    assert_eq!(
        backend
            .scan(KeyRange::prefix("log"), page(1000))
            .await
            .expect("a scan")
            .rows
            .len(),
        WRITERS * ROUNDS
    );
}

/// Rows that always change together are never seen apart, by no kind of read.
pub async fn pages_show_one_moment(subject: &impl Subject) {
    const ROWS: usize = 200;
    const ROUNDS: usize = 40;
    let backend = subject.open();
    let keys: Vec<Key> = (0..ROWS).map(|row| key(&format!("r{row:03}"))).collect();
    let writer = {
        let (backend, keys) = (backend.clone(), keys.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                // Every other round the rows are removed: they are seen all or not at all.
                let operations = keys.iter().map(|row| match round % 2 {
                    0 => Operation::Put(row.clone(), Bytes::copy_from_slice(&round.to_be_bytes())),
                    _ => Operation::Delete(row.clone()),
                });
                write(&*backend, operations.collect()).await;
            }
        })
    };
    while !writer.is_finished() {
        let page_of_one = backend
            .scan(KeyRange::all(), page(ROWS + 1))
            .await
            .expect("a scan")
            .rows;
        let revisions: BTreeSet<_> = page_of_one
            .iter()
            .map(|(_, entry)| entry.revision)
            .collect();
        assert!(
            revisions.len() <= 1 && [0, ROWS].contains(&page_of_one.len()),
            "torn page: {revisions:?}"
        );
        let many = backend.get_many(&keys).await.expect("a read");
        let revisions: BTreeSet<_> = many
            .iter()
            .map(|entry| entry.as_ref().map(|entry| entry.revision))
            .collect();
        assert_eq!(revisions.len(), 1, "torn read: {revisions:?}");
        tokio::task::yield_now().await;
    }
    writer.await.expect("no panic");
}
