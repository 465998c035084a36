//! What is to be done so that a collection is what it was at a moment. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use storage::{
    Revision, Stored,
    model::{Object, TrashCause, Trashed},
};

use crate::desk::trash::state::{Moment, Then, free_name, since_return, then};

/// What stands under a name now; its octets are left out.
pub(super) enum Standing {
    Collection,
    Object(Box<Stored<Object>>),
}

pub(super) type Standings = BTreeMap<String, Standing>;

/// What stands in a collection now, also by UID.
pub(super) struct Now<'a> {
    standings: &'a Standings,
    by_uid: HashMap<&'a str, (&'a String, &'a Object)>,
}

impl<'a> Now<'a> {
    pub fn of(standings: &'a Standings) -> Now<'a> {
        let by_uid = standings
            .iter()
            .filter_map(|(name, standing)| match standing {
                Standing::Object(now) => Some((uid_of(Some(now))?, (name, &now.value))),
                Standing::Collection => None,
            });
        Now {
            standings,
            by_uid: by_uid.collect(),
        }
    }
}

/// One thing to be done.
pub(super) enum Action {
    Remove {
        name: String,
        seen: Revision,
    },
    Put {
        /// Under which name.
        name: String,
        /// What stands there; 0 is nothing.
        seen: Revision,
        then: Box<Trashed>,
    },
}

/// All that is to be done, and what is to be said about the rest.
#[derive(Default)]
pub(super) struct Plan {
    pub removals: Vec<Action>,
    pub puts: Vec<Action>,
    /// Names that the puts take.
    taken: HashSet<String>,
    /// Names under which something from then stands that had another name.
    renamed: HashSet<String>,
    pub as_then: usize,
    pub left: usize,
    pub notes: Vec<String>,
    pub refused: usize,
}

/// What is to be done so that everything is as it was.
pub(super) fn decide(
    moment: Moment,
    exact: bool,
    rows: &[Trashed],
    standings: &Standings,
    refused: &HashSet<String>,
) -> Plan {
    let newer = since_return(rows);
    let mut histories: BTreeMap<&str, (Vec<&Trashed>, usize)> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        if !matches!(row.cause, TrashCause::Returned { .. }) {
            let (history, since_return) = histories.entry(&row.name).or_default();
            history.push(row);
            *since_return += usize::from(place < newer);
        }
    }
    for (name, standing) in standings {
        if matches!(standing, Standing::Object(_)) {
            histories.entry(name).or_default();
        }
    }
    let mut plan = Plan::default();
    let (mut wanted, mut made_since) = (Vec::new(), Vec::new());
    for (name, (history, since_return)) in histories {
        let now = match standings.get(name) {
            Some(Standing::Object(now)) => Some(now),
            _ => None,
        };
        match then(moment, &history, since_return, now.map(|now| &now.value)) {
            Then::AsNow => plan.as_then += 1,
            Then::AboutNow => {
                plan.as_then += 1;
                plan.notes.push(format!(
                    "{name} changed often just then; that version was not kept, and it stays as it is"
                ));
            }
            Then::Absent => match now {
                Some(now) if exact && !is_scheduled(now) => plan.removals.push(Action::Remove {
                    name: name.to_owned(),
                    seen: now.revision,
                }),
                Some(_) => {
                    if exact {
                        plan.notes.push(format!(
                            "{name} is a meeting made since, and stays: the others would not hear that it goes"
                        ));
                    }
                    made_since.push(name);
                }
                None => {}
            },
            Then::Was(row) => wanted.push(row),
            Then::About(row) => {
                plan.notes.push(format!(
                    "{name} changed often just then; the nearest version that was kept is taken"
                ));
                wanted.push(row);
            }
        }
    }
    plan.want(&wanted, exact, standings, refused);
    let left = made_since
        .iter()
        .filter(|name| !plan.renamed.contains(**name));
    plan.left = left.count();
    plan
}

impl Plan {
    pub fn is_done(&self) -> bool {
        self.removals.is_empty() && self.puts.is_empty()
    }

    /// Puts all of these back. Where another object has the name of one, it has to go if everything is to
    /// be exactly as it was.
    fn want(
        &mut self,
        wanted: &[&Trashed],
        exact: bool,
        standings: &Standings,
        refused: &HashSet<String>,
    ) {
        if exact {
            for row in wanted {
                if let Some(Standing::Object(now)) = standings.get(&row.name)
                    && !is_same_object(now, row)
                    && !is_scheduled(now)
                {
                    self.removals.push(Action::Remove {
                        name: row.name.clone(),
                        seen: now.revision,
                    });
                }
            }
        }
        // First what must go goes; what comes is decided upon what is there then.
        let waits = !self.removals.is_empty();
        let now = Now::of(standings);
        for row in wanted.iter().filter(|row| !refused.contains(&row.name)) {
            self.put(&now, row, waits);
        }
        if waits {
            self.notes.clear();
        }
    }

    /// Decides how one former state comes back.
    pub fn put(&mut self, now: &Now<'_>, row: &Trashed, waits: bool) {
        let elsewhere = uid_of(row.object.as_ref()).and_then(|uid| now.by_uid.get(uid));
        if let Some((name, object)) = elsewhere.filter(|(name, _)| **name != row.name) {
            if is_as(object, row) {
                self.as_then += 1;
                self.renamed.insert(name.to_string());
            } else if !waits {
                self.refused += 1;
                let why = format!("its calendar has an object with this UID: {name}");
                self.notes.push(refusal(&row.name, &why));
            }
            return;
        }
        let (name, seen) = match now.standings.get(&row.name) {
            Some(Standing::Object(object)) if is_as(object, row) => {
                self.as_then += 1;
                return;
            }
            Some(Standing::Object(object)) if is_same_object(object, row) => {
                (row.name.clone(), object.revision)
            }
            _ => (self.free_name(now.standings, &row.name), Revision(0)),
        };
        if !waits {
            self.taken.insert(name.clone());
            self.puts.push(Action::Put {
                name,
                seen,
                then: Box::new(row.clone()),
            });
        }
    }

    /// This name, or one like it, that neither stands there nor is about to.
    fn free_name(&self, standings: &Standings, name: &str) -> String {
        let is_taken = |name: &str| standings.contains_key(name) || self.taken.contains(name);
        free_name(name, is_taken)
    }
}

const REFUSED: &str = " cannot come back: ";

pub(super) fn refusal(name: &str, why: &str) -> String {
    format!("{name}{REFUSED}{why}")
}

pub(super) fn refused_name(note: &str) -> Option<String> {
    note.split_once(REFUSED).map(|(name, _)| name.to_owned())
}

fn uid_of(object: Option<&Object>) -> Option<&str> {
    let facts = object.and_then(|object| object.calendar.as_ref());
    facts.map(|facts| facts.uid.as_str())
}

/// RFC 6638 §3.1.
pub(super) fn is_scheduled(object: &Object) -> bool {
    let facts = object.calendar.as_ref();
    facts.is_some_and(|facts| facts.scheduling)
}

/// Whether what stands there is the same event, or a file, which its name makes the same.
fn is_same_object(now: &Object, row: &Trashed) -> bool {
    uid_of(Some(now)) == uid_of(row.object.as_ref())
}

/// Whether what stands there is what the trash has.
fn is_as(now: &Object, row: &Trashed) -> bool {
    row.object.as_ref().is_some_and(|then| {
        now.etag == then.etag
            && now.properties == then.properties
            && now.content_type == then.content_type
            && uid_of(Some(now)) == uid_of(Some(then))
    })
}
