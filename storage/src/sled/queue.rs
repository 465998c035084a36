//! Commits on their way to the committer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::backend::{Commit, CommitError, Committed, Operation};

/// The most commits that wait at one time; more are refused.
const MAXIMUM_WAITING: usize = 10_000;
/// The most commits of one group.
const MAXIMUM_GROUP_COMMITS: usize = 1024;
/// A group takes no further commit once its operations carry so many octets.
const GROUP_OCTETS: usize = 1024 * 1024;

/// What a commit comes to.
pub(super) type Answer = Result<Committed, CommitError>;

/// A commit that waits, and who waits for it.
pub(super) struct Request {
    pub(super) commit: Commit,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the committer is to do next.
pub(super) enum Next {
    /// Commit these.
    Group(Vec<Request>),
    /// Nothing came for a while.
    Idle,
    /// Nothing will come any more.
    Closed,
}

/// The commits that wait.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a commit; its answer comes through the receiver.
    pub(super) fn push(&self, commit: Commit) -> Result<oneshot::Receiver<Answer>, CommitError> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.closed {
            return Err(CommitError::Unavailable("the store is closed".to_owned()));
        }
        if state.waiting.len() >= MAXIMUM_WAITING {
            return Err(CommitError::Unavailable(
                "too many commits are waiting".to_owned(),
            ));
        }
        state.waiting.push_back(Request { commit, answer });
        drop(state);
        self.arrived.notify_one();
        Ok(receiver)
    }

    /// Refuses all commits from now on; those that wait are still done.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }

    /// Lets those who wait go without an answer: nobody will take their commits any more.
    pub(super) fn abandon(&self) {
        self.state().waiting.clear();
    }

    /// Waits for commits, at most for `patience` where one is given.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let state = self.state();
        let nothing = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let mut state = match patience {
            None => self
                .arrived
                .wait_while(state, nothing)
                .unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.arrived
                    .wait_timeout_while(state, patience, nothing)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        match (state.waiting.is_empty(), state.closed) {
            (false, _) => Next::Group(take_group(&mut state.waiting)),
            (true, true) => Next::Closed,
            (true, false) => Next::Idle,
        }
    }
}

/// As many of the first commits as make up a group.
fn take_group(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let mut octets = 0;
    let size = waiting
        .iter()
        .take(MAXIMUM_GROUP_COMMITS)
        .take_while(|request| {
            let fits = octets < GROUP_OCTETS;
            octets += octets_of(&request.commit);
            fits
        })
        .count();
    waiting.drain(..size).collect()
}

fn octets_of(commit: &Commit) -> usize {
    let octets = |operation: &Operation| match operation {
        Operation::Put(key, value) | Operation::Append { prefix: key, value } => {
            key.len() + value.len()
        }
        Operation::Delete(key) | Operation::Add { key, .. } => key.len(),
        Operation::DeleteRange(_) => 0,
    };
    commit.operations.iter().map(octets).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    fn commit(octets: usize) -> Commit {
        let put = Operation::Put(Bytes::from_static(b"k"), vec![0; octets - 1].into());
        Commit {
            id: 0,
            expect: Vec::new(),
            operations: vec![put],
            observed: None,
        }
    }

    fn group_sizes(queue: &Queue) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Next::Group(group) = queue.next(Some(Duration::ZERO)) {
            sizes.push(group.len());
        }
        sizes
    }

    #[test]
    fn groups_are_bounded_by_count_and_by_octets() {
        let queue = Queue::default();
        let receivers: Vec<_> = (0..MAXIMUM_GROUP_COMMITS + 1)
            .map(|_| queue.push(commit(2)).unwrap())
            .collect();
        assert_eq!(group_sizes(&queue), [MAXIMUM_GROUP_COMMITS, 1]);
        drop(receivers);
        let _receivers: Vec<_> = (0..3)
            .map(|_| queue.push(commit(GROUP_OCTETS / 2 + 1)).unwrap())
            .collect();
        assert_eq!(group_sizes(&queue), [2, 1]);
        let _receiver = queue.push(commit(GROUP_OCTETS * 2)).unwrap();
        assert_eq!(group_sizes(&queue), [1], "one commit is always taken");
    }

    #[test]
    fn a_closed_queue_gives_what_waits_and_takes_nothing() {
        let queue = Queue::default();
        let _receiver = queue.push(commit(2)).unwrap();
        queue.close();
        assert!(matches!(
            queue.push(commit(2)),
            Err(CommitError::Unavailable(_))
        ));
        assert!(matches!(queue.next(None), Next::Group(group) if group.len() == 1));
        assert!(matches!(queue.next(None), Next::Closed));
    }

    #[test]
    fn a_full_queue_refuses() {
        let queue = Queue::default();
        let _receivers: Vec<_> = (0..MAXIMUM_WAITING)
            .map(|_| queue.push(commit(2)).unwrap())
            .collect();
        assert!(matches!(
            queue.push(commit(2)),
            Err(CommitError::Unavailable(_))
        ));
    }
}
