//! What the writers of the kill -9 loop write, and how to see afterwards whether any of it is lost
//! or half there.
//!
//! Each writer counts. Commit `n` of a writer puts two rows that name `n`, notes `n` in the writer's
//! state row, adds one to a counter, appends to the writer's log, and removes the rows of commit
//! `n - WINDOW`. Hence the state row alone says what everything else must be.

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;
use storage::{
    Clock, Revision, Timestamp,
    backend::{
        Backend, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange, Operation, Page,
        ReadError,
    },
    sled::Options,
};

/// For how many commits the rows of a commit stay.
pub const WINDOW: u64 = 40;

/// So little room that checkpoints, snapshots and changes of segment fall into every round.
pub fn options() -> Options {
    Options {
        cache_octets: 4 * 1024 * 1024,
        overlay_octets: 64 * 1024,
        segment_octets: 64 * 1024,
        snapshot_octets: 256 * 1024,
    }
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}

fn state_key(writer: u64) -> Key {
    format!("s{writer}").into()
}

fn row_keys(writer: u64, number: u64) -> [Key; 2] {
    [
        format!("a{writer}/{number:010}").into(),
        format!("b{writer}/{number:010}").into(),
    ]
}

fn log_prefix(writer: u64) -> Key {
    format!("l{writer}/").into()
}

const COUNTER: Key = Bytes::from_static(b"counter");

/// Octets that say whose they are, of changing length.
fn value(writer: u64, number: u64) -> Bytes {
    let length = usize::try_from(number % 1200).unwrap_or_default();
    format!("{writer}/{number}/")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(8 + length)
        .collect()
}

/// Commit `number` of a writer; `before` is the revision of the one before it.
pub fn change(writer: u64, number: u64, before: Option<Revision>) -> Commit {
    let expect = match before {
        Some(revision) => Expect::Revision(state_key(writer), revision),
        None => Expect::Absent(state_key(writer)),
    };
    let mut operations = vec![
        Operation::Put(
            state_key(writer),
            Bytes::copy_from_slice(&number.to_be_bytes()),
        ),
        Operation::Add {
            key: COUNTER,
            amount: 1,
            maximum: None,
        },
        Operation::Append {
            prefix: log_prefix(writer),
            value: Bytes::copy_from_slice(&number.to_be_bytes()),
        },
    ];
    let rows = row_keys(writer, number).map(|key| Operation::Put(key, value(writer, number)));
    operations.extend(rows);
    if let Some(old) = number.checked_sub(WINDOW) {
        operations.extend(row_keys(writer, old).map(Operation::Delete));
    }
    Commit {
        id: 0,
        expect: vec![expect],
        operations,
        observed: None,
    }
}

/// Where a writer is: its last number and the commit that wrote it.
pub async fn state(store: &dyn Backend, writer: u64) -> Result<Option<(u64, Revision)>, ReadError> {
    let Some(entry) = store.get(&state_key(writer)).await? else {
        return Ok(None);
    };
    let octets = entry.value[..]
        .try_into()
        .map_err(|_| ReadError::Corrupt("a state row".to_owned()))?;
    Ok(Some((u64::from_be_bytes(octets), entry.revision)))
}

/// Writes until the store refuses, and tells of each commit that was acknowledged.
pub async fn work(
    store: Arc<dyn Backend>,
    writer: u64,
    mut acknowledged: impl FnMut(u64, Committed),
) -> Result<(), CommitError> {
    let mut before = state(&*store, writer).await?;
    loop {
        let number = before.map_or(1, |(number, _)| number + 1);
        let revision = before.map(|(_, revision)| revision);
        let committed = store.commit(change(writer, number, revision)).await?;
        acknowledged(number, committed);
        before = Some((number, committed.revision));
    }
}

/// The last commit of a writer that was seen to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// Its revision.
    pub revision: Revision,
    /// How often the writers were killed since: each time one more commit may have become durable
    /// whose acknowledgement nobody saw.
    pub kills: u64,
}

impl Seen {
    /// Whether a store that loses nothing can be in this state.
    fn allows(&self, number: u64, revision: Revision) -> bool {
        match number.checked_sub(self.number) {
            Some(0) => revision == self.revision,
            Some(unseen) => unseen <= self.kills && revision > self.revision,
            None => false,
        }
    }
}

/// Checks everything in a store against the writers' state rows, and those against what was
/// acknowledged: `acknowledged` is each writer's last commit, if one was seen.
///
/// # Errors
/// Says in words what is lost or half there.
pub async fn verify(store: &dyn Backend, acknowledged: &[Option<Seen>]) -> Result<(), String> {
    let mut total = 0;
    for (writer, seen) in (0..).zip(acknowledged) {
        let found = state(store, writer)
            .await
            .map_err(|error| error.to_string())?;
        let (number, revision) = found.unwrap_or((0, Revision(0)));
        if let Some(seen) = seen.filter(|seen| !seen.allows(number, revision)) {
            return Err(format!(
                "writer {writer}: {seen:?} was acknowledged, {found:?} is there"
            ));
        }
        verify_rows(store, writer, number, revision).await?;
        verify_log(store, writer, number).await?;
        total += number;
    }
    let counter = store
        .get(&COUNTER)
        .await
        .map_err(|error| error.to_string())?;
    let expected = (total > 0).then(|| Bytes::copy_from_slice(&total.to_be_bytes()));
    if counter.as_ref().map(|entry| &entry.value) != expected.as_ref() {
        return Err(format!("the counter is {counter:?}, not {total}"));
    }
    Ok(())
}

/// Both rows of each of the last commits, and no other.
async fn verify_rows(
    store: &dyn Backend,
    writer: u64,
    number: u64,
    revision: Revision,
) -> Result<(), String> {
    let first = (number + 1).saturating_sub(WINDOW).max(1);
    let mut revisions = [Vec::new(), Vec::new()];
    for (side, letter) in ["a", "b"].into_iter().enumerate() {
        let mut expected = first..=number;
        for (key, entry) in rows(store, KeyRange::prefix(format!("{letter}{writer}/"))).await? {
            let wanted = expected
                .next()
                .ok_or_else(|| format!("{key:?} is there, though it was removed"))?;
            if key != row_keys(writer, wanted)[side] || entry.value != value(writer, wanted) {
                return Err(format!(
                    "{key:?} stands where commit {wanted} of writer {writer} should"
                ));
            }
            revisions[side].push(entry.revision);
        }
        if let Some(missing) = expected.next() {
            return Err(format!(
                "the row {letter} of commit {missing} of writer {writer} is missing"
            ));
        }
    }
    if revisions[0] != revisions[1] || revisions[0].last().is_some_and(|last| *last != revision) {
        return Err(format!(
            "the rows of writer {writer} are of different commits"
        ));
    }
    Ok(())
}

/// One entry per commit, in order, each under its commit's number.
async fn verify_log(store: &dyn Backend, writer: u64, number: u64) -> Result<(), String> {
    let mut expected = 1..=number;
    let prefix = log_prefix(writer);
    for (key, entry) in rows(store, KeyRange::prefix(prefix.clone())).await? {
        let wanted = expected.next().map(u64::to_be_bytes);
        let position = key.get(prefix.len()..prefix.len() + 8);
        if wanted.as_ref().map(|wanted| &wanted[..]) != Some(&entry.value[..])
            || position != Some(&entry.revision.0.to_be_bytes()[..])
        {
            return Err(format!(
                "the log of writer {writer} has {entry:?} at {key:?}"
            ));
        }
    }
    match expected.next() {
        Some(missing) => Err(format!("the log of writer {writer} lacks {missing}")),
        None => Ok(()),
    }
}

async fn rows(store: &dyn Backend, range: KeyRange) -> Result<Vec<(Key, Entry)>, String> {
    let mut rows: Vec<(Key, Entry)> = Vec::new();
    loop {
        let rest = match rows.last() {
            Some((last, _)) => KeyRange {
                start: Bound::Excluded(last.clone()),
                end: range.end.clone(),
            },
            None => range.clone(),
        };
        let page = store
            .scan(
                rest,
                Page {
                    rows: 1000,
                    octets: 1 << 20,
                    reverse: false,
                },
            )
            .await;
        let page = page.map_err(|error| error.to_string())?;
        rows.extend(page.rows);
        if !page.more {
            return Ok(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two kills without a check between them can hide one commit each.
    #[test]
    fn what_was_not_seen_is_bounded_by_the_kills() {
        let seen = |kills| Seen {
            number: 7,
            revision: Revision(20),
            kills,
        };
        for (kills, number, revision, allowed) in [
            (0, 7, 20, true),
            (0, 8, 21, false),
            (1, 7, 20, true),
            (1, 7, 21, false),
            (1, 8, 21, true),
            (1, 8, 20, false),
            (1, 9, 22, false),
            (2, 9, 22, true),
            (2, 6, 22, false),
        ] {
            assert_eq!(
                seen(kills).allows(number, Revision(revision)),
                allowed,
                "{number} at {revision} after {kills} kills"
            );
        }
    }
}
