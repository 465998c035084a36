//! Rows of background work.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Timestamp, Uuid};

/// How long a row is put off the first time that it cannot be done; twice as long each further time.
const FIRST_DELAY_MILLISECONDS: i64 = 60 * 1000;
const LONGEST_DELAY_MILLISECONDS: i64 = 6 * 60 * 60 * 1000;

/// A row of background work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Which worker takes it, e.g. `mail`.
    pub queue: String,
    /// Attempts so far.
    pub attempts: u32,
    /// Made when.
    pub created: Timestamp,
    /// The last error, for the administrator.
    pub last_error: Option<String>,
    /// The worker's own octets.
    pub payload: Bytes,
}

impl Work {
    /// A row that nobody tried yet.
    pub fn new(queue: &str, payload: impl Into<Bytes>, created: Timestamp) -> Work {
        Work {
            queue: queue.to_owned(),
            attempts: 0,
            created,
            last_error: None,
            payload: payload.into(),
        }
    }

    /// When a row that was tried so often before, and now again, is to be tried the next time.
    pub fn due_after(attempts: u32, now: Timestamp) -> Timestamp {
        let factor = 1_i64.checked_shl(attempts.min(32)).unwrap_or(i64::MAX);
        let delay = FIRST_DELAY_MILLISECONDS.saturating_mul(factor);
        Timestamp(now.0.saturating_add(delay.min(LONGEST_DELAY_MILLISECONDS)))
    }

    /// A row whose payload is a plain value, encoded.
    pub fn of(queue: &str, payload: &impl Serialize, created: Timestamp) -> Work {
        let payload = postcard::to_stdvec(payload).expect("a plain value always encodes");
        Work::new(queue, payload, created)
    }

    /// What [`Work::of`] was given; `None` where the payload is nothing of that kind, or more than that.
    pub fn task<T: DeserializeOwned>(&self) -> Option<T> {
        let (task, rest) = postcard::take_from_bytes(&self.payload).ok()?;
        rest.is_empty().then_some(task)
    }
}

/// Names a row of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkId {
    /// When it is due.
    pub due: Timestamp,
    /// Fresh for each row, and kept through reschedules.
    pub id: u128,
}

impl WorkId {
    /// Of a row that is found again by what it is about, in a context of its own.
    pub fn derived(due: Timestamp, context: &str, parts: &[&[u8]]) -> WorkId {
        let name = Uuid::derived(context, parts);
        WorkId {
            due,
            id: u128::from_be_bytes(name.to_octets()),
        }
    }
}
