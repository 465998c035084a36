//! The obligations of a backend, written once and run on each.
//!
//! ```text
//! struct OnDisk { ... }
//! impl storage::testing::conformance::Subject for OnDisk { ... }
//! storage::conformance!(OnDisk::new());
//! ```

mod blobs;
mod commits;
mod concurrency;
mod lifetime;
mod ranges;

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{
    backend::{
        Backend, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange, Operation, Page,
    },
    testing::ManualClock,
};

pub use blobs::*;
pub use commits::*;
pub use concurrency::*;
pub use lifetime::*;
pub use ranges::*;

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
            expectations, observed_expectations, changes_of_a_keyspace_are_known, the_first_failing_expectation_is_named, a_refused_commit_changes_nothing,
            operations_apply_in_order, counters, counters_of_another_form_are_damage, appended_rows,
            ranges_are_deleted, ranges_beyond_the_bound_are_not_deleted, bounds_of_a_commit,
            pages_forward_and_back, pages_are_bounded_by_octets, void_ranges_hold_nothing,
            bounds_of_ranges, revisions_and_times_grow, watchers_are_told, one_of_many_wins,
            counters_lose_nothing_under_concurrency, pages_show_one_moment, a_closed_store_refuses,
            everything_survives_a_reopen, revisions_and_times_go_on_after_a_reopen,
            blobs_come_back, blobs_that_are_not_there, blobs_are_listed, drafts_leave_nothing,
            blobs_survive_a_reopen,
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
        observed: None,
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
