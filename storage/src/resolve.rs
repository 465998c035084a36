//! What a commit comes to: its expectations checked and its operations turned into absolute effects.
//! Pure, and the same for every embedded backend.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    Revision,
    backend::{
        COUNTER_MAXIMUM, Commit, CommitError, Entry, Expect, Key, KeyRange, LOG_POSITION_OCTETS,
        MAXIMUM_COMMIT_OCTETS, MAXIMUM_KEY_OCTETS, MAXIMUM_OPERATIONS, MAXIMUM_RANGE_ROWS,
        MAXIMUM_VALUE_OCTETS, Operation, ReadError, log_key,
    },
};

/// What each touched key holds afterwards; `None` where its row is removed.
pub(crate) type Effects = BTreeMap<Key, Option<Bytes>>;

/// The state that a commit is decided upon.
pub(crate) trait State {
    /// The row of a key.
    fn get(&self, key: &Key) -> Result<Option<Entry>, ReadError>;
    /// The first `rows` keys of a range.
    fn keys(&self, range: &KeyRange, rows: usize) -> Result<Vec<Key>, ReadError>;
    /// Whether it is certain, at less than the price of reading, that nothing which an expectation is
    /// about was written after a revision.
    fn is_unchanged_since(&self, _expect: &Expect, _revision: Revision) -> bool {
        false
    }
}

/// Decides a commit: what it changes as number `revision` of the store, or why it must not happen.
pub(crate) fn resolve(
    state: &impl State,
    commit: Commit,
    revision: Revision,
) -> Result<Effects, CommitError> {
    check_bounds(&commit)?;
    for (index, expect) in commit.expect.iter().enumerate() {
        let observed = commit
            .observed
            .filter(|observed| index < observed.expectations);
        let still_holds =
            observed.is_some_and(|observed| state.is_unchanged_since(expect, observed.since));
        if !still_holds && !holds(state, expect)? {
            return Err(CommitError::Conflict(index));
        }
    }
    let mut effects = Effects::new();
    for (number, operation) in commit.operations.into_iter().enumerate() {
        apply(state, &mut effects, operation, revision, number)?;
    }
    Ok(effects)
}

/// The bounds that can be seen without the state.
fn check_bounds(commit: &Commit) -> Result<(), CommitError> {
    if commit.operations.len() > MAXIMUM_OPERATIONS {
        return Err(CommitError::Limit("operations of a commit"));
    }
    let mut octets = 0;
    for operation in &commit.operations {
        let (key, value) = match operation {
            Operation::Put(key, value) => (key.len(), value.len()),
            Operation::Delete(key) | Operation::Add { key, .. } => (key.len(), 0),
            Operation::Append { prefix, value } => {
                (prefix.len() + LOG_POSITION_OCTETS, value.len())
            }
            Operation::DeleteRange(_) => continue,
        };
        if key == 0 || key > MAXIMUM_KEY_OCTETS {
            return Err(CommitError::Limit("octets of a key"));
        }
        if value > MAXIMUM_VALUE_OCTETS {
            return Err(CommitError::Limit("octets of a value"));
        }
        octets += key + value;
    }
    if octets > MAXIMUM_COMMIT_OCTETS {
        return Err(CommitError::Limit("octets of a commit"));
    }
    Ok(())
}

fn holds(state: &impl State, expect: &Expect) -> Result<bool, ReadError> {
    Ok(match expect {
        Expect::Absent(key) => state.get(key)?.is_none(),
        Expect::Revision(key, revision) => state
            .get(key)?
            .is_some_and(|entry| entry.revision == *revision),
        Expect::RangeEmpty(range) => state.keys(range, 1)?.is_empty(),
    })
}

fn apply(
    state: &impl State,
    effects: &mut Effects,
    operation: Operation,
    revision: Revision,
    number: usize,
) -> Result<(), CommitError> {
    match operation {
        Operation::Put(key, value) => {
            effects.insert(key, Some(value));
        }
        Operation::Delete(key) => {
            effects.insert(key, None);
        }
        Operation::DeleteRange(range) => delete_range(state, effects, &range)?,
        Operation::Add {
            key,
            amount,
            maximum,
        } => {
            let sum = add(current(state, effects, &key)?.as_deref(), amount, maximum)?;
            effects.insert(key, Some(Bytes::copy_from_slice(&sum.to_be_bytes())));
        }
        Operation::Append { prefix, value } => {
            let number =
                u16::try_from(number).map_err(|_| CommitError::Limit("operations of a commit"))?;
            effects.insert(log_key(&prefix, revision, number), Some(value));
        }
    }
    Ok(())
}

/// Removes what the state holds in the range, and what earlier operations of this commit put there.
fn delete_range(
    state: &impl State,
    effects: &mut Effects,
    range: &KeyRange,
) -> Result<(), CommitError> {
    if range.is_void() {
        return Ok(());
    }
    let stored = state.keys(range, MAXIMUM_RANGE_ROWS + 1)?;
    if stored.len() > MAXIMUM_RANGE_ROWS {
        return Err(CommitError::Limit("rows of a range"));
    }
    for (_, effect) in effects.range_mut::<Key, _>((range.start.as_ref(), range.end.as_ref())) {
        *effect = None;
    }
    effects.extend(stored.into_iter().map(|key| (key, None)));
    Ok(())
}

/// A row as the earlier operations of this commit left it.
fn current(state: &impl State, effects: &Effects, key: &Key) -> Result<Option<Bytes>, ReadError> {
    match effects.get(key) {
        Some(effect) => Ok(effect.clone()),
        None => Ok(state.get(key)?.map(|entry| entry.value)),
    }
}

/// The sum of a counter row and an amount.
/// A counter after an addition, which may not take it beyond its maximum.
pub(crate) fn add(
    row: Option<&[u8]>,
    amount: i64,
    maximum: Option<i64>,
) -> Result<i64, CommitError> {
    let before = match row {
        None => 0,
        Some(octets) => i64::from_be_bytes(
            octets
                .try_into()
                .map_err(|_| CommitError::Corrupt("a counter row has not 8 octets".to_owned()))?,
        ),
    };
    let sum = before
        .checked_add(amount)
        .ok_or(CommitError::Limit("a counter"))?
        .max(0);
    if amount > 0 && maximum.is_some_and(|maximum| sum > maximum) {
        return Err(CommitError::Limit(COUNTER_MAXIMUM));
    }
    Ok(sum)
}
