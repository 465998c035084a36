//! The obligations of a backend, written once and run on each.
//!
//! ```text
//! struct OnDisk { ... }
//! impl storage::testing::conformance::Subject for OnDisk { ... }
//! storage::conformance!(OnDisk::new());
//! ```

use std::{collections::BTreeSet, ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{
    Revision, Timestamp,
    backend::{
        Backend, COUNTER_MAXIMUM, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange,
        MAXIMUM_COMMIT_OCTETS, MAXIMUM_KEY_OCTETS, MAXIMUM_OPERATIONS, MAXIMUM_RANGE_ROWS,
        MAXIMUM_VALUE_OCTETS, Operation, Page, log_key,
    },
    testing::ManualClock,
};

/// What the suite needs of a backend under test.
pub trait Subject {
    /// The clock that the backend was given.
    fn clock(&self) -> Arc<ManualClock>;
    /// Opens the store: an empty one the first time, the same again afterwards (then everything that
    /// was opened before has been closed and dropped).
    fn open(&self) -> Arc<dyn Backend>;
    /// Whether anything survives [`Backend::close`].
    fn survives(&self) -> bool;
}

/// Makes one test of each case, for the subject that the expression makes.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance!(@cases $subject;
            an_empty_store, rows_are_put_read_and_removed, a_read_gives_rows_in_the_order_asked,
            expectations, the_first_failing_expectation_is_named, a_refused_commit_changes_nothing,
            operations_apply_in_order, counters, counters_of_another_form_are_damage, appended_rows,
            ranges_are_deleted, ranges_beyond_the_bound_are_not_deleted, bounds_of_a_commit,
            pages_forward_and_back, pages_are_bounded_by_octets, void_ranges_hold_nothing,
            bounds_of_ranges, revisions_and_times_grow, watchers_are_told, one_of_many_wins,
            counters_lose_nothing_under_concurrency, pages_show_one_moment, a_closed_store_refuses,
            everything_survives_a_reopen, revisions_and_times_go_on_after_a_reopen,
        );
    };
    (@cases $subject:expr; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::testing::conformance::$case(&$subject).await;
            }
        )*
    };
}

fn key(text: &str) -> Key {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(name: &str, value: &str) -> Operation {
    Operation::Put(key(name), key(value))
}

fn commit(expect: Vec<Expect>, operations: Vec<Operation>) -> Commit {
    Commit {
        id: 0,
        expect,
        operations,
    }
}

async fn write(backend: &dyn Backend, operations: Vec<Operation>) -> Committed {
    backend
        .commit(commit(Vec::new(), operations))
        .await
        .expect("an unconditional commit")
}

async fn refusal(
    backend: &dyn Backend,
    expect: Vec<Expect>,
    operations: Vec<Operation>,
) -> CommitError {
    backend
        .commit(commit(expect, operations))
        .await
        .expect_err("a refusal")
}

async fn read(backend: &dyn Backend, name: &str) -> Option<Entry> {
    backend.get(&key(name)).await.expect("a read")
}

async fn value(backend: &dyn Backend, name: &str) -> Option<String> {
    read(backend, name)
        .await
        .map(|entry| String::from_utf8_lossy(&entry.value).into_owned())
}

fn page(rows: usize) -> Page {
    Page {
        rows,
        octets: usize::MAX,
        reverse: false,
    }
}

fn names(rows: &[(Key, Entry)]) -> Vec<String> {
    rows.iter()
        .map(|(key, _)| String::from_utf8_lossy(key).into_owned())
        .collect()
}

async fn all(backend: &dyn Backend) -> Vec<(Key, Entry)> {
    backend
        .scan(KeyRange::all(), page(usize::MAX))
        .await
        .expect("a scan")
        .rows
}

fn between(start: &str, end: &str) -> KeyRange {
    KeyRange {
        start: Bound::Included(key(start)),
        end: Bound::Excluded(key(end)),
    }
}

/// Nothing is there, and that can be said of everything.
pub async fn an_empty_store(subject: &impl Subject) {
    let backend = subject.open();
    assert_eq!(backend.revision(), Revision(0));
    assert_eq!(read(&*backend, "a").await, None);
    let found = backend
        .scan(KeyRange::all(), page(10))
        .await
        .expect("a scan");
    assert_eq!((found.rows.len(), found.more), (0, false));
    assert_eq!(backend.get_many(&[]).await.expect("a read"), vec![]);
}

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

/// Only what lies within goes.
pub async fn ranges_are_deleted(subject: &impl Subject) {
    let backend = subject.open();
    let rows = ["a", "b", "ba", "bb", "c"].map(|name| put(name, "1"));
    write(&*backend, rows.to_vec()).await;
    write(&*backend, vec![put("bc", "1")]).await;
    write(
        &*backend,
        vec![Operation::DeleteRange(KeyRange::prefix("b"))],
    )
    .await;
    assert_eq!(names(&all(&*backend).await), ["a", "c"]);
    write(
        &*backend,
        vec![Operation::DeleteRange(between("z", "a")), put("b", "1")],
    )
    .await;
    assert_eq!(
        names(&all(&*backend).await),
        ["a", "b", "c"],
        "a void range holds nothing"
    );
}

/// A range with more rows than allowed stays as it is.
pub async fn ranges_beyond_the_bound_are_not_deleted(subject: &impl Subject) {
    let backend = subject.open();
    let row = |number: usize| {
        Operation::Put(
            Bytes::copy_from_slice(&(number as u32).to_be_bytes()),
            Bytes::new(),
        )
    };
    write(&*backend, (0..MAXIMUM_RANGE_ROWS).map(row).collect()).await;
    write(&*backend, vec![row(MAXIMUM_RANGE_ROWS)]).await;
    let everything = Operation::DeleteRange(KeyRange::all());
    let refused = refusal(&*backend, vec![], vec![everything.clone()]).await;
    assert_eq!(refused, CommitError::Limit("rows of a range"));
    write(
        &*backend,
        vec![Operation::Delete(Bytes::copy_from_slice(
            &0u32.to_be_bytes(),
        ))],
    )
    .await;
    assert_eq!(all(&*backend).await.len(), MAXIMUM_RANGE_ROWS);
    write(&*backend, vec![everything]).await;
    assert_eq!(all(&*backend).await.len(), 0);
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

/// Whatever the size of the pages, they add up to the range, in either direction.
pub async fn pages_forward_and_back(subject: &impl Subject) {
    let backend = subject.open();
    let expected: Vec<String> = (0..10).map(|number| format!("r{number}")).collect();
    for name in &expected {
        write(&*backend, vec![put(name, "1"), put("gone", "1")]).await;
    }
    write(
        &*backend,
        vec![Operation::Delete(key("gone")), put("q", "1"), put("s", "1")],
    )
    .await;
    for reverse in [false, true] {
        for rows in 1..=11 {
            let mut range = KeyRange::prefix("r");
            let mut found = Vec::new();
            loop {
                let part = backend
                    .scan(
                        range.clone(),
                        Page {
                            reverse,
                            ..page(rows)
                        },
                    )
                    .await
                    .expect("a scan");
                assert!(part.rows.len() == rows || !part.more);
                found.extend(names(&part.rows));
                match part.rows.last() {
                    Some((last, _)) if part.more => range = range.beyond(last, reverse),
                    _ => break,
                }
            }
            if reverse {
                found.reverse();
            }
            assert_eq!(found, expected, "pages of {rows}, reverse {reverse}");
        }
    }
    let none = backend
        .scan(KeyRange::all(), page(0))
        .await
        .expect("a scan");
    assert_eq!((none.rows.len(), none.more), (0, true));
}

/// A page holds as many octets of values as allowed, and at least one row.
pub async fn pages_are_bounded_by_octets(subject: &impl Subject) {
    let backend = subject.open();
    write(
        &*backend,
        vec![put("a", "12345"), put("b", "12345"), put("c", "123")],
    )
    .await;
    for (octets, rows) in [
        (0, 1),
        (4, 1),
        (9, 1),
        (10, 2),
        (12, 2),
        (13, 3),
        (usize::MAX, 3),
    ] {
        let found = backend
            .scan(KeyRange::all(), Page { octets, ..page(10) })
            .await
            .expect("a scan");
        assert_eq!(
            (found.rows.len(), found.more),
            (rows, rows < 3),
            "{octets} octets"
        );
    }
}

/// Ranges whose start is behind their end are asked for by clients, in effect, and hold nothing.
pub async fn void_ranges_hold_nothing(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("a", ""), put("b", ""), put("c", "")]).await;
    let (a, b) = (key("a"), key("b"));
    for (start, end) in [
        (Bound::Included(b.clone()), Bound::Included(a.clone())),
        (Bound::Included(b.clone()), Bound::Excluded(b.clone())),
        (Bound::Excluded(b.clone()), Bound::Included(b.clone())),
        (Bound::Excluded(b.clone()), Bound::Excluded(b.clone())),
        (Bound::Excluded(b.clone()), Bound::Excluded(a.clone())),
    ] {
        for reverse in [false, true] {
            let range = KeyRange {
                start: start.clone(),
                end: end.clone(),
            };
            let found = backend
                .scan(
                    range,
                    Page {
                        reverse,
                        ..page(10)
                    },
                )
                .await
                .expect("a scan");
            assert_eq!(
                (found.rows.len(), found.more),
                (0, false),
                "{start:?} {end:?}"
            );
        }
    }
}

/// Open and closed ends, ends that are no rows, the highest octet.
pub async fn bounds_of_ranges(subject: &impl Subject) {
    let backend = subject.open();
    let rows: [&[u8]; 6] = [b"\x00", b"a", b"a\x00", b"b", b"\xff", b"\xff\xff"];
    write(
        &*backend,
        rows.iter()
            .map(|row| Operation::Put(Bytes::from_static(row), Bytes::new()))
            .collect(),
    )
    .await;
    let bound = |octets: &'static [u8]| Bytes::from_static(octets);
    let table = [
        (KeyRange::all(), 0..6),
        (
            KeyRange {
                start: Bound::Included(Bytes::new()),
                end: Bound::Unbounded,
            },
            0..6,
        ),
        (
            KeyRange {
                start: Bound::Excluded(Bytes::new()),
                end: Bound::Unbounded,
            },
            0..6,
        ),
        (KeyRange::prefix(bound(b"")), 0..6),
        (KeyRange::prefix(bound(b"a")), 1..3),
        (KeyRange::prefix(bound(b"\xff")), 4..6),
        (
            KeyRange {
                start: Bound::Excluded(bound(b"a")),
                end: Bound::Excluded(bound(b"b")),
            },
            2..3,
        ),
        (
            KeyRange {
                start: Bound::Included(bound(b"a")),
                end: Bound::Included(bound(b"b")),
            },
            1..4,
        ),
        (
            KeyRange {
                start: Bound::Included(bound(b"aa")),
                end: Bound::Excluded(bound(b"c")),
            },
            3..4,
        ),
        (
            KeyRange {
                start: Bound::Unbounded,
                end: Bound::Excluded(bound(b"a")),
            },
            0..1,
        ),
    ];
    for (range, expected) in table {
        for reverse in [false, true] {
            let found = backend
                .scan(
                    range.clone(),
                    Page {
                        reverse,
                        ..page(10)
                    },
                )
                .await
                .expect("a scan");
            let mut found: Vec<_> = found.rows.into_iter().map(|(key, _)| key).collect();
            if reverse {
                found.reverse();
            }
            assert_eq!(found, rows[expected.clone()], "{range:?}");
            assert!(found.iter().all(|key| range.contains(key)), "{range:?}");
        }
    }
}

/// The order of commits, also when the clock is put back.
pub async fn revisions_and_times_grow(subject: &impl Subject) {
    let backend = subject.open();
    let clock = subject.clock();
    clock.set(Timestamp(5000));
    let first = write(&*backend, vec![put("a", "1")]).await;
    assert_eq!(
        (first.time, backend.revision()),
        (Timestamp(5000), first.revision)
    );
    clock.set(Timestamp(1000));
    let second = write(&*backend, vec![]).await;
    assert_eq!(
        (second.time, backend.revision()),
        (Timestamp(5000), second.revision)
    );
    clock.set(Timestamp(6000));
    let third = write(&*backend, vec![put("a", "2")]).await;
    assert_eq!(third.time, Timestamp(6000));
    assert!(first.revision < second.revision && second.revision < third.revision);
}

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

/// After the end nothing is done, and nothing half.
pub async fn a_closed_store_refuses(subject: &impl Subject) {
    let backend = subject.open();
    write(&*backend, vec![put("a", "1")]).await;
    backend.close().await;
    assert!(matches!(
        refusal(&*backend, vec![], vec![put("b", "1")]).await,
        CommitError::Unavailable(_)
    ));
    backend.close().await;
}

/// What was acknowledged is there again, with its revisions.
pub async fn everything_survives_a_reopen(subject: &impl Subject) {
    if !subject.survives() {
        return;
    }
    let mut before = Vec::new();
    for round in 0..3 {
        let backend = subject.open();
        assert_eq!(all(&*backend).await, before, "round {round}");
        write(
            &*backend,
            vec![put(&format!("a{round}"), "1"), put("b", &round.to_string())],
        )
        .await;
        write(&*backend, vec![put("gone", "1")]).await;
        write(
            &*backend,
            vec![Operation::Delete(key("gone")), put("c", "")],
        )
        .await;
        before = all(&*backend).await;
        if round == 1 {
            backend.close().await;
        }
        drop(backend);
    }
    assert_eq!(names(&before), ["a0", "a1", "a2", "b", "c"]);
}

/// Numbers are not used again, and time does not go back, over a restart with a wrong clock.
pub async fn revisions_and_times_go_on_after_a_reopen(subject: &impl Subject) {
    if !subject.survives() {
        return;
    }
    subject.clock().set(Timestamp(5000));
    let mut last = Revision(0);
    for _ in 0..3 {
        let backend = subject.open();
        assert_eq!(backend.revision(), last);
        let done = write(&*backend, vec![]).await;
        assert_eq!(
            (done.revision, done.time),
            (Revision(last.0 + 1), Timestamp(5000))
        );
        last = done.revision;
        subject.clock().set(Timestamp(1000));
    }
}
