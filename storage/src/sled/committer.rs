//! The committer: the one thread that decides commits and writes the journal.
//!
//! It takes all commits that wait as one group, decides each against what the earlier ones left,
//! makes the group durable with one sync, shows it, and answers. While it waits for the disk the next
//! group gathers by itself; when nothing waits, a commit goes to the disk at once.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    Clock, Revision,
    backend::Committed,
    last_changes::Keyspaces,
    resolve::resolve,
    sled::{
        Shared,
        complaint::Complaint,
        error::unwritable,
        group::GroupWriter,
        journal::Journal,
        layer::Pending,
        overlay::Version,
        queue::{Answer, Next, Request},
        read::View,
    },
};

/// After so long without commits the overlay is moved into the index.
const IDLE: Duration = Duration::from_millis(200);

/// Who waits, and what he will hear once the group is durable.
type Answers = Vec<(oneshot::Sender<Answer>, Answer)>;

/// The committer's own state.
pub(super) struct Committer {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    journal: Journal,
    group: GroupWriter,
    /// What the group writes.
    spaces: Keyspaces,
    last: Committed,
    trouble: Complaint,
}

impl Committer {
    /// A committer that goes on after the commit `last`.
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
        journal: Journal,
        last: Committed,
    ) -> Committer {
        Committer {
            shared,
            clock,
            journal,
            group: GroupWriter::new(),
            spaces: Keyspaces::default(),
            last,
            trouble: Complaint::about("the journal cannot be written"),
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut quiet = true;
        loop {
            match self.shared.queue.next((!quiet).then_some(IDLE)) {
                Next::Group(requests) => {
                    self.commit(requests);
                    quiet = false;
                }
                Next::Idle => {
                    self.shared.overlay.freeze();
                    self.shared.mover.wake();
                    quiet = true;
                }
                Next::Closed => {
                    self.shared.overlay.freeze();
                    self.shared.mover.finish();
                    return;
                }
            }
        }
    }

    fn commit(&mut self, requests: Vec<Request>) {
        if let Err(error) = self.shared.mover.wait_for_room(&self.shared) {
            answer(
                requests
                    .into_iter()
                    .map(|request| (request.answer, Err(error.clone())))
                    .collect(),
            );
            return;
        }
        let version = self.shared.overlay.pin();
        let (pending, mut answers) = self.decide(&version, requests);
        if !self.group.is_empty() {
            match self.journal.append(&mut self.group) {
                Ok(octets) => {
                    self.trouble.settle();
                    self.show(pending, octets);
                }
                Err(error) => {
                    self.trouble.raise(&error);
                    self.last = version.last;
                    let error = unwritable("the journal", &error);
                    // Refusals too: they may rest on commits of this group, which never happened.
                    answers
                        .iter_mut()
                        .for_each(|(_, answer)| *answer = Err(error.clone()));
                }
            }
        }
        drop(version);
        answer(answers);
    }

    /// Decides each commit of a group against what the earlier ones left, and writes the group. Gives
    /// what is to be shown once it is durable.
    fn decide(&mut self, version: &Version, requests: Vec<Request>) -> (Pending, Answers) {
        let mut pending = Pending::default();
        let mut answers = Answers::with_capacity(requests.len());
        self.group.clear();
        self.spaces = Keyspaces::default();
        for Request { commit, answer } in requests {
            let next = Committed {
                revision: Revision(self.last.revision.0 + 1),
                time: self.clock.now().max(self.last.time),
            };
            let decided = resolve(&View::with(version, &pending), commit, next.revision);
            let decided = decided.map(|effects| {
                self.group.push(next, &effects);
                self.spaces.add(&effects);
                pending.push(effects, next);
                self.last = next;
                next
            });
            answers.push((answer, decided));
        }
        (pending, answers)
    }

    /// Shows a group that is durable.
    fn show(&mut self, pending: Pending, journal_octets: u64) {
        // before anybody can read what was written
        self.shared
            .last_changes
            .raise(self.spaces, self.last.revision);
        let frozen = self
            .shared
            .overlay
            .publish(pending, self.last, self.shared.layer_octets());
        self.shared.mover.journal_grew(journal_octets);
        if frozen {
            self.shared.mover.wake();
        }
        self.shared.newest.send_replace(self.last.revision);
    }
}

fn answer(answers: Answers) {
    for (waiting, answer) in answers {
        // Whoever waited may have gone; the commit stands all the same.
        let _ = waiting.send(answer);
    }
}
