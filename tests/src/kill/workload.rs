//! What the writers of the kill -9 loop write, and how to see afterwards whether any of it is lost
//! or half there.
//!
//! Each writer counts. Commit `n` of a writer puts two rows that name `n`, notes `n` in the writer's
//! state row, adds one to a counter, appends to the writer's log (which it empties every
//! [`LOG_COMMITS`]), and removes the rows of commit `n - WINDOW`. One commit of [`BLOB_COMMITS`] refers
//! to a blob that was written ahead of it, which is removed after the commit that removes its row. Hence
//! the state row alone says what everything else must be.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use bytes::Bytes;
use storage::{
    Revision,
    backend::{
        Backend, Commit, CommitError, Committed, Entry, Expect, Key, KeyRange, Operation, Page,
        ReadError,
    },
    blob_files::{BlobName, FinishedBlob},
};

/// For how many commits the rows of a commit stay.
pub const WINDOW: u64 = 40;
/// How many commits come to one with a blob.
pub const BLOB_COMMITS: u64 = 10;
/// After so many commits a writer's log begins anew.
pub const LOG_COMMITS: u64 = 100;

fn state_key(writer: u64) -> Key {
    format!("s{writer}").into()
}

fn row_keys(writer: u64, number: u64) -> [Key; 2] {
    [
        format!("a{writer}/{number:010}").into(),
        format!("b{writer}/{number:010}").into(),
    ]
}

/// The row that names the blob of a commit.
fn blob_key(writer: u64, number: u64) -> Key {
    format!("f{writer}/{number:010}").into()
}

fn has_blob(number: u64) -> bool {
    number.is_multiple_of(BLOB_COMMITS)
}

fn blob_octets(writer: u64, number: u64) -> Bytes {
    let length = 70_000 + usize::try_from(number % 1000).unwrap_or_default() * 10;
    let whose = format!("{writer}/{number}/").into_bytes();
    whose.into_iter().cycle().take(length).collect()
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

/// Commit `number` of a writer; `before` is the revision of the one before it, `blob` what it refers to.
pub fn change(
    writer: u64,
    number: u64,
    before: Option<Revision>,
    blob: Option<BlobName>,
) -> Commit {
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
    ];
    if number.is_multiple_of(LOG_COMMITS) {
        let log = KeyRange::prefix(log_prefix(writer));
        operations.push(Operation::DeleteRange(log));
    }
    operations.push(Operation::Append {
        prefix: log_prefix(writer),
        value: Bytes::copy_from_slice(&number.to_be_bytes()),
    });
    let rows = row_keys(writer, number).map(|key| Operation::Put(key, value(writer, number)));
    operations.extend(rows);
    if let Some(blob) = blob {
        let name = Bytes::from(blob.to_string());
        operations.push(Operation::Put(blob_key(writer, number), name));
    }
    if let Some(old) = number.checked_sub(WINDOW) {
        operations.extend(row_keys(writer, old).map(Operation::Delete));
        operations.push(Operation::Delete(blob_key(writer, old)));
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
    Ok(Some(counted(&entry)?))
}

fn counted(entry: &Entry) -> Result<(u64, Revision), ReadError> {
    let octets = entry.value[..]
        .try_into()
        .map_err(|_| ReadError::Corrupt("a row that counts".to_owned()))?;
    Ok((u64::from_be_bytes(octets), entry.revision))
}

/// Makes a writer's next commit; gives its number.
///
/// # Errors
/// The store refuses.
pub async fn step(store: &dyn Backend, writer: u64) -> Result<(u64, Committed), CommitError> {
    let before = state(store, writer).await?;
    let number = before.map_or(1, |(number, _)| number + 1);
    let revision = before.map(|(_, revision)| revision);
    let blob = match has_blob(number) {
        true => Some(write_blob(store, writer, number).await?),
        false => None,
    };
    let old = match number.checked_sub(WINDOW) {
        Some(old) if has_blob(old) => store.get(&blob_key(writer, old)).await?,
        _ => None,
    };
    let change = change(
        writer,
        number,
        revision,
        blob.as_ref().map(|blob| blob.name),
    );
    let committed = store.commit(change).await?;
    if let Some(old) = old.and_then(|row| blob_name(&row)) {
        store.blobs().remove(old).await?;
    }
    Ok((number, committed))
}

async fn write_blob(
    store: &dyn Backend,
    writer: u64,
    number: u64,
) -> Result<FinishedBlob, CommitError> {
    let octets = blob_octets(writer, number);
    // Each attempt is another writing: one that was killed may have left its file.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut draft = store
        .blobs()
        .begin(now.unwrap_or_default().as_nanos() << 8 | u128::from(writer))
        .await?;
    for piece in octets.chunks(50_000) {
        draft.write(octets.slice_ref(piece)).await?;
    }
    draft.finish(*blake3::hash(&octets).as_bytes()).await
}

fn blob_name(row: &Entry) -> Option<BlobName> {
    std::str::from_utf8(&row.value)
        .ok()
        .and_then(BlobName::parse)
}

/// Writes until the store refuses, and tells of each commit that was acknowledged.
pub async fn work(
    store: Arc<dyn Backend>,
    writer: u64,
    mut acknowledged: impl FnMut(u64, Committed),
) -> Result<(), CommitError> {
    loop {
        let (number, committed) = step(&*store, writer).await?;
        acknowledged(number, committed);
    }
}

/// What a store holds of one writer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The number of its last commit; 0 before the first.
    pub number: u64,
    /// The revision of that commit.
    pub revision: Revision,
    /// The revisions of those of its commits whose rows are still there.
    pub commits: BTreeMap<u64, Revision>,
}

/// Where all writers are at one moment.
///
/// # Errors
/// Says in words what is half there: the writers' states and the counter are read together, and must
/// agree.
pub async fn moment(store: &dyn Backend, writers: u64) -> Result<Vec<(u64, Revision)>, String> {
    let keys: Vec<Key> = (0..writers)
        .map(state_key)
        .chain(std::iter::once(COUNTER))
        .collect();
    let rows = store.get_many(&keys).await.map_err(words)?;
    let mut numbers = Vec::with_capacity(rows.len());
    for row in rows {
        let row = row.as_ref().map(counted).transpose().map_err(words)?;
        numbers.push(row.unwrap_or((0, Revision(0))));
    }
    let (counter, _) = numbers.pop().unwrap_or_default();
    let total: u64 = numbers.iter().map(|(number, _)| number).sum();
    if counter != total {
        return Err(format!(
            "the counter is {counter}, the writers' sum {total}"
        ));
    }
    Ok(numbers)
}

/// What is there of a writer, read while nothing is written.
///
/// # Errors
/// Says in words what is lost or half there.
pub async fn examine(store: &dyn Backend, writer: u64) -> Result<Found, String> {
    let found = state(store, writer).await.map_err(words)?;
    let (number, revision) = found.unwrap_or((0, Revision(0)));
    let sides = [
        window(store, writer, "a").await?,
        window(store, writer, "b").await?,
    ];
    let first = (number + 1).saturating_sub(WINDOW).max(1);
    let [commits, others] = sides;
    if commits != others
        || !commits.keys().copied().eq(first..=number)
        || commits
            .last_key_value()
            .is_some_and(|(_, last)| *last != revision)
    {
        return Err(format!(
            "writer {writer} is at {number} ({revision:?}), its rows are {commits:?} and {others:?}"
        ));
    }
    verify_log(store, writer, number, &commits).await?;
    Ok(Found {
        number,
        revision,
        commits,
    })
}

/// The commits of which a writer's rows of one letter are there, at one moment: each with its number's
/// value, none left out.
///
/// # Errors
/// Says in words what is wrong.
pub async fn window(
    store: &dyn Backend,
    writer: u64,
    letter: &str,
) -> Result<BTreeMap<u64, Revision>, String> {
    let side = usize::from(letter == "b");
    let mut commits = BTreeMap::new();
    for (key, entry) in rows(store, KeyRange::prefix(format!("{letter}{writer}/"))).await? {
        let number = key
            .get(key.len().saturating_sub(10)..)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
            .filter(|number| key == row_keys(writer, *number)[side])
            .ok_or_else(|| format!("{key:?} is no key of writer {writer}"))?;
        if entry.value != value(writer, number) {
            return Err(format!("{key:?} has another row's value: {entry:?}"));
        }
        if commits
            .last_key_value()
            .is_some_and(|(last, _)| last + 1 != number)
        {
            return Err(format!("the row before {key:?} is missing"));
        }
        commits.insert(number, entry.revision);
    }
    Ok(commits)
}

/// One entry per commit since the log was emptied, in order, each under its commit's number.
async fn verify_log(
    store: &dyn Backend,
    writer: u64,
    number: u64,
    commits: &BTreeMap<u64, Revision>,
) -> Result<(), String> {
    let mut expected = (number - number % LOG_COMMITS).max(1)..=number;
    let prefix = log_prefix(writer);
    for (key, entry) in rows(store, KeyRange::prefix(prefix.clone())).await? {
        let wanted = expected.next();
        let position = key.get(prefix.len()..prefix.len() + 8);
        let revision = wanted.and_then(|wanted| commits.get(&wanted));
        if wanted.map(u64::to_be_bytes).as_ref().map(|it| &it[..]) != Some(&entry.value[..])
            || position != Some(&entry.revision.0.to_be_bytes()[..])
            || revision.is_some_and(|revision| *revision != entry.revision)
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

/// Reads the blob of each commit whose rows are there, octet by octet.
///
/// # Errors
/// Says in words what is lost or half there.
pub async fn examine_blobs(store: &dyn Backend, writer: u64, found: &Found) -> Result<(), String> {
    let commits = &found.commits;
    let named = rows(store, KeyRange::prefix(format!("f{writer}/"))).await?;
    let expected = commits.keys().filter(|number| has_blob(**number));
    let expected: Vec<Key> = expected.map(|number| blob_key(writer, *number)).collect();
    if !named.iter().map(|(key, _)| key).eq(&expected) {
        return Err(format!("writer {writer} has {named:?}, not {expected:?}"));
    }
    for ((key, row), number) in named.iter().zip(commits.keys().filter(|it| has_blob(**it))) {
        let name = blob_name(row).ok_or_else(|| format!("{key:?} names no blob: {row:?}"))?;
        let octets = blob_octets(writer, *number);
        let found = store
            .blobs()
            .read(name, octets.len() as u64, 0, octets.len());
        let found = found.await.map_err(|error| format!("{key:?}: {error}"))?;
        if found != octets {
            return Err(format!("the blob of {key:?} has other octets"));
        }
    }
    Ok(())
}

fn words(error: ReadError) -> String {
    error.to_string()
}

/// Everything that lies in a range.
///
/// # Errors
/// In words.
pub async fn rows(store: &dyn Backend, range: KeyRange) -> Result<Vec<(Key, Entry)>, String> {
    /// More than a writer ever has of one kind, so that its rows are read at one moment.
    const PAGE: Page = Page {
        rows: 1000,
        octets: 1 << 20,
        reverse: false,
    };
    let mut rows: Vec<(Key, Entry)> = Vec::new();
    loop {
        let rest = match rows.last() {
            Some((last, _)) => KeyRange {
                start: Bound::Excluded(last.clone()),
                end: range.end.clone(),
            },
            None => range.clone(),
        };
        let page = store.scan(rest, PAGE).await.map_err(words)?;
        rows.extend(page.rows);
        if !page.more {
            return Ok(rows);
        }
    }
}
