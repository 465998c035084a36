//! What a commit does, and when it is refused.

use std::ops::Bound;

use bytes::Bytes;

use super::{Subject, all, between, commit, key, names, page, put, read, refusal, value, write};
use crate::{
    Revision,
    backend::{
        COUNTER_MAXIMUM, CommitError, Entry, Expect, KeyRange, MAXIMUM_COMMIT_OCTETS,
        MAXIMUM_KEY_OCTETS, MAXIMUM_OPERATIONS, MAXIMUM_VALUE_OCTETS, Observed, Operation, log_key,
    },
};

/// The life of a row.
pub async fn rows_are_put_read_and_removed(subject: &impl Subject) {
    let backend = subject.open();
    let first = write(&*backend, vec![put("a", "1"), put("b", "")]).await;
    assert_eq!(
        read(&*backend, "a").await,
        Some(Entry {
            value: key("1"),
            revision: first.revision
        })
    );
    assert_eq!(
        read(&*backend, "b").await,
        Some(Entry {
            value: Bytes::new(),
            revision: first.revision
        })
    );
    let second = write(&*backend, vec![put("a", "2")]).await;
    assert_eq!(
        read(&*backend, "a").await,
        Some(Entry {
            value: key("2"),
            revision: second.revision
        })
    );
    assert_eq!(
        read(&*backend, "b").await.map(|entry| entry.revision),
        Some(first.revision),
        "untouched"
    );
    write(
        &*backend,
        vec![
            Operation::Delete(key("a")),
            Operation::Delete(key("never there")),
        ],
    )
    .await;
    assert_eq!(read(&*backend, "a").await, None);
    assert_eq!(names(&all(&*backend).await), ["b"]);
}

/// An expectation that was seen to hold is refused all the same where its row changed since.
pub async fn observed_expectations(subject: &impl Subject) {
    let backend = subject.open();
    let seen = write(&*backend, vec![put("row", "1")]).await.revision;
    let since = backend.revision();
    let range = between("range", "rangf");
    let expectations = [
        Expect::Revision(key("row"), seen),
        Expect::Absent(key("free")),
        Expect::RangeEmpty(range),
    ];
    let try_all = async || {
        let mut answers = Vec::new();
        for expect in &expectations {
            let mut commit = commit(vec![expect.clone()], Vec::new());
            commit.observed = Some(Observed {
                expectations: 1,
                since,
            });
            answers.push(backend.commit(commit).await.is_ok());
        }
        answers
    };
    assert_eq!(try_all().await, [true; 3]);
    write(&*backend, vec![put("other", "1")]).await;
    assert_eq!(try_all().await, [true; 3], "something else changed");
    write(&*backend, vec![put("row", "2")]).await;
    write(&*backend, vec![put("free", "1")]).await;
    write(&*backend, vec![put("range1", "1")]).await;
    assert_eq!(try_all().await, [false; 3]);
    write(&*backend, vec![Operation::Delete(key("free"))]).await;
    write(&*backend, vec![Operation::Delete(key("range1"))]).await;
    assert_eq!(try_all().await, [false, true, true], "free again");
}

/// Where a backend says when a keyspace was last written, no write is left out.
pub async fn changes_of_a_keyspace_are_known(subject: &impl Subject) {
    let backend = subject.open();
    if backend.last_change(b'a').is_none() {
        return;
    }
    let known = |name: &str| backend.last_change(name.as_bytes()[0]);
    let first = write(&*backend, vec![put("a1", "1"), put("b1", "1")]).await;
    let second = write(&*backend, vec![Operation::Delete(key("b1"))]).await;
    let all = write(&*backend, vec![Operation::DeleteRange(KeyRange::all())]).await;
    let add = Operation::Add {
        key: key("c"),
        amount: 1,
        maximum: None,
    };
    let added = write(&*backend, vec![add]).await;
    assert!(first.revision < second.revision);
    assert_eq!(known("a"), Some(all.revision));
    assert_eq!(known("b"), Some(second.revision));
    assert_eq!(known("c"), Some(added.revision));
    let append = Operation::Append {
        prefix: key("d"),
        value: Bytes::new(),
    };
    let appended = write(&*backend, vec![append]).await;
    assert_eq!(known("d"), Some(appended.revision));
    let refused = commit(vec![Expect::Absent(key("c"))], vec![put("a", "1")]);
    assert!(backend.commit(refused).await.is_err());
    assert_eq!(known("a"), Some(all.revision), "nothing was written");
    drop(backend);
    if subject.survives() {
        let backend = subject.open();
        // what was written before may count as late as the reopening, but not as never
        assert!(backend.last_change(b'd') >= Some(appended.revision));
    }
}

/// Missing rows leave their place; a key asked for twice is answered twice.
pub async fn a_read_gives_rows_in_the_order_asked(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("a", "1"), put("b", "2")]).await;
    let found = backend
        .get_many(&[key("b"), key("x"), key("a"), key("b")])
        .await
        .expect("a read");
    let found: Vec<_> = found
        .into_iter()
        .map(|entry| entry.map(|entry| entry.value))
        .collect();
    assert_eq!(
        found,
        [Some(key("2")), None, Some(key("1")), Some(key("2"))]
    );
}

/// Each kind of expectation, where it holds and where it does not.
pub async fn expectations(subject: &impl Subject) {
    let backend = subject.open();
    let old = write(&*backend, vec![put("m", "1")]).await.revision;
    let new = write(&*backend, vec![put("m", "2"), put("gone", "")])
        .await
        .revision;
    write(&*backend, vec![Operation::Delete(key("gone"))]).await;
    let table = [
        (Expect::Absent(key("a")), true),
        (Expect::Absent(key("m")), false),
        (Expect::Absent(key("gone")), true),
        (Expect::Revision(key("m"), new), true),
        (Expect::Revision(key("m"), old), false),
        (Expect::Revision(key("m"), Revision(new.0 + 1)), false),
        (Expect::Revision(key("a"), new), false),
        (Expect::Revision(key("gone"), new), false),
        (Expect::Revision(key("a"), Revision(0)), false),
        (Expect::RangeEmpty(between("a", "m")), true),
        (Expect::RangeEmpty(between("a", "n")), false),
        (Expect::RangeEmpty(KeyRange::prefix("gone")), true),
        (
            Expect::RangeEmpty(KeyRange {
                start: Bound::Excluded(key("m")),
                end: Bound::Unbounded,
            }),
            true,
        ),
        (
            Expect::RangeEmpty(KeyRange {
                start: Bound::Unbounded,
                end: Bound::Included(key("m")),
            }),
            false,
        ),
        (Expect::RangeEmpty(between("z", "a")), true),
    ];
    for (expect, holds) in table {
        let answer = backend
            .commit(commit(vec![expect.clone()], Vec::new()))
            .await;
        match answer {
            Ok(_) => assert!(holds, "{expect:?} held"),
            Err(error) => assert_eq!(
                (holds, error),
                (false, CommitError::Conflict(0)),
                "{expect:?}"
            ),
        }
    }
}

/// The index tells the caller which of his assumptions was wrong.
pub async fn the_first_failing_expectation_is_named(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("m", "1")]).await;
    let expect = vec![
        Expect::Absent(key("a")),
        Expect::Absent(key("m")),
        Expect::Revision(key("a"), Revision(1)),
    ];
    assert_eq!(
        refusal(&*backend, expect, vec![put("a", "1")]).await,
        CommitError::Conflict(1)
    );
}

/// All or nothing.
pub async fn a_refused_commit_changes_nothing(subject: &impl Subject) {
    let backend = subject.open();
    let before = write(&*backend, vec![put("m", "1")]).await;
    let counter = Operation::Add {
        key: key("n"),
        amount: 5,
        maximum: Some(4),
    };
    let refused = [
        refusal(
            &*backend,
            vec![Expect::Absent(key("m"))],
            vec![put("a", "1"), put("m", "2")],
        )
        .await,
        refusal(
            &*backend,
            vec![],
            vec![put("a", "1"), Operation::Delete(key("m")), counter],
        )
        .await,
    ];
    assert_eq!(refused[0], CommitError::Conflict(0));
    assert!(
        matches!(refused[1], CommitError::Limit(_)),
        "{:?}",
        refused[1]
    );
    assert_eq!(names(&all(&*backend).await), ["m"]);
    assert_eq!(backend.revision(), before.revision);
    assert_eq!(
        write(&*backend, vec![]).await.revision,
        Revision(before.revision.0 + 1),
        "no number is lost"
    );
}

/// Later operations of a commit see the earlier ones; its expectations see none of them.
pub async fn operations_apply_in_order(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("old", "1")]).await;
    let one = Operation::Add {
        key: key("n"),
        amount: 1,
        maximum: None,
    };
    let operations = vec![
        put("a", "1"),
        put("a", "2"),
        put("b", "1"),
        Operation::Delete(key("b")),
        Operation::Delete(key("c")),
        put("c", "1"),
        put("old2", "1"),
        Operation::DeleteRange(KeyRange::prefix("old")),
        put("old3", "1"),
        one.clone(),
        one.clone(),
        Operation::Delete(key("n")),
        one,
    ];
    let expect = vec![
        Expect::Absent(key("a")),
        Expect::RangeEmpty(KeyRange::prefix("n")),
    ];
    let done = backend
        .commit(commit(expect, operations))
        .await
        .expect("a commit");
    let rows = all(&*backend).await;
    assert_eq!(names(&rows), ["a", "c", "n", "old3"]);
    assert!(
        rows.iter()
            .all(|(_, entry)| entry.revision == done.revision)
    );
    assert_eq!(value(&*backend, "a").await.as_deref(), Some("2"));
    assert_eq!(rows[2].1.value, Bytes::copy_from_slice(&1i64.to_be_bytes()));
}

/// Sums, maxima, and the floor at 0.
pub async fn counters(subject: &impl Subject) {
    let backend = subject.open();
    // What is added, the maximum, and the sum afterwards (`None`: refused).
    let table = [
        (5, None, Some(5)),
        (5, Some(10), Some(10)),
        (1, Some(10), None),
        (-1, Some(5), Some(9)),
        (0, Some(5), Some(9)),
        (-20, None, Some(0)),
        (i64::MAX, None, Some(i64::MAX)),
        (1, None, None),
    ];
    let mut sum = None;
    for (amount, maximum, after) in table {
        let add = Operation::Add {
            key: key("n"),
            amount,
            maximum,
        };
        let answer = backend.commit(commit(Vec::new(), vec![add])).await;
        match after {
            Some(_) => sum = answer.map(|_| after).expect("within the maximum"),
            None => match answer {
                Err(CommitError::Limit(which)) => {
                    assert_eq!(which == COUNTER_MAXIMUM, maximum.is_some(), "{which}");
                }
                other => panic!("{amount}: {other:?}"),
            },
        }
        let row = read(&*backend, "n").await.expect("the counter");
        assert_eq!(
            Some(row.value),
            sum.map(|sum: i64| Bytes::copy_from_slice(&sum.to_be_bytes())),
            "{amount}"
        );
    }
}

/// A row that is no counter is not taken for one.
pub async fn counters_of_another_form_are_damage(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("n", "seven")]).await;
    let add = Operation::Add {
        key: key("n"),
        amount: 1,
        maximum: None,
    };
    assert!(matches!(
        refusal(&*backend, vec![], vec![add]).await,
        CommitError::Corrupt(_)
    ));
}

/// Positions are the commit's number and the operation's.
pub async fn appended_rows(subject: &impl Subject) {
    let backend = subject.open();
    let append = |value: &str| Operation::Append {
        prefix: key("log"),
        value: key(value),
    };
    let first = write(&*backend, vec![append("1"), put("x", ""), append("2")])
        .await
        .revision;
    let second = write(&*backend, vec![append("3")]).await.revision;
    let rows = backend
        .scan(KeyRange::prefix("log"), page(10))
        .await
        .expect("a scan")
        .rows;
    let expected = [
        (log_key(b"log", first, 0), "1"),
        (log_key(b"log", first, 2), "2"),
        (log_key(b"log", second, 0), "3"),
    ];
    let found: Vec<_> = rows
        .iter()
        .map(|(key, entry)| (key.clone(), &entry.value[..]))
        .collect();
    assert_eq!(found, expected.map(|(key, value)| (key, value.as_bytes())));
    // "Nothing happened since" is an empty range.
    let since = |revision| {
        let start = Bound::Excluded(log_key(b"log", revision, u16::MAX));
        vec![Expect::RangeEmpty(KeyRange {
            start,
            end: Bound::Excluded(key("loh")),
        })]
    };
    assert_eq!(
        refusal(&*backend, since(first), vec![]).await,
        CommitError::Conflict(0)
    );
    backend
        .commit(commit(since(second), vec![]))
        .await
        .expect("nothing since the second");
}

/// The largest that is allowed, and one more.
pub async fn bounds_of_a_commit(subject: &impl Subject) {
    let backend = subject.open();
    let sized =
        |key: usize, value: usize| Operation::Put(vec![b'k'; key].into(), vec![b'v'; value].into());
    let pieces = MAXIMUM_COMMIT_OCTETS / MAXIMUM_VALUE_OCTETS;
    let full = |last: usize| {
        let mut operations = vec![sized(1, MAXIMUM_VALUE_OCTETS - 1); pieces - 1];
        operations.push(sized(1, last));
        operations
    };
    let deletions = |count: usize| vec![Operation::Delete(key("k")); count];
    let table = [
        (vec![sized(MAXIMUM_KEY_OCTETS, MAXIMUM_VALUE_OCTETS)], true),
        (vec![sized(MAXIMUM_KEY_OCTETS + 1, 0)], false),
        (vec![sized(1, MAXIMUM_VALUE_OCTETS + 1)], false),
        (vec![sized(0, 1)], false),
        (vec![Operation::Delete(Bytes::new())], false),
        (
            vec![Operation::Add {
                key: Bytes::new(),
                amount: 1,
                maximum: None,
            }],
            false,
        ),
        (
            vec![Operation::Append {
                prefix: vec![b'k'; MAXIMUM_KEY_OCTETS].into(),
                value: key(""),
            }],
            false,
        ),
        (full(MAXIMUM_VALUE_OCTETS - 1), true),
        (full(MAXIMUM_VALUE_OCTETS), false),
        (deletions(MAXIMUM_OPERATIONS), true),
        (deletions(MAXIMUM_OPERATIONS + 1), false),
    ];
    for (number, (operations, allowed)) in table.into_iter().enumerate() {
        let answer = backend.commit(commit(vec![], operations)).await;
        match answer {
            Ok(_) => assert!(allowed, "number {number} was allowed"),
            Err(error) => assert!(
                !allowed && matches!(error, CommitError::Limit(_)),
                "number {number}: {error}"
            ),
        }
    }
    let long = vec![sized(1, MAXIMUM_VALUE_OCTETS + 1)];
    let refused = refusal(
        &*backend,
        vec![Expect::Revision(key("x"), Revision(9))],
        long,
    )
    .await;
    assert!(
        matches!(refused, CommitError::Limit(_)),
        "bounds come before expectations: {refused}"
    );
}
