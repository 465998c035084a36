//! Rows of work, in the order in which they are due.

use std::ops::Bound;

use super::{Builder, Keyspace, SIGN, number, ordered};
use crate::{
    Timestamp,
    backend::{Key, KeyRange},
    model::WorkId,
};

/// What the keys of a queue's rows begin with. The length before the name keeps queues apart.
pub(crate) fn queue(queue: &str) -> Key {
    queue_builder(queue).key()
}

pub(crate) fn work(queue: &str, id: &WorkId) -> Key {
    queue_builder(queue)
        .octets(&ordered(id.due))
        .octets(&id.id.to_be_bytes())
        .key()
}

/// A queue's rows that are due at `until` or before.
pub(crate) fn due_work(queue: &str, until: Timestamp) -> KeyRange {
    let end = queue_builder(queue).octets(&ordered(until)).key();
    KeyRange {
        start: Bound::Included(self::queue(queue)),
        end: KeyRange::prefix(end).end,
    }
}

/// A queue's rows that are due at this time.
pub(crate) fn work_due_at(queue: &str, due: Timestamp) -> KeyRange {
    KeyRange::prefix(queue_builder(queue).octets(&ordered(due)).key())
}

/// The identity at the end of a work row's key.
pub(crate) fn work_id(queue: &str, key: &[u8]) -> Option<WorkId> {
    let rest = key.get(2 + queue.len()..)?;
    let (due, id) = rest.split_at_checked(8)?;
    let due = Timestamp((number(due)? ^ SIGN) as i64);
    Some(WorkId {
        due,
        id: u128::from_be_bytes(id.try_into().ok()?),
    })
}

/// The identity at the end of a work row's key, whatever its queue.
pub(crate) fn any_work_id(key: &[u8]) -> Option<WorkId> {
    let length = usize::from(*key.get(1)?);
    work_id(std::str::from_utf8(key.get(2..2 + length)?).ok()?, key)
}

fn queue_builder(queue: &str) -> Builder {
    let length = u8::try_from(queue.len()).unwrap_or(u8::MAX);
    Builder::new(Keyspace::Work, 25 + queue.len())
        .octets(&[length])
        .octets(queue.as_bytes())
}
