//! How many scheduling messages somebody caused: a counter for each person and hour, written in the commit that
//! holds the messages.

use std::ops::Bound;

use super::{Batch, SCAN_OCTETS, Store, keys, record};
use crate::{
    Timestamp,
    backend::{COUNTER_MAXIMUM, CommitError, KeyRange, Operation, Page, ReadError},
    model::PrincipalId,
};

const HOUR_MILLISECONDS: i64 = 60 * 60 * 1000;
/// Counters removed in one commit.
const ROWS_AT_ONCE: usize = 1_000;

/// What [`CommitError::Limit`] says where somebody would cause too many messages in an hour.
pub const MESSAGES_MAXIMUM: &str = "the maximum of messages in an hour";

/// What a batch adds to a counter of messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages {
    sender: PrincipalId,
    hour: i64,
    amount: u64,
    maximum: u64,
}

/// The hour of a moment, and the milliseconds until the next one begins.
fn hour_of(now: Timestamp) -> (i64, i64) {
    let into = now.0.rem_euclid(HOUR_MILLISECONDS);
    (
        now.0.div_euclid(HOUR_MILLISECONDS),
        HOUR_MILLISECONDS - into,
    )
}

/// How many milliseconds it takes until messages are counted anew.
pub fn milliseconds_to_next_hour(now: Timestamp) -> i64 {
    hour_of(now).1
}

impl Batch {
    /// Counts messages that `sender` causes; the commit is refused with [`MESSAGES_MAXIMUM`] where there would be
    /// more than `maximum` within the hour of `now`.
    pub fn count_messages(
        &mut self,
        sender: PrincipalId,
        now: Timestamp,
        amount: u64,
        maximum: u64,
    ) -> &mut Self {
        let before = self.messages.map_or(0, |counted| counted.amount);
        self.messages = Some(Messages {
            sender,
            hour: hour_of(now).0,
            amount: before.saturating_add(amount),
            maximum,
        });
        self
    }
}

impl Messages {
    pub fn operation(self) -> Operation {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Operation::Add {
            key: keys::messages(self.hour, self.sender),
            amount: number(self.amount),
            maximum: Some(number(self.maximum)),
        }
    }
}

impl Store {
    /// How many messages somebody has caused within the hour of `now`.
    pub async fn messages_counted(
        &self,
        sender: PrincipalId,
        now: Timestamp,
    ) -> Result<u64, ReadError> {
        self.counted(sender, hour_of(now).0).await
    }

    async fn counted(&self, sender: PrincipalId, hour: i64) -> Result<u64, ReadError> {
        match self.backend().get(&keys::messages(hour, sender)).await? {
            Some(entry) => Ok(record::counter(&entry.value)?.max(0) as u64),
            None => Ok(0),
        }
    }

    /// Which of its counters a refused commit would have exceeded.
    pub(super) async fn which_limit(
        &self,
        error: CommitError,
        messages: Option<Messages>,
    ) -> CommitError {
        let (CommitError::Limit(COUNTER_MAXIMUM), Some(messages)) = (&error, messages) else {
            return error;
        };
        match self.counted(messages.sender, messages.hour).await {
            Ok(counted) if counted.saturating_add(messages.amount) > messages.maximum => {
                CommitError::Limit(MESSAGES_MAXIMUM)
            }
            _ => error,
        }
    }

    /// Removes the counters of hours before that of `now`.
    pub async fn forget_messages(&self, now: Timestamp) -> Result<(), CommitError> {
        let range = KeyRange {
            end: Bound::Excluded(keys::messages_of_hour(hour_of(now).0)),
            ..KeyRange::prefix(keys::whole(keys::Keyspace::Messages))
        };
        let page = Page {
            rows: ROWS_AT_ONCE,
            octets: SCAN_OCTETS,
            reverse: false,
        };
        loop {
            let found = self.backend().scan(range.clone(), page).await?;
            let operations: Vec<_> = found
                .rows
                .into_iter()
                .map(|(key, _)| Operation::Delete(key))
                .collect();
            if operations.is_empty() {
                return Ok(());
            }
            self.commit_rows(Vec::new(), operations).await?;
        }
    }
}
