//! Random histories, played on a backend and on the model (the backend in memory) side by side.

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

use crate::{
    Revision,
    backend::{
        Backend, Commit, Entry, Expect, Key, KeyRange, MAXIMUM_VALUE_OCTETS, Observed, Operation,
        Page, ReadError,
    },
    memory::Memory,
    testing::conformance::Subject,
};

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    /// Those of these assumptions that hold now are what the next commit observed.
    Observe(Vec<Assumption>),
    /// A commit; revisions in its expectations are made from the state at its time, but for those that
    /// were observed before.
    Commit(Vec<Assumption>, Vec<Operation>),
    /// A page of a range.
    Scan(KeyRange, Page),
    /// Several rows at once.
    Read(Vec<Key>),
    /// The clock moves by so many milliseconds.
    Time(i64),
    /// The store is closed (or only dropped) and opened again.
    Reopen {
        /// Whether it is closed first.
        close: bool,
    },
}

/// An expectation without revisions.
#[derive(Clone, Debug)]
pub enum Assumption {
    /// The row is not there.
    Absent(Key),
    /// The row is as it was read just now.
    Fresh(Key),
    /// The row is as it was one revision before.
    Stale(Key),
    /// No row lies in the range.
    RangeEmpty(KeyRange),
}

/// Histories of up to `length` steps over few keys, so that everything meets everything.
pub fn histories(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (vec(assumption(), 0..2), vec(operation(), 0..6))
            .prop_map(|(assumptions, operations)| Step::Commit(assumptions, operations)),
        6 => vec(assumption(), 1..4).prop_map(Step::Observe),
        3 => (range(), page()).prop_map(|(range, page)| Step::Scan(range, page)),
        2 => vec(key(), 0..5).prop_map(Step::Read),
        1 => (-5000..5000i64).prop_map(Step::Time),
        1 => any::<bool>().prop_map(|close| Step::Reopen { close }),
    ];
    vec(step, 1..length)
}

fn key() -> impl Strategy<Value = Key> {
    // Few letters and zero octets: prefixes of each other, neighbours, the ends of the order.
    let letter = prop_oneof![Just(0u8), Just(b'a'), Just(b'b'), Just(u8::MAX)];
    vec(letter, 1..4).prop_map(Bytes::from)
}

fn counter() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just(Bytes::from_static(b"n1")),
        Just(Bytes::from_static(b"n2"))
    ]
}

fn range() -> impl Strategy<Value = KeyRange> {
    let bound = || {
        prop_oneof![
            1 => Just(Bound::Unbounded),
            2 => key().prop_map(Bound::Included),
            2 => key().prop_map(Bound::Excluded),
        ]
    };
    prop_oneof![
        (bound(), bound()).prop_map(|(start, end)| KeyRange { start, end }),
        key().prop_map(KeyRange::prefix),
    ]
}

fn page() -> impl Strategy<Value = Page> {
    (
        0..300usize,
        prop_oneof![Just(usize::MAX), 0..200usize],
        any::<bool>(),
    )
        .prop_map(|(rows, octets, reverse)| Page {
            rows,
            octets,
            reverse,
        })
}

fn value() -> impl Strategy<Value = Bytes> {
    let length = prop_oneof![20 => 0..60usize, 2 => 60..3000usize, 1 => Just(MAXIMUM_VALUE_OCTETS)];
    (length, any::<u8>()).prop_map(|(length, octet)| vec![octet; length].into())
}

fn assumption() -> impl Strategy<Value = Assumption> {
    prop_oneof![
        key().prop_map(Assumption::Absent),
        key().prop_map(Assumption::Fresh),
        key().prop_map(Assumption::Stale),
        range().prop_map(Assumption::RangeEmpty),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (key(), value()).prop_map(|(key, value)| Operation::Put(key, value)),
        3 => key().prop_map(Operation::Delete),
        1 => range().prop_map(Operation::DeleteRange),
        2 => (counter(), -5..10i64, proptest::option::of(0..30i64))
            .prop_map(|(key, amount, maximum)| Operation::Add { key, amount, maximum }),
        1 => (key(), value()).prop_map(|(prefix, value)| Operation::Append { prefix, value }),
    ]
}

/// Plays a history on an empty subject and on the model, and compares every answer, and everything
/// at the end.
///
/// # Panics
/// Where they differ.
pub async fn compare(subject: &impl Subject, history: &[Step]) {
    let clock = subject.clock();
    let model = Memory::new(clock.clone());
    let mut backend = subject.open();
    let mut observations = (Vec::new(), Revision(0));
    for (number, step) in history.iter().enumerate() {
        match step {
            Step::Observe(assumptions) => observations = observe(&model, assumptions).await,
            Step::Commit(assumptions, operations) => {
                let (mut expect, since) = std::mem::take(&mut observations);
                let observed = Observed {
                    expectations: expect.len(),
                    since,
                };
                expect.extend(resolve(&model, assumptions).await);
                let commit = Commit {
                    id: 0,
                    expect,
                    operations: operations.clone(),
                    observed: Some(observed),
                };
                let expected = model.commit(commit.clone()).await;
                assert_eq!(backend.commit(commit).await, expected, "step {number}");
                assert_eq!(backend.revision(), model.revision(), "step {number}");
            }
            Step::Scan(range, page) => {
                let expected = model.scan(range.clone(), *page).await;
                assert_eq!(
                    backend.scan(range.clone(), *page).await,
                    expected,
                    "step {number}"
                );
            }
            Step::Read(keys) => {
                assert_eq!(
                    backend.get_many(keys).await,
                    model.get_many(keys).await,
                    "step {number}"
                );
            }
            Step::Time(milliseconds) => clock.advance(*milliseconds),
            Step::Reopen { close } if subject.survives() => {
                if *close {
                    backend.close().await;
                }
                drop(backend);
                backend = subject.open();
            }
            Step::Reopen { .. } => {}
        }
    }
    assert_eq!(
        everything(&backend).await,
        everything(&(Arc::new(model) as Arc<dyn Backend>)).await
    );
}

/// What holds of the assumptions, and since when that is known.
async fn observe(model: &Memory, assumptions: &[Assumption]) -> (Vec<Expect>, Revision) {
    let mut holding = Vec::new();
    for expect in resolve(model, assumptions).await {
        let holds = match &expect {
            Expect::Absent(key) => revision(model, key).await == Revision(0),
            Expect::Revision(key, seen) => {
                *seen != Revision(0) && revision(model, key).await == *seen
            }
            Expect::RangeEmpty(range) => {
                let page = Page {
                    rows: 1,
                    octets: usize::MAX,
                    reverse: false,
                };
                let page = model.scan(range.clone(), page).await;
                page.is_ok_and(|page| page.rows.is_empty())
            }
        };
        if holds {
            holding.push(expect);
        }
    }
    (holding, model.revision())
}

async fn resolve(model: &Memory, assumptions: &[Assumption]) -> Vec<Expect> {
    let mut expect = Vec::with_capacity(assumptions.len());
    for assumption in assumptions {
        expect.push(match assumption {
            Assumption::Absent(key) => Expect::Absent(key.clone()),
            Assumption::Fresh(key) => Expect::Revision(key.clone(), revision(model, key).await),
            Assumption::Stale(key) => {
                let Revision(fresh) = revision(model, key).await;
                Expect::Revision(key.clone(), Revision(fresh.saturating_sub(1)))
            }
            Assumption::RangeEmpty(range) => Expect::RangeEmpty(range.clone()),
        });
    }
    expect
}

async fn revision(model: &Memory, key: &Key) -> Revision {
    let entry = model.get(key).await.expect("the model can be read");
    entry.map_or(Revision(0), |entry| entry.revision)
}

async fn everything(backend: &Arc<dyn Backend>) -> Result<Vec<(Key, Entry)>, ReadError> {
    let page = Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse: false,
    };
    Ok(backend.scan(KeyRange::all(), page).await?.rows)
}
