//! Change logs: their newest entry of each name says whether there is a member of that name.

use std::collections::BTreeMap;

use super::{
    super::{
        Store, keys,
        record::{self, LogRecord},
    },
    finding::{Finding, Mending, Remedy, id, shown},
};
use crate::{
    Revision,
    backend::{Expect, Key, KeyRange, LOG_POSITION_OCTETS, Operation, Page, ReadError},
    model::{Collection, CollectionId},
};

/// So many names are compared at once; of larger collections one part after the other.
const NAMES_AT_ONCE: usize = 200_000;

/// What one name is in the log (the position of its newest entry, and whether that says "removed") and
/// among the members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Said {
    log: Option<(Revision, u16, bool)>,
    member: Option<Revision>,
}

/// A log, compared with the members.
#[derive(Default)]
struct Comparison {
    /// The names of which log and members say different things.
    differing: BTreeMap<String, Said>,
    unreadable: Option<(Key, ReadError)>,
    /// The first entry; of members that were written with it or before, the log need not tell.
    horizon: Option<Revision>,
}

/// Too many names at once.
struct TooMany;

impl Store {
    pub(super) async fn judge_log(&self, header: &Collection) -> Result<Vec<Finding>, ReadError> {
        let mut parts = 1;
        loop {
            match self.judge_log_in_parts(header.id, parts).await? {
                Ok(findings) => return Ok(findings),
                Err(TooMany) => parts *= 2,
            }
        }
    }

    async fn judge_log_in_parts(
        &self,
        collection: CollectionId,
        parts: u64,
    ) -> Result<Result<Vec<Finding>, TooMany>, ReadError> {
        let mut findings = Vec::new();
        for part in 0..parts {
            let first = match self.compare_log(collection, part, parts).await? {
                Ok(comparison) => comparison,
                Err(too_many) => return Ok(Err(too_many)),
            };
            if let Some((key, error)) = &first.unreadable {
                findings.push(new_log(
                    collection,
                    Finding::unreadable("change", key, error),
                ));
                return Ok(Ok(findings));
            }
            let empty = first.horizon.is_none();
            if first.differing.is_empty() && !empty {
                continue;
            }
            // What changes meanwhile differs once; what is wrong stays as it is.
            let second = match self.compare_log(collection, part, parts).await? {
                Ok(comparison) => comparison,
                Err(too_many) => return Ok(Err(too_many)),
            };
            let header = self.backend().get(&keys::collection(collection)).await?;
            if header.is_none() {
                return Ok(Ok(Vec::new()));
            }
            if empty && second.horizon.is_none() {
                let finding = Finding::new("change", format!("{} has no log", id(collection)));
                findings.push(new_log(collection, finding));
                return Ok(Ok(findings));
            }
            for (name, said) in first.differing {
                if second.differing.get(&name) == Some(&said) {
                    findings.push(judge_name(collection, &name, said));
                }
            }
        }
        Ok(Ok(findings))
    }

    /// Compares those names that fall into one of several parts.
    async fn compare_log(
        &self,
        collection: CollectionId,
        part: u64,
        parts: u64,
    ) -> Result<Result<Comparison, TooMany>, ReadError> {
        let is_of_part = |name: &str| {
            let hash = blake3::hash(name.as_bytes());
            parts == 1 || u64::from(hash.as_bytes()[0]) % parts == part
        };
        let mut comparison = Comparison::default();
        let mut said: BTreeMap<String, Said> = BTreeMap::new();
        let mut pages = self.pages_of(KeyRange::prefix(keys::changes(collection)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let position = keys::log_position(&key).unwrap_or((entry.revision, 0));
                let (name, removed) = match record::decode(&entry.value, "change") {
                    Ok(LogRecord::Created) => {
                        // Such a log was never shortened.
                        comparison.horizon.get_or_insert(Revision(0));
                        continue;
                    }
                    Ok(LogRecord::Put(name)) => (name, false),
                    Ok(LogRecord::Removed(name)) => (name, true),
                    Err(error) => {
                        comparison.unreadable.get_or_insert((key, error));
                        continue;
                    }
                };
                comparison.horizon.get_or_insert(position.0);
                if is_of_part(&name) {
                    said.entry(name).or_default().log = Some((position.0, position.1, removed));
                }
            }
            // A hash of one octet divides into no more parts.
            if said.len() > NAMES_AT_ONCE && parts < 256 {
                return Ok(Err(TooMany));
            }
        }
        let horizon = comparison.horizon.unwrap_or_default();
        let mut pages = self.pages_of(KeyRange::prefix(keys::members(collection)));
        while let Some(rows) = pages.next().await? {
            for (key, entry) in rows {
                let Some(name) = keys::member_name(&key).filter(|name| is_of_part(name)) else {
                    continue;
                };
                match said.remove(name) {
                    Some(Said {
                        log: Some((_, _, false)),
                        ..
                    }) => {}
                    None if entry.revision <= horizon => {}
                    other => {
                        let log = other.and_then(|said| said.log);
                        let member = Some(entry.revision);
                        comparison
                            .differing
                            .insert(name.to_owned(), Said { log, member });
                    }
                }
            }
        }
        let is_told = |said: &Said| matches!(said.log, Some((_, _, false)));
        comparison
            .differing
            .extend(said.into_iter().filter(|(_, said)| is_told(said)));
        Ok(Ok(comparison))
    }

    /// The log that begins at `key` belongs to a collection.
    pub(super) async fn judge_owner_of_log(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let log = log_of(key);
        let Some(collection) = keys::single_id(&log).map(CollectionId) else {
            return Ok(vec![Finding::new(
                "change",
                format!("{} has an odd key", shown(key)),
            )]);
        };
        let header = keys::collection(collection);
        if self.backend().get(&header).await?.is_some() {
            return Ok(Vec::new());
        }
        // Header and log go together: a log that is there after its header was gone is a lost one.
        let first = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: false,
        };
        let page = self
            .backend()
            .scan(KeyRange::prefix(log.clone()), first)
            .await?;
        if page.rows.is_empty() || self.backend().get(&header).await?.is_some() {
            return Ok(Vec::new());
        }
        let mut finding = Finding::new(
            "change",
            format!("{} is not there but has a log", id(collection)),
        );
        finding.mending = Some(Mending {
            what: "the log was removed".to_owned(),
            remedy: Remedy::NoLog { log },
        });
        Ok(vec![finding])
    }
}

/// What the key of a log's entry begins with.
pub(super) fn log_of(key: &Key) -> Key {
    key.slice(..key.len().saturating_sub(LOG_POSITION_OCTETS))
}

fn judge_name(collection: CollectionId, name: &str, said: Said) -> Finding {
    let member = keys::member(collection, name);
    let (detail, expect, entry) = match said.member {
        Some(revision) => (
            format!("the log of {} does not tell of {name:?}", id(collection)),
            Expect::Revision(member, revision),
            LogRecord::Put(name.to_owned()),
        ),
        None => (
            format!(
                "the log of {} tells of {name:?}, which is not there",
                id(collection)
            ),
            Expect::Absent(member),
            LogRecord::Removed(name.to_owned()),
        ),
    };
    let tell = Operation::Append {
        prefix: keys::changes(collection),
        value: record::encode(&entry),
    };
    Finding::new("change", detail).mended_by("it tells what is so now", vec![expect], vec![tell])
}

/// Clients with a token from before read the collection anew.
fn new_log(collection: CollectionId, mut finding: Finding) -> Finding {
    finding.mending = Some(Mending {
        what: "the log was begun anew".to_owned(),
        remedy: Remedy::NewLog {
            log: keys::changes(collection),
            // No member has the empty name, and nobody is told the first entry.
            entry: record::encode(&LogRecord::Removed(String::new())),
            operations: Vec::new(),
        },
    });
    finding
}
