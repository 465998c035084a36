//! What was acknowledged to writers and seen by readers before a kill, and whether what is there
//! afterwards still has all of it.

use std::collections::{BTreeMap, btree_map};

use storage::Revision;

use super::workload::Found;

/// The last commit of a writer that was seen to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its number.
    pub number: u64,
    /// Its revision.
    pub revision: Revision,
    /// How often the writer was killed since: each time one more commit may have become durable whose
    /// acknowledgement nobody saw.
    pub kills: u64,
}

impl Acknowledged {
    /// Whether a store that loses nothing can be in this state.
    fn allows(&self, number: u64, revision: Revision) -> bool {
        match number.checked_sub(self.number) {
            Some(0) => revision == self.revision,
            Some(unseen) => unseen <= self.kills && revision > self.revision,
            None => false,
        }
    }
}

/// What is known of the writers.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    acknowledged: BTreeMap<u64, Acknowledged>,
    /// The revisions of commits that readers saw, by writer and number.
    sightings: BTreeMap<(u64, u64), Revision>,
}

impl Seen {
    /// Notes a commit that was acknowledged.
    ///
    /// # Errors
    /// Where the line has another form.
    pub fn acknowledged(&mut self, line: &str) -> Result<(), String> {
        let (writer, number, revision) = read_line(line)?;
        let acknowledged = Acknowledged {
            number,
            revision,
            kills: 0,
        };
        self.acknowledged.insert(writer, acknowledged);
        Ok(())
    }

    /// Notes a commit that a reader saw.
    ///
    /// # Errors
    /// Where the line has another form, or the same commit was seen with another revision.
    pub fn sighted(&mut self, line: &str) -> Result<(), String> {
        let (writer, number, revision) = read_line(line)?;
        match self.sightings.entry((writer, number)) {
            btree_map::Entry::Vacant(place) => {
                place.insert(revision);
            }
            btree_map::Entry::Occupied(place) if *place.get() == revision => {}
            btree_map::Entry::Occupied(place) => {
                return Err(format!(
                    "commit {number} of writer {writer} was seen as {:?} and as {revision:?}",
                    place.get()
                ));
            }
        }
        Ok(())
    }

    /// The first so many writers were killed.
    pub fn killed(&mut self, writers: u64) {
        for writer in 0..writers {
            let seen = self.acknowledged.entry(writer).or_insert(Acknowledged {
                number: 0,
                revision: Revision(0),
                kills: 0,
            });
            seen.kills += 1;
        }
    }

    /// Compares with what is there of a writer, from which it goes on.
    ///
    /// # Errors
    /// Says in words what is lost.
    pub fn check(&mut self, writer: u64, found: &Found) -> Result<(), String> {
        let (number, revision) = (found.number, found.revision);
        let seen = self.acknowledged.get(&writer).copied();
        if !seen.map_or(number == 0, |seen| seen.allows(number, revision)) {
            return Err(format!(
                "writer {writer}: {seen:?} was acknowledged, {number} ({revision:?}) is there"
            ));
        }
        for ((_, sighted), was) in self.sightings.range((writer, 0)..=(writer, u64::MAX)) {
            let is_now = found.commits.get(sighted);
            if *sighted > number || is_now.is_some_and(|is_now| is_now != was) {
                return Err(format!(
                    "writer {writer}: a reader saw commit {sighted} as {was:?}, \
                     {is_now:?} is there and the last commit is {number}"
                ));
            }
        }
        let goes_on = Acknowledged {
            number,
            revision,
            kills: 0,
        };
        self.acknowledged.insert(writer, goes_on);
        Ok(())
    }

    /// How many sightings there are since they were last forgotten, which this does.
    pub fn forget_sightings(&mut self) -> usize {
        std::mem::take(&mut self.sightings).len()
    }

    /// How many commits all writers together made.
    pub fn commits(&self) -> u64 {
        self.acknowledged.values().map(|seen| seen.number).sum()
    }
}

/// Takes a line of a victim's: the writer, the number of its commit, the revision.
///
/// # Errors
/// Where it is no such line.
fn read_line(line: &str) -> Result<(u64, u64, Revision), String> {
    let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok([writer, number, revision]) => Ok((*writer, *number, Revision(*revision))),
        _ => Err(format!("the victim wrote {line:?}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two kills without a check between them can hide one commit each.
    #[test]
    fn what_was_not_seen_is_bounded_by_the_kills() {
        let seen = |kills| Acknowledged {
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

    #[test]
    fn what_was_read_must_be_there_or_replaced() {
        let found = |number, revision, commits: &[(u64, u64)]| Found {
            number,
            revision: Revision(revision),
            commits: commits
                .iter()
                .map(|(number, revision)| (*number, Revision(*revision)))
                .collect(),
        };
        let check = |found: &Found| {
            let mut seen = Seen::default();
            seen.acknowledged("3 7 20").unwrap();
            seen.sighted("3 8 22").unwrap();
            seen.sighted("3 1 2").unwrap();
            seen.killed(4);
            seen.check(3, found)
        };
        assert_eq!(check(&found(8, 22, &[(7, 20), (8, 22)])), Ok(()));
        assert!(check(&found(7, 20, &[(7, 20)])).is_err(), "read, and lost");
        assert!(check(&found(8, 23, &[(8, 23)])).is_err(), "read as another");
        let other = found(8, 22, &[(1, 3), (8, 22)]);
        assert!(check(&other).is_err(), "an older one became another");
    }

    #[test]
    fn one_commit_has_one_revision() {
        let mut seen = Seen::default();
        seen.sighted("1 2 3").unwrap();
        seen.sighted("1 2 3").unwrap();
        assert!(seen.sighted("1 2 4").is_err());
        assert!(seen.sighted("1 2").is_err());
        assert!(seen.acknowledged("x").is_err());
    }

    #[test]
    fn writers_that_never_ran_have_nothing() {
        let mut seen = Seen::default();
        assert_eq!(seen.check(0, &Found::default()), Ok(()));
        let something = Found {
            number: 1,
            revision: Revision(1),
            ..Found::default()
        };
        assert!(seen.check(1, &something).is_err());
        seen.killed(2);
        assert_eq!(seen.check(1, &something), Ok(()));
    }
}
