//! Random histories, played on a backend and on the model (the backend in memory) side by side; those
//! with crashes on a backend whose disk fails at random calls.

use std::{ops::Bound, sync::Arc, task::Poll};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

use crate::{
    Clock, Revision, Timestamp,
    backend::{
        Backend, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange,
        MAXIMUM_VALUE_OCTETS, Observed, Operation, Page, ReadError,
    },
    memory::Memory,
    testing::{ManualClock, conformance::Subject},
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

/// A subject whose disk can be made to fail.
pub trait Fragile: Subject {
    /// From now on the disk serves `outage.after` calls, and then fails as many as the outage says.
    fn break_disk(&self, outage: Outage);
    /// The disk works.
    fn heal_disk(&self);
    /// Takes away whatever can be derived. The store is not open.
    fn lose_index(&self);
    /// Opens the store, where the disk lets it.
    fn try_open(&self) -> Option<Arc<dyn Backend>>;
}

/// How a disk fails.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// So many calls still succeed.
    pub after: usize,
    /// And so many do not.
    pub calls: usize,
}

/// One step of a history with crashes.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step as in other histories.
    Step(Step),
    /// Several commits at the same time, in this order.
    Together(Vec<(Vec<Assumption>, Vec<Operation>)>),
    /// The disk begins to fail.
    Outage(Outage),
    /// The store is dropped as it is, without being closed, and opened again on a disk that works.
    Crash {
        /// Whether the index is lost with it.
        loses_index: bool,
        /// Whether the disk fails while it is opened for the first time.
        while_opening: Option<Outage>,
    },
}

/// Histories of up to `length` steps over few keys, so that everything meets everything.
pub fn histories(length: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..length)
}

/// Histories of up to `length` events.
pub fn histories_with_crashes(length: usize) -> impl Strategy<Value = Vec<Event>> {
    let commit = || (vec(assumption(), 0..2), vec(operation(), 0..4));
    let event = prop_oneof![
        12 => step().prop_map(Event::Step),
        4 => vec(commit(), 1..6).prop_map(Event::Together),
        3 => outage().prop_map(Event::Outage),
        2 => (any::<bool>(), proptest::option::of(outage())).prop_map(
            |(loses_index, while_opening)| Event::Crash { loses_index, while_opening }
        ),
    ];
    vec(event, 1..length)
}

fn outage() -> impl Strategy<Value = Outage> {
    let calls = prop_oneof![2 => 1..6usize, 1 => Just(usize::MAX)];
    (0..12usize, calls).prop_map(|(after, calls)| Outage { after, calls })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (vec(assumption(), 0..2), vec(operation(), 0..6))
            .prop_map(|(assumptions, operations)| Step::Commit(assumptions, operations)),
        6 => vec(assumption(), 1..4).prop_map(Step::Observe),
        3 => (range(), page()).prop_map(|(range, page)| Step::Scan(range, page)),
        2 => vec(key(), 0..5).prop_map(Step::Read),
        1 => (-5000..5000i64).prop_map(Step::Time),
        1 => any::<bool>().prop_map(|close| Step::Reopen { close }),
    ]
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
    let mut play = Play::new(subject, subject.open());
    for (number, step) in history.iter().enumerate() {
        match step {
            Step::Reopen { close } if subject.survives() => play.reopen(*close).await,
            Step::Reopen { .. } => {}
            step => play.step(number, step).await,
        }
    }
    assert_eq!(
        everything(&*play.backend).await,
        everything(&play.model).await
    );
}

/// Plays a history with crashes. After each crash every acknowledged commit is there, and of those that
/// were on their way then the first few wholly and the others not at all: the model follows.
///
/// # Panics
/// Where backend and model differ.
pub async fn compare_with_crashes(subject: &impl Fragile, history: &[Event]) {
    let mut play = Play::new(subject, subject.open());
    for (number, event) in history.iter().enumerate() {
        match event {
            Event::Step(Step::Reopen { close }) => {
                subject.heal_disk();
                play.reopen(*close).await;
                play.follow(number).await;
            }
            Event::Step(step) => play.step(number, step).await,
            Event::Together(commits) => play.together(number, commits).await,
            Event::Outage(outage) => {
                subject.break_disk(*outage);
                play.may_fail = true;
            }
            Event::Crash {
                loses_index,
                while_opening,
            } => {
                play.backend = Arc::new(Memory::new(subject.clock()));
                if *loses_index {
                    subject.lose_index();
                }
                if let Some(outage) = while_opening {
                    subject.break_disk(*outage);
                    drop(subject.try_open());
                }
                subject.heal_disk();
                play.backend = subject.open();
                play.follow(number).await;
            }
        }
    }
    subject.heal_disk();
    play.reopen(false).await;
    play.follow(history.len()).await;
}

/// A history that is being played.
struct Play<'s, S> {
    subject: &'s S,
    clock: Arc<ManualClock>,
    model: Memory,
    backend: Arc<dyn Backend>,
    observations: (Vec<Expect>, Revision),
    /// Whether the disk may fail now.
    may_fail: bool,
    /// What the model did, and when.
    done: Vec<(Commit, Timestamp)>,
    /// What failed since the last commit that was acknowledged, and when.
    failed: Vec<(Commit, Timestamp)>,
}

impl<'s, S: Subject> Play<'s, S> {
    fn new(subject: &'s S, backend: Arc<dyn Backend>) -> Play<'s, S> {
        let clock = subject.clock();
        Play {
            subject,
            model: Memory::new(clock.clone()),
            clock,
            backend,
            observations: (Vec::new(), Revision(0)),
            may_fail: false,
            done: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// A step that needs no other backend.
    async fn step(&mut self, number: usize, step: &Step) {
        match step {
            Step::Observe(assumptions) => {
                self.observations = observe(&self.model, assumptions).await;
            }
            Step::Commit(assumptions, operations) => {
                let commit = self.commit(assumptions, operations).await;
                let answer = self.backend.commit(commit.clone()).await;
                self.answered(number, commit, answer).await;
                assert_eq!(
                    self.backend.revision(),
                    self.model.revision(),
                    "step {number}"
                );
            }
            Step::Scan(range, page) => {
                let expected = self.model.scan(range.clone(), *page).await;
                let found = self.backend.scan(range.clone(), *page).await;
                assert_eq!(found, expected, "step {number}");
            }
            Step::Read(keys) => {
                let expected = self.model.get_many(keys).await;
                let found = self.backend.get_many(keys).await;
                assert_eq!(found, expected, "step {number}");
            }
            Step::Time(milliseconds) => self.clock.advance(*milliseconds),
            Step::Reopen { .. } => {}
        }
    }

    async fn commit(&mut self, assumptions: &[Assumption], operations: &[Operation]) -> Commit {
        let (mut expect, since) = std::mem::take(&mut self.observations);
        let observed = Observed {
            expectations: expect.len(),
            since,
        };
        expect.extend(resolve(&self.model, assumptions).await);
        Commit {
            id: 0,
            expect,
            operations: operations.to_vec(),
            observed: Some(observed),
        }
    }

    /// Compares an answer with the model's; a commit that failed with the disk the model does not hear
    /// of.
    async fn answered(
        &mut self,
        number: usize,
        commit: Commit,
        answer: Result<Committed, CommitError>,
    ) {
        let has_failed = matches!(answer, Err(CommitError::Unavailable(_) | CommitError::Full));
        if self.may_fail && has_failed {
            self.failed.push((commit, self.clock.now()));
            return;
        }
        let expected = self.model.commit(commit.clone()).await;
        self.done.push((commit, self.clock.now()));
        if expected.is_ok() {
            // What failed before it can never come back.
            self.failed.clear();
        }
        assert_eq!(answer, expected, "step {number}");
    }

    /// Commits that are on their way together, each decided on what those before it left.
    async fn together(&mut self, number: usize, commits: &[(Vec<Assumption>, Vec<Operation>)]) {
        let mut all = Vec::with_capacity(commits.len());
        for (assumptions, operations) in commits {
            all.push(self.commit(assumptions, operations).await);
        }
        let mut answers: Vec<_> = all.iter().map(|_| None).collect();
        let backend = self.backend.clone();
        let mut waiting: Vec<_> = all
            .iter()
            .map(|commit| backend.commit(commit.clone()))
            .collect();
        // Polled in order, so that they are queued in order.
        std::future::poll_fn(|context| {
            for (commit, answer) in waiting.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let Poll::Ready(ready) = commit.as_mut().poll(context)
                {
                    *answer = Some(ready);
                }
            }
            match answers.iter().all(Option::is_some) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        for (commit, answer) in all.into_iter().zip(answers.into_iter().flatten()) {
            self.answered(number, commit, answer).await;
        }
        assert_eq!(self.backend.revision(), self.model.revision());
    }

    async fn reopen(&mut self, close: bool) {
        if close {
            self.backend.close().await;
        }
        self.backend = Arc::new(Memory::new(self.clock.clone()));
        self.backend = self.subject.open();
    }

    /// Lets the model do what the backend is found to have done of the commits that failed: none of them,
    /// or some that followed upon each other, since they were one group or a part of it.
    async fn follow(&mut self, number: usize) {
        let last = self.backend.revision();
        let found = everything(&*self.backend).await;
        let now = self.clock.now();
        let failed = std::mem::take(&mut self.failed);
        for first in 0..=failed.len() {
            let model = self.replay().await;
            for done in first..=failed.len() {
                if model.revision() == last && everything(&model).await == found {
                    self.model = model;
                    self.done.extend_from_slice(&failed[first..done]);
                    self.clock.set(now);
                    self.may_fail = false;
                    return;
                }
                if let Some((commit, time)) = failed.get(done) {
                    self.clock.set(*time);
                    // One that the model refuses was refused by the backend too, before its group
                    // failed.
                    let _ = model.commit(commit.clone()).await;
                }
            }
        }
        panic!(
            "step {number}: after a crash {last:?} is there, which is neither {:?} nor that and some \
             of {} commits that failed",
            self.model.revision(),
            failed.len()
        );
    }

    /// A model of what was done.
    async fn replay(&self) -> Memory {
        let model = Memory::new(self.clock.clone());
        for (commit, time) in &self.done {
            self.clock.set(*time);
            let _ = model.commit(commit.clone()).await;
        }
        model
    }
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

async fn everything(backend: &dyn Backend) -> Result<Vec<(Key, Entry)>, ReadError> {
    let page = Page {
        rows: usize::MAX,
        octets: usize::MAX,
        reverse: false,
    };
    Ok(backend.scan(KeyRange::all(), page).await?.rows)
}
