//! Ranges of keys: read page by page, expected to be empty, deleted.

use std::ops::Bound;

use bytes::Bytes;

use super::{Subject, all, between, key, names, page, put, refusal, write};
use crate::backend::{CommitError, KeyRange, MAXIMUM_RANGE_ROWS, Operation, Page};

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
