//! Takes due mails from the store, sends them, and records how that went.
//!
//! A row is leased before its mail is sent: it is moved behind the end of the lease, with one more
//! attempt counted. If this process dies, the row becomes due again by itself and the same octets go
//! out once more, under the same Message-ID.

use std::{sync::Arc, time::Duration};

use scheduling::{
    Desk, Refusal,
    mail::{DeliveryOutcome, OutgoingMessage, QUEUE},
};
use storage::{
    Store, Stored, Timestamp,
    backend::CommitError,
    model::{Work, WorkId},
};
use tokio::{sync::watch, task::JoinSet};

use super::{Identity, Rendered, SendError, Transport, render, transport::MAXIMUM_CONNECTIONS};

/// How long a row is this worker's own, in milliseconds.
const LEASE_MILLISECONDS: i64 = 10 * 60 * 1000;
/// The longest that sending one mail may take; well within the lease.
const SEND_TIME: Duration = Duration::from_secs(5 * 60);
/// The wait after the first failure, in milliseconds; it doubles with each further one.
const FIRST_WAIT_MILLISECONDS: i64 = 60 * 1000;
/// The longest wait between two attempts, in milliseconds.
const LONGEST_WAIT_MILLISECONDS: i64 = 4 * 60 * 60 * 1000;
/// Attempts before a mail is given up: about four and a half days (RFC 5321 §4.5.4.1 asks for four to five).
const MAXIMUM_ATTEMPTS: u32 = 34;
/// Rows read at once.
const PAGE_ROWS: usize = 64;
/// Tries to record an outcome before it is left to the end of the lease.
const RECORD_TRIES: u32 = 5;
/// The pause after an error of the store, and between two looks that commits ask for.
const ERROR_PAUSE: Duration = Duration::from_secs(5);
const HINT_PAUSE: Duration = Duration::from_millis(50);
/// The longest sleep, should a clock jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The longest text of an error that is kept in a row.
const MAXIMUM_ERROR_OCTETS: usize = 500;

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct MailWorker {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    desk: Desk,
    transport: Transport,
    identity: Identity,
}

/// What became of one attempt.
#[derive(Debug)]
enum Attempt {
    /// With what the mail server said, where it said something.
    Ended(DeliveryOutcome, Option<String>),
    Later {
        due: Timestamp,
        error: String,
    },
    /// It was not made: it is not meant any more.
    Overtaken(&'static str),
}

impl MailWorker {
    /// A worker for the mails of one store.
    pub fn new(desk: Desk, transport: Transport, identity: Identity) -> MailWorker {
        let store = desk.store().clone();
        MailWorker {
            shared: Arc::new(Shared {
                store,
                desk,
                transport,
                identity,
            }),
        }
    }

    /// Works until it is told to stop, woken by commits and by time. What is being sent then is
    /// finished.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut commits = self.shared.store.backend().watch();
        while !*stopped.borrow() {
            commits.mark_unchanged();
            let pause = match self.work_through(&stopped).await {
                Ok(_) => self.sleep_time().await,
                Err(error) => {
                    tracing::warn!(%error, "mail cannot be taken from the store");
                    ERROR_PAUSE
                }
            };
            tokio::select! {
                _ = stopped.changed() => {}
                _ = tokio::time::sleep(pause) => {}
                // Many commits in a row are one hint.
                _ = commits.changed() => tokio::time::sleep(HINT_PAUSE).await,
            }
        }
    }

    /// Sends everything that is due now, and says how many rows it took.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn send_due(&self) -> Result<usize, CommitError> {
        let (_never, running) = watch::channel(false);
        self.work_through(&running).await
    }

    async fn work_through(&self, stopped: &watch::Receiver<bool>) -> Result<usize, CommitError> {
        let mut taken = 0;
        loop {
            let due = self
                .shared
                .store
                .work_to_do(QUEUE, self.shared.now(), PAGE_ROWS)
                .await?;
            if due.is_empty() || *stopped.borrow() {
                return Ok(taken);
            }
            taken += due.len();
            self.send_all(due, stopped).await?;
        }
    }

    /// Sends rows, so many at a time as there are connections.
    async fn send_all(
        &self,
        rows: Vec<(WorkId, Stored<Work>)>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), CommitError> {
        let mut sending = JoinSet::new();
        let mut outcome = Ok(());
        for (id, work) in rows {
            if *stopped.borrow() {
                break;
            }
            if sending.len() >= MAXIMUM_CONNECTIONS as usize {
                outcome = outcome.and(joined(sending.join_next().await));
            }
            let worker = self.clone();
            sending.spawn(async move { worker.shared.handle(id, work).await });
        }
        while let Some(ended) = sending.join_next().await {
            outcome = outcome.and(joined(Some(ended)));
        }
        outcome
    }

    async fn sleep_time(&self) -> Duration {
        let due = match self.shared.store.next_due(QUEUE).await {
            Ok(Some(due)) => due,
            Ok(None) => return LONGEST_SLEEP,
            Err(_) => return ERROR_PAUSE,
        };
        let milliseconds = (due.0 - self.shared.now().0).max(0).unsigned_abs();
        Duration::from_millis(milliseconds).min(LONGEST_SLEEP)
    }
}

/// A row that could not even be leased is an error of the store: without a pause it would be taken
/// again at once.
fn joined(
    ended: Option<Result<Result<(), CommitError>, tokio::task::JoinError>>,
) -> Result<(), CommitError> {
    match ended {
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) => Err(CommitError::Unavailable(error.to_string())),
        Some(Ok(Ok(()))) | None => Ok(()),
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.store.environment().clock.now()
    }

    async fn handle(&self, id: WorkId, work: Stored<Work>) -> Result<(), CommitError> {
        let Some((id, work)) = self.lease(&id, &work).await? else {
            return Ok(());
        };
        let Some(message) = OutgoingMessage::decode(&work.payload) else {
            tracing::error!("a mail in the queue cannot be read and is put off");
            let due = Timestamp(self.now().0 + LONGEST_WAIT_MILLISECONDS);
            let error = "it is in no known form".to_owned();
            return self.postpone(&id, &work, due, error).await;
        };
        match self.attempt(&id, &work, &message).await {
            Attempt::Ended(outcome, said) => {
                self.record(&id, &work, outcome, said.as_deref()).await
            }
            Attempt::Later { due, error } => self.postpone(&id, &work, due, error).await?,
            Attempt::Overtaken(reason) => {
                let withdrawn = self.desk.withdraw_mail(&id, &work, &message, reason).await;
                if let Err(error) = withdrawn {
                    tracing::warn!(%error, "a mail that is not meant any more waits on");
                }
            }
        }
        Ok(())
    }

    /// Makes the row this worker's own; `None` where another one was quicker.
    async fn lease(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
    ) -> Result<Option<(WorkId, Stored<Work>)>, CommitError> {
        let due = Timestamp(self.now().0 + LEASE_MILLISECONDS);
        let leased = Work {
            attempts: work.attempts.saturating_add(1),
            ..work.value.clone()
        };
        let mut batch = self.store.batch();
        batch.reschedule(id, work, due, &leased);
        match self.store.commit(batch).await {
            Ok(committed) => Ok(Some((
                WorkId { due, id: id.id },
                Stored {
                    value: leased,
                    revision: committed.revision,
                },
            ))),
            Err(CommitError::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn attempt(&self, id: &WorkId, work: &Work, message: &OutgoingMessage) -> Attempt {
        if !self.transport.exists() {
            return Attempt::Ended(DeliveryOutcome::NotPossible, None);
        }
        match self.desk.overtaken(message).await {
            Ok(None) => {}
            Ok(Some(reason)) => return Attempt::Overtaken(reason),
            Err(error) => tracing::warn!(%error, "whether a mail is still meant is not known"),
        }
        let mail = match render(message, id.id, work.created, &self.identity) {
            Ok(mail) => mail,
            Err(error) => {
                tracing::warn!(%error, "a mail cannot be written");
                return Attempt::Ended(DeliveryOutcome::Rejected, Some(error.to_string()));
            }
        };
        match self.send(id, work, &mail).await {
            Ok(()) => Attempt::Ended(DeliveryOutcome::Accepted, None),
            Err(SendError::Permanent(error)) => {
                tracing::info!(recipient = %mail.envelope_to, error, "a mail was refused for good");
                Attempt::Ended(DeliveryOutcome::Rejected, Some(error))
            }
            Err(SendError::Temporary(error)) if work.attempts >= MAXIMUM_ATTEMPTS => {
                tracing::warn!(recipient = %mail.envelope_to, error, "a mail was given up");
                Attempt::Ended(DeliveryOutcome::GivenUp, Some(error))
            }
            Err(SendError::Temporary(error)) => {
                tracing::info!(recipient = %mail.envelope_to, error, attempts = work.attempts, "a mail did not leave yet");
                Attempt::Later {
                    due: Timestamp(self.now().0 + wait_after(work.attempts)),
                    error,
                }
            }
        }
    }

    async fn send(&self, id: &WorkId, work: &Work, mail: &Rendered) -> Result<(), SendError> {
        // In a folder, names in the order of time are what a person wants.
        let name = format!("{:013}-{:032x}", work.created.0.max(0), id.id);
        match tokio::time::timeout(SEND_TIME, self.transport.send(&name, mail)).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::Temporary(format!(
                "not sent within {} s",
                SEND_TIME.as_secs()
            ))),
        }
    }

    async fn record(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        outcome: DeliveryOutcome,
        said: Option<&str>,
    ) {
        for _ in 0..RECORD_TRIES {
            match self.desk.record_delivery(id, work, outcome, said).await {
                Ok(()) => return,
                Err(Refusal::Unavailable(_) | Refusal::Full) => {}
                Err(error) => {
                    tracing::error!(%error, ?outcome, "the outcome of a mail cannot be recorded");
                    return;
                }
            }
        }
        tracing::warn!(
            ?outcome,
            "the outcome of a mail could not be recorded; the mail may go out once more"
        );
    }

    async fn postpone(
        &self,
        id: &WorkId,
        work: &Stored<Work>,
        due: Timestamp,
        mut error: String,
    ) -> Result<(), CommitError> {
        error.truncate(error.floor_char_boundary(MAXIMUM_ERROR_OCTETS));
        let later = Work {
            last_error: Some(error),
            ..work.value.clone()
        };
        let mut batch = self.store.batch();
        batch.reschedule(id, work, due, &later);
        not_a_conflict(self.store.commit(batch).await.map(drop))
    }
}

/// Somebody else (an administrator) changed the row meanwhile: theirs holds.
fn not_a_conflict(outcome: Result<(), CommitError>) -> Result<(), CommitError> {
    match outcome {
        Err(CommitError::Conflict(_)) => Ok(()),
        outcome => outcome,
    }
}

fn wait_after(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(16);
    (FIRST_WAIT_MILLISECONDS << doublings).min(LONGEST_WAIT_MILLISECONDS)
}

#[cfg(test)]
mod tests;
